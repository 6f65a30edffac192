"""The fetch of many origins on the loopback, against a plain aiohttp loop that gets the same URLs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import release
from bench.row import Row, bounded, compared
from bench.usage import Usage, measure, program

_PLAIN = Path(__file__).with_name("fetch_plain.py")
_CONCURRENCY = 64
_ROUNDS = 3
_PATHS = ("/robots.txt", "/.well-known/tdmrep.json")


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Ask each origin for two files; each has an address, and so a connection, of its own."""
    count = 10_000 if full else 4_000
    with _web() as port:
        origins = [f"http://127.{1 + n // 62_500}.{n // 250 % 250}.{n % 250 + 1}:{port}" for n in range(count)]
        (tmp / "origins.txt").write_text("\n".join(origins), encoding="ascii")
        (tmp / "urls.txt").write_text("\n".join(o + path for o in origins for path in _PATHS), encoding="ascii")
        best: dict[str, Usage] = {}
        for number in range(_ROUNDS):
            for name, found in _round(tmp, number).items():
                best[name] = best[name] | found if name in best else found
    note = f"{count:,} origins, {len(_PATHS)} files each, {_CONCURRENCY} at a time"
    peer = f"aiohttp {release('aiohttp')}: a plain loop"
    return [
        bounded("optout fetch", count / best["fetch"].wall, unit="origins/s", aim="", note=note),
        bounded("optout fetch, with an archive", count / best["warc"].wall, unit="origins/s", aim="", note=note),
        compared("optout fetch", peer, best["fetch"].cpu, best["plain"].cpu, aim="<= 1.5", note=note),
        compared("optout fetch, with an archive", peer, best["warc"].cpu, best["plain"].cpu, note=note),
        bounded("optout fetch, peak memory", best["fetch"].peak, unit="MB", aim="", note=note),
    ]


def _round(tmp: Path, number: int) -> dict[str, Usage]:
    fetch: list[str | Path] = [program("datalib"), "optout", "fetch", tmp / "origins.txt", "--allow-private"]
    fetch += ["--concurrency", str(_CONCURRENCY)]
    archive: list[str | Path] = ["--warc", tmp / f"archive-{number}.warc.gz"]
    return {
        "plain": measure([sys.executable, _PLAIN, tmp / "urls.txt", str(_CONCURRENCY)]),
        "fetch": measure([*fetch, "-o", tmp / f"sites-{number}.jsonl"]),
        "warc": measure([*fetch, *archive, "-o", tmp / f"archive-{number}.jsonl"]),
    }


@contextmanager
def _web() -> Iterator[int]:
    """Run the server as a process of its own, whose CPU time is not measured."""
    with subprocess.Popen([sys.executable, "-m", "bench.web"], stdout=subprocess.PIPE) as server:
        try:
            yield int(server.stdout.readline() if server.stdout else b"")
        finally:
            server.terminate()
