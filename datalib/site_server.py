"""Serve the folder of a static site over HTTP, for trying it: files, their types, strict headers. Nothing is listed."""

from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote_to_bytes

from datalib.errors import Refused, Unchecked
from datalib.library.paths import from_bytes
from datalib.library.store import Folder
from datalib.log_server import Handler, Server

#: Types by ending; what has another is offered as bytes to be kept, never shown.
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".jsonld": "application/ld+json",
    ".ttl": "text/turtle; charset=utf-8",
    ".xml": "application/rss+xml; charset=utf-8",
    ".sha256": "text/plain; charset=utf-8",
    ".zip": "application/zip",
    ".tar": "application/x-tar",
}
_BYTES: Final = "application/octet-stream"
#: As the pages say themselves, and that no other page shows them in a frame.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_CHUNK: Final = 1 << 16
_ABSENT: Final = "E-FILE-MISSING"


def serve_site(folder: Folder, host: str, port: int) -> Server:
    """Serve the files below an open folder; no link is followed, no name that begins with a dot is known."""

    class Files(Handler):
        def do_GET(self) -> None:  # noqa: N802  # the name that http.server calls
            name = _name(self.path)
            if name is None:
                self._say(HTTPStatus.NOT_FOUND, b"not there\n")
                return
            try:
                with folder.open(name, missing=_ABSENT) as file:
                    size = file.seek(0, 2)
                    file.seek(0)
                    self._head(HTTPStatus.OK, _TYPES.get(PurePosixPath(name).suffix, _BYTES), size)
                    while self.command != "HEAD" and (data := file.read(min(_CHUNK, size))):
                        self.wfile.write(data)
                        size -= len(data)
            except Refused:
                self._say(HTTPStatus.NOT_FOUND, b"not there\n")
            except Unchecked:
                self._say(HTTPStatus.INTERNAL_SERVER_ERROR, b"cannot be read\n")

        do_HEAD = do_GET  # noqa: N815  # the name that http.server calls

        def _head(self, status: HTTPStatus, kind: str, size: int) -> None:
            self.send_response(status)
            for header, value in {"Content-Type": kind, "Content-Length": str(size), **_HEADERS}.items():
                self.send_header(header, value)
            self.end_headers()

        def _say(self, status: HTTPStatus, text: bytes) -> None:
            self._head(status, _TYPES[".sha256"], len(text))
            if self.command != "HEAD":
                self.wfile.write(text)

    return Server(host, port, Files)


def _name(target: str) -> str | None:
    """Give the path of the file that a request means; ``None`` for a target that means none."""
    path = unquote_to_bytes(target.partition("?")[0].partition("#")[0])
    if not path.startswith(b"/") or b"\0" in path:
        return None
    path = path[1:] + (b"index.html" if path.endswith(b"/") else b"")
    if any(not part or part.startswith(b".") for part in path.split(b"/")):
        return None
    return from_bytes(path)
