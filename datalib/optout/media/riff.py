"""RIFF: WebP, WAV, BWF, RF64, AVI. XMP in ``XMP `` or ``_PMX``, Exif in ``EXIF``, texts in ``LIST INFO``.

Sources: WebP container specification (RFC 9649), XMP specification part 3 §§1.1.8-1.1.10, EBU Tech 3306 (RF64).
"""

from typing import Final

from datalib.optout.media import tiff
from datalib.optout.media.source import MAX_PIECE, MAX_STEPS, DamagedError, Metadata, Source

_HEAD: Final = 12  # sign, length, form
_TOPS: Final = frozenset({b"RIFF", b"RF64", b"BW64"})
_XMP: Final = frozenset({b"XMP ", b"_PMX", b"XMP\0"})
_INFO: Final = frozenset({b"ICOP", b"ICMT"})
_STREAMED: Final = frozenset({b"WAVE", b"AVI "})
_OPEN: Final = frozenset({0, 0xFFFFFFFF})  # written by programs that did not know the length, or that say it elsewhere


def read(source: Source, found: Metadata) -> None:
    """Enter the metadata of all chunks to the end of the file. Raises DamagedError."""
    if source.size < _HEAD:
        raise DamagedError("the file ends early")
    place, steps = 0, MAX_STEPS
    while place + 8 <= source.size:
        head = source.read(place, 12 if place + 12 <= source.size else 8)
        size = int.from_bytes(head[4:8], "little")
        if head[:4] not in _TOPS:
            raise DamagedError("something else follows the RIFF form")
        open_ended = size in _OPEN and head[8:] in _STREAMED
        end = source.size if open_ended else place + 8 + size
        if end > source.size:
            raise DamagedError("the RIFF form reaches behind the end")
        steps = _chunks(source, place + 12, end, found, steps)
        place = end + end % 2


def _chunks(source: Source, place: int, end: int, found: Metadata, steps: int) -> int:
    while place + 8 <= end:
        steps -= 1
        if steps < 0:
            raise DamagedError("more RIFF chunks than are read")
        head = source.read(place, 8)
        name, size = head[:4], int.from_bytes(head[4:], "little")
        place += 8
        if name == b"data" and size in _OPEN:
            return steps
        if place + size > end:
            raise DamagedError("a RIFF chunk reaches behind its form")
        if name == b"LIST" and source.read(place, min(size, 4)) == b"INFO":
            steps = _chunks(source, place + 4, place + size, found, steps)
        elif name in _XMP or name == b"EXIF" or name in _INFO:
            if size > MAX_PIECE:
                raise DamagedError("a metadata chunk is too large")
            _enter(name, source.read(place, size), place, found)
        place += size + size % 2
    return steps


def _enter(name: bytes, data: bytes, place: int, found: Metadata) -> None:
    if name in _XMP:
        found.add_packet(data, f"/xmp@{place}", regular=name != b"XMP\0")
    elif name == b"EXIF":
        tiff.read_exif(data.removeprefix(b"Exif\0\0"), found)
    else:
        found.add_text(data, f"/info-{name.decode('ascii')}")
