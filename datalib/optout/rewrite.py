"""Tables without some of their rows: the same format, the same schema, what is kept kept as it was."""

import gzip
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from datalib.optout import treebank
from datalib.optout.chunks import DELIMITERS, Form, unpacked
from datalib.optout.delimited import WIDE, narrowed, quote_open, wide_mark

_EMPTY = (b"", b"\n", b"\r", b"\r\n")


def rewrite(source: Path, target: Path, form: Form, rows: Collection[int]) -> int:
    """Write ``source`` without the rows of these numbers (from 0) to ``target``; give the number of rows it had.

    A text keeps its encoding, mark and packing. Raises what Arrow and the unpacking of texts raise, and OSError.
    """
    removed = np.array(sorted(rows), dtype=np.int64)
    if form is Form.PARQUET:
        return _parquet(source, target, removed)
    if form is Form.ARROW:
        return _arrow(source, target, removed)
    mark = wide_mark(source) if form in DELIMITERS else b""
    gone = set(rows)
    total = 0
    with (
        narrowed(source) if mark else unpacked(source) as lines,
        _written(target, packed=source.suffix.lower() == ".gz") as out,
    ):
        out.write(mark)
        for number, record in _records(lines, form):
            total = number + 1
            if number not in gone:
                out.write(record.decode().encode(WIDE[mark]) if mark else record)
    return total


def _records(lines: IO[bytes], form: Form) -> Iterator[tuple[int, bytes]]:
    if form is Form.CONLLU:
        return ((document.number, document.raw) for document in treebank.documents(lines))
    return _json_records(lines) if form is Form.JSONL else _csv_records(lines, form)


def _kept(batch: Any, first: int, removed: Any) -> Any:
    """Give what stays of a batch whose first row has this number."""
    import pyarrow as pa

    keep = np.ones(len(batch), dtype=np.bool_)
    inside = removed[(removed >= first) & (removed < first + len(batch))]
    keep[inside - first] = False
    return batch.filter(pa.array(keep))


def _parquet(source: Path, target: Path, removed: Any) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from datalib.optout.compact import compacted

    total = 0
    with pq.ParquetFile(source) as file:
        meta = file.metadata
        codec = meta.row_group(0).column(0).compression if meta.num_row_groups and meta.num_columns else "SNAPPY"
        with pq.ParquetWriter(
            target, file.schema_arrow, compression=codec if codec != "UNCOMPRESSED" else "NONE"
        ) as out:
            for table in map(file.read_row_group, range(meta.num_row_groups)):
                kept = _kept(table, total, removed).to_batches()
                out.write_table(pa.Table.from_batches(map(compacted, kept), table.schema))
                total += len(table)
    return total


def _arrow(source: Path, target: Path, removed: Any) -> int:
    import pyarrow as pa

    from datalib.optout.compact import Dictionaries, compacted

    total, compact, make = 0, compacted, pa.ipc.new_stream
    with pa.memory_map(str(source)) as mapped:
        try:
            reader = pa.ipc.open_file(mapped)
            numbers = range(reader.num_record_batches)
        except pa.ArrowInvalid:
            mapped.seek(0)
            reader = batches = pa.ipc.open_stream(mapped)
        else:
            shared = Dictionaries()
            first = 0
            for batch in map(reader.get_batch, numbers):
                shared.add(_kept(batch, first, removed))
                first += len(batch)
            compact, make, batches = shared.compacted, pa.ipc.new_file, map(reader.get_batch, numbers)
        with make(str(target), reader.schema) as out:
            for batch in batches:
                out.write_batch(compact(_kept(batch, total, removed)))
                total += len(batch)
    return total


def _json_records(lines: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the lines with the numbers of their rows; blank lines have none and go."""
    number = 0
    for line in lines:
        if line.strip():
            yield number, line if line.endswith(b"\n") else line + b"\n"
            number += 1


def _csv_records(file: IO[bytes], form: Form) -> Iterator[tuple[int, bytes]]:
    """Give the records, line ends included, with the numbers of their rows; the header has -1."""
    number = -1
    pending: list[bytes] = []
    quoted = False
    for chunk in file:
        for line in chunk.splitlines(keepends=True):
            if not pending and line in _EMPTY:
                continue
            pending.append(line)
            quoted = quote_open(line, form, inside=quoted)
            if not quoted:
                yield number, b"".join(pending)
                number += 1
                pending = []
    if pending:
        yield number, b"".join(pending)


@contextmanager
def _written(path: Path, *, packed: bool) -> Iterator[Any]:
    with path.open("wb") as raw:
        if not packed:
            yield raw
        else:
            with gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as file:
                yield file
