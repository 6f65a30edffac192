"""What an assembly comes to: which inputs at which of their events, below which prefixes, with how many files.

Made of verified inputs and of the library as it stands; nothing is written here, so that it can be shown beforehand.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from datalib.assembly import joining
from datalib.assembly.joining import Join
from datalib.assembly.placing import Region, former_lines, prefixed
from datalib.assembly.request import (
    DERIVED,
    SUBSET,
    VERBATIM,
    Order,
    Pattern,
    Wish,
    as_prefix,
    check_prefixes,
    patterns_below,
)
from datalib.assembly.standing import Given, Standing
from datalib.assembly.upstream import Reached, Supply
from datalib.errors import Misuse, Refused
from datalib.library import hashing, listing
from datalib.library.listing import Line
from datalib.library.manifest import Input, Manifest
from datalib.library.paths import fold, readable, to_bytes
from datalib.library.store import Folder


class Change(StrEnum):
    """What becomes of an input."""

    NEW = "new"
    MOVED = "moved"
    SAME = "same"
    KEPT = "kept"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One input of the assembled library; ``folder`` is ``None`` if it is not touched this time.

    ``files``, ``bytes``: how many are taken; ``described``: those that resources of the input name; ``lacking``: the
    purposes that the input does not grant; ``instead``: the prefix that it would have, were it not another's.
    """

    name: str
    item: Input
    change: Change
    manifest: Manifest
    folder: Path | None = None
    choose: Callable[[str], bool] | None = None
    files: int = 0
    bytes: int = 0
    described: frozenset[str] = frozenset()
    lacking: tuple[str, ...] = ()
    instead: str = ""

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are taken, by their paths in the new library."""
        if self.folder is None or self.item.prefix is None or self.item.mode == DERIVED:
            return
        with Folder(self.folder) as folder:
            theirs = listing.lines(folder, sha256=self.manifest.bound.sha256)
            for line in prefixed(theirs, self.item.prefix):
                if self.choose is None or self.choose(line.path):
                    yield line


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole assembly: inputs in order, tables to be joined, prefixes given up, and every library reached.

    ``kept``: joined tables that are left as they are.
    """

    standing: Standing
    parts: tuple[Part, ...]
    joins: tuple[Join, ...]
    kept: tuple[str, ...]
    purposes: tuple[str, ...]
    dropped: tuple[str, ...]
    supply: Supply
    reached: tuple[Reached, ...]

    @property
    def libraries(self) -> tuple[str, ...]:
        """The ids of all libraries reached, each once."""
        return tuple(dict.fromkeys(each.item.lib for each in self.reached))

    @property
    def granted(self) -> tuple[str, ...]:
        """The purposes that all inputs grant, which is as far as those of the library may go."""
        return _common([part.manifest for part in self.parts])

    @property
    def beyond(self) -> Refused | None:
        """What refuses purposes that an input does not grant, ``E-PURPOSE-UPSTREAM``, naming all such inputs."""
        lacking = [f"{part.name} lacks {', '.join(part.lacking)}" for part in self.parts if part.lacking]
        return Refused("E-PURPOSE-UPSTREAM", f"{self.standing.path}", "; ".join(lacking)) if lacking else None

    def regions(self) -> Iterator[Region]:
        """Give the parts of the folder that are copied from inputs, or were."""
        for part in self.parts:
            if part.folder is not None and part.item.prefix and part.item.mode != DERIVED:
                yield Region(prefix=part.item.prefix, folder=part.folder, lines=part.lines)
        for prefix in self.dropped:
            yield Region(prefix=prefix, folder=self.standing.path, lines=lambda: iter(()))

    @property
    def untouched(self) -> tuple[str, ...]:
        """The prefixes of inputs that are left as they are."""
        return tuple(
            part.item.prefix
            for part in self.parts
            if part.folder is None and part.item.prefix and part.item.mode != DERIVED
        )

    @property
    def joined(self) -> tuple[str, ...]:
        """The paths of all joined tables, those that are left as they are too."""
        return (*(join.path for join in self.joins), *self.kept)


