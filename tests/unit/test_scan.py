import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse, Refused, Unchecked
from datalib.formats import sha256_hex
from datalib.merkle import root
from datalib.optout import scan as scanning
from datalib.optout import works
from datalib.optout.answers import TDMREP, Answer
from datalib.optout.attest import attest_result
from datalib.optout.decisions import BLOCK
from datalib.optout.explain import explain
from datalib.optout.gather import gather
from datalib.optout.result import ScanFile, ScanResult, read_scan
from datalib.optout.scan import scan
from datalib.optout.site_files import CARRIER_OF
from datalib.optout.site_import import import_sites
from datalib.optout.sources import named_sources, read_manifest, sources_of
from tests.scanning import NOW, Reference, facts, read_decisions, scan_files, write_sites

ROBOTS = b"User-agent: *\nDisallow: /private/\nUser-agent: GPTBot\nDisallow: /images/\n"
ANSWERS = (
    Answer(origin="https://a.kz", status=200, body=ROBOTS, fetched_at="2026-11-01T10:00:00Z"),
    Answer(origin="https://b.kz", status=404, fetched_at="2026-11-02T10:00:00Z"),
    Answer(origin="https://b.kz", path=TDMREP, status=200, body=b'[{"location": "/", "tdm-reservation": 1}]'),
    Answer(origin="https://c.kz", status=503),
)
URLS = ["https://a.kz/x", "https://a.kz/private/x", "https://a.kz/images/x", "https://b.kz/x", "https://c.kz/x",
        "https://unasked.kz/x", "UNLIKELY", None]  # fmt: skip
REASONS = ["no-prohibition", "robots-disallow", "robots-ai-token", "tdmrep", "robots-unreachable",
           "not-asked-robots-txt", "no-host", "no-url"]  # fmt: skip


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    return write_sites(tmp_path / "sites.jsonl", ANSWERS)


