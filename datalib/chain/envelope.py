"""DSSE envelopes with one spelling: chain lines and policies.

Stricter than DSSE, because the SHA-256 of the line is the name of the event: canonical JSON, closed objects, canonical
base64, signatures sorted by key, no key twice. Source: datalib trust specification §7; DSSE v1.0.2.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from datalib import schema
from datalib.canonical import canonical, parse_canonical
from datalib.errors import Refused
from datalib.formats import check_digest, decode_base64, encode_base64, sha256_hex
from datalib.trust.keys import PrivateKey, PublicKey

EVENT_TYPE = "application/vnd.in-toto+json"
POLICY_TYPE = "application/vnd.datalib.policy+json"

#: Sizes in bytes, of the line and of its payload (datalib trust specification §3, C7).
MAX_LINE = 1024 * 1024
MAX_POLICY = 64 * 1024 * 1024
_MAX_SIGNATURES = 64

_SIGNATURE = rb'{"keyid":"[0-9a-f]{64}","sig":"[A-Za-z0-9+/=]*"}'
_USUAL = re.compile(
    rb'{"payload":"([A-Za-z0-9+/=]*)","payloadType":"([a-z./+-]*)","signatures":\[(%b(?:,%b)*)\]}'
    % (_SIGNATURE, _SIGNATURE)
)
_USUAL_SIGNATURE = re.compile(rb'"keyid":"([0-9a-f]{64})","sig":"([A-Za-z0-9+/=]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature and the key that is said to have made it."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An envelope in its one spelling. ``id`` is the SHA-256 of ``line``, which has no line feed."""

    line: bytes
    id: str
    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are over."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Give the pre-authentication encoding of DSSE: lengths in decimal bytes, the payload as it is."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse(line: bytes, *, payload_type: str, limit: int = MAX_LINE, where: str = "") -> Envelope:
    """Read an envelope; signatures are not verified here.

    Raises ``Refused``: codes of strict JSON, ``E-JSON-NONCANONICAL``, ``E-SCHEMA``, ``E-SCHEMA-UNKNOWN``, then
    ``E-ENV-TYPE``, ``E-ENV-UNSIGNED``, ``E-DIGEST-FORMAT``, ``E-SIG-DUPLICATE``, ``E-ENV-ORDER``, ``E-ENV-BASE64``.
    Source: datalib trust specification §10, step 2a.
    """
    value = _members(line, limit, where)
    if value["payloadType"] != payload_type:
        raise Refused("E-ENV-TYPE", where, f"{value['payloadType'][:80]!r} instead of {payload_type}")
    keyids = [check_digest(signature["keyid"], where) for signature in value["signatures"]]
    if not keyids:
        raise Refused("E-ENV-UNSIGNED", where, "no signatures")
    if len(set(keyids)) != len(keyids):
        raise Refused("E-SIG-DUPLICATE", where, "a key signs twice")
    if any(earlier > later for earlier, later in pairwise(keyids)):
        raise Refused("E-ENV-ORDER", where, "signatures are not sorted by key")
    payload = decode_base64(value["payload"], "E-ENV-BASE64", where)
    return Envelope(
        line=line,
        id=sha256_hex(line),
        payload_type=payload_type,
        payload=payload,
        signatures=tuple(
            Signature(keyid=signature["keyid"], sig=decode_base64(signature["sig"], "E-ENV-BASE64", where))
            for signature in value["signatures"]
        ),
    )


def _members(line: bytes, limit: int, where: str) -> Mapping[str, Any]:
    """Read the members; the usual line is recognised as a whole, which is ten times faster than reading it as JSON.

    What matches is canonical and as the schema wants it: there is nothing in its texts that could be spelt otherwise.
    """
    usual = _USUAL.fullmatch(line) if len(line) <= limit else None
    if usual:
        signatures = [
            {"keyid": keyid.decode(), "sig": sig.decode()} for keyid, sig in _USUAL_SIGNATURE.findall(usual[3])
        ]
        if len(signatures) <= _MAX_SIGNATURES:
            return {"payload": usual[1].decode(), "payloadType": usual[2].decode(), "signatures": signatures}
    value = parse_canonical(line, limit=limit, where=where)
    schema.check("envelope", value, where)
    return value


def verify(envelope: Envelope, keys: Mapping[str, PublicKey], where: str = "") -> None:
    """Verify every signature; none may be by a key that is not among ``keys``.

    Raises ``Refused``: ``E-KEY-UNKNOWN``, ``E-SIG-INVALID``, ``E-SIG-MALLEABLE``. Source: datalib trust specification
    §10, step 2b.
    """
    message = envelope.signed_bytes
    for signature in envelope.signatures:
        key = keys.get(signature.keyid)
        if key is None:
            raise Refused("E-KEY-UNKNOWN", where, f"key {signature.keyid[:16]}… is not in the policy")
        key.verify(signature.sig, message, where)


def build(payload_type: str, payload: bytes, signatures: Iterable[Signature]) -> Envelope:
    """Write an envelope in its one spelling."""
    ordered = sorted(signatures, key=lambda signature: signature.keyid)
    value = {
        "payload": encode_base64(payload),
        "payloadType": payload_type,
        "signatures": [{"keyid": item.keyid, "sig": encode_base64(item.sig)} for item in ordered],
    }
    line = canonical(value)
    return Envelope(
        line=line, id=sha256_hex(line), payload_type=payload_type, payload=payload, signatures=tuple(ordered)
    )


def sign(payload_type: str, payload: bytes, keys: Iterable[PrivateKey]) -> Envelope:
    """Sign a payload with one key or several."""
    message = pae(payload_type, payload)
    signed = (Signature(keyid=key.public.keyid, sig=key.sign(message)) for key in keys)
    return build(payload_type, payload, signed)


def cosign(envelope: Envelope, key: PrivateKey) -> Envelope:
    """Add a signature; ``E-SIG-DUPLICATE`` if the key has signed already."""
    if any(signature.keyid == key.public.keyid for signature in envelope.signatures):
        raise Refused("E-SIG-DUPLICATE", key.public.keyid, "this key has signed already")
    added = Signature(keyid=key.public.keyid, sig=key.sign(envelope.signed_bytes))
    return build(envelope.payload_type, envelope.payload, (*envelope.signatures, added))
