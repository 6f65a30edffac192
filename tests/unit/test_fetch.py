"""The fetch against real servers that behave and misbehave, each host name in its own way."""

import asyncio
import gzip
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import AF_INET, AddressFamily

import pytest

from datalib import __version__
from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout.answers import Answer
from datalib.optout.ask import Asker, Limits
from datalib.optout.fetch import fetch, paths_of
from datalib.optout.journal import open_journal
from datalib.optout.names import LookUp, Names
from datalib.optout.site_files import CARRIER_OF
from tests import local_sites as site
from tests.fetching import LIMIT, NOW, ROBOTS, run
from tests.local_sites import Behaviour, Request, Sites, serving


@pytest.fixture
def sites() -> Iterator[Sites]:
    with serving() as running:
        yield running


def ask_one(tmp_path: Path, sites: Sites, behaviour: Behaviour, *, timeout: float = 20.0) -> Answer:
    sites.behaviours["a.test"] = behaviour
    origin = f"http://a.test:{sites.port}"
    _, answers = run(tmp_path, [origin], hosts=["a.test"], timeout=timeout, paths=["/robots.txt"])
    return answers[origin, "/robots.txt"]


def test_an_answer_is_kept_with_status_headers_body_and_time(tmp_path: Path, sites: Sites) -> None:
    head = "200 OK\r\nContent-Type: text/plain\r\nX-Robots-Tag: noai\r\nX-Robots-Tag: b\xe9: noml\r\nSet-Cookie: id=1"
    answer = ask_one(tmp_path, sites, site.answer(head, ROBOTS))
    assert answer == Answer(
        origin=f"http://a.test:{sites.port}",
        status=200,
        headers=(
            ("Content-Type", "text/plain"),
            ("X-Robots-Tag", "noai"),
            ("X-Robots-Tag", "b\xe9: noml"),
            ("Content-Length", str(len(ROBOTS))),
        ),
        body=ROBOTS,
        fetched_at="2026-11-22T10:00:00Z",
    )


def test_the_request_names_datalib_and_its_user(tmp_path: Path, sites: Sites) -> None:
    run(tmp_path, [f"http://a.test:{sites.port}"], hosts=["a.test"], agent="OurBot/2")
    assert {request.headers["user-agent"] for request in sites.requests} == {f"OurBot/2 datalib/{__version__}"}
    assert not {"cookie", "authorization"} & {name for request in sites.requests for name in request.headers}


def test_one_host_is_asked_one_request_after_the_other_over_one_connection(tmp_path: Path, sites: Sites) -> None:
    run(tmp_path, [f"http://a.test:{sites.port}"], hosts=["a.test"], paths=["/b", "/a", "/c", "/b"])
    assert [request.path for request in sites.requests] == ["/b", "/a", "/c"]
    assert len(sites.writers) == 1


@pytest.mark.parametrize("code", [204, 299, 300, 304, 400, 401, 402, 403, 404, 410, 418, 429, 451, 500, 503, 599])
def test_a_status_is_kept(tmp_path: Path, sites: Sites, code: int) -> None:
    assert ask_one(tmp_path, sites, site.status(code)).status == code


@pytest.mark.parametrize("length", [True, False])
def test_only_a_successful_body_is_kept(tmp_path: Path, sites: Sites, length: bool) -> None:
    answer = ask_one(tmp_path, sites, site.answer("403 No", b"x" * 1000, length=length))
    assert (answer.status, answer.body) == (403, b"")


def test_five_redirects_are_followed(tmp_path: Path, sites: Sites) -> None:
    answer = ask_one(tmp_path, sites, site.chain(5))
    assert (answer.status, answer.final_url) == (200, f"http://a.test:{sites.port}/robots.txt?hop=5")


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(site.chain(6), id="six"),
        pytest.param(site.redirect("/robots.txt"), id="to itself"),
        pytest.param(site.redirect("ftp://a.test/robots.txt"), id="another scheme"),
        pytest.param(site.redirect("http://"), id="nowhere"),
        pytest.param(site.redirect("\xff\xfe"), id="no text"),
        pytest.param(site.answer("301 Moved"), id="without a place"),
    ],
)
def test_a_redirect_that_leads_nowhere_gives_no_rules(tmp_path: Path, sites: Sites, behaviour: Behaviour) -> None:
    assert ask_one(tmp_path, sites, behaviour).status == "redirects"


