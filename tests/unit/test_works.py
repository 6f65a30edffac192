import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout import works
from datalib.optout.columns import Columns
from datalib.optout.rows import Form
from datalib.optout.works import Part, plan


def table(path: Path, rows: int = 3, name: str = "url", **options: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: [f"https://e.x/{n}" for n in range(rows)]}), path, **options)
    return path


def test_a_large_file_is_cut_where_its_row_groups_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "SHARD_ROWS", 10)
    path = table(tmp_path / "a.parquet", 23, row_group_size=4)
    found = plan([path], Columns())
    assert [shard.groups for shard in found.shards] == [range(2), range(2, 4), range(4, 6)]
    empty = table(tmp_path / "none.parquet", 0)
    assert [shard.groups for shard in plan([empty], Columns()).shards] == [
        range(0 if not pq.ParquetFile(empty).num_row_groups else 1)
    ]


def test_a_library_gives_rows_files_and_sources(tmp_path: Path) -> None:
    root = tmp_path / "lib"
    table(root / "data" / "b.parquet")
    (root / "data" / "a.txt").write_text("x", encoding="utf-8")
    (root / "z.csv").write_text("no,links\n1,2\n", encoding="utf-8")
    (root / "broken.parquet").write_bytes(b"PAR1")
    for own in ("chain.jsonl", "files.sha256"):
        (root / own).write_text("", encoding="utf-8")
    (root / "manifests").mkdir()
    (root / "manifests" / "x.json").write_text("{}", encoding="utf-8")
    sources = [{"title": "a", "path": "https://e.x/a"}, {"path": "data/a.txt"}, 7, {"path": "http://e.x/b"}]
    (root / "datapackage.json").write_text(json.dumps({"sources": sources}), encoding="utf-8")
    found = plan([root], Columns())
    assert [shard.part for shard in found.shards] == [Part.ROWS, Part.FILES, Part.SOURCES]
    assert [file.name for file in found.shards[1].files] == ["broken.parquet", "data/a.txt", "z.csv"]
    assert [bool(file.damaged) for file in found.shards[1].files] == [True, False, False]
    assert found.shards[2].sources == ((0, "https://e.x/a", None), (3, "http://e.x/b", None))
    assert not found.licensed


@pytest.mark.parametrize(
    ("said", "licensed"),
    [
        ({"license": "CC0-1.0"}, True), ({"licenses": [{"name": "CC0-1.0"}]}, True), ({"basis": "own"}, True),
        ({"basis": "public_domain"}, True), ({"basis": "no_prohibition"}, False), ({}, False), ({"license": ""}, False),
        ({"license": "LicenseRef-NoAI", "basis": "licence"}, False), ({"licenses": [{"name": "CC-BY-NC-4.0"}]}, False),
    ],
)  # fmt: skip
def test_a_library_is_licensed_when_each_source_names_a_right(
    tmp_path: Path, said: dict[str, object], licensed: bool
) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    sources = [{"title": "a", **said}, {"title": "b", "basis": "licence"}]
    (tmp_path / "datapackage.json").write_text(json.dumps({"sources": sources}), encoding="utf-8")
    assert plan([tmp_path], Columns()).licensed is licensed


def test_a_plain_folder_is_walked_without_following_links(tmp_path: Path) -> None:
    root = tmp_path / "works"
    (root / "evidence").mkdir(parents=True)
    (root / "evidence" / "a.txt").write_text("x", encoding="utf-8")
    (root / "link").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"odd-\xff.txt")).write_text("x", encoding="utf-8")
    found = plan([root], Columns())
    assert {file.name: file.regular for file in found.files} == {
        "evidence/a.txt": True, "link": False, "pipe": False, "odd-\\xff.txt": True,
    }  # fmt: skip


