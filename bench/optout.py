"""What works say of themselves: pages against selectolax alone, media against C2PA alone, rows with every carrier.

Whole scans write decisions, statements and evidence; their figures are works per CPU second, start-up taken off.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bench import carriers
from bench.machine import release
from bench.row import Row, bounded
from bench.usage import Usage, measure, program

_READ = Path(__file__).with_name("read_units.py")
_PAGES, _FILES, _ROWS = 1_500, 1_500, 5_000
_FULL = 20  # times as much
_ROUNDS = 2


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Read pages and media by our readers and by others, and scan media and rows with every carrier."""
    times = _FULL if full else 1
    carriers.media(tmp / "one", 1)
    start = _scan(tmp / "one.out", tmp / "one")
    return [
        *_pages(tmp, _PAGES * times),
        *_media(tmp, _FILES * times, start),
        *_everything(tmp, _ROWS * times),
    ]


def _scan(out: Path, *arguments: Path | str) -> Usage:
    return measure([program("datalib"), "scan", *arguments, "-o", out])


def _best(out: Path, *arguments: Path | str) -> Usage:
    first, *others = (_scan(Path(f"{out}-{number}"), *arguments) for number in range(_ROUNDS))
    for found in others:
        first |= found
    return first


def _seconds(reader: str, place: Path) -> float:
    asked = [sys.executable, str(_READ), reader, str(place)]
    return min(float(subprocess.run(asked, capture_output=True, check=True).stdout) for _ in range(_ROUNDS))


def _against(row: Row, readers: tuple[str, str], place: Path, count: int) -> Row:
    """Fill in the figures of a row: works that each of two readers reads in a CPU second."""
    ours, theirs = (count / _seconds(reader, place) for reader in readers)
    return replace(row, ours=ours, theirs=theirs, ratio=ours / theirs)


def _row(what: str, against: str, unit: str, aim: str) -> Row:
    return Row(what=what, against=against, ours=0, theirs=0, unit=unit, ratio=0, aim=aim)


def _pages(tmp: Path, count: int) -> list[Row]:
    table = carriers.pages(tmp / "pages", count)
    peer = f"selectolax {release('selectolax')} alone: tree and meta elements"
    return [_against(_row("pages judged", peer, "pages/CPU s", ">= 0.1"), ("pages", "pages-selectolax"), table, count)]


def _media(tmp: Path, count: int, start: Usage) -> list[Row]:
    folder = tmp / "media"
    size = carriers.media(folder, count) / count / 1e3
    peer = f"c2pa-python {release('c2pa-python')} alone: manifest store"
    row = _against(
        _row("media read, all metadata", peer, "files/CPU s", ">= 0.5"), ("media", "media-c2pa"), folder, count
    )
    whole = _best(tmp / "media.out", folder)
    note = f"{count} files of {size:.0f} kB; digests, reading in a process apart, evidence"
    return [
        row,
        bounded("media, whole scan", count / (whole.cpu - start.cpu), unit="files/CPU s", aim="", note=note),
        bounded("media, whole scan", count / (whole.wall - start.wall), unit="files/s", aim="", note="one worker"),
    ]


def _everything(tmp: Path, count: int) -> list[Row]:
    folder = tmp / "all"
    table = carriers.everything(folder, count)
    (tmp / "one.csv").write_text("url\nhttps://nowhere.example/\n")
    sites = folder / "sites.jsonl"
    lists = ("--registry", folder / "refusals.txt")
    first = _scan(tmp / "first.out", tmp / "one.csv", "--sites", sites, *lists)
    columns = ("--header-column", "headers", "--html-column", "html", "--bytes-column", "content")
    whole = _best(tmp / "all.out", table, "--sites", sites, *lists, *columns)
    note = f"{count} rows: robots.txt, tdmrep.json, ai.txt, headers, page, file, registry"
    return [
        bounded("decisions, every carrier", count / (whole.cpu - first.cpu), unit="rows/CPU s", aim="", note=note),
        bounded("decisions, every carrier: peak memory", whole.peak, unit="MB", aim="<= 600", note=note),
    ]
