"""The frames of a Zstandard file (RFC 8878), as they hold the records of a WARC (IIPC, Zstandard for WARC files 1.0).

A record is in one frame or in several; in a frame is one record, and what is more is read too. Frames that another
program left without check sum or size are read. What is packed with a dictionary is not: no codec at hand takes one.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from datalib.webarchive.window import PIECE, Members, StreamError, Window

MAGIC: Final = b"\x28\xb5\x2f\xfd"
#: Skippable frames: the first may hold a dictionary, others are extensions, which mean nothing here.
DICTIONARY: Final = b"\x5d\x2a\x4d\x18"
_SKIPPABLE: Final = tuple(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))
_SKIPPED_HEAD: Final = 8
#: The longest header of a frame; the most bytes of a block and its header; bits of a header's first byte.
_HEAD: Final = 18
_BLOCK: Final = 1 << 17
_BLOCK_HEAD: Final = 3
_RESERVED, _SINGLE, _CHECKED = 8, 32, 4
_MORE: Final = {2: 256}  # a size in two bytes counts from here
#: With so many bytes of a frame its first block can be unpacked.
_ENOUGH: Final = _HEAD + _BLOCK_HEAD + _BLOCK
_RUN, _PACKED = 1, 2
#: A smaller frame is unpacked at once; compressed bytes of a larger one that are kept, to look for the next in them.
_SMALL: Final = 1 << 18
_KEPT: Final = 1 << 20
#: What a frame unpacks to beyond this is not read: thirty bytes may stand for a megabyte.
_MOST: Final = 1 << 30
_TASTE: Final = 64


class _Head(NamedTuple):
    """The header of a frame: its ``size`` and what it says. ``content``: how much it unpacks to, None where unsaid."""

    size: int
    content: int | None
    dictionary: int
    checked: bool


def _head_of(data: bytes, at: int) -> _Head | None:
    """Read the header of a frame; None where it is none, or cut off (RFC 8878 §3.1.1.1)."""
    if not data.startswith(MAGIC, at) or len(data) - at < len(MAGIC) + 2:
        return None
    said = data[at + len(MAGIC)]
    single = bool(said & _SINGLE)
    sizes = ((0, 1, 2, 4)[said & 3], (int(single), 2, 4, 8)[said >> 6])
    first = at + len(MAGIC) + (1 if single else 2)
    second = first + sizes[0]
    if said & _RESERVED or second + sizes[1] > len(data):
        return None
    content = int.from_bytes(data[second : second + sizes[1]], "little") + _MORE.get(sizes[1], 0)
    return _Head(
        second + sizes[1] - at,
        content if sizes[1] else None,
        int.from_bytes(data[first:second], "little"),
        bool(said & _CHECKED),
    )


class _Bytes(io.RawIOBase):
    """The bytes of the frame at which a window stands, block by block, and none behind it; they stay in the window.

    ``fed`` of them were read; where these are many, the window passes over them, and some were ``dropped``.
    """

    def __init__(self, source: Window, head: _Head) -> None:
        self._source = source
        self._left = head.size
        self._then = 4 if head.checked else 0
        self._last = False
        self.fed = 0
        self.dropped = self.whole = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Give some of the bytes, b"" behind the last, or where they are no frame any more."""
        if not self._left and not self._next():
            return b""
        source, size = self._source, min(size, self._left)
        if self.fed > _KEPT:
            source.at, self.fed, self.dropped = source.at + self.fed, 0, True
        if not source.have(self.fed + 1):
            return b""
        data = source.data[source.at + self.fed : source.at + self.fed + size]
        self.fed += len(data)
        self._left -= len(data)
        return data

    def _next(self) -> bool:
        """Go to the next block, or to the check sum (RFC 8878 §3.1.1.2); say whether there is one."""
        source = self._source
        if self._last:
            self._left, self._then = self._then, 0
            self.whole = not self._left
            return bool(self._left)
        if not source.have(self.fed + _BLOCK_HEAD):
            return False
        place = source.at + self.fed
        said = int.from_bytes(source.data[place : place + _BLOCK_HEAD], "little")
        kind, size = said >> 1 & 3, said >> 3
        if kind > _PACKED or size > _BLOCK:
            return False
        self._last = bool(said & 1)
        self._left = _BLOCK_HEAD + (1 if kind == _RUN else size)
        return True


