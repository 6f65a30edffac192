"""What kind of file a work is: which carriers of statements its bytes can hold.

A page holds meta elements. Media, documents and archives hold embedded statements (C2PA, XMP, IPTC, rights texts). What
is of a form that no reader knows is held back, never taken for silent, and so is anything that is no text. Texts hold
licence tags. Tables and arrays of numbers hold none. Contents win over names: a photograph may be called anything.
"""

from enum import StrEnum

from datalib.optout.markup import narrow
from datalib.optout.media.forms import form_of, signed_form

#: How much of a file has to be seen to name its kind.
SNIFF_BYTES = 1 << 12


class Kind(StrEnum):
    """Which carrier a file's own bytes are."""

    PAGE = "page"
    UNIT = "unit"
    TEXT = "text"
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
    pdf epub opf doc docx docm xls xlsx xlsm ppt pptx odt ods odp rtf djvu mobi azw3 xmp c2pa
"""
_CONTAINERS = """
    zip 7z rar tar gz tgz bz2 xz zst lz4 warc arc wacz cbz cbr jar apk iso
"""
_UNITS = frozenset(f"{_PICTURES} {_SOUND_AND_VIDEO} {_DOCUMENTS} {_CONTAINERS}".split())
#: Containers of other files, and documents that no reader of ours opens.
_CLOSED = (
    b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"WARC/", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf", b"AT&TFORM",
)  # fmt: skip
#: Tables, arrays and data bases: forms that have rows and numbers, and no place for a statement about the file.
_DATA = (
    b"PAR1", b"PARE", b"ARROW1\0\0", b"FEA1", b"\x93NUMPY", b"\x89HDF\r\n\x1a\n", b"SQLite format 3\0",
    b"Obj\x01", b"GGUF",
)  # fmt: skip
#: The same by their names, where the sign alone is not enough: its place, the sign.
_NAMED_DATA = {
    **dict.fromkeys(("arrow", "arrows", "ipc"), (0, b"\xff\xff\xff\xff")), "orc": (0, b"ORC"), "safetensors": (8, b"{"),
}  # fmt: skip
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")


def kind_of(name: str, beginning: bytes) -> Kind:
    """Name the kind of a file from its name and its first ``SNIFF_BYTES`` bytes."""
    _, dot, suffix = name.rpartition("/")[2].rpartition(".")
    extension = suffix.lower() if dot else ""
    if signed_form(beginning) or beginning.startswith(_CLOSED) or extension in _UNITS:
        return Kind.UNIT
    text = narrow(beginning).lstrip()[:256].lower()
    if extension in _PAGES or text.startswith(_PAGE_STARTS):
        return Kind.PAGE
    if form_of(name, beginning):
        return Kind.UNIT
    if is_text(beginning):
        return Kind.TEXT
    place, sign = _NAMED_DATA.get(extension, (0, beginning + b"?"))
    return Kind.NONE if beginning.startswith(_DATA) or beginning.startswith(sign, place) else Kind.UNIT


def is_text(beginning: bytes) -> bool:
    """Say whether a file is a text in some encoding: nothing at its beginning is a control character."""
    wide = _WIDE.get(beginning[:2])
    if wide:
        beginning = beginning[2 : len(beginning) // 4 * 4].decode(wide, "replace").rstrip("\ufffd").encode()
        return b"\xef\xbf\xbd" not in beginning and beginning.translate(None, _CONTROLS) == beginning
    return beginning.translate(None, _CONTROLS) == beginning
