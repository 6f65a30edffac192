"""Opt-outs in figures: what a scan decided about the works of a library, and why, as bars with their numbers."""

from collections.abc import Mapping, Sequence
from typing import Final

import datalib_vocab
from datalib.formats import parse_time
from datalib.optout.result import ScanResult
from datalib.publish.bounds import BARS, fitting
from datalib.publish.markup import Markup, joined, said, tag
from datalib.publish.parts import COMPUTED, SIGNED, mark, more, pairs, paragraph, section
from datalib.publish.story import Scanned, Told
from datalib.publish.wording import Wording, moment

VERDICTS: Final = ("admit", "refuse", "hold")


def figures(told: Told, say: Wording) -> Markup:
    """Write what scans found; none is said, too."""
    found = [_scan(scanned, told, say) for scanned in told.scans]
    return section("optout", (), say, *(found or [paragraph(say("optout.none"))]))


def _scan(scanned: Scanned, told: Told, say: Wording) -> Markup:
    verified = told.known.assurance != "declared"
    if scanned.by is None:
        head = [tag("h3", say("optout.given")), paragraph(mark(COMPUTED, say)), paragraph(say("optout.unsigned"))]
    else:
        result = say(f"result.{scanned.result}")
        kind = SIGNED if verified else "declared"
        head = [
            tag("h3", say("optout.attested", by=say.party(scanned.by), result=result)),
            paragraph(mark(kind, say)),
        ]
        if scanned.until is not None:
            head.append(paragraph(say("past.until", time=moment(scanned.until))))
    if scanned.fault is not None:
        return tag(
            "div", *head, paragraph(say("optout.unreadable", code=tag("code", scanned.fault.code))), class_="scan"
        )
    if scanned.found is None:
        return tag("div", *head, paragraph(say("optout.unshipped")), class_="scan")
    return tag("div", *head, *_charts(scanned, scanned.found, say), class_="scan")


def _charts(scanned: Scanned, found: ScanResult, say: Wording) -> Sequence[Markup]:
    counts = found.counts
    by_verdict = counts.get("verdict", {})
    verdicts = [(say(f"verdict.{code}"), by_verdict.get(code, 0), code) for code in VERDICTS]
    reasons = [
        (Markup(f"{said(datalib_vocab.reason(code, say.lang))} {tag('code', said(code))}"), count, "")
        for code, count in _by_count(counts.get("reason", {}))
    ]
    signals = [
        (Markup(f"{said(datalib_vocab.signal(code, say.lang))} {tag('code', said(code))}"), count, "")
        for code, count in _by_count(counts.get("signal", {}))
    ]
    asked = [
        (tag("code", said(name)) if name else say("optout.nothing"), count, "")
        for name, count in _by_count(counts.get("asked", {}))
    ]
    facts = [
        (say("optout.time"), moment(parse_time(found.time))),
        (say("optout.works"), say.number(found.works)),
        (say("optout.profile"), said(found.profile)),
        (say("optout.agent"), said(found.agent)),
        (say("optout.tool"), said(found.tool)),
        (
            say("optout.cover"),
            Markup(
                f"{say('optout.covered', covered=scanned.covered, files=scanned.files, foreign=scanned.foreign)} "
                f"{mark(COMPUTED, say)}"
            ),
        ),
    ]
    charts = (("verdicts", verdicts), ("reasons", reasons), ("signals", signals), ("asked", asked))
    return [pairs(facts), *(chart(name, bars, found.works, say) for name, bars in charts if bars)]


def chart(name: str, bars: Sequence[tuple[Markup, int, str]], total: int, say: Wording) -> Markup:
    """Write bars as a table: what, how many, and a bar whose whole length stands for ``total``, at least the longest.

    Each bar has a kind, which gives its colour.
    """
    whole = max([total, 1, *(count for _, count, _ in bars)])
    rows = fitting(
        (
            tag("tr", tag("th", label, scope="row"), tag("td", say.number(count)), tag("td", _bar(count, whole, kind)))
            for label, count, kind in bars
        ),
        BARS,
    )
    heads = (say(f"optout.{name}"), say("optout.count"))
    head = tag("tr", *(tag("th", head, scope="col") for head in heads), tag("td"))
    caption = tag("caption", say(f"optout.{name}.caption"))
    whole_table = tag("table", caption, tag("thead", head), tag("tbody", *rows), class_="bars")
    rest = more(len(bars) - len(rows), BARS, say)
    return joined(whole_table, paragraph(rest, "note") if rest else None)


def _bar(count: int, whole: int, kind: str) -> Markup:
    part = max(100 * count / whole, 0.5 if count else 0)
    filled = tag("rect", width=f"{part:.2f}%", height="100%", class_=kind or "count")
    return tag(
        "svg", tag("rect", width="100%", height="100%", class_="track"), filled, class_="bar", aria_hidden="true"
    )


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
