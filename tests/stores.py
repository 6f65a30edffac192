"""A real S3 server on the loopback, as a process of its own, and what tests put into it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
#: The server asks for a signature, and does not check it.
_SIGNED = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


@dataclass(frozen=True, slots=True)
class Store:
    """A server, and names of places in it."""

    port: int

    def address(self, place: str) -> str:
        return f"s3://{place}?endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"

    def put(self, path: str, data: bytes = b"") -> None:
        """Put an object, or make a bucket; the path is sent as it is, whatever segments it has."""
        self._ask("PUT", path, data)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path, b"")

    def upload(self, folder: Path, place: str) -> None:
        """Copy a folder, as `aws s3 sync` would."""
        self.put(place.partition("/")[0])
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{place}/{path.relative_to(folder)}", path.read_bytes())

    def _ask(self, method: str, path: str, data: bytes) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"/{quote(path)}", data, {"Authorization": _SIGNED})
            answer = connection.getresponse()
            answer.read()
            assert answer.status < 300, (answer.status, path)
        finally:
            connection.close()


@contextmanager
def served() -> Iterator[Store]:
    """Start the server; end it with its standard input."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield Store(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(timeout=30)
