"""Building of a site store in bounded memory: answers are parted on disk by what they have to be ordered by.

    each answer  → its digest, by digest                                    → the digest of the whole
                 → its content (path, status, body), by body                → bodies, contents
                 → its origin, by the hash of the origin                    → the tables of origins and answers

A content that was seen lately is not written again; one that was forgotten is, and found to be the same when the
contents are ordered. What stays in memory is one number for each content, each distinct path, and one part of one spool
at a time. The tables do not depend on the order of the answers.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalib.errors import Refused
from datalib.optout.answers import Answer
from datalib.optout.maps import NpyFile
from datalib.optout.site import ANSWER, BODY, CONTENT, FAILURE_CODES, META, VERSION, SiteStore
from datalib.optout.spool import PARTS, Spool, spread
from datalib.optout.urls import (
    PAD,
    SHORT,
    WORD,
    Bytes,
    Hashes,
    Positions,
    equal_rest,
    first_words,
    hash_spans,
    spans_of,
)
from datalib.progress import Watch

_ROWS: Final = 1 << 12  # answers that are written to the table at once
_HELD: Final = 1 << 16  # answers between two writes to the spools
_KNOWN: Final = 1 << 17  # contents that are remembered
ANSWERS: Final = "answers.parquet"  # with the digests of the bodies
_SHIFT: Final = np.uint64(64 - (PARTS.bit_length() - 1))
_DRAFT = np.dtype([
    ("sha256", "V32"), ("path", "<i4"), ("status", "<i2"), ("offset", "<i8"), ("size", "<i8"), ("draft", "<i8"),
])  # fmt: skip
_SAID = np.dtype([("hash", "<u8"), ("draft", "<i8"), ("fetched", "<i8"), ("length", "<i4")])
SCHEMA = pa.schema([
    pa.field("origin", pa.string(), nullable=False),
    pa.field("path", pa.string(), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    pa.field("headers", pa.list_(pa.list_(pa.string(), 2))),
    pa.field("body", pa.binary()),
    pa.field("fetched_at", pa.string()),
    pa.field("final_url", pa.string()),
])  # fmt: skip
_RECORD = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Builder:
    """Takes answers, then makes the tables of a store in ``folder``."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.parquet as pq

        self.folder = folder
        self.paths: dict[str, int] = {}
        self.count = self.drafts = self.offset = 0
        self._known: dict[tuple[int, int, bytes], int] = {}
        self._places: dict[bytes, int] = {}
        self._answers: list[tuple[str, int, int]] = []
        self._records: list[bytes] = []
        self._fresh: list[tuple[bytes, int, int, int, int, int]] = []
        self._digests = Spool(folder / "spool-digests", "V32")
        self._contents = Spool(folder / "spool-contents", _DRAFT)
        self._said = Spool(folder / "spool-0", _SAID)
        self.schema = SCHEMA.set(4, pa.field("body", pa.binary(32)))
        self.rows = pq.ParquetWriter(folder / ANSWERS, self.schema, compression="zstd")
        self.body_file: IO[bytes] = (folder / "bodies.bin").open("wb")

    def add_all(self, answers: Iterable[Answer], watch: Watch) -> None:
        """Take answers."""
        rows = map(self._add, answers)  # one by one: a body may have megabytes
        while batch := list(islice(rows, _ROWS)):
            self.rows.write_batch(pa.RecordBatch.from_pylist(batch, self.schema))
            if len(self._answers) >= _HELD:
                self._flush()
            watch("import", self.count + len(self._answers), None)

    def _add(self, answer: Answer) -> dict[str, Any]:
        sha256 = hashlib.sha256(answer.body).digest()
        path = self.paths.setdefault(answer.path, len(self.paths))
        status = FAILURE_CODES[answer.status] if isinstance(answer.status, str) else answer.status
        draft = self._known.get((path, status, sha256))
        if draft is None:
            draft = self._draft(path, status, sha256, answer.body)
        row = row_of(answer) | {"body": sha256}
        record = _RECORD.encode(row | {"body": sha256.hex()})
        self._records.append(hashlib.sha256(record.encode()).digest())
        self._answers.append((answer.origin, draft, _seconds(answer.fetched_at)))
        return row

    def _draft(self, path: int, status: int, sha256: bytes, body: bytes) -> int:
        """Enter a content that is not remembered, with its body if that is not either."""
        if len(self._known) >= _KNOWN:
            self._known.clear()
            self._places.clear()
        offset = self._places.get(sha256)
        if offset is None:
            offset = self._places[sha256] = self.offset
            self.body_file.write(body)
            self.offset += len(body)
        draft = self._known[path, status, sha256] = self.drafts
        self._fresh.append((sha256, path, status, offset, len(body), draft))
        self.drafts += 1
        return draft

    def _flush(self) -> None:
        """Write what was taken to the spools."""
        digests = np.frombuffer(b"".join(self._records), dtype="V32")
        self._digests.add(_first_octet(digests), digests)
        fresh = np.array(self._fresh, dtype=_DRAFT)
        self._contents.add(_first_octet(fresh["sha256"]), fresh)
        origins, drafts, fetched = zip(*self._answers, strict=True) if self._answers else ((), (), ())
        said = np.zeros(len(origins), dtype=_SAID)
        said["draft"], said["fetched"] = drafts, fetched
        data, start, end = spans_of(pa.array(origins, pa.large_string()))
        _add_said(self._said, said, np.concatenate([data, np.zeros(PAD, dtype=np.uint8)]), end - start, seed=0)
        self.count += len(origins)
        self._answers, self._records, self._fresh = [], [], []

    def close(self) -> None:
        """Close the files that rows and bodies go to."""
        self.rows.close()
        self.body_file.close()

    def finish(self) -> SiteStore:
        """Make the tables."""
        self._flush()
        self._known.clear()
        self._places.clear()
        self.close()
        paths = sorted(self.paths)
        number = np.argsort([self.paths[path] for path in paths])
        final = _write_contents(self.folder, self._contents, self.drafts, number)
        origins, seed = _write_origins(self.folder, self._said, final)
        names = ("hashes", "origins", "text", "words", "first", "answers", "contents", "bodies")
        meta = {
            "answers": self.count,
            "arrays": {name: _sha256(self.folder / f"{name}.npy") for name in names},
            "digest": _digest(self._digests),
            "origins": origins,
            "paths": paths,
            "seed": seed,
            "version": VERSION,
        }
        (self.folder / META).write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")
        return SiteStore(self.folder, meta)


