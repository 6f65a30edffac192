"""What ``--admitted`` writes of CSV and its kin: Parquet that any reader reads, and all that stood there."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.optout.answers import Answer
from datalib.optout.scan import scan
from tests.scanning import NOW, read_decisions, scan_files, write_sites
from tests.unit.test_scan import ANSWERS

URL = b"https://a.kz/x"
NO = b"https://a.kz/private/x"


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    return write_sites(tmp_path / "sites.jsonl", ANSWERS)


def admitted(path: Path, data: bytes, sites: Path, **options: Any) -> Any:
    """Scan a table with ``--admitted`` and without: both judge alike. Give what was written."""
    path.write_bytes(data)
    for name, wanted in (("bare", False), ("out", True)):
        scan([path], out=path.with_name(name), sites=[sites], admitted=wanted, now=NOW, **options)
    assert read_decisions(path.with_name("bare")) == read_decisions(path.with_name("out"))
    found = pq.read_table(path.with_name("out") / "admitted" / "part-00000.parquet")
    found.validate(full=True)
    return found


def test_a_column_with_bytes_that_are_no_text_is_written_as_bytes(tmp_path: Path, sites: Path) -> None:
    data = b"url,text,note\n%s,good,1\n%s,caf\xe9,2\n%s,\xff,\xff\n" % (URL, URL, NO)
    found = admitted(tmp_path / "w.csv", data, sites)
    assert found.schema.types == [pa.string(), pa.binary(), pa.string()]
    assert found["text"].to_pylist() == [b"good", b"caf\xe9"]
    assert found["note"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize("place", [0, 7, 29])
def test_such_a_column_is_bytes_wherever_its_bytes_stand(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    cells = [b"\xe9" if row == place else b"t%d" % row for row in range(30)]
    data = b"url\ttext\n" + b"".join(b"%s\t%s\n" % (URL, cell) for cell in cells)
    monkeypatch.setattr("datalib.optout.admitted.GROUP", 8)
    written = []
    for block in (64, 1 << 20):
        monkeypatch.setattr("datalib.optout.delimited._BLOCK_BYTES", block)
        folder = tmp_path / str(block)
        folder.mkdir()
        found = admitted(folder / "w.tsv", data, sites)
        assert found.schema.types == [pa.string(), pa.binary()]
        assert found["text"].to_pylist() == cells
        written.append(scan_files(folder / "out"))
        parts = list((folder / "out" / "admitted").iterdir())
        assert [part.name for part in parts] == ["part-00000.parquet"]
        meta = pq.read_metadata(parts[0])
        assert [meta.row_group(group).num_rows for group in range(meta.num_row_groups)] == [8, 8, 8, 6]
    assert written[0] == written[1]


def test_text_of_parquet_that_is_none_is_written_as_bytes_too(tmp_path: Path, sites: Path) -> None:
    text = pa.array([b"\xe9", b"x"], pa.large_binary()).view(pa.large_string())
    table = pa.table({"url": [URL.decode()] * 2, "text": text}).replace_schema_metadata({"made": "here"})
    pq.write_table(table, tmp_path / "made.parquet")
    found = admitted(tmp_path / "w.parquet", (tmp_path / "made.parquet").read_bytes(), sites)
    assert found["text"].to_pylist() == [b"\xe9", b"x"]
    assert found.schema.metadata == {b"made": b"here"}


def test_what_was_written_as_bytes_can_be_scanned_again(tmp_path: Path, sites: Path) -> None:
    data = b"url,page_url\n%s,%s\n%s,https://a.kz/\xe9\n" % (URL, URL, URL)
    path = tmp_path / "w.csv"
    found = admitted(path, data, sites, url_columns=["url"])
    assert found["page_url"].to_pylist() == [URL, b"https://a.kz/\xe9"]
    again = tmp_path / "out" / "admitted" / "part-00000.parquet"
    result = scan([again], out=tmp_path / "again", sites=[sites], url_columns=["page_url"], now=NOW)
    assert result.counts["reason"] == {"no-prohibition": 1, "no-url": 1}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_header_that_is_no_text_is_written_with_escapes(tmp_path: Path, sites: Path, workers: int) -> None:
    data = "url,текст,n\nhttps://a.kz/x,слово,007\nhttps://a.kz/y,,8\n".encode("cp1251")
    found = admitted(tmp_path / "w.csv", data, sites, workers=workers)
    assert found.column_names == ["url", r"\xf2\xe5\xea\xf1\xf2", "n"]
    assert found.column(1).to_pylist() == ["слово".encode("cp1251"), b""]
    assert found["n"].to_pylist() == ["007", "8"]


def test_a_column_whose_name_is_no_text_can_be_named(tmp_path: Path, sites: Path) -> None:
    data = "url,заг\nhttps://a.kz/x,X-Robots-Tag: noai\nhttps://a.kz/x,\n".encode("cp1251")
    found = admitted(tmp_path / "w.csv", data, sites, header_column=r"\xe7\xe0\xe3")
    assert found.num_rows == 1
    assert [row.reason for row in read_decisions(tmp_path / "out")] == ["x-robots-tag", "no-prohibition"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("url,x,x", ["url", "x", "x_3"]),
        ("url,,", ["url", "column_2", "column_3"]),
        (",url,", ["column_1", "url", "column_3"]),
        ("url,x,x,x_3", ["url", "x", "x_3_", "x_3"]),
        ("column_2,,url,x,x", ["column_2", "column_2_", "url", "x", "x_5"]),
        ("url, , ", ["url", " ", " _3"]),
        ('url,"","a ""b""\nc"', ["url", "column_2", 'a "b"\nc']),
    ],
)
def test_columns_get_names_of_their_own(tmp_path: Path, sites: Path, header: str, names: list[str]) -> None:
    cells = [f"0{n}" if name != "url" else URL.decode() for n, name in enumerate(names)]
    data = f"\ufeff{header}\r\n{','.join(cells)}\r\nshort\r\n{','.join(cells)}\r\n".encode()
    found = admitted(tmp_path / "w.csv", data, sites)
    assert found.to_pylist() == [dict(zip(names, cells, strict=True))] * 2
    assert [row.reason for row in read_decisions(tmp_path / "out")] == [
        "no-prohibition", "damaged-record", "no-prohibition",
    ]  # fmt: skip


def test_a_column_that_is_judged_and_stands_twice_is_still_damage(tmp_path: Path, sites: Path) -> None:
    (tmp_path / "w.csv").write_bytes(b"url,n,url\n%s,1,%s\n" % (URL, NO))
    result = scan([tmp_path / "w.csv"], out=tmp_path / "out", sites=[sites], admitted=True, now=NOW)
    assert result.counts["verdict"] == {"hold": 1}
    assert not list((tmp_path / "out" / "admitted").glob("*"))


@pytest.mark.parametrize("lines", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("blank", [1, 3])
def test_blank_lines_before_the_names_hide_no_table(tmp_path: Path, lines: str, encoding: str, blank: int) -> None:
    rows = ["url,a", "https://a.kz/no/1,b", 'https://a.kz/yes/2,"c\n d"', "https://a.kz/no/3,e"]
    text = lines * blank + lines.join(rows) + lines
    (tmp_path / "works").mkdir()
    (tmp_path / "works" / "w.csv").write_bytes(text.encode(encoding))
    write_sites(
        tmp_path / "s.jsonl", [Answer(origin="https://a.kz", status=200, body=b"User-agent: *\nDisallow: /no\n")]
    )
    scan([tmp_path / "works"], out=tmp_path / "out", sites=[tmp_path / "s.jsonl"], admitted=True, now=NOW)
    assert [(row.work, row.verdict) for row in read_decisions(tmp_path / "out")] == [
        ("w.csv#0", "refuse"), ("w.csv#1", "admit"), ("w.csv#2", "refuse"),
    ]  # fmt: skip
    read = pq.read_table(tmp_path / "out" / "admitted" / "part-00000.parquet")
    assert read.to_pylist() == [{"url": "https://a.kz/yes/2", "a": "c\n d"}]
