"""Works in web archives: stored responses, and resources and texts with a URL, with all that they say of themselves.

An archive is read once, front to back, and what was found is kept in one file for the judging that follows, when the
rules of the sites are known that other records hold (``archived_sites``). A work is named ``FILE@OFFSET``.

No works are requests, metadata, what an archive says of itself, look-ups of names (``dns:``), and resources without a
web address, such as logs of the crawler. A file in which a site states its rules is held: it trains nothing. So are
revisits, whose content stands in another record, and contents stored in part.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalib.errors import Refused
from datalib.optout import agents
from datalib.optout.agents import AgentTable
from datalib.optout.answers import to_json_line
from datalib.optout.archived_linked import LINKS, Notes, robots_links
from datalib.optout.archived_sites import answer_of, is_partial, is_site_file
from datalib.optout.book import Book
from datalib.optout.carried import Proof
from datalib.optout.contained import UnitReader
from datalib.optout.judge import judge_headers, judge_page
from datalib.optout.kinds import SNIFF_BYTES, Kind, kind_of
from datalib.optout.model import Signal
from datalib.optout.outcome import (
    ARCHIVE_CLOSED,
    ARCHIVE_CUT,
    BIT,
    BODY_UNREADABLE,
    DAMAGED,
    INCOMPLETE,
    SITE_FILE,
    TOO_LARGE,
)
from datalib.optout.outputs import replacing
from datalib.optout.page import MAX_BYTES
from datalib.optout.reading import Marks
from datalib.optout.statement import Evidence, of_list, to_list
from datalib.webarchive.files import called_packed, opened
from datalib.webarchive.http import BodyError, Response, body_of, read_response
from datalib.webarchive.records import Extent, Record, Trouble, read_records

READ, ANSWERS = ".read", ".sites"
#: Works that are held at once, and bytes of statements.
_ROWS: Final = 1 << 10
_BYTES: Final = 16 << 20
#: Bytes of records that are read ahead; a record counts as this many more.
_AHEAD: Final = 1 << 19
_LEAST: Final = 1 << 12
_MAX_URL: Final = 1 << 16
_BLANKS: Final = 256

_PASSED: Final = frozenset({"request", "metadata", "warcinfo"})
_CONTENT: Final = frozenset({"response", "resource", "conversion", "revisit"})
_WEB: Final = ("http:", "https:")
_LOOK_UPS: Final = ("dns:", "whois:")
_FAULTS: Final = {
    Trouble.DAMAGED: DAMAGED, Trouble.CUT: ARCHIVE_CUT, Trouble.LARGE: TOO_LARGE, Trouble.CLOSED: ARCHIVE_CLOSED,
}  # fmt: skip
_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_UNITS: Final = ("image/", "audio/", "video/", "font/", "application/pdf", "application/epub+zip", "application/zip")
_ALGORITHMS: Final = frozenset({"sha1", "sha256", "sha512", "md5"})
_SCHEMA: Final = pa.schema([
    pa.field("place", pa.string(), nullable=False),
    pa.field("url", pa.string()),
    *(pa.field(name, kind, nullable=False) for name, kind in (
        ("fault", pa.uint8()), ("required", pa.uint16()), ("asked", pa.uint16()),
        ("start", pa.int64()), ("end", pa.int64()), ("from", pa.int64()), ("to", pa.int64()),
    )),
    pa.field("digest", pa.string()),
])  # fmt: skip


class ArchiveTask(NamedTuple):
    """An archive to be read: a file, or an ``entry`` of a WACZ. ``base`` names what is left, without extension."""

    path: Path
    entry: str
    base: Path
    agent: str
    table: bytes
    digests: bool


@dataclass(slots=True, kw_only=True)
class Works:
    """Some works of an archive, and what they say of themselves. ``digests`` are of their contents, where asked for."""

    places: list[str]
    urls: list[str | None]
    marks: Marks
    extents: list[Extent]
    digests: list[str | None]
    signals: list[Any] = field(default_factory=list)


def read_archive(task: ArchiveTask) -> Path:
    """Read an archive, unless that was done before: leave its works, the answers of sites in it, and what it links.

    Raises Unchecked (E-IO).
    """
    place = task.base.with_suffix(READ)
    if not place.exists():
        with (
            replacing(place) as file,
            replacing(task.base.with_suffix(ANSWERS)) as answers_file,
            replacing(task.base.with_suffix(LINKS)) as links_file,
            file.open("wb") as out,
            answers_file.open("w", encoding="utf-8") as answers,
            UnitReader() as units,
        ):
            notes = Notes()
            reader = _Reader(task, units, notes)
            for record in _ahead(_records(task.path, task.entry)):
                answer = answer_of(record)
                if answer:
                    answers.write(to_json_line(answer) + "\n")
                    notes.links(robots_links(answer), answer.origin + answer.path)
                notes.see(record)
                reader.add(record)
                if reader.full:
                    reader.flush(out)
            reader.close(out)
            notes.write(links_file)
    return place


def urls_of(path: Path, entry: str = "") -> Iterator[str]:
    """Give the URLs of the works of an archive. Raises Unchecked (E-IO)."""
    return (record.url for record in _records(path, entry) if not _is_passed_over(record))


def _records(path: Path, entry: str) -> Iterator[Record]:
    """Read the records; a zip round them that cannot be read is an archive that ends at its beginning."""
    try:
        with opened(path, entry) as pull:
            yield from read_records(pull, without=_PASSED, packed=called_packed(entry or path.name))
    except Refused:
        yield Record(place="0", trouble=Trouble.CUT, extent=Extent(0, 0))


def _ahead(records: Iterator[Record]) -> Iterator[Record]:
    """Give records as they come, reading some ahead: unpacking and judging then find the caches as they left them.

    No more than ``_AHEAD`` bytes, and the record with which they are reached.
    """
    some: list[Record] = []
    size = 0
    for record in records:
        some.append(record)
        size += len(record.block) + _LEAST
        if size >= _AHEAD:
            yield from some
            some, size = [], 0
    yield from some


class _Reader:
    """Collects works until there are many."""

    def __init__(self, task: ArchiveTask, units: UnitReader, notes: Notes) -> None:
        self._agent, self._digests, self._units, self._notes = task.agent, task.digests, units, notes
        self._table: AgentTable = agents.read(task.table)
        self._any = False
        self._begin()

    def _begin(self) -> None:
        self._book = Book(None)
        self._marks = Marks(
            fault=np.zeros(_ROWS, dtype=np.uint8),
            required=np.zeros(_ROWS, dtype=np.uint16),
            asked=np.zeros(_ROWS, dtype=np.uint16),
        )
        self._places: list[str] = []
        self._urls: list[str | None] = []
        self._extents: list[Extent] = []
        self._found: list[str | None] = []
        self._proofs = self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether what was collected has to be written."""
        return len(self._places) == _ROWS or self._bytes > _BYTES

    def add(self, record: Record) -> None:
        """Add a record, if it is a work."""
        if not record.trouble and _is_passed_over(record):
            return
        row = self._enter(record, _FAULTS.get(record.trouble, 0))
        if not record.trouble:
            self._marks.fault[row] = self._read(row, record)
        if len(self._marks.proofs) > self._proofs:
            self._bytes += sum(len(proof.data) for proof in list(self._marks.proofs.values())[self._proofs :])
            self._proofs = len(self._marks.proofs)

    def _enter(self, record: Record, fault: int) -> int:
        row = len(self._places)
        self._places.append(record.place)
        self._urls.append(record.url[:_MAX_URL] or None)
        self._extents.append(record.extent)
        self._found.append(None)
        self._marks.fault[row] = fault
        return row

    def _read(self, row: int, record: Record) -> int:
        """Read a sound record; give its fault."""
        kind = record.kind
        if kind not in _CONTENT:
            return INCOMPLETE if kind == "continuation" else DAMAGED
        if record.plain and not _is_intact(record):
            return DAMAGED
        response = None
        if kind == "response" or (kind == "revisit" and record.block):
            response = read_response(record.block)
            if response is None:
                return DAMAGED
            self._read_headers(row, response)
        try:
            body = body_of(response) if response else record.block
        except BodyError as error:
            return TOO_LARGE if error.large else BODY_UNREADABLE
        declared = (
            response.named.get("content-type", "")
            if response
            else record.fields.get(b"content-type", b"").decode("latin-1")
        )
        if self._digests:
            self._found[row] = hashlib.sha256(body).hexdigest()
        if body:
            self._read_body(row, body, "" if kind == "conversion" else _name(record.url), _type(declared))
        return INCOMPLETE if kind == "revisit" or is_partial(record) else SITE_FILE if is_site_file(record.url) else 0

    def _read_headers(self, row: int, response: Response) -> None:
        marks = self._marks
        marks.required[row] |= BIT["transfer"]
        marks.asked[row] |= BIT["transfer"]
        self._enter_signals(
            row, judge_headers(response.lines, self._agent, _HTTP, status=response.status), response.head
        )

    def _read_body(self, row: int, body: bytes, name: str, declared: str) -> None:
        marks = self._marks
        page, unit = _kinds(name, declared, body[:SNIFF_BYTES])
        if unit:
            marks.add_unit(row, self._units.read_bytes(body, name, "#body"), self._book)
        if page:
            html = body[: MAX_BYTES + 1]
            marks.required[row] |= BIT["page"]
            marks.asked[row] |= BIT["page"]
            self._enter_signals(row, judge_page(html, self._agent, self._table, _BODY), html)

    def _enter_signals(self, row: int, found: tuple[Signal, ...], data: bytes) -> None:
        """Enter signals with the digest of the bytes they are from: few bytes have signals, and need one."""
        if found:
            self._notes.signals(found, self._urls[row])
            digest = hashlib.sha256(data).hexdigest()
            proof = Proof(sha256=digest, data=data, source=found[0].locator)
            self._marks.add(row, tuple(replace(signal, sha256=digest) for signal in found), proof, self._book)

    def close(self, out: BinaryIO) -> None:
        """Write what is left. An archive without a work is one itself, and held: something is in it."""
        if not self._any and not self._places:
            self._enter(Record(place="0", extent=Extent(0, 0)), INCOMPLETE)
        self.flush(out)

    def flush(self, out: BinaryIO) -> None:
        """Write what was collected, and begin anew."""
        if not self._places:
            return
        self._any = True
        count, marks = len(self._places), self._marks
        inner = [extent.inner or (-1, -1) for extent in self._extents]
        columns: list[Any] = [
            self._places, self._urls, marks.fault[:count], marks.required[:count], marks.asked[:count],
            [extent.start for extent in self._extents], [extent.end for extent in self._extents],
            [start for start, _ in inner], [end for _, end in inner], self._found,
        ]  # fmt: skip
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, _SCHEMA, strict=True)]
        rows = pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA).serialize()
        proofs = list(marks.proofs.values())
        head = {
            "proofs": [[proof.sha256, proof.source, len(proof.data)] for proof in proofs],
            "row": marks.rows, "rows": rows.size, "signal": marks.signals,
            "signals": [to_list(signal) for signal in self._book.made], "synthetic": marks.synthetic,
        }  # fmt: skip
        out.write(json.dumps(head).encode() + b"\n")
        out.write(rows)
        out.writelines(proof.data for proof in proofs)
        self._begin()


