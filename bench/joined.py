"""A scan of a URL table with location, headers and a list of refusals together, beside duckdb's bare anti-join.

Importing the snapshot and compiling the list are taken off: scans of one row show what they and the start cost.
"""

import shutil
import sys
from pathlib import Path

from bench import urls
from bench.machine import release
from bench.row import Row, bounded
from bench.tree import measure_tree
from bench.usage import Usage, program

_JOIN = Path(__file__).with_name("anti_join.py")
_ROUNDS = 2
_WORKERS = 2
#: Of the sites, one of so many is refused; the other names of the list occur nowhere.
_REFUSED = 20


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Judge 2 M works of 100,000 sites, in full 20 M of a million; the list names as many hosts as there are sites."""
    rows, hosts = (20_000_000, 1_000_000) if full else (2_000_000, 100_000)
    works = tmp / "works"
    sites = urls.make(works, rows=rows, hosts=hosts, distinct=0.3, headers=True)
    refusals = tmp / "refusals.txt"
    refused = [urls.host(number) for number in range(0, hosts, _REFUSED)]
    unknown = (f"refused-{number}.example" for number in range(hosts - len(refused)))
    refusals.write_text("".join(f"{name}\n" for name in (*refused, *unknown)), encoding="ascii")
    (tmp / "one.csv").write_text("url,headers\nhttps://nowhere.example/,Server: a\n", encoding="ascii")
    first = _scan(tmp / "first", tmp / "one.csv", sites, refusals)
    start = _scan(tmp / "first", tmp / "one.csv", sites, refusals)
    best: dict[str, Usage] = {}
    for _ in range(_ROUNDS):
        found = _scan(tmp / "first", works, sites, refusals)
        peer = measure_tree([sys.executable, _JOIN, refusals, *sorted(works.glob("*.parquet"))])
        for name, used in (("scan", found), ("join", peer)):
            best[name] = best[name] | used if name in best else used
    shutil.rmtree(works)
    return _rows(rows, start, best, note=f"{rows / 1e6:g} M works, {hosts / 1e6:g} M sites, {hosts / 1e6:g} M refusals",
                 once=first.cpu - start.cpu)  # fmt: skip


def _scan(out: Path, works: Path, sites: Path, refusals: Path) -> Usage:
    """Scan; the second scan into a folder finds the snapshot imported."""
    return measure_tree([
        program("datalib"), "scan", works, "--sites", sites, "--registry", refusals, "--header-column", "headers",
        "-o", out, "--workers", str(_WORKERS),
    ])  # fmt: skip


def _rows(count: int, start: Usage, best: dict[str, Usage], *, note: str, once: float) -> list[Row]:
    scan, join = best["scan"], best["join"]
    wall, cpu = scan.wall - start.wall, scan.cpu - start.cpu
    peer = f"duckdb {release('duckdb')}: anti-join on the host, rows counted"
    return [
        Row(
            what="works with location, headers and registry, 2 workers", against="", ours=count / wall, theirs=None,
            unit="works/s", ratio=None, aim=">= 1000000", note=f"{note}; decisions written; one of 100 speaks",
        ),
        Row(
            what="the same, CPU", against=peer, ours=count / cpu, theirs=count / join.cpu, unit="works/CPU s",
            ratio=join.cpu / cpu, aim="", note=note,
        ),
        bounded("the same, import of the snapshot", once, unit="CPU s", aim="", note="once for a snapshot"),
        bounded("the same, start and list", start.cpu, unit="CPU s", aim="", note="each scan; taken off above"),
        bounded("the same, peak memory of any process", scan.peak, unit="MB", aim="<= 700", note=note),
    ]  # fmt: skip
