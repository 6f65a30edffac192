"""Where the URLs of a batch point: their origins and the targets their rules are matched against, a column at a time.

``place_of`` is the definition: the WHATWG URL standard, through ``can_ada``. ``places_of`` gives the same answers for
a whole column: URLs whose origin the standard leaves as it is written are cut where they lie, the others go through
``place_of`` one by one. A test holds the two together.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import can_ada
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]
Hashes = NDArray[np.uint64]

#: Spare zero bytes behind a buffer, so that the first words of a span can be read at any position in it.
PAD = 64
#: Spans up to this length are handled as whole columns of words.
SHORT = 24
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_TAIL = np.array([(1 << 8 * n) - 1 for n in range(8)] + [0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
_SHIFT = np.uint64(32)
WORD = 8

_HIGH = np.uint64(0x8080808080808080)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_ONE = np.uint64(1)
_HYPHENS, _DOTS, _SLASHES = (np.uint64(0x0101010101010101 * octet) for octet in b"-./")
#: Added to octets of ASCII, they set the highest bit from a character on.
_FROM_A, _BEYOND_Z, _FROM_HYPHEN, _BEYOND_9 = (np.uint64(0x0101010101010101 * (128 - o)) for o in b"a{-:")
_HTTPS = np.uint64(int.from_bytes(b"https://", "little"))
_HTTP = np.uint64(int.from_bytes(b"http://", "little"))


class Fault(IntEnum):
    """Why a URL has no place. Each makes the work ``hold``."""

    NONE = 0
    MISSING = 1
    NO_HOST = 2
    SCHEME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one URL points: its origin (scheme, host, port as the standard writes them) and its path with query."""

    origin: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the URLs of a column point: ``data[start:cut]`` is the origin, ``data[cut:end]`` the target of each row.

    The host, with its port, begins at ``head``. Targets stand there as they were written where ``written`` says so:
    ``target`` gives them as the standard does.
    Rows with a fault have ``start == head == cut == end``. ``data`` ends in ``PAD`` zero bytes.
    """

    data: Bytes
    start: Positions
    head: Positions
    cut: Positions
    end: Positions
    fault: NDArray[np.uint8]
    written: NDArray[np.bool_]

    def target(self, row: int) -> bytes:
        """Give the target of a row as the standard writes it."""
        if not self.written[row]:
            return self.data[self.cut[row] : self.end[row]].tobytes()
        place = place_of(self.data[self.start[row] : self.end[row]].tobytes().decode("utf-8", "replace"))
        return place.target.encode() if isinstance(place, Place) else b"/"


def place_of(url: str | None) -> Place | Fault:
    """Give the place of one URL by the WHATWG URL standard, or why it has none."""
    if url is None or not url.strip():
        return Fault.MISSING
    try:
        parsed = can_ada.parse(url)
    except (ValueError, TypeError):  # TypeError: a lone surrogate is no text for the parser
        return Fault.NO_HOST
    if not parsed.hostname:
        return Fault.NO_HOST
    if parsed.protocol not in {"https:", "http:"}:
        return Fault.SCHEME
    return Place(origin=parsed.origin, target=parsed.pathname + parsed.search)


def places_of(urls: Any) -> Places:
    """Give the places of a column of URLs (an Arrow array of strings, nulls allowed)."""
    texts, start, end = spans_of(urls)
    data = np.concatenate([texts, np.zeros(PAD, dtype=np.uint8)])
    head, cut, written = _cut(data, start, end)
    odd = np.flatnonzero(~written)
    fault = np.zeros(len(start), dtype=np.uint8)
    extra: list[bytes] = []
    base = len(data)
    for row, place in zip(odd.tolist(), (place_of(url) for url in _texts(urls.take(pa.array(odd)))), strict=True):
        if isinstance(place, Fault):
            fault[row] = place
            start[row] = head[row] = cut[row] = end[row] = 0
            continue
        origin, target = place.origin.encode(), place.target.encode()
        start[row], head[row], cut[row] = base, base + origin.index(b"//") + 2, base + len(origin)
        base = end[row] = base + len(origin) + len(target)
        extra += (origin, target)
    if extra:
        data = np.concatenate([data, np.frombuffer(b"".join(extra) + bytes(PAD), dtype=np.uint8)])
    return Places(data=data, start=start, head=head, cut=cut, end=end, fault=fault, written=written)


def _cut(data: Bytes, start: Positions, end: Positions) -> tuple[Positions, Positions, NDArray[np.bool_]]:
    """Find beginnings and ends of hosts that the standard leaves as they are, and say which rows have such.

    That is ``http://`` or ``https://``, a host of at most ``SHORT`` lower-case letters, digits, dots and hyphens whose
    last label begins with a letter within the last eight octets (no IPv4 address), without ``--`` (no punycode), and a
    slash. Octets are compared eight at a time.
    """
    words = word_view(data)
    first = words[start]
    secure = first == _HTTPS
    head = start + 7 + secure
    cut = head.copy()
    fine = secure | (first & _TAIL[7] == _HTTP)
    rows: Any = slice(None)
    hyphens = np.zeros(len(start), dtype=np.uint64)
    for _ in range(0, SHORT, WORD):
        word = words[np.minimum(cut[rows], len(words) - 1)]
        stop = _stops(word)
        length = np.bitwise_count((stop & (~stop + _ONE)) - _ONE) >> 3  # all eight where nothing stops
        cut[rows] += length
        hyphens[rows] |= _equal(word, _HYPHENS) & _TAIL[length]
        pending = np.flatnonzero(stop == 0) if isinstance(rows, slice) else rows[stop == 0]
        if not pending.size:
            break
        rows = pending
    fine &= (cut < end) & (cut > head) & (data[np.minimum(cut, len(data) - 1)] == ord("/"))
    tail = words[np.maximum(cut - WORD, 0)]
    dots = _equal(tail, _DOTS)
    fine &= dots != 0
    for step in (8, 16, 32):
        dots |= dots >> np.uint64(step)
    after_last_dot = ((dots >> np.uint64(7)) * np.uint64(255) + _ONE) << np.uint64(7)
    fine &= (tail + _FROM_A) & _HIGH & after_last_dot != 0
    for row in np.flatnonzero(fine & (hyphens != 0)).tolist():
        fine[row] = b"--" not in data[head[row] : cut[row]].tobytes()
    return head, cut, fine


def _stops(word: Hashes) -> Hashes:
    """Mark the octets that are no lower-case letter, digit, dot or hyphen by their highest bits."""
    low = word & _LOW
    letter = (low + _FROM_A) & ~(low + _BEYOND_Z)
    other = (low + _FROM_HYPHEN) & ~(low + _BEYOND_9)
    return (~(letter | other) | word | _equal(word, _SLASHES)) & _HIGH


def _equal(word: Hashes, octets: np.uint64) -> Hashes:
    """Mark the octets that equal those of a constant by their highest bits."""
    bare = word ^ octets
    return ~(((bare & _LOW) + _LOW) | bare | _LOW)


def first_words(data: Bytes, start: Positions, length: Positions) -> list[Hashes]:
    """Give the first ``SHORT`` bytes of each span as words, zero where the span has ended."""
    words = word_view(data)
    return [
        words[start + step if step else start] & _TAIL[np.clip(length - step, 0, WORD)]
        for step in range(0, SHORT, WORD)
    ]


def hash_spans(
    data: Bytes, head: Positions, whole: Positions, length: Positions, *, seed: int, words: list[Hashes]
) -> Hashes:
    """Hash spans to 64 bits, given their first words and a number for each (``whole``, the length with the scheme).

    Not cryptographic: who looks up must compare the bytes.
    """
    result = (whole.astype(np.uint64) + np.uint64(seed)) * _MULTIPLIER
    for word in words:
        result ^= word
        result *= _MULTIPLIER
        result ^= result >> _SHIFT
    view = word_view(data)
    for step in range(SHORT, int(length.max(initial=0)), WORD):
        rows = np.flatnonzero(length > step)
        word = view[head[rows] + step] & _TAIL[np.minimum(length[rows] - step, WORD)]
        mixed = (result[rows] ^ word) * _MULTIPLIER
        result[rows] = mixed ^ (mixed >> _SHIFT)
    result *= _MULTIPLIER
    return result ^ (result >> _SHIFT)


def equal_rest(left: tuple[Bytes, Positions], right: tuple[Bytes, Positions], length: Positions) -> NDArray[np.bool_]:
    """Say for each row whether the two spans of this length are the same after their first words."""
    (a, at), (b, other) = (word_view(left[0]), left[1]), (word_view(right[0]), right[1])
    same = np.ones(len(length), dtype=np.bool_)
    for step in range(SHORT, int(length.max(initial=0)), WORD):
        rows = np.flatnonzero(length > step)
        tail = _TAIL[np.minimum(length[rows] - step, WORD)]
        same[rows] &= (a[at[rows] + step] ^ b[other[rows] + step]) & tail == 0
    return same


def word_view(data: Bytes) -> Hashes:
    """View a buffer as the eight bytes at every position, lowest first; its last ``PAD`` bytes must be spare."""
    return np.ndarray(shape=(len(data) - WORD + 1,), dtype="<u8", buffer=data.data, strides=(1,))


def spans_of(urls: Any) -> tuple[Bytes, Positions, Positions]:
    """Give the bytes of an Arrow string array with the start and end of each row in them."""
    width = np.int64 if pa.types.is_large_string(urls.type) else np.int32
    _, offsets, data = urls.buffers()
    edges = np.frombuffer(offsets, dtype=width)[urls.offset : urls.offset + len(urls) + 1].astype(np.int64)
    if not len(urls) or data is None:
        return np.zeros(0, dtype=np.uint8), edges[:-1] * 0, edges[1:] * 0
    texts = np.frombuffer(data, dtype=np.uint8)[edges[0] : edges[-1]]
    edges -= edges[0]
    return texts, edges[:-1].copy(), edges[1:].copy()


def _texts(urls: Any) -> list[str | None]:
    try:
        texts: list[str | None] = urls.to_pylist()
    except UnicodeDecodeError:  # a file may lie about its text
        texts = [raw.decode("utf-8", "replace") for raw in urls.cast(pa.large_binary()).to_pylist()]
    return texts
