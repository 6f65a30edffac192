"""Folders with real tables in them, made for tests: small, deterministic, each format by its own library."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from datalib.library.describe import Statements

#: Seconds since 1970: 2026-09-21T14:13:20Z.
NOW = 1_790_000_000

PRODUCER: Mapping[str, Any] = {"id": "kz-bin:990140000384", "name": {"ru": "Дерекнама"}}


def statements(**changes: Any) -> Statements:
    """Say what every library must say; ``changes`` say something else."""
    said: dict[str, Any] = {
        "producer": PRODUCER,
        "purposes": ["train:asr", "eval"],
        "sources": [{"title": "Own field recordings", "path": "https://example.kz/src"}],
    }
    return Statements(**(said | changes))


def arrow_table() -> pa.Table:
    """Make a table with a column of each kind that people use."""
    return pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "text": pa.array(["сәлем", None]),
            "score": pa.array([0.5, 1.5]),
            "ok": pa.array([True, False]),
            "day": pa.array([date(2026, 1, 1), date(2026, 1, 2)]),
            "at": pa.array([datetime(2026, 1, 1, 12), None], pa.timestamp("us")),  # noqa: DTZ001 -- a local time, as tables hold them
            "tags": pa.array([["a"], []], pa.list_(pa.string())),
        }
    )


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write texts and bytes under their paths."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def parquet(path: Path, table: pa.Table | None = None) -> Path:
    """Write a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(arrow_table() if table is None else table, path)
    return path


def feather(path: Path, table: pa.Table | None = None) -> Path:
    """Write an Arrow file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.feather.write_feather(arrow_table() if table is None else table, str(path))
    return path


def arrow_stream(path: Path) -> Path:
    """Write an Arrow stream."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = arrow_table()
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def xlsx(path: Path, *sheets: list[list[Any]]) -> Path:
    """Write a workbook with these rows in its sheets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook(write_only=True)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path
