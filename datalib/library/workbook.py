"""The first rows of an XLSX workbook, in bounded memory.

An XLSX file is a ZIP archive of XML. Before openpyxl sees it, the sizes of its parts are bounded, a document type
declaration (the home of XML entities) is refused, and the rows that fit into a bounded part of the sheet are counted.
"""

import zipfile
from itertools import islice
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from datalib.errors import Refused

#: Most entries of the archive.
PARTS_LIMIT: Final = 10_000
#: Most bytes of one part that openpyxl holds whole (shared strings, styles, relations), uncompressed.
PART_LIMIT: Final = 64 << 20
#: Most bytes of the sheet, uncompressed, in which the rows of the sample must end.
SHEET_LIMIT: Final = 8 << 20

_CHUNK: Final = 1 << 16
_ROW: Final = "row"


def rows(file: BinaryIO, path: str, limit: int) -> tuple[list[list[Any]], int]:
    """Read at most ``limit`` rows of the first sheet; the second value is the number of sheets.

    Raises ``Refused`` (``E-TABLE-READ``) if the workbook is damaged, encrypted or too large to be read safely.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check_parts(archive, path)
        return _read(file, path, limit)
    except Refused:
        raise
    # A damaged workbook makes zipfile, zlib, expat and openpyxl raise errors of some twenty unrelated types.
    except Exception as problem:
        raise Refused("E-TABLE-READ", path, f"the workbook cannot be read: {_reason(problem)}") from problem


def _check_parts(archive: zipfile.ZipFile, path: str) -> None:
    parts = archive.infolist()
    if len(parts) > PARTS_LIMIT:
        raise Refused("E-TABLE-READ", path, f"the workbook has {len(parts)} parts; {PARTS_LIMIT} are read")
    for part in parts:
        if not part.filename.lower().endswith((".xml", ".rels")):
            continue
        if "/worksheets/" not in part.filename and part.file_size > PART_LIMIT:
            raise Refused("E-TABLE-READ", path, f"{part.filename} unpacks to {part.file_size} bytes")
        _check_prolog(archive, part, path)


def _check_prolog(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: str) -> None:
    """Parse up to the first element: no workbook needs a document type declaration."""

    class _Begun(Exception):
        pass

    def doctype(*_: object) -> None:
        raise Refused("E-TABLE-READ", path, f"{part.filename} has a document type declaration")

    def begun(*_: object) -> None:
        raise _Begun

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = begun
    left = PART_LIMIT
    with archive.open(part) as stream:
        while (chunk := stream.read(_CHUNK)) and left > 0:
            left -= len(chunk)
            try:
                parser.Parse(chunk)
            except _Begun:
                return
    raise Refused("E-TABLE-READ", path, f"{part.filename} has no element")


def _rows_within(stream: Any, limit: int) -> int:
    """Count the rows that end within the first `SHEET_LIMIT` bytes of a sheet, at most ``limit``."""
    ended = 0

    def end(name: str) -> None:
        nonlocal ended
        ended += name.rpartition(":")[2] == _ROW

    parser = expat.ParserCreate()
    parser.EndElementHandler = end
    left = SHEET_LIMIT
    while ended < limit and left > 0 and (chunk := stream.read(_CHUNK)):
        left -= len(chunk)
        parser.Parse(chunk)
    return min(ended, limit)


def _read(file: BinaryIO, path: str, limit: int) -> tuple[list[list[Any]], int]:
    import warnings

    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that it does not keep
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            sheets = book.worksheets
            if not sheets:
                raise Refused("E-TABLE-READ", path, "the workbook has no worksheet")
            with sheets[0]._get_source() as source:  # noqa: SLF001 -- the only way to the sheet's bytes before they are parsed
                complete = _rows_within(source, limit)
            sheets[0].reset_dimensions()  # what a sheet says of its own size is often wrong
            cells = [list(row) for row in islice(sheets[0].iter_rows(values_only=True), complete)]
            return cells, len(sheets)
        finally:
            book.close()


def _reason(problem: Exception) -> str:
    lines = str(problem).splitlines()
    return lines[0][:200] if lines else type(problem).__name__
