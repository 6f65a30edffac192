"""The life of a library through the program: describe, sign, attest, hand over, amend, withdraw, verify."""

import json
import shlex
import shutil
import stat
from pathlib import Path
from time import sleep

import pytest

from datalib import acts
from datalib.errors import Refused
from datalib.findings import Finding
from datalib.trust.keys import PrivateKey
from datalib.trust.parties import Party
from datalib_vocab import LANGUAGES
from tests.cli.conftest import AUDITOR, BUYER, PRODUCER, TRUST, Program

LATER = ("--now", "2026-10-01T00:00:00Z")


def _events(datalib: Program) -> list[str]:
    shown = datalib("show", "library", "--format", "json")
    return [event["what"].partition(":")[0] for event in shown.data["events"]]


def _sell(datalib: Program) -> None:
    offered = datalib(
        *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "contract 1"),
        *("--key", "producer.pem", "-o", "offer.json"),
    )
    assert offered.status == 0, offered.err
    accepted = datalib("transfer", "accept", "library", "--offer", "offer.json", "--key", "buyer.pem", *TRUST)
    assert accepted.status == 0, accepted.err


def test_a_signed_library_is_accepted_and_says_what_was_not_checked(datalib: Program, signed: Path) -> None:
    report = datalib("verify", "library", *TRUST, "--require", "none", "--format", "json")
    assert report.status == 0
    assert report.data["accepted"] is True
    assert report.data["code"] is None
    assert report.data["complete"] is True
    assert report.data["producers"][report.data["library"]]["id"] == PRODUCER
    assert {"roots", "log", "head", "state"} <= set(report.data["not_checked"])


def test_a_sample_says_what_it_means(datalib: Program, signed: Path) -> None:
    asked = ("verify", "library", *TRUST, "--require", "none", "--data", "sample:1", "--seed", "00ff")
    found = datalib(*asked, "--format", "json").data
    assert (found["accepted"], found["complete"], found["data"]) == (True, False, "sample:1")
    meaning = {"found": {"changed": 2, "probability": 0.95}, "missed": {"changed": 1, "probability": 0.5}}
    assert found["sample"] == {"drawn": 1, "files": 2, "seed": "00ff", **meaning}
    text = datalib(*asked).out
    assert "sample: 1 of 2 files, drawn with --seed 00ff\n" in text
    assert "  2 changed files or more would have been found with a probability of 95 % at least\n" in text
    assert "  one changed file is missed with a probability of 50 %\n" in text
    fresh = {datalib(*asked[:-2], "--format", "json").data["sample"]["seed"] for _ in range(2)}
    assert len(fresh) == 2
    assert datalib("verify", "library", *TRUST, "--format", "json").data["sample"] is None


@pytest.mark.parametrize("seed", ["", "0", "xy", "00" * 33])
def test_a_seed_is_hex_and_for_samples(datalib: Program, signed: Path, seed: str) -> None:
    refused = datalib("verify", "library", *TRUST, "--data", "sample:1", "--seed", seed)
    assert refused.status == 2
    assert "E-USAGE: --seed" in refused.err
    assert datalib("verify", "library", *TRUST, "--seed", "00").status == 2


def test_text_and_json_agree_on_the_answers(datalib: Program, signed: Path) -> None:
    text = datalib("verify", "library", *TRUST)
    assert text.status == 1
    assert text.out.splitlines()[0] == "integrity: yes"
    assert text.out.splitlines()[1].startswith("gate: no, E-ATTEST-MISSING")
    assert datalib("verify", "library", *TRUST, "--format=json").data["code"] == "E-ATTEST-MISSING"


