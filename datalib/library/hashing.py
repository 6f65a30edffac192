"""SHA-256 of many files, in order (datalib trust specification §2 "Reading files", §10 step 10).

Hashing releases the interpreter lock, so threads are enough on one machine. Each has one buffer; within a window of
files the large ones come first and the small ones go in batches, so that a last large file does not keep one thread
busy alone. Where an engine is given, the same batches are shards that it runs: a worker gets the names of files, opens
the library itself, and gives digests. Results come in the order the files were given, and so does the first refusal,
whoever hashes them. One file is hashed by one worker: SHA-256 has no parts.
"""

import hashlib
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from threading import Lock, local
from typing import NamedTuple, Protocol

from datalib.engine import Engine, run
from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library.files import Files, Kind, Reader, Seen
from datalib.library.listing import Line
from datalib.library.opening import files_of
from datalib.library.paths import RESERVED_FILES, RESERVED_FOLDERS, readable
from datalib.library.store import Folder, is_temporary

#: Called with the number of bytes read since the last call; from any thread, never from two at once.
Progress = Callable[[int], None]

_BUFFER = 1 << 20
_LARGE = 8 << 20  # a file of its own for a thread
_BATCH = 256  # small files a thread takes at once
_SHARD = 512  # small files a worker of an engine takes at once
_WINDOW = 8192  # files planned at once
_AHEAD = 2  # windows under way
#: Of the marks of a file, size and time of content: what all machines that see a file see alike.
_STABLE = slice(2, 4)


class Hashed(NamedTuple):
    """One file as it was read. A tuple, because there are millions."""

    path: str
    size: int
    sha256: str


class Known(Protocol):
    """Digests of files that were hashed before, by what the files were then."""

    def time(self) -> int:
        """Give the time in nanoseconds since 1970."""

    def recall(self, path: str, seen: Seen) -> str | None:
        """Give the digest of a file, if it is known and believed; called in the order of the paths."""

    def keep(self, path: str, seen: Seen, time: int, sha256: str) -> None:
        """Take the digest of a file that was read, and seen at that time or later; called in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much of a library was read and found to be as listed."""

    files: int
    bytes: int


class Shard(NamedTuple):
    """Files of a library to be hashed together, by name, wherever an engine runs this. ``threads`` read at once."""

    library: str
    missing: str
    threads: int
    paths: tuple[str, ...]


class Digest(NamedTuple):
    """One file of a shard: as it was before it was read, its size in bytes, its SHA-256 in hex."""

    seen: Seen
    size: int
    sha256: str


