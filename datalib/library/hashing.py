"""SHA-256 of many files, in order (datalib trust specification §2 "Reading files", §10 step 10).

By threads of this process (`datalib.library.windows`), or by an engine (`datalib.library.spread`). Results come in the
order the files were given, and so does the first refusal, whoever hashes them.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from datalib.engine import Engine
from datalib.errors import Refused
from datalib.library.files import Files, Kind
from datalib.library.listing import Line
from datalib.library.paths import RESERVED_FILES, RESERVED_FOLDERS, readable
from datalib.library.spread import by_engine
from datalib.library.store import is_temporary
from datalib.library.windows import Hashed, Known, Planner, Progress, Worker, by_threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much of a library was read and found to be as listed."""

    files: int
    bytes: int


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
    worker = Worker(folder, "E-FILE-CHANGED", known, progress)
    return by_engine(folder, wanted, worker, engine) if engine else by_threads(folder, wanted, worker, threads)


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
    worker = Worker(folder, "E-FILE-MISSING", None, progress)
    found = by_engine(folder, wanted, worker, engine) if engine else by_threads(folder, wanted, worker, threads)
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
    worker = Worker(folder, missing, None, None)
    with folder.reader(missing) as reader:
        window, failure = Planner(reader, worker).window(iter([(path, None)]))
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


__all__ = ["Checked", "Hashed", "Known", "Progress", "hash_file", "hash_tree", "is_reserved", "verify_files"]
