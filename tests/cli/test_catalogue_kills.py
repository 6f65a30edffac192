"""A kill at any touch of the file system: the site works, and the next run makes what one run would have made."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.catalogues import entries, lost, page, snapshot
from tests.cli.conftest import PRODUCER, TRUST, Program
from tests.libraries import edit

KILLED = Path(__file__).parent.parent / "killed.py"
SOAK = "DATALIB_SOAK" in os.environ
MOST = 400
BUILD = ("catalogue", "build", "libraries", "-o", "site", *TRUST, "--require", "none")


def kill_at(touch: int) -> bool:
    """Run the build and kill it; tell whether it was killed before its end."""
    done = subprocess.run([sys.executable, str(KILLED), str(touch), *BUILD], capture_output=True, check=False)
    assert done.returncode in {-9, 1}, done.stderr
    return done.returncode == -9


def touches() -> list[int]:
    return list(range(1, MOST)) if SOAK else sorted(random.Random(7).sample(range(1, 100), 8))


def content(site: Path) -> dict[str, bytes]:
    """Give the bytes of all files, without what tells when the files of a library were looked at."""
    found = dict(snapshot(site))
    for name, data in found.items():
        if name.endswith("/entry.json"):
            found[name] = json.dumps({**json.loads(data), "sight": ""}).encode()
    return found


def make(datalib: Program, name: str) -> None:
    folder = Path("libraries") / name
    folder.mkdir(parents=True)
    (folder / "words.csv").write_text(f"word,count\n{name},2\n", encoding="utf-8")
    described = datalib(
        *("init", str(folder), "--producer-id", PRODUCER, "--producer-name", "en=P", "--purpose", "train:asr"),
        *("--source", "Own notes"),
    )
    assert described.status == 0, described.err
    assert datalib("sign", str(folder), "--key", "producer.pem").status == 0


@pytest.fixture
def moved_on(datalib: Program, library: Path) -> None:
    """A site of four libraries, of which one was amended since, one spoiled, one taken away; a fifth came."""
    for name in ("same", "amended", "spoiled", "leaving"):
        make(datalib, name)
    assert datalib(*BUILD).status == 0
    shutil.copytree("site", "before")
    make(datalib, "new")
    shutil.rmtree("libraries/leaving")
    edit(Path("libraries/amended/words.csv"), lambda data: data + b"more,1\n")
    assert datalib("sign", "libraries/amended", "--key", "producer.pem").status == 0
    edit(Path("libraries/spoiled/words.csv"), lambda data: data.upper())


def test_a_killed_build_leaves_a_site_that_works_and_is_finished_by_the_next(datalib: Program, moved_on: None) -> None:
    assert datalib(*BUILD).status == 1
    site = Path("site")
    wanted = content(site)
    assert {name: one.state for name, one in entries(site).items()} == {
        "same": "sound",
        "amended": "sound",
        "spoiled": "refused",
        "new": "sound",
    }
    for touch in touches():
        shutil.rmtree(site)
        shutil.copytree("before", site)
        killed = kill_at(touch)
        assert lost(site) == [], touch
        for entry in entries(site).values():
            if entry.state == "refused":
                assert page(site, f"library/{entry.key}/en.html").css("#verdict.no")
        assert datalib(*BUILD).status == 1
        assert content(site) == wanted, touch
        if not killed:
            break


def test_a_first_build_can_be_killed_too(datalib: Program, library: Path) -> None:
    for name in ("one", "two"):
        make(datalib, name)
    edit(Path("libraries/two/words.csv"), lambda data: data.upper())
    assert datalib(*BUILD).status == 1
    wanted = content(Path("site"))
    for touch in (1, 2, 3, 20, 40, 60):
        shutil.rmtree("site")
        assert kill_at(touch)
        assert not Path("site/index.html").exists()
        assert datalib(*BUILD).status == 1
        assert content(Path("site")) == wanted
