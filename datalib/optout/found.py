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

from datalib.optout.book import Book
from datalib.optout.outputs import replacing
from datalib.optout.signal_table import of_signals, write_table

USED, MADE, CITED, PROOFS, LEAVES = ".used", ".made", ".cited", ".proofs", ".leaves"
_DIGEST = 32
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


def write_found(base: Path, book: Book, *, used: NDArray[np.int64], leaves: Sequence[bytes]) -> list[Path]:
    """Write what a shard found beside its decisions, ``base`` with an extension; give the files.

    Those of ``write_proofs`` were written before.
    """
    paths = [base.with_suffix(suffix) for suffix in (USED, MADE, CITED, PROOFS, LEAVES)]
    with replacing(paths[0]) as file:
        file.write_bytes(used.tobytes())
    with replacing(paths[1]) as file:
        write_table(file, of_signals(book.made_ids, book.made).sort_by("id"))
    with replacing(paths[2]) as file:
        file.write_bytes(np.array([book.cited, book.cited_ids], dtype=np.int64).T.tobytes())
    with replacing(paths[4]) as file:
        file.write_bytes(b"".join(leaves))
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


def read_leaves(path: Path, low: int, high: int) -> list[bytes]:
    """Read the hashes of some leaves of a shard's decisions, from number ``low`` to below ``high``."""
    with path.open("rb") as file:
        file.seek(low * _DIGEST)
        raw = file.read((high - low) * _DIGEST)
    return [raw[start : start + _DIGEST] for start in range(0, len(raw), _DIGEST)]
