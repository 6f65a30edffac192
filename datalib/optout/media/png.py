"""PNG: XMP and texts in iTXt, tEXt and zTXt, Exif in eXIf.

Sources: PNG specification (third edition) §11.3, XMP specification part 3 §1.1.5. What is carried against the rules but
can be read is read, as not regular.
"""

from typing import Final

from datalib.optout.media import tiff
from datalib.optout.media.source import MAX_PIECE, MAX_STEPS, DamagedError, Metadata, Source, inflate

_XMP: Final = b"XML:com.adobe.xmp"
_PROFILE: Final = (b"Raw profile type xmp", b"Raw profile type APP1")
_RSL: Final = b"rslstandard.org/rsl"
_EXIF_PROFILES: Final = (b"Raw profile type exif",)
_READ: Final = frozenset({b"iTXt", b"tEXt", b"zTXt", b"eXIf"})
_PACKED: Final = (0, 1)


def read(source: Source, found: Metadata) -> None:
    """Enter the metadata of all chunks up to IEND. Raises DamagedError."""
    place = 8
    for _ in range(MAX_STEPS):
        head = source.read(place, 8)
        size, kind = int.from_bytes(head[:4]), head[4:]
        if kind == b"IEND":
            return
        if place + 12 + size > source.size:
            raise DamagedError("a PNG chunk reaches behind the end")
        if kind in _READ:
            if size > MAX_PIECE:
                raise DamagedError("a PNG text is too large")
            _chunk(kind, source.read(place + 8, size), place, found)
        place += 12 + size
    raise DamagedError("more PNG chunks than are read")


def _chunk(kind: bytes, data: bytes, place: int, found: Metadata) -> None:
    if kind == b"eXIf":
        tiff.read_exif(data, found)
        return
    keyword, _, rest = data.partition(b"\0")
    regular = kind == b"iTXt"
    try:
        body, whole = _international(rest) if kind == b"iTXt" else _plain(kind, rest)
    except DamagedError as error:
        found.trouble.append(str(error))
        return
    name = keyword.strip()
    if name == _XMP:
        found.add_packet(body, f"/xmp@{place}", regular=regular and whole)
        if not whole:
            found.trouble.append("an XMP packet is not carried as PNG wants it")
    elif name in _PROFILE and (profile := _profile(body)):
        packet = profile.partition(b"http://ns.adobe.com/xap/1.0/\0")[2] or profile
        found.add_packet(packet, f"/xmp@{place}", regular=False)
    elif _RSL in body:
        found.add_packet(body, f"/rsl@{place}")
    elif name in _EXIF_PROFILES:
        tiff.read_exif(_profile(body).removeprefix(b"Exif\0\0"), found)
    else:
        found.add_text(keyword + b": " + body, "/text-" + keyword.decode("latin-1")[:79])


def _plain(kind: bytes, rest: bytes) -> tuple[bytes, bool]:
    return (inflate(rest[1:]) if kind == b"zTXt" else rest), True


def _international(rest: bytes) -> tuple[bytes, bool]:
    """Give the text of iTXt, and whether its head is as it must be: flag, method, language, translated keyword."""
    flag, method = (rest[0], rest[1]) if len(rest) > 1 else (-1, -1)
    parts = rest[2:].split(b"\0", 2)
    if flag not in _PACKED or method or len(parts) < 3:  # noqa: PLR2004 (language, keyword, text)
        return rest, False
    return (inflate(parts[2]) if flag else parts[2]), True


def _profile(body: bytes) -> bytes:
    """Undo the hexadecimal form in which ImageMagick writes profiles: a name, a length, digits in lines."""
    parts = body.split(None, 2)
    if len(parts) < 3:  # noqa: PLR2004 (name, length, digits)
        return b""
    try:
        return bytes.fromhex(parts[2].decode("ascii"))
    except ValueError:
        return b""
