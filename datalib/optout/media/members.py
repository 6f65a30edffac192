"""The files inside of a file: ZIP (office documents and EPUB among them), tar, and what is packed by gzip, bzip2 or xz.

Whoever opens such a file gets them, so each of them speaks for it. Counts, sizes and depth are bounded for a file with
all that is nested in it; what is encrypted, packed in another way or beyond a bound holds it back. Sources: APPNOTE
6.3.10, POSIX.1-2001 (pax), RFC 1952.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from datalib.archive import tar
from datalib.errors import Refused
from datalib.optout.media.forms import Container
from datalib.optout.media.source import DamagedError, Source

#: Files in a file, nested ones too; their bytes, unpacked; bytes of one; archives in archives.
MAX_MEMBERS: Final = 1 << 14
MAX_UNPACKED: Final = 1 << 30
MAX_MEMBER: Final = 1 << 28
MAX_DEPTH: Final = 3
ARCHIVES: Final = frozenset({Container.ZIP, Container.EPUB, Container.TAR, Container.PACKED})

_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_STEP: Final = 1 << 18
_FAULTS: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError, ValueError, KeyError,
    NotImplementedError, OverflowError,
)  # fmt: skip
_NO_ARCHIVE: Final = "the archive cannot be read, or ends early"


class Member(NamedTuple):
    """A file in a file. ``trouble`` says why it could not be read; then it has no ``data``."""

    name: str
    data: bytes
    trouble: str = ""


@dataclass(slots=True, kw_only=True)
class Budget:
    """What may still be read of one file and of all that is in it."""

    members: int = MAX_MEMBERS
    unpacked: int = MAX_UNPACKED
    depth: int = MAX_DEPTH

    def take(self, read: "_Read", size: int) -> bytes:
        """Read a member whose size is said to be ``size``. Raises DamagedError where it is too large."""
        if size > min(MAX_MEMBER, self.unpacked):
            raise DamagedError("larger than what is read of an archive")
        parts: list[bytes] = []
        for part in read:
            self.unpacked -= len(part)
            if self.unpacked < 0 or sum(map(len, parts)) + len(part) > MAX_MEMBER:
                raise DamagedError("larger than what is read of an archive")
            parts.append(part)
        return b"".join(parts)


_Read = Iterator[bytes]


def members(source: Source, container: Container, name: str, budget: Budget) -> Iterator[Member]:
    """Give the files in a file, one after the other. Raises DamagedError where there is no going on."""
    if budget.depth < 0:
        raise DamagedError("archives are nested too deeply")
    found = _zipped(source, budget) if container in {Container.ZIP, Container.EPUB} else _packed(source, name, budget)
    try:
        for member in found:
            budget.members -= 1
            if budget.members < 0:
                raise DamagedError("more files in it than are read")
            yield member
    except OSError as error:
        if error.errno is not None:  # the disk, and not the archive
            raise
        raise DamagedError(_NO_ARCHIVE) from error
    except (*_FAULTS, Refused) as error:
        raise DamagedError(_NO_ARCHIVE) from error


def _zipped(source: Source, budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(source.stream) as archive:
        entries = archive.infolist()
        if sum(entry.compress_size for entry in entries) > source.size:
            raise DamagedError("files of the archive share their bytes")
        for entry in entries:
            if not entry.is_dir() or entry.file_size:
                yield _entry(archive, entry, budget)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Member:
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        return Member(entry.filename, b"", "encrypted, or packed in an unknown way")
    try:
        with archive.open(entry) as file:
            return Member(entry.filename, budget.take(iter(lambda: file.read(_STEP), b""), entry.file_size))
    except DamagedError as error:
        return Member(entry.filename, b"", str(error))
    except _FAULTS:
        return Member(entry.filename, b"", _NO_ARCHIVE)


_PACKERS: Final = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"), (".gz", ".tgz")),
    (b"BZh", bz2.BZ2File, (".bz2", ".tbz2", ".tbz")),
    (b"\xfd7zXZ\0", lzma.LZMAFile, (".xz", ".txz")),
)


def _packed(source: Source, name: str, budget: Budget) -> Iterator[Member]:
    """Give the files of a tar archive, packed or not, or the one file that is packed."""
    begin = source.peek(0, 6)
    opener, suffixes = next(((o, ends) for sign, o, ends in _PACKERS if begin.startswith(sign)), (None, ()))

    def opened() -> Any:
        source.stream.seek(0)
        return opener(source.stream) if opener else source.stream

    suffix = next((suffix for suffix in suffixes if name.lower().endswith(suffix)), "")
    inside = name.rpartition("/")[2].removesuffix(name[len(name) - len(suffix) :] if suffix else "")
    head = opened().read(tar.BLOCK)
    if head[257:262] == b"ustar" or suffix.startswith(".t") or inside.lower().endswith(".tar"):
        yield from _tarred(_Stream(opened(), budget), budget)
    else:
        stream = opened()
        yield Member(inside, budget.take(iter(lambda: stream.read(_STEP), b""), 0))


class _Stream:
    """What the reader of tar archives reads from. ``cut``: it ended where an archive does not."""

    def __init__(self, stream: Any, budget: Budget) -> None:
        self.cut = False
        self._stream, self._budget = stream, budget

    def read(self, size: int) -> bytes:
        parts, missing = list[bytes](), size
        while missing and (part := self._stream.read(missing)):
            parts.append(part)
            missing -= len(part)
        data = b"".join(parts)
        self.cut |= bool(size) and not data
        return data

    def skip(self, size: int) -> None:
        while size:
            data = self.read(min(_STEP, size))
            self._budget.unpacked -= len(data)
            if not data or self._budget.unpacked < 0:
                raise DamagedError("larger than what is read of an archive" if data else _NO_ARCHIVE)
            size -= len(data)

    def drain(self) -> None:
        """Read what follows the archive, for the check sum of what packs it."""
        while data := self._stream.read(_STEP):
            self._budget.unpacked -= len(data)
            if self._budget.unpacked < 0:
                raise DamagedError("larger than what is read of an archive")


def _tarred(stream: _Stream, budget: Budget) -> Iterator[Member]:
    for entry in tar.entries(stream, ""):
        if entry.folder:
            continue
        try:
            yield Member(entry.path, budget.take(entry.read(), entry.size))
        except DamagedError as error:
            yield Member(entry.path, b"", str(error))
    if stream.cut:  # POSIX.1-2001: an archive ends by two blocks of zeros
        raise DamagedError(_NO_ARCHIVE)
    stream.drain()
