"""The schema of one table file, read in bounded time and memory."""

import csv
import io
import resource
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from datalib.errors import Refused
from datalib.library import arrow_schema, tables, workbook
from datalib.library.tables import Table
from tests import folders


def read(content: str | bytes, path: str = "t.csv") -> Table:
    return tables.read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), path)


def read_file(path: Path) -> Table:
    with path.open("rb") as file:
        return tables.read(file, path.name)


def types(table: Table) -> dict[str, str]:
    return {field["name"]: field["type"] for field in table.schema["fields"]}


def refusal(content: str | bytes, path: str = "t.csv") -> str:
    with pytest.raises(Refused) as caught:
        read(content, path)
    assert (caught.value.code, caught.value.where) == ("E-TABLE-READ", path)
    return caught.value.detail


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/b.csv", "csv"),
        ("B.CSV", "csv"),
        ("x.tab", "tsv"),
        ("x.ndjson", "jsonl"),
        ("x.arrows", "arrow"),
        ("a.csv/b", None),
        (".csv", None),
        ("csv", None),
        ("x.csv.gz", None),
    ],
)
def test_format_by_extension(path: str, kind: str | None) -> None:
    assert tables.format_of(path) == kind


def test_no_table_by_extension() -> None:
    assert "extension" in refusal("x", "t.txt")


# --- CSV and TSV ---


def test_csv_types() -> None:
    table = read(
        "id,name,day,at,hour,month,score,yes,list,map,much\n"
        "1,Ә,2026-01-01,2026-01-01T10:00:00Z,10:00:00,2026-01,1.5,true,[1],{},1e5\n"
        "2,,2026-01-02,2026-01-02T10:00:00Z,11:00:00,2026-02,2,false,[],{},2\n"
    )
    assert types(table) == {
        "id": "integer", "name": "string", "day": "date", "at": "datetime", "hour": "time", "month": "yearmonth",
        "score": "number", "yes": "boolean", "list": "array", "map": "object", "much": "number",
    }  # fmt: skip
    assert (table.dialect, table.encoding, table.notes, table.mediatype) == (None, None, (), "text/csv")


def test_csv_of_a_kazakh_spreadsheet() -> None:
    table = read("атауы;бағасы;күні;коды\nнан;1,5;01.02.2026;007\nсүт;2,25;31.12.2026;012\n")
    assert table.dialect == {"delimiter": ";"}
    assert [dict(field) for field in table.schema["fields"]] == [
        {"name": "атауы", "type": "string"},
        {"name": "бағасы", "type": "number", "decimalChar": ","},
        {"name": "күні", "type": "date", "format": "%d.%m.%Y"},
        {"name": "коды", "type": "string"},
    ]


@pytest.mark.parametrize("cells", ["007", "-01", "00.5"])
def test_leading_zeros_are_kept(cells: str) -> None:
    assert types(read(f"a,b\n{cells},1\n2,2\n")) == {"a": "string", "b": "integer"}


def test_a_type_holds_for_every_row() -> None:
    rows = "".join(f"{number}\n" for number in range(99))
    assert types(read(f"a\n{rows}")) == {"a": "integer"}
    assert types(read(f"a\n{rows}n/a\n")) == {"a": "string"}


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_delimiters(delimiter: str) -> None:
    table = read(f"a{delimiter}b\n1{delimiter}x\n")
    assert table.dialect == (None if delimiter == "," else {"delimiter": delimiter})
    assert types(table) == {"a": "integer", "b": "string"}


def test_tsv_says_its_delimiter() -> None:
    table = read("a,b\tc\n1,2\tx\n", "t.tsv")
    assert (table.dialect, table.format, list(types(table))) == ({"delimiter": "\t"}, "tsv", ["a,b", "c"])


def test_a_title_above_the_table() -> None:
    table = read("Prices\n\na,b,c\n1,2,3\n4,5,6\n")
    assert (table.dialect, list(types(table))) == ({"headerRows": [3]}, ["a", "b", "c"])


def test_fewer_names_than_columns() -> None:
    table = read("a,b\n1,2,3\n4,5,6\n")
    assert (table.dialect, list(types(table))) == (None, ["a", "b"])


def test_blank_lines_before_the_header() -> None:
    assert read("\n\na,b\n1,2\n").dialect == {"headerRows": [3]}


def test_no_header() -> None:
    table = read("1,2.5\n3,4\n")
    assert (table.dialect, types(table)) == ({"header": False}, {"field1": "integer", "field2": "number"})
    assert "columns are numbered" in table.notes[0]


def test_title_without_header() -> None:
    assert read("Prices\n1,2\n3,4\n").dialect == {"header": False, "commentRows": [1]}


def test_one_column() -> None:
    assert types(read("word\nнан\nсүт\n")) == {"word": "string"}


