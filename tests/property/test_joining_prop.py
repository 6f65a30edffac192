"""Whatever stands in the cells: the joined table has the rows of its tables, each with the library it is from."""

import csv
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.assembly.joined_rows import join
from datalib.assembly.joining import Join, Table
from datalib.formats import sha256_hex
from datalib.library import listing
from datalib.library.listing import Line
from datalib.library.manifest import Resource
from datalib.library.store import Folder

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4) | st.sampled_from(
    [",", '"', '""', "\n", "\r\n", " a ", "1.50", "NULL", "қ;\t|"]
)
TABLES = st.lists(st.tuples(CELLS, CELLS), max_size=5)
NAMES = ("a", 'b,"c')


def table(folder: Path, path: str, data: bytes, lib: str, **said: object) -> Table:
    """Lay a table into a folder with a listing."""
    folder.mkdir()
    (folder / path).write_bytes(data)
    with Folder(folder) as opened:
        written = listing.write(opened, iter([Line(sha256_hex(data), path)]))
    fields = tuple({"name": name, "type": "string"} for name in NAMES)
    value = {"name": "t", "path": path, "schema": {"fields": list(fields)}, **said}
    resource = Resource(name="t", paths=(path,), value=value)
    return Table(folder=folder, lib=lib, listing=written.sha256, resource=resource, fields=fields)


@settings(max_examples=100, deadline=None)
@given(
    each=st.lists(st.tuples(TABLES, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"])), min_size=2, max_size=3)
)
def test_cells_of_csv_come_through(each: list[tuple[list[tuple[str, str]], str, str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tables = []
        for number, (rows, delimiter, end) in enumerate(each):
            text = io.StringIO(newline="")
            writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
            writer.writerows([NAMES, *rows])
            data = text.getvalue().encode()
            tables.append(table(root / f"{number}", "t.csv", data, f"l{number}", dialect={"delimiter": delimiter}))
        (root / "out").mkdir()
        wanted = Join(path="all.csv", column="from", tables=tuple(tables), schema=None)
        with Folder(root / "out") as out:
            made = join(out, wanted, None)
            assert not join(out, wanted, None).changed
        found = list(csv.reader(io.StringIO((root / "out/all.csv").read_bytes().decode(), newline="")))
    expected = [(*row, f"l{number}") for number, (rows, _, _) in enumerate(each) for row in rows]
    assert found[0] == [*NAMES, "from"]
    assert [tuple(row) for row in found[1:]] == expected
    assert made.rows == len(expected)


@settings(max_examples=30, deadline=None)
@given(each=st.lists(st.tuples(TABLES, st.integers(1, 3)), min_size=2, max_size=3))
def test_values_of_parquet_come_through(each: list[tuple[list[tuple[str, str]], int]]) -> None:
    schema = pa.schema([(name, pa.string()) for name in NAMES])
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tables = []
        for number, (rows, group) in enumerate(each):
            sink = io.BytesIO()
            columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(NAMES))]
            pq.write_table(pa.Table.from_arrays(columns, schema=schema), sink, row_group_size=group)
            tables.append(table(root / f"{number}", "t.parquet", sink.getvalue(), f"l{number}"))
        (root / "out").mkdir()
        with Folder(root / "out") as out:
            join(out, Join(path="all.parquet", column="from", tables=tuple(tables), schema=schema), None)
        found = pq.read_table(root / "out/all.parquet").to_pylist()
    assert [tuple(row.values()) for row in found] == [
        (*row, f"l{number}") for number, (rows, _) in enumerate(each) for row in rows
    ]