def test_a_table_with_two_columns_of_one_name_is_damaged(tmp_path: Path) -> None:
    urls = pa.array(["https://e.x/1"])
    pq.write_table(pa.Table.from_arrays([urls, urls], names=["url", "url"]), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("url,n,url\nhttps://e.x/1,2,https://e.x/3\n", encoding="utf-8")
    for name in ("a.parquet", "b.csv"):
        (shard,) = plan([tmp_path / name], Columns()).shards
        assert [file.damaged for file in shard.files] == ["the column 'url' stands in it twice"]


def test_the_order_of_the_arguments_does_not_matter(tmp_path: Path) -> None:
    paths = [table(tmp_path / f"{name}.parquet") for name in "cab"]
    assert plan(paths, Columns()) == plan(sorted(paths), Columns())


def test_works_that_make_no_sense_are_misuse(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", name="link")
    with pytest.raises(Misuse, match="name one with --url-column"):
        plan([path], Columns())
    with pytest.raises(Misuse, match="'page'"):
        plan([path], Columns(urls=("link",), html="page"))
    with pytest.raises(Misuse, match="no table of the works has this column"):
        plan([tmp_path], Columns(urls=("missing",)))
    with pytest.raises(Misuse, match="two of the works have this name"):
        plan([path, table(tmp_path / "x" / "a.parquet", name="link")], Columns(urls=("link",)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(Misuse, match="no file to judge"):
        plan([tmp_path / "empty"], Columns())


def test_trouble_is_said_as_trouble(tmp_path: Path) -> None:
    with pytest.raises(Unchecked, match="E-IO"):
        plan([tmp_path / "none"], Columns())
    (tmp_path / "datapackage.json").write_text("{", encoding="utf-8")
    with pytest.raises(Refused, match="E-JSON-SYNTAX"):
        plan([tmp_path], Columns())
    (tmp_path / "datapackage.json").write_text("[]", encoding="utf-8")
    with pytest.raises(Misuse):
        plan([tmp_path], Columns())


@pytest.mark.parametrize(
    ("name", "line", "form"),
    [
        ("a.csv", "n;url", Form.SEMICOLONS), ("a.csv", "n\turl", Form.TSV), ("a.csv", "n|url", Form.BARS),
        ("a.tsv", "n,url", Form.CSV), ("a.csv", 'n,"a;url;b",url', Form.CSV), ("a.csv", '"n";url', Form.SEMICOLONS),
        ("a.csv", "n;a,b;url", Form.SEMICOLONS), ("a.csv", "n;link", None), ("a.csv", "n, url", Form.CSV),
    ],
)  # fmt: skip
def test_a_table_with_urls_is_one_whatever_its_fields_are_cut_by(
    tmp_path: Path, name: str, line: str, form: Form | None
) -> None:
    root = tmp_path / "works"
    root.mkdir()
    (root / name).write_text(f"{line}\n", encoding="utf-8")
    (shard,) = plan([root], Columns()).shards
    assert shard.form is form
    if form:
        (shard,) = plan([root / name], Columns()).shards
        assert (shard.form, [name.strip() for name in shard.columns.urls]) == (form, ["url"])


@pytest.mark.parametrize(
    ("twin", "other"),
    [("w.parquet#1", "w.parquet"), ("source#0", "source"), ("w.warc@7", "w.warc"), ("w.warc@x/y#1", "w.warc")],
)
def test_no_file_is_named_like_a_work_in_another(tmp_path: Path, twin: str, other: str) -> None:
    root = tmp_path / "lib"
    table(root / "w.parquet")
    (root / "w.warc").write_bytes(b"WARC/1.0\r\n")
    (root / "datapackage.json").write_text('{"sources": [{"path": "https://e.x/a"}]}', encoding="utf-8")
    for name in ("w.parquet#", "w.parquet#x", "w.parquet#1.txt", "x#1", "source#", "w.war@1", "w.parquet#٣"):
        (root / name).write_text("x", encoding="ascii")
    assert len(plan([root], Columns()).files) == 9
    (root / twin).parent.mkdir(exist_ok=True)
    (root / twin).write_text("x", encoding="ascii")
    with pytest.raises(Misuse, match=f"E-USAGE: {twin}: is named like a work in {other}; rename it"):
        plan([root], Columns())


def test_only_one_of_the_libraries_names_sources(tmp_path: Path) -> None:
    for name in "ab":
        table(tmp_path / name / f"{name}.parquet")
        (tmp_path / name / "datapackage.json").write_text('{"sources": [{"path": "https://e.x/a"}]}', encoding="utf-8")
    with pytest.raises(Misuse, match=r"E-USAGE: .*scan them apart"):
        plan([tmp_path / "a", tmp_path / "b"], Columns())


def test_texts_of_a_manifest_that_are_none_end_no_scan(tmp_path: Path) -> None:
    table(tmp_path / "lib" / "w.parquet")
    said = {"sources": [{"path": "https://e.x/\ud800", "license": "\ud800 NC"}]}
    (tmp_path / "lib" / "datapackage.json").write_text(json.dumps(said), encoding="ascii")
    (source,) = plan([tmp_path / "lib"], Columns()).shards[-1].sources
    assert (source.url, source.licence) == ("https://e.x/?", '["? NC"]')
