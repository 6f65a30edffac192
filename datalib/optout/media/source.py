"""What the readers of containers read from, and what they find: bounded on both sides."""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

#: Bytes of one piece of metadata, as stored or unpacked; pieces of one file; bytes that all readers together may ask of
#: one file, scans of the whole aside.
MAX_PIECE: Final = 8 << 20
MAX_PIECES: Final = 64
MAX_READ: Final = 256 << 20
#: Links that are followed within one file: chunks, segments, boxes, directories.
MAX_STEPS: Final = 1 << 17
_BLOCK: Final = 8 << 20


class DamagedError(Exception):
    """A file is not what its beginning promises, or asks for more than is read. The text says what."""


class Source:
    """A file to be read at any place. ``size`` in bytes; nothing behind it is read."""

    __slots__ = ("_left", "size", "stream")

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream, self.size = stream, size
        self._left = MAX_READ

    @classmethod
    def of(cls, data: bytes) -> "Source":
        """Read from memory."""
        return cls(io.BytesIO(data), len(data))

    def read(self, start: int, length: int) -> bytes:
        """Read exactly so many bytes. Raises DamagedError."""
        data = self.peek(start, length)
        if len(data) != length:
            raise DamagedError("the file ends early")
        return data

    def peek(self, start: int, length: int) -> bytes:
        """Read so many bytes, or fewer at the end of the file. Raises DamagedError."""
        length = min(length, self.size - start)
        if start < 0 or length <= 0:
            return b""
        self._left -= length
        if self._left < 0:
            raise DamagedError("more metadata than is read")
        self.stream.seek(start)
        return self.stream.read(length)

    def blocks(self, overlap: int) -> Iterator[tuple[int, bytes]]:
        """Give the whole file in blocks with their places; each repeats ``overlap`` bytes of the one before."""
        start = 0
        while start < self.size:
            self.stream.seek(start)
            block = self.stream.read(min(_BLOCK, self.size - start))
            if not block:
                return
            yield start, block
            if start + len(block) >= self.size:
                return
            start += max(len(block) - overlap, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A piece of XML metadata. ``regular``: it is carried as the standard of its container wants it."""

    data: bytes
    place: str
    regular: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A piece of metadata in plain words: a comment, a copyright notice."""

    text: str
    place: str


@dataclass(slots=True, kw_only=True)
class Metadata:
    """What a container holds. It grows as the container is read; ``trouble`` says what could not be read of it.

    ``store``: there is a C2PA manifest store, or a place for one, that a search for its first bytes would not find.
    """

    packets: list[Packet] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    store: bool = False

    def add_packet(self, data: bytes, place: str, *, regular: bool = True) -> None:
        """Enter a packet. Raises DamagedError when there are too many."""
        if len(self.packets) >= MAX_PIECES:
            raise DamagedError("more metadata packets than are read")
        if data.strip(b"\0 \t\r\n"):
            self.packets.append(Packet(data=data, place=place, regular=regular))

    def add_text(self, data: bytes | str, place: str) -> None:
        """Enter a text; of very many, and of very long ones, only the first."""
        text = data if isinstance(data, str) else decode_text(data)
        if text.strip() and len(self.texts) < MAX_PIECES:
            self.texts.append(Text(text=text[:_MAX_TEXT], place=place))


_MAX_TEXT: Final = 1 << 14


def decode_text(data: bytes) -> str:
    """Decode a text that does not say how it is written: UTF-8, or else one byte a letter."""
    data = data.strip(b"\0")[: _MAX_TEXT * 4]
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def inflate(data: bytes, limit: int = MAX_PIECE) -> bytes:
    """Unpack a zlib stream. Raises DamagedError when it is none, ends early or is larger than ``limit``."""
    unpacker = zlib.decompressobj()
    try:
        result = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise DamagedError("packed metadata cannot be unpacked") from error
    if not unpacker.eof:
        raise DamagedError("packed metadata ends early or is too large")
    return result
