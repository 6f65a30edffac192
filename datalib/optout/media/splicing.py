"""Where an XMP packet goes in JPEG and PNG files: what to cut out of a file, and what to put in its place.

Every other byte stays. Sources: XMP specification part 3 §1.1.3 (JPEG) and §1.1.5 (PNG), PNG third edition §11.3.3,
CIPA DC-007 (multi-picture offsets). What cannot be changed safely raises ``DamagedError``, which says why.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from datalib.optout.media.source import MAX_PIECE, MAX_STEPS, DamagedError, Source, inflate

Change = Callable[[bytes], bytes]  # the packet that is there, or nothing, to the packet that shall be there

_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_KEYWORD: Final = b"XML:com.adobe.xmp\0"
#: Bytes that one segment takes, without its marker and the name of what it holds.
MAX_SEGMENT: Final = 0xFFFF - 2 - len(_XMP)
_APP0, _APP1, _APP2, _SCAN, _END = 0xE0, 0xE1, 0xE2, 0xDA, 0xD9
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Splice:
    """Put ``data`` in the place of the bytes from ``start`` to ``stop``."""

    start: int
    stop: int
    data: bytes


def jpeg(source: Source, change: Change) -> Splice:
    """Place the packet in its APP1 segment, or in a new one behind JFIF and Exif. Extended XMP stays as it is."""
    found: list[tuple[int, int, bytes]] = []
    pictures, new = 0, 2
    for place, marker, length in _segments(source):
        head = source.peek(place + 4, min(length - 2, len(_XMP)))
        if marker == _APP1 and head == _XMP:
            found.append((place, place + 2 + length, source.read(place + 4 + len(_XMP), length - 2 - len(_XMP))))
        elif marker == _APP2 and head.startswith(b"MPF\0"):
            pictures = place
        if place == new and (marker == _APP0 or (marker == _APP1 and head.startswith(b"Exif\0"))):
            new = place + 2 + length
    if len(found) > 1:
        raise DamagedError("it has several XMP packets")
    start, stop, packet = found[0] if found else (new, new, b"")
    if pictures and pictures < start:
        raise DamagedError("its index of further pictures stands before the XMP packet and would no longer fit")
    data = _XMP + change(packet)
    if len(data) > MAX_SEGMENT + len(_XMP):
        raise DamagedError(f"the XMP packet would be longer than the {MAX_SEGMENT} bytes of a segment")
    return Splice(start=start, stop=stop, data=bytes([0xFF, _APP1]) + (len(data) + 2).to_bytes(2) + data)


def _segments(source: Source) -> Iterator[tuple[int, int, int]]:
    """Give place, marker and length of all segments before the first scan."""
    place = 2
    for _ in range(MAX_STEPS):
        sign, marker = source.read(place, 2)
        if sign != 0xFF:  # noqa: PLR2004 (each marker begins with it)
            raise DamagedError("a JPEG segment does not begin with a marker")
        if marker == 0xFF:  # noqa: PLR2004 (a fill byte)
            place += 1
        elif marker in {_SCAN, _END}:
            return
        elif marker in _ALONE:
            place += 2
        else:
            length = int.from_bytes(source.read(place + 2, 2))
            if length < 2 or place + 2 + length > source.size:  # noqa: PLR2004 (the length counts itself)
                raise DamagedError("a JPEG segment reaches behind the end")
            yield place, marker, length
            place += 2 + length
    raise DamagedError("more JPEG segments than are read")


def png(source: Source, change: Change) -> Splice:
    """Place the packet in its iTXt chunk, or in a new one behind the header."""
    found: list[tuple[int, int, bytes]] = []
    new = 0
    for place, kind, size in _chunks(source):
        new = new or place + 12 + size
        if kind == b"iTXt" and source.peek(place + 8, len(_KEYWORD)) == _KEYWORD:
            if size > MAX_PIECE:
                raise DamagedError("its XMP packet is too large")
            found.append((place, place + 12 + size, _text(source.read(place + 8, size)[len(_KEYWORD) :])))
    if len(found) > 1:
        raise DamagedError("it has several XMP packets")
    start, stop, packet = found[0] if found else (new, new, b"")
    data = b"iTXt" + _KEYWORD + b"\0\0\0\0" + change(packet)
    body = (len(data) - 4).to_bytes(4) + data + zlib.crc32(data).to_bytes(4)
    return Splice(start=start, stop=stop, data=body)


def _chunks(source: Source) -> Iterator[tuple[int, bytes, int]]:
    place = 8
    for _ in range(MAX_STEPS):
        head = source.read(place, 8)
        size, kind = int.from_bytes(head[:4]), head[4:]
        if place + 12 + size > source.size:
            raise DamagedError("a PNG chunk reaches behind the end")
        if place == 8 and kind != b"IHDR":  # noqa: PLR2004 (behind the signature)
            raise DamagedError("a PNG file begins with IHDR")
        yield place, kind, size
        if kind == b"IEND":
            return
        place += 12 + size
    raise DamagedError("more PNG chunks than are read")


def _text(rest: bytes) -> bytes:
    """Give the text of an iTXt chunk from what follows its keyword: flag, method, language, translated keyword."""
    parts = rest[2:].split(b"\0", 2)
    if rest[:2] not in {b"\0\0", b"\1\0"} or len(parts) < 3:  # noqa: PLR2004 (language, keyword, text)
        raise DamagedError("its XMP packet is not carried as PNG wants it")
    return inflate(parts[2]) if rest[0] else parts[2]
