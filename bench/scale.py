"""A scan on more workers, on Ray, of more rows, and after a kill. Sites are imported before anything is measured."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bench import urls
from bench.machine import release
from bench.row import Row, bounded
from bench.tree import measure_tree
from bench.usage import Usage, program

_ROUNDS = 2
_NINE_TENTHS = 0.9


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Scan tables of which most are other names for the same files: rows are judged, whatever file they are from."""
    rows, hosts, few, many = (10_000_000, 1_000_000, 10, 100) if full else (2_000_000, 100_000, 8, 40)
    sites = urls.make(tmp / "made", rows=rows, hosts=hosts, distinct=0.3)
    tables = sorted((tmp / "made").glob("*.parquet"))
    for name, count in (("few", few), ("many", many)):
        (tmp / name).mkdir()
        for number in range(count):
            os.link(tables[number % len(tables)], tmp / name / f"{number:05d}.parquet")
    (tmp / "one.csv").write_text("url\nhttps://nowhere.example/\n", encoding="ascii")
    _scan(tmp, tmp / "one.csv", sites, tmp / "import")
    store = urls.imported(tmp / "import")
    (tmp / "judges").mkdir()
    for made in (tmp / "import" / "sites").iterdir():
        if made != store:
            made.rename(tmp / "judges" / made.name)
    size = f"{few} M URLs, {hosts / 1e6:g} M sites"
    found = _engines(tmp, store, size)
    found += _growth(tmp, store, (few, many), hosts)
    return found


def _scan(
    tmp: Path, works: Path, sites: Path, out: Path, *options: str, stop: Callable[[], bool] | None = None
) -> Usage:
    """Scan with compiled sites at hand, as in a second scan."""
    out.mkdir(exist_ok=True)
    if (tmp / "judges").is_dir() and not (out / "sites").exists():
        shutil.copytree(tmp / "judges", out / "sites", copy_function=os.link)
    return measure_tree([program("datalib"), "scan", works, "--sites", sites, "-o", out, *options], stop=stop)


def _engines(tmp: Path, store: Path, size: str) -> list[Row]:
    best: dict[str, Usage] = {}
    for number in range(_ROUNDS):
        for name, options in (
            ("one", ()),
            ("two", ("--workers", "2")),
            ("ray", ("--workers", "2", "--engine", "ray")),
        ):
            out = tmp / f"{name}-{number}"
            used = _scan(tmp, tmp / "few", store, out, *options)
            best[name] = best[name] | used if name in best else used
            shutil.rmtree(out)
    one, two, ray = best["one"], best["two"], best["ray"]
    return [
        Row(
            what="scan, 2 workers", against="1 worker", ours=two.wall, theirs=one.wall, unit="s",
            ratio=one.wall / two.wall, aim=">= 1.7", note=size,
        ),
        Row(
            what=f"scan on Ray {release('ray')}, 2 workers, its start included", against="local pool of 2",
            ours=ray.cpu, theirs=two.cpu, unit="CPU s", ratio=ray.cpu / two.cpu, aim="<= 1.6", note=size,
        ),
        bounded("the same, wall", ray.wall, unit="s", aim="", note=f"local pool {two.wall:.1f} s"),
    ]  # fmt: skip


def _growth(tmp: Path, store: Path, sizes: tuple[int, int], hosts: int) -> list[Row]:
    few, many = sizes
    small = _scan(tmp, tmp / "few", store, tmp / "small", "--workers", "2")
    large = _scan(tmp, tmp / "many", store, tmp / "large", "--workers", "2")
    shutil.rmtree(tmp / "small")
    shutil.rmtree(tmp / "large")
    done = tmp / "killed" / "work"
    _scan(
        tmp, tmp / "many", store, tmp / "killed", "--workers", "2",
        stop=lambda: len(list(done.glob("*.json"))) >= _NINE_TENTHS * many,
    )  # fmt: skip
    again = _scan(tmp, tmp / "many", store, tmp / "killed", "--workers", "2")
    note = f"{many} M URLs, {hosts / 1e6:g} M sites, 2 workers"
    return [
        bounded("scan, peak memory of any process", large.peak, unit="MB", aim="<= 700", note=note),
        Row(
            what="the same, against fewer rows", against=f"{few} M URLs", ours=large.peak, theirs=small.peak, unit="MB",
            ratio=large.peak / small.peak, aim="<= 1.1", note=note,
        ),
        Row(
            what="scan resumed after a kill at 90 %", against="the whole scan", ours=again.wall, theirs=large.wall,
            unit="s", ratio=again.wall / large.wall, aim="<= 0.15", note=note,
        ),
    ]  # fmt: skip
