"""Libraries in an object store: the same answers as in a folder, from a real S3 server."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

import datalib
from datalib.engine import Engine
from datalib.errors import Misuse, Refused, Unchecked
from datalib.formats import format_time
from datalib.library import objects
from datalib.library.files import Entry, Files, Kind
from datalib.library.hashing import verify_files
from datalib.library.listing import Line
from datalib.library.objects import Address, Objects
from datalib.library.opening import files_of
from datalib.library.store import Folder
from datalib.verify import Report, verify
from datalib_cli.app import run
from tests import assembling
from tests.libraries import NOW, ROOTS, Library, Log, draft_policy, sign_policy
from tests.stores import Store, served


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with served() as running:
        yield running


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    rows = pa.table({"word": [f"word {n}" for n in range(1000)]})
    made = tmp_path / "words.parquet"
    parquet.write_table(rows, made)
    files = {"data/sub/a.txt": b"a" * 70_000, "data/\u0434\u0430\u043b\u0430 %20+.txt": b"b", "empty": b""}
    files["words.parquet"] = made.read_bytes()
    return Library(folder=tmp_path / "library", files=files).genesis().attest().publish()


@pytest.fixture
def place(store: Store, library: Library, request: pytest.FixtureRequest) -> str:
    """The library, copied to a prefix of its own."""
    place = f"libraries/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    store.upload(library.folder, place)
    return place


def check(where: str | Path, **options: Any) -> Report:
    usual: dict[str, Any] = {"policy": sign_policy(draft_policy()), "roots": ROOTS, "now": NOW}
    return verify(where, **(usual | options))


def code(report: Report) -> str | None:
    return report.refusal.code if report.refusal else None


def test_the_same_report_as_of_the_folder(store: Store, library: Library, place: str) -> None:
    for data in ("full", "none", "sample:2"):
        there = check(store.address(place), data=data, seed=b"lot")
        assert there.accepted
        assert there == check(library.folder, data=data, seed=b"lot")


def test_a_library_without_proofs(store: Store, tmp_path: Path) -> None:
    library = Library(folder=tmp_path / "library", log=None).genesis()
    store.upload(library.folder, "proofless/library")
    draft = draft_policy()
    log = {"policy": draft["log"]["policy"], "require": False}
    asked: dict[str, Any] = {"policy": sign_policy({**draft, "log": log}), "require": ()}
    there = check(store.address("proofless/library"), **asked)
    assert there == check(library.folder, **asked)
    assert there.accepted


def test_a_library_made_of_libraries(store: Store, tmp_path: Path) -> None:
    grain = assembling.upstream(tmp_path, Log())
    assembling.publish(grain)
    out = tmp_path / "sector"
    assembling.assemble(out, f"{grain.folder},mode=subset", take=["grain/a/*"])
    store.upload(out, "sector/library")
    asked: dict[str, Any] = {"policy": assembling.POLICY, "require": (), "admission": True}
    there = check(store.address("sector/library"), **asked)
    assert there == check(out, **asked)
    assert there.accepted


CHANGES = {
    "E-FILE-DIGEST": lambda store, place: store.put(f"{place}/empty", b"forged"),
    "E-FILE-MISSING": lambda store, place: store.delete(f"{place}/data/sub/a.txt"),
    "E-FILE-UNLISTED": lambda store, place: store.put(f"{place}/data/smuggled", b"x"),
    "E-FILE-STRAY": lambda store, place: store.put(f"{place}/proofs/stray", b"x"),
    "E-LIST-DIGEST": lambda store, place: store.put(f"{place}/files.sha256", b"x"),
    "E-LIST-MISSING": lambda store, place: store.delete(f"{place}/files.sha256"),
    "E-CHAIN-MISSING": lambda store, place: store.delete(f"{place}/chain.jsonl"),
    "E-JSON-SIZE": lambda store, place: store.put(f"{place}/datapackage.json", b" " * (17 << 20)),
}


@pytest.mark.parametrize("expected", CHANGES)
def test_what_was_changed_is_refused(store: Store, place: str, expected: str) -> None:
    CHANGES[expected](store, place)
    assert code(check(store.address(place))) == expected


@pytest.mark.parametrize("name", ["../up", "data/../up", "data//up", "/up", "./up", "data/./up"])
def test_a_name_that_leads_elsewhere_is_refused(store: Store, place: str, name: str) -> None:
    store.put(f"{place}/{name}", b"smuggled")
    assert code(check(store.address(place))) == "E-PATH-TRAVERSAL"


def test_what_is_beside_the_library_is_not_seen(store: Store, place: str) -> None:
    store.put(f"{place}-other/file", b"x")
    assert check(store.address(place)).accepted
    with files_of(store.address(place)) as files:
        for name in ("../up", "data/../empty", "", "data//a", "."):
            with pytest.raises(Refused, match="E-PATH-TRAVERSAL"):
                files.open(name, missing="E-FILE-MISSING")


def seen(files: Files, below: str = "") -> list[Entry]:
    return list(files.walk(below, leave_out=lambda path: path == "proofs/"))


def test_the_same_walk_as_of_the_folder(store: Store, library: Library, place: str) -> None:
    for name in ("data/sub-x", "data/sub.x/y", "data/sub/b"):
        library.path(name).parent.mkdir(exist_ok=True)
        library.path(name).write_bytes(b"")
    store.upload(library.folder, place)
    store.put(f"{place}/a folder made by a console/", b"")
    with Folder(library.folder) as here, files_of(store.address(place)) as there:
        assert seen(there) == seen(here)
        assert seen(there, "data") == seen(here, "data")
        assert [there.exists(name) for name in ("data", "empty", "data/sub/b", "dat")] == [True, True, True, False]
        assert there.read("empty", limit=0, missing="E-FILE-MISSING", too_large="E-JSON-SIZE") == b""
    store.put(f"{place}/empty/below", b"")  # an object may have the name of a folder
    with files_of(store.address(place)) as there:
        assert Entry("empty", Kind.FILE) in seen(there)
        assert Entry("empty/below", Kind.FILE) in seen(there)


def test_more_names_than_one_answer_holds(store: Store) -> None:
    store.put("many")
    names = [f"f/{number:04}" for number in range(1005)]
    for name in names:
        store.put(f"many/{name}", b"")
    with files_of(store.address("many")) as files:
        assert [entry.path for entry in seen(files)] == names


def test_a_large_object_is_read_by_ranges(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PIECE", 1000)
    data = b"".join(b"%07d\n" % number for number in range(4000))
    store.put("large")
    store.put("large/file", data)
    line = Line(hashlib.sha256(data).hexdigest(), "file")
    with files_of(store.address("large")) as files:
        assert verify_files(files, [line], total=len(data)).bytes == len(data)
        with files.open("file", missing="E-FILE-MISSING") as file:
            assert file.readable()
            assert file.seekable()
            assert file.seek(0, os.SEEK_END) == len(data)
            assert file.read(1) == b""
            for start, size in ((31_990, 100), (0, 10), (10, 2500), (17, 3), (500, 10), (20_000, 5000), (0, 1)):
                file.seek(start)
                got = b""
                while len(got) < min(size, len(data) - start) and (part := file.read(size - len(got))):
                    got += part
                assert got == data[start : start + size]
                assert file.tell() == start + len(got)
            file.seek(0)
            assert file.read() == data


def test_objects_are_hashed_by_processes_too(store: Store) -> None:
    store.put("spread")
    data = {f"{number:02}": b"%d" % number for number in range(40)}
    for name, content in data.items():
        store.put(f"spread/{name}", content)
    lines = [Line(hashlib.sha256(content).hexdigest(), name) for name, content in data.items()]
    with files_of(store.address("spread")) as files:
        assert verify_files(files, lines, total=None, engine=Engine(workers=2)).files == 40
        store.put("spread/33", b"another")
        store.delete("spread/35")
        with pytest.raises(Refused, match="E-FILE-DIGEST: 33"):
            verify_files(files, lines, total=None, engine=Engine(workers=2))


@pytest.mark.parametrize("change", ["longer", "other", "gone", "shorter"])
def test_an_object_that_changes_while_it_is_read(store: Store, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    monkeypatch.setattr(objects, "PIECE", 1000)
    data = bytes(20_000)
    store.put("changing")
    store.put("changing/file", data)
    line = Line(hashlib.sha256(data).hexdigest(), "file")
    done: list[int] = []

    def progress(count: int) -> None:
        if not done:
            others = {"longer": data + b"x", "other": bytes(19_999) + b"x", "shorter": b"x"}
            if change == "gone":
                store.delete("changing/file")
            else:
                store.put("changing/file", others[change])
        done.append(count)

    with files_of(store.address("changing")) as files, pytest.raises(Refused, match="E-FILE-CHANGED"):
        verify_files(files, [line], total=None, progress=progress)


def test_open_hands_out_checked_bytes_only(store: Store, library: Library, place: str) -> None:
    options: dict[str, Any] = {"policy": sign_policy(draft_policy()), "roots": ROOTS, "now": NOW, "data": "none"}
    with datalib.open(store.address(place), **options) as opened:
        assert list(opened.paths()) == sorted(library.files, key=str.encode)
        with opened.open("data/sub/a.txt") as file:
            assert file.read() == b"a" * 70_000
        with opened.open("words.parquet") as file:
            assert parquet.read_table(file).num_rows == 1000
        store.put(f"{place}/data/sub/a.txt", b"a" * 69_999 + b"b")
        with pytest.raises(Refused, match="E-READ-DIGEST"):
            opened.open("data/sub/a.txt")


@pytest.mark.parametrize(
    "text",
    [
        *("s3://", "s3:///x", "s3://UPPER/x", "s3://bucket/a/../b", "s3://bucket/a//b", "s3://bucket/%2e%2e/b"),
        *("s3://bucket/a#b", "s3://[::1/x", "s3://bucket?region", "s3://bucket?region=a b", "s3://bucket?other=1"),
        *("s3://bucket?scheme=ftp", "s3://bucket?endpoint_override=http://x/", "s3://bucket?anonymous=perhaps"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Misuse, match="E-USAGE"):
        Address.parse(text)


def test_secrets_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(Misuse, match="AWS_ACCESS_KEY_ID") as caught:
        Address.parse("s3://key:secret@bucket/x")
    assert "secret" not in str(caught.value)


def test_an_address() -> None:
    address = Address.parse("s3://bucket/a%20b/c/?region=eu-central-1&anonymous=true")
    assert (address.root, address.options) == ("bucket/a b/c", (("anonymous", "true"), ("region", "eu-central-1")))
    assert address.connect().region == "eu-central-1"
    assert Address.parse("s3://bucket").root == "bucket"


def test_what_is_not_there_or_does_not_answer_cannot_be_checked(store: Store) -> None:
    store.put("there")
    store.put("there/file", b"")
    for place in ("there/file", "there/nothing", "nowhere/x"):
        with pytest.raises(Unchecked, match="E-IO"):
            check(store.address(place))
    with pytest.raises(Unchecked, match="E-IO") as caught:
        check("s3://there/x?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1")
    assert "\n" not in str(caught.value)


def test_a_store_that_is_not_open() -> None:
    closed = Objects(Address.parse("s3://bucket/x"))
    with pytest.raises(Unchecked, match="E-IO"):
        closed._submit(None, 0, 1)


def test_commands(
    store: Store, library: Library, place: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    policy, roots = tmp_path / "policy.json", tmp_path / "roots.json"
    policy.write_bytes(sign_policy(draft_policy()))
    roots.write_text(json.dumps(ROOTS.to_dict()))
    address = store.address(place)
    asked = ["--policy", str(policy), "--roots", str(roots), "--now", format_time(NOW), "--format", "json"]
    assert run(["verify", address, *asked]) == 0
    found = json.loads(capsysbinary.readouterr().out)
    assert (found["accepted"], found["complete"], found["read"]["files"]) == (True, True, len(library.files))
    assert run(["verify", "s3://key:secret@bucket/x", *asked]) == 2
    assert b"secret" not in capsysbinary.readouterr().out
    assert run(["sign", address, "--key", "x.pem"]) == 2
    said = capsysbinary.readouterr().err.decode()
    assert "E-STORE-READ-ONLY" in said
    assert "Copy what the command needs into a folder" in said
