"""A library on disk: read, list and replace its files, below its folder and nowhere else.

Reading follows no link (`datalib.library.descent`); writing replaces a file as a whole, so that a kill at any moment
leaves the old bytes or the new ones, and at worst a ``.datalib-tmp-*`` beside them, which `Folder.sweep` removes.
"""

import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Self

from datalib.errors import Refused, Unchecked
from datalib.library.descent import Descent, trouble
from datalib.library.disk import DiskReader
from datalib.library.files import Entry, walk_names
from datalib.library.paths import RESERVED_FOLDERS, readable, to_bytes

#: How leftovers of interrupted writes are named; the rest is sixteen hex digits.
TEMPORARY = ".datalib-tmp-"
_LEFTOVER = re.compile(rf"(?:.*/)?{re.escape(TEMPORARY)}[0-9a-f]{{16}}", re.DOTALL)

_CHUNK = 1 << 20
_ENCODING = sys.getfilesystemencoding()
_COPIED = 1 << 30  # bytes the kernel may copy at once
#: How kernels say that they cannot copy between these two files; what was copied until then stays.
_NO_COPY = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})


class Folder:
    """The folder of a library, held open while the ``with`` block runs.

    The folder itself may be reached through links; below it none is followed. Names are paths with ``/``, as in the
    listing. All methods raise Unchecked ``E-IO`` on trouble with the disk, Refused ``E-FILE-SYMLINK`` on a link and
    ``E-FILE-TYPE`` on what is no regular file. Usable from several threads.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        with trouble(str(self.path)):
            try:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            except NotADirectoryError as error:
                detail = "no folder; a packed library has to be unpacked first"
                raise Unchecked("E-IO", str(self.path), detail) from error
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)
        self._descriptor = None

    @property
    def descriptor(self) -> int:
        """The descriptor of the folder."""
        if self._descriptor is None:
            raise Unchecked("E-IO", str(self.path), "the folder is not open")
        return self._descriptor

    def descend(self) -> Descent:
        """Return a new way down from this folder, for one thread."""
        return Descent(self.descriptor)

    @property
    def threads(self) -> int:
        """How many threads may read at once: as many as there are processors for this process."""
        return len(os.sched_getaffinity(0))

    def reader(self, missing: str) -> DiskReader:
        """Return what reads many files, for one thread."""
        return DiskReader(self.descend(), missing)

    def open(self, name: str, *, missing: str) -> FileIO:
        """Open a file for reading; it is refused with ``missing`` if it is not there."""
        with self.descend() as way:
            descriptor, _ = way.open(to_bytes(name), missing)
        return FileIO(descriptor)

    def read(self, name: str, *, limit: int, missing: str, too_large: str) -> bytes:
        """Return the bytes of a file of at most ``limit`` bytes.

        Raises Refused ``missing`` if it is not there and ``too_large`` by its size, before anything is read.
        """
        with self.open(name, missing=missing) as file, trouble(readable(name)):
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise Refused(too_large, readable(name), f"{size} bytes, at most {limit} are allowed")
            data = bytearray()
            while chunk := file.read(min(_CHUNK, limit + 1 - len(data))):
                data += chunk
            if len(data) > limit:
                raise Refused(too_large, readable(name), f"grew beyond {limit} bytes while it was read")
            return bytes(data)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes; ``E-FILE-MISSING`` if it is not there."""
        with self.open(name, missing="E-FILE-MISSING") as file, trouble(readable(name)):
            return os.fstat(file.fileno()).st_size

    def exists(self, name: str) -> bool:
        """Tell whether there is anything under that name: a file, a folder, also a dangling link."""
        folder, _, last = to_bytes(name).rpartition(b"/")
        with self.descend() as way:
            try:
                above = way.folder(folder, missing="E-FILE-MISSING")
                os.stat(last, dir_fd=above, follow_symlinks=False)
            except Refused as error:
                return error.code != "E-FILE-MISSING"
            except (FileNotFoundError, NotADirectoryError, ValueError):
                return False
            except OSError as error:
                raise Unchecked("E-IO", readable(name), error.strerror or str(error)) from error
        return True

    def walk(self, below: str = "", *, leave_out: Callable[[str], bool] | None = None) -> Iterator[Entry]:
        """Yield every entry of the tree that is no folder, in byte order of the whole paths.

        ``below`` limits the walk to one folder; ``leave_out`` is asked about every path, a folder's with ``/`` at its
        end, and what it picks is passed over. Memory is that of the names in one folder and those above it.
        """
        with self.descend() as way:
            yield from walk_names(lambda path: _names(way, path), below, leave_out)

    def write(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Replace a file by new bytes, all or nothing; folders above it are made."""
        with self.replacing(name) as file:
            for chunk in (data,) if isinstance(data, bytes) else data:
                write_all(file, chunk)

    @contextmanager
    def replacing(self, name: str) -> Iterator[FileIO]:
        """Give a new file to write and read; it takes the place of ``name`` when the block ends without an error."""
        folder, _, last = to_bytes(name).rpartition(b"/")
        with self.descend() as way, trouble(readable(name)):
            self._make(way, folder)
            with _replacing(way.folder(folder), last, 0o666) as file:
                yield file

    def take(self, name: str, source: FileIO) -> None:
        """Copy an open file in, as `placing` does."""
        with self.placing(name) as file:
            _copy(source, file)

    @contextmanager
    def placing(self, name: str) -> Iterator[FileIO]:
        """Give a new file that takes the place of ``name``, all or nothing; folders above it are made.

        `flush` makes sure that it stays. What a kill leaves behind lies at the top, where `sweep` finds it, however
        deep ``name`` is.
        """
        folder, _, last = to_bytes(name).rpartition(b"/")
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
        with self.descend() as way, trouble(readable(name)):
            self._make(way, folder, keep=False)
            target = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=self.descriptor)
            try:
                with FileIO(target, "r+") as file:
                    yield file
                os.rename(temporary, last, src_dir_fd=self.descriptor, dst_dir_fd=way.folder(folder))
            except BaseException:  # whatever ended the block, a Ctrl-C too, the half-written file must go
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=self.descriptor)
                raise

    def flush(self) -> None:
        """Wait until everything that was written is on the disk: one wait for however many files."""
        os.sync()

    def _make(self, way: Descent, folder: bytes, *, keep: bool = True) -> None:
        segments = folder.split(b"/") if folder else []
        for depth, segment in enumerate(segments):
            above = way.folder(b"/".join(segments[:depth]))
            try:
                os.mkdir(segment, dir_fd=above)
            except FileExistsError:
                continue
            if keep:
                os.fsync(above)

    def remove(self, name: str) -> None:
        """Remove one file; it is gone for good when this returns."""
        folder, _, last = to_bytes(name).rpartition(b"/")
        with self.descend() as way, trouble(readable(name)):
            above = way.folder(folder)
            os.unlink(last, dir_fd=above)
            os.fsync(above)

    def sweep(self) -> list[str]:
        """Remove what interrupted writes left at the top and in the reserved folders; return the names removed."""
        with trouble(str(self.path)), os.scandir(self.descriptor) as entries:
            found = [entry.name for entry in entries if _LEFTOVER.fullmatch(entry.name)]
        for folder in sorted(RESERVED_FOLDERS):
            if self._is_folder(folder):
                found += [entry.path for entry in self.walk(folder) if _LEFTOVER.fullmatch(entry.path)]
        with self.descend() as way:
            for path in found:
                folder, _, name = path.rpartition("/")
                with trouble(readable(path)):
                    os.unlink(name, dir_fd=way.folder(to_bytes(folder)))
        return found

    def _is_folder(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_mode)
        except OSError:
            return False


def is_temporary(path: str) -> bool:
    """Tell whether a path at the top of a library is one that a write in progress uses."""
    return path.startswith(TEMPORARY) and _LEFTOVER.fullmatch(path) is not None and "/" not in path


def is_leftover(path: str) -> bool:
    """Tell whether a path is named like what an interrupted write leaves behind."""
    return path.rpartition("/")[2].startswith(TEMPORARY)


def _names(way: Descent, path: str) -> list[bytes]:
    """Return the sorted names of a folder, each with NUL and a letter for its kind: one small object per entry.

    A folder sorts as ``name/``, so that going down gives the byte order of whole paths.
    """
    where = readable(path) or "."
    names = []
    with trouble(where), os.scandir(way.folder(to_bytes(path), "E-FILE-CHANGED")) as entries:
        for entry in entries:
            name = entry.name.encode(_ENCODING, "surrogateescape")
            if entry.is_file(follow_symlinks=False):
                names.append(name + b"\0f")
            elif entry.is_dir(follow_symlinks=False):
                names.append(name + b"/\0d")
            else:
                names.append(name + (b"\0l" if entry.is_symlink() else b"\0o"))
    names.sort()
    return names


def _temporary(name: bytes) -> str:
    """Begin the names of what is written before it takes the place of ``name``."""
    return TEMPORARY + hashlib.sha256(name).hexdigest()[:8]


def _new(folder: int, name: bytes, mode: int) -> tuple[str, FileIO]:
    """Make a file that will take the place of ``name``, locked while it is written, so that nobody sweeps it."""
    while True:
        temporary = f"{_temporary(name)}{secrets.token_hex(4)}"
        made = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=folder)
        file = FileIO(made, "r+")
        with suppress(OSError):  # where files cannot be locked, they cannot be swept either
            fcntl.flock(made, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(made).st_nlink:
            return temporary, file
        file.close()


def _sweep_for(folder: int, name: bytes) -> None:
    """Remove what killed writers of one file outside libraries left beside it; living ones hold theirs."""
    with os.scandir(folder) as entries:
        found = [entry.name for entry in entries if entry.name.startswith(_temporary(name))]
    for leftover in found:
        with suppress(OSError):
            opened = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(leftover, dir_fd=folder)
            finally:
                os.close(opened)


@contextmanager
def _replacing(folder: int, name: bytes, mode: int) -> Iterator[FileIO]:
    temporary, file = _new(folder, name, mode)
    try:
        with file:
            yield file
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:  # whatever ended the block, a Ctrl-C too, the half-written file must go
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def _copy(source: FileIO, target: FileIO) -> None:
    """Copy to the end, inside the kernel where it can: some file systems then share the blocks."""
    try:
        while os.copy_file_range(source.fileno(), target.fileno(), _COPIED):
            pass
    except OSError as error:
        if error.errno not in _NO_COPY:
            raise
        while chunk := source.read(_CHUNK):
            write_all(target, chunk)


def write_all(file: FileIO, data: bytes | memoryview) -> None:
    """Write all of some bytes to an unbuffered file."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def write_file(path: str | os.PathLike[str], data: bytes, *, mode: int = 0o666) -> None:
    """Replace a file outside libraries (a policy, an offer, a state) by new bytes, as `replacing_file` does."""
    with replacing_file(path, mode=mode) as file:
        write_all(file, data)


@contextmanager
def replacing_file(path: str | os.PathLike[str], *, mode: int = 0o666) -> Iterator[FileIO]:
    """Give a new file to write; it takes the place of a file outside libraries, all or nothing.

    A link is followed: the file it names is replaced. What killed writers of the same file left is removed. ``mode``
    is for a new file, less the process's umask. Raises Unchecked ``E-IO``.
    """
    target = Path(os.path.realpath(path))
    name = os.fsencode(target.name)
    with trouble(str(path)):
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _sweep_for(folder, name)
            with _replacing(folder, name, mode) as file:
                yield file
        finally:
            os.close(folder)


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold a file outside libraries for one process at a time: wait for others, then run the block.

    The lock is on the folder, so that nothing is left beside the file. Raises Unchecked ``E-IO``.
    """
    with trouble(str(path)):
        folder = os.open(Path(os.path.realpath(path)).parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with trouble(str(path)):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def inside_library(path: str | os.PathLike[str]) -> Path | None:
    """Return the library that ``path`` lies in or is, the nearest if there are several, or ``None``.

    A library is a folder with a manifest, a draft included, or a chain. ``path`` need not exist.
    """
    whole = Path(os.path.realpath(path))
    for folder in (whole, *whole.parents):
        if any(os.path.lexists(folder / name) for name in ("datapackage.json", "chain.jsonl")):
            return folder
    return None
