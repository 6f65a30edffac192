"""A scan that is killed goes on where it was: the next run gives the bytes of a run that nobody disturbed."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scanning import make_works, scan_files
from tests.webarchives import http, packed, record, robots

KILLED = Path(__file__).parents[1] / "killed.py"
#: A scan of the works below touches the disk about this often.
TOUCHES = 170
KILLS = 120 if os.environ.get("DATALIB_SOAK") else 2


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed")
    make_works(root, 3, 500)
    refused = record("https://h1.kz/no/1", http(b'<meta name="robots" content="noai">'))
    rules = robots("https://h9.kz", b"User-agent: *\nDisallow: /no\n")
    archive = packed(rules, record("https://h9.kz/yes"), record("https://h9.kz/no"), refused, record("https://h2.kz/"))
    (root / "works" / "w.warc.gz").write_bytes(archive)
    (root / "works" / "page.html").write_text('<meta name="robots" content="noai">', encoding="utf-8")
    return root


def arguments(root: Path, out: str, workers: int) -> list[str]:
    return [
        "scan", str(root / "works"), "--sites", str(root / "s.jsonl"), "-o", str(root / out), "--admitted",
        "--receipts", "--workers", str(workers), "--now", "2027-01-15T08:00:00Z",
    ]  # fmt: skip


def run(root: Path, out: str, *, workers: int = 1, until: int = 0) -> int:
    found = subprocess.run(
        [sys.executable, KILLED, str(until), *arguments(root, out, workers)],
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert found.returncode in {0, -signal.SIGKILL}, found.stderr.decode()
    return found.returncode


def test_a_killed_scan_is_completed_by_the_next_one(works: Path) -> None:
    assert run(works, "whole") == 0
    whole = scan_files(works / "whole")
    chance = random.Random(11)
    for number in range(KILLS):
        out, workers = f"out{number}", 1 + number % 2
        for until in (chance.randrange(1, TOUCHES), chance.randrange(1, TOUCHES // 2)):
            run(works, out, workers=workers, until=until)
        assert run(works, out, workers=workers) == 0
        assert scan_files(works / out) == whole
