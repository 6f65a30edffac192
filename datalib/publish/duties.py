"""What the law asks of a library, what is missing, and what to do about it; what could not be asked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import datalib_vocab
from datalib.personal.found import Looked
from datalib.publish.bounds import DEADLINES, FINDINGS, FOUND, PLACES, PROFILES, UNASKED, WAIVED, Bound, fitting
from datalib.publish.markup import Markup, joined, plain, said, tag
from datalib.publish.parts import COMPUTED, bullets, more, paragraph, section, table
from datalib.publish.story import Law
from datalib.publish.wording import Wording
from datalib.rules import checking
from datalib.rules.checking import Finding, Result
from datalib.rules.deadlines import Deadline
from datalib.rules.profile import ProfileCheck
from datalib.rules.texts import checks_of, pick, texts_of, waiting

#: How many places of a rule are named, and how many characters of each, the most that there is room for.
_DETAIL: Final = ((PLACES.rows, 200), (3, 200), (1, 60))


def duties(law: Law, say: Wording) -> Markup:
    """Write the findings, errors first, then what could not be asked and what no rule covers."""
    rules = law.rules
    errors, warnings = rules.count(checking.ERROR), rules.count(checking.WARNING)
    counted = say("duties.counted", errors=errors, warnings=warnings, asked=len(rules.asked), date=str(rules.today))
    unasked = waiting(rules)
    uncovered = [_named("not_loaded", act, say) for act in rules.not_loaded]
    uncovered += [_named("not_covered", code, say) for code in checking.NOT_COVERED]
    return section(
        "duties",
        (COMPUTED,),
        say,
        paragraph(counted),
        _findings(rules, say),
        _looked(law.looked, say) if law.looked else None,
        _deadlines(law.deadlines, say) if law.deadlines is not None else None,
        _waived(rules, say) if rules.waived else None,
        _profiles(rules, say) if rules.profiles else None,
        _folded("unasked", _unasked(unasked, say), len(unasked), say, UNASKED) if unasked else None,
        _folded("uncovered", uncovered, len(uncovered), say, UNASKED),
        paragraph(say("duties.opinion"), "note"),
    )


def _folded(name: str, items: Iterable[Markup], total: int, say: Wording, bound: Bound) -> Markup:
    return tag("details", tag("summary", say(f"duties.{name}", count=total)), bullets(items, total, say, bound=bound))


def _findings(rules: Result, say: Wording) -> Markup | None:
    """Write every rule that is broken, with fewer places where there are very many."""
    broken, extra = dict[str, list[Finding]](), checks_of(rules)
    for one in rules.findings:
        broken.setdefault(one.rule, []).append(one)
    kept = list[Markup]()
    for places, letters in _DETAIL:
        kept = fitting((_finding(found, extra, say, places, letters) for found in broken.values()), FINDINGS)
        if len(kept) == len(broken):
            break
    left = more(len(broken) - len(kept), FINDINGS, say)
    return tag("ul", *kept, tag("li", left) if left else None, class_="findings") if broken else None


def _finding(
    found: Sequence[Finding], extra: Mapping[str, ProfileCheck], say: Wording, places: int, letters: int
) -> Markup:
    """Write a rule and places where it is broken."""
    rule, severity = found[0].rule, found[0].severity
    texts = texts_of(rule, say.lang, extra)
    name = tag("strong", say(f"severity.{severity}"), class_=f"severity {severity}")
    placed = [one for one in found if one.where or one.detail]
    lines = (
        Markup(" · ".join(said(part, limit=letters) for part in (one.where, one.detail) if part)) for one in placed
    )
    bound = replace(PLACES, rows=places)
    return tag(
        "li",
        tag("p", name, Markup(f" {said(texts['text'])} {tag('code', said(rule))}")),
        paragraph(next(lines), "note") if len(placed) == 1 else None,
        bullets(lines, len(placed), say, "places", bound) if len(placed) > 1 else None,
        paragraph(say("duties.article", article=texts["article"])) if texts["article"] else None,
        paragraph(say("duties.remedy", remedy=texts["remedy"])) if texts["remedy"] else None,
        class_=severity,
    )


def _looked(found: Looked, say: Wording) -> Markup:
    """Write where personal data were found: places and counts, never values."""
    how = say("looked.full" if found.full else "looked.sample", read=found.read, files=found.files)
    counts = _counts(found.counts, "identifier.", say) or say("looked.nothing")
    order = sorted(found.places, key=lambda place: (not place.column, -sum(place.counts.values())))
    rows = (
        joined(
            said(place.where, limit=200),
            Markup(f" · {said(place.column, limit=80)}") if place.column else None,
            Markup(f": {_counts(place.counts, 'identifier.', say)}"),
        )
        for place in order
    )
    total = len(order) + found.beyond
    return joined(
        tag("h3", say("looked.title")),
        paragraph(joined(counts, Markup("; "), how)),
        bullets(rows, total, say, "places", FOUND) if total else None,
        paragraph(say("looked.unread", what=_counts(found.unread, "unread.", say))) if found.unread else None,
    )


def _counts(counts: Mapping[str, int], group: str, say: Wording) -> Markup:
    return Markup(", ".join(f"{say(group + name)}: {say.number(count)}" for name, count in counts.items()))


def _deadlines(deadlines: Sequence[Deadline], say: Wording) -> Markup:
    """Write what is not done; those that are done only count."""
    waits = [one for one in deadlines if one.state != "done"]
    heads = [say(f"deadlines.{head}") for head in ("due", "what", "ref", "state")]
    rows = (
        (
            _due(one, say),
            say(f"duty.{one.kind}"),
            said(one.ref, limit=200),
            joined(say(f"state.{one.state}"), Markup(f"; {say('deadlines.authority')}") if one.authority else None),
        )
        for one in waits
    )
    shown = table(heads, rows, say("deadlines.caption"), say, total=len(waits), bound=DEADLINES) if waits else None
    return joined(
        tag("h3", say("deadlines.title")),
        paragraph(say("deadlines.private"), "warn"),
        paragraph(say("deadlines.counted", count=len(deadlines), waits=len(waits))),
        shown,
    )


def _due(one: Deadline, say: Wording) -> Markup:
    if one.due is None:
        return say("deadlines.none")
    later = Markup("") if one.certain else Markup(f" {say('deadlines.later')}")
    return Markup(f"{tag('time', str(one.due), datetime=str(one.due))}{later}")


def _waived(rules: Result, say: Wording) -> Markup:
    """Write which rules somebody switched off, why, and what that hides."""
    lines = (
        say("waived.ended", rule=one.waiver.rule, until=str(one.waiver.until))
        if one.ended
        else say(
            "waived.rule",
            rule=one.waiver.rule,
            count=len(one.findings),
            reason=Markup(" · ".join(said(text) for text in (one.waiver.reason, one.waiver.by) if text)),
        )
        for one in rules.waived
    )
    return joined(tag("h3", say("waived.title")), bullets(lines, len(rules.waived), say, bound=WAIVED))


def _profiles(rules: Result, say: Wording) -> Markup:
    lines = (
        say("profiles.one", title=pick(one.title, say.lang), date=str(one.date), source=one.source)
        for one in rules.profiles
    )
    return joined(tag("h3", say("profiles.title")), bullets(lines, len(rules.profiles), say, bound=PROFILES))


def _unasked(unasked: Mapping[tuple[str, str], Sequence[str]], say: Wording) -> Iterator[Markup]:
    for (why, detail), names in unasked.items():
        about = tag("code", said(detail, limit=200)) if detail else None
        yield joined(_named("gaps", why, say), ": " if about else None, about, f" ({', '.join(names)})")


def _named(group: str, code: str, say: Wording) -> Markup:
    return plain(datalib_vocab.rules()[group][code][say.lang])
