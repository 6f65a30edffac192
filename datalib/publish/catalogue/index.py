"""What the search reads: scripts, since a page in a folder on a disk may load scripts but no data.

``index/LANG.HASH.js`` begins: names of values to filter by, and of the rest. Each ``index/LANG-N.HASH.js`` holds some
libraries, in the order of the list. All are named by their content: an old page finds its old index until the new pages
stand. Whatever is in them is data, which ``search.js`` shows as text.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import datalib_vocab
from datalib.publish.catalogue.assets import Asset, named
from datalib.publish.catalogue.entry import CODE, FACETS, STATES, Entry
from datalib.publish.catalogue.pages import title_of
from datalib.publish.catalogue.spool import Spool
from datalib.publish.markup import shown
from datalib.publish.wording import Wording
from datalib_vocab import LANGUAGES

FOLDER: Final = "index"
#: Libraries in one script.
CHUNK: Final = 500
#: Values that can be chosen of one kind; the search by words finds the others.
VALUES: Final = 100
_CODES: Final = 1000  # more than there are
_WORDS: Final = 300  # characters that are searched besides those that are shown


def record(entry: Entry, say: Wording) -> list[Any]:
    """Give what is searched and shown of one library; ``search.js`` names the places."""
    names = [entry.names[lang] for lang in LANGUAGES if lang != say.lang and entry.names]
    makers = [entry.maker[lang] for lang in LANGUAGES if lang != say.lang and entry.maker]
    title = title_of(entry, say)
    words = dict.fromkeys([*names, *makers, *entry.keywords, entry.folder])
    return [
        entry.key,
        shown(title, 200),
        shown(entry.maker.get(say.lang, "")),
        entry.sector,
        entry.producer,
        entry.purposes,
        entry.languages,
        entry.licences,
        entry.state,
        entry.code,
        " ".join(word for word in words if word not in {title, ""})[:_WORDS],
    ]


def chunks(spool: Spool, say: Wording) -> Iterator[Asset]:
    """Yield the scripts that hold the libraries."""
    waiting, number = list[list[Any]](), 0
    for entry in spool.sorted(say.lang):
        waiting.append(record(entry, say))
        if len(waiting) == CHUNK:
            yield _script(f"{say.lang}-{number}", [number, waiting])
            waiting, number = [], number + 1
    if waiting:
        yield _script(f"{say.lang}-{number}", [number, waiting])


def head(spool: Spool, say: Wording, names: Sequence[str]) -> Asset:
    """Give the script that the search begins with; ``names``: those of the others, without their folder."""
    value = {
        "chunks": names,
        "facets": {facet: list(_values(spool, facet, say)) for facet in FACETS},
        "states": {state: say.text(f"state.{state}") for state in STATES},
        "codes": {code: datalib_vocab.text(code, say.lang) for code, _, _ in spool.facet(CODE, _CODES)},
    }
    return _script(say.lang, value)


def _values(spool: Spool, facet: str, say: Wording) -> Iterable[tuple[str, str, int]]:
    """Yield the values of a facet: value, name, number of libraries."""
    for value, names, count in spool.facet(facet, VALUES):
        yield value, shown(_named(facet, value, names.get(say.lang, ""), say), 80), count


def _named(facet: str, value: str, name: str, say: Wording) -> str:
    if facet == "purpose":
        return say.name("purposes", value) or value
    if facet == "state":
        return say.text(f"state.{value}")
    return name or value


def _script(name: str, value: object) -> Asset:
    """Write a value as a script that hands it over: JSON, without the letters that end a line in old scripts."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    data = f"datalibCatalogue({text});\n".encode("utf-8", "replace")
    return named(FOLDER, name, "js", data)
