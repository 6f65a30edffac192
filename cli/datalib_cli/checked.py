"""What the law asks, as text and as JSON: findings, what was not asked, deadlines, one rule explained."""

from typing import TYPE_CHECKING, Any

import datalib_vocab
from datalib_cli.layout import Block, Line
from datalib_cli.texts import LANGUAGES, Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalib.rules.checking import Finding, Result
    from datalib.rules.deadlines import Deadline
    from datalib.rules.profile import ProfileCheck

_LETTER = {"error": "E", "warning": "W"}
_TONE = {"error": "bad", "warning": "warn"}
#: What follows a duty of each list, for people.
DUTIES = {
    "withdrawals": "withdrawal of consent",
    "objections": "objection to automated processing",
    "incidents": "incident or correction",
    "notices": "notice of a third party",
    "requests": "request of a person",
    "reviews": "review",
}
#: How a duty stands.
STATES = {"late": "late", "open": "open", "done-late": "done, late", "done": "done"}


def _named(group: str, code: str, lang: str) -> str:
    entry = datalib_vocab.rules()[group].get(code)
    return str(entry[lang if lang in LANGUAGES else "en"]) if entry else code


def result_data(
    result: "Result", deadlines: "Sequence[Deadline] | None", not_covered: "Iterable[str]", lang: str
) -> dict[str, Any]:
    """Give a check as the JSON object that programs read."""
    from datalib.rules.texts import checks_of, texts_of

    extra = checks_of(result)

    def finding(one: "Finding") -> dict[str, Any]:
        facts = {"rule": one.rule, "severity": one.severity, "where": one.where, "detail": one.detail}
        return facts | texts_of(one.rule, lang, extra)

    return {
        "rules": list(result.sets),
        "date": str(result.today),
        "asked": list(result.asked),
        "errors": result.count("error"),
        "warnings": result.count("warning"),
        "findings": [finding(one) for one in result.findings],
        "switched_off": [
            {
                "rule": one.waiver.rule,
                "reason": one.waiver.reason,
                "by": one.waiver.by,
                "until": str(one.waiver.until) if one.waiver.until else None,
                "ended": one.ended,
                "findings": [finding(hit) for hit in one.findings],
            }
            for one in result.waived
        ],
        "not_asked": [{"rule": one.rule, "why": one.why, "detail": one.detail} for one in result.unasked],
        "deadlines": None if deadlines is None else [one.to_dict() for one in deadlines],
        "profiles": [{"act": one.act, "date": str(one.date), "source": one.source} for one in result.profiles],
        "acts_not_loaded": list(result.not_loaded),
        "not_covered": list(not_covered),
    }


def result_lines(
    result: "Result", deadlines: "Sequence[Deadline] | None", not_covered: "Iterable[str]", say: Texts
) -> list[Block]:
    """Write a check for people: what is broken first, then what is silent."""
    from datalib.rules.texts import checks_of, pick, waiting

    extra = checks_of(result)
    lines: list[Block] = [
        say(
            "errors: {errors}, warnings: {warnings}; rules asked: {asked} ({sets}), {date}",
            errors=result.count("error"),
            warnings=result.count("warning"),
            asked=len(result.asked),
            sets=", ".join(result.sets),
            date=result.today,
        )
    ]
    for one in result.findings:
        lines += _finding_lines(one, say, extra)
    lines += _waived_lines(result, say)
    lines += _deadline_lines(deadlines or (), say)
    if result.unasked:
        lines.append(say("could not be checked:"))
    for (why, detail), rules in waiting(result).items():
        lines.append(f"  - {_named('gaps', why, say.lang)}{f': {detail}' if detail else ''} ({', '.join(rules)})")
    for profile in result.profiles:
        title, date = pick(profile.title, say.lang), profile.date
        lines.append(say("loaded: {title} ({date}), from {source}", title=title, date=date, source=profile.source))
    if result.not_loaded:
        lines.append(say("acts not loaded:"))
        lines += [f"  - {_named('not_loaded', act, say.lang)}" for act in result.not_loaded]
    lines.append(say("not covered:"))
    lines += [f"  - {_named('not_covered', code, say.lang)}" for code in not_covered]
    lines.append(say("This is help for preparing, no legal opinion. One rule: `datalib check --explain RULE`"))
    return lines


def _finding_lines(one: "Finding", say: Texts, extra: "Mapping[str, ProfileCheck]") -> list[Block]:
    from datalib.rules.texts import texts_of

    texts = texts_of(one.rule, say.lang, extra)
    detail = f" ({one.detail})" if one.detail else ""
    where = f" {one.where}" if one.where else ""
    second = " → ".join(part for part in (texts["article"], texts["remedy"]) if part)
    told = f"{_LETTER[one.severity]} {one.rule}{where}: {texts['text']}{detail}"
    first = Line(text=told, tone=_TONE.get(one.severity, ""))
    return [first, f"    {second}"] if second else [first]


def _waived_lines(result: "Result", say: Texts) -> list[str]:
    lines = [say("switched off:")] if result.waived else []
    for one in result.waived:
        waiver = one.waiver
        if one.ended:
            lines.append("  " + say("{rule}: ended on {until}, asked again", rule=waiver.rule, until=waiver.until))
            continue
        by = f" ({waiver.by})" if waiver.by else ""
        count = len(one.findings)
        lines.append(
            "  " + say("{rule}, findings: {count}: {reason}", rule=waiver.rule, count=count, reason=waiver.reason) + by
        )
    return lines


def _deadline_lines(deadlines: "Sequence[Deadline]", say: Texts) -> list[str]:
    shown = [one for one in deadlines if one.state != "done"]
    lines = [say("deadlines:")] if shown else []
    for one in shown:
        due = str(one.due) if one.due else say("no term")
        about = "" if one.certain else " " + say("or later: the calendar ends before")
        who = f" ({say('the duty of an authority')})" if one.authority else ""
        kind = f" ({one.what})" if one.what else ""
        lines.append(f"  {due}{about}  {say(STATES[one.state])}: {say(DUTIES[one.kind])}{kind} {one.ref}{who}")
    return lines


def explained_data(rules: "Sequence[str]", lang: str) -> dict[str, Any]:
    """Give rules with all that is known of them."""
    from datalib.rules.texts import texts_of

    entries = datalib_vocab.rules()["rules"]
    return {
        "rules": [
            {
                "rule": rule,
                "severity": entries[rule]["severity"],
                "members": entries[rule]["members"],
                **texts_of(rule, lang, {}),
            }
            for rule in rules
        ]
    }


def explained_lines(rules: "Sequence[str]", say: Texts) -> list[str]:
    """Write rules for people."""
    lines = list[str]()
    for one in explained_data(rules, say.lang)["rules"]:
        lines.append(f"{one['rule']}  {one['title']}  [{say(one['severity'])}]")
        lines.append(f"  {one['article']}")
        lines.append("  " + say("broken: {text}", text=one["text"]))
        lines.append("  " + say("what to do: {remedy}", remedy=one["remedy"]))
        if one["members"]:
            lines.append("  " + say("members: {members}", members=", ".join(one["members"])))
    return lines


#: Words for severities.
SEVERITIES = {"error": "error", "warning": "warning"}
