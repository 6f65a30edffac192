"""Digests of files that were hashed before, kept in a file, so that only what changed is hashed again.

A file is believed to be unchanged if its path, inode, device, size, and both its times (of content and of inode) are
those that it had when it was hashed. Programs cannot set the time of an inode; so this trusts the kernel, the clock of
the file system, and whoever may write the cache. Three things narrow that trust:

* a file that changed within a tick of its file system's clock before it was looked at is hashed again next time;
* one known file in 256, drawn anew each time, is read although it is known, and must have the digest that is known;
* each line carries its own check sum, so that damage makes a file unknown, never wrongly known.

Lines are appended to ``NAME.part`` while files are hashed, in the order in which they are done; so a run that is killed
leaves what it has done, and the next one takes it over. At the end they become ``NAME``, sorted by path. Memory is
bounded.
"""

import fcntl
import heapq
import os
import re
import stat
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from io import BufferedReader, BufferedWriter, FileIO
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Self

from datalib.errors import Misuse, Refused
from datalib.library.descent import trouble
from datalib.library.files import Seen
from datalib.library.paths import readable, to_bytes
from datalib.library.store import replacing_file, write_all

#: What the first line of a cache is.
HEADER = b"datalib hash cache 1\n"

_PART = ".part"
_LINE = re.compile(rb"([0-9a-f]{8}) ([0-9a-f]{64})((?: -?[0-9]{1,20}){5}) ([^\n]+)\n")
_LONGEST = 8192  # bytes of a line; those of longer paths, which no listing may have, are not kept
_DISORDER = 1 << 15  # lines; more than the two windows of hashing that are under way, twice
_TEST = 256  # one known file in so many is read all the same
_FLUSH = 256 << 20  # bytes hashed whose digests a kill may lose
_SECOND = 1_000_000_000
#: How far apart two changes are that have different times: a jiffy, with room; where times are whole seconds, as on FAT
#: and some servers, two of these.
_TICK, _COARSE = 50_000_000, 2 * _SECOND


class _Record(NamedTuple):
    path: bytes
    marks: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """How many files were taken from a cache unread, how many were hashed, and how many of these to test the cache."""

    reused: int
    hashed: int
    tested: int


def settled(seen: Seen, time: int) -> bool:
    """Tell whether a change after ``time``, nanoseconds since 1970, would show in the marks of a file in a folder."""
    changed = max(seen.marks[3:])
    return changed + (_TICK if changed % _SECOND else _COARSE) < time


