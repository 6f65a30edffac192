"""Snapshots that are larger than memory: parted on disk, looked up by windows, the same as if they were held."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datalib_vocab
from datalib.engine import Engine
from datalib.errors import Refused, Unchecked
from datalib.optout.answers import Answer
from datalib.optout.judges import compile_store
from datalib.optout.maps import Maps, NpyFile, take, windows
from datalib.optout.scan import scan
from datalib.optout.sections import Name, SectionWriter
from datalib.optout.site import SiteStore, is_store
from datalib.optout.site_import import import_sites
from datalib.optout.speaking import answers_that_count
from datalib.optout.spool import PARTS, Spool
from datalib.optout.urls import places_of
from datalib.optout.used import Used
from tests.scanning import NOW, read_decisions, scan_files, write_sites

HOSTS = 400
GONE: tuple[int | str, ...] = (404, "timeout")
FAILED: tuple[int | str, ...] = (404, 503, "timeout")


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every bound on what is held so small that a few hundred sites are many."""
    for name, bound in (
        ("maps.HELD", 1 << 10), ("maps.WINDOW", 1 << 9), ("site._COUNTED", 64), ("site_builder._ROWS", 16),
        ("site_builder._HELD", 64), ("site_builder._KNOWN", 8), ("judges._KNOWN", 4), ("speaking._ANSWERS", 32),
        ("statements._READ", 8), ("statements._ANSWERS", 64), ("used._SORTED", 16), ("used._MARKS", 32),
        ("match._KEPT", 1),
    ):  # fmt: skip
        monkeypatch.setattr(f"datalib.optout.{name}", bound)


def snapshot() -> list[Answer]:
    """Sites of many kinds: shared and own rules, failures, several answers, links to licences, one of many paths."""
    chance = random.Random(5)
    answers = []
    for number in range(HOSTS):
        origin = f"https://h{number}.{'long-label.' * (number % 4)}kz"
        own = f"User-agent: *\nDisallow: /private-area-{number}/long-name\nDisallow: /*/{number}*x*\n"
        bodies = ("", "User-agent: *\nDisallow: /no\n", own, "License: https://h1.long-label.kz/rsl.xml\n")
        body = bodies[number % 4].encode()
        answers.append(Answer(origin=origin, status=200 if body else chance.choice(FAILED), body=body))
        if not number % 5:
            answers.append(Answer(origin=origin, status=chance.choice(GONE), fetched_at="2026-11-01T00:00:00Z"))
    text = b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><prohibits type="usage">all</prohibits>'
    licence = text + b"</license></content></rsl>"
    answers.append(Answer(origin="https://h1.long-label.kz", path="/rsl.xml", status=200, body=licence))
    answers += [Answer(origin="https://h0.kz", path=f"/page/{number}", status=404) for number in range(HOSTS)]
    chance.shuffle(answers)
    return answers


def store(folder: Path, answers: Sequence[Answer]) -> SiteStore:
    folder.mkdir()
    return import_sites([write_sites(folder.parent / f"{folder.name}.jsonl", answers)], folder)


def works(path: Path) -> Path:
    """Half of the rows are of one host."""
    chance = random.Random(6)
    urls = []
    for number in range(3000):
        host = 2 if number % 2 else chance.randrange(HOSTS + 20)
        folder = chance.choice(["no", f"private-area-{host}/long-name", f"a/{host}b/x", "yes"])
        urls.append(f"https://h{host}.{'long-label.' * (host % 4)}kz/{folder}/{number}")
    pq.write_table(pa.table({"url": urls}), path)
    return path


