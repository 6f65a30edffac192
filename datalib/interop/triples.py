"""RDF, written as a stream: nodes in; N-Triples, Turtle or JSON-LD out, a few kilobytes at a time.

There are no blank nodes: everything has a name of its own, so that graphs can be joined and compared. Sources: RDF 1.1
N-Triples §2, §3; RDF 1.1 Turtle §6; JSON-LD 1.1 §3.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple
from urllib.parse import quote

PREFIXES: Final[Mapping[str, str]] = {
    "adms": "http://www.w3.org/ns/adms#",
    "cr": "http://mlcommons.org/croissant/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "dl": "https://w3id.org/datalib/ns#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vann": "http://purl.org/vocab/vann/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:\S")
_ILLEGAL = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f]")
_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:-]*[A-Za-z0-9_-])?")
_ESCAPED: Final = str.maketrans(
    {chr(code): f"\\u{code:04X}" for code in (*range(32), 127)}
    | {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)
_LONGEST_IRI: Final = 4096
_CHUNK: Final = 1 << 16


class Iri(str):
    """A name in full."""

    __slots__ = ()


class Text(NamedTuple):
    """A literal with a language, or with a type given as prefix and name (``xsd:date``)."""

    value: str
    lang: str = ""
    type: str = ""


#: What may be said of something: a name, a text, or a plain value.
Object = Iri | Text | str | int | bool


class Node(NamedTuple):
    """One subject and all that is said of it, under predicates given as prefix and name."""

    iri: str
    facts: Sequence[tuple[str, Sequence[Object]]]


class Writer(NamedTuple):
    """A syntax: how it is called, the ending of its files, its writing."""

    name: str
    extension: str
    write: Callable[[Iterable[Node]], Iterator[bytes]]


def name(short: str) -> Iri:
    """Give the full name of ``prefix:local``."""
    prefix, _, local = short.partition(":")
    return Iri(PREFIXES[prefix] + local)


def iri_of(text: str) -> Iri | None:
    """Take a text for an absolute IRI, what may not stand in one percent-encoded; ``None`` if it is none."""
    if len(text) > _LONGEST_IRI or not _ABSOLUTE.match(text):
        return None
    return Iri(_ILLEGAL.sub(lambda found: quote(found[0]), text))


def node(iri: str, kinds: Sequence[str], **facts: object) -> Node:
    """Make a node of keyword arguments (``dct_title``); ``None`` and empty lists say nothing."""
    said: list[tuple[str, Sequence[Object]]] = [("rdf:type", [name(kind) for kind in kinds])] if kinds else []
    for key, value in facts.items():
        values: Any = value if isinstance(value, list) else [] if value is None else [value]
        if values:
            said.append((key.replace("_", ":", 1), values))
    return Node(iri, said)


def texts(value: str | Mapping[str, str] | None) -> list[Object]:
    """Give a text or a language map as literals."""
    if isinstance(value, Mapping):
        return [Text(text, lang=lang) for lang, text in sorted(value.items())]
    return [value] if value else []


def _literal(value: Text | str | int) -> tuple[str, str, str]:
    """Give lexical form, language, and type (full, empty for a plain string)."""
    if isinstance(value, Text):
        return value.value, value.lang, name(value.type) if value.type else ""
    if isinstance(value, bool):
        return ("true" if value else "false"), "", name("xsd:boolean")
    if isinstance(value, int):
        return str(value), "", name("xsd:integer")
    return value, "", ""


def _quoted(value: Text | str | int, shorten: Callable[[str], str]) -> str:
    lexical, lang, kind = _literal(value)
    quoted = f'"{lexical.translate(_ESCAPED)}"'
    return f"{quoted}@{lang}" if lang else f"{quoted}^^{shorten(kind)}" if kind else quoted


def _full(iri: str) -> str:
    return f"<{iri}>"


def _short(iri: str) -> str:
    for prefix, start in PREFIXES.items():
        if iri.startswith(start) and _LOCAL.fullmatch(iri, len(start)):
            return f"{prefix}:{iri[len(start) :]}"
    return _full(iri)


def _object(value: Object, shorten: Callable[[str], str]) -> str:
    return shorten(value) if isinstance(value, Iri) else _quoted(value, shorten)


def _chunks(parts: Iterable[str]) -> Iterator[bytes]:
    """Join small texts into chunks that are worth a system call."""
    waiting: list[str] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting).encode()


def write_ntriples(nodes: Iterable[Node]) -> Iterator[bytes]:
    """Write N-Triples: a line for each triple."""
    return _chunks(
        f"<{iri}> {_full(name(predicate))} {_object(value, _full)} .\n"
        for iri, facts in nodes
        for predicate, values in facts
        for value in values
    )


def write_turtle(nodes: Iterable[Node]) -> Iterator[bytes]:
    """Write Turtle: prefixes, then a paragraph for each node."""
    head = "".join(f"@prefix {prefix}: <{start}> .\n" for prefix, start in PREFIXES.items())
    return _chunks(chain([head], map(_paragraph, nodes)))


def _paragraph(of: Node) -> str:
    lines = []
    for predicate, values in of.facts:
        said = "a" if predicate == "rdf:type" else predicate
        lines.append(f"{said} " + ", ".join(_object(value, _short) for value in values))
    return f"\n{_short(of.iri)} " + " ;\n    ".join(lines) + " .\n"


def write_jsonld(nodes: Iterable[Node]) -> Iterator[bytes]:
    """Write JSON-LD whose context stands in it: nothing has to be loaded to read it."""
    return _chunks(_jsonld(nodes))


def _jsonld(nodes: Iterable[Node]) -> Iterator[str]:
    yield '{"@context": ' + json.dumps(dict(PREFIXES)) + ',\n"@graph": [\n'
    for number, each in enumerate(nodes):
        yield (",\n" if number else "") + json.dumps(_member(each), ensure_ascii=False)
    yield "\n]}\n"


def _member(of: Node) -> dict[str, Any]:
    value: dict[str, Any] = {"@id": of.iri}
    for predicate, values in of.facts:
        if predicate == "rdf:type":
            value["@type"] = [_compact(str(each)) for each in values]
        else:
            value[predicate] = [_value(each) for each in values]
    return value


def _compact(iri: str) -> str:
    short = _short(iri)
    return iri if short.startswith("<") else short


def _value(value: Object) -> Any:
    if isinstance(value, Iri):
        return {"@id": str(value)}
    if not isinstance(value, Text):
        return value
    if value.lang:
        return {"@value": value.value, "@language": value.lang}
    if value.type == "rdf:JSON":
        return {"@value": json.loads(value.value), "@type": "@json"}
    return {"@value": value.value, "@type": value.type}


WRITERS: Final = (
    Writer("turtle", ".ttl", write_turtle),
    Writer("jsonld", ".jsonld", write_jsonld),
    Writer("ntriples", ".nt", write_ntriples),
)


def writer_for(path: str, otherwise: str = "turtle") -> Writer:
    """Pick the syntax by the ending of a file's name."""
    named = {each.extension: each for each in WRITERS} | {".json": WRITERS[1]}
    default = next(each for each in WRITERS if each.name == otherwise)
    return next((each for extension, each in named.items() if path.lower().endswith(extension)), default)
