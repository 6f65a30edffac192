"""Unpacking and packing: what is written, where, and that nothing else is."""

import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from datalib.archive import pack, unpack
from datalib.archive.entries import CHUNK
from datalib.archive.pack import kind_of
from datalib.archive.reading import Archive, Kind
from datalib.errors import Misuse, Refused, Unchecked
from datalib.library.manifest import Content
from tests.archives import FILES, Files, content, names, refusal, tar


def unpacked(path: Path, folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> Files:
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with Archive(path) as archive:
            unpack.unpack(archive, unpack.survey(archive), descriptor, wanted)
    finally:
        os.close(descriptor)
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_unpacking_writes_what_is_wanted_and_only_for_the_user(tmp_path: Path) -> None:
    made = tar(tmp_path / "t", FILES)
    assert unpacked(made, tmp_path / "all") == FILES
    assert unpacked(made, tmp_path / "some", lambda path: path.startswith("data/")).keys() == {
        "data/a.txt",
        "data/b.txt",
    }
    assert stat.S_IMODE((tmp_path / "all" / "data" / "a.txt").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "all" / "data").stat().st_mode) == 0o700


def test_deep_folders_are_made_and_left(tmp_path: Path) -> None:
    files = {"/".join(["d"] * depth) + "/f": b"x" for depth in (500, 3, 400, 2)} | {"f": b"y"}
    assert unpacked(tar(tmp_path / "t", files), tmp_path / "out") == files


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    def twice(*paths: str) -> Path:
        with tarfile.open(tmp_path / "t", "w") as made:
            for path in paths:
                made.addfile(tarfile.TarInfo(path))
        return tmp_path / "t"

    def code(*paths: str) -> str:
        return refusal(
            twice(*paths), lambda path: unpacked(path, tmp_path / f"out {' '.join(paths)}".replace("/", "-"))
        )

    for paths in (("a", "a"), ("a", "./a"), ("d/a", "d"), ("d", "d/a"), ("d/a", "x", "d/a")):
        assert code(*paths) == "E-ARCHIVE-DUPLICATE"
    assert code("chain.jsonl", "./chain.jsonl") == "E-ARCHIVE-DUPLICATE"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    made = tar(tmp_path / "t", {"link/evil": b"x", "other": b"y"})
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    descriptor = os.open(folder, os.O_RDONLY)
    with Archive(made) as archive, pytest.raises(Refused, match="E-FILE-SYMLINK"):
        unpack.unpack(archive, unpack.survey(archive), descriptor, lambda _: True)
    os.close(descriptor)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_an_archive_that_grows_between_the_passes_is_refused(tmp_path: Path) -> None:
    made = tar(tmp_path / "t", {"a": b"1"})
    with Archive(made) as archive:
        found = unpack.survey(archive)
        tar(made, {"a": b"1", "b": b"2" * 1000})
        descriptor = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(Refused, match="E-ARCHIVE-BOMB"):
            unpack.unpack(archive, found, descriptor, lambda _: True)
        os.close(descriptor)


@pytest.mark.parametrize(
    ("files", "base"),
    [
        ({"lib/chain.jsonl": b"", "lib/data/a": b""}, "lib/"),
        ({"lib/chain.jsonl": b"", "other": b""}, ""),
        ({"other": b"", "lib/chain.jsonl": b""}, ""),
        ({"a/x": b"", "b/x": b""}, ""),
        ({}, ""),
    ],
)
def test_the_one_folder_around_a_library_is_seen(tmp_path: Path, files: Files, base: str) -> None:
    with Archive(tar(tmp_path / "t", files)) as archive:
        assert unpack.survey(archive).base == base


def test_the_signed_numbers_bound_an_archive(tmp_path: Path) -> None:
    def survey(**changes: int) -> unpack.Survey:
        given = {"entries": 1, "size": 1, "listing": 1} | changes
        return unpack.Survey(base="", kept={}, **given)

    signed = Content(files=2, bytes=100, sha256="0" * 64, root="0" * 64)
    for good in ({"entries": 10_002}, {"size": 100 + (64 << 20)}, {"listing": 2 * 1091}):
        unpack.check_size(survey(**good), signed)
    for bad in ({"entries": 10_003}, {"size": 101 + (64 << 20)}, {"listing": 2 * 1091 + 1}):
        with pytest.raises(Refused, match="E-ARCHIVE-BOMB"):
            unpack.check_size(survey(**bad), signed)


def test_a_chain_too_large_to_be_one_is_not_read(tmp_path: Path) -> None:
    with Archive(tar(tmp_path / "t", {"datapackage.json": bytes((16 << 20) + 1)})) as archive:
        assert unpack.survey(archive).kept == {"datapackage.json": None}


def test_only_files_are_archives(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="E-FILE-TYPE"), Archive(tmp_path / "pipe"):
        pass
    with pytest.raises(Unchecked, match="E-IO"), Archive(tmp_path / "nothing"):
        pass


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "zip"])
def test_the_same_library_gives_the_same_bytes(library: Path, tmp_path: Path, ending: str) -> None:
    first, second = tmp_path / f"1.{ending}", tmp_path / f"2.{ending}"
    done = pack.pack(library, first)
    for path in library.rglob("*"):
        os.utime(path, (1, 1))
    (library / "data" / "a.txt").chmod(0o755)
    pack.pack(library, second)
    assert first.read_bytes() == second.read_bytes()
    assert content(first) == FILES
    assert names(first) == sorted(FILES, key=str.encode)
    assert (done.files, done.bytes) == (len(FILES), sum(map(len, FILES.values())))
    assert done.kind is kind_of(first)


def test_only_a_clean_signed_library_is_packed(library: Path, tmp_path: Path) -> None:
    def code() -> str:
        with pytest.raises(Refused) as caught:
            pack.pack(library, tmp_path / "x.tar")
        assert not (tmp_path / "x.tar").exists()
        return caught.value.code

    (library / "link").symlink_to("data")
    assert code() == "E-FILE-SYMLINK"
    (library / "link").unlink()
    (library / ".datalib-tmp-0123456789abcdef").touch()
    assert code() == "E-FILE-UNLISTED"
    (library / ".datalib-tmp-0123456789abcdef").unlink()
    Path(os.fsdecode(os.fsencode(library) + b"/\xff")).touch()
    assert code() == "E-PATH-NFC"
    Path(os.fsdecode(os.fsencode(library) + b"/\xff")).unlink()
    (library / "chain.jsonl").unlink()
    assert code() == "E-NOT-SIGNED"
    with pytest.raises(Misuse, match="E-USAGE"):
        kind_of(tmp_path / "x.rar")


@pytest.mark.parametrize("kind", [Kind.TAR, Kind.ZIP])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_that_changes_while_it_is_packed_is_refused(tmp_path: Path, kind: Kind, change: int) -> None:
    path = tmp_path / "growing"
    path.write_bytes(bytes(CHUNK))
    with path.open("rb", buffering=0) as file:
        source = pack._Whole(file, "growing")
        os.truncate(path, CHUNK + change)
        with pytest.raises(Refused, match="E-FILE-CHANGED"), pack._WRITERS[kind](io.BytesIO()) as add:
            add("growing", source)
