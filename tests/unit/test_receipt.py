"""Receipts: every decision is proven present, everything else absent, and nothing else can be shown."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib import merkle
from datalib.chain.events import Evidence
from datalib.errors import DatalibError, Misuse, Refused
from datalib.optout import decisions, key_index
from datalib.optout.receipt import Lines, Presence, Receipt, Records, attested, check, named
from datalib.optout.receipt_making import make
from datalib.optout.result import read_bytes, read_scan
from datalib.optout.scan import scan
from datalib.optout.sections import SectionWriter
from tests.libraries import sound
from tests.scanning import NOW, read_decisions, scan_files

ROWS = 300
TWIN = "https://twin.x/"


def url(row: int) -> str:
    return TWIN if row % 50 == 7 else f"https://e.x/{row}"


def works(folder: Path) -> list[Path]:
    """Two tables and a folder of files, one of whose names is two lines long."""
    pq.write_table(pa.table({"url": [url(row) for row in range(ROWS)]}), folder / "a.parquet", row_group_size=70)
    odd = ["https://e.y/\ttab", '"https://e.y/quoted"', "", None, "https://e.y/" + "long" * 700, "UNLIKELY"]
    pq.write_table(pa.table({"url": pa.array(odd, pa.string())}), folder / "b.parquet")
    (folder / "files").mkdir()
    (folder / "files" / "poem.txt").write_text("a poem")
    (folder / "files" / "x\t\tadmit\tno-prohibition\tuuuuuuu\nforged.txt").write_text(
        "a name that looks like a decision"
    )
    return [folder / name for name in ("a.parquet", "b.parquet", "files")]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("receipts")
    (folder / "list.txt").write_text("https://e.x/8\n")
    scan(works(folder), out=folder / "out", registries=[folder / "list.txt"], receipts=True, now=NOW)
    return folder / "out"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    scan(works(folder), out=folder / "out", now=NOW)
    return folder / "out"


def round_trip(receipt: Receipt) -> Receipt:
    read = Receipt.parse(receipt.serialise())
    assert read == replace(receipt, statements=())
    return read


def test_every_decision_is_shown_by_its_id_and_by_its_url(scanned: Path) -> None:
    rows = read_decisions(scanned)
    for row in Random(7).sample(rows[:ROWS], 12) + rows[ROWS:]:
        shown = check(round_trip(make(row.work, scanned)))
        assert (shown.presence, shown.complete) == (Presence.PRESENT, True)
        assert [(d.work, d.url, d.verdict, d.reason) for d in shown.decisions] == [
            (row.work, row.url or "", row.verdict, row.reason)
        ]
        if row.url and "://" in row.url and row.url != TWIN:
            shown = check(round_trip(make(row.url, scanned)))
            assert [d.work for d in shown.decisions] == [row.work]
    unlikely = check(make("UNLIKELY", scanned))
    assert (unlikely.kind, unlikely.decisions[0].work) == ("url", "b.parquet#5")
    made = make("https://e.x/8", scanned)
    assert made.statements[0]["signal"] == "registry"
    assert made.statements[0]["strict"] == {"train_any": "deny", "train_gen": "deny"}
    assert check(make("https://e.y/" + "long" * 700 + "?more", scanned)).decisions  # decisions show long URLs cut


def test_all_decisions_about_a_url_are_shown(scanned: Path) -> None:
    shown = check(round_trip(make(TWIN, scanned)))
    assert shown.complete
    assert sorted(d.work for d in shown.decisions) == sorted(f"a.parquet#{row}" for row in range(7, ROWS, 50))


@pytest.mark.parametrize(
    "work",
    ["https://e.x/8/", "http://e.x/8", "https://e.x/300", "a.parquet#300", "a.parquet#-1", "none.txt",
     "forged.txt", "x", "", "https://e.y/", "https://e.x/8\n", "null", "https://\ud800"],
)  # fmt: skip
def test_what_is_not_there_is_shown_to_be_absent(scanned: Path, work: str) -> None:
    made = make(work, scanned)
    shown = check(made)
    assert (shown.presence, shown.complete, shown.decisions) == (Presence.ABSENT, True, ())
    assert all("e.x" not in str(one) for one in made.decisions)  # it tells nothing about others
    if work.isprintable() and "\ud800" not in work:
        round_trip(made)


def test_a_scan_without_an_index_shows_presence_only(plain: Path) -> None:
    assert "index" not in json.loads((plain / "scan.json").read_bytes())
    for work in ("a.parquet#299", "https://e.x/64", "poem.txt", TWIN, "UNLIKELY"):
        shown = check(round_trip(make(work, plain)))
        assert shown.presence is Presence.PRESENT
        assert not shown.complete
    for work in ("https://e.x/301", "nothing"):
        with pytest.raises(Misuse, match="E-RECEIPT-INDEX"):
            make(work, plain)


def test_the_index_changes_nothing_else_and_does_not_outlive_its_scan(tmp_path: Path) -> None:
    given = works(tmp_path)
    for workers, out in ((1, "one"), (2, "two")):
        scan(given, out=tmp_path / out, receipts=True, workers=workers, batch_rows=64 * workers, now=NOW)
    first = scan_files(tmp_path / "one")
    assert first == scan_files(tmp_path / "two")
    before = read_scan(tmp_path / "one")
    after = scan(given, out=tmp_path / "one", now=NOW)
    assert not (tmp_path / "one" / "index.bin").exists()
    assert (after.root, after.counts) == (before.root, before.counts)
    assert replace(before, index=None, outputs=after.outputs) == after


def test_the_index_is_what_its_description_says(scanned: Path) -> None:
    data = (scanned / "index.bin").read_bytes()
    rows = read_decisions(scanned)
    leaves = [len(pq.read_table(path)) for path in sorted((scanned / "decisions").iterdir())]
    expected, first, place = [], 0, iter(rows)
    for count in leaves:
        for number, row in zip(range(count), place, strict=False):
            named_by = [("work", row.work), *([("url", row.url)] if row.url else [])]
            for kind, text in named_by:
                key = int.from_bytes(sha256(f"{kind}\0{text}".encode()).digest()[:8])
                expected.append((key, first * 64 + number))
        first += -(-count // 64)
    assert key_index.parse_records(data) == sorted(expected)
    described = read_scan(scanned).index or {}
    blocks = [data[start : start + 1024] for start in range(0, len(data), 1024)]
    assert described == {
        "entries": len(expected), "leaf_entries": 64, "leaves": len(blocks), "root": merkle.root(blocks).hex(),
    }  # fmt: skip


def test_a_merge_needs_little_memory_and_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(7)
    shards, records, leaf = [], [], 0
    for number in range(5):
        keys = draw.integers(0, 1 << 63, 400, dtype=np.uint64)
        keys[:150] = 42  # more than are sorted at a time
        keys[150:160] = [0, 2**64 - 1] * 5
        places = np.arange(400, dtype=np.uint64)
        path = tmp_path / f"{number}.found"
        with SectionWriter(path) as out:
            key_index.write_keys(out, [(keys[:200], places[:200]), (keys[200:], places[200:])])
        records += [(int(key), leaf * 64 + int(at)) for key, at in zip(keys, places, strict=True)]
        shards.append((path, leaf))
        leaf += 7
    with SectionWriter(tmp_path / "none.found") as out:
        key_index.write_keys(out, [])
    shards.append((tmp_path / "none.found", leaf))
    whole = key_index.write_index(tmp_path / "whole.bin", shards)
    monkeypatch.setattr(key_index, "MAX_SORTED", 100)
    parts = key_index.write_index(tmp_path / "parts.bin", shards)
    assert whole == parts
    data = (tmp_path / "parts.bin").read_bytes()
    assert data == (tmp_path / "whole.bin").read_bytes()
    assert key_index.parse_records(data) == sorted(records)
    for key in (0, 42, 43, 2**64 - 1):
        start, stop = key_index.find(tmp_path / "parts.bin", key)
        assert {found for found, _ in key_index.parse_records(data)[start:stop]} <= {key}
        assert stop - start == sum(found == key for found, _ in records)


def test_of_a_url_that_very_many_works_have_some_decisions_are_shown(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"url": [TWIN if row % 2 else f"https://e.x/{row}" for row in range(6000)]}), tmp_path / "a.parquet"
    )
    out = tmp_path / "out"
    scan([tmp_path / "a.parquet"], out=out, receipts=True, now=NOW)
    shown = check(round_trip(make(TWIN, out)))
    assert not shown.complete
    assert len(shown.decisions) == 16 * 32
    assert check(make("https://e.x/7", out)).presence is Presence.ABSENT


def test_a_set_without_works_has_none(tmp_path: Path) -> None:
    pq.write_table(pa.table({"url": pa.array([], pa.string())}), tmp_path / "a.parquet")
    scan([tmp_path / "a.parquet"], out=tmp_path / "out", receipts=True, now=NOW)
    assert check(make("https://e.x/", tmp_path / "out")).presence is Presence.ABSENT


def forgeries(receipt: Receipt, other: Receipt) -> Iterator[Receipt]:
    """Change one thing at a time, as somebody would who wants to show something else."""
    yield replace(receipt, decisions=other.decisions)
    yield replace(receipt, decisions=())
    yield replace(receipt, index=other.index, decisions=())
    yield replace(receipt, index=receipt.index[:-1], decisions=())
    yield replace(receipt, index=receipt.index[::-1], decisions=())
    yield replace(receipt, scan=(receipt.scan or b"").replace(b'"leaf_rows": 64', b'"leaf_rows": 65'))
    yield replace(receipt, scan=None)
    for name in ("index", "decisions"):
        leaves: list[Any] = list(getattr(receipt, name))
        for number, leaf in enumerate(leaves):
            for changed in (
                replace(leaf, data=leaf.data[:-1]), replace(leaf, data=leaf.data.replace(b"registry", b"tdmrep")),
                replace(leaf, leaf=leaf.leaf + 1), replace(leaf, path=leaf.path[1:]), replace(leaf, path=(b"x",)),
            ):  # fmt: skip
                if changed != leaf:
                    members: dict[str, Any] = {name: (*leaves[:number], changed, *leaves[number + 1 :])}
                    yield replace(receipt, **members)


def test_nothing_else_can_be_shown(scanned: Path) -> None:
    present, other = make("https://e.x/8", scanned), make("https://e.x/299", scanned)
    for forged in forgeries(present, other):
        try:
            shown = check(forged)
        except Refused as error:
            assert error.code in {"E-RECEIPT", "E-SCAN-FORMAT"}  # noqa: PT017 (either refusal will do)
        else:
            assert shown.presence is Presence.PRESENT
            assert {d.reason for d in shown.decisions} == {"registry"}
    absent = make("https://e.x/nowhere", scanned)
    for name in ("https://e.x/8", "https://e.x/299", TWIN):
        with pytest.raises(Refused, match="E-RECEIPT"):
            check(replace(absent, name=name, index=(), decisions=()))
        with pytest.raises(Refused, match="E-RECEIPT"):
            check(replace(make(name, scanned), decisions=()))
        middle = make("https://e.x/nowhere", scanned).index
        with pytest.raises(Refused, match="E-RECEIPT"):
            check(replace(absent, name=name, index=middle[:1])) if _apart(middle[0].data, name) else check(
                replace(absent, name=name, index=())
            )


def _apart(data: bytes, name: str) -> bool:
    """Say whether a leaf of the index does not show where a key would stand."""
    keys = [key for key, _ in key_index.parse_records(data)]
    return not keys[0] < key_index.key_of("url", name) < keys[-1]


def test_a_decision_with_the_same_key_is_no_decision_about_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are short: with keys of one byte very many are alike, and the answers stay right."""
    from datalib.optout import receipt

    real, real_keys = key_index.key_of, key_index.keys_of

    def short(kind: key_index.Kind, text: str) -> int:
        return real(kind, text) & ~0x3FFFFFFFFFFFFFFF

    def short_keys(kind: key_index.Kind, column: Any, first: int) -> Any:
        keys, places = real_keys(kind, column, first)
        return keys & np.uint64(0xC000000000000000), places

    monkeypatch.setattr(receipt, "key_of", short)
    monkeypatch.setattr(key_index, "key_of", short)
    monkeypatch.setattr(decisions, "keys_of", short_keys)
    scan(works(tmp_path), out=tmp_path / "out", receipts=True, now=NOW)
    assert [d.work for d in check(make("https://e.x/9", tmp_path / "out")).decisions] == ["a.parquet#9"]
    assert check(make("https://e.x/301", tmp_path / "out")).presence is Presence.ABSENT


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("about"),
        lambda value: value.update(about={}),
        lambda value: value.update(about={"page": "x"}),
        lambda value: value.update(about={"url": 1}),
        lambda value: value.update(format="x"),
        lambda value: value.update(more=1),
        lambda value: value.update(scan=1),
        lambda value: value.update(scan_sha256="x"),
        lambda value: value.update(decisions=[{}]),
        lambda value: value.update(decisions={"a": 1}),
        lambda value: value["decisions"][0].update(leaf="0"),
        lambda value: value["decisions"][0].update(leaf=True),
        lambda value: value["decisions"][0].update(path=["%"]),
        lambda value: value["decisions"][0].update(path=7),
        lambda value: value["index"][0].update(records="%"),
        lambda value: value["index"][0].update(leaf=-1),
        lambda value: value["index"][0].update(records="AAAA"),
        lambda value: value.update(library=1),
    ],
)
def test_what_is_no_receipt(scanned: Path, change: Callable[[Any], Any]) -> None:
    value = json.loads(make("https://e.x/8", scanned).serialise())
    change(value)
    with pytest.raises(Refused) as caught:
        check(Receipt.parse(json.dumps(value).encode()))
    assert caught.value.code == "E-RECEIPT"


