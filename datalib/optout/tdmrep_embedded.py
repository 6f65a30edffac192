"""TDMRep inside of works: the package document of an EPUB (OPF), and XMP packets as PDF files carry them.

Both are XML texts here; finding them in a file is somebody else's business. A document type declaration is refused
unread, so no entity is ever expanded and nothing is fetched.
"""

from typing import Final, NamedTuple
from xml.parsers import expat

from datalib.optout.model import State
from datalib.optout.tdmrep import NOTHING, Declaration, declare_value

MAX_BYTES: Final = 8 << 20
_NAMESPACES: Final = ("http://www.w3.org/ns/tdmrep#", "http://www.w3.org/ns/tdmrep/")
#: Accepted strictly besides: the namespace without its end.
_BARE: Final = "http://www.w3.org/ns/tdmrep"
_LEGACY: Final = frozenset({"reserve_tdm", "reserve-tdm", "tdm-reservation", "tdm_reservation"})
_UNREADABLE: Final = Declaration(strict=State.HOLD)


class _Property(NamedTuple):
    """A property: ``exact`` when its name is bound to the namespace as the report wants it."""

    name: str
    value: str
    exact: bool


def read_opf(text: bytes) -> Declaration:
    """Read an EPUB package document: ``<meta name="tdm:…" content>`` (EPUB 2), ``<meta property="…">`` (EPUB 3)."""
    elements = _elements(text)
    if elements is None:
        return _UNREADABLE
    bound: set[str] = set()
    declared: list[_Property] = []
    for name, attributes, content in elements:
        local = name.rpartition("\n")[2]
        if local == "package":
            words = attributes.get("prefix", "").split()
            pairs = zip(words[::2], words[1::2], strict=False)
            bound |= {prefix.rstrip(":") for prefix, space in pairs if space in _NAMESPACES}
        elif local == "meta":
            for key, value in (("name", attributes.get("content", "")), ("property", content)):
                prefix, colon, term = attributes.get(key, "").partition(":")
                if colon and (prefix in bound or prefix.casefold() == "tdm"):
                    declared.append(_Property(term, value, key == "name" or prefix in bound))
    return _declare(declared)


def read_xmp(packet: bytes) -> Declaration:
    """Read an XMP packet: ``tdm:reservation`` and ``tdm:policy`` as elements or attributes, under any prefix."""
    elements = _elements(packet)
    if elements is None:
        return _UNREADABLE
    declared: list[_Property] = []
    for name, attributes, content in elements:
        for full, value in ((name, content), *attributes.items()):
            space, _, term = full.rpartition("\n")
            if space in _NAMESPACES or space == _BARE:
                declared.append(_Property(term, value, space != _BARE))
    return _declare(declared)


def _declare(properties: list[_Property]) -> Declaration:
    """Settle the properties of one document; among several reservations the strictest stands."""
    policy = next((p.value.strip() for p in properties if p.name == "policy" and p.value.strip()), None)
    result = NOTHING
    for found in properties:
        if found.name == "policy":
            continue
        read = declare_value(found.value, policy)
        if found.name != "reservation" and found.name not in _LEGACY:
            read = _UNREADABLE
        elif not found.exact or found.name in _LEGACY:
            read = Declaration(policy=policy, strict=read.strict, raw=found.value)
        if read.strict >= result.strict:
            result = read
    return result


def _elements(text: bytes) -> list[tuple[str, dict[str, str], str]] | None:
    """Give all elements (name, attributes, text), names as ``namespace newline local``; None when it cannot be read."""
    if len(text) > MAX_BYTES:
        return None
    found: list[tuple[str, dict[str, str], list[str]]] = []
    open_elements: list[int] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        open_elements.append(len(found))
        found.append((name, attributes, []))

    def end(_name: str) -> None:
        open_elements.pop()

    def characters(data: str) -> None:
        if open_elements:
            found[open_elements[-1]][2].append(data)

    def refuse(*_: object) -> None:
        raise expat.ExpatError("a document type declaration is not read")

    parser = expat.ParserCreate(namespace_separator="\n")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        parser.Parse(text, True)  # noqa: FBT003 (expat's own positional flag)
    except (expat.ExpatError, ValueError, LookupError):  # the last two: an encoding that expat or Python does not know
        return None
    return [(name, attributes, "".join(parts)) for name, attributes, parts in found]
