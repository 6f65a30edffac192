import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from datalib.errors import Misuse, Refused, Unchecked
from datalib.library.describe import Statements, describe
from datalib.library.draft import render
from datalib.library.store import Folder
from datalib.optout import delimited, rows
from datalib.optout.answers import Answer
from datalib.optout.apply import apply
from datalib.optout.scan import scan
from tests.scanning import NOW, read_decisions, write_sites

ANSWERS = (Answer(origin="https://a.kz", status=200, body=b"User-agent: *\nDisallow: /no/\n"),)
URLS = [f"https://a.kz/{'no' if n % 3 == 1 else 'yes'}/{n}" for n in range(10)] + ["UNLIKELY"]
KEPT = [url for url in URLS if "/no/" not in url]


def parquet(path: Path) -> None:
    table = pa.table({"n": pa.array(range(11), pa.int16()), "url": URLS}).replace_schema_metadata({"made": "here"})
    pq.write_table(table, path, row_group_size=4, compression="gzip")


def arrow(path: Path) -> None:
    table = pa.table({"n": range(11), "url": URLS})
    make = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    with make(str(path), table.schema) as out:
        out.write_table(table, max_chunksize=4)


def text(path: Path) -> None:
    if "jsonl" in path.name:
        body = "\n\n".join(json.dumps({"url": url, "n": n}) for n, url in enumerate(URLS))
    else:
        mark = next(mark for word, mark in (("tsv", "\t"), ("semi", ";"), ("", ",")) if word in path.name)
        quoted = [f'{n}{mark}"{url}"{mark}"a ""b""\nc"\r\n' for n, url in enumerate(URLS)]
        body = mark.join(["n", "url", "note"]) + "\r\n\r\n" + "".join(quoted)
    wide = next((word for word in ("utf-16-le", "utf-16-be") if word in path.name), "")
    raw = ("\ufeff" + body.replace("c", "дала \U0001f30d\u2028\x85")).encode(wide) if wide else body.encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


MAKERS: dict[str, Callable[[Path], None]] = {
    "w.parquet": parquet, "w.arrow": arrow, "w.arrows": arrow, "w.csv": text, "w.tsv": text, "w.csv.gz": text,
    "semi.csv": text, "utf-16-le.csv": text, "utf-16-be.csv.gz": text, "semi-utf-16-be.csv": text,
    "utf-16-le.tsv": text,
    "w.jsonl": text, "w.jsonl.gz": text,
}  # fmt: skip


def urls(path: Path) -> list[str]:
    said = rows.form_of(path.name)
    assert said is not None
    form = next(form for form in rows.variants(said) if "url" in rows.head(path, form).columns)
    return [url for chunk in rows.read(path, form, columns=["url"]) for url in chunk.batch.column("url").to_pylist()]


def library(root: Path, *names: str) -> Path:
    root.mkdir()
    for name in names:
        MAKERS[name](root / name)
    (root / "datapackage.json").write_text('{"sources": [{"path": "https://a.kz/no/set"}]}', encoding="utf-8")
    return root


def scanned(root: Path, out: Path) -> Path:
    sites = out.parent / "sites.jsonl"
    if not sites.exists():
        write_sites(sites, ANSWERS)
    scan([root], out=out, sites=[sites], now=NOW)
    return out


@pytest.mark.parametrize("name", MAKERS)
def test_refused_rows_leave_a_table_of_each_format(tmp_path: Path, name: str) -> None:
    root = library(tmp_path / "lib", name)
    out = scanned(root, tmp_path / "out")
    assert apply(root, out).to_dict() == {"tables": {name: 3}, "files": [], "sources": ["source#0"]}
    assert urls(root / name) == KEPT
    assert sorted(path.name for path in root.iterdir()) == ["datapackage.json", name]
    after = (root / name).read_bytes()
    assert apply(root, out).to_dict() == {"tables": {}, "files": [], "sources": ["source#0"]}
    assert (root / name).read_bytes() == after
    again = scanned(root, tmp_path / "again")
    assert {row.verdict for row in read_decisions(again) if row.work.startswith(name)} == {"admit", "hold"}
    assert apply(root, again, held=True).tables == {name: 1}
    assert urls(root / name) == KEPT[:-1]


