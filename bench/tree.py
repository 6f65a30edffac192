"""What a program and all its descendants use, those too that nobody waits for, as the processes of Ray are."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.usage import Usage

_PAUSE = 0.05  # seconds between two looks; what a process uses after the last of them is missed
_TICKS = os.sysconf("SC_CLK_TCK")


class Tree:
    """The processes that were ever seen below one: CPU seconds and peak memory (MB) of each, as last seen."""

    def __init__(self, root: int) -> None:
        self._seen = {root}
        self.cpu: dict[int, float] = {}
        self.peak: dict[int, float] = {}

    def look(self) -> None:
        for pid in list(self._seen):
            with suppress(OSError):
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    self._seen |= set(map(int, children.read_text().split()))
        for pid in self._seen:
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self.cpu[pid] = max(self.cpu.get(pid, 0.0), (int(fields[11]) + int(fields[12])) / _TICKS)
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        self.peak[pid] = max(self.peak.get(pid, 0.0), int(line.split()[1]) * 1024 / 1e6)


def measure_tree(arguments: Sequence[str | Path], *, stop: Callable[[], bool] | None = None) -> Usage:
    """Run a program to its end, or kill it with all its processes when ``stop`` says so. A failure stops the bench."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [str(argument) for argument in arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
    ) as process:  # fmt: skip
        tree = Tree(process.pid)
        killed = False
        while process.poll() is None:
            tree.look()
            if stop is not None and not killed and stop():
                os.killpg(process.pid, 9)
                killed = True
            time.sleep(_PAUSE)
    if process.returncode and not killed:
        sys.exit(f"{arguments}: exit {process.returncode}")
    if stop is not None and not killed:
        sys.exit(f"{arguments}: was done before it could be killed")
    return Usage(wall=time.perf_counter() - begun, cpu=sum(tree.cpu.values()), peak=max(tree.peak.values()))