def plan(order: Order, before: Standing, given: Sequence[Given]) -> Plan:
    """Say what an assembly comes to.

    Raises ``Refused``: ``E-PURPOSE-MISSING``, ``E-PRODUCER-MISSING``, ``E-PATH-*``, ``E-CHAIN-FORK``,
    ``E-HEAD-ROLLBACK`` (an older copy than one at hand), ``E-INPUT-*``, ``E-TAKE-NONE``, the codes of `joining.joins`;
    ``Misuse`` (``E-USAGE``).
    """
    purposes = tuple(order.statements.purposes) or tuple(before.document.get("datalib", {}).get("purpose", ()))
    if not purposes:
        common = ", ".join(_common([each.facts.manifest for each in given]))
        raise Refused("E-PURPOSE-MISSING", str(order.out), f"all inputs grant: {common or 'none'}")
    if not order.statements.producer and "producer" not in before.document.get("datalib", {}):
        raise Refused("E-PRODUCER-MISSING", str(order.out))
    supply = Supply()
    for each in given:
        supply.add(each.wish.folder, each.copies)
    if before.library is not None:
        supply.add(before.path, before.copies)
    parts = _Parts(order, before, supply, purposes).all(given)
    check_prefixes((part.item.prefix, part.item.mode) for part in parts if part.item.prefix)
    _check_take(order.take, parts)
    joins = joining.joins(order, before, given)
    _check_joins(order, parts, joins)
    made = {join.path for join in joins}
    kept = {part.item.prefix for part in parts}
    dropped = [item.prefix for item in before.inputs if item.prefix and item.mode != DERIVED]
    return Plan(
        standing=before,
        parts=parts,
        joins=joins,
        kept=tuple(path for path in joining.joined_paths(before) if path not in made),
        purposes=purposes,
        dropped=tuple(prefix for prefix in dropped if prefix not in kept),
        supply=supply,
        reached=supply.reach((part.item for part in parts), before.library),
    )


