"""``datalib report`` from the command line: what it writes, what it says, how it ends."""

from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from datalib_vocab import LANGUAGES
from tests.cli.conftest import AUDITOR, TRUST, Program


def _page(path: str = "report.html") -> LexborHTMLParser:
    return LexborHTMLParser(Path(path).read_text(encoding="utf-8"))


@pytest.fixture
def scanned(datalib: Program, signed: Path) -> Path:
    """A signed library that was scanned and attested; the scan lies beside it."""
    done = datalib("scan", "library", "--out", "scan", "--profile", "kz")
    assert done.status == 0, done.err
    attested = datalib(
        *("attest", "library", "--as", AUDITOR, "--name", "en=Auditor", "--claim", "optout"),
        *("--scan", "scan", "--key", "auditor.pem"),
    )
    assert attested.status == 0, attested.err
    return signed


def test_the_exit_status_is_the_verdict_and_the_page_is_written_all_the_same(datalib: Program, scanned: Path) -> None:
    good = datalib("report", "library", "-o", "report.html", *TRUST, "--purpose", "train:asr", "--require", "none")
    assert (good.status, good.out) == (0, "report: report.html\nverdict: yes\n")
    bad = datalib("report", "library", "-o", "bad.html", *TRUST, "--purpose", "eval", "--format", "json")
    assert bad.status == 1
    assert bad.data["accepted"] is False
    assert bad.data["code"] in Path("bad.html").read_text(encoding="utf-8")
    assert _page("bad.html").css("#verdict.no")


def test_figures_come_from_the_evidence_of_the_attestation(datalib: Program, scanned: Path) -> None:
    assert datalib("report", "library", "-o", "report.html", *TRUST).status in {0, 1}
    tree = _page()
    assert "Attested by Auditor" in tree.css("#optout h3")[0].text()
    assert "Works by verdict" in [one.text() for one in tree.css("caption")]
    assert len(tree.css("#optout .scan")) == 1
    given = datalib("report", "library", "-o", "report.html", "--scan", "scan")
    assert given.out.splitlines() == ["report: report.html", "nothing was verified"]
    assert len(_page().css("#optout .scan")) == 1


def test_without_trust_everything_is_declared_and_drafts_are_read(datalib: Program, library: Path) -> None:
    done = datalib("report", "library", "-o", "report.html", "--rules", "eu", "--format", "json")
    assert done.status == 0
    assert done.data["accepted"] is None
    assert not done.data["verified"]
    assert "European Union" in _page().css("#checks")[0].text()
    assert "Kazakhstan" not in _page().css("#checks")[0].text()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_speaks_the_language_asked_for(datalib: Program, signed: Path, lang: str) -> None:
    assert datalib("report", "library", "-o", "report.html", "--lang", lang).status == 0
    html = _page().css_first("html")
    assert html is not None
    assert html.attributes["lang"] == lang


def test_a_state_remembers_what_was_accepted(datalib: Program, signed: Path) -> None:
    asked = ("report", "library", "-o", "report.html", *TRUST, "--state", "state.json", "--require", "none")
    assert datalib(*asked).status == 0
    assert Path("state.json").exists()
    assert "nothing is remembered" not in _page().css("#checks")[0].text()


def _sections(path: str) -> dict[str, str]:
    return {str(one.attributes["id"]): " ".join(one.text().split()) for one in _page(path).css("section")}


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "zip"])
def test_a_packed_library_is_told_of_like_another(datalib: Program, scanned: Path, ending: str) -> None:
    archive = f"library.{ending}"
    assert datalib("pack", "library", "-o", archive).status == 0
    for path, out in (("library", "folder.html"), (archive, "packed.html")):
        assert datalib("report", path, "-o", out, *TRUST, "--purpose", "train:asr", "--look", "full").status == 0
    folder, packed = _sections("folder.html"), _sections("packed.html")
    assert f"The archive that the library came in ({ending})" in packed.pop("checks")
    assert "archive" not in folder.pop("checks")
    assert packed == folder


def test_a_packed_library_that_is_refused_has_a_page_too(datalib: Program, signed: Path) -> None:
    assert datalib("pack", "library", "-o", "library.tar").status == 0
    archive = Path("library.tar")
    archive.write_bytes(archive.read_bytes().replace("дала".encode(), "даль".encode()))
    done = datalib("report", "library.tar", "-o", "report.html", *TRUST)
    assert (done.status, done.out) == (1, "report: report.html\nverdict: no, E-FILE-DIGEST\n")
    archive.write_bytes(archive.read_bytes()[:3000])
    cut = datalib("report", "library.tar", "-o", "report.html", *TRUST)
    assert (cut.status, "verdict: no, E-ARCHIVE" in cut.out) == (1, True)
    assert _page().css("#verdict.no")