def test_what_is_kept_is_kept_as_it_was(tmp_path: Path) -> None:
    root = library(tmp_path / "lib", "w.parquet", "w.csv")
    before = pq.ParquetFile(root / "w.parquet")
    lines = (root / "w.csv").read_bytes()
    apply(root, scanned(root, tmp_path / "out"))
    after = pq.ParquetFile(root / "w.parquet")
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.metadata.row_group(0).column(0).compression == "GZIP"
    assert after.read()["n"].to_pylist() == [n for n, url in enumerate(URLS) if "/no/" not in url]
    kept = (root / "w.csv").read_bytes()
    assert kept == lines.replace(b"\r\n\r\n", b"\r\n", 1)[: len(kept)] or kept.startswith(b"n,url,note\r\n0,")
    assert all(line in lines for line in kept.split(b"\r\n"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_text_in_utf16_stays_one_and_loses_the_refused_rows_only(tmp_path: Path, encoding: str) -> None:
    root = library(tmp_path / "lib")
    lines = [
        '\ufeffurl;"n\nә"\r\n',
        *(f'{url};"ө\r\n🌍 ""{n}"""\n' for n, url in enumerate(URLS)),
        "https://a.kz/no/x;",
    ]
    (root / "w.csv").write_bytes("".join(lines).encode(encoding))
    assert apply(root, scanned(root, tmp_path / "out")).tables == {"w.csv": 4}
    assert (root / "w.csv").read_bytes() == "".join(line for line in lines if "/no/" not in line).encode(encoding)


@pytest.mark.parametrize("name", ["w.csv", "w.csv.gz"])
def test_a_torn_text_is_left_as_it_is_though_rows_before_were_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 1 << 16)
    root = library(tmp_path / "lib")
    urls = [f"https://a.kz/{'no' if n == 0 else 'yes'}/{n * n}" for n in range(60_000)]
    data = "\n".join(["url", *urls]).encode("utf-16" if name == "w.csv" else "utf-8")
    torn = (gzip.compress(data, 1) if name.endswith(".gz") else data)[:-11]
    (root / name).write_bytes(torn)
    out = scanned(root, tmp_path / "out")
    assert [row.work for row in read_decisions(out) if row.verdict == "refuse"] == [f"{name}#0", "source#0"]
    with pytest.raises(Unchecked, match="E-TABLE-READ"):
        apply(root, out)
    assert (root / name).read_bytes() == torn


def test_a_workbook_is_left_as_it_is(tmp_path: Path) -> None:
    root = library(tmp_path / "lib")
    book = Workbook()
    for row in (["url"], *([url] for url in URLS)):
        book.active.append(row)
    book.save(root / "w.xlsx")
    before = (root / "w.xlsx").read_bytes()
    out = scanned(root, tmp_path / "out")
    with pytest.raises(Unchecked, match="keeps copies of its rows"):
        apply(root, out)
    assert (root / "w.xlsx").read_bytes() == before


def test_refused_files_leave_the_folder(tmp_path: Path) -> None:
    root = library(tmp_path / "lib")
    (root / "sub").mkdir()
    (root / "sub" / "page.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    (root / "fine.html").write_text("<html>", encoding="utf-8")
    out = scanned(root, tmp_path / "out")
    assert apply(root, out).files == ("sub/page.html",)
    assert apply(root, out).files == ()
    assert (root / "fine.html").exists()


@pytest.mark.parametrize(
    ("paths", "left"),
    [
        ([["a.html"]], ["c.html"]),
        (["a.html", "c.html"], ["c.html"]),
        ([["a.html", "c.html"]], [["c.html"]]),
        (["a.html", ["b.html", "a.html"]], ["c.html"]),
        ([["b.html", "c.html"], "c.html"], [["c.html"], "c.html"]),
        (["c.html"], ["c.html"]),
    ],
)
def test_no_resource_names_a_file_that_has_left_the_folder(tmp_path: Path, paths: list[Any], left: list[Any]) -> None:
    root = tmp_path / "lib"
    root.mkdir()
    for name in ("a.html", "b.html"):
        (root / name).write_text('<meta name="robots" content="noai">', encoding="utf-8")
    (root / "c.html").write_text("<html>", encoding="utf-8")
    said = Statements(
        producer={"id": "x-test:lab", "name": {"en": "Lab"}}, purposes=["train:llm"], sources=[{"title": "x"}]
    )
    with Folder(root) as folder:
        document = dict(describe(folder, said, now=NOW).document)
        document["resources"] = [{"name": f"r{number}", "path": path} for number, path in enumerate(paths)]
        folder.write("datapackage.json", render(document))
    out = scanned(root, tmp_path / "out")
    for _ in range(2):
        apply(root, out)
        written = json.loads((root / "datapackage.json").read_bytes())
        assert [resource["path"] for resource in written["resources"]] == left
        assert {**written, "resources": []} == {**document, "resources": []}
    with Folder(root) as folder:
        assert describe(folder, Statements(), now=NOW).document["resources"]


def coded() -> pa.Table:
    """A table with dictionaries of several kinds."""
    texts = pa.array([f"{'refused' if '/no/' in url else 'kept'}-{n}" for n, url in enumerate(URLS)])
    codes, ends = texts.dictionary_encode(), range(len(URLS) + 1)
    return pa.table({
        "url": URLS, "text": codes, "short": texts.cast(pa.dictionary(pa.int8(), pa.string(), ordered=True)),
        "list": pa.ListArray.from_arrays(ends, codes), "large": pa.LargeListArray.from_arrays(ends, codes),
        "pair": pa.FixedSizeListArray.from_arrays(codes, 1), "member": pa.StructArray.from_arrays([codes], ["x"]),
        "number": pa.array([7, None, *ends[3:]]).dictionary_encode(),
    })  # fmt: skip


def held(array: Any) -> set[Any]:
    """Give all that an array holds, whether a row has it or not."""
    if isinstance(array, pa.DictionaryArray):
        return set(array.dictionary.to_pylist())
    inner = array.flatten() if isinstance(array, pa.StructArray) else [array.values] if hasattr(array, "values") else []
    return set().union(*map(held, inner)) if inner else set(array.to_pylist())


@pytest.mark.parametrize("name", ["w.parquet", "w.arrow", "w.arrows"])
def test_nothing_of_a_refused_row_stays_in_a_dictionary(tmp_path: Path, name: str) -> None:
    root, table = library(tmp_path / "lib"), coded()
    if name == "w.parquet":
        pq.write_table(table, root / name, row_group_size=4, compression="none")
    else:
        if name == "w.arrow":  # a dictionary in a list is not shared by all batches of a file
            table = table.drop_columns(["list", "large", "pair", "member"])
        with (pa.ipc.new_file if name == "w.arrow" else pa.ipc.new_stream)(str(root / name), table.schema) as out:
            out.write_table(table, max_chunksize=4)
    schema = read_rows(root / name).schema
    write_sites(tmp_path / "sites.jsonl", ANSWERS)
    scan([root], out=tmp_path / "out", sites=[tmp_path / "sites.jsonl"], admitted=True, now=NOW)
    assert apply(root, tmp_path / "out").tables == {name: 3}
    admitted = pq.read_table(tmp_path / "out" / "admitted" / "part-00000.parquet")
    rows = table.to_pylist()
    assert admitted.to_pylist() == [row for row in rows[:-1] if "/no/" not in row["url"]]
    left = read_rows(root / name)
    assert left.to_pylist() == [row for row in rows if "/no/" not in row["url"]]
    assert left.schema == schema
    assert b"refused" not in (root / name).read_bytes()
    for column in [*admitted.columns, *left.columns]:
        assert not any("refused" in str(value) for chunk in column.chunks for value in held(chunk))


@pytest.mark.parametrize("name", ["w.parquet", "w.arrows"])
def test_dictionaries_of_admitted_rows_do_not_depend_on_batches(tmp_path: Path, name: str) -> None:
    table = coded()
    texts = pa.array([f"text {n % 4}" for n in reversed(range(len(URLS)))])
    views = pa.array([[text] for text in texts.to_pylist()], pa.list_view(pa.string()))
    table = table.append_column("more", texts.dictionary_encode()).append_column("view", views)
    table = table.append_column("none", pa.nulls(len(URLS), pa.string()).dictionary_encode())
    if name == "w.parquet":
        pq.write_table(table, tmp_path / name, row_group_size=4)
    else:
        with pa.ipc.new_stream(str(tmp_path / name), table.schema) as out:
            out.write_table(table, max_chunksize=4)
    write_sites(tmp_path / "sites.jsonl", ANSWERS)
    written = set()
    for size in (1, 3, 100):
        out = tmp_path / f"out-{size}"
        scan([tmp_path / name], out=out, sites=[tmp_path / "sites.jsonl"], admitted=True, batch_rows=size, now=NOW)
        written.add((out / "admitted" / "part-00000.parquet").read_bytes())
    assert len(written) == 1
    read = pq.read_table(tmp_path / "out-3" / "admitted" / "part-00000.parquet")
    assert read.to_pylist() == [row for row in table.to_pylist()[:-1] if "/no/" not in row["url"]]
    same = [column for column in table.column_names if column not in {"number", "view"}]
    assert read.select(same).schema == table.select(same).schema


def test_values_that_cannot_be_parted_from_others_are_left_where_they_are(tmp_path: Path) -> None:
    root = library(tmp_path / "lib")
    numbers = pa.array(range(len(URLS))).dictionary_encode()
    table = pa.table({"url": URLS, "n": pa.ListArray.from_arrays(range(len(URLS) + 1), numbers)})
    with pa.ipc.new_stream(str(root / "w.arrows"), table.schema) as out:
        out.write_table(table)
    before = (root / "w.arrows").read_bytes()
    with pytest.raises(Unchecked, match=r"E-TABLE-READ: w\.arrows: "):
        apply(root, scanned(root, tmp_path / "out"))
    assert (root / "w.arrows").read_bytes() == before
    scan([root], out=tmp_path / "out", sites=[tmp_path / "sites.jsonl"], admitted=True, now=NOW)
    admitted = pq.read_table(tmp_path / "out" / "admitted" / "part-00000.parquet")
    assert admitted["n"].to_pylist() == [[n] for n, url in enumerate(URLS[:-1]) if "/no/" not in url]


def read_rows(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with (pa.ipc.open_file if path.suffix == ".arrow" else pa.ipc.open_stream)(str(path)) as reader:
        return reader.read_all()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            [5, None, {"path": 7}, {"path": [{}, "a.html"]}, {"name": "x"}],
            [5, None, {"path": 7}, {"path": [{}]}, {"name": "x"}],
        ),
        ({"path": "a.html"}, {"path": "a.html"}),
        (None, None),
    ],
)
def test_what_is_no_resource_stays_in_the_manifest(tmp_path: Path, before: Any, after: Any) -> None:
    root = library(tmp_path / "lib")
    (root / "a.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    (root / "datapackage.json").write_text(json.dumps({"resources": before}), encoding="utf-8")
    assert apply(root, scanned(root, tmp_path / "out")).files == ("a.html",)
    assert json.loads((root / "datapackage.json").read_bytes())["resources"] == after


def test_a_manifest_has_no_resources_where_no_file_that_is_left_has_a_fit_name(tmp_path: Path) -> None:
    root = library(tmp_path / "lib")
    (root / "a.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    (root / "b\\c.html").write_text("<html>", encoding="utf-8")
    (root / "datapackage.json").write_text('{"resources": [{"name": "a", "path": "a.html"}]}', encoding="utf-8")
    assert apply(root, scanned(root, tmp_path / "out")).files == ("a.html",)
    assert json.loads((root / "datapackage.json").read_bytes())["resources"] == []


def test_the_last_file_of_a_library_may_go(tmp_path: Path) -> None:
    root = library(tmp_path / "lib")
    (root / "a.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    (root / "datapackage.json").write_text('{"resources": [{"name": "a", "path": "a.html"}]}', encoding="utf-8")
    out = scanned(root, tmp_path / "out")
    assert apply(root, out).files == ("a.html",)
    assert apply(root, out).files == ()
    assert json.loads((root / "datapackage.json").read_bytes())["resources"] == []


def test_a_later_scan_into_the_same_folder_is_applied_too(tmp_path: Path) -> None:
    root, out = library(tmp_path / "lib", "w.parquet"), tmp_path / "out"
    assert apply(root, scanned(root, out)).tables == {"w.parquet": 3}
    left = urls(root / "w.parquet")
    write_sites(
        tmp_path / "sites.jsonl", [Answer(origin="https://a.kz", status=200, body=b"User-agent: *\nDisallow: /")]
    )
    assert apply(root, scanned(root, out)).tables == {"w.parquet": len(left) - 1}
    assert urls(root / "w.parquet") == ["UNLIKELY"]
    assert apply(root, out).tables == {}
    (out / "applied.json").write_text("[]", encoding="ascii")
    with pytest.raises(Refused, match="E-FILE-CHANGED"):
        apply(root, out)


@pytest.mark.parametrize("name", ["../victim.txt", "/victim.txt", "a/./b.txt", "a//b.txt", ""])
def test_results_name_no_paths_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    root = library(tmp_path / "lib", "w.parquet")
    out = scanned(root, tmp_path / "out")
    said = json.loads((out / "scan.json").read_bytes())
    for member in ("inputs", "outputs"):
        changed = [{**said[member][0], "path": name}, *said[member][1:]]
        (out / "scan.json").write_text(json.dumps({**said, member: changed}), encoding="utf-8")
        with pytest.raises(Refused, match="E-SCAN-FORMAT"):
            apply(root, out)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.html", '<meta name="robots" content="noai">'), ("w.csv", "url\nhttps://a.kz/no/1\nhttps://a.kz/yes/1\n")],
)
def test_nothing_is_removed_through_a_link(tmp_path: Path, name: str, text: str) -> None:
    root = library(tmp_path / "lib")
    (root / "sub").mkdir()
    (root / "sub" / name).write_text(text, encoding="utf-8")
    out = scanned(root, tmp_path / "out")
    (root / "sub").rename(tmp_path / "elsewhere")
    (root / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="E-FILE-SYMLINK"):
        apply(root, out)
    assert (tmp_path / "elsewhere" / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("name", "text"), [(b"\xfe.html", '<meta name="robots" content="noai">'), (b"\xfe.csv", "url\nhttps://a.kz/no/1\n")]
)
def test_a_file_whose_name_is_no_text_is_not_taken_for_gone(tmp_path: Path, name: bytes, text: str) -> None:
    root = library(tmp_path / "lib")
    (root / os.fsdecode(name)).write_text(text, encoding="utf-8")
    (root / "b\\c.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    with pytest.raises(Refused, match=r"E-PATH-NFC: \\xfe\..*rename"):
        apply(root, scanned(root, tmp_path / "out"))
    (root / os.fsdecode(name)).unlink()
    out = scanned(root, tmp_path / "again")
    assert apply(root, out).files == ("b\\c.html",)
    assert apply(root, out).files == ()


def test_a_library_that_has_changed_is_not_touched(tmp_path: Path) -> None:
    root = library(tmp_path / "lib", "w.parquet")
    (root / "page.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    out = scanned(root, tmp_path / "out")
    (root / "page.html").write_text("<html>", encoding="utf-8")
    with pytest.raises(Refused, match="E-FILE-CHANGED"):
        apply(root, out)
    pq.write_table(pa.table({"url": URLS[::-1]}), root / "w.parquet")
    with pytest.raises(Refused, match="E-FILE-CHANGED"):
        apply(root, out)
    assert urls(root / "w.parquet") == URLS[::-1]


def test_only_libraries_and_their_own_scans_will_do(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="is not a library"):
        apply(tmp_path, tmp_path)
    root = library(tmp_path / "lib", "w.parquet")
    with pytest.raises(Refused, match="E-SCAN-FORMAT"):
        apply(root, tmp_path / "none")
    out = scanned(root, tmp_path / "out")
    (root / "w.parquet").unlink()
    with pytest.raises(Refused, match="E-FILE-CHANGED"):
        apply(root, out)


def test_rows_that_cannot_be_told_apart_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = library(tmp_path / "lib", "w.csv")
    out = scanned(root, tmp_path / "out")
    before = (root / "w.csv").read_bytes()

    def miscounted(*_: Any) -> int:
        return 5

    monkeypatch.setattr("datalib.optout.apply.rewrite", miscounted)
    with pytest.raises(Unchecked, match="cannot be told apart"):
        apply(root, out)
    assert (root / "w.csv").read_bytes() == before
