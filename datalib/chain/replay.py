"""Replay a chain: who may do what, and what the library is after each event.

Source: datalib trust specification §10, step 5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from datalib.chain.events import OWNERSHIP, POSSESSION, Amend, Event, Genesis, Transfer, Withdraw
from datalib.chain.links import Link
from datalib.errors import Refused
from datalib.library.manifest import Input, Manifest, dropped_source
from datalib.trust.parties import Producer
from datalib.trust.policy import Policy, Role
from datalib.trust.tlog import CLOCK_SKEW

#: How long an event may wait for the log, in seconds.
MAX_DELAY = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The library after an event: ids of owner and possessor, the SHA-256 of its manifest and what that names."""

    producer: Producer
    owner: str
    possessor: str
    manifest: str
    inputs: tuple[Input, ...] = ()
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event in its place: when it was logged (T), the state before it, the manifests before and now."""

    link: Link
    logged: int | None
    before: State
    old: Manifest
    new: Manifest


def replay(
    links: Sequence[Link],
    times: Sequence[int | None],
    policy: Policy,
    manifests: Callable[[str, str], Manifest],
    now: int,
) -> tuple[State, ...]:
    """Give the state after each event.

    ``times`` holds T of each event, or ``None``; ``manifests(digest, where)`` reads a version. Raises ``Refused`` with
    the first error in the order of the specification.
    """
    states: list[State] = []
    old: Manifest | None = None
    claimed = 0
    for link, logged in zip(links, times, strict=True):
        event = link.event
        if states and states[-1].withdrawn:
            raise Refused("E-CHAIN-AFTER-WITHDRAW", link.where, "the library was withdrawn")
        _check_time(link, claimed if states else event.time, logged, now)
        claimed = event.time
        moment = now if logged is None else logged
        for signature in link.envelope.signatures:
            policy.keys[signature.keyid].check_window(moment, link.where)
        new = manifests(event.manifest, link.where)
        if old is None:
            states.append(_genesis(link, new))
        else:
            states.append(_follow(Step(link=link, logged=logged, before=states[-1], old=old, new=new), policy))
        old = new
    return tuple(states)


def _check_time(link: Link, before: int, logged: int | None, now: int) -> None:
    time = link.event.time
    if time < before:
        raise Refused("E-TIME-ORDER", link.where, "earlier than the event before")
    if time > (now if logged is None else logged) + CLOCK_SKEW:
        raise Refused("E-TIME-FUTURE", link.where, "later than its trusted time")
    if logged is not None and time < logged - MAX_DELAY:
        raise Refused("E-TIME-DELAY", link.where, f"logged {(logged - time) // 86_400} days later")


def begin(event: Genesis) -> State:
    """Give the state after a genesis; ``inputs`` are the manifest's to say."""
    person = event.producer.id
    return State(producer=event.producer, owner=person, possessor=person, manifest=event.manifest)


def follow(state: State, event: Event) -> State:
    """Give the state after one more event, without asking whether it may follow."""
    match event:
        case Transfer(recipient=recipient, rights=rights):
            owner = recipient.id if OWNERSHIP in rights else state.owner
            possessor = recipient.id if POSSESSION in rights else state.possessor
            return replace(state, owner=owner, possessor=possessor)
        case Amend():
            return replace(state, manifest=event.manifest)
        case Withdraw():
            return replace(state, withdrawn=True)
        case _:
            return state


def _genesis(link: Link, new: Manifest) -> State:
    event = link.event
    if not isinstance(event, Genesis):
        raise Refused("E-CHAIN-GENESIS", link.where, "the first event is not a genesis")
    if not event.producer.same(new.producer):
        raise Refused("E-PRODUCER-MISMATCH", link.where, "the manifest names another producer")
    return replace(begin(event), inputs=new.inputs)


def _follow(step: Step, policy: Policy) -> State:
    before, event, where = step.before, step.link.event, step.link.where
    if isinstance(event, Amend):
        signers = {policy.keys[signature.keyid].party for signature in step.link.envelope.signatures}
        added = check_amend(before, event, step.old, step.new, where)
        if added and before.producer.id not in signers:
            raise Refused("E-PURPOSE-WIDENED", where, f"{', '.join(added)} without the producer's signature")
        check_kept(step.old, step.new, where)
        return replace(follow(before, event), inputs=step.new.inputs)
    if event.manifest != before.manifest:
        raise Refused("E-STATE-CHANGED", where, "names another manifest than the one before")
    if isinstance(event, Genesis):
        raise Refused("E-CHAIN-GENESIS", where, "a second genesis")
    if isinstance(event, Transfer):
        check_title(before, event, where)
    if isinstance(event, Withdraw) and event.by.id != before.owner and Role.AUTHORITY not in policy.roles(event.by.id):
        raise Refused("E-WITHDRAW-TITLE", where, f"{event.by.id} is neither the owner nor an authority")
    return follow(before, event)


def check_title(before: State, event: Transfer, where: str) -> None:
    """Refuse a transfer of what the sender does not have: ``E-TRANSFER-TITLE``."""
    sender = event.sender.id
    if OWNERSHIP in event.rights and sender != before.owner:
        raise Refused("E-TRANSFER-TITLE", where, f"{sender} is not the owner")
    if POSSESSION in event.rights and sender not in {before.owner, before.possessor}:
        raise Refused("E-TRANSFER-TITLE", where, f"{sender} neither owns nor possesses")


def check_amend(before: State, event: Amend, old: Manifest, new: Manifest, where: str) -> list[str]:
    """Refuse an amendment that nobody may make; give the purposes it adds, for which the producer must sign too."""
    if event.by.id not in {before.owner, before.possessor}:
        raise Refused("E-AMEND-TITLE", where, f"{event.by.id} neither owns nor possesses")
    if event.manifest == before.manifest:
        raise Refused("E-AMEND-NOOP", where, "the manifest is the same")
    if not before.producer.same(new.producer):
        raise Refused("E-PRODUCER-CHANGED", where, "the manifest names another producer, or names it otherwise")
    return sorted(set(new.purpose) - set(old.purpose))


def check_kept(old: Manifest, new: Manifest, where: str) -> None:
    """Refuse an amendment that drops a source (``E-SOURCE-DROPPED``) or an input (``E-INPUT-DROPPED``)."""
    if source := dropped_source(old, new):
        raise Refused("E-SOURCE-DROPPED", where, source.title[:200])
    gone = {item.lib for item in old.inputs} - {item.lib for item in new.inputs}
    if gone:
        raise Refused("E-INPUT-DROPPED", where, ", ".join(sorted(gone)))
