"""Whatever becomes of the bytes of a web archive: the scan ends, every record has a verdict, and damage admits nothing.

The archive holds refused works and none that may be admitted, so that whatever is admitted was made by the damage.
"""

import gzip
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.webarchive.files import called_packed
from datalib.webarchive.http import BodyError, body_of, read_response
from datalib.webarchive.records import Record, read_records
from tests.webarchives import arc, arc_file, framed, http, judged, packed, record, robots, wacz

SHUT = b"User-agent: *\nDisallow: /\n"
NOAI = b'<!doctype html><meta name="robots" content="noai, noimageai"><p>words'
RECORDS = [
    record("", b"software: test", kind="warcinfo"),
    robots("https://a.example", SHUT),
    record("https://a.example/1", b"GET / HTTP/1.1\r\n\r\n", kind="request"),
    record("https://a.example/1", http(NOAI, "X-Robots-Tag: noai")),
    record("https://a.example/2", http(gzip.compress(NOAI, mtime=0), "Content-Encoding: gzip", "X-Robots-Tag: noai")),
    record("https://a.example/3", http(b"5\r\nwords\r\n0\r\n\r\n", "Transfer-Encoding: chunked", length=False)),
    record("https://a.example/4", http(NOAI), kind="revisit"),
]
PLAIN = b"".join(RECORDS)
ARC = arc_file(
    arc("https://a.example/robots.txt", http(SHUT)), *(arc(f"https://a.example/{n}", http(NOAI)) for n in "123")
)
FORMS = {
    "w.warc.gz": packed(*RECORDS), "solid.warc.gz": gzip.compress(PLAIN, mtime=0), "w.warc": PLAIN, "a.arc": ARC,
    "a.arc.gz": gzip.compress(ARC, mtime=0),
    "w.warc.zst": framed(*RECORDS),
    "cut.warc.zst": framed(*(part[start : start + 90] for part in RECORDS for start in range(0, len(part), 90))),
}  # fmt: skip
SCANS = 300 if os.environ.get("DATALIB_SOAK") else 8

CHANGE = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 40), st.binary(max_size=8))


def changed(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for place, size, new in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + size :]
    return data


def read(data: bytes, piece: int, name: str) -> list[Record]:
    parts = iter([data[start : start + piece] for start in range(0, len(data), piece)])
    return list(read_records(lambda: next(parts, b""), packed=called_packed(name)))


@settings(max_examples=250, deadline=None)
@given(
    name=st.sampled_from(sorted(FORMS)), changes=st.lists(CHANGE, max_size=4), cut=st.floats(0, 1),
    piece=st.sampled_from([13, 400, 1 << 20]),
)  # fmt: skip
def test_reading_ends_and_names_each_record_once(
    name: str, changes: list[tuple[float, int, bytes]], cut: float, piece: int
) -> None:
    data = changed(FORMS[name], changes)
    data = data[: int(cut * len(data))] if cut < 0.5 else data
    found = read(data, piece, name)
    assert found
    assert len({one.place for one in found}) == len(found)
    assert [one.place for one in read(data, 1 << 20, name)] == [one.place for one in found]
    for one in found:
        response = read_response(one.block)
        if response:
            with suppress(BodyError):
                body_of(response)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300), ending=st.sampled_from(["", ".gz", ".zst"]))
def test_arbitrary_bytes_are_read_as_trouble(data: bytes, ending: str) -> None:
    found = read(data, 50, f"x{ending}")
    assert found
    assert all(one.trouble for one in found)


@given(block=st.binary(max_size=200) | st.binary(max_size=60).map(lambda data: http(data, "Content-Encoding: br")))
def test_arbitrary_blocks_are_responses_or_none(block: bytes) -> None:
    for data in (block, b"HTTP/1.1 200 OK\r\n" + block):
        response = read_response(data)
        if response:
            with suppress(BodyError):
                assert isinstance(body_of(response), bytes)


def test_damage_in_packed_archives_admits_nothing(tmp_path: Path) -> None:
    chance = random.Random(3)
    for number in range(SCANS):
        works = tmp_path / f"works{number}"
        works.mkdir()
        for name in ("w.warc.gz", "solid.warc.gz", "a.arc.gz", "w.warc.zst", "cut.warc.zst"):
            data = bytearray(FORMS[name])
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(data))
                data[at : at + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 3))
            (works / name).write_bytes(bytes(data[: chance.choice([len(data), chance.randrange(len(data))])]))
        place = wacz(works / "z.wacz", [("archive/w.warc", PLAIN)])
        data = bytearray(place.read_bytes())
        data[chance.randrange(len(data))] ^= chance.randint(1, 255)
        place.write_bytes(bytes(data))
        result, found = judged(works, tmp_path / f"out{number}", admitted=True)
        assert result.works >= 4
        assert not [work for work, verdict in found.items() if verdict.startswith("admit")]
        assert not (tmp_path / f"out{number}" / "admitted").exists()


@pytest.mark.parametrize("name", ["w.warc.gz", "w.warc.zst", "w.warc", "a.arc"])
def test_every_cut_is_reported_where_it_is(name: str) -> None:
    data = FORMS[name]
    whole = read(data, 1 << 20, name)
    starts = [int(one.place) for one in whole]
    for size in range(1, len(data), 1 if os.environ.get("DATALIB_SOAK") else 11):
        found = read(data[:size], 1 << 20, name)
        assert [int(one.place) for one in found] == [place for place in starts if place < size]
        assert all(not one.trouble for one in found[:-1])
        complete = found[-1].block == whole[len(found) - 1].block and found[-1].url == whole[len(found) - 1].url
        assert found[-1].trouble or complete