def test_a_cache_says_what_was_not_read(datalib: Program, library: Path) -> None:
    signing = ("sign", "library", "--key", "producer.pem", "--cache", "hashes", "--format", "json")
    sleep(0.1)  # what was written a moment ago is not taken into a cache
    first = datalib(*signing)
    assert first.data["cache"] == {"reused": 0, "hashed": 2, "tested": 0}
    again = datalib(*signing)
    assert again.data["cache"]["reused"] + again.data["cache"]["tested"] == 2
    assert again.data["content"] == first.data["content"]
    text = datalib(*signing[:-2]).out
    assert "not read: " in text
    assert "to test the cache" in text
    assert datalib("verify", "library", *TRUST, "--require", "none").status == 0
    inside = datalib("sign", "library", "--key", "producer.pem", "--cache", "library/hashes")
    assert (inside.status, "E-OUT-IN-LIBRARY" in inside.err) == (2, True)
    assert datalib("sign", "library", "--key", "producer.pem", "--format", "json").data["cache"] is None


def test_signing_twice_changes_nothing(datalib: Program, signed: Path) -> None:
    before = (signed / "chain.jsonl").read_bytes()
    again = datalib("sign", "library", "--key", "producer.pem")
    assert again.status == 0
    assert "nothing has changed" in again.out
    assert (signed / "chain.jsonl").read_bytes() == before


def test_a_change_is_amended_and_both_versions_are_kept(datalib: Program, signed: Path) -> None:
    (signed / "more.txt").write_text("more\n")
    assert datalib("verify", "library", *TRUST, "--require", "none").status == 1
    done = datalib("sign", "library", "--key", "producer.pem", "--reason", "addition", "--format", "json")
    assert done.data["kind"] == "amend"
    assert len(list((signed / "manifests").iterdir())) == 2
    assert _events(datalib) == ["genesis", "amend"]
    assert datalib("verify", "library", *TRUST, "--require", "none").status == 0


def test_a_sold_library_is_the_buyers(datalib: Program, signed: Path) -> None:
    _sell(datalib)
    report = datalib("verify", "library", *TRUST, "--require", "none", "--format", "json").data
    assert (report["owner"], report["possessor"]) == (BUYER, BUYER)
    assert report["producers"][report["library"]]["id"] == PRODUCER
    (signed / "notes.txt").write_text("changed\n")
    assert datalib("sign", "library", "--key", "buyer.pem", *LATER).status == 0
    assert datalib("verify", "library", *TRUST, "--require", "none", *LATER).status == 0


def test_the_same_offer_is_accepted_once(datalib: Program, signed: Path) -> None:
    _sell(datalib)
    again = datalib("transfer", "accept", "library", "--offer", "offer.json", "--key", "buyer.pem", *TRUST)
    assert again.status == 0
    assert _events(datalib) == ["genesis", "transfer"]


def test_of_two_offers_the_second_is_stale(datalib: Program, signed: Path) -> None:
    for name in ("offer", "other"):
        made = datalib(
            *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", name),
            *("--key", "producer.pem", "-o", f"{name}.json"),
        )
        assert made.status == 0
    assert datalib("transfer", "accept", "library", "--offer", "offer.json", "--key", "buyer.pem", *TRUST).status == 0
    late = datalib("transfer", "accept", "library", "--offer", "other.json", "--key", "buyer.pem", *TRUST)
    assert late.status == 1
    assert "E-OFFER-STALE" in late.err


def test_an_offer_dies_after_thirty_days(datalib: Program, signed: Path) -> None:
    made = datalib(
        *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "x"),
        *("--key", "producer.pem", "-o", "offer.json", "--now", "2026-09-25T00:00:00Z"),
    )
    assert made.status == 0
    late = datalib(
        *("transfer", "accept", "library", "--offer", "offer.json", "--key", "buyer.pem", *TRUST),
        *("--now", "2026-10-26T00:00:01Z"),
    )
    assert late.status == 1
    assert "E-TIME-DELAY" in late.err


@pytest.mark.parametrize(("key", "code"), [("auditor.pem", "E-SIG-RECIPIENT"), ("producer.pem", "E-SIG-RECIPIENT")])
def test_only_the_named_recipient_accepts(datalib: Program, signed: Path, key: str, code: str) -> None:
    datalib(
        *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "x"),
        *("--key", "producer.pem", "-o", "offer.json"),
    )
    refused = datalib("transfer", "accept", "library", "--offer", "offer.json", "--key", key, *TRUST)
    assert refused.status == 1
    assert code in refused.err


