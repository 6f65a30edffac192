"""Catalogues made for tests: libraries of all kinds, built into a site, its pages parsed."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from datalib.admission import Demand
from datalib.publish.catalogue import build as building
from datalib.publish.catalogue.build import Built
from datalib.publish.catalogue.entry import Entry
from datalib.publish.catalogue.site import Site
from datalib.trust.belief import Trust
from datalib.trust.parties import Party
from tests.libraries import MAKER, NOW, Library, edit, sound
from tests.reports import LOGGED

SITE = Site(now=NOW, title={})
AGENCY = Party(id="x-test:agency", name={"en": "Agency", "ru": "Агентство", "kk": "Агенттік"})

#: A system in the list of Order 196.
SYSTEM = {
    "system_name": "Eye <b>",
    "owner_name": "Owner",
    "field": "health",
    "functionality": "reads",
    "audit": {"auditor": "Auditor", "date": "2026-05-01", "conclusion": "fit"},
    "listed_on": "2026-06-01",
    "body": "Ministry",
}


def later() -> int:
    """Give a time after everything that the tests have written, however coarse the clock of the disk is."""
    return time.time_ns() + 10_000_000_000


def build(
    out: Path,
    *libraries: Path,
    site: Site = SITE,
    trust: Trust | None = LOGGED,
    clock: Callable[[], int] = later,
    with_data: bool = False,
    **asked: Any,
) -> Built:
    """Build a catalogue; ``asked`` are members of `Demand`."""
    demand = replace(Demand(), **asked)
    return building.build(libraries, out, site=site, trust=trust, demand=demand, clock=clock, with_data=with_data)


def page(out: Path, name: str) -> LexborHTMLParser:
    """Parse a page of the site as browsers do."""
    return LexborHTMLParser((out / name).read_text(encoding="utf-8"))


def entries(out: Path) -> dict[str, Entry]:
    """Give the entries by the names of the folders that the libraries came in."""
    found = [Entry.parse(path.read_bytes()) for path in sorted(out.glob("library/*/entry.json"))]
    return {entry.folder: entry for entry in found if entry is not None}


def snapshot(out: Path) -> Mapping[str, bytes]:
    """Give the bytes of all files by path."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def lost(out: Path) -> list[str]:
    """Follow every address from the first page on: of pages, of the search, of its scripts; name those that fail."""
    found, known, open_ = list[str](), {"index.html"}, ["index.html"]
    while open_:
        own = open_.pop()
        for address in _named(out, own):
            target = (out / own).parent.joinpath(address).resolve()
            name = str(target.relative_to(out.resolve()))
            if not target.is_file():
                found.append(f"{own}: {address}")
            elif name.endswith(".html") and name not in known:
                known.add(name)
                open_.append(name)
    return found


def _named(out: Path, own: str) -> Iterator[str]:
    tree = page(out, own)
    for node in tree.css("[href], [src]"):
        address = str(node.attributes.get("href") or node.attributes.get("src")).partition("#")[0]
        if address:
            yield address
    if form := tree.css_first("#search"):
        first = str(form.attributes["data-index"])
        yield f"../index/{first}"
        if (out / "index" / first).exists():
            yield from (f"../index/{name}" for name in script(out / "index" / first)["chunks"])


def records(out: Path, lang: str) -> list[list[Any]]:
    """Read the search index of a language as its scripts hand it over."""
    found = list[list[Any]]()
    for name in head(out, lang)["chunks"]:
        found += script(out / "index" / name)[1]
    return found


def head(out: Path, lang: str) -> Any:
    """Read what the search of a language begins with."""
    form = page(out, f"{lang}/index.html").css_first("#search")
    assert form is not None
    return script(out / "index" / str(form.attributes["data-index"]))


def script(path: Path) -> Any:
    """Read the value that a script of the index hands over."""
    text = path.read_text(encoding="utf-8")
    start, end = "datalibCatalogue(", ");\n"
    assert text.startswith(start)
    assert text.endswith(end)
    return json.loads(text[len(start) : -len(end)])


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Libraries in a folder, by name."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def paths(self) -> Sequence[Path]:
        return sorted(self.folder.iterdir())


def shelf(folder: Path) -> Shelf:
    """Make a library of each kind: accepted, withdrawn, not scanned, broken, a draft."""
    folder.mkdir()
    sound(folder / "good")
    withdrawn = Library(folder=folder / "withdrawn", name="w", document={"title": "Withdrawn one"})
    withdrawn.genesis().attest().withdraw().publish()
    Library(folder=folder / "unscanned", name="u").genesis().publish()
    broken = sound_named(folder / "broken", "b")
    edit(broken.folder / "data/a.txt", lambda data: data.upper())
    return Shelf(folder=folder)


def sound_named(folder: Path, name: str, **members: Any) -> Library:
    """Make a library that is accepted, of another name, and so of another id."""
    library = Library(folder=folder, name=name, producer=MAKER, **members)
    return library.genesis().attest().publish()
