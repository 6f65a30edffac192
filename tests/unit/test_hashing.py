"""Hashing: the order of results and of refusals is that of the listing, whatever the threads or workers do."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from datalib.engine import Engine
from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library import spread, windows
from datalib.library.hashing import Checked, hash_file, hash_tree, verify_files
from datalib.library.listing import Line
from datalib.library.spread import Digest, Shard, hash_shard
from datalib.library.store import Folder


def fill(root: Path, count: int) -> list[Line]:
    """Make small files and a large one in the middle; return their lines."""
    lines = []
    for number in range(count):
        path = f"d{number // 300:03}/f{number:05}"
        data = b"%d" % number * (number % 7)
        if number == count // 2:
            data = bytes(9 << 20)
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)
        lines.append(Line(hashlib.sha256(data).hexdigest(), path))
    return lines


def refusal(root: Path, lines: list[Line], total: int | None = None, **how: Any) -> DatalibError:
    with Folder(root) as folder, pytest.raises(DatalibError) as caught:
        verify_files(folder, lines, total=total, **how)
    return caught.value


HOW: dict[str, dict[str, Any]] = {
    "one thread": {"threads": 1},
    "two threads": {"threads": 2},
    "five threads": {"threads": 5},
    "engine": {"engine": Engine()},
    "two processes": {"engine": Engine(workers=2)},
}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_sign_then_verify(tmp_path: Path, how: dict[str, Any]) -> None:
    lines = fill(tmp_path, 700)
    (tmp_path / "chain.jsonl").touch()
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs/head.json").touch()
    (tmp_path / ".datalib-tmp-0123456789abcdef").touch()
    with Folder(tmp_path) as folder:
        hashed = list(hash_tree(folder, **how))
        assert [Line(file.sha256, file.path) for file in hashed] == lines
        total = sum(file.size for file in hashed)
        assert verify_files(folder, lines, total=total, **how) == Checked(files=700, bytes=total)


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
@pytest.mark.parametrize("count", [98, 100])  # the last window is full, or not
def test_more_than_one_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any], count: int) -> None:
    lines = fill(tmp_path, count)
    monkeypatch.setattr(windows, "WINDOW", 7)
    monkeypatch.setattr(windows, "_BATCH", 3)
    monkeypatch.setattr(spread, "_SHARD", 3)
    with Folder(tmp_path) as folder:
        assert [Line(file.sha256, file.path) for file in hash_tree(folder, **how)] == lines
        assert verify_files(folder, lines, total=None, **how).files == count
    (tmp_path / lines[50].path).unlink()
    (tmp_path / lines[60].path).unlink()
    assert refusal(tmp_path, lines, **how).where == lines[50].path


@pytest.mark.parametrize("window", [50, 1000])  # only what is in the first window is looked at beforehand
@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_the_first_listed_file_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any], window: int
) -> None:
    monkeypatch.setattr(windows, "WINDOW", window)
    lines = fill(tmp_path, 600)
    bad = [
        ("E-FILE-TYPE", 590),
        ("E-FILE-SYMLINK", 500),
        ("E-FILE-MISSING", 350),
        ("E-FILE-DIGEST", 299),
        ("E-FILE-DIGEST", 7),
    ]
    for code, number in bad:
        path = tmp_path / lines[number].path
        path.unlink()
        match code:
            case "E-FILE-TYPE":
                os.mkfifo(path)
            case "E-FILE-SYMLINK":
                path.symlink_to(tmp_path / lines[0].path)
            case "E-FILE-DIGEST":
                path.write_bytes(b"changed")
        error = refusal(tmp_path, lines, **how)
        assert (error.code, error.where) == (code, lines[number].path)
    (tmp_path / "d000").rename(tmp_path / "elsewhere")
    (tmp_path / "d000").symlink_to("elsewhere")
    assert refusal(tmp_path, lines, **how).code == "E-FILE-SYMLINK"


def test_sum_of_sizes_comes_last(tmp_path: Path) -> None:
    lines = fill(tmp_path, 3)
    assert refusal(tmp_path, lines, total=1).code == "E-LIST-BYTES"
    (tmp_path / lines[2].path).write_bytes(b"")
    assert refusal(tmp_path, lines, total=1).code == "E-FILE-DIGEST"


@pytest.mark.parametrize("how", ["append", "touch", "truncate"])
def test_a_file_that_changes_while_it_is_hashed(tmp_path: Path, how: str) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(3 << 20))
    os.utime(path, (1, 1))
    done = threading.Event()

    def change(_: int) -> None:
        if done.is_set():
            return
        done.set()
        match how:
            case "append":
                with path.open("ab") as file:
                    file.write(b"+")
                os.utime(path, (1, 1))
            case "touch":
                os.utime(path, (2, 2))
            case "truncate":
                os.truncate(path, 1 << 20)

    line = Line(hashlib.sha256(bytes(3 << 20)).hexdigest(), "big")
    with Folder(tmp_path) as folder, pytest.raises(Refused, match="E-FILE-CHANGED: big"):
        verify_files(folder, [line], total=None, progress=change)


def test_a_file_that_changes_while_it_is_hashed_though_nobody_looked_at_it_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WINDOW", 1)
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "big").write_bytes(bytes(3 << 20))

    def change(_: int) -> None:
        os.utime(tmp_path / "big", (2, 2))

    with Folder(tmp_path) as folder, pytest.raises(Refused, match="E-FILE-CHANGED: big"):
        list(hash_tree(folder, progress=change))


def test_what_is_behind_a_large_file_that_nobody_looked_at_is_hashed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WINDOW", 8)
    monkeypatch.setattr(windows, "_LARGE", 1 << 20)
    contents = [b"", *(b"%d" % number for number in range(1, 16))]
    contents[9] = contents[13] = bytes(4 << 20)
    lines = [Line(hashlib.sha256(data).hexdigest(), f"{number:02}") for number, data in enumerate(contents)]
    for line, data in zip(lines, contents, strict=True):
        (tmp_path / line.path).write_bytes(data)
    with Folder(tmp_path) as folder:
        assert verify_files(folder, lines, total=sum(map(len, contents)), threads=2).files == 16
    (tmp_path / "14").unlink()
    (tmp_path / "11").write_bytes(b"x")
    assert refusal(tmp_path, lines, threads=2).where == "11"


@pytest.mark.parametrize("change", ["longer", "touched"])
def test_a_shard_that_reads_another_file_than_was_planned_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(spread, "_SHARD", 1)
    lines = fill(tmp_path, 3)
    later = tmp_path / lines[2].path

    def after_the_first(_: int) -> None:
        if change == "longer":
            later.write_bytes(b"changed, and of the size that it has")
        else:
            os.utime(later, (1, 1))

    with Folder(tmp_path) as folder, pytest.raises(Refused, match=f"E-FILE-CHANGED: {lines[2].path}"):
        list(hash_tree(folder, engine=Engine(), progress=after_the_first))


def test_a_shard_ends_with_the_first_file_that_fails(tmp_path: Path) -> None:
    lines = fill(tmp_path, 6)
    (tmp_path / lines[2].path).unlink()
    (tmp_path / lines[4].path).unlink()
    paths = tuple(line.path for line in lines)
    for threads in (1, 3):
        *good, last = hash_shard(Shard(str(tmp_path), "E-FILE-MISSING", threads, paths))
        assert [one.sha256 for one in good if isinstance(one, Digest)] == [line.sha256 for line in lines[:2]]
        assert isinstance(last, Refused)
        assert (last.code, last.where) == ("E-FILE-MISSING", lines[2].path)
    with pytest.raises(Unchecked, match="E-IO"):
        hash_shard(Shard(str(tmp_path / "elsewhere"), "E-FILE-MISSING", 1, paths))


def test_a_file_that_is_replaced_between_planning_and_hashing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(2 << 20))
    (tmp_path / "b").write_bytes(b"b")
    lines = [Line(hashlib.sha256(data).hexdigest(), name) for name, data in (("a", bytes(2 << 20)), ("b", b"b"))]

    def swap(_: int) -> None:
        if not (tmp_path / "b").is_symlink():
            (tmp_path / "b").rename(tmp_path / "c")
            (tmp_path / "b").symlink_to("c")

    with Folder(tmp_path) as folder, pytest.raises(Refused, match="E-FILE-SYMLINK"):
        verify_files(folder, lines, total=None, threads=1, progress=swap)


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_progress_counts_every_byte(tmp_path: Path, how: dict[str, Any]) -> None:
    lines = fill(tmp_path, 20)
    counted: list[int] = []
    with Folder(tmp_path) as folder:
        checked = verify_files(folder, lines, total=None, progress=counted.append, **how)
    assert sum(counted) == checked.bytes


def test_a_reader_that_stops_early_stops_the_threads(tmp_path: Path) -> None:
    fill(tmp_path, 300)
    before = threading.active_count()
    with Folder(tmp_path) as folder:
        with closing(hash_tree(folder)) as files:
            assert next(files).path == "d000/f00000"
        assert threading.active_count() == before
        with pytest.raises(RuntimeError, match="stop"):  # what the caller's own code raises comes through
            verify_files(folder, [Line("", "d000/f00001")], total=None, progress=stop)
    assert threading.active_count() == before


def stop(_: int) -> None:
    raise RuntimeError("stop")


def test_trouble_in_the_source_of_names_comes_after_the_files_before_it(tmp_path: Path) -> None:
    lines = fill(tmp_path, 5)

    def broken(paths: list[Line]) -> Iterator[Line]:
        yield from paths
        raise Refused("E-LIST-DIGEST", "files.sha256")

    with Folder(tmp_path) as folder:
        for how in HOW.values():
            with pytest.raises(Refused, match="E-LIST-DIGEST"):
                verify_files(folder, broken(lines), total=None, **how)
            with pytest.raises(Refused, match="E-FILE-MISSING"):
                verify_files(folder, broken([*lines, Line("", "none")]), total=None, **how)
        with pytest.raises(Refused, match="E-FILE-DIGEST"):
            verify_files(folder, broken([lines[0]._replace(sha256=""), lines[0]._replace(sha256="x")]), total=None)


def test_signing_refuses_what_is_not_a_file(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    with Folder(tmp_path) as folder:
        (tmp_path / "link").symlink_to("d000")
        with pytest.raises(Refused, match="E-FILE-SYMLINK"):
            list(hash_tree(folder))
        (tmp_path / "link").unlink()
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(Refused, match="E-FILE-TYPE"):
            list(hash_tree(folder))
        (tmp_path / "fifo").unlink()
        (tmp_path / "proofs").touch()  # a plain file with a reserved name is listed, so that the rules refuse it
        assert "proofs" in [file.path for file in hash_tree(folder)]


def test_one_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    with Folder(tmp_path) as folder:
        assert hash_file(folder, "a", missing="E-FILE-MISSING").sha256 == hashlib.sha256(b"a").hexdigest()
        with pytest.raises(Refused, match="E-FILE-MISSING"):
            hash_file(folder, "nul\0", missing="E-FILE-MISSING")
        with pytest.raises(Unchecked, match="E-IO"):
            hash_file(folder, "b", missing="E-IO")
