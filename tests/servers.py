"""Run ``datalib log witness`` and ``datalib log serve`` as processes of their own, on the loopback."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def spawned(*arguments: str) -> Iterator[str]:
    """Start the program; give the URL at which it listens; end it as a service manager does."""
    with subprocess.Popen(
        [sys.executable, "-m", "datalib_cli.entry", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            if not first.startswith("listening: "):
                raise AssertionError(first)
            yield first.split()[1]
        finally:
            process.terminate()
            status = process.wait(timeout=30)
    assert status == 0
