"""The receiver's half of a hand-over: verify the library first, then the offer, then sign.

Source: datalib trust specification §7, "Transfer ceremony".
"""

from pathlib import Path

from datalib import acts
from datalib.acts import Act
from datalib.chain import envelope
from datalib.chain.envelope import Envelope
from datalib.chain.events import Transfer
from datalib.errors import Refused
from datalib.trust.keys import PrivateKey, PublicKey
from datalib.trust.policy import Policy, Roots
from datalib.verify import load_state, save_state, verify


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
) -> Act:
    """Accept a half-signed offer: the transfer becomes the next line of the chain.

    Raises ``Refused`` with the code of the first thing that is wrong with the library (its integrity; no attestation is
    asked for) or with the offer; accepting what is accepted already changes nothing.
    """
    sealed, event = acts.pending(offer, where)
    if not isinstance(event, Transfer):
        raise Refused("E-EVENT-KIND", where, "not a transfer")
    memory = load_state(state) if state else None
    report = verify(library, policy=policy, roots=roots, now=now, memory=memory, require=())
    report.require()
    believed = (
        policy
        if isinstance(policy, Policy)
        else Policy.load(policy, roots=roots or Roots(threshold=0, keys=()), now=now)
    )
    _check_offer(sealed, event, believed, key.public, where)
    done = acts.append(library, acts.cosign(offer, key, where), now=now, where=where)
    if state is not None:
        save_state(state, report.memory)
    return done


def _check_offer(sealed: Envelope, event: Transfer, policy: Policy, key: PublicKey, where: str) -> None:
    """Refuse an offer that the sender did not sign, or that the holder of ``key`` cannot accept."""
    signed = {signature.keyid for signature in sealed.signatures} & set(policy.keys)
    if not any(policy.keys[keyid].party == event.sender.id for keyid in signed):
        raise Refused("E-SIG-TRANSFEROR", where, f"not signed by a known key of {event.sender.id}")
    if key.keyid not in policy.keys or policy.keys[key.keyid].party != event.recipient.id:
        raise Refused("E-SIG-RECIPIENT", where, f"the key given is not a known key of {event.recipient.id}")
    envelope.verify(sealed, policy.public_keys, where)