def test_a_receiver_stops_without_trust_options(datalib: Program, signed: Path) -> None:
    datalib(
        *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "x"),
        *("--key", "producer.pem", "-o", "offer.json"),
    )
    refused = datalib("transfer", "accept", "library", "--offer", "offer.json", "--key", "buyer.pem")
    assert refused.status == 2
    assert "E-NO-TRUST" in refused.err


def test_a_new_purpose_wants_the_producer_too(datalib: Program, signed: Path) -> None:
    _sell(datalib)
    manifest = json.loads((signed / "datapackage.json").read_text())
    manifest["datalib"]["purpose"].append("eval")
    (signed / "datapackage.json").write_text(json.dumps(manifest))
    alone = datalib("sign", "library", "--key", "buyer.pem", *LATER)
    assert (alone.status, "E-SIG-PENDING" in alone.err) == (2, True)
    half = datalib("sign", "library", "--key", "buyer.pem", "-o", "half.json", *LATER)
    assert half.status == 0
    assert _events(datalib) == ["genesis", "transfer"]
    whole = datalib("cosign", "half.json", "--key", "producer.pem", "--into", "library", *LATER)
    assert whole.status == 0, whole.err
    report = datalib("verify", "library", *TRUST, "--require", "none", "--purpose", "eval", *LATER)
    assert report.status == 0, report.out


def test_narrowing_a_purpose_needs_the_owner_alone(datalib: Program, library: Path) -> None:
    manifest = json.loads((library / "datapackage.json").read_text())
    manifest["datalib"]["purpose"].append("eval")
    (library / "datapackage.json").write_text(json.dumps(manifest))
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    _sell(datalib)
    signed = json.loads((library / "datapackage.json").read_text())
    signed["datalib"]["purpose"].remove("eval")
    (library / "datapackage.json").write_text(json.dumps(signed))
    assert datalib("sign", "library", "--key", "buyer.pem", *LATER).status == 0
    assert datalib("verify", "library", *TRUST, "--require", "none", "--purpose", "eval", *LATER).status == 1


def test_a_dropped_source_is_not_signed(datalib: Program, signed: Path) -> None:
    manifest = json.loads((signed / "datapackage.json").read_text())
    manifest["sources"] = [{"title": "Another source"}]
    (signed / "datapackage.json").write_text(json.dumps(manifest))
    refused = datalib("sign", "library", "--key", "producer.pem")
    assert refused.status == 1
    assert "E-SOURCE-DROPPED" in refused.err


def test_a_changed_producer_is_not_signed(datalib: Program, signed: Path) -> None:
    manifest = json.loads((signed / "datapackage.json").read_text())
    manifest["datalib"]["producer"]["name"]["en"] = "Somebody else"
    (signed / "datapackage.json").write_text(json.dumps(manifest))
    refused = datalib("sign", "library", "--key", "producer.pem")
    assert refused.status == 1
    assert "E-PRODUCER-CHANGED" in refused.err


def test_attested_evidence_is_shipped_and_checked(datalib: Program, signed: Path, tmp_path: Path) -> None:
    (tmp_path / "lab.report.txt").write_text("all well\n")
    done = datalib(
        *("attest", "library", "--as", AUDITOR, "--name", "en=Auditor", "--claim", "quality", "--result", "pass"),
        *("--evidence", "lab.report.txt", "--until", "2027-01-01T00:00:00Z", "--note", "seen", "--key", "auditor.pem"),
    )
    assert done.status == 0, done.err
    (shipped,) = (signed / "evidence").iterdir()
    assert shipped.name.endswith(".report.txt")
    asked = ("verify", "library", *TRUST, "--require", "quality")
    assert datalib(*asked, "--require-evidence").status == 0
    assert datalib(*asked, "--now", "2027-01-02T00:00:00Z").status == 1
    shipped.write_text("all bad\n")
    assert datalib(*asked, "--format", "json").data["code"] == "E-EVIDENCE-DIGEST"


