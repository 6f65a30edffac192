"""Ask one site for one path over the network, within limits.

Rules kept here (RFC 9309 §2.3.1, datalib opt-out specification §2):

1. Whatever a site does, there is one :class:`Answer`: its status, or the word for why there is none (``FAILURES``).
2. One deadline for the whole answer, redirects included; one limit for what is received and for what it unpacks to.
3. Redirects are followed by hand: each hop is resolved, checked and only then connected to. A name is resolved once
   per host and the connection goes to that very address, so a second, different reply of the name server helps nobody.
4. No cookies, no credentials, no proxy from the environment.
5. A host has one request at a time, whoever redirects to it, and a pause after each.
6. What may pass is asked again (``patience``); a host where that was in vain is asked for the rest only once.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Self
from weakref import WeakValueDictionary

import aiohttp
import can_ada
from yarl import URL

from datalib.optout.addresses import is_public
from datalib.optout.answers import Answer, origin_of, stamp
from datalib.optout.earlier import conditions, renewed
from datalib.optout.exchange import Exchange
from datalib.optout.names import Names, PrivateAddressError, Resolver
from datalib.optout.patience import seconds_to_wait
from datalib.optout.tap import Recorder
from datalib.optout.unpack import NoAnswer, Unpacker

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304
_DRAINED = 64 << 10  # an error page up to this size is read so that the connection can be used again
_MAX_FIELD = 32 << 10  # one header field or the status line; policies of some sites exceed the usual 8 KiB
_ACCEPT = {
    "Accept": "text/plain, application/json;q=0.9, */*;q=0.1",
    "Accept-Encoding": "gzip, deflate",
}

Keep = Callable[[Answer, Sequence[Exchange]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``timeout`` in seconds for one answer with its redirects; ``max_bytes`` as received and as unpacked.

    ``retries`` for one request; ``pause`` in seconds between two requests to one host.
    """

    concurrency: int = 1
    timeout: float
    max_bytes: int
    max_redirects: int
    retries: int = 0
    pause: float = 0.0

    @property
    def turn(self) -> float:
        """Seconds that a redirect may wait until the host that it leads to is free."""
        return self.timeout + self.concurrency * self.pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """How sites are asked.

    ``earlier`` gives the answer of an earlier run to a request, if there was one; ``record``: keep the octets.
    ``sleep`` and ``chance`` (0 to 1) are for waiting before a request is repeated.
    """

    limits: Limits
    user_agent: str
    now: Callable[[], datetime]
    tls: ssl.SSLContext
    names: Names
    earlier: Callable[[str, str], Answer | None] = lambda _origin, _path: None
    record: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = lambda: 0.0
    gates: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def ask_host(self, requests: Sequence[tuple[str, str]], keep: Keep) -> None:
        """Ask the origins of one host for ``(origin, path)`` one after the other, over one connection if it lasts."""
        async with _Visit(self) as visit:
            for origin, path in requests:
                keep(*await visit.ask(origin, path))


