"""All foreign formats by name: which there are, out and in, and which one a file is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from datalib import canonical
from datalib.errors import Misuse, Refused, Unchecked
from datalib.interop import bagit, croissant, dta, hf_card, rdf
from datalib.interop.foreign import Draft
from datalib.interop.known import Known
from datalib.interop.triples import WRITERS, writer_for
from datalib.library import draft as drafts
from datalib.library.manifest import NAME
from datalib.library.store import Folder
from datalib.library.upgrade import Note

#: Formats of `export`; a bag is a folder, all others are one document.
BAG: Final = "bagit"
EXPORTS: Final = ("turtle", "jsonld", "ntriples", "dcat", "prov", "croissant", "hf-card", "dta", BAG)
IMPORTS: Final = (BAG, "croissant", "dcat", "hf-card", "dta")
#: Largest file that is imported, in bytes; each format has its own limit below this.
MAX_SIZE: Final = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A document in pieces, and what it has no place for."""

    chunks: Iterator[bytes]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of an import. ``restored``: a whole signed library, else a draft for `init` to complete."""

    format: str
    restored: bool
    notes: tuple[Note, ...]


def export(
    known: Known, to: str, *, with_files: bool = False, name: str = "", patch: Mapping[str, Any] | None = None
) -> Exported:
    """Give a library as a document. ``name`` of the file tells the syntax of ``dcat`` and ``prov``.

    ``patch`` is what a record (``dta``) says beyond the manifest. Raises ``Refused``: ``E-NOT-SIGNED`` if the format
    needs a signed library, ``E-FORM-INCOMPLETE`` if a record lacks what it must have; ``Misuse("E-USAGE")``.
    """
    if with_files and to not in {writer.name for writer in WRITERS}:
        raise Misuse("E-USAGE", "--files", f"{to} has no place for every file; turtle, jsonld and ntriples have")
    if to == "croissant":
        return Exported(chunks=iter([croissant.write(known)]), notes=tuple(croissant.lacking(known)))
    if to == "hf-card":
        return Exported(chunks=iter([hf_card.write(known)]), notes=tuple(hf_card.lacking(known)))
    if to == "dta":
        return Exported(chunks=iter([dta.write(known, patch or {})]), notes=tuple(dta.lacking(known)))
    if to == "dcat":
        nodes, notes = rdf.as_catalogue(known), rdf.lost_in_catalogue(known)
    elif to == "prov":
        nodes, notes = rdf.as_history(known), rdf.lost_in_history(known)
    else:
        nodes, notes = rdf.everything(known, with_files=with_files), rdf.lost_everywhere(known)
    writer = next((each for each in WRITERS if each.name == to), None) or writer_for(name)
    return Exported(chunks=_begun(writer.write(nodes)), notes=tuple(notes))


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Take the first piece now, so that a refusal comes before anything is written."""
    first = next(chunks, b"")
    return chain([first], chunks)


def export_bag(known: Known, out: Path) -> tuple[Note, ...]:
    """Write a library as a bag; raises what `bagit.write` raises."""
    return tuple(bagit.lacking(bagit.write(known, out)))


def format_of(path: Path) -> str:
    """Tell the format of a file or folder: by its content, and where that does not tell, by its name.

    Raises ``Refused("E-FOREIGN-FORMAT")`` for what looks like none of them, ``Unchecked("E-IO")``.
    """
    if path.is_dir():
        return BAG
    data = _read(path)
    if data.lstrip(b"\xef\xbb\xbf")[:4] in {b"---\n", b"---\r"}:
        return "hf-card"
    if data.lstrip()[:1] in {b"{", b"["}:
        return _json_format(data, str(path))
    if path.suffix.lower() in {".ttl", ".nt", ".rdf", ".xml", ".owl"} or b"rdf:RDF" in data[:4096]:
        return "dcat"
    raise Refused("E-FOREIGN-FORMAT", str(path), f"none of {', '.join(IMPORTS)}; say which with --from")


def _json_format(data: bytes, where: str) -> str:
    from datalib.interop import croissant_import

    if data.lstrip()[:1] == b"[":
        return "dcat"
    value = canonical.parse(data, limit=MAX_SIZE, where=where)
    if croissant_import.is_croissant(value):
        return "croissant"
    return "dta" if dta.is_record(value) else "dcat"


def import_file(path: Path, out: Path, *, of: str | None = None, dataset: str | None = None) -> Imported:
    """Bring a foreign description or bag into a folder.

    Raises ``Refused`` and ``Unchecked`` as the format's reader does, ``Misuse``: ``E-USAGE``, ``E-OUT-EXISTS``.
    """
    chosen = of or format_of(path)
    if dataset is not None and chosen != "dcat":
        raise Misuse("E-USAGE", "--dataset", f"{chosen} describes one data set")
    if chosen == BAG:
        from datalib.interop import bagit_import

        restored, notes = bagit_import.read(path, out)
        return Imported(format=chosen, restored=restored, notes=tuple(notes))
    draft = read(path, chosen, dataset)
    data = drafts.render(draft.document())
    with _made(out) as folder:
        if folder.exists(NAME):
            raise Misuse("E-OUT-EXISTS", str(out / NAME))
        folder.write(NAME, data)
    return Imported(format=chosen, restored=False, notes=tuple(draft.notes))


def _made(out: Path) -> Folder:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unchecked("E-IO", str(out), error.strerror or str(error)) from error
    return Folder(out)


def read(path: Path, of: str, dataset: str | None = None) -> Draft:
    """Read a description of one of the formats that are one file."""
    from datalib.interop import croissant_import, dcat

    data, where = _read(path), path.name
    readers: Mapping[str, Callable[[], Any]] = {
        "croissant": lambda: croissant_import.read(data, where),
        "hf-card": lambda: hf_card.read(data, where),
        "dta": lambda: dta.read(data, where),
        "dcat": lambda: dcat.read(data, where, dataset=dataset),
    }
    draft: Draft = readers[of]()
    return draft


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
    if len(data) > MAX_SIZE:
        raise Refused("E-FOREIGN-FORMAT", str(path), f"more than {MAX_SIZE} bytes")
    return data