def test_a_loop_is_left_at_its_second_round(tmp_path: Path, sites: Sites) -> None:
    ask_one(tmp_path, sites, site.redirect("/robots.txt"))
    assert len(sites.requests) == 1


def test_the_rules_of_another_authority_count_for_the_first(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours["a.test"] = site.redirect("http://user:secret@b.test:{port}/elsewhere#part")
    sites.behaviours["b.test"] = site.status(200, ROBOTS)
    origin = f"http://a.test:{sites.port}"
    _, answers = run(tmp_path, [origin], hosts=["a.test", "b.test"], paths=["/robots.txt"])
    answer = answers[origin, "/robots.txt"]
    assert (answer.status, answer.body) == (200, ROBOTS)
    assert answer.final_url == f"http://b.test:{sites.port}/elsewhere"
    assert "authorization" not in sites.requests[-1].headers


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://0x7f.1:{port}/",
        "http://10.0.0.1/",
    ],
)
def test_a_redirect_to_a_private_address_is_not_followed(tmp_path: Path, sites: Sites, place: str) -> None:
    assert ask_one(tmp_path, sites, site.redirect(place)).status == "private"
    assert [request.host for request in sites.requests] == ["a.test"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_private_address_is_asked_only_when_allowed(tmp_path: Path, sites: Sites, host: str) -> None:
    origin = f"http://{host}:{sites.port}"
    refused, _ = run(tmp_path, [origin])
    assert (refused.statuses, sites.requests) == ({"private": 2}, [])
    (tmp_path / "sites.jsonl").unlink()
    if "ffff" not in host:
        asked, _ = run(tmp_path, [origin], allow_private=True)
        assert asked.statuses == {"404": 2}


def test_a_name_is_resolved_once_and_the_connection_goes_to_that_address(sites: Sites) -> None:
    replies = iter(["127.0.0.1", "169.254.169.254"])

    def look_up(_: str) -> Sequence[tuple[AddressFamily, str]]:
        return [(AF_INET, next(replies))]

    assert ask_with(sites, look_up, allow_private=True) == [404, 404]
    assert next(replies) == "169.254.169.254"


def test_a_name_with_one_private_address_is_not_asked(sites: Sites) -> None:
    def look_up(_: str) -> Sequence[tuple[AddressFamily, str]]:
        return [(AF_INET, "93.184.215.14"), (AF_INET, "127.0.0.1")]

    assert ask_with(sites, look_up, allow_private=False) == ["private", "private"]
    assert sites.requests == []


def ask_with(sites: Sites, look_up: LookUp, *, allow_private: bool) -> list[int | str]:
    """Ask one host twice, closing the connection in between, with our own name server."""
    sites.behaviours["a.test"] = site.answer("404 No\r\nConnection: close")
    limits = Limits(timeout=20, max_bytes=LIMIT, max_redirects=5)
    origin, answers = f"http://a.test:{sites.port}", list[Answer]()
    with ThreadPoolExecutor(1) as threads:
        asker = Asker(
            limits=limits,
            user_agent="datalib",
            now=lambda: NOW,
            tls=ssl.create_default_context(),
            names=Names(threads=threads, allow_private=allow_private, look_up=look_up),
        )
        asyncio.run(asker.ask_host([(origin, "/a"), (origin, "/b")], lambda answer, _: answers.append(answer)))
    return [answer.status for answer in answers]


SLOW_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nUser-agent: *"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(site.silent(), id="no answer"),
        pytest.param(site.silent(b"HTTP/1.1 200 OK\r\nX:"), id="half a header"),
        pytest.param(site.silent(SLOW_HEAD), id="half a body"),
        pytest.param(site.endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), id="hints without end"),
    ],
)
def test_a_slow_site_is_left(tmp_path: Path, sites: Sites, behaviour: Behaviour) -> None:
    assert ask_one(tmp_path, sites, behaviour, timeout=0.3).status == "timeout"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(site.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"# x\n" * 4096), id="without a length"),
        pytest.param(
            site.endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"#" * 1024 + b"\r\n"),
            id="chunked",
        ),
        pytest.param(site.answer("200 OK", b"#" * (LIMIT + 1)), id="one byte too many"),
        pytest.param(site.silent(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), id="announced"),
        pytest.param(site.answer("200 OK\r\nContent-Encoding: gzip", gzip.compress(bytes(200 << 20), 9)), id="bomb"),
        pytest.param(
            site.answer("200 OK\r\nContent-Encoding: gzip", gzip.compress(bytes(1 << 18), 9) * 900), id="bomb of many"
        ),
    ],
)
def test_a_long_body_is_not_kept(tmp_path: Path, sites: Sites, behaviour: Behaviour) -> None:
    answer = ask_one(tmp_path, sites, behaviour)
    assert (answer.status, answer.body) == ("too-large", b"")


