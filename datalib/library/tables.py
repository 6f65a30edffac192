"""The schema of one table file, as a Data Package v2 Table Schema.

Parquet and Arrow: from the file's own metadata. CSV, TSV, JSON Lines and XLSX: by Frictionless from a sample that is
bounded in bytes, rows and cells (`datalib.library.inference`).
"""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, BinaryIO, Final

from datalib.errors import Refused
from datalib.library import arrow_schema, inference, workbook
from datalib.library.names import distinct

#: What is read of a text table, at most. Types are inferred from these rows and not checked in the rest.
SAMPLE_BYTES: Final = 1 << 20
SAMPLE_ROWS: Final = 500
#: Longest cell of a text table that is looked at, in characters: the limit that Python's csv module starts with.
CELL_LIMIT: Final = 131_072
#: Widest table that becomes a resource (the widest sheet that a spreadsheet program makes).
FIELDS_LIMIT: Final = 16_384

#: Format of a table by the extension of its name.
FORMATS: Final[Mapping[str, str]] = {
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
    "arrow": "arrow",
    "arrows": "arrow",
    "feather": "feather",
    "xlsx": "xlsx",
}
MEDIATYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "feather": "application/vnd.apache.arrow.file",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_STREAM: Final = "application/vnd.apache.arrow.stream"

