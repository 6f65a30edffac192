"""What a shard leaves for the end of the scan: which signals it used or made, the bytes they are from, its leaves."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datalib.optout.book import Book
from datalib.optout.model import Carrier, Signal
from datalib.optout.outputs import replacing
from datalib.optout.statement import of_list, to_list

USED, MADE, CITED, PROOFS, LEAVES = ".used", ".made", ".cited", ".proofs", ".leaves"
_DIGEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The bytes of a carrier that made a signal, and where they are found again."""

    sha256: str
    data: bytes
    source: str


def write_proofs(out: BinaryIO, proofs: Iterable[Proof]) -> None:
    """Write the bytes of carriers, as they come: they are too many to be held."""
    for proof in proofs:
        head = json.dumps([proof.sha256, proof.source, len(proof.data)]).encode()
        out.write(head + b"\n" + proof.data + b"\n")


def write_found(base: Path, book: Book, *, used: NDArray[np.int64], leaves: Sequence[bytes]) -> list[Path]:
    """Write what a shard found beside its decisions, ``base`` with an extension; give the files.

    Those of ``write_proofs`` were written before.
    """
    paths = [base.with_suffix(suffix) for suffix in (USED, MADE, CITED, PROOFS, LEAVES)]
    with replacing(paths[0]) as file:
        file.write_bytes(used.tobytes())
    with replacing(paths[1]) as file:
        made = sorted(zip(book.made_ids, book.made, strict=True), key=itemgetter(0))
        file.write_text("".join(json.dumps(to_list(signal)) + "\n" for _, signal in made), encoding="utf-8")
    with replacing(paths[2]) as file:
        file.write_bytes(np.array(sorted(book.cited), dtype=np.int64).tobytes())
    with replacing(paths[4]) as file:
        file.write_bytes(b"".join(leaves))
    return paths


def read_used(path: Path) -> NDArray[np.int64]:
    """Read the numbers of the compiled signals that a shard used, or of the entries of registries that it cited."""
    return np.fromfile(path, dtype=np.int64)


def read_made(path: Path, *, only: Carrier | None = None) -> Iterator[Signal]:
    """Read the signals that a shard made, in the order of their numbers; ``only``: those of one carrier."""
    named = "" if only is None else json.dumps(only.value)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if named not in line:  # it cannot be one of that carrier: not worth reading
                continue
            signal = of_list(json.loads(line))
            if only in {None, signal.carrier}:
                yield signal


class ProofPlace(NamedTuple):
    """Where a shard keeps the bytes of a carrier."""

    sha256: str
    source: str
    size: int
    path: Path
    offset: int


def read_proofs(path: Path) -> Iterator[ProofPlace]:
    """Find the bytes of carriers that a shard kept."""
    with path.open("rb") as file:
        while head := file.readline():
            sha256, source, size = json.loads(head)
            yield ProofPlace(sha256, source, size, path, file.tell())
            file.seek(size + 1, 1)


def read_proof(place: ProofPlace) -> bytes:
    """Read the bytes of a carrier that a shard kept."""
    with place.path.open("rb") as file:
        file.seek(place.offset)
        return file.read(place.size)


def read_leaves(path: Path, low: int, high: int) -> list[bytes]:
    """Read the hashes of some leaves of a shard's decisions, from number ``low`` to below ``high``."""
    with path.open("rb") as file:
        file.seek(low * _DIGEST)
        raw = file.read((high - low) * _DIGEST)
    return [raw[start : start + _DIGEST] for start in range(0, len(raw), _DIGEST)]
