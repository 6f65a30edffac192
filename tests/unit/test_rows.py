import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.errors import Unchecked
from datalib.optout import delimited, rows
from datalib.optout.rows import Chunk, DamagedError, Form


def texts(chunks: list[Chunk], column: str = "url") -> list[str | None]:
    """The values of a column by row; damaged rows as ``!``."""
    found: list[str | None] = []
    for chunk in chunks:
        assert chunk.first == len(found)
        values = chunk.batch.column(column).to_pylist() if chunk.batch is not None else ["!"] * chunk.count
        damaged = chunk.damaged if chunk.damaged is not None else np.zeros(chunk.count, dtype=np.bool_)
        found += ["!" if bad else value for value, bad in zip(values, damaged, strict=True)]
    return found


def read(path: Path, *, batch_rows: int = 1000, whole: bool = False) -> list[Chunk]:
    form = rows.form_of(path.name)
    assert form is not None
    return list(rows.read(path, form, columns=["url"], whole=whole, batch_rows=batch_rows))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.parquet", Form.PARQUET), ("A.CSV", Form.CSV), ("a.tsv", Form.TSV), ("a.jsonl", Form.JSONL),
        ("a.ndjson.gz", Form.JSONL), ("a.csv.gz", Form.CSV), ("a.feather", Form.ARROW), ("a.parquet.gz", None),
        ("a.json", None), ("a", None), ("a.gz", None),
    ],
)  # fmt: skip
def test_the_name_says_the_form(name: str, form: Form | None) -> None:
    assert rows.form_of(name) == form


def test_parquet_comes_in_batches_of_each_row_group(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": range(25), "url": [f"u{n}" for n in range(25)]}), path, row_group_size=10)
    assert rows.head(path, Form.PARQUET).groups == (10, 10, 5)
    chunks = read(path, batch_rows=4)
    assert [chunk.count for chunk in chunks] == [4, 4, 2, 4, 4, 2, 4, 1]
    assert texts(chunks) == [f"u{n}" for n in range(25)]
    some = list(rows.read(path, Form.PARQUET, columns=["url"], groups=range(1, 3)))
    assert (some[0].first, sum(chunk.count for chunk in some)) == (10, 15)
    assert rows.read(path, Form.PARQUET, columns=["url"], whole=True).__next__().batch.schema.names == ["n", "url"]


def test_a_damaged_row_group_is_damaged_rows_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"url": [f"https://e.x/{n}-{n * 7919}" for n in range(30)]})
    pq.write_table(table, path, row_group_size=10, compression="zstd")
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    raw = bytearray(path.read_bytes())
    raw[start + 20 : start + column.total_compressed_size] = b"\xff" * (column.total_compressed_size - 20)
    path.write_bytes(bytes(raw))
    found = texts(read(path))
    assert found[10:20] == ["!"] * 10
    assert found[:10] + found[20:] == table["url"].to_pylist()[:10] + table["url"].to_pylist()[20:]


def test_a_file_without_its_end_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"url": ["x"] * 100}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedError):
        rows.head(path, Form.PARQUET)


def test_a_file_that_is_not_there_is_trouble_with_the_disk(tmp_path: Path) -> None:
    for form in Form:
        with pytest.raises(Unchecked, match="E-IO"):
            rows.head(tmp_path / "none", form)


def test_csv_rows_of_another_width_are_damaged_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfn,url\n1,a\n2\n3,b\n4,c,d\n\n"x\ny",e\nbad\nbad\n')
    assert rows.head(path, Form.CSV).columns == ("n", "url")
    assert texts(read(path)) == ["a", "!", "b", "!", "e", "!", "!"]


def test_csv_bytes_that_are_no_text_stay_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"n\turl\n1\t\xff\xfe\n2\tok\n")
    (chunk,) = rows.read(path, Form.TSV, columns=["url"])
    assert chunk.count == 2


def test_a_csv_that_is_no_text_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("url\nhttps://e.x\n".encode("utf-16-le"))  # without its mark
    with pytest.raises(DamagedError):
        rows.head(path, Form.CSV)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_in_utf16_is_read_as_one_in_utf8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, packed: bool
) -> None:
    monkeypatch.setattr(delimited, "_NARROWED_BYTES", 7)
    text = 'url;note\r\nhttps://e.x/ә;"two\r\nlines 🌍"\r\nhttps://e.x/b;x\r\n'
    path, plain = tmp_path / ("a.csv.gz" if packed else "a.csv"), tmp_path / "b.csv"
    data = ("\ufeff" + text).encode(encoding)
    path.write_bytes(gzip.compress(data) if packed else data)
    plain.write_bytes(text.encode())
    assert rows.head(path, Form.SEMICOLONS).columns == ("url", "note")
    found, same = (
        [row for chunk in rows.read(each, Form.SEMICOLONS, columns=("url", "note")) for row in chunk.batch.to_pylist()]
        for each in (path, plain)
    )
    assert found == same
    assert len(found) == 2
    path.write_bytes(gzip.compress(data[:-1]) if packed else data[:-1])
    torn = list(rows.read(path, Form.SEMICOLONS, columns=("url",)))
    assert torn[-1].batch is None