def row_of(answer: Answer) -> dict[str, Any]:
    """Write an answer as a row of a table, its body left out."""
    return {
        "origin": answer.origin,
        "path": answer.path,
        "status": str(answer.status),
        "headers": [list(pair) for pair in answer.headers] or None,
        "fetched_at": answer.fetched_at,
        "final_url": answer.final_url,
    }


def _write_contents(folder: Path, spool: Spool, drafts: int, paths: NDArray[np.int64]) -> NDArray[np.int32]:
    """Write the distinct bodies and contents in the order of their digests; give the number of each draft.

    ``paths`` gives the number that each path has in the end.
    """
    final = np.zeros(drafts, dtype=np.int32)
    with NpyFile(folder / "bodies.npy", BODY) as bodies, NpyFile(folder / "contents.npy", CONTENT) as contents:
        for part in sorted(spool.parts):
            found = spool.read(part)
            found["path"] = paths[found["path"]]
            found = found[np.argsort(_as_text(found["sha256"]), kind="stable")]
            digests = _as_text(found["sha256"])
            fresh = _changes(len(found), digests[1:] != digests[:-1])
            body = bodies.rows + np.cumsum(fresh) - 1
            first = found[fresh]
            entries = np.zeros(len(first), dtype=BODY)
            entries["sha256"], entries["offset"], entries["length"] = first["sha256"], first["offset"], first["size"]
            order = np.lexsort((found["status"], found["path"], body))
            found, body = found[order], body[order]
            new = _changes(
                len(found),
                (body[1:] != body[:-1])
                | (found["path"][1:] != found["path"][:-1])
                | (found["status"][1:] != found["status"][:-1]),
            )
            rows = np.zeros(int(new.sum()), dtype=CONTENT)
            rows["path"], rows["status"], rows["body"] = found["path"][new], found["status"][new], body[new]
            final[found["draft"]] = contents.rows + np.cumsum(new) - 1
            bodies.add(entries)
            contents.add(rows)
    spool.remove()
    return final


def _write_origins(folder: Path, spool: Spool, final: NDArray[np.int32]) -> tuple[int, int]:
    """Write the tables of origins under a seed for which no two of them share a hash; give their number and the seed.

    That the first seed does not do is chance, or somebody's work.
    """
    for seed in range(1 << 16):
        count = _try_origins(folder, spool, final)
        if count is not None:
            spool.remove()
            return count, seed
        spool = _reseed(folder, spool, seed + 1)
    raise Refused("E-SITES-FORMAT", "", "origins that share their hash under every seed")  # chance: nil


