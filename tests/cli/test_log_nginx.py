"""The folder of a log, served by nginx as it is: a monitor finds nothing wrong, and nothing private is served."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from datalib import submission
from tests.cli.conftest import Program
from tests.docs import ROOT
from tests.libraries import NOW, ROOTS, Library, draft_policy, sign_policy
from tests.logs import RULES, SIGNER, Board, admit, chain, new_log, publish
from tests.nginx import MISSING, free_port, nginx

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(MISSING, reason="nginx is not installed"),
]


def site(log: Path, port: int) -> str:
    """Take the server block from the handbook of operators."""
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    block = page.split("```nginx\n")[1].split("```")[0]
    listen = "listen 443 ssl;"
    assert listen in block
    kept = [line for line in block.splitlines() if not line.strip().startswith(("ssl_", "server_name"))]
    return "\n".join(kept).replace(listen, f"listen 127.0.0.1:{port};").replace("/srv/registry", str(log))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = new_log(tmp_path / "log")
    admit(folder, *(chain(f"lib {number}", 1)[0] for number in range(300)))
    publish(folder, Board(), RULES)
    return folder


@pytest.fixture
def url(log: Path, tmp_path: Path) -> Iterator[str]:
    """Start nginx on the loopback; it listens when the command returns."""
    port = free_port()
    with nginx(tmp_path / "nginx", site(log, port)):
        yield f"http://127.0.0.1:{port}"


def get(url: str, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_a_monitor_finds_nothing_wrong_behind_nginx(datalib: Program, url: str, log: Path) -> None:
    arguments = ("log", "monitor", url, "--log-vkey", SIGNER.key.vkey, "--state", "state", "--format", "json")
    first = datalib(*arguments)
    assert first.status == 0, first.err
    assert (first.data["events"], first.data["size"]) == (300, 301)
    admit(log, *chain("a", 250))
    publish(log, Board(), RULES)
    second = datalib(*arguments)
    assert second.status == 0, second.err
    assert (second.data["events"], second.data["size"]) == (550, 552)


def test_types_and_ages_are_those_of_the_specification(url: str) -> None:
    status, headers, body = get(url, "/checkpoint")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert headers["Cache-Control"] == "max-age=5"
    status, headers, body = get(url, "/tile/0/000", **{"Accept-Encoding": "identity"})
    assert (status, headers["Content-Type"], len(body)) == (200, "application/octet-stream", 8192)
    assert "immutable" in headers["Cache-Control"]
    status, headers, _ = get(url, "/tile/entries/000", **{"Accept-Encoding": "gzip"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")


@pytest.mark.parametrize("path", ["/", "/.registry/signed", "/.registry/log.json", "/tile/../.registry/signed"])
def test_nothing_private_is_served(url: str, path: str) -> None:
    assert get(url, path)[0] == 404


def test_proofs_from_the_served_log_are_those_that_a_verifier_accepts(
    datalib: Program, url: str, log: Path, tmp_path: Path
) -> None:
    library = Library(folder=tmp_path / "library", log=None, day=39).genesis().attest()
    policy = sign_policy(draft_policy())
    submission.submit(log, library.folder, policy=policy, roots=ROOTS, now=NOW)
    publish(log, Board(time=NOW), RULES)
    submission.prove(log, library.folder, now=NOW, policy=RULES)
    proof = library.path("proofs/head.json").read_text(encoding="utf-8")
    note = get(url, "/checkpoint")[2].decode()
    assert note.replace("\n", "\\n") in proof
