"""Receipts: what a scan decided about one work, or that it decided nothing, for somebody who has not its data.

A receipt holds leaves of the decisions, each some lines long, with their audit paths to the root in ``scan.json``, and
leaves of the index, which lead to all decisions about an id or URL, or show that there are none. ``scan.json`` is named
by its digest in an attestation of the library's chain. What a receipt is worth: this is what the attester signed.

A decision names a work by its id and by the first of its URLs, as the works spell it, cut at 2000 characters; a receipt
of absence is about exactly that spelling.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

from datalib.canonical import parse as parse_json
from datalib.chain.events import Amend, Attest, Event
from datalib.chain.links import Link
from datalib.errors import DatalibError, Refused
from datalib.formats import check_digest, decode_base64, encode_base64, format_time, sha256_hex
from datalib.merkle import leaf_hash, root_from_path
from datalib.optout.columns import MAX_URL
from datalib.optout.decisions import BLOCK, parse_line
from datalib.optout.key_index import RECORD, Kind, key_of, parse_records
from datalib.optout.result import ScanResult, parse_scan

FORMAT: Final = "datalib-receipt-1"
CODE: Final = "E-RECEIPT"
#: In bytes, of a receipt and of a ``scan.json`` that is put into it.
MAX_BYTES: Final = 64 << 20
MAX_SCAN: Final = 16 << 20
_MEMBERS: Final = frozenset({"about", "decisions", "event", "format", "index", "library", "scan", "scan_sha256"})
_INFORMATION: Final = frozenset({"statements"})
_OPTOUT: Final = "optout"
_Leaf = TypeVar("_Leaf", "Lines", "Records")


class Presence(StrEnum):
    """What a receipt shows of a work."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A leaf of the decisions: its number, its text, its audit path."""

    leaf: int
    data: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A leaf of the index: its number, its bytes, its audit path."""

    leaf: int
    data: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt as its file has it. ``scan`` is ``scan.json``, or None where that is too large to be put in.

    ``library`` and ``event`` are the ids of a library and of the attestation in its chain, or empty. ``statements`` are
    information: nothing here proves them.
    """

    kind: Kind
    name: str
    scan: bytes | None
    scan_sha256: str
    decisions: tuple[Lines, ...] = ()
    index: tuple[Records, ...] = ()
    library: str = ""
    event: str = ""
    statements: tuple[Mapping[str, Any], ...] = ()

    def serialise(self) -> bytes:
        """Write the file."""
        value = {
            "about": {self.kind: self.name},
            "decisions": [_leaf(leaf) | _written(leaf.data) for leaf in self.decisions],
            "event": self.event,
            "format": FORMAT,
            "index": [_leaf(leaf) | {"records": encode_base64(leaf.data)} for leaf in self.index],
            "library": self.library,
            "scan": None if self.scan is None else self.scan.decode(),
            "scan_sha256": self.scan_sha256,
            "statements": [dict(item) for item in self.statements],
        }
        return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes, where: str = "receipt") -> Self:
        """Read the file; ``E-RECEIPT`` for another form, and the codes of strict JSON."""
        value = parse_json(data, limit=MAX_BYTES, where=where)
        if value.get("format") != FORMAT or not _MEMBERS <= set(value) <= _MEMBERS | _INFORMATION:
            raise Refused(CODE, where, "not a receipt of this format")
        try:
            [(kind, name)] = value["about"].items()
            scan = value["scan"]
            return cls(
                kind=_kind(kind),
                name=_text(name),
                scan=None if scan is None else _text(scan).encode(),
                scan_sha256=check_digest(_text(value["scan_sha256"])),
                decisions=tuple(_parsed(Lines, item, _read(item)) for item in value["decisions"]),
                index=tuple(
                    _parsed(Records, item, decode_base64(_text(item["records"]), CODE)) for item in value["index"]
                ),
                library=_text(value["library"]),
                event=_text(value["event"]),
            )
        except (TypeError, ValueError, KeyError, AttributeError, DatalibError) as error:
            raise Refused(CODE, where, f"not a receipt of this format: {error}") from error


