"""Between libraries and the log of a registry: verify and submit new events, put proofs into a library.

Source: datalib trust specification §9, "Admission"; what the log does with them is in ``datalib.trust.registry``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datalib import acts, unverified
from datalib.chain.replay import MAX_DELAY
from datalib.errors import Misuse, Refused
from datalib.library.store import Folder
from datalib.trust import heads, registry, tlog
from datalib.trust.entries import Entry, EventEntry, PolicyEntry
from datalib.trust.headmap import Head
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.policy import Policy, Roots
from datalib.trust.registry import Registry
from datalib.trust.tlog import MAX_PROOF, TlogProof
from datalib.verify import EventTime, Facts, believe, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What was admitted: events by their ids, the policy if the log did not know it.

    ``waiting`` counts entries of all libraries that are not published; ``published``: all of this one's events are.
    """

    library: str
    events: tuple[str, ...]
    policy: str | None
    waiting: int
    published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The proofs that a library has now: events with a new proof, the newest event, the size of the log."""

    library: str
    events: tuple[str, ...]
    head: str
    size: int


def submit(
    log: Path,
    library: Path,
    *,
    policy: bytes | Policy,
    roots: Roots | None,
    now: int,
    data: str = "full",
    progress: Callable[[int], None] | None = None,
) -> Submission:
    """Verify a library whole and admit the events that the log does not have; admitting again changes nothing.

    Raises ``Refused`` with the first error of the verification, or ``E-LOG-ORIGIN`` (the policy does not name this
    log), ``E-HEAD-ROLLBACK``, ``E-CHAIN-FORK``, ``E-TIME-DELAY``, ``E-POLICY-ROLLBACK``, ``E-POLICY-FORK``.
    """
    believed = believe(policy, roots, now, None)
    report = verify(library, policy=believed, now=now, require=(), data=data, progress=progress, admission=True)
    if not report.integrity.ok or report.facts is None:
        raise Refused(report.integrity.code, report.integrity.where, report.integrity.detail)
    with registry.opened(log) as log_:
        _check_named(log_, believed)
        entries = [*_policy(log_, believed), *_new(log_, report.facts, now)]
        log_.admit(entries)
        admitted = tuple(entry.event for entry in entries if isinstance(entry, EventEntry))
        known = any(isinstance(entry, PolicyEntry) for entry in entries)
        return Submission(
            library=report.facts.library,
            events=admitted,
            policy=believed.sha256 if known else None,
            waiting=log_.waiting(),
            published=_is_published(log_, report.facts),
        )


def _is_published(log: Registry, facts: Facts) -> bool:
    head = log.published_head(facts.library)
    return head is not None and head.event == facts.head


def submit_policy(log: Path, *, policy: bytes | Policy, roots: Roots | None, now: int) -> str | None:
    """Admit a policy without a library; give its digest, ``None`` if the log has it. Errors as in ``submit``."""
    believed = believe(policy, roots, now, None)
    with registry.opened(log) as log_:
        _check_named(log_, believed)
        entries = _policy(log_, believed)
        log_.admit(entries)
        return believed.sha256 if entries else None


def _check_named(log: Registry, policy: Policy) -> None:
    if policy.vouched:
        raise Misuse("E-NO-TRUST", "--policy", "a registry admits by a signed policy")
    if log.key not in policy.log.logs:
        raise Refused("E-LOG-ORIGIN", log.key.name, "the policy does not name this log with this key")


def _policy(log: Registry, policy: Policy) -> list[Entry]:
    """Give the entry of a policy that the log does not know: so the registrar shows the same one to everybody."""
    entry = PolicyEntry(policy=policy.sha256, version=policy.version)
    return [] if log.policy == entry else [entry]


def _new(log: Registry, facts: Facts, now: int) -> list[Entry]:
    """Give the entries of events that the log does not have."""
    lib, events = facts.library, facts.events
    start = _known([event.id for event in events], log.newest(lib))
    for position, event in enumerate(events[start:], start):
        if event.claimed < now - MAX_DELAY:
            days = (now - event.claimed) // 86_400
            raise Refused("E-TIME-DELAY", f"event {position}", f"made {days} days ago, and not logged")
    return [_entry(lib, events, position) for position in range(start, len(events))]


def _entry(lib: str, events: Sequence[EventTime], position: int) -> EventEntry:
    prev = events[position - 1].id if position else None
    return EventEntry(event=events[position].id, lib=lib, prev=prev, seq=position)


def _known(events: Sequence[str], head: Head | None) -> int:
    """Tell how many events of a chain (their ids) the log has: ``E-HEAD-ROLLBACK``, ``E-CHAIN-FORK``."""
    if head is None:
        return 0
    if len(events) <= head.seq:
        raise Refused("E-HEAD-ROLLBACK", "chain.jsonl", f"{len(events)} events, the log has {head.seq + 1}")
    if events[head.seq] != head.event:
        raise Refused("E-CHAIN-FORK", "chain.jsonl", f"event {head.seq} is {head.event} in the log")
    return head.seq + 1


def prove(log: Path, library: Path, *, now: int, policy: LogPolicy | None = None) -> Proven:
    """Put the proofs of a library's events and of its head into ``proofs/``. Proofs that hold are kept.

    With a log policy, each proof has the quorum. Raises ``Refused``: ``E-LOG-MISSING`` if the log has not published
    the last event yet, ``E-HEAD-ROLLBACK`` if it has published later ones, ``E-CHAIN-FORK``, ``E-LOG-QUORUM``.
    """
    with registry.opened(log) as log_, acts.writing(library) as folder:
        record = unverified.record(folder)
        lib, events = record.library, [link.id for link in record.chain]
        known = _known(events, log_.published_head(lib))
        if known < len(events):
            raise Refused("E-LOG-MISSING", f"chain.jsonl:{known + 1}", "the log has not published this event yet")
        prevs = [None, *events[:-1]]
        leaves = {
            event: EventEntry(event=event, lib=lib, prev=prev, seq=seq).serialise()
            for seq, (event, prev) in enumerate(zip(events, prevs, strict=True))
        }
        rules = policy or log_.alone
        missing = [event for event in events if not _holds(folder, event, leaves[event], rules, now)]
        found = log_.locate(lib, set(missing))
        for event in missing:
            folder.write(_name(event), log_.prove(found[event], rules))
        if not registry.cosigned(log_.published.note, rules):
            raise Refused("E-LOG-QUORUM", log_.key.name, "the newest checkpoint")
        head = log_.prove_head(lib)
        if head is not None:
            folder.write(heads.NAME, head)
        return Proven(library=lib, events=tuple(missing), head=events[-1], size=log_.size)


def _name(event: str) -> str:
    return f"proofs/{event}.tlog-proof"


def _holds(folder: Folder, event: str, leaf: bytes, policy: LogPolicy, now: int) -> bool:
    """Tell whether there is a proof already that is enough for a policy."""
    if not folder.exists(_name(event)):
        return False
    try:
        data = folder.read(_name(event), limit=MAX_PROOF, missing="E-LOG-MISSING", too_large="E-LOG-PROOF")
        tlog.check(TlogProof.parse(data), leaf, policy, now)
    except Refused:
        return False
    return True
