"""What the law asks of a library, what is missing, and what to do about it; what could not be asked."""

from collections.abc import Mapping
from typing import Any

import datalib_vocab
from datalib.publish.markup import Markup, joined, plain, said, tag
from datalib.publish.parts import COMPUTED, ROWS, bullets, paragraph, section
from datalib.publish.wording import Wording
from datalib.rules import checking
from datalib.rules.checking import ERROR, Finding, Result


def duties(rules: Result, say: Wording) -> Markup:
    """Write the findings, errors first, then what could not be asked and what no rule covers."""
    errors, warnings = rules.count(ERROR), rules.count(checking.WARNING)
    counted = say("duties.counted", errors=errors, warnings=warnings, asked=len(rules.asked), date=str(rules.today))
    findings = [_finding(one, say) for one in rules.findings[:ROWS]]
    more = len(rules.findings) - ROWS
    unasked = _unasked(rules, say)
    uncovered = [_named("not_loaded", act, say) for act in rules.not_loaded]
    uncovered += [_named("not_covered", code, say) for code in checking.NOT_COVERED]
    return section(
        "duties",
        (COMPUTED,),
        say,
        paragraph(counted),
        tag("ul", *findings, class_="findings") if findings else None,
        paragraph(say("more", count=more)) if more > 0 else None,
        tag("details", tag("summary", say("duties.unasked", count=len(unasked))), bullets(unasked, say))
        if unasked
        else None,
        tag("details", tag("summary", say("duties.uncovered", count=len(uncovered))), bullets(uncovered, say)),
        paragraph(say("duties.opinion"), "note"),
    )


def _finding(one: Finding, say: Wording) -> Markup:
    entry: Mapping[str, Any] = datalib_vocab.rules()["rules"][one.rule]
    severity = tag("strong", say(f"severity.{one.severity}"), class_=f"severity {one.severity}")
    place = Markup(" · ".join(said(part, limit=200) for part in (one.where, one.detail) if part))
    return tag(
        "li",
        tag("p", severity, Markup(f" {plain(entry['text'][say.lang])} {tag('code', one.rule)}")),
        paragraph(place, "note") if place else None,
        paragraph(say("duties.article", article=Markup(plain(datalib_vocab.article(one.rule, say.lang))))),
        paragraph(say("duties.remedy", remedy=Markup(plain(entry["remedy"][say.lang])))),
        class_=one.severity,
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
