"""What a shard leaves for the end of the scan: which signals it used or made, and its leaves."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datalib.merkle import HASH_SIZE, root_of_hashes, subtrees
from datalib.optout.book import Book
from datalib.optout.sections import Name, SectionWriter, section_of
from datalib.optout.signal_table import of_signals, write_table

_NUMBER = 8  # bytes before the subtrees: the number of the first leaf
_PIECE = HASH_SIZE << 16


def write_found(out: SectionWriter, book: Book, *, used: NDArray[np.int64]) -> None:
    """Write which signals a shard used, made and cited."""
    with out.section(Name.USED) as file:
        file.write(used.tobytes())
    with out.section(Name.MADE) as file:
        write_table(file, of_signals(book.made_ids, book.made).sort_by("id"))
    with out.section(Name.CITED) as file:
        file.write(np.array([book.cited, book.cited_ids], dtype=np.int64).T.tobytes())


def write_leaves(out: SectionWriter, leaves: Sequence[bytes], first: int | None) -> None:
    """Write the hashes of the leaves of a shard's decisions.

    Where it is known that the first of them is leaf number ``first`` of all decisions, also the subtrees that they are:
    at the end of a scan, also of a resumed one, nothing is left to be folded.
    """
    with out.section(Name.LEAVES) as file:
        file.writelines(leaves)
    if first is not None:
        roots = (root_of_hashes(leaves[at - first : at - first + size]) for at, size in subtrees(first, len(leaves)))
        with out.section(Name.SUBTREES) as file:
            file.write(first.to_bytes(_NUMBER))
            file.writelines(roots)


def read_used(path: Path) -> NDArray[np.int64]:
    """Read the numbers of the compiled signals that a shard used."""
    return section_of(path, Name.USED).array(np.int64)


def read_cited(path: Path) -> NDArray[np.int64]:
    """Read the entries of registries that a shard cited, each beside the number of its signal."""
    return section_of(path, Name.CITED).array(np.int64).reshape(-1, 2)


def read_leaves(path: Path) -> Iterator[list[bytes]]:
    """Read the hashes of the leaves of a shard's decisions, some at a time."""
    return map(_hashes, section_of(path, Name.LEAVES).pieces(_PIECE))


def read_subtrees(path: Path, first: int, count: int) -> Iterator[tuple[bytes, int]] | None:
    """Read the subtrees that a shard's leaves are, each with its number of leaves; None if it has none for this place.

    ``first``: the number of the first leaf, ``count``: how many there are.
    """
    raw = section_of(path, Name.SUBTREES).array(np.uint8).tobytes()
    if not raw or int.from_bytes(raw[:_NUMBER]) != first:
        return None
    return zip(_hashes(raw[_NUMBER:]), (size for _, size in subtrees(first, count)), strict=True)


def _hashes(raw: bytes) -> list[bytes]:
    return [raw[start : start + HASH_SIZE] for start in range(0, len(raw), HASH_SIZE)]
