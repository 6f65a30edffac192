"""GIF: comments, XMP, and whether the file comes to its end (GIF89a specification §§12-27)."""

from typing import Final

from datalib.optout.media import packets
from datalib.optout.media.source import DamagedError, Metadata, Source

_TRAILER, _EXTENSION, _IMAGE, _COMMENT = 0x3B, 0x21, 0x2C, 0xFE
_TABLE: Final = 0x80
_HEAD: Final = 13
_WINDOW: Final = 1 << 16
#: Blocks of one file that are followed: about a gigabyte of pictures.
_MAX_BLOCKS: Final = 1 << 22


def read(source: Source, found: Metadata) -> None:
    """Enter comments and packets. Raises DamagedError for a file that does not end as one."""
    packets.scan(source, found)
    walk = _Walk(source)
    walk.place = _HEAD + _table(source.read(10, 1)[0])
    while (kind := walk.octet()) != _TRAILER:
        if kind == _EXTENSION:
            comment = walk.octet() == _COMMENT
            text = walk.blocks(keep=comment)
            if comment:
                found.add_text(text, f"/comment@{walk.place}")
        elif kind == _IMAGE:
            walk.place += 8
            flags = walk.octet()
            walk.place += _table(flags) + 1  # and the size of codes
            walk.blocks()
        else:
            raise DamagedError("a block of the picture is none")


def _table(flags: int) -> int:
    """Give the length of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0


class _Walk:
    """A place in the file that moves on."""

    def __init__(self, source: Source) -> None:
        self.place = 0
        self._source = source
        self._start = 0
        self._window = b""
        self._left = _MAX_BLOCKS

    def octet(self) -> int:
        at = self.place - self._start
        if not 0 <= at < len(self._window):
            self._start, self._window, at = self.place, self._source.peek(self.place, _WINDOW), 0
            if not self._window:
                raise DamagedError("the file ends early")
        self.place += 1
        return self._window[at]

    def blocks(self, *, keep: bool = False) -> bytes:
        """Pass over sub-blocks up to the empty one; give their bytes if they are wanted."""
        kept = b""
        while size := self.octet():
            self._left -= 1
            if self._left < 0:
                raise DamagedError("more blocks than are read")
            if keep and len(kept) < _WINDOW:
                kept += self._source.peek(self.place, size)
            self.place += size
        return kept
