"""A log as static files: tiles of hashes, bundles of entries, and the proofs that are made from them. C2SP tlog-tiles.

    tile/<L>/<N>[.p/<W>]          up to 256 hashes of level L: roots of 256^L entries each
    tile/entries/<N>[.p/<W>]      the entries themselves, each after its length

A tile of 256 is full and never changes; a tile of fewer has its width in its name. Nothing here opens files: who reads
gives a function from path to bytes.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from datalib.errors import Refused
from datalib.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_of_hashes,
)

CODE = "E-LOG-TILE"
#: Hashes in a full tile, entries in a full bundle.
WIDTH = 256
#: Two bytes hold the length of an entry.
MAX_ENTRY = 0xFFFF
MAX_BUNDLE = WIDTH * (2 + MAX_ENTRY)
MAX_TILE = WIDTH * HASH_SIZE

#: The ``level`` of bundles; their hashes are the tiles of level 0.
ENTRIES = -1

_BITS = 8
_MAX_LEVEL = 63
_KEPT = 64
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?")

#: Gives the file of that path, of at most so many bytes, or ``None`` where there is none.
Source = Callable[[str, int], bytes | None]


class Tile(NamedTuple):
    """The name of a tile or bundle."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies in the folder of the log."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        end = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{number_path(self.number)}{end}"

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Read a path; ``None`` for one that no tile has."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        level, number, width = match.groups()
        found = cls(
            level=ENTRIES if level == "entries" else int(level),
            number=int(re.sub("[x/]", "", number)),
            width=int(width) if width else WIDTH,
        )
        return found if found.level <= _MAX_LEVEL and 0 < found.width <= WIDTH and found.path == path else None


def number_path(number: int) -> str:
    """Write a number as path: three digits a segment, an ``x`` before all segments but the last."""
    segments = [f"{number % 1000:03d}"]
    while number := number // 1000:
        segments.append(f"x{number % 1000:03d}")
    return "/".join(reversed(segments))


