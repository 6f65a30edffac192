"""Bags, out and in: the library comes back whole, and nothing comes in that the bag does not bind."""

import filecmp
import hashlib
from pathlib import Path

import pytest

from datalib.errors import Misuse, Refused
from datalib.interop import bagit, bagit_import
from datalib.interop.known import know
from tests.interop import describe, live


def same(one: Path, other: Path) -> bool:
    found = filecmp.dircmp(one, other)
    names = [str(path.relative_to(one)) for path in one.rglob("*") if path.is_file()]
    others = [str(path.relative_to(other)) for path in other.rglob("*") if path.is_file()]
    return (
        sorted(names) == sorted(others)
        and not filecmp.cmpfiles(one, other, names, shallow=False)[1]
        and not found.funny_files
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def bag(folder: Path, files: dict[str, bytes], algorithm: str = "sha256") -> Path:
    """Write a bag by hand."""
    made = folder / "bag"
    for name, data in files.items():
        (made / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (made / "data" / name).write_bytes(data)
    lines = [f"{hashlib.new(algorithm, data).hexdigest()}  data/{name}\n" for name, data in files.items()]
    (made / f"manifest-{algorithm}.txt").write_text("".join(lines))
    (made / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    return made


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live(tmp_path_factory.mktemp("bag"))


def test_a_library_comes_back_byte_for_byte(library: Path, tmp_path: Path) -> None:
    assert bagit.write(know(library), tmp_path / "bag") == 1
    assert bagit.lacking(1)[0].where == "files.sha256"
    info = (tmp_path / "bag" / "bag-info.txt").read_text()
    assert "Datalib-Assurance: declared\n" in info
    assert "Payload-Oxum: " in info
    restored, notes = bagit_import.read(tmp_path / "bag", tmp_path / "back")
    assert (restored, notes) == (True, [])
    assert same(library, tmp_path / "back")
    assert names(tmp_path) == ["back", "bag"]


def test_an_export_is_all_or_nothing(library: Path, tmp_path: Path) -> None:
    draft = describe(tmp_path)
    with pytest.raises(Refused, match="E-NOT-SIGNED"):
        bagit.write(know(draft), tmp_path / "out" / "bag")
    assert names(tmp_path / "out") == []
    with pytest.raises(Misuse, match="E-OUT-EXISTS"):
        bagit.write(know(library), tmp_path)


def test_a_changed_file_is_not_put_into_a_bag(tmp_path: Path) -> None:
    library = live(tmp_path)
    (library / "more.txt").write_text("MORE\n")
    with pytest.raises(Refused, match="E-FILE-DIGEST"):
        bagit.write(know(library), tmp_path / "bag")
    (library / "more.txt").write_text("more\n")
    (library / "evidence").mkdir(exist_ok=True)
    (library / "evidence" / "link").symlink_to("nothing")
    with pytest.raises(Refused, match="E-FILE-TYPE"):
        bagit.write(know(library), tmp_path / "bag")
    assert not (tmp_path / "bag").exists()


@pytest.mark.parametrize("algorithm", ["sha512", "sha256", "sha1", "md5"])
def test_a_bag_of_others_becomes_a_draft(tmp_path: Path, algorithm: str) -> None:
    made = bag(tmp_path, {"a.txt": b"a", "b/c%25d.txt": b"b"}, algorithm)
    (made / "bag-info.txt").write_text(
        "Source-Organization: House\nContact-Name: Desk\nContact-Email: d@x.example\nExternal-Description: two\n"
        "  lines\n"
        "Bagging-Date: 2026-01-01\nPayload-Oxum: 2.2\nInternal-Sender-Identifier: 7\nno colon\n"
    )
    out = tmp_path / "out"
    out.mkdir()
    restored, notes = bagit_import.read(made, out)
    assert not restored
    assert (out / "a.txt").read_bytes() == b"a"
    assert (out / "b" / "c%25d.txt").exists()
    text = (out / "datapackage.json").read_text()
    for part in ("House", "two lines", "d@x.example", "2026-01-01"):
        assert part in text
    said = " ".join(f"{note.where} {note.detail}" for note in notes)
    assert "Internal-Sender-Identifier" in said
    assert ("accidents only" in said) == (algorithm in {"sha1", "md5"})


def test_encoded_names_other_manifests_and_carriage_returns_are_read(tmp_path: Path) -> None:
    made = bag(tmp_path, {"a%b.txt": b"a", "datapackage.json": b"{}"})
    lines = (made / "manifest-sha256.txt").read_text().replace("a%b", "a%25b").replace("\n", "\r\n").rstrip("\r\n")
    (made / "manifest-sha256.txt").write_text(lines, newline="")
    (made / "manifest-md5.txt").write_text("")
    (made / "fetch.txt").write_text("")
    _, notes = bagit_import.read(made, tmp_path / "out")
    assert names(tmp_path / "out") == ["a%b.txt", "datapackage.json"]
    assert (tmp_path / "out" / "datapackage.json").read_bytes() == b"{}"
    assert [note.where.rpartition("/")[2] for note in notes] == ["manifest-md5.txt"]


BREAKS = {
    "no declaration": ("bagit.txt", None, "E-FOREIGN-FORMAT"),
    "another version": ("bagit.txt", b"BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n", "E-FOREIGN-FORMAT"),
    "another encoding": ("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-16\n", "E-FOREIGN-FORMAT"),
    "no UTF-8": ("bagit.txt", b"\xff", "E-FOREIGN-FORMAT"),
    "no manifest": ("manifest-sha256.txt", None, "E-FOREIGN-FORMAT"),
    "to be fetched": ("fetch.txt", b"https://x.example/f 1 data/f\n", "E-FOREIGN-REMOTE"),
    "changed": ("data/a.txt", b"b", "E-BAG-CONTENT"),
    "missing": ("data/a.txt", None, "E-BAG-CONTENT"),
    "not listed": ("data/more.txt", b"m", "E-BAG-CONTENT"),
    "no digest": ("manifest-sha256.txt", b"xyz  data/a.txt\n", "E-BAG-CONTENT"),
    "short digest": ("manifest-sha256.txt", b"abcd  data/a.txt\n", "E-BAG-CONTENT"),
    "a line without end": ("manifest-sha256.txt", b"a" * 10_000, "E-BAG-CONTENT"),
    "outside": ("manifest-sha256.txt", b"ab" * 32 + b"  bagit.txt\n", "E-BAG-CONTENT"),
    "upwards": ("manifest-sha256.txt", b"ab" * 32 + b"  data/../x\n", "E-PATH-"),
    "reserved": ("manifest-sha256.txt", b"ab" * 32 + b"  data/chain.jsonl\n", "E-PATH-RESERVED"),
    "a wrong tag": ("tagmanifest-sha256.txt", b"ab" * 32 + b"  bagit.txt\n", "E-BAG-CONTENT"),
    "a tag upwards": ("tagmanifest-sha256.txt", b"ab" * 32 + b"  ../x\n", "E-PATH-"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_a_bag_does_not_bind_does_not_come_in(tmp_path: Path, name: str) -> None:
    made = bag(tmp_path, {"a.txt": b"a"})
    file, data, code = BREAKS[name]
    (made / file).unlink() if data is None else (made / file).write_bytes(data)
    with pytest.raises(Refused, match=code):
        bagit_import.read(made, tmp_path / "out")
    assert names(tmp_path) == ["bag"]


def test_a_file_is_listed_once_and_is_no_link(tmp_path: Path) -> None:
    made = bag(tmp_path, {"a.txt": b"a"})
    line = (made / "manifest-sha256.txt").read_text()
    (made / "manifest-sha256.txt").write_text(line * 2)
    with pytest.raises(Refused, match="E-BAG-CONTENT"):
        bagit_import.read(made, tmp_path / "out")
    (made / "manifest-sha256.txt").write_text(line)
    (made / "data" / "a.txt").unlink()
    (made / "data" / "a.txt").symlink_to("/etc/hostname")
    with pytest.raises(Refused, match="E-FILE-SYMLINK"):
        bagit_import.read(made, tmp_path / "out")


def test_records_of_a_library_are_records_only(library: Path, tmp_path: Path) -> None:
    bagit.write(know(library), tmp_path / "bag")
    (tmp_path / "bag" / "datalib" / "extra.txt").write_text("x")
    with pytest.raises(Refused, match="E-BAG-CONTENT"):
        bagit_import.read(tmp_path / "bag", tmp_path / "out")


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path) -> None:
    made = bag(tmp_path, {"a.txt": b"a"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    with pytest.raises(Misuse, match="E-OUT-EXISTS"):
        bagit_import.read(made, tmp_path / "out")


def test_what_a_killed_run_left_is_cleared(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "bag"
    with bagit.making(out) as folder:
        left = folder.path
        with pytest.raises(Misuse, match="E-BUSY"):
            bagit.write(know(library), out)
    out.rmdir()
    with pytest.raises(ZeroDivisionError), bagit.making(out):
        _ = 1 / 0
    assert not left.exists()
    left.mkdir()
    (left / "x").write_text("")
    bagit.write(know(library), out)
    assert not (out / "x").exists()
