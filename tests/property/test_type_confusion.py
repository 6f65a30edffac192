"""Signed documents with one member of another JSON type, every member and every type: each is refused with a code.

The signatures hold: whoever wrote the document owns the keys. Random values, deeper ones, are in
``test_trust_readers_prop`` and ``test_mutations``. Members whose content is open are left out.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import datalib_manifests
from datalib.canonical import canonical
from datalib.chain import envelope, links
from datalib.chain.envelope import EVENT_TYPE, POLICY_TYPE
from datalib.chain.events import Evidence
from datalib.errors import DatalibError, Refused
from datalib.library import manifest
from datalib.trust.heads import HeadProof
from datalib.trust.policy import Policy, Roots
from datalib.verify import verify
from tests import stamps
from tests.libraries import BUYER, MAKER, NOW, ROOT_KEYS, ROOTS, SCANNER, Library, draft_policy, sign_policy

POLICY = Policy.load(sign_policy(draft_policy()), roots=ROOTS, now=NOW)
ODD: tuple[Any, ...] = (None, True, -1, 0.5, "", [], {}, [None], [[]], {"a": 1}, ["a", "a"], 2**53 - 1)


def kind(value: Any) -> str:
    """Name the JSON type of a value."""
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else type(value).__name__


def confusions(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give places in a JSON value, each with what does not belong there."""
    if path:
        yield from ((path, odd) for odd in ODD if kind(odd) != kind(value))
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield from confusions(inner, (*path, step))


def put(value: Any, path: tuple[Any, ...], odd: Any) -> bytes:
    """Write a value with something else in a place."""
    result = deepcopy(value)
    target = result
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = odd
    return canonical(result)


def whole(tmp_path: Path) -> Library:
    """A library with an event of each kind, and every member an event can have."""
    library = Library(folder=tmp_path).genesis()
    claim: dict[str, Any] = {
        "until": NOW,
        "tool": "t 1",
        "note": "n",
        "evidence": (Evidence(name="e", sha256="d" * 64),),
    }
    library.attest(**claim).transfer()
    library.document = {"version": "2"}
    return library.amend(by=BUYER).withdraw(by=BUYER)


@pytest.mark.parametrize("position", range(5))
def test_an_event_of_other_types_is_refused(tmp_path: Path, position: int) -> None:
    library = whole(tmp_path)
    before, line = library.lines[:position], library.lines[position]
    value = json.loads(envelope.parse(line, payload_type=EVENT_TYPE).payload)
    signers = {0: [MAKER], 1: [SCANNER], 2: [MAKER, BUYER]}.get(position, [BUYER])
    keys = [person.key for person in signers]
    links.check(links.read(b"\n".join([*before, line, b""]), POLICY), POLICY)
    for path, odd in confusions(value):
        signed = envelope.sign(EVENT_TYPE, put(value, path, odd), keys).line
        with pytest.raises(Refused, match="E-") as refused:
            links.check(links.read(b"\n".join([*before, signed, b""]), POLICY), POLICY)
        assert refused.value.where, (path, odd)


def test_an_envelope_of_other_types_is_refused(tmp_path: Path) -> None:
    (line,) = Library(folder=tmp_path).genesis().lines
    value = json.loads(line)
    for path, odd in confusions(value):
        with pytest.raises(Refused, match="E-"):
            links.read(put(value, path, odd) + b"\n", POLICY)


def test_a_policy_of_other_types_is_refused() -> None:
    draft = dict(draft_policy(tsa=[stamps.authority(policy="1.2.3")], blocked=["a" * 64]))
    draft["parties"] = draft["parties"][:1]
    draft["parties"][0]["keys"][0] |= {
        "revoked": {"at": "2026-09-21T14:13:20Z", "reason": "ceased"},
        "evidence": [{"name": "n", "digest": {"sha256": "b" * 64}}],
    }
    Policy.load(sign_policy(draft), roots=ROOTS, now=NOW)
    for path, odd in confusions(draft):
        if path == ("tsa",) and odd == []:
            continue
        sealed = envelope.sign(POLICY_TYPE, put(draft, path, odd), ROOT_KEYS[:2])
        with pytest.raises(Refused, match="E-"):
            Policy.load(sealed.line, roots=ROOTS, now=NOW)


def test_roots_of_other_types_are_refused() -> None:
    for path, odd in confusions(ROOTS.to_dict()):
        with pytest.raises(DatalibError, match="E-"):
            Policy.load(sign_policy(draft_policy()), roots=Roots.parse(put(ROOTS.to_dict(), path, odd)), now=NOW)


OPEN = {"access", "quality", "personalData", "synthetic", "rights", "optout"}


def full_manifest() -> dict[str, Any]:
    """A manifest with every member of the block."""
    value: dict[str, Any] = json.loads(datalib_manifests.example())
    value["resources"] = [{"name": "r", "path": "data/a.txt", "hash": "sha256:" + "a" * 64}]
    value["sources"] = [{"title": "t", "path": "https://example.kz"}]
    value["datalib"] |= {
        "title": {"en": "t"},
        "description": {"en": "d"},
        "sector": "s",
        "created": "2026-09-21T14:13:20Z",
        "languages": ["kk"],
        "collections": [{"prefix": "data/", "files": 1, "bytes": 1, "mediatypes": ["text/plain"]}],
        "inputs": [{"lib": "a" * 64, "head": "a" * 64, "manifest": "a" * 64, "mode": "verbatim", "prefix": "in/"}],
    }
    value["datalib"]["producer"] |= {"kind": "legal", "country": "KZ", "organised": ["collection"]}
    return {name: value[name] for name in ("name", "resources", "sources", "datalib")}


def read(data: bytes) -> None:
    """Read a manifest and compare its resources, as the verifier does."""
    manifest.check_resources(manifest.parse(data), {"data/a.txt": "a" * 64})


def test_a_manifest_of_other_types_is_refused_or_means_nothing() -> None:
    value = full_manifest()
    manifest.parse(canonical(value))
    for path, odd in confusions(value):
        if path[0] == "datalib" and path[1:2] and path[1] in OPEN and len(path) > 2:
            continue
        if path[0] == "sources" and path[-1] == "path":
            continue  # open; a former source is found by the same value again, whatever it is
        empty = odd == [] and path[-1] in {"inputs", "collections", "languages", "organised", "mediatypes"}
        if empty:
            continue
        with pytest.raises(Refused, match="E-"):
            read(put(value, path, odd))


def test_a_head_proof_of_other_types_is_refused(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis().publish()
    path = library.path("proofs/head.json")
    value = json.loads(path.read_bytes())
    for place, odd in confusions(value):
        if place == ("path",) and odd == []:
            continue
        data = put(value, place, odd)
        with pytest.raises(Refused, match="E-"):
            HeadProof.parse(data, library.lib)
        path.write_bytes(data)
        assert not verify(library.folder, policy=POLICY, now=NOW, require=(), data="none").integrity.ok
