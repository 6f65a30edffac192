"""Fetch the files of a log, and ask witnesses for cosignatures, over HTTP.

Bodies are bounded in size and time, redirects are not followed, and nothing that arrives is believed here: tiles are
compared with the checkpoint, cosignatures with the keys of the log policy. C2SP tlog-tiles, C2SP tlog-witness.
"""

import gzip
import io
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Lock
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from datalib import __version__
from datalib.errors import DatalibError, Misuse, Refused, Unchecked
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.notes import NoteKey, NoteSignature
from datalib.trust.witness import ADD_CHECKPOINT, MAX_ANSWER, Cosign, Cosignatures, Post, Wanted, converse

#: Seconds that a server may take for one answer.
TIMEOUT = 10.0
_CHUNK = 64 * 1024
_PARALLEL = 16
_OK, _NOT_FOUND, _GONE = 200, 404, 410
_HEADERS = {"User-Agent": f"datalib/{__version__}", "Accept-Encoding": "gzip, identity"}


class Connection:
    """A connection to the server at a URL, kept open between requests. ``Misuse("E-USAGE")`` for what is no URL."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise Misuse("E-USAGE", url[:200], str(error)) from error
        if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or parts.username:
            raise Misuse("E-USAGE", url[:200], "not the URL of a log or a witness")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._prefix = parts.path
        self._connection = kind(host, port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._connection.close()

    def request(self, method: str, path: str, limit: int, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request; give status and body of at most ``limit`` bytes. ``Unchecked("E-IO")`` if none comes."""
        try:
            try:
                return self._once(method, path, limit, body)
            except (ConnectionError, HTTPException):
                # The server may have closed a connection that was kept open: once more, on a new one.
                self._connection.close()
                return self._once(method, path, limit, body)
        except (OSError, HTTPException, ValueError, EOFError, zlib.error) as error:
            self._connection.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unchecked("E-IO", f"{self.url}{path}", reason) from error

    def _once(self, method: str, path: str, limit: int, body: bytes | None) -> tuple[int, bytes]:
        self._connection.request(method, f"{self._prefix}{path}", body=body, headers=_HEADERS)
        response = self._connection.getresponse()
        data = self._read(response, limit)
        if response.headers.get("Content-Encoding", "").lower() == "gzip":
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(limit + 1)
        if len(data) > limit:
            self._connection.close()
            raise OSError(f"more than {limit} bytes")
        return response.status, data

    def _read(self, response: HTTPResponse, limit: int) -> bytes:
        deadline = time.monotonic() + self._timeout
        data = bytearray()
        while len(data) <= limit and (chunk := response.read1(_CHUNK)):
            data += chunk
            if time.monotonic() > deadline:
                self._connection.close()
                raise TimeoutError("too slow")
        return bytes(data)

    def fetch(self, path: str, limit: int) -> bytes | None:
        """Fetch a file of a log; ``None`` where there is none. This is a source of tiles."""
        status, data = self.request("GET", f"/{path}", limit)
        if status in {_NOT_FOUND, _GONE}:
            return None
        if status != _OK:
            raise Unchecked("E-IO", f"{self.url}/{path}", f"answers {status}")
        return data

    def post(self, data: bytes) -> tuple[int, bytes]:
        """Send a checkpoint to a witness."""
        return self.request("POST", ADD_CHECKPOINT, MAX_ANSWER, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A witness: where it answers, and the keys one of which is its."""

    url: str
    keys: tuple[NoteKey, ...]


def peers(policy: LogPolicy, given: Sequence[str]) -> list[Peer]:
    """Give the witnesses to ask: those whose URL the policy says, and those of the command line.

    These are ``NAME=URL``, with the name of the policy, or a URL alone, whose key is then any of the policy's. Raises
    ``Misuse("E-USAGE")``.
    """
    urls = dict(policy.urls)
    others = []
    for text in given:
        name, equals, url = text.partition("=")
        if equals and "/" not in name:
            if name not in policy.witnesses:
                raise Misuse("E-USAGE", "--witness", f"{name[:80]!r} is no witness of the log policy")
            urls[name] = url
        else:
            others.append(text)
    if others and not policy.witnesses:
        raise Misuse("E-USAGE", "--witness", "the log policy names no witness whose key could be expected")
    known = [Peer(url=url, keys=(policy.witnesses[name],)) for name, url in urls.items()]
    return [*known, *(Peer(url=url, keys=tuple(policy.witnesses.values())) for url in others)]


def asking(witnesses: Sequence[Peer], clock: Callable[[], int], timeout: float = TIMEOUT) -> Cosign:
    """Make a function that asks all witnesses at once. One that is silent or lies does not hinder the others."""

    def cosign(wanted: Wanted) -> Cosignatures:
        lock = Lock()

        def consistency(old: int) -> Sequence[bytes]:
            with lock:
                return wanted.consistency(old)

        calm = Wanted(note=wanted.note, size=wanted.size, before=wanted.before, consistency=consistency)
        signatures: dict[tuple[str, bytes], NoteSignature] = {}
        failures = []
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            for peer, found in zip(
                witnesses, pool.map(lambda peer: _ask(peer, calm, clock(), timeout), witnesses), strict=True
            ):
                if isinstance(found, NoteSignature):
                    signatures.setdefault((found.name, found.id), found)
                else:
                    failures.append((peer.url, found))
        return Cosignatures(signatures=tuple(signatures.values()), failures=tuple(failures))

    return cosign


def _ask(peer: Peer, wanted: Wanted, now: int, timeout: float) -> NoteSignature | str:
    """Ask one witness; give its cosignature, or why there is none."""
    try:
        with Connection(peer.url, timeout) as connection:
            post: Post = connection.post
            return converse(post, wanted, peer.keys, now)
    except Refused as error:
        return error.detail
    except DatalibError as error:
        return error.detail or error.code
