"""RSL documents that headers and pages link, followed into the snapshot through whole scans."""

import json
from pathlib import Path

import pytest

from datalib.optout.answers import Answer
from datalib.optout.explain import explain
from datalib.optout.scan import scan
from tests.scanning import NOW, read_decisions, write_sites
from tests.webarchives import http, record

DOCUMENT = b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/%s"><license>%s</license></content></rsl>'
FREE = DOCUMENT % (b"", b'<permits type="usage">all</permits>')
REFUSED = DOCUMENT % (b"art/", b'<prohibits type="usage">ai-train</prohibits>')
OFFERED = DOCUMENT % (b"", b'<payment type="purchase"/>')
OPEN = Answer(origin="https://e.x", status=404, fetched_at="2027-01-14T00:00:00Z")

DOCUMENTS = {
    "/free.xml": FREE,
    "/refused.xml": REFUSED,
    "/offered.xml": OFFERED,
    "/broken.xml": b"<rsl",
    "/page.xml": b"x",
}
ANSWERS = [
    OPEN,
    *(Answer(origin="https://e.x", path=path, status=200, body=body) for path, body in DOCUMENTS.items()),
    Answer(origin="https://e.x", path="/gone.xml", status=404),
    Answer(origin="https://other.x", path="/l.xml", status=200, body=FREE),
    Answer(origin="https://e.x", path="/old.xml", status=200, body=FREE, fetched_at="2020-01-01T00:00:00Z"),
]
EXPECTED = {
    "/free.xml": "admit no-prohibition",
    "/refused.xml": "refuse rsl-license",
    "/offered.xml": "refuse rsl-license-licence",
    "/broken.xml": "hold rsl-license-hold",
    "/page.xml": "hold rsl-license-hold",
    "/gone.xml": "hold rsl-license-hold",
    "/unasked.xml": "refuse rsl-license-licence",
    "https://other.x/l.xml": "admit no-prohibition",
    "https://unknown.x/l.xml": "refuse rsl-license-licence",
    "mailto:x": "refuse rsl-license-licence",
}


def link(target: str) -> str:
    return f'<{target}>; rel="license"; type="application/rsl+xml"'


def page(*targets: str) -> str:
    return "<html>" + "".join(f'<link rel="license" type="application/rsl+xml" href="{t}">' for t in targets)


def run(tmp_path: Path, rows: list[dict[str, object]], **options: object) -> list[str]:
    works = tmp_path / "w.jsonl"
    works.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    sites = [write_sites(tmp_path / "s.jsonl", ANSWERS)]
    scan([works], out=tmp_path / "out", sites=sites, now=NOW, **options)  # type: ignore[arg-type]  # keywords
    return [f"{row.verdict} {row.reason}" for row in read_decisions(tmp_path / "out")]


@pytest.mark.parametrize("carrier", ["header", "page", "bytes"])
def test_links_are_followed_into_the_snapshot(tmp_path: Path, carrier: str) -> None:
    import base64

    rows: list[dict[str, object]] = []
    for target in EXPECTED:
        row: dict[str, object] = {"url": "https://e.x/art/1"}
        if carrier == "header":
            row["h"] = [["Link", link(target)]]
        elif carrier == "page":
            row["h"] = page(target)
        else:
            row["h"] = base64.b64encode(page(target).encode()).decode()
        rows.append(row)
    column = {"header": "header_column", "page": "html_column", "bytes": "bytes_column"}[carrier]
    assert run(tmp_path, rows, **{column: "h"}) == list(EXPECTED.values())


def test_of_several_documents_the_most_restrictive_counts(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"url": "https://e.x/art/1", "h": [["Link", link("/free.xml")]], "p": page("/refused.xml")},
        {"url": "https://e.x/other", "h": [["Link", link("/free.xml")]], "p": page("/refused.xml")},
        {"url": "https://e.x/art/1", "h": [["Link", link("/free.xml") + ", " + link("/broken.xml")]], "p": None},
        {"url": "https://e.x/art/1", "h": [["Link", link("/free.xml")]], "p": page("/free.xml", "/unasked.xml")},
        {"url": None, "h": [["Link", link("/free.xml")]], "p": None},
        {"url": "https://e.x/art/1", "h": [["Link", "<x>; type=application/rsl+xml"]], "p": None},
        {"url": "https://e.x/art/1", "h": [["Link", link("/free.xml")]] * 2, "p": page(*["/free.xml"] * 70)},
    ]
    assert run(tmp_path, rows, header_column="h", html_column="p") == [
        "refuse rsl-license", "admit no-prohibition", "hold rsl-license-hold", "refuse rsl-license-licence",
        "hold no-url", "refuse rsl-license-licence", "refuse rsl-license-licence",
    ]  # fmt: skip
    (statement,) = [s for s in explain("w.jsonl#0", tmp_path / "out").statements if s.strict.get("train_gen") == "deny"]
    assert (statement.where, statement.checked) == ("https://e.x/refused.xml", True)


def test_answers_that_are_too_old_were_not_asked(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"url": "https://e.x/", "h": [["Link", link("/old.xml")]]}]
    assert run(tmp_path, rows, header_column="h") == ["admit no-prohibition"]
    (tmp_path / "again").mkdir()
    held = run(tmp_path / "again", rows, header_column="h", sites_max_age=30)
    assert held == ["refuse rsl-license-licence"]


@pytest.mark.parametrize("carrier", ["header", "page"])
def test_records_of_archives_follow_into_the_snapshot(tmp_path: Path, carrier: str) -> None:
    works = tmp_path / "w.warc"
    records = [
        record("https://e.x/art/1", http(b"<html>", f"Link: {link(target)}"))
        if carrier == "header"
        else record("https://e.x/art/1", http(page(target).encode()))
        for target in EXPECTED
    ]
    works.write_bytes(b"".join(records))
    sites = [write_sites(tmp_path / "s.jsonl", ANSWERS)]
    scan([works], out=tmp_path / "out", sites=sites, now=NOW)
    found = read_decisions(tmp_path / "out")
    assert [f"{row.verdict} {row.reason}" for row in found] == list(EXPECTED.values())
    (statement,) = explain(found[1].work, tmp_path / "out").statements
    assert (statement.where, statement.checked) == ("https://e.x/refused.xml", True)


def test_pages_of_a_folder_follow_where_a_table_says_their_url(tmp_path: Path) -> None:
    works = tmp_path / "works"
    works.mkdir()
    (works / "a.html").write_text(page("/refused.xml"), encoding="utf-8")
    (works / "b.html").write_text(page("/free.xml"), encoding="utf-8")
    (works / "c.html").write_text(page("/free.xml"), encoding="utf-8")
    table = tmp_path / "t.csv"
    table.write_text("path,url\na.html,https://e.x/art/a\nb.html,https://e.x/art/b\n", encoding="utf-8")
    sites = [write_sites(tmp_path / "s.jsonl", ANSWERS)]
    scan([works], out=tmp_path / "out", sites=sites, works_table=table, now=NOW)
    assert [(row.work, row.reason) for row in read_decisions(tmp_path / "out")] == [
        ("a.html", "rsl-license"), ("b.html", "no-prohibition"), ("c.html", "rsl-license-licence"),
    ]  # fmt: skip
