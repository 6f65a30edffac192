"""Ask one site for one path over the network, within limits. The only module that imports aiohttp.

Rules kept here (RFC 9309 §2.3.1, datalib opt-out specification §2):

1. Whatever a site does, there is one :class:`Answer`: its status, or the word for why there is none (``FAILURES``).
2. One deadline for the whole answer, redirects included; one limit for what is received and for what it unpacks to.
3. Redirects are followed by hand: each hop is resolved, checked and only then connected to. A name is resolved once
   per host and the connection goes to that very address, so a second, different reply of the name server helps nobody.
4. No cookies, no credentials, no proxy from the environment.
"""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
import can_ada
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from datalib.optout.addresses import is_public
from datalib.optout.answers import Answer, origin_of, stamp

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNCODED = frozenset({"", "identity", "none", "utf-8"})  # the last two are seen in the wild and mean nothing
_DRAINED = 64 << 10  # an error page up to this size is read so that the connection can be used again
_MAX_FIELD = 32 << 10  # one header field or the status line; policies of some sites exceed the usual 8 KiB
_ACCEPT = {
    "Accept": "text/plain, application/json;q=0.9, */*;q=0.1",
    "Accept-Encoding": "gzip, deflate",
}


Addresses = Sequence[tuple[socket.AddressFamily, str]]
LookUp = Callable[[str], Addresses]


def system_addresses(name: str) -> Addresses:
    """Ask the system for the addresses of a name. Blocks; raises OSError."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    return [(family, str(address[0])) for family, _, _, _, address in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``timeout`` in seconds for one answer with its redirects; ``max_bytes`` as received and as unpacked."""

    timeout: float
    max_bytes: int
    max_redirects: int
    allow_private: bool


class _Failed(Exception):
    """There is no answer; ``word`` is a key of ``FAILURES``."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class _PrivateAddressError(OSError):
    """The name leads to an address outside the public Internet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """How sites are asked. The hosts in ``resolve`` have that address: the caller vouches for it, be it private."""

    limits: Limits
    user_agent: str
    now: Callable[[], datetime]
    tls: ssl.SSLContext
    threads: ThreadPoolExecutor
    resolve: Mapping[str, str] = field(default_factory=dict)
    look_up: LookUp = system_addresses

    async def ask_host(self, requests: Sequence[tuple[str, str]], keep: Callable[[Answer], None]) -> None:
        """Ask the origins of one host for ``(origin, path)`` one after the other, over one connection if it lasts."""
        resolver = _Resolver(self)
        connector = aiohttp.TCPConnector(resolver=resolver, ssl=self.tls, limit=1, use_dns_cache=False)
        async with aiohttp.ClientSession(
            connector=connector,
            headers={**_ACCEPT, "User-Agent": self.user_agent},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
        ) as session:
            for origin, path in requests:
                keep(await self._ask(session, origin, path))

    async def _ask(self, session: aiohttp.ClientSession, origin: str, path: str) -> Answer:
        try:
            async with asyncio.timeout(self.limits.timeout):
                return await self._follow(session, origin, path)
        except Exception as error:  # noqa: BLE001 (what one site provokes ends its own answer, closed, and not the run)
            return Answer(origin=origin, path=path, status=_word(error), fetched_at=stamp(self.now()))

    async def _follow(self, session: aiohttp.ClientSession, origin: str, path: str) -> Answer:
        url = origin + path
        seen: set[str] = set()
        for _ in range(self.limits.max_redirects + 1):
            seen.add(url)
            self._check_literal(url)
            async with session.get(URL(url, encoded=True), allow_redirects=False) as response:
                target = _target(response, url)
                if target is None:
                    return Answer(
                        origin=origin,
                        path=path,
                        status=_status(response),
                        headers=_headers(response),
                        body=await self._body(response),
                        fetched_at=stamp(self.now()),
                        final_url=url if len(seen) > 1 else None,
                    )
                await _drain(response)
            if target in seen:
                break
            url = target
        raise _Failed("redirects")

    def _check_literal(self, url: str) -> None:
        """Check a host that is an address: the connector asks no resolver for it."""
        host = can_ada.parse(url).hostname.strip("[]")
        if not self.limits.allow_private and _is_address(host) and not is_public(host):
            raise _Failed("private")

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        if not 200 <= response.status < 300:  # noqa: PLR2004 (HTTP success)
            await _drain(response)
            return b""
        limit = self.limits.max_bytes
        unpack = _Unpacker(response, limit)
        received, body = 0, bytearray()
        async for chunk in response.content.iter_any():
            received += len(chunk)
            body += unpack(chunk, limit + 1 - len(body))
            if max(received, len(body)) > limit:
                raise _Failed("too-large")
        unpack.finish()
        return bytes(body)