def write(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def reasons(out: Path) -> list[str]:
    return [row.reason for row in read_decisions(out)]


def test_each_work_has_one_verdict_with_its_reason(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=URLS)
    result = scan([path], out=tmp_path / "out", sites=[sites], now=NOW)
    assert reasons(tmp_path / "out") == REASONS
    reference = Reference(ANSWERS)
    assert read_decisions(tmp_path / "out") == [reference.judge(f"w.parquet#{n}", [url]) for n, url in enumerate(URLS)]
    assert result.counts["verdict"] == {"admit": 1, "refuse": 4, "hold": 3}
    assert result.counts["reason"]["robots-ai-token"] == 1
    assert result.counts["asked"] == {"": 3, "robots.txt": 4, "robots.txt tdmrep.json": 1}
    assert result.counts["signal"] == {"robots-disallow": 1, "robots-ai-token": 1, "tdmrep": 1, "robots-unreachable": 1}
    assert result == read_scan(tmp_path / "out")
    assert [file.path for file in result.inputs] == ["w.parquet"]
    assert {file.path for file in result.outputs} == {
        "decisions/part-00000.parquet", "signals.parquet", "evidence.parquet",
    }  # fmt: skip


def test_signals_and_evidence_say_it_once_and_in_order(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=URLS * 3)
    scan([path], out=tmp_path / "out", sites=[sites], now=NOW)
    signals = pq.read_table(tmp_path / "out" / "signals.parquet").to_pylist()
    assert [row["id"] for row in signals] == sorted({row["id"] for row in signals})
    used = {identity for row in read_decisions(tmp_path / "out") for identity in row.signals}
    assert {row["id"] for row in signals} == used
    by_name = {row["signal"]: row for row in signals if row["locator"] != "/robots.txt#L2"}
    assert by_name["robots-ai-token"]["raw"] == "Disallow: /images/"
    assert by_name["robots-ai-token"]["observed_at"] == "2026-11-01T10:00:00Z"
    assert (by_name["tdmrep"]["spec_tdm"], by_name["tdmrep"]["strict_train_gen"]) == ("deny", "deny")
    evidence = pq.read_table(tmp_path / "out" / "evidence.parquet").to_pylist()
    assert [row["sha256"] for row in evidence] == sorted({row["sha256"] for row in signals})
    assert ROBOTS in {row["bytes"] for row in evidence}


@pytest.mark.parametrize(
    ("spoil", "kept"),
    [
        (lambda _: None, True),
        (lambda path: path.write_bytes(path.read_bytes()), True),  # touched, but what it was
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), False),
        (lambda path: path.write_bytes(b""), False),
    ],
)
def test_what_an_earlier_run_left_counts_if_it_is_what_it_was(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object], *, kept: bool
) -> None:
    paths = [write(tmp_path / name, url=URLS) for name in ("v.parquet", "w.parquet")]
    scan(paths, out=tmp_path / "whole", sites=[sites], now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr("datalib.optout.scan.gather", broken)
        with pytest.raises(InterruptedError):
            scan(paths, out=tmp_path / "out", sites=[sites], now=NOW)
    left = tmp_path / "out" / "decisions" / "part-00001.parquet"
    before = left.stat().st_ino
    spoil(left)
    scan(paths, out=tmp_path / "out", sites=[sites], now=NOW)
    assert scan_files(tmp_path / "out") == scan_files(tmp_path / "whole")
    assert (left.stat().st_ino == before) == kept


def broken(*_: object) -> None:
    raise InterruptedError


@pytest.mark.parametrize("first", ["v.parquet", "v.csv"])
def test_the_root_is_that_of_the_lines_of_decisions(tmp_path: Path, sites: Path, first: str) -> None:
    urls = [f"https://a.kz/{n}" for n in range(150)] + ["https://a.kz/with\ttab"]
    paths = [write(tmp_path / name, url=urls) for name in (first, "w.parquet", "x.parquet")]
    if first.endswith(".csv"):  # which does not say how many rows it has: leaf numbers are not known beforehand
        paths[0].write_text("url\n" + "".join(f'"{url}"\n' for url in urls), encoding="utf-8")
    result = scan(paths, out=tmp_path / "out", sites=[sites], now=NOW)
    shown = [*urls[:-1], json.dumps(urls[-1])]
    leaves: list[bytes] = []
    for path in paths:
        lines = [f"{path.name}#{n}\t{url}\tadmit\tno-prohibition\tuuuuuuu\n".encode() for n, url in enumerate(shown)]
        leaves += [b"".join(lines[start : start + BLOCK]) for start in range(0, len(lines), BLOCK)]
    assert (result.root, result.leaves, result.leaf_rows) == (root(leaves).hex(), len(leaves), BLOCK)


def test_the_result_does_not_depend_on_workers_batches_or_order(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(works, "SHARD_ROWS", 40)
    monkeypatch.setattr(scanning, "LITTLE", 100)
    folder = tmp_path / "works"
    folder.mkdir()
    big = pa.table({"url": URLS * 20, "n": range(160)})
    pq.write_table(big, folder / "b.parquet", row_group_size=25)
    (folder / "a.csv").write_text(
        "n,url\n" + "".join(f"{n},{url or ''}\n" for n, url in enumerate(URLS)), encoding="utf-8"
    )
    (folder / "c.jsonl").write_text("".join(json.dumps({"url": url}) + "\n" for url in URLS * 3), encoding="utf-8")
    inputs = sorted(folder.iterdir())
    results = []
    for number, (files, options) in enumerate([
        (inputs, {}), (inputs[::-1], {"batch_rows": 7}), ([folder], {"workers": 2}), (inputs, {"batch_rows": 1}),
    ]):  # fmt: skip
        out = tmp_path / f"out{number}"
        scan(files, out=out, sites=[sites], admitted=True, now=NOW, **options)  # type: ignore[arg-type]  # options of two types
        results.append(scan_files(out))
    assert results[1:] == results[:1] * 3
    assert reasons(tmp_path / "out0")[:8] == [*REASONS[:-1], "no-url"]


def test_a_scan_can_be_repeated_and_replaces_an_earlier_one(tmp_path: Path, sites: Path) -> None:
    out = tmp_path / "out"
    first = write(tmp_path / "w.parquet", url=URLS)
    scan([tmp_path / "w.parquet"], out=out, sites=[sites], admitted=True, now=NOW)
    before = scan_files(out)
    (out / "decisions" / "part-00007.parquet").write_bytes(b"of an earlier scan")
    (out / ".datalib-tmp-0123456789abcdef").mkdir()
    scan([first], out=out, sites=[sites], admitted=True, now=NOW)
    assert scan_files(out) == before
    scan([first], out=out, sites=[sites], now=NOW)
    assert not (out / "admitted").exists()


@pytest.mark.parametrize("place", ["work/notes.txt", "decisions/mine.parquet", "admitted/mine/a.txt"])
def test_files_of_no_scan_are_never_removed(tmp_path: Path, sites: Path, place: str) -> None:
    works, mine = tmp_path / "works.csv", tmp_path / "out" / place
    works.write_text("url\nhttps://a.kz/\n", encoding="utf-8")
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(Misuse, match="of no scan; choose another folder"):
        scan([works], out=tmp_path / "out", sites=[sites], now=NOW)
    assert mine.read_text(encoding="utf-8") == "mine"


def test_several_url_columns_are_all_judged(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=["https://a.kz/x"] * 5, page_url=["https://a.kz/x", "https://a.kz/private/",
                 "https://unasked.kz/", None, "https://b.kz/"])  # fmt: skip
    scan([path], out=tmp_path / "out", sites=[sites], now=NOW)
    assert reasons(tmp_path / "out") == [
        "no-prohibition",
        "robots-disallow",
        "not-asked-robots-txt",
        "no-url",
        "tdmrep",
    ]
    scan([path], out=tmp_path / "one", sites=[sites], url_columns=["url"], now=NOW)
    assert set(reasons(tmp_path / "one")) == {"no-prohibition"}


def test_headers_pages_and_bases_are_read(tmp_path: Path, sites: Path) -> None:
    headers = [[("Server", "x")], [("x-robots-tag", "index"), ("X-Robots-Tag", "noai")], None, [("Server", "x")], []]
    html = ["<html></html>", "", None, '<meta name="robots" content="noai">', None]
    stored = pa.array(headers, pa.map_(pa.string(), pa.string()))
    bases = ["CC-BY-4.0", "contract", " ", "none", None]
    path = write(tmp_path / "w.parquet", url=["https://a.kz/x"] * 5, headers=stored, html=html, basis=bases)
    options: dict[str, Any] = {"header_column": "headers", "html_column": "html", "basis_column": "basis"}
    scan([path], out=tmp_path / "out", sites=[sites], **options, now=NOW)
    assert reasons(tmp_path / "out") == [
        "no-prohibition", "x-robots-tag", "no-prohibition", "robots-meta", "no-prohibition",
    ]  # fmt: skip
    asked = pq.read_table(tmp_path / "out" / "decisions" / "part-00000.parquet")["carriers_asked"].to_pylist()
    assert asked == [
        "robots.txt page transfer",
        "robots.txt page transfer",
        "robots.txt",
        "robots.txt page transfer",
        "robots.txt",
    ]
    found = explain("w.parquet#1", tmp_path / "out").statements[0]
    assert (found.signal, found.where, found.checked) == ("x-robots-tag", "#headers", True)
    absent = [Answer(origin="https://a.kz", path=path, status=404) for path in CARRIER_OF]
    more = write_sites(tmp_path / "strict.jsonl", absent)
    scan([path], out=tmp_path / "strict", sites=[more], profile="strict", **options, now=NOW)
    assert reasons(tmp_path / "strict") == ["no-prohibition", "x-robots-tag", "no-basis", "robots-meta", "no-basis"]


def test_headers_that_cannot_be_read_hold_the_work(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=["https://a.kz/x", "https://a.kz/private/"], h=["no header", "no header"])
    scan([path], out=tmp_path / "out", sites=[sites], header_column="h", now=NOW)
    assert reasons(tmp_path / "out") == ["damaged-record", "robots-disallow"]


def test_text_that_is_not_utf8_is_read_as_bytes_in_every_column(tmp_path: Path) -> None:
    def lying(*values: bytes) -> pa.Array:
        """Claim that bytes are UTF-8, as a file may."""
        stored = pa.array(values, pa.binary())
        return pa.Array.from_buffers(pa.string(), len(stored), stored.buffers())

    path = write(
        tmp_path / "w.parquet", h=lying(b"Server: \xff", b"X-Robots-Tag: noai\xff, noai"), licence=lying(b"\xff", b"x"),
        html=lying(b"<p>\xff", b""), basis=lying(b"\xff", b"own"), ids=lying(b"\xff", b""), data=lying(b"", b"\xff"),
        lists=pa.ListArray.from_arrays([0, 2, 2], lying(b"a", b"\xff")),
    )  # fmt: skip
    (tmp_path / "r.txt").write_text("a.kz\n")
    scan(
        [path], out=tmp_path / "out", now=NOW, header_column="h", license_column="licence", html_column="html",
        basis_column="basis", id_column="ids", bytes_column="data", registries=[tmp_path / "r.txt"],
    )  # fmt: skip
    assert facts(tmp_path / "out")["counts"]["reason"] == {"no-prohibition": 1, "x-robots-tag": 1}
    scan([path], out=tmp_path / "nested", now=NOW, header_column="lists")
    assert reasons(tmp_path / "nested") == ["damaged-record", "no-prohibition"]


def test_the_order_of_statements_of_a_work_does_not_depend_on_the_batch(tmp_path: Path, sites: Path) -> None:
    path = write(
        tmp_path / "w.parquet",
        url=["https://n.kz/1", "https://a.kz/private/2", "https://n.kz/3"],
        h=[None, "X-Robots-Tag: noai", "X-Robots-Tag: noml"],
        html=["<meta name=robots content=noai>", "<meta name=robots content=noai>", "<meta name=robots content=noml>"],
        licence=["CC-BY-NC-4.0"] * 3,
    )
    (tmp_path / "r.txt").write_text("n.kz\na.kz\n")
    for rows in (1, 2, 3):
        scan(
            [path], out=tmp_path / f"{rows}", sites=[sites], now=NOW, batch_rows=rows, header_column="h",
            html_column="html", license_column="licence", registries=[tmp_path / "r.txt"],
        )  # fmt: skip
        assert scan_files(tmp_path / f"{rows}") == scan_files(tmp_path / "1")


def test_signals_of_a_row_come_in_one_order_whatever_else_is_in_its_batch(tmp_path: Path) -> None:
    body = (
        b"User-agent: *\nDisallow: /private/\nDisallow: /private/x\nContent-Signal: ai-train=no\nUser-agent: GPTBot\n"
        b"Disallow: /\nContent-Usage: train-ai=n\n"
    )
    tdmrep = b'[{"location": "/", "tdm-reservation": 1}]'
    answers = [
        Answer(origin="https://a.kz", status=200, body=body),
        Answer(origin="https://a.kz", path=TDMREP, status=200, body=tdmrep),
        Answer(origin="https://b.kz", status=200, body=b""),
    ]
    path = write(
        tmp_path / "w.parquet",
        url=["https://a.kz/private/x", "https://b.kz/", "https://a.kz/private/x"],
        h=["", "X-Robots-Tag: noai", ""],
    )
    options: dict[str, Any] = {"sites": [write_sites(tmp_path / "s.jsonl", answers)], "header_column": "h", "now": NOW}
    for rows in (1, 2, 3):
        scan([path], out=tmp_path / f"{rows}", **options, batch_rows=rows)
        assert scan_files(tmp_path / f"{rows}") == scan_files(tmp_path / "1")
    found = pq.read_table(tmp_path / "1" / "decisions" / "part-00000.parquet")["signal_ids"].to_pylist()
    assert found[0] == found[2]
    assert len(found[0]) > 2


def test_profiles_ask_for_more(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=["https://a.kz/x", "https://b.kz/x", "https://a.kz/private/"])
    scan([path], out=tmp_path / "eu", sites=[sites], profile="eu", now=NOW)
    assert reasons(tmp_path / "eu") == ["not-asked-tdmrep-json", "tdmrep", "robots-disallow"]
    scan([path], out=tmp_path / "more", sites=[sites], require_carriers=["transfer"], now=NOW)
    assert reasons(tmp_path / "more") == ["not-asked-transfer", "tdmrep", "robots-disallow"]
    scan([path], out=tmp_path / "none", now=NOW)
    assert reasons(tmp_path / "none") == ["not-asked-robots-txt"] * 3
    assert facts(tmp_path / "none")["sites"] is None


def test_old_answers_count_as_not_given(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=["https://a.kz/x", "https://b.kz/x"])
    moment = 1_793_620_800  # 2026-11-02T12:00:00Z
    scan([path], out=tmp_path / "out", sites=[sites], sites_max_age=1, now=moment)
    assert reasons(tmp_path / "out") == ["not-asked-robots-txt", "no-prohibition"]


def test_an_imported_store_is_used_where_it_lies_and_several_are_one(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=URLS)
    scan([path], out=tmp_path / "raw", sites=[sites], now=NOW)
    store = tmp_path / "store"
    store.mkdir()
    import_sites([sites], store)
    scan([path], out=tmp_path / "out", sites=[store], now=NOW)
    parts = [write_sites(tmp_path / f"{n}.jsonl", [answer]) for n, answer in enumerate(ANSWERS)]
    scan([path], out=tmp_path / "parts", sites=parts, now=NOW)
    scan([path], out=tmp_path / "mixed", sites=[store, parts[0]], now=NOW)
    assert scan_files(tmp_path / "raw") == scan_files(tmp_path / "out") == scan_files(tmp_path / "parts")
    assert read_decisions(tmp_path / "mixed") == read_decisions(tmp_path / "raw")


def test_admitted_rows_keep_their_schema(tmp_path: Path, sites: Path) -> None:
    table = pa.table({
        "url": pa.array(URLS), "n": pa.array(range(8), pa.int16()), "tags": [["a"]] * 8,
    }).replace_schema_metadata({"made": "here"})  # fmt: skip
    pq.write_table(table, tmp_path / "w.parquet")
    (tmp_path / "w.jsonl").write_text(
        '{"url": "https://a.kz/x", "n": 1}\n{"url": "https://a.kz/y", "m": [2]}\n{\n', encoding="utf-8"
    )
    (tmp_path / "w.csv").write_text("n,url\n007,https://a.kz/x\n8,https://a.kz/private/x\n", encoding="utf-8")
    files = [tmp_path / name for name in ("w.csv", "w.jsonl", "w.parquet")]
    scan(files, out=tmp_path / "out", sites=[sites], admitted=True, now=NOW)
    csv, lines, parquet = (pq.read_table(path) for path in sorted((tmp_path / "out" / "admitted").iterdir()))
    assert csv.to_pylist() == [{"n": "007", "url": "https://a.kz/x"}]
    assert lines.to_pylist() == [
        {"url": "https://a.kz/x", "n": 1, "m": None},
        {"url": "https://a.kz/y", "n": None, "m": [2]},
    ]
    assert parquet.schema.equals(pq.read_schema(tmp_path / "w.parquet"), check_metadata=True)
    assert parquet["n"].to_pylist() == [0]


def test_rows_of_json_without_one_schema_stay_lines(tmp_path: Path, sites: Path) -> None:
    lines = ['{"url": "https://a.kz/x", "n": 1}', '{"url": "https://a.kz/y", "n": {"a": 2}}']
    (tmp_path / "w.jsonl").write_text("\n".join(lines), encoding="utf-8")
    scan([tmp_path / "w.jsonl"], out=tmp_path / "out", sites=[sites], admitted=True, now=NOW)
    admitted = pq.read_table(tmp_path / "out" / "admitted" / "part-00000.parquet")
    assert admitted.to_pylist() == [
        {"url": f"https://a.kz/{name}", "json": line} for name, line in zip("xy", lines, strict=True)
    ]


def test_lines_that_stay_lines_are_judged_again_as_the_works_they_are(tmp_path: Path, sites: Path) -> None:
    lines = [
        {"url": "https://a.kz/x", "n": 1, "rights": "CC-BY-4.0", "json": 1},
        {"url": "https://a.kz/y", "n": {}, "rights": ["CC-BY-4.0"]},
    ]
    (tmp_path / "w.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    options: dict[str, Any] = {"license_column": "rights", "now": NOW}
    scan([tmp_path / "w.jsonl"], out=tmp_path / "out", sites=[sites], admitted=True, **options)
    later = [Answer(origin="https://a.kz", status=200, body=b"User-agent: *\nDisallow: /y\n")]
    again = write_sites(tmp_path / "later.jsonl", later)
    scan([tmp_path / "out" / "admitted"], out=tmp_path / "again", sites=[again], **options)
    assert reasons(tmp_path / "again") == ["no-prohibition", "robots-disallow"]


def admitted_lines(folder: Path, sites: Path, members: list[str]) -> Any:
    lines = [f'{{"url": "https://a.kz/{n}"{member and ", " + member}}}' for n, member in enumerate(members)]
    folder.mkdir()
    (folder / "w.jsonl").write_text("\n".join(lines), encoding="utf-8")
    scan([folder / "w.jsonl"], out=folder / "out", sites=[sites], admitted=True, now=NOW)
    assert not list((folder / "out").glob("*/.*"))
    return pq.read_table(folder / "out" / "admitted" / "part-00000.parquet")


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        (['"n": 1', "", '"n": 1.5', '"n": null'], pa.float64()),
        (['"n": "2026-01-01"', '"n": "2026-01-01T00:00:00Z"'], pa.string()),
        (['"n": "2026-01-01"', "", '"n": "soon"'], pa.string()),
        (['"n": [{"a": "2026-01-01"}]', '"n": []', '"n": [{"b": 2}, null]'],
         pa.list_(pa.struct([("a", pa.string()), ("b", pa.int64())]))),
        (['"n": {"a": 9223372036854775807}', '"n": {}'], pa.struct([("a", pa.int64())])),
        (['"n": 18014398509481984', '"n": 0.12345678901234567'], pa.float64()),
        (['"n": []', '"n": null', '"n": [null, null]'], pa.list_(pa.string())),
        (['"n": [null, null]', '"n": [1, null]', '"n": []'], pa.list_(pa.int64())),
        (['"n": [[null, null]]', '"n": [[], null]'], pa.list_(pa.list_(pa.string()))),
    ],
)  # fmt: skip
def test_lines_get_the_types_that_they_share(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch, members: list[str], kind: Any
) -> None:
    whole = admitted_lines(tmp_path / "whole", sites, members)
    assert whole["n"].type == kind
    written = [json.loads(f"{{{member}}}").get("n") for member in members]
    dumped = [json.loads(text) for text in map(json.dumps, written)]
    assert [_without_nulls(value) for value in whole["n"].to_pylist()] == dumped
    monkeypatch.setattr("datalib.optout.admitted_lines.BLOCK", 1)
    assert admitted_lines(tmp_path / "parts", sites, members).equals(whole)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: one for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "members",
    [
        ['"n": 1', '"n": true'],
        ['"n": 1', '"n": "1"'],
        ['"n": [1]', '"n": {"a": 1}'],
        ['"n": 18446744073709551615', '"n": 1'],
        ['"n": 9007199254740993', '"n": 1.5'],
        ['"n": [{"a": 0.5}]', '"n": [{"a": 9007199254740993}]'],
        ['"n": 1e400', '"n": 1'],
        ['"n": {}', '"n": {}'],
        ['"n": [{}]', '"n": [{}, {}]'],
        ['"n": ' + "[" * 110 + "]" * 110, ""],
        ['"n": ' + "[" * 600 + "]" * 600, ""],
        [f'"n": {{"k{number}": 1}}' for number in range(600)],
    ],
)
def test_lines_whose_values_no_types_keep_stay_lines(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch, members: list[str]
) -> None:
    monkeypatch.setattr("datalib.optout.admitted.GROUP", 1)
    for name, block in (("whole", 1 << 20), ("parts", 1)):
        monkeypatch.setattr("datalib.optout.admitted_lines.BLOCK", block)
        found = admitted_lines(tmp_path / name, sites, members)
        assert found.column_names == ["url", "json"]
        lines = (tmp_path / name / "w.jsonl").read_text(encoding="utf-8").splitlines()
        assert found["json"].to_pylist() == lines


