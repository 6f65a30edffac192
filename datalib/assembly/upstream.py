"""Copies of upstream chains: gathered from several libraries, the newest of each chosen, with all that proves it.

A library carries the chains of all libraries it was assembled from, however deep, in one flat folder. Two libraries may
carry copies of one chain, of different age; then one must be the beginning of the other. Nothing here is believed:
whoever writes what is gathered here verifies the result. Source: datalib trust specification §2 and §10, step 9.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from datalib.chain import history, links
from datalib.chain.assembly import MAX_DEPTH
from datalib.chain.events import evidence_of
from datalib.chain.links import Link
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import hashing, listing
from datalib.library import manifest as manifests
from datalib.library.files import Entry
from datalib.library.manifest import MAX_MANIFEST, Input, Manifest
from datalib.library.paths import readable
from datalib.library.store import Folder
from datalib.trust import heads
from datalib.trust.heads import MAX_HEAD, HeadProof
from datalib.trust.tlog import MAX_PROOF

_CHAIN: Final = re.compile(r"upstream/([0-9a-f]{64})/chain\.jsonl")
_UPSTREAM: Final = re.compile(
    r"upstream/([0-9a-f]{64})/(?:chain\.jsonl|files\.sha256|proofs/(?:head\.json|[0-9a-f]{64}\.(?:tlog-proof|tsr)))"
)
_KEPT: Final = re.compile(r"(?:manifests/([0-9a-f]{64})\.json|evidence/([0-9a-f]{64})(?:\.[A-Za-z0-9_-]{1,16}){0,3})")
_PROOFS: Final = ("tlog-proof", "tsr")
_GONE: Final = "E-FILE-CHANGED"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of a chain: the library that carries it, and where in it; ``below`` is empty for the library's own."""

    folder: Path
    below: str
    data: bytes
    chain: tuple[Link, ...]

    @property
    def lib(self) -> str:
        """The id of the library."""
        return self.chain[0].id

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the events."""
        return tuple(link.id for link in self.chain)

    def position(self, event: str) -> int:
        """Tell where an event stands, from 0: ``E-INPUT-HEAD`` if it is not there."""
        if event not in self.ids:
            raise Refused("E-INPUT-HEAD", self.where, f"no event {event}")
        return self.ids.index(event)

    @property
    def where(self) -> str:
        """The file, for messages."""
        return f"{self.folder}/{self.below}{links.NAME}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file that is to be carried: its name in the new library, where it stands, its bytes if they are known."""

    name: str
    folder: Path
    source: str
    data: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A library reached through inputs: as which input, of which library (``None``: the new one), how deep (from 1)."""

    item: Input
    by: str | None
    depth: int


def read_copies(path: Path, *, own: bool = True) -> dict[str, Copy]:
    """Read the chain of a library (if ``own``) and those it carries, by library; nothing is verified.

    Raises ``Refused``: ``E-NOT-SIGNED``, ``E-INPUT-LIB``, and the codes of envelopes and events.
    """
    found: dict[str, Copy] = {}
    with Folder(path) as folder:
        if own:
            copy = _read(folder, path, "", "E-NOT-SIGNED")
            found[copy.lib] = copy
        for entry in folder.walk("upstream") if folder.exists("upstream") else ():
            if match := _CHAIN.fullmatch(entry.path):
                copy = _read(folder, path, entry.path.removesuffix(links.NAME), "E-INPUT-MISSING")
                if copy.lib != match[1]:
                    raise Refused("E-INPUT-LIB", readable(entry.path), "the chain of another library")
                found.setdefault(copy.lib, copy)
    return found


def _read(folder: Folder, path: Path, below: str, missing: str) -> Copy:
    data = history.read_lines(folder, below, missing=missing)
    return Copy(folder=path, below=below, data=data, chain=links.read_unverified(data, f"{below}{links.NAME}"))


class Supply:
    """All copies that are at hand, and the files that go with them."""

    def __init__(self) -> None:
        self._newest: dict[str, Copy] = {}
        self._copies: dict[str, list[tuple[Path, str]]] = {}
        self._manifests: dict[str, tuple[Path, str]] = {}
        self._evidence: dict[str, list[Place]] = {}

    def add(self, path: Path, copies: Mapping[str, Copy]) -> None:
        """Add what a library carries; ``E-CHAIN-FORK`` if two copies of a chain part."""
        for lib, copy in copies.items():
            before = self._newest.get(lib)
            older, newer = sorted((before or copy, copy), key=lambda each: len(each.data))
            if not newer.data.startswith(older.data):
                raise Refused("E-CHAIN-FORK", copy.where, f"parts from {before.where if before else ''}")
            # Of equal copies the one that came first stays.
            if before is None or len(copy.data) > len(before.data):
                self._newest[lib] = copy
                self._copies.setdefault(lib, []).insert(0, (path, copy.below))
            else:
                self._copies[lib].append((path, copy.below))
        self._add_kept(path)

    def _add_kept(self, path: Path) -> None:
        with Folder(path) as folder:
            for below in ("manifests", "evidence"):
                for entry in folder.walk(below) if folder.exists(below) else ():
                    match = _KEPT.fullmatch(entry.path)
                    if match and match[1]:
                        self._manifests.setdefault(match[1], (path, entry.path))
                    elif match:
                        place = Place(name=entry.path, folder=path, source=entry.path)
                        self._evidence.setdefault(match[2], []).append(place)
            current = history.read_optional(folder, manifests.NAME, limit=MAX_MANIFEST, too_large="E-JSON-SIZE")
            if current is not None:
                self._manifests.setdefault(sha256_hex(current), (path, manifests.NAME))

    def newest(self, lib: str) -> Copy:
        """Give the newest copy of a chain; ``E-INPUT-MISSING`` if there is none."""
        if lib not in self._newest:
            raise Refused("E-INPUT-MISSING", f"upstream/{lib}/{links.NAME}")
        return self._newest[lib]

    def name(self, lib: str) -> str:
        """Give the name of a library, as its newest manifest has it."""
        last = self.newest(lib).chain[-1]
        return self.manifest(last.event.manifest, last.where).name

    def manifest(self, digest: str, where: str) -> Manifest:
        """Read a version of a manifest, wherever it lies: ``E-MANIFEST-MISSING``, ``E-MANIFEST-DIGEST``."""
        path, name = self._manifest_place(digest, where)
        with Folder(path) as folder:
            data = folder.read(name, limit=MAX_MANIFEST, missing="E-MANIFEST-MISSING", too_large="E-JSON-SIZE")
        if sha256_hex(data) != digest:
            raise Refused("E-MANIFEST-DIGEST", f"{path}/{name}")
        return manifests.parse(data, f"{path}/{name}")

    def _manifest_place(self, digest: str, where: str) -> tuple[Path, str]:
        if digest not in self._manifests:
            raise Refused("E-MANIFEST-MISSING", f"manifests/{digest}.json", f"named by {where}")
        return self._manifests[digest]

    def reach(self, inputs: Iterable[Input], own: str | None = None) -> tuple[Reached, ...]:
        """Follow inputs to all libraries below, depth first, each state of a library once.

        Raises ``Refused``: ``E-INPUT-MISSING``, ``E-INPUT-DEPTH``, ``E-INPUT-CYCLE`` (``own`` is reached again).
        """
        found: list[Reached] = []
        heights: dict[tuple[str, str], int] = {}

        def visit(item: Input, by: str | None, depth: int) -> int:
            key = (item.lib, item.head)
            if item.lib == own:
                raise Refused("E-INPUT-CYCLE", item.lib, "the library would be an input of itself")
            if depth + heights.get(key, 1) > MAX_DEPTH:
                raise Refused("E-INPUT-DEPTH", item.lib, f"more than {MAX_DEPTH} libraries on a path")
            if by is None or key not in heights:
                found.append(Reached(item=item, by=by, depth=depth))
            if key not in heights:
                self.newest(item.lib)
                inner = self.manifest(item.manifest, f"input {item.lib}").inputs
                heights[key] = 1 + max((visit(each, item.lib, depth + 1) for each in inner), default=0)
            return heights[key]

        for item in inputs:
            visit(item, None, 1)
        return tuple(found)

    def files(self, libs: Iterable[str]) -> Iterator[Place]:
        """Yield what must travel with chains of these libraries: manifests, evidence, proofs, then the chains.

        Raises ``Refused``: ``E-MANIFEST-MISSING`` and the codes of head proofs.
        """
        wanted = [self.newest(lib) for lib in libs]
        named = {link.event.manifest: link.where for copy in wanted for link in copy.chain}
        for digest, where in named.items():
            path, source = self._manifest_place(digest, where)
            yield Place(name=f"manifests/{digest}.json", folder=path, source=source)
        for digest in sorted(evidence_of(link.event for copy in wanted for link in copy.chain)):
            yield from self._evidence.get(digest, ())
        for copy in wanted:
            below = f"upstream/{copy.lib}/"
            yield from self._proofs(copy, below)
            source = f"{copy.below}{links.NAME}"
            yield Place(name=f"{below}{links.NAME}", folder=copy.folder, source=source, data=copy.data)

    def _proofs(self, copy: Copy, below: str) -> Iterator[Place]:
        missing = {f"proofs/{event}.{kind}" for event in copy.ids for kind in _PROOFS}
        for path, source in self._copies[copy.lib]:
            with Folder(path) as folder:
                there = {entry.path.removeprefix(source) for entry in _walk(folder, f"{source}proofs")}
            for name in sorted(missing & there):
                yield Place(name=f"{below}{name}", folder=path, source=f"{source}{name}")
            missing -= there
        if head := self._head(copy):
            yield Place(name=f"{below}{heads.NAME}", folder=head[0], source=f"{head[1]}{heads.NAME}")

    def _head(self, copy: Copy) -> tuple[Path, str] | None:
        """Find the newest head proof of the newest event."""
        best: tuple[int, tuple[Path, str]] | None = None
        for path, source in self._copies[copy.lib]:
            name = f"{source}{heads.NAME}"
            with Folder(path) as folder:
                data = history.read_optional(folder, name, limit=MAX_HEAD, too_large="E-JSON-SIZE")
            if data is None:
                continue
            proof = HeadProof.parse(data, copy.lib, f"{path}/{name}")
            if proof.head == copy.ids[-1] and (best is None or proof.tlog.index > best[0]):
                best = (proof.tlog.index, (path, source))
        return best[1] if best else None


def _walk(folder: Folder, below: str) -> Iterator[Entry]:
    return folder.walk(below) if folder.exists(below) else iter(())


def put(out: Folder, places: Iterable[Place]) -> int:
    """Write files that are to be carried, those that are there already excepted; give how many were written."""
    return sum(_put(out, place) for place in places)


def _put(out: Folder, place: Place) -> bool:
    with Folder(place.folder) as folder:
        if _KEPT.fullmatch(place.name):
            there = out.exists(place.name)
        elif place.name.endswith(listing.NAME):
            there = out.exists(place.name) and _sha256(out, place.name) == _sha256(folder, place.source)
        else:
            data, limit = place.data, links.MAX_CHAIN if place.name.endswith(links.NAME) else MAX_PROOF
            if data is None:
                data = folder.read(place.source, limit=limit, missing=_GONE, too_large=_GONE)
            there = history.read_optional(out, place.name, limit=limit, too_large=_GONE) == data
            if not there:
                out.write(place.name, data)
            return not there
        if not there:
            with folder.open(place.source, missing=_GONE) as file:
                out.take(place.name, file)
    return not there


def _sha256(folder: Folder, name: str) -> str:
    return hashing.hash_file(folder, name, missing=_GONE).sha256


def clear(out: Folder, keep: Iterable[str]) -> None:
    """Remove what earlier runs put below ``upstream/`` and is not among the names to keep.

    A file of another form is somebody else's: it is refused with ``E-FILE-STRAY``, and nothing is removed.
    """
    wanted, gone = set(keep), list[str]()
    for entry in _walk(out, "upstream"):
        if not _UPSTREAM.fullmatch(entry.path):
            raise Refused("E-FILE-STRAY", readable(entry.path))
        if entry.path not in wanted:
            gone.append(entry.path)
    for path in gone:
        out.remove(path)


def listings(chosen: Iterable[tuple[str, Path]]) -> Iterator[Place]:
    """Name the listings of libraries of which files were chosen: they show that the files are theirs."""
    for lib, path in chosen:
        yield Place(name=f"upstream/{lib}/{listing.NAME}", folder=path, source=listing.NAME)
