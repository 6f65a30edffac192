"""Sites by the million: a snapshot imported and compiled once, then a table scanned against it."""

from pathlib import Path

from bench import urls
from bench.row import Row, bounded
from bench.tree import measure_tree
from bench.usage import Usage, program

_MEGABYTE = 1e6


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Import 1 and 10 million sites (default: 50,000 and 200,000), and scan as many rows as the larger number."""
    few, many = (1_000_000, 10_000_000) if full else (50_000, 200_000)
    return [row for count in (few, many) for row in _rows(tmp / str(count), count, many)]


def _rows(tmp: Path, hosts: int, rows: int) -> list[Row]:
    sites = urls.make(tmp / "made", rows=rows, hosts=hosts, distinct=0.3)
    (tmp / "one.csv").write_text("url\nhttps://nowhere.example/\n", encoding="ascii")
    imported = _scan(tmp / "one.csv", sites, tmp / "out")
    room = sum(path.stat().st_size for path in (tmp / "out" / "sites").rglob("*") if path.is_file())
    for table in (tmp / "made").glob("*.parquet"):
        (tmp / "works").mkdir(exist_ok=True)
        table.rename(tmp / "works" / table.name)
    scanned = _scan(tmp / "works", urls.imported(tmp / "out"), tmp / "out")
    note = f"{hosts:,} sites, snapshot of {sites.stat().st_size / _MEGABYTE:,.0f} MB"
    return [
        bounded("sites imported and compiled", imported.cpu, unit="CPU s", aim="", note=note),
        bounded("the same, peak memory", imported.peak, unit="MB", aim="<= 700", note=note),
        bounded("the same, on disk", room / _MEGABYTE, unit="MB", aim="", note=note),
        bounded(f"scan of {rows:,} rows", scanned.cpu, unit="CPU s", aim="", note=note),
        bounded("the same, peak memory", scanned.peak, unit="MB", aim="<= 700", note=note),
    ]


def _scan(works: Path, sites: Path, out: Path) -> Usage:
    return measure_tree([program("datalib"), "scan", works, "--sites", sites, "-o", out])
