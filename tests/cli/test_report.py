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


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
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
