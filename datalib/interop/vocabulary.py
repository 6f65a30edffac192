"""The vocabulary as a graph: classes, properties and codes out of the data files that hold their facts.

``datalib.ttl``, ``codes.ttl`` and ``context.jsonld`` are made by `ontology`, `codes` and `context`; a test keeps them
so.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from datalib.interop.triples import PREFIXES, Iri, Node, Object, iri_of, name, node, texts

ONTOLOGY: Final = Iri("https://w3id.org/datalib/ns")
_CLOSE: Final = "closeMatch"


@cache
def _data(file: str) -> Mapping[str, Any]:
    import datalib_vocab

    data: Mapping[str, Any] = json.loads(datalib_vocab.read(file))
    return data


def code_iri(of: str, value: str) -> Iri:
    """Name a code of a list."""
    return Iri(f"{PREFIXES['dl']}{of}:{value}")


def concept(of: str, code: str) -> Node:
    """Give a purpose or method with its labels, those of the vocabulary if it knows the code."""
    found = _data(f"{of}s.json")["known"].get(code, {})
    return node(code_iri(of, code), ["skos:Concept"], skos_notation=code, skos_prefLabel=texts(found.get("label")))


def statement(iri: Iri, assurance: str) -> Node:
    """Say in words how well what is exported is known."""
    words = _data("codelists.json")["lists"]["assurance"]["codes"][assurance]["definition"]
    return node(iri, ["dct:ProvenanceStatement"], rdfs_label=texts(words))


def ontology() -> Iterator[Node]:
    """Yield classes and properties with their labels, definitions and places among the terms of others."""
    terms = _data("terms.json")
    yield node(
        ONTOLOGY,
        ["owl:Ontology"],
        dct_title=texts(
            {"en": "Vocabulary of data libraries", "kk": "Дерекнамалар сөздігі", "ru": "Словарь библиотек данных"}
        ),
        vann_preferredNamespacePrefix="dl",
        vann_preferredNamespaceUri=PREFIXES["dl"],
        dct_license=Iri("https://spdx.org/licenses/Apache-2.0"),
    )
    for called, term in terms["classes"].items():
        above = [name(each) for each in term["subClassOf"]]
        yield _term(f"dl:{called}", term, ["owl:Class", "rdfs:Class"], rdfs_subClassOf=list[Object](above))
    for called, term in terms["properties"].items():
        kind = "owl:DatatypeProperty" if _is_datatype(term["range"]) else "owl:ObjectProperty"
        domain = term["domain"]
        yield _term(
            f"dl:{called}",
            term,
            [kind, "rdf:Property"],
            rdfs_subPropertyOf=[name(each) for each in term["subPropertyOf"]],
            rdfs_range=name(term["range"]),
            rdfs_domain=name(domain[0]) if len(domain) == 1 else None,
            dl_codes=code_iri("codes", term["codes"]) if "codes" in term else None,
        )


def _is_datatype(of: str) -> bool:
    return of.startswith(("xsd:", "rdf:"))


def _term(called: str, term: Mapping[str, Any], kinds: list[str], **more: object) -> Node:
    close = [iri for each in term.get(_CLOSE, ()) if (iri := _name(each))]
    return node(
        name(called),
        kinds,
        rdfs_label=texts(term["label"]),
        skos_definition=texts(term["definition"]),
        rdfs_isDefinedBy=ONTOLOGY,
        skos_closeMatch=list[Object](close),
        dct_source=term.get("source"),
        **more,
    )


def _name(short: str) -> Iri | None:
    prefix = short.partition(":")[0]
    return name(short) if prefix in PREFIXES else iri_of(short)


def codes() -> Iterator[Node]:
    """Yield the lists of codes as concept schemes."""
    data = _data("codelists.json")
    for of, listed in data["lists"].items():
        yield _scheme(of, listed["label"])
        for code, entry in listed["codes"].items():
            yield _code(of, code, entry)
    yield _scheme("term", {"en": "Statutory terms", "kk": "Заңдағы терминдер", "ru": "Термины закона"})
    for code, entry in data["statutory"].items():
        yield _code("term", code, entry)
    yield from _long("purpose", {"en": "Purposes", "kk": "Мақсаттар", "ru": "Цели"})
    yield from _long("method", {"en": "Methods", "kk": "Тәсілдер", "ru": "Способы получения"})
    yield _scheme("forbidden", {"en": "Forbidden purposes", "kk": "Тыйым салынған мақсаттар", "ru": "Запрещённые цели"})
    for code, entry in _data("purposes.json")["forbidden"].items():
        yield _code("forbidden", code, entry)


def _long(of: str, label: Mapping[str, str]) -> Iterator[Node]:
    data = _data(f"{of}s.json")
    yield _scheme(of, label)
    for group, entry in data["groups"].items():
        yield _code(of, f"group:{group}", entry)
    for code, entry in data["known"].items():
        yield _code(of, code, entry, skos_broader=code_iri(of, f"group:{group_of(of, code, entry)}"))


def group_of(of: str, code: str, entry: Mapping[str, Any]) -> str:
    """Tell the group of a purpose by its code, of a method by its entry."""
    if of == "method":
        group: str = entry["group"]
        return group
    return next((group for group in ("non-ai", "ai", "train") if code.startswith((f"{group}-", f"{group}:"))), "other")


def _scheme(of: str, label: Mapping[str, str]) -> Node:
    return node(code_iri("codes", of), ["skos:ConceptScheme"], skos_prefLabel=texts(label), rdfs_isDefinedBy=ONTOLOGY)


def _code(of: str, code: str, entry: Mapping[str, Any], **more: object) -> Node:
    return node(
        code_iri(of, code),
        ["skos:Concept"],
        skos_notation=code,
        skos_prefLabel=texts(entry["label"]),
        skos_definition=texts(entry.get("definition")),
        skos_inScheme=code_iri("codes", of),
        dct_source=entry.get("source"),
        **more,
    )


def context() -> dict[str, Any]:
    """Give the JSON-LD context that lets a manifest be read as RDF; it needs nothing else."""
    # Nested members are flat here: readers disagree on contexts inside of @nest. A language map takes plain texts too.
    source = {**_inside("sources"), **_inside("sources/collected"), "collected": "@nest"}
    own = {
        **_inside(""),
        "datalib": "@nest",
        "name": "dct:identifier",
        "title": _named("dct:title"),
        "description": _named("dct:description"),
        "version": "dcat:version",
        "created": {"@id": "dct:created", "@type": "xsd:dateTime"},
        "keywords": "dcat:keyword",
        "homepage": {"@id": "dcat:landingPage", "@type": "@id"},
        "languages": "dct:language",
        "producer": {"@id": "dl:producer", "@context": {**_inside("producer"), "name": _named("foaf:name")}},
        "content": {"@id": "dcat:hasCurrentVersion", "@context": _inside("content")},
        "collections": {"@id": "dl:collection", "@context": _collection()},
        "inputs": {"@id": "dl:input", "@context": {**_inside("inputs"), "prefix": "dl:prefix"}},
        "sources": {
            "@id": "dl:source",
            "@context": {**source, "path": {"@id": "dct:source", "@type": "@id"}, "license": "dct:rights"},
        },
    }
    return {"@context": {"@version": 1.1, **PREFIXES, **own}}


def _inside(above: str) -> dict[str, Any]:
    """Give the members that stand directly in one member of the block (or of the block itself)."""
    properties = _data("terms.json")["properties"]
    start = f"{above}/" if above else ""
    found = {}
    for called, term in properties.items():
        path = term.get("member", "")
        if path.startswith(start) and path != above and "/" not in path[len(start) :]:
            found[path[len(start) :]] = _entry(called, term)
    return {member: entry for member, entry in found.items() if member}


def _collection() -> dict[str, Any]:
    properties = _data("terms.json")["properties"]
    counts = {called: _entry(called, properties[called]) for called in ("files", "bytes")}
    return {"prefix": "dl:prefix", **counts, "mediatypes": "dl:mediaType"}


def _named(short: str) -> dict[str, str]:
    return {"@id": short, "@container": "@language"}


def _entry(called: str, term: Mapping[str, Any]) -> Any:
    if term["range"] == "rdf:JSON":
        return {"@id": f"dl:{called}", "@type": "@json"}
    if "codes" in term:
        inside = {"@vocab": code_iri(term["codes"], "")}
        return {"@id": f"dl:{called}", "@type": "@vocab", "@context": inside}
    if term["range"] == "xsd:string" or not _is_datatype(term["range"]):
        return f"dl:{called}"
    return {"@id": f"dl:{called}", "@type": term["range"]}
