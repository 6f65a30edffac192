"""Which form a file has, by its bytes first: contents win over names, since a photograph may be called anything."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Container(StrEnum):
    """How metadata is found in a file."""

    JPEG = "jpeg"
    PNG = "png"
    RIFF = "riff"
    TIFF = "tiff"
    BOXES = "boxes"
    PDF = "pdf"
    EPUB = "epub"
    ZIP = "zip"
    TAR = "tar"
    PACKED = "packed"
    OPF = "opf"
    XML = "xml"
    FONT = "font"
    GIF = "gif"
    PSD = "psd"
    SWF = "swf"
    FLAC = "flac"
    OGG = "ogg"
    MPEG_SOUND = "mpeg-sound"
    STORE = "store"
    SCANNED = "scanned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of files. ``mime``: what the C2PA library calls it; None where it reads no manifests in it."""

    container: Container
    mime: str | None = None


_SCANNED: Final = Form(container=Container.SCANNED)
_FONT: Final = Form(container=Container.FONT)
_SOUND: Final = Form(container=Container.MPEG_SOUND, mime="audio/mpeg")
_FILM: Final = Form(container=Container.SWF)
_PACKED: Final = Form(container=Container.PACKED)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_BRANDS: Final = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"msf1": "image/heif", b"avif": "image/avif",
    b"avis": "image/avif", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4",
}  # fmt: skip
#: The first box of QuickTime files that have no ``ftyp``.
_OLD_MOVIES: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_MAGIC: Final = (
    (b"\xff\xd8\xff", Form(container=Container.JPEG, mime="image/jpeg")),
    (b"\x89PNG\r\n\x1a\n", Form(container=Container.PNG, mime="image/png")),
    *((sign, Form(container=Container.GIF, mime="image/gif")) for sign in (b"GIF87a", b"GIF89a")),
    *((sign, Form(container=Container.TIFF, mime="image/tiff")) for sign in (b"II*\0", b"MM\0*")),
    *((sign, Form(container=Container.TIFF)) for sign in (b"II+\0", b"MM\0+")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Form(container=Container.BOXES, mime="image/jxl")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Form(container=Container.BOXES)),
    *((sign, _SOUND) for sign in (b"ID3\2", b"ID3\3", b"ID3\4", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    *((sign + bytes([version]), _FILM) for sign in (b"FWS", b"CWS", b"ZWS") for version in range(32)),
    (b"8BPS\0", Form(container=Container.PSD)),
    (b"fLaC", Form(container=Container.FLAC, mime="audio/flac")),
    (b"OggS\0", Form(container=Container.OGG)),
    *((sign, Form(container=Container.ZIP)) for sign in (b"PK\3\4", b"PK\5\6")),
    *((sign, _PACKED) for sign in (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")),
    *((sign, _FONT) for sign in (b"\0\1\0\0\0", b"OTTO\0", b"true\0", b"ttcf\0", b"wOFF", b"wOF2")),
    *((sign, _SCANNED) for sign in (
        b"BM6", b"\xff\x4f\xff\x51", b"\xff\x0a", b"%!PS", b"\xc5\xd0\xd3\xc6", b"MThd\0",
        b"\xd7\xcd\xc6\x9a\0\0",
        b"\x1aE\xdf\xa3", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"FLV\x01", b"0&\xb2u\x8ef\xcf\x11", b"IIU\0", b"IIRO",
        b"IIRS", b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5", b"FUJIFILMCCD-RAW", b"FOVb\0",
    )),
)  # fmt: skip
_AIFF: Final = frozenset({b"AIFF", b"AIFC", b"8SVX", b"ILBM"})
#: Forms without a sign of their own, by the extension of the name: metadata stands in them as it is.
_BY_NAME: Final = frozenset(
    ("mp3", "aac", "mpg", "mpeg", "mts", "m2ts", "bmp", "ai", "eps", "ps", "mid", "midi", "raw")
)
_SYNC: Final = b"G"
_EPUB: Final = b"mimetypeapplication/epub+zip"
_PACKETS: Final = (b":xmpmeta", b"<?xpacket begin=")
_PUBLICATION: Final = Form(container=Container.EPUB, mime="application/epub+zip")
_ZIP: Final = b"PK\x03\x04"
_TAR: Final = Form(container=Container.TAR)
#: Signs behind the beginning: their places, the beginnings, the signs.
_LATE: Final = ((257, b"", b"ustar", _TAR), (40, b"\1\0\0\0", b" EMF", _SCANNED))
_PDF: Final = b"%PDF-"


def form_of(name: str, beginning: bytes) -> Form | None:
    """Name the form of a file from its name and its first kilobytes; None where no reader knows it."""
    _, dot, suffix = name.rpartition("/")[2].rpartition(".")
    extension = suffix.lower() if dot else ""
    if beginning.startswith(_ZIP) and (_EPUB in beginning[:128] or extension == "epub"):
        return _PUBLICATION
    return signed_form(beginning) or _text_form(extension, beginning) or _form_of_name(extension, beginning)


def signed_form(beginning: bytes) -> Form | None:
    """Name the form by the sign at the beginning."""
    if beginning[:4] in {b"RIFF", b"RF64", b"BW64"}:
        return Form(container=Container.RIFF, mime=_RIFF.get(beginning[8:12]))
    if beginning[4:8] == b"ftyp":
        return Form(container=Container.BOXES, mime=_BRANDS.get(beginning[8:12], "video/mp4"))
    if beginning[4:8] in _OLD_MOVIES and beginning[:1] == b"\0":
        return Form(container=Container.BOXES, mime="video/quicktime")
    if (beginning[:4] == b"FORM" and beginning[8:12] in _AIFF) or beginning[:1] == beginning[188:189] == _SYNC:
        return _SCANNED
    if _PDF in beginning[:1024]:
        return Form(container=Container.PDF, mime="application/pdf")
    late = (
        form for place, begin, sign, form in _LATE if beginning.startswith(begin) and beginning.startswith(sign, place)
    )
    return next((form for sign, form in _MAGIC if beginning.startswith(sign)), next(late, None))


def _text_form(extension: str, beginning: bytes) -> Form | None:
    """Name the form of a text: XML that may hold metadata, or anything with a packet in it."""
    text = beginning.replace(b"\0", b"").lower()
    if not text.removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n").startswith(b"<"):
        return _SCANNED if any(mark in text for mark in _PACKETS) else None
    if b"<svg" in text:
        return Form(container=Container.XML, mime="image/svg+xml")
    if b"<package" in text and b"idpf.org/2007/opf" in text:
        return Form(container=Container.OPF)
    xml = extension == "xmp" or any(mark in text for mark in (*_PACKETS, b"useplus.org/ldf", b"rslstandard.org/rsl"))
    return Form(container=Container.XML) if xml else None


def _form_of_name(extension: str, beginning: bytes) -> Form | None:
    if extension == "c2pa":
        return Form(container=Container.STORE, mime="application/c2pa")
    if extension == "tar" and beginning:
        return _TAR
    if extension in _BY_NAME and beginning:
        return _SOUND if extension == "mp3" else _SCANNED
    return None
