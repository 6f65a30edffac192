"""A terminal for tests: runs the program in a pseudo-terminal of a given width, and gives what it shows."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
DATALIB = Path(sys.executable).with_name("datalib")


def environment(**changes: str) -> dict[str, str]:
    """Give the environment of a user without wishes: no colour, no width, no language but those given."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"} or name.startswith("COV")}
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "SOURCE_DATE_EPOCH": "1790000000", **changes}


def shown(*arguments: str, cwd: Path, columns: int = 80, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run ``datalib`` with a terminal as stdout and stderr; give its exit status and what it wrote."""
    own, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [DATALIB, *arguments],
        cwd=cwd,
        env=environment(**(variables or {})),
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    found = bytearray()
    with suppress(OSError):  # a terminal that is closed on the other side ends so
        while piece := os.read(own, 1 << 16):
            found += piece
    os.close(own)
    return process.wait(), found.decode().replace("\r\n", "\n")


def uncoloured(text: str) -> str:
    """Take the colours out."""
    return _COLOUR.sub("", text)
