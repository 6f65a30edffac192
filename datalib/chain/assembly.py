"""Libraries made of libraries: each input is a chain of its own, shipped under ``upstream/``.

Source: datalib trust specification §10, step 9.
"""

from dataclasses import dataclass

from datalib.chain import history
from datalib.chain.history import Bench, History
from datalib.chain.links import split
from datalib.chain.selection import Selection
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import hashing, listing
from datalib.library.manifest import Input, Manifest
from datalib.trust.tlog import Checkpoint, Logged

#: Libraries on one path, the verified one included.
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An input that was checked: the upstream chain, and the position of the event at which it was taken."""

    history: History
    position: int
    checkpoints: tuple[tuple[Checkpoint, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """A library in the state at one of its events."""

    history: History
    position: int

    @property
    def key(self) -> tuple[str, int]:
        return self.history.lib, self.position


@dataclass(frozen=True, slots=True, kw_only=True)
class _Below:
    """What a node whose inputs passed leads to: the libraries, and how many follow each other."""

    libs: frozenset[str] = frozenset()
    height: int = 0


def check_inputs(bench: Bench, own: History, manifest: Manifest) -> tuple[Taken, ...]:
    """Check the inputs of the verified library and theirs, depth first; give all that were taken, in that order.

    Raises ``Refused``, besides the codes of steps 2 to 7 and of listings: ``E-INPUT-CYCLE``, ``-DEPTH``, ``-MISSING``,
    ``-LIB``, ``-HEAD``, ``-STATE``, ``-STALE``, ``E-PURPOSE-UPSTREAM``, ``E-INPUT-CONTENT``, ``-LISTING``, ``-SUBSET``.
    """
    if not manifest.inputs:
        return ()
    walk = _Walk(bench, own, manifest)
    walk.visit(_Node(history=own, position=len(own.links) - 1), (own.lib,))
    walk.check_listings()
    return tuple(walk.taken)


class _Walk:
    """One walk over the graph. What does not depend on the path is computed once."""

    def __init__(self, bench: Bench, own: History, manifest: Manifest) -> None:
        self.taken: list[Taken] = []
        self._bench = bench
        self._own = own
        self._selection = Selection(bench.folder, manifest)
        self._histories: dict[str, History] = {}
        self._below: dict[tuple[str, int], _Below] = {}
        self._heads: dict[tuple[str, int], Logged | None] = {}
        self._listings: dict[str, set[str]] = {}

    def visit(self, node: _Node, path: tuple[str, ...]) -> _Below:
        """Check the inputs of a node; ``path`` holds the libraries from the verified one to this one."""
        known = self._below.get(node.key)
        if known is not None and known.libs.isdisjoint(path) and len(path) + known.height <= MAX_DEPTH:
            return known
        libs, height = set[str](), 0
        for item in node.history.states[node.position].inputs:
            if item.lib in path:
                raise Refused("E-INPUT-CYCLE", item.lib, " > ".join(lib[:16] for lib in (*path, item.lib)))
            if len(path) == MAX_DEPTH:
                raise Refused("E-INPUT-DEPTH", item.lib, f"more than {MAX_DEPTH} libraries on a path")
            child = self._take(item) if known is not None else self._check(node, item)
            below = self.visit(child, (*path, item.lib))
            libs |= {item.lib, *below.libs}
            height = max(height, 1 + below.height)
        self._below[node.key] = _Below(libs=frozenset(libs), height=height)
        return self._below[node.key]

    def _check(self, node: _Node, item: Input) -> _Node:
        """Check one input of a node."""
        child = self._take(item)
        upstream, where = child.history, f"upstream/{item.lib}"
        assembled = next(number for number, state in enumerate(node.history.states) if item in state.inputs)
        reference = node.history.date(assembled)
        later = range(child.position + 1, len(upstream.links))
        if any(upstream.date(number) <= reference for number in later):
            raise Refused("E-INPUT-STALE", where, "the upstream had gone on before the assembly")
        # Steps 6 and 7 for the upstream.
        head = self._head(upstream, reference)
        history.check_memory(self._bench, upstream, head)
        granted = self._bench.versions(item.manifest, where)
        purposes = self._bench.versions(node.history.states[node.position].manifest, where).purpose
        beyond = sorted(set(purposes) - set(granted.purpose))
        if beyond:
            raise Refused("E-PURPOSE-UPSTREAM", where, f"does not grant {', '.join(beyond)}")
        self._listings.setdefault(item.lib, set()).add(granted.bound.sha256)
        if node.history is self._own:
            self._selection.check(item, granted.bound)
        self.taken.append(
            Taken(history=upstream, position=child.position, checkpoints=tuple(history.checkpoints(upstream, head)))
        )
        return child

    def _take(self, item: Input) -> _Node:
        """Find the event of the upstream at which an input was taken."""
        upstream = self._history(item.lib)
        where = f"upstream/{item.lib}"
        if item.head not in upstream.ids:
            raise Refused("E-INPUT-HEAD", where, f"no event {item.head}")
        position = upstream.ids.index(item.head)
        if upstream.states[position].manifest != item.manifest:
            raise Refused("E-INPUT-STATE", where, f"event {item.head} names another manifest")
        return _Node(history=upstream, position=position)

    def _history(self, lib: str) -> History:
        if lib not in self._histories:
            below = f"upstream/{lib}/"
            data = history.read_lines(self._bench.folder, below, missing="E-INPUT-MISSING")
            if sha256_hex(split(data, f"{below}chain.jsonl")[0]) != lib:
                raise Refused("E-INPUT-LIB", f"{below}chain.jsonl", "the chain of another library")
            self._histories[lib] = history.read(self._bench, data, below)
        return self._histories[lib]

    def _head(self, upstream: History, reference: int) -> Logged | None:
        key = (upstream.lib, reference)
        if key not in self._heads:
            self._heads[key] = history.check_head(self._bench, upstream, reference)
        return self._heads[key]

    def check_listings(self) -> None:
        """Check that every shipped upstream listing is that of a state from which something was taken."""
        for lib, digests in self._listings.items():
            name = f"upstream/{lib}/{listing.NAME}"
            if self._bench.folder.exists(name):
                found = hashing.hash_file(self._bench.folder, name, missing="E-INPUT-LISTING").sha256
                if found not in digests:
                    raise Refused("E-INPUT-LISTING", name, "not the listing of a state that was taken")
