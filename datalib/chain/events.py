"""What can happen to a library: five kinds of events, in in-toto Statements.

    genesis    the producer makes the library              signed by the producer
    transfer   ownership or possession changes hands       signed by both
    amend      a new manifest version                      signed by its holder; for new purposes by the producer
    attest     a claim about the current version           signed by an attester or authority
    withdraw   the end                                     signed by the owner or an authority

Events name persons, never keys. Source: datalib trust specification §7; in-toto Statement v1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from datalib import schema
from datalib.canonical import canonical, parse_canonical
from datalib.chain.envelope import MAX_LINE
from datalib.errors import Refused
from datalib.formats import check_digest, format_time, parse_time
from datalib.trust.parties import Party, Producer

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://w3id.org/datalib/event/v1"
SUBJECT_NAME = "datapackage.json"

OWNERSHIP = "ownership"
POSSESSION = "possession"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all kinds have: position, claimed time (seconds since 1970), the manifest version (SHA-256) it is about.

    ``lib`` and ``prev`` are ``None`` in a genesis only: its own id is the library's.
    """

    seq: int
    time: int
    manifest: str
    lib: str | None = None
    prev: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis(Event):
    """The producer makes the library."""

    producer: Producer


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Event):
    """Ownership, possession or both pass from one person to another."""

    sender: Party
    recipient: Party
    rights: tuple[str, ...]
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend(Event):
    """The library gets a new manifest version."""

    by: Party
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that a claim refers to."""

    name: str
    sha256: str
    uri: str | None = None
    media_type: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        value = {"name": self.name, "digest": {"sha256": self.sha256}, "uri": self.uri, "mediaType": self.media_type}
        return {member: given for member, given in value.items() if given is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an attester says of the current version; ``until`` in seconds since 1970."""

    type: str
    result: str
    until: int | None = None
    tool: str | None = None
    note: str | None = None
    evidence: tuple[Evidence, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        value = {
            "type": self.type,
            "result": self.result,
            "until": None if self.until is None else format_time(self.until),
            "tool": self.tool,
            "note": self.note,
            "evidence": None if self.evidence is None else [item.to_dict() for item in self.evidence],
        }
        return {member: given for member, given in value.items() if given is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attest(Event):
    """Someone examined the current version."""

    by: Party
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Event):
    """The library is not to be used any more."""

    by: Party
    reason: str


def parse(payload: bytes, where: str = "") -> Event:
    """Read a statement.

    Raises ``Refused``: codes of strict JSON, ``E-JSON-NONCANONICAL``, ``E-EVENT-TYPE``, ``E-SUBJECT``, ``E-SCHEMA``,
    ``E-SCHEMA-UNKNOWN``, ``E-EVENT-KIND``, ``E-DIGEST-FORMAT``, ``E-TIME-FORMAT``, ``E-PARTY-ID``. Source: datalib
    trust specification §10, step 2c.
    """
    value = parse_canonical(payload, limit=MAX_LINE, where=where)
    if value.get("_type") != STATEMENT_TYPE or value.get("predicateType") != PREDICATE_TYPE:
        raise Refused("E-EVENT-TYPE", where, "neither an in-toto statement nor a datalib event")
    match value.get("subject"):
        case [{"name": "datapackage.json", "digest": {"sha256": digest, **others}}] if not others:
            pass
        case _:
            raise Refused("E-SUBJECT", where, "the subject is not one datapackage.json with one sha256")
    schema.check("statement", value, where)
    predicate = value["predicate"]
    kind = predicate.get("kind")
    if kind not in KINDS:
        raise Refused("E-EVENT-KIND", where, f"unknown kind {str(kind)[:40]!r}")
    schema.check(kind, predicate, f"{where}#/predicate")
    return _typed(kind, check_digest(digest, f"{where}#/subject"), predicate, f"{where}#/predicate")


KINDS = ("genesis", "transfer", "amend", "attest", "withdraw")


def _typed(kind: str, manifest: str, value: Mapping[str, Any], where: str) -> Event:
    """Make the typed value; the forms are checked in the order digests, times, party ids."""
    common: dict[str, Any] = {"manifest": manifest, "seq": value["seq"]}
    if kind != "genesis":
        common["lib"] = check_digest(value["lib"], f"{where}/lib")
        common["prev"] = check_digest(value["prev"], f"{where}/prev")
    claim = value.get("claim", {})
    evidence = tuple(_evidence(item, f"{where}/claim/evidence/{n}") for n, item in enumerate(claim.get("evidence", ())))
    common["time"] = parse_time(value["time"], f"{where}/time")
    if kind == "genesis":
        return Genesis(**common, producer=Producer.from_dict(value["producer"], f"{where}/producer"))
    if kind == "transfer":
        sender = Party.from_dict(value["from"], f"{where}/from")
        recipient = Party.from_dict(value["to"], f"{where}/to")
        return Transfer(
            **common, sender=sender, recipient=recipient, rights=tuple(value["rights"]), basis=value["basis"]
        )
    if kind == "attest":
        said = _claim(claim, evidence, f"{where}/claim")
        return Attest(**common, by=Party.from_dict(value["by"], f"{where}/by"), claim=said)
    by = Party.from_dict(value["by"], f"{where}/by")
    return (Amend if kind == "amend" else Withdraw)(**common, by=by, reason=value["reason"])


def _claim(value: Mapping[str, Any], evidence: tuple[Evidence, ...], where: str) -> Claim:
    return Claim(
        type=value["type"],
        result=value["result"],
        until=parse_time(value["until"], f"{where}/until") if "until" in value else None,
        tool=value.get("tool"),
        note=value.get("note"),
        evidence=evidence if "evidence" in value else None,
    )


def _evidence(value: Mapping[str, Any], where: str) -> Evidence:
    return Evidence(
        name=value["name"],
        sha256=check_digest(value["digest"]["sha256"], f"{where}/digest/sha256"),
        uri=value.get("uri"),
        media_type=value.get("mediaType"),
    )


def serialise(event: Event) -> bytes:
    """Write the statement that is to be signed; what ``parse`` would refuse is refused here."""
    predicate: dict[str, Any] = {"seq": event.seq, "time": format_time(event.time)}
    if not isinstance(event, Genesis):
        predicate |= {"lib": event.lib, "prev": event.prev}
    match event:
        case Genesis(producer=producer):
            predicate |= {"kind": "genesis", "producer": producer.to_dict()}
        case Transfer(sender=sender, recipient=recipient, rights=rights, basis=basis):
            persons = {"from": sender.to_dict(), "to": recipient.to_dict()}
            predicate |= {"kind": "transfer", **persons, "rights": list(rights), "basis": basis}
        case Amend(by=by, reason=reason):
            predicate |= {"kind": "amend", "by": by.to_dict(), "reason": reason}
        case Attest(by=by, claim=claim):
            predicate |= {"kind": "attest", "by": by.to_dict(), "claim": claim.to_dict()}
        case Withdraw(by=by, reason=reason):
            predicate |= {"kind": "withdraw", "by": by.to_dict(), "reason": reason}
    subject = {"name": SUBJECT_NAME, "digest": {"sha256": event.manifest}}
    statement = {
        "_type": STATEMENT_TYPE,
        "predicateType": PREDICATE_TYPE,
        "subject": [subject],
        "predicate": predicate,
    }
    payload = canonical(statement)
    parse(payload)
    return payload


def evidence_of(events: Iterable[Event]) -> frozenset[str]:
    """Give the digests of all evidence that attestations refer to."""
    return frozenset(
        item.sha256 for event in events if isinstance(event, Attest) for item in event.claim.evidence or ()
    )