class Cache:
    """The cache in a file, while the ``with`` block runs; for one process at a time: Misuse ``E-BUSY``.

    ``seed`` draws the files that test the cache; ``clock`` gives nanoseconds since 1970. Raises Misuse
    ``E-CACHE-FORMAT`` for a file that is something else, ``E-CACHE-SHARED`` for one that others may have written,
    Unchecked ``E-IO``. While hashing, Refused ``E-CACHE-WRONG``
    for a file that does not have the digest that is known, though nothing else about it has changed.
    """

    def __init__(self, path: str | os.PathLike[str], *, seed: bytes, clock: Callable[[], int]) -> None:
        self._path = Path(os.path.realpath(path))
        self._part = self._path.with_name(self._path.name + _PART)
        self._seed = seed
        self._lock = Lock()
        self._tested: dict[str, str] = {}
        self._counts = {"reused": 0, "hashed": 0, "tested": 0}
        self._unsaved = 0
        self._next: _Record | None = None
        self.time = clock

    def __enter__(self) -> Self:
        with trouble(str(self._path)):
            self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        with trouble(str(self._part)):
            self._known.close()
            self._out.close()

    @property
    def reuse(self) -> Reuse:
        """What was done so far."""
        return Reuse(**self._counts)

    def recall(self, path: str, seen: Seen) -> str | None:
        """Give the digest of a file that is as it was when it was hashed, unless it is drawn for a test."""
        raw = to_bytes(path)
        with trouble(str(self._path)):
            while self._next is not None and self._next.path < raw:
                self._next = next(self._known, None)
        found = self._next
        if found is None or found.path != raw or found.marks != seen.marks:
            return None
        if self._is_drawn(raw):
            with self._lock:
                self._tested[path] = found.sha256
            return None
        self._counts["reused"] += 1
        self._add(found)
        return found.sha256

    def keep(self, path: str, seen: Seen, time: int, sha256: str) -> None:
        """Keep a digest, unless the file had changed just before it was looked at, and could change again unseen."""
        with self._lock:
            self._counts["hashed"] += 1
            expected = self._tested.pop(path, None)
            self._counts["tested"] += expected is not None
        if expected not in {None, sha256}:
            raise Refused("E-CACHE-WRONG", readable(path), f"computed {sha256}, known {expected}")
        if settled(seen, time):
            self._add(_Record(to_bytes(path), seen.marks, sha256), seen.size)

    def finish(self) -> None:
        """Put what was kept in the place of the cache."""
        with trouble(str(self._path)):
            self._out.flush()
            self._replace(_sorted(_records(self._part)))
            self._part.unlink()

    def _begin(self) -> None:
        self._out = self._lock_part()
        try:
            _check(self._part)
            if self._path.exists():
                _check(self._path)
            else:
                self._replace(())
            if os.fstat(self._out.fileno()).st_size > len(HEADER):
                # What a killed run had done is newer; where both know a path, the first counts.
                self._replace(heapq.merge(_sorted(_records(self._part)), _records(self._path), key=_path_of))
            self._out.truncate(0)
            self._out.write(HEADER)
            self._known = _records(self._path)
            self._next = next(self._known, None)
        except BaseException:  # the lock is on this file: no way out may keep it
            self._out.close()
            raise

    def _lock_part(self) -> BufferedWriter:
        """Open the file of what is being done, and hold it; whoever held it before may have removed it meanwhile."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
        while True:
            file = FileIO(os.open(self._part, flags, 0o600), "a")
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise Misuse("E-BUSY", str(self._path)) from None
            if os.fstat(file.fileno()).st_nlink:
                return BufferedWriter(file)
            file.close()

    def _is_drawn(self, raw: bytes) -> bool:
        return blake2b(raw, key=self._seed, digest_size=1).digest()[0] % _TEST == 0

    def _add(self, record: _Record, size: int = 0) -> None:
        line = _line(record)
        if len(line) > _LONGEST or b"\n" in record.path:
            return
        with self._lock, trouble(str(self._part)):
            self._out.write(line)
            self._unsaved += size
            if self._unsaved >= _FLUSH:
                self._out.flush()
                self._unsaved = 0

    def _replace(self, records: Iterable[_Record]) -> None:
        last = b""
        with replacing_file(self._path, mode=0o600) as file:
            write_all(file, HEADER)
            batch = list[bytes]()
            for record in records:
                if record.path == last:
                    continue
                last = record.path
                batch.append(_line(record))
                if len(batch) == 1 << 12:
                    write_all(file, b"".join(batch))
                    batch.clear()
            write_all(file, b"".join(batch))


def _path_of(record: _Record) -> bytes:
    return record.path


def _line(record: _Record) -> bytes:
    body = b" ".join([record.sha256.encode(), *(b"%d" % mark for mark in record.marks), record.path])
    return b"%08x %b\n" % (zlib.crc32(body), body)


def _open(path: Path) -> BufferedReader:
    return BufferedReader(FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "r"))


def _check(path: Path) -> None:
    """Refuse a file that is no cache, so that nobody's file is overwritten; an empty one may become one.

    Also one that somebody else may have written: its digests are believed.
    """
    with _open(path) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.read(len(HEADER)) not in {b"", HEADER}:
            raise Misuse("E-CACHE-FORMAT", str(path))
        found = os.fstat(file.fileno())
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Misuse("E-CACHE-SHARED", str(path))


def _records(path: Path) -> Generator[_Record, None, None]:
    """Yield the lines of a cache; damaged ones are passed over."""
    with _open(path) as file:
        file.seek(len(HEADER))
        while line := file.readline(_LONGEST):
            found = _LINE.fullmatch(line)
            if found and int(found[1], 16) == zlib.crc32(line[9:-1]):
                yield _Record(found[4], tuple(map(int, found[3].split())), found[2].decode())


def _sorted(records: Iterator[_Record]) -> Iterator[_Record]:
    """Sort records none of which stands far from its place."""
    heap = list[_Record]()
    for record in records:
        if len(heap) < _DISORDER:
            heapq.heappush(heap, record)
        else:
            yield heapq.heappushpop(heap, record)
    while heap:
        yield heapq.heappop(heap)
