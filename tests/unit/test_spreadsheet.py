"""Workbooks as tables of works: rows as in a CSV file, and whatever cannot be read is a damaged row."""

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from datalib.errors import Misuse, Unchecked
from datalib.optout import rows, spreadsheet
from datalib.optout.answers import Answer
from datalib.optout.apply import apply
from datalib.optout.attest import attest_result
from datalib.optout.origins import origins_of
from datalib.optout.rows import Form
from datalib.optout.scan import scan
from tests import media_files as made
from tests.scanning import NOW, read_decisions, write_sites


def book(path: Path, *sheets: list[list[Any]], rights: str = "") -> Path:
    made_book = openpyxl.Workbook()
    made_book.remove(made_book.worksheets[0])
    for lines in sheets:
        sheet = made_book.create_sheet()
        for line in lines:
            sheet.append(line)
    made_book.properties.description = rights
    made_book.save(path)
    return path


def changed(path: Path, part: str, content: bytes | None) -> Path:
    """Write a workbook anew with another part, or without it."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        if content is not None:
            new.writestr(part, content)
    path.write_bytes(out.getvalue())
    return path


def read(path: Path, *columns: str) -> list[dict[str, Any] | None]:
    chunks = rows.read(path, Form.XLSX, columns=columns, batch_rows=2)
    return [row for chunk in chunks for row in (chunk.batch.to_pylist() if chunk.batch else [None])]


def sheet(content: str) -> bytes:
    return f"<worksheet><sheetData>{content}</sheetData></worksheet>".encode()


SHEET = "xl/worksheets/sheet1.xml"
SHARED = "xl/sharedStrings.xml"
WORKS: list[list[Any]] = [["url", "text"], ["https://e.x/a", "one"], [], ["https://e.x/b", 2], [None, "no URL"]]


def test_rows_are_those_of_all_sheets_with_works(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", WORKS, [["notes"], ["to nobody"]], [["page_url"], ["https://e.y/"]])
    assert rows.form_of("A.XLSX") is rows.form_of("a.xlsm") is Form.XLSX
    assert rows.head(path, Form.XLSX).columns == ("url", "text", "notes", "page_url")
    assert read(path, "url", "page_url") == [
        {"url": "https://e.x/a", "page_url": None}, {"url": "https://e.x/b", "page_url": None},
        {"url": None, "page_url": None}, {"url": None, "page_url": "https://e.y/"},
    ]  # fmt: skip
    (chunk,) = rows.read(path, Form.XLSX, columns=["url"], whole=True)
    assert chunk.batch.schema.names == ["url", "text"]
    assert chunk.batch.column("text").to_pylist() == ["one", "2", "no URL"]


def test_a_workbook_is_scanned_as_a_table(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", WORKS)
    refusals = tmp_path / "refusals.txt"
    refusals.write_text("https://e.x/a\n", encoding="utf-8")
    scan([path], out=tmp_path / "out", registries=[refusals], require_carriers=[], profile="kz", now=NOW)
    assert [(row.work, row.verdict, row.reason) for row in read_decisions(tmp_path / "out")] == [
        ("a.xlsx#0", "refuse", "registry"), ("a.xlsx#1", "hold", "not-asked-robots-txt"),
        ("a.xlsx#2", "hold", "no-url"),
    ]  # fmt: skip
    assert list(origins_of([path])) == ["https://e.x"]


def test_what_a_workbook_says_of_itself_is_said_of_its_rows(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", WORKS, rights="No AI training")
    scan([path], out=tmp_path / "out", now=NOW)
    assert {row.reason for row in read_decisions(tmp_path / "out")} == {"unit-text"}


def test_a_workbook_without_works_is_a_document(tmp_path: Path) -> None:
    works = tmp_path / "works"
    works.mkdir()
    book(works / "a.xlsx", [["no", "links"], [1, 2]])
    book(works / "b.xlsx", [["no"], [1]], rights="No AI training")
    (works / "c.xlsx").write_bytes(made.zipped({"a.txt": b"no workbook"}))
    (works / "d.xlsx").write_bytes(b"")
    scan([works], out=tmp_path / "out", now=NOW)
    assert [(row.work, row.verdict) for row in read_decisions(tmp_path / "out")] == [
        ("a.xlsx", "admit"), ("b.xlsx", "refuse"), ("c.xlsx", "hold"), ("d.xlsx", "hold"),
    ]  # fmt: skip
    with pytest.raises(Misuse, match="none of the columns"):
        scan([works / "a.xlsx"], out=tmp_path / "out", now=NOW)


def test_rows_of_a_workbook_are_not_removed(tmp_path: Path) -> None:
    library = tmp_path / "lib"
    library.mkdir()
    book(library / "a.xlsx", [["url"], ["UNLIKELY"], ["https://e.x/b"]])
    (library / "datapackage.json").write_text("{}", encoding="utf-8")
    scan([library], out=tmp_path / "out", now=NOW)
    with pytest.raises(Unchecked, match="remove the file"):
        apply(library, tmp_path / "out", held=True)


SPLIT = '<c t="inlineStr"><is><r><t>ht</t></r><rPh><t>no</t></rPh><t>tps</t></is></c></row>'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<row><c t="inlineStr"><is><t>url</t></is></c></row><row><c><v>7</v></c></row>', [{"url": "7"}]),
        (
            '<row><c r="B1" t="str"><v>url</v></c></row><row><c r="A2"><v>1</v></c>' + SPLIT,
            [{"url": "https"}],
        ),
        ('<row><c r="AA1" t="str"><v>url</v></c></row><row><c r="AA2" t="s"><v> </v></c></row>', []),
        ('<row><c t="str"><v>url</v></c></row><row><c t="s"><v>99</v></c></row>', [None]),
        ('<row><c t="str"><v>url</v></c></row><row><c t="s"><v>x</v></c></row>', [None]),
        ('<row><c t="str"><v>url</v></c></row><row><c r="XFE2"><v>1</v></c></row>', [None]),
        ('<row><c t="str"><v>url</v></c></row><row><c><v>1</v></c></row><row>', [{"url": "1"}, None]),
    ],
)
def test_cells_in_each_form(tmp_path: Path, content: str, expected: list[Any]) -> None:
    path = changed(book(tmp_path / "a.xlsx", [["x"]]), SHEET, sheet(content))
    if expected and expected[-1] is None and content.endswith("<row>"):
        path = changed(path, SHEET, sheet(content)[: -len("</sheetData></worksheet>")])
    assert read(path, "url") == expected


def test_damage_is_never_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = book(tmp_path / "a.xlsx", [["url"], *([f"https://e.x/{n}"] for n in range(50))])
    data = whole.read_bytes()
    whole.write_bytes(data[:-50])
    with pytest.raises(rows.DamagedError):
        rows.head(whole, Form.XLSX)
    for part, content in (
        ("xl/workbook.xml", None), ("xl/workbook.xml", b"<workbook/>"), ("xl/workbook.xml", b"<workbook>"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships/>"), (SHEET, None), ("xl/sharedStrings.xml", b"<sst>"),
        (SHEET, b"<!DOCTYPE x><worksheet/>"), ("xl/sharedStrings.xml", b"<!DOCTYPE x><sst/>"),
    ):  # fmt: skip
        whole.write_bytes(data)
        with pytest.raises(rows.DamagedError):
            rows.head(changed(whole, part, content), Form.XLSX)
    whole.write_bytes(data)
    texts = b"<sst><si><t>url</t></si><si><r><t>https:</t></r><rPh><t>x</t></rPh><r><t>//e.x/</t></r></si></sst>"
    changed(whole, SHARED, texts)
    shared = sheet('<row><c t="s"><v>0</v></c></row>' + '<row><c t="s"><v>1</v></c></row>' * 30)
    data = changed(whole, SHEET, shared).read_bytes()
    assert read(whole, "url") == [{"url": "https://e.x/"}] * 30
    for name, bound in (("MAX_SHEET", 100), ("MAX_ROWS", 20), ("MAX_CELL", 2), ("MAX_STRINGS", 1)):
        whole.write_bytes(data)
        monkeypatch.setattr(spreadsheet, name, bound)
        with pytest.raises(rows.DamagedError):
            list(spreadsheet.rows(whole, ["url"]))
        monkeypatch.undo()
    with pytest.raises(Unchecked, match="E-IO"):
        rows.head(tmp_path / "gone.xlsx", Form.XLSX)


def test_a_library_with_workbooks_can_pass(tmp_path: Path) -> None:
    library = tmp_path / "lib"
    library.mkdir()
    book(library / "works.xlsx", [["url"], ["https://e.x/a"]])
    book(library / "notes.xlsx", [["no"], [1]])
    (library / "datapackage.json").write_text("{}", encoding="utf-8")
    sites = write_sites(tmp_path / "s.jsonl", [Answer(origin="https://e.x", status=404)])
    result = scan([library], out=tmp_path / "out", sites=[sites], now=NOW)
    outcome, facts = attest_result(result, {file.path: file.sha256 for file in result.inputs})
    assert (outcome, facts["works"], facts["admitted"]) == ("pass", 2, 2)
