"""The cache of digests: what it spares, what it never believes, and what a kill leaves."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from datalib.engine import Engine
from datalib.errors import Misuse, Refused
from datalib.library import cache as caching
from datalib.library import windows
from datalib.library.cache import HEADER, Cache, Reuse
from datalib.library.hashing import Hashed, hash_tree
from datalib.library.store import Folder

FAR = 1 << 62  # a clock so late that nothing has just changed
FILES = 40


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "library"
    for number in range(FILES):
        path = made / f"d{number % 3}" / f"{number:03}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
    return made


def cache(root: Path, *, now: int = FAR, seed: bytes = b"seed") -> Cache:
    return Cache(root.parent / "cache", seed=seed, clock=lambda: now)


def run(root: Path, known: Cache, engine: Engine | None = None) -> tuple[dict[str, str], Reuse]:
    with known, Folder(root) as folder:
        hashed = {file.path: file.sha256 for file in hash_tree(folder, known=known, threads=2, engine=engine)}
        known.finish()
        return hashed, known.reuse


def real(root: Path) -> dict[str, str]:
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("engine", [None, Engine(), Engine(workers=2)], ids=["threads", "engine", "processes"])
def test_only_what_changed_is_hashed_again(root: Path, engine: Engine | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 8)
    caching_nothing = Reuse(reused=0, hashed=FILES, tested=0)
    assert run(root, cache(root), engine) == (real(root), caching_nothing)
    hashed, reuse = run(root, cache(root), engine)
    assert hashed == real(root)
    assert (reuse.reused + reuse.tested, reuse.hashed) == (FILES, reuse.tested)
    (root / "d0/000").write_bytes(b"x")  # the same size
    (root / "d1/001").unlink()
    (root / "d1/a new one").write_bytes(b"new")
    (root / "d2/002").rename(root / "d2/moved")
    hashed, reuse = run(root, cache(root), engine)
    assert hashed == real(root)
    assert reuse.hashed == 3 + reuse.tested
    names = [line.split(b" ", 7)[7] for line in (root.parent / "cache").read_bytes().splitlines()[1:]]
    assert names == [os.fsencode(path) for path in hashed]
    assert not (root.parent / "cache.part").exists()
    assert (root.parent / "cache").stat().st_mode & 0o777 == 0o600


def test_a_file_with_its_old_size_and_time_put_back_is_hashed_again(root: Path) -> None:
    run(root, cache(root))
    path = root / "d0/000"
    before = path.stat()
    path.write_bytes(b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    hashed, _ = run(root, cache(root))
    assert hashed == real(root)


def test_what_changed_just_before_is_hashed_again(root: Path) -> None:
    for _ in range(2):
        just_now = max(path.stat().st_ctime_ns for path in root.rglob("*"))
        assert run(root, cache(root, now=just_now))[1].reused == 0


def test_what_was_drawn_tests_the_cache(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_TEST", 2)
    run(root, cache(root))
    drawn = run(root, cache(root, seed=b"a"))[1]
    assert 0 < drawn.tested == drawn.hashed < FILES
    assert drawn.reused == FILES - drawn.tested
    place = root.parent / "cache"
    lines = list(caching._records(place))
    place.write_bytes(HEADER + b"".join(caching._line(line._replace(sha256="0" * 64)) for line in lines))
    with pytest.raises(Refused, match="E-CACHE-WRONG"):
        run(root, cache(root, seed=b"a"))
    assert place.exists()


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_damage_makes_files_unknown_never_wrongly_known(root: Path, place: float) -> None:
    run(root, cache(root))
    path = root.parent / "cache"
    whole = path.read_bytes()
    at = len(HEADER) + int((len(whole) - len(HEADER)) * place)
    for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[:at] + whole[at + 50 :]):
        path.write_bytes(damaged)
        hashed, reuse = run(root, cache(root))
        assert hashed == real(root)
        assert 0 < reuse.hashed < FILES
        assert len(path.read_bytes()) == len(whole)


def test_lines_in_any_order_are_right(root: Path) -> None:
    run(root, cache(root))
    path = root.parent / "cache"
    path.write_bytes(HEADER + b"".join(sorted(path.read_bytes().splitlines(keepends=True)[1:])))
    assert run(root, cache(root))[0] == real(root)


def some(root: Path, known: Cache, count: int) -> list[Hashed]:
    """Hash a part of the files, and stop as an error or Ctrl-C would."""
    with known, Folder(root) as folder, closing(hash_tree(folder, known=known, threads=1)) as files:
        return [file for file, _ in zip(files, range(count), strict=False)]


def test_a_stopped_run_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 5)
    some(root, cache(root), 10)
    some(root, cache(root), 22)
    hashed, reuse = run(root, cache(root))
    assert hashed == real(root)
    assert reuse.reused >= 20


KILLED = """
import os, sys, signal
from datalib.library import cache as caching, hashing, windows
from datalib.library.cache import Cache
from datalib.library.store import Folder
windows.WINDOW, caching._FLUSH = 5, 1
with Cache(sys.argv[2], seed=b"s", clock=lambda: 1 << 62) as known, Folder(sys.argv[1]) as folder:
    for number, file in enumerate(hashing.hash_tree(folder, known=known)):
        if number == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_goes_on(root: Path) -> None:
    for count in (10, 25):
        place = str(root.parent / "cache")
        done = subprocess.run([sys.executable, "-c", KILLED, str(root), place, str(count)], check=False)
        assert done.returncode == -9
    hashed, reuse = run(root, cache(root))
    assert hashed == real(root)
    assert reuse.reused >= 24


