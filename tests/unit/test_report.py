"""The report about a library: what it says in each case, how well it is known, and that it is one closed file."""

import ast
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from datalib.chain.events import Evidence
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.publish import graph, report, wording
from datalib.publish.bounds import Bound
from datalib.publish.markup import joined, shown, tag
from datalib.publish.wording import Wording
from datalib.trust.belief import Trust
from datalib.trust.policy import Policy
from datalib_cli.render import NOT_CHECKED
from datalib_vocab import LANGUAGES
from tests.assembling import as_library, assemble, publish, upstream
from tests.libraries import DAY, NOW, PERSONS, Library, Log, edit, sound
from tests.reports import made_of, many, only, page, tell, text

VOUCHED = Trust(policy=Policy.vouch([(person.id, person.key.public) for person in PERSONS]), roots=None)
SCAN = {
    "agent": "datalib",
    "agents_sha256": "a" * 64,
    "counts": {
        "asked": {"robots.txt tdmrep.json page": 1999, "": 1},
        "reason": {"no-prohibition": 1200, "robots-ai-token": 799, "not-asked-robots": 1},
        "signal": {"robots-ai-token": 799},
        "synthetic": {},
        "verdict": {"admit": 1200, "refuse": 799, "hold": 1},
    },
    "decisions": {"leaf_rows": 64, "leaves": 1, "root": "b" * 64},
    "format": "datalib-scan-1",
    "inputs": [
        {"path": "data/a.txt", "rows": 1000, "sha256": sha256_hex(b"alpha\n")},
        {"path": "other.csv", "rows": 1000, "sha256": "c" * 64},
    ],
    "licences": None,
    "outputs": [],
    "profile": "kz",
    "required": [],
    "sites": None,
    "time": "2026-09-22T14:13:20Z",
    "tool": "datalib 0.1.0",
    "works": 2000,
}


def marks(tree: LexborHTMLParser, section: str) -> list[str]:
    return [mark.text() for mark in tree.css(f"#{section} .mark")]


# --- the verdict, what was checked, what was not


def test_a_library_that_may_be_used(tmp_path: Path) -> None:
    tree = page(tell(sound(tmp_path).folder, purpose="train:asr"))
    assert only(tree, "#verdict").attributes["class"] == "verdict yes"
    said = "✓ This library is what its producer and holders signed, and may be used for Training of speech recognition"
    assert text(tree, ".sentence").startswith(said)
    done, open_ = text(tree, "ul.done"), text(tree, "ul.open")
    assert "The chain, events: 3." in done
    assert "a trusted time for 3 of 3 events" in done
    assert "2 of 2 files, 11 bytes" in done
    assert "pinned root keys" in done
    assert "rollback" not in done
    assert "nothing is remembered" in open_
    assert "not that it is so" in open_
    assert "attestations asked for are there, positive and in force: optout" in done
    assert marks(tree, "about") == marks(tree, "past") == ["signed"]
    assert marks(tree, "checks") == ["computed"]


@pytest.mark.parametrize(
    ("asked", "kind", "sentence"),
    [
        ({"data": "none"}, "open", "? As far as it was checked (0 of 2 files were read)"),
        ({"require": ()}, "open", "but nobody asked for an attestation"),
        ({"purpose": "train:faces"}, "no", "✕ This library is what was signed, but it must not be used as asked."),
        ({"trust": None}, "open", "? Nothing was verified"),
        ({"trust": VOUCHED}, "yes", "if the keys that were vouched for are theirs"),
    ],
)
def test_a_verdict_is_one_sentence_that_claims_no_more_than_was_checked(
    tmp_path: Path, asked: dict[str, object], kind: str, sentence: str
) -> None:
    library = sound(tmp_path)
    tree = page(tell(library.folder, **asked))  # type: ignore[arg-type] # members of Demand, or trust
    assert only(tree, "#verdict").attributes["class"] == f"verdict {kind}"
    assert sentence in text(tree, ".sentence")


def test_what_a_refusal_or_a_sample_left_out_is_not_called_checked(tmp_path: Path) -> None:
    barred = page(tell(Library(folder=tmp_path).genesis().publish().folder, purpose="train:asr", data="none"))
    assert "E-ATTEST-MISSING" in text(barred, "#verdict")
    assert "purpose asked for" not in text(barred, "ul.done")
    assert "attestations asked for" not in text(barred, "ul.done")
    assert "no other file lies" not in text(barred, "ul.done")
    open_ = text(barred, "ul.open")
    assert "stops at the first fault" in open_
    assert "Whether other files lie beside" in open_