def test_a_body_at_the_limit_is_kept_whole(tmp_path: Path, sites: Sites) -> None:
    assert ask_one(tmp_path, sites, site.answer("200 OK", b"#" * LIMIT)).body == b"#" * LIMIT


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(site.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nUser-agent: *"), id="length"),
        pytest.param(site.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nUser-\r\n"), id="last chunk"),
        pytest.param(site.answer("200 OK\r\nContent-Encoding: gzip", gzip.compress(ROBOTS, mtime=0)[:-4]), id="gzip"),
        pytest.param(site.answer("206 Partial Content", ROBOTS), id="a part"),
    ],
)
def test_a_truncated_body_is_not_kept(tmp_path: Path, sites: Sites, behaviour: Behaviour) -> None:
    answer = ask_one(tmp_path, sites, behaviour)
    assert (answer.status, answer.body) == ("truncated", b"")


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(ROBOTS, mtime=0)),
        ("X-GZIP", gzip.compress(ROBOTS[:9], mtime=0) + gzip.compress(ROBOTS[9:], mtime=0)),
        ("deflate", zlib.compress(ROBOTS)),
        ("deflate", bare_deflate(ROBOTS)),
        ("identity", ROBOTS),
        ("utf-8", ROBOTS),
    ],
)
def test_content_codings_are_undone(tmp_path: Path, sites: Sites, coding: str, body: bytes) -> None:
    assert ask_one(tmp_path, sites, site.answer(f"200 OK\r\nContent-Encoding: {coding}", body)).body == ROBOTS


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(site.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), id="another protocol"),
        pytest.param(site.raw(b"<html>hello</html>\n\n"), id="a page without a head"),
        pytest.param(site.raw(b"HTTP/1.1 OK\r\n\r\n"), id="no status"),
        pytest.param(site.raw(b"HTTP/1.1 999 Ha\r\nContent-Length: 0\r\n\r\n"), id="999"),
        pytest.param(site.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"), id="negative length"),
        pytest.param(site.endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 999), id="endless headers"),
        pytest.param(site.endless(b"HTTP/1.1 200 OK\r\nX:", b"y" * 999), id="endless header"),
        pytest.param(site.answer("200 OK\r\nContent-Encoding: gzip", ROBOTS), id="not gzip"),
        pytest.param(site.answer("200 OK\r\nContent-Encoding: br", ROBOTS), id="unknown coding"),
        pytest.param(
            site.answer("200 OK\r\nContent-Encoding: gzip", gzip.compress(ROBOTS, mtime=0) + b"tail"), id="a tail"
        ),
    ],
)
def test_what_is_not_http_is_no_answer(tmp_path: Path, sites: Sites, behaviour: Behaviour) -> None:
    answer = ask_one(tmp_path, sites, behaviour, timeout=10)
    assert (answer.status, answer.body) == ("protocol", b"")


def test_a_closed_door_is_no_answer(tmp_path: Path, sites: Sites) -> None:
    assert ask_one(tmp_path, sites, site.raw(b"")).status == "refused"
    (tmp_path / "sites.jsonl").unlink()
    with serving() as gone:
        port = gone.port
    refused, _ = run(tmp_path, [f"http://a.test:{port}"], hosts=["a.test"])
    assert refused.statuses == {"refused": 2}


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 70 + ".invalid"])
def test_a_name_without_address_is_no_answer(tmp_path: Path, host: str) -> None:
    result, _ = run(tmp_path, [f"https://{host}"])
    assert result.statuses == {"dns": 2}


