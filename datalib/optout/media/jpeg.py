"""JPEG: XMP in APP1, extended XMP over several APP1, Exif, Photoshop resources in APP13, comments.

Sources: ITU-T T.81 annex B, XMP specification part 3 §1.1.3.
"""

from dataclasses import dataclass, field
from typing import Final

from datalib.optout.media import resources, tiff
from datalib.optout.media.source import MAX_PIECE, MAX_STEPS, DamagedError, Metadata, Source

_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED: Final = b"http://ns.adobe.com/xmp/extension/\0"
_EXIF: Final = b"Exif\0"
_PHOTOSHOP: Final = b"Photoshop 3.0\0"
_GUID: Final = 32
_HEAD: Final = _GUID + 8

_COMMENT, _APP1, _APP11, _APP13 = 0xFE, 0xE1, 0xEB, 0xED
_SCAN, _END = 0xDA, 0xD9
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(slots=True, kw_only=True)
class _Extended:
    """Extended XMP as it comes, part by part."""

    total: int = 0
    pieces: dict[int, bytes] = field(default_factory=dict)

    def whole(self) -> bytes:
        """Put the parts together. Raises DamagedError when one is missing."""
        result = bytearray()
        for start in sorted(self.pieces):
            if start > len(result):
                raise DamagedError("a part of extended XMP is missing")
            result[start:] = self.pieces[start]
        if len(result) < self.total:
            raise DamagedError("a part of extended XMP is missing")
        return bytes(result)


def read(source: Source, found: Metadata) -> None:
    """Enter the metadata that stands before the first scan. Raises DamagedError."""
    extended: dict[bytes, _Extended] = {}
    place = 2
    for _ in range(MAX_STEPS):
        sign, marker = source.read(place, 2)
        if sign != 0xFF:  # noqa: PLR2004 (each marker begins with it)
            raise DamagedError("a JPEG segment does not begin with a marker")
        if marker == 0xFF:  # noqa: PLR2004 (fill bytes may stand before a marker)
            place += 1
            continue
        if marker in {_SCAN, _END}:
            break
        place += 2
        if marker in _ALONE:
            continue
        length = int.from_bytes(source.read(place, 2))
        if length < 2:  # noqa: PLR2004 (the length counts itself)
            raise DamagedError("a JPEG segment has no length")
        if place + length > source.size:
            raise DamagedError("a JPEG segment reaches behind the end")
        found.store |= marker == _APP11  # where JUMBF boxes stand, cut into segments of any size
        if marker in {_APP1, _APP13, _COMMENT}:
            _segment(marker, source.read(place + 2, length - 2), place, found, extended)
        place += length
    else:
        raise DamagedError("more JPEG segments than are read")
    for number, packet in enumerate(extended.values()):
        found.add_packet(packet.whole(), f"/extended-xmp{number or ''}")


def _segment(marker: int, data: bytes, place: int, found: Metadata, extended: dict[bytes, _Extended]) -> None:
    if marker == _COMMENT:
        found.add_text(data, "/comment")
    elif data.startswith(_XMP):
        found.add_packet(data[len(_XMP) :], f"/xmp@{place}")
    elif data.startswith(_EXTENDED):
        head = data[len(_EXTENDED) : len(_EXTENDED) + _HEAD]
        if len(head) < _HEAD:
            raise DamagedError("a part of extended XMP has no head")
        guid, total = head[:_GUID], int.from_bytes(head[_GUID:-4])
        if total > MAX_PIECE:
            raise DamagedError("extended XMP is too large")
        packet = extended.setdefault(guid, _Extended())
        packet.total = max(packet.total, total)
        packet.pieces[int.from_bytes(head[-4:])] = data[len(_EXTENDED) + _HEAD :]
    elif data.startswith(_EXIF):
        tiff.read_exif(data[len(_EXIF) + 1 :], found)
    elif data.startswith(_PHOTOSHOP):
        resources.read(data[len(_PHOTOSHOP) :], found)
