"""Open a packed library: tar, gzipped tar or zip, told by its first bytes.

An archive is read from start to end more than once and never all at once.
"""

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from enum import StrEnum
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from datalib.archive import tar
from datalib.archive.entries import CHUNK, Entry, damaged
from datalib.archive.zipped import Zip
from datalib.errors import Refused, Unchecked
from datalib.library.descent import trouble


class Kind(StrEnum):
    """Kinds of archives."""

    TAR = "tar"
    TAR_GZ = "tar.gz"
    ZIP = "zip"


_GZIP = b"\x1f\x8b"
_ZIPS = (b"PK\3\4", b"PK\5\6")


class Archive:
    """An archive, open for reading while the ``with`` block runs.

    Raises Unchecked ``E-IO`` if it cannot be read, Refused ``E-FILE-TYPE`` if it is no regular file, and what reading
    entries raises.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file: FileIO

    def __enter__(self) -> Self:
        with trouble(str(self.path)):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise Refused("E-FILE-TYPE", str(self.path), "not a regular file")
            self._file = FileIO(descriptor)
            start = os.pread(descriptor, 4, 0)
        self.kind = Kind.ZIP if start in _ZIPS else Kind.TAR_GZ if start.startswith(_GZIP) else Kind.TAR
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, from the start; nobody else may read the archive meanwhile.

        Raises ``Refused``: ``E-ARCHIVE-FORMAT``, ``-PATH``, ``-LINK``, ``-BOMB``.
        """
        where = self.path.name
        if self.kind is Kind.ZIP:
            return Zip(self._file.fileno(), where).entries()
        self._file.seek(0)
        source = _Plain(self._file, where) if self.kind is Kind.TAR else _Gzipped(self._file, where)
        return tar.entries(source, where)


class _Plain:
    """A tar archive as it lies on the disk."""

    def __init__(self, file: FileIO, where: str) -> None:
        self._file = file
        self._where = where
        self._left = os.fstat(file.fileno()).st_size

    def read(self, size: int) -> bytes:
        parts, missing = list[bytes](), min(size, self._left)
        with trouble(self._where):
            while missing and (part := self._file.read(missing)):
                parts.append(part)
                missing -= len(part)
        data = b"".join(parts)
        self._left -= len(data)
        return data

    def skip(self, size: int) -> None:
        if size > self._left:
            raise damaged(self._where, "ends inside a file")
        self._file.seek(size, os.SEEK_CUR)
        self._left -= size


class _Gzipped:
    """A tar archive behind gzip (RFC 1952)."""

    def __init__(self, file: FileIO, where: str) -> None:
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")
        self._where = where

    def read(self, size: int) -> bytes:
        try:
            return self._gzip.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise damaged(self._where, str(error)) from error
        except OSError as error:
            raise Unchecked("E-IO", self._where, error.strerror or "") from error

    def skip(self, size: int) -> None:
        while size:
            data = self.read(min(CHUNK, size))
            if not data:
                raise damaged(self._where, "ends inside a file")
            size -= len(data)
