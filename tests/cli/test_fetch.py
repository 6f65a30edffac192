"""``datalib optout fetch`` as a user runs it, behind real servers, and the scan of what it brought."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from datalib.optout import fetch as limits
from datalib.optout.answers import MAX_BODY
from datalib_cli.commands.optout import fetch as command
from tests import local_sites as site
from tests.cli.conftest import Program, Result
from tests.local_sites import Behaviour, Request, Sites, serving
from tests.nginx import MISSING, free_port, nginx

T0, T9 = "2026-11-01T10:00:00Z", "2026-11-10T10:00:00Z"
ALLOWED, DENIED = b"User-agent: *\nAllow: /\n", b"User-agent: GPTBot\nDisallow: /\n"


@pytest.fixture
def sites() -> Iterator[Sites]:
    with serving() as running:
        yield running


def fetch(datalib: Program, *arguments: str, status: int = 0) -> Any:
    done = datalib("optout", "fetch", *arguments, "--allow-private", "--format", "json")
    assert done.status == status, done.err
    return done.data if not status else None


def verdicts(datalib: Program, out: str, *arguments: str) -> dict[str, int]:
    done: Result = datalib("scan", "works.csv", "-o", out, *arguments, "--format", "json")
    assert done.status == 0, done.err
    return {name: count for name, count in done.data["counts"]["verdict"].items() if count}


def test_what_is_too_old_is_held_until_it_is_asked_for_again(datalib: Program, sites: Sites) -> None:
    async def allow(request: Request, writer: asyncio.StreamWriter) -> None:
        known, robots = "if-none-match" in request.headers, request.path == "/robots.txt"
        shown = site.answer("304 Same", length=False) if known else site.answer('200 OK\r\nETag: "1"', ALLOWED)
        await (shown if robots else site.status(404))(request, writer)

    sites.behaviours["127.0.0.2"] = allow
    Path("works.csv").write_text(f"url\nhttp://127.0.0.2:{sites.port}/1\n", encoding="utf-8")
    assert fetch(datalib, "works.csv", "-o", "one.jsonl", "--now", T0)["asked"] == 2
    old, week = ("--sites", "one.jsonl"), ("--sites-max-age", "7", "--now", T9)
    assert verdicts(datalib, "scan-0", *old, "--now", T9) == {"admit": 1}
    assert verdicts(datalib, "scan-1", *old, *week) == {"hold": 1}
    update = ("works.csv", "--update", "one.jsonl", "--max-age", "7")
    done = fetch(datalib, *update, "-o", "two.jsonl", "--now", T9)
    assert (done["asked"], done["statuses"]) == (2, {"200": 1, "404": 1})
    assert [request.headers.get("if-none-match") for request in sites.requests[2:]] == ['"1"', None]
    assert verdicts(datalib, "scan-2", "--sites", "two.jsonl", *week) == {"admit": 1}
    assert fetch(datalib, *update, "-o", "three.jsonl", "--now", "2026-11-05T10:00:00Z")["asked"] == 0


@pytest.mark.parametrize(
    ("behaviour", "options", "verdict"),
    [
        pytest.param(site.answer("200 OK", ALLOWED + b"#" * 600_000), ("--max-bytes", "512000"), "hold", id="size"),
        pytest.param(site.silent(), ("--timeout", "0.3"), "refuse", id="time"),
        pytest.param(site.chain(6, ALLOWED), (), "hold", id="redirects"),
        pytest.param(site.answer("429 Busy\r\nRetry-After: 9999"), (), "hold", id="patience"),
        pytest.param(site.answer("503 Busy\r\nRetry-After: 9999"), (), "refuse", id="patience with a server"),
    ],
)
def test_what_a_bound_kept_from_being_asked_is_never_admitted(
    datalib: Program, sites: Sites, behaviour: Behaviour, options: tuple[str, ...], verdict: str
) -> None:
    sites.behaviours["127.0.0.2"] = behaviour
    Path("works.csv").write_text(f"url\nhttp://127.0.0.2:{sites.port}/1\n", encoding="utf-8")
    fetch(datalib, "works.csv", "-o", "sites.jsonl", "--retries", "0", *options)
    assert verdicts(datalib, "scan", "--sites", "sites.jsonl") == {verdict: 1}


def test_a_licence_whose_address_is_too_long_to_ask_for_is_not_passed_over(datalib: Program, sites: Sites) -> None:
    sites.behaviours["127.0.0.2"] = site.answer("200 OK", b"License: /" + b"x" * 3000 + b"\n")
    Path("works.csv").write_text(f"url\nhttp://127.0.0.2:{sites.port}/1\n", encoding="utf-8")
    fetch(datalib, "works.csv", "-o", "sites.jsonl", "--linked")
    assert verdicts(datalib, "scan", "--sites", "sites.jsonl").get("admit") is None


def test_the_time_of_an_answer_is_that_of_the_run(datalib: Program, sites: Sites) -> None:
    Path("sites.txt").write_text(f"http://127.0.0.2:{sites.port}\n", encoding="utf-8")
    fetch(datalib, "sites.txt", "-o", "sites.jsonl")
    assert {line["fetched_at"] for line in lines("sites.jsonl")} == {"2026-09-21T14:13:20Z"}  # SOURCE_DATE_EPOCH


def test_private_sites_are_not_asked_and_their_works_held(datalib: Program, sites: Sites) -> None:
    Path("works.csv").write_text(f"url\nhttp://127.0.0.2:{sites.port}/1\n", encoding="utf-8")
    done = datalib("optout", "fetch", "works.csv", "-o", "sites.jsonl", "--warc", "sites.warc.gz", "--format", "json")
    assert (done.data["statuses"], sites.requests) == ({"private": 2}, [])
    assert verdicts(datalib, "scan", "--sites", "sites.jsonl") == {"hold": 1}


def test_a_snapshot_without_answers_is_said_to_have_none(datalib: Program) -> None:
    Path("works.csv").write_text("url\nftp://e.example/1\n", encoding="utf-8")
    assert fetch(datalib, "works.csv", "-o", "sites.jsonl")["answers"] == 0
    done = datalib("scan", "works.csv", "-o", "scan", "--sites", "sites.jsonl")
    assert (done.status, "answers of sites: none\n" in done.out) == (0, True)
    Path("typo/e.example").mkdir(parents=True)
    done = datalib("scan", "works.csv", "-o", "typo-scan", "--sites", "typo")
    assert (done.status, "E-SITES-FORMAT: typo: " in done.err, "no answers in it" in done.err) == (1, True, True)


def test_tables_that_could_not_be_read_are_named(datalib: Program) -> None:
    Path("works").mkdir()
    Path("works/good.csv").write_text("url\nhttp://127.0.0.2/1\n", encoding="utf-8")
    Path("works/bad.csv").write_text("link\nhttp://127.0.0.2/1\n", encoding="utf-8")
    Path("works/bad.parquet").write_bytes(b"PAR1")
    Path("works/link.csv").symlink_to("good.csv")
    done = datalib("optout", "fetch", "works", "-o", "sites.jsonl")
    assert done.status == 0, done.err
    assert [line for line in done.out.splitlines() if line.startswith(("not read", "  - "))] == [
        "not read:",
        "  - bad.csv: a table without a column of URLs (--url-column)",
        "  - bad.parquet: cannot be read, or not to its end",
        "  - link.csv: a link or a special file, which is not followed",
    ]
    done = datalib("optout", "fetch", "works", "-o", "again.jsonl", "--format", "json")
    assert done.data["not_read"] == [
        {"path": "bad.csv", "why": "no-url-column"},
        {"path": "bad.parquet", "why": "damaged"},
        {"path": "link.csv", "why": "not-a-file"},
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--retries", "11"), "'--retries': 11 is not in the range 0<=x<=10"),
        (("--concurrency", "0"), "'--concurrency'"),
        (("--max-bytes", "100"), "'--max-bytes'"),
        (("--pause", "nan"), "E-USAGE: --pause: "),
        (("--max-age", "3"), "E-USAGE"),
        (("--max-age", "-3", "--update", "works.csv"), "E-USAGE"),
        (("--warc", "sites.warc"), "E-USAGE"),
    ],
)
def test_options_without_sense_leave_nothing(datalib: Program, arguments: tuple[str, ...], code: str) -> None:
    Path("works.csv").write_text("url\nhttp://127.0.0.2/1\n", encoding="utf-8")
    done = datalib("optout", "fetch", "works.csv", "-o", "sites.jsonl", *arguments)
    assert (done.status, code in done.err, done.err.count("\n")) == (2, True, 1)
    assert [path.name for path in Path().iterdir()] == ["works.csv"]


def test_the_ranges_of_the_help_are_those_of_fetch() -> None:
    ranges = {
        param.name: (param.type.min, param.type.max)
        for param in command.params
        if isinstance(param.type, click.IntRange | click.FloatRange)
    }
    assert ranges == {
        "concurrency": (1, limits.MAX_CONCURRENCY), "max_age": (0, 36500), "max_bytes": (limits.MIN_BYTES, MAX_BODY),
        "pause": (0, limits.MAX_PAUSE), "retries": (0, limits.MAX_RETRIES), "timeout": (0, None),
    }  # fmt: skip


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


SERVERS = """
default_type text/plain; gzip on; gzip_min_length 1; gzip_types text/plain application/json;
server {{ listen 127.0.0.2:{port}; root {root}; }}
server {{ listen 127.0.0.3:{port}; return 301 http://127.0.0.2:{port}/robots.txt; }}
server {{ listen 127.0.0.4:{port}; return 403; }}
server {{ listen 127.0.0.5:{port}; add_header Retry-After 3600 always; return 503; }}
server {{ listen 127.0.0.6:{port}; return 444; }}
server {{ listen 127.0.0.7:{port}; return 302 /robots.txt; }}
server {{ listen 127.0.0.8:{port} ssl; ssl_certificate {keys}/cert.pem; ssl_certificate_key {keys}/key.pem; }}
server {{ listen 127.0.0.9:{port}; return 204; }}
"""
PATHS = {
    "robots.txt": DENIED + b"License: /terms.xml\n",
    ".well-known/tdmrep.json": b'[{"location": "/", "tdm-reservation": 1}]',
    "ai.txt": b"User-Agent: *\nDisallow: /\n",
    "trust.txt": b"datatrainingallowed=no\n",
    "terms.xml": b'<rsl xmlns="https://rslstandard.org/rsl"/>',
}


@pytest.mark.system
@pytest.mark.skipif(MISSING, reason="nginx is not installed")
def test_sites_behind_nginx(datalib: Program, tmp_path: Path) -> None:
    root, port = tmp_path / "root", free_port()
    for path, body in PATHS.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(body)
    (tmp_path / "keys").mkdir()
    site.certificate(tmp_path / "keys", "127.0.0.8")
    origins = [f"{'https' if number == 8 else 'http'}://127.0.0.{number}:{port}" for number in range(2, 10)]
    Path("sites.txt").write_text("# one a line\n" + "\n".join(origins) + "\n", encoding="utf-8")
    asked = ("sites.txt", "--profile", "strict", "--linked", "--retries", "1")
    with nginx(tmp_path / "nginx", SERVERS.format(port=port, root=root, keys=tmp_path / "keys")):
        first = fetch(datalib, *asked, "-o", "one.jsonl", "--warc", "one.warc.gz", "--now", T0)
        second = fetch(datalib, *asked, "-o", "two.jsonl", "--update", "one.jsonl", "--now", T9)
    found = {(line["origin"], line["path"]): line for line in lines("one.jsonl")}
    assert [found[origin, "/robots.txt"]["status"] for origin in origins] == [
        200,
        200,
        403,
        503,
        "refused",
        "redirects",
        "tls",
        204,
    ]
    for path, body in PATHS.items():
        assert found[origins[0], f"/{path}"]["body"] == body.decode()
        assert ["Content-Encoding", "gzip"] in found[origins[0], f"/{path}"]["headers"] or path == "terms.xml"
    assert found[origins[1], "/robots.txt"]["final_url"] == f"{origins[0]}/robots.txt"
    assert (first["answers"], second["answers"]) == (8 * 7 + 2, 8 * 7 + 2)
    assert first["statuses"] == second["statuses"]
    log = (tmp_path / "nginx" / "access.log").read_text(encoding="utf-8").splitlines()
    assert sum('" 304 ' in line for line in log) == len(PATHS) + 8  # all that the second site redirects
    renewed = lines("two.jsonl")
    assert [line.get("body") for line in renewed] == [line.get("body") for line in found.values()]
    assert {line["fetched_at"] for line in renewed} == {T9}