_DELIMITERS: Final = ",\t;|"
_DIALECT_ROWS: Final = 100
_NUMBER: Final = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_KINDS: Final[Sequence[tuple[type | tuple[type, ...], str]]] = (
    (bool, "boolean"),  # before int: a bool is one
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (dict, "object"),
    (list, "array"),
    (date, "date"),
    (time, "time"),
    (timedelta, "duration"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is known of one table file. ``dialect`` and ``encoding`` are ``None`` when they are the defaults."""

    format: str
    mediatype: str
    encoding: str | None = None
    dialect: Mapping[str, Any] | None = None
    schema: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def format_of(path: str) -> str | None:
    """Name the table format of a file by its extension, or ``None`` if it is not one of a table."""
    name = path.rpartition("/")[2]
    stem, _, extension = name.rpartition(".")
    return FORMATS.get(extension.lower()) if stem else None


def read(file: BinaryIO, path: str) -> Table:
    """Read the schema of the table ``file``, a seekable binary file; ``path`` names it and its format.

    Raises ``Refused`` (``E-TABLE-READ``) if the file is no table of its format, is damaged, or is beyond a limit of
    this module. Raises ``OSError`` if it cannot be read.
    """
    kind = format_of(path)
    if kind is None:
        raise Refused("E-TABLE-READ", path, "its extension is not one of a table")
    if kind == "parquet":
        return _table(kind, path, arrow_schema.parquet_fields(file, path))
    if kind in {"arrow", "feather"}:
        fields, stream = arrow_schema.arrow_fields(file, path)
        return _table(kind, path, fields, mediatype=_STREAM if stream else None)
    if kind == "xlsx":
        return _sheet(file, path)
    sample = _text(file, path)
    return _json_lines(sample, path) if kind == "jsonl" else _delimited(sample, path, kind)


def _table(
    kind: str,
    path: str,
    fields: list[dict[str, Any]],
    *,
    mediatype: str | None = None,
    encoding: str | None = None,
    dialect: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    _check_width(len(fields), path)
    renamed = distinct([field["name"] for field in fields])
    changed = [
        f"{field['name']!r} as {name!r}" for field, name in zip(fields, renamed, strict=True) if name != field["name"]
    ]
    for field, name in zip(fields, renamed, strict=True):
        field["name"] = name
    said = (*notes, f"columns without a name of their own are described {', '.join(changed[:5])}") if changed else notes
    return Table(
        format=kind,
        mediatype=mediatype or MEDIATYPES[kind],
        encoding=encoding,
        dialect=dialect or None,
        schema={"fields": fields},
        notes=tuple(said),
    )


def _check_width(width: int, path: str) -> None:
    if width == 0:
        raise Refused("E-TABLE-READ", path, "the table has no columns")
    if width > FIELDS_LIMIT:
        raise Refused("E-TABLE-READ", path, f"the table has {width} columns; {FIELDS_LIMIT} are read")


# --- text ---


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """The decoded beginning of a text file: whole lines; ``encoding`` is ``None`` for UTF-8."""

    text: str
    encoding: str | None
    whole: bool


def _text(file: BinaryIO, path: str) -> _Sample:
    file.seek(0)
    raw = file.read(SAMPLE_BYTES + 1)
    if not raw.strip():
        raise Refused("E-TABLE-READ", path, "the file is empty")
    whole = len(raw) <= SAMPLE_BYTES
    raw = raw[:SAMPLE_BYTES]
    encoding = _encoding(raw, path)
    try:
        # A sample may end inside a character: the decoder then keeps the incomplete one back.
        text = codecs.getincrementaldecoder(encoding)().decode(raw, final=whole)
    except (UnicodeError, LookupError) as problem:
        raise Refused("E-TABLE-READ", path, f"the text is not {encoding}") from problem
    if "\0" in text:
        raise Refused("E-TABLE-READ", path, "the text has zero bytes")
    if not whole:
        end = max(text.rfind("\n"), text.rfind("\r"))
        if end < 0:
            raise Refused("E-TABLE-READ", path, f"its first line is longer than {SAMPLE_BYTES} bytes")
        text = text[: end + 1]
    return _Sample(text=text, encoding=None if encoding in {"utf-8", "utf-8-sig"} else encoding, whole=whole)


def _encoding(raw: bytes, path: str) -> str:
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return _detected(raw, path)
    return "utf-8"


def _detected(raw: bytes, path: str) -> str:
    try:
        return inference.encoding_of(raw)
    except (LookupError, UnicodeError) as problem:
        raise Refused("E-TABLE-READ", path, "the encoding of the text is unknown") from problem


def _delimited(sample: _Sample, path: str, kind: str) -> Table:
    delimiter = "\t" if kind == "tsv" else _delimiter(sample, path)
    rows = _csv_rows(sample, delimiter, path, SAMPLE_ROWS)
    header = _header_row(rows)
    dialect: dict[str, Any] = {} if delimiter == "," else {"delimiter": delimiter}
    notes: list[str] = []
    if all(_NUMBER.fullmatch(cell) for cell in rows[header - 1]):
        dialect["header"] = False
        if header != 1:
            dialect["commentRows"] = list(range(1, header))
        labels, body = [""] * len(rows[header - 1]), rows[header - 1 :]
        notes.append("its first row is numbers: the columns are numbered")
    else:
        labels, body = rows[header - 1], rows[header:]
        if header != 1:
            dialect["headerRows"] = [header]
    _check_width(len(labels), path)
    fields = inference.fields_of(distinct(labels), [row for row in body if row], inference.CANDIDATES)
    return _table(kind, path, fields, encoding=sample.encoding, dialect=dialect, notes=notes)


def _csv_rows(sample: _Sample, delimiter: str, path: str, limit: int) -> list[list[str]]:
    """Cut rows, at most ``limit``, up to the first with an overlong cell: a quote that never ends looks like one."""
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(sample.text, newline=""), delimiter=delimiter)
    # The csv module's own limit is one for the whole process: another library may have raised it.
    with suppress(csv.Error):
        for row in islice(reader, limit):
            if any(len(cell) > CELL_LIMIT for cell in row):
                break
            rows.append(row)
    if not any(rows):
        raise Refused("E-TABLE-READ", path, "the rows at its start are empty, or their cells are too long")
    # The last record of a cut sample may go on behind the cut, inside quotes.
    return rows if sample.whole or len(rows) <= 2 or len(rows) == limit else rows[:-1]  # noqa: PLR2004 -- header and a row


def _delimiter(sample: _Sample, path: str) -> str:
    """Choose the delimiter that cuts the most rows into equally many cells; a comma if none does."""
    best, chosen = (0.0, 0), ","
    for delimiter in _DELIMITERS:
        rows = _csv_rows(sample, delimiter, path, _DIALECT_ROWS)
        width = _usual_width(rows)
        score = (sum(len(row) == width for row in rows) / len(rows), width)
        if width > 1 and score > best:
            best, chosen = score, delimiter
    return chosen


def _usual_width(rows: Sequence[Sequence[Any]]) -> int:
    """Give the number of cells that most rows have, of several equally common ones the largest."""
    widths = Counter(len(row) for row in rows if row)
    return max(widths, key=lambda width: (widths[width], width), default=0)


def _header_row(rows: Sequence[Sequence[Any]]) -> int:
    """Find the header, counting from 1: the first row as wide as most are, as titles above a table are narrow."""
    first = next(position for position, row in enumerate(rows, 1) if row)
    width = _usual_width([row for row in rows if row][:_DIALECT_ROWS])
    found = next(position for position, row in enumerate(rows, 1) if len(row) == width)
    if len(rows[first - 1]) > 1 and _has_number(rows[found - 1]) and not _has_number(rows[first - 1]):
        return first  # names that are fewer than the columns below them are names all the same
    return found


def _has_number(row: Sequence[Any]) -> bool:
    return any(_NUMBER.fullmatch(str(cell)) for cell in row)


# --- typed cells: JSON Lines and workbooks ---


def _json_lines(sample: _Sample, path: str) -> Table:
    records: list[dict[str, Any]] = []
    for number, line in enumerate(sample.text.splitlines() if sample.encoding else sample.text.split("\n"), 1):
        if len(records) == SAMPLE_ROWS:
            break
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise Refused("E-TABLE-READ", path, f"line {number} is not JSON") from problem
        if not isinstance(record, dict):
            raise Refused("E-TABLE-READ", path, f"line {number} is not a JSON object")
        records.append(record)
    names = list(dict.fromkeys(name for record in records for name in record))
    if any(_SURROGATE.search(name) for name in names):
        raise Refused("E-TABLE-READ", path, "a member name is no Unicode text")
    _check_width(len(names), path)
    kept = records[: max(1, inference.SAMPLE_CELLS // len(names))]
    fields = [_typed_field(name, [record.get(name) for record in kept]) for name in names]
    return _table("jsonl", path, fields, encoding=sample.encoding)


def _sheet(file: BinaryIO, path: str) -> Table:
    cells, sheets = workbook.rows(file, path, SAMPLE_ROWS)
    rows = [_without_tail(row) for row in cells]
    if not any(rows):
        raise Refused("E-TABLE-READ", path, "its first sheet has no rows that can be read")
    header = _header_row(rows)
    labels = ["" if cell is None else str(cell) for cell in rows[header - 1]]
    _check_width(len(labels), path)
    body = [row for row in rows[header:] if row][: max(1, inference.SAMPLE_CELLS // len(labels))]
    fields = [
        _typed_field(name, [row[position] for row in body if len(row) > position])
        for position, name in enumerate(distinct(labels))
    ]
    notes = [f"it has {sheets} sheets: the schema is the first one's"] if sheets > 1 else []
    return _table("xlsx", path, fields, dialect={"headerRows": [header]} if header != 1 else None, notes=notes)


def _without_tail(row: list[Any]) -> list[Any]:
    end = len(row)
    while end and row[end - 1] is None:
        end -= 1
    return row[:end]


def _typed_field(name: str, cells: Sequence[Any]) -> dict[str, Any]:
    """Type a column by the types its cells already have; only texts are looked into."""
    present = [cell for cell in cells if cell is not None and cell != ""]
    kinds = {_kind_of(cell) for cell in present}
    if kinds == {"string"}:
        return {**inference.fields_of([name], [[cell] for cell in present], inference.TEXT_CANDIDATES)[0], "name": name}
    if kinds == {"date", "datetime"}:
        return {"name": name, "type": "datetime"}
    if kinds == {"integer", "number"}:
        return {"name": name, "type": "number"}
    return {"name": name, "type": kinds.pop() if len(kinds) == 1 else "any"}


def _kind_of(cell: Any) -> str:
    if isinstance(cell, datetime):
        return "date" if cell.time() == time() else "datetime"
    for kinds, name in _KINDS:
        if isinstance(cell, kinds):
            return name
    return "any"