def test_header_only() -> None:
    assert types(read("a,b\n")) == {"a": "any", "b": "any"}


def test_names_are_made_unique() -> None:
    table = read("a,,a,a2,\n1,2,3,4,5\n")
    assert list(types(table)) == ["a", "field2", "a3", "a2", "field5"]


@pytest.mark.parametrize(
    ("encoding", "recorded"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", "utf-16"), ("cp1251", "cp1251")],
)
def test_encodings(encoding: str, recorded: str | None) -> None:
    text = "имя,число\n" + "Просто русский текст в таблице,1\n" * 5
    table = read(text.encode(encoding))
    assert (table.encoding, list(types(table))) == (recorded, ["имя", "число"])


@pytest.mark.parametrize("content", [b"", b" \n\r\n ", b"a,b\n1,\0\n", b"\xff\xfea", b"\n" * 600 + b"a,b\n"])
def test_what_is_no_csv(content: bytes) -> None:
    refusal(content)


def test_a_huge_line() -> None:
    assert "first line" in refusal("a," * (1 << 20))


def test_too_many_columns() -> None:
    assert "columns" in refusal("a," * tables.FIELDS_LIMIT + "a\n1\n")


def test_a_huge_cell_after_good_rows() -> None:
    table = read("a,b\n1,2\n" + "3," + "x" * (2 << 20))
    assert types(table) == {"a": "integer", "b": "integer"}


def test_a_quote_that_never_ends() -> None:
    table = read('a,b\n1,2\n3,"' + "x\n" * (1 << 20))
    assert types(table) == {"a": "integer", "b": "integer"}


@pytest.mark.parametrize("limit", [131_072, 1 << 20])
def test_the_limit_of_the_csv_module_changes_nothing(limit: int) -> None:
    before = csv.field_size_limit(limit)
    try:
        assert types(read(f"a,b\n1,2\n{'x' * 131_072},2\n")) == {"a": "string", "b": "integer"}
        assert types(read(f"a,b\n1,2\n{'x' * 131_073},x\n")) == {"a": "integer", "b": "integer"}
        refusal("x" * 131_073)
    finally:
        csv.field_size_limit(before)


def test_sample_cut_inside_a_character() -> None:
    row = "ж" * 511 + "\n"
    assert types(read("а\n" + row * 3000)) == {"а": "string"}


def test_sniffing_is_linear() -> None:
    # The sniffer of the standard library takes minutes for this.
    read("a,b\n" + '"x" ' * 200_000 + "\n")


def test_reading_stops_at_the_sample() -> None:
    class Endless(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert 0 < size <= tables.SAMPLE_BYTES + 1
            return super().read(size)

    table = tables.read(Endless(b"a,b\n" + b"1,x\n" * 400_000), "t.csv")
    assert types(table) == {"a": "integer", "b": "string"}


# --- JSON Lines ---


def test_json_lines() -> None:
    lines = [
        '{"n": 1, "x": 1, "s": "a", "d": "2026-01-01", "b": true, "o": {}, "l": [], "m": 1, "z": null}',
        "",
        '{"n": 2, "x": 1.5, "s": "5", "d": "2026-01-02", "b": false, "o": {"a": 1}, "l": [1], "m": "x", "more": "5"}',
    ]
    assert types(read("\n".join(lines), "t.jsonl")) == {
        "n": "integer", "x": "number", "s": "string", "d": "date", "b": "boolean", "o": "object", "l": "array",
        "m": "any", "z": "any", "more": "string",
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    ["{", "[1]", "1", "null", "{}", '{"a": 1}\n{', "[" * 100_000, '{"a": ' + "9" * 5000 + "}", '{"\\ud800": 1}'],
)
def test_what_is_no_json_lines(content: str) -> None:
    refusal(content, "t.jsonl")


def test_json_lines_with_many_rows() -> None:
    assert types(read('{"a": 1}\r\n' * 1000 + "{", "t.ndjson")) == {"a": "integer"}


def test_json_lines_in_utf_16() -> None:
    table = read('{"а": 1}\n{"а": 2}'.encode("utf-16"), "t.jsonl")
    assert table.encoding == "utf-16"


# --- Parquet and Arrow ---

EXPECTED = {
    "id": "integer", "text": "string", "score": "number", "ok": "boolean", "day": "date", "at": "datetime",
    "tags": "array",
}  # fmt: skip


def test_parquet(tmp_path: Path) -> None:
    table = read_file(folders.parquet(tmp_path / "t.parquet"))
    assert types(table) == EXPECTED
    assert table.mediatype == "application/vnd.apache.parquet"


def test_arrow_file(tmp_path: Path) -> None:
    table = read_file(folders.feather(tmp_path / "t.feather"))
    assert (types(table), table.mediatype) == (EXPECTED, "application/vnd.apache.arrow.file")


def test_arrow_stream(tmp_path: Path) -> None:
    table = read_file(folders.arrow_stream(tmp_path / "t.arrow"))
    assert (types(table), table.mediatype) == (EXPECTED, "application/vnd.apache.arrow.stream")


def test_old_arrow_stream(tmp_path: Path) -> None:
    content = folders.arrow_stream(tmp_path / "t.arrows").read_bytes()
    assert types(read(content[4:], "t.arrows")) == EXPECTED


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.uint8(), {"type": "integer"}),
        (pa.float16(), {"type": "number"}),
        (pa.decimal128(9, 2), {"type": "number"}),
        (pa.large_string(), {"type": "string"}),
        (pa.string_view(), {"type": "string"}),
        (pa.binary(), {"type": "string", "format": "binary"}),
        (pa.binary(4), {"type": "string", "format": "binary"}),
        (pa.large_binary(), {"type": "string", "format": "binary"}),
        (pa.binary_view(), {"type": "string", "format": "binary"}),
        (pa.date64(), {"type": "date"}),
        (pa.time32("s"), {"type": "time"}),
        (pa.duration("s"), {"type": "duration"}),
        (pa.dictionary(pa.int8(), pa.string()), {"type": "string"}),
        (pa.run_end_encoded(pa.int32(), pa.float64()), {"type": "number"}),
        (pa.struct([("a", pa.int8())]), {"type": "object"}),
        (pa.map_(pa.string(), pa.int8()), {"type": "object"}),
        (pa.map_(pa.int8(), pa.int8()), {"type": "array"}),
        (pa.list_(pa.int8(), 2), {"type": "array"}),
        (pa.large_list(pa.int8()), {"type": "array"}),
        (pa.list_view(pa.int8()), {"type": "array"}),
        (pa.uuid(), {"type": "string", "format": "uuid"}),
        (pa.json_(), {"type": "string"}),
        (pa.null(), {"type": "any"}),
        (pa.month_day_nano_interval(), {"type": "any"}),
        (pa.dense_union([pa.field("a", pa.int8())]), {"type": "any"}),
    ],
)
def test_arrow_types(kind: Any, expected: dict[str, str]) -> None:
    assert arrow_schema.field_type(kind) == expected


