"""RSL documents at any path of an archive, linked by robots.txt, headers and pages in the archives of a scan."""

import gzip
from pathlib import Path

import pytest

from datalib.optout import archived_linked
from tests.scanning import read_decisions
from tests.webarchives import PAGE, framed, http, judged, packed, record, robots, wacz

DOCUMENT = b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/%s"><license>%s</license></content></rsl>'
FREE = DOCUMENT % (b"", b'<permits type="usage">all</permits>')
REFUSED = DOCUMENT % (b"art/", b'<prohibits type="usage">ai-train</prohibits>')
SITE = robots("https://a.example", b"License: /legal/terms.rsl?v=1\nUser-agent: *\nAllow: /\n")
WORK = record("https://a.example/art/1")
LINK = 'Link: <%s>; rel="license"; type="application/rsl+xml"'


URL = "https://a.example/legal/terms.rsl?v=1"
EARLY, LATE = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"


def document(body: bytes, url: str = URL, date: str = EARLY) -> bytes:
    return record(url, http(body, kind="application/rsl+xml"), date=date)


def verdict(out: Path, *archives: Path, work: str = "https://a.example/art/1") -> str:
    judged(list(archives), out)
    (found,) = {f"{row.verdict} {row.reason}" for row in read_decisions(out) if row.url == work}
    return found


def written(path: Path, *records: bytes) -> Path:
    path.write_bytes(packed(*records))
    return path


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((), "refuse rsl-license-licence"),
        ((document(FREE),), "admit no-prohibition"),
        ((document(REFUSED),), "refuse rsl-license"),
        ((document(b"<rsl"),), "hold rsl-license-hold"),
        ((document(PAGE),), "hold rsl-license-hold"),
        ((record(URL, http(b"", status=404)),), "hold rsl-license-hold"),
        ((record(URL, http(b"", "Location: /x", status=302)),), "hold rsl-license-hold"),
        ((document(FREE)[:-40],), "refuse rsl-license-licence"),
        ((document(FREE, "https://a.example/legal/terms.rsl?v=2"),), "refuse rsl-license-licence"),
        ((document(FREE, "https://b.example/legal/terms.rsl?v=1"),), "refuse rsl-license-licence"),
        ((document(FREE, "HTTPS://A.example:443/legal/%2e/terms.rsl?v=1#x"),), "admit no-prohibition"),
        # the newest counts, whatever it is
        ((document(FREE), document(REFUSED, date=LATE)), "refuse rsl-license"),
        ((document(PAGE, date=LATE), document(FREE)), "hold rsl-license-hold"),
    ],
)  # fmt: skip
def test_a_document_that_robots_txt_links_is_found_in_the_archive(
    tmp_path: Path, records: tuple[bytes, ...], expected: str
) -> None:
    for number, order in enumerate(((SITE, WORK, *records), (*records, WORK, SITE))):
        path = written(tmp_path / f"{number}.warc.gz", *order)
        assert verdict(tmp_path / f"out{number}", path) == expected


@pytest.mark.parametrize(("body", "expected"), [(FREE, "admit no-prohibition"), (REFUSED, "refuse rsl-license")])
def test_a_document_that_a_header_or_a_page_links_is_found_in_the_archive(
    tmp_path: Path, body: bytes, expected: str
) -> None:
    page = b'<!doctype html><link rel="license" type="application/rsl+xml" href="/l"><p>words'
    works = {
        "header": record("https://a.example/art/1", http(PAGE, LINK % "../l")),
        "page": record("https://a.example/art/1", http(gzip.compress(page, mtime=0), "Content-Encoding: gzip")),
    }
    for name, work in works.items():
        archive = written(tmp_path / f"{name}.warc.gz", robots("https://a.example"), work)
        assert verdict(tmp_path / f"{name}-none", archive) == "refuse rsl-license-licence"
        other = written(tmp_path / f"{name}-other.warc.gz", document(body, "https://a.example/l"))
        assert verdict(tmp_path / f"{name}-out", archive, other) == expected


def test_documents_are_found_in_archives_of_each_form(tmp_path: Path) -> None:
    plain = SITE + WORK + document(REFUSED)
    (tmp_path / "w.warc").write_bytes(plain)
    (tmp_path / "w.warc.zst").write_bytes(framed(SITE, WORK, document(REFUSED)))
    wacz(tmp_path / "w.wacz", [("archive/a.warc", plain)])
    for name in ("w.warc", "w.warc.zst", "w.wacz"):
        assert verdict(tmp_path / f"out-{name}", tmp_path / name) == "refuse rsl-license"


def test_a_scan_that_is_repeated_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "w.warc.zst"
    path.write_bytes(framed(SITE, WORK, document(FREE)))
    first = judged(path, tmp_path / "out", admitted=True)
    assert judged(path, tmp_path / "out", admitted=True) == first
    path.write_bytes(framed(SITE, WORK))
    assert "refuse rsl-license-licence" in judged(path, tmp_path / "out")[1].values()


@pytest.mark.parametrize("linked", [SITE, record("https://a.example/", http(PAGE, LINK % "/legal/terms.rsl?v=1"))])
def test_a_snapshot_from_an_archive_has_the_documents_that_are_linked(tmp_path: Path, linked: bytes) -> None:
    works = written(
        tmp_path / "w.warc.gz", record("https://a.example/art/1", http(PAGE, LINK % "/legal/terms.rsl?v=1"))
    )
    wacz(
        tmp_path / "s.wacz",
        [("archive/a.warc", document(REFUSED) + linked), ("archive/b.warc", robots("https://a.example"))],
    )
    for number, sites in enumerate((written(tmp_path / "s.warc.gz", document(REFUSED), linked), tmp_path / "s.wacz")):
        judged(works, tmp_path / f"out{number}", sites=[sites])
        (row,) = read_decisions(tmp_path / f"out{number}")
        assert f"{row.verdict} {row.reason}" == "refuse rsl-license"


def test_an_address_with_a_password_is_no_trouble(tmp_path: Path) -> None:
    free = document(FREE, "https://u:p@a.example/l")
    work = record("https://a.example/art/1", http(PAGE, LINK % "https://u:p@a.example/l"))
    path = written(tmp_path / "w.warc.gz", robots("https://u:p@a.example"), robots("https://a.example"), work, free)
    assert verdict(tmp_path / "out", path) in {"admit no-prohibition", "refuse rsl-license-licence"}


def test_a_link_too_many_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archived_linked, "_MOST", 1)
    path = written(
        tmp_path / "w.warc.gz", record("https://b.example/", http(PAGE, LINK % "/l")), SITE, WORK, document(FREE)
    )
    assert verdict(tmp_path / "out", path) == "refuse rsl-license-licence"
