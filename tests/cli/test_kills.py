"""A kill at any touch of the file system: the next run completes, and what comes out verifies."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import AUDITOR, BUYER, PRODUCER, TRUST, Program

KILLED = Path(__file__).parent.parent / "killed.py"
SOAK = "DATALIB_SOAK" in os.environ
MOST = 60


def _kill_at(touch: int, *arguments: str) -> int:
    done = subprocess.run([sys.executable, str(KILLED), str(touch), *arguments], capture_output=True, check=False)
    return done.returncode


def _touches() -> list[int]:
    """All of them in the soak, a seeded few otherwise."""
    everything = list(range(1, MOST + 1))
    return everything if SOAK else sorted(random.Random(5).sample(range(1, 16), 5))


ACTS = {
    "genesis": ("sign", "library", "--key", "producer.pem"),
    "amend": ("sign", "library", "--key", "producer.pem"),
    "attest": (
        *("attest", "library", "--as", AUDITOR, "--name", "en=Auditor", "--claim", "quality", "--result", "pass"),
        *("--evidence", "notes-on-it.txt", "--key", "auditor.pem"),
    ),
    "accept": ("transfer", "accept", "library", "--offer", "offer.json", "--key", "buyer.pem", *TRUST),
    "withdraw": ("withdraw", "library", "--reason", "test", "--key", "producer.pem"),
    "assemble": (
        *("assemble", "library", "--input", "upstream", "--input", "other,mode=subset,prefix=o", "--take", "o/*.txt"),
        *("--producer-id", PRODUCER, "--producer-name", "en=P", "--purpose", "train:asr", "--key", "producer.pem"),
        *TRUST,
    ),
    "follow": ("assemble", "library", "--input", "upstream", "--key", "producer.pem", *TRUST),
    "join": (
        *("assemble", "library", "--input", "upstream", "--input", "other"),
        *("--join", "deep/words.csv=upstream/words,other/words"),
        *("--producer-id", PRODUCER, "--producer-name", "en=P", "--purpose", "train:asr", "--key", "producer.pem"),
        *TRUST,
    ),
    "join again": ("assemble", "library", "--input", "upstream", "--input", "other", "--key", "producer.pem", *TRUST),
}


def _prepare(datalib: Program, library: Path, act: str) -> None:
    if act == "genesis":
        return
    if act in {"assemble", "follow", "join", "join again"}:
        _prepare_assembly(datalib, library, act)
        return
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    if act == "amend":
        (library / "notes.txt").write_text("changed\n")
    if act == "attest":
        (library.parent / "notes-on-it.txt").write_text("good\n")
    if act == "accept":
        offered = datalib(
            *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "x"),
            *("--key", "producer.pem", "-o", "offer.json"),
        )
        assert offered.status == 0


def _prepare_assembly(datalib: Program, library: Path, act: str) -> None:
    """Make two libraries to take from; ``library`` becomes the one that is assembled of them."""
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    upstream = library.rename(library.parent / "upstream")
    shutil.copytree(upstream, library.parent / "other", ignore=shutil.ignore_patterns("chain.jsonl", "manifests"))
    (library.parent / "other/more.txt").write_text("more\n")
    assert datalib("sign", "other", "--key", "producer.pem").status == 0
    library.mkdir()
    if act == "follow":
        assert datalib(*ACTS["assemble"]).status == 0
        (upstream / "notes.txt").write_text("changed\n")
        (upstream / "new.txt").write_text("new\n")
        assert datalib("sign", "upstream", "--key", "producer.pem").status == 0
    if act == "join again":
        assert datalib(*ACTS["join"]).status == 0
        (upstream / "words.csv").write_text("word,count\nай,1\n", encoding="utf-8")
        assert datalib("sign", "upstream", "--key", "producer.pem").status == 0


@pytest.mark.parametrize("act", ACTS)
def test_a_killed_act_is_completed_by_the_next_run(datalib: Program, library: Path, act: str, tmp_path: Path) -> None:
    _prepare(datalib, library, act)
    shutil.copytree(library, tmp_path / "before")
    for touch in _touches():
        shutil.rmtree(library)
        shutil.copytree(tmp_path / "before", library)
        status = _kill_at(touch, *ACTS[act])
        killed = status == -9
        assert killed or status == 0
        chain = library / "chain.jsonl"
        lines = len(chain.read_bytes().splitlines()) if chain.exists() else 0
        wanted = 1 if act in {"genesis", "assemble", "join"} else 2
        if lines < wanted:
            # What is half done is no library that a verifier accepts, or still the one from before.
            half = datalib("verify", "library", *TRUST, "--require", "none", "--format", "json").data
            assert not half["accepted"] or len(half["events"]) == lines
            again = datalib(*ACTS[act])
            assert again.status == 0, again.err
        else:
            swept = datalib("sign", "library", "--key", "producer.pem")
            assert swept.status == 0 or "E-CHAIN-AFTER-WITHDRAW" in swept.err
        assert len(chain.read_bytes().splitlines()) == wanted
        report = datalib("verify", "library", *TRUST, "--require", "none", "--format", "json").data
        assert report["integrity"], report
        if not killed:
            break
