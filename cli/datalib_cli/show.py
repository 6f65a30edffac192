"""A library at a glance, as text and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from datalib.chain.events import Amend, Attest, Event, Genesis, Transfer, Withdraw
from datalib.formats import format_time
from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from datalib.acts import Record
    from datalib.assembly.survey import Upstream
    from datalib.errors import Refused
    from datalib.library.manifest import Manifest


def show_data(
    manifest: "Manifest", past: "Record | None", below: "Sequence[Upstream]" = (), fault: "Refused | None" = None
) -> dict[str, Any]:
    """Give what a library says of itself as a JSON value; ``fault``: why ``below``, its upstream, cannot be told."""
    block = manifest.document["datalib"]
    data: dict[str, Any] = {
        "name": manifest.name,
        "producer": manifest.producer.to_dict(),
        "purposes": list(manifest.purpose),
        "sources": [dict(source.value) for source in manifest.sources],
        "resources": [resource.name for resource in manifest.resources],
        "collections": block.get("collections", []),
        "content": manifest.content.to_dict() if manifest.content else None,
        "inputs": [item.lib for item in manifest.inputs],
        "upstream": [_upstream_data(each) for each in below],
        "upstream_fault": {"code": fault.code, "where": fault.where, "detail": fault.detail} if fault else None,
        "verified": False,
        "library": None,
    }
    if past is not None:
        data |= {
            "library": past.library,
            "owner": past.state.owner,
            "possessor": past.state.possessor,
            "withdrawn": past.state.withdrawn,
            "current": past.state.manifest,
            "events": [
                {"id": link.id, "time": format_time(link.event.time), "what": said(link.event)} for link in past.chain
            ],
        }
    return data


def said(event: Event) -> str:
    """Say an event in one line."""
    match event:
        case Genesis(producer=producer):
            return f"genesis: {producer.id}"
        case Transfer(sender=sender, recipient=recipient, rights=rights):
            return f"transfer: {sender.id} → {recipient.id} ({', '.join(rights)})"
        case Amend(by=by, reason=reason):
            return f"amend: {by.id} ({reason})"
        case Attest(by=by, claim=claim):
            until = "" if claim.until is None else f" … {format_time(claim.until)}"
            return f"attest: {by.id} ({claim.type}: {claim.result}{until})"
        case Withdraw(by=by, reason=reason):
            return f"withdraw: {by.id} ({reason})"
        case _:
            return type(event).__name__.lower()


def _upstream_data(each: "Upstream") -> dict[str, Any]:
    return {
        "lib": each.item.lib,
        "by": each.by,
        "depth": each.depth,
        "name": each.name,
        "producer": each.producer.to_dict(),
        "mode": each.item.mode,
        "prefix": each.item.prefix,
        "head": each.item.head,
        "taken": each.taken,
        "events": each.events,
        "withdrawn": each.withdrawn,
        "follow": each.follow,
    }


def _upstream_lines(below: "Sequence[Upstream]", fault: "Refused | None", say: Texts) -> list[str]:
    """Write what a library was made of as a tree."""
    if fault is not None:
        return [say("made of: {fault}", fault=fault)]
    lines = [say("made of:")] if below else []
    for each in below:
        prefix = f" → {each.item.prefix}" if each.item.prefix else ""
        lines.append(f"{'  ' * each.depth}- {each.name} ({each.producer.id}): {each.item.mode}{prefix}")
        indent = "  " * each.depth + "  "
        if each.withdrawn:
            lines.append(indent + say("withdrawn: {reason}", reason=each.withdrawn))
        elif each.follow:
            lines.append(indent + say("amended since, and to be followed: {reason}", reason=each.follow))
        elif each.moved:
            count = each.events - each.taken - 1
            lines.append(indent + say("{count} events since it was taken", count=count))
    return lines


def show_lines(
    manifest: "Manifest",
    past: "Record | None",
    below: "Sequence[Upstream]",
    fault: "Refused | None",
    say: Texts,
) -> list[str]:
    """Write what a library says of itself for people, the time line last."""
    producer, content = manifest.producer, manifest.content
    lines = [
        manifest.name + ("" if past else f" ({say('draft, unsigned')})"),
        say("producer: {id} ({name})", id=producer.id, name=next(iter(producer.name.values()))),
        say("purposes: {codes}", codes=", ".join(manifest.purpose)),
    ]
    if past is not None:
        lines.append(say("owner: {id}", id=past.state.owner))
        if past.state.possessor != past.state.owner:
            lines.append(say("possessor: {id}", id=past.state.possessor))
    if content is not None:
        lines.append(say("content: {files} files, {bytes} bytes", files=content.files, bytes=content.bytes))
    lines.append(say("sources:"))
    for source in manifest.sources:
        path = source.value.get("path")
        lines.append(f"  - {source.title}" + (f" <{path}>" if path else ""))
    lines.append(
        say(
            "resources: {count} ({names})",
            count=len(manifest.resources),
            names=", ".join(item.name for item in manifest.resources[:6]),
        )
    )
    lines += _upstream_lines(below, fault, say)
    if past is not None:
        lines.append(say("library: {id}", id=past.library))
        lines.append(say("time line (claimed times):"))
        lines += [f"  {link.event.seq}  {format_time(link.event.time)}  {said(link.event)}" for link in past.chain]
    lines.append(say("not checked: signatures, files, attestations; that is `datalib verify`"))
    return lines
