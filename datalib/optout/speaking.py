"""Which contents speak for each origin of a site store: its own files, and the licence documents that these link.

Made once, in files that all workers map, from ranges of origins: what is held at once does not grow with the store.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from datalib import __version__
from datalib.optout.judges import Judges
from datalib.optout.linked import First, Link, Numbers, follow, links_of, variant_rows, variants_of
from datalib.optout.maps import Maps, NpyFile, take, trim
from datalib.optout.outputs import replacing_folder, trouble
from datalib.optout.rsl import Links
from datalib.optout.site import SiteStore
from datalib.optout.site_files import CARRIER_OF

#: Answers of the origins that are looked at together.
_ANSWERS: Final = 1 << 20
_META: Final = "speaking.json"
#: Statuses by which a site was not reached: another answer of the same file takes their place.
_SERVER_ERROR: Final = 500


class Speaking:
    """The contents that speak for each origin: of the origin ``n`` those in ``answer[first[n]:first[n + 1]]``, mapped.

    ``single``: each origin has one. ``since``: what is older does not count. ``contents`` are the columns of
    ``Judges.contents`` with the variants behind them; ``variants`` gives the content that a variant is of, and what
    became of its links.
    """

    def __init__(self, folder: Path, judges: Judges) -> None:
        with trouble(folder / _META):
            meta = json.loads((folder / _META).read_bytes())
        self.folder = folder
        self.maps = Maps(folder)
        self.digest: str = meta["digest"]
        self.single: bool = meta["single"]
        self.since: int | None = meta["since"]
        self.first: First = self.maps.npy("first")
        self.answer: Numbers = self.maps.npy("answer")
        self.variants = {variant: (number, Links(state)) for variant, number, state in meta["variants"]}
        self.contents = judges.contents
        if self.variants:
            self.contents = {name: self.maps.npy(f"content-{name}") for name in judges.contents}


def prepare_speaking(store: SiteStore, judges: Judges, since: int | None, folder: Path) -> Speaking:
    """Join answers with the documents that they link, into ``folder``, unless that was done before.

    Answers for other paths do not speak unless linked. ``since`` leaves out older answers (seconds since 1970). What
    was made of others before goes: with every ``since`` there is another.
    """
    key = hashlib.sha256(f"{__version__} {store.digest} {judges.digest} {since}".encode()).hexdigest()
    place = folder / f"speaking-{key[:16]}"
    if not (place / _META).is_file():
        with trouble(folder):
            for earlier in folder.glob("speaking-*"):
                shutil.rmtree(earlier)
        with replacing_folder(place) as temporary:
            _write(store, judges, since, temporary)
    return Speaking(place, judges)


def answers_that_count(store: SiteStore, since: int | None, sites: range | None = None) -> tuple[First, Numbers]:
    """Choose the answers of some origins: not too old, and no failure where the same file was read another time.

    Several readings of one file all count: of these, the strongest wins.
    """
    sites = range(store.size) if sites is None else sites
    first = store.first[sites.start : sites.stop + 1]
    answers, first = store.answers[first[0] : first[-1]], first - first[0]
    site = np.repeat(np.arange(len(first) - 1), np.diff(first))
    content = answers["content"].astype(np.int32)
    keep = np.ones(len(answers), dtype=np.bool_)
    if since is not None:
        keep &= answers["fetched"] >= max(since, 0)  # below 0: nobody said when
    entries = take(store.contents, content, store.maps)
    status = entries["status"]
    file = site * (len(store.paths) + 1) + entries["path"]
    reached = (status > 0) & (status < _SERVER_ERROR)
    if len(_distinct(file[keep])) < int(keep.sum()):
        good = np.unique(file[keep & reached])
        keep &= reached | ~np.isin(file, good)
        _, once = np.unique(np.stack([site, content], axis=1)[keep], axis=0, return_index=True)
        keep = np.isin(np.arange(len(keep)), np.flatnonzero(keep)[once])
    counts = np.bincount(site[keep], minlength=len(first) - 1)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), content[keep]


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give numbers in order, each once. Nearly always they come like that."""
    return numbers if (numbers[1:] > numbers[:-1]).all() else np.unique(numbers)


