"""Authors and holders of sets, through the program: declare, publish, embed, receipts."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import AUDITOR, TRUST, Program
from tests.media_files import png

HOLDER = ("--holder", "x-demo:poet", "--holder-name", "en=Poet", "--holder-name", "kk=Ақын")


@pytest.fixture
def poet(datalib: Program) -> Program:
    assert datalib("key", "new", "-o", "poet.pem", "--no-password").status == 0
    return datalib


def test_a_declaration_with_its_forms_printed_or_written(poet: Program, tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text("Дала кең.\n", encoding="utf-8")
    made = poet(
        *("optout", "declare", "e.x", "--file", "poem.txt", *HOLDER, "--key", "poet.pem", "-o", "r.json"),
        *("--deny", "tdm", "--deny", "search", "--allow", "crawl", "--licence", "https://e.x/l"),
        *("--from", "2026-01-01T00:00:00Z", "--until", "2030-01-01T00:00:00Z"),
    )
    assert made.status == 0, made.err
    assert "refused: tdm, train_any, train_gen, ai_index, search" in made.out
    assert "from 2026-01-01T00:00:00Z until 2030-01-01T00:00:00Z" in made.out
    for title in ("robots.txt (e.x)", "tdmrep.json (e.x)", "headers", "meta", "xmp", "c2pa"):
        assert f"\n## {title}\n" in made.out
    written = poet(
        *("optout", "declare", "isbn:9780306406157", *HOLDER, "--key", "poet.pem", "-o", "b.json"),
        *("--publish", "www", "--format", "json"),
    ).data
    assert written["left_out"] == {"robots.txt": "place", "tdmrep.json": "tdm"}
    assert {form["path"] for form in written["forms"]} == {
        path.relative_to(tmp_path / "www").as_posix() for path in (tmp_path / "www").rglob("*") if path.is_file()
    }
    text = poet("optout", "declare", "e.x", *HOLDER, "--key", "poet.pem", "-o", "c.json", "--publish", "www2").out
    assert "written: www2/e.x/robots.txt" in text
    assert "without end" in text
    assert "left out: tdmrep.json" in text


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("no-domain",), 2, "E-USAGE"),
        ((), 2, "E-USAGE"),
        (("e.x", "--file", "none.txt"), 3, "E-IO"),
        (("e.x", "--until", "soon"), 2, "E-TIME-FORMAT"),
        (("e.x", "--licence", "x"), 2, "E-USAGE"),
        (("e.x", "--publish", "poet.pem"), 3, "E-IO"),
        (("e.x", "--deny", "all"), 2, "E-USAGE"),
    ],
)
def test_wrong_declarations_write_nothing(
    poet: Program, tmp_path: Path, arguments: tuple[str, ...], status: int, code: str
) -> None:
    made = poet("optout", "declare", *arguments, *HOLDER, "--key", "poet.pem", "-o", "r.json")
    assert (made.status, code in made.err) == (status, True), made.err
    assert not (tmp_path / "r.json").exists()


def test_embedding(datalib: Program, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    done = datalib("optout", "embed", "a.png", "-o", "b.png")
    assert done.status == 0, done.err
    assert "refused: train_any, train_gen\n" in done.out
    assert datalib("optout", "embed", "a.png", "-o", "a.png").status == 2
    assert datalib("optout", "embed", "a.png", "-o", "c.png", "--licence", "none").status == 2
    (tmp_path / "poem.txt").write_text("no picture")
    assert "E-EMBED-FORMAT" in datalib("optout", "embed", "poem.txt", "-o", "c.txt").err
    data = datalib("optout", "embed", "b.png", "-o", "c.png", "--deny", "tdm", "--format", "json").data
    assert data["states"]["tdm"] == "deny"


@pytest.fixture
def attested(datalib: Program, signed: Path, tmp_path: Path) -> Path:
    (tmp_path / "list.txt").write_text("e.x\n")
    scanned = datalib("scan", "library", "--registry", "list.txt", "--receipts", "--out", "out")
    assert scanned.status == 0, scanned.err
    by = ("--as", AUDITOR, "--name", "en=Auditor", "--key", "auditor.pem")
    made = datalib("attest", "library", *by, "--claim", "optout", "--scan", "out")
    assert made.status == 0, made.err
    return signed


def test_receipts_are_checked_against_ever_more(datalib: Program, attested: Path) -> None:
    made = datalib("optout", "receipt", "notes.txt", "--scan", "out", "--library", "library", "-o", "r.json")
    assert made.status == 0, made.err
    assert made.out.startswith("notes.txt: present; decisions: 1, all of them\n  notes.txt: admit: ")
    alone = datalib("optout", "verify-receipt", "r.json")
    assert alone.status == 0, alone.err
    assert "give --chain" in alone.out
    chain = ("--chain", "library/chain.jsonl")
    unsigned = datalib("optout", "verify-receipt", "r.json", *chain)
    assert f"attested by {AUDITOR}" in unsigned.out
    assert "signatures: not verified" in unsigned.out
    vouched = datalib("optout", "verify-receipt", "r.json", *chain, *TRUST, "--format", "json").data
    assert vouched["signatures"]
    assert vouched["not_checked"] == ["roots", "log", "scan"]
    assert vouched["attested"]["newest"]
    assert vouched["decisions"][0]["work"] == "notes.txt"
    for expected, status in (("present", 0), ("absent", 1)):
        assert datalib("optout", "verify-receipt", "r.json", "--expect", expected).status == status
    assert datalib("optout", "verify-receipt", "r.json", "--work", "notes.txt").status == 0
    assert datalib("optout", "verify-receipt", "r.json", "--work", "words.csv").status == 1
    assert datalib("optout", "verify-receipt", "r.json", *TRUST).status == 2


def test_absence_and_a_chain_that_goes_on(datalib: Program, attested: Path) -> None:
    made = datalib("optout", "receipt", "https://e.x/1", "--scan", "out", "--library", "library", "-o", "r.json")
    assert made.out.startswith("https://e.x/1: absent, in exactly this spelling\n")
    (attested / "notes.txt").write_text("Changed.\n")
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    shown = datalib("optout", "verify-receipt", "r.json", "--chain", "library/chain.jsonl", "--expect", "absent")
    assert shown.status == 0, shown.err
    assert "the chain goes on" in shown.out


def test_receipts_of_another_library_or_scan_are_refused(datalib: Program, attested: Path, tmp_path: Path) -> None:
    assert (
        datalib("optout", "receipt", "notes.txt", "--scan", "out", "--library", "library", "-o", "r.json").status == 0
    )
    value = json.loads((tmp_path / "r.json").read_bytes())
    for name in ("library", "event"):
        (tmp_path / "other.json").write_text(json.dumps(value | {name: "0" * 64}))
        found = datalib("optout", "verify-receipt", "other.json", "--chain", "library/chain.jsonl")
        assert (found.status, "E-RECEIPT" in found.err) == (1, True)
    assert datalib("scan", "library", "--out", "again").status == 0
    assert "no attestation" in datalib(
        "optout", "receipt", "notes.txt", "--scan", "again", "--library", "library", "-o", "x.json"
    ).err  # fmt: skip
    assert "E-RECEIPT-INDEX" in datalib("optout", "receipt", "none", "--scan", "again", "-o", "x.json").err
    assert not (tmp_path / "x.json").exists()
    (tmp_path / "small.json").write_text(json.dumps(value | {"scan": None}))
    assert datalib("optout", "verify-receipt", "small.json").status == 1
    assert datalib("optout", "verify-receipt", "small.json", "--scan-json", "out/scan.json").status == 0
    assert datalib("optout", "verify-receipt", "small.json", "--scan-json", "again/scan.json").status == 1
    assert datalib("optout", "receipt", "notes.txt", "--scan", "out", "-o", "library/r.json").status == 2


def test_some_of_many_decisions(datalib: Program, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("url\n" + "https://e.x/\n" * 3)
    assert datalib("scan", "w.csv", "--registry", "w.csv", "--out", "out").status != 0
    assert datalib("scan", "w.csv", "--out", "out").status == 0
    made = datalib("optout", "receipt", "https://e.x/", "--scan", "out", "-o", "r.json")
    assert "there may be more decisions than these" in made.out
