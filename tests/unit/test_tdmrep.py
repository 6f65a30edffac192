import json
from typing import Any

import pytest

from datalib.optout import tdmrep
from datalib.optout.markup import MAX_BYTES
from datalib.optout.model import Carrier, State
from datalib.optout.statement import Evidence
from datalib.optout.tdmrep_embedded import read_opf, read_xmp

EVIDENCE = Evidence(locator="https://e.x", sha256="0" * 64)


def declare(value: Any, target: str = "/x") -> tuple[int | None, str]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = tdmrep.parse(body).declare(target)
    return found.reservation, found.strict.label


def entry(location: str | None = "/", reservation: Any = 1, **more: Any) -> dict[str, Any]:
    return ({"location": location} if location is not None else {}) | {"tdm-reservation": reservation} | more


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([entry()], (1, "deny")),
        ([entry("*")], (1, "deny")),
        ([entry("/y")], (None, "unknown")),
        ([entry("/x$"), entry("/", 0)], (1, "deny")),
        ([entry("/", 0), entry("/x")], (0, "deny")),
        ([entry("/x", 0), entry("/")], (0, "allow")),
        ([entry(reservation="1")], (None, "deny")),
        ([entry(reservation=True)], (None, "deny")),
        ([entry(reservation=2)], (None, "hold")),
        ([entry(reservation=0, **{"tdm-policy": "https://e.x/p"})], (0, "hold")),
        ([entry("")], (None, "hold")),
        ([entry(None)], (None, "deny")),
        ([entry("x")], (1, "deny")),
        ([7], (None, "hold")),
        ([{"location": 7, "tdm-policy": 7}], (None, "hold")),
        (entry(), (None, "deny")),
        ([], (None, "unknown")),
        (7, (None, "hold")),
        (b"", (None, "unknown")),
        (b"<html>", (None, "unknown")),
        (b"[{]", (None, "hold")),
        (b"\xef\xbb\xbf[]", (None, "unknown")),
        (b"[" * 100_000, (None, "hold")),
        (b"[" + b" " * tdmrep.MAX_BYTES + b"]", (None, "hold")),
    ],
)
def test_the_well_known_file(value: Any, expected: tuple[int | None, str]) -> None:
    assert declare(value) == expected


def test_locations_are_compared_in_the_canonical_spelling_too() -> None:
    assert declare([entry("/private/")], "/%70rivate/1") == (1, "deny")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", (1, State.DENY)), (" 0 ", (0, State.ALLOW)), ('"1"', (None, State.DENY)), ("true", (None, State.HOLD)),
     ("", (None, State.UNKNOWN)), (None, (None, State.UNKNOWN))],
)  # fmt: skip
def test_values_of_headers(value: str | None, expected: tuple[int | None, State]) -> None:
    found = tdmrep.declare_value(value)
    assert (found.reservation, found.strict) == expected


def test_signals_of_headers() -> None:
    signals = tdmrep.header_signals(["0", "1", ""], ["https://e.x/p"], EVIDENCE)
    assert [(s.spec.tdm.label, s.strict.tdm.label) for s in signals] == [("allow", "hold"), ("deny", "deny")]
    assert signals[0].strict.train_gen is State.HOLD
    assert signals[1].note == "a licence is offered: https://e.x/p"
    assert signals[1].strict.train_gen is State.DENY
    assert tdmrep.signals("tdmrep", Carrier.LOCATION, tdmrep.NOTHING, EVIDENCE) == ()


def test_carriers_supersede_each_other_to_the_letter_only() -> None:
    assert tdmrep.settle({"file": 1, "html": 0}) == (0, State.DENY)
    assert tdmrep.settle({"file": None, "header": 0}) == (0, State.ALLOW)
    assert tdmrep.settle({}) == (None, State.UNKNOWN)


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        ({"permission": [{"action": "tdm:mine", "duty": [{"action": "compensate"}]}]}, State.CONDITIONAL),
        ({"permission": {"action": "tdm:mine", "constraint": [{}]}}, State.CONDITIONAL),
        ({"permission": [{"action": "tdm:mine"}]}, State.ALLOW),
        ({"permission": [{"action": "tdm:mine"}], "obligation": [{}]}, State.CONDITIONAL),
        ({"prohibition": [{"action": "tdm:mine"}], "permission": [{"action": "tdm:mine"}]}, State.DENY),
        ({"permission": [{"action": "read"}]}, State.HOLD),
        ([], State.HOLD),
    ],
)
def test_policies(policy: Any, state: State) -> None:
    assert tdmrep.judge_policy(json.dumps(policy)) is state


def test_a_policy_that_is_not_json_holds() -> None:
    assert tdmrep.judge_policy("{") is State.HOLD


def opf(meta: str, package: str = "") -> tuple[int | None, State]:
    found = read_opf(f"<package {package}><metadata>{meta}</metadata></package>".encode())
    return found.reservation, found.strict


def test_package_documents() -> None:
    prefix = 'prefix="dc: http://e.x/ t: http://www.w3.org/ns/tdmrep#"'
    assert opf('<meta name="tdm:reservation" content="1"/>') == (1, State.DENY)
    assert opf('<meta property="t:reservation">1</meta>', prefix) == (1, State.DENY)
    assert opf('<meta property="tdm:reservation">1</meta>') == (None, State.DENY)
    assert opf('<meta property="dc:reservation">1</meta>', prefix) == (None, State.UNKNOWN)
    assert opf('<meta name="tdm:reserve" content="1"/>') == (None, State.HOLD)
    assert opf('<meta name="tdm:reservation" content="0"/>') == (0, State.ALLOW)
    assert opf('<meta name="tdm:reservation" content="1"/><meta name="tdm:reservation" content="0"/>')[1] is State.DENY


def xmp(inner: str, space: str = "http://www.w3.org/ns/tdmrep/", attribute: str = "") -> tuple[int | None, State]:
    packet = f'<r xmlns:q="{space}"><d {attribute}>{inner}</d></r>'
    found = read_xmp(packet.encode())
    return found.reservation, found.strict


def test_xmp_packets() -> None:
    assert xmp("<q:reservation>1</q:reservation>") == (1, State.DENY)
    assert xmp("<q:reservation>1</q:reservation>", "http://www.w3.org/ns/tdmrep#") == (1, State.DENY)
    assert xmp("<q:reservation>1</q:reservation>", "http://www.w3.org/ns/tdmrep") == (None, State.DENY)
    assert xmp("<q:reserve_tdm>1</q:reserve_tdm>") == (None, State.DENY)
    assert xmp("", attribute='q:reservation="1"') == (1, State.DENY)
    assert xmp("<q:reservation>1</q:reservation>", "http://e.x/") == (None, State.UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"<a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b'<?xml version="1.0" encoding="no-such"?><a/>',
        b"<a>" + b" " * MAX_BYTES + b"</a>", b"<a>" * 100_000,
    ],
)  # fmt: skip
def test_xml_that_cannot_be_read_holds(text: bytes) -> None:
    assert read_opf(text).strict is State.HOLD
    assert read_xmp(text).strict is State.HOLD
