"""Results as lines of a screen: words wrapped, columns aligned, trees drawn. Pure: blocks and a screen in, lines out.

On a terminal everything fits its width, but for words that are longer than it: digests, paths and commands are left
whole, so that they can be copied. Elsewhere nothing is wrapped or cut.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from datalib_cli.screen import Screen, harmless

_GAP: Final = 2  # columns between two cells
_HANG: Final = 2  # columns by which a continued line is indented
_LAST: Final = 16  # columns that the last cell of a row wants beside the others
_SMALLEST: Final = 12  # columns of a name that is cut
#: What a continued line is put behind: white space, a dash, a number, the mark of a finding, of a quotation.
_HANGING: Final = re.compile(r"\s+(?:- |\d+\. |→ |\| )?|[EW] ")
#: Words; what stands in backquotes is one, in a command what stands in quotes.
_WORDS: Final = re.compile(r"(?:`[^`]*`|\S)+")
_ARGUMENTS: Final = re.compile(r"(?:'[^']*'|\S)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of text in a tone; ``exact``: never wrapped, because somebody will copy it."""

    text: str
    tone: str = ""
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table, in a tone."""

    cells: Sequence[str]
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns; those of ``right`` are set to the right. Only the last one is ever wrapped, none is cut."""

    rows: Sequence[Row]
    indent: int = 2
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Twig:
    """A line of a tree: how deep it hangs (from 1), its name, which may be cut, and facts, which may not.

    ``remarks`` stand below it.
    """

    depth: int
    name: str
    facts: str = ""
    remarks: Sequence[Line] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Twigs in order, depth first."""

    twigs: Sequence[Twig]


Block = str | Line | Table | Tree


def laid(blocks: Iterable[Block], screen: Screen) -> Iterator[Line]:
    """Lay blocks out: lines that fit the screen, and that cannot steer it."""
    for block in blocks:
        match block:
            case str():
                yield from _line(Line(text=block), screen)
            case Line():
                yield from _line(block, screen)
            case Table():
                yield from _table(block, screen)
            case Tree():
                yield from _tree(block, screen)


def cells(text: str) -> int:
    """Count the columns that a text takes on a terminal (UAX #11): letters of wide scripts take two, marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(letter) in {"Mn", "Me", "Cf"} else 2 if east_asian_width(letter) in {"W", "F"} else 1
        for letter in text
    )


def cut(text: str, width: int, more: str) -> str:
    """Cut a text to so many columns; ``more`` at its end says so."""
    if cells(text) <= width:
        return text
    end, used = 0, cells(more)
    for letter in text:
        used += cells(letter)
        if used > width:
            break
        end += 1
    return text[:end].rstrip() + more


def wrapped(text: str, width: int | None, hang: int, words: re.Pattern[str] = _WORDS) -> Iterator[str]:
    """Break a text at words into lines of so many columns, all but the first indented by ``hang``."""
    if width is None or cells(text) <= width:
        yield text
        return
    lead = len(text) - len(text.lstrip())
    line, used, empty = text[:lead], lead, True
    for word in words.findall(text):
        taken = cells(word)
        if not empty and used + 1 + taken > width:
            yield line
            line, used, empty = " " * hang, hang, True
        line, used = (line + word, used + taken) if empty else (f"{line} {word}", used + 1 + taken)
        empty = False
    yield line


def command_lines(command: str, width: int) -> Iterator[str]:
    """Break a command of a shell into lines that can be copied, each but the last with a backslash at its end."""
    *firsts, last = wrapped(command, width - 2, 4, _ARGUMENTS)
    for line in firsts:
        yield f"{line} \\"
    yield last


def _line(line: Line, screen: Screen) -> Iterator[Line]:
    text = harmless(line.text)
    if line.exact:
        yield Line(text=text, tone=line.tone)
        return
    led = _HANGING.match(text)
    for part in wrapped(text, screen.width, led.end() if led else _HANG):
        yield Line(text=part, tone=line.tone)


def _table(table: Table, screen: Screen) -> Iterator[Line]:
    rows = [[harmless(cell) for cell in row.cells] for row in table.rows]
    widths = [max(map(cells, column)) for column in list(zip(*rows, strict=True))[:-1]]
    beside = table.indent + sum(widths) + _GAP * len(widths)
    for row, (*firsts, last) in zip(table.rows, rows, strict=True):
        head = " " * table.indent
        for number, (cell, width) in enumerate(zip(firsts, widths, strict=True)):
            blank = " " * (width - cells(cell))
            head += (blank + cell if number in table.right else cell + blank) + " " * _GAP
        start, room = beside, None if screen.width is None else screen.width - beside
        if screen.width is not None and room is not None and room < min(_LAST, cells(last)):
            yield Line(text=head.rstrip(), tone=row.tone)  # the last cell stands below the others
            start, room = table.indent + _HANG, screen.width - table.indent - _HANG
            head = " " * start
        for part in wrapped(last, room, 0):
            yield Line(text=(head + part).rstrip(), tone=row.tone)
            head = " " * start


def _tree(tree: Tree, screen: Screen) -> Iterator[Line]:
    for twig, bars, last, parent in _hung(tree.twigs):
        tee, bar = ("├─ ", "│  ") if screen.boxes else ("|- ", "|  ")
        end = "└─ " if screen.boxes else "`- "
        before = "  " + "".join(bar if goes_on else "   " for goes_on in bars)
        below = before + ("   " if last else bar) + (bar if parent else "   ")
        yield from _twig(twig, before + (end if last else tee), below, screen)


def _twig(twig: Twig, before: str, below: str, screen: Screen) -> Iterator[Line]:
    name, facts = harmless(twig.name), harmless(twig.facts)
    text = f"{name} {facts}".rstrip()
    if screen.width is None or cells(before + text) <= screen.width:
        yield Line(text=before + text)
    else:
        room = screen.width - len(before)
        beside = max(room - cells(facts) - 1, _SMALLEST)
        if beside + 1 + cells(facts) <= room:
            yield Line(text=f"{before}{cut(name, beside, screen.more)} {facts}")
        else:
            yield Line(text=before + cut(name, room, screen.more))
            yield from _beneath(Line(text=facts), below, screen)
    for remark in twig.remarks:
        yield from _beneath(remark, below, screen)


def _beneath(line: Line, below: str, screen: Screen) -> Iterator[Line]:
    width = None if screen.width is None else screen.width - len(below)
    for part in wrapped(harmless(line.text), width, _HANG):
        yield Line(text=below + part, tone=line.tone)


def _hung(twigs: Sequence[Twig]) -> list[tuple[Twig, tuple[bool, ...], bool, bool]]:
    """Say of each twig which levels above it go on below it, whether it is its parent's last, and is a parent."""
    found, later, under = list[tuple[Twig, tuple[bool, ...], bool, bool]](), set[int](), 0
    for twig in reversed(twigs):
        bars = tuple(level in later for level in range(1, twig.depth))
        found.append((twig, bars, twig.depth not in later, under > twig.depth))
        later = {level for level in later if level < twig.depth} | {twig.depth}
        under = twig.depth
    return found[::-1]
