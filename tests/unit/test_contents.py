"""Nothing else may exist: every stray has its code, and everything allowed is checked or named by an event."""

import hashlib
import os
from pathlib import Path

import pytest

from datalib.errors import Refused
from datalib.library.contents import Allowed, Entries, check_entries
from datalib.library.listing import Line
from datalib.library.store import Folder

EVENT, UP, UP_EVENT, OTHER = (hashlib.sha256(name).hexdigest() for name in (b"event", b"up", b"up-event", b"other"))
MANIFEST, REPORT = b"{}", b"report"
MANIFEST_ID, REPORT_ID = hashlib.sha256(MANIFEST).hexdigest(), hashlib.sha256(REPORT).hexdigest()
ALLOWED = Allowed(events={EVENT}, manifests={MANIFEST_ID}, evidence={REPORT_ID}, upstream={UP: {UP_EVENT}})
LINES = [Line("", "data/a"), Line("", "data/b"), Line("", "дерек")]


def put(root: Path, name: str, data: bytes = b"") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name in ("datapackage.json", "files.sha256", "chain.jsonl", "data/a", "data/b", "дерек"):
        put(tmp_path, name)
    for name in ("head.json", f"{EVENT}.tlog-proof"):
        put(tmp_path, f"proofs/{name}")
    for name in ("chain.jsonl", "files.sha256", "proofs/head.json", f"proofs/{UP_EVENT}.tlog-proof"):
        put(tmp_path, f"upstream/{UP}/{name}")
    put(tmp_path, f"manifests/{MANIFEST_ID}.json", MANIFEST)
    put(tmp_path, f"evidence/{REPORT_ID}.report.tar.gz", REPORT)
    (tmp_path / "empty/proofs").mkdir(parents=True)
    return tmp_path


def check(root: Path, allowed: Allowed = ALLOWED, *, reserved_only: bool = False) -> Entries:
    with Folder(root) as folder:
        return check_entries(folder, LINES, allowed, reserved_only=reserved_only)


def refusal(root: Path, *, reserved_only: bool = False) -> Refused:
    with pytest.raises(Refused) as caught:
        check(root, reserved_only=reserved_only)
    return caught.value


def test_everything_has_its_place(library: Path) -> None:
    assert check(library) == Entries(evidence=frozenset({REPORT_ID}))
    assert check(library, reserved_only=True) == Entries(evidence=frozenset({REPORT_ID}))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("extra", "E-FILE-UNLISTED"),
        ("data/c", "E-FILE-UNLISTED"),
        ("data/a.txt", "E-FILE-UNLISTED"),
        ("Proofs/head.json", "E-FILE-UNLISTED"),
        ("empty/proofs/head.json", "E-FILE-UNLISTED"),
        ("Chain.jsonl", "E-FILE-UNLISTED"),
        (os.fsdecode(b"\xff"), "E-FILE-UNLISTED"),
        (".datalib-tmp-0123456789abcdef", "E-FILE-UNLISTED"),
        ("proofs/.datalib-tmp-0123456789abcdef", "E-FILE-STRAY"),
        ("proofs/x", "E-FILE-STRAY"),
        (f"proofs/{OTHER}.tlog-proof", "E-FILE-STRAY"),
        (f"proofs/{EVENT}.tsr", "E-FILE-STRAY"),
        (f"proofs/{EVENT}.tlog-proof.bak", "E-FILE-STRAY"),
        (f"proofs/sub/{EVENT}.tlog-proof", "E-FILE-STRAY"),
        (f"proofs/{UP_EVENT}.tlog-proof", "E-FILE-STRAY"),
        (f"manifests/{OTHER}.json", "E-FILE-STRAY"),
        (f"manifests/{MANIFEST_ID}", "E-FILE-STRAY"),
        (f"evidence/{OTHER}", "E-FILE-STRAY"),
        (f"evidence/sub/{REPORT_ID}", "E-FILE-STRAY"),
        (f"evidence/{REPORT_ID}.a.b.c.d", "E-FILE-STRAY"),
        (f"evidence/{REPORT_ID}.{'x' * 17}", "E-FILE-STRAY"),
        (f"evidence/{REPORT_ID}.", "E-FILE-STRAY"),
        (f"evidence/{REPORT_ID}.a\n", "E-FILE-STRAY"),
        (f"evidence/{REPORT_ID.upper()}", "E-FILE-STRAY"),
        ("evidence/report.pdf", "E-FILE-STRAY"),
        (f"upstream/{OTHER}/chain.jsonl", "E-FILE-STRAY"),
        (f"upstream/{UP}/datapackage.json", "E-FILE-STRAY"),
        (f"upstream/{UP}/proofs/{EVENT}.tlog-proof", "E-FILE-STRAY"),
        (f"upstream/{UP}/upstream/{UP}/chain.jsonl", "E-FILE-STRAY"),
        ("upstream/chain.jsonl", "E-FILE-STRAY"),
        (f"upstream/{UP}/proofs/{UP_EVENT}.tsr", "E-FILE-STRAY"),
    ],
)
def test_what_has_no_place(library: Path, name: str, code: str) -> None:
    put(library, name)
    error = refusal(library)
    assert error.code == code
    error.where.encode()
    assert ("removes it" in error.detail) == ("datalib-tmp" in name)
    if code == "E-FILE-STRAY":
        assert refusal(library, reserved_only=True).code == code
    else:
        check(library, reserved_only=True)


