"""What a form says, apart from how it is written: headings, paragraphs, tables. Writers: `html`, `odt`.

A text that is to be filled in by a person is marked (``todo``), so that nobody takes an empty place for an answer.
"""

import re
from dataclasses import dataclass
from typing import Final

#: Characters that neither XML nor HTML can hold (XML 1.0 §2.2), and what stands for them.
_FORBIDDEN: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Give a text that every writer can write; what cannot be written becomes U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading; ``level`` 1 is the title of the page."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Some text; lines are kept. ``aside``: set to the right, as the head of an annex is. ``note``: small."""

    text: str
    aside: bool = False
    note: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table; lines are kept."""

    text: str
    todo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of equally many cells. ``head``: the first row names the columns. ``widths``: shares of the columns."""

    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[int, ...]
    head: bool = False


Block = Heading | Paragraph | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A form that is filled in. ``lang``: of its text. ``wide``: on paper its longer side lies across."""

    title: str
    lang: str
    blocks: tuple[Block, ...]
    wide: bool = False
