"""The bench measures what it says: inputs that repeat, figures of real processes, aims in the right direction."""

import sys
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pyarrow.parquet as pq
import pytest

from bench import carriers, catalogue, chain, corpus, growth, optout, read_units, reference_hash, report, urls, warcs
from bench.__main__ import table
from bench.corpus import Size
from bench.machine import machine, release
from bench.row import Row, bounded, compared
from bench.usage import Usage, measure
from datalib.optout.header_glance import silent
from datalib.trust.keys import PublicKey
from datalib.trust.policy import Policy, Roots
from datalib.verify import verify
from datalib.webarchive.records import read_records
from tests.libraries import NOW


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (compared("a", "b", 5.0, 4.0, aim="<= 1.25"), True),
        (compared("a", "b", 5.1, 4.0, aim="<= 1.25"), False),
        (compared("a", "b", 4.0, 4.0, aim="< 1"), False),
        (Row(what="a", against="b", ours=30, theirs=2, unit="URLs/s", ratio=15, aim=">= 15"), True),
        (bounded("a", 101.0, unit="MB", aim="<= 100 MB"), False),
        (bounded("a", 1.0, unit="s", aim=""), None),
    ],
)
def test_a_figure_is_held_to_its_aim(row: Row, met: bool | None) -> None:
    assert row.met is met


def test_the_corpus_is_the_same_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = Size(small=12, shards=1, rows=100, binary=1)
    listings = []
    for name in ("a", "b"):
        corpus.make(tmp_path / name, size)
        reference_hash.main(str(tmp_path / name), 2)
        lines = capsys.readouterr().out.replace(str(tmp_path / name), "").splitlines()
        listings.append(sorted(lines))
    assert listings[0] == listings[1]
    assert len(listings[0]) == 14


def test_the_archive_is_the_same_each_time_and_sound(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert warcs.make(tmp_path / name, pages=4, sites=2) == 14
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    found = list(read_records(iter([data, b""]).__next__))
    assert [one.kind for one in found] == ["response"] * 2 + ["request", "response", "metadata"] * 4
    assert not any(one.trouble for one in found)


def test_the_libraries_of_the_catalogue_are_the_same_each_time_and_accepted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        trust = catalogue.make(tmp_path / name, 4)
    listed = {name: [path for path in sorted((tmp_path / name).rglob("*")) if path.is_file()] for name in "ab"}
    assert [path.read_bytes() for path in listed["a"]] == [path.read_bytes() for path in listed["b"]]
    keys = [value.split("=") for value in trust[1::2]]
    policy = Policy.vouch([(party, PublicKey.from_pem(Path(path).read_bytes(), path)) for party, path in keys])
    for folder in (tmp_path / "a").iterdir():
        assert verify(folder, policy=policy, now=1_790_001_000).accepted


def test_a_process_is_measured_alone() -> None:
    idle = measure([sys.executable, "-I", "-c", "pass"])
    busy = measure([sys.executable, "-I", "-c", "x = b'x' * (64 << 20); sum(range(5_000_000))"])
    assert busy.cpu > idle.cpu
    assert busy.peak > idle.peak + 60
    assert (idle | busy) == Usage(wall=min(idle.wall, busy.wall), cpu=idle.cpu, peak=idle.peak)


def test_a_program_that_fails_stops_the_bench() -> None:
    with pytest.raises(SystemExit, match="why"):
        measure([sys.executable, "-c", "raise SystemExit('why')"])


def test_the_table_shows_every_row() -> None:
    text = table([compared("sign", "peer 1", 1.0, 2.0, aim="< 1"), bounded("peak", 3.0, unit="MB", aim="")])
    assert [line.split() for line in text.splitlines()] == [
        ["what", "against", "ours", "theirs", "unit", "ratio", "aim", "met", "note"],
        ["sign", "peer", "1", "1", "2", "CPU", "s", "0.5", "<", "1", "yes"],
        ["peak", "3", "MB"],
    ]


def test_the_machine_has_a_name() -> None:
    found = machine(["pytest", "no-such-package"])
    assert found["pytest"] == release("pytest") == pytest.__version__
    assert found["no-such-package"] == "absent"
    assert found["processor"]


def test_chains_and_listings_are_measured_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "_EVENTS", 30)
    monkeypatch.setattr(chain, "_LINES", 200)
    rows = chain.run(tmp_path, full=False)
    assert [row.what for row in rows] == [
        "chain: verify",
        "listing, plain: peak memory",
        "listing, full rules: peak memory",
    ]
    assert rows[0].theirs is not None
    assert all(row.met for row in rows[1:])


def test_works_that_speak_are_the_same_each_time_and_are_read_and_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        carriers.everything(tmp_path / name, 10)
    for file in ("works.parquet", "sites.jsonl", "refusals.txt"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    for reader, place in (("pages", carriers.pages(tmp_path / "p", 3)), ("media", tmp_path / "m")):
        if reader == "media":
            carriers.media(place, 21)
        for name in (reader, *(other for other in read_units.READERS if other.startswith(reader + "-"))):
            read_units.main(name, place)
            assert float(capsys.readouterr().out) > 0
    monkeypatch.setattr(optout, "_ROUNDS", 1)
    decisions, memory = optout._everything(tmp_path, 20)
    assert (decisions.what, memory.met) == ("decisions, every carrier", True)


def test_tables_with_headers_are_the_same_each_time_and_few_speak(tmp_path: Path) -> None:
    for name in ("a", "b"):
        urls.make(tmp_path / name, rows=200, hosts=20, distinct=0.3, headers=True)
    table, other = (pq.read_table(tmp_path / name / "urls-00000.parquet") for name in ("a", "b"))
    assert table == other
    assert silent(table.column("headers").combine_chunks()).sum() == 198


def test_growth_is_drawn_point_by_point() -> None:
    points = [growth.Point(what=what, size=10**n, cpu=0.1 * n) for what in ("a", "b") for n in (2, 3, 4)]
    root = fromstring(growth.draw(points))  # noqa: S314 (our own drawing)
    assert len(root.findall("{*}circle")) == len(points)
    assert [text.text for text in root.findall("{*}text")][-2:] == ["a", "b"]


def test_a_library_of_many_is_sound(tmp_path: Path) -> None:
    own = report.made_of(tmp_path, 4)
    policy, roots = (tmp_path / "policy.json").read_bytes(), Roots.parse((tmp_path / "roots.json").read_bytes())
    facts = verify(own.folder, policy=policy, roots=roots, now=NOW).require()
    assert len(facts.producers) == 5
    assert "log" not in facts.not_checked
