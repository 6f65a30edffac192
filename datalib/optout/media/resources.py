"""Photoshop image resources, and the IPTC-IIM records in them: packets and texts.

Sources: Adobe Photoshop file formats specification, "Image Resource Blocks"; IPTC-NAA Information Interchange Model 4.
Damage here is passed over: these blocks are old, often half-written, and hold no signal of a standard but XMP.
"""

from typing import Final

from datalib.optout.media.source import Metadata

_SIGN: Final = b"8BIM"
_IIM, _XMP = 0x0404, 0x0424
#: Record 2: special instructions, category of rights, copyright notice, caption.
_TEXTS: Final = {40: "instructions", 42: "rights", 116: "copyright", 120: "caption"}
_TAG: Final = 0x1C
_EXTENDED: Final = 0x8000


def read(data: bytes, found: Metadata) -> None:
    """Enter what the resources hold."""
    place = 0
    while data[place : place + 4] == _SIGN:
        number = int.from_bytes(data[place + 4 : place + 6])
        name = 1 + (data[place + 6] if place + 6 < len(data) else 0)
        start = place + 6 + name + name % 2
        size = int.from_bytes(data[start : start + 4])
        body = data[start + 4 : start + 4 + size]
        if number == _XMP:
            found.add_packet(body, "/photoshop-xmp")
        elif number == _IIM:
            read_iim(body, found)
        place = start + 4 + size + size % 2


def read_iim(data: bytes, found: Metadata) -> None:
    """Enter the texts of IIM records."""
    place = 0
    while place + 5 <= len(data) and data[place] == _TAG:
        record, number = data[place + 1 : place + 3]
        size = int.from_bytes(data[place + 3 : place + 5])
        if size & _EXTENDED:
            return
        if record == 2 and number in _TEXTS:  # noqa: PLR2004 (the application record)
            found.add_text(data[place + 5 : place + 5 + size], f"/iptc-{_TEXTS[number]}")
        place += 5 + size
