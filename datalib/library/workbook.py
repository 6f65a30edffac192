"""The first rows of an XLSX workbook, in bounded time and memory.

An XLSX file is a ZIP archive of XML. openpyxl, left alone, parses whole sheets to learn their size. So it gets a copy
made in memory that holds what a sample needs: of the first sheet only its first rows, of other sheets nothing, no part
beyond a limit, and no part with a document type declaration (the home of XML entities).
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, BinaryIO, Final, TypeVar
from xml.parsers import expat

from datalib.errors import Refused

#: Most entries of the archive.
PARTS_LIMIT: Final = 10_000
#: Most bytes of the texts that cells share, uncompressed; openpyxl holds them all.
STRINGS_LIMIT: Final = 64 << 20
#: Most bytes of another part, uncompressed, and of all of them together.
PART_LIMIT: Final = 16 << 20
PARTS_BYTES_LIMIT: Final = 96 << 20
#: Most bytes of the first sheet, uncompressed, that are looked at for rows.
SHEET_LIMIT: Final = 8 << 20

_A = TypeVar("_A")
_B = TypeVar("_B")

_CHUNK: Final = 1 << 16
_STRINGS: Final = "xl/sharedStrings.xml"
_EMPTY_STRINGS: Final = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
_EMPTY_SHEET: Final = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>'
)


def rows(file: BinaryIO, path: str, limit: int) -> tuple[list[list[Any]], int]:
    """Read at most ``limit`` rows of the first sheet; the second value is the number of sheets.

    Raises ``Refused`` (``E-TABLE-READ``) if the workbook is damaged, encrypted or too large to be read safely.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(archive, parts_of(archive, path), path, limit)
    except Refused:
        raise
    # A damaged workbook makes zipfile, zlib, expat and openpyxl raise errors of some twenty unrelated types.
    except Exception as problem:
        lines = str(problem).splitlines() or [type(problem).__name__]
        raise Refused("E-TABLE-READ", path, f"the workbook cannot be read: {lines[0][:200]}") from problem


def parts_of(archive: zipfile.ZipFile, path: str) -> dict[str, zipfile.ZipInfo]:
    """Give the parts of a workbook by their names. Raises Refused (E-TABLE-READ) where there are too many."""
    parts = {part.filename: part for part in archive.infolist()}
    if len(parts) > PARTS_LIMIT:
        raise Refused("E-TABLE-READ", path, f"the workbook has {len(parts)} parts; {PARTS_LIMIT} are read")
    return parts


def _read(
    archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo], path: str, limit: int
) -> tuple[list[list[Any]], int]:
    sheets, first = _open(_copy(archive, parts, path, {_STRINGS: _EMPTY_STRINGS}), path, _names)
    excerpt = _excerpt(archive, parts[first], path, limit)
    cells, _ = _open(_copy(archive, parts, path, {first: excerpt}), path, lambda book: _cells(book, limit))
    return cells, sheets


def _names(book: Any) -> tuple[int, str]:
    """Give the number of sheets and the name of the part that holds the first."""
    return len(book.worksheets), book.worksheets[0]._worksheet_path.removeprefix("/")  # noqa: SLF001 -- told nowhere else


def _cells(book: Any, limit: int) -> tuple[list[list[Any]], str]:
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what a sheet says of its own size is often wrong
    return [list(row) for row in islice(sheet.iter_rows(values_only=True), limit)], ""


def _open(copy: BinaryIO, path: str, use: Callable[[Any], tuple[_A, _B]]) -> tuple[_A, _B]:
    import warnings

    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that it does not keep
        book = openpyxl.load_workbook(copy, read_only=True, data_only=True, keep_links=False)
        try:
            if not book.worksheets:
                raise Refused("E-TABLE-READ", path, "the workbook has no worksheet")
            return use(book)
        finally:
            book.close()


def _copy(
    archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo], path: str, instead: Mapping[str, bytes]
) -> BinaryIO:
    """Copy the XML parts, some replaced, sheets left empty."""
    copy = io.BytesIO()
    left = PARTS_BYTES_LIMIT
    with zipfile.ZipFile(copy, "w") as made:
        for name, part in parts.items():
            if name in instead:
                made.writestr(name, instead[name])
            elif "/worksheets/" in name and name.endswith(".xml"):
                made.writestr(name, _EMPTY_SHEET)
            elif name.lower().endswith((".xml", ".rels")):
                content = content_of(archive, part, path, min(left, STRINGS_LIMIT if name == _STRINGS else PART_LIMIT))
                left -= len(content)
                made.writestr(name, content)
    copy.seek(0)
    return copy


def content_of(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: str, limit: int) -> bytes:
    """Unpack a part of at most ``limit`` bytes that declares no document type. Raises Refused (E-TABLE-READ)."""
    with archive.open(part) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise Refused("E-TABLE-READ", path, f"{part.filename} unpacks to more than {limit} bytes")
    _check_prolog(content, part.filename, path)
    return content


class _FoundError(Exception):
    """Ends a parser's run: what was looked for is found."""


def _check_prolog(content: bytes, name: str, path: str) -> None:
    """Parse up to the first element: no workbook needs a document type declaration."""

    def doctype(*_: object) -> None:
        raise Refused("E-TABLE-READ", path, f"{name} has a document type declaration")

    def begun(*_: object) -> None:
        raise _FoundError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = begun
    try:
        for start in range(0, len(content), _CHUNK):
            parser.Parse(content[start : start + _CHUNK])
    except _FoundError:
        return
    raise Refused("E-TABLE-READ", path, f"{name} has no element")


def _excerpt(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: str, limit: int) -> bytes:
    """Give a sheet of the first rows of a sheet: those that end within `SHEET_LIMIT`, at most ``limit``."""
    with archive.open(part) as stream:
        content = stream.read(SHEET_LIMIT)
    _check_prolog(content[: 2 * _CHUNK], part.filename, path)
    cutter = _Cutter(limit)
    with suppress(_FoundError):
        cutter.parser.Parse(content)
    if cutter.encoding.lower() not in {"utf-8", "us-ascii"} or content.startswith((b"\xff", b"\xfe")):
        raise Refused("E-TABLE-READ", path, f"{part.filename} is not UTF-8")
    return content[: cutter.cut] + "".join(f"</{name}>" for name in reversed(cutter.around)).encode()


class _Cutter:
    """Finds the place behind the last complete row, and the elements that are open there."""

    def __init__(self, limit: int) -> None:
        self.cut = 0
        self.around: list[str] = []
        self.encoding = "utf-8"
        self._limit = limit
        self._rows = 0
        self._open: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.encoding = encoding or self.encoding

    def _mark(self) -> None:
        self.cut = self.parser.CurrentByteIndex
        self.around = self._open.copy()

    def _start(self, name: str, _attributes: object) -> None:
        if _local(name) == "row":
            self._mark()
            if self._rows == self._limit:
                raise _FoundError
            self._rows += 1
        self._open.append(name)

    def _end(self, name: str) -> None:
        if _local(name) == "sheetData":
            self._mark()
            raise _FoundError
        self._open.pop()


def _local(name: str) -> str:
    return name.rpartition(":")[2]
