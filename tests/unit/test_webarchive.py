"""Records of web archives, sound and damaged; stored responses with their codings; zips round archives."""

import base64
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from datalib.errors import Refused, Unchecked
from datalib.webarchive import http as responses
from datalib.webarchive import records as reader
from datalib.webarchive import window
from datalib.webarchive.files import entries_of, is_archive, is_wacz, opened
from datalib.webarchive.http import BodyError, body_of, read_response
from datalib.webarchive.records import Extent, Packing, Record, Trouble, read_records
from tests.webarchives import PAGE, arc, arc_file, http, offsets, packed, record, wacz


def pulled(data: bytes, piece: int = 1 << 20) -> Callable[[], bytes]:
    source = io.BytesIO(data)
    return lambda: source.read(piece)


def read(
    data: bytes, piece: int = 1 << 20, without: frozenset[str] = frozenset(), packed: bool = False
) -> list[Record]:
    return list(read_records(pulled(data, piece), without=without, packed=Packing.GZIP if packed else Packing.NONE))


def shown(data: bytes, piece: int = 1 << 20) -> list[tuple[str, str, str]]:
    return [(found.place, found.url, str(found.trouble)) for found in read(data, piece)]


FIRST, SECOND, THIRD = (record(f"https://{name}.example/", http(name.encode() * 99)) for name in "abc")
A, B, C = (f"https://{name}.example/" for name in "abc")


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_records_come_out_whatever_their_bytes_come_in(piece: int) -> None:
    places = offsets(FIRST, SECOND, THIRD)
    plain = read(FIRST + SECOND + THIRD, piece)
    assert [found.place for found in plain] == [str(place) for place in places[:-1]]
    assert [found.extent for found in plain] == [Extent(places[n], places[n + 1]) for n in range(3)]
    assert all(found.plain and not found.trouble for found in plain)
    assert plain[1].block == http(b"b" * 99)
    assert (plain[1].kind, plain[1].date, plain[1].fields[b"warc-record-id"]) == (
        "response", "2024-05-18T01:58:10Z", b"<urn:uuid:0>",
    )  # fmt: skip
    members = [packed(part) for part in (FIRST, SECOND, THIRD)]
    places = offsets(*members)
    zipped = read(b"".join(members), piece)
    assert [found.place for found in zipped] == [str(place) for place in places[:-1]]
    assert [found.extent for found in zipped] == [Extent(places[n], places[n + 1]) for n in range(3)]
    assert [found.block for found in zipped] == [found.block for found in plain]
    assert not any(found.plain for found in zipped)


def test_records_that_share_a_gzip_member_are_told_apart() -> None:
    places = offsets(FIRST, SECOND, THIRD)
    found = read(packed(FIRST + SECOND + THIRD))
    assert [one.place for one in found] == ["0", f"0+{places[1]}", f"0+{places[2]}"]
    assert [one.extent.inner for one in found] == [(0, places[1]), (places[1], places[2]), (places[2], places[3])]


def test_what_is_not_wanted_is_left_out_only_when_it_is_sound() -> None:
    request = record(A, b"GET / HTTP/1.1\r\n\r\n", kind="request")
    without = frozenset({"request"})
    for data in (packed(request, SECOND), request + SECOND):
        assert [found.url for found in read(data, without=without)] == [B]
    assert read(packed(request), without=without) == []
    wrong = record(A, b"GET / HTTP/1.1\r\n\r\n", kind="request", length=3)
    assert [str(found.trouble) for found in read(packed(wrong), without=without)] == ["damaged"]
    twice = record(A, b"GET", "Content-Length: 3", kind="request")
    assert read(packed(twice), without=without) == []


def test_headers_in_odd_writing_are_read() -> None:
    odd = (
        b"WARC/1.1\r\nwarc-TYPE:response\r\nWARC-Target-URI :  <https://a.example/>\t\r\nX: 1\r\n  folded\r\n"
        b"content-LENGTH:\t5\r\nWARC-Date:\r\n\r\nbytes\r\n\r\n"
    )
    for data in (odd, odd.replace(b"\r\n", b"\n"), packed(odd), packed(odd.replace(b"\r\n", b"\n"))):
        (found,) = read(data)
        assert (found.kind, found.url, found.block, found.trouble) == ("response", A, b"bytes", Trouble.NONE)
        assert found.fields[b"x"] == b"1 folded"


@pytest.mark.parametrize(
    "fields",
    [["Content-Length: 7"], ["WARC-Type: request"], ["no colon"], ["WARC-Target-URI: https://other.example/"]],
    ids=lambda fields: fields[0],
)
def test_a_header_that_contradicts_itself_is_damage(fields: list[str]) -> None:
    bad = record(A, b"bytes", *fields)
    for data in (bad + SECOND, packed(bad, SECOND)):
        assert [(url, trouble) for _, url, trouble in shown(data)] == [(A, "damaged"), (B, "")]


