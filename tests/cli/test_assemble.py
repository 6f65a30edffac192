"""The program assembles libraries, follows them, and says what it would do."""

import json
import os
import resource
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
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
    assert "library: verbatim → library/ (new, 2 files, 51 bytes)\n  does not grant: eval" in lacking.out
    assert "would be refused: E-PURPOSE-UPSTREAM: sector: " in lacking.out
    assert "purposes: train:asr, eval; all inputs grant: train:asr" in lacking.out
    assert both(datalib, "--dry-run", "--purpose", "eval", "--format", "json").data["inputs"][1]["lacks"] == []
    assert sorted(tmp_path.rglob("*")) == before
    refused = both(datalib, "--purpose", "eval")
    assert refused.status == 1
    assert "E-PURPOSE-UPSTREAM" in refused.err
    assert "library lacks eval" in refused.err


def test_a_dry_run_tells_of_all_that_would_stop_it(datalib: Program, milk: Path, tmp_path: Path) -> None:
    assert datalib("scan", "library", "-o", "scan").status == 0
    noted = datalib(
        *("attest", "library", "--as", AUDITOR, "--name", "en=A", "--claim", "optout", "--scan", "scan"),
        *("--key", "auditor.pem"),
    )
    assert noted.status == 0, noted.err
    assert datalib("withdraw", "milk", "--reason", "sold out", "--key", "buyer.pem").status == 0
    (tmp_path / "sector/library").mkdir(parents=True)
    (tmp_path / "sector/library/words.csv").write_text("mine\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = both(datalib, "--dry-run", "--purpose", "eval", "--format", "json")
    assert done.status == 1
    assert [(stop["code"], stop["where"]) for stop in done.data["stops"]] == [
        ("E-LIB-WITHDRAWN", "milk: chain.jsonl:2"),
        ("E-PURPOSE-UPSTREAM", "sector"),
        ("E-OUT-EXISTS", "library/words.csv"),
    ]
    assert (done.data["accepted"], done.data["code"]) == (False, "E-LIB-WITHDRAWN")
    assert done.data["placed"] == {"copied": 2, "removed": 0, "kept": 0}
    assert [(each["name"], each["optout"], each["withdrawn"]) for each in done.data["graph"]] == [
        ("library", "pass", ""),
        ("milk", None, "sold out"),
    ]
    assert done.data["licences"] == {"": ["milk"], "CC0-1.0": ["library"]}
    assert done.data["granted"] == ["train:asr"]
    said = both(datalib, "--dry-run").out
    assert "  - library (x-test:producer): licences: CC0-1.0; opt-outs: examined, pass" in said
    assert "  - milk (x-test:buyer): licences: none stated; opt-outs: not examined\n    withdrawn: sold out" in said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_names_that_collide_are_solved_and_said(datalib: Program, milk: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/words.csv").write_text("word,count\nа,1\n", encoding="utf-8")
    described = datalib(
        *("init", "other", "--producer-id", BUYER, "--producer-name", "en=B", "--purpose", "train:asr"),
        *("--source", "Own", "--license", "MIT"),
    )
    assert described.status == 0, described.err
    manifest = json.loads((tmp_path / "other/datapackage.json").read_bytes()) | {"name": "library"}
    (tmp_path / "other/datapackage.json").write_text(json.dumps(manifest))
    assert datalib("sign", "other", "--key", "buyer.pem").status == 0
    asked = ("assemble", "sector", "--input", "library", "--input", "other", *AGENCY)
    seen = datalib(*asked, "--dry-run")
    assert seen.status == 0, seen.err
    assert "library: verbatim → library-2/ (new, 1 files, 16 bytes)\n  not library/, which is another's" in seen.out
    odd = ("--input", "milk,prefix=Library 2")
    renamed = datalib(*asked[:6], *odd, *AGENCY, "--dry-run")
    assert renamed.status == 0, renamed.err
    assert datalib(*asked).status == 0
    assert (tmp_path / "sector/library-2/words.csv").read_text(encoding="utf-8") == "word,count\nа,1\n"
    assert "nothing has changed since the last signature" in datalib(*asked).out
    assert datalib("verify", "sector", *TRUST, "--require", "none").status == 0


def test_resources_that_would_have_one_name_get_two(datalib: Program, milk: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "library", tmp_path / "other", ignore=shutil.ignore_patterns("chain.jsonl", "manifests"))
    (tmp_path / "other/notes.txt").write_text("Others.\n")
    assert datalib("sign", "other", "--key", "producer.pem").status == 0
    seen = datalib(
        "assemble", "sector", "--input", "library,prefix=a b", "--input", "other,prefix=a-b", *AGENCY, "--dry-run"
    )
    assert seen.status == 0, seen.err
    assert "the name a-b-words is another's: a-b-words-2 instead" in seen.out


def test_tables_are_joined_and_made_anew(datalib: Program, milk: Path, tmp_path: Path) -> None:
    (milk / "more.csv").write_text("word,count\nай,1\n", encoding="utf-8")
    assert datalib("init", "milk").status == 0
    assert datalib("sign", "milk", "--key", "buyer.pem").status == 0
    asked = ("assemble", "sector", "--input", "library", "--input", "milk", *AGENCY)
    join = ("--join", "all.csv=library/words,./milk/more,source-column=from")
    seen = datalib(*asked, *join, "--dry-run", "--format", "json")
    assert seen.status == 0, seen.err
    assert not (tmp_path / "sector").exists()
    done = datalib(*asked, *join)
    assert done.status == 0, done.err
    assert "all.csv: joined of library/words, milk/more (3 rows, " in done.out
    made = seen.data["joined"][0]
    assert (made["rows"], made["bytes"]) == (3, (tmp_path / "sector/all.csv").stat().st_size)
    libs = [item["lib"] for item in made["of"]]
    lines = (tmp_path / "sector/all.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["word,count,from", f"дала,2,{libs[0]}", f"күн,3,{libs[0]}", f"ай,1,{libs[1]}"]
    report = datalib("verify", "sector", *TRUST, "--require", "none", "--format", "json")
    assert report.status == 0, report.out
    assert "derived" in report.data["not_checked"]
    (tmp_path / "library/words.csv").write_text("word,count\nкүн,3\n", encoding="utf-8")
    assert datalib("sign", "library", "--key", "producer.pem", "--reason", "optout", *LATER).status == 0
    news = datalib("refresh", "sector", "--from", "library", *TRUST, *LATER)
    assert "gate: no, E-INPUT-OPTOUT" in news.out
    half = datalib("assemble", "sector", "--input", "library", "--key", "auditor.pem", *TRUST, *LATER)
    assert (half.status, "all.csv was joined of more" in half.err) == (2, True)
    followed = datalib(*asked, *LATER)
    assert followed.status == 0, followed.err
    assert "дала" not in (tmp_path / "sector/all.csv").read_text(encoding="utf-8")
    assert datalib("verify", "sector", *TRUST, "--require", "none", *LATER).status == 0
    assert "amend    x-test:auditor (optout)" in datalib("show", "sector").out


def test_what_a_scan_admitted_is_taken(datalib: Program, milk: Path, tmp_path: Path) -> None:
    (milk / "pages.csv").write_text("url,text\nhttps://a.example/1,One\nhttps://b.example/2,Two\n")
    assert datalib("init", "milk").status == 0
    assert datalib("sign", "milk", "--key", "buyer.pem").status == 0
    (tmp_path / "sites.jsonl").write_text(
        '{"origin": "https://a.example", "status": 404, "body": ""}\n'
        '{"origin": "https://b.example", "status": 200, "body": "User-agent: GPTBot\\nDisallow: /\\n"}\n'
    )
    assert datalib("scan", "milk", "--sites", "sites.jsonl", "--admitted", "-o", "scan").status == 0
    files = ("--input", "milk,mode=subset,scan=scan,prefix=whole")
    done = datalib("assemble", "sector", "--input", "milk,scan=scan", *files, *AGENCY)
    assert done.status == 0, done.err
    assert "milk: derived → milk/ (new, 1 files, " in done.out
    assert "milk: subset → whole/ (new, 2 files, 29 bytes)\n  a scan admitted 3 of 4 works" in done.out
    listed = [line[66:] for line in (tmp_path / "sector/files.sha256").read_text().splitlines()]
    assert listed == ["milk/part-00000.parquet", "whole/2026/note.txt", "whole/cows.csv"]
    assert datalib("scan", "sector", "--sites", "sites.jsonl", "-o", "again").status == 0
    attested = datalib(
        "attest", "sector", "--as", AUDITOR, "--claim", "optout", "--scan", "again", "--key", "auditor.pem"
    )
    assert "optout: pass" in attested.out
    assert datalib("verify", "sector", *TRUST, "--purpose", "train:asr").status == 0
    (milk / "cows.csv").write_text("cow,litres\nA,6\n")
    assert datalib("sign", "milk", "--key", "buyer.pem", *LATER).status == 0
    old = datalib("assemble", "sector", "--input", "milk,scan=scan,prefix=milk", *files, *AGENCY, *LATER)
    assert (old.status, "E-SCAN-OTHER: scan: milk: " in old.err) == (1, True)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_full_disk_leaves_nothing_half_written(datalib: Program, signed: Path, tmp_path: Path, kind: str) -> None:
    cells = {"id": range(40_000), "noise": [sha256(str(n).encode()).hexdigest() for n in range(40_000)]}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        table = pa.table(cells)
        (pq.write_table if kind == "parquet" else pa_csv.write_csv)(table, tmp_path / name / f"t.{kind}")
        said = ("--producer-id", PRODUCER, "--producer-name", "en=P", "--purpose", "train:asr", "--source", "Own")
        assert datalib("init", name, *said).status == 0
        assert datalib("sign", name, "--key", "producer.pem").status == 0
    join = ("--join", f"deep/all.{kind}=one/t,two/t")
    asked = ("assemble", "sector", "--input", "one", "--input", "two", *join, *AGENCY)
    # What measures coverage writes files too, and would fail in its own way.
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    full = subprocess.run(
        [sys.executable, "-m", "datalib_cli.entry", *asked],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
        env=quiet, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert full.returncode == 3, full.stderr
    assert "E-IO: deep/all." in full.stderr
    assert len(full.stderr.splitlines()) == 1
    assert [path.name for path in (tmp_path / "sector").rglob("*") if path.is_file()] == []
    assert datalib(*asked).status == 0
    assert datalib("verify", "sector", *TRUST, "--require", "none").status == 0


def test_news_travel_through_two_levels(datalib: Program, milk: Path, tmp_path: Path) -> None:
    assert both(datalib).status == 0
    above = ("assemble", "above", "--input", "sector", *AGENCY)
    assert datalib(*above).status == 0
    assert "     ├─ library (x-test:producer): verbatim → library/" in datalib("show", "above").out
    (tmp_path / "library/notes.txt").unlink()
    assert datalib("sign", "library", "--key", "producer.pem", "--reason", "erasure", *LATER).status == 0
    news = datalib("refresh", "above", "--from", "library", *TRUST, *LATER)
    assert "gate: no, E-INPUT-OPTOUT" in news.out
    assert "amended since, and to be followed: erasure" in datalib("show", "above").out
    asked = ("verify", "above", *TRUST, "--require", "none", "--format", "json", *LATER)
    assert datalib(*asked).data["code"] == "E-INPUT-OPTOUT"
    # Only who took from the library can follow it: until then, nobody above can.
    early = datalib(*above, *LATER)
    assert (early.status, "E-INPUT-OPTOUT" in early.err) == (1, True)
    foreseen = datalib(*above, *LATER, "--dry-run", "--format", "json")
    assert (foreseen.status, foreseen.data["code"]) == (1, "E-INPUT-OPTOUT")
    assert [(each["depth"], each["name"], each["licences"], each["follow"]) for each in foreseen.data["graph"]] == [
        (1, "sector", ["CC0-1.0"], ""),
        (2, "library", ["CC0-1.0"], "erasure"),
        (2, "milk", [], ""),
    ]
    middle = datalib("assemble", "sector", "--input", "library", "--key", "auditor.pem", *TRUST, *LATER)
    assert middle.status == 0, middle.err
    followed = datalib(*above, *LATER)
    assert followed.status == 0, followed.err
    assert datalib(*asked).status == 0
    assert not (tmp_path / "above/sector/library/notes.txt").exists()
    assert datalib("withdraw", "milk", "--reason", "sold out", "--key", "buyer.pem", *LATER).status == 0
    last = datalib("refresh", "above", "--from", "milk", *TRUST, *LATER)
    assert "gate: no, E-INPUT-WITHDRAWN" in last.out
    # A withdrawal is final, and an input once named stays named: there is nothing to follow.
    assert last.out.splitlines()[-1].startswith("next: `datalib assemble OUT` of the other inputs")
    assert "      withdrawn: sold out" in datalib("show", "above").out


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
    assert "amend    x-test:auditor (optout)" in datalib("show", "sector").out


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
