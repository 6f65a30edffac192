"""Tables of works in XLSX workbooks: the rows of all sheets, read as a stream (ECMA-376 part 1 §18).

The first row of a sheet that is not empty names its columns. Cells are text as they are stored: a link counts by what
its cell shows, a formula by the value that was last worked out. Empty rows are no rows. What cannot be read to its end
is damaged; document type declarations are refused.
"""

import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from datalib.errors import Refused
from datalib.library import workbook
from datalib.optout.chunks import DamagedError, faults

#: Bytes of one sheet, unpacked, that are read; what Excel allows of rows, columns, and letters in a cell, and more.
MAX_SHEET: Final = 4 << 30
MAX_ROWS: Final = 1 << 20
MAX_COLUMNS: Final = 1 << 14
MAX_CELL: Final = 1 << 20
MAX_STRINGS: Final = 1 << 22

_STEP: Final = 1 << 18
_BOOK: Final = "xl/workbook.xml"
_LINKS: Final = "xl/_rels/workbook.xml.rels"
_STRINGS: Final = "xl/sharedStrings.xml"
_LETTERS = re.compile(r"[A-Z]{1,3}")

Row = dict[int, str]


def columns(path: Path, wanted: Collection[str] = ()) -> tuple[str, ...]:
    """Give the columns of all sheets, or of those that have a wanted one; a name that one sheet has twice, twice.

    Raises DamagedError, Unchecked (E-IO).
    """
    found: Counter[str] = Counter()
    with _opened(path) as book:
        for sheet in book.sheets:
            own = Counter(name for name in next(_named(book.rows(sheet)), {}).values() if name.strip())
            if not wanted or not own.keys().isdisjoint(wanted):
                found |= own
    return tuple(found.elements())


def rows(path: Path, wanted: Collection[str]) -> Iterator[dict[str, str]]:
    """Give the rows of the sheets that have a wanted column, by the names of their columns.

    Raises DamagedError, Unchecked (E-IO).
    """
    with _opened(path) as book:
        for sheet in book.sheets:
            found = _named(book.rows(sheet))
            names = next(found, {})
            if not set(names.values()).isdisjoint(wanted):
                for row in found:
                    yield {names[place]: text for place, text in row.items() if place in names}


def _named(found: Iterator[Row]) -> Iterator[Row]:
    """Leave out empty rows."""
    return (row for row in found if any(text.strip() for text in row.values()))