class _Table:
    """Answers of origins, written as they come."""

    def __init__(self, folder: Path, name: str) -> None:
        self.first = NpyFile(folder / f"{name}first.npy", np.int64)
        self.answer = NpyFile(folder / f"{name}answer.npy", np.int32)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.first.add([self.answer.rows])
        self.first.close()
        self.answer.close()

    def add(self, counts: NDArray[np.int64], answer: Numbers) -> None:
        self.first.add(self.answer.rows + np.cumsum(counts) - counts)
        self.answer.add(answer)


def _write(store: SiteStore, judges: Judges, since: int | None, folder: Path) -> None:
    links = _write_counted(store, judges, since, folder)
    maps = Maps(folder)
    answers = maps.npy("counted-first"), maps.npy("counted-answer")
    (sites, documents), states = follow(store, judges, answers, links)
    variants = variants_of(judges, answers[1], states)
    places = np.array(sorted(states), dtype=np.int64)
    put = [variants.get((int(answers[1][place]), states[place]), int(answers[1][place])) for place in places.tolist()]
    linked = places, np.array(put, dtype=np.int32)
    meta = _write_spoken(store, answers, linked, (sites, documents), folder)
    for name in ("counted-first", "counted-answer"):
        (folder / f"{name}.npy").unlink()
    if variants:
        rows = variant_rows(judges, variants)
        for name, column in judges.contents.items():
            with NpyFile(folder / f"content-{name}.npy", column.dtype) as file:
                for start in range(0, len(column), _ANSWERS):
                    file.add(column[start : start + _ANSWERS])
                file.add(rows[name])
    meta["since"] = since
    meta["variants"] = [[variant, number, int(state)] for (number, state), variant in variants.items()]
    (folder / _META).write_text(json.dumps(meta) + "\n", encoding="ascii")


def _write_counted(store: SiteStore, judges: Judges, since: int | None, folder: Path) -> list[Link]:
    """Write the answers that count; give their links."""
    linking = np.array(sorted(judges.links), dtype=np.int32)
    links: list[Link] = []
    with _Table(folder, "counted-") as table:
        for sites in _ranges(store):
            first, answer = answers_that_count(store, since, sites)
            at = np.flatnonzero(np.isin(answer, linking))
            site = sites.start + np.searchsorted(first, at, side="right") - 1
            links += links_of(store, judges, site, answer[at], table.answer.rows + at)
            table.add(np.diff(first), answer)
            trim(store.maps, judges.maps)
    return links


def _write_spoken(
    store: SiteStore, answers: tuple[First, Numbers], linked: tuple[First, Numbers], found: tuple[First, Numbers],
    folder: Path,
) -> dict[str, Any]:  # fmt: skip
    """Write the answers that speak: those of known files, with variants at some places, and linked documents."""
    known = np.array([path in CARRIER_OF for path in store.paths], dtype=np.bool_)
    single, digest = True, hashlib.sha256()
    with _Table(folder, "") as table:
        for sites in _ranges(store):
            first = answers[0][sites.start : sites.stop + 1]
            numbers = np.array(answers[1][first[0] : first[-1]])
            digest.update(np.diff(first).tobytes() + numbers.tobytes())  # works may link any that count
            own = known[take(store.contents, numbers, store.maps)["path"]] if len(numbers) else known[:0]
            near = slice(*np.searchsorted(linked[0], first[[0, -1]]))
            numbers[linked[0][near] - first[0]] = linked[1][near]
            site = np.repeat(np.arange(len(sites)), np.diff(first))
            late = (found[0] >= sites.start) & (found[0] < sites.stop)
            site = np.concatenate([site[own], found[0][late] - sites.start])
            numbers = np.concatenate([numbers[own], found[1][late]])
            pairs = _distinct(site << 32 | numbers)
            counts, numbers = np.bincount(pairs >> 32, minlength=len(sites)), (pairs & 0xFFFFFFFF).astype(np.int32)
            single = single and bool((counts == 1).all())
            digest.update(counts.tobytes() + numbers.tobytes())
            table.add(counts, numbers)
            trim(store.maps)
    return {"digest": digest.hexdigest(), "single": single}


def _ranges(store: SiteStore) -> Iterator[range]:
    """Cut the origins into ranges of about as many answers."""
    start = 0
    while start < store.size:
        stop = int(np.searchsorted(store.first, store.first[start] + _ANSWERS, side="right")) - 1
        stop = min(max(stop, start + 1), store.size)
        yield range(start, stop)
        start = stop