def test_columns_that_may_not_be_null(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("a", pa.int8(), nullable=False)])
    table = read_file(folders.parquet(tmp_path / "t.parquet", pa.table({"a": pa.array([1], pa.int8())}, schema)))
    assert table.schema["fields"] == [{"name": "a", "type": "integer", "constraints": {"required": True}}]


def test_repeated_and_empty_columns(tmp_path: Path) -> None:
    columns = pa.table([[1], [2], [3]], names=["a", "a", ""])
    table = read_file(folders.feather(tmp_path / "t.arrow", columns))
    assert list(types(table)) == ["a", "a2", "field3"]
    assert "'a' as 'a2'" in table.notes[0]


@pytest.mark.parametrize("cut", [1, 4, 8, 12, 100])
@pytest.mark.parametrize("suffix", ["parquet", "feather", "arrows"])
def test_cut_short(tmp_path: Path, suffix: str, cut: int) -> None:
    make = {"parquet": folders.parquet, "feather": folders.feather, "arrows": folders.arrow_stream}[suffix]
    content = make(tmp_path / f"t.{suffix}").read_bytes()
    if suffix == "arrows":
        refusal(content[: min(cut, 60)], "t.arrows")
    else:
        refusal(content[:-cut], f"t.{suffix}")


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", "t.parquet"),
        (b"PAR1" + bytes(8) + b"PAR1", "t.parquet"),
        (b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1", "t.parquet"),
        (b"PAR1" + b"\xff" * 16 + b"\x10\0\0\0PAR1", "t.parquet"),
        (b"PAR1\x01\0\0\0PARE", "t.parquet"),
        (b"", "t.arrow"),
        (b"FEA1" + bytes(20), "t.feather"),
        (b"ARROW1\0\0" + b"\xff\xff\xff\xff" + b"ARROW1", "t.arrow"),
        (b"ARROW1\0\0" + b"\xff" * 16 + b"\x10\0\0\0ARROW1", "t.arrow"),
        (b"\xff\xff\xff\xff\x10\0\0\0" + b"\xff" * 16, "t.arrow"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "t.arrow"),
    ],
)
def test_damaged_metadata(content: bytes, path: str) -> None:
    refusal(content, path)


