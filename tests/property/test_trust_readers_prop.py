"""Whatever bytes they get, readers answer with a value or one of our errors; nothing tampered with is accepted."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datalib_manifests
from datalib.canonical import canonical, parse, parse_canonical
from datalib.chain import envelope, events, links
from datalib.chain.envelope import EVENT_TYPE, POLICY_TYPE
from datalib.errors import DatalibError
from datalib.library import manifest
from datalib.trust import logpolicy, timestamps
from datalib.trust.heads import HeadProof
from datalib.trust.keys import PrivateKey, PublicKey
from datalib.trust.notes import KeyType, Note, NoteKey
from datalib.trust.policy import Policy, Roots
from datalib.trust.state import Memory
from datalib.trust.timestamps import Authority
from datalib.trust.tlog import Checkpoint, TlogProof
from datalib.verify import verify
from tests import pki, stamps
from tests.libraries import (
    LOG_POLICY,
    MAKER,
    NOW,
    ROOT_KEYS,
    ROOTS,
    Library,
    Log,
    draft_policy,
    key,
    sign_policy,
    sound,
)

POLICY = sign_policy(draft_policy())
VOUCHED = Policy.vouch([(MAKER.id, MAKER.key.public)])


def made() -> tuple[bytes, bytes]:
    """Give a proof of a log and the payload of an event."""
    log = Log()
    log.append({"n": 1})
    event = events.Genesis(seq=0, time=NOW, manifest="a" * 64, producer=MAKER.producer)
    return log.proof(0, time=NOW).encode(), events.serialise(event)


PROOF, PAYLOAD = made()
LINE = envelope.sign(EVENT_TYPE, PAYLOAD, [MAKER.key]).line
HEAD = canonical({"line": "a" * 64 + "  " + "b" * 64, "index": 0, "size": 1, "path": [], "tlog": PROOF.decode()})
STATE = Memory().with_library("a" * 64, ("b" * 64,), []).serialise()

STAMPS = Authority(root=timestamps.read_root(stamps.der(pki.root())), start=0, until=NOW)

READERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "json": (PAYLOAD, lambda data: parse(data, limit=1 << 20)),
    "canonical json": (PAYLOAD, lambda data: parse_canonical(data, limit=1 << 20)),
    "envelope": (LINE, lambda data: envelope.parse(data, payload_type=EVENT_TYPE)),
    "statement": (PAYLOAD, events.parse),
    "chain": (LINE + b"\n", lambda data: links.check(links.read(data, VOUCHED), VOUCHED)),
    "unverified chain": (LINE + b"\n", links.read_unverified),
    "manifest": (datalib_manifests.example(), manifest.parse),
    "draft": (datalib_manifests.example(), manifest.parse_draft),
    "policy": (POLICY, lambda data: Policy.load(data, roots=ROOTS, now=NOW)),
    "unverified policy": (POLICY, Policy.read_unverified),
    "roots": (canonical(ROOTS.to_dict()), Roots.parse),
    "state": (STATE, Memory.parse),
    "head": (HEAD, lambda data: HeadProof.parse(data, "b" * 64)),
    "proof": (PROOF, TlogProof.parse),
    "note": (PROOF.partition(b"\n\n")[2], lambda data: Note.parse(data, "E-X")),
    "checkpoint": (PROOF.split(b"\n\n")[1] + b"\n", Checkpoint.parse),
    "log policy": (LOG_POLICY.encode(), lambda data: logpolicy.parse(data.decode(errors="replace"))),
    "vkey": (LOG_POLICY.split()[1].encode(), lambda data: NoteKey.from_vkey(data.decode("latin1"), KeyType.LOG, "E-X")),
    "public key": (key("a").public.der, PublicKey.from_der),
    "public pem": (key("a").public.to_pem(), PublicKey.from_pem),
    "time stamp": (stamps.stamp(LINE), lambda data: timestamps.check(data, LINE, [STAMPS], NOW)),
    "private pem": (key("a").to_pem(), PrivateKey.from_pem),
}


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw any bytes, or the given ones with some changed, put in, taken out or cut off."""
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(st.binary(max_size=200))
    result = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(result) - 1)))
        piece = draw(st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"{", b"[" * 40, b"\\ud800", b"1e999"])))
        end = at + draw(st.sampled_from([0, 1, len(piece), len(result)]))
        result[at:end] = piece
    return bytes(result)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_readers_answer_with_a_value_or_one_of_our_errors(name: str, data: st.DataObject) -> None:
    sample, read = READERS[name]
    with suppress(DatalibError):
        read(data.draw(mutated(sample)))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["datapackage.json", "a" * 64, "2026-09-21T14:13:20Z", MAKER.id]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List all places in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, inner in items for place in places(inner, (*path, step)))]


