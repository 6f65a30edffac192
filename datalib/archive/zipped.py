"""Read zip archives (PKWARE APPNOTE 6.3.10): stored and deflated files, zip64, one volume, no encryption.

Own code, because the reader has to be strict and of bounded memory: the central directory decides, its entries stand in
the order of their data, never one inside the other, and each agrees with the header before its data.
"""

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from datalib.archive.entries import CHUNK, Entry, check_mode, check_name, damaged
from datalib.errors import Refused, Unchecked
from datalib.library.paths import readable

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")

_MAX_COMMENT = 0xFFFF
_FULL16, _FULL32 = 0xFFFF, 0xFFFF_FFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # by password, strongly, and with the directory hidden
_PATCHED = 0x20
_TRAILING = 0x8  # sizes stand behind the data
_ZIP64 = 1
_LONGEST_RECORD = _CENTRAL.size + 3 * _FULL16
_BUFFER = 1 << 20


class _Directory(NamedTuple):
    start: int
    end: int
    entries: int


class _Record(NamedTuple):
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    offset: int


class Zip:
    """A zip archive behind a descriptor, which stays the caller's."""

    def __init__(self, descriptor: int, where: str) -> None:
        self._descriptor = descriptor
        self._where = where
        self._size = os.fstat(descriptor).st_size

    def entries(self) -> Iterator[Entry]:
        """Yield every entry.

        Raises ``Refused``: ``E-ARCHIVE-FORMAT``, ``E-ARCHIVE-PATH``, ``E-ARCHIVE-LINK``; ``E-ARCHIVE-BOMB`` for data
        that two entries share, or that is more than was said.
        """
        directory = self._directory()
        reached = 0
        for record in self._records(directory):
            path = check_name(record.raw)
            check_mode(record.mode, path)
            folder = record.raw.endswith(b"/")
            if folder != stat.S_ISDIR(record.mode) and stat.S_IFMT(record.mode):
                raise damaged(self._where, f"{readable(path)}: a folder by name or mode only")
            if folder and record.size:
                raise damaged(self._where, f"{readable(path)}: a folder with content")
            if not folder and not path:
                raise Refused("E-ARCHIVE-PATH", readable(path), "a file without a name")
            if record.offset < reached:
                raise Refused("E-ARCHIVE-BOMB", readable(path), "shares data with another entry, or is out of order")
            start = self._start(record)
            reached = start + record.packed
            if reached > directory.start:
                raise damaged(self._where, f"{readable(path)}: data beyond the end")
            yield Entry(path, folder, record.size, _Body(self, record, start, path).read)

    def read_at(self, offset: int, size: int) -> bytes:
        """Give exactly these bytes."""
        if offset + size > self._size:
            raise damaged(self._where, "ends too early")
        parts, missing = list[bytes](), size
        while missing:
            try:
                part = os.pread(self._descriptor, missing, offset + size - missing)
            except OSError as error:
                raise Unchecked("E-IO", self._where, error.strerror or "") from error
            if not part:
                raise damaged(self._where, "became shorter while it was read")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _directory(self) -> _Directory:
        """Find the central directory. It must reach to the record that ends the archive, which must be its end."""
        tail_at = max(0, self._size - _END.size - _MAX_COMMENT)
        tail = self.read_at(tail_at, self._size - tail_at)
        at = len(tail) - _END.size
        while at >= 0 and (tail[at : at + 4] != b"PK\5\6" or at + _END.size + _comment(tail, at) != len(tail)):
            at = tail.rfind(b"PK\5\6", 0, at + 3) if at else -1
        if at < 0:
            raise damaged(self._where, "no zip archive, or not a whole one")
        _, disk, first, here, count, size, start, _ = _END.unpack_from(tail, at)
        end = tail_at + at
        if end >= _LOCATOR.size:
            mark, _, position, _ = _LOCATOR.unpack(self.read_at(end - _LOCATOR.size, _LOCATOR.size))
            if mark == b"PK\6\7":
                return self._directory64(position, end - _LOCATOR.size, (count, size, start))
        if (disk, first, here) != (0, 0, count) or start + size != end:
            raise damaged(self._where, "several volumes, or bytes where none belong")
        return _Directory(start, end, count)

    def _directory64(self, position: int, locator: int, stated: tuple[int, int, int]) -> _Directory:
        if position + _END64.size > locator:
            raise damaged(self._where, "the end of a large archive is missing")
        fields = _END64.unpack(self.read_at(position, _END64.size))
        mark, length, _, _, disk, first, here, count, size, start = fields
        fits = mark == b"PK\6\6" and position + 12 + length == locator and start + size == position
        if not fits or (disk, first, here) != (0, 0, count):
            raise damaged(self._where, "several volumes, or bytes where none belong")
        for short, whole, full in zip(stated, (count, size, start), (_FULL16, _FULL32, _FULL32), strict=True):
            if short not in {whole, full}:
                raise damaged(self._where, "two ends that contradict each other")
        return _Directory(start, position, count)

    def _records(self, directory: _Directory) -> Iterator[_Record]:
        at, buffer, position = directory.start, b"", 0
        for _ in range(directory.entries):
            if len(buffer) - position < _LONGEST_RECORD:
                at, buffer, position = at + position, buffer[position:], 0
                size = min(_BUFFER, directory.end - at) - len(buffer)
                buffer += self.read_at(at + len(buffer), max(0, size))
            if len(buffer) - position < _CENTRAL.size:
                raise damaged(self._where, "fewer entries than counted")
            fields = _CENTRAL.unpack_from(buffer, position)
            end = position + _CENTRAL.size + sum(fields[10:13])
            if fields[0] != b"PK\1\2" or end > len(buffer):
                raise damaged(self._where, "an entry of the directory is none")
            yield self._record(fields, buffer[position + _CENTRAL.size : end])
            position = end
        if at + position != directory.end:
            raise damaged(self._where, "more entries than counted")

    def _record(self, fields: tuple[int, ...], rest: bytes) -> _Record:
        _, _, _, flags, method, _, _, crc, packed, size, name, extra, _, disk, _, attributes, offset = fields
        raw = rest[:name]
        size, packed, offset = _large(rest[name : name + extra], [size, packed, offset], self._where)
        if flags & (_ENCRYPTED | _PATCHED) or method not in {_STORED, _DEFLATED} or disk:
            raise damaged(self._where, "encrypted, patched, split, or packed in another way than stored or deflated")
        if method == _STORED and size != packed:
            raise damaged(self._where, "a stored file with two sizes")
        return _Record(raw, flags, method, crc, packed, size, attributes >> 16, offset)

    def _start(self, record: _Record) -> int:
        """Check the header before the data; give where the data begins."""
        header = self.read_at(record.offset, _LOCAL.size)
        mark, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack(header)
        rest = self.read_at(record.offset + _LOCAL.size, name + extra)
        same = (b"PK\3\4", record.flags, record.method, record.raw) == (mark, flags, method, rest[:name])
        if same and not flags & _TRAILING:
            size, packed, _ = _large(rest[name:], [size, packed, 0], self._where)
            same = (crc, packed, size) == (record.crc, record.packed, record.size)
        if not same:
            raise damaged(self._where, "a header that contradicts the directory")
        return record.offset + _LOCAL.size + len(rest)


