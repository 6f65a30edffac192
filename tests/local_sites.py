"""A real server on loopback for tests: each host name behaves as its test says, over plain sockets or TLS."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in."""

    host: str
    path: str
    headers: dict[str, str]
    port: int


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Sites:
    """The server: ``behaviours`` by host name; a host without one answers 404. A ``greeting`` is sent to all, first."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0
    greeting: bytes = b""

    def asked(self) -> Counter[tuple[str, str]]:
        """Count the requests by host and path."""
        return Counter((request.host, request.path) for request in self.requests)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        # A client that has seen enough closes the connection, whatever the server still wants to say.
        with suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            writer.write(self.greeting)
            while not self.greeting:
                request = parse(await reader.readuntil(b"\r\n\r\n"), self.port)
                self.requests.append(request)
                await self.behaviours.get(request.host, status(404))(request, writer)
                await writer.drain()
                if writer.is_closing():
                    break
        writer.close()


def parse(head: bytes, port: int) -> Request:
    first, *rest = head.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return Request(host=headers["host"].rpartition(":")[0], path=first.split(" ")[1], headers=headers, port=port)


def answer(head: str, body: bytes = b"", *, length: bool = True) -> Behaviour:
    """Answer with these header lines (status line first) and a body."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        lines = ["HTTP/1.1 " + head, *([f"Content-Length: {len(body)}"] if length else [])]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        if not length:
            writer.close()

    return behave


def status(code: int, body: bytes = b"") -> Behaviour:
    return answer(f"{code} So", body)


def raw(data: bytes) -> Behaviour:
    """Send bytes, whatever they are, and close."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return behave


def endless(head: bytes, piece: bytes) -> Behaviour:
    """Send a beginning and then the same piece until the client leaves."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return behave


def silent(head: bytes = b"") -> Behaviour:
    """Send a beginning and then nothing, keeping the connection open."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()
        await asyncio.Event().wait()

    return behave


def chain(hops: int, last: bytes = b"User-agent: *\nDisallow: /\n") -> Behaviour:
    """Redirect this many times, then answer."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        _, _, number = request.path.partition("?hop=")
        hop = int(number or 0)
        found = status(200, last) if hop == hops else answer(f"302 Found\r\nLocation: ?hop={hop + 1}")
        await found(request, writer)

    return behave


def redirect(location: str) -> Behaviour:
    """Redirect to a place; ``{port}`` stands for the port of the server."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        head = "301 Moved\r\nLocation: " + location.replace("{port}", str(request.port))
        await answer(head)(request, writer)

    return behave


@contextmanager
def serving(tls: ssl.SSLContext | None = None, address: str = "0.0.0.0") -> Iterator[Sites]:  # noqa: S104 (all of 127/8)
    """Run a server in a thread for the length of the block."""
    sites, started = Sites(), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(sites.handle, address, 0, ssl=tls, backlog=1024)
        sites.port = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    def main() -> None:
        asyncio.set_event_loop(loop)
        main_task = loop.create_task(run())
        loop.set_exception_handler(lambda *_: None)  # broken handshakes are what the tests are about
        loop.run_until_complete(main_task)
        for task in (rest := asyncio.all_tasks(loop)):
            task.cancel()
        for writer in sites.writers:
            with suppress(AttributeError):  # Python before 3.11.5 stumbles where TLS has ended already
                writer.transport.abort()
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=main)
    thread.start()
    started.wait()
    try:
        yield sites
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for names: the server's context, and a client's that trusts it and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain_file, key_file = folder / "cert.pem", folder / "key.pem"
    chain_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain_file, key_file)
    return server, ssl.create_default_context(cafile=str(chain_file))


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
