"""What files say of themselves, and what the files beside and above them say about them.

Media, documents and archives are read in a process of its own, several requests ahead; pages and texts here, meanwhile.
What is found is entered in the order of the files, whichever was read first.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from datalib.errors import Unchecked
from datalib.optout import licence_text, reuse, texts
from datalib.optout.agents import AgentTable
from datalib.optout.book import Book
from datalib.optout.carried import Proof
from datalib.optout.chunks import Form
from datalib.optout.contained import FileRequest, UnitReader
from datalib.optout.followed import Follower
from datalib.optout.kinds import SNIFF_BYTES, Kind, kind_of
from datalib.optout.model import Signal
from datalib.optout.outcome import BIT, DAMAGED, NO_FILE
from datalib.optout.page import MAX_BYTES
from datalib.optout.reading import Marks, judge_page_of, proof_of, read_bytes
from datalib.optout.statement import Evidence
from datalib.optout.unit import Sidecar, UnitReading
from datalib.optout.works import File

MAX_SIDECAR = 64 << 20

#: Statements with the bytes that they are from.
Statements = tuple[tuple[Signal, ...], Proof]


@dataclass(slots=True, kw_only=True)
class _Said:
    """What was found about one file, before it is entered: statements with the bytes they are from; None is a fault."""

    statements: list[Statements | None] = field(default_factory=list)
    unit: UnitReading | None = None
    page: bool = False
    text: bool = False


class Texts:
    """Reads texts, each once: a licence speaks about many files."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], Statements | None] = {}
        self._reuse: dict[str, tuple[reuse.Licensing, Evidence, Proof]] = {}

    def read(self, file: File, *, licence: bool = False) -> Statements | None:
        """Give what a text says; None where its reader fails, which holds the work. Raises Unchecked (E-IO)."""
        key = file.name, licence
        if key not in self._known:
            data = read_bytes(file, texts.bound_of(file.name, licence=licence))
            found = judge_text(file.name, data, file.name, licence=licence)
            if not licence and file.name.lower().endswith(".json"):
                return found
            self._known[key] = found
        return self._known[key]

    def above(self, governor: File, file: File) -> Statements | None:
        """Give what a file above another says about it; None where nobody can tell. Raises Unchecked (E-IO)."""
        if not reuse.is_reuse_file(governor.name):
            return self.read(governor, licence=licence_text.is_own_licence(governor.name))
        if not governor.regular:
            return None
        try:
            licensing, evidence, proof = self._licensing(governor)
            return licensing.about(_below(governor, file), evidence), proof
        except Unchecked:
            raise
        except Exception:  # noqa: BLE001 (whatever a text provokes holds its work)
            return None

    def governors(self, file: File) -> list[File]:
        """Give the files above a file that speak about it; of texts of licences, those of licences that it has."""
        own = any(licence_text.is_own_licence(each.name) for each in file.governors)
        said = self._stated(file) if own else []
        return [
            each
            for each in file.governors
            if not licence_text.is_own_licence(each.name) or licence_text.is_named(each.name, said)
        ]

    def _stated(self, file: File) -> list[str]:
        """Give the SPDX expressions in a file, beside it and about it. Raises Unchecked (E-IO)."""
        beside = [each for each in file.sidecars if _is(each, ".license")]
        said = [
            expression
            for each in (file, *beside)
            for expression in licence_text.expressions(read_bytes(each, licence_text.MAX_TEXT))
        ]
        for each in file.governors:
            if each.regular and reuse.is_reuse_file(each.name):
                said += self._licensing(each)[0].licences(_below(each, file))
        return said

    def _licensing(self, file: File) -> tuple[reuse.Licensing, Evidence, Proof]:
        found = self._reuse.get(file.name)
        if found is None:
            data = read_bytes(file, reuse.MAX_BYTES + 1)
            evidence = Evidence(locator=file.name, sha256=hashlib.sha256(data).hexdigest())
            found = self._reuse[file.name] = reuse.parse(data), evidence, proof_of(evidence, data)
        return found


def judge_text(name: str, data: bytes, locator: str, *, licence: bool = False) -> Statements | None:
    """Give what a text says, with its proof; None where its reader fails."""
    evidence = Evidence(locator=locator, sha256=hashlib.sha256(data).hexdigest())
    try:
        return texts.signals(name, data, evidence, licence=licence), proof_of(evidence, data)
    except Exception:  # noqa: BLE001 (whatever a text provokes holds its work)
        return None


