"""DCAT in: one data set of a catalogue record becomes a draft. Sources: W3C DCAT 2 and 3, DCAT-AP.

Distributions become sources: a catalogue says where data can be got, not what lies in a folder.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from datalib.errors import Refused
from datalib.interop import rdf_reading
from datalib.interop.catalogue import language_tag
from datalib.interop.foreign import Draft
from datalib.interop.licences import licence_of
from datalib.interop.triples import PREFIXES

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node as Term

_SHOWN: Final = 5
_TERMS: Final = (
    "rdf:type dct:title dct:description dct:identifier dct:publisher dct:creator dcat:contactPoint dcat:keyword "
    "dcat:landingPage dct:language dct:issued dct:created dct:modified dcat:version owl:versionInfo dct:license "
    "dcat:distribution dl:purposeCode"
)
_READ: Final = frozenset(_TERMS.split())


def read(data: bytes, where: str, *, dataset: str | None = None) -> Draft:
    """Read one data set of a record; ``dataset`` is its IRI, needed where there are several.

    Raises ``Refused``: the codes of `rdf_reading.read`, ``E-FOREIGN-DATASETS`` if none or several could be meant.
    """
    return _Reader(rdf_reading.read(data, where), where).draft(dataset)


class _Reader:
    """Asks one graph."""

    def __init__(self, graph: "Graph", where: str) -> None:
        self._graph = graph
        self._where = where

    def draft(self, dataset: str | None) -> Draft:
        draft = Draft(self._where)
        subject = self._choose(dataset, draft)
        self._texts(draft, subject)
        self._people(draft, subject)
        self._distributions(draft, subject)
        self._licences(draft, subject)
        read = {_full(short) for short in _READ}
        left = sorted({str(predicate) for predicate in self._graph.predicates(subject) if str(predicate) not in read})
        for predicate in left:
            draft.lose(_short(predicate), "not read")
        return draft

    def _choose(self, dataset: str | None, draft: Draft) -> "Term":
        """Pick the one that is meant; those without a name count only where there is no other."""
        from rdflib import URIRef

        every = set(self._subjects())
        found: list[Any] = sorted(item for item in every if isinstance(item, URIRef)) or list(every)
        if len(found) < len(every):
            draft.lose("dcat:Dataset", f"{len(every) - len(found)} without a name")
        if dataset is not None:
            if URIRef(dataset) in found:
                return URIRef(dataset)
            raise Refused(
                "E-FOREIGN-DATASETS", self._where, f"there is no data set {dataset[:200]!r} among {len(found)}"
            )
        if len(found) == 1:
            only: Term = found[0]
            return only
        if not found:
            raise Refused("E-FOREIGN-DATASETS", self._where, "there is no data set")
        named = [str(item) for item in found if isinstance(item, URIRef)]
        shown = ", ".join(named[:_SHOWN]) + (" …" if len(named) > _SHOWN else "")
        raise Refused("E-FOREIGN-DATASETS", self._where, f"{len(found)}: {shown or 'none with a name'}")

    def _subjects(self) -> Iterator["Term"]:
        from rdflib import RDF, URIRef

        yield from self._graph.subjects(RDF.type, URIRef(_full("dcat:Dataset")))

    def _objects(self, subject: "Term", *shorts: str) -> list[Any]:
        """Give what is said under any of some predicates, in an order that does not change."""
        from rdflib import URIRef

        found: Iterable[Any] = [item for short in shorts for item in self._graph.objects(subject, URIRef(_full(short)))]
        return sorted(set(found), key=lambda item: (str(item), str(getattr(item, "language", ""))))

    def _first(self, subject: "Term", *shorts: str) -> str | None:
        return next((str(item) for short in shorts for item in self._objects(subject, short)), None)

    def _texts(self, draft: Draft, subject: "Term") -> None:
        for member in ("title", "description"):
            said = self._objects(subject, f"dct:{member}")
            told = {str(item.language)[:2]: str(item) for item in said if getattr(item, "language", None)}
            plain = [str(item) for item in said if not getattr(item, "language", None)]
            if told:
                draft.block[member] = told
            draft.set(member, plain[0] if plain else told.get("en") or next(iter(told.values()), None))
            if len(plain) > 1:
                draft.lose(f"dct:{member}", f"{len(plain) - 1} more without a language")
        draft.set("version", self._first(subject, "dcat:version", "owl:versionInfo"))
        draft.set("homepage", self._first(subject, "dcat:landingPage"))
        draft.set("created", self._first(subject, "dct:created", "dct:issued"))
        draft.set("keywords", [str(item) for item in self._objects(subject, "dcat:keyword")])
        languages = [str(item) for item in self._objects(subject, "dct:language")]
        tags = [tag for item in languages if (tag := language_tag(item))]
        if tags:
            draft.block["languages"] = sorted(set(tags))
        for item in languages:
            if not language_tag(item):
                draft.lose("dct:language", item[:200])
        if purposes := [str(item) for item in self._objects(subject, "dl:purposeCode")]:
            draft.block["purpose"] = purposes
        if self._objects(subject, "dct:identifier"):
            draft.lose("dct:identifier", "a new library gets an id of its own")
        if self._objects(subject, "dct:modified"):
            draft.lose("dct:modified", "the chain says when a library changed")

    def _people(self, draft: Draft, subject: "Term") -> None:
        roles = {"dct:publisher": "publisher", "dct:creator": "creator", "dcat:contactPoint": "contact"}
        for short, role in roles.items():
            for item in self._objects(subject, short):
                called = self._first(item, "foaf:name", "vcard:fn", "vcard:organization-name") or _literal(item)
                mail = (self._first(item, "vcard:hasEmail", "foaf:mbox") or "").removeprefix("mailto:")
                if called:
                    draft.add_person(called, role, email=mail)
                else:
                    draft.lose(short, f"{str(item)[:200]}: no name in the file")

    def _distributions(self, draft: Draft, subject: "Term") -> None:
        for item in self._objects(subject, "dcat:distribution"):
            title = self._first(item, "dct:title") or self._first(subject, "dct:title")
            address = self._first(item, "dcat:downloadURL", "dcat:accessURL")
            if address:
                draft.add_source(title or address, path=address)
            else:
                draft.lose("dcat:distribution", f"{str(item)[:200]}: no address")

    def _licences(self, draft: Draft, subject: "Term") -> None:
        parts = [subject, *self._objects(subject, "dcat:distribution")]
        named = dict.fromkeys(str(item) for part in parts for item in self._objects(part, "dct:license"))
        found = [licence for name in named if (licence := licence_of(name))]
        draft.set("licenses", found)
        if len(found) > 1:
            draft.lose("dct:license", f"which of the {len(found)} licences is for which distribution")
        for name in named:
            if not licence_of(name):
                draft.lose("dct:license", f"{name[:200]!r} names no licence")


def _full(short: str) -> str:
    prefix, _, local = short.partition(":")
    return PREFIXES[prefix] + local


def _short(iri: str) -> str:
    for prefix, start in PREFIXES.items():
        if iri.startswith(start):
            return f"{prefix}:{iri[len(start) :]}"
    return iri


def _literal(item: "Term") -> str | None:
    from rdflib import Literal

    return str(item) if isinstance(item, Literal) else None
