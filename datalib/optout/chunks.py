"""How tables of works are written, and what reading them gives.

A damaged row, row group or file end never stops the reading: it comes out as rows marked ``damaged``, so that each
becomes ``hold`` and is counted. Rows are numbered from 0 in the order of the file, damaged ones included.
"""

import csv
import gzip
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datalib.errors import Unchecked

if TYPE_CHECKING:
    from datalib.optout.stored import Source


class Form(StrEnum):
    """How a table is written. ``SEMICOLONS`` and ``BARS`` are CSV files whose fields are cut by these."""

    PARQUET = "parquet"
    CSV = "csv"
    TSV = "tsv"
    SEMICOLONS = "csv;"
    BARS = "csv|"
    JSONL = "jsonl"
    ARROW = "arrow"
    CONLLU = "conllu"
    XLSX = "xlsx"


#: What stands between two fields of a text.
DELIMITERS = {Form.CSV: ",", Form.SEMICOLONS: ";", Form.TSV: "\t", Form.BARS: "|"}


_FORMS = {
    ".parquet": Form.PARQUET, ".pq": Form.PARQUET,
    ".csv": Form.CSV,
    ".tsv": Form.TSV, ".tab": Form.TSV,
    ".jsonl": Form.JSONL, ".ndjson": Form.JSONL,
    ".conllu": Form.CONLLU,
    ".xlsx": Form.XLSX, ".xlsm": Form.XLSX,
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

    def rows(self, groups: range | None) -> int | None:
        """Count the rows of a run of row groups; None where the table does not say."""
        return None if groups is None else sum(self.groups[groups.start : groups.stop])


class DamagedError(Exception):
    """A table cannot be read at all; its text says why."""


def form_of(name: str) -> Form | None:
    """Name the form of a table by its file's extension (``.gz`` aside for text), or None if it is no table."""
    path = Path(name.lower())
    if path.suffix == ".gz":
        form = _FORMS.get(Path(path.stem).suffix)
        return form if form in _PACKABLE else None
    return _FORMS.get(path.suffix)


def variants(form: Form) -> tuple[Form, ...]:
    """Give the forms that a table may have whose name says ``form``: no name says for certain what cuts a text."""
    return (form, *(other for other in DELIMITERS if other is not form)) if form in DELIMITERS else (form,)


_OTHERS = (OverflowError, KeyError, zlib.error)


class _Faults(AbstractContextManager[None]):
    """Turn what readers of damaged files raise into DamagedError, and trouble with the disk into Unchecked."""

    def __init__(self, path: "Source") -> None:
        self.path = path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, gzip.BadGzipFile):
            raise Unchecked("E-IO", str(self.path), error.strerror or str(error)) from error
        if isinstance(error, MemoryError):  # of this machine, not of the file
            raise Unchecked("E-IO", str(self.path), f"out of memory: {error}") from error
        if isinstance(error, (OSError, pa.ArrowException, ValueError, EOFError, csv.Error, *_OTHERS)):
            raise DamagedError(str(error).splitlines()[0][:200] if str(error) else kind.__name__) from error  # type: ignore[union-attr]  # an error has a kind


def faults(path: "Source") -> AbstractContextManager[None]:
    """Read a file in this block: raises DamagedError, Unchecked (E-IO)."""
    return _Faults(path)


def unpacked(path: "Source") -> Any:
    """Open a text that may be packed."""
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    return gzip.open(path if isinstance(path, Path) else path.open())
