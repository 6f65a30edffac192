"""The checks that Frictionless runs for us: each refuses what it should, and what it could not check."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.interop import PRODUCER, do

CHAIN = {"type": "datalib-chain", "keys": [f"{PRODUCER}=producer.pub.pem"], "now": "2026-04-01T00:00:00Z"}
SCAN = {"type": "datalib-optout", "scan": "scan"}
ROWS = "word,url\nдала,https://a.example/1\nкүн,\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two tables and a file, with an address that nobody has asked, scanned."""
    folder = tmp_path_factory.mktemp("frictionless")
    library = folder / "library"
    library.mkdir()
    (library / "words.csv").write_text(ROWS, encoding="utf-8")
    (library / "p-1.csv").write_text("a,url\n1,\n2,\n", encoding="utf-8")
    (library / "p-2.csv").write_text("a,url\n3,\n4,https://b.example/\n", encoding="utf-8")
    (library / "page.html").write_text("<meta name=robots content=noai>", encoding="utf-8")
    fields = [{"name": "a", "type": "integer"}, {"name": "url", "type": "string"}]
    parts = {"name": "p", "path": ["p-1.csv", "p-2.csv"], "format": "csv", "schema": {"fields": fields}}
    extra = {"resources": [{"name": "page", "path": "page.html"}, parts]}
    (folder / "members.json").write_text(json.dumps(extra), encoding="utf-8")
    do(
        folder,
        *("init", "@library", "--producer-id", PRODUCER, "--producer-name", "en=A", "--purpose", "eval"),
        *("--source", "A", "--from", "@members.json"),
    )
    do(folder, "key", "new", "-o", "@producer.pem", "--no-password")
    do(folder, "sign", "@library", "--key", "@producer.pem", "--now", "2026-03-01T00:00:00Z")
    do(folder, "scan", "@library", "--out", "@scan", "--now", "2026-03-01T00:00:00Z")
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def notes(*checks: dict[str, Any], package: str = "library/datapackage.json", name: str | None = None) -> list[str]:
    from frictionless import Checklist, Package

    report = Package(package).validate(Checklist.from_descriptor({"checks": list(checks)}), name=name)
    return [f"{task.name} {error.type} {error.message}" for task in report.tasks for error in task.errors]


def test_a_library_passes_what_it_should(folder: Path) -> None:
    assert notes({"type": "datalib-producer"}, CHAIN) == []


def test_a_library_without_a_producer_does_not_pass(folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / "library" / "datapackage.json").read_bytes())
    document["resources"] = [item for item in document["resources"] if item["name"] == "words"]
    (tmp_path / "words.csv").write_text(ROWS, encoding="utf-8")
    for change in ({"id": "kz-bin:1"}, None):
        block = dict(document["datalib"]) | {"producer": {**document["datalib"]["producer"], **(change or {})}}
        if change is None:
            del block["producer"]
        (tmp_path / "datapackage.json").write_text(json.dumps(document | {"datalib": block}))
        [found] = notes({"type": "datalib-producer"}, package=str(tmp_path / "datapackage.json"))
        assert ("E-PARTY-ID" if change else "E-SCHEMA") in found


@pytest.mark.parametrize(
    ("check", "code"),
    [
        ({"type": "datalib-chain"}, "E-NO-TRUST"),
        (CHAIN | {"keys": ["x-a:b=producer.pub.pem"]}, "E-SIG-PRODUCER"),
        (CHAIN | {"policy": "none.json", "roots": "none.json", "keys": []}, "E-IO"),
        (CHAIN | {"require": ["optout"]}, "E-ATTEST-MISSING"),
        (CHAIN | {"now": "soon"}, "E-TIME-FORMAT"),
        ({"type": "datalib-optout"}, "E-USAGE"),
        (SCAN | {"scan": "nowhere"}, "E-SCAN-FORMAT"),
    ],
)
def test_what_could_not_be_checked_is_an_error(folder: Path, check: dict[str, Any], code: str) -> None:
    found = notes(check, name="words")
    assert len(found) == 1
    assert code in found[0]


def test_rows_and_files_that_were_not_admitted_are_found(folder: Path) -> None:
    found = notes(SCAN)
    by_name = Counter(note.split(" ")[0] for note in found)
    assert by_name == {"words": 2, "p": 4, "page": 1}
    assert any("position 2: hold: not-asked-robots-txt" in note for note in found)
    assert any("hold: no-url" in note for note in found)
    assert any("page.html: refuse: robots-meta" in note for note in found)


def test_a_table_that_is_not_the_scanned_one_is_an_error(folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / "library" / "datapackage.json").read_bytes())
    words = next(item for item in document["resources"] if item["name"] == "words")
    for member in ("hash", "bytes"):
        del words[member]
    (tmp_path / "words.csv").write_text(ROWS + "more,\n", encoding="utf-8")
    (tmp_path / "datapackage.json").write_text(json.dumps(document | {"resources": [words]}))
    package = str(tmp_path / "datapackage.json")
    [found] = notes({"type": "datalib-optout", "scan": str(folder / "scan")}, package=package)
    assert "E-FILE-CHANGED" in found


def test_rows_that_do_not_add_up_are_an_error(folder: Path, tmp_path: Path) -> None:
    """A descriptor whose dialect skips a row sees other rows than the scan did."""
    document = json.loads((folder / "library" / "datapackage.json").read_bytes())
    words = next(item for item in document["resources"] if item["name"] == "words")
    words["dialect"] = {"header": False}
    words["schema"] = {"fields": [{"name": "word", "type": "string"}, {"name": "url", "type": "string"}]}
    (tmp_path / "words.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "datapackage.json").write_text(json.dumps(document | {"resources": [words]}))
    found = notes({"type": "datalib-optout", "scan": str(folder / "scan")}, package=str(tmp_path / "datapackage.json"))
    assert any("3 rows here, 2 in the scan" in note for note in found)


def test_a_single_file_is_no_library(folder: Path) -> None:
    from frictionless import Checklist, Resource

    checks = [{"type": "datalib-producer"}, SCAN]
    report = Resource("library/words.csv").validate(Checklist.from_descriptor({"checks": checks}))
    assert [error.type for task in report.tasks for error in task.errors] == ["datalib-library"] * 2


def test_types_of_others_are_left_to_others() -> None:
    from frictionless import system

    assert system.select_check_class("datalib-chain").type == "datalib-chain"
    assert system.select_check_class("duplicate-row").type == "duplicate-row"
    assert system.select_error_class("datalib-library").type == "datalib-library"
    assert system.select_error_class("row-error").type == "row-error"
