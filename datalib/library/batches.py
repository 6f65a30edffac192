"""Rows of one table file as Arrow record batches, in constant memory.

Parquet and Arrow keep their own types. In text formats the columns that the Table Schema calls ``integer``, ``number``
or ``boolean`` have these types, all others are texts as they stand in the file: nothing is reinterpreted.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from datalib.errors import Misuse, Refused
from datalib.library.tables import format_of

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 1 << 20  # of text read at once, in bytes
_SHEET_ROWS = 1 << 20  # the most a spreadsheet program writes


def read_batches(file: Any, resource: Mapping[str, Any], path: str, rows: int) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of ``file``, an open binary file, as its ``resource`` describes them.

    Raises ``Refused("E-TABLE-READ")`` for bytes that are not what the format or the schema says, and
    ``Misuse("E-USAGE")`` for a file that is no table. What ``file`` itself refuses comes through.
    """
    import pyarrow as pa

    kind = format_of(path)
    readers = {
        "parquet": _parquet,
        "arrow": _arrow,
        "feather": _arrow,
        "csv": _csv,
        "tsv": _csv,
        "jsonl": _json_lines,
        "xlsx": _sheet,
    }
    if kind is None:
        raise Misuse("E-USAGE", path, "not a table; open it as a file")
    try:
        yield from readers[kind](file, {**resource, "path": path}, rows)
    except (pa.ArrowException, ValueError, TypeError, AttributeError, LookupError) as error:
        # The last three are said of a description, which strangers wrote: a delimiter that is a number, and the like.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Refused("E-TABLE-READ", path, reason[:200]) from error


def _parquet(file: Any, _resource: Mapping[str, Any], rows: int) -> "Iterator[pa.RecordBatch]":
    import pyarrow.parquet as pq

    with pq.ParquetFile(file, pre_buffer=False) as table:
        yield from table.iter_batches(rows, use_threads=False)


def _arrow(file: Any, _resource: Mapping[str, Any], rows: int) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    magic = file.read(6)
    file.seek(0)
    if magic == b"ARROW1":
        with pa.ipc.open_file(file) as table:
            for number in range(table.num_record_batches):
                yield from _cut(table.get_batch(number), rows)
    else:
        with pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield from _cut(batch, rows)


def _cut(batch: "pa.RecordBatch", rows: int) -> "Iterator[pa.RecordBatch]":
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _types(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Give the Arrow types of the columns of a text table."""
    import pyarrow as pa

    known = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    fields = resource.get("schema", {}).get("fields", ())
    return {
        field["name"]: pa.string() if "decimalChar" in field else known.get(field.get("type"), pa.string())
        for field in fields
    }


def _csv(file: Any, resource: Mapping[str, Any], rows: int) -> "Iterator[pa.RecordBatch]":
    from pyarrow import csv

    dialect, types = resource.get("dialect") or {}, _types(resource)
    missing = list(resource.get("schema", {}).get("missingValues", [""]))
    header = dialect.get("header", True)
    skip = max([0, *dialect.get("commentRows", ())]) if not header else min(dialect.get("headerRows", (1,))) - 1
    default = "\t" if format_of(str(resource.get("path"))) == "tsv" else ","
    reader = csv.open_csv(
        file,
        read_options=csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK,
            skip_rows=skip,
            column_names=None if header else list(types),
            encoding=resource.get("encoding") or "utf8",
        ),
        parse_options=csv.ParseOptions(delimiter=dialect.get("delimiter", default), newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=types, null_values=missing, strings_can_be_null=True),
    )
    for batch in reader:
        yield from _cut(batch, rows)


def _json_lines(file: Any, resource: Mapping[str, Any], rows: int) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa
    from pyarrow import json

    plain = {
        field["name"]
        for field in resource.get("schema", {}).get("fields", ())
        if field.get("type") not in {"object", "array"}
    }
    schema = pa.schema([(name, kind) for name, kind in _types(resource).items() if name in plain])
    reader = json.open_json(
        file,
        read_options=json.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
    )
    for batch in reader:
        yield from _cut(batch, rows)


def _sheet(file: Any, resource: Mapping[str, Any], rows: int) -> "Iterator[pa.RecordBatch]":
    """Read the first sheet as texts: what a cell shows depends on a program, what it holds does not."""
    import pyarrow as pa

    from datalib.library import workbook

    dialect = resource.get("dialect") or {}
    cells, _ = workbook.rows(cast("BinaryIO", file), str(resource.get("path")), _SHEET_ROWS)
    names = [field["name"] for field in resource.get("schema", {}).get("fields", ())]
    first = min(dialect.get("headerRows", (1,))) if dialect.get("header", True) else 0
    body = cells[first:]
    for start in range(0, len(body), rows):
        part = body[start : start + rows]
        columns = [[_text(row[place]) if place < len(row) else None for row in part] for place in range(len(names))]
        yield pa.record_batch([pa.array(column, pa.string()) for column in columns], names=names)


def _text(cell: Any) -> str | None:
    return None if cell is None else str(cell)
