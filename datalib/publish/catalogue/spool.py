"""The entries of a build in order, however many: SQLite in a file without a name, which a kill leaves nowhere."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from datalib.publish.catalogue.entry import CODE, FACETS, Entry
from datalib_vocab import LANGUAGES

#: Letters in the order of their alphabets, which is not that of their numbers.
_ALPHABETS: Final = {
    "kk": "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
}
_ORDERS: Final = {
    lang: {ord(letter): 0x400 + at for at, letter in enumerate(all_)} for lang, all_ in _ALPHABETS.items()
}
_KILOBYTES: Final = 4096  # of memory that the database may use before it goes to its file


class Spool:
    """Entries, and what is counted of them, while the ``with`` block runs."""

    def __enter__(self) -> Self:
        self._base = sqlite3.connect("", isolation_level=None)
        run = self._base.execute
        run(f"PRAGMA cache_size = -{_KILOBYTES}")
        run("PRAGMA journal_mode = OFF")
        run("PRAGMA temp_store = FILE")
        columns = ", ".join(f"by_{lang} TEXT" for lang in LANGUAGES)
        run(
            "CREATE TABLE entries "
            f"(key TEXT PRIMARY KEY, state TEXT, changed INTEGER, data BLOB, {columns}) WITHOUT ROWID"
        )
        run("CREATE TABLE sources (path BLOB PRIMARY KEY, claim TEXT) WITHOUT ROWID")
        run("CREATE TABLE facets (facet TEXT, value TEXT, label TEXT, count INTEGER, PRIMARY KEY (facet, value))")
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def add_source(self, path: Path, claim: str) -> None:
        """Take in a folder that holds a library, and the id that it claims; the same folder counts once."""
        self._base.execute("INSERT OR IGNORE INTO sources VALUES (?, ?)", (os.fsencode(path), claim))

    def size(self) -> int:
        """Tell how many folders were taken in."""
        (found,) = self._base.execute("SELECT count(*) FROM sources").fetchone()
        return int(found)

    def sources(self) -> Iterator[tuple[Path, str, bool]]:
        """Yield the folders in the order of their paths: path, claimed id, whether others claim the same."""
        several = "SELECT claim FROM sources GROUP BY claim HAVING count(*) > 1"
        rows = self._base.execute(f"SELECT path, claim, claim IN ({several}) FROM sources ORDER BY path")  # noqa: S608 - no text of others
        for path, claim, contested in rows:
            yield Path(os.fsdecode(path)), claim, bool(contested)

    def add(self, entry: Entry) -> None:
        """Take an entry in."""
        orders = [_order(entry, lang) for lang in LANGUAGES]
        places = ", ".join("?" * (4 + len(LANGUAGES)))
        row = (entry.key, entry.state, entry.changed, entry.serialise(), *orders)
        self._base.execute(f"INSERT INTO entries VALUES ({places})", row)  # noqa: S608 - question marks only
        for facet in (*FACETS, CODE):
            for value in entry.values(facet):
                label = "\n".join(entry.maker.get(lang, "") for lang in LANGUAGES) if facet == "producer" else ""
                self._base.execute(
                    "INSERT INTO facets VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                    (facet, value, label),
                )

    def __contains__(self, key: str) -> bool:
        """Tell whether there is an entry of that key."""
        return self._base.execute("SELECT 1 FROM entries WHERE key = ?", (key,)).fetchone() is not None

    def counts(self) -> Mapping[str, int]:
        """Count the entries by state."""
        return dict(self._base.execute("SELECT state, count(*) FROM entries GROUP BY state ORDER BY state"))

    def facet(self, facet: str, limit: int) -> list[tuple[str, Mapping[str, str], int]]:
        """Give the values of a facet, the most frequent first: value, names by language, number of entries."""
        rows = self._base.execute(
            "SELECT value, label, count FROM facets WHERE facet = ? ORDER BY count DESC, value LIMIT ?", (facet, limit)
        )
        return [
            (value, dict(zip(LANGUAGES, label.split("\n"), strict=True)) if label else {}, count)
            for value, label, count in rows
        ]

    def sorted(self, lang: str) -> Iterator[Entry]:
        """Yield the entries by title, in the order of a language."""
        return self._entries(f"SELECT data FROM entries ORDER BY by_{lang}, key")  # noqa: S608 - one of LANGUAGES

    def keyed(self) -> Iterator[Entry]:
        """Yield the entries by key."""
        return self._entries("SELECT data FROM entries ORDER BY key")

    def newest(self, limit: int) -> Iterator[Entry]:
        """Yield those that changed last."""
        return self._entries(f"SELECT data FROM entries ORDER BY changed DESC, key LIMIT {limit:d}")  # noqa: S608 - a number

    def _entries(self, query: str) -> Iterator[Entry]:
        rows: Iterable[tuple[bytes]] = self._base.execute(query)
        for (data,) in rows:
            entry = Entry.parse(data)
            if entry is not None:
                yield entry


def _order(entry: Entry, lang: str) -> str:
    title = (entry.names.get(lang) or entry.folder).casefold()
    return title.translate(_ORDERS.get(lang, {}))
