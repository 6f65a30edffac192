"""Pack a library into one file; the same library always gives the same bytes.

Files stand in the byte order of their paths, with fixed times, owners and modes; no entries for folders. What gzip and
zip deflate depends on the version of zlib, so only ``tar`` is the same everywhere. Whether the library is sound is not
asked, only that it is one and holds nothing that no library holds.
"""

import gzip
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO, BinaryIO, cast

from datalib.archive.reading import Kind
from datalib.chain.links import NAME as CHAIN
from datalib.errors import Misuse, Refused
from datalib.library.paths import readable
from datalib.library.store import Folder, is_leftover, replacing_file

_MODE = 0o644
_ENDINGS = {".tar": Kind.TAR, ".tar.gz": Kind.TAR_GZ, ".tgz": Kind.TAR_GZ, ".zip": Kind.ZIP}
#: The first day that zip can write.
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)
#: Sizes that get a zip64 header beforehand.
_ZIP64_FROM = 1 << 30
_UNIX = 3
_LEVEL = 6

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """What was packed: the kind of archive, the number of files and their bytes."""

    kind: Kind
    files: int
    bytes: int


def kind_of(out: Path) -> Kind:
    """Tell the kind of archive by the ending of its name; ``Misuse("E-USAGE")`` for another."""
    for ending, kind in _ENDINGS.items():
        if out.name.lower().endswith(ending):
            return kind
    raise Misuse("E-USAGE", str(out), f"the name ends in one of {' '.join(_ENDINGS)}")


def pack(library: Path, out: Path) -> Packing:
    """Pack a signed library; ``out`` is replaced, all or nothing.

    Raises ``Refused``: ``E-NOT-SIGNED``, ``E-FILE-SYMLINK``, ``E-FILE-TYPE``, ``E-FILE-UNLISTED`` for what an
    interrupted command left, ``E-PATH-NFC`` for a name that is not UTF-8, ``E-FILE-CHANGED`` for a file that changes
    while it is read.
    """
    kind = kind_of(out)
    with Folder(library) as folder, replacing_file(out) as file:
        return write(folder, file, kind)


def write(folder: Folder, file: FileIO, kind: Kind, *, wanted: Callable[[str], bool] = lambda _: True) -> Packing:
    """Pack those files of a signed library that are ``wanted`` into an open file. Refusals as of `pack`."""
    if not folder.exists(CHAIN):
        raise Refused("E-NOT-SIGNED", str(folder.path))
    count = size = 0
    with _WRITERS[kind](cast("BinaryIO", file)) as add:
        for path in _paths(folder):
            if not wanted(path):
                continue
            with folder.open(path, missing="E-FILE-CHANGED") as opened:
                source = _Whole(opened, path)
                add(path, source)
            count, size = count + 1, size + source.size
    return Packing(kind=kind, files=count, bytes=size)


def _paths(folder: Folder) -> Iterator[str]:
    for entry in folder.walk():
        if is_leftover(entry.path):
            raise Refused("E-FILE-UNLISTED", readable(entry.path), "left by an interrupted command")
        if readable(entry.path) != entry.path:
            raise Refused("E-PATH-NFC", readable(entry.path), "the name is not UTF-8")
        yield entry.path


class _Whole:
    """A file of a known size that is read to its end; ``E-FILE-CHANGED`` if it has another."""

    def __init__(self, file: FileIO, path: str) -> None:
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._path = readable(path)
        self._left = self.size

    def read(self, size: int = _CHUNK) -> bytes:
        wanted = min(size, self._left)
        data = self._file.read(wanted) or b""
        self._left -= len(data)
        if len(data) < wanted or (not self._left and self._file.read(1)):
            raise Refused("E-FILE-CHANGED", self._path, "became shorter or longer while it was read")
        return data


_Add = Callable[[str, _Whole], None]


@contextmanager
def _tar(file: BinaryIO) -> Iterator[_Add]:
    with tarfile.TarFile(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as made:

        def add(path: str, source: _Whole) -> None:
            member = tarfile.TarInfo(path)
            member.size, member.mode = source.size, _MODE
            made.addfile(member, cast("IO[bytes]", source))
            made.members = []  # type: ignore[attr-defined]  # else the list of all entries would stay in memory

        yield add


@contextmanager
def _tar_gz(file: BinaryIO) -> Iterator[_Add]:
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as packed,
        _tar(cast("BinaryIO", packed)) as add,
    ):
        yield add


@contextmanager
def _zip(file: BinaryIO) -> Iterator[_Add]:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as made:

        def add(path: str, source: _Whole) -> None:
            member = zipfile.ZipInfo(path, _ZIP_DAY)
            member.compress_type, member.create_system = zipfile.ZIP_DEFLATED, _UNIX
            member.external_attr = (stat.S_IFREG | _MODE) << 16
            with made.open(member, "w", force_zip64=source.size >= _ZIP64_FROM) as target:
                while chunk := source.read():
                    target.write(chunk)

        yield add


_WRITERS: Mapping[Kind, Callable[[BinaryIO], AbstractContextManager[_Add]]] = {
    Kind.TAR: _tar,
    Kind.TAR_GZ: _tar_gz,
    Kind.ZIP: _zip,
}