def test_little_memory_gives_the_same_store_and_the_same_scan(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    answers = snapshot()
    table = works(tmp_path / "w.parquet")
    whole = store(tmp_path / "whole", answers)
    scan([table], out=tmp_path / "out-whole", sites=[whole.folder], now=NOW)
    request.getfixturevalue("little_memory")
    parted = store(tmp_path / "parted", answers)
    scan([table], out=tmp_path / "out-parted", sites=[parted.folder], now=NOW)
    assert (parted.digest, parted.size, len(parted.contents)) == (whole.digest, whole.size, len(whole.contents))
    assert scan_files(tmp_path / "out-parted") == scan_files(tmp_path / "out-whole")
    for name in ("hashes", "origins", "text", "words", "first", "contents"):
        one, other = (np.load(folder.folder / f"{name}.npy") for folder in (parted, whole))
        assert (one == other).all(), name
    for since in (None, NOW):
        assert [array.tolist() for array in answers_that_count(parted, since)] == [
            array.tolist() for array in answers_that_count(whole, since)
        ]
    assert not list(parted.folder.glob("spool-*"))


def test_the_order_of_answers_does_not_matter_to_a_scan(tmp_path: Path) -> None:
    answers, table = snapshot(), works(tmp_path / "w.parquet")
    for name, given in (("a", answers), ("b", answers[::-1])):
        scan([table], out=tmp_path / f"out-{name}", sites=[store(tmp_path / name, given).folder], now=NOW)
    assert scan_files(tmp_path / "out-a") == scan_files(tmp_path / "out-b")


def test_origins_made_to_share_their_hash_are_told_apart(tmp_path: Path) -> None:
    one, other = twins()
    made = store(tmp_path / "s", [Answer(origin=one, status=404), Answer(origin=other, status=200), *snapshot()])
    assert made.seed == 1
    assert [made.origin(number) for number in made.lookup(places_of(pa.array([one + "/", other + "/"])))] == [
        one,
        other,
    ]


def twins() -> tuple[str, str]:
    """Find two hosts that have the same hash under seed 0: their last words make up for what differs before."""
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz0123456789", dtype=np.uint8)
    draw = np.random.default_rng(3)
    size = 400_000
    heads = letters[draw.integers(0, 26, (2, size, 16))]
    factor, shift = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)
    state = np.full((2, size), 8 + 24, dtype=np.uint64) * factor
    for word in heads.view("<u8").transpose(2, 0, 1):
        state = (state ^ word) * factor
        state ^= state >> shift
    wanted = (state[0] ^ state[1]).view(np.uint8).reshape(size, 8)
    pairs = {int(a ^ b): (a, b) for a in letters for b in letters}
    possible = np.isin(wanted, list(pairs)).all(axis=1)
    row = int(np.flatnonzero(possible)[0])
    ends = [bytes(int(pairs[int(octet)][side]) for octet in wanted[row]) for side in (0, 1)]
    one, other = (f"https://{(heads[side, row].tobytes() + ends[side]).decode()}" for side in (0, 1))
    return one, other