@st.composite
def confused(draw: st.DrawFn, value: Any) -> Any:
    """Draw the value with something else, or nothing, in one of its places."""
    result = deepcopy(value)
    place = draw(st.sampled_from(places(result)[1:]))
    target = result
    for step in place[:-1]:
        target = target[step]
    if draw(st.integers(0, 3)) == 0:
        del target[place[-1]]
    else:
        target[place[-1]] = draw(JSON)
    return result


EVIDENCE = events.Evidence(name="n", sha256="d" * 64)
STATEMENTS = [
    events.serialise(event)
    for event in (
        events.Genesis(seq=0, time=NOW, manifest="a" * 64, producer=MAKER.producer),
        events.Transfer(
            seq=1, time=NOW, manifest="a" * 64, lib="b" * 64, prev="c" * 64,
            sender=MAKER.party, recipient=MAKER.party, rights=("ownership",), basis="b",
        ),
        events.Attest(
            seq=1, time=NOW, manifest="a" * 64, lib="b" * 64, prev="c" * 64, by=MAKER.party,
            claim=events.Claim(type="x", result="pass", until=NOW, evidence=(EVIDENCE,)),
        ),
    )
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_statements_of_other_types_but_well_signed_do_not_crash(data: st.DataObject) -> None:
    value = json.loads(data.draw(st.sampled_from(STATEMENTS)))
    line = envelope.sign(EVENT_TYPE, canonical(data.draw(confused(value))), [MAKER.key]).line
    with suppress(DatalibError):
        links.check(links.read(line + b"\n", VOUCHED), VOUCHED)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_policies_of_other_types_but_well_signed_do_not_crash(data: st.DataObject) -> None:
    draft = data.draw(confused(dict(draft_policy())))
    with suppress(DatalibError):
        Policy.load(envelope.sign(POLICY_TYPE, canonical(draft), ROOT_KEYS).line, roots=ROOTS, now=NOW)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_manifests_of_other_types_do_not_crash(data: st.DataObject) -> None:
    value = json.loads(datalib_manifests.example())
    value["datalib"]["inputs"] = [{"lib": "a" * 64, "head": "a" * 64, "manifest": "a" * 64, "mode": "derived"}]
    with suppress(DatalibError):
        found = manifest.parse(canonical(data.draw(confused(value))))
        manifest.dropped_source(found, found)
        manifest.check_resources(found, {"data/transcripts.csv": "a" * 64})


def test_signed_manifests_of_other_types_do_not_crash_the_verifier(tmp_path: Path) -> None:
    lots = random.Random(7)
    odd: list[Any] = [None, 1, "x", [], {}, [[]], {"a": 1}, True]
    for number in range(25):
        library = Library(folder=tmp_path / str(number))
        member = lots.choice(["name", "resources", "sources", "version", "licenses"])
        library.document = {member: lots.choice(odd)}
        inner = lots.choice(["producer", "purpose", "inputs", "languages", "content", "access", "collections"])
        library.block = {inner: lots.choice(odd)}
        report = verify(library.genesis().publish().folder, policy=POLICY, roots=ROOTS, now=NOW)
        assert not report.accepted


def test_no_changed_byte_is_accepted(tmp_path: Path) -> None:
    lots = random.Random(11)
    library = sound(tmp_path)
    paths = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert verify(library.folder, policy=POLICY, roots=ROOTS, now=NOW).accepted
    for _ in range(100):
        path = lots.choice(paths)
        before = path.read_bytes()
        at = lots.randrange(len(before))
        after = {
            "flip": before[:at] + bytes([before[at] ^ 1 << lots.randrange(8)]) + before[at + 1 :],
            "insert": before[:at] + lots.randbytes(1) + before[at:],
            "delete": before[:at] + before[at + 1 :],
            "cut": before[:at],
        }[lots.choice(["flip", "insert", "delete", "cut"])]
        path.write_bytes(after)
        report = verify(library.folder, policy=POLICY, roots=ROOTS, now=NOW)
        assert report.accepted == (after == before), (path, at)
        path.write_bytes(before)
