"""Statements of events: written, read back, and refused with the code of their fault."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from datalib.canonical import canonical, parse_canonical
from datalib.chain import events
from datalib.chain.events import Amend, Attest, Claim, Event, Evidence, Genesis, Transfer, Withdraw
from datalib.chain.links import required_signers
from datalib.errors import Refused
from tests.libraries import BUYER, MAKER, SCANNER, START

COMMON: dict[str, Any] = {"seq": 1, "time": START, "manifest": "a" * 64, "lib": "b" * 64, "prev": "c" * 64}
EVIDENCE = (Evidence(name="report", sha256="d" * 64, uri="https://x.example", media_type="text/html"),)
CLAIM = Claim(type="optout", result="pass", until=START + 9, tool="t", note="n", evidence=EVIDENCE)
EVENTS: dict[str, Event] = {
    "genesis": Genesis(
        seq=0, time=START, manifest="a" * 64, producer=replace(MAKER.producer, kind="legal", organised=())
    ),
    "transfer": Transfer(**COMMON, sender=MAKER.party, recipient=BUYER.party, rights=("ownership",), basis="b"),
    "amend": Amend(**COMMON, by=MAKER.party, reason="optout"),
    "attest": Attest(**COMMON, by=SCANNER.party, claim=CLAIM),
    "attest, little said": Attest(**COMMON, by=SCANNER.party, claim=Claim(type="optout", result="info", evidence=())),
    "withdraw": Withdraw(**COMMON, by=MAKER.party, reason="recalled"),
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_every_event_goes_both_ways(event: Event) -> None:
    assert events.parse(events.serialise(event)) == event


def test_who_must_sign() -> None:
    signers = {name: required_signers(event) for name, event in EVENTS.items()}
    assert signers["transfer"] == (MAKER.id, BUYER.id)
    assert signers["attest"] == (SCANNER.id,)
    assert signers["genesis"] == signers["amend"] == signers["withdraw"] == (MAKER.id,)
    with pytest.raises(Refused, match="E-EVENT-KIND"):
        required_signers(Event(**COMMON))


def test_evidence_is_found() -> None:
    assert events.evidence_of(EVENTS.values()) == {"d" * 64}


def changed(kind: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    value = parse_canonical(events.serialise(EVENTS[kind]), limit=1 << 20)
    change(value)
    return canonical(value)


def predicate(name: str, /, **members: Any) -> bytes:
    return changed(name, lambda value: value["predicate"].update(members))


FAULTS: list[tuple[str, bytes]] = [
    ("E-JSON-NONCANONICAL", events.serialise(EVENTS["amend"]) + b" "),
    ("E-EVENT-TYPE", changed("amend", lambda value: value.update(_type="x", subject=[]))),
    ("E-EVENT-TYPE", changed("amend", lambda value: value.update(predicateType=["x"]))),
    ("E-EVENT-TYPE", b"{}"),
    ("E-SUBJECT", changed("amend", lambda value: value.pop("subject"))),
    ("E-SUBJECT", changed("amend", lambda value: value.update(subject=value["subject"] * 2))),
    ("E-SUBJECT", changed("amend", lambda value: value.update(subject=value["subject"][0]))),
    ("E-SUBJECT", changed("amend", lambda value: value["subject"][0].update(name="other.json"))),
    ("E-SUBJECT", changed("amend", lambda value: value["subject"][0]["digest"].update(sha512="x"))),
    ("E-SUBJECT", changed("amend", lambda value: value["subject"][0].update(digest="x"))),
    ("E-SCHEMA", changed("amend", lambda value: value["subject"][0]["digest"].update(sha256=1))),
    ("E-SCHEMA-UNKNOWN", changed("amend", lambda value: value["subject"][0].update(uri="x"))),
    ("E-SCHEMA", changed("amend", lambda value: value.update(predicate=[]))),
    ("E-EVENT-KIND", predicate("amend", kind="sell")),
    ("E-EVENT-KIND", predicate("amend", kind=["amend"])),
    ("E-EVENT-KIND", changed("amend", lambda value: value["predicate"].pop("kind"))),
    ("E-SCHEMA", predicate("amend", reason="because")),
    ("E-SCHEMA", predicate("amend", seq=-1)),
    ("E-SCHEMA", predicate("amend", seq=1.5)),
    ("E-SCHEMA", predicate("amend", seq="1")),
    ("E-SCHEMA", predicate("amend", seq=1_000_001)),
    ("E-SCHEMA", predicate("transfer", rights=[])),
    ("E-SCHEMA", predicate("transfer", rights=["ownership", "ownership"])),
    ("E-SCHEMA", predicate("transfer", basis="")),
    ("E-SCHEMA-UNKNOWN", predicate("genesis", lib="b" * 64)),
    ("E-SCHEMA-UNKNOWN", predicate("amend", by=BUYER.producer.to_dict() | {"country": "KZ"})),
    ("E-DIGEST-FORMAT", changed("amend", lambda value: value["subject"][0]["digest"].update(sha256="A" * 64))),
    ("E-DIGEST-FORMAT", predicate("amend", lib="b" * 63)),
    ("E-DIGEST-FORMAT", predicate("amend", prev="", time="x")),
    ("E-DIGEST-FORMAT", predicate("attest", claim={
        "type": "x", "result": "pass", "until": "x", "evidence": [{"name": "n", "digest": {"sha256": "x"}}]})),
    ("E-TIME-FORMAT", predicate("amend", time="2026-09-21T14:13:20", by={"id": "x", "name": {"ru": "x"}})),
    ("E-TIME-FORMAT", predicate("attest", claim={"type": "x", "result": "pass", "until": "tomorrow"})),
    ("E-PARTY-ID", predicate("transfer", to={"id": "kz-bin:1", "name": {"ru": "x"}})),
    ("E-PARTY-ID", predicate("genesis", producer={"id": "me", "name": {"ru": "x"}})),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "payload"), FAULTS, ids=[f"{n} {item[0]}" for n, item in enumerate(FAULTS)])
def test_each_fault_has_its_code(expected: str, payload: bytes) -> None:
    with pytest.raises(Refused) as refused:
        events.parse(payload, "line")
    assert refused.value.code == expected


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("E-PARTY-ID", {"by": replace(MAKER.party, id="me")}),
        ("E-SCHEMA", {"reason": "because"}),
        ("E-SCHEMA", {"lib": None}),
        ("E-DIGEST-FORMAT", {"prev": "x"}),
    ],
)
def test_what_would_be_refused_is_not_written(expected: str, change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=expected):
        events.serialise(replace(EVENTS["amend"], **change))
