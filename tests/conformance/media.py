"""Scan a folder of media files and hold the verdicts against its ``EXPECTED.tsv``.

``python -m tests.conformance.media FOLDER``. The last column of the list is the class of a file: those with a refusal
and those that contradict themselves must be refused; those that cannot be read, have their manifest elsewhere, or are
of a form that is not supported must be held; all others are admitted. The exit status is 1 when a file was judged
otherwise.
"""

import csv
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from datalib.optout.scan import scan

LIST = "EXPECTED.tsv"
_HELD = ("malformed", "undetermined", "remote", "unsupported", "unknown")


def verdict_of(name: str) -> str:
    """Give the verdict that a class calls for."""
    if any(word in name for word in _HELD):
        return "hold"
    refused = name.startswith(("opt-out", "conflict"))
    return "refuse" if refused else "admit"


def expected(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the files of a list with their classes."""
    with (folder / LIST).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield row["file"], row["class"]


def verdicts(folder: Path, out: Path) -> dict[str, str]:
    """Scan a folder; give the verdict and its reason by file."""
    scan([folder], out=out, now=1_800_000_000)
    rows = (row for path in sorted((out / "decisions").iterdir()) for row in pq.read_table(path).to_pylist())
    return {row["work_id"]: f"{row['verdict']} ({row['reason']})" for row in rows}


def main(arguments: list[str]) -> int:
    """Judge the folders named on the command line."""
    write = sys.stdout.write
    passed = failed = 0
    for folder in map(Path, arguments):
        with tempfile.TemporaryDirectory() as out:
            found = verdicts(folder, Path(out, "scan"))
        for name, kind in expected(folder):
            got = found.get(name, "not scanned")
            good = got.split()[0] == verdict_of(kind)
            passed += good
            failed += not good
            if not good:
                write(f"FAILED {name}: {kind} calls for {verdict_of(kind)}, got {got}\n")
    write(f"{passed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
