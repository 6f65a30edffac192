"""What the law asks, from the command line: five examples as a reviewer sees them, and every option."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from datalib_vocab import LANGUAGES
from tests.cli.conftest import PRODUCER, TRUST, Program

EXAMPLES = Path(__file__).parents[1] / "vectors" / "examples"
NOW = ("--now", "2026-11-25T07:00:00Z")


def _made(datalib: Program, tmp_path: Path, name: str) -> tuple[str, ...]:
    """Make and sign an example; give the arguments that check it."""
    shutil.copytree(EXAMPLES / name / "data", tmp_path / name)
    assert datalib("key", "new", "-o", "key.pem", "--no-password").status == 0
    described = datalib("init", name, "--from", str(EXAMPLES / name / "members.yaml"))
    assert described.status == 0, described.err
    signed = datalib("sign", name, "--key", "key.pem")
    assert signed.status == 0, signed.err
    producer = json.loads((tmp_path / name / "datapackage.json").read_bytes())["datalib"]["producer"]["id"]
    register = EXAMPLES / name / "register.yaml"
    given = ("--register", str(register)) if register.exists() else ()
    return ("check", name, *NOW, "--look", "full", "--key", f"{producer}=key.pub.pem", *given)


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_an_example_gets_what_a_reviewer_expects_and_nothing_else(datalib: Program, tmp_path: Path, name: str) -> None:
    done = datalib(*_made(datalib, tmp_path, name), "--format", "json")
    expected: dict[str, Any] = yaml.safe_load((EXAMPLES / name / "expected.yaml").read_text(encoding="utf-8"))
    found = sorted((one["rule"], one["where"]) for one in done.data["findings"])
    assert found == sorted((one["rule"], one["where"]) for one in expected["findings"])
    assert sorted(one["rule"] for one in done.data["not_asked"]) == sorted(one["rule"] for one in expected["not_asked"])
    assert all(one["why"] for group in expected.values() for one in group)
    assert done.status == (1 if done.data["errors"] else 0)


@pytest.fixture
def made(datalib: Program, tmp_path: Path) -> tuple[str, ...]:
    return _made(datalib, tmp_path, "speech-with-consent")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_findings_come_errors_first_and_never_say_that_all_is_well(
    datalib: Program, made: tuple[str, ...], lang: str
) -> None:
    done = datalib(*made, "--lang", lang)
    assert done.status == 1
    letters = [line[0] for line in done.out.splitlines() if line.startswith(("E ", "W "))]
    assert letters == ["E", "E", "W", "W", "W"]
    for word in ("compliant", "complies", "соответствует требованиям", "талаптарға сай"):
        assert word not in done.out
    assert "202/НҚ" in done.out
    assert "925" in done.out
    assert "2026-11-23" in done.out


def test_deadlines_say_what_is_late_and_what_is_due(datalib: Program, made: tuple[str, ...]) -> None:
    done = datalib(*made)
    assert "2026-11-23  late: withdrawal of consent s02" in done.out
    assert "2026-12-11  open: withdrawal of consent s07" in done.out
    assert "2026-11-25  open: incident or correction (correct) wrong-age-group" in done.out
    assert "s01" not in done.out.split("deadlines:")[1]
    shown = {one["ref"]: one["state"] for one in datalib(*made, "--format", "json").data["deadlines"]}
    assert shown == {"s02": "late", "s07": "open", "s01": "done", "wrong-age-group": "open", "risks-2026": "open"}


def test_a_term_beyond_the_calendar_is_not_called_certain(datalib: Program, library: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "register: 1\n"
        "withdrawals:\n  - {ref: w, received: 2026-12-21}\n"
        "requests:\n  - {ref: q, received: 2026-12-21, kind: deletion}\n"
        "reviews:\n  - {ref: e, started: 2026-12-21, kind: publish}\n"
        "  - {ref: d, started: 2026-12-01, done: 2026-12-09, kind: publish}\n"
    )
    done = datalib("check", "library", "--register", "r.yaml", "--now", "2026-12-22T07:00:00Z")
    assert "2027-01-11 or later: the calendar ends before  open: withdrawal of consent w" in done.out
    assert "no term  open: request of a person (deletion) q" in done.out
    assert "2026-12-28  open: review (publish) e (the duty of an authority)" in done.out
    assert "2026-12-08  done, late: review (publish) d" in done.out
    days = {"calendar": 1, "country": "KZ", "from": "2026-01-01", "to": "2027-12-31", "days": []}
    (tmp_path / "c.json").write_text(json.dumps({**days, "sources": [{"title": "made up", "date": "2026-11-25"}]}))
    mine = ("check", "library", "--register", "r.yaml", "--calendar", "c.json", "--now", "2026-12-22T07:00:00Z")
    assert "2027-01-11  open: withdrawal of consent w" in datalib(*mine).out


def test_a_rule_is_switched_off_with_a_reason_that_is_shown(
    datalib: Program, made: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "w.yaml").write_text(
        "waivers:\n"
        "  - {rule: PD-06, reason: form renewed on 24 November, by: D. P. Officer}\n"
        "  - {rule: PD-08.2, reason: no more, until: 2026-11-24}\n"
    )
    done = datalib(*made, "--waivers", "w.yaml", "--waive", "PD-08.1=speaker found no more")
    assert done.status == 0
    assert "  PD-06, findings: 1: form renewed on 24 November (D. P. Officer)" in done.out
    assert "  PD-08.1, findings: 1: speaker found no more" in done.out
    assert "  PD-08.2: ended on 2026-11-24, asked again" in done.out
    assert "W PD-08.2" in done.out
    data = datalib(*made, "--waivers", "w.yaml", "--format", "json").data
    assert [(one["rule"], one["ended"], len(one["findings"])) for one in data["switched_off"]] == [
        ("PD-06", False, 1),
        ("PD-08.2", True, 0),
    ]


PROFILE = {
    "profile": 1,
    "act": "kz-925",
    "title": {"en": "A made-up act", "kk": "Ойдан шығарылған акт", "ru": "Вымышленный акт"},
    "date": "2026-11-01",
    "source": "made for a test",
    "checks": [
        {
            "id": "sector",
            "member": "/datalib/sector",
            "article": "p. 1",
            "severity": "error",
            "required": True,
            "values": ["health"],
            "text": {"en": "No sector", "kk": "Сала жоқ", "ru": "Нет сектора"},
            "remedy": {"en": "Name it.", "kk": "Атаңыз.", "ru": "Назовите его."},
        },
        {
            "id": "licence",
            "member": "/sources/*/license",
            "severity": "warning",
            "required": True,
            "text": {"de": "Keine Lizenz"},
        },
        {
            "id": "share",
            "member": "/datalib/synthetic/share",
            "severity": "warning",
            "minimum": 0,
            "maximum": 0.5,
            "text": {"en": "Half of it at most"},
        },
        {
            "id": "files",
            "member": "/datalib/inputs/*/mode",
            "severity": "warning",
            "required": True,
            "text": {"en": "No inputs"},
        },
    ],
}


def _block(path: Path, **members: Any) -> None:
    document = json.loads(path.read_bytes())
    document["datalib"].update(members)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_an_act_is_loaded_as_data(datalib: Program, library: Path, tmp_path: Path) -> None:
    (tmp_path / "act.json").write_text(json.dumps(PROFILE))
    check = ("check", "library", "--rules", "kz", "--profile-file", "act.json")
    before = datalib(*check)
    assert "E kz-925:sector /datalib/sector: No sector\n    p. 1 → Name it." in before.out
    assert "W kz-925:licence /sources/0/license: Keine Lizenz" in before.out
    assert "W kz-925:files /datalib/inputs/*/mode" in before.out
    assert "kz-925:share" not in before.out
    assert "W KZ-10" not in before.out
    assert "loaded: A made-up act (2026-11-01), from made for a test" in before.out
    assert "Resolution 925 of" not in before.out
    assert "Order 202/НҚ" in before.out
    assert "Нет сектора" in datalib(*check, "--lang", "ru").out
    _block(library / "datapackage.json", sector="sport", synthetic={"share": 0.6})
    after = datalib(*check, "--waive", "kz-925:licence=not ours", "--format", "json")
    found = {one["rule"]: one["detail"] for one in after.data["findings"] if one["rule"].startswith("kz-925")}
    assert found == {"kz-925:sector": "sport", "kz-925:share": "0.6", "kz-925:files": ""}
    assert after.data["profiles"] == [{"act": "kz-925", "date": "2026-11-01", "source": "made for a test"}]
    _block(library / "datapackage.json", sector="health", synthetic={"share": "half"})
    assert "kz-925:share /datalib/synthetic/share: Half of it at most (half)" in datalib(*check).out


def test_the_rules_follow_the_country_of_the_producer(datalib: Program, library: Path) -> None:
    manifest = library / "datapackage.json"
    for producer, sets in (
        ({"id": "x-test:a", "name": {"en": "A"}}, ["kz", "eu"]),
        ({"id": "x-test:a", "name": {"en": "A"}, "country": "DE"}, ["eu"]),
        ({"id": "x-test:a", "name": {"en": "A"}, "country": "KZ"}, ["kz"]),
        ({"id": "kz-bin:990140000384", "name": {"en": "A"}}, ["kz"]),
        ({"id": "x-test:a", "name": {"en": "A"}, "country": "US"}, ["kz", "eu"]),
    ):
        _block(manifest, producer=producer)
        assert datalib("check", "library", "--format", "json").data["rules"] == sets
    only = datalib("check", "library", "--rules", "eu", "--format", "json").data
    assert {rule[:2] for rule in only["asked"]} == {"EU"}
    assert only["acts_not_loaded"] == []


def test_a_manifest_that_is_not_valid_is_a_finding(datalib: Program, library: Path) -> None:
    _block(library / "datapackage.json", purpose=[], producer={"id": "kz-bin:081140000463", "name": {"en": "A"}})
    done = datalib("check", "library", "--rules", "kz")
    assert done.status == 1
    for rule in ("E KZ-01.1 /datalib/producer/id", "E KZ-03.1 /datalib/purpose", "E KZ-09.1 /datalib/purpose"):
        assert rule in done.out


def test_a_purpose_can_be_asked_for(datalib: Program, library: Path) -> None:
    assert "E KZ-09.2" in datalib("check", "library", "--rules", "kz", "--purpose", "train:llm").out
    assert "KZ-09.2" not in datalib("check", "library", "--rules", "kz", "--purpose", "train:asr").out


def test_the_chain_is_believed_only_when_somebody_is_trusted(datalib: Program, signed: Path) -> None:
    assert "the chain was not verified: give --policy and --roots, or --key (KZ-04)" in datalib("check", "library").out
    trusted = ("check", "library", "--rules", "kz", *TRUST)
    assert "KZ-04" not in datalib(*trusted).out
    _block(signed / "datapackage.json", sector="health")
    assert "E KZ-04 chain.jsonl: The chain of the library does not hold (E-MANIFEST-DIGEST" in datalib(*trusted).out


def test_a_policy_file_says_whom_to_believe(datalib: Program, signed: Path) -> None:
    assert datalib("key", "new", "-o", "root.pem", "--no-password").status == 0
    for step in (
        ("new", "-o", "policy.json", "--roots-out", "roots.json", "--root", "root.pub.pem"),
        ("add-party", "policy.json", "--party", PRODUCER, "--name", "en=P", "--role", "producer", "--role", "holder"),
        ("add-key", "policy.json", "--party", PRODUCER, "--key", "producer.pub.pem", "--from", "2026-01-01T00:00:00Z"),
        ("sign", "policy.json", "--key", "root.pem"),
    ):
        done = datalib("policy", *step)
        assert done.status == 0, done.err
    checked = ("check", "library", "--rules", "kz", "--policy", "policy.json", "--roots", "roots.json")
    assert "KZ-04" not in datalib(*checked).out
    (signed / "words.csv").write_text("word,count\n", encoding="utf-8")
    assert "KZ-04" not in datalib(*checked).out  # the bytes of files are for `verify`
    (signed / "chain.jsonl").write_bytes((signed / "chain.jsonl").read_bytes() * 2)
    assert "E KZ-04 chain.jsonl" in datalib(*checked).out


def test_content_that_changed_without_a_new_measurement_is_found(datalib: Program, signed: Path) -> None:
    manifest = signed / "datapackage.json"
    quality = {"metrics": [{"name": "rows", "value": 2}], "measured": "2026-09-01"}
    _block(manifest, quality=quality)
    assert datalib("sign", "library", "--key", "producer.pem", "--reason", "metadata").status == 0
    assert "KZ-06.3" not in datalib("check", "library", *TRUST).out
    (signed / "words.csv").write_text("word,count\nдала,2\n", encoding="utf-8")
    assert datalib("sign", "library", "--key", "producer.pem", "--reason", "removal").status == 0
    assert "E KZ-06.3 /datalib/quality/measured" in datalib("check", "library", *TRUST).out
    _block(manifest, quality={**quality, "measured": "2026-09-21"})
    assert datalib("sign", "library", "--key", "producer.pem", "--reason", "metadata").status == 0
    assert "KZ-06.3" not in datalib("check", "library", *TRUST).out


def test_an_attested_scan_answers_for_the_works(datalib: Program, library: Path) -> None:
    manifest = library / "datapackage.json"
    document = json.loads(manifest.read_bytes())
    document["sources"] = [{"title": "Web", "basis": "no_prohibition", "method": "web-scraping-crawling-textual"}]
    manifest.write_text(json.dumps(document))
    assert "a draft: attestations follow the signature: optout (CR-01.1" in datalib("check", "library").out
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    assert "E CR-01.1 /sources/0" in datalib("check", "library", *TRUST).out


@pytest.mark.parametrize("rule", ["PD-08", "PD-08.1", "EU-01"])
def test_a_rule_is_explained(datalib: Program, rule: str) -> None:
    done = datalib("check", "--explain", rule)
    assert done.status == 0
    assert rule in done.out
    shown = datalib("check", "--explain", rule, "--format", "json").data["rules"]
    assert [one["rule"] for one in shown] == (["PD-08.1", "PD-08.2"] if rule == "PD-08" else [rule])
    assert datalib("check", "--explain", rule, "--lang", "kk").out != done.out


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("check",), 2, "E-USAGE"),
        (("check", "nowhere"), 3, "E-IO"),
        (("check", "empty"), 1, "E-MANIFEST-MISSING"),
        (("check", "broken"), 1, "E-JSON-DUPKEY"),
        (("check", "--explain", "KZ-99"), 2, "E-USAGE"),
        (("check", "library", "--rules", "us"), 2, "E-USAGE"),
        (("check", "library", "--rules", ""), 2, "E-USAGE"),
        (("check", "library", "--waive", "KZ-10"), 2, "E-USAGE"),
        (("check", "library", "--waive", "KZ-10= "), 2, "E-USAGE"),
        (("check", "library", "--waive", "KZ-99=x"), 2, "E-USAGE"),
        (("check", "library", "--waive", "KZ-10=x", "--waive", "KZ-10=y"), 2, "E-USAGE"),
        (("check", "library", "--waivers", "nowhere"), 3, "E-IO"),
        (("check", "library", "--waivers", "producer.pem"), 1, "E-RECORD-FORMAT"),
        (("check", "library", "--register", "producer.pem"), 1, "E-RECORD-FORMAT"),
        (("check", "library", "--register", "library/notes.txt"), 2, "E-USAGE"),
        (("check", "library", "--calendar", "producer.pem"), 1, "E-RECORD-FORMAT"),
        (("check", "library", "--profile-file", "producer.pem"), 1, "E-RECORD-FORMAT"),
        (("check", "library", "--profile-file", "act.json", "--profile-file", "act.json"), 2, "E-USAGE"),
        (("check", "library", "--roots", "producer.pem"), 2, "E-NO-TRUST"),
        (("check", "library", "--key", "producer.pem"), 2, "E-USAGE"),
        (("check", "library", "--now", "today"), 2, "E-TIME-FORMAT"),
    ],
)
def test_bad_input_gets_one_line(
    datalib: Program, library: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, code: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "datapackage.json").write_text('{"name": "a", "name": "b"}')
    (tmp_path / "act.json").write_text(json.dumps(PROFILE))
    done = datalib(*arguments)
    assert (done.status, code in done.err) == (status, True), done.err
    assert done.err.count("\n") == 1
    assert PRODUCER not in done.out


@pytest.mark.parametrize("epoch", ["253402300800", "9" * 5000])
def test_a_clock_beyond_the_year_9999_is_wrong_usage(
    datalib: Program, library: Path, monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    done = datalib("check", str(library))
    assert (done.status, "E-USAGE: SOURCE_DATE_EPOCH" in done.err) == (2, True), done.err


@pytest.mark.parametrize(("look", "lang"), [("sample", "en"), ("full", "en"), ("full", "kk"), ("full", "ru")])
def test_a_look_compares_what_is_declared_with_what_is_found(
    datalib: Program, library: Path, look: str, lang: str
) -> None:
    (library / "people.csv").write_text("who,tel\n050101500000,+7 701 123 45 67\n", encoding="utf-8")
    (library / "a.png").write_bytes(bytes(100))
    for number in range(60):
        (library / f"{number}.txt").write_text("a@mail.kz")
    manifest = json.loads((library / "datapackage.json").read_bytes())
    manifest["datalib"]["personalData"] = {"present": "none"}
    (library / "datapackage.json").write_text(json.dumps(manifest))
    done = datalib("check", "library", *NOW, "--rules", "kz", "--look", look, "--lang", lang)
    assert "(none; email: 60, iin: 1, phone: 1)" in done.out
    assert "people.csv#who: " in done.out
    assert "050101500000" not in done.out
    data = datalib("check", "library", *NOW, "--rules", "kz", "--look", look, "--format", "json").data
    assert data["look"]["counts"] == {"email": 60, "iin": 1, "phone": 1}
    assert data["look"]["unread"] == {"binary": 1}
    if lang == "en":
        how = {"sample": "searched: a sample", "full": "searched to the end"}[look]
        assert f"personal data: e-mail addresses: 60, IINs: 1, phone numbers: 1; {how}, files: 64 of 64" in done.out
        assert "further places: 12" in done.out
        assert "not searched: files that are no text and no table: 1" in done.out


def test_names_of_columns_cannot_write_lines_of_their_own(datalib: Program, library: Path) -> None:
    pq.write_table(pa.table({"who\nE PD-99 all is well": ["050101500000"]}), library / "a.parquet")
    done = datalib("check", "library", *NOW, "--look", "full")
    assert "\nE PD-99" not in done.out


def test_nobody_looks_unasked(datalib: Program, library: Path) -> None:
    assert datalib("check", "library", *NOW, "--format", "json").data["look"] is None
