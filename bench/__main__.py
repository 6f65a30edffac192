"""Measure, print the table, write ``bench/results.json``.

python -m bench [--full] [--only SUITE] [--tmp FOLDER] [--out FILE]
"""

import argparse
import compileall
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from bench.machine import machine
from bench.row import Row

SUITES = (
    "start",
    "library",
    "files",
    "scan",
    "joined",
    "scale",
    "sites",
    "archive",
    "optout",
    "fetch",
    "log",
    "chain",
    "personal",
    "catalogue",
    "report",
    "growth",
)
PACKAGES = (
    "datalib-manifest", "aiohttp", "bagit", "FastWARC", "model-signing", "Protego", "fast-robotstxt", "selectolax",
    "c2pa-python", "pyarrow", "duckdb", "ray", "cryptography",
)  # fmt: skip
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--full", action="store_true", help="the sizes that the aims speak of: 4.5 GB, 20 M URLs, 1 M files and entries"
    )
    parser.add_argument("--only", choices=SUITES, help="one suite")
    parser.add_argument("--tmp", type=Path, help="where inputs are made; they are removed afterwards")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    compile_packages()
    rows: list[Row] = []
    for suite in [options.only] if options.only else SUITES:
        print(f"measuring: {suite} …", flush=True)
        with tempfile.TemporaryDirectory(dir=options.tmp, prefix="datalib-bench-") as tmp:
            rows += import_module(f"bench.{suite}").run(Path(tmp), full=options.full)
    found = machine(PACKAGES)
    print(table(rows))
    print("\n".join(f"{name}: {value}" for name, value in found.items()))
    record = {
        "version": 1,
        "full": options.full,
        "machine": found,
        "rows": [{**asdict(row), "met": row.met} for row in rows],
    }
    options.out.write_text(json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def compile_packages() -> None:
    """Compile what is measured, as pip does: where nothing may write bytecode, each process would do it again."""
    for name in ("datalib", "datalib_cli", "datalib_manifests", "datalib_vocab"):
        for folder in import_module(name).__path__:
            compileall.compile_dir(folder, quiet=1)


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out in columns."""
    head = ("what", "against", "ours", "theirs", "unit", "ratio", "aim", "met", "note")
    lines = [head, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def cells(row: Row) -> tuple[str, ...]:
    met = {None: "", True: "yes", False: "NO"}[row.met]
    return (
        row.what,
        row.against,
        number(row.ours),
        number(row.theirs),
        row.unit,
        number(row.ratio),
        row.aim,
        met,
        row.note,
    )


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    main()
