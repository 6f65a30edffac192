"""Tables of works, read as a stream of record batches: Parquet, CSV, TSV, XLSX, JSON Lines, Arrow; bounded memory.

What a batch is, and what damage becomes: ``datalib.optout.chunks``.
"""

import codecs
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datalib.optout import spreadsheet, treebank
from datalib.optout.chunks import Chunk, DamagedError, Form, Head, faults, form_of, unpacked, variants
from datalib.optout.delimited import columns_of, read_rows

if TYPE_CHECKING:
    from datalib.optout.stored import Source

__all__ = ["Chunk", "DamagedError", "Form", "Head", "form_of", "head", "json_lines", "read", "variants"]

#: Rows held at once; fewer where a column holds whole documents.
BATCH_ROWS = 1 << 17
DOCUMENT_ROWS = 1 << 10
#: Bytes held at once, as far as the form of a table lets this be chosen.
_BATCH_BYTES = 64 << 20
_LINE_BYTES = 64 << 20
_HEAD_BYTES = 1 << 20
#: The column that carries a whole line of JSON Lines.
LINE = "\0line"


def head(path: "Source", form: Form) -> Head:
    """Read the names of the columns. Raises DamagedError, Unchecked (E-IO)."""
    with faults(path):
        if form is Form.PARQUET:
            with _parquet(path) as file:
                meta = file.metadata
                groups = tuple(meta.row_group(index).num_rows for index in range(meta.num_row_groups))
                return Head(columns=tuple(file.schema_arrow.names), groups=groups)
        if form is Form.ARROW:
            with _arrow(path) as reader:
                return Head(columns=tuple(reader.schema.names))
        if form is Form.JSONL:
            return Head(columns=_jsonl_columns(path))
        if form is Form.CONLLU:
            with unpacked(path) as file:
                return Head(columns=treebank.columns(_bounded(file)))
        if form is Form.XLSX and isinstance(path, Path):
            return Head(columns=spreadsheet.columns(path))
        return Head(columns=columns_of(path, form))


def read(
    path: "Source",
    form: Form,
    *,
    columns: Sequence[str],
    whole: bool = False,
    groups: range | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Chunk]:
    """Read some columns of the rows of a table; ``whole`` reads the others too (of JSON Lines, the line as ``LINE``).

    ``groups`` chooses row groups of a Parquet file. What is lost at the end of a damaged file, and cannot be counted,
    is one damaged row.
    """
    chosen = None if whole else columns
    if form is Form.PARQUET:
        return _read_parquet(path, chosen, groups, batch_rows)
    if form is Form.ARROW:
        return _read_until_fault(lambda: _read_arrow(path, chosen, batch_rows))
    if form is Form.JSONL:
        return _read_until_fault(lambda: _read_jsonl(path, columns, batch_rows, whole=whole))
    if form is Form.CONLLU:
        return _read_until_fault(lambda: _read_conllu(path, columns, batch_rows, whole=whole))
    if form is Form.XLSX and isinstance(path, Path):
        return _read_until_fault(lambda: _read_xlsx(path, columns, chosen, batch_rows))
    return _read_until_fault(lambda: read_rows(path, form, chosen))


def _read_until_fault(stream: Callable[[], Iterator[Chunk]]) -> Iterator[Chunk]:
    following = 0
    try:
        for chunk in stream():
            yield chunk
            following = chunk.first + chunk.count
    except DamagedError:
        yield Chunk(first=following, count=1, batch=None)


# -- Parquet


def _parquet(path: "Source") -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path if isinstance(path, Path) else path.open(), buffer_size=1 << 20, pre_buffer=False)


