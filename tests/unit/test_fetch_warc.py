"""The web archive of a fetch, read by warcio: what went over the network, octet for octet."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from datalib import __version__
from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout.answers import Answer, read_jsonl_file
from datalib.optout.fetch import FetchResult
from datalib.optout.journal import lock, open_partial
from tests import local_sites as site
from tests.fetching import NOW, ROBOTS, run
from tests.local_sites import Behaviour, Request, Sites, serving

HEAD = b"HTTP/1.1 200 Fine, thanks\r\nServer:x\r\nX-Robots-Tag:   noai \r\nx-robots-tag: b\xe9\r\nSet-Cookie: id=1\r\n"


@dataclass(frozen=True)
class Record:
    kind: str
    url: str
    fields: dict[str, str]
    block: bytes
    body: bytes


def read(path: Path) -> list[Record]:
    """Read an archive and check each record's digest."""
    found = []
    with path.open("rb") as file:
        blocks = [record.raw_stream.read() for record in ArchiveIterator(file, no_record_parse=True)]
        file.seek(0)
        for record, block in zip(ArchiveIterator(file, check_digests=True), blocks, strict=True):
            body = record.content_stream().read()
            assert record.digest_checker.passed is (None if record.rec_type == "revisit" else True), (
                record.digest_checker.problems
            )
            fields = dict(record.rec_headers.headers)
            found.append(Record(record.rec_type, fields.get("WARC-Target-URI", ""), fields, block, body))
    return found


@pytest.fixture
def sites() -> Iterator[Sites]:
    with serving() as running:
        yield running


def archive(
    tmp_path: Path, sites: Sites, behaviour: Behaviour, **options: object
) -> tuple[FetchResult, Answer, list[Record]]:
    """Ask a.test for its robots.txt; give the answer and the records after the first."""
    sites.behaviours["a.test"] = behaviour
    origin, path = f"http://a.test:{sites.port}", tmp_path / "sites.warc.gz"
    given = {"hosts": ["a.test", "b.test"], "paths": ["/robots.txt"], **options}
    result, answers = run(tmp_path, [origin], warc=path, **given)  # type: ignore[arg-type]  # keywords, each of its own type
    first, *rest = read(path)
    assert first.kind == "warcinfo"
    assert f"software: datalib/{__version__}\r\n".encode() in first.block
    assert sorted(file.name for file in tmp_path.glob("sites*")) == ["sites.jsonl", "sites.warc.gz"]
    return result, answers[origin, "/robots.txt"], rest


def test_an_exchange_is_kept_octet_for_octet(tmp_path: Path, sites: Sites) -> None:
    response = HEAD + b"Content-Length: %d\r\n\r\n" % len(ROBOTS) + ROBOTS
    _, answer, (sent, came) = archive(tmp_path, sites, site.raw(response), agent="OurBot/2")
    assert (answer.status, came.kind, came.block, came.body) == (200, "response", response, ROBOTS)
    assert came.url == sent.url == f"http://a.test:{sites.port}/robots.txt"
    assert (came.fields["WARC-IP-Address"], came.fields["WARC-Date"]) == ("127.0.0.1", "2026-11-22T10:00:00Z")
    assert came.fields["WARC-Concurrent-To"] == sent.fields["WARC-Record-ID"] != came.fields["WARC-Record-ID"]
    assert "WARC-Truncated" not in came.fields
    first, *lines = sent.block.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "GET /robots.txt HTTP/1.1"
    written = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert written == sites.requests[0].headers
    assert written["user-agent"] == f"OurBot/2 datalib/{__version__}"


@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Go on\r\n\r\n"])
def test_codings_stay_as_they_were_sent(tmp_path: Path, sites: Sites, interim: bytes) -> None:
    packed = gzip.compress(ROBOTS, mtime=0)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % octet for octet in packed) + b"0\r\n\r\n"
    _, answer, (_, came) = archive(tmp_path, sites, site.raw(interim + head + chunks))
    assert (answer.body, came.block, came.body) == (ROBOTS, head + chunks, ROBOTS)


