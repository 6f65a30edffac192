"""Answer every GET on every address of the loopback: a robots.txt, or 404. Prints its port.

python web.py
"""

import asyncio
import random

from bench import urls

_BODY = urls.body(random.Random(7)).encode()
_KEPT = 0.5  # seconds
_FOUND = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_ABSENT = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nnone"


class Web(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (for the type checker)
        self.transport = transport
        # As servers do, drop who keeps a connection for nothing: there are thousands, and few descriptors.
        asyncio.get_running_loop().call_later(_KEPT, transport.close)

    def data_received(self, data: bytes) -> None:
        """Answer a request, which on the loopback comes in one piece."""
        self.transport.write(_FOUND if data.startswith(b"GET /robots.txt ") else _ABSENT)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Web, "0.0.0.0", 0, backlog=1024)  # noqa: S104 (all of 127/8)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
