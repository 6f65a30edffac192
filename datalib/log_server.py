"""Small HTTP servers: the files of a log for all, and a witness. For trying them, or behind a web server with TLS.

A log's folder needs no server of its own: any static one will do. A witness keeps what it has seen before it answers.
C2SP tlog-tiles, C2SP tlog-witness.
"""

import fcntl
import os
import re
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import FrameType
from typing import Self

from datalib.errors import DatalibError, Misuse, Refused, Unchecked
from datalib.library.descent import trouble
from datalib.library.store import Folder
from datalib.trust.logfolder import CHECKPOINT, MAX_CHECKPOINT
from datalib.trust.notes import NoteKey, NoteSigner
from datalib.trust.state import Memory
from datalib.trust.tiles import MAX_BUNDLE, Tile
from datalib.trust.witness import ADD_CHECKPOINT, MAX_REQUEST, TEXT, Answer, answer
from datalib.verify import load_state, save_state

#: Seconds that a client may take for its request.
_PATIENCE = 10.0
_ABSENT = "E-FILE-MISSING"
_LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)
_BINARY = "application/octet-stream"
_BRIEFLY, _FOREVER = "max-age=5", "public, max-age=31536000, immutable"


class Server(ThreadingHTTPServer):
    """An HTTP server; a thread for each connection. ``Unchecked("E-IO")`` if it cannot listen there."""

    daemon_threads = True

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with trouble(f"{host}:{port}"):
            super().__init__((host, port), handler)

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about clients that go away in the middle."""

    def run(self, announce: Callable[[], None]) -> None:
        """Serve until the process is told to end (SIGINT, SIGTERM); ``announce`` is called when that works."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            Thread(target=self.shutdown, daemon=True).start()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            announce()
            self.serve_forever()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Handler(BaseHTTPRequestHandler):
    """Answers of a server: in time or not at all, and of nobody is a record kept."""

    protocol_version = "HTTP/1.1"
    server_version = "datalib"
    sys_version = ""
    timeout = _PATIENCE

    def log_message(self, *_: object) -> None:
        """Keep no record of who asked."""

    def send(self, status: HTTPStatus, body: bytes, kind: str = TEXT, cache: str = "no-store") -> None:
        """Answer; the body stays away when only the head was asked for."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", cache)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def serve_log(folder: Folder, host: str, port: int) -> Server:
    """Serve the checkpoint, tiles and bundles of a log in an open folder, and nothing else that lies there."""

    class Files(Handler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            if name != CHECKPOINT and Tile.parse(name) is None:
                self.send(HTTPStatus.NOT_FOUND, b"no such file in a log\n")
                return
            limit = MAX_CHECKPOINT if name == CHECKPOINT else MAX_BUNDLE
            try:
                data = folder.read(name, limit=limit, missing=_ABSENT, too_large="E-LOG-TILE")
            except Refused:
                self.send(HTTPStatus.NOT_FOUND, b"not there\n")
            except Unchecked as error:
                self.send(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error.detail}\n".encode())
            else:
                public = name == CHECKPOINT
                self.send(HTTPStatus.OK, data, TEXT if public else _BINARY, _BRIEFLY if public else _FOREVER)

        do_HEAD = do_GET  # noqa: N815  # the name that http.server calls

    return Server(host, port, Files)


class Witness:
    """A witness with its memory in a file, used by one process at a time."""

    def __init__(self, signer: NoteSigner, logs: Sequence[NoteKey], state: Path, clock: Callable[[], int]) -> None:
        """Take up the memory; ``Misuse("E-BUSY")`` if another has, ``Unchecked("E-STATE-FILE")`` if it is none."""
        self.signer = signer
        self.logs = tuple(logs)
        self._state = state
        self._clock = clock
        self._turn = Lock()
        with trouble(str(state)):
            self._guard = os.open(f"{state}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._memory = load_state(state)
        except BlockingIOError:
            os.close(self._guard)
            raise Misuse("E-BUSY", str(state)) from None
        except DatalibError:
            os.close(self._guard)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._guard)

    @property
    def memory(self) -> Memory:
        """What it has seen."""
        return self._memory

    def answer(self, data: bytes) -> Answer:
        """Answer a request; what is cosigned is on disk before."""
        with self._turn:
            found = answer(data, signer=self.signer, logs=self.logs, known=self._memory.logs, now=self._clock())
            if found.tree is not None:
                after = replace(self._memory, logs={**self._memory.logs, found.origin: found.tree})
                save_state(self._state, after)
                self._memory = after
            return found


def serve_witness(witness: Witness, host: str, port: int) -> Server:
    """Serve the protocol of witnesses."""

    class Requests(Handler):
        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not _LENGTH.fullmatch(length) or int(length) > MAX_REQUEST:
                self.close_connection = True
                self.send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length else HTTPStatus.LENGTH_REQUIRED, b"")
                return
            data = self.rfile.read(int(length))
            if self.path != ADD_CHECKPOINT:
                self.send(HTTPStatus.NOT_FOUND, b"not the address of a witness\n")
                return
            try:
                found = witness.answer(data)
            except DatalibError:  # the disk: what cannot be kept is not cosigned
                self.send(HTTPStatus.INTERNAL_SERVER_ERROR, b"the witness cannot keep what it sees\n")
                return
            self.send(HTTPStatus(found.status), found.body, found.type)

    return Server(host, port, Requests)
