"""Licence documents (RSL) that records of archives link, wherever they lie, found among the records themselves.

While an archive is read, it is noted what it links and, by digests of eight bytes, which URLs it has answers for. Only
an archive that seems to have a linked one is read again, for that. What no record answers stays unasked.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datalib.errors import Refused
from datalib.optout import robots, rsl
from datalib.optout.answers import ROBOTS, Answer, to_json_line
from datalib.optout.archived_sites import answer_at, answer_of, is_site_file, settled
from datalib.optout.followed import links_of
from datalib.optout.model import Signal
from datalib.optout.outputs import replacing
from datalib.optout.urls import Place, place_of
from datalib.webarchive.files import called_packed, entries_of, is_wacz, opened
from datalib.webarchive.http import read_response
from datalib.webarchive.records import Record, read_records

LINKS, LINKED = ".links", ".linked"
#: Links of one archive that are followed, and of all.
_MOST: Final = 1 << 16
_MOST_OF_ALL: Final = 1 << 20
_NUMBER: Final = 8
#: Bytes of a response among which its header block is looked for.
_HEAD: Final = 1 << 14
_RSL: Final = rsl.MEDIA_TYPE.partition("/")[2].encode()

Numbers = NDArray[np.uint64]


class Linked(NamedTuple):
    """An archive to be read again: for the answers of some URLs. ``base`` names what is left, without extension."""

    path: Path
    entry: str
    base: Path
    urls: frozenset[str]


class Notes:
    """What an archive links, and what it has answers for."""

    def __init__(self) -> None:
        self._links: dict[str, None] = {}
        self._seen = array("Q")

    @property
    def urls(self) -> frozenset[str]:
        """The URLs that are linked, as the standard writes them, without fragments."""
        return frozenset(self._links)

    def see(self, record: Record) -> None:
        """Note that there is an answer for a URL."""
        place = _place(record)
        if place is not None:
            self._seen.append(_number(_spelled(place)))

    def links(self, found: Iterable[str], base: str) -> None:
        """Note the links of what was found at a URL."""
        for link in found:
            place = place_of(rsl.resolve(link, base) or "")
            if isinstance(place, Place) and len(self._links) < _MOST:
                self._links[_spelled(place)] = None

    def signals(self, found: Iterable[Signal], url: str | None) -> None:
        """Note the links of the headers or the page of a work."""
        for signal in found:
            if url and signal.signal == rsl.SIGNAL:
                self.links(links_of(signal), url)

    def write(self, path: Path) -> None:
        """Write the notes."""
        path.write_bytes(json.dumps(list(self._links)).encode() + b"\n" + self._seen.tobytes())


def robots_links(answer: Answer) -> tuple[str, ...]:
    """Give the links of a robots.txt; none of any other answer."""
    if answer.path != ROBOTS or b"license" not in answer.body.lower():
        return ()
    return rsl.robots_links(robots.parse(answer.body))


def to_read_again(archives: Sequence[tuple[Path, str, Path]]) -> Iterator[Linked]:
    """Give those archives (path, entry, base) that seem to have documents that any of them links."""
    wanted: set[str] = set()
    for *_, base in archives:
        wanted.update(_read(base.with_suffix(LINKS))[0])
    urls = sorted(wanted)[:_MOST_OF_ALL]
    numbers = np.array([_number(url) for url in urls], dtype=np.uint64)
    for path, entry, base in archives if urls else ():
        there = np.flatnonzero(np.isin(numbers, _read(base.with_suffix(LINKS))[1]))
        if there.size:
            yield Linked(path, entry, base, frozenset(urls[place] for place in there.tolist()))


def read_linked(task: Linked) -> Path:
    """Read an archive for the answers of some URLs; leave them as a snapshot. Raises Unchecked (E-IO)."""
    place = task.base.with_suffix(LINKED)
    with replacing(place) as file, file.open("w", encoding="utf-8") as out:
        for record in _records(task.path, [task.entry]):
            answer = linked_answer(record, task.urls)
            if answer:
                out.write(to_json_line(answer) + "\n")
    return place


def linked_answer(record: Record, urls: frozenset[str]) -> Answer | None:
    """Give the answer that a record holds for one of some URLs; those of known files are found anyway."""
    place = _place(record)
    wanted = place is not None and _spelled(place) in urls and not is_site_file(record.url)
    return answer_at(record, place) if place and wanted else None


def read_sites(path: Path) -> Iterator[Answer]:
    """Read the answers in an archive, as a site snapshot, with the documents that its robots.txt and headers link.

    Raises Refused (E-SITES-FORMAT) for a WACZ that is none, Unchecked (E-IO).
    """
    try:
        entries = entries_of(path) if is_wacz(path.name) else ("",)
        notes = Notes()
        for record in _records(path, entries):
            answer = answer_of(record)
            notes.links(robots_links(answer) if answer else (), record.url)
            notes.links(_header_links(record), record.url)
        urls = notes.urls
        yield from settled(lambda: filter(None, (_answer(record, urls) for record in _records(path, entries))))
    except Refused as error:
        raise Refused("E-SITES-FORMAT", str(path), error.detail) from error


def _answer(record: Record, urls: frozenset[str]) -> Answer | None:
    return answer_of(record) or (linked_answer(record, urls) if urls else None)


def _records(path: Path, entries: Iterable[str]) -> Iterator[Record]:
    for entry in entries:
        with opened(path, entry) as pull:
            yield from read_records(pull, packed=called_packed(entry or path.name))


def _header_links(record: Record) -> tuple[str, ...]:
    """Give the licence documents that the headers of a response link."""
    if record.kind != "response" or _RSL not in record.block[:_HEAD].lower():
        return ()
    response = read_response(record.block)
    return rsl.header_links(value for name, value in response.lines if name.lower() == "link") if response else ()


def _place(record: Record) -> Place | None:
    place = place_of(record.url) if record.kind in {"response", "resource"} else None
    return place if isinstance(place, Place) else None


def _spelled(place: Place) -> str:
    return place.origin + place.target


def _number(url: str) -> int:
    return int.from_bytes(hashlib.sha256(url.encode()).digest()[:_NUMBER], "little")


def _read(path: Path) -> tuple[list[str], Numbers]:
    links, _, seen = path.read_bytes().partition(b"\n")
    return json.loads(links), np.frombuffer(seen, dtype="<u8")
