"""One file of several sections: a shard leaves one, however many things it has to tell the end of the scan.

The sections stand one behind the other, each at a multiple of 64 octets. Behind them stands where each begins and how
long it is, sixteen octets a name. A section that nobody wrote is empty.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_ALIGNED: Final = 64


class Name(IntEnum):
    """The sections."""

    PROOFS = 0
    PLACES = 1
    USED = 2
    MADE = 3
    CITED = 4
    LEAVES = 5
    SUBTREES = 6
    KEYS = 7


_ENDS: Final = struct.Struct(f"<{2 * len(Name)}Q")


class Section(NamedTuple):
    """Where something stands: ``size`` octets of a file."""

    path: Path
    start: int
    size: int

    def array(self, kind: Any) -> NDArray[Any]:
        """Read it as rows of some kind."""
        rows = np.dtype(kind)
        return np.fromfile(self.path, dtype=rows, count=self.size // rows.itemsize, offset=self.start)

    def mapped(self) -> Any:
        """Map it as a buffer of Arrow, which holds no descriptor and lives as long as what is taken from it."""
        with pa.memory_map(os.fsencode(self.path)) as file:
            file.seek(self.start)
            return file.read_buffer(self.size)

    def pieces(self, size: int) -> Iterator[bytes]:
        """Read it, some octets at a time."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            for done in range(0, self.size, size):
                yield file.read(min(size, self.size - done))


def section_of(path: Path, name: Name) -> Section:
    """Find a section of a file."""
    with path.open("rb") as file:
        file.seek(-_ENDS.size, os.SEEK_END)
        ends = _ENDS.unpack(file.read())
    return Section(path, *ends[2 * name : 2 * name + 2])


class SectionWriter:
    """Writes a file of sections, one at a time; it is whole when the ``with`` block ends without an error."""

    def __init__(self, path: Path) -> None:
        self._path, self._ends = path, [0] * 2 * len(Name)

    def __enter__(self) -> Self:
        self._file: BinaryIO = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._file.write(_ENDS.pack(*self._ends))

    @contextmanager
    def section(self, name: Name) -> Iterator[BinaryIO]:
        """Give a file to which a section is written, by appending only."""
        self._file.write(bytes(-self._file.tell() % _ALIGNED))
        start = self._file.tell()
        yield self._file
        self._ends[2 * name : 2 * name + 2] = start, self._file.tell() - start