class _Resolver(AbstractResolver):
    """Names to addresses: each name once, refused as a whole if one of its addresses is not public."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._known: dict[str, Addresses | OSError] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del family  # both families are asked for, as the connector wishes
        known = self._known.get(host)
        if known is None:
            known = self._known[host] = await self._look_up(host)
        if isinstance(known, OSError):
            raise known
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in known
        ]

    async def close(self) -> None:
        """Forget all names."""
        self._known.clear()

    async def _look_up(self, host: str) -> Addresses | OSError:
        asker = self._asker
        try:
            if host in asker.resolve:
                return system_addresses(asker.resolve[host])
            found = await asyncio.get_running_loop().run_in_executor(asker.threads, asker.look_up, host)
        except OSError as error:
            return error
        if asker.limits.allow_private or all(is_public(address) for _, address in found):
            return found
        return _PrivateAddressError(host)


class _Unpacker:
    """Undo the content coding of one body piece by piece, never producing more than asked for."""

    def __init__(self, response: aiohttp.ClientResponse, limit: int) -> None:
        coding = ", ".join(response.headers.getall("Content-Encoding", [])).strip().lower()
        if coding not in _UNCODED | {"gzip", "x-gzip", "deflate"}:
            raise _Failed("protocol")
        if (response.content_length or 0) > limit:
            raise _Failed("too-large")
        self._deflate = coding == "deflate"
        self._plain = coding in _UNCODED
        self._inflater: zlib._Decompress | None = None

    def __call__(self, chunk: bytes, room: int) -> bytes:
        """Give at most ``room`` bytes; the caller stops when they are used up."""
        if self._plain or not chunk:
            return chunk
        out = bytearray()
        try:
            while chunk and len(out) < room:
                if self._inflater is None or self._inflater.eof:
                    self._inflater = zlib.decompressobj(self._window(chunk[0]))
                out += self._inflater.decompress(chunk, room - len(out))
                chunk = self._inflater.unused_data
        except zlib.error:
            raise _Failed("protocol") from None
        return bytes(out)

    def finish(self) -> None:
        """Raise when the packed data has no end."""
        if self._inflater is not None and not self._inflater.eof:
            raise _Failed("truncated")

    def _window(self, first: int) -> int:
        """Choose the format: gzip; or, for "deflate", zlib as the RFC says or bare data as some servers send."""
        if not self._deflate:
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _status(response: aiohttp.ClientResponse) -> int:
    if response.status == 206:  # noqa: PLR2004 (Partial Content, though no part was asked for)
        raise _Failed("truncated")
    if not 200 <= response.status <= 599:  # noqa: PLR2004 (HTTP's range)
        raise _Failed("protocol")
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
        raise _Failed("redirects") from None
    target.username = target.password = target.hash = ""
    if origin_of(target.href) is None:
        raise _Failed("redirects")
    return str(target.href)


async def _drain(response: aiohttp.ClientResponse) -> None:
    room = _DRAINED - (response.content_length or 0)
    with suppress(aiohttp.ClientPayloadError):
        while room >= 0 and (chunk := await response.content.readany()):
            room -= len(chunk) if response.content_length is None else 0


#: From the particular to the general; the first that fits names the failure.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timeout"),
    (_PrivateAddressError, "private"),
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
    if isinstance(error, _Failed):
        return error.word
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    special = [word for kind, word in _WORDS if word in {"private", "tls"} and isinstance(cause, kind)]
    named = [word for kind, word in _WORDS if isinstance(error, kind)]
    return [*special, *named, "protocol"][0]
