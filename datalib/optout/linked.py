"""The licence documents that the answers of origins link, found among the answers of a site store.

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
from datalib.optout.urls import places_of

_SUCCESS = range(200, 300)

First = NDArray[np.int64]
Numbers = NDArray[np.int32]


class Link(NamedTuple):
    """A link of one answer: where the answer stands, its origin, the URL."""

    place: int
    site: int
    url: str


def links_of(store: SiteStore, judges: Judges, site: First, answer: Numbers, place: First) -> Iterator[Link]:
    """Give all links of some answers, which stand at ``place``; one that is no URL, or one too many, has ``""``."""
    for number, content, at in zip(site.tolist(), answer.tolist(), place.tolist(), strict=True):
        links = judges.links[content]
        base = store.origin(number) + ROBOTS
        for link in links[:MAX_LINKS]:
            yield Link(at, number, resolve(link, base) or "")
        if len(links) > MAX_LINKS:
            yield Link(at, number, "")


def follow(
    store: SiteStore, judges: Judges, answers: tuple[First, Numbers], links: Sequence[Link]
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


def variants_of(judges: Judges, answer: Numbers, states: dict[int, Links]) -> dict[tuple[int, Links], int]:
    """Give the contents at some places, with what became of their links, numbers behind those of all contents."""
    count = len(judges.contents["first"])
    numbers: dict[tuple[int, Links], int] = {}
    for place, state in states.items():
        if state is not Links.NOT_ASKED:
            numbers.setdefault((int(answer[place]), state), count + len(numbers))
    return numbers


def variant_rows(judges: Judges, variants: dict[tuple[int, Links], int]) -> dict[str, NDArray[Any]]:
    """Give the rows of variants: columns as those of ``Judges.contents``.

    Of the rows that hold everywhere, the last stands for documents unread and the next for one that is unreadable.
    """
    base = np.array([number for number, _ in variants], dtype=np.int64)
    rows = {name: column[base] for name, column in judges.contents.items()}
    change = np.array([-1 if state is Links.READ else 1 for _, state in variants], dtype=np.int32)
    rows["everywhere"] += change * ~rows["slow"]
    return rows
