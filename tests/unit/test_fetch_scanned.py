"""The archive of a fetch, scanned for the rules of sites, never admits more than the snapshot of the same fetch."""

import gzip
from pathlib import Path

from datalib.optout import scan as scanning
from tests import local_sites as site
from tests.fetching import ROBOTS, run
from tests.local_sites import Behaviour, serving
from tests.scanning import NOW, read_decisions

OPEN = b"User-agent: *\nAllow: /\n"
SHUT = b"User-agent: *\nDisallow: /a\n"
PACKED = gzip.compress(SHUT, mtime=0)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED)
TWO = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(SHUT) + SHUT + b"HTTP/1.1 200 OK\r\n\r\n" + OPEN
MISSING = site.status(404)

#: What a site does when it is asked, and whether it is plain enough for both forms to say the same.
SITES: dict[str, tuple[Behaviour, bool]] = {
    "open": (site.status(200, OPEN), True),
    "shut": (site.status(200, SHUT), True),
    "crawlers": (site.status(200, ROBOTS), True),
    "empty": (site.status(200), True),
    "missing": (MISSING, True),
    "gone": (site.status(410), True),
    "kept-out": (site.status(403), True),
    "too-many": (site.status(429), True),
    "broken": (site.status(503), True),
    "moved": (site.redirect("http://shut.test:{port}/robots.txt"), True),
    "moved-to-open": (site.redirect("http://open.test:{port}/robots.txt"), True),
    "moved-away": (site.redirect("http://10.0.0.1/"), False),
    "moved-nowhere": (site.raw(b"HTTP/1.1 302 Found\r\n\r\n"), False),
    "circle": (site.redirect("http://circle.test:{port}/robots.txt"), False),
    "hops": (site.chain(4), False),
    "too-many-hops": (site.chain(9), False),
    "packed": (site.raw(CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + CHUNKS), True),
    "badly-packed": (site.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED[:-9]), False),
    "not-packed": (site.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + OPEN), False),
    "unknown-coding": (site.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: secret\r\n\r\n" + OPEN), False),
    "bad-chunks": (site.raw(CHUNKED + b"\r\n5\r\n" + OPEN), False),
    "cut": (site.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + OPEN), False),
    "late": (site.silent(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + OPEN), False),
    "endless": (site.endless(b"HTTP/1.1 200 OK\r\n\r\n" + OPEN, b"#" * 10_000), False),
    "large-error": (site.answer("404 No", b"x" * 1_000_000), False),
    "partial": (site.raw(b"HTTP/1.1 206 Part\r\n\r\n" + OPEN), False),
    "nothing-new": (site.raw(b"HTTP/1.1 304 Same\r\n\r\n"), False),
    "ssh": (site.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), False),
    "silence": (site.raw(b""), False),
    "page": (site.status(200, b"<!doctype html><p>no such page"), True),
    "two": (site.raw(TWO), False),
}  # fmt: skip


def test_an_archive_of_a_fetch_admits_no_more_than_its_snapshot(tmp_path: Path) -> None:
    archive = tmp_path / "sites.warc.gz"
    with serving() as server:
        hosts = {f"{name}.test": behaviour for name, (behaviour, _) in SITES.items()}
        server.behaviours.update(hosts)
        origins = {f"http://{host}:{server.port}": host.removesuffix(".test") for host in hosts}
        run(tmp_path, list(origins), hosts=list(hosts), paths=["/robots.txt"], timeout=2.0, warc=archive)
    works = tmp_path / "works.csv"
    works.write_text("url\n" + "".join(f"{origin}/{path}\n" for origin in origins for path in "ab"), encoding="utf-8")
    verdicts: list[dict[str, str]] = []
    for sites in (tmp_path / "sites.jsonl", archive):
        out = tmp_path / f"out-{sites.suffix}"
        scanning.scan([works], out=out, sites=[sites], now=NOW)
        rows = read_decisions(out)
        verdicts.append({row.url or "": f"{row.verdict} {row.reason}" for row in rows})
    said, archived = verdicts
    assert len(said) == len(archived) == 2 * len(SITES)
    for url, verdict in archived.items():
        name = origins[url[:-2]]
        assert not verdict.startswith("admit") or said[url].startswith("admit"), (url, said[url], verdict)
        assert not SITES[name][1] or verdict == said[url], (url, said[url], verdict)
    assert {verdict.partition(" ")[0] for verdict in archived.values()} == {"admit", "hold", "refuse"}
