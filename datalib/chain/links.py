"""The chain: one event per line, each naming the line before it.

Source: datalib trust specification §10, steps 2 and 3.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from datalib.chain import envelope, events
from datalib.chain.envelope import EVENT_TYPE, Envelope
from datalib.chain.events import Amend, Attest, Event, Genesis, Transfer, Withdraw
from datalib.errors import Refused
from datalib.trust.policy import Policy, Role

NAME = "chain.jsonl"
#: In bytes.
MAX_CHAIN = 256 * 1024 * 1024

_BLOCK = 64  # lines
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One line of the chain, signed by keys of the policy. ``where`` is the file and the number of the line from 1."""

    where: str
    envelope: Envelope
    event: Event

    @property
    def id(self) -> str:
        """The id of the event: the SHA-256 of the line."""
        return self.envelope.id


def split(data: bytes, where: str = NAME) -> list[bytes]:
    """Split the file into lines: ``E-CHAIN-EMPTY``, ``E-CHAIN-FORMAT``."""
    if not data:
        raise Refused("E-CHAIN-EMPTY", where, "no events")
    if not data.endswith(b"\n"):
        raise Refused("E-CHAIN-FORMAT", where, "the last line does not end")
    lines = data[:-1].split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise Refused("E-CHAIN-FORMAT", f"{where}:{number}", "blank line")
    return lines


def read(data: bytes, policy: Policy, where: str = NAME) -> tuple[Link, ...]:
    """Read a chain: each line's envelope, then its signatures, then what it says (step 2)."""
    lines = [(f"{where}:{number}", line) for number, line in enumerate(split(data, where), start=1)]
    blocks = (lines[start : start + _BLOCK] for start in range(0, len(lines), _BLOCK))
    return tuple(link for block in blocks for link in _read_block(block, policy))


def _read_block(lines: Sequence[tuple[str, bytes]], policy: Policy) -> list[Link]:
    """Read some lines, one kind of work at a time, which is a tenth faster. The first line at fault decides."""
    sealed, fault = _until_refused(
        lambda line: (line[0], envelope.parse(line[1], payload_type=EVENT_TYPE, where=line[0])), lines
    )
    signed, earlier = _until_refused(lambda item: envelope.verify(item[1], policy.public_keys, item[0]), sealed)
    fault = earlier or fault
    found, earlier = _until_refused(
        lambda item: Link(where=item[0], envelope=item[1], event=events.parse(item[1].payload, item[0])),
        sealed[: len(signed)],
    )
    fault = earlier or fault
    if fault is not None:
        raise fault
    return found


def _until_refused(work: Callable[[_Item], _Made], items: Iterable[_Item]) -> tuple[list[_Made], Refused | None]:
    """Work through items up to the first that is refused."""
    made: list[_Made] = []
    try:
        for item in items:
            made.append(work(item))  # noqa: PERF401 - what was made before a refusal is kept
    except Refused as error:
        return made, error
    return made, None


def read_unverified(data: bytes, where: str = NAME) -> tuple[Link, ...]:
    """Read a chain without asking who signed it: to show it, never to believe it."""
    found = []
    for number, line in enumerate(split(data, where), start=1):
        sealed = envelope.parse(line, payload_type=EVENT_TYPE, where=f"{where}:{number}")
        event = events.parse(sealed.payload, f"{where}:{number}")
        found.append(Link(where=f"{where}:{number}", envelope=sealed, event=event))
    return tuple(found)


def check(links: Sequence[Link], policy: Policy) -> None:
    """Check that each line follows the one before and is signed by those who must sign, and nobody else (step 3)."""
    first = links[0]
    if not isinstance(first.event, Genesis):
        raise Refused("E-CHAIN-GENESIS", first.where, "the first event is not a genesis")
    producer = first.event.producer.id
    before = None
    for position, link in enumerate(links):
        event = link.event
        if event.seq != position:
            raise Refused("E-CHAIN-SEQ", link.where, f"seq {event.seq} at position {position}")
        if before is not None:
            if isinstance(event, Genesis):
                raise Refused("E-CHAIN-GENESIS", link.where, "a second genesis")
            if event.lib != first.id:
                raise Refused("E-CHAIN-LIB", link.where, "an event of another library")
            if event.prev != before:
                raise Refused("E-CHAIN-LINK", link.where, "the event names another predecessor")
        _check_signers(link, policy, producer)
        before = link.id


