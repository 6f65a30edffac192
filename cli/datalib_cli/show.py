"""A library at a glance, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from datalib.chain.events import Amend, Attest, Event, Genesis, Transfer, Withdraw
from datalib.formats import format_time
from datalib_cli.layout import Block, Line, Row, Table, Tree, Twig
from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from datalib.assembly.survey import Upstream
    from datalib.errors import Refused
    from datalib.library.manifest import Content, Manifest
    from datalib.trust.parties import Party, Producer
    from datalib.unverified import Record

#: What is shown of a library that has more, unless all is asked for: sources, upstream libraries, events.
SOURCES: Final = 20
UPSTREAM: Final = 40
EVENTS: Final = 20
_RESOURCES: Final = 6
_FAILED: Final = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What a library says of itself, unverified.

    ``fault`` is why ``below``, what it was made of, cannot be told. ``contents`` are what the signed versions of the
    manifest say of the files, by the version's digest, as far as they can be read.
    """

    manifest: "Manifest"
    past: "Record | None"
    below: "Sequence[Upstream]" = ()
    fault: "Refused | None" = None
    contents: "Mapping[str, Content]"


def show_data(found: Glance) -> dict[str, Any]:
    """Give what a library says of itself as a JSON value."""
    manifest, past, fault = found.manifest, found.past, found.fault
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
        "upstream": [upstream_data(each) for each in found.below],
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
                {"id": link.id, "time": format_time(link.event.time), "what": ": ".join(said(link.event))}
                for link in past.chain
            ],
        }
    return data


def said(event: Event) -> tuple[str, str]:
    """Say an event: its kind; who did what."""
    kind = type(event).__name__.lower()
    match event:
        case Genesis(producer=producer):
            return kind, producer.id
        case Transfer(sender=sender, recipient=recipient, rights=rights):
            return kind, f"{sender.id} → {recipient.id} ({', '.join(rights)})"
        case Amend(by=by, reason=reason) | Withdraw(by=by, reason=reason):
            return kind, f"{by.id} ({reason})"
        case Attest(by=by, claim=claim):
            until = "" if claim.until is None else f" … {format_time(claim.until)}"
            return kind, f"{by.id} ({claim.type}: {claim.result}{until})"
        case _:
            return kind, ""


def upstream_data(each: "Upstream") -> dict[str, Any]:
    """Give an upstream library as a JSON value."""
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
        "licences": list(each.licences),
        "optout": each.optout or None,
        "withdrawn": each.withdrawn,
        "follow": each.follow,
    }


def show_lines(found: Glance, say: Texts, *, everything: bool = False) -> list[Block]:
    """Write what a library says of itself for people, the time line last."""
    manifest, past = found.manifest, found.past
    lines: list[Block] = [Line(text=manifest.name + ("" if past else f" ({say('draft, unsigned')})"), tone="head")]
    if past is not None and past.state.withdrawn:
        lines.append(Line(text=say("withdrawn: no gate opens it"), tone="bad"))
    producer = manifest.producer
    lines.append(say("producer: {id} ({name})", id=producer.id, name=_name(producer, say)))
    if past is not None:
        owner, possessor = past.state.owner, past.state.possessor
        lines.append(say("owner: {id} ({name})", id=owner, name=_name(past.parties[owner], say)))
        if possessor != owner:
            lines.append(say("possessor: {id} ({name})", id=possessor, name=_name(past.parties[possessor], say)))
    lines.append(say("purposes: {codes}", codes=", ".join(manifest.purpose)))
    if (content := manifest.content) is not None:
        lines.append(say("content: {files} files, {bytes} bytes", files=content.files, bytes=content.bytes))
    lines += _source_lines(manifest, say, everything=everything)
    names = [item.name for item in manifest.resources[:_RESOURCES]]
    named = ", ".join(names) + (", …" if len(manifest.resources) > _RESOURCES else "")
    lines.append(say("resources: {count} ({names})", count=len(manifest.resources), names=named))
    lines += _upstream_lines(found, say, everything=everything)
    if past is not None:
        lines.append(say("library: {id}", id=past.library))
        lines.append(Line(text=say("time line (claimed times):"), tone="head"))
        lines.append(Table(rows=list(_past(past, found.contents, say, everything=everything)), right=frozenset({0})))
    return [
        *lines,
        Line(text=say("not checked: signatures, files, attestations; that is `datalib verify`"), tone="warn"),
    ]


def _name(party: "Party | Producer", say: Texts) -> str:
    """Name a party in the language asked for, else in English, else in its first."""
    return party.name.get(say.lang) or party.name.get("en") or next(iter(party.name.values()), party.id)


def _source_lines(manifest: "Manifest", say: Texts, *, everything: bool) -> Iterator[Block]:
    yield Line(text=say("sources:"), tone="head")
    count = len(manifest.sources)
    for source in manifest.sources if everything or count <= SOURCES else manifest.sources[:SOURCES]:
        path = source.value.get("path")
        yield f"  - {source.title}" + (f" <{path}>" if path else "")
    if count > SOURCES and not everything:
        yield "  - " + say("and {count} more: --all", count=count - SOURCES)


