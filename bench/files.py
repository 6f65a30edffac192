"""Very many files: what ``init``, ``sign`` and ``verify`` hold in memory, and what verifying costs beside hashing."""

import shutil
import sys
from pathlib import Path

from bench.library import PARTY, about
from bench.row import Row, bounded, compared
from bench.usage import Usage, measure, program

MANY, FULL_MANY = 200_000, 1_000_000
_FEW = 20_000
_IN_FOLDER = 1_000
_REFERENCE = Path(__file__).with_name("reference_hash.py")


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Describe, sign and verify 20,000 files, then 200,000, in full a million."""
    key = tmp / "key.pem"
    measure([program("datalib"), "key", "new", "-o", key, "--no-password"])
    many = FULL_MANY if full else MANY
    less, more = (life(tmp / str(count), count, key) for count in (_FEW, many))
    hashed = more.pop("reference")
    ours, theirs = more["verify"].cpu, hashed.cpu
    rows = [
        compared("datalib verify, many files", "reference_hash.py", ours, theirs, aim="<= 1.3", note=f"{many} files")
    ]
    for verb, used in more.items():
        what, note = f"datalib {verb}, many files", f"{many} files; {used.cpu:.1f} CPU s"
        rows += [
            bounded(f"{what}: peak memory", used.peak, unit="MB", aim="<= 250 MB", note=note),
            compared(f"{what}: peak memory", f"the same, {_FEW} files", used.peak, less[verb].peak, unit="MB"),
        ]
    return rows


def described(folder: Path, count: int) -> Usage:
    """Make so many small files and describe them as a library; give what describing took."""
    for number in range(count):
        if number % _IN_FOLDER == 0:
            place = folder / f"part-{number // _IN_FOLDER:04d}"
            place.mkdir(parents=True)
        (place / f"{number:07d}.txt").write_bytes(b"%d\n" % number)
    return measure([program("datalib"), "init", folder, *about()])


def life(folder: Path, count: int, key: Path) -> dict[str, Usage]:
    """Describe, sign and verify so many small files; they are removed afterwards."""
    datalib = program("datalib")
    vouched = f"{PARTY}={key.with_suffix('.pub.pem')}"
    verify: list[str | Path] = [datalib, "verify", folder, "--key", vouched, "--require", "none"]
    reference: list[str | Path] = [sys.executable, _REFERENCE, folder]
    used = {
        "init": described(folder, count),
        "sign": measure([datalib, "sign", folder, "--key", key]),
        "reference": measure(reference) | measure(reference),
        "verify": measure(verify) | measure(verify),
    }
    shutil.rmtree(folder)
    return used
