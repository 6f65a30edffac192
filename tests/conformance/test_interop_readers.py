"""Foreign readers accept what we write: mlcroissant, bagit, Frictionless (rdflib and pyshacl: test_interop_rdf)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop import AUDITOR, BUYER, PRODUCER, do, live
from tests.shared import SHARED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("readers")
    live(made)
    return made


def loaded(path: Path, records: str) -> Any:
    """Let mlcroissant load a description, its files and the records of one set, in a process of its own."""
    program = (
        "import sys, json, mlcroissant as mlc; d = mlc.Dataset(jsonld=sys.argv[1]);"
        "plain = lambda v: v.decode() if isinstance(v, bytes) else v;"
        "rows = [[plain(v) for v in r.values()] for r in d.records(sys.argv[2])];"
        "print(json.dumps([sorted(d.metadata.issues.errors), rows, [f.id for f in d.metadata.distribution]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), records],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_mlcroissant_loads_records_and_checks_digests(folder: Path) -> None:
    do(folder, "export", "@library", "--to", "croissant", "--base", "library", "-o", "@croissant.json")
    errors, records, files = loaded(folder / "croissant.json", "words-records")
    assert errors == []
    assert records == [["дала", 2], ["күн", 3]]
    assert "listing" in files


@pytest.mark.shared
def test_a_real_croissant_becomes_a_library_and_croissant_again(tmp_path: Path) -> None:
    real = SHARED / "real" / "croissant" / "1.0" / "titanic"
    shutil.copytree(real / "data", tmp_path / "library" / "data")
    do(tmp_path, "import", str(real / "metadata.json"), "-o", "@library")
    do(
        tmp_path,
        *("init", "@library", "--producer-id", "x-test:me", "--producer-name", "en=Me", "--purpose", "eval"),
        *("--source", "OpenML=https://www.openml.org/d/40945"),
    )
    do(tmp_path, "key", "new", "-o", "@k.pem", "--no-password")
    do(tmp_path, "sign", "@library", "--key", "@k.pem")
    do(tmp_path, "export", "@library", "--to", "croissant", "--base", "library", "-o", "@croissant.json")
    errors, records, files = loaded(tmp_path / "croissant.json", "genders.csv-records")
    assert errors == []
    assert [row[0] for row in records] == ["male", "female"]
    assert len(files) == 4


def test_bagit_validates_our_bag(tmp_path: Path) -> None:
    import bagit

    (tmp_path / "library" / "a").mkdir(parents=True)
    (tmp_path / "library" / "a" / "сөз.txt").write_text("сөз")
    do(
        tmp_path,
        *(
            "init",
            "@library",
            "--producer-id",
            PRODUCER,
            "--producer-name",
            "en=A",
            "--purpose",
            "eval",
            "--source",
            "A",
        ),
    )
    do(tmp_path, "key", "new", "-o", "@k.pem", "--no-password")
    do(tmp_path, "sign", "@library", "--key", "@k.pem")
    do(tmp_path, "export", "@library", "--to", "bagit", "-o", "@bag")
    opened: Any = bagit.Bag(str(tmp_path / "bag"))
    opened.validate()
    assert opened.info["Datalib-Producer"] == PRODUCER


def test_frictionless_finds_our_checks_and_runs_them(folder: Path) -> None:
    checks = [
        {"type": "datalib-producer"},
        {
            "type": "datalib-chain",
            "now": "2026-04-01T00:00:00Z",
            "keys": [f"{PRODUCER}=producer.pub.pem", f"{BUYER}=buyer.pub.pem", f"{AUDITOR}=auditor.pub.pem"],
        },
    ]
    (folder / "checks.json").write_text(json.dumps({"checks": checks}))
    command = [sys.executable, "-m", "frictionless", "validate", "library/datapackage.json", "--json"]
    done = subprocess.run(
        [*command, "--checklist", "checks.json"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        [*command, "--checks", "datalib-producer datalib-chain"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "E-NO-TRUST" in done.stdout
