"""The newest event of every library of a log, in one sorted file: found by bisection, proven by its tree, merged.

The file is a header, a record of 112 bytes for each library in the order of library ids, and the roots of every 256
records, so that a proof reads little. It says nothing that the log does not say: it can be made from the entries alone.
Source: datalib trust specification §9, "Heads".
"""

import mmap
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from itertools import pairwise

from datalib.errors import Unchecked
from datalib.library.store import write_all
from datalib.merkle import EMPTY_ROOT, HASH_SIZE, leaf_hash, root_of_hashes
from datalib.trust.entries import PolicyEntry
from datalib.trust.tiles import WIDTH, Edge, Tile, TileTree

CODE = "E-LOG-DAMAGED"

_MAGIC = b"datalib heads 1\n"
_RECORD = 112  # library, event, seq, index in the log, leaf hash
_HEADER = 112  # magic, number of records, version of the policy, its digest, root
_ID = 32
_NUMBER = 8
_LEAF = _RECORD - HASH_SIZE
_CHUNK = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest event of a library: its id, its position in the chain, its index in the log."""

    event: str
    seq: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPath:
    """Where a library stands among the heads, and the path from there to their root."""

    line: str
    index: int
    size: int
    path: list[bytes]


def head_line(lib: str, event: str) -> str:
    """Write the line of a library."""
    return f"{event}  {lib}"


class HeadMap:
    """The heads at one publication. ``policy`` is the last policy of the log. Close it when it is not needed."""

    def __init__(self, file: FileIO | None = None) -> None:
        """Read a file that ``merge`` wrote; ``Unchecked("E-LOG-DAMAGED")`` for another. Without a file: no library."""
        self.count, self.root = 0, EMPTY_ROOT
        self.policy: PolicyEntry | None = None
        self._data: mmap.mmap | None = None
        if file is None:
            return
        header = file.read(_HEADER)
        numbers = [int.from_bytes(header[at : at + _NUMBER], "big") for at in (16, 24)]
        size = _HEADER + numbers[0] * _RECORD + numbers[0] // WIDTH * HASH_SIZE
        if not header.startswith(_MAGIC) or file.seek(0, 2) != size:
            raise Unchecked(CODE, str(file.name), "not a file of heads")
        self.count, self.root = numbers[0], header[64:96]
        if numbers[1]:
            self.policy = PolicyEntry(policy=header[32:64].hex(), version=numbers[1])
        self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Let go of the file."""
        if self._data is not None:
            self._data.close()

    def find(self, lib: str) -> Head | None:
        """Give the head of a library, ``None`` for one that the log does not know."""
        key = bytes.fromhex(lib)
        position = self._position(key)
        record = self._bytes(position, position + 1)
        if record[:_ID] != key:
            return None
        seq, index = (int.from_bytes(record[at : at + _NUMBER], "big") for at in (64, 72))
        return Head(event=record[_ID : 2 * _ID].hex(), seq=seq, index=index)

    def prove(self, lib: str) -> HeadPath | None:
        """Prove the head of a library, ``None`` for one that the log does not know."""
        head, position = self.find(lib), self._position(bytes.fromhex(lib))
        if head is None:
            return None
        path = TileTree(self.count, self._tile).inclusion(position)
        return HeadPath(line=head_line(lib, head.event), index=position, size=self.count, path=path)

    def merge(self, changes: Mapping[str, Head], policy: PolicyEntry | None, out: FileIO) -> tuple[bytes, int]:
        """Write the heads after ``changes`` (by library) to a new file; give their root and number."""
        keys = sorted(bytes.fromhex(lib) for lib in changes)
        places = [self._position(key) for key in keys]
        known = [self._bytes(place, place + 1)[:_ID] == key for place, key in zip(places, keys, strict=True)]
        writer = _Writer(out)
        self._copy(writer, 0, places[0] if places else self.count)
        ends = [*places[1:], self.count][: len(keys)]
        for key, place, old, end in zip(keys, places, known, ends, strict=True):
            writer.add(_record(key, changes[key.hex()]))
            self._copy(writer, place + old, end)
        return writer.finish(policy)

    def _copy(self, writer: "_Writer", start: int, end: int) -> None:
        bounds = [*range(start, end, _CHUNK), end]
        for first, last in pairwise(bounds):
            writer.add(self._bytes(first, last))

    def _position(self, key: bytes) -> int:
        """Give the place of a library, or where it would stand."""
        data = self._data
        if data is None:
            return 0
        places = range(_HEADER, _HEADER + self.count * _RECORD, _RECORD)
        return bisect_left(places, key, key=lambda place: data[place : place + _ID])

    def _bytes(self, start: int, end: int) -> bytes:
        """Give records; nothing beyond the last."""
        if self._data is None or start >= self.count:
            return b""
        return self._data[_HEADER + start * _RECORD : _HEADER + end * _RECORD]

    def _tile(self, path: str, _limit: int) -> bytes | None:
        """Give a tile of the tree of heads: leaf hashes from the records, level 1 from behind them."""
        tile = Tile.parse(path)
        if tile is None or self._data is None:
            return None
        first = tile.number * WIDTH
        if tile.level == 0:
            return b"".join(_leaves(self._bytes(first, first + tile.width)))
        scale = WIDTH ** (tile.level - 1)
        start = _HEADER + self.count * _RECORD + first * scale * HASH_SIZE
        hashes = self._data[start : start + tile.width * scale * HASH_SIZE]
        step = scale * HASH_SIZE
        groups = (hashes[at : at + step] for at in range(0, len(hashes), step))
        return b"".join(root_of_hashes(_split(group)) for group in groups)


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]


def _leaves(records: bytes) -> list[bytes]:
    return [records[at : at + HASH_SIZE] for at in range(_LEAF, len(records), _RECORD)]


def _record(key: bytes, head: Head) -> bytes:
    numbers = head.seq.to_bytes(_NUMBER, "big") + head.index.to_bytes(_NUMBER, "big")
    return key + bytes.fromhex(head.event) + numbers + leaf_hash(head_line(key.hex(), head.event).encode())


class _Writer:
    """Writes records, and hashes them on the way."""

    def __init__(self, out: FileIO) -> None:
        self._out = out
        self._edge = Edge()
        self._above = bytearray()
        self._waiting = bytearray(_HEADER)

    def add(self, records: bytes) -> None:
        self._above += b"".join(data for tile, data in self._edge.extend(_leaves(records)) if tile.level == 1)
        self._waiting += records
        if len(self._waiting) >= _CHUNK * _RECORD:
            write_all(self._out, bytes(self._waiting))
            self._waiting.clear()

    def finish(self, policy: PolicyEntry | None) -> tuple[bytes, int]:
        root = self._edge.root()
        self._above += b"".join(data for tile, data in self._edge.partial() if tile.level == 1)
        write_all(self._out, bytes(self._waiting + self._above))
        version, digest = (policy.version, bytes.fromhex(policy.policy)) if policy else (0, bytes(_ID))
        numbers = self._edge.size.to_bytes(_NUMBER, "big") + version.to_bytes(_NUMBER, "big")
        self._out.seek(0)
        write_all(self._out, (_MAGIC + numbers + digest + root).ljust(_HEADER, b"\0"))
        return root, self._edge.size
