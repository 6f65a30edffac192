"""The drawing of a layout as SVG. Colours come from the style of the page, so that it follows light, dark and paper."""

from typing import Final
from unicodedata import east_asian_width

from datalib.publish.graph import HEAD, OWN, ROW, STEP, STEP_SPACE, WIDTH, Box, Graph, Line, Row, Step
from datalib.publish.markup import Markup, joined, plain, shown, tag
from datalib.publish.wording import Wording
from datalib.trust.parties import Party, Producer

#: Letters of middle width that fit into a box: bold, plain, small.
_BOLD, _PLAIN, _SMALL = 28, 32, 34
_WIDE: Final = frozenset("mwшщжюфым@%—…")
#: Longest title of a text that was cut.
_TITLE: Final = 120
_MARGIN: Final = 6
_PAD: Final = 10


def draw(graph: Graph, name: str, producer: Producer, say: Wording) -> Markup:
    """Draw a library with the name and the producer given, its hand-overs, and what it was made of."""
    count = sum(len(box.rows) for box in graph.boxes)
    label = say.text("graph.label").format(libraries=count, producers=len({box.producer.id for box in graph.boxes}))
    return tag(
        "svg",
        *map(_line, graph.lines),
        *(_tip(*start) for start in dict.fromkeys(line.start for line in graph.lines)),
        _own(name, producer, say),
        *(_step(step, say) for step in graph.steps),
        *(_box(box, say) for box in graph.boxes),
        class_="graph",
        role="img",
        aria_label=f"{label} {say.text('graph.below')}",
        width=graph.width + 2 * _MARGIN,
        height=graph.height + 2 * _MARGIN,
        viewBox=f"{-_MARGIN} {-_MARGIN} {graph.width + 2 * _MARGIN} {graph.height + 2 * _MARGIN}",
    )


def _label(text: str, x: int, y: int, kind: str, fit: int) -> Markup:
    """Write a text that is cut where it does not fit; the whole of it, up to a limit, is its title."""
    whole = shown(text, _TITLE)
    cut = _fitting(whole, fit)
    title = tag("title", whole) if cut != whole else None
    return tag("text", plain(cut), title, x=x, y=y, class_=kind)


def _fitting(text: str, fit: int) -> str:
    """Cut a text where its letters, by their usual widths, fill the place."""
    used = 0.0
    for number, letter in enumerate(text):
        used += 1.9 if east_asian_width(letter) in "WF" else 1.35 if letter.isupper() or letter in _WIDE else 1
        if used > fit:
            return text[:number] + "…"
    return text


def _name(party: Party | Producer, say: Wording) -> str:
    return say.choose(party.name)[0] or party.id


def _rect(x: int, y: int, height: int, kind: str) -> Markup:
    return tag("rect", x=x, y=y, width=WIDTH, height=height, rx=6, class_=kind)


def _own(name: str, producer: Producer, say: Wording) -> Markup:
    return tag(
        "g",
        _rect(0, 0, OWN, "own"),
        _label(name, _PAD, 22, "strong", _BOLD),
        _label(_name(producer, say), _PAD, 43, "text", _PLAIN),
        _label(say.text("graph.producer"), _PAD, 63, "small", _SMALL),
    )


def _step(step: Step, say: Wording) -> Markup:
    middle = WIDTH // 2
    rights = ", ".join(say.text(f"right.{right}") for right in step.rights)
    tip = f"M{middle - 4},{step.y - 7} L{middle},{step.y - 1} L{middle + 4},{step.y - 7} Z"
    return tag(
        "g",
        tag("path", d=f"M{middle},{step.y - STEP_SPACE} V{step.y - 4}", class_="line"),
        tag("path", d=tip, class_="tip"),
        _rect(0, step.y, STEP, "step"),
        _label(_name(step.recipient, say), _PAD, step.y + 22, "text", _PLAIN),
        _label(rights, _PAD, step.y + 43, "small", _SMALL),
    )


def _box(box: Box, say: Wording) -> Markup:
    return tag(
        "g",
        _rect(box.x, box.y, box.height, "box"),
        _label(_name(box.producer, say), box.x + _PAD, box.y + 20, "strong", _BOLD),
        tag("path", d=f"M{box.x},{box.y + HEAD - 2} h{WIDTH}", class_="rule"),
        *(_row(row, say) for row in box.rows),
    )


def _row(row: Row, say: Wording) -> Markup:
    each = row.each
    state, sign = (
        ("bad", "✕") if each.withdrawn else ("warn", "!") if each.follow else ("", "")
    )  # the signs stand in the legend: colour alone tells nothing
    marks = " ".join(part for part in (sign, f"⇄{len(each.recipients)}" if each.recipients else "") if part)
    fit = _PLAIN - 2 * len(marks)
    mark = tag("text", marks, x=row.x + WIDTH - _PAD, y=row.y + 4, text_anchor="end", class_="strong")
    return joined(
        tag("rect", x=row.x + 4, y=row.y - ROW // 2, width=WIDTH - 8, height=ROW, rx=4, class_=state)
        if state
        else None,
        _label(say.title(each), row.x + _PAD, row.y + 4, "text", fit),
        mark if marks else None,
    )


def _line(line: Line) -> Markup:
    (x, y), (end_x, end_y) = line.start, line.end
    kind = "line derived" if line.mode == "derived" else "line"
    return tag("path", d=f"M{x + 6},{y} H{line.trunk} V{end_y} H{end_x}", class_=kind)


def _tip(x: int, y: int) -> Markup:
    return tag("path", d=f"M{x + 7},{y - 4} L{x + 1},{y} L{x + 7},{y + 4} Z", class_="tip")