def library(root: Path) -> Path:
    write(root / "data" / "w.parquet", url=URLS[:1])
    (root / "page.html").write_text("<html><body>hello</body></html>", encoding="utf-8")
    (root / "notes.txt").write_text("hello", encoding="utf-8")
    (root / "datapackage.json").write_text(json.dumps({"sources": [{"path": "https://a.kz/set"}]}), encoding="utf-8")
    return root


def test_lines_that_are_not_utf8_are_held_and_the_others_admitted(tmp_path: Path, sites: Path) -> None:
    line = b'{"url": "https://a.kz/x", "a": "x"}\n'
    odd = [
        line.replace(b'"x"', b'"\xed\xa0\x80"'), line.replace(b'"a"', b'"\xed\xa0\x80"'), b"\xef\xbb\xbf" + line,
        line[:-1].decode().encode("utf-16-be") + b"\n",
    ]  # fmt: skip
    (tmp_path / "w.jsonl").write_bytes(line + b"".join(odd) + line)
    scan([tmp_path / "w.jsonl"], out=tmp_path / "out", sites=[sites], admitted=True, now=NOW)
    assert reasons(tmp_path / "out") == ["no-prohibition", *["damaged-record"] * 4, "no-prohibition"]
    admitted = pq.read_table(tmp_path / "out" / "admitted" / "part-00000.parquet")
    assert admitted.to_pylist() == [{"url": "https://a.kz/x", "a": "x"}] * 2