def test_of_a_library_that_is_not_what_was_signed_nothing_else_is_shown(tmp_path: Path) -> None:
    library = sound(tmp_path)
    edit(library.folder / "data/a.txt", lambda data: data.upper())
    tree = page(tell(library.folder))
    assert text(tree, ".sentence").startswith("✕ Do not use this library")
    assert "E-FILE-DIGEST" in text(tree, "#verdict")
    assert "data/a.txt" in text(tree, "#verdict")
    assert "What to do:" in text(tree, "#verdict")
    assert [one.attributes["id"] for one in tree.css("section")] == ["verdict", "checks"]
    assert "maker" not in tree.text()
    assert text(tree, "h1") == "Library refused"


def _without_content(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"datalib": {name: one for name, one in document["datalib"].items() if name != "content"}}


def test_a_draft_is_only_declared(tmp_path: Path) -> None:
    library = Library(folder=tmp_path)
    library.write_manifest()
    edit(library.path("datapackage.json"), lambda data: json.dumps(_without_content(json.loads(data))).encode())
    tree = page(tell(library.folder, trust=None))
    assert "files.sha256" not in text(tree, "#digests")
    assert "a draft that nobody has signed" in text(tree, ".sentence")
    assert marks(tree, "sources") == ["only declared"]
    assert "not signed" in text(tree, "#past")
    assert "only declared" in text(tree, "footer")


def test_every_code_that_a_verification_leaves_unchecked_has_a_sentence() -> None:
    assert {f"unchecked.{code}" for code in NOT_CHECKED} <= set(wording.sentences())


def test_errors_of_the_law_stand_beside_the_verdict(tmp_path: Path) -> None:
    tree = page(tell(sound(tmp_path).folder))
    counted = re.search(r"Errors: (\d+), warnings: (\d+)", text(tree, "#duties"))
    assert counted is not None
    errors, warnings = counted.groups()
    said = f"Not part of this verdict: What the law asks, and what to do (errors: {errors}, warnings: {warnings})."
    assert said in text(tree, "#verdict.yes")
    assert f"Errors: {errors}, warnings: {warnings}." in text(tree, "ul.done")


# --- who had it, what it was made of, where the data came from


