"""What a file says of itself: every statement that is embedded in it, whatever its form.

    sniff the form → metadata of the container → XMP, notices → C2PA manifest store → TDMRep of EPUB → signals
                   → files in the file, each as if it stood alone

A form that no reader knows is not asked. What a reader cannot read of a form it knows holds the work back. Nothing here
reaches for the network, and no file makes it raise but a disk that fails (OSError).
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import BinaryIO, Final, Literal

from datalib.optout import content_credentials, reservation, tdmrep, tdmrep_embedded, texts, xmp
from datalib.optout.kinds import Kind, kind_of
from datalib.optout.media import bmff, epub, fonts, gif, jpeg, office, packets, pdf, png, psd, riff, sound, swf, tiff
from datalib.optout.media.forms import Container, Form, form_of
from datalib.optout.media.members import ARCHIVES, Budget, Member, members
from datalib.optout.media.source import MAX_PIECE, DamagedError, Metadata, Packet, Source
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.packed_tables import holds_works
from datalib.optout.rights_text import judge_notice
from datalib.optout.statement import TRAINING, Evidence
from datalib.optout.synthetic import SIGNAL, Extent, Mark, of_store, of_values

#: A larger file is held back unread.
MAX_BYTES: Final = 4 << 30
SNIFF_BYTES: Final = 1 << 12

_REMOTE: Final = "its C2PA manifest stands elsewhere and is not fetched"
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)
#: Statements of the files in one file; behind so many the rest says nothing that is new about it.
_MAX_SAID: Final = 256
#: Files of an archive of which it is said that they cannot be read; one is enough to hold it.
_MAX_TROUBLE: Final = 16
#: Reads a web page: its bytes, and what stands before the places of its statements.
PageReader = Callable[[bytes, str], tuple[Signal, ...]]
READERS: Final[dict[Container, Callable[[Source, Metadata], None]]] = {
    Container.JPEG: jpeg.read, Container.PNG: png.read, Container.RIFF: riff.read, Container.TIFF: tiff.read,
    Container.BOXES: bmff.read, Container.PDF: pdf.read, Container.SCANNED: packets.scan, Container.FONT: fonts.read,
    Container.GIF: gif.read, Container.PSD: psd.read, Container.SWF: swf.read,
    Container.FLAC: sound.read_flac, Container.OGG: sound.read_ogg,
    Container.MPEG_SOUND: sound.read_mpeg,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A file beside a work that speaks about it: ``kind`` is its extension."""

    name: str
    kind: Literal["xmp", "c2pa"]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReading:
    """What a file says. ``asked``: a reader knows its form. ``proofs``: the bytes of statements by their digest."""

    asked: bool
    signals: tuple[Signal, ...] = ()
    proofs: dict[str, bytes] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Found:
    """What is found of one file; it grows reader by reader. ``budget`` is for files in it, ``page`` for pages there."""

    locator: str
    page: PageReader | None = None
    budget: Budget = field(default_factory=Budget)
    beginning: bytes = b""
    signals: list[Signal] = field(default_factory=list)
    proofs: dict[str, bytes] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    provenance: str = ""
    stored: bool = False

    def evidence(self, data: bytes, place: str) -> Evidence:
        return Evidence(locator=f"{self.locator}#{place.lstrip('/')}", sha256=hashlib.sha256(data).hexdigest())

    def enter(self, signals: Sequence[Signal], data: bytes) -> None:
        self.signals += signals
        if signals:
            self.proofs[hashlib.sha256(data).hexdigest()] = data

    def mark(self, marks: Iterable[Mark], data: bytes) -> None:
        """Enter marks of synthetic content; those that say so become statements, which decide nothing."""
        for mark in marks:
            self.marks.append(mark)
            if mark.extent is not Extent.NONE:
                evidence = Evidence(locator=mark.place, sha256=hashlib.sha256(data).hexdigest())
                raw = f"{mark.standard}: {mark.code} ({mark.extent})"
                self.enter([evidence.signal(SIGNAL, Carrier.UNIT, raw, spec=NOTHING, strict=NOTHING)], data)

    def hold(self, signal: str, raw: str, note: str) -> None:
        """Hold the work back for something that cannot be read; the evidence is how the file begins."""
        evidence = self.evidence(self.beginning, "")
        held = evidence.signal(signal, Carrier.UNIT, raw, spec=NOTHING, strict=_HOLD, note=note)
        self.enter([held], self.beginning)