@contextmanager
def _opened(path: Path) -> Iterator["_Book"]:
    try:
        with faults(path), zipfile.ZipFile(path) as archive:
            yield _Book(archive, path)
    except (Refused, expat.ExpatError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
        raise DamagedError(str(getattr(error, "detail", "") or error)[:200]) from error
    except (zipfile.zlib.error, RuntimeError) as error:  # type: ignore[attr-defined]  # what packs it; a password
        raise DamagedError(str(error)[:200]) from error


class _Book:
    """An open workbook: the parts that are its sheets, in their order, and the texts that cells share."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive, self._path = archive, str(path)
        self._parts = workbook.parts_of(archive, self._path)
        targets = {
            item.get("Id", ""): posixpath.normpath(posixpath.join("xl", item.get("Target", ""))).lstrip("/")
            for name, item in self._elements(_LINKS)
            if name == "Relationship" and item.get("Type", "").endswith("/worksheet")
        }
        named = [
            next((value for key, value in item.items() if key.rpartition("\n")[2] == "id"), "")
            for name, item in self._elements(_BOOK)
            if name == "sheet"
        ]
        self.sheets = tuple(targets[key] for key in named if key in targets)
        if not self.sheets or any(sheet not in self._parts for sheet in self.sheets):
            raise DamagedError("the workbook has no worksheet")
        self._strings = self._shared() if _STRINGS in self._parts else []

    def _elements(self, part: str) -> list[tuple[str, dict[str, str]]]:
        if part not in self._parts:
            raise DamagedError("not a workbook")
        found: list[tuple[str, dict[str, str]]] = []
        parser = expat.ParserCreate(namespace_separator="\n")
        parser.StartElementHandler = lambda name, attributes: found.append((name.rpartition("\n")[2], attributes))
        content = workbook.content_of(self._archive, self._parts[part], self._path, workbook.PART_LIMIT)
        parser.Parse(content, True)  # noqa: FBT003 (expat's own positional flag)
        return found

    def _shared(self) -> list[str]:
        texts = _Texts()
        content = workbook.content_of(self._archive, self._parts[_STRINGS], self._path, workbook.STRINGS_LIMIT)
        texts.parser.Parse(content, True)  # noqa: FBT003 (expat's own positional flag)
        return texts.found

    def rows(self, sheet: str) -> Iterator[Row]:
        """Give the rows of a sheet: texts by the numbers of their columns."""
        cells = _Cells(self._strings)
        left = MAX_SHEET
        with self._archive.open(self._parts[sheet]) as stream:
            data = b"?"
            while data:
                data = stream.read(_STEP)
                left -= len(data)
                try:
                    cells.parser.Parse(data, not data)
                except (expat.ExpatError, DamagedError):
                    yield from cells.take()  # what came before the damage is whole
                    raise
                yield from cells.take()
                if left < 0:
                    raise DamagedError("a sheet is larger than what is read")


class _Reader:
    """What both readers of XML need: the text of ``t`` and ``v`` elements, but not how it is pronounced."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._finish
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = _refuse
        self.text: list[str] = []
        self._size = self._spoken = 0
        self._inside = False

    def started(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""

    def ended(self, name: str) -> None:
        """End an element."""

    def _begin(self, full: str, attributes: dict[str, str]) -> None:
        name = full.rpartition(":")[2]
        self._spoken += name == "rPh"
        self._inside = name in {"t", "v"} and not self._spoken
        self.started(name, attributes)

    def _finish(self, full: str) -> None:
        name = full.rpartition(":")[2]
        self._spoken -= name == "rPh"
        self._inside = False
        self.ended(name)

    def _characters(self, text: str) -> None:
        if self._inside:
            self._size += len(text)
            if self._size > MAX_CELL:
                raise DamagedError("a cell is larger than what is read")
            self.text.append(text)

    def taken(self) -> str:
        """Give the text since the last time."""
        text, self.text, self._size = "".join(self.text), [], 0
        return text


class _Texts(_Reader):
    """The texts that cells share."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def ended(self, name: str) -> None:
        if name == "si":
            if len(self.found) >= MAX_STRINGS:
                raise DamagedError("more texts than are read")
            self.found.append(self.taken())


class _Cells(_Reader):
    """The cells of a sheet, row by row."""

    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self._strings = strings
        self._rows: list[Row] = []
        self._row: Row = {}
        self._place = -1
        self._kind = ""
        self._count = 0

    def take(self) -> list[Row]:
        """Give the rows that have ended."""
        rows, self._rows = self._rows, []
        return rows

    def started(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row, self._place = {}, -1
        elif name == "c":
            self._kind = attributes.get("t", "")
            self._place = _column(attributes.get("r", ""), self._place + 1)

    def ended(self, name: str) -> None:
        if name == "c":
            self._row[self._place] = self._value(self.taken())
        elif name == "row":
            self._count += 1
            if self._count > MAX_ROWS:
                raise DamagedError("more rows than are read")
            self._rows.append(self._row)

    def _value(self, text: str) -> str:
        if self._kind != "s":
            return text
        if not text.strip():
            return ""
        number = int(text)
        if not 0 <= number < len(self._strings):
            raise DamagedError("a cell names a text that is not there")
        return self._strings[number]


def _column(reference: str, following: int) -> int:
    """Give the number of a column by a reference as ``AB12``; a cell without one follows the one before it."""
    letters = _LETTERS.match(reference)
    place = following
    if letters:
        place = -1
        for letter in letters[0]:
            place = (place + 1) * 26 + ord(letter) - ord("A")
    if place >= MAX_COLUMNS:
        raise DamagedError("more columns than are read")
    return place


def _refuse(*_: Any) -> None:
    raise DamagedError("a document type declaration is not read")
