"""TIFF and what is built like it (BigTIFF, DNG, NEF, Exif): XMP in tag 700, texts in tags, Photoshop resources.

Sources: TIFF 6.0 §2, BigTIFF, XMP specification part 3 §1.1.6, Exif 3.0 §4.6.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from datalib.optout.media import resources
from datalib.optout.media.source import MAX_PIECE, DamagedError, Metadata, Source

_XMP, _IIM, _PHOTOSHOP, _COMMENT = 700, 33723, 34377, 37510
_LINKS: Final = frozenset({330, 34665})  # SubIFDs, Exif
_TEXTS: Final = {270: "description", 33432: "copyright"}
_WIDE_TEXTS: Final = {40092: "comment", 40095: "subject"}  # in UTF-16
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MAX_DIRECTORIES: Final = 256
_MAX_ENTRIES: Final = 1 << 14  # of all directories together
_CHARSET: Final = 8  # UserComment begins with the name of its encoding

Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How numbers are written: byte order, bytes of a place, bytes of a count of entries."""

    order: Order
    width: int
    head: int
    start: int


def read(source: Source, found: Metadata) -> None:
    """Enter the metadata of all directories. Raises DamagedError."""
    shape = _shape(source)
    waiting = [int.from_bytes(source.read(shape.start, shape.width), shape.order)]
    seen: set[int] = set()
    entries = 0
    while waiting:
        place = waiting.pop()
        if not place or place in seen:
            continue
        seen.add(place)
        entries += int.from_bytes(source.read(place, shape.head), shape.order)
        if len(seen) > _MAX_DIRECTORIES or entries > _MAX_ENTRIES:
            raise DamagedError("more TIFF directories than are read")
        waiting += _directory(source, shape, place, found)


def read_exif(data: bytes, found: Metadata) -> None:
    """Enter the texts of an Exif block, as far as it can be read: cameras write broken ones, and no signal is lost."""
    try:
        read(Source.of(data), found)
    except DamagedError:
        return


def _shape(source: Source) -> _Shape:
    head = source.read(0, 8)
    order: Order = "little" if head[:2] == b"II" else "big"
    if int.from_bytes(head[2:4], order) == 43:  # noqa: PLR2004 (the version number of BigTIFF)
        return _Shape(order=order, width=8, head=8, start=8)
    return _Shape(order=order, width=4, head=2, start=4)


def _directory(source: Source, shape: _Shape, place: int, found: Metadata) -> Iterator[int]:
    """Enter what one directory holds; give the places of those it leads to."""
    count = int.from_bytes(source.read(place, shape.head), shape.order)
    size = 4 + 2 * shape.width
    body = source.read(place + shape.head, count * size)
    for start in range(0, len(body), size):
        entry = body[start : start + size]
        tag, kind = (int.from_bytes(entry[at : at + 2], shape.order) for at in (0, 2))
        if tag in _LINKS or tag in _READ:
            value = _value(source, shape, entry, kind)
            if tag in _LINKS:
                width = _SIZES.get(kind, shape.width)
                if len(value) > _MAX_DIRECTORIES * width:
                    raise DamagedError("more TIFF directories than are read")
                yield from (int.from_bytes(value[at : at + width], shape.order) for at in range(0, len(value), width))
            else:
                _enter(tag, value, place, found)
    end = place + shape.head + len(body)
    yield int.from_bytes(source.peek(end, shape.width), shape.order)


def _value(source: Source, shape: _Shape, entry: bytes, kind: int) -> bytes:
    length = int.from_bytes(entry[4 : 4 + shape.width], shape.order) * _SIZES.get(kind, 1)
    if length > MAX_PIECE:
        raise DamagedError("a TIFF value is too large")
    inline = entry[4 + shape.width :]
    return inline[:length] if length <= shape.width else source.read(int.from_bytes(inline, shape.order), length)


def _enter(tag: int, value: bytes, place: int, found: Metadata) -> None:
    if tag == _XMP:
        found.add_packet(value, f"/xmp@{place}")
    elif tag == _PHOTOSHOP:
        resources.read(value, found)
    elif tag == _IIM:
        resources.read_iim(value, found)
    elif tag == _COMMENT:
        found.add_text(value[_CHARSET:].replace(b"\0", b""), "/exif-comment")
    elif tag in _WIDE_TEXTS:
        found.add_text(value.decode("utf-16-le", "replace"), f"/exif-{_WIDE_TEXTS[tag]}")
    else:
        found.add_text(value, f"/exif-{_TEXTS[tag]}")


_READ: Final = frozenset({_XMP, _IIM, _PHOTOSHOP, _COMMENT, *_TEXTS, *_WIDE_TEXTS})