def test_what_is_admitted_does_not_depend_on_the_memory_there_is(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any, **__: Any) -> Any:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    (tmp_path / "w.jsonl").write_text('{"url": "https://a.kz/x"}\n', encoding="utf-8")
    path = write(tmp_path / "w.parquet", url=URLS)
    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.json.read_json", exhausted)
        with pytest.raises((MemoryError, Unchecked)):
            scan([tmp_path / "w.jsonl"], out=tmp_path / "out", sites=[sites], admitted=True, now=NOW)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.iter_batches", exhausted)
    with pytest.raises(Unchecked, match=r"E-IO.*memory"):
        scan([path], out=tmp_path / "other", sites=[sites], now=NOW)


def test_columns_of_any_type_are_judged_and_admitted(tmp_path: Path, sites: Path) -> None:
    headers = ["Server: x", "X-Robots-Tag: noai", None]
    table = pa.table({
        "url": pa.array(["https://a.kz/x"] * 3, pa.string_view()),
        "h": pa.array(headers, pa.string_view()),
        "b": pa.array([b"1", None, b"3"], pa.binary_view()),
        "\0line": [1, 2, 3],
    })  # fmt: skip
    (tmp_path / "works").mkdir()
    pq.write_table(table, tmp_path / "works" / "w.parquet")
    runs = table.append_column("run", pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]))
    with pa.OSFile(str(tmp_path / "works" / "w.arrow"), "wb") as file, pa.ipc.new_file(file, runs.schema) as writer:
        writer.write_table(runs)
    scan([tmp_path / "works"], out=tmp_path / "out", sites=[sites], header_column="h", admitted=True, now=NOW)
    assert reasons(tmp_path / "out") == ["no-prohibition", "x-robots-tag", "no-prohibition"] * 2
    arrow, parquet = (pq.read_table(path) for path in sorted((tmp_path / "out" / "admitted").iterdir()))
    rows = [row for row in table.to_pylist() if row["\0line"] != 2]
    assert parquet.to_pylist() == rows
    assert arrow.to_pylist() == [row | {"run": run} for row, run in zip(rows, "ab", strict=True)]


