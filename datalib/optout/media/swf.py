"""Flash films: the metadata tag, which holds XMP, and whether the film comes to its end.

Source: SWF file format specification, version 19: chapter 2 (headers, tags) and "Metadata".
"""

from typing import Final

from datalib.optout.media.source import MAX_STEPS, DamagedError, Metadata, Source, inflate

#: Bytes of a film, unpacked, that are read.
MAX_FILM: Final = 64 << 20
_HEAD: Final = 8
_PLAIN, _ZLIB = b"FWS", b"CWS"
_END, _METADATA, _LONG = 0, 77, 0x3F


def read(source: Source, found: Metadata) -> None:
    """Enter the metadata of a film. Raises DamagedError for one that does not end, or is packed by LZMA."""
    sign, size = source.read(0, 3), int.from_bytes(source.read(4, 4), "little")
    if size > MAX_FILM or source.size > MAX_FILM or sign not in {_PLAIN, _ZLIB}:
        raise DamagedError("the film is too large, or packed in an unknown way")
    body = source.read(_HEAD, source.size - _HEAD)
    data = inflate(body, max(size - _HEAD, 1)) if sign == _ZLIB else body
    place = -(-(5 + 4 * (data[0] >> 3)) // 8) + 4 if data else 0  # behind the frame's rectangle, rate and count
    for _ in range(MAX_STEPS):
        head = int.from_bytes(data[place : place + 2], "little")
        if place + 2 > len(data):
            break
        kind, length, place = head >> 6, head & _LONG, place + 2
        if kind == _END:
            return
        if length == _LONG:
            length, place = int.from_bytes(data[place : place + 4], "little"), place + 4
        if kind == _METADATA:
            found.add_packet(data[place : place + length], f"/metadata@{place}", regular=False)
        place += length
    raise DamagedError("the file ends early")