@settings(max_examples=1000 if "DATALIB_SOAK" in os.environ else 60, deadline=None)
@given(st.binary(max_size=80), st.floats(0, 1, exclude_max=True), st.integers(0, 40))
def test_hostile_receipts_end_in_one_of_our_errors_or_show_the_same(
    scanned: Path, new: bytes, place: float, length: int
) -> None:
    data = make("a.parquet#8", scanned).serialise() if not CACHE else CACHE[0]
    CACHE[:] = [data]
    at = int(place * len(data))
    try:
        shown = check(Receipt.parse(data[:at] + new + data[at + length :]))
    except DatalibError:
        return
    assert [d.reason for d in shown.decisions] == ["registry"]


CACHE: list[bytes] = []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(), st.none() | st.text()), min_size=1, max_size=100))
def test_lines_are_undone_whatever_works_are_called(rows: list[tuple[str, str | None]]) -> None:
    names, urls = ([row[place] for row in rows] for place in (0, 1))
    texts = [
        [text and text.replace("\ud800", "").encode("utf-8", "replace").decode() for text in side]
        for side in (names, urls)
    ]
    said = pa.array(["hold\tdamaged-record\tuuuuuuu\n"] * len(rows))
    lines = decisions.lines_of(pa.array(texts[0], pa.string()), pa.array(texts[1], pa.string()), said).to_pylist()
    assert len("".join(lines).split("\n")) == len(rows) + 1
    assert [decisions.parse_line(line[:-1])[:2] for line in lines] == [
        (work or "", found or "") for work, found in zip(*texts, strict=True)
    ]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 70), st.sets(st.integers(0, 69), min_size=1), st.integers(1, 9))
