"""Scans of media: folders, sidecars, columns of bytes; the same files for any number of workers and size of batches."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse
from datalib.optout import content_credentials, reading, works
from datalib.optout.attest import attest_result
from datalib.optout.columns import Content, content_of
from datalib.optout.explain import explain
from datalib.optout.scan import ScanResult, scan
from tests import media_files as made
from tests.scanning import NOW, read_decisions

XMP = made.mining()
FILES = {
    "denied.jpg": made.jpeg(made.app1(XMP)),
    "plain.png": made.png(),
    "broken.png": made.png()[:40],
    "signed.png": made.signed(made.png(), "image/png", [made.training()]),
    "made.jpg": made.signed(made.jpeg(), "image/jpeg", [], source="trainedAlgorithmicMedia"),
    "elsewhere.jpg": made.signed(made.jpeg(), "image/jpeg", [], remote="http://127.0.0.1:1/m"),
    "book.epub": made.epub('<meta property="tdm:reservation">1</meta>'),
    "old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "words.txt": b"words",
    "numbers.npy": b"\x93NUMPY\1\0",
    "unknown.bin": b"\1\2\3",
    "sub/beside.jpg": made.jpeg(), "sub/beside.xmp": XMP,
    "sub/Other.JPG": made.jpeg(), "sub/Other.JPG.XMP": XMP,
    "sub/page.html": b"<html>", "sub/page.html.xmp": XMP,
    "sub/none.jpg": made.jpeg(),
}  # fmt: skip
EXPECTED = {
    "denied.jpg": "refuse iptc-data-mining",
    "plain.png": "admit no-prohibition",
    "broken.png": "hold unit-unreadable-hold",
    "signed.png": "refuse c2pa-training",
    "made.jpg": "admit no-prohibition",
    "elsewhere.jpg": "hold c2pa-remote-hold",
    "book.epub": "refuse tdmrep-embedded",
    "old.doc": "hold not-asked-unit",
    "words.txt": "admit no-prohibition",
    "numbers.npy": "admit no-prohibition",
    "unknown.bin": "hold not-asked-unit",
    "sub/beside.jpg": "refuse iptc-data-mining", "sub/beside.xmp": "refuse iptc-data-mining",
    "sub/Other.JPG": "refuse iptc-data-mining", "sub/Other.JPG.XMP": "refuse iptc-data-mining",
    "sub/page.html": "refuse iptc-data-mining", "sub/page.html.xmp": "refuse iptc-data-mining",
    "sub/none.jpg": "admit no-prohibition",
}  # fmt: skip


def folder(path: Path) -> Path:
    for name, data in FILES.items():
        place = path / "works" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return path / "works"


def judge(source: Path, out: Path, **options: Any) -> tuple[ScanResult, dict[str, dict[str, Any]]]:
    result = scan([source], out=out, now=1_800_000_000, **options)
    rows = [row for path in sorted((out / "decisions").iterdir()) for row in pq.read_table(path).to_pylist()]
    return result, {row["work_id"]: row for row in rows}


def bytes_of(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_files_of_a_folder_are_judged_by_what_is_in_them(tmp_path: Path) -> None:
    source = folder(tmp_path)
    result, rows = judge(source, tmp_path / "out")
    assert {name: f"{row['verdict']} {row['reason']}" for name, row in rows.items()} == EXPECTED
    assert rows["plain.png"]["carriers_asked"] == rows["words.txt"]["carriers_asked"] == "unit"
    assert rows["numbers.npy"]["carriers_asked"] == rows["old.doc"]["carriers_asked"] == ""
    assert rows["sub/page.html"]["carriers_asked"] == "page unit"
    assert result.counts["synthetic"] == {"trainedAlgorithmicMedia": 1}
    why = explain("sub/beside.jpg", tmp_path / "out")
    (statement,) = why.statements
    assert (statement.signal, statement.checked, statement.where) == ("iptc-data-mining", True, "sub/beside.xmp#xmp")


def test_the_result_is_the_same_for_any_number_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "SHARD_FILES", 4)
    source = folder(tmp_path)
    for workers in (1, 2):
        judge(source, tmp_path / f"out{workers}", workers=workers)
    assert bytes_of(tmp_path / "out1") == bytes_of(tmp_path / "out2")


def test_a_sidecar_that_changes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "works"
    source.mkdir()
    (source / "a.jpg").write_bytes(made.jpeg())
    (source / "a.xmp").write_bytes(made.packet())
    monkeypatch.setattr(works, "SHARD_FILES", 1)
    assert judge(source, tmp_path / "out")[1]["a.jpg"]["verdict"] == "admit"
    (source / "a.xmp").write_bytes(XMP)
    assert judge(source, tmp_path / "out")[1]["a.jpg"]["verdict"] == "refuse"


def test_sidecars_whose_names_differ_in_case_all_count(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name, data in {"PHOTO.txt": b"1", "PHOTO.xmp": XMP, "photo.txt": b"2", "photo.xmp": made.packet()}.items():
        (tmp_path / "a" / name).write_bytes(data)
    assert {name: row["verdict"] for name, row in judge(tmp_path / "a", tmp_path / "out")[1].items()} == {
        "PHOTO.txt": "refuse", "photo.txt": "refuse", "PHOTO.xmp": "refuse", "photo.xmp": "admit",
    }  # fmt: skip


def test_a_sidecar_speaks_of_files_in_its_own_folder_only(tmp_path: Path) -> None:
    for name, data in {"a/P.txt": b"1", "a/P.xmp": XMP, "b/q.txt": b"2", "b/p.xmp": made.packet()}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    scan([tmp_path / "a", tmp_path / "b"], out=tmp_path / "out", now=NOW)
    assert {row.work: row.verdict for row in read_decisions(tmp_path / "out")} == {
        "P.txt": "refuse", "P.xmp": "refuse", "q.txt": "admit", "p.xmp": "admit",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"), [("data/REUSE.toml", "REUSE.toml"), ("data/t.csv.json", "data/t.csv.license")]
)
def test_a_killed_scan_goes_on_with_what_speaks_about_a_file_under_its_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    """The bytes are the same, but what they say of ``data/t.csv`` is not."""
    source = tmp_path / "works"
    (source / "data").mkdir(parents=True)
    (source / "data" / "t.csv").write_text("url\nhttps://a.example/1\n", encoding="ascii")
    (tmp_path / "s.jsonl").write_text('{"origin": "https://a.example", "status": 404}\n', encoding="ascii")
    says = "SPDX-License-Identifier"
    toml = f'version = 1\n[[annotations]]\npath = "data/t.csv"\n{says} = "LicenseRef-NoAI"\n'
    (source / before).write_text(toml if before.endswith("toml") else f"{says}: LicenseRef-NoAI\n", encoding="ascii")

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("datalib.optout.scan.gather", die)
        with pytest.raises(KeyboardInterrupt):
            judge(source, tmp_path / "out", sites=[tmp_path / "s.jsonl"])
    (source / before).rename(source / after)
    found = judge(source, tmp_path / "out", sites=[tmp_path / "s.jsonl"])[1]
    assert found == judge(source, tmp_path / "fresh", sites=[tmp_path / "s.jsonl"])[1]
    assert found["data/t.csv#0"]["verdict"] == "refuse"


def _table(path: Path, form: str, values: list[Any]) -> Path:
    names = [str(number) for number in range(len(values))]
    place = path / f"works.{form}"
    if form == "parquet":
        pq.write_table(pa.table({"n": names, "image": values}), place, row_group_size=3)
    elif form == "arrow":
        table = pa.table({"n": names, "image": values})
        with pa.ipc.new_file(place, table.schema) as out:
            out.write_table(table)
    else:
        rows = [{"n": n, "image": v} for n, v in zip(names, values, strict=True)]
        if form == "jsonl":
            place.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        else:
            pyarrow.csv.write_csv(pa.table({"n": names, "image": [v or "" for v in values]}), place)
    return place


IMAGES = [FILES[n] for n in ("denied.jpg", "plain.png", "broken.png", "signed.png", "words.txt", "old.doc")]
VERDICTS = ["refuse", "admit", "hold", "refuse", "admit", "hold"]


@pytest.mark.parametrize("form", ["parquet", "arrow", "jsonl", "csv"])
@pytest.mark.parametrize("shape", ["bytes", "record"])
def test_a_column_of_files_is_judged_row_by_row(tmp_path: Path, form: str, shape: str) -> None:
    if (form, shape) == ("csv", "record"):
        pytest.skip("a CSV file has no records")
    values: list[Any] = list(IMAGES)
    if form in {"jsonl", "csv"}:
        values = [base64.b64encode(data).decode() for data in IMAGES]
    if shape == "record":
        values = [{"bytes": value, "path": f"{number}.x"} for number, value in enumerate(values)]
    table = _table(tmp_path, form, [*values, None])
    _, rows = judge(table, tmp_path / "out", bytes_column="image")
    assert [row["verdict"] for row in rows.values()][: len(VERDICTS)] == VERDICTS
    assert [row["carriers_asked"] for row in rows.values()][:2] == ["unit", "unit"]
    last = [row["verdict"] for row in rows.values()][len(VERDICTS)]
    assert last == "admit"  # a row without bytes says nothing of itself


def test_batches_and_row_groups_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = _table(tmp_path, "parquet", IMAGES * 5)
    monkeypatch.setattr(works, "CONTENT_SHARD_ROWS", 6)
    judge(table, tmp_path / "a", bytes_column="image", admitted=True, workers=2)
    monkeypatch.setattr(reading, "CONTENT_ROWS", 1)
    judge(table, tmp_path / "b", bytes_column="image", admitted=True, batch_rows=2)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_pages_and_too_large_files_in_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_CONTENT", 1000)
    page = b'<!doctype html><meta name="robots" content="noai">'
    table = _table(tmp_path, "parquet", [page, made.png(made.chunk(b"tEXt", b"x\0" + bytes(1000)))])
    _, rows = judge(table, tmp_path / "out", bytes_column="image")
    assert [(row["verdict"], row["reason"]) for row in rows.values()] == [
        ("refuse", "robots-meta"), ("hold", "not-asked-unit"),
    ]  # fmt: skip


def test_values_that_are_no_files_are_damaged(tmp_path: Path) -> None:
    table = _table(
        tmp_path,
        "jsonl",
        ["not Base64!", 7, {"bytes": 7}, "{}", '{"bytes": "{"}', base64.b64encode(made.png()).decode()],
    )
    _, rows = judge(table, tmp_path / "out", bytes_column="image")
    assert [row["reason"] for row in rows.values()] == ["damaged-record"] * 5 + ["no-prohibition"]


def test_a_column_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="there is no column 'picture'"):
        judge(_table(tmp_path, "parquet", IMAGES), tmp_path / "out", bytes_column="picture")


def test_contents_are_bytes_base64_or_records() -> None:
    assert content_of(b"x") == Content(data=b"x")
    assert content_of("eA==") == Content(data=b"x")
    assert content_of({"bytes": b"x", "path": "a.jpg"}) == Content(data=b"x", name="a.jpg")
    assert content_of({"bytes": b"x", "path": None}) == Content(data=b"x")
    assert content_of('{"bytes": "eA==", "path": "a.jpg"}') == Content(data=b"x", name="a.jpg")
    for bad in (7, None, "?", "{", '{"bytes": 7}', '{"bytes": " {}"}', "[", {"bytes": 7}):
        assert content_of(bad) is None


def test_a_reader_that_fails_never_admits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its libraries, in the process and out of it, nothing is taken for silent."""
    source = tmp_path / "works"
    source.mkdir()
    (source / "a.jpg").write_bytes(made.signed(made.jpeg(), "image/jpeg", []))
    (source / "b.pdf").write_bytes(made.pdf())
    lost = tmp_path / "lost"
    for name in ("c2pa", "pikepdf"):
        (lost / name).mkdir(parents=True)
        (lost / name / "__init__.py").write_text("raise ImportError('lost')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(lost))
    _, rows = judge(source, tmp_path / "out")
    assert {row["verdict"] for row in rows.values()} == {"hold"}
    assert content_credentials.is_valid("Valid")


@pytest.mark.parametrize(
    ("block", "stated", "missing"),
    [
        ({}, None, True),
        ({"synthetic": {"share": 0}}, False, True),
        ({"synthetic": {"share": 0.5, "generator": {"name": "x"}}}, True, False),
    ],
)
def test_marks_are_shown_and_held_against_what_a_library_states(
    tmp_path: Path, block: dict[str, Any], stated: bool | None, missing: bool
) -> None:
    source = tmp_path / "lib"
    source.mkdir()
    (source / "made.jpg").write_bytes(FILES["made.jpg"])
    (source / "plain.png").write_bytes(made.png())
    (source / "datapackage.json").write_text(json.dumps({"datalib": block}), encoding="utf-8")
    result, rows = judge(source, tmp_path / "out")
    assert {row["verdict"] for row in rows.values()} == {"admit"}
    assert result.synthetic_stated is stated
    assert result.counts["signal"] == {"synthetic-mark": 1}
    (statement,) = explain("made.jpg", tmp_path / "out").statements
    assert statement.signal == "synthetic-mark"
    outcome, facts = attest_result(result, {file.path: file.sha256 for file in result.inputs})
    assert (outcome, facts["synthetic_marks"]) == ("pass", "trainedAlgorithmicMedia 1")
    assert ("synthetic_not_stated" in facts) is missing


def _packed(name: str) -> bytes:
    rows = [{"n": 1, "URL": "https://a.kz/x"}, {"n": 2, "URL": "https://a.kz/y"}]
    if name.endswith("jsonl"):
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if name.endswith("parquet"):
        out = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), out)
        return out.getvalue()
    if name.endswith("arrow"):
        out = io.BytesIO()
        table = pa.Table.from_pylist(rows)
        with pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table)
        return out.getvalue()
    mark = "\t" if name.endswith("tsv") else ";"
    text = f'"n"{mark} "URL"\r\n1{mark}https://a.kz/x\r\n'
    return text.encode("utf-16") if "wide" in name else text.encode()


@pytest.mark.parametrize("name", ["a/w.csv", "w.tsv", "wide.csv", "w.jsonl", "w.parquet", "w.arrow"])
@pytest.mark.parametrize("pack", [made.zipped, made.tarred])
def test_tables_of_works_in_archives_hold_them(tmp_path: Path, name: str, pack: Any) -> None:
    (tmp_path / "works").mkdir()
    (tmp_path / "works" / "set.zip").write_bytes(pack({"read.txt": b"text", name: _packed(name)}))
    harmless = {"a.csv": b"n,text\n1,url\n", "b.jsonl": b'{"n": "url"}\n', "read.txt": b"url"}
    (tmp_path / "works" / "other.zip").write_bytes(pack(harmless))
    scan([tmp_path / "works"], out=tmp_path / "out", now=NOW)
    found = {row.work: row for row in read_decisions(tmp_path / "out")}
    assert found["other.zip"].verdict == "admit"
    assert (found["set.zip"].verdict, found["set.zip"].reason) == ("hold", "unit-unreadable-hold")
    assert "unpack it" in explain("set.zip", tmp_path / "out").statements[0].quote
