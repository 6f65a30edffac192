"""Zstandard frames of a WARC: each record comes out of its frames, damage is contained, dictionaries are not read."""

import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from datalib.webarchive import frames, window
from datalib.webarchive.records import Extent, Packing, Record, read_records
from tests.webarchives import framed, http, judged, offsets, packed, record, robots

FIRST, SECOND, THIRD = (record(f"https://{name}.example/", http(name.encode() * 99)) for name in "abc")
A, B, C = (f"https://{name}.example/" for name in "abc")
VECTORS = Path(__file__).parents[1] / "vectors" / "warc-zst"
EXTENSION = b"\x50\x2a\x4d\x18\x05\0\0\0\x28\xb5\x2f\xfd\0"


def pulled(data: bytes, piece: int = 1 << 20) -> Callable[[], bytes]:
    source = io.BytesIO(data)
    return lambda: source.read(piece)


def read(data: bytes, piece: int = 1 << 20, packed: Packing = Packing.NONE) -> list[Record]:
    return list(read_records(pulled(data, piece), packed=packed))


def shown(data: bytes, piece: int = 1 << 20) -> list[tuple[str, str]]:
    return [(found.url, str(found.trouble)) for found in read(data, piece)]


def streamed(data: bytes) -> bytes:
    """Write a frame that does not say how much is in it."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_a_record_comes_out_of_each_frame(piece: int) -> None:
    parts = [framed(part) for part in (FIRST, SECOND, THIRD)]
    places = offsets(*parts)
    found = read(b"".join(parts), piece)
    assert [one.extent for one in found] == [Extent(places[n], places[n + 1]) for n in range(3)]
    assert [(one.place, one.url) for one in found] == [(str(places[n]), url) for n, url in enumerate((A, B, C))]
    assert found[1].block == http(b"b" * 99)
    assert not any(one.trouble or one.plain for one in found)


def test_a_frame_without_check_sum_vouches_for_nothing() -> None:
    found = read(framed(FIRST, checked=False) + framed(SECOND) + framed(THIRD[:50]) + framed(THIRD[50:], checked=False))
    assert [(one.url, one.plain) for one in found] == [(A, True), (B, False), (C, True)]
    big = record(A, http(bytes(range(256)) * 9000))
    assert [(one.url, one.plain) for one in read(streamed(big) + framed(big))] == [(A, True), (A, False)]


@pytest.mark.parametrize("piece", [50, 1 << 20])
def test_a_record_may_stand_in_several_frames(piece: int) -> None:
    parts = framed(FIRST[:1], FIRST[1:9], FIRST[9:200], b"", FIRST[200:-2]) + EXTENSION + framed(FIRST[-2:])
    found = read(parts + framed(SECOND), piece)
    assert [(one.place, one.url, str(one.trouble)) for one in found] == [("0", A, ""), (str(len(parts)), B, "")]
    assert found[0].block == http(b"a" * 99)


def test_frames_of_records_that_are_followed_by_line_ends_and_others() -> None:
    data = framed(b"") + EXTENSION + framed(FIRST[:-4], FIRST[-4:], b"") + EXTENSION * 2 + framed(SECOND) + EXTENSION
    assert shown(data) == shown(data, 1) == [(A, ""), (B, "")]
    assert [(one.place, one.url) for one in read(framed(FIRST + SECOND))] == [("0", A), (f"0+{len(FIRST)}", B)]


@pytest.mark.parametrize("length", [0, 3, 400, 10**9, 10**17])
def test_a_wrong_length_holds_the_record_and_not_the_next_frame(length: int) -> None:
    found = shown(framed(record(A, http(), length=length), SECOND))
    assert (found[0][0], found[-1]) == (A, (B, ""))
    assert found[0][1] in {"damaged", "cut"}


def test_a_record_whose_last_frame_is_missing_is_damaged() -> None:
    assert shown(framed(FIRST[:300], SECOND)) == [(A, "damaged"), (B, "")]
    assert shown(framed(FIRST[:300])) == [(A, "damaged")]


def test_a_damaged_frame_is_contained() -> None:
    noise = bytes((n * n * 7919 + n // 3) % 251 for n in range(300_000))
    for victim in (FIRST, record(A, http(noise))):
        frame = framed(victim)
        for at in (0, 3, 4, 5, 9, 12, len(frame) // 2, len(frame) - 6, len(frame) - 1):
            broken = bytearray(frame)
            broken[at] ^= 0x5A
            for piece in (1000, 1 << 20):
                found = read(bytes(broken) + framed(SECOND, THIRD), piece, Packing.ZSTD)
                assert [(one.url, str(one.trouble)) for one in found[-2:]] == [(B, ""), (C, "")]
                assert found[:-2]
                assert all(one.trouble for one in found[:-2])


def test_a_damaged_large_frame_is_searched_from_what_is_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_KEPT", 100)
    noise = bytes((n * n * 7919 + n // 3) % 251 for n in range(1_200_000))
    frame = bytearray(framed(record(A, http(noise))))
    frame[-1] ^= 1
    assert shown(bytes(frame) + framed(SECOND), 1000) == [(A, "damaged"), (B, "")]
    frame[len(frame) // 2] ^= 1
    assert shown(bytes(frame) + framed(SECOND), 1000) == [(A, "damaged"), (B, "")]


@pytest.mark.parametrize("size", [1, 3, 4, 5, 9, 60, -5, -1])
def test_an_archive_that_ends_early_says_so(size: int) -> None:
    assert shown(framed(FIRST) + framed(SECOND)[:size])[0] == (A, "")
    assert [trouble for _, trouble in shown(framed(FIRST) + framed(SECOND)[:size])] == ["", "cut"]
    assert shown(framed(FIRST) + EXTENSION[:-1]) == [(A, ""), ("", "cut")]


def test_bytes_between_frames_are_reported() -> None:
    junk = b"junk" + frames.MAGIC + b"\x20\xff" + framed(b"no record") + framed(b"junk")
    assert shown(framed(FIRST) + junk + framed(SECOND)) == [(A, ""), ("", "damaged"), (B, "")]
    assert shown(framed(FIRST) + b"junk") == [(A, ""), ("", "cut")]


def test_what_looks_like_many_frames_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_TRIES", 3)
    junk = b"x" + framed(*[b"no record"] * 9)
    assert shown(framed(FIRST) + junk + framed(SECOND)) == [(A, ""), ("", "cut")]


def test_a_frame_that_unpacks_to_too_much_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_MOST", 3 << 20)
    huge = record(A, http(bytes(5 << 20)))
    assert shown(framed(huge, checked=False) + framed(SECOND)) == [(A, "damaged"), (B, "")]


def test_an_archive_without_records_is_one_with_trouble() -> None:
    for data in (framed(b""), framed(b"", b"\r\n"), frames.MAGIC):
        assert [trouble for _, trouble in shown(data)] == ["cut"]
    assert [trouble for _, trouble in shown(framed(b"no record at all"))] == ["damaged"]


# -- what other programs wrote


@pytest.mark.parametrize("path", sorted((VECTORS / "accept").iterdir()), ids=lambda path: path.name)
def test_archives_of_zstd_are_read(path: Path) -> None:
    found = read(path.read_bytes())
    assert [(one.kind, one.url, str(one.trouble)) for one in found] == [
        ("warcinfo", "", ""), ("response", "https://open.example/robots.txt", ""),
        ("response", "https://open.example/a", ""), ("response", "https://open.example/b", ""),
    ]  # fmt: skip
    assert [one.plain for one in found] == [path.name.startswith("no-check-sum")] * 4


@pytest.mark.parametrize("path", sorted((VECTORS / "reject").iterdir()), ids=lambda path: path.name)
def test_archives_of_zstd_that_cannot_be_read_are_held(tmp_path: Path, path: Path) -> None:
    _, verdicts = judged(path, tmp_path / "out", admitted=True)
    reason = "archive-dictionary" if "dictionary" in path.name else "damaged-record"
    assert f"hold {reason}" in set(verdicts.values())
    if "frame" not in path.name:
        assert set(verdicts.values()) == {f"hold {reason}"}


# -- in a scan


def test_a_scan_judges_an_archive_and_writes_its_admitted_records(tmp_path: Path) -> None:
    noai = http(b'<!doctype html><meta name="robots" content="noai"><p>words')
    several = record("https://open.example/several")
    kept = [framed(record("https://open.example/a")), framed(several[:100], several[100:])]
    shared = [record(f"https://open.example/{n}") for n in range(3)]
    data = (
        framed(robots())
        + kept[0]
        + framed(record("https://open.example/no", noai))
        + kept[1]
        + framed(b"".join(shared))
    )
    path = tmp_path / "w.warc.zst"
    path.write_bytes(data)
    _, verdicts = judged(path, tmp_path / "out", admitted=True)
    assert sorted(verdicts.values()) == ["admit no-prohibition"] * 5 + ["hold site-file", "refuse robots-meta"]
    place = tmp_path / "out" / "admitted" / "part-00000.warc.zst"
    assert place.read_bytes().startswith(b"".join(kept))
    found = read(place.read_bytes())
    assert [one.url.rpartition("/")[2] for one in found] == ["a", "several", "0", "1", "2"]
    assert not any(one.trouble for one in found)
    path.write_bytes(packed(robots(), record("https://open.example/a")))  # the bytes say what it is, not the name
    assert sorted(judged(path, tmp_path / "out2")[1].values()) == ["admit no-prohibition", "hold site-file"]


def test_the_rules_of_sites_are_read_from_an_archive(tmp_path: Path) -> None:
    sites = tmp_path / "sites.warc.zst"
    sites.write_bytes(framed(robots(body=b"User-agent: *\nDisallow: /\n")))
    works = tmp_path / "works.csv"
    works.write_text("url\nhttps://open.example/a\n", encoding="utf-8")
    assert judged(works, tmp_path / "out", sites=[sites])[1] == {"works.csv#0": "refuse robots-disallow"}