def test_paths_made_from_a_stream_are_those_of_the_tree(size: int, wanted: set[int], step: int) -> None:
    hashes = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    chosen = {index % size for index in wanted}
    builder = merkle.PathBuilder(chosen, size)
    for start in range(0, size, step):
        builder.extend_hashes(hashes[start : start + step])
    for index in chosen:
        assert builder.path(index) == merkle.inclusion_path(hashes, index)


def test_the_attestation_is_found_in_the_chain(tmp_path: Path, scanned: Path) -> None:
    library = sound(tmp_path / "library")
    digest = check(make("a.parquet#8", scanned)).scan_sha256
    with pytest.raises(Refused, match="no attestation"):
        make("a.parquet#8", scanned, tmp_path / "library")
    library.attest(result="fail", evidence=(Evidence(name="scan.json", sha256=digest),), type="optout")
    made = make("a.parquet#8", scanned, tmp_path / "library")
    assert made.library == library.lib
    assert made.event == library.head
    from datalib.chain import links

    chain = links.read_unverified((tmp_path / "library" / "chain.jsonl").read_bytes())
    found = attested(chain, digest)
    assert (found.result, found.newest) == ("fail", True)
    library.attest(type="optout")
    chain = links.read_unverified((tmp_path / "library" / "chain.jsonl").read_bytes())
    assert not attested(chain, digest).newest


