"""Where data came from: what a library was made of, drawn and as a table, and its sources."""

from collections.abc import Sequence
from typing import Any

from datalib.assembly.survey import Upstream
from datalib.chain.events import Transfer
from datalib.interop.known import Known
from datalib.publish.bounds import DRAWN, LIBRARIES, SOURCES, STEPS
from datalib.publish.drawing import draw
from datalib.publish.graph import Graph, Handed, lay_out
from datalib.publish.markup import Markup, joined, said, tag
from datalib.publish.parts import COMPUTED, known_as, paragraph, section, table
from datalib.publish.story import Told
from datalib.publish.wording import Wording


def provenance(told: Told, say: Wording) -> Markup:
    """Write the graph of libraries, producers and hand-overs, and the same as a table."""
    known = told.known
    events = [link.event for link in known.past.chain] if known.past else []
    handed = [(event.recipient, event.rights, event.time) for event in events if isinstance(event, Transfer)]
    graph, drawing = _drawn(told, handed[:STEPS], say)
    later = len(handed) - len(graph.steps)
    notes = [
        _counted(told.below, say) if told.below else None,
        paragraph(say("graph.none")) if not told.below and told.fault is None else None,
        paragraph(say("graph.fault", code=tag("code", told.fault.code), detail=told.fault.detail), "warn")
        if told.fault
        else None,
        paragraph(say("graph.omitted", count=graph.omitted)) if graph.omitted else None,
        paragraph(say("graph.later", count=later)) if later else None,
    ]
    return section(
        "graph",
        (known_as(known.assurance), COMPUTED),
        say,
        *notes,
        tag("div", drawing, class_="scroll", role="group", tabindex="0", aria_label=say.text("graph.scroll")),
        paragraph(say("graph.legend"), "note") if told.below else None,
        _libraries(told.below, say) if told.below else None,
    )


def _counted(below: Sequence[Upstream], say: Wording) -> Markup:
    """Count what is drawn below and what is not, each library once."""
    each = {one.item.lib: one for one in below}.values()
    return paragraph(
        say(
            "graph.counted",
            libraries=len(each),
            producers=len({one.producer.id for one in each}),
            withdrawn=sum(bool(one.withdrawn) for one in each),
            follow=sum(bool(one.follow and not one.withdrawn) for one in each),
        )
    )


def _drawn(told: Told, handed: Sequence[Handed], say: Wording) -> tuple[Graph, Markup]:
    """Draw as many libraries as there is room for."""
    manifest, most = told.known.manifest, DRAWN.rows
    while True:
        graph = lay_out(told.below, handed, most)
        drawing = draw(graph, say.title(manifest), manifest.producer, say)
        size, drawn = len(drawing.encode()), sum(len(box.rows) for box in graph.boxes)
        if size <= DRAWN.room or not drawn:
            return graph, drawing
        most = min(drawn - 1, drawn * DRAWN.room // size)


def _libraries(below: tuple[Upstream, ...], say: Wording) -> Markup:
    names = {each.item.lib: say.title(each) for each in below}
    heads = [say(f"graph.{head}") for head in ("library", "maker", "taken", "state")]
    rows = (
        (
            Markup(f"{said(names[each.item.lib])}<br>{tag('code', each.item.lib, class_='small')}"),
            say.party(each.producer),
            _taken(each, names, say),
            _state(each, say),
        )
        for each in sorted(below, key=_calm)  # where not all have room, what matters most has
    )
    return tag(
        "details",
        tag("summary", say("graph.table", count=len(names))),
        table(heads, rows, say("graph.caption"), say, total=len(below), bound=LIBRARIES),
    )


def _calm(each: Upstream) -> int:
    return 0 if each.withdrawn else 1 if each.follow else 2


def _taken(each: Upstream, names: dict[str, str], say: Wording) -> Markup:
    into = say("graph.into", name=names.get(each.by, each.by)) if each.by else say("graph.directly")
    return Markup(f"{say.label('mode', each.item.mode)}; {into}")


def _state(each: Upstream, say: Wording) -> Markup:
    parts = list[Markup]()
    if each.withdrawn:
        parts.append(say("graph.withdrawn", reason=each.withdrawn))
    elif each.follow:
        parts.append(say("graph.follow", reason=say.label("reason", each.follow)))
    elif each.moved:
        parts.append(say("graph.moved", count=each.events - each.taken - 1))
    if each.recipients:
        last = say.party(each.recipients[-1])
        parts.append(say("graph.handed", count=len(each.recipients), last=last))
    return Markup("<br>".join(parts) or say("graph.unchanged"))


def sources(known: Known, say: Wording) -> Markup:
    """Write the sources; addresses are texts, so that the page leads nowhere."""
    heads = [say(f"sources.{head}") for head in ("name", "method", "basis", "licence")]
    rows = (
        (
            _name(source.title, source.value),
            _method(source.value, say),
            _label(source.value, "basis", "basis", say),
            _text(source.value, "license", say),
        )
        for source in known.manifest.sources
    )
    shown = table(heads, rows, say("sources.caption"), say, total=len(known.manifest.sources), bound=SOURCES)
    return section("sources", (known_as(known.assurance),), say, shown)


def _name(title: str, value: Any) -> Markup:
    path = value.get("path")
    address = tag("span", said(path), class_="address") if isinstance(path, str) else None
    return joined(said(title), tag("br") if address else None, address)


def _text(value: Any, member: str, say: Wording) -> Markup:
    found = value.get(member)
    return said(found) if isinstance(found, str) and found else say("unsaid")


def _label(value: Any, member: str, codes: str, say: Wording) -> Markup:
    found = value.get(member)
    return say.label(codes, found) if isinstance(found, str) and found else say("unsaid")


def _method(value: Any, say: Wording) -> Markup:
    period = value.get("collected")
    method = _label(value, "method", "methods", say)
    if not isinstance(period, dict):
        return method
    days = " … ".join(str(period.get(end, "?")) for end in ("from", "to"))
    return joined(method, tag("br"), said(days))
