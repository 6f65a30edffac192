"""A table of works: where the files of a folder came from, by ``path``, ``url`` and, if it is known, ``license``.

A file that the table names has a URL like a row of a table has: its site must have been asked, and a row without a URL
holds it back. A row that names no file stops the scan: the file that was meant would be judged without its site.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datalib.errors import Misuse, Refused
from datalib.optout import rows

if TYPE_CHECKING:
    from datalib.optout.works import File

PATH, URL, LICENCE = "path", "url", "license"
#: Files that one table may name.
MAX_ROWS: Final = 1 << 24


def place(files: Sequence["File"], table: Path) -> Iterator["File"]:
    """Give the files with what the table says of them.

    Raises Misuse (E-USAGE) for a table without the columns, or one that names a file twice or one that is not there;
    Refused (E-WORKS-TABLE) for one that cannot be read; Unchecked (E-IO).
    """
    said = _read(table)
    known = {file.name for file in files}
    if strange := [name for name in said if name not in known]:
        raise Misuse("E-USAGE", f"{table}: {strange[0][:200]}", "the works have no file of this name")
    for file in files:
        found = said.get(file.name)
        yield file if found is None else replace(file, placed=True, url=found[0], licence=found[1])


def _read(table: Path) -> dict[str, tuple[str | None, str | None]]:
    form = rows.form_of(table.name)
    if form is None:
        raise Misuse("E-USAGE", str(table), "a table of works is Parquet, CSV, JSON Lines or Arrow")
    try:
        names = rows.head(table, form).columns
    except rows.DamagedError as error:
        raise Refused("E-WORKS-TABLE", str(table), str(error)) from error
    if missing := [name for name in (PATH, URL) if name not in names]:
        raise Misuse("E-USAGE", str(table), f"a table of works has a column {missing[0]!r}")
    wanted = [name for name in (PATH, URL, LICENCE) if name in names]
    if twice := [name for name in wanted if names.count(name) > 1]:  # of two URLs only one would be judged
        raise Refused("E-WORKS-TABLE", str(table), f"the column {twice[0]!r} stands in it twice")
    found: dict[str, tuple[str | None, str | None]] = {}
    for chunk in rows.read(table, form, columns=wanted):
        for row in _rows_of(chunk, table):
            path = row[PATH]
            if not isinstance(path, str) or path in found or len(found) >= MAX_ROWS:
                raise Misuse(
                    "E-USAGE", f"{table}: {path!r}"[:300], "each row names one file, and each file stands once"
                )
            found[path] = (_text(row[URL]), _text(row.get(LICENCE)))
    return found


def _rows_of(chunk: rows.Chunk, table: Path) -> list[dict[str, object]]:
    try:
        if chunk.batch is not None and chunk.damaged is None:
            found: list[dict[str, object]] = chunk.batch.to_pylist()
            return found
    except UnicodeDecodeError:  # text of CSV may be any bytes
        pass
    raise Refused("E-WORKS-TABLE", f"{table}#{chunk.first}", "a row cannot be read")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
