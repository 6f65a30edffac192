"""What the rows of a table say of themselves: their headers, their pages, the bytes in them.

These carriers belong to one work each and are read one at a time by the reference readers; files and what stands in a
column of bytes in a process of their own.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datalib.errors import Unchecked
from datalib.optout import licence, texts
from datalib.optout.agents import AgentTable
from datalib.optout.book import Book
from datalib.optout.carried import Proof
from datalib.optout.columns import Headers, content_of, headers_of, values_of
from datalib.optout.contained import UnitReader
from datalib.optout.followed import Bound, Followed, Linking
from datalib.optout.header_glance import silent
from datalib.optout.judge import judge_headers, judge_page
from datalib.optout.kinds import SNIFF_BYTES, Kind, kind_of
from datalib.optout.model import Signal
from datalib.optout.outcome import BIT, DAMAGED
from datalib.optout.page import MAX_BYTES
from datalib.optout.rsl import Links
from datalib.optout.statement import Evidence
from datalib.optout.statements import MAX_PAGE
from datalib.optout.synthetic import Extent
from datalib.optout.unit import UnitReading
from datalib.optout.works import File

#: Bytes of a file in a column that are read.
MAX_CONTENT = 1 << 28
#: Rows held at once where a column holds files.
CONTENT_ROWS = 64
_REMEMBERED = 1 << 14
#: Rows at which a glance at all, which has to be prepared, is sooner done than each is read.
_MANY = 64
_RSL = "application/rsl+xml"


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
    proofs: dict[tuple[str, str], Proof] = field(default_factory=dict)
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
                self.keep(Proof(sha256=signal.sha256, data=data, source=signal.locator))
        self.synthetic.update({mark.code for mark in reading.marks if mark.extent is not Extent.NONE})

    def add(self, row: int, found: tuple[Signal, ...], proof: Proof, book: Book) -> None:
        """Enter the signals of one row."""
        for signal in found:
            self.rows.append(row)
            self.signals.append(book.enter(signal))
        if found:
            self.keep(proof)

    def keep(self, proof: Proof) -> None:
        """Keep the bytes of a carrier, once for each place that they stand in: which comes first is chance."""
        self.proofs.setdefault((proof.sha256, proof.source), proof)


def read_headers(
    column: Any, name: str, marks: Marks, book: Book, *, agent: str, linking: Linking | None = None
) -> None:
    """Read the headers column of a batch. Headers that cannot be read make their row a damaged one."""
    known: dict[Any, tuple[Headers | None, list[tuple[tuple[Signal, ...], Proof]]]] = {}
    quiet = silent(column) if len(column) >= _MANY else np.zeros(len(column), dtype=np.bool_)
    marks.asked[quiet] |= BIT["transfer"]
    loud = np.flatnonzero(~quiet)
    for row, value in zip(loud.tolist(), values_of(column.take(loud)), strict=True):
        if value is None:
            continue
        key = value if isinstance(value, (str, bytes)) else repr(value)
        follow = linking.of(row) if linking and _RSL in repr(value).casefold() else None
        found = known.get(key) if follow is None else None
        if found is None:
            found = _judged_headers(value, name, agent, follow)
            if len(known) < _REMEMBERED and follow is None:
                known[key] = found
        headers, said = found
        if headers is None:
            marks.fault[row] = DAMAGED
        elif headers:
            marks.asked[row] |= BIT["transfer"]
            for signals, proof in said:
                marks.add(row, signals, proof, book)


def read_pages(
    column: Any, name: str, marks: Marks, book: Book, *, agent: str, table: AgentTable, linking: Linking | None = None
) -> None:
    """Read the HTML column of a batch."""
    for row, value in enumerate(values_of(column)):
        if value is None:
            continue
        html = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        if not isinstance(html, bytes):
            marks.fault[row] = DAMAGED
            continue
        marks.asked[row] |= BIT["page"]
        follow = linking.of(row) if linking else None
        _judge_page(row, html, f"#{name}", marks, book, agent=agent, table=table, follow=follow)


def read_contents(
    column: Any,
    name: str,
    marks: Marks,
    book: Book,
    units: UnitReader,
    *,
    agent: str,
    table: AgentTable,
    linking: Linking | None = None,
) -> None:
    """Read the column of bytes of a batch."""
    for row, value in enumerate(values_of(column)):
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
            marks.required[row] |= BIT["page"]
            marks.asked[row] |= BIT["page"]
            html, follow = content.data[: MAX_BYTES + 1], linking.of(row) if linking else None
            _judge_page(row, html, f"#{name}", marks, book, agent=agent, table=table, follow=follow)
        elif kind is Kind.TEXT:
            marks.required[row] |= BIT["unit"]
            marks.asked[row] |= BIT["unit"]
            data = content.data[: texts.bound_of(content.name)]
            evidence = Evidence(locator=f"#{name}", sha256=hashlib.sha256(data).hexdigest())
            marks.add(row, texts.signals(content.name, data, evidence), proof_of(evidence, data), book)


def _judge_page(
    row: int,
    html: bytes,
    locator: str,
    marks: Marks,
    book: Book,
    *,
    agent: str,
    table: AgentTable,
    follow: Bound | None,
) -> None:
    """Enter what a page says; one on which its reader fails is held."""
    for found in judge_page_of(html, locator, agent, table, follow):
        if found is None:
            marks.fault[row] = DAMAGED
        else:
            marks.add(row, *found, book)


def judge_page_of(
    html: bytes, locator: str, agent: str, table: AgentTable, follow: Bound | None = None
) -> list[tuple[tuple[Signal, ...], Proof] | None]:
    """Give what a page says and what the licences that it links say, each with its proof; None where a reader fails."""
    evidence = Evidence(locator=locator, sha256=hashlib.sha256(html).hexdigest())
    linked: list[Followed] = []
    try:
        found = judge_page(html, agent, table, evidence, follow=_noting(follow, linked))
    except Exception:  # noqa: BLE001 (whatever a page provokes, or a library that is missing, holds its work)
        return [None]
    return [(found, proof_of(evidence, html)), *_documents(linked)]


def _noting(follow: Bound | None, linked: list[Followed]) -> Callable[[str], Links] | None:
    """Make a function that follows a link, keeps what it leads to, and says what became of it."""
    if follow is None:
        return None

    def note(link: str) -> Links:
        linked.append(follow(link))
        return linked[-1].state

    return note


def _documents(linked: Iterable[Followed]) -> list[tuple[tuple[Signal, ...], Proof]]:
    return [(signals, proof_of(evidence, body)) for each in linked for signals, evidence, body in each.documents]


def read_licences(column: Any, name: str, marks: Marks, book: Book) -> NDArray[np.bool_]:
    """Read the licences column of a batch; say of each row whether its licence is a positive basis."""
    basis = np.zeros(len(column), dtype=np.bool_)
    known: dict[str, tuple[tuple[Signal, ...], Proof, bool]] = {}
    for row, value in enumerate(values_of(column)):
        if value is None:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_latin)
        found = known.get(text)
        if found is None:
            data = text.encode("utf-8", "replace")
            evidence = Evidence(locator=f"#{name}", sha256=hashlib.sha256(data).hexdigest())
            try:
                found = licence.signals(text, evidence), proof_of(evidence, data), licence.is_basis(text)
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
    found = (isinstance(value, str) and value.strip().casefold() not in _NO_BASIS for value in values_of(values))
    return np.fromiter(found, dtype=np.bool_, count=len(values))


_NO_BASIS = frozenset({"", "-", "no", "none", "null", "nan", "n/a", "na", "false", "0", "unknown", "?", "noassertion"})


def _judged_headers(
    value: Any, name: str, agent: str, follow: Bound | None
) -> tuple[Headers | None, list[tuple[tuple[Signal, ...], Proof]]]:
    raw = _bytes_of(value)
    evidence = Evidence(locator=f"#{name}", sha256=hashlib.sha256(raw).hexdigest())
    linked: list[Followed] = []
    try:
        headers = headers_of(value)
        signals = judge_headers(headers, agent, evidence, follow=_noting(follow, linked)) if headers else ()
    except Exception:  # noqa: BLE001 (whatever headers provoke holds their work)
        return None, []
    return headers, [(signals, proof_of(evidence, raw)), *_documents(linked)]


def _bytes_of(value: Any) -> bytes:
    """Give the bytes of a stored header block: as they are, or as JSON where they came in pairs."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_latin)
    return text.encode("utf-8", "surrogatepass")


def _latin(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def proof_of(evidence: Evidence, data: bytes) -> Proof:
    """Keep the bytes of a carrier."""
    return Proof(sha256=evidence.sha256, data=data, source=evidence.locator)


def read_bytes(file: File, size: int) -> bytes:
    """Read the beginning of a file. Raises Unchecked (E-IO)."""
    try:
        with file.path.open("rb") as source:
            return source.read(size)
    except OSError as error:
        raise Unchecked("E-IO", str(file.path), error.strerror or str(error)) from error
