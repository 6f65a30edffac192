"""Rules on duties with a term, from the private register: PD-08 to PD-11, PD-23, RV-01, RV-02.

Source: Personal Data Law (94-V) art. 8(7), 10-1, 19, 19-1(3), 25(2)(8); Digital Code art. 41; AI Law art. 18(1)(4);
Order 196/НҚ of 10.04.2026, p. 6 to 8.
"""

from collections.abc import Mapping
from typing import Final

from datalib.rules.case import Answer, Case, Check, Gap, Hit
from datalib.rules.deadlines import Deadline, of_kind


def _ask(kind: str, *states: str) -> Check:
    """Make a check: duties of a kind that are in one of the states. Without personal data nobody needs a register."""

    def check(case: Case) -> Answer:
        if case.deadlines is None:
            if case.present != "none":
                yield Gap(why="register")
            return
        yield from (_hit(one) for one in of_kind(case.deadlines, kind, *states))

    return check


def _hit(one: Deadline) -> Hit:
    approximately = "" if one.certain else "~"
    due = f", {approximately}{one.due}" if one.due else ""
    return Hit(where=f"register#/{one.kind}/{one.ref}", detail=f"{one.since}{due}")


def risk_reviewed(case: Case) -> Answer:
    """RV-01: the latest review of risks counts."""
    if case.deadlines is None:
        yield Gap(why="register")
        return
    risks = [one for one in case.deadlines if one.what == "risk"]
    last = max(risks, key=lambda one: one.since, default=None)
    if last is None:
        yield Gap(why="undeclared", detail="register: reviews, risk")
    elif last.state == "late":
        yield _hit(last)


def authority_late(case: Case) -> Answer:
    """RV-02."""
    if case.deadlines is None:
        yield Gap(why="register")
        return
    yield from (_hit(one) for one in of_kind(case.deadlines, "reviews", "late") if one.authority)


RULES: Final[Mapping[str, Check]] = {
    "PD-08.1": _ask("withdrawals", "late"),
    "PD-08.2": _ask("withdrawals", "open", "done-late"),
    "PD-09.1": _ask("objections", "late"),
    "PD-09.2": _ask("objections", "open", "done-late"),
    "PD-10.1": _ask("incidents", "late"),
    "PD-10.2": _ask("incidents", "open", "done-late"),
    "PD-11": _ask("notices", "open", "late", "done-late"),
    "PD-23": _ask("requests", "open"),
    "RV-01": risk_reviewed,
    "RV-02": authority_late,
}
