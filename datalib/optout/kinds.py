"""What kind of file a work is: which carriers of statements its bytes can hold.

A page holds meta elements and is read. Media and documents hold embedded statements (C2PA, XMP, IPTC, EPUB) that this
version cannot read: they are held back, never taken for silent. Text, tables and data hold none. Contents win over
names, since a photograph may be called anything.
"""

from enum import StrEnum

#: How much of a file has to be seen to name its kind.
SNIFF_BYTES = 1 << 12


class Kind(StrEnum):
    """Which carrier a file's own bytes are."""

    PAGE = "page"
    UNIT = "unit"
    NONE = "none"


_PAGES = frozenset({"html", "htm", "xhtml", "xht", "shtml"})
_PICTURES = """
    jpg jpeg jpe jfif jp2 j2k jpx jxl png apng gif webp tif tiff dng heic heif hif avif svg svgz bmp psd psb ai eps ps
    indd raw cr2 cr3 crw nef nrw arw srf sr2 raf rw2 orf pef rwl x3f
"""
_SOUND_AND_VIDEO = """
    mp3 m4a m4b aac flac ogg oga opus wav wave bwf aif aiff wma mid midi
    mp4 m4v mov qt avi mkv webm mpg mpeg mts m2ts wmv flv 3gp 3g2 ogv
"""
_DOCUMENTS = """
    pdf epub doc docx docm xls xlsx xlsm ppt pptx odt ods odp rtf djvu mobi azw3 xmp c2pa
"""
_CONTAINERS = """
    zip 7z rar tar gz tgz bz2 xz zst lz4 warc arc wacz cbz cbr jar apk iso
"""
_UNITS = frozenset(f"{_PICTURES} {_SOUND_AND_VIDEO} {_DOCUMENTS} {_CONTAINERS}".split())
_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"8BPS", b"BM6",
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\0\0\0\x0cJXL ", b"%PDF-", b"%!PS", b"\xc5\xd0\xd3\xc6", b"AT&TFORM",
    b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"fLaC", b"OggS", b"RIFF", b"RF64", b"FORM", b"MThd",
    b"\x1aE\xdf\xa3", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"FLV\x01", b"0&\xb2u\x8ef\xcf\x11",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf",
    b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"WARC/",
)  # fmt: skip
_BOXES = b"ftyp"
_SYNC = b"G"  # begins each 188 bytes of an MPEG transport stream, whose extension is that of TypeScript
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")
_XMP = (b"<x:xmpmeta", b"<?xpacket", b"<svg")


def kind_of(name: str, beginning: bytes) -> Kind:
    """Name the kind of a file from its name and its first ``SNIFF_BYTES`` bytes."""
    _, dot, suffix = name.rpartition("/")[2].rpartition(".")
    extension = suffix.lower() if dot else ""
    transport = beginning[:1] == beginning[188:189] == _SYNC
    if beginning.startswith(_MAGIC) or beginning[4:8] == _BOXES or transport or extension in _UNITS:
        return Kind.UNIT
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:256].lower()
    if extension in _PAGES or text.startswith(_PAGE_STARTS):
        return Kind.PAGE
    return Kind.UNIT if any(mark in beginning for mark in _XMP) else Kind.NONE