class _Signer(NamedTuple):
    party: str
    absent: str
    roles: frozenset[Role]


_HOLDS = frozenset({Role.HOLDER, Role.PRODUCER})
_EXAMINES = frozenset({Role.ATTESTER, Role.AUTHORITY})
_ANY = frozenset[Role]()


def signers(links: Sequence[Link]) -> dict[str, str]:
    """Tell which party signed with which key, as far as a chain that nobody verified lets it be told.

    An event that one party must sign and one key signed shows the key of that party; so does the second signature of a
    hand-over whose first is known.
    """
    found: dict[str, str] = {}
    for link in links:
        unknown = [signature.keyid for signature in link.envelope.signatures if signature.keyid not in found]
        known = {found[signature.keyid] for signature in link.envelope.signatures if signature.keyid in found}
        parties = [party for party in required_signers(link.event) if party not in known]
        if len(unknown) == len(parties) == 1:
            found[unknown[0]] = parties[0]
    return found


def check_keys(links: Sequence[Link], sealed: Envelope, event: Event, *, complete: bool = True) -> None:
    """Refuse signatures by keys with which the chain shows other parties to have signed: nobody would accept them.

    ``complete``: no further signature will come. A key that the chain does not know may be anybody's. Raises
    ``Refused`` with the code that a verifier would give.
    """
    known = signers(links)
    signed = [known.get(signature.keyid) for signature in sealed.signatures]
    required = _required(event)
    first = links[0].event if links else event
    allowed = {signer.party for signer in required}
    if isinstance(event, Amend) and isinstance(first, Genesis):
        allowed.add(first.producer.id)
    other = next((party for party in signed if party is not None and party not in allowed), None)
    absent = next((signer for signer in required if signer.party not in signed), required[0])
    if other is None and complete and None not in signed and absent.party not in signed:
        other = signed[0]
    if other is not None:
        raise Refused(absent.absent, NAME, f"the key given is that of {other}, and {absent.party} acts")


def unfamiliar(links: Sequence[Link], sealed: Envelope, event: Event) -> str:
    """Name a party that must sign an event and has signed before, but with none of the keys given; else nobody."""
    known = signers(links)
    signed = {known.get(signature.keyid) for signature in sealed.signatures}
    before = set(known.values())
    return next((party for party in required_signers(event) if party in before - signed), "")


def required_signers(event: Event) -> tuple[str, ...]:
    """Give the ids of those who must sign an event, in the order of the specification."""
    return tuple(signer.party for signer in _required(event))


def _required(event: Event) -> tuple[_Signer, ...]:
    match event:
        case Genesis(producer=producer):
            return (_Signer(producer.id, "E-SIG-PRODUCER", frozenset({Role.PRODUCER})),)
        case Transfer(sender=sender, recipient=recipient):
            return (
                _Signer(sender.id, "E-SIG-TRANSFEROR", _HOLDS),
                _Signer(recipient.id, "E-SIG-RECIPIENT", _HOLDS),
            )
        case Amend(by=by):
            return (_Signer(by.id, "E-SIG-ACTOR", _HOLDS),)
        case Attest(by=by):
            return (_Signer(by.id, "E-SIG-ACTOR", _EXAMINES),)
        case Withdraw(by=by):
            return (_Signer(by.id, "E-SIG-ACTOR", _ANY),)
        case _:
            raise Refused("E-EVENT-KIND", "", type(event).__name__)


def _check_signers(link: Link, policy: Policy, producer: str) -> None:
    event = link.event
    if isinstance(event, Transfer) and event.sender.id == event.recipient.id:
        raise Refused("E-TRANSFER-SELF", link.where, event.sender.id)
    signed = [policy.keys[signature.keyid].party for signature in link.envelope.signatures]
    allowed = set[str]()
    for party, absent, roles in _required(event):
        if party not in signed:
            given = not policy.vouched or party in policy.members
            raise Refused(absent, link.where, f"{party} did not sign" if given else f"no key for {party} was given")
        if roles and not roles & policy.roles(party):
            raise Refused("E-ROLE", link.where, f"{party} has none of the roles {', '.join(sorted(roles))}")
        allowed.add(party)
    if isinstance(event, Amend):
        allowed.add(producer)
    for party in signed:
        if party not in allowed:
            raise Refused("E-SIG-EXTRA", link.where, f"{party} has no part in this event")
        allowed.discard(party)
