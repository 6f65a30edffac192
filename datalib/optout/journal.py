"""A site snapshot while it is being collected: nothing that was answered is lost to a kill.

    OUT.partial   one line per answer, in the order of arrival; each line reaches the system before the next request
    OUT           the same lines, sorted, once all are there; it appears whole or not at all

A run that finds ``OUT.partial`` goes on where it ended: a torn last line is dropped, the rest is read strictly.
"""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout.answers import MAX_LINE, Answer, parse_line, to_json_line

#: Answers between two fsyncs. A kill loses none of them, a power cut at most these.
BATCH = 256
_END_OF_KEY = b',"status":'


class Journal:
    """The answers at hand: those of an earlier run and those added now. Made by :func:`open_journal`."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._unsynced = 0
        self._known: set[str] = set()
        self.statuses: Counter[str] = Counter()

    def __contains__(self, request: tuple[str, str]) -> bool:
        """Say whether ``(origin, path)`` has its answer."""
        return "".join(request) in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, answer: Answer) -> None:
        """Keep the answer to a request that has none yet."""
        self._file.write(to_json_line(answer).encode() + b"\n")
        self._file.flush()
        self._note(answer)
        self._unsynced += 1
        if self._unsynced >= BATCH:
            self.sync()

    def answers(self, path: str) -> Iterator[Answer]:
        """Read the answers for one path, in the order in which they came. Nothing may be added meanwhile."""
        mark = f'"path":{json.dumps(path)}'.encode()
        self._file.seek(0)
        for number, line in enumerate(iter(self._file.readline, b""), 1):
            if line[: line.index(_END_OF_KEY)].endswith(mark):
                yield parse_line(line, f"{self._path}:{number}")

    def sync(self) -> None:
        """Bring all answers to the disk."""
        os.fsync(self._file.fileno())
        self._unsynced = 0

    def load(self) -> None:
        """Read what an earlier run left and cut off a torn last line. Raises Refused (E-SITES-FORMAT)."""
        self._file.seek(0)
        number = end = 0
        while line := self._file.readline(MAX_LINE):
            if not line.endswith(b"\n") and len(line) < MAX_LINE:
                break
            number += 1
            place = f"{self._path}:{number}"
            answer = parse_line(line, place)
            if to_json_line(answer).encode() + b"\n" != line:
                raise Refused("E-SITES-FORMAT", place, "this line is not of a fetch; remove the file to start anew")
            self._note(answer)
            end += len(line)
        self._file.seek(end)
        self._file.truncate()

    def finish(self, out: Path) -> None:
        """Sort the lines by origin and path, and give the file its name."""
        self.sync()
        self._known.clear()
        sorted_path = out.with_name(f".datalib-tmp-{out.name}")
        with sorted_path.open("wb") as target:
            for offset in self._order():
                self._file.seek(offset)
                target.write(self._file.readline())
            target.flush()
            os.fsync(target.fileno())
        # In two steps, so that a kill between them leaves a complete journal and never two files.
        sorted_path.replace(self._path)
        self._path.replace(out)
        sync_folder(out.parent)

    def _order(self) -> list[int]:
        """Give the offsets of the lines in the order of their keys: every line begins with its origin and path."""
        self._file.seek(0)
        keys: list[tuple[bytes, int]] = []
        offset = 0
        while line := self._file.readline():
            keys.append((line[: line.index(_END_OF_KEY)], offset))
            offset += len(line)
        keys.sort()
        return [start for _, start in keys]

    def _note(self, answer: Answer) -> None:
        self._known.add(answer.origin + answer.path)
        self.statuses[str(answer.status)] += 1


@contextmanager
def open_journal(out: Path) -> Iterator[Journal]:
    """Open the journal of the snapshot ``out`` for one process, with the answers that an earlier run left.

    Raises Misuse (E-OUT-EXISTS) when ``out`` is there already: a snapshot is evidence and is not written over;
    Unchecked (E-IO), also while another process writes the same snapshot; Refused (E-SITES-FORMAT).
    """
    if os.path.lexists(out):
        raise Misuse("E-OUT-EXISTS", str(out), "a snapshot is evidence and is not written over; name another file")
    partial = partial_of(out)
    try:
        with open_partial(partial) as file:
            lock(file, partial)
            journal = Journal(file, partial)
            journal.load()
            try:
                yield journal
            except BaseException:  # whatever ended the run: a journal without an answer is worth nothing
                if not len(journal):
                    partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise Unchecked("E-IO", str(error.filename or partial), error.strerror or str(error)) from error


def partial_of(out: Path) -> Path:
    """Name the file that a result is collected in."""
    return out.with_name(out.name + ".partial")


def open_partial(path: Path) -> BinaryIO:
    """Open a file to go on with, or a new one; a link is not followed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    return os.fdopen(descriptor, "r+b")


def lock(file: BinaryIO, path: Path) -> None:
    """Keep a file that is being written to this process. Raises Unchecked (E-IO)."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Unchecked("E-IO", str(path), "another fetch is writing this snapshot") from error


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
