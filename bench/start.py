"""How long the command takes to begin: ``datalib --version`` and ``--help`` against a Python that does nothing."""

import platform
import sys
from pathlib import Path

from bench.row import Row, compared
from bench.usage import Usage, measure, program

_ROUNDS = 15


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Take the best of some rounds of all three, in turns."""
    del tmp, full  # nothing is made, and there is one size
    python, datalib = Path(sys.executable), program("datalib")
    kinds: dict[str, list[Path | str]] = {
        "python": [python, "-c", "pass"],
        "--version": [datalib, "--version"],
        "--help": [datalib, "--help"],
    }
    best: dict[str, Usage] = {}
    for _ in range(_ROUNDS):
        for kind, arguments in kinds.items():
            found = measure(arguments)
            best[kind] = best[kind] | found if kind in best else found
    against = f"python {platform.python_version()} -c pass"
    return [
        compared(f"datalib {kind}", against, best[kind].wall, best["python"].wall, unit="s", aim=aim)
        for kind, aim in (("--version", "<= 4"), ("--help", "<= 10"))
    ]
