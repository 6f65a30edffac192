"""ISO base media files: MP4, MOV, M4A, HEIF, AVIF, CR3, and the boxes of JPEG 2000 and JPEG XL.

XMP stands in a ``uuid`` box (MP4, JPEG 2000), in ``moov/udta/XMP_`` (QuickTime), in an item of type ``mime`` (HEIF), or
in an ``xml `` box (JPEG XL). Sources: ISO/IEC 14496-12 §4.2, §8.11; XMP specification part 3 §§1.2.6-1.2.7; ISO/IEC
18181-2 §9.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from datalib.optout.media import tiff
from datalib.optout.media.source import MAX_PIECE, MAX_STEPS, DamagedError, Metadata, Source, inflate

_XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_RDF: Final = b"application/rdf+xml"
#: Boxes that are opened, and how many bytes stand before their first child.
_CONTAINERS: Final = {b"moov": 0, b"udta": 0, b"trak": 0, b"mdia": 0, b"meta": 4, b"moof": 0}
_MAX_DEPTH: Final = 8
_MAX_ITEMS: Final = 1 << 14
_PACKED_BOX: Final = b"brob"  # JPEG XL packs boxes with Brotli
_KEPT: Final = frozenset({b"iinf", b"iloc", b"idat"})


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


@dataclass(slots=True, kw_only=True)
class _Items:
    """The parts of one ``meta`` box that say where items lie."""

    parts: dict[bytes, _Box] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Walk:
    source: Source
    found: Metadata
    steps: int = MAX_STEPS
    tops: set[bytes] = field(default_factory=set)


def read(source: Source, found: Metadata) -> None:
    """Enter the metadata of all boxes. Raises DamagedError."""
    walk = _Walk(source=source, found=found)
    _boxes(walk, 0, source.size, 0, None, top=True)
    _check_parts(walk.tops)


def _check_parts(tops: set[bytes]) -> None:
    """Miss what a file must have: one that was cut between two boxes looks whole. Raises DamagedError.

    Media and the index that says where they are need each other. The items of ``meta`` say themselves where they lie.
    """
    whole = tops & {b"jxlc", b"jxlp", b"jp2c"} if tops & {b"JXL ", b"jP  "} else tops & {b"moov", b"moof", b"meta"}
    if not whole or (tops & {b"moov", b"moof"} and b"mdat" not in tops):
        raise DamagedError("the file ends early: a part that it must have is missing")


def _boxes(walk: _Walk, start: int, end: int, depth: int, items: _Items | None, *, top: bool = False) -> None:
    if depth > _MAX_DEPTH:
        raise DamagedError("boxes are nested too deeply")
    place = start
    for box in _children(walk, start, end):
        place = box.end
        if top:
            walk.tops.add(box.kind)
        if box.kind in _CONTAINERS:
            inner = _Items() if box.kind == b"meta" else None
            _boxes(walk, _first_child(walk.source, box), box.end, depth + 1, inner)
            if inner and b"iinf" in inner.parts:
                _read_items(walk, inner, top=top)
        elif items is not None and box.kind in _KEPT:
            items.parts[box.kind] = box
        else:
            _enter(walk, box)
    if top and walk.source.peek(place, 8).strip(b"\0"):
        raise DamagedError("the file ends inside of the head of a box")


def _children(walk: _Walk, start: int, end: int) -> Iterator[_Box]:
    source, place = walk.source, start
    while place + 8 <= end:
        walk.steps -= 1
        if walk.steps < 0:
            raise DamagedError("more boxes than are read")
        head = source.read(place, 8)
        size, kind, body = int.from_bytes(head[:4]), head[4:], place + 8
        if size == 1:
            size, body = int.from_bytes(source.read(body, 8)), body + 8
        elif size == 0:
            if place + 8 <= end and start:  # QuickTime ends a list of user data by four zero bytes
                return
            size = end - place
        if size < body - place or place + size > end:
            raise DamagedError("a box reaches behind what it stands in")
        yield _Box(kind, body, place + size)
        place += size


def _first_child(source: Source, box: _Box) -> int:
    """Give the place of the first child: ``meta`` has a version before it, but not in QuickTime."""
    skipped = _CONTAINERS[box.kind]
    if skipped and source.peek(box.start + 4, 4) in {b"hdlr", b"keys", b"ilst", b"mhdr"}:
        return box.start
    return min(box.start + skipped, box.end)


def _enter(walk: _Walk, box: _Box) -> None:
    source, place = walk.source, f"/xmp@{box.start}"
    if box.kind == b"uuid" and source.peek(box.start, 16) == _XMP_UUID:
        walk.found.add_packet(_body(source, box.start + 16, box.end), place)
    elif box.kind in {b"XMP_", b"xml "}:
        walk.found.add_packet(_body(source, box.start, box.end), place)
    elif box.kind == _PACKED_BOX and source.peek(box.start, 4) in {b"xml ", b"jumb"}:
        walk.found.trouble.append("metadata is packed with Brotli")
    elif box.kind == b"Exif":
        tiff.read_exif(_body(source, box.start + 4, box.end), walk.found)


def _body(source: Source, start: int, end: int) -> bytes:
    if end - start > MAX_PIECE:
        raise DamagedError("a metadata box is too large")
    return source.read(start, end - start) if end > start else b""


# -- items of HEIF


def _read_items(walk: _Walk, items: _Items, *, top: bool) -> None:
    """Enter the XMP items of a ``meta`` box; of that of the file, see that its items are there."""
    if top and b"iloc" in items.parts:
        for method, extents in _locations(walk, items.parts[b"iloc"]).values():
            if method == 0 and any(offset + length > walk.source.size for offset, length in extents):
                raise DamagedError("the file ends early: an item lies behind its end")
    wanted = _xmp_items(walk, items.parts[b"iinf"])
    if not wanted:
        return
    if b"iloc" not in items.parts:
        raise DamagedError("nothing says where the items of metadata lie")
    places = _locations(walk, items.parts[b"iloc"])
    for number, packed in wanted.items():
        if number not in places:
            raise DamagedError("nothing says where an item of metadata lies")
        method, extents = places[number]
        data = b"".join(_extents(walk, items, method, extents))
        if packed not in {b"", b"deflate", b"identity"}:
            raise DamagedError("an item of metadata is packed in an unknown way")
        walk.found.add_packet(inflate(data) if packed == b"deflate" else data, f"/xmp-item-{number}")


def _xmp_items(walk: _Walk, box: _Box) -> dict[int, bytes]:
    """Give the numbers of XMP items with their content encodings."""
    source = walk.source
    version = source.read(box.start, 1)[0]
    first = box.start + 4 + (4 if version else 2)
    found: dict[int, bytes] = {}
    for entry in _children(walk, first, box.end):
        if entry.kind != b"infe":
            continue
        data = source.read(entry.start, min(entry.end - entry.start, 1 << 10))
        wide = 4 if data[:1] == b"\3" else 2
        if data[:1] not in {b"\2", b"\3"} or data[6 + wide : 10 + wide] != b"mime":
            continue
        _, kind, encoding = [*data[10 + wide :].split(b"\0"), b"", b"", b""][:3]
        if kind.strip().lower() == _RDF:
            found[int.from_bytes(data[4 : 4 + wide])] = encoding
    return found


class _Numbers:
    """Reads numbers one after the other."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place

    def take(self, width: int) -> int:
        value = self._data[self._place : self._place + width]
        if len(value) != width:
            raise DamagedError("the places of items end early")
        self._place += width
        return int.from_bytes(value)


