"""Files to be hashed, a window at a time: looked at, hashed by threads, given in order.

Hashing releases the interpreter lock, so threads are enough on one machine. Each has one buffer; within a window of
files the large ones come first and the small ones go in batches, so that a last large file does not keep one thread
busy alone. Behind windows without a large file nothing is looked at beforehand, which is a quarter of what a small file
costs; a large one that turns up there gives what is behind it to another thread.
"""

import hashlib
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Lock, local
from typing import NamedTuple, Protocol

from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library.files import UNSEEN, Files, Reader, Seen
from datalib.library.paths import readable

#: Called with the number of bytes read since the last call; from any thread, never from two at once.
Progress = Callable[[int], None]

_BUFFER = 1 << 20
_LARGE = 8 << 20  # a file of its own for a thread
_BATCH = 256  # small files a thread takes at once
WINDOW = 8192  # files planned at once
_AHEAD = 2  # windows under way


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


class _File(NamedTuple):
    """A file to hash, the digest it should have, and what it was when it was planned."""

    path: str
    sha256: str | None
    seen: Seen


#: What stands for a file that no thread has come to.
UNREAD = Unchecked("E-IO", "", "a file was not read")


class Window:
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


class Planner:
    """Looks at files before they are hashed: what they are, how large, and whether their digests are known."""

    def __init__(self, reader: Reader, worker: "Worker") -> None:
        self._reader = reader
        self._known = worker.known
        self._note = worker.note

    def window(
        self, wanted: Iterator[tuple[str, str | None]], *, blind: bool = False
    ) -> tuple[Window, DatalibError | None]:
        """Plan the next files; also return the error that ends them, of a file or of the source of names.

        ``blind``: they are looked at when they are opened.
        """
        window = Window()
        failure = None
        if self._known is not None:
            window.time = self._known.time()
        try:
            for path, sha256 in islice(wanted, WINDOW):
                seen = UNSEEN if blind else self._reader.look(path)
                digest = self._known.recall(path, seen) if self._known else None
                if digest is not None:
                    self._note(seen.size)
                window.files.append(_File(path, sha256, seen))
                window.outcomes.append(UNREAD if digest is None else Hashed(path, seen.size, digest))
        except DatalibError as error:
            failure = error
        return window, failure


class Worker:
    """What the threads do."""

    def __init__(self, folder: Files, missing: str, known: Known | None, progress: Progress | None) -> None:
        self.stopped = False
        self.pool: ThreadPoolExecutor | None = None
        self._folder = folder
        self.missing = missing
        self.known = known
        self._progress = progress
        self._lock = Lock()
        self._own = local()

    def run(self, window: Window, indices: Sequence[int]) -> None:
        """Hash some files of a window, in order, until one fails or what is left no longer matters."""
        rest = deque(indices)
        with self._folder.reader(self.missing) as reader:
            while rest:
                index = rest.popleft()
                if self.stopped or index > window.first_error:
                    return
                try:
                    self._read(reader, window, index, rest)
                except DatalibError as error:
                    window.settle_error(index, error)

    def _read(self, reader: Reader, window: Window, index: int, rest: deque[int]) -> None:
        """Hash one file and compare it, unless it no longer matters; what is behind a large one goes to others."""
        file = window.files[index]
        digest, size = hashlib.sha256(), 0
        for chunk in reader.chunks(file.path, file.seen, self._buffer()):
            digest.update(chunk)
            size += len(chunk)
            self.note(len(chunk))
            if self.stopped or index > window.first_error:
                return
            if size > _LARGE and rest and self.pool is not None:
                window.futures.append(self.pool.submit(self.run, window, list(rest)))
                rest.clear()
        self.settle(window, index, Hashed(file.path, size, digest.hexdigest()))

    def settle(self, window: Window, index: int, hashed: Hashed) -> None:
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


def by_threads(
    folder: Files, wanted: Iterable[tuple[str, str | None]], worker: Worker, threads: int | None
) -> Generator[Hashed, None, None]:
    """Hash files by threads, as many as there are processors unless it is said; yield them in order."""
    pool = worker.pool = ThreadPoolExecutor(threads or folder.threads, "datalib-hash")
    remaining = iter(wanted)
    windows: deque[Window] = deque()
    failure: DatalibError | None = None  # at the end of what was planned: the files before it decide first
    try:
        with folder.reader(worker.missing) as reader:
            planner = Planner(reader, worker)
            more, blind = True, False
            while more or windows:
                while more and len(windows) < _AHEAD:
                    window, failure = planner.window(remaining, blind=blind)
                    blind = worker.known is None and not any(file.seen.size > _LARGE for file in window.files)
                    more = failure is None and len(window.files) == WINDOW
                    submit(pool, worker, window, _BATCH)
                    windows.append(window)
                yield from windows.popleft().results()
        if failure is not None:
            raise failure
    finally:
        worker.stopped = True
        pool.shutdown(cancel_futures=True)


def submit(pool: ThreadPoolExecutor, worker: Worker, window: Window, batch: int) -> None:
    """Hand out the files of a window to threads."""
    for job in jobs(window, batch):  # one by one: a thread that has begun may add to them too
        window.futures.append(pool.submit(worker.run, window, job))


def jobs(window: Window, batch: int) -> list[list[int]]:
    """Part the files of a window that are to be read: large ones one by one, largest first, then small in batches."""
    sizes = [file.seen.size for file in window.files]
    unread = [index for index, outcome in enumerate(window.outcomes) if outcome is UNREAD]
    large = sorted((index for index in unread if sizes[index] > _LARGE), key=lambda index: -sizes[index])
    small = [index for index in unread if sizes[index] <= _LARGE]
    return [[index] for index in large] + [small[start : start + batch] for start in range(0, len(small), batch)]
