"""The admitted rows of a table as Parquet: schema unchanged, row groups that do not depend on the batches.

Text tables have no types: the columns of CSV are strings. A column of strings of which an admitted one is not UTF-8 is
written as bytes: else readers refuse the whole file. JSON Lines get the types that all their admitted rows share; where
there are none that keep every value, each row stays what it was, in a column ``json`` beside those that were read as
text to judge it: whoever scans the result has to find them.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datalib.errors import Unchecked
from datalib.optout.admitted_lines import Lines, NoTypesError
from datalib.optout.columns import is_text
from datalib.optout.compact import coded, plain
from datalib.optout.decisions import GROUP
from datalib.optout.rows import LINE
from datalib.optout.weights import weights_of

#: Bytes at which a row group ends, however few its rows: they are held until then.
HEAVY: Final = 32 << 20


class AdmittedWriter:
    """Writes the rows that are admitted. No row, no file."""

    def __init__(self, path: Path, table: str, *, lines: bool = False) -> None:
        """``table`` is the name of what is read. ``lines``: batches hold lines of JSON, as ``LINE``."""
        self._path, self._table, self._is_lines = path, table, lines
        self._writer: Any = None
        self._waiting: list[Any] = []
        self._lines: Lines | None = None
        self._no_text: set[int] = set()
        self._schema: Any = None
        self._held = self._weight = 0
        self.rows = 0

    def add(self, batch: Any, admitted: NDArray[Any]) -> None:
        """Add the rows of a batch that are marked."""
        with _possible(self._table):
            chosen = batch.filter(pa.array(admitted))
        self.rows += len(chosen)
        if self._is_lines:
            self._lines = self._lines or Lines(self._path.parent, [name for name in batch.schema.names if name != LINE])
            self._lines.add(chosen.column(LINE).to_pylist())
        else:
            self._take(chosen)

    def close(self) -> bool:
        """Write what is left; say whether there is a file."""
        if self._lines:
            with closing(self._lines) as lines:
                self._read(lines)
        self._finish()
        return self._writer is not None

    def _read(self, lines: Lines) -> None:
        try:
            for batch in lines.typed():
                self._take(batch)
        except NoTypesError:
            self._finish()
            self._writer = None  # the next one begins the file anew
            for batch in lines.plain():
                self._take(batch)

    def _take(self, batch: Any) -> None:
        """Add rows; a row group ends with the row that makes it long or heavy enough."""
        self._schema = batch.schema
        with _possible(self._table):
            batch = plain(batch)
        weights = weights_of(batch)
        while len(batch):
            upto = self._weight + np.cumsum(weights)
            count = min(GROUP - self._held, int(np.searchsorted(upto, HEAVY)) + 1, len(batch))
            self._waiting.append(batch.slice(0, count))
            self._held, self._weight = self._held + count, int(upto[count - 1])
            batch, weights = batch.slice(count), weights[count:]
            if self._held == GROUP or self._weight >= HEAVY:
                self._flush()

    def _finish(self) -> None:
        if self._held:
            self._flush()
        if self._writer:
            self._writer.close()
        if self._no_text:
            self._write_as_bytes()

    def _flush(self) -> None:
        with _possible(self._table):
            table = coded(pa.Table.from_batches(self._waiting), self._schema)
        self._no_text.update(place for place, column in enumerate(table.columns) if not _is_sound(column))
        self._write(table)
        self._waiting, self._held, self._weight = [], 0, 0

    def _write(self, table: Any) -> None:
        with _possible(self._table):
            self._writer = self._writer or pq.ParquetWriter(
                self._path, table.schema, compression="zstd", compression_level=1
            )
            self._writer.write_table(table, row_group_size=GROUP)

    def _write_as_bytes(self) -> None:
        """Write the file anew: a column has one type, which the last of its rows may decide."""
        with pq.ParquetFile(self._path) as written:
            self._path.unlink()
            self._writer = None
            for group in range(written.num_row_groups):
                table = written.read_row_group(group)
                for place in self._no_text:
                    table = table.set_column(place, *_as_bytes(table.field(place), table.column(place)))
                self._write(table.combine_chunks())
        self._writer.close()


def _is_sound(column: Any) -> bool:
    """Say whether a column, if it is said to be text, is text."""
    return not _is_string(column.type) or all(map(is_text, column.chunks))


def _is_string(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _as_bytes(field: Any, column: Any) -> tuple[Any, Any]:
    kind = pa.binary() if pa.types.is_string(field.type) else pa.large_binary()
    return field.with_type(kind), column.cast(kind)


@contextmanager
def _possible(table: str) -> Iterator[None]:
    """Name types of which Arrow takes no rows, or values that Parquet cannot have. Raises Unchecked (E-TABLE-READ)."""
    try:
        yield
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; Arrow's own have no number
            raise
        detail = f"its rows cannot be written as Parquet: {error}; scan without --admitted"
        raise Unchecked("E-TABLE-READ", table, detail) from error