@pytest.mark.parametrize(
    "odd",
    [
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
        pa.array([1 << 61], pa.timestamp("s")),
        pa.array([b""], pa.binary(0)),
    ],
)
def test_values_that_parquet_does_not_have_are_named(tmp_path: Path, sites: Path, odd: Any) -> None:
    table = pa.table({"url": ["https://a.kz/x"], "u": odd})
    with pa.OSFile(str(tmp_path / "w.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(Unchecked, match=r"E-TABLE-READ: w\.arrow: .*without --admitted"):
        scan([tmp_path / "w.arrow"], out=tmp_path / "out", sites=[sites], admitted=True, now=NOW)
    assert scan([tmp_path / "w.arrow"], out=tmp_path / "out", sites=[sites], now=NOW).counts["verdict"] == {"admit": 1}


def test_the_source_of_bytes_that_stand_in_several_places_does_not_depend_on_the_batch(
    tmp_path: Path, sites: Path
) -> None:
    text = "X-Robots-Tag: noai\n<meta name=robots content=noai>"
    path = write(tmp_path / "w.parquet", url=["https://a.kz/1", "https://a.kz/2"], h=[None, text], html=[text, None])
    for rows in (1, 2):
        scan(
            [path], out=tmp_path / f"{rows}", sites=[sites], header_column="h", html_column="html", batch_rows=rows,
            now=NOW,
        )  # fmt: skip
    assert scan_files(tmp_path / "1") == scan_files(tmp_path / "2")


def test_works_that_are_linked_to_or_given_away_meanwhile_are_what_they_were(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "w.parquet", url=URLS)

    def meanwhile(*arguments: Any) -> Any:
        os.link(path, tmp_path / "backup")
        path.chmod(0o600)
        return check(*arguments)

    check = scanning._check_unchanged
    monkeypatch.setattr(scanning, "_check_unchanged", meanwhile)
    assert scan([path], out=tmp_path / "out", sites=[sites], now=NOW).works == len(URLS)


def test_what_of_tables_was_not_read_is_named(tmp_path: Path, sites: Path) -> None:
    root = tmp_path / "works"
    write(root / "a.parquet", link=["https://a.kz/x"], n=[1])
    write(root / "b.parquet", url=["https://a.kz/private/x"], License=["LicenseRef-NoAI"])
    write(root / "c.parquet", address=["https://a.kz/private/x"])
    (root / "d.txt").write_text("text", encoding="utf-8")
    result = scan([root], out=tmp_path / "out", sites=[sites], url_columns=["address"], now=NOW)
    assert {row.work: row.reason for row in read_decisions(tmp_path / "out")} == {
        "a.parquet": "no-prohibition", "b.parquet#0": "robots-disallow", "c.parquet#0": "robots-disallow",
        "d.txt": "no-prohibition",
    }  # fmt: skip
    assert result.unread == (("a.parquet", ""), ("b.parquet", "License"))
    assert read_scan(tmp_path / "out") == result
    _, named = attest_result(result, listing(result))
    assert named["not_read"] == ["a.parquet", "b.parquet: License"]
    result = scan([root], out=tmp_path / "all", url_columns=["address", "link"], license_column="License", now=NOW)
    assert result.unread == ()
    assert "unread" not in facts(tmp_path / "all")


def listing(result: ScanResult) -> dict[str, str]:
    return {file.path: file.sha256 for file in result.inputs}


def test_a_library_without_refusals_passes(tmp_path: Path, sites: Path) -> None:
    result = scan([library(tmp_path / "lib")], out=tmp_path / "out", sites=[sites], now=NOW)
    assert [(row.work, row.reason) for row in read_decisions(tmp_path / "out")] == [
        ("data/w.parquet#0", "no-prohibition"), ("notes.txt", "no-prohibition"), ("page.html", "no-prohibition"),
        ("source#0", "no-prohibition"),
    ]  # fmt: skip
    assert [(file.path, file.rows) for file in result.inputs] == [
        ("data/w.parquet", 1),
        ("notes.txt", 1),
        ("page.html", 1),
    ]
    sources = list(named_sources(sources_of(read_manifest(tmp_path / "lib"))))
    outcome, found = attest_result(result, listing(result), sources)
    assert (outcome, found["works"], found["not_in_listing"], found["not_scanned"]) == ("pass", 4, [], [])


def test_sources_that_were_not_scanned_fail(tmp_path: Path, sites: Path) -> None:
    root = library(tmp_path / "lib")
    named = list(named_sources(sources_of(read_manifest(root))))
    files = [root / "data" / "w.parquet", root / "notes.txt", root / "page.html"]
    alone = scan(files, out=tmp_path / "alone", sites=[sites], now=NOW)
    known = {path.relative_to(root).as_posix(): sha256_hex(path.read_bytes()) for path in files}
    assert attest_result(alone, known)[0] == "pass"
    outcome, facts = attest_result(alone, known, named)
    assert (outcome, facts["sources_not_scanned"]) == ("fail", ["source#0"])
    whole = scan([root], out=tmp_path / "whole", sites=[sites], now=NOW)
    assert attest_result(whole, known, named)[0] == "pass"
    assert attest_result(whole, known, [named[0]._replace(licence='["LicenseRef-NoAI"]')])[0] == "fail"
    assert attest_result(whole, known)[1]["sources_not_scanned"] == ["source"]


def test_what_was_not_scanned_or_is_not_listed_fails(tmp_path: Path, sites: Path) -> None:
    result = scan([library(tmp_path / "lib")], out=tmp_path / "out", sites=[sites], now=NOW)
    known = listing(result)
    assert attest_result(result, known | {"more.txt": "0" * 64})[1]["not_scanned"] == ["more.txt"]
    assert attest_result(result, known | {"notes.txt": "0" * 64})[0] == "fail"
    assert attest_result(result, {path: known[path] for path in ("notes.txt", "page.html")})[1]["not_in_listing"] == [
        "data/w.parquet"
    ]
    (alone,) = [file for file in result.inputs if file.path == "data/w.parquet"]
    single = scan([tmp_path / "lib" / "data" / "w.parquet"], out=tmp_path / "single", sites=[sites], now=NOW)
    assert single.inputs == (ScanFile(path="w.parquet", sha256=alone.sha256, rows=1),)
    assert attest_result(single, {"data/w.parquet": alone.sha256})[0] == "pass"
    assert attest_result(single, known)[0] == "fail"


def test_refused_and_unreadable_files_fail(tmp_path: Path, sites: Path) -> None:
    root = library(tmp_path / "lib")
    (root / "page.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    (root / "torn.parquet").write_bytes(b"PAR1")
    (root / "link.txt").symlink_to("notes.txt")
    result = scan([root], out=tmp_path / "out", sites=[sites], now=NOW)
    found = {row.work: row.reason for row in read_decisions(tmp_path / "out")}
    assert found["page.html"] == "robots-meta"
    assert (found["torn.parquet"], found["link.txt"]) == ("damaged-record", "not-a-file")
    outcome, said = attest_result(result, listing(result))
    assert (outcome, said["refused"], said["held"]) == ("fail", 1, 2)


def test_a_verdict_is_explained_by_the_bytes_it_came_from(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "w.parquet", url=URLS)
    out = tmp_path / "out"
    scan([path], out=out, sites=[sites], now=NOW)
    found = explain("https://a.kz/images/x", out)
    assert (found.work, found.verdict, found.reason) == ("w.parquet#2", "refuse", "robots-ai-token")
    (statement,) = found.statements
    assert statement.where == "https://a.kz/robots.txt#L4"
    assert statement.quote == "Disallow: /images/"
    assert statement.checked
    assert (statement.spec, statement.strict) == ({}, {"train_any": "deny", "train_gen": "deny"})
    assert found.to_dict()["statements"][0]["sha256"] == statement.sha256
    assert explain("w.parquet#6", out).statements == ()
    with pytest.raises(Misuse, match="no work with this id or URL"):
        explain("w.parquet#99", out)


def test_a_result_that_was_changed_explains_nothing(tmp_path: Path, sites: Path) -> None:
    out = tmp_path / "out"
    scan([write(tmp_path / "w.parquet", url=URLS)], out=out, sites=[sites], now=NOW)
    (out / "signals.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused, match=r"is not what scan\.json says"):
        explain("w.parquet#2", out)
    (out / "decisions" / "part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused, match="E-SCAN-FORMAT"):
        explain("w.parquet#2", out)
    (out / "decisions" / "part-00000.parquet").unlink()
    with pytest.raises(Unchecked, match="E-IO"):
        explain("w.parquet#2", out)


def test_evidence_that_was_not_copied_is_found_in_the_store(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalib.optout.statements.MAX_ANSWERS", 10)
    out = tmp_path / "out"
    scan([write(tmp_path / "w.parquet", url=URLS)], out=out, sites=[sites], now=NOW)
    assert set(pq.read_table(out / "evidence.parquet")["bytes"].to_pylist()) == {None}
    assert explain("w.parquet#2", out).statements[0].checked
    shutil.rmtree(out / "sites")
    lost = explain("w.parquet#2", out).statements[0]
    assert (lost.checked, lost.quote) == (False, "Disallow: /images/")


def test_results_are_read_strictly(tmp_path: Path, sites: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Refused, match="no finished scan"):
        read_scan(out)
    scan([write(tmp_path / "w.parquet", url=URLS)], out=out, sites=[sites], now=NOW)
    good = facts(out)
    changes: dict[str, Any] = {
        "format": "x", "works": "8", "inputs": [{}], "time": "now", "agent": 1, "decisions": None,
        "counts": {"a": {"b": -1}},
    }  # fmt: skip
    for name, value in changes.items():
        (out / "scan.json").write_text(json.dumps(good | {name: value}), encoding="utf-8")
        with pytest.raises(Refused, match="E-SCAN-FORMAT"):
            read_scan(out)
    (out / "scan.json").unlink()
    (out / "scan.json").mkdir()
    with pytest.raises(Unchecked, match="E-IO"):
        read_scan(out)


def test_wrong_requests_are_misuse(tmp_path: Path, sites: Path) -> None:
    path = write(tmp_path / "works" / "w.parquet", url=URLS)
    root = library(tmp_path / "lib")
    with pytest.raises(Misuse, match="E-OUT-IN-LIBRARY"):
        scan([path], out=root / "scan", now=NOW)
    with pytest.raises(Misuse, match="inside the works"):
        scan([path.parent], out=path.parent / "out", now=NOW)
    with pytest.raises(Misuse, match="is not a folder"):
        scan([path], out=sites, now=NOW)
    with pytest.raises(Misuse, match="a profile is one of"):
        scan([path], out=tmp_path / "out", profile="us", now=NOW)
    with pytest.raises(Misuse, match="a carrier is one of"):
        scan([path], out=tmp_path / "out", require_carriers=["x"], now=NOW)
    with pytest.raises(Refused, match="E-SITES-FORMAT"):
        scan([path], out=tmp_path / "out", sites=[path], now=NOW)
    assert not (tmp_path / "out" / "scan.json").exists()


def rewritten(path: Path) -> None:
    path.write_text("url\nhttps://a.kz/\n", encoding="utf-8")


def swapped(path: Path) -> None:
    """Put another file of the same size and time in its place."""
    other, seen = path.with_name("other"), path.stat()
    other.write_bytes(path.read_bytes().replace(b"/private/x", b"/publics/x"))
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.rename(path)


def written_into(path: Path) -> None:
    """Change it in its place, and set its time back."""
    seen = path.stat()
    path.write_bytes(path.read_bytes().replace(b"/private/x", b"/publics/x"))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


@pytest.mark.parametrize("change", [rewritten, swapped, written_into])
def test_a_file_that_changes_meanwhile_is_noticed(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "w.csv"
    path.write_text("url\nhttps://a.kz/private/x\n", encoding="utf-8")
    hashed = scanning._hash_files

    def changed(*arguments: Any) -> Any:
        found = hashed(*arguments)
        change(path)
        return found

    monkeypatch.setattr("datalib.optout.scan._hash_files", changed)
    with pytest.raises(Unchecked, match="E-FILE-CHANGED"):
        scan([path], out=tmp_path / "out", sites=[sites], now=NOW)
    assert not (tmp_path / "out" / "scan.json").exists()


def test_two_scans_cannot_write_the_same_result(tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "w.parquet", url=URLS)
    one: dict[str, Any] = {"out": tmp_path / "out", "sites": [sites], "now": NOW}

    def meanwhile(*arguments: Any) -> Any:
        with pytest.raises(Misuse, match="E-BUSY"):
            scan([path], profile="strict", **one)
        return gather(*arguments)

    monkeypatch.setattr("datalib.optout.scan.gather", meanwhile)
    found = scan([path], **one)
    assert found == read_scan(tmp_path / "out")
    monkeypatch.undo()
    assert scan([path], profile="strict", **one).profile == "strict"


def test_a_file_system_without_locks_is_written_to(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "w.parquet", url=URLS)

    def refused(code: int) -> Callable[..., None]:
        def flock(*_: Any) -> None:
            raise OSError(code, os.strerror(code))

        return flock

    monkeypatch.setattr("fcntl.flock", refused(errno.ENOSYS))
    assert scan([path], out=tmp_path / "out", sites=[sites], now=NOW).works == len(URLS)
    monkeypatch.setattr("fcntl.flock", refused(errno.EIO))
    with pytest.raises(Unchecked, match="E-IO"):
        scan([path], out=tmp_path / "out", sites=[sites], now=NOW)


@pytest.mark.parametrize("name", ["decisions/part-00000.parquet", "work/00000.found"])
def test_a_shard_whose_files_are_changed_before_the_end_is_no_result(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path, out = write(tmp_path / "w.parquet", url=URLS), tmp_path / "out"

    def meanwhile(*arguments: Any) -> Any:
        (out / name).write_bytes(b"12345678")
        return gather(*arguments)

    monkeypatch.setattr("datalib.optout.scan.gather", meanwhile)
    with pytest.raises(Unchecked, match="E-FILE-CHANGED"):
        scan([path], out=out, sites=[sites], now=NOW)
    monkeypatch.undo()
    scan([path], out=out, sites=[sites], now=NOW)
    assert reasons(out) == REASONS


def test_results_longer_than_a_row_group_do_not_depend_on_batches(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalib.optout.decisions.GROUP", 64)
    monkeypatch.setattr("datalib.optout.admitted.GROUP", 8)
    path = write(tmp_path / "w.parquet", url=URLS * 30)
    results = []
    for batch_rows in (1000, 100, 7):
        out = tmp_path / str(batch_rows)
        scan([path], out=out, sites=[sites], admitted=True, now=NOW, batch_rows=batch_rows)
        results.append(scan_files(out))
    assert results[0] == results[1] == results[2]
    written = pq.ParquetFile(tmp_path / "7" / "decisions" / "part-00000.parquet").metadata
    assert [written.row_group(n).num_rows for n in range(written.num_row_groups)] == [64, 64, 64, 48]
    assert [row.reason for row in read_decisions(tmp_path / "7")] == REASONS * 30


def test_decisions_with_many_signals_make_row_groups_of_few(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "works" / "w.parquet", url=URLS * 40)
    annotation = (
        '[[annotations]]\npath = "w.parquet"\nprecedence = "aggregate"\nSPDX-License-Identifier = "CC-BY-NC-{}.0"\n'
    )
    said = "version = 1\n" + "".join(annotation.format(number) for number in range(1, 4))
    (path.parent / "REUSE.toml").write_text(said, encoding="utf-8")
    scan([path.parent], out=tmp_path / "usual", sites=[sites], now=NOW, receipts=True)
    monkeypatch.setattr("datalib.optout.decisions.PAIRS", 300)
    results = []
    for batch_rows, pairs in ((1000, 1 << 20), (100, 40), (7, 1)):
        monkeypatch.setattr("datalib.optout.shard.PAIRS", pairs)
        out = tmp_path / str(batch_rows)
        scan([path.parent], out=out, sites=[sites], now=NOW, receipts=True, batch_rows=batch_rows)
        results.append(scan_files(out))
    assert results[0] == results[1] == results[2]
    name = "decisions/part-00000.parquet"
    written = pq.ParquetFile(tmp_path / "7" / name).metadata
    assert [written.row_group(n).num_rows for n in range(written.num_row_groups)] == [128, 128, 64]
    assert pq.read_table(tmp_path / "7" / name).equals(pq.read_table(tmp_path / "usual" / name))
    assert facts(tmp_path / "7")["decisions"] == facts(tmp_path / "usual")["decisions"]


def test_admitted_rows_that_are_heavy_make_row_groups_of_few(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datalib.optout.admitted.GROUP", 8)
    monkeypatch.setattr("datalib.optout.admitted.HEAVY", 1000)
    texts = ["x" * (400 if row in range(10, 16) else 2 if row == 3 else 3000 if row == 20 else 0) for row in range(30)]
    path = write(tmp_path / "w.parquet", url=["https://a.kz/x"] * 30, text=texts)
    results = []
    for batch_rows in (1000, 11, 1):
        scan([path], out=tmp_path / f"{batch_rows}", sites=[sites], admitted=True, now=NOW, batch_rows=batch_rows)
        results.append(scan_files(tmp_path / f"{batch_rows}"))
    assert results[0] == results[1] == results[2]
    admitted = tmp_path / "1" / "admitted" / "part-00000.parquet"
    assert pq.read_table(admitted).equals(pq.read_table(path))
    meta = pq.ParquetFile(admitted).metadata
    assert [meta.row_group(place).num_rows for place in range(meta.num_row_groups)] == [8, 5, 3, 5, 8, 1]


def test_a_folder_of_robots_files_judges_works(tmp_path: Path) -> None:
    (tmp_path / "sites" / "a.kz").mkdir(parents=True)
    (tmp_path / "sites" / "a.kz" / "robots.txt").write_bytes(ROBOTS)
    path = write(tmp_path / "w.parquet", url=URLS[:3])
    scan([path], out=tmp_path / "out", sites=[tmp_path / "sites"], now=NOW)
    assert reasons(tmp_path / "out") == REASONS[:3]
    before = scan_files(tmp_path / "out")
    scan([path], out=tmp_path / "out", sites=[tmp_path / "sites"], now=NOW)
    assert scan_files(tmp_path / "out") == before


def test_a_file_with_very_many_rules_is_judged_target_by_target(tmp_path: Path) -> None:
    body = "User-agent: *\n" + "".join(f"Disallow: /{n}/\nAllow: /{n}/open\n" for n in range(4200))
    times = ("2026-11-03T10:00:00Z", "2026-11-02T10:00:00Z", None)
    answers = [
        Answer(origin=f"https://{host}.kz", status=200, body=body.encode(), fetched_at=time)
        for host, time in zip("abc", times, strict=True)
    ]
    urls = ["https://a.kz/7/x", "https://a.kz/4199/open", "https://a.kz/4200/", "https://a.kz/%37/x"]
    path = write(tmp_path / "w.parquet", url=urls)
    sites = write_sites(tmp_path / "s.jsonl", answers)
    scan([path], out=tmp_path / "out", sites=[sites], now=NOW)
    reference = Reference(answers)
    assert read_decisions(tmp_path / "out") == [reference.judge(f"w.parquet#{n}", [url]) for n, url in enumerate(urls)]
    assert reasons(tmp_path / "out") == ["robots-disallow", "no-prohibition", "no-prohibition", "robots-disallow"]
    seen = pq.read_table(tmp_path / "out" / "signals.parquet")["observed_at"].to_pylist()
    assert set(seen) == {"2026-11-02T10:00:00Z"}


def test_sites_larger_than_memory_are_looked_up_part_by_part(
    tmp_path: Path, sites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "w.parquet", url=URLS * 3)
    scan([path], out=tmp_path / "usual", sites=[sites], now=NOW)
    for bound in ("HELD", "WINDOW"):
        monkeypatch.setattr(f"datalib.optout.maps.{bound}", 16)
    scan([path], out=tmp_path / "trimmed", sites=[sites], now=NOW, batch_rows=3)
    assert scan_files(tmp_path / "usual") == scan_files(tmp_path / "trimmed")


def test_very_long_urls_are_judged_whole_and_shown_in_part(tmp_path: Path, sites: Path) -> None:
    urls = ["https://a.kz/" + "x" * 3000, "data:image/png;base64," + "A" * 5000, "https://a.kz/private/" + "қ" * 3000]
    path = write(tmp_path / "w.parquet", url=urls)
    scan([path], out=tmp_path / "out", sites=[sites], now=NOW)
    rows = read_decisions(tmp_path / "out")
    assert [row.reason for row in rows] == ["no-prohibition", "no-host", "robots-disallow"]
    assert [row.url for row in rows] == [url[:2000] for url in urls]


def test_bytes_in_a_table_of_text_do_not_stop_a_scan(tmp_path: Path, sites: Path) -> None:
    (tmp_path / "w.csv").write_bytes(b"url,n\nhttps://a.kz/x,1\nhttps://a.kz/\xff,2\nhttps://a.kz/private/,3\n")
    scan([tmp_path / "w.csv"], out=tmp_path / "out", sites=[sites], admitted=True, now=NOW)
    assert reasons(tmp_path / "out") == ["no-prohibition", "no-url", "robots-disallow"]


def test_the_finished_scan_of_other_works_is_not_replaced(tmp_path: Path, sites: Path) -> None:
    one, other = write(tmp_path / "one.parquet", url=URLS), write(tmp_path / "other.parquet", url=URLS)
    scan([one], out=tmp_path / "out", sites=[sites], now=NOW)
    before = scan_files(tmp_path / "out")
    with pytest.raises(Misuse, match=r"E-OUT-EXISTS: .*holds the finished scan of other works"):
        scan([other], out=tmp_path / "out", sites=[sites], now=NOW)
    assert scan_files(tmp_path / "out") == before
    scan([one, other], out=tmp_path / "out", sites=[sites], now=NOW)
    (tmp_path / "out" / "scan.json").write_text("{}", encoding="ascii")
    assert scan([other], out=tmp_path / "out", sites=[sites], now=NOW).inputs[0].path == "other.parquet"