def test_only_a_trusted_certificate_for_this_name_makes_an_answer(tmp_path: Path) -> None:
    server, client = site.certificate(tmp_path, "a.test")
    with serving(server) as sites:
        sites.behaviours["a.test"] = site.status(200, ROBOTS)
        a, b = f"https://a.test:{sites.port}", f"https://b.test:{sites.port}"
        _, trusted = run(tmp_path, [a, b], hosts=["a.test", "b.test"], tls=client)
        assert trusted[a, "/robots.txt"].body == ROBOTS
        assert trusted[b, "/robots.txt"].status == "tls"
        (tmp_path / "sites.jsonl").unlink()
        untrusted, _ = run(tmp_path, [a], hosts=["a.test"])
        assert untrusted.statuses == {"tls": 2}


def test_a_plain_server_behind_https_is_no_answer(tmp_path: Path, sites: Sites) -> None:
    sites.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    result, _ = run(tmp_path, [f"https://a.test:{sites.port}"], hosts=["a.test"])
    assert result.statuses == {"tls": 2}


def test_the_same_answers_give_the_same_bytes(tmp_path: Path, sites: Sites) -> None:
    hosts = [f"{letter}.test" for letter in "abcdefgh"]
    for host in hosts:
        sites.behaviours[host] = site.status(200, host.encode())
    origins = [f"http://{host}:{sites.port}" for host in hosts]
    texts = set()
    for order, concurrency in ((origins, 1), (origins[::-1], 8), (origins * 2, 3)):
        run(tmp_path, order, hosts=hosts, concurrency=concurrency)
        texts.add((tmp_path / "sites.jsonl").read_bytes())
        (tmp_path / "sites.jsonl").unlink()
    (text,) = texts
    keys = [(line["origin"], line["path"]) for line in map(json.loads, text.splitlines())]
    assert keys == sorted(keys)
    assert len(keys) == 16


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from datalib.optout.fetch import fetch
out, port = Path(sys.argv[1]), sys.argv[2]
hosts = [f"h{number}.test" for number in range(100)]
fetch([f"http://{host}:{port}" for host in hosts], out=out, now=lambda: datetime(2026, 11, 22, 10, tzinfo=UTC),
      concurrency=4, resolve=dict.fromkeys(hosts, "127.0.0.1"))