def width_at(level: int, index: int, size: int) -> int:
    """Give the width that a tile has in a tree of ``size`` entries; 0 if it does not exist."""
    return min(WIDTH, max(0, (size >> _BITS * max(level, 0)) - index * WIDTH))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries, each after its length; ``E-LOG-TILE`` for one that is too long."""
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise Refused(CODE, "", f"an entry of more than {MAX_ENTRY} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, where: str = "") -> list[bytes]:
    """Read all entries of a bundle; ``E-LOG-TILE`` if it ends within one."""
    entries, at = [], 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise Refused(CODE, where, "ends within an entry")
        entries.append(data[start:at])
    return entries


class Edge:
    """The right edge of a growing tree: less than one tile of hashes for each level."""

    __slots__ = ("_levels", "size")

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[list[bytes]] = []

    @classmethod
    def of(cls, tree: "TileTree") -> Self:
        """Take up a tree where it ends."""
        edge = cls()
        edge.size, level = tree.size, 0
        while tree.size >> _BITS * level:
            count = (tree.size >> _BITS * level) % WIDTH
            index = (tree.size >> _BITS * level) // WIDTH
            edge._levels.append(tree.hashes(level, index, count) if count else [])
            level += 1
        return edge

    def extend(self, hashes: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Append leaf hashes; yield each tile that becomes full. The tree has grown when all are taken."""
        at = 0
        while at < len(hashes):
            count = min(WIDTH - self.size % WIDTH, len(hashes) - at)
            self._level(0).extend(hashes[at : at + count])
            at += count
            self.size += count
            level = 0
            while len(self._level(level)) == WIDTH:
                full = self._levels[level]
                self._levels[level] = []
                yield Tile(level, (self.size >> _BITS * (level + 1)) - 1), b"".join(full)
                level += 1
                self._level(level).append(root_of_hashes(full))

    def _level(self, level: int) -> list[bytes]:
        if level == len(self._levels):
            self._levels.append([])
        return self._levels[level]

    def partial(self) -> Iterator[tuple[Tile, bytes]]:
        """Yield the tiles that are not full."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                yield Tile(level, self.size >> _BITS * (level + 1), len(hashes)), b"".join(hashes)

    def root(self) -> bytes:
        """Give the root of the tree as it is now."""
        found: bytes | None = None
        for hashes in self._levels:
            items = hashes if found is None else [*hashes, found]
            found = root_of_hashes(items) if items else None
        return EMPTY_ROOT if found is None else found


@dataclass(slots=True)
class TileTree:
    """The tree of a log, ``size`` entries of it, read from its tiles as they are needed.

    All methods raise ``Refused("E-LOG-TILE")`` where a file is missing or has another form than its name says. That
    the tiles are those of a signed checkpoint is known when ``root`` gives its root, or a proof leads to it.
    """

    size: int
    source: Source
    _kept: OrderedDict[tuple[int, int], list[bytes]]

    def __init__(self, size: int, source: Source) -> None:
        self.size = size
        self.source = source
        self._kept = OrderedDict()

    def root(self) -> bytes:
        """Give the root of the tree."""
        return self.root_of(0, self.size) if self.size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Prove that an entry is in the tree of the first ``size`` entries (default: all). RFC 6962 §2.1.1."""
        return [self.root_of(*span) for span in inclusion_ranges(index, self.size if size is None else size)]

    def consistency(self, old_size: int) -> list[bytes]:
        """Prove that the first ``old_size`` entries are a prefix of all; empty for 0. RFC 6962 §2.1.2."""
        spans = consistency_ranges(old_size, self.size) if 0 < old_size < self.size else []
        return [self.root_of(*span) for span in spans]

    def root_of(self, start: int, end: int) -> bytes:
        """Give the root of the entries from ``start`` to before ``end``, a subtree of some tree of this log."""
        roots = []
        while start < end:
            height = (end - start).bit_length() - 1
            if start:
                height = min(height, (start & -start).bit_length() - 1)
            roots.append(self._perfect(start >> height, height))
            start += 1 << height
        found = roots.pop()
        while roots:
            found = node_hash(roots.pop(), found)
        return found

    def _perfect(self, index: int, height: int) -> bytes:
        """Give the root of a full subtree of 2^height entries, the ``index``-th of its kind."""
        level, above = divmod(height, _BITS)
        first = index << above
        return root_of_hashes(self.hashes(level, first // WIDTH, first % WIDTH + (1 << above))[first % WIDTH :])

    def hashes(self, level: int, number: int, count: int) -> list[bytes]:
        """Give the first ``count`` hashes of a tile."""
        found = self._kept.get((level, number))
        if found is None:
            tile, data = self._read(level, number, MAX_TILE)
            if len(data) != tile.width * HASH_SIZE:
                raise Refused(CODE, tile.path, f"{len(data)} bytes")
            width = width_at(level, number, self.size)
            found = [data[at : at + HASH_SIZE] for at in range(0, width * HASH_SIZE, HASH_SIZE)]
            self._kept[level, number] = found
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found[:count]

    def entries(self, number: int) -> list[bytes]:
        """Give the entries of a bundle."""
        tile, data = self._read(ENTRIES, number, MAX_BUNDLE)
        found = decode_bundle(data, tile.path)
        if len(found) != tile.width:
            raise Refused(CODE, tile.path, f"{len(found)} entries")
        return found[: width_at(ENTRIES, number, self.size)]

    def entry(self, index: int) -> bytes:
        """Give one entry."""
        return self.entries(index // WIDTH)[index % WIDTH]

    def bundles(self) -> Iterator[list[bytes]]:
        """Yield all entries, bundle by bundle, each compared with its tile of level 0."""
        for number in range(-(-self.size // WIDTH)):
            entries = self.entries(number)
            if list(map(leaf_hash, entries)) != self.hashes(0, number, len(entries)):
                where = Tile(ENTRIES, number, len(entries)).path
                raise Refused(CODE, where, "the entries do not hash to the tile of level 0")
            yield entries

    def _read(self, level: int, number: int, limit: int) -> tuple[Tile, bytes]:
        """Read a file. A partial one may be gone when the full one is there."""
        tile = Tile(level, number, width_at(level, number, self.size))
        for wanted in (tile, Tile(level, number)):
            data = self.source(wanted.path, limit)
            if data is not None:
                return wanted, data
        raise Refused(CODE, tile.path, "is missing")
