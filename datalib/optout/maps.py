"""Arrays in files, mapped, for tables that are larger than memory: a process holds only some of their pages.

What is looked up at random is looked up in the order of the table, a window of it at a time; between two windows the
pages are given back when they have become many. The system keeps them at hand while there is room.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from datalib.errors import Refused
from datalib.optout.outputs import trouble

#: Bytes of mapped files that a process may hold in memory, and of the part of a table that is looked up at once.
HELD: Final = 192 << 20
WINDOW: Final = 48 << 20
_HEAD = 192  # bytes before the numbers of a .npy file that is written here
_MAGIC = b"\x93NUMPY\x01\x00"


class Maps:
    """The mapped files of one folder. ``size``: bytes of all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        self._maps: list[mmap.mmap] = []

    def plain(self, name: str, kind: Any) -> NDArray[Any]:
        """Map a file that is nothing but numbers. Raises Unchecked (E-IO)."""
        return self._map(self.folder / name, 0, kind)

    def npy(self, name: str) -> NDArray[Any]:
        """Map ``NAME.npy``. Raises Refused (E-SITES-FORMAT), Unchecked (E-IO)."""
        path = self.folder / f"{name}.npy"
        with trouble(path), path.open("rb") as file:
            try:
                np.lib.format.read_magic(file)
                shape, _, kind = np.lib.format.read_array_header_1_0(file)
            except ValueError as error:
                raise Refused("E-SITES-FORMAT", str(path), str(error)) from error
            array: NDArray[Any] = self._map(path, file.tell(), kind).reshape(shape)
            return array

    def _map(self, path: Path, skip: int, kind: Any) -> NDArray[Any]:
        with trouble(path), path.open("rb") as file:
            if path.stat().st_size <= skip:
                return np.zeros(0, dtype=kind)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._maps.append(mapped)
        self.size += len(mapped)
        array: NDArray[Any] = np.frombuffer(mapped, dtype=kind, offset=skip)
        return array

    def release(self) -> None:
        """Give all pages back."""
        for mapped in self._maps:
            mapped.madvise(mmap.MADV_DONTNEED)


def trim(*tables: Maps) -> None:
    """Give mapped pages back where they have become many."""
    if sum(table.size for table in tables) > HELD and hasattr(mmap, "MADV_DONTNEED") and _mapped_now() > HELD:
        for table in tables:
            table.release()


def windows(numbers: NDArray[Any], count: int, size: int) -> Iterator[NDArray[np.int64] | slice]:
    """Give the places of ``numbers`` in groups, each of which lies in one window of a table.

    The table has ``count`` rows and ``size`` bytes. One that is small is one window, and its places stay in order.
    """
    if size <= HELD or not len(numbers):
        yield slice(None)
        return
    order = np.argsort(numbers, kind="stable")
    rows = max(count * WINDOW // size, 1)
    cuts = np.searchsorted(numbers[order], np.arange(rows, count, rows))
    yield from (group for group in np.split(order, cuts) if group.size)


def take(array: NDArray[Any], numbers: NDArray[Any], *tables: Maps) -> NDArray[Any]:
    """Give ``array[numbers]``, window by window where the array is large, giving pages of ``tables`` back."""
    if array.nbytes <= WINDOW:
        return np.asarray(array[numbers])
    found = np.empty(len(numbers), dtype=array.dtype)
    for group in windows(numbers, len(array), max(array.nbytes, HELD + 1)):
        found[group] = array[numbers[group]]
        trim(*tables)
    return found


class NpyFile:
    """A ``.npy`` file that grows: its head is written when it is closed. Rows are of ``kind``, ``width`` to a row."""

    def __init__(self, path: Path, kind: Any, width: int = 0) -> None:
        self.kind, self.width, self.rows = np.dtype(kind), width, 0
        self._file = path.open("wb")
        self._file.write(bytes(_HEAD))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write the head and close the file."""
        shape = (self.rows, self.width) if self.width else (self.rows,)
        descr = np.lib.format.dtype_to_descr(self.kind)
        head = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode("ascii")
        room = _HEAD - len(_MAGIC) - 2
        self._file.seek(0)
        self._file.write(_MAGIC + room.to_bytes(2, "little") + head.ljust(room - 1) + b"\n")
        self._file.close()

    def add(self, rows: Any) -> None:
        """Append rows."""
        array = np.ascontiguousarray(rows, dtype=self.kind)
        self._file.write(array.tobytes())
        self.rows += len(array)


def _mapped_now() -> int:
    """Give the size of the mapped files that this process holds in memory, in bytes; 0 where nobody says."""
    try:
        shared = int(Path("/proc/self/statm").read_text().split()[2])
    except (OSError, ValueError, IndexError):
        return 0
    return shared * mmap.PAGESIZE
