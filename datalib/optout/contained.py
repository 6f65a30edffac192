"""Reading what files say of themselves in a process of its own, so that no file can end or stop a scan."""

import hashlib
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Self

import datalib
from datalib.errors import Unchecked
from datalib.optout.model import NOTHING, Carrier, Reading, State
from datalib.optout.statement import TRAINING, Evidence, of_list
from datalib.optout.synthetic import Mark
from datalib.optout.unit import SNIFF_BYTES, Sidecar, UnitReading
from datalib.optout.unit_process import read_frame, write_frame

#: Files read by one process; a new one begins with a clean memory.
_FILES: Final = 1 << 14
#: Requests that wait in the pipe, and their bytes together: every pipe holds so many (pipe(7): at least a page; 64 KiB
#: since Linux 2.6.11).
_AHEAD: Final = 32
_AHEAD_BYTES: Final = 1 << 12
_FRAME: Final = 8  # bytes before each frame
_MODULE: Final = "datalib.optout.unit_process"


class FileRequest(NamedTuple):
    """A file to be read, the name it has in the results, and what stands beside it."""

    path: Path
    name: str
    sidecars: Sequence[Sidecar] = ()


class _Request(NamedTuple):
    """What is sent: the frames, the file if there is one, where the statements of the file stand."""

    parts: list[bytes]
    path: Path | None
    locator: str


class UnitReader:
    """Reads files in a process that is started with the first and replaced when a file ends it.

    ``agent``: the collector's product token, for web pages in archives.
    """

    __slots__ = ("_agent", "_answered", "_process")

    def __init__(self, agent: str = "datalib") -> None:
        self._agent = agent
        self._process: subprocess.Popen[bytes] | None = None
        self._answered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_file(self, path: Path, name: str, sidecars: Sequence[Sidecar] = ()) -> UnitReading:
        """Read a file. Raises Unchecked (E-IO)."""
        return next(self.read_files([FileRequest(path, name, sidecars)]))

    def read_bytes(self, data: bytes, name: str, locator: str) -> UnitReading:
        """Read a file that is in memory; ``locator`` stands before the places of its statements."""
        head = {"path": False, "name": name, "locator": locator, "sidecars": [], "agent": self._agent, "frames": 1}
        return self._read(_Request([json.dumps(head).encode(), data], None, locator or name))

    def read_files(self, files: Iterable[FileRequest]) -> Iterator[UnitReading]:
        """Read files one after the other; while one is read, the next requests wait in the pipe.

        As many wait as surely fit into it: then no side waits for the other. Raises Unchecked (E-IO).
        """
        waiting: deque[_Request] = deque()
        left = _AHEAD_BYTES
        try:
            for request in map(self._of_file, files):
                size = sum(_FRAME + len(part) for part in request.parts)
                while waiting and (size > left or len(waiting) >= _AHEAD or self._answered + len(waiting) >= _FILES):
                    left += sum(_FRAME + len(part) for part in waiting[0].parts)
                    yield self._receive(waiting)
                if size > _AHEAD_BYTES or not self._send(request):
                    while waiting:  # the process is gone, or must have its hands free
                        yield self._receive(waiting)
                    left = _AHEAD_BYTES
                    yield self._read(request)
                else:
                    waiting.append(request)
                    left -= size
            while waiting:
                yield self._receive(waiting)
        finally:
            if waiting:  # their answers are for nobody
                self.close()

    def _of_file(self, file: FileRequest) -> _Request:
        sidecars = [[sidecar.name, sidecar.kind] for sidecar in file.sidecars]
        bodies = [os.fsencode(file.path), *(sidecar.data for sidecar in file.sidecars)]
        head = {"path": True, "name": file.name, "sidecars": sidecars, "agent": self._agent, "frames": len(bodies)}
        return _Request([json.dumps(head).encode(), *bodies], file.path, file.name)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with suppress(OSError), process:  # what was not written yet is for nobody
            pass

    def _read(self, request: _Request) -> UnitReading:
        if self._answered >= _FILES:
            self.close()
        return self._settle(request, self._answer() if self._send(request) else None)

    def _receive(self, waiting: deque[_Request]) -> UnitReading:
        """Take the answer to the first request that waits; when there is none, the others are sent anew."""
        request = waiting.popleft()
        answer = self._answer() if self._process else None
        reading = self._settle(request, answer)
        if answer is None:
            for later in waiting:
                self._send(later)
        elif not waiting and self._answered >= _FILES:
            self.close()
        return reading

    def _settle(self, request: _Request, answer: tuple[dict[str, Any], list[bytes]] | None) -> UnitReading:
        if answer is None and self._answered:  # what came before may have ended it: a fresh process gets the file alone
            self.close()
            answer = self._answer() if self._send(request) else None
        if answer is None or "failed" in answer[0]:
            beginning = _beginning(request.path) if request.path else request.parts[1][:SNIFF_BYTES]
            return _unread(request.locator, beginning)
        if "error" in answer[0]:
            raise Unchecked("E-IO", str(request.path), answer[0]["error"])
        return _reading(*answer)

    def _send(self, request: _Request) -> bool:
        """Send a request; say whether there was a process to take it."""
        try:
            write_frame(self._pipes()[0], *request.parts)
        except BrokenPipeError:
            return False
        return True

    def _answer(self) -> tuple[dict[str, Any], list[bytes]] | None:
        """Take the next answer with its frames, or None when the process ended over it."""
        try:
            answers = self._pipes()[1]
            answer = json.loads(read_frame(answers))
            proofs = [read_frame(answers) for _ in range(answer["frames"])]
        except EOFError:
            self.close()
            return None
        self._answered += 1
        return answer, proofs

    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        if self._process is None:
            self._answered = 0
            home = str(Path(datalib.__file__).parents[1])
            known = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
            self._process = subprocess.Popen(  # noqa: S603 (our own module, in the interpreter that runs us)
                [sys.executable, "-P", "-m", _MODULE],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": known},
            )  # fmt: skip
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        return process.stdin, process.stdout  # type: ignore[return-value]  # pipes of a process are buffered binary files


def _reading(answer: dict[str, Any], proofs: list[bytes]) -> UnitReading:
    return UnitReading(
        asked=answer["asked"],
        signals=tuple(map(of_list, answer["signals"])),
        proofs=dict(zip(answer["proofs"], proofs, strict=True)),
        marks=tuple(Mark(standard=standard, code=code, place=place) for standard, code, place in answer["marks"]),
    )


def _unread(locator: str, beginning: bytes) -> UnitReading:
    """Hold back a file whose reading ended its process, or took more than it may."""
    evidence = Evidence(locator=f"{locator}#", sha256=hashlib.sha256(beginning).hexdigest())
    held = evidence.signal(
        "unit-unreadable", Carrier.UNIT, "", spec=NOTHING, strict=Reading.of(State.HOLD, *TRAINING),
        note="its reader came to no end, or to a bad one",
    )  # fmt: skip
    return UnitReading(asked=True, signals=(held,), proofs={evidence.sha256: beginning})


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as source:
            return source.read(SNIFF_BYTES)
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
