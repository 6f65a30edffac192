"""Refusals written into files: JPEG, PNG, PDF. The file itself stays as it is; a changed copy is written.

    read the file as scans do → change its XMP packet → write the copy → read it again: it must say what was asked

Nothing but the packet changes in JPEG and PNG. Files whose content is bound by a signature are left alone.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from datalib.errors import Misuse, Refused
from datalib.optout import xmp
from datalib.optout.contained import UnitReader
from datalib.optout.media import packets, pdf_writing, splicing
from datalib.optout.media.forms import Container, form_of
from datalib.optout.media.pdf_writing import SignedError
from datalib.optout.media.source import DamagedError, Metadata, Source
from datalib.optout.media.splicing import Splice
from datalib.optout.model import CATEGORIES, State
from datalib.optout.outputs import replacing, sha256_of, trouble
from datalib.optout.refusal import Refusal
from datalib.optout.statement import Evidence
from datalib.optout.unit import MAX_BYTES, READERS, SNIFF_BYTES, UnitReading
from datalib.optout.xmp_writing import CODE, new_packet, with_refusal

SIGNED: Final = "E-EMBED-SIGNED"
_UNREADABLE: Final = frozenset({"unit-unreadable", "xmp-unreadable"})
_SPLICED: Final = {Container.JPEG: splicing.jpeg, Container.PNG: splicing.png}
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """What was written: the form of the file, the digest of the copy in hex, what it now says, by category."""

    out: Path
    form: str
    sha256: str
    states: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {"form": self.form, "out": str(self.out), "sha256": self.sha256, "states": self.states}


def embed(path: Path, out: Path, refusal: Refusal, *, break_credentials: bool = False) -> Embedded:
    """Write a copy of a file that says the refusal in XMP, and read it back.

    ``break_credentials``: also where C2PA content credentials will no longer fit the file. Raises ``Misuse``
    (``E-USAGE``), ``Refused`` (``E-EMBED-FORMAT``, ``E-EMBED-SIGNED``), ``Unchecked`` (``E-IO``).
    """
    if not new_packet(refusal):
        raise Misuse("E-USAGE", "--deny", "XMP can refuse tdm, train_any and train_gen, with others beside them")
    with trouble(path), UnitReader() as units, path.open("rb") as stream:
        if out.exists() and out.samefile(path):
            raise Misuse("E-USAGE", str(out), "the copy must not take the place of the file itself")
        size = os.fstat(stream.fileno()).st_size
        form = form_of(path.name, stream.read(SNIFF_BYTES))
        if form is None or size > MAX_BYTES or not (form.container in _SPLICED or form.container is Container.PDF):
            raise Refused(CODE, str(path), "neither JPEG, PNG nor PDF")
        before = units.read_file(path, path.name)
        if fault := next((found for found in before.signals if found.signal in _UNREADABLE), None):
            raise Refused(CODE, str(path), fault.note if fault.signal == "xmp-unreadable" else fault.raw[:80])
        if not break_credentials and _has_credentials(Source(stream, size), form.container):
            raise Refused(SIGNED, str(path), "its C2PA content credentials would no longer fit")
        with replacing(out) as temporary:
            _write(path, temporary, Source(stream, size), form.container, refusal)
            after = units.read_file(temporary, path.name)
            _check(after, refusal, str(path))
    states = {name: max(found.strict[name] for found in after.signals).label for name in CATEGORIES}
    return Embedded(out=out, form=form.container.value, sha256=sha256_of(out), states=states)


def _has_credentials(source: Source, container: Container) -> bool:
    """Say whether the bytes of a file are bound by a C2PA manifest, in it or elsewhere."""
    found = Metadata()
    try:
        READERS[container](source, found)
        linked = any(xmp.read(packet, Evidence(locator="", sha256="")).provenance for packet in found.packets)
        return linked or found.store or packets.holds_store(source)
    except DamagedError:  # which the reading before would have said; closed in any case
        return True


def _write(path: Path, out: Path, source: Source, container: Container, refusal: Refusal) -> None:
    def change(packet: bytes) -> bytes:
        bare = not packet.strip(b"\0 \t\r\n")
        return new_packet(refusal) if bare else with_refusal(packet, refusal, str(path))

    try:
        if container is Container.PDF:
            pdf_writing.write(path, out, change)
        else:
            _copy(source, out, _SPLICED[container](source, change))
    except SignedError as error:
        raise Refused(SIGNED, str(path), "its signatures would no longer hold") from error
    except DamagedError as error:
        raise Refused(CODE, str(path), str(error)) from error


def _copy(source: Source, out: Path, splice: Splice) -> None:
    """Copy a file but for the bytes that are replaced."""
    with out.open("wb") as target:
        _copy_range(source.stream, target, 0, splice.start)
        target.write(splice.data)
        _copy_range(source.stream, target, splice.stop, source.size)


def _copy_range(source: BinaryIO, target: BinaryIO, start: int, stop: int) -> None:
    source.seek(start)
    while start < stop and (block := source.read(min(_BLOCK, stop - start))):
        target.write(block)
        start += len(block)


def _check(after: UnitReading, refusal: Refusal, where: str) -> None:
    """Make sure that readers find what was written."""
    said = [name for name in ("tdm", "train_any", "train_gen") if refusal.denies(name)]
    found = {name for item in after.signals for name in said if item.strict[name] is State.DENY}
    if found != set(said) or any(item.signal in _UNREADABLE for item in after.signals):
        raise Refused(CODE, where, "what was written into it is not read back")
