"""Import of site snapshots into a store: JSON Lines, a folder ``HOST/PATH``, Parquet, web archives, another store."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalib.errors import Refused
from datalib.optout import answers as answer_forms
from datalib.optout.answers import Answer
from datalib.optout.archived_sites import read_sites
from datalib.optout.site import (
    ANSWER,
    BODY,
    CONTENT,
    FAILURE_CODES,
    META,
    VERSION,
    SiteStore,
    io_faults,
    is_store,
    open_store,
)
from datalib.optout.urls import PAD, Bytes, Hashes, Positions, equal_rest, first_words, hash_spans, spans_of
from datalib.webarchive.files import is_archive

_FLUSH = 1 << 12
_GATHERED = 1 << 16
_RECORD = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
SCHEMA = pa.schema([
    pa.field("origin", pa.string(), nullable=False),
    pa.field("path", pa.string(), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    pa.field("headers", pa.list_(pa.list_(pa.string(), 2))),
    pa.field("body", pa.binary()),
    pa.field("fetched_at", pa.string()),
    pa.field("final_url", pa.string()),
])  # fmt: skip


def import_sites(sources: Sequence[Path], folder: Path) -> SiteStore:
    """Import snapshots into one new store in an empty folder; it is complete once ``store.json`` is there.

    Raises Refused (E-SITES-FORMAT), Unchecked (E-IO).
    """
    with io_faults(folder), closing(_Builder(folder)) as builder:
        for source in sources:
            builder.add_all(read_answers(source))
        return builder.finish()


def read_answers(source: Path) -> Iterator[Answer]:
    """Read the answers of a snapshot in any form. Raises Refused (E-SITES-FORMAT), Unchecked (E-IO)."""
    if is_store(source):
        store = open_store(source)
        return _read_parquet(source / "answers.parquet", store)
    if source.is_dir():
        return answer_forms.read_folder(source)
    if is_archive(source.name):
        return read_sites(source)
    if source.suffix.lower() == ".parquet":
        return _read_parquet(source, None)
    return answer_forms.read_jsonl_file(source)


def write_parquet(answers: Iterable[Answer], path: Path) -> int:
    """Write answers in the snapshot's own Parquet form; give their number."""
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for rows in _batched(({**_row(answer), "body": answer.body} for answer in answers), 1 << 12):
            writer.write_batch(pa.RecordBatch.from_pylist(rows, SCHEMA))
            count += len(rows)
    return count


class _Builder:
    """Collects answers: rows go to disk as they come, arrays of numbers stay until the end."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.parquet as pq

        self.folder = folder
        self.paths: dict[str, int] = {}
        self.body_numbers: dict[bytes, int] = {}
        self.bodies: list[tuple[int, int]] = []
        self.content_numbers: dict[tuple[int, int, int], int] = {}
        self.numbers: list[NDArray[np.void]] = []
        self.records: list[bytes] = []
        self.origins: list[Any] = []
        self.offset = 0
        self.schema = SCHEMA.set(4, pa.field("body", pa.binary(32)))
        self.rows = pq.ParquetWriter(folder / "answers.parquet", self.schema, compression="zstd")
        self.body_file: IO[bytes] = (folder / "bodies.bin").open("wb")

    def add_all(self, answers: Iterable[Answer]) -> None:
        for batch in _batched(answers, _FLUSH):
            rows = [self._add(answer) for answer in batch]
            self.rows.write_batch(pa.RecordBatch.from_pylist([row for row, _, _ in rows], self.schema))
            self.origins.append(pa.array([row["origin"] for row, _, _ in rows], pa.large_string()))
            self.numbers.append(np.array([pair for _, pair, _ in rows], dtype=ANSWER))
            self.records.append(b"".join(record for _, _, record in rows))

    def _add(self, answer: Answer) -> tuple[dict[str, Any], tuple[int, int], bytes]:
        sha256 = hashlib.sha256(answer.body).digest()
        body = self.body_numbers.get(sha256)
        if body is None:
            body = self.body_numbers[sha256] = len(self.bodies)
            self.bodies.append((self.offset, len(answer.body)))
            self.body_file.write(answer.body)
            self.offset += len(answer.body)
        path = self.paths.setdefault(answer.path, len(self.paths))
        status = FAILURE_CODES[answer.status] if isinstance(answer.status, str) else answer.status
        content = self.content_numbers.setdefault((path, status, body), len(self.content_numbers))
        row = _row(answer) | {"body": sha256}
        record = _RECORD.encode(row | {"body": sha256.hex()})
        return row, (content, _seconds(answer.fetched_at)), hashlib.sha256(record.encode()).digest()

    def close(self) -> None:
        """Close the files that rows and bodies go to."""
        self.rows.close()
        self.body_file.close()

    def finish(self) -> SiteStore:
        self.close()
        records = np.frombuffer(b"".join(self.records), dtype="V32")
        numbers = np.concatenate([*self.numbers, np.zeros(0, dtype=ANSWER)])
        texts = pa.chunked_array(self.origins, pa.large_string()).combine_chunks()
        seed, hashes, order, data, spans = _sorted_origins(texts)
        first = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])) if len(hashes) else order
        text, offsets = _gather_texts(data, spans, order[first])
        heads = _heads(text, offsets[:-1])
        arrays = {
            "hashes": hashes[first],
            "origins": offsets,
            "text": text,
            "words": np.stack(first_words(text, heads, offsets[1:] - heads), axis=1),
            "first": np.append(first, len(hashes)).astype(np.int64),
            "answers": numbers[order],
            "contents": np.array(list(self.content_numbers), dtype=CONTENT),
            "bodies": np.array(
                [(sha, *place) for sha, place in zip(self.body_numbers, self.bodies, strict=True)], dtype=BODY
            ),
        }
        digests = {name: _save(self.folder, name, array) for name, array in arrays.items()}
        meta = {
            "answers": len(numbers),
            "arrays": digests,
            "digest": hashlib.sha256(np.sort(records.view("S32")).tobytes()).hexdigest(),
            "origins": len(first),
            "paths": list(self.paths),
            "seed": seed,
            "version": VERSION,
        }
        (self.folder / META).write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")
        return SiteStore(self.folder, meta)


def _sorted_origins(texts: Any) -> tuple[int, Hashes, Positions, Bytes, tuple[Positions, Positions]]:
    """Hash and sort the origins of all answers under a seed for which no two different origins share a hash."""
    data, start, end = spans_of(texts)
    data = np.concatenate([data, np.zeros(PAD, dtype=np.uint8)])
    whole = end - start
    head = _heads(data, start)
    length = end - head
    words = first_words(data, head, length)
    for seed in range(1 << 16):
        hashes = hash_spans(data, head, whole, length, seed=seed, words=words)
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        twins = np.flatnonzero(ordered[1:] == ordered[:-1])
        left, right = order[twins], order[twins + 1]
        same = whole[left] == whole[right]
        for word in words:
            same &= word[left] == word[right]
        rest = equal_rest((data, head[left]), (data, head[right]), np.minimum(length[left], length[right]))
        if (same & rest).all():
            return seed, ordered, order, data, (start, whole)
    raise Refused("E-SITES-FORMAT", "", "origins that share their hash under every seed")  # chance: nil


def _heads(data: Bytes, start: Positions) -> Positions:
    """Give where the hosts of origins begin: behind ``http://`` or ``https://``."""
    heads: Positions = start + len("http://") + (data[start + len("http")] == ord("s"))
    return heads


