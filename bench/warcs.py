"""A web archive as large crawls write them, and the robots.txt records of its sites. Deterministic, for this bench.

Each page is three records: request, response, metadata, each a gzip member. Pages are HTML of 5 to 60 KB.
"""

import random
import zlib
from pathlib import Path

from bench.urls import body, host

_WORDS = 4000
_HEAD = "<!doctype html><html><head><meta charset=utf-8><meta name=viewport content=width=device-width>"
_LINKS = '<link rel=stylesheet href=/a.css><script src=/a.js></script><meta property="og:type" content=article>'
_REFUSAL = '<meta name="robots" content="noai">'


def make(path: Path, *, pages: int, sites: int) -> int:
    """Write an archive; give the number of its records."""
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 11))) for _ in range(_WORDS)]
    with path.open("wb") as out:
        for number in range(sites):
            answer = _answer(body(rng).encode(), "text/plain")
            out.write(_member(f"https://{host(number)}/robots.txt", "response", answer, rng))
        for number in range(pages):
            url = f"https://{host(number % sites)}/a/{number}.html"
            asked = f"GET /a/{number}.html HTTP/1.1\r\nHost: {host(number % sites)}\r\nUser-Agent: bench/1\r\n\r\n"
            out.write(_member(url, "request", asked.encode(), rng))
            out.write(_member(url, "response", _answer(_page(rng, words, number), "text/html; charset=utf-8"), rng))
            out.write(_member(url, "metadata", b"fetchTimeMs: 99\r\ncharset-detected: UTF-8\r\n", rng))
    return sites + 3 * pages


def _page(rng: random.Random, words: list[str], number: int) -> bytes:
    refusal = _REFUSAL if number % 20 == 0 else ""
    parts = [f"{_HEAD}{refusal}<title>{number}</title>{_LINKS}</head><body>"]
    size, wanted = 0, rng.randint(5_000, 60_000)
    while size < wanted:
        text = " ".join(rng.choices(words, k=40))
        parts.append(f'<p class="c{size % 9}">{text}</p>\n<a href="/b/{size}">{text[:12]}</a>\n')
        size += len(parts[-1])
    footer = "<footer>&copy; 2024 Bench. All rights reserved.</footer>"
    return "".join([*parts, footer, "</body></html>"]).encode()


def _answer(content: bytes, kind: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nDate: Sat, 18 May 2024 01:58:10 GMT\r\nServer: bench\r\nContent-Type: {kind}\r\n"
    return f"{head}Vary: Accept-Encoding\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def _member(url: str, kind: str, block: bytes, rng: random.Random) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{rng.getrandbits(128):032x}>\r\nContent-Length: {len(block)}\r\n"
        f"Content-Type: application/http; msgtype={kind}\r\nWARC-Target-URI: {url}\r\n\r\n"
    )
    packer = zlib.compressobj(6, wbits=31)
    return packer.compress(head.encode() + block + b"\r\n\r\n") + packer.flush()
