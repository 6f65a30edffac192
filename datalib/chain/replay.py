"""Replay a chain: who may do what, and what the library is after each event.

Source: datalib trust specification §10, step 5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from datalib.chain.events import OWNERSHIP, POSSESSION, Amend, Attest, Event, Genesis, Transfer, Withdraw
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


def _genesis(link: Link, new: Manifest) -> State:
    event = link.event
    if not isinstance(event, Genesis):
        raise Refused("E-CHAIN-GENESIS", link.where, "the first event is not a genesis")
    if not event.producer.same(new.producer):
        raise Refused("E-PRODUCER-MISMATCH", link.where, "the manifest names another producer")
    person = event.producer.id
    return State(producer=event.producer, owner=person, possessor=person, manifest=event.manifest, inputs=new.inputs)


def _follow(step: Step, policy: Policy) -> State:
    event = step.link.event
    if isinstance(event, Amend):
        _check_amend(step, event, policy)
        return replace(step.before, manifest=event.manifest, inputs=step.new.inputs)
    if event.manifest != step.before.manifest:
        raise Refused("E-STATE-CHANGED", step.link.where, "names another manifest than the one before")
    return _unchanged(step, event, policy)


def _unchanged(step: Step, event: Event, policy: Policy) -> State:
    before, where = step.before, step.link.where
    match event:
        case Transfer(sender=sender, recipient=recipient, rights=rights):
            if OWNERSHIP in rights and sender.id != before.owner:
                raise Refused("E-TRANSFER-TITLE", where, f"{sender.id} is not the owner")
            if POSSESSION in rights and sender.id not in {before.owner, before.possessor}:
                raise Refused("E-TRANSFER-TITLE", where, f"{sender.id} neither owns nor possesses")
            owner = recipient.id if OWNERSHIP in rights else before.owner
            possessor = recipient.id if POSSESSION in rights else before.possessor
            return replace(before, owner=owner, possessor=possessor)
        case Withdraw(by=by):
            if by.id != before.owner and Role.AUTHORITY not in policy.roles(by.id):
                raise Refused("E-WITHDRAW-TITLE", where, f"{by.id} is neither the owner nor an authority")
            return replace(before, withdrawn=True)
        case Attest():
            return before
        case _:
            raise Refused("E-CHAIN-GENESIS", where, "a second genesis")


def _check_amend(step: Step, event: Amend, policy: Policy) -> None:
    before, where, old, new = step.before, step.link.where, step.old, step.new
    if event.by.id not in {before.owner, before.possessor}:
        raise Refused("E-AMEND-TITLE", where, f"{event.by.id} neither owns nor possesses")
    if event.manifest == before.manifest:
        raise Refused("E-AMEND-NOOP", where, "the manifest is the same")
    if not before.producer.same(new.producer):
        raise Refused("E-PRODUCER-CHANGED", where, "the manifest names another producer, or names it otherwise")
    added = sorted(set(new.purpose) - set(old.purpose))
    signers = {policy.keys[signature.keyid].party for signature in step.link.envelope.signatures}
    if added and before.producer.id not in signers:
        raise Refused("E-PURPOSE-WIDENED", where, f"{', '.join(added)} without the producer's signature")
    if source := dropped_source(old, new):
        raise Refused("E-SOURCE-DROPPED", where, source.title[:200])
    gone = {item.lib for item in old.inputs} - {item.lib for item in new.inputs}
    if gone:
        raise Refused("E-INPUT-DROPPED", where, ", ".join(sorted(gone)))
