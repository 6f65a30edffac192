"""Write a joined table: batch after batch, in constant memory, from bytes that are the signed ones.

CSV becomes UTF-8 with commas and line feeds, every cell the text that it was; quotes stand where they must. Parquet
keeps its types. The same tables give the same bytes.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from datalib.assembly.joining import Join, Table
from datalib.assembly.placing import former_lines
from datalib.errors import Refused
from datalib.library import hashing
from datalib.library.batches import read_batches
from datalib.library.lookup import Lookup, verified
from datalib.library.names import distinct
from datalib.library.paths import readable
from datalib.library.store import Folder, write_all
from datalib.progress import Watch, adding, nobody

if TYPE_CHECKING:
    from io import FileIO

    import pyarrow as pa

_BATCH: Final = 1 << 15  # rows read at once
_GROUP_ROWS: Final = 1 << 17  # of a Parquet row group, at most
_GROUP_BYTES: Final = 64 << 20  # unpacked; a group ends with the batch that reaches it
_SPECIAL: Final = (b",", b'"', b"\r", b"\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A joined table: how many rows and bytes it has, and whether it is other than what lay there before."""

    path: str
    rows: int
    bytes: int
    changed: bool


def join_all(folder: Folder, wanted: Sequence[Join], *, watch: Watch = nobody) -> tuple[Joined, ...]:
    """Write joined tables into a library, in the place of those that its former listing has; raises as `join`."""
    known = _listed(folder, wanted)
    return tuple(join(folder, each, known.get(each.path), watch=watch) for each in wanted)


def foresee_all(folder: Folder | None, wanted: Sequence[Join]) -> tuple[tuple[Joined, ...], tuple[Refused, ...]]:
    """Say what `join_all` would make, and what of the folder, if there is one, would stop it; nothing is written.

    Raises what `join` raises on account of the tables.
    """
    known = _listed(folder, wanted) if folder else {}
    made = [_make(folder, each, known.get(each.path), None, nobody) for each in wanted]
    return tuple(joined for joined, _ in made), tuple(stop for _, stop in made if stop)


def _listed(folder: Folder, wanted: Sequence[Join]) -> dict[str, str]:
    paths = {each.path for each in wanted}
    return {line.path: line.sha256 for line in former_lines(folder) if line.path in paths} if paths else {}


def join(folder: Folder, wanted: Join, known: str | None, *, watch: Watch = nobody) -> Joined:
    """Write a joined table into a library.

    ``known`` is the digest that the former listing has for its path. Raises ``Refused``: ``E-OUT-EXISTS`` if another
    file lies there, ``E-READ-DIGEST`` and ``E-TABLE-READ`` of the tables; ``Unchecked`` (``E-IO``).
    """
    with folder.placing(wanted.path) as file:
        made, refusal = _make(folder, wanted, known, file, watch)
        if refusal is not None:
            raise refusal
    return made


def _make(
    folder: Folder | None, wanted: Join, known: str | None, file: "FileIO | None", watch: Watch
) -> tuple[Joined, Refused | None]:
    import pyarrow as pa

    out = _Hashing(file)
    try:
        rows = (_write_csv if wanted.schema is None else _write_parquet)(wanted, out, adding(watch, "join", None))
    except pa.ArrowException as error:  # values that a file has against its own schema
        raise Refused("E-TABLE-READ", readable(wanted.path), str(error).partition("\n")[0][:200]) from error
    digest = out.sha256.hexdigest()
    there = folder is not None and folder.exists(wanted.path)
    found = hashing.hash_file(folder, wanted.path, missing="E-FILE-CHANGED").sha256 if folder and there else None
    made = Joined(path=wanted.path, rows=rows, bytes=out.tell(), changed=found != digest)
    if found in {None, digest, known}:
        return made, None
    return made, Refused("E-OUT-EXISTS", readable(wanted.path), "another file lies where a joined table must be")


class _Hashing(io.RawIOBase):
    """A file, or none, that is written from start to end and hashed on the way."""

    def __init__(self, file: "FileIO | None") -> None:
        self.sha256 = hashlib.sha256()
        self._file = file
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        if self._file is not None:
            write_all(self._file, view)
        self.sha256.update(view)
        self._size += len(view)
        return len(view)

    def tell(self) -> int:
        return self._size