def test_a_damaged_scan_makes_no_receipt(tmp_path: Path) -> None:
    given = works(tmp_path)
    out = tmp_path / "out"
    scan(given, out=out, receipts=True, now=NOW)
    data = (out / "index.bin").read_bytes()
    (out / "index.bin").write_bytes(data[:-16] + data[:16])
    with pytest.raises(Refused, match="E-SCAN-FORMAT"):
        make("https://e.x/1", out)
    (out / "index.bin").unlink()
    with pytest.raises(DatalibError, match="E-IO"):
        make("https://e.x/1", out)
    (out / "index.bin").write_bytes(data)
    part = out / "decisions" / "part-00000.parquet"
    table = pq.read_table(part)
    pq.write_table(table.slice(0, 10), part)
    with pytest.raises(Refused):
        make("https://e.x/1", out)
    value = json.loads(read_bytes(out))
    value["index"]["root"] = "x"
    (out / "scan.json").write_text(json.dumps(value))
    with pytest.raises(Refused, match="E-SCAN-FORMAT"):
        make("https://e.x/1", out)
    assert named("url", "x" * 3000) == "x" * 2000


def built(
    scanned: Path, leaves: list[bytes], records: list[tuple[int, int]], name: str = "u", **changes: Any
) -> Receipt:
    """Make the receipt of a scan that says whatever it likes, with sound roots: its maker may be dishonest."""
    value = json.loads(read_bytes(scanned))
    data = b"".join(number.to_bytes(8) for record in records for number in record) + changes.pop("rest", b"")
    blocks = [data[start : start + 1024] for start in range(0, len(data), 1024)]
    hashes = [[merkle.leaf_hash(item) for item in items] for items in (leaves, blocks)]
    roots = [merkle.root_of_hashes(items).hex() for items in hashes]
    value["decisions"] |= {"root": roots[0], "leaves": len(leaves)} | changes
    value["index"] |= {"root": roots[1], "leaves": len(blocks), "entries": len(records)}
    raw = json.dumps(value).encode()
    paths = [[tuple(merkle.inclusion_path(items, at)) for at in range(len(items))] for items in hashes]
    return Receipt(
        kind="url", name="u", scan=raw, scan_sha256=sha256(raw).hexdigest(),
        decisions=tuple(Lines(leaf=at, data=leaf, path=paths[0][at]) for at, leaf in enumerate(leaves)),
        index=tuple(Records(leaf=at, data=block, path=paths[1][at]) for at, block in enumerate(blocks)),
    )  # fmt: skip


