"""``export`` and ``import`` through the program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import TRUST, Program


def test_a_library_goes_to_standard_output_and_what_is_lost_to_the_other(datalib: Program, signed: Path) -> None:
    done = datalib("export", "library", "--to", "ntriples", "--files")
    assert done.status == 0
    assert done.out.count("ns#File>") == 2
    assert all(line.endswith(" .") for line in done.out.splitlines())
    assert "W-FOREIGN-LOST" in done.err


def test_a_file_is_told_of_in_json(datalib: Program, signed: Path, tmp_path: Path) -> None:
    done = datalib("export", "library", "--to", "dcat", "-o", "a.jsonld", *TRUST, "--format", "json")
    assert done.status == 0, done.err
    assert (done.data["assurance"], done.data["to"]) == ("verified", "dcat")
    assert {item["code"] for item in done.data["lost"]} == {"W-FOREIGN-LOST"}
    assert json.loads((tmp_path / "a.jsonld").read_bytes())["@graph"]
    done = datalib("export", "library", "--to", "turtle", "-o", "a.ttl", *TRUST, "--data", "none", "--format=json")
    assert done.data["assurance"] == "signed"


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("--to", "turtle", "--format", "json"), 2, "E-USAGE"),
        (("--to", "bagit"), 2, "E-USAGE"),
        (("--to", "bagit", "-o", "bag", "--files"), 2, "E-USAGE"),
        (("--to", "bagit", "-o", "bag", "--base", "x"), 2, "E-USAGE"),
        (("--to", "croissant", "--files"), 2, "E-USAGE"),
        (("--to", "turtle", "-o", "library/out.ttl"), 2, "E-OUT-IN-LIBRARY"),
        (("--to", "bagit", "-o", "library/bag"), 2, "E-OUT-IN-LIBRARY"),
        (("--to", "turtle", "--roots", "r.json"), 2, "E-NO-TRUST"),
        (("--to", "turtle", "--key", "x-test:buyer=producer.pub.pem"), 1, "E-SIG-PRODUCER"),
        (("--to", "turtle", "-o", "none/a.ttl"), 3, "E-IO"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    datalib: Program, signed: Path, arguments: tuple[str, ...], status: int, code: str
) -> None:
    done = datalib("export", "library", *arguments)
    assert done.status == status
    assert code in done.err
    assert done.err.count("\n") == 1


def test_what_was_verified_is_remembered(datalib: Program, signed: Path, tmp_path: Path) -> None:
    assert datalib("export", "library", "--to", "prov", *TRUST, "--state", "state.json").status == 0
    assert (tmp_path / "state.json").exists()
    assert datalib("export", "library", "--to", "prov", *TRUST, "--state", "state.json").status == 0


def test_a_listing_that_is_not_the_signed_one_is_refused(datalib: Program, signed: Path, tmp_path: Path) -> None:
    listing = signed / "files.sha256"
    listing.write_text("0" * 64 + "  a.txt\n")
    done = datalib("export", "library", "--to", "ntriples", "--files", "-o", "a.nt")
    assert (done.status, "E-LIST-DIGEST" in done.err) == (1, True)
    assert not (tmp_path / "a.nt").exists()


def test_a_reader_that_goes_away_is_no_crash(datalib: Program, signed: Path) -> None:
    program = [sys.executable, "-c", "from datalib_cli.entry import main; main()", "export", "library"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*program, "--to", "turtle"], stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr


def test_a_foreign_description_is_completed_by_init_and_signed(datalib: Program, signed: Path, tmp_path: Path) -> None:
    assert datalib("export", "library", "--to", "croissant", "-o", "c.json").status == 0
    new = tmp_path / "new"
    new.mkdir()
    for name in ("words.csv", "notes.txt"):
        (new / name).write_bytes((signed / name).read_bytes())
    done = datalib("import", "c.json", "-o", "new", "--format", "json")
    assert done.status == 0, done.err
    assert (done.data["from"], done.data["restored"]) == ("croissant", False)
    assert done.data["lost"]
    described = datalib("init", "new")
    assert described.status == 0, described.err
    assert datalib("sign", "new", "--key", "producer.pem").status == 0
    assert datalib("verify", "new", *TRUST, "--require", "none").status == 0
    again = datalib("import", "c.json", "-o", "new")
    assert (again.status, "E-OUT-IN-LIBRARY" in again.err) == (2, True)


def test_a_bag_gives_the_library_back(datalib: Program, signed: Path, tmp_path: Path) -> None:
    assert datalib("export", "library", "--to", "bagit", "-o", "bag", *TRUST).status == 0
    back = datalib("import", "bag", "-o", "back")
    assert back.status == 0
    assert "next: datalib verify back" in back.out
    assert datalib("verify", "back", *TRUST, "--require", "none").status == 0


def test_cards_and_catalogues_come_in(datalib: Program, signed: Path, tmp_path: Path) -> None:
    for to, name in (("hf-card", "README.md"), ("dcat", "d.ttl"), ("dcat", "d.jsonld")):
        assert datalib("export", "library", "--to", to, "-o", name).status == 0
        done = datalib("import", name, "-o", f"from-{name}", "--format", "json")
        assert (done.status, done.data["from"]) == (0, to), done.err
    (tmp_path / "d.rdf").write_text("<rdf:RDF")
    (tmp_path / "strange").write_text("what is this?")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "big").write_bytes(b"\0" * ((16 << 20) + 1))
    (tmp_path / "file").write_text("")
    for arguments, status, code in (
        (("strange", "-o", "x"), 1, "E-FOREIGN-FORMAT"),
        (("d.rdf", "-o", "x"), 1, "E-FOREIGN-FORMAT"),
        (("big", "-o", "x", "--from", "dcat"), 1, "E-FOREIGN-FORMAT"),
        (("list.json", "-o", "x"), 1, "E-FOREIGN-DATASETS"),
        (("none", "-o", "x"), 3, "E-IO"),
        (("README.md", "-o", "file/x"), 3, "E-IO"),
        (("README.md", "-o", "x", "--dataset", "urn:x"), 2, "E-USAGE"),
        (("d.ttl", "-o", "x", "--dataset", "urn:x"), 1, "E-FOREIGN-DATASETS"),
    ):
        done = datalib("import", *arguments)
        assert (done.status, code in done.err) == (status, True), (arguments, done.err)
    assert not (tmp_path / "x").exists()
