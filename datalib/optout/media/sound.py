"""Sound: FLAC, Ogg (Vorbis, Opus, FLAC, Speex, and Theora with its pictures), MP3 with ID3 and APE tags.

Comments about rights are entered as texts; XMP is found by its marks. Sources: RFC 9639 (FLAC), RFC 3533 (Ogg), the
Vorbis comment specification, RFC 7845 §5.2 (Opus), ID3v2.2 to ID3v2.4, APEv2. A file whose structure visibly does not
end is held; one that was cut inside of its sound, where nothing counts what should follow, cannot be told from whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from datalib.optout.media import packets
from datalib.optout.media.source import MAX_PIECE, MAX_STEPS, DamagedError, Metadata, Source

#: Names of comments that may speak of rights.
_ABOUT_RIGHTS: Final = frozenset(
    ("copyright", "license", "licence", "rights", "usageterms", "terms", "comment", "comments", "description")
)
_ENDS_EARLY: Final = "the file ends early"


def read_flac(source: Source, found: Metadata) -> None:
    """Enter the comments and packets of a FLAC file. Raises DamagedError."""
    place, last = 4, False
    while not last:
        head = source.read(place, 4)
        last, kind, size = bool(head[0] & 0x80), head[0] & 0x7F, int.from_bytes(head[1:])
        if place + 4 + size > source.size:
            raise DamagedError(_ENDS_EARLY)
        if kind == _FLAC_COMMENT:
            _comments(source.read(place + 4, size), found)
        place += 4 + size
    if source.peek(place, 2)[:1] != b"\xff":  # RFC 9639 §9.1: a frame begins with fifteen bits of sync code
        raise DamagedError(_ENDS_EARLY)
    packets.scan(source, found)


_FLAC_COMMENT: Final = 4


def _comments(data: bytes, found: Metadata) -> None:
    """Enter a Vorbis comment. Raises DamagedError."""
    place = 4 + int.from_bytes(data[:4], "little")
    if place + 4 > len(data):
        raise DamagedError("its comments end early")
    count = int.from_bytes(data[place : place + 4], "little")
    place += 4
    for _ in range(count):
        size = int.from_bytes(data[place : place + 4], "little")
        if place + 4 + size > len(data):
            raise DamagedError("its comments end early")
        name, _, value = data[place + 4 : place + 4 + size].partition(b"=")
        key = name.decode("latin-1").strip().casefold()
        if key in _ABOUT_RIGHTS:
            found.add_text(value, f"/comment-{key}")
        place += 4 + size


# -- Ogg

_PAGE: Final = 27
_CONTINUED, _LAST = 1, 4
#: How packets with comments begin, and where the comment stands in them.
_HEADS: Final = ((b"\x03vorbis", 7), (b"OpusTags", 8), (b"\x81theora", 7))
#: Packets at the beginning of a stream that are looked at.
_FIRST: Final = 3


@dataclass(slots=True, kw_only=True)
class _Stream:
    """One logical stream: its first packets, and whether it came to its end."""

    packets: list[bytes] = field(default_factory=lambda: [b""])
    ended: bool = False

    def add(self, table: bytes, body: bytes) -> None:
        """Add the segments of a page; one that is shorter than 255 bytes ends a packet."""
        place = 0
        for size in table:
            if len(self.packets) > _FIRST:
                return
            self.packets[-1] += body[place : place + size]
            if len(self.packets[-1]) > MAX_PIECE:
                raise DamagedError("its comments are too large")
            place += size
            if size < 0xFF:  # noqa: PLR2004 (the largest octet)
                self.packets.append(b"")


def read_ogg(source: Source, found: Metadata) -> None:
    """Enter the comments and packets of an Ogg file. Raises DamagedError."""
    streams: dict[bytes, _Stream] = {}
    place = 0
    for _ in range(MAX_STEPS):
        head = source.peek(place, _PAGE + 0xFF)
        if not head.strip(b"\0"):
            break
        if head[:4] != b"OggS" or len(head) < _PAGE:
            raise DamagedError("a page of it is none, or it ends early")
        table = head[_PAGE : _PAGE + head[26]]
        size = sum(table)
        if len(table) < head[26] or place + _PAGE + len(table) + size > source.size:
            raise DamagedError(_ENDS_EARLY)
        stream = streams.setdefault(head[14:18], _Stream())
        if len(stream.packets) <= _FIRST:
            stream.add(table, source.read(place + _PAGE + len(table), size))
        stream.ended |= bool(head[5] & _LAST)
        place += _PAGE + len(table) + size
    else:
        raise DamagedError("more pages than are read")
    if not all(stream.ended for stream in streams.values()):
        raise DamagedError(_ENDS_EARLY)
    for stream in streams.values():
        _stream_comments(stream, found)
    packets.scan(source, found)


def _stream_comments(stream: _Stream, found: Metadata) -> None:
    first = stream.packets[0]
    for packet in stream.packets[1:_FIRST]:
        if first.startswith(b"Speex   "):
            _comments(packet, found)
            return
        if first.startswith(b"\x7fFLAC") and packet[:1] and packet[0] & 0x7F == _FLAC_COMMENT:
            _comments(packet[4:], found)
        for head, start in _HEADS:
            if packet.startswith(head):
                _comments(packet[start:], found)


# -- MP3

_HEAD: Final = 10
_UNSYNCHRONISED: Final = 0x80
#: Frames with texts about rights: of ID3v2.2, and of the versions after it. Those with a language before the text.
_FRAMES: Final = frozenset((b"TCR", b"COM", b"TXX", b"TCOP", b"COMM", b"USER", b"TXXX", b"TOWN"))
_WITH_LANGUAGE: Final = frozenset((b"COM", b"COMM", b"USER"))
#: Flags of frames that are packed or encrypted, by version.
_CLOSED: Final = {2: 0, 3: 0xC0, 4: 0x0C}
_ENCODINGS: Final = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_LIMIT: Final = 32 << 20
#: The first version, and how long its names and sizes are; its frames have no flags.
_OLDEST, _OLD = 2, 3
_SYNCSAFE: Final = 4  # the version from which sizes of frames leave the first bit of each octet free


def read_mpeg(source: Source, found: Metadata) -> None:
    """Enter the tags and packets of an MP3 file, or what else carries ID3. Raises DamagedError."""
    start = 0
    while source.peek(start, 3) == b"ID3":  # a second tag may follow the first
        head = source.read(start, _HEAD)
        size = _safe(head[6:])
        if start + _HEAD + size > source.size or size > _LIMIT:
            raise DamagedError(_ENDS_EARLY if size <= _LIMIT else "its ID3 tag is too large")
        data = source.read(start + _HEAD, size)
        _frames(head, data.replace(b"\xff\0", b"\xff") if head[5] & _UNSYNCHRONISED else data, found)
        start += _HEAD + size + (_HEAD if head[5] & 0x10 else 0)
    _check_length(source, start)
    _old_tags(source, found)
    packets.scan(source, found)


def _safe(data: bytes) -> int:
    return sum((octet & 0x7F) << 7 * place for place, octet in enumerate(reversed(data)))


def _frames(head: bytes, data: bytes, found: Metadata) -> None:
    version = head[3]
    if head[5] & 0x40 and version > _OLDEST:  # an extended header
        skipped = _safe(data[:4]) if version >= _SYNCSAFE else int.from_bytes(data[:4]) + 4
        data = data[skipped:]
    for name, flags, body in _cut(data, version, found):
        if name not in _FRAMES or len(body) < 2:  # noqa: PLR2004 (an encoding and a letter)
            continue
        if flags & _CLOSED.get(version, 0):
            found.trouble.append("a frame of its ID3 tag is packed or encrypted")
            continue
        if version == _SYNCSAFE:
            body = _plain(body, flags)  # noqa: PLW2901 (the same, as it was meant)
        text = body[4:] if name in _WITH_LANGUAGE else body[1:]
        words = text.decode(_ENCODINGS[min(body[0], 3)] if body else "utf-8", "replace")
        found.add_text(words.replace("\0", " ").replace("\ufeff", ""), f"/id3-{name.decode().lower()}")


def _plain(body: bytes, flags: int) -> bytes:
    """Undo what flags of ID3v2.4 say: the length is said again, octets were put in."""
    body = body[4:] if flags & 1 else body
    return body.replace(b"\xff\0", b"\xff") if flags & 2 else body


def _cut(data: bytes, version: int, found: Metadata) -> Iterator[tuple[bytes, int, bytes]]:
    wide, head = (_OLD, 2 * _OLD) if version == _OLDEST else (4, _HEAD)
    place = 0
    while len(data) - place >= head and data[place : place + wide].strip(b"\0"):
        name, number = data[place : place + wide], data[place + wide : place + 2 * wide]
        size = _safe(number) if version >= _SYNCSAFE else int.from_bytes(number)
        if not name.isalnum() or place + head + size > len(data):
            found.trouble.append("its ID3 tag is damaged")
            return
        flags = 0 if version == _OLDEST else data[place + 9]
        yield name, flags, data[place + head : place + head + size]
        place += head + size


def _check_length(source: Source, start: int) -> None:
    """Hold the length that encoders write into the first frame against the file. Raises DamagedError."""
    frame = source.peek(start, 200)
    if not frame:
        raise DamagedError(_ENDS_EARLY)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if frame[:1] != b"\xff" or at < 0 or len(frame) < at + 16:
        return
    flags, place = frame[at + 7], at + 8
    place += 4 if flags & 1 else 0
    if flags & 2 and start + int.from_bytes(frame[place : place + 4]) > source.size:
        raise DamagedError(_ENDS_EARLY)


def _old_tags(source: Source, found: Metadata) -> None:
    """Enter the comments of ID3v1 and APEv2, which stand at the end."""
    end = source.size
    tail = source.peek(max(end - 128, 0), 128)
    if len(tail) == 128 and tail.startswith(b"TAG"):  # noqa: PLR2004 (ID3v1 is as long as this)
        found.add_text(tail[97:127], "/id3v1-comment")
        end -= 128
    foot = source.peek(max(end - 32, 0), 32)
    if not foot.startswith(b"APETAGEX"):
        return
    size, count = (int.from_bytes(foot[place : place + 4], "little") for place in (12, 16))
    if size > MAX_PIECE or size > end:
        raise DamagedError("its APE tag is damaged")
    data, place = source.read(end - size, size), 0
    for _ in range(min(count, len(data))):
        length = int.from_bytes(data[place : place + 4], "little")
        name, _, rest = data[place + 8 :].partition(b"\0")
        if name.decode("latin-1").strip().casefold() in _ABOUT_RIGHTS:
            found.add_text(rest[:length], f"/ape-{name.decode('latin-1').casefold()}")
        place += 8 + len(name) + 1 + length
