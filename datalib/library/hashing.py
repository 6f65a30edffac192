"""SHA-256 of many files with threads, in order (datalib trust specification §2 "Reading files", §10 step 10).

Hashing releases the interpreter lock, so threads are enough. Each has one buffer; within a window of files the large
ones come first and the small ones go in batches, so that a last large file does not keep one thread busy alone. Results
come in the order the files were given, and so does the first refusal, whatever the threads do.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from threading import Lock, local
from typing import NamedTuple

from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library.descent import Descent
from datalib.library.listing import Line
from datalib.library.paths import RESERVED_FILES, RESERVED_FOLDERS, from_bytes, readable, to_bytes
from datalib.library.store import Folder, Kind

#: Called with the number of bytes read since the last call; from any thread, never from two at once.
Progress = Callable[[int], None]

_BUFFER = 1 << 20
_LARGE = 8 << 20  # a file of its own for a thread
_BATCH = 256  # small files a thread takes at once
_WINDOW = 8192  # files planned at once
_AHEAD = 2  # windows under way


class Hashed(NamedTuple):
    """One file as it was read. A tuple, because there are millions."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much of a library was read and found to be as listed."""

    files: int
    bytes: int


def hash_tree(
    folder: Folder, *, threads: int | None = None, progress: Progress | None = None
) -> Generator[Hashed, None, None]:
    """Hash every data file of a library, for signing; yield them in byte order of their paths.

    The three reserved files and the four reserved folders are no data. Raises Refused ``E-FILE-SYMLINK`` for a link,
    ``E-FILE-TYPE`` for another special file, ``E-FILE-CHANGED`` for a file that changed while it was read. Close the
    iterator (``contextlib.closing``) if it is not read to its end.
    """
    wanted = (Wanted(to_bytes(path), None) for path in _data_paths(folder))
    return _hash(folder, wanted, "E-FILE-CHANGED", threads, progress)


