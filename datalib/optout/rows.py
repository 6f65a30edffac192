"""Tables of works, read as a stream of record batches: Parquet, CSV, TSV, JSON Lines, Arrow; bounded memory.

A damaged row, row group or file end never stops the reading: it comes out as rows marked ``damaged``, so that each
becomes ``hold`` and is counted. Rows are numbered from 0 in the order of the file, damaged ones included.
"""

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datalib.errors import Unchecked
from datalib.optout import treebank

#: Rows held at once; fewer where a column holds whole documents.
BATCH_ROWS = 1 << 17
DOCUMENT_ROWS = 1 << 10
#: Bytes held at once, as far as the form of a table lets this be chosen.
_BATCH_BYTES = 64 << 20
_BLOCK_BYTES = 16 << 20
_LINE_BYTES = 64 << 20
_HEAD_BYTES = 1 << 20
#: The column that carries a whole line of JSON Lines.
LINE = "\0line"


class Form(StrEnum):
    """How a table is written."""

    PARQUET = "parquet"
    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    ARROW = "arrow"
    CONLLU = "conllu"


_FORMS = {
    ".parquet": Form.PARQUET, ".pq": Form.PARQUET,
    ".csv": Form.CSV,
    ".tsv": Form.TSV, ".tab": Form.TSV,
    ".jsonl": Form.JSONL, ".ndjson": Form.JSONL,
    ".conllu": Form.CONLLU,
    ".arrow": Form.ARROW, ".arrows": Form.ARROW, ".feather": Form.ARROW, ".ipc": Form.ARROW,
}  # fmt: skip
_PACKABLE = {Form.CSV, Form.TSV, Form.JSONL, Form.CONLLU}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some rows of a table. ``batch`` is None when none of them could be read; ``damaged`` marks single rows."""

    first: int
    count: int
    batch: Any
    damaged: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a table says of itself before its rows are read. ``groups``: rows of each Parquet row group."""

    columns: tuple[str, ...]
    groups: tuple[int, ...] = ()


class DamagedError(Exception):
    """A table cannot be read at all; its text says why."""


def form_of(name: str) -> Form | None:
    """Name the form of a table by its file's extension (``.gz`` aside for text), or None if it is no table."""
    path = Path(name.lower())
    if path.suffix == ".gz":
        form = _FORMS.get(Path(path.stem).suffix)
        return form if form in _PACKABLE else None
    return _FORMS.get(path.suffix)


def head(path: Path, form: Form) -> Head:
    """Read the names of the columns. Raises DamagedError, Unchecked (E-IO)."""
    with _faults(path):
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
            with _unpacked(path) as file:
                return Head(columns=treebank.columns(_bounded(file)))
        return Head(columns=_csv_columns(path, form))


