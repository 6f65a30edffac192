"""Tables of works in archives: nobody reads their rows there, so the archive is held.

Only the usual names of columns are looked for, and only where they would stand: in the first line of a text, in the
first lines of JSON, at either end of Parquet and Arrow. A name there that is none holds too much; one that stands
elsewhere, or is not usual, is overlooked.
"""

import re
from typing import Final

from datalib.optout.chunks import DELIMITERS, Form, form_of
from datalib.optout.columns import URL_COLUMNS

#: Octets at either end that are looked at; footers of Parquet files stand at the end.
_HEAD: Final = 1 << 16
_FOOT: Final = 1 << 20
_NAMES: Final = frozenset(URL_COLUMNS)
_MEMBER: Final = re.compile(rf'"(?:{"|".join(URL_COLUMNS)})"\s*:'.encode())
_CUTS: Final = re.compile(r"[,;|\t]")


def holds_works(name: str, data: bytes) -> bool:
    """Say whether a file of an archive looks like a table with a column of URLs. Never raises."""
    form = form_of(name)
    if form in DELIMITERS:
        first = data[:_HEAD].replace(b"\0", b"").decode("utf-8", "replace").lstrip("\ufeff\ufffd \r\n")
        line = re.split(r"[\r\n]", first, maxsplit=1)[0]
        return not _NAMES.isdisjoint(cell.strip(" \"'") for cell in _CUTS.split(line))
    if form is Form.JSONL:
        return _MEMBER.search(data, 0, _HEAD) is not None
    if form in {Form.PARQUET, Form.ARROW}:
        return any(column.encode() in end for column in URL_COLUMNS for end in (data[:_HEAD], data[-_FOOT:]))
    return False
