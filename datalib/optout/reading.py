"""What the works of a shard say of themselves: their headers, their pages, the bytes of their files.

These carriers belong to one work each and are read one at a time by the reference readers; files and what stands in a
column of bytes in a process of their own.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from datalib.errors import Unchecked
from datalib.optout import licence
from datalib.optout.agents import AgentTable
from datalib.optout.book import Book
from datalib.optout.columns import Headers, content_of, headers_of
from datalib.optout.contained import UnitReader
from datalib.optout.found import Proof
from datalib.optout.judge import judge_headers, judge_page
from datalib.optout.kinds import SNIFF_BYTES, Kind, kind_of
from datalib.optout.model import Signal
from datalib.optout.outcome import BIT, DAMAGED
from datalib.optout.page import MAX_BYTES
from datalib.optout.statement import Evidence
from datalib.optout.statements import MAX_PAGE
from datalib.optout.synthetic import Extent
from datalib.optout.unit import Sidecar, UnitReading
from datalib.optout.works import File

#: Bytes of a file in a column, and of a sidecar, that are read.
MAX_CONTENT = 1 << 28
MAX_SIDECAR = 64 << 20
#: Rows held at once where a column holds files.
CONTENT_ROWS = 64
_REMEMBERED = 1 << 14


@dataclass(slots=True, kw_only=True)
class Marks:
    """What reading adds to the rows of a batch: faults, carriers, pairs of row and signal, and the bytes they are from.

    The one value here that grows: a batch passes through several readers.
    """

    fault: NDArray[np.uint8]
    required: NDArray[np.uint16]
    asked: NDArray[np.uint16]
    rows: list[int] = field(default_factory=list)
    signals: list[int] = field(default_factory=list)
    proofs: dict[str, Proof] = field(default_factory=dict)
    synthetic: Counter[str] = field(default_factory=Counter)

    def add_unit(self, row: int, reading: UnitReading, book: Book) -> None:
        """Enter what the file of one row says of itself."""
        self.required[row] |= BIT["unit"]
        self.asked[row] |= BIT["unit"] if reading.asked else 0
        for signal in reading.signals:
            self.rows.append(row)
            self.signals.append(book.enter(signal))
            data = reading.proofs.get(signal.sha256)
            if data is not None and len(data) <= MAX_PAGE:
                self.proofs.setdefault(signal.sha256, Proof(sha256=signal.sha256, data=data, source=signal.locator))
        self.synthetic.update({mark.code for mark in reading.marks if mark.extent is not Extent.NONE})

    def add(self, row: int, found: tuple[Signal, ...], proof: Proof, book: Book) -> None:
        """Enter the signals of one row."""
        for signal in found:
            self.rows.append(row)
            self.signals.append(book.enter(signal))
        if found:
            self.proofs.setdefault(proof.sha256, proof)


def read_headers(column: Any, name: str, marks: Marks, book: Book, agent: str) -> None:
    """Read the headers column of a batch. Headers that cannot be read make their row a damaged one."""
    known: dict[Any, tuple[Headers | None, tuple[Signal, ...], Proof]] = {}
    for row, value in enumerate(column.to_pylist()):
        if value is None:
            continue
        key = repr(value)
        found = known.get(key)
        if found is None:
            found = _judged_headers(value, name, agent)
            if len(known) < _REMEMBERED:
                known[key] = found
        headers, signals, proof = found
        if headers is None:
            marks.fault[row] = DAMAGED
        elif headers:
            marks.asked[row] |= BIT["transfer"]
            marks.add(row, signals, proof, book)


def read_pages(column: Any, name: str, marks: Marks, book: Book, *, agent: str, table: AgentTable) -> None:
    """Read the HTML column of a batch."""
    for row, value in enumerate(column.to_pylist()):
        if value is None:
            continue
        html = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        if not isinstance(html, bytes):
            marks.fault[row] = DAMAGED
            continue
        marks.asked[row] |= BIT["page"]
        _judge_page(row, html, f"#{name}", marks, book, agent=agent, table=table)


def read_contents(
    column: Any, name: str, marks: Marks, book: Book, units: UnitReader, *, agent: str, table: AgentTable
) -> None:
    """Read the column of bytes of a batch."""
    for row, value in enumerate(column.to_pylist()):
        if value is None or (isinstance(value, dict) and value.get("bytes") is None):
            continue
        content = content_of(value)
        if content is None:
            marks.fault[row] = DAMAGED
            continue
        kind = kind_of(content.name, content.data[:SNIFF_BYTES])
        if kind is Kind.UNIT and len(content.data) <= MAX_CONTENT:
            marks.add_unit(row, units.read_bytes(content.data, content.name, f"#{name}"), book)
        elif kind is Kind.UNIT:
            marks.required[row] |= BIT["unit"]
        elif kind is Kind.PAGE:
            _read_page(row, content.data[: MAX_BYTES + 1], f"#{name}", marks, book, agent=agent, table=table)


def read_files(files: tuple[File, ...], book: Book, units: UnitReader, *, agent: str, table: AgentTable) -> Marks:
    """Read files: pages by their elements, media and documents by what is embedded in them or stands beside them."""
    count = len(files)
    marks = Marks(
        fault=np.zeros(count, dtype=np.uint8),
        required=np.zeros(count, dtype=np.uint16),
        asked=np.zeros(count, dtype=np.uint16),
    )
    for row, file in enumerate(files):
        if not file.regular or file.damaged:
            marks.fault[row] = DAMAGED
            continue
        beginning = _read(file, SNIFF_BYTES)
        kind = kind_of(file.name, beginning)
        if kind is Kind.UNIT or file.sidecars:
            sidecars = [_sidecar(beside) for beside in file.sidecars]
            marks.add_unit(row, units.read_file(file.path, file.name, sidecars), book)
            marks.asked[row] |= BIT["unit"] if kind is not Kind.UNIT else 0
        if kind is Kind.PAGE:
            _read_page(row, _read(file, MAX_BYTES + 1), file.name, marks, book, agent=agent, table=table)
    return marks


def _read_page(row: int, html: bytes, locator: str, marks: Marks, book: Book, *, agent: str, table: AgentTable) -> None:
    marks.required[row] |= BIT["page"]
    marks.asked[row] |= BIT["page"]
    _judge_page(row, html, locator, marks, book, agent=agent, table=table)


def _judge_page(
    row: int, html: bytes, locator: str, marks: Marks, book: Book, *, agent: str, table: AgentTable
) -> None:
    """Enter what a page says; one on which its reader fails is held."""
    evidence = Evidence(locator=locator, sha256=hashlib.sha256(html).hexdigest())
    try:
        found = judge_page(html, agent, table, evidence)
    except Exception:  # noqa: BLE001 (whatever a page provokes, or a library that is missing, holds its work)
        marks.fault[row] = DAMAGED
        return
    marks.add(row, found, _proof(evidence, html), book)


def _sidecar(file: File) -> Sidecar:
    kind: Literal["xmp", "c2pa"] = "xmp" if file.name.lower().endswith(".xmp") else "c2pa"
    return Sidecar(name=file.name, kind=kind, data=_read(file, MAX_SIDECAR))


def read_licences(column: Any, name: str, marks: Marks, book: Book) -> NDArray[np.bool_]:
    """Read the licences column of a batch; say of each row whether its licence is a positive basis."""
    basis = np.zeros(len(column), dtype=np.bool_)
    known: dict[str, tuple[tuple[Signal, ...], Proof, bool]] = {}
    for row, value in enumerate(column.to_pylist()):
        if value is None:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_latin)
        found = known.get(text)
        if found is None:
            data = text.encode("utf-8", "replace")
            evidence = Evidence(locator=f"#{name}", sha256=hashlib.sha256(data).hexdigest())
            try:
                found = licence.signals(text, evidence), _proof(evidence, data), licence.is_basis(text)
            except Exception:  # noqa: BLE001 (whatever a licence provokes holds its work)
                marks.fault[row] = DAMAGED
                continue
            if len(known) < _REMEMBERED:
                known[text] = found
        signals, proof, basis[row] = found
        marks.add(row, signals, proof, book)
    return basis


def named_basis(values: Any) -> NDArray[np.bool_]:
    """Say for each value of a basis column whether it names one: a licence, public domain, own work, a contract."""
    found = (isinstance(value, str) and value.strip().casefold() not in _NO_BASIS for value in values.to_pylist())
    return np.fromiter(found, dtype=np.bool_, count=len(values))


_NO_BASIS = frozenset({"", "-", "no", "none", "null", "nan", "n/a", "na", "false", "0", "unknown", "?", "noassertion"})


def _judged_headers(value: Any, name: str, agent: str) -> tuple[Headers | None, tuple[Signal, ...], Proof]:
    raw = _bytes_of(value)
    evidence = Evidence(locator=f"#{name}", sha256=hashlib.sha256(raw).hexdigest())
    try:
        headers = headers_of(value)
        signals = judge_headers(headers, agent, evidence) if headers else ()
    except Exception:  # noqa: BLE001 (whatever headers provoke holds their work)
        headers, signals = None, ()
    return headers, signals, _proof(evidence, raw)


def _bytes_of(value: Any) -> bytes:
    """Give the bytes of a stored header block: as they are, or as JSON where they came in pairs."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_latin)
    return text.encode("utf-8", "surrogatepass")


def _latin(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _proof(evidence: Evidence, data: bytes) -> Proof:
    return Proof(sha256=evidence.sha256, data=data, source=evidence.locator)


def _read(file: File, size: int) -> bytes:
    try:
        with file.path.open("rb") as source:
            return source.read(size)
    except OSError as error:
        raise Unchecked("E-IO", str(file.path), error.strerror or str(error)) from error


def batches_of(files: tuple[File, ...], size: int) -> Iterator[tuple[File, ...]]:
    """Cut files into batches."""
    for start in range(0, len(files), size):
        yield files[start : start + size]
