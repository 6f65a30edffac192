"""The program assembles libraries, follows them, and says what it would do."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import AUDITOR, BUYER, PRODUCER, TRUST, Program, Result

AGENCY = (
    *("--producer-id", AUDITOR, "--producer-name", "en=Agency", "--purpose", "train:asr"),
    *("--key", "auditor.pem", *TRUST),
)
LATER = ("--now", "2026-10-21T00:00:00Z")


@pytest.fixture
def milk(datalib: Program, signed: Path, tmp_path: Path) -> Path:
    """A second library, of another producer, for another purpose too."""
    folder = tmp_path / "milk"
    (folder / "2026").mkdir(parents=True)
    (folder / "cows.csv").write_text("cow,litres\nA,5\n")
    (folder / "2026/note.txt").write_text("Fine weather.\n")
    described = datalib(
        *("init", "milk", "--producer-id", BUYER, "--producer-name", "en=Farm", "--purpose", "train:asr"),
        *("--purpose", "eval", "--source", "Own cows"),
    )
    assert described.status == 0, described.err
    assert datalib("sign", "milk", "--key", "buyer.pem").status == 0
    return folder


def both(datalib: Program, *more: str) -> Result:
    return datalib(
        *("assemble", "sector", "--input", "library", "--input", "milk,mode=subset,prefix=m", "--take", "m/*.csv"),
        *(*AGENCY, *more),
    )


def test_a_sectoral_library_is_assembled_and_verified(datalib: Program, milk: Path, tmp_path: Path) -> None:
    done = both(datalib, "--format", "json")
    assert done.status == 0, done.err
    assert [(item["name"], item["mode"], item["files"]) for item in done.data["inputs"]] == [
        ("library", "verbatim", 2),
        ("milk", "subset", 1),
    ]
    assert done.data["placed"] == {"copied": 3, "removed": 0, "kept": 0}
    report = datalib("verify", "sector", *TRUST, "--require", "none", "--purpose", "train:asr", "--format", "json")
    assert report.status == 0, report.out
    assert {party["id"] for party in report.data["producers"].values()} == {PRODUCER, BUYER, AUDITOR}
    shown = datalib("show", "sector")
    assert "milk (x-test:buyer): subset → m/" in shown.out
    again = both(datalib)
    assert "nothing has changed since the last signature" in again.out


def test_a_dry_run_writes_nothing_and_names_what_is_lacking(datalib: Program, milk: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    good = both(datalib, "--dry-run")
    assert (good.status, "nothing was written" in good.out) == (0, True)
    lacking = both(datalib, "--dry-run", "--purpose", "eval")
    assert lacking.status == 1
    assert "library: verbatim → library/ (new, 2 files)\n  does not grant: eval" in lacking.out
    assert both(datalib, "--dry-run", "--purpose", "eval", "--format", "json").data["inputs"][1]["lacks"] == []
    assert sorted(tmp_path.rglob("*")) == before
    refused = both(datalib, "--purpose", "eval")
    assert refused.status == 1
    assert "E-PURPOSE-UPSTREAM" in refused.err
    assert "library lacks eval" in refused.err


def test_nothing_is_assembled_without_trust(datalib: Program, signed: Path, tmp_path: Path) -> None:
    asked = ("assemble", "sector", "--input", "library", "--producer-id", AUDITOR, "--producer-name", "en=A")
    alone = datalib(*asked, "--purpose", "train:asr", "--key", "auditor.pem")
    assert (alone.status, "E-NO-TRUST" in alone.err) == (2, True)
    keyless = datalib(*asked, "--purpose", "train:asr", *TRUST)
    assert (keyless.status, "E-USAGE" in keyless.err) == (2, True)
    nameless = datalib("assemble", "sector", "--input", "library", "--producer-id", AUDITOR, *TRUST)
    assert (nameless.status, "E-USAGE" in nameless.err) == (2, True)
    odd = datalib(*asked, "--purpose", "train:asr", "--key", "auditor.pem", *TRUST, "--reason", "whim")
    assert (odd.status, "E-USAGE" in odd.err) == (2, True)
    assert not (tmp_path / "sector").exists()


def test_an_opt_out_upstream_closes_the_gate_and_is_followed(datalib: Program, milk: Path, tmp_path: Path) -> None:
    assert both(datalib).status == 0
    asked = ("verify", "sector", *TRUST, "--require", "none", "--format", "json", *LATER)
    (tmp_path / "library/notes.txt").unlink()
    signed = datalib("sign", "library", "--key", "producer.pem", "--reason", "optout", *LATER)
    assert signed.status == 0, signed.err
    assert datalib(*asked).status == 0
    news = datalib("refresh", "sector", "--from", "library", "--from", "milk", *TRUST, *LATER)
    assert news.status == 0, news.err
    assert news.out.splitlines()[:2] == ["library: 2 events, 1 new", "milk: 1 events"]
    assert "gate: no, E-INPUT-OPTOUT" in news.out
    assert datalib(*asked).data["code"] == "E-INPUT-OPTOUT"
    assert "amended since, and to be followed: optout" in datalib("show", "sector").out
    seen = datalib("show", "sector", "--format", "json").data["upstream"]
    assert [(item["name"], item["follow"]) for item in seen] == [("library", "optout"), ("milk", "")]
    # The input keeps its mode and prefix; the other one is not touched.
    followed = datalib(
        *("assemble", "sector", "--input", "library", "--key", "auditor.pem", *TRUST, *LATER, "--format", "json")
    )
    assert followed.status == 0, followed.err
    assert followed.data["placed"]["removed"] == 1
    assert [item["change"] for item in followed.data["inputs"]] == ["moved", "kept"]
    assert datalib(*asked).status == 0
    assert "amend: x-test:auditor (optout)" in datalib("show", "sector").out


def test_a_withdrawal_upstream_is_seen(datalib: Program, milk: Path) -> None:
    assert both(datalib).status == 0
    assert datalib("withdraw", "milk", "--reason", "sold out", "--key", "buyer.pem", *LATER).status == 0
    news = datalib("refresh", "sector", "--from", "milk", *TRUST, *LATER, "--format", "json")
    assert news.data["report"]["code"] == "E-INPUT-WITHDRAWN"
    assert "withdrawn: sold out" in datalib("show", "sector").out


def test_other_events_upstream_are_counted(datalib: Program, milk: Path) -> None:
    assert both(datalib).status == 0
    noted = datalib(
        *("attest", "milk", "--as", AUDITOR, "--name", "en=A", "--claim", "quality", "--result", "pass"),
        *("--key", "auditor.pem", *LATER),
    )
    assert noted.status == 0, noted.err
    news = datalib("refresh", "sector", "--from", "milk", *TRUST, *LATER)
    assert "gate: yes" in news.out
    assert "1 events since it was taken" in datalib("show", "sector").out


def test_an_owner_needs_the_producer_for_a_new_purpose(datalib: Program, milk: Path, tmp_path: Path) -> None:
    alone = ("assemble", "sector", "--input", "milk")
    made = datalib(*alone, *AGENCY)
    assert made.status == 0, made.err
    sold = datalib(
        *("transfer", "offer", "sector", "--to", PRODUCER, "--to-name", "en=P", "--basis", "x"),
        *("--key", "auditor.pem", "-o", "offer.json"),
    )
    assert sold.status == 0, sold.err
    taken = datalib("transfer", "accept", "sector", "--offer", "offer.json", "--key", "producer.pem", *TRUST)
    assert taken.status == 0, taken.err
    wider = (*alone, "--purpose", "train:asr", "--purpose", "eval", "--key", "producer.pem", *TRUST, *LATER)
    pending = datalib(*wider)
    assert (pending.status, "E-SIG-PENDING" in pending.err) == (2, True)
    half = datalib(*wider, "-o", "half.json")
    assert (half.status, "half signed" in half.out) == (0, True)
    whole = datalib("cosign", "half.json", "--key", "auditor.pem", "--into", "sector", *LATER)
    assert whole.status == 0, whole.err
    assert datalib("verify", "sector", *TRUST, "--require", "none", "--purpose", "eval", *LATER).status == 0


def test_a_borrower_assembles_under_its_own_name(datalib: Program, milk: Path) -> None:
    alone = ("assemble", "sector", "--input", "milk")
    assert datalib(*alone, *AGENCY).status == 0
    lent = datalib(
        *("transfer", "offer", "sector", "--to", PRODUCER, "--to-name", "en=P", "--basis", "x"),
        *("--rights", "possession", "--key", "auditor.pem", "-o", "offer.json"),
    )
    assert lent.status == 0, lent.err
    taken = datalib("transfer", "accept", "sector", "--offer", "offer.json", "--key", "producer.pem", *TRUST)
    assert taken.status == 0, taken.err
    (milk / "cows.csv").write_text("cow,litres\nA,6\n")
    assert datalib("sign", "milk", "--key", "buyer.pem", *LATER).status == 0
    moved = datalib(*alone, "--as", PRODUCER, "--key", "producer.pem", *TRUST, *LATER)
    assert moved.status == 0, moved.err
    assert datalib("verify", "sector", *TRUST, "--require", "none", *LATER).status == 0


def test_show_says_when_what_is_upstream_cannot_be_read(datalib: Program, milk: Path, tmp_path: Path) -> None:
    assert both(datalib).status == 0
    shutil.rmtree(tmp_path / "sector/upstream")
    shown = datalib("show", "sector")
    assert shown.status == 0
    assert "made of: E-INPUT-MISSING" in shown.out
    fault = datalib("show", "sector", "--format", "json").data["upstream_fault"]
    assert fault["code"] == "E-INPUT-MISSING"


def test_the_texts_are_those_of_the_language(datalib: Program, milk: Path) -> None:
    data = json.loads(both(datalib, "--dry-run", "--format", "json", "--lang", "kk").out)
    assert data["dry_run"] is True
    assert data["version"] == 1