def _leaf(leaf: Lines | Records) -> dict[str, Any]:
    return {"leaf": leaf.leaf, "path": [encode_base64(item) for item in leaf.path]}


def _written(data: bytes) -> dict[str, str]:
    """Write the text of a leaf; works may call something a text that is none, and then its bytes."""
    try:
        return {"lines": data.decode()}
    except UnicodeDecodeError:
        return {"bytes": encode_base64(data)}


def _read(item: Mapping[str, Any]) -> bytes:
    return decode_base64(_text(item["bytes"]), CODE) if "bytes" in item else _text(item["lines"]).encode()


def _parsed(kind: type[_Leaf], item: Mapping[str, Any], data: bytes) -> _Leaf:
    number = item["leaf"]
    if type(number) is not int or number < 0:
        raise TypeError("a leaf has no number")
    return kind(leaf=number, data=data, path=tuple(decode_base64(_text(one), CODE) for one in item["path"]))


def _kind(value: Any) -> Kind:
    if value == "work":
        return "work"
    if value == "url":
        return "url"
    raise TypeError("it is about neither a work nor a URL")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a member of the receipt has the wrong type")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision that is proven. ``states``: the first letters of the strict states, in the order of categories."""

    work: str
    url: str
    verdict: str
    reason: str
    states: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a receipt shows. ``complete``: these are all decisions about the id or URL, not some of them."""

    kind: Kind
    name: str
    presence: Presence
    decisions: tuple[Decision, ...]
    complete: bool
    scan: ScanResult
    scan_sha256: str


def named(kind: Kind, text: str) -> str:
    """Give an id or URL as decisions spell it: long URLs are cut."""
    return text[:MAX_URL] if kind == "url" else text


def check(receipt: Receipt, scan: bytes | None = None, where: str = "receipt") -> Shown:
    """Tell what a receipt shows, given ``scan.json`` where the receipt has it not.

    Raises ``Refused("E-RECEIPT")`` if it shows nothing, ``E-SCAN-FORMAT`` for a scan that is none.
    """
    raw = scan if scan is not None else receipt.scan
    if raw is None or sha256_hex(raw) != receipt.scan_sha256:
        raise Refused(CODE, where, "its scan.json is missing or another one: --scan-json FILE")
    result = parse_scan(raw, where)
    if result.leaf_rows != BLOCK:
        raise Refused(CODE, where, "a scan with other leaves")
    leaves = {leaf.leaf: _lines(leaf, result, where) for leaf in receipt.decisions}
    places = _places(receipt, result, where)
    complete = places is not None and all(place // BLOCK in leaves for place in places)
    if complete and places is not None:
        found = [_line_at(place, leaves, where) for place in places]
    else:
        found = [line for leaf in leaves.values() for line in leaf]
    decisions = tuple(said for line in found if _names(said := _decision(line, where), receipt))
    if not decisions and not complete:
        raise Refused(CODE, where, "it shows neither a decision about the work nor that there is none")
    return Shown(
        kind=receipt.kind,
        name=receipt.name,
        presence=Presence.PRESENT if decisions else Presence.ABSENT,
        decisions=decisions,
        complete=complete,
        scan=result,
        scan_sha256=receipt.scan_sha256,
    )


def _lead(leaf: Lines | Records, leaves: int, root: str, where: str) -> None:
    """Make sure that a leaf leads to a root of ``scan.json``."""
    computed = root_from_path(leaf_hash(leaf.data), leaf.leaf, leaves, leaf.path)
    if computed is None or computed.hex() != root:
        raise Refused(CODE, where, f"leaf {leaf.leaf} does not lead to the root in scan.json")


def _lines(leaf: Lines, result: ScanResult, where: str) -> list[str]:
    _lead(leaf, result.leaves, result.root, where)
    lines = leaf.data.decode("utf-8", "surrogateescape").split("\n")
    if lines.pop() or not 0 < len(lines) <= BLOCK:
        raise Refused(CODE, where, f"leaf {leaf.leaf} has not the lines of a leaf")
    return lines


def _places(receipt: Receipt, result: ScanResult, where: str) -> list[int] | None:
    """Give the places of all decisions that the key leads to; None when the leaves of the index do not show all.

    They show all if what stands before and behind the records of the key is shown, or the index begins or ends there.
    """
    if result.index is None:
        return None
    for leaf in receipt.index:
        _lead(leaf, result.index["leaves"], result.index["root"], where)
    numbers = [leaf.leaf for leaf in receipt.index]
    if not numbers:
        return None if result.index["entries"] else []
    if any(not leaf.data or len(leaf.data) % RECORD.itemsize for leaf in receipt.index):
        raise Refused(CODE, where, "a leaf of the index has not whole records")
    records = [record for leaf in receipt.index for record in parse_records(leaf.data)]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))) or records != sorted(records):
        raise Refused(CODE, where, "the index is not in order")
    key = key_of(receipt.kind, receipt.name)
    begins = numbers[0] == 0 or records[0][0] < key
    ends = numbers[-1] == result.index["leaves"] - 1 or records[-1][0] > key
    return list(dict.fromkeys(place for found, place in records if found == key)) if begins and ends else None


def _line_at(place: int, leaves: Mapping[int, Sequence[str]], where: str) -> str:
    lines = leaves[place // BLOCK]
    if place % BLOCK >= len(lines):
        raise Refused(CODE, where, "the index leads to a decision that is not there")
    return lines[place % BLOCK]


def _decision(line: str, where: str) -> Decision:
    try:
        work, url, verdict, reason, states = parse_line(line)
    except (ValueError, RecursionError) as error:
        raise Refused(CODE, where, "a leaf has a line that is no decision") from error
    return Decision(work=work, url=url, verdict=verdict, reason=reason, states=states)


def _names(said: Decision, receipt: Receipt) -> bool:
    return (said.url if receipt.kind == "url" else said.work) == receipt.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """The attestation that names a scan: by whom (a party), its result, its times in seconds since 1970, its place.

    ``newest``: no later event of the chain attests another scan or changes the library.
    """

    by: str
    result: str
    time: int
    until: int | None
    event: str
    library: str
    manifest: str
    newest: bool

    def to_dict(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {
            "by": self.by, "event": self.event, "library": self.library, "manifest": self.manifest,
            "newest": self.newest, "result": self.result, "time": format_time(self.time),
            "until": None if self.until is None else format_time(self.until),
        }  # fmt: skip


def attested(chain: Sequence[Link], scan_sha256: str, where: str = "receipt") -> Attested:
    """Find the attestation in a chain that names a scan, the last of several; ``E-RECEIPT`` when there is none."""
    found = [(link, link.event) for link in chain if isinstance(link.event, Attest) and _is_of(link.event, scan_sha256)]
    if not found:
        raise Refused(CODE, where, "no attestation of the chain names this scan")
    link, event = found[-1]
    later = chain[event.seq + 1 :]
    return Attested(
        by=event.by.id,
        result=event.claim.result,
        time=event.time,
        until=event.claim.until,
        event=link.id,
        library=chain[0].id,
        manifest=event.manifest,
        newest=not any(isinstance(one.event, Amend) or _is_optout(one.event) for one in later),
    )


def _is_optout(event: Event) -> bool:
    return isinstance(event, Attest) and event.claim.type == _OPTOUT


def _is_of(event: Attest, scan_sha256: str) -> bool:
    return _is_optout(event) and any(item.sha256 == scan_sha256 for item in event.claim.evidence or ())
