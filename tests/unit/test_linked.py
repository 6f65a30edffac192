"""Licence documents that robots.txt files link, through a whole scan."""

from pathlib import Path

from datalib.optout.answers import Answer
from datalib.optout.explain import explain
from datalib.optout.scan import scan
from tests.scanning import NOW, read_decisions, write_sites

DOCUMENT = b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/%s"><license>%s</license></content></rsl>'
FREE = DOCUMENT % (b"", b'<permits type="usage">all</permits>')
REFUSED = DOCUMENT % (b"art/", b'<prohibits type="usage">ai-train</prohibits>')


def run(tmp_path: Path, answers: list[Answer], *urls: str, **options: object) -> dict[str, str]:
    (tmp_path / "w.csv").write_text("\n".join(["url", *urls, ""]))
    sites = [write_sites(tmp_path / "s.jsonl", answers)]
    scan([tmp_path / "w.csv"], out=tmp_path / "out", sites=sites, now=NOW, **options)  # type: ignore[arg-type]  # keywords
    return {row.url or "": row.reason for row in read_decisions(tmp_path / "out")}


def robots(origin: str, link: str, fetched_at: str | None = None) -> Answer:
    return Answer(origin=origin, status=200, body=f"License: {link}\n".encode(), fetched_at=fetched_at)


def test_a_document_is_explained_where_it_stands(tmp_path: Path) -> None:
    answers = [
        robots("https://e.x", "https://o.x/l.xml"), robots("https://f.x", "/l.xml"), robots("https://g.x", "/none.xml"),
        *(Answer(origin=f"https://{host}.x", path="/l.xml", status=200, body=REFUSED) for host in "ofz"),
    ]  # fmt: skip
    reasons = run(tmp_path, answers, "https://e.x/art/1", "https://f.x/art/1", "https://e.x/b", "https://g.x/")
    assert reasons == {
        "https://e.x/art/1": "rsl-license", "https://f.x/art/1": "rsl-license", "https://e.x/b": "no-prohibition",
        "https://g.x/": "rsl-license-licence",
    }  # fmt: skip
    for url, where in (("https://e.x/art/1", "https://o.x/l.xml"), ("https://f.x/art/1", "https://f.x/l.xml")):
        (statement,) = explain(url, tmp_path / "out").statements
        assert (statement.where, statement.checked) == (where, True)
    (statement,) = explain("https://g.x/", tmp_path / "out").statements
    assert (statement.where, statement.quote) == ("https://g.x/robots.txt#L1", "License: /none.xml")


def test_a_document_that_is_not_linked_does_not_speak_but_for_its_place(tmp_path: Path) -> None:
    answers = [Answer(origin=f"https://{host}.x", status=404) for host in "ab"]
    answers.append(Answer(origin="https://a.x", path="/l.xml", status=200, body=REFUSED))
    answers.append(Answer(origin="https://b.x", path="/license.xml", status=200, body=REFUSED))
    reasons = run(tmp_path, answers, "https://a.x/art/1", "https://b.x/art/1")
    assert reasons == {"https://a.x/art/1": "no-prohibition", "https://b.x/art/1": "rsl-license"}


def test_documents_that_are_too_old_were_not_asked(tmp_path: Path) -> None:
    new, old = "2027-01-15T00:00:00Z", "2026-01-01T00:00:00Z"
    answers = [
        robots("https://e.x", "/l.xml", new),
        Answer(origin="https://e.x", path="/l.xml", status=200, body=FREE, fetched_at=old),
    ]
    assert run(tmp_path, answers, "https://e.x/") == {"https://e.x/": "no-prohibition"}
    assert run(tmp_path, answers, "https://e.x/", sites_max_age=30) == {"https://e.x/": "rsl-license-licence"}
