"""Build a catalogue into a folder, or bring one up to date.

    1  every library is looked at; one that is as it was keeps its pages, else they are written anew, its entry last
    2  the search index, named by its content
    3  lists, feeds, descriptions of the whole; first pages last
    4  what no page needs any more is removed

Each file is replaced as a whole. A kill in 1 or 2 leaves the old lists, whose libraries and index are all there; in 3
lists old and new; in 4 something that no list names. The next run finishes.
Memory grows by the name of each library's folder alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from datalib import __version__
from datalib.admission import Demand
from datalib.canonical import canonical
from datalib.library.sampling import DataMode
from datalib.library.store import Folder, locked
from datalib.progress import Watch, nobody, watched
from datalib.publish.catalogue import annex, check, feed, holding, index, linked, pages, sources
from datalib.publish.catalogue.assets import ASSETS, Asset, asset, is_asset
from datalib.publish.catalogue.assets import FOLDER as ASSETS_FOLDER
from datalib.publish.catalogue.entry import Entry
from datalib.publish.catalogue.holding import ENTRY, Asked
from datalib.publish.catalogue.shelf import MARKER, Shelf, prepare
from datalib.publish.catalogue.site import Site
from datalib.publish.catalogue.spool import Spool
from datalib.publish.wording import Wording
from datalib.rules import checking, reading
from datalib.trust.belief import Trust
from datalib.trust.policy import Policy
from datalib.verify import believe
from datalib_vocab import LANGUAGES

GONE: Final = "gone.jsonl"
#: So many libraries are done before the disk is asked to keep them; as many are done again after a power cut.
_BATCH: Final = 256
_NAMED: Final = 100  # libraries that a result names


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was done. ``counts``: libraries by state; ``made`` anew, ``kept`` as they were, ``gone`` since last time.

    ``refused``: folder and code of those that are refused; ``contested``: folders that claim the id of another, too.
    Both name the first hundred.
    """

    counts: dict[str, int]
    made: int
    kept: int
    gone: int
    refused: tuple[tuple[str, str], ...]
    contested: tuple[str, ...]


def build(
    libraries: Sequence[Path],
    out: Path,
    *,
    site: Site,
    trust: Trust | None,
    demand: Demand,
    sets: Sequence[str] = (),
    clock: Callable[[], int],
    with_data: bool = False,
    watch: Watch = nobody,
) -> Built:
    """Build the catalogue of these libraries; a folder that is no library stands for those right in it.

    ``clock`` gives nanoseconds since 1970, to tell what has changed; ``with_data``: data are offered too, of libraries
    whose gate is open. That a library is refused is part of the result.
    Raises ``Misuse``: ``E-OUT-EXISTS`` if there are other things in the folder, ``E-USAGE``; ``Refused`` with the codes
    of a policy that cannot be believed and of a list of systems; ``Unchecked("E-IO")``.
    """
    DataMode.parse(demand.data)
    checking.check_sets(sets)
    if trust is not None:  # read once, not for each library
        trust = replace(trust, policy=believe(trust.policy, trust.roots, site.now, trust.memory), roots=None)
    asked = Asked(
        trust=trust,
        demand=demand,
        sets=tuple(sets),
        with_data=with_data,
        settings=_settings(site, trust, demand, [*sets, str(with_data)]),
    )
    lists = _annexes(site)
    with Spool() as spool:
        for path in sources.expand(libraries, out):
            spool.add_source(path, sources.claim(path))
        prepare(out)
        with locked(out / MARKER), Folder(out) as folder:
            return _Building(Shelf(folder), site, asked, spool, clock).run(lists, watch)


def _annexes(site: Site) -> dict[str, bytes]:
    """Write the list of Order 196 first: a fault in it is known before anything else is done."""
    if site.systems is None:
        return {}
    today = reading.today(site.now)
    found = {
        f"{lang}/{annex.NAME}.html": annex.write(site, Wording(lang=lang), today, site.systems) for lang in LANGUAGES
    }
    return found | {f"{annex.NAME}.json": annex.data(site.systems)}


def _settings(site: Site, trust: Trust | None, demand: Demand, sets: Sequence[str]) -> bytes:
    """Give what shows on every page besides the library: all is done anew when it changes."""
    believed = trust is not None and isinstance(trust.policy, Policy) and trust.policy.vouched
    by = site.publisher.to_dict() if site.publisher else None
    asked = [demand.purpose, list(demand.require), demand.data, list(sets), trust is not None, believed]
    return canonical([__version__, asset("style.css").path, dict(site.title), by, asked])


