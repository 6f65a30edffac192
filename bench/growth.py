"""How cost grows with URLs, sites, files and events: CPU seconds at five sizes of each, and a drawing of the curves.

python -m bench.growth DRAWING.svg
"""

import math
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import chain, files, urls
from bench.row import Row, bounded
from bench.usage import Usage, measure, program

_STEPS = (1, 2, 4, 8, 16)
_URLS, _SITES, _FILES, _EVENTS = 500_000, 25_000, 10_000, 625
_FEW_SITES = 10_000
_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """``cpu`` seconds, user and system, for ``size`` things; what starting the program costs is in it."""

    what: str
    size: int
    cpu: float


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Give the cost per million things at the least and at the largest size; ``full`` makes no difference."""
    del full
    points = list(measured(tmp))
    return [
        bounded(f"growth: {one.what}", one.cpu / one.size * 1e6, unit="CPU s a million", aim="", note=f"{one.size:,}")
        for one in points
        if one.size in _ends(points, one.what)
    ]


def _ends(points: list[Point], what: str) -> tuple[int, int]:
    sizes = [point.size for point in points if point.what == what]
    return min(sizes), max(sizes)


def measured(tmp: Path) -> Iterator[Point]:
    """Measure every size; inputs are removed as soon as they were used."""
    key = tmp / "key.pem"
    measure([program("datalib"), "key", "new", "-o", key, "--no-password"])
    for step in _STEPS:
        yield Point(what="URLs judged", size=step * _URLS, cpu=_judging(tmp / "urls", step * _URLS, _FEW_SITES).cpu)
        yield Point(what="sites imported", size=step * _SITES, cpu=_importing(tmp / "sites", step * _SITES).cpu)
        used = files.life(tmp / "files", step * _FILES, key)
        yield Point(what="files signed", size=step * _FILES, cpu=used["sign"].cpu)
        cpu = chain.verified(tmp / f"chain-{step}", step * _EVENTS)
        yield Point(what="events verified", size=step * _EVENTS, cpu=cpu)


def _judging(folder: Path, rows: int, hosts: int) -> Usage:
    """Scan a table whose sites were imported and compiled before."""
    sites = urls.make(folder, rows=rows, hosts=hosts, distinct=0.0)
    _scan(folder / "one.csv", sites, folder / "import")
    works = sorted(folder.glob("*.parquet"))
    store = urls.imported(folder / "import")
    best = _scan(*works, store, folder / "out-0")
    for number in range(1, _ROUNDS):
        best |= _scan(*works, store, folder / f"out-{number}")
    shutil.rmtree(folder)
    return best


def _importing(folder: Path, hosts: int) -> Usage:
    """Import and compile a snapshot in which a third of the robots.txt files are like no other."""
    sites = urls.make(folder, rows=0, hosts=hosts, distinct=0.3)
    used = _scan(folder / "one.csv", sites, folder / "out")
    shutil.rmtree(folder)
    return used


def _scan(*paths: Path) -> Usage:
    *works, sites, out = paths
    if not works[0].exists():
        works[0].write_text("url\nhttps://nowhere.example/\n", encoding="ascii")
    return measure([program("datalib"), "scan", *works, "--sites", sites, "-o", out])


# -- Drawing

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 420, 60, 20, 60, 50
_COLOURS = ("#1f5fa8", "#a8431f", "#2f7d4f", "#7a3f9d")


def draw(points: list[Point]) -> str:
    """Draw both axes logarithmic: a cost that grows with the number is a straight line of that slope."""
    across, up = _scale([p.size for p in points]), _scale([p.cpu for p in points])
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            'font-family="sans-serif" font-size="13">'
        ),
        "<title>CPU seconds by number of URLs, sites, files and events</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for power in range(across[0], across[1] + 1):
        x = _place(10.0**power, across, _LEFT, _WIDTH - _RIGHT)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(up[0], up[1] + 1):
        y = _place(10.0**power, up, _HEIGHT - _BOTTOM, _TOP)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    for colour, what in zip(_COLOURS, dict.fromkeys(point.what for point in points), strict=False):
        places = [
            (_place(p.size, across, _LEFT, _WIDTH - _RIGHT), _place(p.cpu, up, _HEIGHT - _BOTTOM, _TOP))
            for p in points
            if p.what == what
        ]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
        x, y = places[-1]
        parts.append(f'<text x="{x - 4:.1f}" y="{y - 10:.1f}" text-anchor="end" fill="{colour}">{what}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _scale(values: list[int] | list[float]) -> tuple[int, int]:
    """Give the powers of ten around some values."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def _place(value: float, powers: tuple[int, int], start: int, end: int) -> float:
    low, high = powers
    return start + (math.log10(value) - low) / max(1, high - low) * (end - start)


def main(out: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="datalib-bench-") as tmp:
        points = list(measured(Path(tmp)))
    for point in points:
        print(f"{point.what}: {point.size:,}: {point.cpu:.2f} CPU s")
    out.write_text(draw(points), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
