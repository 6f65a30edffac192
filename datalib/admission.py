"""The gate: whether a sound library may be used for a purpose, now.

Source: datalib trust specification §10, step 11.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datalib.chain.assembly import Taken
from datalib.chain.events import Amend, Attest, Claim, Event, evidence_of
from datalib.chain.history import History
from datalib.chain.links import Link
from datalib.errors import Refused
from datalib.library.manifest import Manifest
from datalib.trust.policy import Policy

#: Reasons of amendments that whoever took the library before must follow.
MUST_FOLLOW = frozenset({"optout", "erasure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the job asks for: a purpose, claims that must have passed, whether their evidence must be there.

    ``data``: how the files are read, which is done before (`datalib.library.sampling`).
    """

    purpose: str | None = None
    require: tuple[str, ...] = ("optout",)
    evidence: bool = False
    data: str = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged: a library that passed every check of integrity."""

    history: History
    manifest: Manifest
    taken: Sequence[Taken]
    evidence: frozenset[str]


def check(case: Case, policy: Policy, demand: Demand, now: int) -> None:
    """Refuse a library that must not be used; ``now`` in seconds since 1970.

    Raises ``Refused``, the first in this order: ``E-LIB-BLOCKED``, ``E-LIB-WITHDRAWN``, ``E-INPUT-WITHDRAWN``,
    ``E-INPUT-OPTOUT``, ``E-PURPOSE-REFUSED``, ``E-ATTEST-MISSING``, ``-FAILED``, ``-EXPIRED``, ``E-EVIDENCE-MISSING``.
    """
    lib = case.history.lib
    for blocked in (lib, *(taken.history.lib for taken in case.taken)):
        if blocked in policy.blocked:
            raise Refused("E-LIB-BLOCKED", blocked, "the policy blocks this library")
    if case.history.state.withdrawn:
        raise Refused("E-LIB-WITHDRAWN", case.history.links[-1].where, _reason(case.history.links[-1]))
    check_inputs(case.taken)
    if demand.purpose is not None and demand.purpose not in case.manifest.purpose:
        raise Refused("E-PURPOSE-REFUSED", demand.purpose, f"granted: {', '.join(case.manifest.purpose)}")
    for wanted in demand.require:
        _check_claim(case.history, wanted, now)
    missing = evidence_of(link.event for link in case.history.links) - case.evidence
    if demand.evidence and missing:
        raise Refused("E-EVIDENCE-MISSING", f"evidence/{min(missing)}", f"{len(missing)} not shipped")


def last_claim(history: History, wanted: str) -> Claim | None:
    """Give the last claim of a type about the current manifest."""
    current = history.state.manifest
    events = (link.event for link in reversed(history.links))
    claims = (event.claim for event in events if isinstance(event, Attest) and event.manifest == current)
    return next((claim for claim in claims if claim.type == wanted), None)


def check_inputs(taken: Iterable[Taken]) -> None:
    """Refuse what was assembled from withdrawn libraries or has not followed them.

    Raises ``Refused``: ``E-INPUT-WITHDRAWN``, ``E-INPUT-OPTOUT``.
    """
    for each in taken:
        if each.history.state.withdrawn:
            raise Refused("E-INPUT-WITHDRAWN", each.history.links[-1].where, _reason(each.history.links[-1]))
    binding: dict[str, list[int]] = {}
    for each in taken:
        lib, links = each.history.lib, each.history.links
        if lib not in binding:
            binding[lib] = [position for position, link in enumerate(links) if _is_binding(link.event)]
        later = bisect_right(binding[lib], each.position)
        if later < len(binding[lib]):
            link = links[binding[lib][later]]
            raise Refused("E-INPUT-OPTOUT", link.where, f"amended for {_reason(link)} after it was taken")


def _check_claim(history: History, wanted: str, now: int) -> None:
    claim = last_claim(history, wanted)
    if claim is None:
        raise Refused("E-ATTEST-MISSING", wanted, "no attestation about the current version")
    if claim.result != "pass":
        raise Refused("E-ATTEST-FAILED", wanted, f"the last attestation says {claim.result}")
    if claim.until is not None and claim.until <= now:
        raise Refused("E-ATTEST-EXPIRED", wanted, "the last attestation has expired")


def _is_binding(event: Event) -> bool:
    return isinstance(event, Amend) and event.reason in MUST_FOLLOW


def _reason(link: Link) -> str:
    return getattr(link.event, "reason", "")
