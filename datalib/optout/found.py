"""What a shard leaves for the end of the scan: which signals it used or made, the bytes they are from, its leaves."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from datalib.merkle import HASH_SIZE, root_of_hashes, subtrees
from datalib.optout.book import Book
from datalib.optout.outputs import replacing
from datalib.optout.signal_table import of_signals, write_table

USED, MADE, CITED, PROOFS, LEAVES, SUBTREES = ".used", ".made", ".cited", ".proofs", ".leaves", ".subtrees"
_NUMBER = 8  # bytes before the subtrees: the number of the first leaf
_PIECE = HASH_SIZE << 16
_OPEN = 100  # files
_KNOWN = 1 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The bytes of a carrier that made a signal, and where they are found again."""

    sha256: str
    data: bytes
    source: str


def write_proofs(out: BinaryIO, proofs: Iterable[Proof]) -> None:
    """Write the bytes of carriers, as they come: they are too many to be held."""
    out.writelines(
        b"%b %d %b\n%b\n" % (proof.sha256.encode(), len(proof.data), _written(proof.source), proof.data)
        for proof in proofs
    )


def write_found(base: Path, book: Book, *, used: NDArray[np.int64]) -> list[Path]:
    """Write what a shard found beside its decisions, ``base`` with an extension; give the files.

    Those of ``write_proofs`` were written before.
    """
    paths = [base.with_suffix(suffix) for suffix in (USED, MADE, CITED, PROOFS)]
    with replacing(paths[0]) as file:
        file.write_bytes(used.tobytes())
    with replacing(paths[1]) as file:
        write_table(file, of_signals(book.made_ids, book.made).sort_by("id"))
    with replacing(paths[2]) as file:
        file.write_bytes(np.array([book.cited, book.cited_ids], dtype=np.int64).T.tobytes())
    return paths


def write_leaves(base: Path, leaves: Sequence[bytes], first: int | None) -> list[Path]:
    """Write the hashes of the leaves of a shard's decisions, ``base`` with an extension; give the files.

    Where it is known that the first of them is leaf number ``first`` of all decisions, also the subtrees that they are:
    at the end of a scan, also of a resumed one, nothing is left to be folded.
    """
    paths = [base.with_suffix(suffix) for suffix in (LEAVES, SUBTREES)]
    with replacing(paths[0]) as file:
        file.write_bytes(b"".join(leaves))
    if first is None:
        paths[1].unlink(missing_ok=True)
        return paths[:1]
    roots = (root_of_hashes(leaves[at - first : at - first + size]) for at, size in subtrees(first, len(leaves)))
    with replacing(paths[1]) as file:
        file.write_bytes(first.to_bytes(_NUMBER) + b"".join(roots))
    return paths


def read_used(path: Path) -> NDArray[np.int64]:
    """Read the numbers of the compiled signals that a shard used."""
    return np.fromfile(path, dtype=np.int64)


def read_cited(path: Path) -> NDArray[np.int64]:
    """Read the entries of registries that a shard cited, each beside the number of its signal."""
    return np.fromfile(path, dtype=np.int64).reshape(-1, 2)


class ProofPlace(NamedTuple):
    """Where a shard keeps the bytes of a carrier."""

    sha256: str
    source: str
    size: int
    path: Path
    offset: int


@lru_cache(_KNOWN)
def _written(source: str) -> bytes:
    """Write a text without a line feed; few are different."""
    return json.dumps(source).encode()


@lru_cache(_KNOWN)
def _read(source: bytes) -> str:
    return str(json.loads(source))


def read_proofs(path: Path) -> Iterator[ProofPlace]:
    """Find the bytes of carriers that a shard kept."""
    with path.open("rb") as file:
        while head := file.readline():
            sha256, size, source = head.split(b" ", 2)
            yield ProofPlace(sha256.decode(), _read(source), int(size), path, file.tell())
            file.seek(int(size) + 1, 1)


class ProofReader:
    """Reads the bytes of carriers that shards kept, in any order; keeps files open while the ``with`` block runs."""

    def __enter__(self) -> Self:
        self._open: dict[Path, int] = {}
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._open.values():
            os.close(number)

    def read(self, place: ProofPlace) -> bytes:
        """Give the bytes of a carrier."""
        number = self._open.get(place.path)
        if number is None:
            if len(self._open) == _OPEN:
                os.close(self._open.pop(next(iter(self._open))))
            number = self._open[place.path] = os.open(place.path, os.O_RDONLY)
        return os.pread(number, place.size, place.offset)


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
