"""XMP packets: PLUS Data Mining and constraints, TDMRep, RSL, links to C2PA manifests, rights notices.

Sources: ISO 16684-1 (XMP), IPTC Photo Metadata Standard 2025.1, TDMRep report §6.4, RSL 1.0 §4. A packet that cannot be
read holds the work back, and what it plainly says denies all the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from datalib.optout import data_mining, markup, rsl, tdmrep, tdmrep_embedded
from datalib.optout.markup import Element, Property
from datalib.optout.media.source import Packet
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.rights_text import judge_constraint, judge_notice
from datalib.optout.statement import TRAINING, Evidence

PLUS: Final = "http://ns.useplus.org/ldf/xmp/1.0/"
IPTC: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PLUS_LIKE = re.compile(r"https?://(?:ns|www)\.useplus\.(?:org|com)/ldf/xmp/", re.IGNORECASE)
_TERMS: Final = "http://purl.org/dc/terms/"
_NOTICES: Final = {
    ("http://purl.org/dc/elements/1.1/", "rights"),
    ("http://ns.adobe.com/xap/1.0/rights/", "UsageTerms"),
    ("http://ns.adobe.com/photoshop/1.0/", "Instructions"),
    (_TERMS, "rights"),
    (_TERMS, "accessRights"),
}  # fmt: skip
_RSL: Final = "rslstandard.org/rsl"
_MINING: Final = frozenset({"datamining", "dmi", "dataminingpermission"})
_CODE = re.compile(rb"DMI-[A-Z]+(?:-[A-Z]+)*", re.IGNORECASE)
_RESERVED = re.compile(rb"""reserv(?:ation|e_tdm)\s*(?:=\s*["']|>)\s*1\b""")
_BEGIN = re.compile(rb"(?=<\?xpacket begin=)")
_CLOSE = re.compile(rb"(?<=:xmpmeta>)")
_ELEMENT = re.compile(rb"<[A-Za-z_]")
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)
_SOURCE_TYPES: Final = frozenset({"DigitalSourceType", "DigitalSourcefileType", "DigitalSourceFileType"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Xmp:
    """What a packet says: signals, values of the property Digital Source Type, the address of a C2PA manifest."""

    signals: tuple[Signal, ...] = ()
    source_types: tuple[str, ...] = ()
    provenance: str | None = None


def read(packet: Packet, evidence: Evidence, *, pdf: bool = False, doctype: bool = False) -> Xmp:
    """Read one packet. ``pdf``: TDMRep is at home in it. ``doctype``: as in ``markup.parse``."""
    elements = markup.parse(packet.data, doctype=doctype)
    documents = {packet.data: elements} if elements else {part: markup.parse(part) for part in _apart(packet.data)}
    parts = [
        _read_part(found, packet, evidence, pdf=pdf) if found else Xmp(signals=tuple(_unreadable(data, evidence)))
        for data, found in documents.items()
    ]
    return Xmp(
        signals=tuple(dict.fromkeys(signal for part in parts for signal in part.signals)),
        source_types=tuple(dict.fromkeys(value for part in parts for value in part.source_types)),
        provenance=next((part.provenance for part in parts if part.provenance), None),
    )


def codes(data: bytes) -> list[data_mining.Mining]:
    """Give what all Data Mining properties of a packet say, in their order; nothing when it cannot be read."""
    parts = (markup.parse(part) or [] for part in _apart(data))
    found = (item for part in parts for item in _properties(part))
    return [data_mining.judge_value(item.value) for item in found if _is_mining(item)]


def _apart(data: bytes) -> list[bytes]:
    """Cut several packets in one piece of metadata apart: XML allows one document only."""
    parts = [part for piece in _BEGIN.split(markup.narrow(data)) for part in _CLOSE.split(piece)]
    return [part for part in parts if _ELEMENT.search(part)] or [data]


def _read_part(elements: Sequence[Element], packet: Packet, evidence: Evidence, *, pdf: bool) -> Xmp:
    found = _properties(elements)
    signals = [signal for item in found for signal in _statement(item, evidence, regular=packet.regular)]
    declared = tdmrep_embedded.xmp_declaration(elements)
    reserved = tdmrep.signals("tdmrep-embedded", Carrier.UNIT, declared, evidence)
    signals += [signal if pdf and packet.regular else replace(signal, spec=NOTHING) for signal in reserved]
    licence = next((element for element in elements if _is_rsl(element.name)), None)
    if licence:
        signals += _licence(elements, licence, evidence)
    return Xmp(
        signals=tuple(signals),
        source_types=tuple(
            item.value.strip() for item in found if item.name in _SOURCE_TYPES and item.namespace == IPTC and item.value
        ),
        provenance=next((item.value.strip() for item in found if _is_link(item)), None),
    )


def _licence(elements: Sequence[Element], licence: Element, evidence: Evidence) -> tuple[Signal, ...]:
    """Read an RSL licence; one without terms that can be read is an offer that nobody accepted (RSL 1.0 §4.3)."""
    found = rsl.of_elements(elements).inside_signals(Carrier.UNIT, evidence)
    if found and found[0].strict.tested is not State.HOLD:
        return found
    conditional = Reading.of(State.CONDITIONAL, *TRAINING)
    raw = f"<{licence.local}> of {licence.name.partition(chr(10))[0]}"
    return (*found, evidence.signal(rsl.SIGNAL, Carrier.UNIT, raw, spec=NOTHING, strict=conditional))


def _properties(elements: Sequence[Element]) -> list[Property]:
    found = markup.properties(elements, _is_wanted)
    news = [e for e in elements if e.local == "dataMining" and "uri" in e.attributes]  # NewsML-G2
    return found + [Property(namespace=PLUS, name="DataMining", value=e.attributes["uri"]) for e in news]


@lru_cache(1 << 12)
def _is_wanted(full: str) -> bool:
    """Say whether a property says anything to us. The names of many packets are the same few."""
    space, _, name = full.rpartition("\n")
    return _is_plus(space) or space == IPTC or (space, name) in {*_NOTICES, (_TERMS, "provenance")}


def _is_plus(space: str) -> bool:
    return space == PLUS or _PLUS_LIKE.match(space) is not None


@lru_cache(1 << 12)
def _is_rsl(full: str) -> bool:
    return _RSL in full.rpartition("\n")[0].casefold()


def is_mining(namespace: str, name: str) -> bool:
    """Say whether a property is Data Mining, in any of its spellings."""
    name = name.casefold()
    return (_is_plus(namespace) or namespace == IPTC) and (name in _MINING or name.startswith("dmi-"))


def _is_mining(item: Property) -> bool:
    return is_mining(item.namespace, item.name)


def _is_link(item: Property) -> bool:
    return (item.namespace, item.name) == (_TERMS, "provenance") and item.value.strip().lower().startswith("http")


def _statement(item: Property, evidence: Evidence, *, regular: bool) -> list[Signal]:
    """Read one value of one property."""
    raw = f"{item.name}: {item.value.strip()}"
    if _is_mining(item):
        said = data_mining.judge_value(item.value)
        exact = regular and item.namespace == PLUS and item.name == "DataMining"
        strict = said.strict
        if item.name.casefold().startswith("dmi-"):
            strict |= data_mining.judge_value(item.name).strict
        if strict == NOTHING and said.spec == NOTHING:
            return []
        spec = said.spec if exact else NOTHING
        return [evidence.signal("iptc-data-mining", Carrier.UNIT, raw, spec=spec, strict=strict)]
    if _is_plus(item.namespace) and item.name == "OtherConstraints":
        name, strict = "iptc-constraints", judge_constraint(item.value)
    elif (item.namespace, item.name) in _NOTICES:
        name, strict = "unit-text", judge_notice(item.value)
    else:
        return []
    return [evidence.signal(name, Carrier.UNIT, raw, spec=NOTHING, strict=strict)] if strict != NOTHING else []


def _unreadable(data: bytes, evidence: Evidence) -> list[Signal]:
    """Hold, and let count what is plain all the same."""
    strict = NOTHING
    for code in _CODE.findall(data):
        said = data_mining.judge_value(code.decode("ascii")).strict
        strict |= said if said.tested is State.DENY else NOTHING
    if _RESERVED.search(data):
        strict |= Reading.of(State.DENY, "tdm")
    raw = data[:500].decode("utf-8", "replace")
    note = "the XML cannot be read"
    held = evidence.signal("xmp-unreadable", Carrier.UNIT, raw, spec=NOTHING, strict=_HOLD, note=note)
    if strict == NOTHING:
        return [held]
    return [held, evidence.signal("iptc-data-mining", Carrier.UNIT, raw, spec=NOTHING, strict=strict, note=note)]
