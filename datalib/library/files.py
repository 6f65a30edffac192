"""What reading a library asks of the place where it lies: a folder, or a prefix of an object store.

There is one verification. `datalib.library.store.Folder` and `datalib.library.objects.Objects` give it the files.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from io import RawIOBase
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from datalib.library.paths import from_bytes


class Kind(StrEnum):
    """What an entry of the tree is. Folders are not entries: they carry nothing."""

    FILE = "file"
    LINK = "link"
    OTHER = "other"


class Entry(NamedTuple):
    """One entry found in the tree. A tuple, because there are millions."""

    path: str
    kind: Kind


class Seen(NamedTuple):
    """A file as it was before it was read: its size in bytes, and marks that change with its content.

    In a folder ``marks`` are inode, device, size, and the times of the last change of its content and of its inode in
    nanoseconds. In an object store nothing is looked at beforehand: the size is 0, and there are no marks.
    """

    size: int
    marks: tuple[int, ...]


#: Stands for a file that was not looked at.
UNSEEN = Seen(0, ())


class Reader(Protocol):
    """Reads files one after another, for one thread; neighbours cheaply. Use it in a ``with`` block."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def look(self, path: str) -> Seen:
        """Look at a file that is to be read. Refused: ``E-FILE-SYMLINK``, ``E-FILE-TYPE``, the code for missing."""

    def chunks(self, path: str, seen: Seen, buffer: bytearray) -> Iterator[bytes | memoryview]:
        """Yield the bytes of a file; what is yielded is good until the next. The refusals of `look`.

        Refused ``E-FILE-CHANGED`` at the end if it is not, or no longer, the file that was seen; of one that is
        ``UNSEEN``, the file that was opened.
        """


class Files(Protocol):
    """The files of a library, to be read. Names are paths with ``/``, as in the listing. Usable from several threads.

    All methods raise Unchecked ``E-IO`` for what cannot be read, Refused ``E-FILE-SYMLINK`` for a link and
    ``E-FILE-TYPE`` for what is no regular file.
    """

    def __enter__(self) -> Self:
        """Open."""

    def __exit__(self, *_: object) -> None:
        """Close."""

    @property
    def path(self) -> Path | str:
        """Where the library lies: a folder, or an address."""

    @property
    def threads(self) -> int:
        """How many threads may read at once."""

    def open(self, name: str, *, missing: str) -> RawIOBase:
        """Open a file to be read anywhere; it is refused with ``missing`` if it is not there."""

    def read(self, name: str, *, limit: int, missing: str, too_large: str) -> bytes:
        """Return the bytes of a file of at most ``limit`` bytes; refused with ``too_large`` beyond."""

    def exists(self, name: str) -> bool:
        """Tell whether there is anything under that name."""

    def walk(self, below: str = "", *, leave_out: Callable[[str], bool] | None = None) -> Iterator[Entry]:
        """Yield every entry of the tree that is no folder, in byte order of the whole paths.

        ``below`` limits the walk to one folder; ``leave_out`` is asked about every path, a folder's with ``/`` at its
        end, and what it picks is passed over.
        """

    def reader(self, missing: str) -> Reader:
        """Return what reads many files; those that are not there are refused with ``missing``."""


#: The last letter of a name: what it names.
_KINDS = {ord("f"): Kind.FILE, ord("l"): Kind.LINK, ord("o"): Kind.OTHER}
_IS_FOLDER = ord("d")


def walk_names(
    names: Callable[[str], list[bytes]], below: str, leave_out: Callable[[str], bool] | None
) -> Iterator[Entry]:
    """Walk a tree as `Files.walk` does.

    ``names`` gives the sorted names in a folder, each with NUL and a letter for what it is: f, l, o, or d for a folder,
    whose name ends in ``/`` before that. Memory is that of the names in one folder and those above it.
    """
    stack = [(f"{below}/" if below else "", iter(names(below)))]
    while stack:
        prefix, found = stack[-1]
        for name in found:
            path = prefix + from_bytes(name[:-2])
            if leave_out is not None and leave_out(path):
                continue
            if name[-1] == _IS_FOLDER:
                stack.append((path, iter(names(path[:-1]))))
                break
            yield Entry(path, _KINDS[name[-1]])
        else:
            stack.pop()