def _common(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    first, *others = (manifest.purpose for manifest in manifests)
    return tuple(code for code in first if all(code in purposes for purposes in others))


class _Parts:
    """Makes the inputs of the library that is assembled."""

    def __init__(self, order: Order, before: Standing, supply: Supply, purposes: Sequence[str]) -> None:
        self._order = order
        self._before = before
        self._supply = supply
        self._purposes = purposes
        self._joined = joining.named(order)
        named = [wish.prefix for wish in order.inputs] + [item.prefix for item in before.inputs]
        self._prefixes = {fold(prefix) for prefix in named if prefix}

    def all(self, given: Sequence[Given]) -> tuple[Part, ...]:
        """Give all inputs: former ones where they stood, then new ones in the order asked for."""
        asked: dict[str, list[Part]] = {}
        for each in given:
            asked.setdefault(each.facts.library, []).append(self._moved(each))
        parts: list[Part] = []
        for item in self._before.inputs:
            if item.lib in asked:
                parts += asked.pop(item.lib)
            elif all(part.item.lib != item.lib for part in parts if part.change is not Change.KEPT):
                parts.append(self._kept(item))
        return (*parts, *(part for parts in asked.values() for part in parts))

    def _kept(self, item: Input) -> Part:
        found = self._supply.manifest(item.manifest, f"input {item.lib}")
        return Part(
            name=found.name, item=item, change=Change.KEPT, manifest=found, lacking=self._lacking(found.purpose)
        )

    def _lacking(self, granted: Sequence[str]) -> tuple[str, ...]:
        return tuple(code for code in self._purposes if code not in granted)

    def _moved(self, given: Given) -> Part:
        """Make one input of a verified library, at its last event."""
        facts, wish = given.facts, given.wish
        newest, own = self._supply.newest(facts.library), given.copies[facts.library]
        if own.ids[-1] != facts.head:
            raise Refused("E-FILE-CHANGED", own.where, "changed while it was read")
        if len(newest.ids) > len(own.ids):
            raise Refused("E-HEAD-ROLLBACK", own.where, f"{len(own.ids)} events, {newest.where} has {len(newest.ids)}")
        former = [item for item in self._before.inputs if item.lib == facts.library]
        like = former[0] if len(former) == 1 else None
        mode = wish.mode or (like.mode if like else DERIVED if wish.folder in self._joined else VERBATIM)
        prefix, instead = wish.prefix or (like.prefix if like else None), ""
        if prefix is None and mode != DERIVED:
            prefix, instead = self._own_prefix(facts.manifest, wish)
        digest = own.chain[-1].event.manifest
        item = Input(lib=facts.library, head=facts.head, manifest=digest, mode=mode, prefix=prefix)
        part = Part(
            name=facts.manifest.name,
            item=item,
            change=_change(item, former),
            manifest=facts.manifest,
            folder=wish.folder,
            choose=_choice(self._order.take, item, like, self._before.path) if mode == SUBSET else None,
            lacking=self._lacking(facts.purposes),
            instead=instead,
        )
        return part if mode == DERIVED else _counted(part)

    def _own_prefix(self, manifest: Manifest, wish: Wish) -> tuple[str, str]:
        """Name a prefix after the input, with a number behind it if others are in the way of the first choice."""
        if "/" in manifest.name:
            raise Misuse("E-USAGE", "--input", f"{wish.folder}: its name {manifest.name!r} is no prefix: give prefix=")
        first = prefix = as_prefix(manifest.name)
        number = 2
        while any(fold(prefix).startswith(other) or other.startswith(fold(prefix)) for other in self._prefixes):
            prefix, number = as_prefix(f"{manifest.name}-{number}"), number + 1
        self._prefixes.add(fold(prefix))
        return prefix, "" if prefix == first else first


def _change(item: Input, former: Sequence[Input]) -> Change:
    if not former:
        return Change.NEW
    return Change.SAME if item in former else Change.MOVED


def _choice(take: Sequence[Pattern], item: Input, like: Input | None, out: Path) -> Callable[[str], bool]:
    """Choose the files of a subset: by patterns, else those that the library has from this input already."""
    prefix = item.prefix or ""
    chosen = patterns_below(take, prefix)
    if chosen:
        return lambda path: any(pattern.matches(path) for pattern in chosen)
    if like is None or like.mode != SUBSET or not like.prefix:
        raise Misuse("E-USAGE", "--take", f"no pattern chooses files below {prefix}")
    cut = len(like.prefix)
    with Folder(out) as folder:
        paths = (line.path for line in former_lines(folder))
        return {prefix + path[cut:] for path in paths if path.startswith(like.prefix)}.__contains__


def _counted(part: Part) -> Part:
    """Count the files that are taken, and see which of them the input describes."""
    prefix, described = part.item.prefix or "", part.manifest.paths
    files, size, found = 0, 0, set[str]()
    with Folder(part.folder or Path()) as folder, folder.descend() as way:
        for line in part.lines():
            files += 1
            path = line.path[len(prefix) :]
            if path in described:
                found.add(path)
            if part.choose is not None:
                status = way.status(to_bytes(path))
                size += status.st_size if status else 0
    if part.choose is None:
        size = part.manifest.bound.bytes
    if not files:
        raise Refused("E-TAKE-NONE", prefix, f"nothing of {part.name} is taken")
    return replace(part, files=files, bytes=size, described=frozenset(found))


def _check_take(take: Sequence[Pattern], parts: Sequence[Part]) -> None:
    """Refuse patterns that choose nothing: a slip of the pen must not leave files out silently."""
    prefixes = [part for part in parts if part.item.mode == SUBSET and part.folder is not None]
    open_ = {pattern.text: pattern for pattern in take}
    for part in prefixes:
        own = patterns_below(tuple(open_.values()), part.item.prefix or "")
        for line in part.lines() if own else ():
            for pattern in [pattern for pattern in own if pattern.text in open_ and pattern.matches(line.path)]:
                del open_[pattern.text]
    if open_:
        raise Refused("E-TAKE-NONE", min(open_), "matches no file of a subset; it begins with the prefix of its input")


def _check_joins(order: Order, parts: Sequence[Part], joins: Sequence[Join]) -> None:
    """Refuse joined tables of libraries that are not named as derived, or where other files have their place."""
    derived = {part.item.lib for part in parts if part.item.mode == DERIVED}
    prefixes = [fold(part.item.prefix) for part in parts if part.item.prefix and part.item.mode != DERIVED]
    for join in joins:
        for table in join.tables:
            if table.lib not in derived:
                wanted = f"--input {table.folder},mode=derived"
                raise Misuse("E-USAGE", "--join", f"{join.path} is made of {table.folder}: say {wanted} as well")
        if fold(join.path).startswith(tuple(prefixes)):
            raise Refused("E-PATH-COLLISION", readable(join.path), "lies below the prefix of an input")
        if order.data is not None and (order.data / join.path).exists():
            raise Refused("E-PATH-COLLISION", readable(join.path), f"{order.data} has a file of this name")


def own_region(data: Path) -> Region:
    """Make the region of the library's own files, which are those of a folder."""
    return Region(prefix="", folder=data, lines=partial(_own_lines, data))


def _own_lines(data: Path) -> Iterator[Line]:
    with Folder(data) as folder:
        for file in hashing.hash_tree(folder):
            yield Line(file.sha256, file.path)
