"""Forms from the command line: filled in, refused with the fields that are empty, written whole or not at all."""

import json
import shutil
from pathlib import Path

import pytest

from datalib_vocab import LANGUAGES
from tests.cli.conftest import TRUST, Program

FORMS = Path(__file__).parents[1] / "vectors" / "forms"
NOW = ("--now", "2026-11-25T07:00:00Z")


def _form(name: str) -> tuple[str, str]:
    return "--form", str(FORMS / f"{name}.yaml")


@pytest.mark.parametrize("kind", ["html", "odt"])
def test_an_application_is_filled_in_and_its_term_is_named(datalib: Program, signed: Path, kind: str) -> None:
    done = datalib("export", "library", "--to", "order196-1", *_form("application"), "-o", f"a.{kind}", *NOW)
    assert done.status == 0, done.err
    assert done.out == (
        f"written: a.{kind} (order196-1)\n2026-12-09: the authority reviews the application (since 2026-11-25)\n"
    )
    first = Path(f"a.{kind}").read_bytes()
    assert (
        datalib("export", "library", "--to", "order196-1", *_form("application"), "-o", f"a.{kind}", *NOW).status == 0
    )
    assert Path(f"a.{kind}").read_bytes() == first


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_summary_names_what_is_still_to_be_filled_in(datalib: Program, library: Path, lang: str) -> None:
    call = ("export", "library", "--to", "eu-summary", *_form("summary"), "-o", "s.html", *NOW)
    done = datalib(*call, "--lang", lang)
    assert done.status == 0, done.err
    assert "1.2.dependencies" in done.out
    data = datalib(*call, "--format", "json").data
    assert data["to"] == "eu-summary"
    assert "1.2.dependencies" in data["todo"]
    assert "1.2.models" not in data["todo"]
    assert data["terms"] == []


def test_a_published_list_needs_no_library_and_says_its_term(datalib: Program) -> None:
    done = datalib("export", "--to", "order196-2", *_form("published"), "-o", "l.odt", *NOW, "--format", "json")
    assert done.data["terms"] == [{"kind": "publish", "since": "2026-11-18", "due": "2026-11-25", "certain": True}]


def test_a_term_beyond_the_calendar_is_not_called_certain(datalib: Program, tmp_path: Path) -> None:
    days = {"calendar": 1, "country": "KZ", "from": "2026-01-01", "to": "2026-11-20", "days": []}
    (tmp_path / "c.json").write_text(json.dumps({**days, "sources": [{"title": "t", "date": "2026-01-01"}]}))
    done = datalib("export", "--to", "order196-2", *_form("published"), "-o", "l.html", "--calendar", "c.json", *NOW)
    assert "2026-11-25 or later: the calendar ends before: the authority enters" in done.out


def test_empty_fields_are_named_and_nothing_is_written(datalib: Program, library: Path, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("application: 1\nsystem_name: S\n")
    done = datalib("export", "library", "--to", "order196-1", "--form", "f.yaml", "-o", "a.html", *NOW)
    assert done.status == 1
    assert "E-FORM-INCOMPLETE: f.yaml: " in done.err
    assert "applicant_name, bin_iin" in done.err
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("application: 1\nbin_iin: 990140000384\n", "f.yaml#/bin_iin"),
        ("application: 2\n", "f.yaml#/application"),
        ("application: 1\nseal: [\n", "f.yaml"),
        ("application: 1\nstamp: true\n", "f.yaml#"),
    ],
)
def test_a_form_file_of_another_form_is_refused_with_its_place(
    datalib: Program, library: Path, tmp_path: Path, text: str, place: str
) -> None:
    (tmp_path / "f.yaml").write_text(text)
    done = datalib("export", "library", "--to", "order196-1", "--form", "f.yaml", "-o", "a.html", *NOW)
    assert done.status == 1
    assert f"E-RECORD-FORMAT: {place}" in done.err