"""


def test_a_killed_fetch_goes_on_where_it_ended(tmp_path: Path, sites: Sites) -> None:
    hosts = [f"h{number}.test" for number in range(100)]
    out, partial = tmp_path / "sites.jsonl", tmp_path / "sites.jsonl.partial"
    child: subprocess.Popen[bytes]
    started = threading.Event()

    async def kill_at_the_fiftieth(request: Request, writer: asyncio.StreamWriter) -> None:
        started.wait()
        if len(sites.requests) == 50:
            os.kill(child.pid, signal.SIGKILL)
        await site.status(200, ROBOTS)(request, writer)

    sites.behaviours = dict.fromkeys(hosts, kill_at_the_fiftieth)
    with subprocess.Popen([sys.executable, "-c", CHILD, str(out), str(sites.port)]) as child:
        started.set()
    assert child.returncode == -signal.SIGKILL
    assert not out.exists()
    kept = partial.read_bytes().splitlines(keepends=True)
    assert 40 <= len(kept) < 50
    partial.write_bytes(b"".join(kept)[:-7])  # as if the kill had come in the middle of a line
    sites.requests.clear()
    sites.behaviours = dict.fromkeys(hosts, site.status(200, ROBOTS))
    result, answers = run(tmp_path, [f"http://{host}:{sites.port}" for host in hosts], hosts=hosts)
    assert (result.answers, result.asked) == (200, 201 - len(kept))
    assert len(sites.requests) == result.asked
    assert {answer.status for answer in answers.values()} == {200}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sites.jsonl"]


def test_a_kill_before_the_last_rename_leaves_nothing_to_ask(tmp_path: Path, sites: Sites) -> None:
    origin = f"http://a.test:{sites.port}"
    run(tmp_path, [origin], hosts=["a.test"])
    out = tmp_path / "sites.jsonl"
    before = out.read_bytes()
    out.rename(tmp_path / "sites.jsonl.partial")
    result, _ = run(tmp_path, [origin], hosts=["a.test"])
    assert (result.asked, result.answers, out.read_bytes()) == (0, 2, before)


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b"\0\0\0\n",
        b'{"origin": "https://a.test","path":"/robots.txt","status":404}\n',
        b'{"origin":"https://a.test","status":404}\n',
    ],
)
def test_a_journal_that_is_none_is_refused(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "sites.jsonl.partial").write_bytes(line)
    with pytest.raises(Refused) as caught:
        run(tmp_path, [])
    assert (caught.value.code, caught.value.where) == ("E-SITES-FORMAT", f"{tmp_path}/sites.jsonl.partial:1")


def test_a_snapshot_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "sites.jsonl").write_text("evidence")
    with pytest.raises(Misuse) as caught:
        run(tmp_path, [])
    assert caught.value.code == "E-OUT-EXISTS"


def test_two_fetches_do_not_write_one_snapshot(tmp_path: Path, sites: Sites) -> None:
    failures: list[Unchecked] = []

    async def meanwhile(request: Request, writer: asyncio.StreamWriter) -> None:
        with pytest.raises(Unchecked) as caught, open_journal(tmp_path / "sites.jsonl"):
            pass
        failures.append(caught.value)
        await site.status(404)(request, writer)

    ask_one(tmp_path, sites, meanwhile)
    assert [failure.detail for failure in failures] == ["another fetch is writing this snapshot"]


def test_a_full_or_missing_disk_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Unchecked) as caught:
        run(tmp_path / "missing", [])
    assert caught.value.code == "E-IO"


def test_a_link_in_place_of_the_journal_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "sites.jsonl.partial").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unchecked):
        run(tmp_path, [])
    assert not (tmp_path / "elsewhere").exists()


def test_no_origins_give_an_empty_snapshot(tmp_path: Path) -> None:
    assert run(tmp_path, [])[0].answers == 0


@pytest.mark.parametrize(
    "options",
    [
        {"agent": "a\r\nHost: b"},
        {"agent": "\u043a"},
        {"concurrency": 0},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"max_bytes": 499 << 10},
        {"max_bytes": 1 << 40},
        {"max_redirects": -1},
        {"paths": ["robots.txt"]},
        {"paths": ["/a b"]},
    ],
)
def test_options_without_sense_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(Misuse) as caught:
        fetch(["https://a.test"], out=tmp_path / "s", now=lambda: NOW, **options)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.code == "E-USAGE"


@pytest.mark.parametrize("origin", ["a.test", "ftp://a.test", "", "UNLIKELY"])
def test_what_is_no_origin_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(Misuse) as caught:
        run(tmp_path, [origin])
    assert caught.value.code == "E-USAGE"


def test_a_profile_names_the_paths_that_it_needs() -> None:
    assert paths_of("kz") == paths_of("eu") == ("/robots.txt", "/.well-known/tdmrep.json")
    assert paths_of("kz", ["/ai.txt", "/robots.txt"]) == (*paths_of("kz"), "/ai.txt")
    assert set(paths_of("strict")) == {path for path, name in CARRIER_OF.items() if name != "terms"}


def test_linked_licences_are_asked_for_on_whatever_site(tmp_path: Path, sites: Sites) -> None:
    robots = f"LICENSE: http://b.test:{sites.port}/l.xml?x=1#top\nLicense: /own.xml\nLicense: http://[\nLicense: /жж\n"

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        body = robots.encode() if request.path == "/robots.txt" else b"<rsl/>"
        await site.status(200, body)(request, writer)

    sites.behaviours["a.test"] = sites.behaviours["b.test"] = answer
    origin, other = (f"http://{name}.test:{sites.port}" for name in "ab")
    result, found = run(tmp_path, [origin], hosts=["a.test", "b.test"], paths=["/robots.txt"], linked=True)
    assert set(found) == {
        (origin, "/robots.txt"), (origin, "/own.xml"), (origin, "/%D0%B6%D0%B6"), (other, "/l.xml?x=1"),
    }  # fmt: skip
    assert (result.asked, result.answers) == (4, 4)
    assert found[other, "/l.xml?x=1"].body == b"<rsl/>"