def test_a_spool_gives_back_what_it_was_given(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", np.dtype([("n", "<i4"), ("length", "<i4")]))
    for start in (0, 500):
        records = np.array([(n, n % 3) for n in range(start, start + 500)], dtype=spool.kind)
        text = np.concatenate([np.full(n % 3, n % 256, dtype=np.uint8) for n in range(start, start + 500)])
        spool.add(records["n"].astype(np.int64) % PARTS, records, text)
    assert spool.parts == set(range(PARTS))
    for part in spool.parts:
        numbers = [n for n in range(1000) if n % PARTS == part]
        assert spool.read(part)["n"].tolist() == numbers
        assert spool.text(part).tolist() == [n % 256 for n in numbers for _ in range(n % 3)]
    spool.remove()
    assert not list(tmp_path.iterdir())


def test_windows_cover_all_places_once(little_memory: None) -> None:
    numbers = np.random.default_rng(1).integers(0, 1000, 5000)
    found = list(windows(numbers, 1000, 8000))
    assert sorted(np.concatenate(found).tolist()) == list(range(5000))  # type: ignore[arg-type]  # no slices here
    assert all(int(np.ptp(numbers[group])) < 64 for group in found)
    table = np.arange(1000) * 7
    assert (take(table, numbers) == table[numbers]).all()
    assert list(windows(numbers[:0], 1000, 8000)) == [slice(None)]


def test_grown_arrays_are_read_as_any_other(tmp_path: Path) -> None:
    for name, width in (("flat", 0), ("wide", 3)):
        with NpyFile(tmp_path / f"{name}.npy", "<i4", width) as file:
            for start in (0, 6):
                file.add(np.arange(start, start + 6).reshape((6,) if not width else (2, 3)))
        assert np.load(tmp_path / f"{name}.npy").reshape(-1).tolist() == list(range(12))
        assert Maps(tmp_path).npy(name).reshape(-1).tolist() == list(range(12))
    with NpyFile(tmp_path / "none.npy", "<i4"):
        pass
    assert Maps(tmp_path).npy("none").shape == (0,)


def test_an_array_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"no array")
    with pytest.raises(Refused, match="E-SITES-FORMAT"):
        Maps(tmp_path).npy("a")
    with pytest.raises(Unchecked, match="E-IO"):
        Maps(tmp_path).npy("b")


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_used_signals_come_in_ranges_whatever_is_sorted_at_once(
    tmp_path: Path, size: int, request: pytest.FixtureRequest
) -> None:
    made = store(tmp_path / "s", snapshot())
    (tmp_path / "judges").mkdir()
    judges = compile_store(made, tmp_path / "judges", "datalib", datalib_vocab.read("agents.json"), Engine())
    request.getfixturevalue("little_memory")
    chance, count = random.Random(size), len(judges.signals["ids"])
    shards = [sorted(chance.sample(range(count), count // 3)) for _ in range(2)]
    for number, places in enumerate(shards):
        with SectionWriter(tmp_path / f"{number}") as out, out.section(Name.USED) as file:
            file.write(np.array(places, dtype=np.int64).tobytes())
    used = Used(judges, [tmp_path / "0", tmp_path / "1"])
    together = np.array(sorted({*shards[0], *shards[1]}))
    assert np.concatenate(list(used.places())).tolist() == together.tolist()
    ids, first = np.unique(judges.signals["ids"][together], return_index=True)
    ranges = list(used.ranges(size))
    assert np.concatenate([part.ids for part in ranges]).tolist() == ids.tolist()
    assert np.concatenate([part.signals for part in ranges]).tolist() == together[first].tolist()
    assert [len(part.ids) for part in ranges[:-1]] == [size] * (len(ranges) - 1)
    assert 0 < len(ranges[-1].ids) <= size
    assert [part.below for part in ranges] == [*(int(part.ids[0]) for part in ranges[1:]), 1 << 63]


def test_a_folder_of_imported_snapshots_is_not_taken_for_one_of_hosts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("url\nhttps://a.example/1\n", encoding="ascii")
    (tmp_path / "s.jsonl").write_text('{"origin": "https://a.example", "status": 404}\n', encoding="ascii")
    scan([tmp_path / "a.csv"], sites=[tmp_path / "s.jsonl"], out=tmp_path / "out", now=NOW)
    (store,) = filter(is_store, (tmp_path / "out" / "sites").iterdir())
    with pytest.raises(Refused, match=f"an imported snapshot, {store.name}, stands here: name it") as caught:
        scan([tmp_path / "a.csv"], sites=[tmp_path / "out" / "sites"], out=tmp_path / "again", now=NOW)
    assert caught.value.code == "E-SITES-FORMAT"
    assert scan([tmp_path / "a.csv"], sites=[store], out=tmp_path / "again", now=NOW).counts["verdict"]["admit"] == 1


def test_what_was_made_of_a_snapshot_is_kept_for_one_age_of_answers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("url\nhttps://a.kz/1\nhttps://b.kz/1\n", encoding="ascii")
    read = {"https://a.kz": "2026-01-01T00:00:00Z", "https://b.kz": "2026-07-01T00:00:00Z"}
    body = b"User-agent: *\nDisallow: /\n"
    answers = [Answer(origin=name, status=200, body=body, fetched_at=time) for name, time in read.items()]
    write_sites(tmp_path / "s.jsonl", answers)
    kept = set[int]()
    for age, refused in ((None, 2), (100, 0), (200, 1), (None, 2), (None, 2)):
        found = scan(
            [tmp_path / "a.csv"], sites=[tmp_path / "s.jsonl"], out=tmp_path / "out", sites_max_age=age, now=NOW
        )
        assert found.counts["verdict"].get("refuse", 0) == refused
        kept.add(len(list((tmp_path / "out" / "sites").iterdir())))
    assert len(kept) == 1


ROBOTS = b"User-agent: *\nDisallow: /\n"
#: Files of the same text at two paths: what is held of them must not depend on which came first.
SHARED = [
    Answer(origin="https://x.kz", status=200, body=ROBOTS),
    Answer(origin="https://x.kz", path="/ai.txt", status=200, body=ROBOTS),
    Answer(origin="https://y.kz", path="/ai.txt", status=200, body=ROBOTS),
    Answer(origin="https://y.kz", status=404),
    Answer(origin="https://y.kz", path="/.well-known/tdmrep.json", status=404),
    Answer(origin="https://z.kz", path="/.well-known/tdmrep.json", status=404),
    Answer(origin="https://z.kz", path="/.well-known/tdmrep.json", status=404, fetched_at="2026-12-01T00:00:00Z"),
]


def test_the_order_of_answers_changes_nothing(tmp_path: Path) -> None:
    """Scan with the answers in several orders, in folders of their own and in one that knows another order."""
    (tmp_path / "w.csv").write_text("url\nhttps://x.kz/1\nhttps://y.kz/1\nhttps://z.kz/1\n", encoding="ascii")
    found = []
    for number in range(8):
        answers = random.Random(number).sample(SHARED, len(SHARED))
        write_sites(tmp_path / f"a{number}.jsonl", answers[:3])
        write_sites(tmp_path / f"b{number}.jsonl", answers[3:])
        sites = [tmp_path / f"a{number}.jsonl", tmp_path / f"b{number}.jsonl"]
        for out, age in (("one", 30 + number), ("one", None), (f"own{number}", None)):
            scan([tmp_path / "w.csv"], out=tmp_path / out, sites=sites, sites_max_age=age, now=NOW)
            if age is None:
                found.append(scan_files(tmp_path / out))
    assert all(files == found[0] for files in found)
    reasons = [row.reason for row in read_decisions(tmp_path / "one")]
    assert reasons == ["robots-disallow", "ai-txt", "not-asked-robots-txt"]
