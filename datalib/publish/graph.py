"""What a library was made of, laid out as a drawing: pure numbers, in pixels of the drawing.

The library stands at the top left with its hand-overs below it. To the right stand columns of upstream libraries, one
for each step away; within a column the libraries of one producer share a box, a row for each. Lines lead from a library
to those it was made of, along one trunk for each, so that two hundred of them can still be told apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from datalib.assembly.survey import Upstream
from datalib.chain.assembly import MAX_DEPTH
from datalib.publish.bounds import DRAWN
from datalib.trust.parties import Party, Producer

WIDTH, ROW, HEAD = 260, 26, 30
_GAP, _SPACE, _LANE, _LANES = 64, 14, 7, 6
#: A hand-over of the library: recipient, rights, time.
Handed = tuple[Party, tuple[str, ...], int]
#: The library itself, where libraries are named by their ids.
ROOT: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An upstream library where it is drawn: middle of its row, left edge of its box."""

    each: Upstream
    x: int
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The libraries of one producer in one column."""

    producer: Producer
    x: int
    y: int
    height: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """From a library (right edge of its box) along a trunk to what it was made of (left edge). ``mode`` as taken."""

    start: tuple[int, int]
    trunk: int
    end: tuple[int, int]
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A hand-over of the library itself: who received what, where it is drawn (the top of its box)."""

    recipient: Party
    rights: tuple[str, ...]
    time: int
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A drawing. ``omitted``: libraries that are not drawn."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    steps: tuple[Step, ...]
    width: int
    height: int
    omitted: int


#: Heights of the library's own box and of the box of a hand-over.
OWN, STEP, STEP_SPACE = 78, 56, 26


def lay_out(below: Sequence[Upstream], handed: Sequence[Handed], most: int = DRAWN.rows) -> Graph:
    """Lay out upstream libraries as `survey` gives them, and hand-overs of the library.

    ``most`` libraries are drawn at most.
    """
    unique: dict[str, Upstream] = {}
    for each in below:
        unique.setdefault(each.item.lib, each)
    drawn = dict(sorted(unique.items(), key=lambda item: item[1].depth)[:most])
    edges = [each for each in below if each.item.lib in drawn and (each.by is None or each.by in drawn)]
    columns = _columns(drawn, edges)
    boxes, places = _boxes(drawn, edges, columns)
    steps = tuple(
        Step(recipient=who, rights=rights, time=time, y=OWN + STEP_SPACE + number * (STEP + STEP_SPACE))
        for number, (who, rights, time) in enumerate(handed)
    )
    own = OWN + len(steps) * (STEP + STEP_SPACE)
    return Graph(
        boxes=tuple(boxes),
        lines=tuple(_lines(edges, places)),
        steps=steps,
        width=(WIDTH + _GAP) * (max(columns.values(), default=0) + 1) - _GAP,
        height=max([own, *(box.y + box.height for box in boxes)]),
        omitted=len(unique) - len(drawn),
    )


def _columns(drawn: Mapping[str, Upstream], edges: Sequence[Upstream]) -> dict[str, int]:
    """Give each library its column: one to the right of the farthest that was made of it."""
    columns = dict.fromkeys(drawn, 1)
    for _ in range(MAX_DEPTH):
        before = dict(columns)
        for each in edges:
            column = 1 + (0 if each.by is None else columns[each.by])
            columns[each.item.lib] = min(max(columns[each.item.lib], column), MAX_DEPTH)
        if columns == before:
            break
    return columns


def _boxes(
    drawn: Mapping[str, Upstream], edges: Sequence[Upstream], columns: Mapping[str, int]
) -> tuple[list[Box], dict[str, tuple[int, int]]]:
    """Stack the boxes of each column, those nearest to what was made of them first; give the place of each row."""
    places: dict[str, tuple[int, int]] = {ROOT: (0, OWN // 2)}
    users: dict[str, list[str]] = {}
    for each in edges:
        users.setdefault(each.item.lib, []).append(each.by or ROOT)
    boxes = list[Box]()
    for column in range(1, max(columns.values(), default=0) + 1):
        groups: dict[str, list[tuple[int, str, Upstream]]] = {}
        for lib, each in drawn.items():
            if columns[lib] == column:
                wish = min((places[user][1] for user in users[lib] if user in places), default=0)
                groups.setdefault(each.producer.id, []).append((wish, each.name, each))
        x, y = column * (WIDTH + _GAP), 0
        for group in sorted(groups.values(), key=lambda found: (min(wish for wish, _, _ in found), found[0][2].name)):
            ordered = [each for _, _, each in sorted(group, key=lambda found: (*found[:2], found[2].item.lib))]
            rows = tuple(Row(each=each, x=x, y=y + HEAD + n * ROW + ROW // 2) for n, each in enumerate(ordered))
            places |= {row.each.item.lib: (x, row.y) for row in rows}
            height = HEAD + len(rows) * ROW + 4
            boxes.append(Box(producer=ordered[0].producer, x=x, y=y, height=height, rows=rows))
            y += height + _SPACE
    return boxes, places


def _lines(edges: Sequence[Upstream], places: Mapping[str, tuple[int, int]]) -> list[Line]:
    lanes: dict[str, int] = {}
    found = list[Line]()
    for each in edges:
        user = each.by or ROOT
        lane = lanes.setdefault(user, len(lanes) % _LANES)
        x, y = places[user]
        right = x + WIDTH
        found.append(
            Line(
                start=(right, y),
                trunk=right + 16 + lane * _LANE,
                end=places[each.item.lib],
                mode=each.item.mode,
            )
        )
    return found
