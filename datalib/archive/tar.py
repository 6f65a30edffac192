"""Read tar archives: ustar, pax (POSIX.1-2001) and the long names of GNU tar.

Own code, because the reader has to be strict and of bounded memory: sparse files, several volumes and unknown kinds of
entries are refused, extension headers are small and few, numbers are never negative.
"""

import stat
from collections.abc import Iterator
from typing import Protocol

from datalib.archive.entries import CHUNK, Entry, check_mode, check_name, damaged
from datalib.errors import Refused
from datalib.library.paths import from_bytes, readable

BLOCK = 512
_ZERO = bytes(BLOCK)
#: An extension header holds a name or a few attributes; one file has two or three of them.
_MAX_EXTENSION = 1 << 16
_MAX_EXTENSIONS = 8
_MAX_SIZE = 1 << 62
_BASE256 = 0x80

_FILES = {b"0", b"\0", b"7"}
_FOLDER = b"5"
_LINKS = {b"1": stat.S_IFLNK, b"2": stat.S_IFLNK, b"3": stat.S_IFCHR, b"4": stat.S_IFBLK, b"6": stat.S_IFIFO}
_EXTENSIONS = {b"x", b"g", b"L", b"K"}


class Source(Protocol):
    """Where the bytes of a tar archive come from, front to back."""

    def read(self, size: int) -> bytes:
        """Give up to ``size`` bytes, fewer only at the end."""

    def skip(self, size: int) -> None:
        """Pass over bytes; refused where the source ends first."""


def entries(source: Source, where: str) -> Iterator[Entry]:
    """Yield every entry. Raises ``Refused``: ``E-ARCHIVE-FORMAT``, ``E-ARCHIVE-PATH``, ``E-ARCHIVE-LINK``."""
    reader = _Reader(source, where)
    while (entry := reader.next()) is not None:
        yield entry


class _Reader:
    """Stands between two entries, or inside one that is being read."""

    def __init__(self, source: Source, where: str) -> None:
        self._source = source
        self._where = where
        self._left = 0  # bytes of the entry, with its padding, that were not read yet

    def next(self) -> Entry | None:
        self._source.skip(self._left)
        name, size = b"", -1
        for _ in range(_MAX_EXTENSIONS):
            header = self._header()
            if header is None:
                return None
            kind, length = header[156:157], _number(header[124:136], self._where)
            if kind not in _EXTENSIONS:
                return self._entry(header, name or _name(header), length if size < 0 else size)
            data = self._extension(length)
            if kind == b"L":
                name = data.rstrip(b"\0")
            elif kind in {b"x", b"g"}:
                attributes = _attributes(data, self._where)
                if kind == b"g" and attributes.keys() & {b"path", b"size"}:
                    raise damaged(self._where, "a name or size for all entries")
                name = attributes.get(b"path", name)
                size = _decimal(attributes.get(b"size"), size, self._where)
        raise damaged(self._where, f"more than {_MAX_EXTENSIONS} extension headers for one entry")

    def _header(self) -> bytes | None:
        header = self._source.read(BLOCK)
        if header in {b"", _ZERO}:
            return None
        if len(header) < BLOCK:
            raise damaged(self._where, "ends inside a header")
        stated = _number(header[148:156], self._where)
        if stated != sum(header) - sum(header[148:156]) + 8 * ord(" "):
            raise damaged(self._where, "a header with a wrong check sum")
        return header

    def _extension(self, length: int) -> bytes:
        if length > _MAX_EXTENSION:
            raise damaged(self._where, f"an extension header of {length} bytes")
        padded = _padded(length)
        data = self._source.read(padded)
        if len(data) < padded:
            raise damaged(self._where, "ends inside an extension header")
        return data[:length]

    def _entry(self, header: bytes, raw: bytes, size: int) -> Entry:
        kind = header[156:157]
        if kind in _LINKS:
            check_mode(_LINKS[kind], from_bytes(raw))
        folder = kind == _FOLDER or (kind in _FILES and raw.endswith(b"/"))
        if not folder and kind not in _FILES:
            raise damaged(self._where, f"an entry of kind {readable(from_bytes(kind))!r}")
        path = check_name(raw)
        mode = _number(header[100:108], self._where) & 0o7777
        check_mode(mode | (stat.S_IFDIR if folder else stat.S_IFREG), path)
        if folder and size:
            raise damaged(self._where, "a folder with content")
        if not folder and not path:
            raise Refused("E-ARCHIVE-PATH", readable(from_bytes(raw)), "a file without a name")
        self._left = _padded(size)
        return Entry(path, folder, size, lambda: self._read(size))

    def _read(self, size: int) -> Iterator[bytes]:
        missing = size
        while missing:
            data = self._source.read(min(CHUNK, missing))
            if not data:
                raise damaged(self._where, "ends inside a file")
            missing -= len(data)
            self._left -= len(data)
            yield data


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _name(header: bytes) -> bytes:
    name, prefix = _text(header[:100]), b""
    if header[257:263] == b"ustar\0":
        prefix = _text(header[345:500])
    return prefix + b"/" + name if prefix else name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, where: str) -> int:
    """Read an octal number, or one in base 256 as GNU tar writes large ones."""
    if field[0] & _BASE256:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    else:
        digits = field.replace(b"\0", b" ").strip()
        if digits.strip(b"01234567"):
            raise damaged(where, "a header with a number that is none")
        value = int(digits or b"0", 8)
    if value > _MAX_SIZE:
        raise damaged(where, "a header with a number beyond all bounds")
    return value


def _decimal(text: bytes | None, otherwise: int, where: str) -> int:
    if text is None:
        return otherwise
    if not text.isdigit() or len(text) > len(str(_MAX_SIZE)) or int(text) > _MAX_SIZE:
        raise damaged(where, "an extension header with a size that is none")
    return int(text)


def _attributes(data: bytes, where: str) -> dict[bytes, bytes]:
    r"""Read the records ``LENGTH NAME=VALUE\n`` of a pax header."""
    found: dict[bytes, bytes] = {}
    while data:
        head, space, _ = data[:24].partition(b" ")
        length = int(head) if space and head.isdigit() else 0
        record = data[len(head) + 1 : length]
        name, equals, value = record[:-1].partition(b"=")
        if not equals or length > len(data) or not record.endswith(b"\n"):
            raise damaged(where, "an extension header of another form")
        if name.startswith(b"GNU.sparse."):
            raise damaged(where, "a sparse file; pack it with its whole content")
        found[name] = value
        data = data[length:]
    return found
