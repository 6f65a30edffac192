"""The process that reads files which nobody vouches for: ``python -m datalib.optout.unit_process``.

Native readers of media formats may end with their process or never end at all on a file that was built for it. So they
run here, under limits of memory and processor time that the system enforces, and answer over pipes. A request is a
frame of JSON and the bytes it announces; so is an answer. A frame is its length in eight bytes, then its bytes. Several
requests may wait in the pipe; they are answered in their order.
"""

import hashlib
import io
import json
import os
import resource
import signal
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import datalib_vocab
from datalib.optout import agents
from datalib.optout.agents import AgentTable
from datalib.optout.model import Signal
from datalib.optout.statement import Evidence, to_list
from datalib.optout.unit import Sidecar, UnitReading, read_unit

#: Seconds of processor time for one file; bytes of address space for all that is read of it.
MAX_SECONDS: Final = 30.0
MAX_MEMORY: Final = 3 << 30
_LENGTH: Final = 8


def write_frame(out: BinaryIO, *parts: bytes) -> None:
    """Write frames and flush."""
    for part in parts:
        out.write(len(part).to_bytes(_LENGTH))
        out.write(part)
    out.flush()


def read_frame(source: BinaryIO) -> bytes:
    """Read one frame. Raises EOFError when the other side is gone."""
    head = source.read(_LENGTH)
    size = int.from_bytes(head)
    body = source.read(size) if len(head) == _LENGTH else b""
    if len(head) != _LENGTH or len(body) != size:
        raise EOFError
    return body


def main() -> int:
    """Answer requests until the other side closes its pipe."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, out = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what a library prints must not become an answer
    while True:
        try:
            request = json.loads(read_frame(source))
            bodies = [read_frame(source) for _ in range(request["frames"])]
        except EOFError:
            return 0
        # The default action of this signal ends the process, whatever native code it is in.
        signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
        answer = _answer(request, bodies)
        signal.setitimer(signal.ITIMER_PROF, 0)
        write_frame(out, *answer)


def _answer(request: dict[str, Any], bodies: list[bytes]) -> list[bytes]:
    try:
        reading = _read(request, bodies)
    except OSError as error:
        return [json.dumps({"error": error.strerror or str(error), "frames": 0}).encode()]
    except Exception:  # noqa: BLE001 (whatever a file provokes ends its own reading, closed, and not the run)
        return [json.dumps({"failed": True, "frames": 0}).encode()]
    proofs = sorted(reading.proofs.items())
    return [json.dumps(_to_json(reading) | {"frames": len(proofs)}).encode(), *(data for _, data in proofs)]


def _read(request: dict[str, Any], bodies: list[bytes]) -> UnitReading:
    name, page = request["name"], partial(_read_page, request["agent"])
    if not request["path"]:
        return read_unit(io.BytesIO(bodies[0]), len(bodies[0]), name, locator=request["locator"], page=page)
    named = zip(request["sidecars"], bodies[1:], strict=True)
    sidecars = [Sidecar(name=beside, kind=kind, data=data) for (beside, kind), data in named]
    with Path(os.fsdecode(bodies[0])).open("rb") as stream:
        return read_unit(stream, os.fstat(stream.fileno()).st_size, name, sidecars=sidecars, page=page)


def _read_page(agent: str, html: bytes, locator: str) -> tuple[Signal, ...]:
    """Read a web page that lies in an archive."""
    from datalib.optout.judge import judge_page  # heavy, and few archives hold pages

    return judge_page(html, agent, _table(), Evidence(locator=locator, sha256=hashlib.sha256(html).hexdigest()))


@cache
def _table() -> AgentTable:
    return agents.read(datalib_vocab.read("agents.json"))


def _to_json(reading: UnitReading) -> dict[str, Any]:
    return {
        "asked": reading.asked,
        "signals": [to_list(found) for found in reading.signals],
        "marks": [[mark.standard, mark.code, mark.place] for mark in reading.marks],
        "proofs": sorted(reading.proofs),
    }


if __name__ == "__main__":
    sys.exit(main())
