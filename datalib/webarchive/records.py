"""Records of web archives: WARC (ISO 28500; 1.0, 1.1 and older) and ARC, plain, in gzip members or in Zstandard frames.

Nothing in an archive stops the reading of it. A record that is damaged, cut off, too large or longer than its member
comes out with its ``trouble``, and the reading goes on with the next record that can be found. Records that stand
inside of the bytes that such a record claims come out too, each with trouble: nobody can tell what they are. Memory is
bounded by ``MAX_BLOCK``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from datalib.webarchive import frames
from datalib.webarchive.frames import Frames
from datalib.webarchive.heads import NO_FIELDS, Head, arc_head, warc_head
from datalib.webarchive.window import Members, StreamError, Window

#: A record with a larger block, or a longer header, is not read.
MAX_BLOCK: Final = 64 << 20
MAX_HEAD: Final = 1 << 16

_LINE_ENDS: Final = re.compile(rb"[\r\n]*")
_VERSION: Final = re.compile(rb"WARC/\d")
_VERSION_CUT: Final = re.compile(rb"WARC/\d|W?A?R?C?/?$")
_MARK: Final = re.compile(rb"\nWARC/\d")
_FIRST: Final = b"WARC/1"
_HEAD_END: Final = re.compile(rb"\r\n\r\n|\n\n")
_EMPTY_LINE: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\nContent-Length: (\d{1,18})\r\n", re.IGNORECASE)
_ARC_LINE: Final = 1 << 13
_SCHEME_CUT: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*(?::|$)")
_START: Final = 64


class Trouble(StrEnum):
    """Why a record is not what it should be."""

    NONE = ""
    DAMAGED = "damaged"
    CUT = "cut"  # the archive ends here, or nothing that can be read follows
    LARGE = "large"
    CLOSED = "closed"  # packed with a dictionary


class Packing(StrEnum):
    """What the records of an archive are packed in, by the end of its name."""

    NONE = ""
    GZIP = "gz"
    ZSTD = "zst"


#: How what is packed begins.
SIGNS: Final = {
    Packing.GZIP: (b"\x1f\x8b",), Packing.ZSTD: (frames.MAGIC, frames.DICTIONARY), Packing.NONE: (),
}  # fmt: skip


class Extent(NamedTuple):
    """Where the bytes of a record lie: ``start`` to ``end`` in the file.

    Where it shares a gzip member or a frame with others, these are of that, and ``inner`` says where in what it holds;
    ``end`` is then not known.
    """

    start: int
    end: int
    inner: tuple[int, int] | None = None


class Record(NamedTuple):
    """A record. ``place`` names it in its file: the offset, with ``+N`` where it is not first in its gzip member.

    ``kind``: WARC-Type in lower case; of ARC ``response``, or ``warcinfo`` for what is said of the file. ``date``: as
    it is written. ``fields``: the header by names in lower case. ``plain``: no check sum round it vouches for it.
    """

    place: str
    extent: Extent
    kind: str = ""
    url: str = ""
    date: str = ""
    fields: Mapping[bytes, bytes] = NO_FIELDS
    block: bytes = b""
    trouble: Trouble = Trouble.NONE
    plain: bool = False


def read_records(
    pull: Callable[[], bytes], *, without: frozenset[str] = frozenset(), packed: Packing = Packing.NONE
) -> Iterator[Record]:
    """Read the records of an archive. ``pull`` gives its bytes, b"" at the end.

    ``packed``: what it is called to be, which counts where its beginning does not tell. Sound records of the kinds in
    ``without`` are left out. An archive without any record is one with trouble.
    """
    source = Window(pull)
    source.have(_START)
    packed = packing_of(source.data) or (Packing.NONE if _starts(source.data) else packed)
    some = False
    for record in _of_members(members_of(source, packed), without) if packed else _Walk(source, None).records():
        some = True
        if record is not None and (record.trouble or record.kind not in without):
            yield record
    if not some:
        yield Record(place="0", trouble=Trouble.CUT, extent=Extent(start=0, end=0))


def packing_of(data: bytes) -> Packing:
    """Say what a file is packed in, by its beginning."""
    return next((packing for packing, signs in SIGNS.items() if data.startswith(signs)), Packing.NONE)


def members_of(source: Window, packed: Packing) -> Members:
    """Give the members of a packed file, a record in each, if they are as they should be."""
    return Frames(source, _starts, _size) if packed is Packing.ZSTD else Members(source, _starts)


def _size(begun: bytes) -> int | None:
    """Say how long a WARC record is that begins so, its header with it; 0 where nobody knows, None where not yet."""
    found = _HEAD_END.search(begun, 0, MAX_HEAD)
    if not _VERSION.match(begun):
        return None if len(begun) < len(_FIRST) and _FIRST.startswith(begun) else 0
    if not found:
        return None if len(begun) < MAX_HEAD else 0
    return found.end() + (warc_head(begun[: found.start()]).length or 0)


def _starts(data: bytes) -> bool:
    return bool(_VERSION.match(data)) or arc_head(data.partition(b"\n")[0]) is not None


def _of_members(members: Members, without: frozenset[str]) -> Iterator[Record | None]:
    """Read the records of members; None stands for one that is left out."""
    kinds = "|".join(map(re.escape, sorted(without))) or "(?!)"
    unwanted = re.compile(rb"WARC/1\.[01]\r\nWARC-Type: (?:%s)\r\n" % kinds.encode())
    while True:
        start = members.place
        try:
            begun = members.begin()
        except StreamError as error:
            trouble = Trouble.CLOSED if error.closed else Trouble.CUT if error.cut else Trouble.DAMAGED
            yield Record(place=str(start), trouble=trouble, extent=Extent(start=start, end=start))
            continue
        if begun is None:
            return
        data, size = members.at_once()
        if unwanted.match(data) and _is_only(data):
            members.pass_over(size)
            yield None
            continue
        record = _only_record(data, Extent(begun, begun + size), plain=not members.checked)
        if record:
            members.pass_over(size)
            yield record
        else:
            for found in _Walk(Window(members.pull), members, begun).records():
                yield found._replace(plain=not members.checked)


def _is_only(data: bytes) -> bool:
    """Say whether what a member holds is one record by its length, without reading more of its header."""
    behind = data.find(_EMPTY_LINE, 0, MAX_HEAD)
    found = _LENGTH.findall(data, 0, behind + 2)
    if len(found) != 1:
        return False
    end = behind + len(_EMPTY_LINE) + int(found[0])
    return end <= len(data) and not data[end:].strip(b"\r\n")


def _only_record(data: bytes, extent: Extent, *, plain: bool) -> Record | None:
    """Read what a whole member holds if it is one sound record of WARC, as nearly all are; else None."""
    behind = data.find(_EMPTY_LINE, 0, MAX_HEAD)
    if behind < 0 or data[:5] != b"WARC/":
        return None
    kind, url, date, fields, length = warc_head(data[:behind])
    first = behind + len(_EMPTY_LINE)
    if length is None or length > MAX_BLOCK or data[first + length :].strip(b"\r\n") or first + length > len(data):
        return None
    block = data[first : first + length]
    return Record(str(extent.start), extent, kind, url, date, fields, block, Trouble.NONE, plain)


class _Walk:
    """The records of a plain archive, or of one gzip member."""

    def __init__(self, window: Window, members: Members | None, start: int = 0) -> None:
        self._window = window
        self._members = members
        self._start = start
        self._arc = False
        self._doubt = 0
        self._record: Record | None = None

    def records(self) -> Iterator[Record]:
        window = self._window
        try:
            if self._pass_line_ends():
                window.have(_START)
                self._arc = not _VERSION.match(window.data, window.at)
            while self._pass_line_ends():
                yield self._read()
        except StreamError as error:
            trouble = Trouble.CUT if error.cut else Trouble.DAMAGED
            yield (self._record or self._begin(window.place))._replace(trouble=trouble)

    def _pass_line_ends(self) -> bool:
        """Go to what follows line ends; say whether there is anything."""
        window = self._window
        self._record = None
        while True:
            window.at = _end_of_lines(window.data, window.at)
            if window.at < len(window.data):
                return True
            if not window.have(1):
                return False

    def _begin(self, place: int) -> Record:
        """Give a record of which nothing is known but its place."""
        if self._members is None:
            return Record(place=str(place), extent=Extent(start=place, end=place), plain=True)
        inner = f"+{place}" if place else ""
        return Record(place=f"{self._start}{inner}", extent=Extent(start=self._start, end=self._start))

    def _read(self) -> Record:
        """Read one record and go to where the next one begins."""
        window, place = self._window, self._window.place
        self._record = record = self._begin(place)
        head = self._head()
        if head is None:
            window.at += 1
            return record._replace(trouble=Trouble.DAMAGED if self._seek() or self._members else Trouble.CUT)
        self._record = record = record._replace(kind=head.kind, url=head.url, date=head.date, fields=head.fields)
        if head.length is None or place < self._doubt:
            self._seek()
            return record._replace(trouble=Trouble.DAMAGED)
        if head.length > MAX_BLOCK:
            return self._passed_over(record, head.length)
        begun, whole = window.place, window.have(head.length)
        if whole and self._fits(head.length):
            block = window.data[window.at : window.at + head.length]
            window.at = _end_of_lines(window.data, window.at + head.length)
            return record._replace(block=block, extent=self._extent(place))
        self._doubt = begun + head.length
        self._seek()
        return record._replace(trouble=Trouble.DAMAGED if whole or self._members else Trouble.CUT)

    def _passed_over(self, record: Record, length: int) -> Record:
        """Pass over a block that is too large to be held."""
        if not self._window.skip(length):
            return record._replace(trouble=Trouble.CUT)
        if self._fits(0):
            return record._replace(trouble=Trouble.LARGE)
        self._seek()
        return record._replace(trouble=Trouble.DAMAGED)

    def _fits(self, length: int) -> bool:
        """Say whether the end of the archive or another record follows behind so many bytes."""
        window = self._window
        window.have(length + (_ARC_LINE if self._arc else _START))
        end = _end_of_lines(window.data, window.at + length)
        if end == len(window.data):
            return True
        line, newline, _ = window.data[end : end + _ARC_LINE].partition(b"\n")
        if not newline and window.ended:  # which is cut off: the next record, as far as can be told
            return (_SCHEME_CUT if self._arc else _VERSION_CUT).match(line) is not None
        begins = arc_head(line) is not None if self._arc else _VERSION.match(line) is not None
        return begins and end > window.at + length

    def _extent(self, place: int) -> Extent:
        """Give the extent of a record behind which the window stands."""
        window = self._window
        if self._members is None:
            return Extent(start=place, end=window.place)
        if not place and not window.have(1):
            return Extent(start=self._start, end=self._members.place)
        return Extent(start=self._start, end=self._start, inner=(place, window.place))

    def _head(self) -> Head | None:
        """Read a header and go behind it; None where there is none, then the window stays where it is."""
        window = self._window
        if self._arc:
            window.have(_ARC_LINE)
            line, newline, _ = window.data[window.at : window.at + _ARC_LINE].partition(b"\n")
            arc = arc_head(line) if newline else None
            window.at += len(line) + 1 if arc else 0
            return arc
        if not _VERSION.match(window.data, window.at):
            window.have(_START)
            if not _VERSION.match(window.data, window.at):
                return None
        end, size = self._head_end()
        if end < 0:
            return None
        head = warc_head(window.data[window.at : end])
        window.at = end + size
        return head

    def _head_end(self) -> tuple[int, int]:
        """Find the empty line behind a header, and how long its ends are; -1 where there is none in reach."""
        window = self._window
        for size in (0, MAX_HEAD):
            window.have(size)
            first = window.data.find(b"\n", window.at, window.at + _START)
            mark = b"\n\n" if first > 0 and window.data[first - 1 : first] != b"\r" else b"\r\n\r\n"
            end = window.data.find(mark, window.at, window.at + MAX_HEAD)
            if end >= 0:
                return end, len(mark)
        return -1, 0

    def _seek(self) -> bool:
        """Go to the next beginning of a record, or to the end. Raises StreamError."""
        window = self._window
        while True:
            found, rest = self._find()
            if found >= 0:
                window.at = found
                return True
            window.at = max(window.at, rest)
            if not window.have(len(window.data) - window.at + 1):
                window.at = len(window.data)
                return False

    def _find(self) -> tuple[int, int]:
        """Find the beginning of a record in what is at hand; else say from where on to look again."""
        data, at = self._window.data, max(self._window.at - 1, 0)
        if not self._arc:
            found = _MARK.search(data, at)
            return (found.start() + 1 if found else -1), len(data) - len(b"\nWARC/")
        while (begin := data.find(b"\n", at) + 1) > 0:
            end = data.find(b"\n", begin)
            if end < 0 and len(data) - begin < _ARC_LINE and not self._window.ended:
                return -1, begin - 1
            if 0 < end <= begin + _ARC_LINE and arc_head(data[begin:end]):
                return begin, 0
            at = begin
        return -1, len(data)


def _end_of_lines(data: bytes, at: int) -> int:
    found = _LINE_ENDS.match(data, at)
    return found.end() if found else at
