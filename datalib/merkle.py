"""Merkle trees of RFC 6962 §2.1 over SHA-256: root, inclusion, consistency.

The same construction binds the listing of a library, the heads map and the log (datalib trust specification §5, §9).
Bytes in, bytes out; nothing here knows what the leaves mean.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice

#: Size of a hash in bytes.
HASH_SIZE = 32

#: Root of the tree without leaves: the hash of nothing (RFC 6962 §2.1).
EMPTY_ROOT = sha256().digest()

#: Leaves hashed level by level at once. A power of two, so that a full block is one node of the tree.
_BLOCK = 1024


def leaf_hash(data: bytes) -> bytes:
    """Hash one leaf: SHA-256(00 ‖ data)."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node: SHA-256(01 ‖ left ‖ right)."""
    return sha256(b"\1" + left + right).digest()


class RootBuilder:
    """The root of a stream of leaves, in memory that grows with the logarithm of their number."""

    __slots__ = ("_pending", "_subtrees", "size")

    def __init__(self) -> None:
        self.size = 0
        self._pending: list[bytes] = []  # leaf hashes that do not fill a block yet
        self._subtrees: list[tuple[int, bytes]] = []  # (leaves covered, root), largest and leftmost first

    def add(self, data: bytes) -> None:
        """Append one leaf."""
        self.extend((data,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaves, given as data."""
        remaining = iter(leaves)
        while batch := [sha256(b"\0" + data).digest() for data in islice(remaining, _BLOCK)]:
            self.extend_hashes(batch)

    def extend_hashes(self, hashes: Sequence[bytes]) -> None:
        """Append leaves, given as leaf hashes."""
        self.size += len(hashes)
        self._pending.extend(hashes)
        if len(self._pending) >= _BLOCK:
            self._settle(self.size // _BLOCK * _BLOCK)

    def add_subtree(self, subtree: bytes, leaves: int) -> None:
        """Append leaves, given as the root over them; with what is there, they must be a part as of ``subtrees``."""
        self._settle(self.size)
        self._push(subtree, leaves)
        self.size += leaves

    def _settle(self, end: int) -> None:
        """Put the leaves before number ``end`` into subtrees."""
        begin = self.size - len(self._pending)
        for start, leaves in subtrees(begin, end - begin):
            self._push(_fold(self._pending[start - begin : start - begin + leaves]), leaves)
        del self._pending[: end - begin]

    def _push(self, subtree: bytes, leaves: int) -> None:
        while self._subtrees and self._subtrees[-1][0] == leaves:
            subtree = node_hash(self._subtrees.pop()[1], subtree)
            leaves *= 2
        self._subtrees.append((leaves, subtree))

    def root(self) -> bytes:
        """Return the root over the leaves so far; more may be added afterwards."""
        self._settle(self.size)
        result = None
        for _, subtree in reversed(self._subtrees):
            result = subtree if result is None else node_hash(subtree, result)
        return EMPTY_ROOT if result is None else result


def subtrees(first: int, count: int) -> Iterator[tuple[int, int]]:
    """Cut ``count`` leaves from number ``first`` on into the largest whole subtrees: first leaf, number of leaves.

    These are nodes of the tree, whatever follows; there are at most twice as many as ``count`` has bits.
    """
    while count > 0:
        size = 1 << count.bit_length() - 1
        if first:
            size = min(size, first & -first)
        yield first, size
        first, count = first + size, count - size


def _fold(level: Sequence[bytes]) -> bytes:
    """Combine the hashes of one level into one. A last odd one moves up as it is, which gives the tree of the RFC."""
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level += odd
    return level[0]


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the tree head of leaves given as data."""
    builder = RootBuilder()
    builder.extend(leaves)
    return builder.root()


def root_of_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the tree head of leaves given as leaf hashes."""
    return _fold(hashes) if hashes else EMPTY_ROOT


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges ``(start, end)`` whose roots are the audit path of a leaf, nearest the leaf first.

    The ranges are disjoint and cover every leaf but the one proven, so a path can be made from a stream of leaves.
    RFC 6962 §2.1.1; 0 ≤ index < size.
    """
    ranges = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    return ranges[::-1]


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf among all leaf hashes. RFC 6962 §2.1.1; 0 ≤ index < len(hashes)."""
    return [root_of_hashes(hashes[start:end]) for start, end in inclusion_ranges(index, len(hashes))]


class PathBuilder:
    """The audit paths of some leaves of a stream, in memory that grows with their number and the logarithm of ``size``.

    RFC 6962 §2.1.1; every index is below ``size``, the number of leaves that will come.
    """

    def __init__(self, indices: Iterable[int], size: int) -> None:
        self.size = 0
        self._ranges = {index: inclusion_ranges(index, size) for index in indices}
        self._builders = {place: RootBuilder() for ranges in self._ranges.values() for place in ranges}

    def extend_hashes(self, hashes: Sequence[bytes]) -> None:
        """Take the next leaves, given as leaf hashes."""
        begin, end = self.size, self.size + len(hashes)
        for (start, stop), builder in self._builders.items():
            if start < end and begin < stop:
                builder.extend_hashes(hashes[max(start, begin) - begin : min(stop, end) - begin])
        self.size = end

    def path(self, index: int) -> list[bytes]:
        """Return the audit path of one of the leaves, when all have come."""
        return [self._builders[place].root() for place in self._ranges[index]]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf hash and its audit path lead to, or ``None`` if they do not fit.

    They do not fit if the index lies outside the tree, if the path has another length than a tree of that size needs
    at that index, or if the leaf or a member of the path is no hash. RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size or any(len(item) != HASH_SIZE for item in (leaf, *path)):
        return None
    node, last, result = index, size - 1, leaf
    for item in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            result = node_hash(item, result)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            result = node_hash(result, item)
        node >>= 1
        last >>= 1
    return result if last == 0 else None


def consistency_ranges(old_size: int, size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges ``(start, end)`` whose roots prove that the first ``old_size`` leaves are a prefix of all.

    RFC 6962 §2.1.2; 0 < old_size ≤ size.
    """
    ranges = []
    start, end, whole = 0, size, True
    while old_size - start < end - start:
        split = start + _split(end - start)
        if old_size <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start, whole = split, False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def consistency_path(hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first ``old_size`` leaves are a prefix of all. RFC 6962 §2.1.2; 0 < old_size."""
    return [root_of_hashes(hashes[start:end]) for start, end in consistency_ranges(old_size, len(hashes))]


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether ``path`` proves that the old tree is a prefix of the new one.

    A tree of size 0 proves nothing and is refused, whatever the path. RFC 9162 §2.1.4.2.
    """
    if not 0 < old_size <= new_size or any(len(item) != HASH_SIZE for item in path):
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    hashes = list(path)
    if old_size & (old_size - 1) == 0:  # a full tree is itself the first node of the path
        hashes.insert(0, old_root)
    if not hashes:
        return False
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = hashes[0]
    for item in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(item, old), node_hash(item, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, item)
        node >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == new_root


def _split(size: int) -> int:
    """Return the largest power of two below ``size``; 1 < size."""
    return 1 << ((size - 1).bit_length() - 1)
