"""Find lines of a listing that was checked, without reading all of it again.

The lines are sorted by path, so that bisection finds one, and those of a folder stand together. The file is hashed once
when it is opened; then every block that is read is compared again (`datalib.library.verified`).
"""

from collections.abc import Iterator
from typing import Self

from datalib.errors import Refused
from datalib.library.files import Files
from datalib.library.listing import NAME
from datalib.library.paths import to_bytes
from datalib.library.verified import BLOCK, VerifiedFile

_HEAD = 66  # of a line: 64 hex digits and two spaces
_LONGEST = 2048  # a line has 66 + 1024 + 1 bytes at most


def verified(folder: Files, path: str, sha256: str) -> VerifiedFile:
    """Open a file of a library whose digest is known. Raises ``Refused``: ``E-FILE-MISSING``, ``E-READ-DIGEST``."""
    return VerifiedFile(folder.open(path, missing="E-FILE-MISSING"), name=path, sha256=sha256)


class Lookup:
    """The lines of a listing. Raises ``Refused("E-READ-DIGEST")`` where the file is not, or no longer, what was signed.

    Use it in a ``with`` block, or close it.
    """

    def __init__(self, folder: Files, sha256: str) -> None:
        self._file = verified(folder, NAME, sha256)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def digest(self, path: str) -> str:
        """Give the SHA-256 of a data file; ``E-FILE-UNLISTED`` if it is not listed."""
        wanted = to_bytes(path)
        line = next(self._lines(self._first(wanted)), b"")
        if line[_HEAD:] != wanted:
            raise Refused("E-FILE-UNLISTED", path)
        return line[: _HEAD - 2].decode("ascii", "replace")

    def under(self, prefix: str) -> Iterator[bytes]:
        """Yield the lines of the files under a prefix that ends in ``/``, the prefix removed, without their LF."""
        wanted = to_bytes(prefix)
        for line in self._lines(self._first(wanted)):
            if not line.startswith(wanted, _HEAD):
                return
            yield line[:_HEAD] + line[_HEAD + len(wanted) :]

    def _first(self, wanted: bytes) -> int:
        """Find where the first line starts whose path is not before ``wanted``, reading only lines on the way."""
        low, high = 0, self._file.size()
        while low < high:
            start, line = self._line_at((low + high) // 2)
            if line[_HEAD:] < wanted:
                low = start + len(line) + 1
            else:
                high = start
        return low

    def _line_at(self, place: int) -> tuple[int, bytes]:
        """Give the line that holds a position, and where it starts."""
        begin = max(0, place - _LONGEST)
        self._file.seek(begin)
        around = self._file.read(2 * _LONGEST)
        start = around.rfind(b"\n", 0, place - begin) + 1
        return begin + start, around[start : around.index(b"\n", place - begin)]

    def _lines(self, place: int) -> Iterator[bytes]:
        rest = b""
        size = _LONGEST  # the first lines are often all that is wanted
        while True:
            self._file.seek(place)
            if not (chunk := self._file.read(size)):
                return
            place += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            size = BLOCK
