"""Which sites a set of works comes from: the distinct origins of URL tables and of plain lists.

Read once, front to back; what stays in memory is one string per distinct origin. Rows without a usable URL have no site
to ask: the scan holds them.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout.answers import origin_of

#: Columns that are taken for URLs when none is named.
URL_COLUMNS = ("url", "URL", "image_url", "page_url", "source_url")
_BATCH = 1 << 16
_MAX_LINE = 64 << 20
#: What decides about the origin of an ordinary URL: everything up to the path. Others are parsed whole.
_AUTHORITY = r"^(?i:https?)://[^/\\?#\t\r\n]+"
_AUTHORITY_FORM = re.compile(_AUTHORITY)
_HOST = re.compile(r"[^\s/\\?#@:]+\.[^\s/\\?#@:]+(?::[0-9]{1,5})?")


def origins_of(works: Sequence[Path], url_columns: Sequence[str] = ()) -> Iterator[str]:
    """Give each origin of the URLs of ``works`` once, in the order of their first appearance.

    Parquet and Arrow files, CSV and TSV with a header, JSON Lines; any other file is a list with a URL, an origin or a
    bare host (https) in each line, ``#`` beginning a comment. All columns of ``url_columns`` are read, by default those
    of ``URL_COLUMNS`` that are there.
    Raises Refused (E-TABLE-READ), Misuse (E-USAGE: no such column), Unchecked (E-IO).
    """
    from pyarrow import ArrowException

    found: set[str] = set()
    for path in works:
        known: set[str] = set()
        try:
            for url in _urls(path, url_columns):
                match = _AUTHORITY_FORM.match(url)
                key = match.group() if match else url
                if key in known:
                    continue
                if match:
                    known.add(key)
                origin = origin_of(key)
                if origin is not None and origin not in found:
                    found.add(origin)
                    yield origin
        except OSError as error:
            if error.errno is None:  # pyarrow says so of a damaged file
                raise Refused("E-TABLE-READ", str(path), str(error)) from error
            raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
        except (ArrowException, csv.Error, UnicodeError) as error:
            raise Refused("E-TABLE-READ", str(path), str(error).partition("\n")[0]) from error


def _urls(path: Path, url_columns: Sequence[str]) -> Iterator[str]:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic[:4] == b"PAR1":
        return _of_parquet(path, url_columns)
    if magic == b"ARROW1":
        return _of_arrow(path, url_columns)
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".tab":
            return _of_csv(path, url_columns)
        case ".jsonl" | ".ndjson":
            return _of_json_lines(path, url_columns)
        case _:
            return _of_list(path)


def _of_parquet(path: Path, url_columns: Sequence[str]) -> Iterator[str]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        columns = _choose(path, file.schema_arrow.names, url_columns)
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
            for column in batch.columns:
                yield from _distinct(path, column)


def _of_arrow(path: Path, url_columns: Sequence[str]) -> Iterator[str]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
        columns = _choose(path, file.schema.names, url_columns)
        for index in range(file.num_record_batches):
            batch = file.get_batch(index)
            for name in columns:
                yield from _distinct(path, batch.column(name))


def _distinct(path: Path, column: Any) -> Iterator[str]:
    """Give the distinct beginnings (or, for odd ones, the whole) of a column of URLs."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        texts = column.cast(pa.large_string())
    except pa.ArrowException as error:
        raise Misuse("E-USAGE", str(path), f"a URL column of type {column.type}") from error
    cut = compute.replace_substring_regex(texts, f"({_AUTHORITY})[^\\t\\r\\n]*$", r"\1")
    return (url for url in compute.unique(cut).to_pylist() if url is not None)


def _of_csv(path: Path, url_columns: Sequence[str]) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file, delimiter="," if path.suffix.lower() == ".csv" else "\t")
        header = next(rows, [])
        places = [header.index(name) for name in _choose(path, header, url_columns)]
        for row in rows:
            yield from (row[place] for place in places if place < len(row))


def _of_json_lines(path: Path, url_columns: Sequence[str]) -> Iterator[str]:
    seen = False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in _lines(path, file):
            row = _row(line)
            for name in url_columns or URL_COLUMNS:
                seen = seen or name in row
                if isinstance(url := row.get(name), str):
                    yield url
    if not seen:
        _choose(path, (), url_columns)


def _row(line: str) -> dict[str, Any]:
    """Read one row; a damaged one has no URL."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _of_list(path: Path) -> Iterator[str]:
    any_origin = False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in _lines(path, file):
            text = line.partition(" #")[0].strip() if not line.startswith("#") else ""
            url = f"https://{text}" if _HOST.fullmatch(text) else text
            any_origin = any_origin or origin_of(url) is not None
            yield url
    if not any_origin:
        raise Refused("E-TABLE-READ", str(path), "neither a table that is known here nor a list of URLs or hosts")


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    while line := file.readline(_MAX_LINE):
        if len(line) >= _MAX_LINE:
            raise Refused("E-TABLE-READ", str(path), f"a line is longer than {_MAX_LINE} characters")
        yield line


def _choose(path: Path, names: Sequence[str], url_columns: Sequence[str]) -> list[str]:
    if missing := [name for name in url_columns if name not in names]:
        raise Misuse("E-USAGE", str(path), f"there is no column {missing[0]!r}")
    chosen = list(url_columns) or [name for name in URL_COLUMNS if name in names]
    if not chosen:
        raise Misuse("E-USAGE", str(path), f"none of the columns {', '.join(URL_COLUMNS)}; name one with --url-column")
    return chosen
