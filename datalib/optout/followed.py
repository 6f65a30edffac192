"""Licence documents (RSL) that pages and headers link, looked up in the site snapshot: nothing is fetched.

A document that the snapshot holds speaks about the work; one that it was asked for and cannot be read holds the work;
one that nobody asked for is an offer that nobody accepted (RSL 1.0 §4.3). Answers that are too old do not count.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from datalib.optout import rsl
from datalib.optout.book import Book
from datalib.optout.carried import Proof
from datalib.optout.location import Location
from datalib.optout.model import Carrier, Signal
from datalib.optout.rsl import Links
from datalib.optout.site import Content
from datalib.optout.statement import MAX_RAW, Evidence
from datalib.optout.urls import Places, places_of

if TYPE_CHECKING:
    from datalib.optout.reading import Marks

_SUCCESS = range(200, 300)
_KEPT = 1 << 10


class Followed(NamedTuple):
    """What became of a link, and what the documents behind it say: signals, where they stand, the bytes."""

    state: Links
    documents: tuple[tuple[tuple[Signal, ...], Evidence, bytes], ...] = ()


#: Follows a link of one work.
Bound = Callable[[str], Followed]


class Follower:
    """Follows the links of works into a snapshot."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._parse = lru_cache(_KEPT)(self._read)
        self._contents = lru_cache(_KEPT)(self._find)

    def follow(self, urls: Sequence[str], link: str) -> Followed:
        """Follow a link of the work at some URLs; a relative one is one of the first. Works without a URL have none."""
        target = rsl.resolve(link, urls[0]) if urls else None
        numbers = self._contents(target) if target else ()
        documents: list[tuple[tuple[Signal, ...], Evidence, bytes]] = []
        state = Links.READ if numbers else Links.NOT_ASKED
        for number in numbers:
            content, document = self._parse(number)
            if document is None or target is None:
                state = Links.UNREADABLE
                continue
            evidence = Evidence(locator=target, sha256=content.sha256)
            found = (signal for place in _places(urls) for signal in document.signals(place[1], evidence, place[0]))
            documents.append((tuple(dict.fromkeys(found)), evidence, content.body))
        return Followed(state, tuple(documents))

    def _find(self, url: str) -> tuple[int, ...]:
        """Give the contents that were answered for a URL."""
        location = self._location
        place = places_of(_array([url]))
        origin = int(location.store.lookup(place)[0])
        if origin < 0:
            return ()
        path = place.target(0).decode("ascii")
        paths, contents = location.store.paths, location.store.contents
        asked = set(location.answers_of(origin))
        return tuple(sorted(number for number in asked if paths[contents["path"][number]] == path))

    def _read(self, number: int) -> tuple[Content, rsl.Document | None]:
        content = self._location.store.content(number)
        readable = isinstance(content.status, int) and content.status in _SUCCESS
        document = rsl.parse(content.body) if readable else rsl.UNREADABLE
        return content, document if document.readable else None


class Linking:
    """The works of a batch and the follower of their links. ``urls`` are their URL columns."""

    def __init__(self, follower: Follower, urls: Sequence[Any]) -> None:
        self._follower, self._urls = follower, urls

    def of(self, row: int) -> Bound:
        """Give what follows the links of one row."""
        urls = [text for column in self._urls if (text := column[row].as_py())]
        return lambda link: self._follower.follow(urls, link)


def settle_marks(marks: "Marks", urls: Sequence[str | None], follower: Follower, book: Book) -> None:
    """Follow the links of works that were read before the snapshot was at hand, as those in archives are."""
    rows, signals = list[int](), list[int]()
    for row, number in zip(marks.rows, marks.signals, strict=True):
        offer = book.made_of(number)
        url, links = urls[row], links_of(offer) if offer and offer.signal == rsl.SIGNAL else ()
        if offer is None or not url or not 0 < len(links) <= rsl.MAX_LINKS:
            rows.append(row)
            signals.append(number)
            continue
        followed = [follower.follow([url], link) for link in links]
        documents = [document for each in followed for document in each.documents]
        found = [
            *rsl.settle([offer], max(each.state for each in followed)),
            *(s for said in documents for s in said[0]),
        ]
        rows += [row] * len(found)
        signals += map(book.enter, found)
        for _, evidence, body in documents:
            proof = Proof(sha256=evidence.sha256, data=body, source=evidence.locator)
            marks.keep(proof)
    marks.rows, marks.signals = rows, signals


def links_of(offer: Signal) -> tuple[str, ...]:
    """Give the links of an offer by a page or headers; a document that stands in a page says more, and has none."""
    if offer.strict != rsl.OFFER or offer.carrier not in _LINKING or len(offer.raw) >= MAX_RAW:
        return ()
    lines = tuple(offer.raw.splitlines())
    return rsl.header_links(lines) if offer.carrier is Carrier.TRANSFER else lines


_LINKING = frozenset({Carrier.TRANSFER, Carrier.PAGE})


def _places(urls: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give the origin and the target of each URL."""
    places: Places = places_of(_array(urls))
    for row in range(len(urls)):
        origin = places.data[places.start[row] : places.cut[row]].tobytes().decode("ascii")
        if not places.fault[row]:
            yield origin, places.target(row).decode("ascii")


def _array(urls: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.array(urls, pa.string())
