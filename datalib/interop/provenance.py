"""What happened to a library, in PROV-O: states are entities, events are activities, parties are agents.

    genesis    wasGeneratedBy, wasAttributedTo       amend      wasRevisionOf
    inputs     wasDerivedFrom                        withdraw   wasInvalidatedBy

Sources: datalib trust specification §13; W3C PROV-O (2013).
"""

from collections.abc import Iterator
from typing import Final

from datalib.chain.events import Amend, Attest, Event, Genesis, Transfer, Withdraw
from datalib.chain.links import Link
from datalib.errors import Refused
from datalib.formats import format_time
from datalib.interop import names
from datalib.interop.known import Known
from datalib.interop.triples import Iri, Node, Object, Text, node

_KINDS: Final = {Genesis: "Genesis", Transfer: "Transfer", Amend: "Amend", Attest: "Attest", Withdraw: "Withdraw"}


def provenance(known: Known) -> Iterator[Node]:
    """Yield versions and events, oldest first; nothing for a draft."""
    if known.past is None:
        return
    own, before = names.library(known), None
    for link in known.past.chain:
        event = link.event
        if isinstance(event, (Genesis, Amend)):
            yield _version(known, link, before)
            before = names.version(known, event.manifest)
        yield _event(known, link)
        if isinstance(event, Withdraw):
            yield node(own, [], prov_wasInvalidatedBy=names.event(link.id))


def history(known: Known) -> Iterator[Node]:
    """Yield the provenance alone, with what it is about; ``E-NOT-SIGNED`` for a draft."""
    if known.past is None:
        raise Refused("E-NOT-SIGNED", str(known.path))
    manifest = known.manifest
    yield node(
        names.library(known),
        ["prov:Entity", "dl:DataLibrary"],
        prov_wasAttributedTo=names.party(manifest.producer.id),
        prov_wasDerivedFrom=[names.other_library(item.lib) for item in manifest.inputs],
        dl_assurance=names.code("assurance", known.assurance),
    )
    yield from provenance(known)


def _version(known: Known, link: Link, before: Iri | None) -> Node:
    event = link.event
    who = event.by.id if isinstance(event, Amend) else known.manifest.producer.id
    return node(
        names.version(known, event.manifest),
        ["dl:Version", "prov:Entity"],
        dl_sha256=event.manifest,
        prov_specializationOf=names.library(known),
        prov_wasGeneratedBy=names.event(link.id),
        prov_wasAttributedTo=names.party(who),
        prov_wasRevisionOf=before,
    )


def _event(known: Known, link: Link) -> Node:
    event, trusted = link.event, known.times.get(link.id)
    made = isinstance(event, (Genesis, Amend))
    return node(
        names.event(link.id),
        [f"dl:{_KINDS[type(event)]}", "dl:Event", "prov:Activity"],
        dl_seq=event.seq,
        dl_claimedTime=_moment(event.time),
        prov_endedAtTime=_moment(event.time),
        dl_loggedTime=None if trusted is None else _moment(trusted),
        prov_wasInformedBy=names.event(event.prev) if event.prev else None,
        prov_used=None if made else names.version(known, event.manifest),
        **_particulars(event),
    )


def _particulars(event: Event) -> dict[str, Object | list[Object] | None]:
    match event:
        case Genesis(producer=producer):
            return _by(producer.id)
        case Transfer(sender=sender, recipient=recipient, rights=rights, basis=basis):
            return {
                "dl_sender": names.party(sender.id),
                "dl_recipient": names.party(recipient.id),
                "prov_wasAssociatedWith": [names.party(sender.id), names.party(recipient.id)],
                "dl_right": [names.code("right", right) for right in rights],
                "dl_transferBasis": basis,
            }
        case Amend(by=by, reason=reason):
            return {**_by(by.id), "dl_reason": names.code("reason", reason)}
        case Withdraw(by=by, reason=reason):
            return {**_by(by.id), "dl_withdrawalReason": reason}
        case Attest(by=by, claim=claim):
            return {
                **_by(by.id),
                "dl_claimType": claim.type,
                "dl_result": names.code("result", claim.result),
                "dl_until": None if claim.until is None else _moment(claim.until),
                "dl_tool": claim.tool,
                "rdfs_comment": claim.note,
                "dl_evidence": [item.sha256 for item in claim.evidence or ()],
            }
    return {}


def _by(identifier: str) -> dict[str, Object | list[Object] | None]:
    return {"dl_by": names.party(identifier), "prov_wasAssociatedWith": names.party(identifier)}


def _moment(seconds: int) -> Text:
    return Text(format_time(seconds), type="xsd:dateTime")