SAID = b"\tu\tadmit\tno-prohibition\tuuuuuuu\n"


def test_a_sound_root_over_nonsense_shows_nothing(scanned: Path) -> None:
    key = key_index.key_of("url", "u")
    assert check(built(scanned, [b"w" + SAID], [(key, 0)])).complete
    odd = b"w\xff" + SAID  # a work whose name is no text
    shown = check(round_trip(built(scanned, [odd], [(key, 0)])))
    assert shown.decisions[0].work == "w\udcff"
    for receipt in (
        built(scanned, [b"w" + SAID], [(key, 1)]),
        built(scanned, [b"w" + SAID], [(key, 0), (key - 1, 0)]),
        built(scanned, [b"w" + SAID], [(key, 0)], leaf_rows=32),
        built(scanned, [b"w" + SAID[:-1]], [(key, 0)]),
        built(scanned, [(b"w" + SAID) * 65], [(key, 0)]),
        built(scanned, [b"w\tu\n"], [(key, 0)]),
        built(scanned, [b'"w' + SAID], [(key, 0)]),
        built(scanned, [b"[" * 9 + b"\t" + b'"' + b"[" * 99_999 + SAID[2:]], [(key, 0)]),
        built(scanned, [b"1\tu\tadmit\tx\tuu\n"], [(key, 0)]),
        built(scanned, [b""], [(key, 0)]),
        built(scanned, [b"w" + SAID], [(key, 0)], rest=bytes(8)),
        built(scanned, [b"w" + SAID], [(key, 0)], rest=b"\xff"),
    ):
        with pytest.raises(Refused, match="E-RECEIPT"):
            check(receipt)
    assert len(check(built(scanned, [b"w" + SAID], [(key, 0), (key, 0)])).decisions) == 1
    with pytest.raises(Refused, match="E-RECEIPT"):
        check(replace(built(scanned, [b"v\tv" + SAID[2:]], [(key, 0)]), index=()))


def test_texts_that_are_none_have_receipts(tmp_path: Path) -> None:
    places, texts = np.array([0, 14, 26], np.int32), b"https://e.x/\xff\xfehttps://e.x/"
    column = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(places), pa.py_buffer(texts)])
    pq.write_table(pa.table({"url": column}), tmp_path / "a.parquet")
    scan([tmp_path / "a.parquet"], out=tmp_path / "out", receipts=True, now=NOW)
    shown = check(round_trip(make("https://e.x/", tmp_path / "out")))
    assert [d.work for d in shown.decisions] == ["a.parquet#1"]
    assert check(make("https://e.x/\ufffd\ufffd", tmp_path / "out")).presence is Presence.ABSENT
