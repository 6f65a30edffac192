"""``datalib catalogue`` from the command line: what it writes, what it says, how it ends; its server."""

import http.client
import json
import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from datalib.publish.catalogue.site import POLICY
from tests.catalogues import entries
from tests.cli.conftest import PRODUCER, TRUST, Program
from tests.libraries import edit
from tests.servers import spawned


def test_the_exit_status_says_whether_any_is_refused(datalib: Program, signed: Path) -> None:
    good = datalib("catalogue", "build", "library", "-o", "site", *TRUST, "--require", "none")
    assert (good.status, good.out.splitlines()) == (
        0,
        [
            "catalogue: site, libraries: 1",
            "made anew: 1, unchanged: 0, gone: 0",
            "next: `datalib catalogue serve site` shows it on this machine",
        ],
    )
    edit(signed / "notes.txt", lambda data: data.upper())
    bad = datalib("catalogue", "build", "library", "-o", "site", *TRUST, "--require", "none")
    assert bad.status == 1
    assert bad.out.splitlines()[-1] == "refused: library, E-FILE-DIGEST"
    told = datalib("catalogue", "build", "library", "-o", "site", *TRUST, "--format", "json").data
    assert told["refused"] == [{"code": "E-FILE-DIGEST", "folder": "library"}]
    assert told["states"] == {"refused": 1}


def test_without_trust_it_says_so(datalib: Program, signed: Path) -> None:
    done = datalib("catalogue", "build", "library", "-o", "site")
    assert (done.status, "\nnothing was verified\n" in done.out) == (0, True)
    assert entries(Path("site"))["library"].state == "declared"


def test_events_tell_how_far_it_is(datalib: Program, signed: Path) -> None:
    done = datalib("catalogue", "build", "library", "-o", "site", "--progress", "json")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert (events[-1]["event"], events[-1]["phase"], events[-1]["done"], events[-1]["total"]) == ("end", "pages", 1, 1)


def test_title_publisher_and_address_stand_in_the_site(datalib: Program, signed: Path) -> None:
    done = datalib(
        *("catalogue", "build", "library", "-o", "site", "--title", "ru=Наш каталог", "--as", "x-test:agency"),
        *("--name", "kk=Агенттік", "--url", "https://data.example.kz/libraries"),
    )
    assert done.status == 0, done.err
    first = Path("site/ru/index.html").read_text(encoding="utf-8")
    assert "Наш каталог" in first
    assert "https://data.example.kz/libraries/library/" in Path("site/ru/changes.xml").read_text(encoding="utf-8")
    (page,) = Path("site/library").glob("*/kk.html")
    assert "Агенттік" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("library", "-o", "library/site"), 2, "E-OUT-IN-LIBRARY"),
        (("library",), 2, "E-USAGE"),
        (("-o", "site"), 2, "E-USAGE"),
        (("library", "-o", "site", "--url", "javascript:alert(1)"), 2, "E-USAGE"),
        (("library", "-o", "site", "--url", "https://a b/"), 2, "E-USAGE"),
        (("library", "-o", "site", "--name", "en=X"), 2, "E-USAGE"),
        (("library", "-o", "site", "--as", "x-test:agency"), 2, "E-USAGE"),
        (("library", "-o", "site", "--as", "agency", "--name", "en=X"), 1, "E-PARTY-ID"),
        (("library", "-o", "site", "--title", "Catalogue"), 2, "E-USAGE"),
        (("library", "-o", "site", "--order196", "library/notes.txt"), 1, "E-RECORD-FORMAT"),
        (("library", "-o", "site", "--roots", "producer.pub.pem"), 2, "E-NO-TRUST"),
        (("library", "-o", "site", "--data", "half", *TRUST), 2, "E-USAGE"),
        (("nowhere", "-o", "site"), 3, "E-IO"),
        (("library", "-o", "library/notes.txt/site"), 2, "E-OUT-IN-LIBRARY"),
    ],
)
def test_a_wrong_request_leaves_no_site(
    datalib: Program, signed: Path, arguments: tuple[str, ...], status: int, code: str
) -> None:
    done = datalib("catalogue", "build", *arguments)
    assert (done.status, code in done.err, done.err.count("\n")) == (status, True, 1), done.err
    assert not list(Path().rglob("datalib-catalogue.json"))


# --- the server


def ask(url: str, target: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Send one request as it is given, with nothing tidied up."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    with closing(connection):
        connection.putrequest(method, target)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.fixture
def site(datalib: Program, signed: Path) -> Path:
    assert datalib("catalogue", "build", "library", "-o", "site", *TRUST, "--require", "none").status == 0
    return Path("site")


def test_the_server_serves_the_files_with_types_and_strict_headers(site: Path) -> None:
    (entry,) = entries(site).values()
    with spawned("catalogue", "serve", "site") as url:
        assert url.startswith("http://127.0.0.1:")
        for target, path, kind in (
            ("/", "index.html", "text/html; charset=utf-8"),
            ("/ru/", "ru/index.html", "text/html; charset=utf-8"),
            ("/ru/changes.xml?x=1", "ru/changes.xml", "application/rss+xml; charset=utf-8"),
            (f"/library/{entry.key}/provenance.zip", f"library/{entry.key}/provenance.zip", "application/zip"),
            ("/catalogue.jsonld", "catalogue.jsonld", "application/ld+json"),
        ):
            status, headers, body = ask(url, target)
            assert (status, headers["content-type"], body) == (200, kind, (site / path).read_bytes())
            assert headers["content-security-policy"].startswith(POLICY)
            assert headers["x-content-type-options"] == "nosniff"
        status, headers, body = ask(url, "/index.html", "HEAD")
        assert (status, int(headers["content-length"]), body) == (200, (site / "index.html").stat().st_size, b"")
        assert ask(url, "/", "POST")[0] == 501


def test_the_server_gives_nothing_else(site: Path) -> None:
    Path("secret.txt").write_text("secret")
    (site / "link.html").symlink_to(Path("secret.txt").resolve())
    (site / "up").symlink_to(Path.cwd())
    (site / ".hidden").write_text("secret")
    (site / "odd.svg").write_text("<svg/>")
    with spawned("catalogue", "serve", "site") as url:
        for target in (
            *(
                "/../secret.txt",
                "/%2e%2e/secret.txt",
                "/ru/..%2f..%2fsecret.txt",
                "/ru/../../secret.txt",
                "//secret.txt",
            ),
            *("/link.html", "/up/secret.txt", "/.hidden", "/ru", "/library/", "/%00", "/nowhere", "*", "/index.html/"),
        ):
            status, _, body = ask(url, target)
            assert (status, b"secret" in body) == (404, False), target
        status, headers, _ = ask(url, "/odd.svg")
        assert (status, headers["content-type"]) == (200, "application/octet-stream")


def test_only_a_catalogue_is_served(datalib: Program, signed: Path) -> None:
    refused = datalib("catalogue", "serve", "library")
    assert (refused.status, "E-USAGE" in refused.err) == (2, True)
    assert PRODUCER not in refused.err


def test_a_server_without_clients_ends_and_a_slow_client_does_not_hold_it(site: Path) -> None:
    with spawned("catalogue", "serve", "site") as url:
        host, _, port = urlsplit(url).netloc.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            slow.sendall(b"GET / HT")
            assert ask(url, "/")[0] == 200