def test_the_time_line_tells_every_kind_of_event(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis()
    library.attest(note="read it", tool="datalib 0", until=NOW + DAY, evidence=(Evidence(name="r", sha256="a" * 64),))
    library.transfer().withdraw(by=PERSONS[1]).publish()
    tree = page(tell(library.folder))
    assert [item.attributes["class"] for item in tree.css("ol.time > li")] == [
        *("genesis", "attest", "transfer", "withdraw")
    ]
    events = [" ".join(item.text().split()) for item in tree.css("ol.time > li")]
    assert "optout: passed" in events[1]
    assert "Tool: datalib 0" in events[1]
    assert "files: 1 (r)" in events[1]
    assert "→ buyer kz-bin:121040000125" in events[2]
    assert "Passes on: ownership, possession" in events[2]
    assert "Reason: recalled" in events[3]
    assert all("proved to exist at" in event for event in events)
    assert "E-LIB-WITHDRAWN" in text(tree, "#verdict")


def test_an_amendment_gives_its_reason_and_a_holder_is_named_beside_the_owner(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis().transfer(PERSONS[0], PERSONS[1], "possession")
    library.block["languages"] = ["kk"]
    library.document["description"] = "Voices of the steppe."
    library.document["licenses"] = [{"name": "CC0-1.0"}]
    library.amend(by=PERSONS[1]).attest().publish()
    tree = page(tell(library.folder))
    about = text(tree, "#about")
    assert "Owner maker" in about.replace("Ownermaker", "Owner maker")
    assert "buyer kz-bin:121040000125" in about
    assert "CC0-1.0" in about
    assert "Voices of the steppe." in about
    assert "Reason: correction" in text(tree, "li.amend")


def test_a_long_chain_is_shown_by_its_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = sound(tmp_path)
    monkeypatch.setattr("datalib.publish.past.EVENTS", Bound(rows=2, room=10_000, rest="chain.jsonl"))
    tree = page(tell(library.folder))
    assert [item.attributes["class"] for item in tree.css("ol.time > li")] == ["genesis", "gap", "transfer"]
    assert text(tree, "li.gap") == "and 1 more, not shown here: see chain.jsonl"


def test_upstream_libraries_are_drawn_and_named_with_what_happened_to_them(tmp_path: Path) -> None:
    grain = upstream(tmp_path, Log())
    publish(grain)
    assemble(tmp_path / "sector", grain.folder)
    own = as_library(tmp_path / "sector", grain.log)
    own.attest()
    publish(own, grain, time=NOW + 4 * DAY)
    tree = page(tell(own.folder, now=NOW + 5 * DAY))
    assert "libraries: 1" in str(only(tree, "svg.graph").attributes["aria-label"])
    assert "grain" in text(tree, "svg.graph")
    assert grain.lib in text(tree, "#graph details")
    assert "libraries it was made of: 1" in text(tree, "ul.done")
    shutil.rmtree(own.folder / "upstream")
    broken = page(tell(own.folder, trust=None))
    assert "E-INPUT-MISSING" in text(broken, "#graph .warn")


def test_marks_of_upstream_libraries_stand_in_drawing_and_table(tmp_path: Path) -> None:
    told = made_of(tell(sound(tmp_path).folder), many(50))
    tree = page(told)
    assert "Libraries it was made of: 50, their producers: 12. Withdrawn: 2; changed since and to be followed: 2." in (
        text(tree, "#graph")
    )
    states = [" ".join(row.css("td")[3].text().split()) for row in tree.css("#graph tbody tr")]
    first = [("Withdrawn: recalled" in state, "to be followed" in state) for state in states]
    assert "Сөйлеу корпусы" in text(tree, "svg.graph")
    assert first == sorted(first, reverse=True)  # libraries that were withdrawn come first
    assert len(tree.css("svg.graph rect.bad")) == len(tree.css("svg.graph rect.warn")) == 2
    table = text(tree, "#graph details")
    for said in ("Withdrawn: recalled", "Changed since, and to be followed", "Events since", "Handed over, times: 2"):
        assert said in table
    assert "into Сөйлеу корпусы" in table
    assert "nothing since it was taken" in table


def test_sources_are_texts_and_lead_nowhere(tmp_path: Path) -> None:
    sources = [
        {"title": "Radio", "path": "https://radio.example/", "basis": "licence", "license": "CC-BY-4.0",
         "method": "web-scraping-crawling-textual", "collected": {"from": "2026-01-01"}},
        {"title": "Own"},
    ]  # fmt: skip
    tree = page(tell(Library(folder=tmp_path, document={"sources": sources}).genesis().publish().folder))
    rows = [" ".join(row.text().split()) for row in tree.css("#sources tbody tr")]
    assert "https://radio.example/" in rows[0]
    assert "Web scraping and crawling: text" in rows[0]
    assert "2026-01-01 … ?" in rows[0]
    assert rows[1].count("not said") == 3
    assert all(str(link.attributes["href"]).startswith("#") for link in tree.css("a"))


# --- opt-outs


def _attested(tmp_path: Path, *, ship: bool = True) -> Library:
    """A library whose attestation refers to a scan of its one file."""
    data = json.dumps(SCAN).encode()
    library = Library(folder=tmp_path).genesis()
    library.attest(result="fail", until=NOW + DAY, evidence=(Evidence(name="scan.json", sha256=sha256_hex(data)),))
    if ship:
        library.path(f"evidence/{sha256_hex(data)}.json").write_bytes(data)
    return library.publish()


def test_the_figures_of_an_attested_scan_are_signed_and_its_coverage_computed(tmp_path: Path) -> None:
    tree = page(tell(_attested(tmp_path).folder, require=()))
    assert marks(tree, "optout") == ["signed", "computed"]
    assert "Attested by scanner kz-bin:180540012343: failed" in text(tree, "#optout h3")
    assert "files of the library that were scanned: 1 of 2; scanned files that are not in it: 1" in text(
        tree, "#optout dl"
    )
    charts = {" ".join(one.text().split()): one.parent for one in tree.css("table.bars caption")}
    assert list(charts)[:2] == ["Works by verdict", "Works by the reason of the verdict"]
    verdicts = charts["Works by verdict"]
    assert verdicts is not None
    bars = [(row.css("td")[0].text(), row.css("rect")[1].attributes["width"]) for row in verdicts.css("tbody tr")]
    assert bars == [("1,200", "60.00%"), ("799", "39.95%"), ("1", "0.50%")]
    assert "robots.txt" in charts["Works by the reason of the verdict"].text()  # type: ignore[union-attr] # they are there


def test_evidence_that_is_not_shipped_and_scans_that_are_not_there_are_said(tmp_path: Path) -> None:
    assert "are not in the library" in text(page(tell(_attested(tmp_path, ship=False).folder)), "#optout")
    library = Library(folder=tmp_path / "other").genesis().publish()
    assert "No scan of this version" in text(page(tell(library.folder)), "#optout")


@pytest.mark.parametrize("data", [b"[]", b'{"format": "of another tool"}', b"\xff\0", b"[" * 100_000])
def test_evidence_that_is_no_scan_of_ours_is_said_and_stops_nothing(tmp_path: Path, data: bytes) -> None:
    digest = sha256_hex(data)
    library = Library(folder=tmp_path).genesis().attest(evidence=(Evidence(name="scan.json", sha256=digest),))
    library.path(f"evidence/{digest}.json").write_bytes(data)
    tree = page(tell(library.publish().folder), "ru")
    assert tree.css("#verdict.yes")
    assert "E-SCAN-FORMAT" in text(tree, "#optout")


def test_evidence_that_is_too_large_to_be_shown_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = _attested(tmp_path)
    monkeypatch.setattr("datalib.publish.story._SCAN_LIMIT", 10)
    assert "E-JSON-SIZE" in text(page(tell(library.folder, require=())), "#optout")


def test_a_scan_that_was_only_given_is_marked_as_such(tmp_path: Path) -> None:
    library = _attested(tmp_path / "library")
    given = tmp_path / "scan"
    given.mkdir()
    (given / "scan.json").write_text(json.dumps(SCAN | {"works": 3}), encoding="utf-8")
    tree = page(tell(library.folder, scan=given, require=()))
    assert len(tree.css("#optout .scan")) == 2
    assert "Nobody has attested it." in tree.css("#optout .scan")[1].text()
    (evidence,) = (library.folder / "evidence").iterdir()
    shutil.copy(evidence, given / "scan.json")
    assert len(page(tell(library.folder, scan=given, require=())).css("#optout .scan")) == 1


def test_evidence_that_was_changed_is_never_shown(tmp_path: Path) -> None:
    library = _attested(tmp_path)
    (evidence,) = (library.folder / "evidence").iterdir()
    edit(evidence, lambda data: data.replace(b"1200", b"1999"))
    with pytest.raises(Refused, match="E-EVIDENCE-DIGEST"):
        tell(library.folder, trust=None)
    assert "E-EVIDENCE-DIGEST" in text(page(tell(library.folder)), "#verdict")


# --- the law


def test_findings_come_once_for_each_rule_with_article_and_remedy(tmp_path: Path) -> None:
    sources = [{"title": f"Source {number}"} for number in range(30)]
    tree = page(tell(Library(folder=tmp_path, document={"sources": sources}).genesis().publish().folder))
    finding = next(one for one in tree.css(".findings > li") if "CR-02.1" in one.text())
    assert "Error It is not said by what right" in " ".join(finding.text().split())
    assert "Article: AI Law" in finding.text()
    assert "What to do:" in finding.text()
    assert len(finding.css(".places > li")) == 21
    assert "and 10 more" in finding.text()
    assert "no legal opinion" in text(tree, "#duties")
    assert len(tree.css("#duties details")) == 2


# --- one closed file


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_is_closed_whole_and_in_its_language(tmp_path: Path, lang: str) -> None:
    told = made_of(tell(_attested(tmp_path).folder), many(20))
    data = report.write(told, lang)
    tree = LexborHTMLParser(data.decode())
    assert only(tree, "html").attributes["lang"] == lang
    policy = str(only(tree, "meta[http-equiv]").attributes["content"])
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not tree.css(
        "script, link, img, iframe, object, embed, form, base, image, use, foreignObject, [style], [src]"
    )
    assert not re.search(rb"url\(|@import|http-equiv=.refresh", data)
    ids = [str(one.attributes["id"]) for one in tree.css("[id]")]
    assert len(ids) == len(set(ids))
    assert {str(link.attributes["href"])[1:] for link in tree.css("a")} <= set(ids)
    assert [one.attributes["id"] for one in tree.css("section")] == ["verdict", *report.SECTIONS]
    assert len(tree.css("h1")) == 1
    assert (wording.sentences()["review"][lang] in text(tree, "footer")) == (lang != "en")
    assert data == report.write(told, lang)


# --- the drawing


def test_boxes_do_not_overlap_and_lines_lead_from_made_to_part() -> None:
    below = many(200)
    drawn = graph.lay_out(below, [(PERSONS[1].party, ("ownership",), NOW)])
    assert sum(len(box.rows) for box in drawn.boxes) == 200
    for one in drawn.boxes:
        assert one.x + graph.WIDTH <= drawn.width
        assert one.y + one.height <= drawn.height
        others = [box for box in drawn.boxes if box.x == one.x and box is not one]
        assert all(box.y >= one.y + one.height or box.y + box.height <= one.y for box in others)
    assert len(drawn.lines) == len(below)
    assert all(line.start[0] < line.trunk < line.end[0] for line in drawn.lines)
    assert drawn.steps[0].y > graph.OWN


def test_the_farthest_libraries_are_left_out_first() -> None:
    near, far, other = many(3)
    below = [near, replace(far, by=near.item.lib, depth=2), replace(other, by=None)]
    drawn = graph.lay_out(below, [], 2)
    assert {row.each.item.lib for box in drawn.boxes for row in box.rows} == {near.item.lib, other.item.lib}
    assert drawn.omitted == 1


def test_libraries_that_are_inputs_of_each_other_do_not_stop_the_drawing() -> None:
    one, other = many(2)
    twisted = [
        replace(one, by=None), replace(other, by=one.item.lib), replace(one, by=other.item.lib),
    ]  # fmt: skip
    drawn = graph.lay_out(twisted, [])
    assert sum(len(box.rows) for box in drawn.boxes) == 2


# --- words and markup


def test_every_sentence_has_three_languages_and_the_same_places() -> None:
    for key, told in wording.sentences().items():
        assert set(told) == set(LANGUAGES), key
        places = {lang: sorted(re.findall(r"\{\w+\}", said)) for lang, said in told.items()}
        assert places["en"] == places["kk"] == places["ru"], key
        assert all(said == said.strip() and said for said in told.values()), key


def test_every_sentence_is_used() -> None:
    found, families = set[str](), set[str]()
    for path in Path(report.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    for path in Path(report.__file__).parent.rglob("*.js"):
        found |= set(re.findall(r'"([a-z.-]+)"', path.read_text(encoding="utf-8")))
    families = {name for name in found if name.endswith(".")} - {"."}
    for key in wording.sentences():
        head, _, tail = key.partition(".")
        assert key in found or f"{head}." in families or tail in found | {"title"} or tail.endswith(".caption"), key


def test_what_turns_a_line_or_cannot_be_seen_is_written_out() -> None:
    assert shown("a\u202eb\u200b\u2066") == "a[U+202E]b[U+200B][U+2066]"
    assert shown("x" * 30, 10) == "x" * 10 + "… (+20)"
    assert tag("p", "<b>&\"'", class_='"><x') == '<p class="&quot;&gt;&lt;x">&lt;b&gt;&amp;&quot;&#x27;</p>'
    assert joined("<", tag("br"), None) == "&lt;<br>"


def test_of_all_letters_those_that_can_be_seen_are_shown_as_they_are() -> None:
    letters = [chr(code) for code in range(0x110000)]
    changed = {letter for letter in letters if shown(letter) != letter}
    assert {letter for letter in changed if letter.isprintable()} == set()
    assert {"\u061c", "\u200b", "\u202e", "\u2066", "\ufeff", "\U000e0041", "\0", "\x7f", "\ud800"} <= changed


def test_names_are_marked_with_their_language_where_it_is_another() -> None:
    say = Wording(lang="kk")
    assert say.pick({"ru": "Институт", "en": "Institute"}) == '<bdi lang="ru">Институт</bdi>'
    assert say.pick({"kk": "Институт"}) == "<bdi>Институт</bdi>"
    assert say.pick({}) == ""
    assert say.label("purposes", "x:own") == "<code><bdi>x:own</bdi></code>"
    assert Wording(lang="en").number(1234567) == "1,234,567"
