"""Refusals written into XMP packets: a new packet, or a change of an existing one that leaves every other byte alone.

Sources: ISO 16684-1 (XMP) §7, IPTC Photo Metadata Standard 2025.1 (``plus:DataMining``), TDMRep report §6.4. What a
packet refuses already is never weakened: the new value covers both.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from datalib.errors import Refused
from datalib.optout import data_mining, markup, tdmrep_embedded, xmp
from datalib.optout.model import NOTHING, Reading
from datalib.optout.refusal import Refusal

CODE: Final = "E-EMBED-FORMAT"
TDM: Final = "http://www.w3.org/ns/tdmrep/"
_TDM_SPACES: Final = frozenset({TDM, "http://www.w3.org/ns/tdmrep#", "http://www.w3.org/ns/tdmrep"})
_BEGIN: Final = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END: Final = '\n<?xpacket end="w"?>'
_TAG = re.compile(rb"""<[^\s/>]+((?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*/?>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*(?:"[^"]*"|'[^']*')""")


def new_packet(refusal: Refusal) -> bytes:
    """Make a packet that says it; empty when XMP cannot. Never any time or name: same refusal, same bytes."""
    said = _description(refusal.mining, refusal, about="", tdm=refusal.tdm)
    if not said:
        return b""
    lines = [f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{markup.RDF}">', said, "</rdf:RDF></x:xmpmeta>"]
    return (_BEGIN + "\n".join(lines) + _END).encode()


def with_refusal(packet: bytes, refusal: Refusal, where: str) -> bytes:
    """Give a packet that says what it said, and the refusal. Raises Refused (E-EMBED-FORMAT)."""
    text = markup.narrow(packet)
    elements = markup.parse(text)
    if elements is None:
        raise Refused(CODE, where, "its XMP packet cannot be read")
    codes = xmp.codes(text)
    wanted = refusal.widened(_join(code.strict for code in codes))
    mining = "" if _says(codes, refusal) else wanted.mining
    found = _scan(text)
    tdm = refusal.tdm and not (len(found.reservation) == 1 and _reserves(elements, refusal))
    cuts = [*(found.mining if mining else ()), *(found.reservation if tdm else ())]
    cuts += found.policy if tdm and refusal.licence else []
    said = _description(mining, refusal, about=_about(elements), tdm=tdm)
    return _changed(text, found, cuts, said, where) if said else text


def _says(codes: list[data_mining.Mining], refusal: Refusal) -> bool:
    """Say whether the packet refuses as much already, in one exact value; such a value may say more than ours."""
    if not refusal.mining:
        return True
    asked = data_mining.judge_value(refusal.mining).spec
    return len(codes) == 1 and codes[0].spec | asked == codes[0].spec


def _reserves(elements: list[markup.Element], refusal: Refusal) -> bool:
    """Say whether the packet reserves mining already, with the same licence if there is to be one."""
    declared = tdmrep_embedded.xmp_declaration(elements)
    return declared.reservation == 1 and declared.policy == (refusal.licence or declared.policy)


def _join(readings: Iterable[Reading]) -> Reading:
    result = NOTHING
    for reading in readings:
        result |= reading
    return result


def _description(mining: str, refusal: Refusal, *, about: str, tdm: bool) -> str:
    lines = [f"<plus:DataMining>{mining}</plus:DataMining>"] if mining else []
    spaces = f' xmlns:plus="{xmp.PLUS}"' if mining else ""
    if tdm:
        spaces += f' xmlns:tdm="{TDM}"'
        lines.append("<tdm:reservation>1</tdm:reservation>")
        lines += [f"<tdm:policy>{escape(refusal.licence)}</tdm:policy>"] if refusal.licence else []
    if not lines:
        return ""
    head = f'<rdf:Description xmlns:rdf="{markup.RDF}" rdf:about={quoteattr(about)}{spaces}>'
    return "\n".join([head, *lines, "</rdf:Description>"])


def _about(elements: list[markup.Element]) -> str:
    """Give what the packet is about: all its descriptions must name the same (ISO 16684-1 §7.4)."""
    key = f"{markup.RDF}\nabout"
    return next((one.attributes[key] for one in elements if key in one.attributes), "")


@dataclass(slots=True, kw_only=True)
class _Scan:
    """Where things stand in a packet: bytes of properties, and the end tag of ``rdf:RDF`` or its only tag."""

    mining: list[tuple[int, int]] = field(default_factory=list)
    reservation: list[tuple[int, int]] = field(default_factory=list)
    policy: list[tuple[int, int]] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)

    def enter(self, full: str, start: int, stop: int) -> None:
        space, _, local = full.rpartition("\n")
        if xmp.is_mining(space, local):
            self.mining.append((start, stop))
        elif space in _TDM_SPACES:
            if local == "policy":
                self.policy.append((start, stop))
            elif local == "reservation" or local in tdmrep_embedded.LEGACY:
                self.reservation.append((start, stop))


def _scan(text: bytes) -> _Scan:
    """Find what may be replaced. The text was parsed before: the parser raises nothing."""
    found, stack, spaces = _Scan(), list[tuple[int, int]](), dict[str, list[str]]()
    parser = expat.ParserCreate(namespace_separator="\n")

    def start(_name: str, _attributes: dict[str, str]) -> None:
        begin = parser.CurrentByteIndex
        tag = _TAG.match(text, begin)
        stack.append((begin, tag.end() if tag and tag[0].endswith(b"/>") else 0))
        for one in _ATTRIBUTE.finditer(text, *tag.span(1)) if tag else ():
            prefix, colon, local = one[1].decode("utf-8", "replace").partition(":")
            if colon and spaces.get(prefix):
                found.enter(f"{spaces[prefix][-1]}\n{local}", *one.span())

    def end(name: str) -> None:
        begin, empty = stack.pop()
        place = begin if empty else parser.CurrentByteIndex
        stop = empty or text.index(b">", place) + 1
        found.enter(name, begin, stop)
        if name == f"{markup.RDF}\nRDF":
            found.ends.append((place, stop))

    def bind(prefix: str | None, space: str) -> None:
        spaces.setdefault(prefix or "", []).append(space)

    def unbind(prefix: str | None) -> None:
        spaces[prefix or ""].pop()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartNamespaceDeclHandler, parser.EndNamespaceDeclHandler = bind, unbind
    parser.Parse(text, True)  # noqa: FBT003 (expat's own positional flag)
    return found


def _changed(text: bytes, found: _Scan, cuts: list[tuple[int, int]], said: str, where: str) -> bytes:
    """Take the old properties out and put the new description in before the end of ``rdf:RDF``."""
    if len(found.ends) != 1:
        raise Refused(CODE, where, "its XMP packet has not one rdf:RDF")
    start, stop = found.ends[0]
    closing = text[start:stop]
    if not closing.startswith(b"</"):  # an empty element is opened
        name = re.match(rb"<([^\s/>]+)", closing)
        closing = closing[: closing.rindex(b"/")] + b">\n" + said.encode() + b"\n</" + (name[1] if name else b"") + b">"
    else:
        closing = said.encode() + b"\n" + closing
    parts, place = [], 0
    for begin, end in sorted({*cuts, (start, stop)}):
        if begin < place:  # inside of what goes anyway
            continue
        parts += [text[place:begin], closing if (begin, end) == (start, stop) else b""]
        place = end
    result = b"".join([*parts, text[place:]])
    if markup.parse(result) is None:
        raise Refused(CODE, where, "its XMP packet cannot be changed")
    return result