class _Visit:
    """The requests to one host, with the connections and addresses that they share."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._limits = asker.limits
        self._resolver = Resolver(asker.names)
        self._sessions: dict[str | None, tuple[aiohttp.ClientSession, Recorder]] = {}
        self._retries = asker.limits.retries
        self._exchanges: list[Exchange] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for session, _recorder in self._sessions.values():
            await session.close()

    async def ask(self, origin: str, path: str) -> tuple[Answer, Sequence[Exchange]]:
        """Ask until there is an answer or patience is at its end; give the last one."""
        asker = self._asker
        for attempt in count():
            self._exchanges = []
            answer = await self._ask(origin, path)
            wait = seconds_to_wait(answer, attempt, now=asker.now(), chance=asker.chance())
            if wait is None or (answer.status == "dns" and self._resolver.certain):
                break
            if attempt >= self._retries:
                self._retries = 0
                break
            self._resolver.forget_failures()
            await asker.sleep(wait)
        return answer, self._exchanges

    async def _ask(self, origin: str, path: str) -> Answer:
        try:
            async with asyncio.timeout(self._limits.timeout) as deadline:
                return await self._follow(origin, path, deadline)
        except Exception as error:  # noqa: BLE001 (what one site provokes ends its own answer, closed, and not the run)
            return Answer(origin=origin, path=path, status=_word(error), fetched_at=self._moment())

    async def _follow(self, origin: str, path: str, deadline: asyncio.Timeout) -> Answer:
        url = origin + path
        known = self._asker.earlier(origin, path)
        seen: set[str] = set()
        for _ in range(self._limits.max_redirects + 1):
            seen.add(url)
            host = can_ada.parse(url).hostname
            self._check_literal(host.strip("[]"))
            asked = known if known and url == (known.final_url or origin + path) else None
            async with self._turn(host, deadline):
                target, answer = await self._get(url, asked)
            if target is None:
                return replace(answer, origin=origin, path=path, final_url=url if len(seen) > 1 else None)
            if target in seen:
                break
            url = target
        raise NoAnswer("redirects")

    @asynccontextmanager
    async def _turn(self, host: str, deadline: asyncio.Timeout) -> AsyncIterator[None]:
        """Have the host to oneself. Waiting for it is not the host's fault, so it has a bound of its own."""
        loop, gate = asyncio.get_running_loop(), self._asker.gates.setdefault(host, asyncio.Lock())
        left = (deadline.when() or 0.0) - loop.time()
        deadline.reschedule(loop.time() + self._limits.turn)
        await gate.acquire()
        try:
            deadline.reschedule(loop.time() + left)
            yield
        finally:
            if self._limits.pause:
                loop.call_later(self._limits.pause, gate.release)
            else:
                gate.release()

    async def _get(self, url: str, known: Answer | None) -> tuple[str | None, Answer]:
        """Ask for one URL: where it redirects to, and what it answers. ``known`` is what it answered earlier."""
        session, recorder = self._session(url)
        asked = conditions(known) if known else {}
        recorder.start()
        async with session.get(URL(url, encoded=True), allow_redirects=False, headers=asked) as response:
            target = _target(response, url)
            answer = Answer(origin=url, status=_status(response), headers=_headers(response), fetched_at=self._moment())
            unchanged = known if asked and response.status == _NOT_MODIFIED else None
            if unchanged:
                answer = renewed(unchanged, answer.headers, self._asker.now())
            body = await self._body(response)
            if self._asker.record:
                self._note(response, url, recorder, unchanged)
        return target, answer if unchanged else replace(answer, body=body)

    def _moment(self) -> str:
        return stamp(self._asker.now())

    def _note(self, response: aiohttp.ClientResponse, url: str, recorder: Recorder, unchanged: Answer | None) -> None:
        """Keep the exchange; its request is written as aiohttp sent it."""
        octets = recorder.response()
        if not octets.startswith(b"HTTP/"):  # it came before the request: no answer to it
            raise NoAnswer("protocol")
        target = URL(url, encoded=True).raw_path_qs
        lines = (f"{name}: {value}\r\n" for name, value in response.request_info.headers.items())
        self._exchanges.append(
            Exchange(
                url=url,
                request=f"GET {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode(),
                response=octets,
                address=recorder.address,
                at=self._moment(),
                cut=not response.content.at_eof(),
                unchanged_since=unchanged.fetched_at if unchanged else None,
            )
        )

    def _session(self, url: str) -> tuple[aiohttp.ClientSession, Recorder]:
        """Give the session for a site: each has its own, so that none can speak in another's response."""
        origin = origin_of(url)
        found = self._sessions.get(origin)
        if found is None:
            found = self._sessions[origin] = self._new_session()
        return found

    def _new_session(self) -> tuple[aiohttp.ClientSession, Recorder]:
        asker = self._asker
        recorder = Recorder(
            max_bytes=self._limits.max_bytes if asker.record else None,
            resolver=self._resolver,
            ssl=asker.tls,
            limit=1,
            use_dns_cache=False,
        )
        session = aiohttp.ClientSession(
            connector=recorder,
            headers={**_ACCEPT, "User-Agent": asker.user_agent},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
        )
        return session, recorder

    def _check_literal(self, host: str) -> None:
        """Check a host that is an address: the connector asks no resolver for it."""
        if not self._asker.names.allow_private and _is_address(host) and not is_public(host):
            raise NoAnswer("private")

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        if not 200 <= response.status < 300:  # noqa: PLR2004 (HTTP success)
            await _drain(response)
            return b""
        limit = self._limits.max_bytes
        unpack = Unpacker(response.headers.getall("Content-Encoding", []))
        if (response.content_length or 0) > limit:
            raise NoAnswer("too-large")
        received, body = 0, bytearray()
        async for chunk in response.content.iter_any():
            received += len(chunk)
            body += unpack(chunk, limit + 1 - len(body))
            if max(received, len(body)) > limit:
                raise NoAnswer("too-large")
        unpack.finish()
        return bytes(body)


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _status(response: aiohttp.ClientResponse) -> int:
    if response.status == 206:  # noqa: PLR2004 (Partial Content, though no part was asked for)
        raise NoAnswer("truncated")
    if not 200 <= response.status <= 599:  # noqa: PLR2004 (HTTP's range)
        raise NoAnswer("protocol")
    return response.status


def _headers(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    """Give the fields as sent, octet for octet (RFC 9110 §5.5), but no cookies: a snapshot is shared."""
    fields = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
    return tuple((name, value) for name, value in fields if name.lower() != "set-cookie")


def _target(response: aiohttp.ClientResponse, url: str) -> str | None:
    """Give where a redirect leads, without credentials and fragment; None when this is no redirect."""
    if response.status not in _REDIRECTS:
        return None
    try:
        target = can_ada.parse(url) + response.headers["Location"]
    except (KeyError, ValueError, TypeError):
        raise NoAnswer("redirects") from None
    target.username = target.password = target.hash = ""
    if origin_of(target.href) is None:
        raise NoAnswer("redirects")
    return str(target.href)


async def _drain(response: aiohttp.ClientResponse) -> None:
    room = _DRAINED - (response.content_length or 0)
    with suppress(aiohttp.ClientPayloadError):
        while room >= 0 and (chunk := await response.content.readany()):
            room -= len(chunk) if response.content_length is None else 0


#: From the particular to the general; the first that fits names the failure.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timeout"),
    (PrivateAddressError, "private"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (ssl.SSLError, "tls"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientPayloadError, "truncated"),
    (aiohttp.InvalidURL, "dns"),
    (aiohttp.ClientConnectionError, "refused"),
    (OSError, "refused"),
)


def _word(error: Exception) -> str:
    """Name a failure by its cause, if that is a known one, or else by itself."""
    if isinstance(error, NoAnswer):
        return error.word
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    special = [word for kind, word in _WORDS if word in {"private", "tls"} and isinstance(cause, kind)]
    named = [word for kind, word in _WORDS if isinstance(error, kind)]
    return [*special, *named, "protocol"][0]
