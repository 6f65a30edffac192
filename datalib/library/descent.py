"""Open what lies below a directory without ever following a link (datalib trust specification §2, "Reading files").

Every component of a path is opened by itself, relative to the descriptor of the one before, with ``O_NOFOLLOW``; a file
also with ``O_NONBLOCK``, so that a FIFO cannot hang the reader. Names are bytes here: what the disk holds.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library.paths import from_bytes, readable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
#: Flags for a file.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY

#: Levels whose descriptors stay open. Deeper ones are opened again when needed: descriptors are scarce, such trees too.
_KEPT = 24


@contextmanager
def trouble(where: str) -> Iterator[None]:
    """Turn an OSError of the body into Unchecked ``E-IO`` at ``where``."""
    try:
        yield
    except OSError as error:
        raise Unchecked("E-IO", where, error.strerror or str(error)) from error


class Descent:
    """A way down from one directory descriptor that remembers where it stands; one per thread.

    Fast for paths in order, because neighbours share their folders. Refusals: ``E-FILE-SYMLINK`` for a link in any
    component, ``E-FILE-TYPE`` for what is no regular file, the given ``missing`` code for what is not there. Other
    trouble is Unchecked ``E-IO``.
    """

    __slots__ = ("_at", "_open", "_root")

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: list[tuple[bytes, int]] = []  # (segment, descriptor; -1 if closed again), outermost first
        self._at = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every descriptor this way down has opened; the root stays open."""
        self._leave(0)

    def folder(self, path: bytes, missing: str = "E-IO") -> int:
        """Return the descriptor of the folder at ``path`` (empty: the root); it is good until the next call."""
        if path != self._at:
            segments = path.split(b"/") if path else []
            shared = 0
            for (name, _), segment in zip(self._open, segments, strict=False):
                if name != segment:
                    break
                shared += 1
            if _KEPT < shared < len(self._open):
                shared = _KEPT
            self._leave(shared)
            for segment in segments[shared:]:
                self._enter(segment, path, missing)
        return self._open[-1][1] if self._open else self._root

    def open(self, path: bytes, missing: str) -> tuple[int, os.stat_result]:
        """Open the regular file at ``path``; return its descriptor, which the caller closes, and its status."""
        folder, name = _split(path)
        above = self.folder(folder, missing)
        try:
            descriptor = os.open(name, FILE, dir_fd=above)
        except (OSError, ValueError) as error:
            raise reason(error, above, path, missing) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise Refused("E-FILE-TYPE", readable(from_bytes(path)), "not a regular file")
        return descriptor, status

    def status(self, path: bytes) -> os.stat_result | None:
        """Return the status of what is at ``path``, a link's own if it is one; ``None`` if nothing is there."""
        folder, name = _split(path)
        try:
            return os.stat(name, dir_fd=self.folder(folder), follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unchecked("E-IO", readable(from_bytes(path)), error.strerror or str(error)) from error

    def _enter(self, segment: bytes, path: bytes, missing: str) -> None:
        above = self._open[-1][1] if self._open else self._root
        _refuse_step(segment, path)
        try:
            descriptor = os.open(segment, _FOLDER, dir_fd=above)
        except (OSError, ValueError) as error:
            raise reason(error, above, path, missing, segment) from error
        if len(self._open) > _KEPT:
            os.close(above)
            self._open[-1] = (self._open[-1][0], -1)
        self._open.append((segment, descriptor))
        self._at = self._at + b"/" + segment if self._at else segment  # also if the next step fails

    def _leave(self, depth: int) -> None:
        self._at = b"/".join(name for name, _ in self._open[:depth])
        while len(self._open) > depth:
            descriptor = self._open.pop()[1]
            if descriptor >= 0:
                os.close(descriptor)


def _split(path: bytes) -> tuple[bytes, bytes]:
    folder, slash, name = path.rpartition(b"/")
    _refuse_step(name if folder or not slash else b"", path)
    return folder, name


def _refuse_step(segment: bytes, path: bytes) -> None:
    if segment in {b"", b".", b".."}:
        raise Refused("E-PATH-TRAVERSAL", readable(from_bytes(path)))


def reason(
    error: OSError | ValueError, above: int, path: bytes, missing: str, name: bytes | None = None
) -> DatalibError:
    """Say why ``name``, the last segment of ``path`` if not given, could not be opened in the folder ``above``."""
    where = readable(from_bytes(path))
    name = path.rpartition(b"/")[2] if name is None else name
    number = error.errno if isinstance(error, OSError) else errno.ENOENT  # ValueError: a NUL in the name
    with suppress(OSError):
        if number == errno.ENOTDIR and stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
            number = errno.ELOOP
    match number:
        case errno.ELOOP:
            return Refused("E-FILE-SYMLINK", where, f"{readable(from_bytes(name))} is a symbolic link")
        case errno.ENOENT | errno.ENOTDIR | errno.ENAMETOOLONG:
            return Unchecked("E-IO", where, "not found") if missing == "E-IO" else Refused(missing, where)
        case errno.ENXIO | errno.ENODEV | errno.EOPNOTSUPP:
            return Refused("E-FILE-TYPE", where, "not a regular file")
        case _:
            return Unchecked("E-IO", where, os.strerror(number or errno.EIO))
