"""Licences of works, records of what was granted, tables of where files came from, documents of a corpus."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse, Refused
from datalib.optout import licence, licences, treebank
from datalib.optout.answers import Answer
from datalib.optout.apply import apply
from datalib.optout.scan import scan
from datalib.optout.statement import Evidence
from tests.scanning import NOW, write_sites
from tests.shared import SHARED

HERE = Evidence(locator="x", sha256="0" * 64)
OFFER = b"License: https://press.example/l.xml\n"


def judge(works: Path, out: Path, **options: Any) -> dict[str, str]:
    scan([works], out=out, now=NOW, **options)
    rows = [row for path in sorted((out / "decisions").iterdir()) for row in pq.read_table(path).to_pylist()]
    return {row["work_id"]: f"{row['verdict']} {row['reason']}" for row in rows}


def sites(path: Path, **robots: bytes) -> list[Path]:
    answers = [Answer(origin=f"https://{name}.example", status=200, body=body) for name, body in robots.items()]
    return [write_sites(path / "sites.jsonl", answers)]


@pytest.mark.parametrize(
    ("text", "state", "basis"),
    [
        ("CC-BY-4.0", None, True),
        ("https://creativecommons.org/licenses/by/4.0/", None, True),
        ("CC0-1.0", None, True),
        ("CC-BY-NC-SA-4.0", "unknown", False),
        ("cc by-nd 4.0", "unknown", False),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "unknown", False),
        ("LicenseRef-NoAI", "deny", False),
        ("MIT-No-Train-1.0", "deny", False),
        ("NTDL", "deny", False),
        ("CC-BY-4.0, may not be used to train AI models", "deny", False),
        ("Использование для машинного обучения запрещено", "deny", False),
        ("Машиналық оқытуға пайдалануға тыйым салынады", "deny", False),
        ("AI terms apply", "hold", False),
        ("all rights reserved", None, False),
        ("", None, False),
    ],
)
def test_licences_are_read_by_name_and_by_text(text: str, state: str | None, basis: bool) -> None:
    found = licence.signals(text, HERE)
    assert [signal.strict.tested.label for signal in found] == ([state] if state else [])
    assert licence.is_basis(text) is basis


def test_a_column_of_licences_decides(tmp_path: Path) -> None:
    lines = [
        {"url": f"https://free.example/{number}", "license": text}
        for number, text in enumerate(["CC-BY-4.0", "CC-BY-NC-4.0", "LicenseRef-NoAI", None, {"name": "NTDL"}])
    ]
    works = tmp_path / "w.jsonl"
    works.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    known = sites(tmp_path, free=b"")
    kz = judge(works, tmp_path / "kz", sites=known, license_column="license")
    assert list(kz.values()) == [
        "admit no-prohibition", "admit no-prohibition", "refuse licence", "admit no-prohibition", "refuse licence",
    ]  # fmt: skip
    paths = ("/.well-known/tdmrep.json", "/ai.txt", "/.well-known/ai.txt", "/trust.txt", "/.well-known/trust.txt",
             "/license.xml", "/robots.txt")  # fmt: skip
    every = [Answer(origin="https://free.example", path=path, status=404) for path in paths]
    asked = [write_sites(tmp_path / "all.jsonl", every)]
    strict = judge(works, tmp_path / "strict", sites=asked, license_column="license", profile="strict")
    assert list(strict.values())[:4] == [
        "admit no-prohibition", "refuse no-basis", "refuse licence", "refuse no-basis",
    ]  # fmt: skip


def test_records_take_up_an_offer_and_nothing_stronger(tmp_path: Path) -> None:
    works = tmp_path / "w.csv"
    urls = ["https://press.example/a", "https://press.example/b", "https://no.example/a"]
    works.write_text("url\n" + "\n".join(urls) + "\n", encoding="utf-8")
    known = sites(tmp_path, press=OFFER, no=b"User-agent: *\nDisallow: /\n")
    records = tmp_path / "l.jsonl"

    def judged(name: str, *held: dict[str, str]) -> list[str]:
        lines = ({"holder": "Press", "terms": "contract 7", **record} for record in held)
        records.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return list(judge(works, tmp_path / name, sites=known, licences=records).values())

    offered, denied, taken = "refuse rsl-license-licence", "refuse robots-disallow", "admit licence-covers"
    assert judged("none") == [offered, offered, denied]
    assert judged("domain", {"for": "press.example"}, {"for": "no.example"}) == [taken, taken, denied]
    assert judged("url", {"for": urls[0]}) == [taken, offered, denied]
    assert judged("prefix", {"for": "https://press.example/"}) == [taken, taken, denied]
    assert judged("work", {"for": "work:w.csv#1"}) == [offered, taken, denied]
    assert judged("ended", {"for": "press.example", "until": "2026-01-01T00:00:00Z"})[0] == offered
    assert judged("later", {"for": "press.example", "since": "2030-01-01T00:00:00Z"})[0] == offered
    assert judged("now", {"for": "press.example", "until": "2030-01-01T00:00:00Z"})[0] == taken


@pytest.mark.parametrize(
    "line",
    ["x", "[]", "{}", '{"for": "e.x", "holder": "a"}', '{"for": "", "holder": "a", "terms": "t"}',
     '{"for": "no such", "holder": "a", "terms": "t"}', '{"for": "e.x", "holder": "a", "terms": "t", "more": "m"}'],
)  # fmt: skip
def test_a_record_that_is_none_stops_the_scan(tmp_path: Path, line: str) -> None:
    path = tmp_path / "l.jsonl"
    path.write_text("\n" + line + "\n", encoding="utf-8")
    with pytest.raises(Refused, match="E-LICENCES-FORMAT") as caught:
        licences.read(path, NOW)
    assert caught.value.where.endswith("l.jsonl:2")


def test_a_work_with_two_urls_needs_both_covered(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    path.write_text('{"for": "press.example", "holder": "a", "terms": "t"}\n', encoding="utf-8")
    held = licences.read(path, NOW)
    assert held.covers("w", ("https://cdn.press.example:8443/a", None), ())
    assert not held.covers("w", ("https://press.example/a", "https://other.example/a"), ())
    assert not held.covers("w", (), ())
    assert not held.covers("w", ("UNLIKELY",), ())


def test_a_table_says_where_files_came_from(tmp_path: Path) -> None:
    works = tmp_path / "works"
    works.mkdir()
    for name in ("a.txt", "b.txt", "c.txt", "d.txt", "own.txt"):
        (works / name).write_text("words", encoding="utf-8")
    table = tmp_path / "t.csv"
    rows = "a.txt,https://free.example/a,\nb.txt,https://no.example/b,\nc.txt,,\nd.txt,https://free.example/d,NTDL\n"
    table.write_text("path,url,license\n" + rows, encoding="utf-8")
    known = sites(tmp_path, free=b"", no=b"User-agent: GPTBot\nDisallow: /\n")
    found = judge(works, tmp_path / "out", works_table=table, sites=known)
    assert list(found.values()) == [
        "admit no-prohibition", "refuse robots-ai-token", "hold no-url", "refuse licence", "admit no-prohibition",
    ]  # fmt: skip
    assert judge(works, tmp_path / "unasked", works_table=table)["a.txt"] == "hold not-asked-robots-txt"
    for bad in ("path,url\nz.txt,x\n", "path,link\na.txt,x\n", "path,url\na.txt,x\na.txt,y\n"):
        table.write_text(bad, encoding="utf-8")
        with pytest.raises(Misuse, match="E-USAGE"):
            judge(works, tmp_path / "bad", works_table=table)
    for torn in (
        b"path,url\na.txt,x,too,many\n",
        b"path,url\na.txt,https://free.example/\xe9\n",
        b"path,url,url\na.txt,x,y\n",
    ):
        table.write_bytes(torn)
        with pytest.raises(Refused, match="E-WORKS-TABLE"):
            judge(works, tmp_path / "torn", works_table=table)


CORPUS = b"""# newdoc id = one
# meta::sourceURL = https://free.example/1
# license = CC-BY-4.0
1\tA\t_

