"""One file through the program: proved present or absent, checked against a manifest, a chain, a library."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import PRODUCER, TRUST, Program

HELD = ("--manifest", "library/datapackage.json", "--chain", "library/chain.jsonl")


@pytest.fixture
def proof(datalib: Program, signed: Path) -> Path:
    made = datalib("prove", "library", "words.csv", "-o", "proof.json")
    assert made.status == 0, made.err
    assert made.out.startswith("words.csv: present, SHA-256 ")
    return signed.parent / "proof.json"


def test_a_present_file_against_ever_more(datalib: Program, proof: Path) -> None:
    alone = datalib("verify-proof", "proof.json", *HELD[:2])
    assert alone.status == 0, alone.err
    assert "give --chain" in alone.out
    unsigned = datalib("verify-proof", "proof.json", *HELD)
    assert "signatures: not verified" in unsigned.out
    assert "state after event 1 of 1: genesis" in unsigned.out
    vouched = datalib("verify-proof", "proof.json", *HELD, *TRUST, "--format", "json").data
    assert vouched["result"] == "present"
    assert vouched["signatures"]
    assert "replay" in vouched["not_checked"]
    whole = datalib("verify-proof", "proof.json", "--library", "library", *TRUST, "--format", "json").data
    assert whole["not_checked"] == ["roots", "log", "time", "head", "state"]
    assert whole["library"] == vouched["library"]


def test_the_library_may_lack_its_data_and_listing(datalib: Program, proof: Path) -> None:
    shutil.copytree("library", "metadata", ignore=lambda *_: {"words.csv", "notes.txt", "files.sha256"})
    found = datalib("verify-proof", "proof.json", "--library", "metadata", *TRUST)
    assert found.status == 0, found.err


def test_an_absent_file(datalib: Program, signed: Path) -> None:
    for path in ("a.txt", "o.txt", "zz/z.txt"):
        assert datalib("prove", "library", path, "-o", "absent.json").out.startswith(f"{path}: absent\n")
        found = datalib("verify-proof", "absent.json", *HELD, *TRUST, "--format", "json").data
        assert (found["result"], found["path"], found["sha256"]) == ("absent", path, None)
    assert datalib("verify-proof", "absent.json", *HELD[:2], "--path", "notes.txt").status == 1
    text = datalib("verify-proof", "absent.json", *HELD[:2], "--path", "zz/q.txt").out
    assert text.startswith("zz/q.txt: absent\n")


def test_the_answer_that_is_expected_decides_the_exit_status(datalib: Program, proof: Path) -> None:
    assert datalib("verify-proof", "proof.json", *HELD, "--expect", "present").status == 0
    assert datalib("verify-proof", "proof.json", *HELD, "--expect", "absent").status == 1


def test_an_own_copy_is_compared(datalib: Program, proof: Path, tmp_path: Path) -> None:
    same = datalib("verify-proof", "proof.json", *HELD, "--file", "library/words.csv")
    assert "library/words.csv: the same bytes" in same.out
    other = datalib("verify-proof", "proof.json", *HELD, "--file", "library/notes.txt")
    assert (other.status, "E-FILE-DIGEST" in other.err) == (1, True)
    assert datalib("verify-proof", "proof.json", *HELD, "--file", "nothing").status == 3
    datalib("prove", "library", "a.txt", "-o", "absent.json")
    assert datalib("verify-proof", "absent.json", *HELD, "--file", "library/notes.txt").status == 2


def test_an_earlier_state_is_said_to_be_one(datalib: Program, proof: Path, signed: Path) -> None:
    shutil.copy("library/datapackage.json", "first.json")
    (signed / "more.txt").write_text("more\n")
    assert datalib("sign", "library", "--key", "producer.pem", "--reason", "addition").status == 0
    earlier = datalib("verify-proof", "proof.json", "--manifest", "first.json", *HELD[2:], *TRUST)
    assert "state after event 1 of 2: genesis" in earlier.out
    assert "the chain goes on" in earlier.out
    later = datalib("verify-proof", "proof.json", *HELD, *TRUST)
    assert (later.status, "E-PROOF-FILE" in later.err) == (1, True)


def test_what_does_not_fit_is_refused(datalib: Program, proof: Path, tmp_path: Path) -> None:
    value = json.loads(proof.read_bytes())

    def code(*arguments: str, status: int = 1, **changes: object) -> str:
        Path("changed.json").write_text(json.dumps(value | changes))
        done = datalib("verify-proof", "changed.json", *(arguments or HELD), "--format", "json")
        assert done.status == status, done.err
        found: str = done.data["code"]
        return found

    assert code(library="0" * 64) == "E-PROOF-FILE"
    assert code(manifest="0" * 64) == "E-PROOF-FILE"
    assert code(proofs=[]) == "E-PROOF-FILE"
    assert code(proofs={}) == "E-PROOF-FILE"
    assert code(path=1) == "E-PROOF-FILE"
    assert code(other=1) == "E-PROOF-FILE"
    assert code(path="", status=2) == "E-USAGE"
    assert code(path="a//b", status=2) == "E-PATH-TRAVERSAL"
    assert code(*HELD, "--library-id", "0" * 64) == "E-CHAIN-LIB"
    assert code(*HELD, "--key", f"{PRODUCER}=auditor.pub.pem") == "E-KEY-UNKNOWN"
    assert code(*HELD[:2], *TRUST, status=2) == "E-USAGE"
    assert code(*HELD[2:], status=2) == "E-USAGE"
    assert code(*HELD, "--library", "library", *TRUST, status=2) == "E-USAGE"
    assert code(*("--library", "library"), status=2) == "E-NO-TRUST"
    Path("other.json").write_bytes(Path("library/datapackage.json").read_bytes() + b" ")
    assert code("--manifest", "other.json", *HELD[2:], library="", manifest="") == "E-MANIFEST-DIGEST"


def test_a_bare_proof_is_enough(datalib: Program, proof: Path) -> None:
    Path("bare.json").write_text(json.dumps(json.loads(proof.read_bytes())["proofs"][0]))
    assert datalib("verify-proof", "bare.json", *HELD, "--path", "words.csv").status == 0
    assert datalib("verify-proof", "bare.json", *HELD).status == 2


def test_a_policy_with_windows_is_asked(datalib: Program, proof: Path) -> None:
    assert datalib("key", "new", "-o", "root.pem", "--no-password").status == 0
    for arguments in (
        ("new", "-o", "policy.json", "--roots-out", "roots.json", "--root", "root.pub.pem", "--days", "3000"),
        ("add-party", "policy.json", "--party", PRODUCER, "--name", "en=P", "--role", "producer"),
        ("add-key", "policy.json", "--party", PRODUCER, "--key", "producer.pub.pem", "--until", "2027-01-01T00:00:00Z"),
        ("sign", "policy.json", "--key", "root.pem"),
    ):
        assert datalib("policy", *arguments).status == 0
    trust = ("--policy", "policy.json", "--roots", "roots.json")
    found = datalib("verify-proof", "proof.json", *HELD, *trust, "--format", "json").data
    assert found["not_checked"] == ["replay", "log", "head"]
    late = ("--now", "2028-01-01T00:00:00Z", "--format", "json")
    assert datalib("verify-proof", "proof.json", *HELD, *trust, *late).data["code"] == "E-KEY-EXPIRED"
    state = ("--state", "state.json", "--format", "json")
    whole = datalib("verify-proof", "proof.json", "--library", "library", *trust, *state).data
    assert whole["not_checked"] == ["log", "time", "head"]


def test_prove_writes_into_no_library_and_only_about_what_is_signed(datalib: Program, signed: Path) -> None:
    assert datalib("prove", "library", "words.csv", "-o", "library/proof.json").status == 2
    assert datalib("prove", "library", "datapackage.json", "-o", "proof.json").status == 2
    (signed / "datapackage.json").write_bytes((signed / "datapackage.json").read_bytes() + b" ")
    edited = datalib("prove", "library", "words.csv", "-o", "proof.json")
    assert (edited.status, "E-MANIFEST-DIGEST" in edited.err) == (1, True)


def test_a_proof_for_a_logged_library_tells_when_it_was_logged(datalib: Program, tmp_path: Path) -> None:
    from tests.libraries import NOW, draft_policy, sign_policy, sound
    from tests.libraries import ROOTS as PINNED

    library = sound(tmp_path / "logged")
    Path("policy.json").write_bytes(sign_policy(draft_policy()))
    Path("roots.json").write_text(json.dumps(PINNED.to_dict()))
    assert datalib("prove", "logged", "data/a.txt", "-o", "proof.json").status == 0
    found = datalib(
        *("verify-proof", "proof.json", "--library", "logged", "--library-id", library.lib),
        *("--policy", "policy.json", "--roots", "roots.json", "--now", "2026-10-31T14:13:20Z"),
    )
    assert found.status == 0, found.err
    assert "logged by 2026-09-23T14:14:20Z" in found.out
    assert "not checked:\n  - rollback" in found.out
    assert NOW == 1_793_456_000
