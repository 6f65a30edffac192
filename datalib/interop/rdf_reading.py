"""RDF in, from strangers: bounded, without the network, without entities.

Turtle, N-Triples, RDF/XML and JSON-LD are parsed by rdflib. Before that, what could make a parser reach out or grow is
refused: contexts behind an address, document types and entities, other encodings than UTF-8, and too much of anything.
"""

import re
from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

from datalib import canonical
from datalib.errors import Refused

if TYPE_CHECKING:
    from rdflib import Graph

#: In bytes. A catalogue record has kilobytes; rdflib takes a second for a megabyte and a half.
MAX_SIZE: Final = 4 << 20
MAX_TRIPLES: Final = 100_000
_MAX_BRACKETS: Final = 100
#: In XML; rdflib copies the namespaces in scope for each declaration, and JSON-LD contexts for each context.
_MAX_NAMESPACES: Final = 1000
_MAX_CONTEXTS: Final = 50
_MAX_TERMS: Final = 5000
_ENCODING: Final = re.compile(rb"\A\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)")
_TURTLE: Final = re.compile(r"\"\"\"|'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|<[^<>\s]*>|#[^\n]*|[\[(\])]")
_CONTEXT: Final = "@context"


def read(data: bytes, where: str) -> "Graph":
    """Parse a document, its syntax told by name and content.

    Raises ``Refused``: ``E-FOREIGN-REMOTE`` for what is not in the file, ``E-FOREIGN-FORMAT`` for what is no RDF or too
    large; for JSON-LD also the codes of strict JSON.
    """
    if len(data) > MAX_SIZE:
        raise Refused("E-FOREIGN-FORMAT", where, f"{len(data)} bytes; {MAX_SIZE} are read")
    syntax = syntax_of(data, where)
    if syntax == "xml":
        _check_xml(data, where)
    elif syntax == "json-ld":
        _check_jsonld(data, where)
    text = _text(data, where)
    if syntax in {"turtle", "nt"}:
        _check_depth(text, where)
    return _parse(text, syntax, where)


def syntax_of(data: bytes, where: str) -> str:
    """Tell the syntax: by the ending of the name, else by the first character."""
    ending = where.lower().rpartition(".")[2]
    named = {"ttl": "turtle", "turtle": "turtle", "nt": "nt", "rdf": "xml", "xml": "xml", "owl": "xml"}
    if ending in named:
        return named[ending]
    first = data.lstrip()[:1]
    return (
        "json-ld"
        if first in {b"{", b"["} or ending in {"json", "jsonld"}
        else "xml"
        if first == b"<" and b"rdf:RDF" in data[:4096]
        else "turtle"
    )


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("E-FOREIGN-FORMAT", where, f"byte {error.start} is not UTF-8") from error


def _check_xml(data: bytes, where: str) -> None:
    """Go through a document once with a parser that builds nothing."""
    encoding = _ENCODING.search(data)
    if encoding and encoding[1].lower() not in {b"utf-8", b"utf8", b"us-ascii"}:
        raise Refused(
            "E-FOREIGN-FORMAT", where, f"encoding {encoding[1][:40].decode('ascii', 'replace')}: only UTF-8 is read"
        )

    bounds = _XmlBounds(where)
    try:
        bounds.parser.Parse(data, True)  # noqa: FBT003 - expat's way to say that this is all
    except expat.ExpatError as error:
        raise Refused("E-FOREIGN-FORMAT", where, str(error)) from error


class _XmlBounds:
    """Counts depth and namespaces; stops at a document type, without which there are no entities."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._depth = self._namespaces = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, _name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._namespaces += sum(name.startswith("xmlns") for name in attributes)
        if self._depth > _MAX_BRACKETS or self._namespaces > _MAX_NAMESPACES:
            raise Refused("E-FOREIGN-FORMAT", self._where, "nested too deep, or too many namespaces")

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _doctype(self, *_: object) -> None:
        raise Refused("E-FOREIGN-REMOTE", self._where, "a document type: it is not read, nor are entities")


def _check_jsonld(data: bytes, where: str) -> None:
    wrapped = b'{"@graph":' + data + b"}" if data.lstrip()[:1] == b"[" else data
    bounds = _ContextBounds(where)
    bounds.walk(canonical.parse(wrapped, limit=MAX_SIZE + 16, where=where))


class _ContextBounds:
    """Refuses contexts that stand elsewhere, inside of others, or in numbers."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._contexts = self._terms = 0

    def walk(self, value: Any) -> None:
        """Go through a JSON value."""
        if isinstance(value, list):
            for item in value:
                self.walk(item)
        elif isinstance(value, dict):
            for name, item in value.items():
                if name == _CONTEXT:
                    self._context(item)
                else:
                    self.walk(item)

    def _context(self, value: Any) -> None:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                raise Refused("E-FOREIGN-REMOTE", f"{self._where}#/@context", item[:200])
            if isinstance(item, dict):
                self._one(item)

    def _one(self, context: dict[str, Any]) -> None:
        if "@import" in context:
            raise Refused("E-FOREIGN-REMOTE", f"{self._where}#/@import", str(context["@import"])[:200])
        if any(isinstance(term, dict) and _CONTEXT in term for term in context.values()):
            raise Refused("E-FOREIGN-FORMAT", f"{self._where}#/@context", "a context inside of a context")
        self._contexts += 1
        self._terms += len(context)
        if self._contexts > _MAX_CONTEXTS or self._terms > _MAX_TERMS:
            raise Refused("E-FOREIGN-FORMAT", f"{self._where}#/@context", "more contexts or terms than a record needs")


def _check_depth(text: str, where: str) -> None:
    """Refuse deeply nested Turtle before a parser follows it with its stack; long texts are passed over."""
    depth, closing = 0, ""
    for found in _TURTLE.finditer(text):
        mark = found[0]
        if mark in {'"""', "'''"}:
            closing = "" if closing == mark else closing or mark
        elif not closing and mark in {"[", "("}:
            depth += 1
            if depth > _MAX_BRACKETS:
                raise Refused("E-FOREIGN-FORMAT", where, f"nested deeper than {_MAX_BRACKETS}")
        elif not closing and mark in {"]", ")"}:
            depth -= 1


def _parse(text: str, syntax: str, where: str) -> "Graph":
    import logging
    import warnings

    from rdflib import Graph

    # It logs what it thinks of odd values, and warns of its own parts, which nobody asked for.
    logging.getLogger("rdflib").setLevel(logging.CRITICAL)
    graph = Graph()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph.parse(data=text, format=syntax, publicID="urn:datalib:import")
    except RecursionError as error:
        raise Refused("E-FOREIGN-FORMAT", where, "nested too deep") from error
    except Exception as error:  # its parsers raise whatever their grammars make of bad text
        raise Refused("E-FOREIGN-FORMAT", where, " ".join(str(error).split())[:200]) from error
    if len(graph) > MAX_TRIPLES:
        raise Refused("E-FOREIGN-FORMAT", where, f"{len(graph)} triples; {MAX_TRIPLES} are read")
    return graph