def test_packed_text_is_read_and_a_torn_end_is_one_damaged_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    text = "url\n" + "".join(f"https://e.x/{n}-{n * n}\n" for n in range(20_000))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    whole = texts(read(path))
    assert len(whole) == 20_000
    path.write_bytes(path.read_bytes()[:-200])
    torn = texts(read(path))
    assert torn[-1] == "!"
    assert torn.count("!") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_how_much_is_read_of_a_torn_text_is_no_matter_of_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 1 << 16)
    path = tmp_path / "a.csv.gz"
    urls = [f"https://e.x/{n}-{n * n}" for n in range(60_000)]
    data = "\n".join(["url", *urls, ""]).encode(encoding)
    path.write_bytes(gzip.compress(data[:-3], 1) + b"\x1f\x8b\x08" + bytes(7) + b"\x07")  # no block has this type
    found = texts(read(path))
    assert len(found) > 30_000
    assert found == [*urls[: len(found) - 1], "!"]
    assert [len(texts(read(path))) for _ in range(9)] == [len(found)] * 9


def test_json_lines_that_are_no_objects_are_damaged_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        '{"url": "a"}',
        "{",
        "",
        "[1]",
        '{"other": 1}',
        '{"url": {"b": "\\ud800"}}',
        '{"url": null}',
        '{"url": "\\ud800"}',
    ]
    path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    assert rows.head(path, Form.JSONL).columns == ("url", "other")
    assert texts(read(path, batch_rows=3)) == ["a", "!", "!", None, '{"b": "\ufffd"}', None, "\ufffd"]
    assert read(path, whole=True)[0].batch.column(rows.LINE).to_pylist()[3] == b'{"other": 1}\n'


def test_json_lines_that_give_a_name_twice_are_damaged_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"url": "a", "url": "b"}\n{"url": "c"}\n'
        b'{"url": "d", "headers": {"X": "noai", "X": "all"}}\n{"url": "e", "\\u0075rl": "f"}\n'
    )
    assert texts(read(path)) == ["!", "c", "!", "!"]


def test_a_file_without_one_object_is_no_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("[1,\n2]\n", encoding="utf-8")
    with pytest.raises(DamagedError, match="no line"):
        rows.head(path, Form.JSONL)


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_arrow_files_and_streams_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.arrow"
    table = pa.table({"url": [f"u{n}" for n in range(50)], "n": range(50)})
    make = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    with make(str(path), table.schema) as out:
        out.write_table(table, max_chunksize=20)
    assert rows.head(path, Form.ARROW).columns == ("url", "n")
    assert [chunk.count for chunk in read(path, batch_rows=15)] == [15, 5, 15, 5, 10]
    assert texts(read(path)) == table["url"].to_pylist()


def test_a_torn_arrow_stream_is_one_damaged_row_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.arrows"
    table = pa.table({"url": [f"u{n}" for n in range(1000)]})
    with pa.ipc.new_stream(str(path), table.schema) as out:
        out.write_table(table, max_chunksize=100)
    path.write_bytes(path.read_bytes()[:-600])
    found = texts(read(path))
    assert found[-1] == "!"
    assert found.count("!") == 1
    assert len(found) > 500


def test_text_is_text_whatever_stands_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"url": ["a", 1]}) + "\n" + json.dumps({"url": 5}) + "\n", encoding="utf-8")
    assert texts(read(path)) == ['["a", 1]', "5"]


def test_large_values_are_held_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_BATCH_BYTES", 1000)
    urls = [f"https://e.x/{'x' * 90}{n}" for n in range(100)]
    pq.write_table(
        pa.table({"url": urls, "n": range(100)}), tmp_path / "a.parquet", use_dictionary=False, compression=None
    )
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"url": url}) + "\n" for url in urls), encoding="utf-8")
    for name in ("a.parquet", "a.jsonl"):
        chunks = read(tmp_path / name)
        assert texts(chunks) == urls
        assert max(chunk.count for chunk in chunks) <= 10


@pytest.mark.parametrize(
    "end",
    [b'"b', b'"b\nc\nd\n', b'1,"b\nc\n', b'"b ""\nc\n'],
)
def test_a_quote_that_is_never_closed_makes_the_last_row_a_damaged_one(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"url,n\na,1\n" + (end if b"," in end else end + b",2"))
    assert texts(read(path))[-1] == "!"
    assert texts(read(path))[0] == "a"


def test_an_odd_number_of_quotes_alone_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'n,url\n5" disk,a\n"x ""y""",b\n')
    assert texts(read(path)) == ["a", "b"]


def test_an_open_quote_behind_rows_that_were_read_loses_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"url\n" + b"https://e.x/a\n" * 2_000_000 + b'"https://e.x/b\n')
    found = texts(read(path))
    assert (len(found), found.count("!"), found[-1]) == (2_000_001, 1, "!")


def test_what_a_text_is_cut_by_is_no_matter_of_its_name() -> None:
    assert rows.variants(Form.CSV) == (Form.CSV, Form.SEMICOLONS, Form.TSV, Form.BARS)
    assert rows.variants(Form.TSV)[0] is Form.TSV
    assert rows.variants(Form.JSONL) == (Form.JSONL,)