def test_a_table_without_columns(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no columns"):
        read_file(folders.feather(tmp_path / "t.arrow", pa.table({})))


_MEASURE = """
import resource, sys
from datalib.library import tables
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as file:
    tables.read(file, "t.parquet")
before = peak()
with open(sys.argv[2], "rb") as file:
    assert len(tables.read(file, "t.parquet").schema["fields"]) == 1
print(peak() - before)
"""


def test_memory_of_parquet_is_that_of_its_footer(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] in {-1, resource.RLIM_INFINITY}
    small = folders.parquet(tmp_path / "small.parquet")
    large = tmp_path / "large.parquet"
    block = pa.table({"a": pa.array([b"x" * 1024] * 1024)})
    with pa.parquet.ParquetWriter(large, block.schema, compression="none", use_dictionary=False) as writer:
        for _ in range(64):
            writer.write_table(block)
    assert large.stat().st_size > 64 << 20
    run = subprocess.run([sys.executable, "-c", _MEASURE, small, large], check=True, capture_output=True, text=True)
    assert int(run.stdout) < 8 << 10  # KiB


# --- XLSX ---


def test_xlsx(tmp_path: Path) -> None:
    path = folders.xlsx(
        tmp_path / "t.xlsx",
        [
            ["id", "day", "at", "sum", None, "text", "flag", "hour", "mixed", 2026, None],
            [1, date(2026, 1, 1), datetime(2026, 1, 1, 5), 1.5, None, "x", True, time(5), 1, 1],  # noqa: DTZ001 -- as in cells
            [2, date(2026, 1, 2), date(2026, 1, 2), 2, None, "y", False, time(6), "x", 2],
        ],
    )
    table = read_file(path)
    assert types(table) == {
        "id": "integer", "day": "date", "at": "datetime", "sum": "number", "field5": "any", "text": "string",
        "flag": "boolean", "hour": "time", "mixed": "any", "2026": "integer",
    }  # fmt: skip
    assert (table.dialect, table.format) == (None, "xlsx")


def test_xlsx_with_titles_and_sheets(tmp_path: Path) -> None:
    path = folders.xlsx(tmp_path / "t.xlsx", [["Prices"], [], ["a", "b"], [1, 2], [3, 4]], [["other"]])
    table = read_file(path)
    assert table.dialect == {"headerRows": [3]}
    assert "2 sheets" in table.notes[0]


def test_xlsx_of_an_empty_sheet(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no rows"):
        read_file(folders.xlsx(tmp_path / "t.xlsx", []))


def rezip(path: Path, changes: dict[str, bytes]) -> bytes:
    """Give the archive at ``path`` with some parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, content in changes.items():
            new.writestr(name, content)
    return out.getvalue()


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "'
    + b"x" * 1000
    + b'"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]><styleSheet>&y;</styleSheet>'
)


@pytest.mark.parametrize(
    ("part", "content", "said"),
    [
        ("xl/styles.xml", BOMB, "document type"),
        ("xl/styles.xml", BOMB.decode().encode("utf-16"), "document type"),
        ("xl/styles.xml", b"<!-- " + b" " * 200_000 + b" -->" + BOMB[21:], "document type"),
        ("xl/styles.xml", b"", "no element"),
        ("xl/styles.xml", b"<a", "no element"),
        ("xl/styles.xml", b"<a><b></a>", "cannot be read"),
        ("xl/sharedStrings.xml", b"<a>" + b" " * (65 << 20) + b"</a>", "unpacks to"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c>", "no rows"),
        ("xl/worksheets/sheet1.xml", b"<worksheet></sheetData>", "cannot be read"),
        ("xl/worksheets/sheet1.xml", '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), "not UTF-8"),
        ("xl/workbook.xml", b"<workbook/>", "no worksheet"),
    ],
)
def test_hostile_workbooks(tmp_path: Path, part: str, content: bytes, said: str) -> None:
    path = folders.xlsx(tmp_path / "t.xlsx", [["a"], [1]])
    assert said in refusal(rezip(path, {part: content}), "t.xlsx")


def test_workbook_with_too_many_parts(tmp_path: Path) -> None:
    path = folders.xlsx(tmp_path / "t.xlsx", [["a"], [1]])
    assert "parts" in refusal(rezip(path, {f"x{n}": b"" for n in range(workbook.PARTS_LIMIT)}), "t.xlsx")


def test_workbook_with_an_endless_row(tmp_path: Path) -> None:
    path = folders.xlsx(tmp_path / "t.xlsx", [["a"], [1]])
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    row = (
        b"<worksheet "
        + space
        + b"><sheetData><row>"
        + b"<c><v>1</v></c>" * 1_000_000
        + b"</row></sheetData></worksheet>"
    )
    assert "no rows" in refusal(rezip(path, {"xl/worksheets/sheet1.xml": row}), "t.xlsx")


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 100])
def test_what_is_no_workbook(content: bytes) -> None:
    refusal(content, "t.xlsx")


@pytest.mark.parametrize(
    ("value", "kind"), [(timedelta(1), "duration"), (date(2026, 1, 1), "date"), (object(), "any"), (time(1), "time")]
)
def test_kinds_of_cells(value: object, kind: str) -> None:
    assert tables._kind_of(value) == kind
