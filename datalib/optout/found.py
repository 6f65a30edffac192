"""What a shard leaves for the end of the scan: which signals it used or made, and its leaves."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datalib.merkle import HASH_SIZE, root_of_hashes, subtrees
from datalib.optout.book import Book
from datalib.optout.outputs import replacing
from datalib.optout.signal_table import of_signals, write_table

USED, MADE, CITED, LEAVES, SUBTREES = ".used", ".made", ".cited", ".leaves", ".subtrees"
_NUMBER = 8  # bytes before the subtrees: the number of the first leaf
_PIECE = HASH_SIZE << 16


def write_found(base: Path, book: Book, *, used: NDArray[np.int64]) -> list[Path]:
    """Write which signals a shard used, made and cited, ``base`` with an extension; give the files."""
    paths = [base.with_suffix(suffix) for suffix in (USED, MADE, CITED)]
    with replacing(paths[0], sync=False) as file:
        file.write_bytes(used.tobytes())
    with replacing(paths[1], sync=False) as file:
        write_table(file, of_signals(book.made_ids, book.made).sort_by("id"))
    with replacing(paths[2], sync=False) as file:
        file.write_bytes(np.array([book.cited, book.cited_ids], dtype=np.int64).T.tobytes())
    return paths


def write_leaves(base: Path, leaves: Sequence[bytes], first: int | None) -> list[Path]:
    """Write the hashes of the leaves of a shard's decisions, ``base`` with an extension; give the files.

    Where it is known that the first of them is leaf number ``first`` of all decisions, also the subtrees that they are:
    at the end of a scan, also of a resumed one, nothing is left to be folded.
    """
    paths = [base.with_suffix(suffix) for suffix in (LEAVES, SUBTREES)]
    with replacing(paths[0], sync=False) as file:
        file.write_bytes(b"".join(leaves))
    if first is None:
        paths[1].unlink(missing_ok=True)
        return paths[:1]
    roots = (root_of_hashes(leaves[at - first : at - first + size]) for at, size in subtrees(first, len(leaves)))
    with replacing(paths[1], sync=False) as file:
        file.write_bytes(first.to_bytes(_NUMBER) + b"".join(roots))
    return paths


def read_used(path: Path) -> NDArray[np.int64]:
    """Read the numbers of the compiled signals that a shard used."""
    return np.fromfile(path, dtype=np.int64)


def read_cited(path: Path) -> NDArray[np.int64]:
    """Read the entries of registries that a shard cited, each beside the number of its signal."""
    return np.fromfile(path, dtype=np.int64).reshape(-1, 2)


def read_leaves(path: Path) -> Iterator[list[bytes]]:
    """Read the hashes of the leaves of a shard's decisions, some at a time."""
    with path.open("rb") as file:
        while raw := file.read(_PIECE):
            yield _hashes(raw)


def read_subtrees(path: Path, first: int, count: int) -> Iterator[tuple[bytes, int]] | None:
    """Read the subtrees that a shard's leaves are, each with its number of leaves; None if it has none for this place.

    ``first``: the number of the first leaf, ``count``: how many there are.
    """
    if not path.exists():
        return None
    raw = path.read_bytes()
    if int.from_bytes(raw[:_NUMBER]) != first:
        return None
    return zip(_hashes(raw[_NUMBER:]), (size for _, size in subtrees(first, count)), strict=True)


def _hashes(raw: bytes) -> list[bytes]:
    return [raw[start : start + HASH_SIZE] for start in range(0, len(raw), HASH_SIZE)]