def hash_shard(shard: Shard) -> list[Digest | DatalibError]:
    """Hash the files of a shard, in order, up to the first that fails: then that is the last.

    Raises Unchecked ``E-IO`` where the library cannot be opened.
    """
    with files_of(shard.library) as folder:
        worker = _Worker(folder, shard.missing, None, None)
        with folder.reader(shard.missing) as reader:
            window, failure = _Planner(reader, worker).window((path, None) for path in shard.paths)
        if shard.threads == 1:
            worker.run(window, range(len(window.files)))
        else:
            with ThreadPoolExecutor(shard.threads, "datalib-hash") as pool:
                _submit(pool, worker, window, -(-len(shard.paths) // shard.threads))
    found: list[Digest | DatalibError] = []
    for file, outcome in zip(window.files, window.outcomes, strict=True):
        if isinstance(outcome, DatalibError):
            return [*found, outcome]
        found.append(Digest(file.seen, outcome.size, outcome.sha256))
    return found if failure is None else [*found, failure]


def hash_tree(
    folder: Files,
    *,
    known: Known | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Generator[Hashed, None, None]:
    """Hash every data file of a library, for signing; yield them in byte order of their paths.

    The three reserved files and the four reserved folders are no data. Raises Refused ``E-FILE-SYMLINK`` for a link,
    ``E-FILE-TYPE`` for another special file, ``E-FILE-CHANGED`` for a file that changed while it was read. What
    ``known`` recalls is not read. Close the iterator (``contextlib.closing``) if it is not read to its end. With an
    ``engine``, its workers hash, and it raises what `datalib.engine.run` does.
    """
    wanted = ((path, None) for path in _data_paths(folder))
    worker = _Worker(folder, "E-FILE-CHANGED", known, progress)
    return _spread(folder, wanted, worker, engine) if engine else _hash(folder, wanted, worker, threads)


def verify_files(
    folder: Files,
    lines: Iterable[Line],
    *,
    total: int | None,
    threads: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Checked:
    """Compare files with their listing; ``total`` is the signed sum of sizes, ``None`` if only a sample is read.

    The first listed file that is not as it should be decides. Raises Refused ``E-FILE-MISSING``, ``-SYMLINK``,
    ``-TYPE``, ``-CHANGED``, ``-DIGEST``; after all files ``E-LIST-BYTES``. ``engine`` as for `hash_tree`.
    """
    wanted = ((line.path, line.sha256) for line in lines)
    worker = _Worker(folder, "E-FILE-MISSING", None, progress)
    found = _spread(folder, wanted, worker, engine) if engine else _hash(folder, wanted, worker, threads)
    files = size = 0
    with closing(found) as results:
        for file in results:
            files += 1
            size += file.size
    if total is not None and size != total:
        raise Refused("E-LIST-BYTES", "", f"the listed files have {size} bytes, signed {total}")
    return Checked(files=files, bytes=size)


def hash_file(folder: Files, path: str, *, missing: str) -> Hashed:
    """Hash one file under the rules for data files."""
    worker = _Worker(folder, missing, None, None)
    with folder.reader(missing) as reader:
        window, failure = _Planner(reader, worker).window(iter([(path, None)]))
    if failure is not None:
        raise failure
    # One file needs no threads, which take longer to start than a small file takes to read.
    worker.run(window, [0])
    return next(window.results())


def _data_paths(folder: Files) -> Iterator[str]:
    for path, kind in folder.walk(leave_out=is_reserved):
        if kind is Kind.LINK:
            raise Refused("E-FILE-SYMLINK", readable(path), "a symbolic link")
        if kind is not Kind.FILE:
            raise Refused("E-FILE-TYPE", readable(path), "not a regular file")
        yield path


def is_reserved(path: str) -> bool:
    """Tell whether a path is no data: a reserved name, or a listing that is being written while the walk goes on."""
    if "/" in path:
        return path[:-1] in RESERVED_FOLDERS
    return path in RESERVED_FILES or is_temporary(path)


class _File(NamedTuple):
    """A file to hash, the digest it should have, and what it was when it was planned."""

    path: str
    sha256: str | None
    seen: Seen


#: What stands for a file that no thread has come to.
_UNREAD = Unchecked("E-IO", "", "a file was not read")


class _Window:
    """Some files in order, and what came of them."""

    def __init__(self) -> None:
        self.files: list[_File] = []
        self.outcomes: list[Hashed | DatalibError] = []
        self.futures: list[Future[None]] = []
        self.first_error = sys.maxsize
        self.time = 0
        self._lock = Lock()

    def settle_error(self, index: int, error: DatalibError) -> None:
        """Keep why a file failed."""
        self.outcomes[index] = error
        with self._lock:
            self.first_error = min(self.first_error, index)

    def results(self) -> Iterator[Hashed]:
        """Wait for all, then yield in order; raise the first error at its place."""
        for future in self.futures:
            future.result()
        for outcome in self.outcomes:
            if isinstance(outcome, DatalibError):
                raise outcome
            yield outcome


class _Planner:
    """Looks at files before they are hashed: what they are, how large, and whether their digests are known."""

    def __init__(self, reader: Reader, worker: "_Worker") -> None:
        self._reader = reader
        self._known = worker.known
        self._note = worker.note

    def window(self, wanted: Iterator[tuple[str, str | None]]) -> tuple[_Window, DatalibError | None]:
        """Plan the next files; also return the error that ends them, of a file or of the source of names."""
        window = _Window()
        failure = None
        if self._known is not None:
            window.time = self._known.time()
        try:
            for path, sha256 in islice(wanted, _WINDOW):
                seen = self._reader.look(path)
                digest = self._known.recall(path, seen) if self._known else None
                if digest is not None:
                    self._note(seen.size)
                window.files.append(_File(path, sha256, seen))
                window.outcomes.append(_UNREAD if digest is None else Hashed(path, seen.size, digest))
        except DatalibError as error:
            failure = error
        return window, failure


class _Worker:
    """What the threads do."""

    def __init__(self, folder: Files, missing: str, known: Known | None, progress: Progress | None) -> None:
        self.stopped = False
        self._folder = folder
        self.missing = missing
        self.known = known
        self._progress = progress
        self._lock = Lock()
        self._own = local()

    def run(self, window: _Window, indices: Sequence[int]) -> None:
        """Hash some files of a window, in order, until one fails or what is left no longer matters."""
        buffer = self._buffer()
        with self._folder.reader(self.missing) as reader:
            for index in indices:
                if self.stopped or index > window.first_error:
                    return
                try:
                    self._read(reader, window, index, buffer)
                except DatalibError as error:
                    window.settle_error(index, error)

    def _read(self, reader: Reader, window: _Window, index: int, buffer: bytearray) -> None:
        """Hash one file and compare it, unless it no longer matters."""
        file = window.files[index]
        digest, size = hashlib.sha256(), 0
        for chunk in reader.chunks(file.path, file.seen, buffer):
            digest.update(chunk)
            size += len(chunk)
            self.note(len(chunk))
            if self.stopped or index > window.first_error:
                return
        self._settle(window, index, Hashed(file.path, size, digest.hexdigest()))

    def take(self, window: _Window, indices: Sequence[int], found: Sequence[Digest | DatalibError]) -> None:
        """Enter what a shard has found of some files of a window, which must be those that were planned."""
        for index, outcome in zip(indices, found, strict=False):  # one that failed is the last
            file = window.files[index]
            try:
                if isinstance(outcome, DatalibError):
                    raise outcome
                if outcome.seen.marks[_STABLE] != file.seen.marks[_STABLE]:
                    raise Refused("E-FILE-CHANGED", readable(file.path), "changed before it was read")
                self.note(outcome.size)
                self._settle(window, index, Hashed(file.path, outcome.size, outcome.sha256))
            except DatalibError as error:
                window.settle_error(index, error)

    def _settle(self, window: _Window, index: int, hashed: Hashed) -> None:
        """Compare a file that was read, and keep its digest."""
        file, computed = window.files[index], hashed.sha256
        if file.sha256 is not None and computed != file.sha256:
            raise Refused("E-FILE-DIGEST", readable(file.path), f"computed {computed}, listed {file.sha256}")
        if self.known is not None:
            self.known.keep(file.path, file.seen, window.time, computed)
        window.outcomes[index] = hashed

    def note(self, count: int) -> None:
        """Tell that so many bytes are done."""
        if self._progress is not None:
            with self._lock:
                self._progress(count)

    def _buffer(self) -> bytearray:
        """Return the one buffer of this thread."""
        if not hasattr(self._own, "buffer"):
            self._own.buffer = bytearray(_BUFFER)
        buffer: bytearray = self._own.buffer
        return buffer


def _hash(
    folder: Files, wanted: Iterable[tuple[str, str | None]], worker: _Worker, threads: int | None
) -> Generator[Hashed, None, None]:
    pool = ThreadPoolExecutor(threads or folder.threads, "datalib-hash")
    remaining = iter(wanted)
    windows: deque[_Window] = deque()
    failure: DatalibError | None = None  # at the end of what was planned: the files before it decide first
    try:
        with folder.reader(worker.missing) as reader:
            planner = _Planner(reader, worker)
            more = True
            while more or windows:
                while more and len(windows) < _AHEAD:
                    window, failure = planner.window(remaining)
                    more = failure is None and len(window.files) == _WINDOW
                    _submit(pool, worker, window, _BATCH)
                    windows.append(window)
                yield from windows.popleft().results()
        if failure is not None:
            raise failure
    finally:
        worker.stopped = True
        pool.shutdown(cancel_futures=True)


def _spread(
    folder: Files, wanted: Iterable[tuple[str, str | None]], worker: _Worker, engine: Engine
) -> Generator[Hashed, None, None]:
    """Hash as `_hash` does, shard by shard, wherever the engine runs them."""
    # A file on a disk keeps the processor of its worker busy; objects of a store are waited for, many at once.
    threads = 1 if isinstance(folder, Folder) else folder.threads
    library = os.path.abspath(folder.path) if isinstance(folder, Folder) else str(folder.path)  # noqa: PTH100 (not resolved: links above the library may change)
    remaining = iter(wanted)
    given: deque[tuple[_Window, Sequence[int], bool]] = deque()
    failures: list[DatalibError] = []

    def shards(planner: _Planner) -> Iterator[Shard]:
        while not failures:
            window, failure = planner.window(remaining)
            failures.extend([failure] if failure else [])
            jobs = _jobs(window, _SHARD) or [[]]  # where all is known, an empty shard keeps the order of windows
            for job in jobs:
                given.append((window, job, job is jobs[-1]))
                yield Shard(library, worker.missing, threads, tuple(window.files[index].path for index in job))
            if len(window.files) < _WINDOW:
                return

    with engine.opened(__name__) as ready, folder.reader(worker.missing) as reader:
        for found in run(hash_shard, shards(_Planner(reader, worker)), ready):
            window, job, last = given.popleft()
            worker.take(window, job, found)
            if last:
                yield from window.results()
    if failures:
        raise failures[0]


def _submit(pool: ThreadPoolExecutor, worker: _Worker, window: _Window, batch: int) -> None:
    """Hand out the files of a window to threads."""
    window.futures = [pool.submit(worker.run, window, job) for job in _jobs(window, batch)]


def _jobs(window: _Window, batch: int) -> list[list[int]]:
    """Part the files of a window that are to be read: large ones one by one, largest first, then small in batches."""
    sizes = [file.seen.size for file in window.files]
    unread = [index for index, outcome in enumerate(window.outcomes) if outcome is _UNREAD]
    large = sorted((index for index in unread if sizes[index] > _LARGE), key=lambda index: -sizes[index])
    small = [index for index in unread if sizes[index] <= _LARGE]
    return [[index] for index in large] + [small[start : start + batch] for start in range(0, len(small), batch)]
