"""Reading what files say of themselves in a process of its own, so that no file can end or stop a scan."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import datalib
from datalib.errors import Unchecked
from datalib.optout.model import NOTHING, Carrier, Reading, State
from datalib.optout.statement import TRAINING, Evidence, of_list
from datalib.optout.synthetic import Mark
from datalib.optout.unit import SNIFF_BYTES, Sidecar, UnitReading
from datalib.optout.unit_process import read_frame, write_frame

#: Files read by one process; a new one begins with a clean memory.
_FILES: Final = 1 << 14
_MODULE: Final = "datalib.optout.unit_process"


class UnitReader:
    """Reads files one at a time in a process that is started with the first and replaced when a file ends it."""

    __slots__ = ("_answered", "_process")

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._answered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_file(self, path: Path, name: str, sidecars: Sequence[Sidecar] = ()) -> UnitReading:
        """Read a file. Raises Unchecked (E-IO)."""
        request = {"path": True, "name": name, "sidecars": [[sidecar.name, sidecar.kind] for sidecar in sidecars]}
        return self._read(request, [os.fsencode(path), *(sidecar.data for sidecar in sidecars)], path)

    def read_bytes(self, data: bytes, name: str, locator: str) -> UnitReading:
        """Read a file that is in memory; ``locator`` stands before the places of its statements."""
        return self._read({"path": False, "name": name, "locator": locator, "sidecars": []}, [data], None)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with suppress(OSError), process:  # what was not written yet is for nobody
            pass

    def _read(self, request: dict[str, Any], bodies: Sequence[bytes], path: Path | None) -> UnitReading:
        if self._answered >= _FILES:
            self.close()
        parts = [json.dumps(request | {"frames": len(bodies)}).encode(), *bodies]
        answer, proofs = self._ask(parts)
        if answer is None and self._answered:  # the process was no longer fresh: what came before may have ended it
            answer, proofs = self._ask(parts)
        if answer is None or "failed" in answer:
            locator = request.get("locator") or request["name"]
            return _unread(locator, _beginning(path) if path else bodies[0][:SNIFF_BYTES])
        if "error" in answer:
            raise Unchecked("E-IO", str(path), answer["error"])
        return _reading(answer, proofs)

    def _ask(self, parts: Sequence[bytes]) -> tuple[dict[str, Any] | None, list[bytes]]:
        """Send a request; give the answer with its frames, or None when the process ended over it."""
        try:
            requests, answers = self._pipes()
            write_frame(requests, *parts)
            answer = json.loads(read_frame(answers))
            proofs = [read_frame(answers) for _ in range(answer["frames"])]
        except (EOFError, BrokenPipeError):
            self.close()
            return None, []
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
