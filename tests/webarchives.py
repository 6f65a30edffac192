"""Web archives for tests, written byte by byte: WARC, ARC, WACZ."""

import gzip
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datalib.optout.scan import ScanResult, scan
from tests.scanning import NOW

MOMENT = "2024-05-18T01:58:10Z"
PAGE = b"<!doctype html><title>t</title><p>words"
OPEN = b"User-agent: *\nAllow: /\n"


def http(body: bytes = PAGE, *lines: str, status: int = 200, kind: str = "text/html", length: bool = True) -> bytes:
    """Write a response."""
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", *lines]
    if length:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def record(
    url: str = "https://open.example/a", block: bytes | None = None, *fields: str, kind: str = "response",
    date: str = MOMENT, length: int | None = None,
) -> bytes:  # fmt: skip
    """Write a record of WARC. ``length``: what it claims to be, if not what it is."""
    block = http() if block is None else block
    head = ["WARC/1.0", f"WARC-Type: {kind}", f"WARC-Date: {date}"]
    head += [f"WARC-Target-URI: {url}"] if url else []
    head += ["WARC-Record-ID: <urn:uuid:0>", f"Content-Length: {len(block) if length is None else length}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def robots(origin: str = "https://open.example", body: bytes = OPEN, **more: Any) -> bytes:
    """Write the record of a robots.txt."""
    return record(f"{origin}/robots.txt", http(body, kind="text/plain"), **more)


def arc(url: str, block: bytes, *, length: int | None = None, date: str = "20240518015810") -> bytes:
    """Write a record of ARC."""
    return f"{url} 192.0.2.1 {date} text/html {len(block) if length is None else length}\n".encode() + block + b"\n"


def arc_file(*records: bytes) -> bytes:
    """Write an ARC file with its first record."""
    about = b"1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n"
    return arc("filedesc://t.arc", about) + b"".join(records)


def packed(*records: bytes) -> bytes:
    """Write records as gzip members."""
    return b"".join(gzip.compress(part, 6, mtime=0) for part in records)


def framed(*parts: bytes, checked: bool = True) -> bytes:
    """Write each part as a Zstandard frame, with a check sum or without."""
    return b"".join(_checked(part) if checked else pa.compress(part, codec="zstd", asbytes=True) for part in parts)


def _checked(part: bytes) -> bytes:
    """Add a check sum to a frame of Arrow, which writes none (RFC 8878 §3.1.1)."""
    frame = bytearray(pa.compress(part, codec="zstd", asbytes=True))
    frame[4] |= 4
    return bytes(frame) + (xxh64(part) & 0xFFFFFFFF).to_bytes(4, "little")


def xxh64(data: bytes) -> int:  # noqa: C901 (as the specification has it)
    """Give the XXH64 digest of bytes, with seed 0 (XXH specification 0.1.1)."""
    one, two, three, four, five = (
        0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
    )  # fmt: skip
    mask = (1 << 64) - 1

    def turned(value: int, by: int) -> int:
        return (value << by | value >> 64 - by) & mask

    def mixed(value: int, lane: int) -> int:
        return turned((value + lane * two) & mask, 31) * one & mask

    at, value = 0, five
    if len(data) >= 32:
        lanes = [(one + two) & mask, two, 0, -one & mask]
        while at + 32 <= len(data):
            lanes = [
                mixed(lane, int.from_bytes(data[at + 8 * n : at + 8 * n + 8], "little")) for n, lane in enumerate(lanes)
            ]
            at += 32
        value = sum(turned(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & mask
        for lane in lanes:
            value = ((value ^ mixed(0, lane)) * one + four) & mask
    value = (value + len(data)) & mask
    for size in (8, 4, 1):
        while at + size <= len(data):
            lane = int.from_bytes(data[at : at + size], "little")
            if size == 8:
                value = (turned(value ^ mixed(0, lane), 27) * one + four) & mask
            elif size == 4:
                value = (turned(value ^ lane * one & mask, 23) * two + three) & mask
            else:
                value = turned(value ^ lane * five & mask, 11) * one & mask
            at += size
    for by, prime in ((33, two), (29, three)):
        value = (value ^ value >> by) * prime & mask
    return value ^ value >> 32


def wacz(path: Path, files: Iterable[tuple[str, bytes]], *, method: int = zipfile.ZIP_STORED) -> Path:
    """Write a WACZ."""
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in [*files, ("datapackage.json", b"{}")]:
            out.writestr(name, data)
    return path


def judged(works: Path | list[Path], out: Path, **options: Any) -> tuple[ScanResult, dict[str, str]]:
    """Scan, and give the verdicts with their reasons by work."""
    result = scan(works if isinstance(works, list) else [works], out=out, now=NOW, **options)
    rows = [row for path in sorted((out / "decisions").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert len({row["work_id"] for row in rows}) == len(rows) == result.works
    return result, {row["work_id"]: f"{row['verdict']} {row['reason']}" for row in rows}


def offsets(*records: bytes) -> list[int]:
    """Give where records begin that stand one after the other."""
    places = [0]
    for part in records:
        places.append(places[-1] + len(part))
    return places