def _gather_texts(data: Bytes, spans: tuple[Positions, Positions], rows: Positions) -> tuple[Bytes, Positions]:
    """Write the texts of some rows one after the other, some thousands at a time."""
    start, length = spans[0][rows], spans[1][rows]
    offsets = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    text = np.zeros(int(offsets[-1]) + PAD, dtype=np.uint8)
    for first in range(0, len(rows), _GATHERED):
        part = slice(first, first + _GATHERED)
        begin, end = offsets[first], offsets[min(first + _GATHERED, len(rows))]
        source = np.repeat(start[part] - offsets[:-1][part], length[part]) + np.arange(begin, end)
        text[begin:end] = data[source]
    return text, offsets


def _row(answer: Answer) -> dict[str, Any]:
    return {
        "origin": answer.origin,
        "path": answer.path,
        "status": str(answer.status),
        "headers": [list(pair) for pair in answer.headers] or None,
        "fetched_at": answer.fetched_at,
        "final_url": answer.final_url,
    }


def _read_parquet(path: Path, store: SiteStore | None) -> Iterator[Answer]:
    """Read answers from Parquet: the snapshot's own form with bodies, or a store's with digests of bodies."""
    import pyarrow.parquet as pq

    try:
        with io_faults(path), pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if not {"origin", "status"} <= set(names) <= set(SCHEMA.names):
                raise Refused("E-SITES-FORMAT", str(path), f"columns must be of {', '.join(SCHEMA.names)}")
            numbers = {entry.tobytes(): row for row, entry in enumerate(store.bodies["sha256"])} if store else {}
            for batch in file.iter_batches(1 << 10):
                for row in batch.to_pylist():
                    body = row.get("body") or b""
                    raw = store.body(numbers[body]) if store else body
                    yield answer_forms.parse_line(_line(row, raw), str(path))
    except (pa.ArrowException, KeyError, TypeError) as error:
        raise Refused("E-SITES-FORMAT", str(path), str(error).partition("\n")[0]) from error


def _seconds(moment: str | None) -> int:
    return -1 if moment is None else int(datetime.fromisoformat(moment).timestamp())


def _line(row: dict[str, Any], body: bytes) -> bytes:
    """Write a row as the line of JSON that it stands for, so that one reader checks all forms."""
    members = {name: value for name, value in row.items() if value is not None and name != "body"}
    status = members.get("status")
    if isinstance(status, str) and status.isdecimal():
        members["status"] = int(status)
    return json.dumps(members | {"body_b64": base64.b64encode(body).decode()}).encode()


def _batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _save(folder: Path, name: str, array: Any) -> str:
    path = folder / f"{name}.npy"
    np.save(path, array, allow_pickle=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