def test_each_hop_is_kept(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours["b.test"] = site.status(200, ROBOTS)
    _, answer, records = archive(tmp_path, sites, site.redirect("http://b.test:{port}/r"))
    assert [(record.kind, record.url.partition(".test")[0]) for record in records] == [
        ("request", "http://a"), ("response", "http://a"), ("request", "http://b"), ("response", "http://b"),
    ]  # fmt: skip
    assert records[1].block.startswith(b"HTTP/1.1 301 Moved\r\nLocation: http://b.test")
    assert (answer.final_url, answer.body) == (records[3].url, records[3].body)
    assert len({record.fields["WARC-Record-ID"] for record in records}) == 4


def test_a_site_cannot_speak_in_the_response_of_another(tmp_path: Path, sites: Sites) -> None:
    async def late(request: Request, writer: asyncio.StreamWriter) -> None:
        await site.redirect("http://b.test:{port}/r")(request, writer)
        await writer.drain()
        for _ in range(20):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.005)

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        await site.status(200, ROBOTS)(request, writer)

    sites.behaviours["b.test"] = slow
    _, answer, records = archive(tmp_path, sites, late)
    assert (answer.body, records[3].block.count(b"HTTP/1.1"), records[3].body) == (ROBOTS, 1, ROBOTS)