def read_files(
    files: tuple[File, ...],
    book: Book,
    units: UnitReader,
    *,
    agent: str,
    table: AgentTable,
    follow: Follower | None = None,
) -> Marks:
    """Read files: by their kind, and by what stands beside and above them. Raises Unchecked (E-IO)."""
    count = len(files)
    marks = Marks(
        fault=np.zeros(count, dtype=np.uint8),
        required=np.zeros(count, dtype=np.uint16),
        asked=np.zeros(count, dtype=np.uint16),
    )
    said = [_Said() for _ in files]
    sent: list[int] = []
    known = Texts()

    def requests() -> Iterator[FileRequest]:
        for row, file in enumerate(files):
            if not file.regular or file.damaged:
                marks.fault[row] = DAMAGED if file.regular else NO_FILE
                continue
            kind = kind_of(file.name, read_bytes(file, SNIFF_BYTES))
            _beside(file, said[row], known)
            if kind is Kind.PAGE:
                html = read_bytes(file, MAX_BYTES + 1)
                bound = partial(follow.follow, [file.url]) if follow and file.url else None
                said[row].page = True
                said[row].statements += judge_page_of(html, file.name, agent, table, bound)
            elif kind is Kind.TEXT:
                said[row].text = True
                said[row].statements.append(known.read(file))
            sidecars = [_sidecar(each) for each in file.sidecars if _kind_of_sidecar(each)]
            if kind is Kind.UNIT or sidecars:
                said[row].text |= kind is not Kind.UNIT
                sent.append(row)
                yield FileRequest(file.local, file.name, sidecars)

    for place, reading in enumerate(units.read_files(requests())):
        said[sent[place]].unit = reading
    for row, found in enumerate(said):
        _enter(row, found, marks, book)
    return marks


def _beside(file: File, said: _Said, known: Texts) -> None:
    said.statements += [known.read(each, licence=True) for each in file.sidecars if _is(each, ".license")]
    said.statements += [known.read(each) for each in file.sidecars if _is(each, ".json")]
    said.statements += [known.above(each, file) for each in known.governors(file)]


def _enter(row: int, found: _Said, marks: Marks, book: Book) -> None:
    if found.page:
        marks.required[row] |= BIT["page"]
        marks.asked[row] |= BIT["page"]
    for each in found.statements:
        if each is None:
            marks.fault[row] = DAMAGED
        else:
            marks.add(row, *each, book)
    if found.unit:
        marks.add_unit(row, found.unit, book)
    if found.text:
        marks.required[row] |= BIT["unit"]
        marks.asked[row] |= BIT["unit"]


def about_table(file: File, form: Form | None, units: UnitReader) -> list[Statements] | None:
    """Give what is said about a whole table: by the files beside and above it, and by a workbook of itself.

    None where that cannot be read, which holds all rows. Raises Unchecked (E-IO).
    """
    said = _Said()
    _beside(file, said, Texts())
    sidecars = [_sidecar(each) for each in file.sidecars if _kind_of_sidecar(each)]
    if form is Form.XLSX or sidecars:
        reading = units.read_file(file.local, file.name, sidecars)
        for signal in reading.signals:
            evidence = Evidence(locator=signal.locator, sha256=signal.sha256)
            said.statements.append(((signal,), proof_of(evidence, reading.proofs.get(signal.sha256, b""))))
    return None if None in said.statements else [each for each in said.statements if each and each[0]]


def mark_table(said: Sequence[Statements] | None, marks: Marks, book: Book) -> None:
    """Enter what is said about a whole table for each of its rows."""
    count = len(marks.fault)
    if said is None:
        marks.fault[:] = DAMAGED
    for signals, proof in said or ():
        for signal in signals:
            marks.rows.extend(range(count))
            marks.signals.extend([book.enter(signal)] * count)
        marks.keep(proof)


def _below(governor: File, file: File) -> str:
    """Give the path of a file from the folder of another above it."""
    return file.local.relative_to(governor.local.parent).as_posix()


def _is(file: File, suffix: str) -> bool:
    return file.name.lower().endswith(suffix)


def _kind_of_sidecar(file: File) -> Literal["xmp", "c2pa"] | None:
    return "xmp" if _is(file, ".xmp") else "c2pa" if _is(file, ".c2pa") else None


def _sidecar(file: File) -> Sidecar:
    return Sidecar(name=file.name, kind=_kind_of_sidecar(file) or "xmp", data=read_bytes(file, MAX_SIDECAR))


def batches_of(files: tuple[File, ...], size: int) -> Iterator[tuple[File, ...]]:
    """Cut files into batches."""
    for start in range(0, len(files), size):
        yield files[start : start + size]
