"""What the law asks of a library, what is missing, and what to do about it; what could not be asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import datalib_vocab
from datalib.publish.markup import Markup, joined, plain, said, tag
from datalib.publish.parts import COMPUTED, bullets, paragraph, section
from datalib.publish.wording import Wording
from datalib.rules import checking
from datalib.rules.checking import ERROR, Finding, Result

_PLACES: Final = 20  # of one rule; `datalib check` names all


def duties(rules: Result, say: Wording) -> Markup:
    """Write the findings, errors first, then what could not be asked and what no rule covers."""
    errors, warnings = rules.count(ERROR), rules.count(checking.WARNING)
    counted = say("duties.counted", errors=errors, warnings=warnings, asked=len(rules.asked), date=str(rules.today))
    broken = dict[str, list[Finding]]()
    for one in rules.findings:
        broken.setdefault(one.rule, []).append(one)
    findings = [_finding(found, say) for found in broken.values()]
    unasked = _unasked(rules, say)
    uncovered = [_named("not_loaded", act, say) for act in rules.not_loaded]
    uncovered += [_named("not_covered", code, say) for code in checking.NOT_COVERED]
    return section(
        "duties",
        (COMPUTED,),
        say,
        paragraph(counted),
        tag("ul", *findings, class_="findings") if findings else None,
        tag("details", tag("summary", say("duties.unasked", count=len(unasked))), bullets(unasked, say))
        if unasked
        else None,
        tag("details", tag("summary", say("duties.uncovered", count=len(uncovered))), bullets(uncovered, say)),
        paragraph(say("duties.opinion"), "note"),
    )


def _finding(found: Sequence[Finding], say: Wording) -> Markup:
    """Write a rule and every place where it is broken."""
    rule, severity = found[0].rule, found[0].severity
    entry: Mapping[str, Any] = datalib_vocab.rules()["rules"][rule]
    name = tag("strong", say(f"severity.{severity}"), class_=f"severity {severity}")
    places = [Markup(" · ".join(said(part, limit=200) for part in (one.where, one.detail) if part)) for one in found]
    places = [place for place in places if place]
    return tag(
        "li",
        tag("p", name, Markup(f" {plain(entry['text'][say.lang])} {tag('code', rule)}")),
        paragraph(places[0], "note") if len(places) == 1 else None,
        bullets(places, say, "places", limit=_PLACES) if len(places) > 1 else None,
        paragraph(say("duties.article", article=Markup(plain(datalib_vocab.article(rule, say.lang))))),
        paragraph(say("duties.remedy", remedy=Markup(plain(entry["remedy"][say.lang])))),
        class_=severity,
    )


def _unasked(rules: Result, say: Wording) -> list[Markup]:
    """Gather the rules that wait for the same thing."""
    waiting = dict[tuple[str, str], list[str]]()
    for one in rules.unasked:
        found = waiting.setdefault((one.why, one.detail), [])
        if one.rule not in found:
            found.append(one.rule)
    lines = list[Markup]()
    for (why, detail), names in waiting.items():
        about = tag("code", said(detail, limit=200)) if detail else None
        lines.append(joined(_named("gaps", why, say), ": " if about else None, about, f" ({', '.join(names)})"))
    return lines


def _named(group: str, code: str, say: Wording) -> Markup:
    return plain(datalib_vocab.rules()[group][code][say.lang])
