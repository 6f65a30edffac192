"""Envelopes: one spelling, sorted signatures, and no unknown keys."""

from collections.abc import Callable
from typing import Any

import pytest

from datalib.canonical import canonical, parse_canonical
from datalib.chain import envelope
from datalib.chain.envelope import EVENT_TYPE, MAX_LINE, Signature
from datalib.errors import Refused
from datalib.formats import encode_base64, sha256_hex
from tests.libraries import key

KEYS = sorted((key("one"), key("two")), key=lambda signer: signer.public.keyid)
PUBLIC = {signer.public.keyid: signer.public for signer in KEYS}
SEALED = envelope.sign(EVENT_TYPE, b"payload", KEYS)


def code(function: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        function()
    return refused.value.code


def parse(line: bytes) -> envelope.Envelope:
    return envelope.parse(line, payload_type=EVENT_TYPE, where="line")


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    value = parse_canonical(SEALED.line, limit=MAX_LINE)
    change(value)
    return canonical(value)


def test_an_envelope_is_read_as_it_was_written() -> None:
    assert parse(SEALED.line) == SEALED
    assert SEALED.id == sha256_hex(SEALED.line)
    assert SEALED.signed_bytes == b"DSSEv1 28 application/vnd.in-toto+json 7 payload"
    envelope.verify(SEALED, PUBLIC)


def test_a_second_signature_is_put_in_its_place() -> None:
    for first, second in (KEYS, KEYS[::-1]):
        assert envelope.cosign(envelope.sign(EVENT_TYPE, b"payload", [first]), second) == SEALED
    assert code(lambda: envelope.cosign(SEALED, KEYS[0])) == "E-SIG-DUPLICATE"


def test_the_length_of_the_payload_type_is_in_bytes() -> None:
    assert envelope.pae("ә", b"") == "DSSEv1 2 ә 0 ".encode()


FAULTS: list[tuple[str, bytes]] = [
    ("E-JSON-SYNTAX", SEALED.line[:-1]),
    ("E-JSON-NONCANONICAL", SEALED.line + b"\n"),
    ("E-JSON-NONCANONICAL", SEALED.line.replace(b'":"', b'": "', 1)),
    ("E-JSON-SIZE", SEALED.line.replace(b'"payload":"', b'"payload":"' + b"A" * MAX_LINE)),
    ("E-SCHEMA", b"{}"),
    ("E-SCHEMA", changed(lambda value: value.update(payload=1))),
    ("E-SCHEMA", changed(lambda value: value.update(signatures=value["signatures"] * 33))),
    ("E-SCHEMA-UNKNOWN", changed(lambda value: value.update(more=1))),
    ("E-SCHEMA-UNKNOWN", changed(lambda value: value["signatures"][0].update(cert=""))),
    ("E-ENV-TYPE", changed(lambda value: value.update(payloadType="text/plain"))),
    ("E-ENV-TYPE", changed(lambda value: value.update(payloadType="É"))),
    ("E-ENV-UNSIGNED", changed(lambda value: value.update(signatures=[]))),
    ("E-DIGEST-FORMAT", changed(lambda value: value["signatures"][0].update(keyid="A" * 64))),
    ("E-SIG-DUPLICATE", changed(lambda value: value.update(signatures=value["signatures"] * 2))),
    ("E-ENV-ORDER", changed(lambda value: value["signatures"].reverse())),
    ("E-ENV-BASE64", changed(lambda value: value.update(payload="YQ"))),
    ("E-ENV-BASE64", changed(lambda value: value.update(payload="YR=="))),
    ("E-ENV-BASE64", changed(lambda value: value["signatures"][1].update(sig="=="))),
    ("E-ENV-BASE64", changed(lambda value: value["signatures"][1].update(sig="a b"))),
]


@pytest.mark.parametrize(("expected", "line"), FAULTS, ids=[f"{n} {item[0]}" for n, item in enumerate(FAULTS)])
def test_each_fault_has_its_code(expected: str, line: bytes) -> None:
    assert code(lambda: parse(line)) == expected


def test_a_line_of_exactly_the_limit_is_allowed() -> None:
    start, end = b'{"payload":"', b'"' + SEALED.line.split(b'"', 4)[4]
    room = MAX_LINE - len(start) - len(end)
    payload = encode_base64(bytes(room // 4 * 3)).encode()
    sealed = parse(start + payload + end)
    assert len(sealed.line) + room % 4 == MAX_LINE


def test_signatures_must_be_by_known_keys_and_hold() -> None:
    assert code(lambda: envelope.verify(SEALED, {KEYS[0].public.keyid: KEYS[0].public})) == "E-KEY-UNKNOWN"
    swapped = [
        Signature(keyid=SEALED.signatures[number].keyid, sig=SEALED.signatures[1 - number].sig) for number in (0, 1)
    ]
    broken = envelope.build(EVENT_TYPE, b"payload", swapped)
    assert code(lambda: envelope.verify(broken, PUBLIC)) == "E-SIG-INVALID"


def test_the_fast_way_and_the_slow_way_agree() -> None:
    """A payload type with a capital letter is not recognised as usual, and is read as JSON."""
    usual = envelope.sign("application/x", b"payload", KEYS)
    slow = envelope.sign("application/X", b"payload", KEYS)
    assert envelope.parse(usual.line, payload_type="application/x").signatures == usual.signatures
    assert envelope.parse(slow.line, payload_type="application/X") == slow
