"""RDF out of a library: all of it, as a catalogue sees it (``dcat``), or its history (``prov``)."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from datalib.interop import catalogue, graph, provenance
from datalib.interop.known import Known, lost
from datalib.interop.triples import Node
from datalib.library.upgrade import Note

#: Members of a manifest that the graph carries.
_CARRIED: Final = frozenset({
    *("$schema", "name", "title", "description", "version", "created", "keywords", "homepage"),
    *("licenses", "contributors", "sources", "resources", "datalib"),
})  # fmt: skip


def everything(known: Known, *, with_files: bool) -> Iterator[Node]:
    """Yield the library, its history and, if asked for, each of its files."""
    parts: list[Iterable[Node]] = [
        catalogue.catalogue(known),
        catalogue.parties(known),
        graph.details(known),
        provenance.provenance(known),
    ]
    if with_files:
        parts.append(graph.file_nodes(known))
    return chain.from_iterable(parts)


def as_catalogue(known: Known) -> Iterator[Node]:
    """Yield what DCAT-AP knows."""
    return chain(catalogue.catalogue(known), catalogue.parties(known))


def as_history(known: Known) -> Iterator[Node]:
    """Yield what PROV-O knows; ``E-NOT-SIGNED`` for a draft."""
    return chain(provenance.history(known), catalogue.parties(known))


def lost_everywhere(known: Known) -> list[Note]:
    """Name the members that no graph carries."""
    notes = catalogue.lacking(known)
    notes += [lost(member, "a member without a term") for member in known.document if member not in _CARRIED]
    with_schema = sum("schema" in item.value for item in known.manifest.resources)
    if with_schema:
        notes.append(lost("resources/*/schema", f"the columns of {with_schema} tables: they stay in the manifest"))
    silent = sum(not _has_mail(item) for item in known.document.get("contributors", ()))
    if silent:
        notes.append(lost("contributors", f"{silent} without an e-mail address"))
    return notes


def lost_in_catalogue(known: Known) -> list[Note]:
    """Name what a catalogue has no place for."""
    members = ("purpose", "inputs", "collections", "quality", "rights", "synthetic", "personalData", "sector")
    notes = [*lost_everywhere(known), lost("sources", "methods, bases and dates of collection")]
    notes += [lost(f"datalib/{member}", "no term of DCAT-AP") for member in members if member in known.block]
    return [*notes, lost("chain.jsonl", "signatures and events: --to prov, or --to turtle for all")]


def lost_in_history(known: Known) -> list[Note]:
    """Name what a history leaves out."""
    return [
        lost("datapackage.json", f"all but the producer and {len(known.manifest.inputs)} inputs: --to turtle for all"),
        lost("chain.jsonl", "signatures and keys"),
    ]


def _has_mail(contributor: Any) -> bool:
    return isinstance(contributor, dict) and "@" in str(contributor.get("email", ""))