@pytest.mark.parametrize("length", [0, 3, 400, 10**9, 10**17])
def test_a_wrong_length_holds_the_record_and_not_the_next_member(length: int) -> None:
    bad = record(A, http(), length=length)
    found = shown(packed(bad, SECOND))
    assert (found[0][1], found[-1][1:]) == (A, (B, ""))
    assert found[0][2] in {"damaged", "cut"}


def test_records_inside_of_what_a_damaged_one_claims_are_doubtful() -> None:
    bad = record(A, http(), length=len(http()) + len(SECOND) - 20)
    assert [(url, trouble) for _, url, trouble in shown(bad + SECOND + THIRD)] == [
        (A, "damaged"), (B, "damaged"), (C, ""),
    ]  # fmt: skip
    short = record(A, b"x" * 50 + SECOND + b"y" * 50, length=50)
    assert next(trouble for *_, trouble in shown(short + THIRD)) == "damaged"
    assert shown(short + THIRD)[-1][1:] == (C, "")
    beyond = record(A, http(), length=10**6)
    assert [(url, trouble) for _, url, trouble in shown(beyond + SECOND)] == [(A, "cut"), (B, "damaged")]


@pytest.mark.parametrize("size", [0, 1, 5, 40, 200, 260])
def test_an_archive_that_ends_early_says_so(size: int) -> None:
    found = shown((FIRST + SECOND)[: len(FIRST) + size])
    assert found[0] == ("0", A, "")
    assert [trouble for _, _, trouble in found[1:]] == (["cut"] if size else [])
    whole = packed(FIRST)
    found = shown(whole + packed(SECOND)[:size])
    assert [trouble for _, _, trouble in found[1:]] == (
        ["cut"] if 0 < size < len(packed(SECOND)) else [""] * bool(size)
    )


def test_an_archive_without_records_is_one_with_trouble() -> None:
    for data in (b"", gzip.compress(b""), b"\r\n\r\n", b"\0" * 10):
        assert [(place, trouble) for place, _, trouble in shown(data)] == [("0", "cut")]
    assert [trouble for *_, trouble in shown(gzip.compress(b"no record at all"))] == ["damaged"]
    assert shown(packed(FIRST) + b"\0" * 5000 + packed(SECOND))[1][1:] == (B, "")


def test_bytes_between_members_are_passed_over_and_reported() -> None:
    first = packed(FIRST)
    junk = b"junk \x1f\x8b\x08\xff..... \x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03not deflate"
    found = shown(first + junk + packed(SECOND))
    assert found == [("0", A, ""), (str(len(first)), "", "damaged"), (str(len(first + junk)), B, "")]
    assert shown(first + b"junk") == [("0", A, ""), (str(len(first)), "", "cut")]
    other = gzip.compress(b"no record")
    assert [trouble for *_, trouble in shown(first + b"junk" + other)] == ["", "cut"]


def test_a_damaged_member_is_contained() -> None:
    big = record(A, http(bytes(range(256)) * 4000))
    for victim in (FIRST, big):
        member = packed(victim)
        for at in (0, 1, 3, 12, len(member) // 2, len(member) - 6, len(member) - 1):
            broken = bytearray(member)
            broken[at] ^= 0x5A
            found = read(bytes(broken) + packed(SECOND, THIRD), packed=True)
            assert [one.url for one in found[-2:]] == [B, C]
            assert all(one.trouble for one in found[:-2])
            assert found[:-2]


def test_a_member_that_looks_like_many_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_TRIES", 3)
    junk = b"\x1f\x8b\x08\x00" * 50
    assert [trouble for *_, trouble in shown(packed(FIRST) + b"x" + junk + packed(SECOND))] == ["", "cut"]


def test_a_damaged_large_member_is_searched_from_what_is_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_KEPT", 100)
    noise = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(9000))
    member = bytearray(packed(record(A, http(noise))))
    member[-7] ^= 1
    found = read(bytes(member) + packed(SECOND), 1000)
    assert [(one.url, str(one.trouble)) for one in found] == [(A, "damaged"), (B, "")]


def test_a_large_record_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_BLOCK", 500)
    large = record(A, http(b"x" * 5000))
    for data in (large + SECOND, packed(large, SECOND)):
        for piece in (100, 1 << 20):
            assert [(url, trouble) for _, url, trouble in shown(data, piece)] == [(A, "large"), (B, "")]
    assert shown(record(A, http(b"x" * 900), length=4000))[0][1:] == (A, "cut")
    wrong = record(A, http(b"x" * 900), length=800)
    assert [(url, trouble) for _, url, trouble in shown(wrong + SECOND)] == [(A, "damaged"), (B, "")]