def test_private_form_files_and_outputs_stay_out_of_libraries(datalib: Program, library: Path) -> None:
    shutil.copy(FORMS / "application.yaml", library / "f.yaml")
    inside = datalib("export", "library", "--to", "order196-1", "--form", "library/f.yaml", "-o", "a.html", *NOW)
    assert (inside.status, "it is private: move it out" in inside.err) == (2, True)
    out = datalib("export", "library", "--to", "order196-1", *_form("application"), "-o", "library/a.html", *NOW)
    assert (out.status, "E-OUT-IN-LIBRARY" in out.err) == (2, True)


def test_a_stale_manifest_fills_in_nothing(datalib: Program, signed: Path) -> None:
    manifest = signed / "datapackage.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    done = datalib("export", "library", "--to", "eu-summary", "-o", "s.html", *NOW)
    assert done.status == 1
    assert "E-MANIFEST" in done.err


def test_a_record_goes_out_and_becomes_a_draft_again(datalib: Program, signed: Path, tmp_path: Path) -> None:
    lacking = datalib("export", "library", "--to", "dta", "-o", "r.json", *NOW)
    assert "provenance.origin-geography, provenance.generation-method" in lacking.err
    (signed / "more.txt").write_text("more")
    assert datalib("sign", "library", "--key", "producer.pem", "--now", "2026-11-20T07:00:00Z").status == 0
    (tmp_path / "patch.yaml").write_text(
        "record: 1\nprovenance:\n  origin-geography: [{country: KZ}]\n  generation-method: [{code: other-na}]\n"
    )
    done = datalib("export", "library", "--to", "dta", "--form", "patch.yaml", "-o", "r.json", *TRUST, *NOW)
    assert done.status == 0, done.err
    assert done.out.splitlines()[0] == "written: r.json (dta, verified)"
    record = json.loads((tmp_path / "r.json").read_bytes())
    assert (record["provenance"]["date"], record["provenance"]["previous-date"]) == ("2026-11-20", "2026-09-21")
    assert record["source"]["issuer"] == [{"name": "Test Producer"}]
    assert record["datalib"]["owner"]["id"] == "x-test:producer"
    (tmp_path / "new").mkdir()
    shutil.copy(signed / "words.csv", tmp_path / "new")
    brought = datalib("import", "r.json", "-o", "new", "--format", "json")
    assert (brought.status, brought.data["from"]) == (0, "dta")
    assert {one["code"] for one in brought.data["lost"]} == {"W-FOREIGN-LOST"}
    named = ("--producer-id", "x-test:new", "--producer-name", "en=New", "--purpose", "train:asr")
    completed = datalib("init", "new", *named)
    assert completed.status == 0, completed.err
    manifest = json.loads((tmp_path / "new" / "datapackage.json").read_bytes())
    assert manifest["sources"] == [{"title": "Own notes", "method": "other-na"}]
    assert manifest["licenses"] == [{"name": "CC0-1.0"}]


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("library", "--to", "eu-summary"), "--out"),
        (("library", "--to", "eu-summary", "-o", "a.html", "--files"), "--files"),
        (("library", "--to", "eu-summary", "-o", "a.html", "--base", "x"), "--base"),
        (("library", "--to", "eu-summary", "-o", "a.html", "--data", "none"), "--data"),
        (("library", "--to", "eu-summary", "-o", "a.html", "--roots", "r.json"), "--policy"),
        (("library", "--to", "dta", "--calendar", "c.json"), "--calendar"),
        (("library", "--to", "turtle", "--form", "f.yaml"), "--form"),
        (("library", "library", "--to", "dta"), "LIBRARY"),
        (("--to", "turtle"), "LIBRARY"),
    ],
)
def test_options_that_an_export_does_not_take_are_wrong_usage(
    datalib: Program, library: Path, arguments: tuple[str, ...], where: str
) -> None:
    done = datalib("export", *arguments)
    assert (done.status, f"E-USAGE: {where}: " in done.err) == (2, True)
