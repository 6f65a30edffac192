"""Where the URLs of a batch point: their origins and the targets their rules are matched against, a column at a time.

``place_of`` is the definition: the WHATWG URL standard, through ``can_ada``. ``places_of`` gives the same answers for
a whole column: URLs whose spelling cannot be changed by the standard are cut where they lie, the others go through
``place_of`` one by one. A test holds the two together.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import can_ada
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]
Hashes = NDArray[np.uint64]

#: Spare zero bytes behind a buffer, so that the first words of a span can be read at any position in it.
PAD = 64
#: Spans up to this length are handled as whole columns of words.
SHORT = 32
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_TAIL = np.array([(1 << 8 * n) - 1 for n in range(8)] + [0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
_SHIFT = np.uint64(32)
WORD = 8

# What the standard leaves as it is: a lower-case host whose last label begins with a letter (no IPv4), without
# punycode labels, port or credentials; a path without dot segments, also percent-encoded ones; a query; no fragment.
_L = "[a-z0-9_-]"
_LABEL = f"(?:[a-wyz0-9_-]{_L}*|x|x[a-mo-z0-9_-]{_L}*|xn|xn[a-z0-9_]{_L}*|xn-|xn-[a-z0-9_]{_L}*)"
_LAST = f"(?:[a-wyz]{_L}*|x|x[a-mo-z0-9_-]{_L}*|xn|xn[a-z0-9_]{_L}*|xn-|xn-[a-z0-9_]{_L}*)"
_FIRST = r"[A-Za-z0-9!$&'()*+,:;=@\[\]_|~-]"
_SEGMENT = rf"(?:{_FIRST}[A-Za-z0-9!$%&'()*+,:;=@\[\]_|~.-]*)?"
_QUERY = r"[A-Za-z0-9!$%&()*+,:;=@\[\]_|~./?-]*"
_PLAIN = rf"^https?://(?:{_LABEL}\.)+{_LAST}(?:/{_SEGMENT})+(?:\?{_QUERY})?$"
_LONGEST_PLAIN = 1 << 16


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

    Rows with a fault have ``start == cut == end``. ``data`` ends in ``PAD`` zero bytes.
    """

    data: Bytes
    start: Positions
    cut: Positions
    end: Positions
    fault: NDArray[np.uint8]


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
    plain = pc.fill_null(pc.match_substring_regex(urls, _PLAIN), fill_value=False).to_numpy(zero_copy_only=False)
    plain &= end - start < _LONGEST_PLAIN
    odd = np.flatnonzero(~plain)
    fault = np.zeros(len(plain), dtype=np.uint8)
    cut = start.copy()
    _cut_plain(texts, start, cut, np.flatnonzero(plain) if odd.size else slice(None))
    extra: list[bytes] = []
    base = len(texts)
    for row, place in zip(odd.tolist(), (place_of(url) for url in _texts(urls.take(pa.array(odd)))), strict=True):
        if isinstance(place, Fault):
            fault[row] = place
            start[row] = cut[row] = end[row] = 0
            continue
        origin, target = place.origin.encode(), place.target.encode()
        start[row], cut[row] = base, base + len(origin)
        base = end[row] = base + len(origin) + len(target)
        extra += (origin, target)
    data = np.concatenate([texts, np.frombuffer(b"".join(extra) + bytes(PAD), dtype=np.uint8)])
    return Places(data=data, start=start, cut=cut, end=end, fault=fault)


def first_words(data: Bytes, start: Positions, length: Positions) -> list[Hashes]:
    """Give the first ``SHORT`` bytes of each span as words, zero where the span has ended."""
    words = word_view(data)
    return [
        words[start + step if step else start] & _TAIL[np.clip(length - step, 0, WORD)]
        for step in range(0, SHORT, WORD)
    ]


def hash_spans(data: Bytes, start: Positions, length: Positions, *, seed: int, words: list[Hashes]) -> Hashes:
    """Hash the spans to 64 bits, given their first words. Not cryptographic: who looks up must compare the bytes."""
    result = (length.astype(np.uint64) + np.uint64(seed)) * _MULTIPLIER
    for word in words:
        result ^= word
        result *= _MULTIPLIER
        result ^= result >> _SHIFT
    view = word_view(data)
    for step in range(SHORT, int(length.max(initial=0)), WORD):
        rows = np.flatnonzero(length > step)
        word = view[start[rows] + step] & _TAIL[np.minimum(length[rows] - step, WORD)]
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


def _cut_plain(texts: Bytes, start: Positions, cut: Positions, rows: Any) -> None:
    """Find the third slash of plain URLs: the host lies between ``//`` and the next ``/``."""
    slashes = np.flatnonzero(texts == ord("/"))
    if slashes.size:
        after_scheme = start[rows] + len("https://")  # one further for http://, whose host is never empty
        cut[rows] = slashes[np.minimum(np.searchsorted(slashes, after_scheme), slashes.size - 1)]


def _texts(urls: Any) -> list[str | None]:
    try:
        texts: list[str | None] = urls.to_pylist()
    except UnicodeDecodeError:  # a file may lie about its text
        texts = [raw.decode("utf-8", "replace") for raw in urls.cast(pa.large_binary()).to_pylist()]
    return texts