def test_a_header_without_end_is_no_record() -> None:
    endless = b"WARC/1.0\r\n" + b"X: y\r\n" * 20_000
    assert [trouble for *_, trouble in shown(endless + b"\r\n" + SECOND)] == ["damaged", ""]
    assert [trouble for *_, trouble in shown(b"WARC/x\r\n\r\n")] == ["cut"]
    assert [trouble for *_, trouble in shown(FIRST + b"garbage\r\nWARC/\r\n" + SECOND)] == ["damaged", ""]


def test_arc_is_read_as_warc_is() -> None:
    parts = [arc("http://a.example/with blank", http()), arc(B, http()), arc("dns:b.example", b"1.2.3.4")]
    data = arc_file(*parts)
    for found in (read(data), read(data, 9), read(packed(arc_file(), *parts))):
        assert [one.kind for one in found] == ["warcinfo", "response", "response", "response"]
        assert [one.url for one in found][1:] == ["http://a.example/with blank", B, "dns:b.example"]
        assert found[1].block == http()
        assert found[1].date == "20240518015810"
        assert not any(one.trouble for one in found)
    second = f"{B} 192.0.2.1 20240518015810 text/html 200 - - 0 t.arc {len(http())}\n".encode() + http() + b"\n"
    assert [one.url for one in read(arc_file() + second)][1:] == [B]


def test_damage_in_arc_is_contained() -> None:
    wrong = arc(A, http(), length=len(http()) + 30)
    assert [(url, trouble) for _, url, trouble in shown(arc_file(wrong, arc(B, http()), arc(C, http())))][1:] == [
        (A, "damaged"), (B, "damaged"), (C, ""),
    ]  # fmt: skip
    unknown = arc_file(arc(A, http(), length=-1), arc(B, http()))
    assert [(url, trouble) for _, url, trouble in shown(unknown, 50)][1:] == [
        (A, "damaged"), (B, ""),
    ]  # fmt: skip
    assert shown(arc_file(b"what is this\n", arc(B, http())))[1:][-1][1:] == (B, "")
    assert shown(arc_file(arc(A, http(), length=9999)))[-1][2] == "cut"
    assert shown(arc_file(b"long " * 9000, b"\n", arc(B, http())))[-1][1:] == (B, "")


def test_window_of_a_stream() -> None:
    stream = window.Window(pulled(b"0123456789", 3))
    assert stream.have(4)
    assert (stream.data, stream.place) == (b"012345", 0)
    assert stream.skip(7)
    assert stream.place == 7
    assert not stream.have(4)
    assert not stream.skip(4)


# -- responses


def test_a_response_is_read_with_its_lines_apart() -> None:
    found = read_response(http(b"body", "X-Robots-Tag: noai", "x-robots-tag: all", "Folded: a", " b", status=403))
    assert found is not None
    assert (found.status, found.body, found.named["folded"]) == (403, b"body", "a b")
    assert [line for line in found.lines if line[0].lower() == "x-robots-tag"] == [
        ("X-Robots-Tag", "noai"), ("x-robots-tag", "all"),
    ]  # fmt: skip
    assert found.named["x-robots-tag"] == "noai, all"


@pytest.mark.parametrize(
    ("block", "body"),
    [
        (b"HTTP/1.1 200 OK\n\nbody", b"body"),
        (b"HTTP/1.1 200 OK\r\nA: b\n\nbody\r\n\r\nmore", b"body\r\n\r\nmore"),
        (b"HTTP/1.1 200 OK\nA: b\n\r\nbody", b"body"),
        (b"HTTP/2 200\r\nA: b\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nA: b", b""),
        (b"HTTP/1.0 404", b""),
        (b"ICY 200 OK\r\n\r\nx", b"x"),
    ],
)
def test_line_ends_of_all_kinds(block: bytes, body: bytes) -> None:
    found = read_response(block)
    assert found is not None
    assert found.body == body