def _upstream_lines(found: Glance, say: Texts, *, everything: bool) -> list[Block]:
    """Write what a library was made of as a tree; of a large one what calls for something first."""
    if found.fault is not None:
        return [Line(text=say("made of: {fault}", fault=found.fault), tone="bad")]
    if not found.below:
        return []
    shown = set(range(len(found.below))) if everything else _chosen(found.below)
    head = say("made of ({count} libraries):", count=len({each.item.lib for each in found.below}))
    return [Line(text=head, tone="head"), Tree(twigs=list(_twigs(found.below, shown, say)))]


def _chosen(below: "Sequence[Upstream]") -> set[int]:
    """Choose what is shown: those that call for something before others, each with all that leads to it."""
    order = sorted(range(len(below)), key=lambda number: not _marked(below[number]))
    parents = _parents(below)
    found = set[int]()
    for number in order:
        way, at = set[int](), number
        while at >= 0 and at not in found:
            way.add(at)
            at = parents[at]
        if len(found) + len(way) <= UPSTREAM:
            found |= way
    return found


def _marked(each: "Upstream") -> bool:
    return bool(each.withdrawn or each.follow) or each.optout == _FAILED


def _parents(below: "Sequence[Upstream]") -> list[int]:
    """Give the position of the library under which each one stands, -1 at the top."""
    above, found = [-1], list[int]()
    for number, each in enumerate(below):
        del above[each.depth :]
        found.append(above[-1])
        above.append(number)
    return found


def _twigs(below: "Sequence[Upstream]", shown: set[int], say: Texts) -> Iterator[Twig]:
    """Write those that are shown, and under what they would stand how many are not."""
    parents = _parents(below)
    rest: dict[int, list[Upstream]] = {}
    for number, each in enumerate(below):
        if number not in shown:
            above = parents[number]
            while above >= 0 and above not in shown:
                above = parents[above]
            rest.setdefault(above, []).append(each)
    open_ = [-1]
    for number, each in enumerate(below):
        while open_[-1] != -1 and below[open_[-1]].depth >= each.depth:
            yield from _more(rest.get(open_.pop(), ()), len(open_) + 1, say)
        if number in shown:
            yield _twig(each, say)
            open_.append(number)
    while open_:
        yield from _more(rest.get(open_.pop(), ()), len(open_) + 1, say)


def _twig(each: "Upstream", say: Texts) -> Twig:
    prefix = f" → {each.item.prefix}" if each.item.prefix else ""
    remarks = list[Line]()
    if each.withdrawn:
        remarks.append(Line(text=say("withdrawn: {reason}", reason=each.withdrawn), tone="bad"))
    elif each.follow:
        told = say("amended since, and to be followed: {reason}", reason=each.follow)
        remarks.append(Line(text=told, tone="bad"))
    elif each.moved:
        remarks.append(Line(text=say("{count} events since it was taken", count=each.events - each.taken - 1)))
    if each.optout == _FAILED:
        remarks.append(Line(text=say("opt-outs: examined, and not all works admitted"), tone="bad"))
    return Twig(
        depth=each.depth,
        name=each.name,
        facts=f"({each.producer.id}): {each.item.mode}{prefix}",
        remarks=remarks,
    )


def _more(rest: "Sequence[Upstream]", depth: int, say: Texts) -> Iterator[Twig]:
    """Say how many are not shown, and how many of them call for something."""
    if not rest:
        return
    gone = sum(1 for each in rest if each.withdrawn)
    changed = sum(1 for each in rest if each.follow and not each.withdrawn)
    remarks = [
        Line(text=sentence, tone="bad")
        for count, sentence in (
            (gone, say("withdrawn: {reason}", reason=gone)),
            (changed, say("amended since, and to be followed: {reason}", reason=changed)),
        )
        if count
    ]
    yield Twig(depth=depth, name=say("and {count} more: --all", count=len(rest)), remarks=remarks)


def events_shown(count: int, *, everything: bool) -> tuple[range, range]:
    """Give the positions of the events that are shown: of a long chain the first and the last ones."""
    if everything or count <= EVENTS:
        return range(count), range(0)
    return range(EVENTS // 2), range(count - EVENTS // 2, count)


def _past(past: "Record", contents: "Mapping[str, Content]", say: Texts, *, everything: bool) -> Iterator[Row]:
    """Write events: number, time, kind, who did what, and what that changed of the files."""
    first, last = events_shown(len(past.chain), everything=everything)
    for part in (first, last):
        for number in part:
            event = past.chain[number].event
            kind, what = said(event)
            before = contents.get(past.chain[number - 1].event.manifest) if number else None
            changed = _changed(before, contents.get(event.manifest), say)
            cells = (str(number), format_time(event.time), kind, what + (f", {changed}" if changed else ""))
            yield Row(cells=cells, tone="bad" if isinstance(event, Withdraw) else "")
        if part is first and last:
            yield Row(cells=("", "", "", say("and {count} more: --all", count=len(past.chain) - EVENTS)))


def _changed(before: "Content | None", after: "Content | None", say: Texts) -> str:
    """Say what an event changed of the files, where both versions of the manifest tell."""
    if after is None or before == after:
        return ""
    if before is None:
        return say("{files} files, {bytes} bytes", files=after.files, bytes=after.bytes)
    return say("files: {old} → {new}, bytes: {less} → {more}",
               old=before.files, new=after.files, less=before.bytes, more=after.bytes)  # fmt: skip
