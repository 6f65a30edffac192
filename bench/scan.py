"""The scan of a URL table: against copying the URL column, against robots parsers, and what it holds in memory.

Importing the snapshot is reported apart: the first scan imports it, a scan of one row shows what that costs.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from bench import urls
from bench.machine import release
from bench.row import Row, bounded, compared
from bench.usage import Usage, measure, program

_COPY = Path(__file__).with_name("copy_urls.py")
_VERDICTS = Path(__file__).with_name("verdicts.py")
_ASKED = 100_000  # URLs that robots parsers are asked about
_ROUNDS = 2
_MEMORY = 2  # where the peak of a scan stands among its rows


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Scan a small and a large table with few bodies, and the large one with a body for each site."""
    rows, hosts = (20_000_000, 1_000_000) if full else (2_000_000, 100_000)
    less = _peak(tmp / "tenth", rows // 10, hosts // 10)
    found = []
    for name, distinct in (("shared bodies", False), ("every body distinct", True)):
        folder = tmp / name.replace(" ", "-")
        sites = urls.make(folder, rows=rows, hosts=hosts, distinct=distinct)
        found += _rows(folder, sites, f"{rows / 1e6:g} M URLs, {hosts / 1e6:g} M sites, {name}")
        if not distinct:
            found += _against_parsers(folder, sites, found[-1], rows)
            more = found[_MEMORY].ours
            against = f"the same, {rows // 10 / 1e6:g} M URLs"
            found.append(compared(found[_MEMORY].what, against, more, less, unit="MB", note=found[_MEMORY].note))
        shutil.rmtree(folder)
    return found


def _peak(folder: Path, rows: int, hosts: int) -> float:
    """Give the peak memory of a scan of fewer URLs, in MB."""
    sites = urls.make(folder, rows=rows, hosts=hosts, distinct=False)
    used = _scan(sites, folder / "out", *sorted(folder.glob("*.parquet")))
    shutil.rmtree(folder)
    return used.peak


def _scan(sites: Path, out: Path, *works: Path) -> Usage:
    return measure([program("datalib"), "scan", *works, "--sites", sites, "-o", out])


def _rows(folder: Path, sites: Path, size: str) -> list[Row]:
    works = sorted(folder.glob("*.parquet"))
    one = folder / "one"
    one.mkdir()
    (one / "one.csv").write_text("url\nhttps://nowhere.example/\n")
    imported = _scan(sites, folder / "import", one / "one.csv")
    store = urls.imported(folder / "import")
    ready = _scan(store, folder / "ready", one / "one.csv")
    best: dict[str, Usage] = {}
    for number in range(_ROUNDS):
        for name, found in (
            ("copy", measure([sys.executable, _COPY, folder, folder / f"copy-{number}"])),
            ("scan", _scan(store, folder / f"out-{number}", *works)),
        ):
            best[name] = best[name] | found if name in best else found
    peer = f"pyarrow {release('pyarrow')}: copy of the URL column"
    return [
        bounded("snapshot import", imported.cpu - ready.cpu, unit="CPU s", aim="", note=size),
        bounded("scan, start-up with the stored snapshot", ready.cpu, unit="CPU s", aim="", note=size),
        bounded("scan, peak memory", best["scan"].peak, unit="MB", aim="<= 600", note=size),
        compared("datalib scan", peer, best["scan"].cpu - ready.cpu, best["copy"].cpu, aim="<= 6", note=size),
    ]


def _against_parsers(folder: Path, sites: Path, scanned: Row, rows: int) -> list[Row]:
    from datalib.optout import agents

    tokens = ["datalib", *agents.default().training]
    ours = rows / scanned.ours
    found = []
    for peer, name, aim in (
        ("protego", f"Protego {release('Protego')}, parsed once per host", ">= 20"),
        ("google", f"Google's C++ parser, fast-robotstxt {release('fast-robotstxt')}", ">= 4"),
    ):
        asked = [sys.executable, str(_VERDICTS), peer, str(folder), str(sites), str(_ASKED), *tokens]
        theirs = _ASKED / float(subprocess.run(asked, capture_output=True, check=True).stdout)
        found.append(
            Row(
                what="robots verdicts, all training crawlers",
                against=name,
                ours=ours,
                theirs=theirs,
                unit="URLs/CPU s",
                ratio=ours / theirs,
                aim=aim,
                note="our figure writes decisions too",
            )
        )
    return found