def works_of(place: Path, book: Book) -> Iterator[Works]:
    """Give the works of an archive that was read, some at a time; their signals are entered into the book."""
    with place.open("rb") as file:
        while line := file.readline():
            head = json.loads(line)
            rows = pa.ipc.read_record_batch(pa.py_buffer(file.read(head["rows"])), _SCHEMA)
            numbers = [book.enter(of_list(signal)) for signal in head["signals"]]
            kept = [
                Proof(sha256=sha256, data=file.read(size), source=source) for sha256, source, size in head["proofs"]
            ]
            inner = zip(_integers(rows, "from"), _integers(rows, "to"), strict=True)
            places = zip(_integers(rows, "start"), _integers(rows, "end"), inner, strict=True)
            yield Works(
                places=rows.column("place").to_pylist(),
                urls=rows.column("url").to_pylist(),
                marks=Marks(
                    **{name: _array(rows, name) for name in ("fault", "required", "asked")},
                    rows=head["row"],
                    signals=[numbers[number] for number in head["signal"]],
                    proofs={(proof.sha256, proof.source): proof for proof in kept},
                    synthetic=Counter(head["synthetic"]),
                ),
                extents=[Extent(start, end, None if cut[0] < 0 else cut) for start, end, cut in places],
                digests=rows.column("digest").to_pylist(),
            )


