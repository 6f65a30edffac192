"""Which works of a scan got which verdict."""

import json
import os
import shutil
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse, Refused
from datalib.formats import sha256_hex
from datalib.optout.answers import Answer
from datalib.optout.explain import explain
from datalib.optout.listed import listed
from datalib.optout.model import Verdict
from datalib.optout.receipt_making import make
from datalib.optout.scan import scan
from tests.scanning import NOW, read_decisions, write_sites

ANSWERS = (Answer(origin="https://a.kz", status=200, body=b"User-agent: *\nDisallow: /no/\n"),)
ROWS = 9


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scan of two tables: of each three works are admitted, refused, held; and of a page that is admitted."""
    root = tmp_path_factory.mktemp("listed")
    (root / "works").mkdir()
    for name in "ab":
        urls = (f"https://{'b' if n % 3 == 2 else 'a'}.kz/{'no' if n % 3 == 1 else 'yes'}/{n}" for n in range(ROWS))
        (root / "works" / f"{name}.csv").write_text("\n".join(["url", *urls]), encoding="ascii")
    (root / "works" / "page.html").write_text("<html>", encoding="ascii")
    write_sites(root / "sites.jsonl", ANSWERS)
    scan([root / "works"], out=root / "out", sites=[root / "sites.jsonl"], now=NOW, batch_rows=4)
    return root / "out"


@pytest.mark.parametrize("verdicts", [[Verdict.ADMIT], [Verdict.REFUSE, Verdict.HOLD], list(Verdict)])
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_works_are_listed_in_the_order_of_the_scan(out: Path, verdicts: list[Verdict], limit: int) -> None:
    expected = [row for row in read_decisions(out) if row.verdict in verdicts]
    found = listed(out, verdicts=verdicts, limit=limit)
    assert found.total == len(expected) == {1: 7, 2: 12, 3: 19}[len(verdicts)]
    assert [(one.work, one.verdict, one.reason) for one in found.first] == [
        (row.work, row.verdict, row.reason) for row in expected[:limit]
    ]


def test_urls_stand_beside_the_works_that_have_one(out: Path) -> None:
    found = listed(out, verdicts=[Verdict.ADMIT], limit=100)
    assert {one.work: one.url for one in found.first} == {
        "page.html": None,
        **{f"{name}.csv#{n}": f"https://a.kz/yes/{n}" for name in "ab" for n in range(0, ROWS, 3)},
    }


def test_only_reasons_that_the_scan_has_can_be_asked_for(out: Path) -> None:
    found = listed(out, verdicts=list(Verdict), reasons=["robots-disallow"], limit=100)
    assert {one.work for one in found.first} == {f"{name}.csv#{n}" for name in "ab" for n in range(1, ROWS, 3)}
    assert listed(out, verdicts=[Verdict.HOLD], reasons=["robots-disallow"], limit=100) == ([], 0)
    with pytest.raises(Misuse, match="E-USAGE: robots: the reasons of this scan are no-prohibition, not-asked-"):
        listed(out, verdicts=list(Verdict), reasons=["robots"], limit=100)


@pytest.mark.parametrize("change", ["missing", "renamed", "other type", "nulls"])
def test_decisions_have_their_columns(out: Path, tmp_path: Path, change: str) -> None:
    shutil.copytree(out, tmp_path / "out")
    path = tmp_path / "out" / "decisions" / "part-00000.parquet"
    table = pq.read_table(path)
    changed = {
        "missing": table.drop_columns(["verdict"]),
        "renamed": table.rename_columns({"work_id": "id"}),
        "other type": table.set_column(0, "work_id", pa.array(range(len(table)))),
        "nulls": table.set_column(0, "work_id", pa.nulls(len(table), pa.string())),
    }[change]
    pq.write_table(changed, path)
    said = json.loads((tmp_path / "out" / "scan.json").read_bytes())
    for file in said["outputs"]:
        if file["path"] == "decisions/part-00000.parquet":
            file["sha256"] = sha256_hex(path.read_bytes())
    (tmp_path / "out" / "scan.json").write_text(json.dumps(said), encoding="utf-8")
    for read in (
        partial(listed, verdicts=list(Verdict), limit=9),
        partial(explain, "a.csv#0"),
        partial(make, "a.csv#0"),
    ):
        with pytest.raises(Refused, match=r"E-SCAN-FORMAT: .*part-00000\.parquet: has other columns"):
            read(out=tmp_path / "out")


def test_what_is_no_file_is_not_read(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    path = tmp_path / "out" / "decisions" / "part-00000.parquet"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Refused, match="E-SCAN-FORMAT"):
        listed(tmp_path / "out", verdicts=list(Verdict), limit=1)


def test_there_must_be_a_scan(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="E-SCAN-FORMAT"):
        listed(tmp_path, verdicts=list(Verdict), limit=1)
