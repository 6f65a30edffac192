"""Single-file proofs of the conformance cases."""

import json

import pytest

from datalib.errors import Refused
from datalib.library.proofs import FileProof, verify_proof
from tests.shared import SHARED

CASES = SHARED / "cases" / "trust" / "file-proofs.jsonl"

pytestmark = pytest.mark.shared


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
