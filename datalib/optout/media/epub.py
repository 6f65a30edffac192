"""EPUB: the package documents and the metadata of a publication, from a ZIP file that is not trusted.

Sources: EPUB 3.3 §4.2, OCF §3.5: ``META-INF/container.xml`` names the package documents.
"""

import zipfile
import zlib
from typing import Final

from datalib.optout import markup
from datalib.optout.media.source import MAX_PIECE, MAX_PIECES, DamagedError, Metadata, Source

_CONTAINER: Final = "META-INF/container.xml"
_METADATA: Final = frozenset({"META-INF/metadata.xml", "META-INF/rights.xml"})
_ENCRYPTED: Final = 1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_MAX_ENTRIES: Final = 1 << 16
#: What reading a broken ZIP file ends in.
_FAULTS: Final = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, NotImplementedError, OverflowError)


def read(source: Source, found: Metadata) -> list[bytes]:
    """Give the package documents, and enter other metadata. Raises DamagedError."""
    try:
        with zipfile.ZipFile(source.stream) as archive:
            entries = archive.infolist()
            if len(entries) > _MAX_ENTRIES:
                raise DamagedError("more ZIP entries than are read")
            for entry in entries:
                found.store |= entry.filename.lower().endswith(".c2pa")
                if entry.filename in _METADATA:
                    found.add_packet(_entry(archive, entry), f"/{entry.filename}")
            return _packages(archive, entries)
    except _FAULTS as error:
        raise DamagedError("the ZIP file cannot be read") from error


def is_read(name: str) -> bool:
    """Say whether ``read`` reads this file of a publication."""
    return name in _METADATA or name.lower().endswith(".opf")


def _packages(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> list[bytes]:
    """Find the package documents that the container names; those of a second entry with the same name too."""
    named: set[str] = set()
    for entry in entries:
        if entry.filename == _CONTAINER:
            elements = markup.parse(_entry(archive, entry))
            if elements is None:
                raise DamagedError("the container of the publication cannot be read")
            named |= {item.attributes.get("full-path", "") for item in elements if item.local == "rootfile"}
    chosen = [entry for entry in entries if entry.filename in named or entry.filename.lower().endswith(".opf")]
    if not chosen or not {"", *(entry.filename for entry in chosen)} >= named or len(chosen) > MAX_PIECES:
        raise DamagedError("the publication has no package document")
    return [_entry(archive, entry) for entry in chosen]


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read one entry, never more than the bound, whatever its head says."""
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise DamagedError("metadata of the publication is encrypted or packed in an unknown way")
    with archive.open(entry) as file:
        data = file.read(MAX_PIECE + 1)
    if len(data) > MAX_PIECE:
        raise DamagedError("metadata of the publication is too large")
    return data
