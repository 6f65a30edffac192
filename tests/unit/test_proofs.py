"""Single-file proofs: what holds, and what is no proof."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datalib.errors import Refused
from datalib.library import listing
from datalib.library.listing import Line, Listing
from datalib.library.proofs import FileProof, Presence, prove, verify_proof
from datalib.library.store import Folder

PATHS = [f"data/{number:03}" for number in range(11)]


def library(root: Path) -> Listing:
    with Folder(root) as folder:
        return listing.write(folder, [Line(f"{number:064x}", path) for number, path in enumerate(PATHS)])


def proofs(root: Path, facts: Listing, path: str) -> list[FileProof]:
    with Folder(root) as folder:
        return prove(folder, path, expected=facts)


def show(facts: Listing, path: str, *given: FileProof) -> str:
    try:
        return verify_proof(given, path=path, files=facts.files, root=facts.root)
    except Refused as error:
        return error.code


@pytest.mark.parametrize("path", PATHS)
def test_present(tmp_path: Path, path: str) -> None:
    facts = library(tmp_path)
    (proof,) = proofs(tmp_path, facts, path)
    assert show(facts, path, proof) is Presence.PRESENT
    assert show(facts, path, proof, proof) == "E-PROOF-FILE"
    assert show(facts, "data/none", proof) == ("absent" if path == PATHS[-1] else "E-PROOF-FILE")


@pytest.mark.parametrize(
    ("path", "count"), [("a", 1), ("data/0005", 2), ("дерек", 1), ("\udcff", 1), ("data/003/a", 2)]
)
def test_absent(tmp_path: Path, path: str, count: int) -> None:
    facts = library(tmp_path)
    found = proofs(tmp_path, facts, path)
    assert len(found) == count
    assert show(facts, path, *found) is Presence.ABSENT
    assert show(facts, path, *reversed(found)) == ("absent" if count == 1 else "E-PROOF-FILE")


def test_one_file(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder:
        facts = listing.write(folder, [Line("0" * 64, "b")])
    assert [show(facts, path, *proofs(tmp_path, facts, path)) for path in "abc"] == ["absent", "present", "absent"]


def test_what_is_no_proof(tmp_path: Path) -> None:
    facts = library(tmp_path)
    (proof,) = proofs(tmp_path, facts, PATHS[4])
    for other in (
        replace(proof, line="0" * 64 + "  data/004"),
        replace(proof, line=proof.line + "\n"),
        replace(proof, index=5),
        replace(proof, index=99),
        replace(proof, size=12),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=(*proof.path, proof.path[0])),
    ):
        assert show(facts, PATHS[4], other) == "E-PROOF-FILE"
    assert show(replace(facts, root="0" * 64), PATHS[4], proof) == "E-PROOF-FILE"
    assert show(facts, PATHS[4]) == "E-PROOF-FILE"


def test_a_line_that_is_none_of_a_listing(tmp_path: Path) -> None:
    (tmp_path / "files.sha256").write_bytes(b"no line\n")
    root = "9bb1b4fd4d5b0ae0a7bd8e9e4ab8e0d0c3ac0d1c3f4c5a6e5c0f8a2cf1d0e9b7"
    proof = FileProof(line="no line", index=0, size=1, path=())
    computed = proof.root()
    assert computed is not None
    facts = Listing(name="", files=1, sha256="", root=computed.hex(), found={})
    assert computed.hex() != root
    assert show(facts, "a", proof) == "E-PROOF-FILE"


GOOD: dict[str, Any] = {"line": "x", "index": 0, "size": 1, "path": ["A" * 43 + "="]}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        GOOD | {"more": 1},
        {name: GOOD[name] for name in ("line", "index", "size")},
        GOOD | {"line": b"x"},
        GOOD | {"index": True},
        GOOD | {"index": 0.0},
        GOOD | {"size": "1"},
        GOOD | {"path": "A"},
        GOOD | {"path": [1]},
        GOOD | {"path": ["A" * 43]},
        GOOD | {"path": ["A" * 42 + "B="]},
        GOOD | {"path": ["A" * 44]},
        GOOD | {"path": ["ә"]},
        GOOD | {"path": ["A" * 43 + "=\n"]},
    ],
    ids=range(16),
)
def test_other_forms_are_refused(value: object) -> None:
    with pytest.raises(Refused, match="E-PROOF-FILE"):
        FileProof.from_dict(value)


def test_form() -> None:
    assert FileProof.from_dict(GOOD).to_dict() == GOOD


def test_a_listing_that_was_not_examined(tmp_path: Path) -> None:
    facts = library(tmp_path)
    for wrong in (replace(facts, root="0" * 64), replace(facts, files=5)):
        with pytest.raises(Refused, match="E-PROOF-FILE"):
            proofs(tmp_path, wrong, PATHS[-1])
    with pytest.raises(Refused, match="E-LIST-DIGEST"):
        proofs(tmp_path, replace(facts, sha256="0" * 64), PATHS[0])
