"""Which works of a scan got which verdict, in the order of the scan."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datalib.errors import Misuse
from datalib.optout.model import Verdict
from datalib.optout.reread import decisions, having
from datalib.optout.result import read_scan


class Decision(NamedTuple):
    """A work, its verdict, the code of the reason, its URL if it has one."""

    work: str
    verdict: str
    reason: str
    url: str | None


class Listed(NamedTuple):
    """The first decisions of those that were asked for, and how many there are."""

    first: Sequence[Decision]
    total: int


def listed(out: Path, *, verdicts: Sequence[Verdict], reasons: Sequence[str] = (), limit: int) -> Listed:
    """List works with one of the verdicts and, if any are given, one of the reasons; at most ``limit`` of them.

    Raises Misuse (E-USAGE) for a reason that the scan does not have, Refused (E-SCAN-FORMAT), Unchecked (E-IO).
    """
    result = read_scan(out)
    known = result.counts.get("reason", {})
    if unknown := [reason for reason in reasons if reason not in known]:
        raise Misuse("E-USAGE", unknown[0], f"the reasons of this scan are {', '.join(sorted(known))}")
    wanted = {"verdict": verdicts, "reason": reasons or known}
    first, total = list[Decision](), 0
    for batch in decisions(out, result, ["work_id", "verdict", "reason", "url"]):
        chosen = having(batch, wanted)
        total += len(chosen)
        some = chosen.slice(0, limit - len(first))
        first += map(Decision, *(column.to_pylist() for column in some.columns))
    return Listed(first, total)