def test_nothing_of_a_packed_library_is_believed_unverified(datalib: Program, signed: Path) -> None:
    assert datalib("pack", "library", "-o", "library.zip").status == 0
    unknown = datalib("report", "library.zip", "-o", "report.html")
    assert (unknown.status, "E-NO-TRUST" in unknown.err) == (2, True)
    unread = datalib("report", "library.zip", "-o", "report.html", *TRUST, "--data", "none", "--look", "full")
    assert (unread.status, "E-USAGE: --look" in unread.err) == (2, True)
    assert not Path("report.html").exists()
    without = ("report", "library.zip", "-o", "report.html", *TRUST, "--data", "none", "--require", "none")
    assert datalib(*without).status == 0


REGISTER = """register: 1
withdrawals:
  - {ref: person-17, received: 2026-08-03}
  - {ref: person-18, received: 2026-08-03, done: 2026-08-04, action: removed}
objections: [{ref: person-4, received: 2026-09-18}]
reviews: [{ref: entry-1, started: 2026-09-18, kind: entry}]
"""
CALENDAR = (
    "calendar: 1\ncountry: KZ\nfrom: 2026-01-01\nto: 2026-09-30\nsources: [{title: s, date: 2026-01-01}]\ndays: []\n"
)
ACT = """profile: 1
act: ministry
title: {en: Rules of the Ministry, ru: Правила министерства}
date: 2026-01-01
source: gazette
checks:
  - {id: sector, member: /datalib/sector, severity: error, required: true, text: {en: No sector is named},
     remedy: {en: Name it.}, article: p. 3}
"""


def test_what_check_is_given_report_is_given_too(datalib: Program, library: Path) -> None:
    (library / "words.csv").write_text("word,iin\nдала,050101500000\nкүн,050101500000\n", encoding="utf-8")
    for name, text in (("register", REGISTER), ("calendar", CALENDAR), ("act", ACT)):
        Path(f"{name}.yaml").write_text(text, encoding="utf-8")
    given = (
        *("--rules", "kz", "--register", "register.yaml", "--calendar", "calendar.yaml", "--profile-file", "act.yaml"),
        *("--waive", "KZ-12=an audit is planned", "--look", "full"),
    )
    assert datalib("report", "library", "-o", "report.html", *given).status == 0
    checked = datalib("check", "library", *given, "--format", "json").data
    tree = _page()
    rules = {one.text() for one in tree.css(".findings > li > p:first-child code")}
    assert rules == {finding["rule"] for finding in checked["findings"]}
    assert "ministry:sector" in rules
    said = "".join(tree.css("#duties")[0].text().split())
    for sentence in (
        "Error No sector is named ministry:sector /datalib/sector Article: p. 3 What to do: Name it.",
        f"IINs: {checked['look']['counts']['iin']}",
        "searched to the end, files: 2 of 2",
        "KZ-12, findings that this hides: 1. Reason: an audit is planned",
        "Rules of the Ministry (2026-01-01), from gazette",
        "Entries: 4, of them open or late: 3.",
        "Whoever gets this page can read them.",
    ):
        assert "".join(sentence.split()) in said, sentence
    rows = [" ".join(row.text(separator=" ").split()) for row in tree.css("#duties tbody tr")]
    assert rows[0].startswith("2026-08-24 withdrawal of consent person-17 late")
    assert "or later: the calendar of days off ends before" in rows[2]
    assert rows[2].endswith("open; the duty of an authority")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("-o", "report.html", "--register", "library/notes.txt"), 2, "E-USAGE"),
        (("-o", "report.html", "--register", "producer.pem"), 1, "E-RECORD-FORMAT"),
        (("-o", "report.html", "--waive", "KZ-12"), 2, "E-USAGE"),
        (("-o", "library/report.html"), 2, "E-OUT-IN-LIBRARY"),
        (("-o", "report.html", "--require", "none", "--require", "x"), 2, "E-USAGE"),
        (("-o", "report.html", "--rules", "moon"), 2, "E-USAGE"),
        (("-o", "report.html", "--state", "state.json"), 2, "E-NO-TRUST"),
        (("-o", "report.html", "--scan", "nowhere"), 1, "E-SCAN-FORMAT"),
        (("-o", "report.html", "--data", "half", *TRUST), 2, "E-USAGE"),
        (("-o", "nowhere/report.html"), 3, "E-IO"),
        ((), 2, "E-USAGE"),
    ],
)
def test_a_wrong_request_leaves_no_page(
    datalib: Program, signed: Path, arguments: tuple[str, ...], status: int, code: str
) -> None:
    done = datalib("report", "library", *arguments)
    assert (done.status, code in done.err, done.err.count("\n")) == (status, True, 1), done.err
    assert not list(Path().rglob("report.html"))