def _batches(wanted: Join, described: Mapping[str, Any], table: Table) -> "Iterator[pa.RecordBatch]":
    """Read the rows of one table, its columns in the order in which all have them."""
    names = [field["name"] for field in wanted.tables[0].fields] if wanted.schema is None else wanted.schema.names
    with Folder(table.folder) as folder, Lookup(folder, table.listing) as lines:
        for path in table.resource.paths:
            with verified(folder, path, lines.digest(path)) as file:
                for batch in read_batches(file, described, path, _BATCH):
                    if distinct(batch.schema.names) != names:
                        raise Refused("E-TABLE-READ", f"{table.folder}/{readable(path)}", "its columns are others")
                    if batch.num_rows:
                        yield batch


def _write_csv(wanted: Join, out: _Hashing, add: Callable[[int], None]) -> int:
    import pyarrow as pa

    total = 0
    names = [field["name"] for field in wanted.tables[0].fields]
    heads = [pa.array([name.encode()], pa.binary()) for name in (*names, wanted.column)]
    out.write(_lines(heads))
    for table in wanted.tables:
        source = pa.scalar(table.lib.encode(), pa.binary())
        for batch in _batches(wanted, _as_text(table), table):
            out.write(_lines([*batch.columns, source]))
            add(batch.num_rows)
            total += batch.num_rows
    return total


def _as_text(table: Table) -> dict[str, Any]:
    """Describe a text table so that each cell is read as the text that it is: no type, nothing missing."""
    names = [field["name"] for field in table.fields]
    dialect = table.resource.value.get("dialect")
    if not isinstance(dialect, dict) or dialect.get("header", True):
        names.append("")  # what the file calls a column that its schema has a name for
    fields = [{"name": name, "type": "string"} for name in names]
    return {**table.resource.value, "schema": {"fields": fields, "missingValues": []}}


def _lines(columns: list[Any]) -> bytes:
    """Write rows as lines of CSV."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = [column if isinstance(column, pa.Scalar) else _quoted(column.cast(pa.binary())) for column in columns]
    cells[-1] = pc.binary_join_element_wise(cells[-1], b"", b"\n")  # a line feed behind it
    rows = pc.binary_join_element_wise(*cells, pa.scalar(b",", pa.binary()))
    return _text(rows)


def _text(column: Any) -> bytes:
    """Give all cells of a column without anything between them."""
    _, offsets, data = column.buffers()
    if data is None:
        return b""
    ends = memoryview(offsets).cast("i")
    start, stop = ends[column.offset], ends[column.offset + len(column)]
    text: bytes = data.slice(start, stop - start).to_pybytes()
    return text


def _quoted(column: Any) -> Any:
    """Put cells into quotes that would be cut or lost without them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _text(column)
    if not any(mark in text for mark in _SPECIAL):
        return column
    special = pc.match_substring_regex(column, f"[{b''.join(_SPECIAL).decode()}]")
    quote, nothing = pa.scalar(b'"', pa.binary()), pa.scalar(b"", pa.binary())
    doubled = pc.replace_substring(column, '"', '""') if b'"' in text else column
    return pc.if_else(special, pc.binary_join_element_wise(quote, doubled, quote, nothing), column)


def _write_parquet(wanted: Join, out: _Hashing, add: Callable[[int], None]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = wanted.schema.append(pa.field(wanted.column, pa.string(), nullable=False))  # type: ignore[union-attr]  # there is one: it is Parquet
    with pq.ParquetWriter(out, schema, compression="zstd", compression_level=1) as writer:
        waiting, rows, size, total = list[Any](), 0, 0, 0
        for table in wanted.tables:
            for batch in _batches(wanted, table.resource.value, table):
                source = pa.repeat(table.lib, batch.num_rows)
                waiting.append(pa.RecordBatch.from_arrays([*batch.columns, source], schema=schema))
                rows, size = rows + batch.num_rows, size + batch.nbytes
                if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(waiting), row_group_size=rows)
                    waiting, rows, size = [], 0, 0
                add(batch.num_rows)
                total += batch.num_rows
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=rows)
    return total
