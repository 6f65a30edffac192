"""Libraries made of libraries: each input is a chain of its own, shipped under ``upstream/``.

Source: datalib trust specification §10, step 9.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from datalib.chain import history, links
from datalib.chain.history import Bench, History
from datalib.chain.replay import State
from datalib.chain.selection import Selection
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import hashing, listing
from datalib.library.manifest import Input, Manifest
from datalib.trust.state import Chain
from datalib.trust.tlog import Checkpoint

#: Libraries on one path, the verified one included.
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken and checked: the upstream chain, and the position of the event at which it was taken."""

    history: History
    position: int
    checkpoints: tuple[tuple[Checkpoint, str], ...]


def upstream(taken: Iterable[Taken]) -> tuple[History, ...]:
    """Give the libraries from which something was taken, each once."""
    return tuple({each.history.lib: each.history for each in taken}.values())


def chains(taken: Iterable[Taken]) -> tuple[Chain, ...]:
    """Give what is to be remembered of these libraries when the one made of them is accepted."""
    found = {each.history.lib: each for each in taken}
    return tuple(
        Chain(
            lib=each.history.lib,
            events=each.history.ids,
            checkpoints=each.checkpoints,
            where=f"{each.history.below}{links.NAME}",
        )
        for each in found.values()
    )


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
    """Check the inputs of the verified library and theirs, depth first; give all states that were taken, in that order.

    Raises ``Refused``, besides the codes of steps 2 to 7 and of listings: ``E-INPUT-CYCLE``, ``-DEPTH``, ``-MISSING``,
    ``-LIB``, ``-HEAD``, ``-STATE``, ``-STALE``, ``E-PURPOSE-UPSTREAM``, ``E-INPUT-CONTENT``, ``-LISTING``, ``-SUBSET``.
    """
    if not manifest.inputs:
        return ()
    with Selection(bench.folder, manifest) as selection:
        walk = _Walk(bench, own, selection)
        walk.visit(_Node(history=own, position=len(own.links) - 1), (own.lib,))
        walk.check_listings()
    return tuple(walk.taken.values())


class _Walk:
    """One walk over the graph. What does not depend on the path is computed once."""

    def __init__(self, bench: Bench, own: History, selection: Selection) -> None:
        self.taken: dict[tuple[str, int], Taken] = {}
        self._bench = bench
        self._own = own
        self._selection = selection
        self._histories: dict[str, History] = {}
        self._below: dict[tuple[str, int], _Below] = {}
        self._fresh = set[tuple[str, int]]()
        self._checkpoints: dict[str, tuple[tuple[Checkpoint, str], ...]] = {}
        self._listings: dict[str, set[str]] = {}

    def visit(self, node: _Node, path: tuple[str, ...]) -> _Below:
        """Check the inputs of a node; ``path`` holds the libraries from the verified one to this one."""
        known = self._below.get(node.key)
        if known is not None and known.libs.isdisjoint(path) and len(path) + known.height <= MAX_DEPTH:
            return known
        libs, height = set[str](), 0
        state = node.history.states[node.position]
        purposes = self._purposes(state) if known is None and state.inputs else ()
        for item in state.inputs:
            if item.lib in path:
                raise Refused("E-INPUT-CYCLE", item.lib, " > ".join(lib[:16] for lib in (*path, item.lib)))
            if len(path) == MAX_DEPTH:
                raise Refused("E-INPUT-DEPTH", item.lib, f"more than {MAX_DEPTH} libraries on a path")
            child = self._take(item) if known is not None else self._check(node, item, purposes)
            below = self.visit(child, (*path, item.lib))
            libs |= {item.lib, *below.libs}
            height = max(height, 1 + below.height)
        self._below[node.key] = _Below(libs=frozenset(libs), height=height)
        return self._below[node.key]

    def _purposes(self, state: State) -> tuple[str, ...]:
        """Give the purposes of a state, once for all of its inputs: with a thousand of them its manifest is long."""
        return self._bench.versions(state.manifest, "the event that takes inputs").purpose

    def _check(self, node: _Node, item: Input, purposes: tuple[str, ...]) -> _Node:
        """Check one input of a node that has these purposes."""
        child = self._take(item)
        upstream, where = child.history, f"upstream/{item.lib}"
        reference = node.history.date(node.history.assembled[item])
        later = child.position + 1
        if later < len(upstream.links) and upstream.earliest[later] <= reference:
            raise Refused("E-INPUT-STALE", where, "the upstream had gone on before the assembly")
        self._check_newest(upstream, reference)
        granted = self._bench.versions(item.manifest, where)
        beyond = sorted(set(purposes) - set(granted.purpose))
        if beyond:
            raise Refused("E-PURPOSE-UPSTREAM", where, f"does not grant {', '.join(beyond)}")
        self._listings.setdefault(item.lib, set()).add(granted.bound.sha256)
        if node.history is self._own:
            self._selection.check(item, granted.bound)
        if child.key not in self.taken:
            points = self._checkpoints[item.lib]
            self.taken[child.key] = Taken(history=upstream, position=child.position, checkpoints=points)
        return child

    def _take(self, item: Input) -> _Node:
        """Find the event of the upstream at which an input was taken."""
        upstream = self._history(item.lib)
        where = f"upstream/{item.lib}"
        position = upstream.positions.get(item.head)
        if position is None:
            raise Refused("E-INPUT-HEAD", where, f"no event {item.head}")
        if upstream.states[position].manifest != item.manifest:
            raise Refused("E-INPUT-STATE", where, f"event {item.head} names another manifest")
        return _Node(history=upstream, position=position)

    def _history(self, lib: str) -> History:
        if lib not in self._histories:
            below = f"upstream/{lib}/"
            data = history.read_lines(self._bench.folder, below, missing="E-INPUT-MISSING")
            if sha256_hex(links.split(data, f"{below}chain.jsonl")[0]) != lib:
                raise Refused("E-INPUT-LIB", f"{below}chain.jsonl", "the chain of another library")
            self._histories[lib] = history.read(self._bench, data, below)
        return self._histories[lib]

    def _check_newest(self, upstream: History, reference: int) -> None:
        """Take an upstream through steps 6 and 7; only the age of its head proof depends on who took from it."""
        key = (upstream.lib, reference)
        if key in self._fresh:
            return
        head = history.check_head(self._bench, upstream, reference)
        self._fresh.add(key)
        if upstream.lib not in self._checkpoints:
            history.check_memory(self._bench, upstream, head)
            self._checkpoints[upstream.lib] = tuple(history.checkpoints(upstream, head))

    def check_listings(self) -> None:
        """Check that every shipped upstream listing is that of a state from which something was taken."""
        for lib, digests in self._listings.items():
            name = f"upstream/{lib}/{listing.NAME}"
            if self._bench.folder.exists(name):
                found = hashing.hash_file(self._bench.folder, name, missing="E-INPUT-LISTING").sha256
                if found not in digests:
                    raise Refused("E-INPUT-LISTING", name, "not the listing of a state that was taken")