def _read_parquet(path: "Source", columns: Sequence[str] | None, groups: range | None, rows: int) -> Iterator[Chunk]:
    with faults(path), _parquet(path) as file:
        counts = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
        sizes = [_size(file.metadata.row_group(index), columns) for index in range(len(counts))]
    first = sum(counts[: groups.start]) if groups else 0
    for index in groups if groups is not None else range(len(counts)):
        done = 0
        held = max(1, min(rows, _BATCH_BYTES * counts[index] // max(1, sizes[index])))
        try:
            # A file opened anew for each group: what one damaged group leaves behind does not touch the next.
            with faults(path), _parquet(path) as file:
                for batch in file.iter_batches(held, row_groups=[index], columns=columns, use_threads=False):
                    yield Chunk(first=first + done, count=len(batch), batch=_plain(batch))
                    done += len(batch)
        except DamagedError:
            pass
        for start in range(done, counts[index], rows):
            yield Chunk(first=first + start, count=min(rows, counts[index] - start), batch=None)
        first += counts[index]


def _size(group: Any, columns: Sequence[str] | None) -> int:
    """Give the bytes that some columns of a row group take, unpacked."""
    parts = (group.column(place) for place in range(group.num_columns))
    wanted = None if columns is None else set(columns)
    return sum(
        part.total_uncompressed_size for part in parts if wanted is None or part.path_in_schema.split(".")[0] in wanted
    )


# -- Arrow


def _arrow(path: "Source") -> Any:
    import pyarrow as pa

    source = pa.memory_map(str(path)) if isinstance(path, Path) else pa.PythonFile(path.open(), "r")
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _read_arrow(path: "Source", columns: Sequence[str] | None, rows: int) -> Iterator[Chunk]:
    first = 0
    with faults(path), _arrow(path) as reader:
        batches = (
            iter(reader) if hasattr(reader, "__iter__") else map(reader.get_batch, range(reader.num_record_batches))
        )
        for whole in batches:
            chosen = whole if columns is None else whole.select(list(columns))
            for start in range(0, len(chosen), rows):
                batch = chosen.slice(start, rows)
                yield Chunk(first=first + start, count=len(batch), batch=_plain(batch))
            first += len(chosen)


def _plain(batch: Any) -> Any:
    """Give a batch whose columns rows can be taken from: views and runs, of which Arrow cannot, become plain."""
    import pyarrow as pa

    for place, field in enumerate(batch.schema):
        kind, found = field.type, batch.column(place)
        if pa.types.is_run_end_encoded(kind):
            found = pa.compute.run_end_decode(found)
        elif pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
            found = found.cast(pa.large_string() if pa.types.is_string_view(kind) else pa.large_binary())
        if found.type != kind:
            batch = batch.set_column(place, field.with_type(found.type), found)
    return batch


# -- JSON Lines


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; one that says two things by one name is damaged: of two headers one would be lost."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is given twice")
    return value


def json_lines(path: "Source") -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Read the lines of a JSON Lines file with their objects; None where a line is none. Empty lines are no rows."""
    with faults(path), unpacked(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(_LINE_BYTES), b"")):
            raw = line.removeprefix(codecs.BOM_UTF8) if not number else line
            if not raw.strip():
                continue
            try:
                value = json.loads(raw.decode(), object_pairs_hook=_members)  # of bytes it would guess the encoding
            except (ValueError, RecursionError):
                value = None
            yield raw, value if isinstance(value, dict) else None


def _jsonl_columns(path: "Source") -> tuple[str, ...]:
    """Collect the member names of the first rows: rows need not have all of them."""
    names: dict[str, None] = {}
    found = size = 0
    for raw, value in json_lines(path):
        names.update(dict.fromkeys(value or ()))
        found += value is not None
        size += len(raw)
        if size > _HEAD_BYTES:
            break
    if size and not found:
        raise DamagedError("no line of it is a JSON object")
    return tuple(names)


def _read_jsonl(path: "Source", columns: Sequence[str], rows: int, *, whole: bool) -> Iterator[Chunk]:
    lines: list[bytes] = []
    values: list[dict[str, Any] | None] = []
    first = held = 0
    for raw, value in json_lines(path):
        lines.append(raw)
        values.append(value)
        held += len(raw)
        if len(values) == rows or held >= _BATCH_BYTES:
            yield _jsonl_chunk(first, lines if whole else [], values, columns)
            first += len(values)
            lines, values, held = [], [], 0
    if values:
        yield _jsonl_chunk(first, lines if whole else [], values, columns)


def _jsonl_chunk(first: int, lines: list[bytes], values: list[dict[str, Any] | None], columns: Sequence[str]) -> Chunk:
    import pyarrow as pa

    damaged = np.array([value is None for value in values], dtype=np.bool_)
    arrays = {name: pa.array([text_of((value or {}).get(name)) for value in values], pa.string()) for name in columns}
    if lines:
        arrays[LINE] = pa.array(lines, pa.binary())
    return Chunk(
        first=first,
        count=len(values),
        batch=pa.RecordBatch.from_pydict(arrays),
        damaged=damaged if damaged.any() else None,
    )


def text_of(value: Any) -> str | None:
    """Give a member as text: a string as it is, anything else as JSON (pairs and maps of headers are read later)."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate: browsers read U+FFFD
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


# -- CoNLL-U


def _read_conllu(path: "Source", columns: Sequence[str], rows: int, *, whole: bool) -> Iterator[Chunk]:
    with faults(path), unpacked(path) as file:
        for first, batch in treebank.batches(_bounded(file), columns, rows, whole=whole):
            yield Chunk(first=first, count=len(batch), batch=batch)


def _bounded(file: Any) -> Iterator[bytes]:
    return iter(lambda: file.readline(_LINE_BYTES), b"")


# -- XLSX


def _read_xlsx(path: Path, wanted: Sequence[str], columns: Sequence[str] | None, rows: int) -> Iterator[Chunk]:
    """Read the rows of all sheets that have a wanted column; ``columns`` None gives the columns of all such sheets."""
    import pyarrow as pa

    names = tuple(spreadsheet.columns(path, wanted)) if columns is None else tuple(columns)
    first = held = 0
    kept: list[dict[str, str]] = []
    damage: DamagedError | None = None
    found = spreadsheet.rows(path, wanted)
    while damage is None:
        try:
            row = next(found, None)
        except DamagedError as error:
            row, damage = None, error
        if row is not None:
            kept.append(row)
            held += sum(map(len, row.values()))
        if kept and (row is None or len(kept) == rows or held >= _BATCH_BYTES):
            yield Chunk(first=first, count=len(kept), batch=_of_dicts(pa, kept, names))
            first, kept, held = first + len(kept), [], 0
        if row is None and damage is None:
            return
    raise damage


def _of_dicts(pa: Any, kept: list[dict[str, str]], names: Sequence[str]) -> Any:
    return pa.RecordBatch.from_pydict({name: pa.array([row.get(name) for row in kept], pa.string()) for name in names})