def test_memory_of_disorder_is_bounded_and_sorts_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(root, cache(root))
    lines = list(caching._records(root.parent / "cache"))
    mixed = [line for start in range(0, len(lines), 4) for line in reversed(lines[start : start + 4])]
    monkeypatch.setattr(caching, "_DISORDER", 4)
    assert list(caching._sorted(iter(mixed))) == lines


def other_files(folder: Path) -> Iterator[Path]:
    text, link, pipe = folder / "text", folder / "link", folder / "pipe"
    text.write_text("my notes\n")
    link.symlink_to(text)
    os.mkfifo(pipe)
    yield from (text, link, pipe, Path(os.devnull))


def test_a_file_that_is_no_cache_is_left_alone(root: Path) -> None:
    for path in other_files(root.parent):
        with pytest.raises(Misuse, match="E-CACHE-FORMAT"), Cache(path, seed=b"", clock=time.time_ns):
            pass
    assert (root.parent / "text").read_text() == "my notes\n"
    (root.parent / "mine.part").write_text("my notes\n")
    with pytest.raises(Misuse, match="E-CACHE-FORMAT"), Cache(root.parent / "mine", seed=b"", clock=time.time_ns):
        pass
    assert (root.parent / "mine.part").read_text() == "my notes\n"


def test_a_cache_that_others_may_write_is_not_believed(root: Path) -> None:
    run(root, cache(root))
    for name in ("cache", "cache.part"):
        (root.parent / name).touch()
        for mode in (0o620, 0o602):
            (root.parent / name).chmod(mode)
            with pytest.raises(Misuse, match="E-CACHE-SHARED"), cache(root):
                pass
        (root.parent / name).chmod(0o644)
    assert run(root, cache(root))[1].reused > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_cache_of_another_user_is_not_believed(root: Path) -> None:
    run(root, cache(root))
    os.chown(root.parent / "cache", 4711, -1)
    with pytest.raises(Misuse, match="E-CACHE-SHARED"), cache(root):
        pass


def test_one_at_a_time(root: Path) -> None:
    with cache(root), pytest.raises(Misuse, match="E-BUSY"), cache(root):
        pass
    (root.parent / "cache").write_bytes(b"")  # an empty file may become a cache
    assert run(root, cache(root))[1].hashed == FILES
