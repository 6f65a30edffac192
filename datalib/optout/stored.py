"""A table of works in an object store, read where it is: what a scan asks of a path, for an ``s3://`` address.

Only tables: their rows are read by ranges; folders, archives and single files are asked too much for that. The object
that was planned, by its ETag, size and time, is the one that is hashed and judged; another is Unchecked
``E-FILE-CHANGED``.
"""

import io
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from datalib.errors import Misuse, Unchecked
from datalib.library.objects import AHEAD, Address, ObjectFile, marks_of, trouble
from datalib.optout.chunks import Form, form_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable:
    """An object that is a table by its name, as it was when it was found. Small: it is sent to workers."""

    address: Address
    size: int
    marks: tuple[object, ...]

    @classmethod
    def find(cls, text: str) -> "StoredTable":
        """Find the object at an address. Raises Misuse (E-USAGE), Unchecked (E-IO)."""
        address = Address.parse(text)
        if form_of(address.root) in {None, Form.XLSX} or "/" not in address.root:
            raise Misuse("E-USAGE", text, "of an object store only tables are judged: Parquet, CSV, JSON Lines, Arrow")
        source = _source(address)
        with trouble(text):
            return cls(address=address, size=source.size(), marks=marks_of(source))

    def __str__(self) -> str:
        return self.address.text

    @property
    def name(self) -> str:
        """The last part of the name."""
        return PurePosixPath(self.address.root).name

    @property
    def suffix(self) -> str:
        """The extension of the name, with its dot."""
        return PurePosixPath(self.address.root).suffix

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Open it to be read from anywhere."""
        if mode != "rb":
            raise Misuse("E-STORE-READ-ONLY", str(self))
        return io.BufferedReader(_Reading(self._same(), str(self)), 1 << 16)

    def check(self) -> None:
        """Make sure that it is still what it was: Unchecked (E-FILE-CHANGED)."""
        self._same()

    def _same(self) -> Any:
        source = _source(self.address)
        with trouble(str(self)):
            if marks_of(source) == self.marks:
                return source
        raise Unchecked("E-FILE-CHANGED", str(self), "changed while it was scanned")


#: Where a table of works is.
Source = Path | StoredTable


class _Reading(ObjectFile):
    """One object with threads of its own, whose trouble is never taken for damage of the table."""

    def __init__(self, source: Any, name: str) -> None:
        self._pool = ThreadPoolExecutor(AHEAD + 1, "datalib-range")
        super().__init__(source, name, self._ask)

    def _ask(self, source: Any, start: int, size: int) -> Future[bytes]:
        return self._pool.submit(source.read_at, size, start)

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer, or less of it; 0 at the end. Raises Unchecked (E-IO, E-FILE-CHANGED)."""
        with trouble(self.where):
            count = super().readinto(buffer)
        if not count and memoryview(buffer) and not self.at_end:
            raise Unchecked("E-FILE-CHANGED", self.where, "became shorter while it was read")
        return count

    def close(self) -> None:
        """Close it, and let its threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        super().close()


def _source(address: Address) -> Any:
    with trouble(address.text):
        return address.connect().open_input_file(address.root)
