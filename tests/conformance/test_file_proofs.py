"""Single-file proofs of the conformance cases."""

import json
import os
from pathlib import Path

import pytest

from datalib.errors import Refused
from datalib.library.proofs import FileProof, verify_proof

CASES = Path(os.environ.get("DATALIB_SHARED", "/nonexistent")) / "cases" / "trust" / "file-proofs.jsonl"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CASES.exists(), reason="DATALIB_SHARED names no folder with cases/trust/file-proofs.jsonl"),
]


def test_every_case() -> None:
    with CASES.open(encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    assert len(cases) >= 18
    for case in cases:
        content = case["content"]
        try:
            proofs = [FileProof.from_dict(value) for value in case["proofs"]]
            shown: str = verify_proof(proofs, path=case["path"], files=content["files"], root=content["root"])
        except Refused as error:
            shown = error.code
        assert shown == case["expect"], case["id"]
