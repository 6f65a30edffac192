"""Bars on a terminal and events for pipelines: how far a command is, how fast, and how long it will take.

A bar shows itself when a phase takes longer than two seconds, only where stderr is a terminal, and leaves nothing
behind. Events (``--progress json``) are lines of JSON on stderr: at the beginning, then once a second, and at the end
of each phase.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from datalib_cli.base import texts
from datalib_cli.texts import Texts

MODES: Final = ("auto", "json", "none")
PATIENCE: Final = 2.0  # seconds before a bar shows itself
_PAUSE: Final = {"auto": 0.1, "json": 1.0}
_CELLS: Final = 24
_STEPS: Final = (("G", 10**9), ("M", 10**6), ("k", 10**3))
#: What is counted in each phase.
UNITS: Final = {
    "check": "bytes", "compile": "files", "hash": "bytes", "import": "answers", "judge": "shards", "place": "files",
    "ask": "requests", "inputs": "bytes", "read": "archives", "join": "rows", "pages": "libraries",
}  # fmt: skip
NAMES: Final = {
    "check": "checking", "compile": "compiling site files", "hash": "hashing", "import": "importing sites",
    "judge": "judging", "place": "copying", "ask": "asking sites", "inputs": "checking inputs",
    "read": "reading archives", "join": "joining", "pages": "writing pages",
}  # fmt: skip


class Meter:
    """Watches the phases of one command; a ``datalib.progress.Watch``."""

    def __init__(self, mode: str, out: TextIO, say: Texts, clock: Callable[[], float] = time.monotonic) -> None:
        self._mode, self._out, self.say, self._clock = mode, out, say, clock
        self._phase = ""
        self._begun = self._last = 0.0
        self._done = 0
        self._total: int | None = None
        self._shown = False

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        """Note how far a phase is."""
        now = self._clock()
        if phase != self._phase:
            self.end()
            self._phase, self._begun, self._last = phase, now, now - _PAUSE[self._mode]
        self._done, self._total = done, total
        if now - self._last < _PAUSE[self._mode]:
            return
        self._last = now
        if self._mode == "json":
            self._event("progress", now)
        elif now - self._begun >= PATIENCE:
            self._bar(now)

    def end(self) -> None:
        """End the phase: take the bar away, or say how it ended."""
        if self._phase and self._mode == "json":
            self._event("end", self._clock())
        if self._shown:
            self._write("\r\x1b[K")
        self._phase, self._shown = "", False

    def _event(self, name: str, now: float) -> None:
        passed = now - self._begun
        facts = {
            "done": self._done, "event": name, "left_seconds": self._left(passed), "phase": self._phase,
            "seconds": round(passed, 3), "total": self._total, "unit": UNITS[self._phase], "version": 1,
        }  # fmt: skip
        self._write(json.dumps(facts, sort_keys=True) + "\n")

    def _bar(self, now: float) -> None:
        passed = now - self._begun
        parts = [self.say(NAMES[self._phase])]
        left = self._left(passed)
        if self._total:
            share = min(self._done / self._total, 1.0)
            full = int(share * _CELLS)
            parts += [f"[{'#' * full}{'.' * (_CELLS - full)}]", f"{share:4.0%}"]
        unit = self.say(UNITS[self._phase])
        parts += [f"{_short(self._done)} {unit},", f"{_short(self._done / passed, 1)}/s"]
        if left is not None:
            parts.append(self.say("{time} left", time=_span(left)))
        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r{' '.join(parts)[:width]}\x1b[K")
        self._shown = True

    def _left(self, passed: float) -> float | None:
        """Give the seconds that the rest will take at the speed so far, if that can be said."""
        if not self._total or not self._done or passed <= 0:
            return None
        return round(max(self._total - self._done, 0) * passed / self._done, 1)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


@contextmanager
def meter(mode: str) -> Iterator[Callable[[str, int, int | None], None] | None]:
    """Give what watches a command, or None: bars where stderr is a terminal, events where they are asked for."""
    if mode == "none" or (mode == "auto" and not sys.stderr.isatty()):
        yield None
        return
    found = Meter(mode, sys.stderr, texts())
    try:
        yield found
    finally:
        found.end()


def size_of(folder: Path) -> int | None:
    """Give the bytes of the data files of a library, for the share that is done; None for what is no folder."""
    from datalib.library.paths import RESERVED_FILES, RESERVED_FOLDERS

    if not folder.is_dir():
        return None
    total, own = 0, RESERVED_FILES
    for root, folders, names in os.walk(folder):
        if own:  # the library's record is not hashed with its data
            folders[:] = [name for name in folders if name not in RESERVED_FOLDERS]
        for name in (name for name in names if name not in own):
            try:
                total += os.lstat(os.path.join(root, name)).st_size  # noqa: PTH118 (a Path for each of a million files takes seconds)
            except OSError:  # the command itself will say so
                continue
        own = frozenset()
    return total


def _short(number: float, digits: int = 0) -> str:
    for letter, size in _STEPS:
        if number >= size:
            return f"{number / size:.1f} {letter}"
    return f"{number:.{digits}f}"


def _span(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
