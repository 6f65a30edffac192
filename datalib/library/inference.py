"""What Frictionless is asked: the types of sampled columns, the encoding of a sample.

This is the only module that imports Frictionless; it gets lists of plain values and never a path, a URL or a
descriptor, so it can neither guess what a file is nor reach for the network.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Most cells of a sample that are looked at.
SAMPLE_CELLS: Final = 20_000

_TELLING_BYTES: Final = 1 << 16
# Frictionless' own candidates without the ones that take decimal commas for coordinates ("1,5" is a geopoint to it),
# with the decimal comma and the day-first date of Kazakh and Russian tables.
CANDIDATES: Final[Sequence[Mapping[str, str]]] = (
    {"type": "yearmonth"},
    {"type": "duration"},
    {"type": "object"},
    {"type": "array"},
    {"type": "datetime"},
    {"type": "time"},
    {"type": "date"},
    {"type": "date", "format": "%d.%m.%Y"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "number", "decimalChar": ","},
    {"type": "boolean"},
    {"type": "string"},
)
TEXT_CANDIDATES: Final = tuple(item for item in CANDIDATES if item["type"] in {"datetime", "date", "time", "string"})
_PLAIN_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,30})?", re.ASCII)
# No number, date, truth value, duration or JSON begins like this (NaN and infinity, in any case, are numbers).
_TEXT: Final = re.compile(r"[^\W\dPTtFfNnIi_]")
# 007 is an identifier, not the number seven: reading it as one would lose its zeros.
_LEADING_ZERO: Final = re.compile(r"\s*[+-]?0[0-9]")


def encoding_of(raw: bytes) -> str:
    """Guess the encoding of bytes that are no UTF-8; ``LookupError`` or ``UnicodeError`` if there is no guess."""
    from frictionless import Detector

    telling = b"\n".join(line for line in raw.splitlines() if not line.isascii())[:_TELLING_BYTES]
    return str(Detector().detect_encoding(telling))


def fields_of(
    names: list[str], rows: Sequence[Sequence[Any]], candidates: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """Infer a field for each name; a type is given only if every cell of the sample has it."""
    fragment = rows[: max(1, SAMPLE_CELLS // len(names))]
    columns = [[row[position] for row in fragment if len(row) > position] for position in range(len(names))]
    # Frictionless takes some 20 us for a cell: it is asked about the columns that are not plain to see.
    plain = [_plain_type(column) for column in columns]
    asked = [position for position, kind in enumerate(plain) if kind not in _types(candidates)]
    cells = [[row[position] if len(row) > position else "" for position in asked] for row in fragment]
    answers = iter(_ask([names[position] for position in asked], cells, candidates) if asked else [])
    fields = []
    for position, (name, column) in enumerate(zip(names, columns, strict=True)):
        field = next(answers) if position in asked else {"name": name, "type": plain[position]}
        if field["type"] in {"integer", "number"} and any(_LEADING_ZERO.match(str(cell)) for cell in column):
            field = {"name": name, "type": "string"}
        fields.append(field)
    return fields


def _types(candidates: Sequence[Mapping[str, str]]) -> set[str]:
    return {item["type"] for item in candidates}


def _plain_type(column: Sequence[str]) -> str:
    """Name the type of a column of plain numbers, or of texts that no other type could be; else an empty text."""
    cells = [cell for cell in column if cell]
    if any(_TEXT.match(cell) for cell in cells):
        return "string"
    if not cells or not all(_PLAIN_NUMBER.fullmatch(cell) for cell in cells):
        return ""
    return "number" if any("." in cell for cell in cells) else "integer"


def _ask(names: list[str], cells: list[list[Any]], candidates: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    from frictionless import Detector

    schema = Detector(field_confidence=1.0).detect_schema(
        cells, labels=names, field_candidates=[dict(item) for item in candidates]
    )
    return [dict(field.to_descriptor()) for field in schema.fields]
