"""Files hashed shard by shard, by processes or on a cluster: a worker gets names, opens the library, gives digests.

One file is hashed by one worker: SHA-256 has no parts.
"""

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from datalib.engine import Engine, run
from datalib.errors import DatalibError, Refused
from datalib.library import windows
from datalib.library.files import Files, Seen
from datalib.library.opening import files_of
from datalib.library.paths import readable
from datalib.library.store import Folder
from datalib.library.windows import Hashed, Planner, Window, Worker, jobs, submit

_SHARD = 512  # small files a worker takes at once
#: Of the marks of a file, size and time of content: what all machines that see a file see alike.
_STABLE = slice(2, 4)


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
        worker = Worker(folder, shard.missing, None, None)
        with folder.reader(shard.missing) as reader:
            window, failure = Planner(reader, worker).window((path, None) for path in shard.paths)
        if shard.threads == 1:
            worker.run(window, range(len(window.files)))
        else:
            with ThreadPoolExecutor(shard.threads, "datalib-hash") as pool:
                submit(pool, worker, window, -(-len(shard.paths) // shard.threads))
    found: list[Digest | DatalibError] = []
    for file, outcome in zip(window.files, window.outcomes, strict=True):
        if isinstance(outcome, DatalibError):
            return [*found, outcome]
        found.append(Digest(file.seen, outcome.size, outcome.sha256))
    return found if failure is None else [*found, failure]


def by_engine(
    folder: Files, wanted: Iterable[tuple[str, str | None]], worker: Worker, engine: Engine
) -> Generator[Hashed, None, None]:
    """Hash as `datalib.library.windows.by_threads` does, shard by shard, wherever the engine runs them."""
    # A file on a disk keeps the processor of its worker busy; objects of a store are waited for, many at once.
    threads = 1 if isinstance(folder, Folder) else folder.threads
    library = os.path.abspath(folder.path) if isinstance(folder, Folder) else str(folder.path)  # noqa: PTH100 (not resolved: links above the library may change)
    remaining = iter(wanted)
    given: deque[tuple[Window, Sequence[int], bool]] = deque()
    failures: list[DatalibError] = []

    def shards(planner: Planner) -> Iterator[Shard]:
        while not failures:
            window, failure = planner.window(remaining)
            failures.extend([failure] if failure else [])
            parts = jobs(window, _SHARD) or [[]]  # where all is known, an empty shard keeps the order of windows
            for job in parts:
                given.append((window, job, job is parts[-1]))
                yield Shard(library, worker.missing, threads, tuple(window.files[index].path for index in job))
            if len(window.files) < windows.WINDOW:
                return

    with engine.opened(__name__) as ready, folder.reader(worker.missing) as reader:
        for found in run(hash_shard, shards(Planner(reader, worker)), ready):
            window, job, last = given.popleft()
            _enter(worker, window, job, found)
            if last:
                yield from window.results()
    if failures:
        raise failures[0]


def _enter(worker: Worker, window: Window, indices: Sequence[int], found: Sequence[Digest | DatalibError]) -> None:
    """Enter what a shard has found of some files of a window, which must be those that were planned."""
    for index, outcome in zip(indices, found, strict=False):  # one that failed is the last
        file = window.files[index]
        try:
            if isinstance(outcome, DatalibError):
                raise outcome
            if outcome.seen.marks[_STABLE] != file.seen.marks[_STABLE]:
                raise Refused("E-FILE-CHANGED", readable(file.path), "changed before it was read")
            worker.note(outcome.size)
            worker.settle(window, index, Hashed(file.path, outcome.size, outcome.sha256))
        except DatalibError as error:
            window.settle_error(index, error)
