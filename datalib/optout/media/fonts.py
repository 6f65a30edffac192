"""Fonts: whether their directory of tables has one for C2PA, which no library at hand reads.

Sources: OpenType specification "Font file", WOFF 1.0 §5, C2PA specification "Embedding manifests into fonts".
"""

from typing import Final

from datalib.optout.media.source import DamagedError, Metadata, Source

_TAG: Final = b"C2PA"
#: Where the directory begins and how long an entry of it is, by the first four bytes.
_DIRECTORIES: Final = {b"\0\1\0\0": (12, 16), b"OTTO": (12, 16), b"true": (12, 16), b"wOFF": (44, 20)}


def read(source: Source, found: Metadata) -> None:
    """Look for the table. Raises DamagedError where it is there, or cannot be looked for."""
    sign = source.read(0, 4)
    if sign not in _DIRECTORIES:
        raise DamagedError("the tables of this font are packed")
    start, size = _DIRECTORIES[sign]
    count = int.from_bytes(source.read(12 if sign == b"wOFF" else 4, 2))
    tables = source.read(start, count * size)
    if any(tables[at : at + 4] == _TAG for at in range(0, len(tables), size)):
        found.trouble.append("its C2PA manifest store cannot be read: fonts are not supported")