def read_unit(
    stream: BinaryIO,
    size: int,
    name: str,
    *,
    locator: str = "",
    sidecars: Sequence[Sidecar] = (),
    page: PageReader | None = None,
    budget: Budget | None = None,
) -> UnitReading:
    """Read what a file says of itself. ``locator`` (else ``name``) stands before the places of its statements.

    ``page`` reads web pages in archives, which are held without it; ``budget`` is what may be read of archives.
    Raises OSError when the file cannot be read from its disk.
    """
    stream.seek(0)
    found = _Found(locator=locator or name, beginning=stream.read(SNIFF_BYTES), page=page)
    found.budget = budget or found.budget
    form = form_of(name, found.beginning)
    if size > MAX_BYTES:
        found.hold("unit-unreadable", f"{size} bytes", "the file is larger than what is read")
    elif form:
        _read(Source(stream, size), form, found)
        if form.container in ARCHIVES:
            _read_members(Source(stream, size), form, name, found)
    for sidecar in sidecars:
        _read_sidecar(sidecar, found)
    if found.provenance and not found.stored:
        found.hold("c2pa-remote", found.provenance, _REMOTE)
    return UnitReading(
        asked=form is not None or size > MAX_BYTES,
        signals=tuple(dict.fromkeys(map(_storable, found.signals))),
        proofs=found.proofs,
        marks=tuple(sorted(set(found.marks))),
    )


def _storable(signal: Signal) -> Signal:
    """Take halves of characters out of what a file says: they are no text that can be stored."""
    locator, raw = (text.encode("utf-8", "replace").decode() for text in (signal.locator, signal.raw))
    return signal if (locator, raw) == (signal.locator, signal.raw) else replace(signal, locator=locator, raw=raw)


def marks(stream: BinaryIO, size: int, name: str) -> tuple[Mark, ...]:
    """Give the marks of synthetic content in a file. Raises OSError."""
    return read_unit(stream, size, name).marks


def _read(source: Source, form: Form, found: _Found) -> None:
    metadata = Metadata()
    try:
        _read_container(source, form, metadata, found)
    except DamagedError as error:
        metadata.trouble.append(str(error))
        _rescue(source, form, metadata)
    for packet in metadata.packets:
        _read_packet(packet, found, form)
    _read_notices(metadata, found)
    store = _holds_store(source, form, metadata)
    if store:
        _read_store(source.stream, form.mime, found, certain=store is _Store.CERTAIN)
    for trouble in dict.fromkeys(metadata.trouble):
        found.hold("unit-unreadable", trouble, "the file is damaged or in a form that is not read")


def _read_notices(metadata: Metadata, found: _Found) -> None:
    for text in metadata.texts:
        strict = judge_notice(text.text)
        if strict != NOTHING:
            data = text.text.encode("utf-8", "replace")
            evidence = found.evidence(data, text.place)
            found.enter([evidence.signal("unit-text", Carrier.UNIT, text.text, spec=NOTHING, strict=strict)], data)


# -- files in the file


def _read_members(source: Source, form: Form, name: str, found: _Found) -> None:
    """Let each file in an archive speak for it. Whatever cannot be read of them holds it."""
    found.budget.depth -= 1
    trouble: dict[str, str] = {}
    try:
        for member in members(source, form.container, name, found.budget):
            if member.trouble:
                trouble[member.name] = member.trouble
            elif not _read_part(member, form, trouble, found):
                trouble.setdefault(member.name, "no reader knows its form")
            elif holds_works(member.name, member.data):
                trouble[member.name] = "a table of works, whose rows are not read here: unpack it"
            if len(found.signals) > _MAX_SAID:
                break
    except DamagedError as error:
        trouble[""] = str(error)
    found.budget.depth += 1
    for part, why in list(trouble.items())[:_MAX_TROUBLE]:
        if why:
            found.hold("unit-unreadable", f"{part}: {why}" if part else why, "a file in it cannot be read")


def _read_part(member: Member, form: Form, trouble: dict[str, str], found: _Found) -> bool:
    """Read a part of a document by its name, or a file as it stands; say whether it is known."""
    if form.container is Container.EPUB and epub.is_read(member.name):
        return True
    if form.container is not Container.PACKED:
        metadata = Metadata()
        if office.read_properties(member.name, member.data, metadata):
            _read_notices(metadata, found)
            trouble[member.name] = "; ".join(metadata.trouble)
            return True
        fonts_only = office.encrypted(member.name, member.data)
        trouble |= {"": "encrypted"} if fonts_only is None else dict.fromkeys(fonts_only, "")
        if office.has_words(member.name) and (words := reservation.on_page(member.data)):
            evidence = found.evidence(member.data, member.name)
            found.enter([evidence.signal("unit-text", Carrier.UNIT, words, spec=NOTHING, strict=_HOLD)], member.data)
    return _read_member(member, found) or office.is_passed(member.name)


def _read_member(member: Member, found: _Found) -> bool:
    """Read a file of an archive as if it stood alone; say whether a reader knows its form."""
    locator = f"{found.locator}#{member.name}"
    kind = kind_of(member.name, member.data[:SNIFF_BYTES])
    if kind is Kind.UNIT:
        said = read_unit(
            io.BytesIO(member.data), len(member.data), member.name, locator=locator, page=found.page,
            budget=found.budget,
        )  # fmt: skip
        found.signals += said.signals
        found.proofs |= said.proofs
        found.marks += said.marks
        return said.asked
    if kind is Kind.PAGE:
        if found.page is None:
            return False
        found.enter(found.page(member.data, locator), member.data)
    elif kind is Kind.TEXT:
        evidence = Evidence(locator=locator, sha256=hashlib.sha256(member.data).hexdigest())
        found.enter(texts.signals(member.name, member.data, evidence), member.data)
    return True


