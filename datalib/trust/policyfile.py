"""A policy in the making: a draft that people read and edit, then an envelope that roots sign one after the other.

A draft is the policy's JSON, pretty-printed. The first signature turns it into the envelope that verifiers read;
further roots sign the envelope, in any order, on any machine. Changing a signed policy makes the draft of the next
version.
Source: datalib trust specification §8.1.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from datalib.canonical import parse
from datalib.chain import envelope
from datalib.chain.envelope import MAX_POLICY, POLICY_TYPE, Envelope
from datalib.errors import Refused
from datalib.trust import drafting
from datalib.trust.drafting import Draft
from datalib.trust.keys import PrivateKey
from datalib.trust.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """What a policy file holds: the policy as a JSON value, and the envelope when somebody has signed."""

    draft: Draft
    sealed: Envelope | None

    @property
    def signers(self) -> tuple[str, ...]:
        """The ids of the keys that have signed."""
        return tuple(item.keyid for item in self.sealed.signatures) if self.sealed else ()


def read(data: bytes, where: str = "policy") -> PolicyFile:
    """Read a draft or a signed policy; nothing is said of who signed. Raises ``Refused``."""
    value = parse(data, limit=MAX_POLICY, where=where)
    if "payloadType" not in value:
        drafting.serialise(value)
        return PolicyFile(draft=value, sealed=None)
    sealed = envelope.parse(data, payload_type=POLICY_TYPE, limit=MAX_POLICY, where=where)
    Policy.from_payload(sealed.payload, where)
    return PolicyFile(draft=parse(sealed.payload, limit=MAX_POLICY, where=where), sealed=sealed)


def change(file: PolicyFile, *, issued: int, expires: int) -> Draft:
    """Give the draft to be changed: the draft itself, or the next version of what is signed."""
    return file.draft if file.sealed is None else drafting.next_version(file.draft, issued=issued, expires=expires)


def render(draft: Draft) -> bytes:
    """Write a draft for people. What a reader of policies would refuse is refused here."""
    drafting.serialise(draft)
    return json.dumps(draft, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def sign(file: PolicyFile, keys: Iterable[PrivateKey], others: Iterable[PolicyFile] = ()) -> Envelope:
    """Add signatures: by keys, and those that copies of the same policy carry already.

    Raises ``Refused("E-POLICY-FORK")`` for a copy of another policy.
    """
    payload = file.sealed.payload if file.sealed else drafting.serialise(file.draft)
    signatures = {item.keyid: item for item in (file.sealed.signatures if file.sealed else ())}
    for other in others:
        if other.sealed is None or other.sealed.payload != payload:
            raise Refused("E-POLICY-FORK", "policy", "not a signed copy of this policy")
        signatures |= {item.keyid: item for item in other.sealed.signatures}
    fresh = envelope.sign(POLICY_TYPE, payload, keys)
    signatures |= {item.keyid: item for item in fresh.signatures}
    return envelope.build(POLICY_TYPE, payload, signatures.values())
