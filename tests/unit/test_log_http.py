"""Logs and witnesses over HTTP: real servers on the loopback, honest, lying, slow and silent ones."""

import gzip
import http.client
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from datalib.errors import Misuse, Refused, Unchecked
from datalib.library.store import Folder
from datalib.log_client import Connection, Peer, asking, peers
from datalib.log_server import Server, Witness, serve_log, serve_witness
from datalib.trust import logpolicy, monitor
from datalib.trust.notes import KeyType, NoteSigner
from datalib.trust.witness import MAX_REQUEST
from tests.libraries import LOG_POLICY, NOW, ORIGIN, WITNESSES
from tests.logs import ALONE, RULES, SIGNER, admit, chain, new_log, publish

NAMES = list(WITNESSES)


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """Serve in a thread; give the URL."""
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        host, port = server.server_address[:2]
        yield f"http://{host!s}:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def witnessing(name: str, state: Path, time: int = NOW) -> Iterator[str]:
    signer = NoteSigner.named(name, KeyType.WITNESS, WITNESSES[name])
    with (
        Witness(signer, [SIGNER.key], state, lambda: time) as opened,
        running(serve_witness(opened, "127.0.0.1", 0)) as url,
    ):
        yield url


Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(reply: Reply) -> Iterator[str]:
    """Serve whatever a test wants served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            reply(self)

        def log_message(self, *_: object) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


def says(status: int, body: bytes, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return new_log(tmp_path / "log")


@pytest.fixture
def served(log: Path) -> Iterator[str]:
    admit(log, *(chain(f"lib {number}", 1)[0] for number in range(300)))
    publish(log)
    with Folder(log) as folder, running(serve_log(folder, "127.0.0.1", 0)) as url:
        yield url


def test_a_log_is_watched_over_http(served: str) -> None:
    with Connection(served) as connection:
        found = monitor.watch(connection.fetch, ALONE, now=NOW)
    assert (found.events, found.faults) == (300, 0)


def get(url: str, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def test_the_files_of_a_log_have_their_types_and_ages(served: str, log: Path) -> None:
    status, headers, body = get(served, "/checkpoint")
    assert (status, body) == (200, (log / "checkpoint").read_bytes())
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Cache-Control"] == "max-age=5"
    status, headers, body = get(served, "/tile/0/000")
    assert (status, len(body), headers["Content-Type"]) == (200, 8192, "application/octet-stream")
    assert "immutable" in headers["Cache-Control"]
    status, headers, body = get(served, "/tile/0/000", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "8192", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/tile/0/009",
        "/.registry/signed",
        "/tile/../.registry/signed",
        "/tile/0/000?x=1",
        "/%2e%2e/log.pem",
    ],
)
def test_nothing_else_is_served(served: str, path: str) -> None:
    assert get(served, path)[0] == 404


def test_a_link_in_the_folder_is_not_followed(served: str, log: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (log / "tile/0/005").symlink_to(tmp_path / "secret")
    assert get(served, "/tile/0/005")[0] == 404


def test_trouble_with_the_disk_is_the_server_s(served: str, log: Path) -> None:
    folder = log / "tile" / "0"
    (folder / "006").write_bytes(b"x")
    (folder / "006").chmod(0)
    status = get(served, "/tile/0/006")[0]
    assert status == (200 if os.geteuid() == 0 else 500)


def test_three_witnesses_cosign_and_one_may_be_offline(log: Path, tmp_path: Path) -> None:
    states = [tmp_path / f"w{number}.state" for number in range(3)]
    with (
        witnessing(NAMES[0], states[0]) as first,
        witnessing(NAMES[1], states[1]) as second,
        answering(says(200, b"no signature\n")) as liar,
    ):
        asked = peers(RULES, [f"W1={first}", f"W2={second}/", f"W3={liar}"])
        for _ in range(2):
            (done,) = publish(log, asking(asked, lambda: NOW, 5), RULES)
            assert done.time == NOW
            assert done.cosigners == (NAMES[0], NAMES[1])
            assert done.failures == ((liar, "answers without a cosignature of its key"),)
    with witnessing(NAMES[0], states[0]) as first:
        asked = [Peer(url=first, keys=tuple(RULES.witnesses.values())), asked[1]]
        with pytest.raises(Refused, match=r"E-LOG-QUORUM.*1 cosigned; http://127"):
            publish(log, asking(asked, lambda: NOW, 5), RULES)


def test_a_witness_without_its_memory_forgets_and_with_it_does_not(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with witnessing(NAMES[0], state) as url:
        publish(log, asking(peers(RULES, [f"W1={url}"]), lambda: NOW), ALONE)
    kept = state.read_bytes()
    signer = NoteSigner.named(NAMES[0], KeyType.WITNESS, WITNESSES[NAMES[0]])
    with Witness(signer, [SIGNER.key], state, lambda: NOW) as opened:
        assert opened.memory.logs[ORIGIN].size == 1
        with pytest.raises(Misuse, match="E-BUSY"):
            Witness(signer, [SIGNER.key], state, lambda: NOW)
    state.write_bytes(b"")
    with pytest.raises(Unchecked, match="E-STATE-FILE"):
        Witness(signer, [SIGNER.key], state, lambda: NOW)
    state.write_bytes(kept)
    with Witness(signer, [SIGNER.key], state, lambda: NOW):
        pass


def test_what_cannot_be_kept_is_not_cosigned(log: Path, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    with witnessing(NAMES[0], tmp_path / "w" / "state") as url:
        (tmp_path / "w").rename(tmp_path / "gone")
        found = asking(peers(RULES, [f"W1={url}"]), lambda: NOW)
        with pytest.raises(Refused, match="cannot keep"):
            publish(log, found, RULES)


def raw(url: str, data: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(65536):
            found += part
    return found


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n", b" 411 "),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_REQUEST + 1), b" 413 "),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n", b" 413 "),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b" 413 "),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", b" 400 "),
        (b"POST /other HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", b" 404 "),
        (b"GET /add-checkpoint HTTP/1.1\r\n\r\n", b" 501 "),
    ],
)
def test_a_witness_refuses_other_requests(request_: bytes, status: bytes, tmp_path: Path) -> None:
    with witnessing(NAMES[0], tmp_path / "state") as url:
        assert status in raw(url, request_).split(b"\r\n")[0]


def test_a_client_that_goes_away_does_not_stop_the_server(served: str) -> None:
    host, port = served.removeprefix("http://").split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(b"GET /tile/0/000 HTTP/1.1\r\n\r\n")
    assert get(served, "/checkpoint")[0] == 200


@pytest.mark.parametrize("text", ["", "checkpoint", "ftp://x/", "http://", "http://x:y/", "http://x/?q", "http://u@x/"])
def test_what_is_no_url_is_a_mistake_of_the_caller(text: str) -> None:
    with pytest.raises(Misuse, match="E-USAGE"):
        Connection(text)


def test_a_file_may_come_compressed() -> None:
    with answering(says(200, gzip.compress(b"hello"), Content_Encoding="gzip")) as url, Connection(url) as connection:
        assert connection.fetch("checkpoint", 5) == b"hello"
        with pytest.raises(Unchecked, match="more than 4 bytes"):
            connection.fetch("checkpoint", 4)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (says(200, b"x" * 11), "more than 10 bytes"),
        (says(302, b"", Location="http://127.0.0.1/"), "answers 302"),
        (says(500, b""), "answers 500"),
        (says(200, b"not gzip", Content_Encoding="gzip"), "E-IO"),
        (says(200, gzip.compress(b"hello")[:-4], Content_Encoding="gzip"), "E-IO"),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "E-IO"),
        (lambda handler: handler.connection.close(), "E-IO"),
    ],
)
def test_an_answer_that_is_none_could_not_be_checked(reply: Reply, reason: str) -> None:
    with answering(reply) as url, Connection(url) as connection, pytest.raises(Unchecked, match=reason):
        connection.fetch("checkpoint", 10)


def test_a_server_that_drips_is_left(tmp_path: Path) -> None:
    go_on = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not go_on.wait(0.05):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return

    with answering(drip) as url, Connection(url, timeout=0.3) as connection:
        with pytest.raises(Unchecked, match="too slow"):
            connection.fetch("checkpoint", 1000)
        go_on.set()


def test_what_is_not_there_is_told_from_what_fails() -> None:
    for status in (404, 410):
        with answering(says(status, b"")) as url, Connection(url) as connection:
            assert connection.fetch("checkpoint", 10) is None


def test_witnesses_are_named_by_the_policy_or_the_command_line() -> None:
    text = LOG_POLICY.replace("\nwitness W2", " http://one.example/\nwitness W2")
    rules = logpolicy.parse(text)
    assert [peer.url for peer in peers(rules, [])] == ["http://one.example/"]
    found = peers(rules, ["W1=http://other.example/a=b", "W2=http://two.example", "http://any.example/x=y"])
    assert [peer.url for peer in found] == ["http://other.example/a=b", "http://two.example", "http://any.example/x=y"]
    assert [len(peer.keys) for peer in found] == [1, 1, 3]
    with pytest.raises(Misuse, match="no witness of the log policy"):
        peers(rules, ["W9=http://x.example"])
    with pytest.raises(Misuse, match="names no witness"):
        peers(ALONE, ["http://x.example"])


def test_a_witness_that_is_no_url_is_a_failure_like_others(log: Path) -> None:
    asked = [Peer(url="nowhere", keys=tuple(RULES.witnesses.values()))]
    (done,) = publish(log, asking(asked, lambda: NOW), ALONE)
    assert done.failures == (("nowhere", "not the URL of a log or a witness"),)


def test_an_address_that_is_taken_cannot_be_listened_at(served: str, log: Path) -> None:
    port = int(served.rpartition(":")[2])
    with Folder(log) as folder, pytest.raises(Unchecked, match="E-IO"):
        serve_log(folder, "127.0.0.1", port)


def test_a_server_tells_its_url_in_either_family(log: Path) -> None:
    with Folder(log) as folder:
        for host, form in (("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")):
            try:
                server: Server = serve_log(folder, host, 0)
            except Unchecked:
                assert host == "::1"  # a machine without IPv6
                continue
            with server:
                assert server.url.startswith(form)
