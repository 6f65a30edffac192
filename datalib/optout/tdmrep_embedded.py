"""TDMRep inside of works: the package document of an EPUB (OPF), and XMP packets as PDF files carry them.

Both are XML texts here; finding them in a file is somebody else's business.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from datalib.optout import markup
from datalib.optout.markup import Element
from datalib.optout.model import State
from datalib.optout.tdmrep import NOTHING, Declaration, declare_value

_NAMESPACES: Final = ("http://www.w3.org/ns/tdmrep#", "http://www.w3.org/ns/tdmrep/")
#: Accepted strictly besides: the namespace without its end.
_BARE: Final = "http://www.w3.org/ns/tdmrep"
#: Names of the reservation in drafts and old tools.
LEGACY: Final = frozenset({"reserve_tdm", "reserve-tdm", "tdm-reservation", "tdm_reservation"})
_UNREADABLE: Final = Declaration(strict=State.HOLD)


class _Property(NamedTuple):
    """A property: ``exact`` when its name is bound to the namespace as the report wants it."""

    name: str
    value: str
    exact: bool


def read_opf(text: bytes) -> Declaration:
    """Read an EPUB package document: ``<meta name="tdm:…" content>`` (EPUB 2), ``<meta property="…">`` (EPUB 3)."""
    elements = markup.parse(text)
    return _UNREADABLE if elements is None else opf_declaration(elements)


def opf_declaration(elements: Sequence[Element]) -> Declaration:
    """Read the elements of a package document."""
    bound: set[str] = set()
    declared: list[_Property] = []
    for element in elements:
        attributes, content = element.attributes, element.text
        if element.local == "package":
            words = attributes.get("prefix", "").split()
            pairs = zip(words[::2], words[1::2], strict=False)
            bound |= {prefix.rstrip(":") for prefix, space in pairs if space in _NAMESPACES}
        elif element.local == "meta":
            for key, value in (("name", attributes.get("content", "")), ("property", content)):
                prefix, colon, term = attributes.get(key, "").partition(":")
                if colon and (prefix in bound or prefix.casefold() == "tdm"):
                    declared.append(_Property(term, value, key == "name" or prefix in bound))
    return _declare(declared)


def read_xmp(packet: bytes) -> Declaration:
    """Read an XMP packet: ``tdm:reservation`` and ``tdm:policy`` as elements or attributes, under any prefix."""
    elements = markup.parse(packet)
    return _UNREADABLE if elements is None else xmp_declaration(elements)


def xmp_declaration(elements: Sequence[Element]) -> Declaration:
    """Read the elements of an XMP packet."""
    found = markup.properties(elements, _is_tdm)
    return _declare([_Property(item.name, item.value, item.namespace != _BARE) for item in found])


@lru_cache(1 << 12)
def _is_tdm(name: str) -> bool:
    return name.rpartition("\n")[0] in {*_NAMESPACES, _BARE}


def _declare(properties: list[_Property]) -> Declaration:
    """Settle the properties of one document; among several reservations the strictest stands."""
    policy = next((p.value.strip() for p in properties if p.name == "policy" and p.value.strip()), None)
    result = NOTHING
    for found in properties:
        if found.name == "policy":
            continue
        read = declare_value(found.value, policy)
        if found.name != "reservation" and found.name not in LEGACY:
            read = _UNREADABLE
        elif not found.exact or found.name in LEGACY:
            read = Declaration(policy=policy, strict=read.strict, raw=found.value)
        if read.strict >= result.strict:
            result = read
    return result
