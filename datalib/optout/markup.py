"""XML metadata as a flat list of elements; no entity is ever expanded and nothing is fetched."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

MAX_BYTES: Final = 8 << 20
MAX_ELEMENTS: Final = 1 << 18
_PADDING: Final = b"\0 \t\r\n"
#: How a text without a byte order mark begins in wide encodings: a blank or ``<``, with zero bytes round it.
_WIDE: Final = (
    (re.compile(rb"[<\s]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[<\s]"), "utf-32-be"),
    (re.compile(rb"[<\s]\0"), "utf-16-le"),
    (re.compile(rb"\0[<\s]"), "utf-16-be"),
)
_MARKS: Final = ((b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le"),
                 (b"\xfe\xff", "utf-16-be"))  # fmt: skip
_ENCODING = re.compile(r"""(<\?xml[^>]*?)\sencoding\s*=\s*["'][^"']*["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element. Names are ``namespace newline local``; ``text`` is its own, not that of its children.

    ``parent`` is the place of the element round it in the list, -1 for the outermost.
    """

    name: str
    attributes: dict[str, str]
    text: str
    parent: int

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition("\n")[2]


def parse(text: bytes, *, doctype: bool = False) -> list[Element] | None:
    """Give all elements in the order of the document, or None when it cannot be read.

    ``doctype``: accept a document type declaration that has no declarations inside, as SVG files have.
    """
    if len(text) > MAX_BYTES:
        return None
    found: list[tuple[str, dict[str, str], int]] = []
    texts: dict[int, list[str]] = {}
    stack: list[int] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(found) >= MAX_ELEMENTS:
            raise expat.ExpatError("too many elements")
        found.append((name, attributes, stack[-1] if stack else -1))
        stack.append(len(found) - 1)

    def end(_name: str) -> None:
        stack.pop()

    def characters(data: str) -> None:
        if stack:
            texts.setdefault(stack[-1], []).append(data)

    def declared(_name: str, _system: str | None, _public: str | None, inside: int) -> None:
        if inside or not doctype:
            raise expat.ExpatError("a document type declaration is not read")

    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, declared
    try:
        parser.Parse(narrow(text), True)  # noqa: FBT003 (expat's own positional flag)
    except (expat.ExpatError, ValueError, LookupError):  # the last two: an encoding that expat or Python does not know
        return None
    return [
        Element(name=name, attributes=attributes, text="".join(texts.get(place, ())), parent=parent)
        for place, (name, attributes, parent) in enumerate(found)
    ]


def narrow(text: bytes) -> bytes:
    """Write a text in UTF-8 when it is in a wider encoding, and take its padding away."""
    for mark, name in _MARKS:
        if text.startswith(mark):
            return _recoded(text[len(mark) :], name)
    for pattern, name in _WIDE:
        if pattern.match(text):
            return _recoded(text, name)
    return text.removeprefix(b"\xef\xbb\xbf").strip(_PADDING)


def _recoded(text: bytes, name: str) -> bytes:
    decoded = text.decode(name, "replace").lstrip("\ufeff")
    return _ENCODING.sub(r"\1", decoded, count=1).encode("utf-8", "replace").strip(_PADDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One value of a property of RDF metadata: of an attribute, an element, or something inside that element."""

    namespace: str
    name: str
    value: str


RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_VALUES: Final = frozenset({f"{RDF}\n{name}" for name in ("resource", "value", "about", "ID")})


def properties(elements: Sequence[Element], wanted: Callable[[str], bool]) -> list[Property]:
    """Give the values of the properties that are ``wanted`` by their names, in whichever form of RDF/XML they are."""
    found: list[Property] = []
    owners: list[int] = []
    for place, element in enumerate(elements):
        owner = place if wanted(element.name) else owners[element.parent] if element.parent >= 0 else -1
        owners.append(owner)
        for full, value in element.attributes.items():
            if wanted(full):
                found.append(_of(full, value))
            elif owner >= 0 and full in _VALUES and value.strip():
                found.append(_of(elements[owner].name, value))
        if owner >= 0 and (element.text.strip() or not _has_more(elements, place)):
            found.append(_of(elements[owner].name, element.text))
    return found


def _of(full: str, value: str) -> Property:
    space, _, name = full.rpartition("\n")
    return Property(namespace=space, name=name, value=value)


def _has_more(elements: Sequence[Element], place: int) -> bool:
    """Say whether an element without text says something in another way: by its children or its attributes."""
    inside = place + 1 < len(elements) and elements[place + 1].parent == place
    return inside or bool(_VALUES & elements[place].attributes.keys())
