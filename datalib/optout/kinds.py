"""What kind of file a work is: which carriers of statements its bytes can hold.

A page holds meta elements. Media and documents hold embedded statements (C2PA, XMP, IPTC, EPUB); those in a form that
no reader knows are held back, never taken for silent. Text, tables and data hold none. Contents win over names, since a
photograph may be called anything.
"""

from enum import StrEnum

from datalib.optout.media.forms import form_of, signed_form

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
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")


def kind_of(name: str, beginning: bytes) -> Kind:
    """Name the kind of a file from its name and its first ``SNIFF_BYTES`` bytes."""
    _, dot, suffix = name.rpartition("/")[2].rpartition(".")
    extension = suffix.lower() if dot else ""
    if signed_form(beginning) or beginning.startswith(_CLOSED) or extension in _UNITS:
        return Kind.UNIT
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:256].lower()
    if extension in _PAGES or text.startswith(_PAGE_STARTS):
        return Kind.PAGE
    return Kind.UNIT if form_of(name, beginning) else Kind.NONE
