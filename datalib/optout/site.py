"""Site snapshots as a store: a million origins, looked up by a column of URLs at a time, on disk and not in memory.

Importing reads answers in any form (JSON Lines, a folder ``HOST/PATH``, Parquet, another store), keeps each distinct
body once, and sorts the origins by a 64-bit hash. What a look-up needs lies in plain arrays that are mapped; a store
that is larger than memory is looked up by parts of the hashes, one after the other:

    store.json             version, counts, digest of the content, digests of the arrays below
    hashes.npy             hash of each origin, ascending
    origins.npy, text.npy  where the text of each origin lies, to compare: a hash alone decides nothing
    words.npy              the beginning of their hosts as numbers
    first.npy              the answers of each origin
    answers.npy            answer: its content (status, body, path), when it was fetched (seconds, or -1)
    contents.npy           distinct contents: path, status, body
    bodies.npy, bodies.bin the distinct bodies, in the order of their SHA-256
    answers.parquet        the answers as they came, without bodies

The digest of the content is SHA-256 over the sorted digests of all answers: the same answers give the same digest, in
whatever form and order they came.
"""

import hashlib
import json
import os
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalib.errors import Refused, Unchecked
from datalib.optout.answers import FAILURES
from datalib.optout.maps import Maps, trim, windows
from datalib.optout.outputs import trouble as io_faults
from datalib.optout.urls import SHORT, Bytes, Hashes, Places, Positions, equal_rest, first_words, hash_spans, places_of

