"""Read many files of a folder, each the same before and after (datalib trust specification §2, "Reading files")."""

import os
import stat
from collections.abc import Iterator
from typing import Self

from datalib.errors import Refused
from datalib.library.descent import FILE, Descent, reason
from datalib.library.files import Seen
from datalib.library.paths import readable, to_bytes

_IDENTITY = 4  # marks that reading may not change; the fifth, the inode's time, changes with links and permissions too


class DiskReader:
    """The files below one folder, for one thread."""

    __slots__ = ("_missing", "_way")

    def __init__(self, way: Descent, missing: str) -> None:
        self._way = way
        self._missing = missing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._way.close()

    def look(self, path: str) -> Seen:
        """Look at a file without opening it."""
        raw = to_bytes(path)
        folder, _, name = raw.rpartition(b"/")
        above = self._way.folder(folder, self._missing)
        try:
            status = os.stat(name, dir_fd=above, follow_symlinks=False)
        except (OSError, ValueError) as error:
            raise reason(error, above, raw, self._missing) from error
        return _seen(status, path)

    def chunks(self, path: str, seen: Seen, buffer: bytearray) -> Iterator[memoryview]:
        """Read a file into the buffer, as often as it takes."""
        raw = to_bytes(path)
        folder, _, name = raw.rpartition(b"/")
        above = self._way.folder(folder, self._missing)
        view, done = memoryview(buffer), 0
        try:
            descriptor = os.open(name, FILE, dir_fd=above)
            try:
                seen = seen if seen.marks else _seen(os.fstat(descriptor), path)
                size = seen.size
                while done < size and (count := os.readv(descriptor, (buffer,))):
                    done += count
                    yield view[:count]
                after = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise reason(error, above, raw, self._missing) from error
        if done != size or _marks(after)[:_IDENTITY] != seen.marks[:_IDENTITY]:
            raise Refused("E-FILE-CHANGED", readable(path), "changed while it was read")


def _seen(status: os.stat_result, path: str) -> Seen:
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISLNK(status.st_mode):
            raise Refused("E-FILE-SYMLINK", readable(path), "a symbolic link")
        raise Refused("E-FILE-TYPE", readable(path), "not a regular file")
    return Seen(status.st_size, _marks(status))


def _marks(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return status.st_ino, status.st_dev, status.st_size, status.st_mtime_ns, status.st_ctime_ns
