"""The admitted rows of a table as Parquet: schema unchanged, row groups that do not depend on the batches.

Text tables have no types: the columns of CSV are strings. JSON Lines get the types that all their admitted rows share;
where there are none, each row stays what it was, in one column ``json``.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datalib.optout.decisions import GROUP
from datalib.optout.rows import LINE


class AdmittedWriter:
    """Writes the rows that are admitted. No row, no file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None
        self._waiting: list[Any] = []
        self._lines: list[bytes] = []
        self._held = 0
        self.rows = 0

    def add(self, batch: Any, admitted: NDArray[Any]) -> None:
        """Add the rows of a batch that are marked."""
        chosen = batch.filter(pa.array(admitted))
        self.rows += len(chosen)
        if LINE in batch.schema.names:
            self._lines += chosen.column(LINE).to_pylist()
            return
        if not len(chosen):
            return
        self._waiting.append(chosen)
        self._held += len(chosen)
        while self._held >= GROUP:
            self._flush(GROUP)

    def close(self) -> bool:
        """Write what is left; say whether there is a file."""
        if self._lines:
            self._waiting, self._held = [*_typed(self._lines)], len(self._lines)
        while self._held:
            self._flush(min(GROUP, self._held))
        if self._writer:
            self._writer.close()
        return self._writer is not None

    def _flush(self, count: int) -> None:
        import pyarrow.parquet as pq

        table = pa.Table.from_batches(self._waiting)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd", compression_level=1)
        self._writer.write_table(table.slice(0, count).combine_chunks(), row_group_size=GROUP)
        rest = table.slice(count)
        self._waiting, self._held = rest.to_batches(), len(rest)


def _typed(lines: list[bytes]) -> Iterator[Any]:
    """Read lines of JSON into batches of one schema."""
    import pyarrow.json as arrow_json

    text = b"\n".join(line.strip() for line in lines)
    try:
        table = arrow_json.read_json(
            io.BytesIO(text),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=max(len(text) + 1, 1)),
            parse_options=arrow_json.ParseOptions(newlines_in_values=False),
        )
        if len(table) != len(lines):
            raise pa.ArrowInvalid("rows were lost")
    except (pa.ArrowException, OverflowError):
        table = pa.table({"json": pc.cast(pa.array(lines, pa.binary()), pa.string(), safe=False)})
    yield from table.to_batches()
