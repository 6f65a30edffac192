"""Real tables of URLs and real robots.txt files: every row gets a verdict, and the one that the reference gives."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.optout.answers import Answer
from datalib.optout.columns import MAX_URL
from datalib.optout.scan import scan
from datalib.optout.urls import Place, place_of
from tests.scanning import NOW, Reference, read_decisions, write_sites
from tests.shared import SHARED

TABLES = SHARED / "real" / "url-tables"
ROBOTS = SHARED / "real" / "robots"
pytestmark = pytest.mark.shared


def answers_for(urls: list[str | None], every: int) -> list[Answer]:
    """Give a real file, in turn, to each origin of the URLs; every so many origins are left out."""
    bodies = [path.read_bytes() for path in sorted(ROBOTS.rglob("*robots*.txt"))[::5]]
    places = (place_of(url) for url in urls)
    origins = sorted({place.origin for place in places if isinstance(place, Place)})
    return [
        Answer(origin=origin, status=200, body=bodies[number % len(bodies)])
        for number, origin in enumerate(origins)
        if number % every
    ]


def test_the_row_that_is_a_word_is_held(tmp_path: Path) -> None:
    path = TABLES / "img2dataset" / "test_10000.parquet"
    urls: list[str] = pq.read_table(path)["URL"].to_pylist()
    result = scan([path], out=tmp_path / "out", now=NOW)
    rows = read_decisions(tmp_path / "out")
    assert (result.works, len(rows)) == (10_000, 10_000)
    assert [(row.verdict, row.reason) for row in rows if row.url == "UNLIKELY"] == [("hold", "no-host")]
    assert result.counts["verdict"] == {"hold": 10_000}
    assert [row.url for row in rows] == [url[:MAX_URL] for url in urls]


def test_real_works_and_real_rules_are_judged_as_the_reference_does(tmp_path: Path) -> None:
    table = pq.read_table(TABLES / "img2dataset" / "test_1000.parquet")
    more = (TABLES / "ada-url" / "kasztp.txt").read_text(encoding="utf-8", errors="replace").splitlines()[:600]
    urls: list[str | None] = [*table["URL"].to_pylist(), *more]
    pq.write_table(pa.table({"url": urls}), tmp_path / "w.parquet")
    answers = answers_for(urls, every=9)
    scan([tmp_path / "w.parquet"], out=tmp_path / "out", sites=[write_sites(tmp_path / "s.jsonl", answers)], now=NOW)
    reference = Reference(answers)
    assert read_decisions(tmp_path / "out") == [reference.judge(f"w.parquet#{n}", [url]) for n, url in enumerate(urls)]
