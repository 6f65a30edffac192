"""Works that a registry of refusals names: what is compared, and what becomes of a match."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from datalib import __version__
from datalib.optout.book import Book
from datalib.optout.carried import Proof
from datalib.optout.columns import Columns, content_of, values_of
from datalib.optout.declared_works import in_force, with_declarations
from datalib.optout.outcome import BIT
from datalib.optout.outputs import replacing_folder
from datalib.optout.reading import Marks
from datalib.optout.registry import identifiers_of, list_files
from datalib.optout.registry_table import Pairs, Registry, compile_registry, is_compiled
from datalib.optout.statements import MAX_PAGE
from datalib.optout.urls import Places

VERSION: Final = 3
_SHORT: Final = 32


def prepare_registry(sources: Sequence[Path], folder: Path, now: int) -> Registry | None:
    """Compile registries into a place in ``folder`` named by their digest, unless it is there; None without any.

    ``now``, in seconds since 1970, decides which declarations say something.

    Raises Refused (E-REGISTRY-FORMAT), Unchecked (E-IO, E-FILE-CHANGED).
    """
    if not sources:
        return None
    files = with_declarations(list_files(sources), now)
    parts = [str(VERSION), __version__, *(f"{file.name}\0{file.sha256}" for file in files), *in_force(files)]
    digest = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    place = folder / f"registry-{digest[:_SHORT]}"
    if not is_compiled(place):
        with replacing_folder(place) as temporary:
            compile_registry(files, temporary, keep=MAX_PAGE)
    return Registry(place)


def identifiers(batch: Any, columns: Columns) -> list[tuple[int, str]]:
    """Give the identifiers of the rows of a table: those of its column of them, and the digests of whole files."""
    found: list[tuple[int, str]] = []
    if columns.ids:
        for row, value in enumerate(values_of(batch.column(columns.ids))):
            for text in _texts(value):
                found += [(row, identifier) for identifier in identifiers_of(text)]
    if columns.contents:
        for row, value in enumerate(values_of(batch.column(columns.contents))):
            content = content_of(value)
            if content is not None:
                found.append((row, f"sha256:{hashlib.sha256(content.data).hexdigest()}"))
    return found


def _texts(value: Any) -> list[str]:
    """Give the texts of a value: one, or a list of them, which tables of text write as JSON."""
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    listed = value if isinstance(value, list) else [value]
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in listed if one is not None]


class Registered:
    """Marks the works of a shard that a registry names."""

    def __init__(self, registry: Registry, book: Book) -> None:
        self._registry, self._book = registry, book
        self._numbers: dict[int, int] = {}

    def mark(self, places: Sequence[Places], ids: Sequence[tuple[int, str]], marks: Marks) -> None:
        """Mark the rows of a batch that are named by a URL or an identifier; all of them were asked."""
        marks.asked |= BIT["registry"]
        found = [self._registry.find_urls(column) for column in places]
        for rows, entries in (*found, self._registry.find_ids(ids)):
            self._enter((rows, entries), marks)

    def _enter(self, pairs: Pairs, marks: Marks) -> None:
        rows, entries = pairs
        distinct, inverse = np.unique(entries, return_inverse=True)
        numbers = np.array([self._number(entry, marks) for entry in distinct.tolist()], dtype=np.int64)
        marks.rows += rows.tolist()
        marks.signals += numbers[inverse].tolist()

    def _number(self, entry: int, marks: Marks) -> int:
        """Give the number of the signal of an entry; keep the list it stands in, if it is not too long."""
        number = self._numbers.get(entry)
        if number is None:
            number = self._numbers[entry] = self._book.cite(entry, *self._registry.identity(entry))
            file = self._registry.file_of(entry)
            source = f"registry:{file.name}"
            data = None if (file.sha256, source) in marks.proofs else self._registry.bytes_of(file)
            if data is not None:
                marks.keep(Proof(sha256=file.sha256, data=data, source=source))
        return number