def test_what_a_scan_left_is_shipped_as_it_was_left(datalib: Program, signed: Path, tmp_path: Path) -> None:
    assert datalib("scan", "library", "-o", "out").status == 0
    attest = (
        *("attest", "library", "--as", AUDITOR, "--name", "en=Auditor", "--claim", "optout", "--scan", "out"),
        *("--ship-evidence", "--key", "auditor.pem"),
    )
    evidence, signals = tmp_path / "out" / "evidence.parquet", tmp_path / "out" / "signals.parquet"
    for path, other in ((signals, evidence.read_bytes()), (tmp_path / "out" / "decisions" / "part-00000.parquet", b"")):
        before = path.read_bytes()
        path.write_bytes(other)
        refused = datalib(*attest)
        named = path.relative_to(tmp_path)
        assert (refused.status, f"E-SCAN-FORMAT: {named}: " in refused.err) == (1, True), refused.err
        path.write_bytes(before)
    assert not (signed / "evidence").exists()
    done = datalib(*attest)
    assert done.status == 0, done.err
    left = {path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {path.read_bytes() for path in (signed / "evidence").iterdir()} == left
    assert datalib("verify", "library", *TRUST, "--require", "optout", "--require-evidence").status == 0


def test_evidence_that_changes_while_it_is_read_is_not_shipped(signed: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "report.txt"
    evidence.write_text("all well\n", encoding="ascii")
    claim, shipped = Finding(type="quality", result="pass", files=(evidence,)).claim()
    evidence.write_text("all bad\n", encoding="ascii")
    key = PrivateKey.from_pem((tmp_path / "auditor.pem").read_bytes())
    before = (signed / "chain.jsonl").read_bytes()
    with pytest.raises(Refused, match="E-FILE-CHANGED"):
        acts.attest(
            signed, key=key, by=Party(id=AUDITOR, name={"en": "A"}), claim=claim, now=1_790_000_000, shipped=shipped
        )
    assert not list((signed / "evidence").glob("*"))
    assert (signed / "chain.jsonl").read_bytes() == before


def test_the_works_of_a_scan_are_listed(datalib: Program, tmp_path: Path) -> None:
    urls = [f"https://nobody-asked.kz/{n}" for n in range(3)]
    (tmp_path / "w.csv").write_text("\n".join(["url", *urls]), encoding="ascii")
    scanned = datalib("scan", "w.csv", "-o", "out", "--lang", "ru")
    assert scanned.status == 0, scanned.err
    reason = "not-asked-robots-txt"
    whole = datalib("optout", "list", "--scan", "out").out.splitlines()
    assert whole[0] == "works: 3"
    assert [line.split() for line in whole[1:4]] == [["hold", reason, f"w.csv#{n}", urls[n]] for n in range(3)]
    assert whole[-1].startswith("next: `datalib optout explain ")
    some = datalib("optout", "list", "--scan", "out", "--verdict", "hold", "--reason", reason, "--limit", "2")
    assert "1 more: --limit; all stand in out/decisions" in some.out
    asked = ("optout", "list", "--scan", "out", "--verdict", "admit", "--format", "json")
    assert datalib(*asked).data == {"total": 0, "version": 1, "works": []}
    held = datalib(*asked[:-2], "--verdict", "hold", "--limit", "1", "--format", "json").data
    assert held["total"] == 3
    assert held["works"] == [{"work": "w.csv#0", "verdict": "hold", "reason": reason, "url": urls[0]}]
    assert datalib("optout", "list", "--scan", "out", "--reason", "none").status == 2
    assert "E-USAGE: WORK: " in datalib("optout", "explain", "", "--scan", "out").err


@pytest.mark.parametrize(("member", "what"), [("works", "number of works"), ("counts", "counts")])
def test_a_scan_is_counted_again(datalib: Program, signed: Path, tmp_path: Path, member: str, what: str) -> None:
    assert datalib("scan", "library", "-o", "out").status == 0
    path = tmp_path / "out" / "scan.json"
    said = json.loads(path.read_bytes())
    others: dict[str, object] = {
        "works": said["works"] + 1,
        "counts": {"verdict": {"admit": said["works"] - 1, "refuse": 1}},
    }
    path.write_text(json.dumps(said | {member: others[member]}), encoding="utf-8")
    refused = datalib(
        *("attest", "library", "--as", AUDITOR, "--name", "en=Auditor", "--claim", "optout", "--scan", "out"),
        *("--key", "auditor.pem"),
    )
    assert refused.status == 1
    assert "E-SCAN-FORMAT: out/scan.json: " in refused.err
    assert what in refused.err


def test_nobody_types_the_result_of_a_scan(datalib: Program, signed: Path) -> None:
    typed = datalib(
        *("attest", "library", "--as", PRODUCER, "--claim", "optout", "--result", "pass", "--key", "producer.pem")
    )
    assert typed.status == 2


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_proposed_command_can_be_pasted_into_a_shell(
    datalib: Program, signed: Path, tmp_path: Path, lang: str
) -> None:
    odd = "мой набор; $(date) 'q'"
    shutil.copytree(signed, tmp_path / odd)
    scanned = datalib("scan", odd, "-o", "a scan", "--lang", lang)
    proposed = scanned.out.splitlines()[-1].split("`")[1]
    given = {"ID": AUDITOR, "KEY.pem": "auditor.pem"}
    words = [given.get(word, word) for word in shlex.split(proposed)]
    assert words[:3] == ["datalib", "attest", odd]
    done = datalib(*words[1:], "--name", "en=Auditor")
    assert done.status == 0, done.err


def test_an_unknown_party_needs_a_name(datalib: Program, signed: Path) -> None:
    nameless = datalib(
        *("attest", "library", "--as", AUDITOR, "--claim", "quality", "--result", "pass", "--key", "auditor.pem")
    )
    assert nameless.status == 2
    assert AUDITOR in nameless.err


def test_a_withdrawn_library_is_closed_and_takes_no_event(datalib: Program, signed: Path) -> None:
    assert datalib("withdraw", "library", "--reason", "consent revoked", "--key", "producer.pem").status == 0
    report = datalib("verify", "library", *TRUST, "--require", "none", "--format", "json").data
    assert (report["integrity"], report["code"]) == (True, "E-LIB-WITHDRAWN")
    (signed / "notes.txt").write_text("changed\n")
    assert "E-CHAIN-AFTER-WITHDRAW" in datalib("sign", "library", "--key", "producer.pem").err


def test_state_refuses_an_older_copy(datalib: Program, signed: Path) -> None:
    asked = ("verify", "library", *TRUST, "--require", "none", "--state", "state.json", "--format", "json")
    old = (signed / "chain.jsonl").read_bytes(), (signed / "datapackage.json").read_bytes()
    (signed / "notes.txt").write_text("changed\n")
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    assert datalib(*asked).status == 0
    (signed / "chain.jsonl").write_bytes(old[0])
    (signed / "datapackage.json").write_bytes(old[1])
    assert datalib(*asked).data["code"] == "E-HEAD-ROLLBACK"


def test_private_keys_are_the_owners_alone(datalib: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALIB_KEY_PASSWORD", "steppe")
    assert datalib("key", "new", "-o", "k.pem", "--alg", "p256").status == 0
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    assert b"ENCRYPTED" in (tmp_path / "k.pem").read_bytes()
    shown, public = (
        datalib("key", "show", "k.pem", "--format", "json"),
        datalib("key", "show", "k.pub.pem", "--format", "json"),
    )
    assert shown.data == public.data
    assert datalib("key", "show", "k.pem", "--public").out.encode() == (tmp_path / "k.pub.pem").read_bytes()
    monkeypatch.setenv("DATALIB_KEY_PASSWORD", "wrong")
    assert "E-KEY-PASSWORD" in datalib("key", "show", "k.pem").err
    again = datalib("key", "new", "-o", "k.pem")
    assert again.status == 2


def test_output_inside_a_library_is_refused(datalib: Program, signed: Path) -> None:
    offered = datalib(
        *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "x"),
        *("--key", "producer.pem", "-o", "library/offer.json"),
    )
    assert offered.status == 2
    assert "E-OUT-IN-LIBRARY" in offered.err
    assert not (signed / "offer.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("sign", "library"), "E-SIG-ACTOR"),
        (("withdraw", "library", "--reason", "x"), "E-SIG-ACTOR"),
        (("attest", "library", "--as", BUYER, "--claim", "quality", "--result", "pass"), "E-SIG-ACTOR"),
        (("transfer", "offer", "library", "--to", "x-test:c", "--to-name", "en=C", "--basis", "x", "-o", "again.json"),
         "E-SIG-TRANSFEROR"),
    ],
)  # fmt: skip
def test_nobody_acts_for_another_by_mistake(
    datalib: Program, signed: Path, arguments: tuple[str, ...], code: str
) -> None:
    _sell(datalib)
    (signed / "notes.txt").write_text("changed\n")
    before = (signed / "chain.jsonl").read_bytes()
    done = datalib(*arguments, "--key", "producer.pem", *LATER)
    assert (done.status, code in done.err) == (1, True), done.err
    assert f"that of {PRODUCER}, and {BUYER} acts" in done.err
    assert (signed / "chain.jsonl").read_bytes() == before
    assert datalib("sign", "library", "--key", "buyer.pem", *LATER).status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign", "library"),
        ("withdraw", "library", "--reason", "x"),
        ("attest", "library", "--as", PRODUCER, "--claim", "quality", "--result", "pass"),
    ],
)
def test_a_key_that_may_be_a_strangers_is_warned_of(datalib: Program, signed: Path, arguments: tuple[str, ...]) -> None:
    (signed / "notes.txt").write_text("changed\n")
    shutil.copytree(signed, signed.with_name("copy"))
    done = datalib(*arguments, "--key", "auditor.pem", *LATER)
    assert (done.status, "W-KEY-NEW: chain.jsonl: The key has not signed" in done.out) == (0, True), done.out
    assert f"({PRODUCER})" in done.out
    assert "E-SIG-ACTOR" in datalib("verify", "library", *TRUST, *LATER).out
    done = datalib(*(word.replace("library", "copy") for word in arguments), "--key", "producer.pem", *LATER)
    assert (done.status, "W-KEY-NEW" in done.out) == (0, False)