@pytest.mark.parametrize(
    ("behaviour", "word"),
    [
        (site.silent(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nUser-agent: *"), "timeout"),
        (site.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nUser-agent: *"), "truncated"),
        (site.answer("200 OK", b"#" * 600_000), "too-large"),
        (site.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        (site.raw(b""), "refused"),
    ],
)
def test_a_failure_is_said_and_no_half_answer_kept(
    tmp_path: Path, sites: Sites, behaviour: Behaviour, word: str
) -> None:
    _, answer, (record,) = archive(tmp_path, sites, behaviour, timeout=0.5 if word == "timeout" else 20.0)
    assert answer.status == word
    assert (record.kind, record.block) == ("metadata", f"failure: {word}\r\n".encode())
    assert (record.url, record.fields["Content-Type"]) == (answer.origin + answer.path, "application/warc-fields")


def test_what_came_before_a_failure_is_kept(tmp_path: Path, sites: Sites) -> None:
    _, answer, records = archive(tmp_path, sites, site.redirect("http://10.0.0.1/"))
    assert (answer.status, [record.kind for record in records]) == ("private", ["request", "response", "metadata"])


def test_what_a_site_says_unasked_is_no_answer_without_a_record(tmp_path: Path, sites: Sites) -> None:
    sites.greeting = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n#x"
    _, answer, records = archive(tmp_path, sites, site.status(404))
    assert [record.kind for record in records] in (["request", "response"], ["metadata"])
    assert (answer.status == 200) == (records[-1].body == b"#x")


def test_names_and_certificates_that_fail_are_said(tmp_path: Path) -> None:
    server, _ = site.certificate(tmp_path, "a.test")
    with serving(server) as sites:
        origins = [f"https://a.test:{sites.port}", "https://nowhere.invalid"]
        run(tmp_path, origins, hosts=["a.test"], paths=["/robots.txt"], warc=tmp_path / "s.warc.gz")
    found = {record.url.split(":")[1]: record.block for record in read(tmp_path / "s.warc.gz")[1:]}
    assert found == {"//a.test": b"failure: tls\r\n", "//nowhere.invalid/robots.txt": b"failure: dns\r\n"}


def test_behind_tls_the_octets_are_those_inside(tmp_path: Path) -> None:
    server, client = site.certificate(tmp_path, "a.test")
    with serving(server) as sites:
        sites.behaviours["a.test"] = site.raw(HEAD + b"\r\n" + ROBOTS)
        origin = f"https://a.test:{sites.port}"
        run(tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"], tls=client, warc=tmp_path / "s.warc.gz")
    assert read(tmp_path / "s.warc.gz")[2].block == HEAD + b"\r\n" + ROBOTS


def test_the_rest_of_an_error_page_is_marked_as_missing(tmp_path: Path, sites: Sites) -> None:
    page = site.answer("404 No", b"x" * 1_000_000)
    _, answer, (_, came) = archive(tmp_path, sites, page)
    assert (answer.status, came.fields["WARC-Truncated"]) == (404, "length")


def test_only_the_last_of_repeated_requests_is_kept(tmp_path: Path, sites: Sites) -> None:
    left = [site.status(503), site.status(200, ROBOTS)]

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        await left.pop(0)(request, writer)

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    _, _, (_, came) = archive(tmp_path, sites, behave, retries=1, sleep=sleep)
    assert came.body == ROBOTS


def test_a_confirmation_is_a_revisit(tmp_path: Path, sites: Sites) -> None:
    origin = f"http://a.test:{sites.port}"
    sites.behaviours["a.test"] = site.answer('200 OK\r\nETag: "1"', ROBOTS)
    run(tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"], name="first.jsonl")
    same = site.answer('304 Same\r\nETag: "1"', length=False)
    _, answer, (sent, came) = archive(tmp_path, sites, same, update=tmp_path / "first.jsonl")
    assert (answer.status, answer.body) == (200, ROBOTS)
    assert b'If-None-Match: "1"\r\n' in sent.block
    assert (came.kind, came.fields["WARC-Refers-To-Date"]) == ("revisit", "2026-11-22T10:00:00Z")
    assert came.fields["WARC-Profile"].endswith("/revisit/server-not-modified")
    assert came.fields["WARC-Refers-To-Target-URI"] == came.url


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from datalib.optout.fetch import fetch
folder, port = Path(sys.argv[1]), sys.argv[2]
hosts = [f"h{number}.test" for number in range(60)]
fetch([f"http://{host}:{port}" for host in hosts], out=folder / "sites.jsonl", warc=folder / "sites.warc.gz",
      now=lambda: datetime(2026, 11, 22, 10, tzinfo=UTC), concurrency=4, resolve=dict.fromkeys(hosts, "127.0.0.1"))
"""


def test_a_killed_fetch_loses_no_exchange(tmp_path: Path, sites: Sites) -> None:
    hosts = [f"h{number}.test" for number in range(60)]
    child: subprocess.Popen[bytes]
    started = threading.Event()

    async def kill_at_the_fortieth(request: Request, writer: asyncio.StreamWriter) -> None:
        started.wait()
        if len(sites.requests) == 40:
            os.kill(child.pid, signal.SIGKILL)
        await site.status(200, request.host.encode())(request, writer)

    sites.behaviours = dict.fromkeys(hosts, kill_at_the_fortieth)
    with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), str(sites.port)]) as child:
        started.set()
    assert child.returncode == -signal.SIGKILL
    partial = tmp_path / "sites.warc.gz.partial"
    partial.write_bytes(partial.read_bytes() + gzip.compress(b"WARC/1.1\r\n" * 99)[:-9])  # torn by the kill
    origins = [f"http://{host}:{sites.port}" for host in hosts]
    result, answers = run(tmp_path, origins, hosts=hosts, warc=tmp_path / "sites.warc.gz")
    assert (result.answers, 80 <= result.asked <= 120) == (120, True)
    kept = {record.url: record.body for record in read(tmp_path / "sites.warc.gz") if record.kind == "response"}
    assert kept == {origin + path: answer.body for (origin, path), answer in answers.items()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sites.jsonl", "sites.warc.gz"]


def test_a_kill_between_the_last_two_names_is_completed(tmp_path: Path, sites: Sites) -> None:
    archive(tmp_path, sites, site.status(200, ROBOTS))
    out, path = tmp_path / "sites.jsonl", tmp_path / "sites.warc.gz"
    before = out.read_bytes(), path.read_bytes()
    out.rename(tmp_path / "sites.jsonl.partial")
    origins, given = [f"http://{host}.test:{sites.port}" for host in "ab"], {"warc": path, "paths": ["/robots.txt"]}
    with pytest.raises(Misuse) as caught:  # more than the run that ended so would ask
        run(tmp_path, origins, hosts=["a.test", "b.test"], **given)  # type: ignore[arg-type]  # keywords, each of its own type
    assert caught.value.code == "E-OUT-EXISTS"
    result, _ = run(tmp_path, origins[:1], hosts=["a.test"], **given)  # type: ignore[arg-type]  # as above
    assert (result.asked, out.read_bytes(), path.read_bytes()) == (0, *before)


def test_an_archive_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "s.warc.gz").write_text("evidence")
    with pytest.raises(Misuse) as caught:
        run(tmp_path, [], warc=tmp_path / "s.warc.gz")
    assert (caught.value.code, (tmp_path / "s.warc.gz").read_text()) == ("E-OUT-EXISTS", "evidence")
    assert [path.name for path in tmp_path.iterdir()] == ["s.warc.gz"]


@pytest.mark.parametrize("name", ["s.warc", "s.gz", "s.jsonl"])
def test_an_archive_is_named_as_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misuse) as caught:
        run(tmp_path, [], warc=tmp_path / name)
    assert (caught.value.code, list(tmp_path.iterdir())) == ("E-USAGE", [])


def test_an_archive_of_half_a_run_is_not_begun(tmp_path: Path, sites: Sites) -> None:
    run(tmp_path, [f"http://a.test:{sites.port}"], hosts=["a.test"])
    (tmp_path / "sites.jsonl").rename(tmp_path / "sites.jsonl.partial")
    with pytest.raises(Misuse) as caught:
        run(tmp_path, [], warc=tmp_path / "s.warc.gz")
    assert caught.value.code == "E-USAGE"
    assert (tmp_path / "sites.jsonl.partial").exists()


def test_the_remains_of_a_run_without_answers_are_replaced(tmp_path: Path, sites: Sites) -> None:
    (tmp_path / "sites.warc.gz.partial").write_bytes(b"half")
    archive(tmp_path, sites, site.status(404))


def test_a_damaged_archive_is_not_gone_on_with(tmp_path: Path, sites: Sites) -> None:
    archive(tmp_path, sites, site.status(404))
    (tmp_path / "sites.jsonl").rename(tmp_path / "sites.jsonl.partial")
    data = (tmp_path / "sites.warc.gz").read_bytes()
    (tmp_path / "sites.warc.gz").unlink()
    (tmp_path / "sites.warc.gz.partial").write_bytes(data + b"\0" * 99)
    with pytest.raises(Refused) as caught:
        run(tmp_path, [], warc=tmp_path / "sites.warc.gz")
    assert (caught.value.code, f"byte {len(data)};" in caught.value.detail) == ("E-SITES-FORMAT", True)


def test_two_fetches_do_not_write_one_archive(tmp_path: Path) -> None:
    partial = tmp_path / "s.warc.gz.partial"
    with open_partial(partial) as file:
        lock(file, partial)
        with pytest.raises(Unchecked) as caught:
            run(tmp_path, [], warc=tmp_path / "s.warc.gz")
    assert caught.value.code == "E-IO"


def test_a_large_record_is_found_whole(tmp_path: Path, sites: Sites) -> None:
    origins = [f"http://{host}.test:{sites.port}" for host in "ab"]
    large = b"#" * 3_000_000
    sites.behaviours = dict.fromkeys(["a.test", "b.test"], site.status(200, large))
    path, given = tmp_path / "sites.warc.gz", {"hosts": ["a.test", "b.test"], "paths": ["/robots.txt"]}
    run(tmp_path, origins[:1], warc=path, max_bytes=4 << 20, **given)  # type: ignore[arg-type]  # keywords, each of its own type
    assert next(iter(read_jsonl_file(tmp_path / "sites.jsonl"))).body == large
    (tmp_path / "sites.jsonl").rename(tmp_path / "sites.jsonl.partial")
    path.rename(tmp_path / "sites.warc.gz.partial")
    run(tmp_path, origins, warc=path, max_bytes=4 << 20, now=NOW, **given)  # type: ignore[arg-type]  # as above
    assert [record.body for record in read(path) if record.kind == "response"] == [large, large]
