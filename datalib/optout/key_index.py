"""An index over the decisions of a scan: by it a work is shown to be, or not to be, among them.

A record is a key and a place, eight bytes each, most significant first. The key is the beginning of
SHA-256(``work``, 00, id) or SHA-256(``url``, 00, URL), the place the number of the leaf of the decisions times 64 and
the line in it. Records are sorted and bound by an RFC 6962 root, 64 of them a leaf. A URL that is absent has no record
with its key, or only records that lead to decisions about something else: keys are short, so both are looked at.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from datalib.merkle import RootBuilder
from datalib.optout.outputs import replacing
from datalib.optout.sections import Name, SectionWriter, section_of
from datalib.optout.urls import spans_of

NAME: Final = "index.bin"
LEAF: Final = 64  # records
RECORD: Final = np.dtype([("key", ">u8"), ("place", ">u8")])
LEAF_BYTES: Final = LEAF * RECORD.itemsize
_KEY_BYTES: Final = 8
_END: Final = 1 << 64
#: Records that are sorted in memory at a time.
MAX_SORTED: Final = 1 << 20

Kind = Literal["work", "url"]
Numbers = NDArray[np.uint64]


def key_of(kind: Kind, text: str) -> int:
    """Give the key of a work's id or URL."""
    return int.from_bytes(sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()[:_KEY_BYTES])


def keys_of(kind: Kind, column: Any, first: int) -> tuple[Numbers, Numbers]:
    """Give keys and places of a column of texts whose rows are numbered from ``first``. What is empty has none."""
    texts, start, end = spans_of(column)
    data, head = texts.tobytes(), kind.encode() + b"\0"
    rows = np.flatnonzero(end > start)
    spans = zip(start[rows].tolist(), end[rows].tolist(), strict=True)
    found = b"".join([sha256(head + data[a:b]).digest()[:_KEY_BYTES] for a, b in spans])
    return np.frombuffer(found, dtype=">u8").astype(np.uint64), (rows + first).astype(np.uint64)


def write_keys(out: SectionWriter, parts: Sequence[tuple[Numbers, Numbers]]) -> None:
    """Write keys of a shard, sorted, and then their places."""
    none = np.zeros(0, dtype=np.uint64)
    keys, places = (np.concatenate([none, *side]) for side in zip(*parts, strict=True)) if parts else (none, none)
    order = _order(keys, places)
    with out.section(Name.KEYS) as file:
        file.write(keys[order].tobytes())
        file.write(places[order].tobytes())


def write_index(path: Path, shards: Iterable[tuple[Path, int]]) -> dict[str, Any]:
    """Merge the keys of shards, each with the number of its first leaf, into the index; describe it for ``scan.json``.

    Memory does not grow with the number of works.
    """
    builder, entries, rest = RootBuilder(), 0, b""
    with replacing(path) as temporary, temporary.open("wb") as file:
        for block in _merged([_read_keys(keys, leaf) for keys, leaf in shards]):
            file.write(block)
            entries += len(block) // RECORD.itemsize
            rest += block
            whole = len(rest) // LEAF_BYTES * LEAF_BYTES
            builder.extend(leaves_of(rest[:whole]))
            rest = rest[whole:]
        builder.extend(leaves_of(rest))
    return {"entries": entries, "leaf_entries": LEAF, "leaves": builder.size, "root": builder.root().hex()}


def leaves_of(data: bytes) -> Iterator[bytes]:
    """Cut records into leaves."""
    return (data[start : start + LEAF_BYTES] for start in range(0, len(data), LEAF_BYTES))


def _read_keys(path: Path, leaf: int) -> tuple[Numbers, Numbers, int]:
    """Map keys and places; the places begin behind those of earlier shards."""
    keys, places = np.split(np.frombuffer(section_of(path, Name.KEYS).mapped(), dtype=np.uint64), 2)
    return keys, places, leaf * LEAF


def _merged(parts: Sequence[tuple[Numbers, Numbers, int]], low: int = 0, high: int = _END) -> Iterator[bytes]:
    """Give the records with keys from ``low`` to below ``high`` in their order, in blocks."""
    cuts = [(_place(keys, low), _place(keys, high)) for keys, _, _ in parts]
    count = sum(stop - start for start, stop in cuts)
    if count > MAX_SORTED and high - low > 1:
        middle = (low + high) // 2
        yield from _merged(parts, low, middle)
        yield from _merged(parts, middle, high)
        return
    found = zip(parts, cuts, strict=True)
    pieces = [(keys[a:b], places[a:b], base) for (keys, places, base), (a, b) in found if b > a]
    if count > MAX_SORTED:  # one key: its places ascend from shard to shard
        for keys, places, base in pieces:
            for start in range(0, len(keys), MAX_SORTED):
                yield _records(keys[start : start + MAX_SORTED], places[start : start + MAX_SORTED] + np.uint64(base))
    elif pieces:
        keys = np.concatenate([piece[0] for piece in pieces])
        places = np.concatenate([piece[1] + np.uint64(piece[2]) for piece in pieces])
        order = _order(keys, places)
        yield _records(keys[order], places[order])


def _order(keys: Numbers, places: Numbers) -> NDArray[np.int64]:
    """Sort by key, then by place. Places of one key ascend as they come, all but always: then one sort is enough."""
    order = np.argsort(keys, kind="stable")
    alike = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    if (places[order[alike]] > places[order[alike + 1]]).any():
        return np.lexsort((places, keys))
    return order


def _place(keys: Numbers, bound: int) -> int:
    return len(keys) if bound == _END else int(np.searchsorted(keys, np.uint64(bound)))


def _records(keys: Numbers, places: Numbers) -> bytes:
    made = np.empty(len(keys), dtype=RECORD)
    made["key"], made["place"] = keys, places
    return made.tobytes()


def find(path: Path, key: int) -> tuple[int, int]:
    """Give where the records with a key begin and end in an index."""
    if not path.stat().st_size:
        return 0, 0
    keys = np.memmap(path, dtype=RECORD, mode="r")["key"]
    start = bisect_left(keys, key)
    return start, bisect_left(keys, key + 1, lo=start)


def parse_records(data: bytes) -> list[tuple[int, int]]:
    """Read the records of a leaf, as pairs of key and place."""
    step = _KEY_BYTES
    numbers = [int.from_bytes(data[start : start + step]) for start in range(0, len(data), step)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))