def read(
    path: Path,
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
    return _read_until_fault(lambda: _read_csv(path, form, chosen))


class _Faults(AbstractContextManager[None]):
    """Turn what readers of damaged files raise into DamagedError, and trouble with the disk into Unchecked."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, gzip.BadGzipFile):
            raise Unchecked("E-IO", str(self.path), error.strerror or str(error)) from error
        if isinstance(error, (OSError, pa.ArrowException, ValueError, EOFError, csv.Error, OverflowError, KeyError)):
            raise DamagedError(str(error).splitlines()[0][:200] if str(error) else kind.__name__) from error  # type: ignore[union-attr]  # an error has a kind


def _faults(path: Path) -> AbstractContextManager[None]:
    return _Faults(path)


def _read_until_fault(stream: Callable[[], Iterator[Chunk]]) -> Iterator[Chunk]:
    following = 0
    try:
        for chunk in stream():
            yield chunk
            following = chunk.first + chunk.count
    except DamagedError:
        yield Chunk(first=following, count=1, batch=None)


# -- Parquet


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)


def _read_parquet(path: Path, columns: Sequence[str] | None, groups: range | None, rows: int) -> Iterator[Chunk]:
    with _faults(path), _parquet(path) as file:
        counts = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
        sizes = [_size(file.metadata.row_group(index), columns) for index in range(len(counts))]
    first = sum(counts[: groups.start]) if groups else 0
    for index in groups if groups is not None else range(len(counts)):
        done = 0
        held = max(1, min(rows, _BATCH_BYTES * counts[index] // max(1, sizes[index])))
        try:
            # A file opened anew for each group: what one damaged group leaves behind does not touch the next.
            with _faults(path), _parquet(path) as file:
                for batch in file.iter_batches(held, row_groups=[index], columns=columns, use_threads=False):
                    yield Chunk(first=first + done, count=len(batch), batch=batch)
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


def _arrow(path: Path) -> Any:
    import pyarrow as pa

    source = pa.memory_map(str(path))
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _read_arrow(path: Path, columns: Sequence[str] | None, rows: int) -> Iterator[Chunk]:
    first = 0
    with _faults(path), _arrow(path) as reader:
        batches = (
            iter(reader) if hasattr(reader, "__iter__") else map(reader.get_batch, range(reader.num_record_batches))
        )
        for whole in batches:
            chosen = whole if columns is None else whole.select(list(columns))
            for start in range(0, len(chosen), rows):
                batch = chosen.slice(start, rows)
                yield Chunk(first=first + start, count=len(batch), batch=batch)
            first += len(chosen)


# -- CSV, TSV


def _unpacked(path: Path) -> Any:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _csv_columns(path: Path, form: Form) -> tuple[str, ...]:
    with _unpacked(path) as file:
        raw = file.read(_HEAD_BYTES)
    text = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    if "\0" in text or raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DamagedError("not a table in UTF-8")
    first = next(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(form), strict=True), [])
    return tuple(first)


def _delimiter(form: Form) -> str:
    return "\t" if form is Form.TSV else ","


def _read_csv(path: Path, form: Form, columns: Sequence[str] | None) -> Iterator[Chunk]:
    """Read text columns. Rows with too few or too many fields are reported by number and put back as damaged ones."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    bad: list[int] = []

    def note(row: Any) -> str:
        bad.append(row.number)
        return "skip"

    with _faults(path):
        names = _csv_columns(path, form)
        options = arrow_csv.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False,
            include_columns=list(columns) if columns is not None else None,
        )  # fmt: skip
        with (
            _unpacked(path) as file,
            arrow_csv.open_csv(
                file,
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=_delimiter(form), newlines_in_values=True, invalid_row_handler=note
                ),
                convert_options=options,
            ) as reader,
        ):
            yield from _with_bad_rows(reader, bad)


def _with_bad_rows(reader: Any, bad: list[int]) -> Iterator[Chunk]:
    """Give the rows of a CSV file their numbers; ``bad`` grows as the parser reads, and counts the header as row 1."""
    import pyarrow as pa

    first, used = 0, 0
    for batch in reader:
        if used == len(bad):
            yield Chunk(first=first, count=len(batch), batch=batch)
            first += len(batch)
            continue
        place, order, marks = first, list[int](), list[bool]()
        for row in range(len(batch)):
            while used < len(bad) and bad[used] - 2 == place:
                order.append(-1)
                marks.append(True)
                used += 1
                place += 1
            order.append(row)
            marks.append(False)
            place += 1
        damaged = np.array(marks, dtype=np.bool_)
        if damaged.any():
            batch = batch.take(pa.array(order, mask=damaged))  # noqa: PLW2901 (the gaps put back)
        if len(batch):
            yield Chunk(first=first, count=len(batch), batch=batch, damaged=damaged if damaged.any() else None)
        first = place
    if used < len(bad):
        yield Chunk(first=first, count=len(bad) - used, batch=None)


# -- JSON Lines


def json_lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Read the lines of a JSON Lines file with their objects; None where a line is none. Empty lines are no rows."""
    with _faults(path), _unpacked(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(_LINE_BYTES), b"")):
            raw = line.removeprefix(codecs.BOM_UTF8) if not number else line
            if not raw.strip():
                continue
            try:
                value = json.loads(raw)
            except (ValueError, RecursionError):
                value = None
            yield raw, value if isinstance(value, dict) else None


def _jsonl_columns(path: Path) -> tuple[str, ...]:
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


def _read_jsonl(path: Path, columns: Sequence[str], rows: int, *, whole: bool) -> Iterator[Chunk]:
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
    arrays = {name: pa.array([_text((value or {}).get(name)) for value in values], pa.string()) for name in columns}
    if lines:
        arrays[LINE] = pa.array(lines, pa.binary())
    return Chunk(
        first=first,
        count=len(values),
        batch=pa.RecordBatch.from_pydict(arrays),
        damaged=damaged if damaged.any() else None,
    )


def _text(value: Any) -> str | None:
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


def _read_conllu(path: Path, columns: Sequence[str], rows: int, *, whole: bool) -> Iterator[Chunk]:
    with _faults(path), _unpacked(path) as file:
        for first, batch in treebank.batches(_bounded(file), columns, rows, whole=whole):
            yield Chunk(first=first, count=len(batch), batch=batch)


def _bounded(file: Any) -> Iterator[bytes]:
    return iter(lambda: file.readline(_LINE_BYTES), b"")
