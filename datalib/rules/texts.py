"""What rules say in a language, those of the vocabulary and those of profiles alike."""

from collections.abc import Mapping

import datalib_vocab
from datalib.rules.checking import Result
from datalib.rules.profile import ProfileCheck


def checks_of(result: Result) -> dict[str, ProfileCheck]:
    """Give the checks of the profiles that were asked, by id."""
    return {check.id: check for profile in result.profiles for check in profile.checks}


def texts_of(rule: str, lang: str, extra: Mapping[str, ProfileCheck]) -> dict[str, str]:
    """Give article, title, text and remedy of a rule; ``extra`` are the checks of profiles. ``KeyError`` for others."""
    if rule in extra:
        found = extra[rule]
        text, remedy = pick(found.text, lang), pick(found.remedy, lang)
        return {"article": found.article, "title": text, "text": text, "remedy": remedy}
    entry = datalib_vocab.rules()["rules"][rule]
    lang = lang if lang in datalib_vocab.LANGUAGES else "en"
    said = {member: entry[member][lang] for member in ("title", "text", "remedy")}
    return {"article": datalib_vocab.article(rule, lang), **said}


def pick(texts: Mapping[str, str], lang: str) -> str:
    """Give a text of a profile in the language, else in English, else in any; empty if there is none."""
    return texts.get(lang) or texts.get("en") or next(iter(texts.values()), "")


def waiting(result: Result) -> dict[tuple[str, str], list[str]]:
    """Gather the rules that could not be asked by what they wait for: why and detail of `checking.Unasked`."""
    found = dict[tuple[str, str], list[str]]()
    for one in result.unasked:
        rules = found.setdefault((one.why, one.detail), [])
        if one.rule not in rules:
            rules.append(one.rule)
    return found