Extents = list[tuple[int, int]]


def _locations(walk: _Walk, box: _Box) -> dict[int, tuple[int, Extents]]:
    """Give, for each item, how its places are meant, and the places: (offset, length)."""
    data = _body(walk.source, box.start, box.end)
    if len(data) < 8:  # noqa: PLR2004 (version, flags, widths and count)
        raise DamagedError("the places of items end early")
    version, widths = data[0], (data[4] >> 4, data[4] & 15, data[5] >> 4, data[5] & 15)
    numbers = _Numbers(data, 6)
    wide = 4 if version == 2 else 2  # noqa: PLR2004 (from that version on numbers of items have 32 bits)
    found: dict[int, tuple[int, Extents]] = {}
    for _ in range(min(numbers.take(wide), _MAX_ITEMS)):
        number = numbers.take(wide)
        method = numbers.take(2) & 15 if version else 0
        numbers.take(2)
        base = numbers.take(widths[2])
        extents: Extents = []
        for _ in range(numbers.take(2)):
            if version and widths[3]:
                numbers.take(widths[3])
            offset = numbers.take(widths[0])
            extents.append((base + offset, numbers.take(widths[1])))
        found[number] = (method, extents)
    return found


def _extents(walk: _Walk, items: _Items, method: int, extents: Extents) -> Iterator[bytes]:
    """Read the extents of an item: in the file, or in the ``idat`` box."""
    source = walk.source
    if method == 0:
        start, end = 0, source.size
    elif method == 1 and b"idat" in items.parts:
        start, end = items.parts[b"idat"].start, items.parts[b"idat"].end
    else:
        raise DamagedError("an item of metadata lies in an unknown place")
    total = 0
    for offset, length in extents:
        size = length or end - start - offset
        total += size
        if total > MAX_PIECE or start + offset + size > end:
            raise DamagedError("an item of metadata reaches behind the end")
        yield source.read(start + offset, size)
