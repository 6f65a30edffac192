"""One library in a site: looked at, told of, written down."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from datalib.admission import Demand
from datalib.archive import pack
from datalib.archive.reading import Kind
from datalib.errors import DatalibError, Refused, Unchecked
from datalib.library.paths import is_record
from datalib.library.store import Folder, is_leftover
from datalib.publish.catalogue import entry as entries
from datalib.publish.catalogue import linked, pages, sight, sources
from datalib.publish.catalogue.entry import Entry
from datalib.publish.catalogue.shelf import Shelf
from datalib.publish.catalogue.site import Site
from datalib.publish.story import Question, Story, tell
from datalib.publish.wording import Wording
from datalib.rules.reading import Request
from datalib.trust.belief import Trust
from datalib_vocab import LANGUAGES

ENTRY: Final = "entry.json"
_PAGES: Final = tuple(f"{lang}.html" for lang in LANGUAGES)
#: Files that are copied as they are.
_COPIED: Final = ("datapackage.json", "chain.jsonl", "files.sha256")
_DESCRIBED: Final = ("dcat.ttl", "dcat.jsonld")
_NAMES: Final = frozenset({ENTRY, *_PAGES, *pages.DOWNLOADS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of every library; ``sets`` of rules, by the producer's country if empty.

    ``with_data``: whether data are offered; ``settings``: all that shows on the page of a library besides itself.
    """

    trust: Trust | None
    demand: Demand
    sets: tuple[str, ...]
    with_data: bool
    settings: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A library as it stands in the site now; ``kept``: it was as before, so that nothing was written."""

    entry: Entry
    kept: bool


def hold(shelf: Shelf, site: Site, asked: Asked, *, path: Path, key: str, clock: int) -> Held:
    """Look at a library, and write its pages and files unless it is as it was; its entry is the caller's to write.

    ``clock``: the time in nanoseconds since 1970, whatever the time of the site is. Raises ``Misuse`` for a request
    that makes no sense, ``Unchecked("E-IO")`` if the site cannot be written.
    """
    before = read(shelf, key)
    seen = sight.look(path, asked.settings, clock)
    if before is not None and _is_whole(shelf, before, seen) and _stands(before, path, asked, site.now):
        return Held(entry=before, kept=True)
    try:
        story = _tell(path, asked, site.now)
        files = _copy(shelf, key, path, story, with_data=asked.with_data)
        _check_same(seen, sight.look(path, asked.settings, clock), path.name)
    except Refused as error:
        made = entries.unread(key, path.name, error.code)
        write = partial(pages.unread, site, entry=made, detail=error.detail)
        files = {}
    else:
        made = entries.of(story, key, path.name)
        made = replace(made, sight=seen.digest if seen.sure else "", outcome=sight.outcome(story.report))
        described = shelf.read(f"library/{key}/dcat.jsonld", pages.EMBEDDED) if files else None
        write = partial(pages.library, site, story=story, entry=made, files=files, described=described or b"")
    for lang in LANGUAGES:
        shelf.put(f"library/{key}/{lang}.html", write(Wording(lang=lang)))
    remove(shelf, key, keep={*_PAGES, *files, ENTRY})
    return Held(entry=_dated(replace(made, place=sources.place(path)), before, site.now), kept=False)


def key(shelf: Shelf, path: Path, claimed: str, *, contested: bool) -> str:
    """Name the folder of a library in the site: by the id that it claims.

    Where others claim the same, only the one that had the name before keeps it; the rest are named by their place too.
    """
    if not contested:
        return claimed
    before, place = read(shelf, claimed), sources.place(path)
    return claimed if before is not None and before.place == place else f"{claimed}-{place}"


def read(shelf: Shelf, key: str) -> Entry | None:
    """Give the entry of a library in the site, if there is one that can be read."""
    data = shelf.read(f"library/{key}/{ENTRY}")
    return Entry.parse(data) if data else None


def remove(shelf: Shelf, key: str, keep: Iterable[str] = ()) -> None:
    """Remove what a catalogue makes for a library, and its folder if nothing else lies there."""
    folder, kept = f"library/{key}", frozenset(keep)
    names = [name for name in shelf.names(folder) if (name in _NAMES or is_leftover(name)) and name not in kept]
    shelf.remove(folder, names)
    if not kept:
        shelf.remove_folder(folder)


def _is_whole(shelf: Shelf, before: Entry, seen: sight.Sight) -> bool:
    """Tell whether a library looks as before, and its files in the site, as far as others need them, are there."""
    if not seen.sure or before.sight != seen.digest:
        return False
    needed = {*_PAGES, *(_DESCRIBED if before.iri else ())}
    return needed <= set(shelf.names(f"library/{before.key}"))


def _stands(before: Entry, path: Path, asked: Asked, now: int) -> bool:
    """Tell whether a verification would find what it found before."""
    if asked.trust is None:
        return not before.outcome
    try:
        return sight.verified(path, asked.trust, asked.demand, now) == before.outcome
    except DatalibError:
        return False


def _tell(path: Path, asked: Asked, now: int) -> Story:
    """Tell of a library. One that cannot be read is refused, whatever keeps it from being read."""
    try:
        return tell(path, Question(trust=asked.trust, demand=asked.demand, law=Request(sets=asked.sets), now=now))
    except Unchecked as error:
        raise Refused(error.code, error.where, error.detail) from error


def _check_same(before: sight.Sight, after: sight.Sight, where: str) -> None:
    if before.digest != after.digest:
        raise Refused("E-FILE-CHANGED", where)


def _copy(shelf: Shelf, key: str, path: Path, story: Story, *, with_data: bool) -> dict[str, int]:
    """Copy the record of a library, and describe it: give names with bytes. There is nothing of one that is refused."""
    if story.told is None:
        return {}
    known, below = story.told.known, f"library/{key}/"
    with Folder(path) as source:
        names = [name for name in _COPIED if source.exists(name)]
        for name in names:
            with source.open(name, missing="E-FILE-CHANGED") as file:
                shelf.folder.take(below + name, file)
        if known.past is not None:
            names.append(pages.RECORD)
            with shelf.folder.placing(below + pages.RECORD) as file:
                pack.write(source, file, Kind.ZIP, wanted=is_record)
            if with_data and story.standing != "barred":
                names.append(pages.WHOLE)
                with shelf.folder.placing(below + pages.WHOLE) as file:
                    pack.write(source, file, Kind.TAR)
    for name, data in zip(_DESCRIBED, linked.of_library(known), strict=True):
        names.append(name)
        shelf.put(below + name, data)
    return {name: shelf.folder.size(below + name) for name in names}


def _dated(made: Entry, before: Entry | None, now: int) -> Entry:
    """Say since when a library is listed, and what readers want to hear of it."""
    if before is None:
        return replace(made, checked=now, listed=now, changed=now, news="new")
    news = _news(made, before)
    return replace(
        made,
        checked=now,
        listed=before.listed,
        changed=now if news else before.changed,
        news=news or before.news,
    )


def _news(made: Entry, before: Entry) -> str:
    if made.withdrawn and not before.withdrawn:
        return "withdrawn"
    if (made.state, made.code) != (before.state, before.code):
        if made.state in {"refused", "barred"}:
            return made.state
        if before.state in {"refused", "barred"}:
            return "cleared"
    return "changed" if made.head != before.head else ""