VERSION = 4
META = "store.json"
CONTENT = np.dtype([("path", "<i4"), ("status", "<i2"), ("body", "<i4")])
ANSWER = np.dtype([("content", "<i4"), ("fetched", "<i8")])
BODY = np.dtype([("sha256", "V32"), ("offset", "<i8"), ("length", "<i8")])
#: HTTP statuses are stored as they are, failures as negative numbers in the order of ``FAILURES``.
FAILURE_CODES = {name: -1 - index for index, name in enumerate(FAILURES)}
_FAILURE_NAMES = {code: name for name, code in FAILURE_CODES.items()}
#: The most that the table of beginnings has: 2^24 numbers are 64 MB.
_INDEX_BITS = 24
_COUNTED = 1 << 20
_ARRAYS = ("hashes", "origins", "text", "words", "first", "answers", "contents", "bodies")
_NUMBERED = ("first", "answers", "contents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an answer says, without who said it and when: the unit that is compiled into a judge once."""

    path: str
    status: int | str
    sha256: str
    body: bytes


class SiteStore:
    """An imported snapshot. Arrays are mapped from disk when first used."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.folder = folder
        self.maps = Maps(folder)
        self._mapped: dict[str, Any] = {}
        self.digest: str = meta["digest"]
        self.seed: int = meta["seed"]
        self.paths: tuple[str, ...] = tuple(meta["paths"])
        self.size: int = meta["origins"]
        self.answer_count: int = meta["answers"]
        #: A digest of what gives answers and contents their numbers.
        self.tables: str = _digest_of([meta["paths"], *(meta["arrays"][name] for name in _NUMBERED)])

    @cached_property
    def hashes(self) -> Hashes:
        """The hash of each origin, ascending."""
        hashes: Hashes = self._array("hashes")
        return hashes

    @cached_property
    def first(self) -> Positions:
        """Where the answers of each origin begin in ``answers``; one more entry than origins."""
        first: Positions = self._array("first")
        return first

    @cached_property
    def answers(self) -> NDArray[np.void]:
        """Content and time of each answer."""
        answers: NDArray[np.void] = self._array("answers")
        return answers

    @cached_property
    def contents(self) -> NDArray[np.void]:
        """Path, status and body of each distinct content."""
        contents: NDArray[np.void] = self._array("contents")
        return contents

    @cached_property
    def bodies(self) -> NDArray[np.void]:
        """SHA-256, offset and length of each distinct body."""
        bodies: NDArray[np.void] = self._array("bodies")
        return bodies

    @cached_property
    def _index(self) -> tuple[NDArray[np.int32], np.uint64, int]:
        """Where the origins begin whose hash starts with some bits: seldom more than one."""
        bits = min(self.size.bit_length() + 2, _INDEX_BITS)
        shift = np.uint64(64 - bits)
        starts, known = np.empty((1 << bits) + 1, dtype=np.int32), -1
        for start in range(0, self.size, _COUNTED):
            bucket = (self.hashes[start : start + _COUNTED] >> shift).astype(np.int64)
            numbers = np.arange(start, start + len(bucket), dtype=np.int32)
            starts[known + 1 : bucket[-1] + 1] = np.repeat(numbers, np.diff(bucket, prepend=known))
            known = int(bucket[-1])
        starts[known + 1 :] = self.size
        parts = (starts[start : start + _COUNTED + 1] for start in range(0, 1 << bits, _COUNTED))
        return starts, shift, max(int(np.diff(part).max()) for part in parts)

    def _array(self, name: str) -> Any:
        array = self._mapped.get(name)
        if array is None:
            array = self._mapped[name] = self.maps.npy(name)
        return array

    def lookup(self, places: Places) -> NDArray[np.int32]:
        """Give the number of the origin of each row in this store, or -1 where the store does not hold it."""
        result = np.full(len(places.cut), -1, dtype=np.int32)
        if not self.size or not len(result):
            return result
        data, head, length = places.data, places.head, places.cut - places.start
        words = first_words(data, head, places.cut - head)
        wanted = hash_spans(data, head, length, places.cut - head, seed=self.seed, words=words)
        starts, shift, _ = self._index
        bucket = (wanted >> shift).astype(np.int64)
        for rows in windows(bucket, len(starts), self.maps.size):
            result[rows] = self._lookup(places, rows, wanted[rows], [word[rows] for word in words])
            trim(self.maps)
        return result

    def _lookup(self, places: Places, rows: Any, wanted: Hashes, words: list[Hashes]) -> NDArray[np.int32]:
        """Look up some rows, given the hashes and first words of their origins."""
        data, head, cut, whole = places.data, places.head[rows], places.cut[rows], places.start[rows]
        starts, shift, longest = self._index
        bucket = (wanted >> shift).astype(np.int64)
        place = starts[bucket]
        found = np.minimum(place, self.size - 1)
        missed = np.flatnonzero(self.hashes[found] != wanted)
        for step in range(1, longest):
            missed = missed[place[missed] + step < starts[bucket[missed] + 1]]
            found[missed] = place[missed] + step
            missed = missed[self.hashes[found[missed]] != wanted[missed]]
        known, offsets = self._array("words").reshape(-1), self._array("origins")
        same = cut - whole == offsets[found + 1] - offsets[found]
        at = found.astype(np.int64) * len(words)
        for column, word in enumerate(words):
            same &= known[at + column] == word
        long = np.flatnonzero(same & (cut - head > SHORT))
        size = (cut - head)[long]
        same[long] = equal_rest((data, head[long]), (self._texts, offsets[found[long] + 1] - size), size)
        return np.where(same, found, np.int32(-1))

    @cached_property
    def _texts(self) -> Bytes:
        texts: Bytes = self._array("text")
        return texts

    def origin(self, number: int) -> str:
        """Give the text of an origin by its number."""
        offsets = self._array("origins")
        return self._texts[offsets[number] : offsets[number + 1]].tobytes().decode()

    def find(self, origin: str) -> int:
        """Give the number of an origin, or -1."""
        return int(self.lookup(places_of(pa.array([origin + "/"])))[0])

    @contextmanager
    def reader(self) -> Iterator[Callable[[int], bytes]]:
        """Give a function that reads distinct bodies by their numbers, of which many are read from one open file.

        Raises Refused (E-SITES-FORMAT) when the bytes of one are not those that were imported, Unchecked (E-IO).
        """
        path, bodies = self.folder / "bodies.bin", self.bodies

        def read(number: int) -> bytes:
            sha256, offset, length = bodies[number].item()
            try:  # a block of io_faults would take as long as the reading
                body = os.pread(file.fileno(), length, offset)
            except OSError as error:
                raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
            if hashlib.sha256(body).digest() != sha256:
                raise Refused("E-SITES-FORMAT", str(path), "a body has changed since it was imported")
            return body

        with io_faults(path):
            file = path.open("rb", buffering=0)
        with file:
            yield read

    def body(self, number: int) -> bytes:
        """Read one distinct body, as ``reader`` does."""
        with self.reader() as read:
            return read(number)

    def _find(self, sha256: bytes) -> int:
        """Give the number of the body with a digest, or -1."""
        bodies = self.bodies["sha256"]
        number = bisect_left(range(len(bodies)), sha256, key=lambda place: bodies[place].tobytes())
        return number if number < len(bodies) and bodies[number].tobytes() == sha256 else -1

    def find_body(self, sha256: str) -> bytes | None:
        """Read a body by its digest in hex, if the store has it."""
        number = self._find(bytes.fromhex(sha256))
        return self.body(number) if number >= 0 else None

    def bodies_of(self, digests: Collection[str]) -> Positions:
        """Give the numbers of the bodies that have one of some digests (hex), in order."""
        found = np.array(sorted(self._find(bytes.fromhex(digest)) for digest in digests), dtype=np.int64)
        return found[found >= 0]

    def origins_of(self, sha256: str, path: str) -> Iterator[str]:
        """Give the origins that answered for a path with a body of this digest, in order."""
        body = self._find(bytes.fromhex(sha256))
        if body >= 0 and path in self.paths:
            same = (self.contents["body"] == body) & (self.contents["path"] == self.paths.index(path))
            answers = np.flatnonzero(np.isin(self.answers["content"], np.flatnonzero(same)))
            sites = np.unique(np.searchsorted(self.first, answers, side="right") - 1)
            yield from map(self.origin, sites.tolist())

    def contents_of(self, origin: str) -> Iterator[Content]:
        """Read what an origin answered."""
        number = self.find(origin)
        if number >= 0:
            for answer in self.answers[self.first[number] : self.first[number + 1]]:
                yield self.content(int(answer["content"]))

    def content(self, number: int) -> Content:
        """Read one distinct content with its body."""
        entry = self.contents[number]
        status = int(entry["status"])
        body = int(entry["body"])
        return Content(
            path=self.paths[entry["path"]],
            status=_FAILURE_NAMES.get(status, status),
            sha256=self.bodies[body]["sha256"].tobytes().hex(),
            body=self.body(body),
        )


def open_store(folder: Path, *, check: bool = True) -> SiteStore:
    """Open an imported snapshot and check its arrays. Raises Refused (E-SITES-FORMAT), Unchecked (E-IO)."""
    with io_faults(folder):
        raw = (folder / META).read_bytes()
    try:
        meta = json.loads(raw)
        if meta["version"] != VERSION:
            raise Refused("E-SITES-FORMAT", str(folder / META), "a store of another version; import it again")
        for name in _ARRAYS if check else ():
            with io_faults(folder / f"{name}.npy"), (folder / f"{name}.npy").open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != meta["arrays"][name]:
                    raise Refused("E-SITES-FORMAT", str(folder / f"{name}.npy"), "changed since it was imported")
        return _fitting(SiteStore(folder, meta))
    except (ValueError, TypeError, KeyError) as error:
        raise Refused("E-SITES-FORMAT", str(folder / META), f"not a site store: {error}") from error


def _fitting(store: SiteStore) -> SiteStore:
    """Make sure that the description and the tables fit together. Raises ValueError, TypeError."""
    known = len(bytes.fromhex(store.digest)) == hashlib.sha256().digest_size
    last = store.contents["path"].max(initial=-1)
    sorted_paths = list(store.paths) == sorted(set(store.paths)) and last < len(store.paths)
    if not known or not sorted_paths or len(store.hashes) != store.size:
        raise ValueError("its tables do not fit together")
    return store


def _digest_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def is_store(path: Path) -> bool:
    """Say whether a path is an imported snapshot."""
    return (path / META).is_file()