def _integers(rows: Any, name: str) -> list[int]:
    values: list[int] = rows.column(name).to_pylist()
    return values


def _array(rows: Any, name: str) -> NDArray[Any]:
    values: NDArray[Any] = rows.column(name).to_numpy().copy()
    return values


_HTTP, _BODY = Evidence(locator="#http", sha256=""), Evidence(locator="#body", sha256="")


def _is_passed_over(record: Record) -> bool:
    """Say whether a sound record is no work."""
    url = record.url[:8].lower()
    if record.kind == "response":
        return url.startswith(_LOOK_UPS)
    return record.kind == "resource" and not url.startswith(_WEB)


def _is_intact(record: Record) -> bool:
    """Check the digest of a record that no check sum of gzip vouches for; true where there is none that is known."""
    import base64

    name, _, said = record.fields.get(b"warc-block-digest", b"").decode("latin-1").partition(":")
    name, said = name.strip().lower().replace("-", ""), said.strip()
    if name not in _ALGORITHMS or not said:
        return True
    digest = hashlib.new(name, record.block, usedforsecurity=False)
    spelled = {digest.hexdigest(), base64.b32encode(digest.digest()).decode().rstrip("=").lower()}
    return said.rstrip("=").lower() in spelled


def _name(url: str) -> str:
    """Give the last part of the path of a URL: what it would be called as a file."""
    return url.partition("#")[0].partition("?")[0].rpartition("/")[2][-255:]


def _type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _kinds(name: str, declared: str, beginning: bytes) -> tuple[bool, bool]:
    """Say whether a body is to be read as a page, and whether as a file with embedded metadata.

    What it is declared to be counts besides what it is: a page may be called like a picture, and be one.
    """
    if declared in _PAGES:
        text = beginning[:_BLANKS].lstrip(b"\xef\xbb\xbf \t\r\n\f").startswith(b"<")
        return True, not text and kind_of("", beginning) is Kind.UNIT
    by_bytes = kind_of("", beginning)
    if by_bytes is Kind.PAGE:
        return True, False
    unit = by_bytes is Kind.UNIT or kind_of(name, beginning) is Kind.UNIT or declared.startswith(_UNITS)
    return not unit and kind_of(name, beginning) is Kind.PAGE, unit
