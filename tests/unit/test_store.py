"""The store: no link is followed, limits come first, writes are all or nothing."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library.descent import Descent
from datalib.library.files import Kind
from datalib.library.store import Folder, inside_library, is_leftover, is_temporary, replacing_file, write_file

LEFTOVER = ".datalib-tmp-0123456789abcdef"


DESCRIPTORS = Path("/proc/self/fd")


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def code(folder: Folder, name: str) -> str:
    with pytest.raises(DatalibError) as caught:
        folder.read(name, limit=10, missing="E-FILE-MISSING", too_large="E-LIST-SIZE")
    return caught.value.code


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_reads_below_links_only_to_the_folder_itself(tmp_path: Path) -> None:
    put(tmp_path, "real/a/b")
    (tmp_path / "link").symlink_to("real")
    with Folder(tmp_path / "link") as folder:
        assert folder.read("a/b", limit=1, missing="E-FILE-MISSING", too_large="E-LIST-SIZE") == b"x"


def test_limit_is_applied_to_the_size(tmp_path: Path) -> None:
    (tmp_path / "ten").write_bytes(bytes(10))
    os.truncate(os.open(tmp_path / "sparse", os.O_CREAT | os.O_RDWR), 1 << 40)
    with Folder(tmp_path) as folder:
        assert len(folder.read("ten", limit=10, missing="E-FILE-MISSING", too_large="E-LIST-SIZE")) == 10
        assert code(folder, "sparse") == "E-LIST-SIZE"


def test_a_file_that_is_larger_than_its_size_is_cut_off() -> None:
    with Folder("/proc/self") as folder:  # its files have size 0
        assert code(folder, "status") == "E-LIST-SIZE"
        assert code(folder, "mem") == "E-IO"


def test_what_is_not_a_regular_file(tmp_path: Path) -> None:
    put(tmp_path, "file", "dir/a", "outside/a")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "dirlink").symlink_to("dir")
    os.mkfifo(tmp_path / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    with Folder(tmp_path) as folder:
        assert code(folder, "link") == "E-FILE-SYMLINK"
        assert code(folder, "dangling") == "E-FILE-SYMLINK"
        assert code(folder, "dirlink/a") == "E-FILE-SYMLINK"
        assert code(folder, "fifo") == "E-FILE-TYPE"
        assert code(folder, "socket") == "E-FILE-TYPE"
        assert code(folder, "dir") == "E-FILE-TYPE"
        assert code(folder, "none") == "E-FILE-MISSING"
        assert code(folder, "none/a") == "E-FILE-MISSING"
        assert code(folder, "file/a") == "E-FILE-MISSING"
        assert code(folder, "x" * 300) == "E-FILE-MISSING"
        assert code(folder, "nul\0") == "E-FILE-MISSING"
    listener.close()


@pytest.mark.parametrize("name", ["../file", "dir/../../file", "dir/.", "dir/", "/file", "..", ""])
def test_no_way_out(tmp_path: Path, name: str) -> None:
    put(tmp_path, "file", "library/dir/a")
    with Folder(tmp_path / "library") as folder:
        assert code(folder, name) == "E-PATH-TRAVERSAL"


def test_exists(tmp_path: Path) -> None:
    put(tmp_path, "dir/a")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "dirlink").symlink_to("dir")
    with Folder(tmp_path) as folder:
        found = [
            name for name in ("dir", "dir/a", "dangling", "dirlink/a", "b", "b/a", "dir/a/b") if folder.exists(name)
        ]
        assert found == ["dir", "dir/a", "dangling", "dirlink/a"]
        assert not folder.exists("a\0")
        with pytest.raises(Unchecked, match="E-IO"):
            folder.exists("x" * 300)


def test_a_folder_that_cannot_be_opened(tmp_path: Path) -> None:
    put(tmp_path, "file")
    for name in ("none", "file"):
        with pytest.raises(Unchecked, match="E-IO"), Folder(tmp_path / name):
            pass
    with pytest.raises(Unchecked, match="not open"):
        Folder(tmp_path).exists("file")


def test_deep_folders_need_few_descriptors(tmp_path: Path) -> None:
    paths = ["/".join(["d"] * depth + [last]) for depth in (0, 30, 31, 60, 100) for last in ("a", "b")]
    with Folder(tmp_path) as folder:
        for path in paths:
            folder.write(path, b"x")
        before = len(names(DESCRIPTORS))
        with folder.descend() as way:
            for path in (*paths, *reversed(paths)):
                descriptor, status = way.open(path.encode(), "E-FILE-MISSING")
                os.close(descriptor)
                assert status.st_size == 1
                assert len(names(DESCRIPTORS)) - before <= 27
        assert len(names(DESCRIPTORS)) == before
        assert sorted(entry.path for entry in folder.walk()) == sorted(paths)


def test_walk(tmp_path: Path) -> None:
    put(tmp_path, "a/x", "a-b", "a.b", "a0", "b/c/d", "proofs/e")
    (tmp_path / "empty/dir").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "b/fifo")
    (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"")
    with Folder(tmp_path) as folder:
        found = list(folder.walk())
        assert [path for path, _ in found] == [
            "a-b",
            "a.b",
            "a/x",
            "a0",
            "b/c/d",
            "b/fifo",
            "link",
            "proofs/e",
            "\udcff",
        ]
        assert {path: kind for path, kind in found if kind is not Kind.FILE} == {
            "link": Kind.LINK,
            "b/fifo": Kind.OTHER,
        }
        assert [entry.path for entry in folder.walk("b")] == ["b/c/d", "b/fifo"]
        seen = [entry.path for entry in folder.walk(leave_out=lambda path: path in {"b/", "a-b", "link/", "a"})]
        assert seen == ["a.b", "a/x", "a0", "link", "proofs/e", "\udcff"]
        with pytest.raises(Refused, match="E-FILE-CHANGED"):
            next(folder.walk("none"))


def test_a_folder_that_becomes_a_link_during_the_walk_is_not_entered(tmp_path: Path) -> None:
    put(tmp_path, "a", "b/c")
    with Folder(tmp_path) as folder:
        walk = folder.walk()
        assert next(walk).path == "a"
        (tmp_path / "b").rename(tmp_path / "z")
        (tmp_path / "b").symlink_to("/")
        with pytest.raises(Refused, match="E-FILE-SYMLINK"):
            next(walk)


def test_write_replaces_the_whole_file(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder:
        folder.write("new/dir/file", b"one")
        folder.write("new/dir/file", [b"two", b"", b"three"])
        assert (tmp_path / "new/dir/file").read_bytes() == b"twothree"
        assert names(tmp_path / "new/dir") == ["file"]


def test_a_failed_write_leaves_the_old_bytes(tmp_path: Path) -> None:
    put(tmp_path, "file")
    with Folder(tmp_path) as folder:
        with pytest.raises(KeyboardInterrupt):
            folder.write("file", interrupted())
        with pytest.raises(Unchecked, match="E-IO"):
            folder.write("file/below", b"")
    assert (tmp_path / "file").read_bytes() == b"x"
    assert names(tmp_path) == ["file"]


def interrupted() -> Iterator[bytes]:
    yield b"half"
    raise KeyboardInterrupt


def test_remove(tmp_path: Path) -> None:
    put(tmp_path, "dir/a", "dir/b")
    with Folder(tmp_path) as folder:
        folder.remove("dir/a")
        with pytest.raises(Unchecked, match="E-IO"):
            folder.remove("dir/a")
    assert names(tmp_path / "dir") == ["b"]


def test_too_many_open_files_is_no_verdict(tmp_path: Path) -> None:
    put(tmp_path, "dir/a")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Folder(tmp_path) as folder:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            assert code(folder, "dir/a") == "E-IO"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert code(folder, "dir/b") == "E-FILE-MISSING"


def test_a_write_does_not_follow_links(tmp_path: Path) -> None:
    put(tmp_path, "outside/file", "library/a")
    (tmp_path / "library/file").symlink_to("../outside/file")
    (tmp_path / "library/proofs").symlink_to("../outside")
    with Folder(tmp_path / "library") as folder:
        folder.write("file", b"new")
        with pytest.raises(Refused, match="E-FILE-SYMLINK"):
            folder.write("proofs/head.json", b"new")
    assert (tmp_path / "outside/file").read_bytes() == b"x"
    assert not (tmp_path / "library/file").is_symlink()
    assert names(tmp_path / "outside") == ["file"]


def test_a_folder_cannot_be_replaced(tmp_path: Path) -> None:
    put(tmp_path, "dir/a")
    with Folder(tmp_path) as folder, pytest.raises(Unchecked, match="E-IO"):
        folder.write("dir", b"")
    assert names(tmp_path) == ["dir"]


def test_sweep_removes_what_interrupted_writes_left_and_nothing_else(tmp_path: Path) -> None:
    keep = ["data/" + LEFTOVER, ".datalib-tmp-mine", "proofs/.datalib-tmp-0123456789ABCDEF", "proofs/head.json"]
    put(tmp_path, LEFTOVER, "proofs/" + LEFTOVER, "upstream/x/proofs/" + LEFTOVER, *keep)
    (tmp_path / "evidence").symlink_to("data")
    with Folder(tmp_path) as folder:
        assert folder.sweep() == [LEFTOVER, "proofs/" + LEFTOVER, "upstream/x/proofs/" + LEFTOVER]
        assert folder.sweep() == []
        assert [entry.path for entry in folder.walk() if entry.kind is Kind.FILE] == sorted(keep)


def test_names_of_leftovers() -> None:
    assert is_leftover("proofs/" + LEFTOVER)
    assert is_leftover(".datalib-tmp-")
    assert not is_leftover("a.datalib-tmp-")
    assert is_temporary(LEFTOVER)
    assert not is_temporary("data/" + LEFTOVER)
    assert not is_temporary(".datalib-tmp-mine")


def test_write_file_follows_links_and_honours_the_mode(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", b"secret", mode=0o600)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"secret"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Unchecked, match="E-IO"):
        write_file(tmp_path / "none/file", b"")


def test_inside_library(tmp_path: Path) -> None:
    put(tmp_path, "outer/datapackage.json", "outer/inner/chain.jsonl", "other/file")
    assert inside_library(tmp_path / "outer/data/new.json") == tmp_path / "outer"
    assert inside_library(tmp_path / "outer/inner/new") == tmp_path / "outer/inner"
    assert inside_library(tmp_path / "outer") == tmp_path / "outer"
    assert inside_library(tmp_path / "other/file") is None
    (tmp_path / "way").symlink_to("outer/data")
    assert inside_library(tmp_path / "way/new.json") == tmp_path / "outer"


def test_status_of_what_cannot_be_reached(tmp_path: Path) -> None:
    put(tmp_path, "a")
    with Folder(tmp_path) as folder, Descent(folder.descriptor) as way:
        status = way.status(b"a")
        assert status is not None
        assert status.st_size == 1
        assert way.status(b"b") is None
        with pytest.raises(Unchecked, match="not found"):
            way.status(b"b/c")
        with pytest.raises(Unchecked, match="E-IO"):
            way.status(b"x" * 300)


def test_after_a_missing_folder_the_next_path_starts_where_it_should(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_text("inner")
    (tmp_path / "f").write_text("outer")
    with Folder(tmp_path) as folder, Descent(folder.descriptor) as way:
        with pytest.raises(Refused, match="E-FILE-MISSING"):
            way.open(b"a/b/x", "E-FILE-MISSING")
        descriptor, _ = way.open(b"f", "E-FILE-MISSING")
        assert os.read(descriptor, 9) == b"outer"
        os.close(descriptor)


KILLED = """
import os, signal, sys
from datalib.library.store import replacing_file
with replacing_file(sys.argv[1]) as file:
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_beside_a_file_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in ("file", "other"):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / name)], check=False)
    assert len(names(tmp_path)) == 2
    with replacing_file(tmp_path / "file") as living:
        living.write(b"slow")
        write_file(tmp_path / "file", b"fast")
        assert (tmp_path / "file").read_bytes() == b"fast"
        (_, left), (_, mine) = sorted((path.stat().st_size, path.name) for path in tmp_path.glob(".datalib-*"))
        assert {is_leftover(left), is_leftover(mine)} == {True}
    assert (tmp_path / "file").read_bytes() == b"slow"
    write_file(tmp_path / "other", b"x")
    assert names(tmp_path) == ["file", "other"]
