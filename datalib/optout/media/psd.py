"""Photoshop files: notices of IPTC in their resources, XMP by its marks, and whether they come to their end.

Source: Adobe Photoshop file formats specification, "File Structure": a header, three sections with their lengths before
them, and the picture.
"""

from typing import Final

from datalib.optout.media import packets, resources
from datalib.optout.media.source import MAX_PIECE, DamagedError, Metadata, Source

_HEAD: Final = 26
_RESOURCES, _LAYERS = 1, 2
_LARGE: Final = 2  # the version whose section of layers has a length of eight bytes


def read(source: Source, found: Metadata) -> None:
    """Enter packets and notices. Raises DamagedError for a file that ends early."""
    packets.scan(source, found)
    large = int.from_bytes(source.read(4, 2)) == _LARGE
    place = _HEAD
    for section in range(3):
        wide = 8 if large and section == _LAYERS else 4
        size = int.from_bytes(source.read(place, wide))
        place += wide
        if section == _RESOURCES and size <= MAX_PIECE:
            inside = Metadata()
            resources.read(source.read(place, size), inside)
            found.texts += inside.texts
        place += size
    if place + 2 > source.size:
        raise DamagedError("the file ends early")