class _Building:
    """One run."""

    def __init__(self, shelf: Shelf, site: Site, asked: Asked, spool: Spool, clock: Callable[[], int]) -> None:
        self.shelf, self.site, self.asked, self.spool, self.clock = shelf, site, asked, spool, clock
        self.kept = self.made = 0
        self.refused = list[tuple[str, str]]()
        self.contested = list[str]()
        self.scripts = set[str]()

    def run(self, lists: dict[str, bytes], watch: Watch) -> Built:
        for name in ASSETS:
            self.shelf.put(asset(name).path, asset(name).data)
        # 1. Libraries.
        self._hold_all(watch)
        # 2. Index. 3. Lists.
        left = self._farewell()
        self._write_whole(left)
        for name, data in lists.items():
            self.shelf.put(name, data)
        for lang in LANGUAGES:
            self._write_lists(Wording(lang=lang))
        self.shelf.put("index.html", pages.entrance(self.site))
        for one in check.files():
            self._put_script(one)
        self.shelf.put(check.NAME, check.write(self.site))
        # 4. Removal.
        self.shelf.folder.flush()
        gone = self._remove(lists)
        self.shelf.folder.flush()
        return Built(
            counts=dict(self.spool.counts()),
            made=self.made,
            kept=self.kept,
            gone=gone,
            refused=tuple(self.refused),
            contested=tuple(self.contested),
        )

    def _hold_all(self, watch: Watch) -> None:
        done = list[Entry]()
        for path, claim, contested in watched(self.spool.sources(), watch, "pages", self.spool.size()):
            key = holding.key(self.shelf, path, claim, contested=contested)
            held = holding.hold(self.shelf, self.site, self.asked, path=path, key=key, clock=self.clock())
            self.spool.add(held.entry)
            self._count(held, path, contested=contested)
            if not held.kept:
                done.append(held.entry)
            if len(done) == _BATCH:
                self._receive(done)
        self._receive(done)

    def _count(self, held: holding.Held, path: Path, *, contested: bool) -> None:
        self.kept, self.made = self.kept + held.kept, self.made + (not held.kept)
        if held.entry.state == "refused" and len(self.refused) < _NAMED:
            self.refused.append((path.name, held.entry.code))
        if contested and len(self.contested) < _NAMED:
            self.contested.append(path.name)

    def _receive(self, done: list[Entry]) -> None:
        """Write entries, once the pages that they stand for are on the disk."""
        if done:
            self.shelf.folder.flush()
        for entry in done:
            self.shelf.put(f"library/{entry.key}/{ENTRY}", entry.serialise())
        done.clear()

    def _farewell(self) -> list[Entry]:
        """Note which libraries have left, before their folders go."""
        found = feed.read_gone(self.shelf.read(GONE))
        known = {entry.key for entry in found}
        for key in self.shelf.names("library"):
            if key not in self.spool and key not in known and (before := holding.read(self.shelf, key)):
                found.append(feed.gone(before, self.site.now))
        found = [entry for entry in found if entry.key not in self.spool]
        found = sorted(found, key=lambda one: (-one.changed, one.key))[: feed.ITEMS]
        self.shelf.put(GONE, feed.write_gone(found))
        return found

    def _write_whole(self, left: Sequence[Entry]) -> None:
        for ending, write in (("ttl", linked.turtle), ("jsonld", linked.jsonld)):
            self.shelf.put(f"catalogue.{ending}", write(self.site, self.spool, self.shelf.folder))
        for lang in LANGUAGES:
            data = feed.write(self.site, Wording(lang=lang), self.spool.newest(feed.ITEMS), left)
            self.shelf.put(f"{lang}/changes.xml", data)

    def _write_lists(self, say: Wording) -> None:
        names = list[str]()
        for script in index.chunks(self.spool, say):
            self._put_script(script)
            names.append(script.name)
        head = index.head(self.spool, say, names)
        self._put_script(head)
        counts = self.spool.counts()
        total = pages.count(sum(counts.values()))
        entries, first = self.spool.sorted(say.lang), b""
        for number in range(1, total + 1):
            shown = list(islice(entries, pages.PAGE))
            data = pages.listing(self.site, say, shown, number=number, counts=counts, index=head.name)
            if number == 1:
                first = data
            else:
                self.shelf.put(f"{say.lang}/{pages.name_of(number)}", data)
        self.shelf.put(f"{say.lang}/{pages.name_of(1)}", first)

    def _put_script(self, script: Asset) -> None:
        self.scripts.add(script.name)
        self.shelf.put(script.path, script.data)

    def _remove(self, lists: dict[str, bytes]) -> int:
        """Remove what belongs to no page; give the number of libraries that left."""
        shelf, gone = self.shelf, 0
        for key in shelf.names("library"):
            if key not in self.spool and sources.is_key(key):
                holding.remove(shelf, key)
                gone += 1
        needed = {asset(name).name for name in ASSETS} | self.scripts
        for folder in (index.FOLDER, ASSETS_FOLDER):
            shelf.remove(folder, [name for name in shelf.names(folder) if is_asset(name) and name not in needed])
        total = pages.count(sum(self.spool.counts().values()))
        for folder in ("", *LANGUAGES):
            names = shelf.names(folder)
            shelf.remove(folder, [name for name in names if pages.number_of(name) > total])
            shelf.remove(folder, [name for name in names if not lists and name in annex.NAMES])
        return gone