def _try_origins(folder: Path, spool: Spool, final: NDArray[np.int32]) -> int | None:
    """Write the tables of origins part by part; None as soon as two different origins share a hash."""
    places = {name: folder / f"{name}.npy" for name in ("hashes", "origins", "text", "words", "first", "answers")}
    with (
        NpyFile(places["hashes"], "<u8") as hashes,
        NpyFile(places["origins"], "<i8") as origins,
        NpyFile(places["text"], "u1") as text,
        NpyFile(places["words"], "<u8", width=SHORT // WORD) as words,
        NpyFile(places["first"], "<i8") as first,
        NpyFile(places["answers"], ANSWER) as answers,
    ):
        for part in sorted(spool.parts):
            found, data, whole = _read_said(spool, part)
            start = np.cumsum(whole) - whole
            found["draft"] = final[found["draft"]]
            order = np.lexsort((found["fetched"], found["draft"], found["hash"]))
            found, start, whole = found[order], start[order], whole[order]
            fresh = _changes(len(found), found["hash"][1:] != found["hash"][:-1])
            if not _same(data, start, whole, np.flatnonzero(~fresh)):
                return None
            start, whole = start[fresh], whole[fresh]
            own = np.concatenate([data[spread(start, whole)], np.zeros(PAD, dtype=np.uint8)])
            begin = np.cumsum(whole) - whole
            heads = _heads(own, begin)
            said = np.zeros(len(found), dtype=ANSWER)
            said["content"], said["fetched"] = found["draft"], found["fetched"]
            hashes.add(found["hash"][fresh])
            origins.add(text.rows + begin)
            words.add(np.stack(first_words(own, heads, begin + whole - heads), axis=1))
            text.add(own[:-PAD])
            first.add(answers.rows + np.flatnonzero(fresh))
            answers.add(said)
        count = hashes.rows
        origins.add([text.rows])
        first.add([answers.rows])
        text.add(np.zeros(PAD, dtype=np.uint8))
    return count


def _reseed(folder: Path, spool: Spool, seed: int) -> Spool:
    """Part the answers anew by the hashes of their origins under another seed."""
    fresh = Spool(folder / f"spool-{seed}", _SAID)
    for part in sorted(spool.parts):
        found, data, whole = _read_said(spool, part)
        _add_said(fresh, found, data, whole, seed=seed)
    spool.remove()
    return fresh


def _add_said(spool: Spool, said: NDArray[Any], data: Bytes, whole: Positions, *, seed: int) -> None:
    """Hash the origins of some answers and write them to their parts. ``data`` ends in spare octets."""
    start = np.cumsum(whole) - whole
    heads = _heads(data, start)
    length = start + whole - heads
    said["length"] = whole
    said["hash"] = _hashes(data, heads, whole, length, seed)
    spool.add((said["hash"] >> _SHIFT).astype(np.int64), said, data)


def _hashes(data: Bytes, heads: Positions, whole: Positions, length: Positions, seed: int) -> Hashes:
    return hash_spans(data, heads, whole, length, seed=seed, words=first_words(data, heads, length))


def _read_said(spool: Spool, part: int) -> tuple[NDArray[Any], Bytes, Positions]:
    found = spool.read(part)
    data = np.concatenate([spool.text(part), np.zeros(PAD, dtype=np.uint8)])
    return found, data, found["length"].astype(np.int64)


def _same(data: Bytes, start: Positions, whole: Positions, twins: Positions) -> bool:
    """Say whether the texts at some places are those of the places before them."""
    left, right = twins - 1, twins
    heads = _heads(data, start)
    length = start + whole - heads
    same = whole[left] == whole[right]
    for word in first_words(data, heads, length):
        same &= word[left] == word[right]
    rest = equal_rest((data, heads[left]), (data, heads[right]), np.minimum(length[left], length[right]))
    return bool((same & rest).all())


def _heads(data: Bytes, start: Positions) -> Positions:
    """Give where the hosts of origins begin: behind ``http://`` or ``https://``."""
    heads: Positions = start + len("http://") + (data[start + len("http")] == ord("s"))
    return heads


def _changes(count: int, differs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the first of each run of ``count`` rows, given where a row differs from the one before it."""
    return np.concatenate([np.ones(min(count, 1), dtype=np.bool_), differs])


def _as_text(digests: NDArray[Any]) -> NDArray[Any]:
    """View digests as texts, which have an order: that of their octets."""
    return np.ascontiguousarray(digests).view("S32").reshape(-1)


def _first_octet(digests: NDArray[Any]) -> NDArray[np.int64]:
    """Give the part of each digest."""
    octets = np.ascontiguousarray(digests).view(np.uint8).reshape(-1, 32)[:, 0]
    return octets.astype(np.int64) * PARTS >> 8


def _digest(spool: Spool) -> str:
    """Hash the sorted digests of all answers."""
    total = hashlib.sha256()
    for part in sorted(spool.parts):
        total.update(np.sort(_as_text(spool.read(part))).tobytes())
    spool.remove()
    return total.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seconds(moment: str | None) -> int:
    return -1 if moment is None else int(datetime.fromisoformat(moment).timestamp())