# newdoc id = two
# meta::sourceURL = https://no.example/2
1\tB\t_

# newdoc id = three
# meta::sourceURL = https://free.example/3
# meta::licence = LicenseRef-NoAI
1\tC\t_

# newdoc id = four
1\tD\t_
"""


def test_documents_of_a_corpus_are_works(tmp_path: Path) -> None:
    library = tmp_path / "lib"
    library.mkdir()
    (library / "datapackage.json").write_text("{}", encoding="utf-8")
    path = library / "c.conllu"
    path.write_bytes(CORPUS)
    known = sites(tmp_path, free=b"", no=b"User-agent: *\nDisallow: /\n")
    out = tmp_path / "out"
    assert judge(library, out, sites=known, admitted=True) == {
        "c.conllu#0": "admit no-prohibition", "c.conllu#1": "refuse robots-disallow",
        "c.conllu#2": "refuse licence", "c.conllu#3": "hold no-url",
    }  # fmt: skip
    (admitted,) = pq.read_table(next((out / "admitted").iterdir())).to_pylist()
    assert admitted["conllu"].encode() == CORPUS[: CORPUS.index(b"# newdoc id = two")]
    apply(library, out)
    kept = [CORPUS[: CORPUS.index(b"# newdoc id = two")], CORPUS[CORPUS.index(b"# newdoc id = four") :]]
    assert path.read_bytes() == b"".join(kept)


def test_documents_are_cut_without_loss() -> None:
    for text in (CORPUS, b"# license = X\n" + CORPUS, b"1\tA\n\n" + CORPUS, b"1\tA\n", b""):
        assert b"".join(found.raw for found in treebank.documents(text.splitlines(keepends=True))) == text
    head = list(treebank.documents((b"# license = X\n" + CORPUS).splitlines(keepends=True)))
    assert [found.number for found in head] == [-1, 0, 1, 2, 3]
    assert [found.value("license") for found in head] == ["X", "CC-BY-4.0", "X", "X", "X"]
    before = list(treebank.documents((b"1\tA\n\n" + CORPUS).splitlines(keepends=True)))
    assert [found.number for found in before] == [0, 1, 2, 3, 4]


@pytest.mark.shared
def test_a_real_corpus_is_judged_document_by_document(tmp_path: Path) -> None:
    found = judge(SHARED / "real" / "text" / "gum", tmp_path / "out")
    documents = {name: why for name, why in found.items() if ".conllu#" in name}
    assert len(documents) == 15
    assert set(documents.values()) == {"hold not-asked-robots-txt"}


def test_a_source_under_a_licence_that_forbids_training_refuses_its_library(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "words.csv").write_text("word\nдала\n", encoding="utf-8")
    sources = [
        {"title": "a", "license": "LicenseRef-NoAI"}, {"title": "b", "license": "CC-BY-4.0"}, {"title": "c"},
        {"title": "d", "path": "https://free.example/", "licenses": [{"name": "No-Train-1.0"}]},
    ]  # fmt: skip
    (tmp_path / "set" / "datapackage.json").write_text(json.dumps({"sources": sources}), encoding="utf-8")
    found = judge(tmp_path / "set", tmp_path / "out", sites=sites(tmp_path, free=b""))
    assert {name: why for name, why in found.items() if name.startswith("source#")} == {
        "source#0": "refuse licence",
        "source#3": "refuse licence",
    }
