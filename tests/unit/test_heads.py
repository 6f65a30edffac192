"""Head proofs, fault by fault."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datalib.canonical import canonical
from datalib.errors import Refused
from datalib.trust import heads, logpolicy
from datalib.trust.heads import HeadProof
from tests.libraries import DAY, LOG_POLICY, NOW, Library

POLICY = logpolicy.parse(LOG_POLICY)
WEEK = 7 * DAY


@pytest.fixture
def library(tmp_path: Path) -> Library:
    first = Library(folder=tmp_path / "a").genesis().attest()
    second = Library(folder=tmp_path / "b", log=first.log, name="l2").genesis()
    return first.publish(others=[second])


def check(library: Library, data: bytes | None = None, **options: Any) -> object:
    proof = HeadProof.parse(data or library.path("proofs/head.json").read_bytes(), library.lib)
    usual: dict[str, Any] = {"max_age": WEEK, "now": NOW, "reference": NOW}
    events = options.pop("events", ["0" * 64, library.head])
    return heads.check(proof, events, POLICY, **(usual | options))


def test_a_proof_of_the_newest_event(library: Library) -> None:
    assert check(library)
    assert check(library, max_age=None, reference=NOW + 99 * WEEK)


@pytest.mark.parametrize(
    ("expected", "options"),
    [
        ("E-HEAD-STALE", {"reference": NOW + WEEK}),
        ("E-CHAIN-TRUNCATED", {"events": ["0" * 64]}),
        ("E-LOG-FUTURE", {"now": NOW - 2 * DAY}),
    ],
)
def test_a_proof_that_does_not_fit(library: Library, expected: str, options: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=expected):
        check(library, **options)


def test_a_proof_of_an_earlier_event(library: Library) -> None:
    with pytest.raises(Refused, match="E-HEAD-OLD"):
        check(library, events=[library.head, "1" * 64])


def test_without_a_quorum_no_proof_is_fresh(library: Library) -> None:
    proof = HeadProof.parse(library.path("proofs/head.json").read_bytes(), library.lib)
    policy = logpolicy.parse(LOG_POLICY.replace("quorum W", "quorum none"))
    events = [library.head]
    assert heads.check(proof, events, policy, max_age=None, now=NOW, reference=NOW).time is None
    with pytest.raises(Refused, match="E-HEAD-STALE"):
        heads.check(proof, events, policy, max_age=WEEK, now=NOW, reference=NOW)


Change = Callable[[dict[str, Any]], object]
FAULTS: list[tuple[str, Change]] = [
    ("E-SCHEMA", lambda value: value.pop("line")),
    ("E-SCHEMA", lambda value: value.update(index=-1)),
    ("E-SCHEMA-UNKNOWN", lambda value: value.update(more=1)),
    ("E-HEAD-PROOF", lambda value: value.update(line=value["line"][:64] + "  " + "c" * 64)),
    ("E-HEAD-PROOF", lambda value: value.update(line="A" * 64 + value["line"][64:])),
    ("E-HEAD-PROOF", lambda value: value.update(line=value["line"] + " ")),
    ("E-HEAD-PROOF", lambda value: value.update(path=["YQ=="])),
    ("E-HEAD-PROOF", lambda value: value.update(path=["!"])),
    ("E-HEAD-PROOF", lambda value: value.update(path=[])),
    ("E-HEAD-PROOF", lambda value: value.update(index=2)),
    ("E-HEAD-PROOF", lambda value: value.update(size=0)),
    ("E-LOG-PROOF", lambda value: value.update(tlog="")),
    ("E-LOG-INCLUSION", lambda value: value.update(line="0" * 64 + value["line"][64:])),
]


@pytest.mark.parametrize(("expected", "change"), FAULTS, ids=[f"{n} {item[0]}" for n, item in enumerate(FAULTS)])
def test_each_fault_has_its_code(library: Library, expected: str, change: Change) -> None:
    value = json.loads(library.path("proofs/head.json").read_bytes())
    change(value)
    with pytest.raises(Refused) as refused:
        check(library, canonical(value))
    assert refused.value.code == expected


def test_heads_that_are_not_the_last_entry_prove_nothing(library: Library) -> None:
    assert library.log is not None
    value = json.loads(library.path("proofs/head.json").read_bytes())
    index = len(library.log.hashes) - 1
    library.log.append({"another": "entry"})
    value["tlog"] = library.log.proof(index, time=NOW - DAY)
    with pytest.raises(Refused, match="E-HEAD-PROOF"):
        check(library, canonical(value))


def test_the_form_is_canonical(library: Library) -> None:
    with pytest.raises(Refused, match="E-JSON-NONCANONICAL"):
        check(library, library.path("proofs/head.json").read_bytes() + b"\n")
