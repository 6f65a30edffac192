"""Thousands of origins that behave and misbehave, asked at once: none is lost, each has its right status."""

import gzip
import os
import random
from collections import Counter
from functools import cache
from pathlib import Path

from tests import local_sites as site
from tests.fetching import run
from tests.local_sites import Behaviour, serving

MANY = 10_000 if os.environ.get("DATALIB_SOAK") else 300
TIMEOUT = 3.0
HEAD = b"HTTP/1.1 200 OK\r\n"


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(64 << 20), 9)


def behaviours(name: bytes) -> dict[str, tuple[Behaviour, int | str]]:
    """Give the ways in which sites behave, each with the status that stands for it; ``name`` is in the body."""
    packed = gzip.compress(name, mtime=0)
    chunk = b"400\r\n" + b"#" * 1024 + b"\r\n"
    return {
        "good": (site.status(200, name), 200),
        "packed": (site.answer("200 OK\r\nContent-Encoding: gzip", packed), 200),
        "moved": (site.chain(4, name), 200),
        "moved to another": (site.redirect("http://127.9.9.9:{port}/hub"), 200),
        "absent": (site.status(404), 404),
        "forbidden": (site.status(403, name), 403),
        "busy": (site.answer("429 Busy\r\nRetry-After: 3600"), 429),
        "down": (site.status(503), 503),
        "six hops": (site.chain(6), "redirects"),
        "loop": (site.redirect("/robots.txt"), "redirects"),
        "inside": (site.redirect("ftp://127.0.0.1/"), "redirects"),
        "silent": (site.silent(), "timeout"),
        "slow": (site.silent(HEAD + b"Content-Length: 9\r\n\r\nUser"), "timeout"),
        "endless": (site.endless(HEAD + b"\r\n", b"# x\n" * 4096), "too-large"),
        "endless chunks": (site.endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk), "too-large"),
        "endless head": (site.endless(HEAD, b"X: y\r\n" * 999), "protocol"),
        "bomb": (site.answer("200 OK\r\nContent-Encoding: gzip", bomb()), "too-large"),
        "cut": (site.raw(HEAD + b"Content-Length: 99\r\n\r\nUser-agent: *"), "truncated"),
        "cut pack": (site.answer("200 OK\r\nContent-Encoding: gzip", packed[:-4]), "truncated"),
        "wrong coding": (site.answer("200 OK\r\nContent-Encoding: gzip", name), "protocol"),
        "unknown coding": (site.answer("200 OK\r\nContent-Encoding: br", name), "protocol"),
        "not http": (site.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        "closed": (site.raw(b""), "refused"),
    }


def test_thousands_of_origins_are_each_answered(tmp_path: Path) -> None:
    draw = random.Random(9309)
    kinds = [*behaviours(b""), "untrusted"]
    expected: dict[str, tuple[int | str, bytes]] = {}
    seen: list[tuple[int, int]] = []
    server, _ = site.certificate(tmp_path, "127.0.0.1")
    with serving() as sites, serving(server) as secret:
        sites.behaviours["127.9.9.9"] = site.status(200, b"# hub")
        for number in range(MANY):
            host = f"127.{1 + number // 60_000}.{number // 250 % 250}.{number % 250 + 1}"
            kind = draw.choice(kinds)
            if kind == "untrusted":
                expected[f"https://{host}:{secret.port}"] = "tls", b""
                continue
            name = b"# %d\n" % number
            behave, status = behaviours(name)[kind]
            body = b"" if status != 200 else b"# hub" if kind == "moved to another" else name
            sites.behaviours[host] = behave
            expected[f"http://{host}:{sites.port}"] = status, body
        result, answers = run(
            tmp_path, list(expected), paths=["/robots.txt"], timeout=TIMEOUT, retries=0, allow_private=True,
            warc=tmp_path / "sites.warc.gz", progress=lambda *done: seen.append(done),
        )  # fmt: skip
    assert {origin: (answer.status, answer.body) for (origin, _), answer in answers.items()} == expected
    assert (result.answers, result.asked) == (MANY, MANY)
    assert result.statuses == Counter(str(status) for status, _ in expected.values())
    assert seen == [(number, MANY) for number in range(1, MANY + 1)]
