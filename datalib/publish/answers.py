"""The first sections of a report: the verdict in one sentence, what was checked, what was not."""

from typing import Final

import datalib_vocab
from datalib.admission import Demand
from datalib.publish.markup import Markup, said, tag
from datalib.publish.parts import COMPUTED, bullets, paragraph, section
from datalib.publish.story import Story
from datalib.publish.wording import Wording, moment
from datalib.rules import checking
from datalib.rules.checking import Result
from datalib.verify import Facts, Report, Verdict

YES, NO, OPEN = "yes", "no", "open"
_SIGN: Final = {YES: "✓", NO: "✕", OPEN: "?"}


def verdict(story: Story, say: Wording) -> Markup:
    """Write the answer in one sentence, what to do about a no, and when it was given."""
    kind, sentence, no = _answer(story, say)
    sign = tag("span", _SIGN[kind], class_="sign", aria_hidden="true")
    lines = [paragraph(Markup(f"{sign} {sentence}"), "sentence")]
    if no is not None:
        lines.append(paragraph(_why(no, say)))
        lines.append(paragraph(say("verdict.remedy", remedy=Markup(said(datalib_vocab.remedy(no.code, say.lang))))))
    if story.told is not None:
        duties = tag("a", say("duties.title"), href="#duties")
        lines.append(paragraph(say("verdict.law", duties=duties, **_broken(story.told.law.rules))))
    lines.append(paragraph(say("verdict.at", time=moment(story.now)), "note"))
    return tag(
        "section",
        tag("h2", say("verdict.title"), id="verdict-title", class_="hidden"),
        *lines,
        id="verdict",
        class_=f"verdict {kind}",
        aria_labelledby="verdict-title",
    )


#: How each standing counts.
_KINDS: Final = {"broken": NO, "barred": NO, "vouched": YES, "accepted": YES}


def _broken(rules: Result) -> dict[str, int]:
    return {"errors": rules.count(checking.ERROR), "warnings": rules.count(checking.WARNING)}


def _answer(story: Story, say: Wording) -> tuple[str, Markup, Verdict | None]:
    report, standing, purpose = story.report, story.standing, story.demand.purpose
    use = say("use.for", purpose=say.label("purposes", purpose)) if purpose else say("use.declared")
    files = report.facts.files if report and report.facts else 0
    read = report.read.files if report else 0
    sentence = say(f"verdict.{standing}", use=use, read=read, files=files)
    no = None if report is None else {"broken": report.integrity, "barred": report.gate}.get(standing)
    return _KINDS.get(standing, OPEN), sentence, no


def _why(no: Verdict, say: Wording) -> Markup:
    english = None if say.lang == "en" else "en"  # the language of all details
    details = [said(part, lang) for part, lang in ((no.where, None), (no.detail, english)) if part]
    code = tag("code", no.code)
    text = Markup(said(datalib_vocab.text(no.code, say.lang)))
    return say("verdict.why", code=code, text=text, details=Markup(" · ".join(details)))


def checks(story: Story, say: Wording) -> Markup:
    """Write what was checked and what was not."""
    if story.report is None:
        done, open_ = list[Markup](), [say("unchecked.trust")]
    elif story.report.facts is None:
        done, open_ = [], [say("unchecked.rest")]
    else:
        done, open_ = _done(story, story.report, story.report.facts, say), _open(story.report, story.report.facts, say)
    if story.told is not None:
        rules = story.told.law.rules
        sets = ", ".join(say.text(f"rules.{one}") for one in rules.sets)
        done.append(say("checked.rules", count=len(rules.asked), sets=Markup(sets), **_broken(rules)))
        if rules.unasked:
            open_.append(say("unchecked.rules", count=len({one.rule for one in rules.unasked})))
    open_.append(say("unchecked.truth"))
    nothing = paragraph(say("checked.nothing"))
    return section(
        "checks",
        (COMPUTED,),
        say,
        tag("h3", say("checked.title")),
        bullets(done, len(done), say, "done") if done else nothing,
        tag("h3", say("unchecked.title")),
        bullets(open_, len(open_), say, "open"),
    )


def _done(story: Story, report: Report, facts: Facts, say: Wording) -> list[Markup]:
    events, skipped = len(facts.events), set(facts.not_checked)
    logged = sum(event.trusted is not None for event in facts.events)
    found = [
        say("checked.packed", kind=str(story.packed)) if story.packed else None,
        None if story.vouched else say("checked.policy"),
        say("checked.chain", events=events),
        say("checked.log", logged=logged, events=events) if logged else None,
        None if "head" in skipped else say("checked.head"),
        None if "state" in skipped else say("checked.state"),
        say("checked.listing", files=facts.files),
        say("checked.files", read=report.read.files, files=facts.files, bytes=report.read.bytes)
        if report.read.files
        else None,
        say("checked.inputs", count=len(facts.producers) - 1) if len(facts.producers) > 1 else None,
        *(_asked(story.demand, say) if report.gate is not None and report.gate.ok else ()),
    ]
    return [one for one in found if one is not None]


def _asked(demand: Demand, say: Wording) -> list[Markup]:
    found = [say("checked.purpose", purpose=say.label("purposes", demand.purpose))] if demand.purpose else []
    if demand.require:
        claims = Markup(", ".join(tag("code", said(claim)) for claim in demand.require))
        found.append(say("checked.claims", claims=claims))
    return found


def _open(report: Report, facts: Facts, say: Wording) -> list[Markup]:
    barred = [] if report.gate is not None and report.gate.ok else [say("unchecked.gate")]
    strays = [] if report.read.files else [say("unchecked.strays")]
    return [*barred, *(say(f"unchecked.{code}") for code in facts.not_checked), *strays]
