"""XMP packets by their marks, in any file (XMP specification part 1, §7.3.4): for containers without a reader of ours.

A packet stands in the file as it is, in UTF-8, UTF-16 or UTF-32, between two processing instructions. One that was
written without them is found by its outermost element.
"""

import re
from collections.abc import Iterator
from typing import Final

from datalib.optout.media.source import MAX_PIECE, DamagedError, Metadata, Source

#: A JUMBF description box of a C2PA manifest store (C2PA specification §11.1.4.2): any store begins with it.
STORE: Final = b"jumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71"

_BEGIN: Final = "<?xpacket begin="
_END: Final = "<?xpacket end="
_WIDE: Final = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
#: Outermost elements: of XMP, of an RSL licence.
_ELEMENTS: Final = (rb"<[A-Za-z]+:xmpmeta\b", rb"<(?:[A-Za-z]+:)?rsl(?=[\s>])")
_MARKS = re.compile(b"|".join([*(re.escape(_BEGIN.encode(name)) for name in _WIDE), *_ELEMENTS]))
_ENDS: Final = {_BEGIN.encode(name): _END.encode(name) for name in _WIDE}
_TAIL: Final = 256  # the instruction at the end is this long at most, in any encoding
_OVERLAP: Final = 128


def scan(source: Source, found: Metadata) -> None:
    """Enter all packets of a file. Raises DamagedError for one that does not end."""
    done = 0
    for place, mark in _find(source, _MARKS):
        if place < done:
            continue
        window = source.peek(place, MAX_PIECE)
        if mark in _ENDS:
            end = window.find(_ENDS[mark])
            length = end + _length_of_end(window[end : end + _TAIL]) if end >= 0 else -1
        else:
            close = b"</" + mark[1:] + b">"
            end = window.find(close)
            length = end + len(close) if end >= 0 else -1
        if length < 0:
            found.add_packet(window[: 1 << 16], f"@{place}", regular=False)
            raise DamagedError("an XMP packet does not end")
        found.add_packet(window[:length], f"@{place}")
        done = place + length


def holds_store(source: Source) -> bool:
    """Say whether a file holds an embedded C2PA manifest store as it is, in any container."""
    return any(STORE in block for _, block in source.blocks(_OVERLAP))


def _find(source: Source, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, bytes]]:
    last = -1
    for start, block in source.blocks(_OVERLAP):
        for hit in pattern.finditer(block):
            if start + hit.start() > last:
                last = start + hit.start()
                yield last, hit[0]


def _length_of_end(tail: bytes) -> int:
    """Give the length of the closing instruction, with its last sign in any encoding."""
    end = tail.find(b">")
    if end < 0:
        return len(tail)
    return end + (len(tail[end:]) - len(tail[end:].lstrip(b">\0")))