def verify_files(
    folder: Folder,
    lines: Iterable[Line],
    *,
    total: int | None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Compare files with their listing; ``total`` is the signed sum of sizes, ``None`` if only a sample is read.

    The first listed file that is not as it should be decides. Raises Refused ``E-FILE-MISSING``, ``-SYMLINK``,
    ``-TYPE``, ``-CHANGED``, ``-DIGEST``; after all files ``E-LIST-BYTES``.
    """
    wanted = (Wanted(to_bytes(line.path), line.sha256) for line in lines)
    files = size = 0
    with closing(_hash(folder, wanted, "E-FILE-MISSING", threads, progress)) as results:
        for file in results:
            files += 1
            size += file.size
    if total is not None and size != total:
        raise Refused("E-LIST-BYTES", "", f"the listed files have {size} bytes, signed {total}")
    return Checked(files=files, bytes=size)


def hash_file(folder: Folder, path: str, *, missing: str) -> Hashed:
    """Hash one file under the rules for data files."""
    with folder.descend() as way:
        return _Worker(folder, missing, None).read(way, Wanted(to_bytes(path), None), lambda: False)


def sample(files: int, count: int, *, seed: bytes) -> Callable[[int], bool]:
    """Choose ``count`` of the lines 0 … files-1 of a listing, or all if there are fewer; return the test of an index.

    Anyone who knows the seed can repeat the choice. For k = 0, 1, 2 … take the first eight bytes of
    SHA-256(seed ‖ k in decimal) as a big-endian number modulo ``files``; pass over numbers drawn before. If more than
    half of the lines are wanted, what is drawn is left out.
    """
    leave_out = count * 2 > files
    number = max(0, files - count) if leave_out else count
    drawn: set[int] = set()
    k = 0
    while len(drawn) < number:
        drawn.add(int.from_bytes(hashlib.sha256(b"%b%d" % (seed, k)).digest()[:8], "big") % files)
        k += 1
    return lambda index: (index in drawn) != leave_out


def _data_paths(folder: Folder) -> Iterator[str]:
    for path, kind in folder.walk(leave_out=lambda path: path[-1] == "/" and path[:-1] in RESERVED_FOLDERS):
        if path in RESERVED_FILES:
            continue
        if kind is Kind.LINK:
            raise Refused("E-FILE-SYMLINK", readable(path), "a symbolic link")
        if kind is Kind.OTHER:
            raise Refused("E-FILE-TYPE", readable(path), "not a regular file")
        yield path


class Wanted(NamedTuple):
    """A file to hash, and the digest it should have."""

    path: bytes
    sha256: str | None


class _Window:
    """Some files in order, and what came of them."""

    def __init__(self, wanted: list[Wanted]) -> None:
        self.wanted = wanted
        self.outcomes: list[Hashed | DatalibError | None] = [None] * len(wanted)
        self.futures: list[Future[None]] = []
        self._first_error = len(wanted)
        self._lock = Lock()

    def needs(self, index: int) -> bool:
        """Tell whether a file can still matter: nothing before it has failed."""
        return index <= self._first_error

    def settle(self, index: int, outcome: Hashed | DatalibError) -> None:
        self.outcomes[index] = outcome
        if isinstance(outcome, DatalibError):
            with self._lock:
                self._first_error = min(self._first_error, index)

    def results(self) -> Iterator[Hashed]:
        for future in self.futures:
            future.result()
        for outcome in self.outcomes:
            if isinstance(outcome, DatalibError):
                raise outcome
            if outcome is not None:
                yield outcome


class _Worker:
    """What the threads do."""

    def __init__(self, folder: Folder, missing: str, progress: Progress | None) -> None:
        self.stopped = False
        self._folder = folder
        self._missing = missing
        self._progress = progress
        self._lock = Lock()
        self._own = local()

    def run(self, window: _Window, indices: Sequence[int]) -> None:
        """Hash some files of a window, in order."""
        with self._folder.descend() as way:
            for index in indices:
                needless = partial(self._needless, window, index)
                if needless():
                    return
                outcome: Hashed | DatalibError
                try:
                    outcome = self.read(way, window.wanted[index], needless)
                except DatalibError as error:
                    outcome = error
                window.settle(index, outcome)

    def _needless(self, window: _Window, index: int) -> bool:
        return self.stopped or not window.needs(index)

    def read(self, way: Descent, wanted: Wanted, needless: Callable[[], bool]) -> Hashed:
        """Hash one file and compare it; it must be the same file, unchanged, before and after."""
        path = from_bytes(wanted.path)
        descriptor, before = way.open(wanted.path, self._missing)
        try:
            size, digest = self._digest(descriptor, before.st_size, needless)
        except OSError as error:
            raise Unchecked("E-IO", readable(path), error.strerror or str(error)) from error
        finally:
            os.close(descriptor)
        after = way.status(wanted.path)
        if after is None or size != before.st_size or _identity(before) != _identity(after):
            raise Refused("E-FILE-CHANGED", readable(path), "changed while it was read")
        if wanted.sha256 is not None and digest != wanted.sha256:
            raise Refused("E-FILE-DIGEST", readable(path), f"computed {digest}, listed {wanted.sha256}")
        return Hashed(path, size, digest)

    def _digest(self, descriptor: int, size: int, needless: Callable[[], bool]) -> tuple[int, str]:
        buffer, view = self._buffer()
        digest = hashlib.sha256()
        done = 0
        while done < size and (count := os.readv(descriptor, buffer)):
            digest.update(view[:count])
            done += count
            if self._progress is not None:
                with self._lock:
                    self._progress(count)
            if done < size and needless():
                break
        return done, digest.hexdigest()

    def _buffer(self) -> tuple[list[bytearray], memoryview]:
        """Return the one buffer of this thread."""
        if not hasattr(self._own, "buffer"):
            buffer = bytearray(_BUFFER)
            self._own.buffer = ([buffer], memoryview(buffer))
        mine: tuple[list[bytearray], memoryview] = self._own.buffer
        return mine


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_dev, status.st_size, status.st_mtime_ns


def _hash(
    folder: Folder, files: Iterable[Wanted], missing: str, threads: int | None, progress: Progress | None
) -> Generator[Hashed, None, None]:
    worker = _Worker(folder, missing, progress)
    pool = ThreadPoolExecutor(threads or len(os.sched_getaffinity(0)), "datalib-hash")
    remaining = iter(files)
    windows: deque[_Window] = deque()
    failure: DatalibError | None = None  # of the source of files; what came before it decides first
    try:
        with folder.descend() as way:
            while True:
                while failure is None and len(windows) < _AHEAD:
                    window, failure = _next_window(remaining)
                    if not window.wanted:
                        break
                    _submit(pool, worker, window, way)
                    windows.append(window)
                if not windows:
                    break
                yield from windows.popleft().results()
        if failure is not None:
            raise failure
    finally:
        worker.stopped = True
        pool.shutdown(cancel_futures=True)


def _next_window(files: Iterator[Wanted]) -> tuple[_Window, DatalibError | None]:
    wanted: list[Wanted] = []
    failure = None
    try:
        wanted.extend(islice(files, _WINDOW))
    except DatalibError as error:
        failure = error
    return _Window(wanted), failure


def _submit(pool: ThreadPoolExecutor, worker: _Worker, window: _Window, way: Descent) -> None:
    """Hand out the files of a window: large ones one by one, largest first, then small ones in batches."""
    sizes = [status.st_size if (status := way.status(item.path)) else 0 for item in window.wanted]
    large = sorted((index for index, size in enumerate(sizes) if size > _LARGE), key=lambda index: -sizes[index])
    small = [index for index, size in enumerate(sizes) if size <= _LARGE]
    jobs = [[index] for index in large] + [small[start : start + _BATCH] for start in range(0, len(small), _BATCH)]
    window.futures = [pool.submit(worker.run, window, job) for job in jobs]
