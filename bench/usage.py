"""What a program uses: time, CPU, memory; its children included."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """``wall`` and ``cpu`` (user and system) in seconds, ``peak`` memory in MB (10^6 bytes) of its largest process."""

    wall: float
    cpu: float
    peak: float

    def __or__(self, other: "Usage") -> "Usage":
        """Give the lesser of each: what else ran on the machine can only add."""
        return Usage(wall=min(self.wall, other.wall), cpu=min(self.cpu, other.cpu), peak=min(self.peak, other.peak))


def measure(
    arguments: Sequence[str | Path], *, env: Mapping[str, str] | None = None, good: Sequence[int] = (0,)
) -> Usage:
    """Run a program to its end and measure it. Its output is thrown away; a status not in ``good`` stops the bench."""
    words = [str(argument) for argument in arguments]
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as result:
        ran = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCH), result.name, *words],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        figures = result.read().split()
    if ran.returncode or int(figures[0]) not in good:
        raise SystemExit(f"{' '.join(words)}\n{ran.stderr.decode(errors='replace')}")
    return Usage(wall=float(figures[1]), cpu=float(figures[2]), peak=int(figures[3]) * 1024 / 1e6)


def program(name: str) -> Path:
    """Give the path of a program of this environment."""
    return Path(sys.executable).with_name(name)
