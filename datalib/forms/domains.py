"""The domains that a library took the most from: a file of the library that lists each with its bytes.

The file is CSV or TSV: a domain, then a whole number of bytes; a first line without a number is a heading. The template
asks for the first tenth of all domains by volume; of small providers for the first twentieth, or a thousand if fewer.
Source: template C(2025) 5235, 2.3.
"""

import csv
import heapq
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from datalib.errors import Refused
from datalib.library.descent import trouble
from datalib.library.paths import check_path, readable
from datalib.library.store import Folder

#: Most lines that are read: more domains than the web has sites worth naming.
LINES_LIMIT: Final = 20_000_000
_SMALL_LIMIT: Final = 1000
#: Most names that a page holds; for more, people read the file.
SHOWN: Final = 10_000
_LINE: Final = 1024  # a domain has at most 253 characters
_CELLS: Final = 2


def top(library: Path, name: str, *, small: bool) -> str:
    """Give the names, the largest first, separated by commas.

    Raises ``Refused``: ``E-TABLE-READ`` for a file of another form, ``E-PATH-*``, ``E-FILE-*``; ``Unchecked("E-IO")``.
    """
    check_path(name)
    with Folder(library) as folder:
        count = sum(1 for _ in _rows(folder, name))
        wanted = min(_SMALL_LIMIT, -(-count // 20)) if small else -(-count // 10)
        largest = heapq.nsmallest(min(wanted, SHOWN), ((-size, domain) for domain, size in _rows(folder, name)))
    more = f" and {wanted - SHOWN} more: {name}" if wanted > SHOWN else ""
    return ", ".join(domain for _, domain in largest) + more


def _rows(folder: Folder, name: str) -> Iterator[tuple[str, int]]:
    where = readable(name)
    with folder.open(name, missing="E-FILE-MISSING") as file, trouble(where), io.BufferedReader(file) as buffered:
        for number, line in enumerate(iter(lambda: buffered.readline(_LINE), b"")):
            text = line.decode("utf-8-sig" if not number else "utf-8", "replace").strip()
            cells = next(csv.reader([text], delimiter="\t" if "\t" in text else ","), [])
            if not cells or (not number and not _is_number(cells)):
                continue
            if number >= LINES_LIMIT or not _is_number(cells):
                raise Refused("E-TABLE-READ", where, f"line {number + 1} is not a domain and a number of bytes")
            yield cells[0].strip().lower(), int(cells[1])


def _is_number(cells: list[str]) -> bool:
    text = cells[1].strip() if len(cells) >= _CELLS else ""
    return text.isascii() and text.isdigit() and len(text) < 19  # noqa: PLR2004 - as many digits as 64 bits hold
