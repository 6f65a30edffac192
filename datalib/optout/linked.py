"""Which contents speak for each origin of a site store: its own files, and the licence documents that these link.

A content is compiled without knowing who said it, and a link leads anywhere; here both come together. A content whose
links were followed is put in by a *variant* of itself: a number behind those of the store, with its own row.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalib.optout.answers import ROBOTS
from datalib.optout.judges import Judges
from datalib.optout.rsl import MAX_LINKS, Links, resolve
from datalib.optout.site import SiteStore
from datalib.optout.site_files import CARRIER_OF
from datalib.optout.urls import places_of

_SUCCESS = range(200, 300)

First = NDArray[np.int64]
Numbers = NDArray[np.int32]


class Speaking(NamedTuple):
    """The contents that speak for each origin: of the origin ``n`` those in ``answer[first[n]:first[n + 1]]``.

    ``contents`` are the columns of ``Judges.contents`` with the variants behind them; ``variants`` gives the content
    that a variant is of, and what became of its links.
    """

    first: First
    answer: Numbers
    contents: dict[str, NDArray[Any]]
    variants: dict[int, tuple[int, Links]]


class _Link(NamedTuple):
    """A link of one answer: where the answer stands, its origin, the URL."""

    place: int
    site: int
    url: str


def answers_that_speak(store: SiteStore, judges: Judges, first: First, answer: Numbers) -> Speaking:
    """Join answers with the documents that they link; answers for other paths do not speak unless linked."""
    known = np.array([path in CARRIER_OF for path in store.paths], dtype=np.bool_)
    own = known[store.contents["path"][answer]] if len(answer) else np.zeros(0, dtype=np.bool_)
    if own.all() and not judges.links:
        return Speaking(first, answer, judges.contents, {})
    site = np.repeat(np.arange(len(first) - 1), np.diff(first))
    pairs, states = _follow(store, judges, (first, answer), list(_links(store, judges, site, answer)))
    numbers = answer.copy()
    contents, variants = _with_variants(judges, numbers, states)
    sites, found = np.concatenate([site[own], pairs[0]]), np.concatenate([numbers[own], pairs[1]])
    _, once = np.unique(sites * (len(contents["first"]) + 1) + found, return_index=True)
    sites, found = sites[once], found[once]
    counts = np.bincount(sites, minlength=len(first) - 1)
    return Speaking(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), found, contents, variants)


def _links(store: SiteStore, judges: Judges, site: First, answer: Numbers) -> Iterator[_Link]:
    """Give all links of all answers; one that is no URL, or one too many, has the URL ``""``."""
    linking = np.isin(answer, np.array(list(judges.links), dtype=np.int32))
    for place in np.flatnonzero(linking).tolist():
        number = int(site[place])
        links = judges.links[int(answer[place])]
        base = store.origin(number) + ROBOTS
        for link in links[:MAX_LINKS]:
            yield _Link(place, number, resolve(link, base) or "")
        if len(links) > MAX_LINKS:
            yield _Link(place, number, "")


def _follow(
    store: SiteStore, judges: Judges, answers: tuple[First, Numbers], links: Sequence[_Link]
) -> tuple[tuple[First, Numbers], dict[int, Links]]:
    """Find the documents of links: pairs of origin and content that are documents, and the state of each place."""
    first, answer = answers
    sites: list[int] = []
    found: list[int] = []
    states: dict[int, Links] = {}
    documents, contents = judges.contents["document"], store.contents
    places = places_of(pa.array([link.url for link in links], pa.string()))
    for row, (link, origin) in enumerate(zip(links, store.lookup(places).tolist(), strict=True)):
        path = places.target(row).decode("ascii") if link.url else ""
        asked = answer[first[origin] : first[origin + 1]].tolist() if link.url and origin >= 0 else []
        asked = [number for number in asked if store.paths[contents["path"][number]] == path]
        read = [number for number in asked if documents[number] and int(contents["status"][number]) in _SUCCESS]
        sites += [link.site] * len(read)
        found += read
        state = Links.NOT_ASKED if not asked else Links.READ if len(read) == len(asked) else Links.UNREADABLE
        states[link.place] = max(state, states.get(link.place, Links.READ))
    return (np.array(sites, dtype=np.int64), np.array(found, dtype=np.int32)), states


def _with_variants(
    judges: Judges, numbers: Numbers, states: dict[int, Links]
) -> tuple[dict[str, NDArray[Any]], dict[int, tuple[int, Links]]]:
    """Put variants into ``numbers`` where links were followed; give the columns with their rows behind.

    Of the rows that hold everywhere, the last stands for documents unread and the next for one that is unreadable.
    """
    variant_of: dict[tuple[int, Links], int] = {}
    count = len(judges.contents["first"])
    for place, state in states.items():
        if state is not Links.NOT_ASKED:
            key = int(numbers[place]), state
            numbers[place] = variant_of.setdefault(key, count + len(variant_of))
    if not variant_of:
        return judges.contents, {}
    base = np.array([number for number, _ in variant_of], dtype=np.int64)
    contents = {name: np.concatenate([column, column[base]]) for name, column in judges.contents.items()}
    change = np.array([-1 if state is Links.READ else 1 for _, state in variant_of], dtype=np.int32)
    compiled = ~contents["slow"][count:]
    contents["everywhere"][count:] += change * compiled
    return contents, {number: key for key, number in variant_of.items()}
