"""The sites of works: URL tables and lists."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout.origins import Skipped, Why, origins_of

URLS = [
    "https://a.example/1.jpg",
    "https://a.example/2.jpg?x",
    None,
    "HTTPS://A.example:443/3",
    "http:\\\\b.example\\c",
    "ht\ntp://c.example/x\ty",
    " https://d.example ",
    "https://user@e.example:8443/",
    "https:///f.example/",
    "https://g.example?q\nr",
    "UNLIKELY",
    "ftp://h.example/",
    "",
]
ORIGINS = [
    "https://a.example",
    "http://b.example",
    "http://c.example",
    "https://d.example",
    "https://e.example:8443",
    "https://f.example",
    "https://g.example",
]


def table(tmp_path: Path, kind: str, urls: list[str | None], name: str = "url") -> Path:
    path = tmp_path / f"works.{kind}"
    data = pa.table({"id": list(range(len(urls))), name: pa.array(urls, pa.string())})
    match kind:
        case "parquet":
            pq.write_table(data, path, row_group_size=4)
        case "arrow" | "feather":
            pyarrow.feather.write_feather(data, path, compression="uncompressed", chunksize=3)
        case "csv" | "tsv":
            options = pyarrow.csv.WriteOptions(delimiter="," if kind == "csv" else "\t")
            pyarrow.csv.write_csv(data, path, options)
        case _:
            path.write_text("".join(json.dumps(row) + "\n" for row in data.to_pylist()))
    return path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "feather", "csv", "tsv", "jsonl", "ndjson"])
def test_each_kind_of_table_gives_its_origins_once(tmp_path: Path, kind: str) -> None:
    path = table(tmp_path, kind, URLS)
    assert sorted(origins_of([path, path])) == sorted(ORIGINS)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["https://a.example/", "https://a.example/b", None]).dictionary_encode(),
        pa.array([b"https://a.example/"], pa.binary()),
        pa.array(["https://a.example/"], pa.large_string()),
        pa.array(["https://a.example/"], pa.string_view()),
    ],
)
def test_each_kind_of_text_column_is_read(tmp_path: Path, column: pa.Array) -> None:
    pq.write_table(pa.table({"url": column}), tmp_path / "t.parquet")
    assert list(origins_of([tmp_path / "t.parquet"])) == ["https://a.example"]


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_all_url_columns_are_read_unless_some_are_named(tmp_path: Path, kind: str) -> None:
    rows = [{"page_url": "https://a.example/", "image_url": "https://b.example/", "link": "https://c.example/"}]
    path = tmp_path / f"works.{kind}"
    match kind:
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        case "csv":
            pyarrow.csv.write_csv(pa.Table.from_pylist(rows), path)
        case _:
            path.write_text(json.dumps(rows[0]))
    assert sorted(origins_of([path])) == ["https://a.example", "https://b.example"]
    assert list(origins_of([path], ["link"])) == ["https://c.example"]


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv", "jsonl"])
@pytest.mark.parametrize("columns", [[], ["url", "link"]])
def test_a_table_without_the_column_is_refused(tmp_path: Path, kind: str, columns: list[str]) -> None:
    path = table(tmp_path, kind, URLS, "address")
    with pytest.raises(Misuse) as caught:
        list(origins_of([path], columns))
    assert (caught.value.code, caught.value.where) == ("E-USAGE", path.name)


def test_a_column_that_is_no_text_has_no_site(tmp_path: Path) -> None:
    pq.write_table(pa.table({"url": [[1], [2]]}), tmp_path / "t.parquet")
    assert list(origins_of([tmp_path / "t.parquet"])) == []


def test_damaged_rows_have_no_site(tmp_path: Path) -> None:
    path = tmp_path / "works.jsonl"
    path.write_bytes(b'{"url": "https://a.example/"}\n{"url": \n[]\n{"url": 1}\n\xff\n' + b"[" * 9999 + b"\n{}")
    assert list(origins_of([path])) == ["https://a.example"]
    path = tmp_path / "works.csv"
    path.write_bytes(b"id,url\n1\n2,https://a.example/\xff\n\n3,https://b.example,more\n4,https://c.example\n")
    assert list(origins_of([path])) == ["https://c.example"]  # the scan holds a row whose URL is no UTF-8


def test_a_list_has_urls_origins_and_hosts(tmp_path: Path) -> None:
    path = tmp_path / "sites.txt"
    path.write_text(
        "\ufeffhttps://a.example/x#y\n# a comment\nb.example # another\nc.example:8080\n\nUNLIKELY\nd.example/x\n"
    )
    assert list(origins_of([path])) == ["https://a.example", "https://b.example", "https://c.example:8080"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("works.bin", bytes(range(256)) * 9),
        ("works.parquet", b"PAR1" + bytes(99)),
        ("works.parquet", b"PAR1" + bytes(99) + b"\x09\0\0\0PAR1"),
        ("works.arrow", b"ARROW1" + bytes(99)),
        ("empty.txt", b""),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Refused) as caught:
        list(origins_of([tmp_path / name]))
    assert (caught.value.code, caught.value.where) == ("E-TABLE-READ", str(tmp_path / name))


def test_a_library_gives_the_origins_of_its_tables_and_sources(tmp_path: Path) -> None:
    table(tmp_path, "parquet", ["https://a.example/"])
    (tmp_path / "notes.txt").write_text("https://not-a-work.example/")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    sources = [{"title": "t", "path": "https://b.example/x"}, {"title": "u", "path": "local.csv"}]
    (tmp_path / "datapackage.json").write_text(json.dumps({"sources": sources}))
    assert sorted(origins_of([tmp_path])) == ["https://a.example", "https://b.example"]


def test_what_of_a_folder_was_not_read_is_named(tmp_path: Path) -> None:
    table(tmp_path, "parquet", ["https://a.example/"])
    table(tmp_path, "csv", ["https://b.example/"], name="link")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "broken.wacz").write_bytes(b"PK")
    (tmp_path / "cached.parquet").symlink_to("works.parquet")
    whole = pa.table({"url": [f"https://c.example/{n}" for n in range(9)], "License": ["-"] * 9})
    pq.write_table(whole, tmp_path / "torn.parquet", row_group_size=3, compression="none", use_dictionary=False)
    torn = bytearray((tmp_path / "torn.parquet").read_bytes())
    torn[4:400] = bytes(396)
    (tmp_path / "torn.parquet").write_bytes(torn)
    skipped: list[Skipped] = []
    assert "https://a.example" in set(origins_of([tmp_path], skipped=skipped.append))
    assert sorted(skipped) == [
        ("broken.parquet", Why.DAMAGED), ("broken.wacz", Why.DAMAGED), ("cached.parquet", Why.NO_FILE),
        ("torn.parquet", Why.DAMAGED), ("works.csv", Why.NO_URLS),
    ]  # fmt: skip


def test_a_link_to_a_table_is_refused_where_it_is_all_there_is(tmp_path: Path) -> None:
    table(tmp_path, "parquet", ["https://a.example/"])
    (tmp_path / "cached.parquet").symlink_to("works.parquet")
    with pytest.raises(Refused, match="E-TABLE-READ"):
        list(origins_of([tmp_path / "cached.parquet"]))


@pytest.mark.parametrize("name", ["works.parquet", "works.txt"])
def test_a_table_that_is_not_there_is_no_answer(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unchecked) as caught:
        list(origins_of([tmp_path / name]))
    assert caught.value.code == "E-IO"
