"""The small files beside a library that people write by hand: registers, waivers, profiles, calendars, forms.

JSON or YAML, each with its schema in ``rules.schema.json`` or ``forms.schema.json``. A file with a fault is refused
whole, with the place.
"""

from datetime import date
from pathlib import Path
from typing import Any

from datalib import canonical, schema
from datalib.errors import Refused, Unchecked
from datalib.library import yaml_text

SIZE_LIMIT = yaml_text.SIZE_LIMIT


def load(path: Path) -> bytes:
    """Read a file that the user named; ``Unchecked("E-IO")`` if that fails, ``E-RECORD-FORMAT`` if it is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or "cannot be read") from error
    if len(data) > SIZE_LIMIT:
        raise Refused("E-RECORD-FORMAT", str(path), f"larger than {SIZE_LIMIT} bytes")
    return data


def read(kind: str, data: bytes, where: str) -> dict[str, Any]:
    """Read a file of a kind, ``register`` or ``application`` and so on; ``E-RECORD-FORMAT`` for another form."""
    try:
        if data.lstrip()[:1] == b"{":
            value: dict[str, Any] = canonical.parse(data, limit=SIZE_LIMIT, where=where)
        else:
            value = yaml_text.parse(data, where=where)
        schema.check(kind, value, where)
    except Refused as error:
        raise Refused("E-RECORD-FORMAT", error.where, error.detail or error.code) from error
    return value


def day(text: str, where: str, place: str) -> date:
    """Read a date; ``E-RECORD-FORMAT`` with the place if there is no such day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("E-RECORD-FORMAT", f"{where}#{place}", f"{text!r}: there is no such day") from error
