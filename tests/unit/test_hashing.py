"""Hashing: the order of results and of refusals is that of the listing, whatever the threads do."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library import hashing
from datalib.library.hashing import Checked, hash_file, hash_tree, verify_files
from datalib.library.listing import Line
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


def refusal(root: Path, lines: list[Line], total: int | None = None, **options: int) -> DatalibError:
    with Folder(root) as folder, pytest.raises(DatalibError) as caught:
        verify_files(folder, lines, total=total, **options)  # type: ignore[arg-type]  # options are numbers of threads
    return caught.value


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_sign_then_verify(tmp_path: Path, threads: int) -> None:
    lines = fill(tmp_path, 700)
    (tmp_path / "chain.jsonl").touch()
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs/head.json").touch()
    (tmp_path / ".datalib-tmp-0123456789abcdef").touch()
    with Folder(tmp_path) as folder:
        hashed = list(hash_tree(folder, threads=threads))
        assert [Line(file.sha256, file.path) for file in hashed] == lines
        total = sum(file.size for file in hashed)
        assert verify_files(folder, lines, total=total, threads=threads) == Checked(files=700, bytes=total)


def test_more_than_one_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = fill(tmp_path, 100)
    monkeypatch.setattr(hashing, "_WINDOW", 7)
    monkeypatch.setattr(hashing, "_BATCH", 3)
    with Folder(tmp_path) as folder:
        assert [Line(file.sha256, file.path) for file in hash_tree(folder)] == lines
        assert verify_files(folder, lines, total=None).files == 100
    (tmp_path / lines[50].path).unlink()
    (tmp_path / lines[60].path).unlink()
    assert refusal(tmp_path, lines).where == lines[50].path


@pytest.mark.parametrize("threads", [1, 4])
def test_the_first_listed_file_decides(tmp_path: Path, threads: int) -> None:
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
        error = refusal(tmp_path, lines, threads=threads)
        assert (error.code, error.where) == (code, lines[number].path)
    (tmp_path / "d000").rename(tmp_path / "elsewhere")
    (tmp_path / "d000").symlink_to("elsewhere")
    assert refusal(tmp_path, lines, threads=threads).code == "E-FILE-SYMLINK"


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
    with Folder(tmp_path) as folder, pytest.raises(Refused, match="E-FILE-CHANGED"):
        verify_files(folder, [line], total=None, progress=change)


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


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    lines = fill(tmp_path, 20)
    counted: list[int] = []
    with Folder(tmp_path) as folder:
        checked = verify_files(folder, lines, total=None, progress=counted.append)
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
        with pytest.raises(Refused, match="E-LIST-DIGEST"):
            verify_files(folder, broken(lines), total=None)
        with pytest.raises(Refused, match="E-FILE-MISSING"):
            verify_files(folder, broken([*lines, Line("", "none")]), total=None)
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