def test_tokens_have_a_place_if_the_policy_has_an_authority(library: Path) -> None:
    put(library, f"proofs/{EVENT}.tsr")
    put(library, f"upstream/{UP}/proofs/{UP_EVENT}.tsr")
    check(
        library,
        Allowed(events={EVENT}, manifests={MANIFEST_ID}, evidence={REPORT_ID}, tsa=True, upstream={UP: {UP_EVENT}}),
    )


def test_names_that_are_digests_are_checked(library: Path) -> None:
    put(library, f"manifests/{MANIFEST_ID}.json", b"{} ")
    assert refusal(library, reserved_only=True).code == "E-MANIFEST-DIGEST"
    put(library, f"evidence/{REPORT_ID}", b"other")
    assert refusal(library).code == "E-EVIDENCE-DIGEST"


@pytest.mark.parametrize("name", ["data/b", "data/link", "proofs/link", "empty/link", "chain.jsonl", "upstream"])
def test_links(library: Path, name: str) -> None:
    target = library / name
    if target.is_dir():
        target.rename(library / "data2")
    target.unlink(missing_ok=True)
    target.symlink_to("/")
    assert refusal(library).code == ("E-FILE-UNLISTED" if name == "upstream" else "E-FILE-SYMLINK")
    if name in {"proofs/link", "upstream"}:
        assert refusal(library, reserved_only=True).code == "E-FILE-SYMLINK"


def test_special_files(library: Path) -> None:
    os.mkfifo(library / "proofs/fifo")
    assert refusal(library).code == refusal(library, reserved_only=True).code == "E-FILE-TYPE"


def test_a_plain_file_named_like_a_reserved_folder_is_not_listed(tmp_path: Path) -> None:
    put(tmp_path, "proofs")
    with Folder(tmp_path) as folder:
        for reserved_only in (False, True):
            with pytest.raises(Refused, match="E-FILE-UNLISTED"):
                check_entries(folder, [], ALLOWED, reserved_only=reserved_only)


@pytest.mark.parametrize("name", ["data/a", "data/b", "дерек"])
def test_a_listed_file_that_is_not_there(library: Path, name: str) -> None:
    (library / name).unlink()
    error = refusal(library)
    assert (error.code, error.where) == ("E-FILE-MISSING", name)
    check(library, reserved_only=True)


def test_an_empty_library_lacks_its_files(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "E-FILE-MISSING"