class Frames(Members):
    """The frames of a file, those of one record together. ``length`` says how long a record is that begins so.

    That is, with its header; None where more has to be seen of it.
    """

    magic = MAGIC

    def __init__(self, source: Window, starts: Callable[[bytes], bool], length: Callable[[bytes], int | None]) -> None:
        import pyarrow as pa

        super().__init__(source, starts)
        self._length = length
        self._codec = pa.Codec("zstd")

    def begin(self) -> int | None:
        """Begin the next record; give the place of its first frame, or None at the end of the file.

        Raises StreamError where there are bytes that are no frame, or a frame needs a dictionary; the next one can be
        begun unless ``cut``.
        """
        source = self._source
        source.have(_SMALL)
        if not source.place and source.data.startswith(DICTIONARY):
            raise self._ended("packed with a dictionary", closed=True)
        if not self._pass_extensions():
            return None
        head = _head_of(source.data, source.at)
        self._dropped = False
        if head is None:
            raise self._lost("not the beginning of a frame")
        if head.dictionary:
            self._pass_frame(head)
            raise StreamError("packed with a dictionary", closed=True)
        self.checked = True
        self._inflate = self._inflated()
        return source.place

    def at_once(self) -> tuple[bytes, int]:
        """Give all that a small frame holds, and its size; b"" and 0 where that cannot be."""
        source = self._source
        head = _head_of(source.data, source.at)
        if head is None or not head.content or head.content > PIECE:
            return b"", 0
        size = self._size(head)
        if not size:
            return b"", 0
        try:
            data = self._codec.decompress(source.data[source.at : source.at + size], head.content, asbytes=True)
        except (OSError, ValueError):
            return b"", 0
        self.checked = head.checked
        return data, size

    def _size(self, head: _Head) -> int:
        """Give the size of a small frame that is at hand, else 0."""
        source = self._source
        end, last = source.at + head.size, False
        while not last:
            said = int.from_bytes(source.data[end : end + _BLOCK_HEAD], "little")
            last, kind, size = bool(said & 1), said >> 1 & 3, said >> 3
            end += _BLOCK_HEAD + (1 if kind == _RUN else size)
            if kind > _PACKED or end > len(source.data):
                return 0
        end += 4 if head.checked else 0
        return end - source.at if end <= len(source.data) else 0

    def _pass_extensions(self) -> bool:
        """Pass over skippable frames; say whether anything follows. Raises StreamError where one is cut off."""
        source = self._source
        while source.have(_SKIPPED_HEAD) and source.data.startswith(_SKIPPABLE, source.at):
            size = int.from_bytes(source.data[source.at + 4 : source.at + _SKIPPED_HEAD], "little")
            if not source.skip(_SKIPPED_HEAD + size):
                raise self._ended("the file ends within a skippable frame")
        return source.have(1)

    def _pass_frame(self, head: _Head) -> None:
        """Pass over a frame without unpacking it, as far as it is one."""
        frame = _Bytes(self._source, head)
        while frame.read(PIECE):
            pass
        self._source.at += frame.fed

    def _inflated(self) -> Iterator[bytes]:
        """Unpack the frames of a record."""
        begun, made, length = b"", 0, None
        while True:
            for piece in self._unpacked():
                made += len(piece)
                if made > _MOST:
                    raise self._lost("more in it than is read")
                if length is None:
                    begun += piece
                    length = self._length(begun)
                yield piece
            enough = length is not None and made >= length
            if enough or not self._pass_extensions() or not self._goes_on():
                return

    def _goes_on(self) -> bool:
        """Say whether a frame follows that does not begin another record, whatever length this one claims."""
        source = self._source
        source.have(_ENOUGH)
        if not source.data.startswith(MAGIC, source.at):
            return False
        taste = self._tasted()
        return not taste or self._length(taste) == 0

    def _unpacked(self) -> Iterator[bytes]:
        """Unpack one frame."""
        import pyarrow as pa

        source = self._source
        source.have(_HEAD)
        head = _head_of(source.data, source.at)
        self._dropped = False
        if head is None or head.dictionary:
            raise self._lost("not the beginning of a frame")
        self.checked = self.checked and head.checked
        frame = _Bytes(source, head)
        try:
            stream = pa.CompressedInputStream(pa.PythonFile(frame, mode="r"), "zstd")
            while piece := stream.read(PIECE):
                yield piece
        except (OSError, pa.ArrowException) as error:
            while frame.read(PIECE):
                pass
            self._dropped = frame.dropped
            raise self._lost_in(frame, str(error)) from None
        source.at += frame.fed

    def _lost_in(self, frame: _Bytes, detail: str) -> StreamError:
        """Go behind a damaged frame, where it has an end and another follows; else look for the next one."""
        source = self._source
        source.have(frame.fed + _SKIPPED_HEAD)
        before, source.at = source.at, source.at + frame.fed
        known = self._is_member() or source.at == len(source.data)
        if frame.whole and known:
            self._inflate = None
            return StreamError(detail)
        source.at = before
        return self._lost(detail)

    def _is_member(self) -> bool:
        source = self._source
        source.have(_ENOUGH)
        head = _head_of(source.data, source.at)
        if head is None or head.dictionary:
            return False
        self._tries -= 1
        return self._starts(self._tasted())

    def _tasted(self) -> bytes:
        """Unpack the beginning of the frame at hand; b"" where that cannot be."""
        import pyarrow as pa

        source = self._source
        data = source.data[source.at : source.at + _ENOUGH]
        stream: Any = pa.CompressedInputStream(pa.BufferReader(data), "zstd")
        try:
            taste: bytes = stream.read(_TASTE)
        except (OSError, pa.ArrowException):
            return b""
        return taste
