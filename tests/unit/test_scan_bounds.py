"""Scans of very many shards and statements, with little at hand: the same bytes as with plenty."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.optout.answers import Answer
from datalib.optout.scan import scan
from tests.scanning import NOW, read_decisions, scan_files, write_sites


@contextmanager
def few_files(spare: int) -> Iterator[None]:
    """Let this process open only some files more: a descriptor is the least number that is free."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(path.name) for path in Path("/proc/self/fd").iterdir()}
    free = (number for number in count() if number not in used)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(free, spare, None)), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_scan_of_many_tables_opens_few_files_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "works").mkdir()
    for number in range(180):
        said = "noai" if number % 3 else ""
        (tmp_path / "works" / f"{number}.csv").write_text(f"url,headers\nhttps://a.kz/{number},X-Robots-Tag: {said}\n")
    (tmp_path / "list.txt").write_text("a.kz\n")
    sites = write_sites(tmp_path / "s.jsonl", [Answer(origin="https://a.kz", status=200, body=b"")])
    options: dict[str, Any] = {
        "sites": [sites], "registries": [tmp_path / "list.txt"], "header_column": "headers", "receipts": True,
        "now": NOW,
    }  # fmt: skip
    with few_files(110):
        found = scan([tmp_path / "works"], out=tmp_path / "out", **options)
    assert found.counts["signal"] == {"x-robots-tag": 120, "registry": 180}


def test_many_statements_are_put_together_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled, made and cited ones, each the most somewhere; the same in many shards."""
    (tmp_path / "works").mkdir()
    numbers = range(40)
    bodies = [f"User-agent: *\nDisallow: /{n}\n".encode() for n in numbers]
    sites = [Answer(origin=f"https://h{n}.kz", status=200, body=body) for n, body in enumerate(bodies)]
    for part in range(3):
        urls = [f"https://h{n}.kz/{n}" for n in numbers[: 10 * (part + 2)]]
        said = [f"X-Robots-Tag: noai, max-snippet: {n + part}" for n in range(len(urls))]
        pq.write_table(pa.table({"url": urls, "headers": said}), tmp_path / "works" / f"{part}.parquet")
    (tmp_path / "list.txt").write_text("".join(f"h{n}.kz\n" for n in numbers[3:]))
    write_sites(tmp_path / "s.jsonl", sites)
    for name, given in (("none", []), ("sites", [tmp_path / "s.jsonl"])):
        options: dict[str, Any] = {"registries": [tmp_path / "list.txt"], "header_column": "headers", "now": NOW}
        tables = []
        for size in (1 << 17, 64, 5, 1):
            monkeypatch.setattr("datalib.optout.statements._RANGE", size)
            out = tmp_path / f"{name}-{size}"
            scan([tmp_path / "works"], out=out, sites=given, **options)
            tables.append(pq.read_table(out / "signals.parquet"))
            assert scan_files(out)["evidence.parquet"] == scan_files(tmp_path / f"{name}-{1 << 17}")["evidence.parquet"]
        assert all(table.equals(tables[0]) for table in tables)
        used = {number for row in read_decisions(tmp_path / f"{name}-1") for number in row.signals}
        assert tables[0]["id"].to_pylist() == sorted(used)