class _Body:
    """The data of one entry."""

    def __init__(self, archive: Zip, record: _Record, start: int, path: str) -> None:
        self._archive = archive
        self._record = record
        self._start = start
        self._path = readable(path)

    def read(self) -> Iterator[bytes]:
        record, total, crc = self._record, 0, 0
        for chunk in self._stored() if record.method == _STORED else self._inflated():
            total += len(chunk)
            if total > record.size:
                raise Refused("E-ARCHIVE-BOMB", self._path, f"more than the {record.size} bytes that were said")
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if (total, crc) != (record.size, record.crc):
            raise damaged(self._path, "not the size or the check sum that was said")

    def _stored(self) -> Iterator[bytes]:
        for at in range(0, self._record.packed, CHUNK):
            yield self._archive.read_at(self._start + at, min(CHUNK, self._record.packed - at))

    def _inflated(self) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for data in self._stored():
                chunk = inflate.decompress(data, CHUNK)
                while chunk:
                    yield chunk
                    chunk = inflate.decompress(inflate.unconsumed_tail, CHUNK)
        except zlib.error as error:
            raise damaged(self._path, str(error)) from error
        if not inflate.eof or inflate.unused_data:
            raise damaged(self._path, "ends too early or too late")


def _comment(tail: bytes, at: int) -> int:
    return int.from_bytes(tail[at + 20 : at + 22], "little")


def _large(extra: bytes, values: list[int], where: str) -> list[int]:
    """Replace what did not fit into 32 bits by the numbers of the zip64 field."""
    if _FULL32 not in values:
        return values
    while len(extra) >= 4:  # noqa: PLR2004 - kind and length
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64:
            numbers = iter(struct.unpack_from(f"<{min(length, len(extra) - 4) // 8}Q", extra, 4))
            return [next(numbers, value) if value == _FULL32 else value for value in values]
        extra = extra[4 + length :]
    raise damaged(where, "a large entry without its size")