@pytest.mark.parametrize("block", [b"", b"<html>", b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"])
def test_what_is_no_response(block: bytes) -> None:
    assert read_response(block) is None


def body(data: bytes, *lines: str) -> bytes:
    found = read_response(http(data, *lines, length=False))
    assert found is not None
    return body_of(found)


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def compressed(data: bytes, codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def bare(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


CODINGS = {
    "gzip": gzip.compress(PAGE, mtime=0),
    "x-gzip": gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:]) + b"trailing",
    "deflate": zlib.compress(PAGE),
    "Deflate": bare(PAGE),
    "br": compressed(PAGE, "brotli"),
    "zstd": compressed(PAGE, "zstd"),
    "identity": PAGE,
    "gzip, br": compressed(gzip.compress(PAGE, mtime=0), "brotli"),
    "gzip,": PAGE,  # undone before it was stored
}


@pytest.mark.parametrize("coding", CODINGS)
def test_content_codings_are_undone(coding: str) -> None:
    data = CODINGS[coding]
    assert body(data, f"Content-Encoding: {coding}") == PAGE
    assert body(chunked(data[:5], data[5:]), "Transfer-Encoding: chunked", f"Content-Encoding: {coding}") == PAGE


def test_a_body_that_was_put_together_before_is_taken_as_it_is() -> None:
    assert body(PAGE, "Transfer-Encoding: chunked") == PAGE
    assert body(b"", "Transfer-Encoding: gzip, chunked", "Content-Encoding: br") == b""
    assert body(b"3\nabc\n0\n\n", "Transfer-Encoding: chunked") == b"abc"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (chunked(PAGE)[:20], "Transfer-Encoding: chunked"),
        (b"3\r\nabcd\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        (b"3\r\nabc\r\n", "Transfer-Encoding: chunked"),
        (b"ffffffffff\r\nabc\r\n", "Transfer-Encoding: chunked"),
        (gzip.compress(PAGE, mtime=0)[:-9], "Content-Encoding: gzip"),
        (b"\x1f\x8b\x08nonsense of a stream", "Content-Encoding: gzip"),
        (PAGE, "Content-Encoding: deflate"),
        (PAGE, "Content-Encoding: br"),
        (compressed(PAGE, "brotli")[:-3], "Content-Encoding: br"),
        (PAGE, "Content-Encoding: zstd"),
        (PAGE, "Content-Encoding: rot13"),
        (PAGE, "Content-Encoding: gzip, gzip, gzip, gzip, gzip"),
        (PAGE, "Content-Length: 99999"),
    ],
)
def test_codings_that_cannot_be_undone(data: bytes, line: str) -> None:
    with pytest.raises(BodyError) as caught:
        body(data, line)
    assert not caught.value.large


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_body_that_grows_is_given_up(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "MAX_BODY", 1 << 20)
    data = bytes(3 << 20)
    bomb = {"gzip": gzip.compress(data), "deflate": zlib.compress(data), "br": compressed(data, "brotli")}[coding]
    with pytest.raises(BodyError) as caught:
        body(bomb, f"Content-Encoding: {coding}")
    assert caught.value.large


# -- files


def test_names_of_archives() -> None:
    archives = ["a.warc", "A.WARC.GZ", "b.arc", "b.arc.gz", "c.warc.wet.gz", "c.warc.wat.gz", "d.wacz", "x/y.warc"]
    assert all(map(is_archive, [*archives, "e.warc.zst"]))
    assert not any(map(is_archive, ["a.zst", "a.warc.lz4", "warc", ".warc", "a.warc.paths.gz", "a.gz", "arc.txt"]))
    assert is_wacz("A.WACZ")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_of_a_wacz(tmp_path: Path, method: int) -> None:
    files = [("archive/b.warc.gz", packed(FIRST)), ("archive/a.warc", SECOND), ("pages/pages.jsonl", b"{}")]
    path = wacz(tmp_path / "w.wacz", files, method=method)
    assert entries_of(path) == ("archive/b.warc.gz", "archive/a.warc")
    with opened(path, "archive/a.warc") as pull:
        assert [found.url for found in read_records(pull)] == [B]
    with pytest.raises(Refused), opened(path, "archive/none.warc") as pull:
        pull()


def test_a_wacz_that_is_not_sound(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        entries_of(wacz(tmp_path / "none.wacz", [("a.txt", b"")]))
    with pytest.raises(Refused):
        entries_of(wacz(tmp_path / "bomb.wacz", [("a.warc", bytes(40 << 20))], method=zipfile.ZIP_DEFLATED))
    path = wacz(tmp_path / "crc.wacz", [("archive/a.warc", SECOND)])
    data = bytearray(path.read_bytes())
    data[data.index(b"bbbb")] ^= 1
    path.write_bytes(data)
    with pytest.raises(Refused), opened(path, "archive/a.warc") as pull:
        pull()
    with pytest.raises(Unchecked), opened(tmp_path / "gone.warc"):
        pass


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(Unchecked), opened(tmp_path) as pull:
        pull()


def test_digest_of_a_plain_record_in_both_spellings() -> None:
    block = http()
    digest = hashlib.sha1(block, usedforsecurity=False)
    for said in (base64.b32encode(digest.digest()).decode(), digest.hexdigest()):
        (found,) = read(record(A, block, f"WARC-Block-Digest: sha1:{said}"))
        assert found.fields[b"warc-block-digest"] == f"sha1:{said}".encode()
