"""Both sides of a hand-over: accept an offer, and take the signed line home.

    giver      acts.offer     half-signed; the library is not touched
    receiver   accept         verify the library, then the offer, sign, append
    giver      complete       verify the own copy, then the line that came back, append

Whoever appends looks at the chain first as it would be then: nothing is written that a verifier would refuse. Source:
datalib trust specification §7, "Transfer ceremony".
"""

from dataclasses import dataclass
from pathlib import Path

from datalib import acts
from datalib.acts import Act
from datalib.chain import envelope, history
from datalib.chain.envelope import Envelope
from datalib.chain.events import Transfer
from datalib.chain.history import Bench, Versions
from datalib.chain.replay import MAX_DELAY
from datalib.errors import Refused
from datalib.library.store import Folder
from datalib.trust.keys import PrivateKey, PublicKey
from datalib.trust.policy import Policy, Roots
from datalib.verify import Report, believe, load_state, remember, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an offer says, unverified. ``until``: the last second at which it can be accepted, since 1970."""

    event: Transfer
    signatures: int

    @property
    def until(self) -> int:
        """When it dies, if no other event of the library comes first."""
        return self.event.time + MAX_DELAY


def read_offer(data: bytes, where: str) -> Offer:
    """Read an offer, or the line it has become, without asking who signed it; ``E-EVENT-KIND`` for another event."""
    sealed, event = _transfer(data, where)
    return Offer(event=event, signatures=len(sealed.signatures))


def accept(
    library: Path,
    offer: bytes,
    *,
    key: PrivateKey,
    policy: bytes | Policy,
    roots: Roots | None,
    state: Path | None,
    now: int,
    where: str,
) -> tuple[Act, bytes]:
    """Accept a half-signed offer: the transfer becomes the next line of the chain, which is given back for the giver.

    Raises ``Refused`` with the code of the first thing that is wrong with the library (its integrity and the gate; no
    attestation is asked for), with the offer, or with the chain as it would be. Accepting what is accepted already
    changes nothing.
    """
    sealed, event = _transfer(offer, where)
    believed, report = _examine(library, policy, roots, state, now)
    _check_offer(sealed, event, believed, key.public, where)
    if all(signature.keyid != key.public.keyid for signature in sealed.signatures):
        sealed = envelope.cosign(sealed, key)
    done = _append(library, sealed.line, believed, now, where)
    if state is not None:
        remember(state, report)
    return done, sealed.line


def complete(
    library: Path,
    line: bytes,
    *,
    policy: bytes | Policy,
    roots: Roots | None,
    state: Path | None,
    now: int,
    where: str,
) -> Act:
    """Put the line that came back from the receiver into the giver's copy of the library; errors as in `accept`."""
    sealed, event = _transfer(line, where)
    believed, report = _examine(library, policy, roots, state, now)
    envelope.verify(sealed, believed.public_keys, where)
    signed = {believed.keys[signature.keyid].party for signature in sealed.signatures}
    for person, code in ((event.sender, "E-SIG-TRANSFEROR"), (event.recipient, "E-SIG-RECIPIENT")):
        if person.id not in signed:
            raise Refused(code, where, f"not signed by {person.id}")
    done = _append(library, sealed.line, believed, now, where)
    if state is not None:
        remember(state, report)
    return done


def _transfer(data: bytes, where: str) -> tuple[Envelope, Transfer]:
    sealed, event = acts.pending(data, where)
    if not isinstance(event, Transfer):
        raise Refused("E-EVENT-KIND", where, "not a transfer")
    return sealed, event


def _examine(
    library: Path, policy: bytes | Policy, roots: Roots | None, state: Path | None, now: int
) -> tuple[Policy, Report]:
    """Verify the library as it is before the hand-over."""
    with acts.writing(library):
        pass  # what a killed run left is swept: the verifier would not pass over it
    memory = load_state(state) if state else None
    believed = believe(policy, roots, now, memory)
    report = verify(library, policy=believed, now=now, memory=memory, require=())
    report.require()
    return believed, report


def _append(library: Path, line: bytes, policy: Policy, now: int, where: str) -> Act:
    def admit(folder: Folder, chain: bytes) -> None:
        bench = Bench(folder=folder, policy=policy, now=now, versions=Versions(folder))
        history.foresee(bench, chain, line)

    return acts.append(library, line, now=now, where=where, admit=admit)


def _check_offer(sealed: Envelope, event: Transfer, policy: Policy, key: PublicKey, where: str) -> None:
    """Refuse an offer that the sender did not sign, or that the holder of ``key`` cannot accept."""
    signed = {signature.keyid for signature in sealed.signatures} & set(policy.keys)
    if not any(policy.keys[keyid].party == event.sender.id for keyid in signed):
        raise Refused("E-SIG-TRANSFEROR", where, f"not signed by a known key of {event.sender.id}")
    if key.keyid not in policy.keys or policy.keys[key.keyid].party != event.recipient.id:
        raise Refused("E-SIG-RECIPIENT", where, f"the key given is not a known key of {event.recipient.id}")
    envelope.verify(sealed, policy.public_keys, where)