class _Store(IntEnum):
    """Whether a file holds a C2PA manifest store."""

    NONE = 0
    PERHAPS = 1
    CERTAIN = 2


def _holds_store(source: Source, form: Form, metadata: Metadata) -> _Store:
    """Say whether the C2PA library has to be asked: it reads whole files, and most of them have no store.

    A store that stands in a file as it is, is found by how it begins. In texts it is written in Base64.
    """
    if form.container in {Container.FONT, Container.OPF}:
        return _Store.NONE
    if form.container in ARCHIVES:  # the stores of files in it are theirs
        return _Store.CERTAIN if metadata.store else _Store.NONE
    if form.container is Container.XML:
        return _Store(bool(form.mime) and b"c2pa" in source.peek(0, MAX_PIECE).lower())
    if form.container is Container.STORE or packets.holds_store(source):
        return _Store.CERTAIN
    if form.container is Container.JPEG:  # whose segments for such boxes may hold others
        return _Store(metadata.store)
    return _Store.CERTAIN if metadata.store else _Store.NONE


def _read_container(source: Source, form: Form, metadata: Metadata, found: _Found) -> None:
    if form.container is Container.EPUB:
        for package in epub.read(source, metadata):
            _read_package(package, found)
    elif form.container is Container.OPF:
        _read_package(_whole(source), found)
    elif form.container is Container.XML:
        metadata.add_packet(_whole(source), "xml")
    elif form.container in READERS:
        READERS[form.container](source, metadata)


def _whole(source: Source) -> bytes:
    if source.size > MAX_PIECE:
        raise DamagedError("the XML is too large")
    return source.read(0, source.size)


def _rescue(source: Source, form: Form, metadata: Metadata) -> None:
    """Look for packets by their marks in a file whose container cannot be read: what they deny is denied."""
    if form.container in {Container.SCANNED, Container.FONT} | ARCHIVES:
        return
    try:
        packets.scan(source, metadata)
    except DamagedError as error:
        metadata.trouble.append(str(error))


def _read_packet(packet: Packet, found: _Found, form: Form) -> None:
    evidence = found.evidence(packet.data, packet.place)
    said = xmp.read(packet, evidence, pdf=form.container is Container.PDF, doctype=form.container is Container.XML)
    found.enter(said.signals, packet.data)
    found.mark(of_values(said.source_types, evidence.locator), packet.data)
    found.provenance = found.provenance or said.provenance or ""


def _read_package(package: bytes, found: _Found) -> None:
    """Read a package document: TDMRep, and what XMP properties it holds."""
    declared = tdmrep_embedded.read_opf(package)
    evidence = found.evidence(package, "opf")
    found.enter(tdmrep.signals("tdmrep-embedded", Carrier.UNIT, declared, evidence), package)
    _read_packet(Packet(data=package, place="opf", regular=False), found, Form(container=Container.OPF))


def _read_store(stream: BinaryIO, mime: str | None, found: _Found, *, certain: bool) -> None:
    if mime is None:
        found.hold("c2pa-unreadable", "", "a C2PA manifest store in a form of file that its reader does not know")
        return
    asked = content_credentials.ask(stream, mime)
    if asked.remote:
        found.stored = True
        found.hold("c2pa-remote", asked.remote, _REMOTE)
    elif asked.trouble:
        found.hold("c2pa-unreadable", asked.trouble, "the C2PA manifest store or the file round it cannot be read")
    elif asked.store:
        found.stored = True
        valid = False
        if content_credentials.allows(asked.store):
            judged = content_credentials.ask(stream, mime, validate=True).store
            valid = judged is not None and content_credentials.is_valid(judged.state)
        said = content_credentials.statements(asked.store, found.locator, valid)
        found.signals += said.signals
        found.proofs |= said.proofs
        found.mark(of_store(asked.store, found.locator), asked.store.boxes)
    elif certain:
        found.hold("c2pa-unreadable", "", "a C2PA manifest store stands where its reader does not look for it")


def _read_sidecar(sidecar: Sidecar, found: _Found) -> None:
    """Let a file beside the work speak about it."""
    beside = _Found(locator=sidecar.name, beginning=sidecar.data[:SNIFF_BYTES])
    if sidecar.kind == "xmp":
        packet = Packet(data=sidecar.data, place="xmp")
        _read_packet(packet, beside, Form(container=Container.XML))
    else:
        _read_store(Source.of(sidecar.data).stream, "application/c2pa", beside, certain=True)
    found.signals += beside.signals
    found.proofs |= beside.proofs
    found.marks += beside.marks
    found.stored |= beside.stored
    found.provenance = found.provenance or beside.provenance
