"""A stream of bytes, as much of it at hand as is needed, and the members of a gzip file as such streams."""

from collections.abc import Callable, Iterator
from typing import Final

from isal import isal_zlib

#: Bytes that come out of a compressed stream at once.
PIECE: Final = 1 << 20
_BROKEN: Final[type[Exception]] = isal_zlib.error  # type: ignore[assignment]  # its stub calls it a value
_MAGIC: Final = b"\x1f\x8b\x08"
_RESERVED: Final = 0xE0
_HEAD: Final = 10
#: Most members are small: a first taste that is larger would only be handed back.
_TASTE: Final = 1 << 14
_BITE: Final = 1 << 16
#: Compressed bytes of a member that are kept, to look for the next one in them when it is damaged.
_KEPT: Final = 1 << 20
#: What looks like the beginning of a member is tried so often in one file, with so many bytes.
_TRIES: Final = 1 << 16
_TRIED: Final = 1 << 12


class StreamError(Exception):
    """A stream cannot be read on. ``cut``: nothing that could be read follows.

    ``closed``: it is not damaged, but packed with what is not at hand.
    """

    def __init__(self, detail: str, *, cut: bool = False, closed: bool = False) -> None:
        super().__init__(detail)
        self.cut = cut
        self.closed = closed


class Window:
    """A stream: ``data[at:]`` is what comes next of it, ``base + at`` bytes came before. ``pull`` gives b"" at its end.

    After a StreamError the stream has ended.
    """

    __slots__ = ("_pull", "at", "base", "data", "ended")

    def __init__(self, pull: Callable[[], bytes]) -> None:
        self._pull = pull
        self.data = b""
        self.at = self.base = 0
        self.ended = False

    @property
    def place(self) -> int:
        """How many bytes came before."""
        return self.base + self.at

    def have(self, size: int) -> bool:
        """Have so many bytes at hand, or all that are left. Raises StreamError."""
        missing = size - (len(self.data) - self.at)
        if missing <= 0:
            return True
        parts = [self.data[self.at :]]
        try:
            while missing > 0 and not self.ended:
                self.ended = True
                piece = self._pull()
                self.ended = not piece
                parts.append(piece)
                missing -= len(piece)
        finally:
            self.base += self.at
            self.data, self.at = b"".join(parts), 0
        return missing <= 0

    def skip(self, size: int) -> bool:
        """Pass over so many bytes, without holding them; say whether there were so many. Raises StreamError."""
        while size > len(self.data) - self.at:
            size -= len(self.data) - self.at
            self.at = len(self.data)
            if not self.have(1):
                return False
        self.at += size
        return True


class Members:
    """The members of a gzip file (RFC 1952), one after the other; check sums are checked.

    ``starts`` says whether what a member holds begins as it must: only such a one is taken for the next member when
    another is damaged. ``checked``: a check sum vouches for all that was read of the member.
    """

    magic = _MAGIC

    def __init__(self, source: Window, starts: Callable[[bytes], bool]) -> None:
        self.checked = True
        self._source = source
        self._starts = starts
        self._inflate: Iterator[bytes] | None = None
        self._dropped = False
        self._tries = _TRIES

    def begin(self) -> int | None:
        """Begin the next member; give its place, or None at the end of the file.

        Raises StreamError where there are bytes that are no member; the next one can be begun unless ``cut``.
        """
        source = self._source
        source.have(_TASTE)
        while source.data.startswith(b"\0", source.at):  # padding of tapes
            rest = source.data[source.at :]
            source.at += len(rest) - len(rest.lstrip(b"\0"))
            source.have(_TASTE)
        if source.at == len(source.data):
            return None
        if not source.data.startswith(_MAGIC, source.at):
            raise self._lost("not the beginning of a gzip member")
        self._dropped = False
        self._inflate = self._inflated()
        return source.place

    @property
    def place(self) -> int:
        """How far the file was read: where a member that came to its end ends."""
        return self._source.place

    def pull(self) -> bytes:
        """Give the next bytes of the member, b"" behind its last. Raises StreamError."""
        if self._inflate is None:
            return b""
        piece = next(self._inflate, b"")
        if not piece:
            self._inflate = None
        return piece

    def at_once(self) -> tuple[bytes, int]:
        """Give all that a small member holds, its check sum being right, and its size; b"" and 0 where that cannot be.

        It stays to be read, or is passed over by its size.
        """
        source = self._source
        inflate = isal_zlib.decompressobj(31)
        view, place = memoryview(source.data), source.at
        data = b""
        try:
            for bite in (_TASTE, _BITE):
                data += inflate.decompress(view[place : place + bite], PIECE)
                place = min(place + bite, len(view))
                if inflate.eof:
                    return data, place - len(inflate.unused_data) - source.at
                if inflate.unconsumed_tail:
                    break
        except _BROKEN:
            pass
        return b"", 0

    def pass_over(self, size: int) -> None:
        """Pass over a member of this size."""
        self._inflate = None
        self._source.at += size

    def _inflated(self) -> Iterator[bytes]:
        source, fed, bite = self._source, 0, _TASTE
        inflate = isal_zlib.decompressobj(31)
        tail: bytes | memoryview = b""
        while not inflate.eof:
            whole = True
            if not tail:
                if fed > _KEPT:
                    source.at, fed, self._dropped = source.at + fed, 0, True
                whole = source.have(fed + 1)
                tail = memoryview(source.data)[source.at + fed : source.at + fed + bite] if whole else b""
                fed, bite = fed + len(tail), _BITE
            try:
                piece = inflate.decompress(tail, PIECE)
            except _BROKEN as error:
                raise self._lost(str(error)) from None
            tail = inflate.unconsumed_tail
            if piece:
                yield piece
            elif not whole and not inflate.eof:
                raise self._lost("the file ends within a gzip member")
        source.at += fed - len(inflate.unused_data)

    def _lost(self, detail: str) -> StreamError:
        """Look for the next member behind the beginning of this one, or from where its bytes are still at hand."""
        self._inflate = None
        source = self._source
        source.at += 0 if self._dropped else 1
        while self._tries:
            found = source.data.find(self.magic, source.at)
            if found < 0:
                source.at = max(source.at, len(source.data) - len(self.magic) + 1)
                if not source.have(len(self.magic)):
                    break
                continue
            source.at = found
            source.have(_TRIED)
            if self._is_member():
                return StreamError(detail)
            source.at += 1
        return self._ended(detail)

    def _ended(self, detail: str, *, closed: bool = False) -> StreamError:
        """Read no more of the file."""
        source = self._source
        source.at, source.ended = len(source.data), True
        return StreamError(detail, cut=True, closed=closed)

    def _is_member(self) -> bool:
        source = self._source
        head = source.data[source.at : source.at + _TRIED]
        if len(head) < _HEAD or head[3] & _RESERVED:
            return False
        self._tries -= 1
        try:
            return self._starts(isal_zlib.decompressobj(31).decompress(head, _TRIED))
        except _BROKEN:
            return False
