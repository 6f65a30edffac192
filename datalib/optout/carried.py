"""The bytes of carriers that made signals: a shard writes them as they come, the end of the scan reads them in order.

Behind the bytes stand their places, sorted by digest: neither the bytes nor the places of all shards are ever held
together.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from datalib.optout.sections import Name, section_of

#: A place: the digest in four numbers; by what one of several sources is chosen, for the order in which they were read
#: depends on the batches; where the text of the source begins, its length and that of the bytes behind it.
_PLACE: Final = np.dtype([
    ("digest", ">u8", 4), ("choice", ">u8"), ("start", "<u8"), ("source", "<u4"), ("size", "<u8"),
])  # fmt: skip
_WRITTEN: Final = struct.Struct("<32s8sQIQ")  # the same
#: Places that are sorted at once.
_SORTED: Final = 1 << 20
_KNOWN: Final = 1 << 14
_OPEN: Final = 100  # files
_Places = NDArray[np.void]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The bytes of a carrier that made a signal, and where they are found again."""

    sha256: str
    data: bytes
    source: str


class ProofWriter:
    """Writes the bytes of carriers to a section, most of them once."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._end, self._places = out, 0, bytearray()
        self._known: set[tuple[str, str]] = set()

    def add(self, proofs: Iterable[Proof]) -> None:
        """Append the bytes of carriers."""
        for proof in proofs:
            if (proof.sha256, proof.source) in self._known:
                continue
            if len(self._known) < _KNOWN:
                self._known.add((proof.sha256, proof.source))
            source = json.dumps(proof.source).encode()
            digest, choice = bytes.fromhex(proof.sha256), hashlib.sha256(source).digest()[:8]
            self._places += _WRITTEN.pack(digest, choice, self._end, len(source), len(proof.data))
            self._out.write(source)
            self._out.write(proof.data)
            self._end += len(source) + len(proof.data)

    def places(self) -> bytes:
        """Give the places of what was added, ready to be written."""
        places = np.frombuffer(self._places, dtype=_PLACE)
        return places[_order(places, places["choice"])].tobytes()


class ProofPlace(NamedTuple):
    """Where a shard keeps the bytes of a carrier, and the text of their source before them."""

    sha256: str
    size: int
    path: Path
    start: int
    source: int


def proof_places(shards: Sequence[Path]) -> Iterator[ProofPlace]:
    """Find the bytes of carriers that shards kept, in the order of their digests, each once: as the first has it."""
    size = sum(section_of(path, Name.PLACES).size for path in shards)
    passes = max(-(-size // _PLACE.itemsize // _SORTED), 1)
    width, starts = (1 << 64) // passes + 1, [section_of(path, Name.PROOFS).start for path in shards]
    for number in range(passes):
        found, owners = [np.zeros(0, dtype=_PLACE)], [np.zeros(0, dtype=np.int64)]
        for shard, path in enumerate(shards):
            places = section_of(path, Name.PLACES).array(_PLACE)
            if passes > 1:
                places = places[places["digest"][:, 0] // np.uint64(width) == number]
            found.append(places)
            owners.append(np.full(len(places), shard))
        together, at = np.concatenate(found), np.concatenate(owners)
        first = _order(together, at)
        for place, shard in zip(together[first].tolist(), at[first].tolist(), strict=True):
            digest, _, start, source, size = place
            sha256 = "".join(f"{part:016x}" for part in digest)
            yield ProofPlace(sha256, size, shards[shard], starts[shard] + start, source)


def _order(places: _Places, choice: NDArray[Any]) -> NDArray[np.int64]:
    """Sort places by digest; of those with the same one, give the one with the least ``choice``."""
    digest = places["digest"]
    order = np.lexsort((choice, *digest.T[::-1]))
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (digest[order[1:]] != digest[order[:-1]]).any(axis=1)
    return order[fresh]


class ProofReader:
    """Reads the bytes of carriers that shards kept, in any order; keeps files open while the ``with`` block runs."""

    def __enter__(self) -> Self:
        self._open: dict[Path, int] = {}
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._open.values():
            os.close(number)

    def read(self, place: ProofPlace, *, most: int) -> tuple[str, bytes | None]:
        """Give the source of a carrier, and its bytes if they are not more than ``most``."""
        number = self._open.get(place.path)
        if number is None:
            if len(self._open) == _OPEN:
                os.close(self._open.pop(next(iter(self._open))))
            number = self._open[place.path] = os.open(place.path, os.O_RDONLY)
        size = place.size if place.size <= most else 0
        found = os.pread(number, place.source + size, place.start)
        return json.loads(found[: place.source]), found[place.source :] if place.size <= most else None
