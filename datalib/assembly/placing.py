"""Put the files of inputs below their prefixes, and take away those that an input does not have any more.

One walk over the folder, one reading of the former listing and of those of the inputs, all in the order of paths, in
constant memory. A file is written over or removed only if the former listing has exactly it; anything else is
somebody's work and stops the run. So a run that was interrupted can be repeated, and a finished one changes nothing.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from datalib.errors import Refused
from datalib.library import hashing, listing
from datalib.library.files import Kind
from datalib.library.listing import Line
from datalib.library.paths import readable, to_bytes
from datalib.library.store import Folder
from datalib.progress import Watch, nobody, watched

_GONE: Final = "E-FILE-CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the new library that is copied from a folder; an empty prefix: what lies below no other.

    ``lines`` yields what must be there, in order, by its paths in the new library.
    """

    prefix: str
    folder: Path
    lines: Callable[[], Iterator[Line]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What a run did: files copied, removed, and found as they must be."""

    copied: int
    removed: int
    kept: int


class _Item(NamedTuple):
    raw: bytes
    line: Line
    region: Region


def prefixed(lines: Iterable[Line], prefix: str) -> Iterator[Line]:
    """Give the lines of an upstream listing as they will be below a prefix."""
    return (Line(line.sha256, prefix + line.path) for line in lines)


def former_lines(folder: Folder) -> Iterator[Line]:
    """Yield the lines of the listing that lies in a library, nothing if there is none."""
    if folder.exists(listing.NAME):
        sha256 = hashing.hash_file(folder, listing.NAME, missing=_GONE).sha256
        yield from listing.lines(folder, sha256=sha256)


def place(out: Folder, regions: Sequence[Region], *, leave: Iterable[str] = (), watch: Watch = nobody) -> Placed:
    """Make the regions of a library hold exactly their files; ``leave``: prefixes and files that are not looked at.

    Raises ``Refused``: ``E-OUT-EXISTS`` for a file in the way, ``E-FILE-SYMLINK``, ``E-FILE-TYPE``, ``E-FILE-CHANGED``
    for an input that changes meanwhile.
    """
    work = _Work(out, _places(regions, leave))
    work.run(watched(_wanted(regions), watch, "place", None), _former(out))
    return Placed(copied=work.copied, removed=work.removed, kept=work.kept)


def foresee(out: Folder, regions: Sequence[Region], *, leave: Iterable[str] = ()) -> tuple[Placed, tuple[Refused, ...]]:
    """Say what `place` would do, and all that would stop it; nothing is written."""
    work = _Foresight(out, _places(regions, leave))
    work.run(_wanted(regions), _former(out))
    return Placed(copied=work.copied, removed=work.removed, kept=work.kept), tuple(work.stops)


def _places(regions: Sequence[Region], leave: Iterable[str]) -> dict[str, Region | None]:
    return {**dict.fromkeys(leave), **{region.prefix: region for region in regions}}


def _wanted(regions: Sequence[Region]) -> Iterator["_Item"]:
    own = [region for region in regions if not region.prefix]
    below = sorted((region for region in regions if region.prefix), key=lambda region: to_bytes(region.prefix))
    # No prefix lies in another, so that one after the other is the order of paths.
    return heapq.merge(chain.from_iterable(map(_items, below)), *map(_items, own), key=lambda item: item.raw)


def _former(out: Folder) -> Iterator[tuple[bytes, str]]:
    return ((to_bytes(line.path), line.sha256) for line in former_lines(out))


def _items(region: Region) -> Iterator[_Item]:
    return (_Item(to_bytes(line.path), line, region) for line in region.lines())


class _Work:
    """One run over all paths, in order."""

    def __init__(self, out: Folder, regions: dict[str, Region | None]) -> None:
        self.copied = self.removed = self.kept = 0
        self._out = out
        self._regions = regions

    def run(self, wanted: Iterator[_Item], former: Iterator[tuple[bytes, str]]) -> None:
        item, listed = next(wanted, None), next(former, None)
        for path in self._present():
            raw = to_bytes(path)
            while item is not None and item.raw < raw:
                self._copy(item)
                item = next(wanted, None)
            while listed is not None and listed[0] < raw:
                listed = next(former, None)
            known = listed[1] if listed is not None and listed[0] == raw else None
            if item is not None and item.raw == raw:
                self._settle(item, known)
                item = next(wanted, None)
            else:
                self._remove(path, known)
        while item is not None:
            self._copy(item)
            item = next(wanted, None)

    def _present(self) -> Iterator[str]:
        """Yield the files that lie in a region."""
        for path, kind in self._out.walk(leave_out=hashing.is_reserved):
            if self._region(path) is None:
                continue
            if kind is Kind.FILE:
                yield path
            else:
                self._stop("E-FILE-SYMLINK" if kind is Kind.LINK else "E-FILE-TYPE", path, "")

    def _region(self, path: str) -> Region | None:
        if path in self._regions:
            return self._regions[path]
        end = path.find("/")
        while end >= 0:
            if path[: end + 1] in self._regions:
                return self._regions[path[: end + 1]]
            end = path.find("/", end + 1)
        return self._regions.get("")

    def _settle(self, item: _Item, known: str | None) -> None:
        """Leave a file that is as it must be; write over one that the former listing has."""
        path, found = item.line.path, self._sha256(item.line.path)
        if found == item.line.sha256:
            self.kept += 1
        elif found == known:
            self._copy(item)
        else:
            self._stop("E-OUT-EXISTS", path, "another file lies where one of an input must be")

    def _remove(self, path: str, known: str | None) -> None:
        if known is None or self._sha256(path) != known:
            self._stop("E-OUT-EXISTS", path, "no input has this file, and only they may lie here")
        else:
            self._take_away(path)
            self.removed += 1

    def _copy(self, item: _Item) -> None:
        self._put(item)
        self.copied += 1

    def _stop(self, code: str, path: str, detail: str) -> None:
        raise Refused(code, readable(path), detail)

    def _take_away(self, path: str) -> None:
        self._out.remove(path)

    def _put(self, item: _Item) -> None:
        region = item.region
        with Folder(region.folder) as folder:
            source = item.line.path[len(region.prefix) :]
            with folder.open(source, missing=_GONE) as file:
                self._out.take(item.line.path, file)

    def _sha256(self, path: str) -> str:
        return hashing.hash_file(self._out, path, missing=_GONE).sha256


class _Foresight(_Work):
    """The same run, of which nothing comes but what it would do and what would stop it."""

    def __init__(self, out: Folder, regions: dict[str, Region | None]) -> None:
        super().__init__(out, regions)
        self.stops: list[Refused] = []

    def _stop(self, code: str, path: str, detail: str) -> None:
        self.stops.append(Refused(code, readable(path), detail))

    def _take_away(self, path: str) -> None:
        """Leave it."""

    def _put(self, item: _Item) -> None:
        """Leave it."""