def test_nobody_offers_a_library_to_himself(datalib: Program, signed: Path) -> None:
    done = datalib(
        *("transfer", "offer", "library", "--to", PRODUCER, "--basis", "x", "--key", "producer.pem", "-o", "offer.json")
    )
    assert (done.status, "E-TRANSFER-SELF" in done.err) == (1, True), done.err


def test_a_fetch_is_proposed_where_it_helps(datalib: Program, tmp_path: Path) -> None:
    (tmp_path / "works").mkdir()
    (tmp_path / "works" / "a.bin").write_bytes(bytes(range(256)))
    held = datalib("scan", "works", "-o", "out")
    assert ("not-asked-unit" in held.out, "optout fetch" in held.out) == (True, False)
    (tmp_path / "works" / "a.csv").write_text("url\nhttps://e.example/\n")
    assert "next: `datalib optout fetch" in datalib("scan", "works", "-o", "out").out


def test_a_new_draft_of_a_signed_library_is_called_one(datalib: Program, library: Path) -> None:
    assert "is signed" not in datalib("init", "library").out
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    done = datalib("init", "library", "--source", "More")
    assert (done.status, "the library is signed" in done.out) == (0, True)
    assert "E-MANIFEST-DIGEST" in datalib("verify", "library", *TRUST).out
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    assert datalib("verify", "library", *TRUST, "--require", "none").status == 0


def test_a_party_whose_key_was_not_given_is_not_said_to_have_not_signed(datalib: Program, signed: Path) -> None:
    typo = datalib("verify", signed.name, "--key", "x-test:producr=producer.pub.pem", "--require", "none")
    assert (typo.status, f"no key for {PRODUCER} was given" in typo.out, "E-SIG-PRODUCER" in typo.out) == (
        1,
        True,
        True,
    )
    others = ("--key", f"{PRODUCER}=buyer.pub.pem", "--key", f"{BUYER}=producer.pub.pem", "--require", "none")
    assert f"{PRODUCER} did not sign" in datalib("verify", signed.name, *others).out
