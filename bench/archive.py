"""The scan of a web archive: against FastWARC's plain iteration over the same file."""

import sys
from pathlib import Path

from bench import warcs
from bench.machine import release
from bench.row import Row, bounded, compared
from bench.usage import Usage, measure, program

_ITERATE = Path(__file__).with_name("iterate_warc.py")
_ROUNDS = 3


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Scan an archive with the rules of its sites in it; what both programs need to start is taken off."""
    pages = 100_000 if full else 10_000
    archive, small = tmp / "pages.warc.gz", tmp / "one.warc.gz"
    records = warcs.make(archive, pages=pages, sites=pages // 50)
    warcs.make(small, pages=1, sites=1)
    best: dict[str, Usage] = {}
    for number in range(_ROUNDS):
        for name, file in (("ready", small), ("all", archive)):
            found = {
                f"scan {name}": measure([program("datalib"), "scan", file, "-o", tmp / f"{name}-{number}"]),
                f"iterate {name}": measure([sys.executable, _ITERATE, file]),
            }
            best |= {what: best[what] | usage if what in best else usage for what, usage in found.items()}
    size = f"{records} records, {archive.stat().st_size / 1e6:.0f} MB, HTML of 5 to 60 KB, a robots.txt for 50 pages"
    return [
        compared(
            "datalib scan of a WARC",
            f"FastWARC {release('fastwarc')}: all records, HTTP parsed, bodies not touched",
            best["scan all"].cpu - best["scan ready"].cpu,
            best["iterate all"].cpu - best["iterate ready"].cpu,
            aim="<= 2.5",
            note=size,
        ),
        bounded("scan of a WARC, peak memory", best["scan all"].peak, unit="MB", aim="<= 600", note=size),
    ]
