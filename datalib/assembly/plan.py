"""What an assembly comes to: which inputs at which of their events, below which prefixes, with how many files.

Made of verified inputs and of the library as it stands; nothing is written here, so that it can be shown beforehand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datalib.assembly import joining, scanned
from datalib.assembly.joining import Join
from datalib.assembly.parts import Part, Parts
from datalib.assembly.placing import Region
from datalib.assembly.request import (
    DERIVED,
    SUBSET,
    VERBATIM,
    Order,
    Pattern,
    check_prefixes,
    patterns_below,
)
from datalib.assembly.scanned import Record
from datalib.assembly.standing import Given, Standing
from datalib.assembly.upstream import Reached, Supply
from datalib.errors import Misuse, Refused
from datalib.library import hashing
from datalib.library.listing import Line
from datalib.library.manifest import Manifest
from datalib.library.paths import fold, readable
from datalib.library.store import Folder


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
    def beyond(self) -> tuple[Refused, ...]:
        """What refuses purposes that an input does not grant, ``E-PURPOSE-UPSTREAM``, naming all such inputs."""
        lacking = [f"{part.name} lacks {', '.join(part.lacking)}" for part in self.parts if part.lacking]
        return (Refused("E-PURPOSE-UPSTREAM", f"{self.standing.path}", "; ".join(lacking)),) if lacking else ()

    def regions(self) -> Iterator[Region]:
        """Give the parts of the folder that are copied from inputs, or were."""
        for part in self.parts:
            if part.source is not None and part.item.prefix:
                yield Region(prefix=part.item.prefix, folder=part.source, lines=part.lines)
        for prefix in self.dropped:
            yield Region(prefix=prefix, folder=self.standing.path, lines=lambda: iter(()))

    @property
    def untouched(self) -> tuple[str, ...]:
        """The prefixes of inputs that are left as they are."""
        return tuple(
            part.item.prefix for part in self.parts if part.placed and part.source is None and part.item.prefix
        )

    @property
    def records(self) -> tuple[Record, ...]:
        """What the manifest says of the scans that chose what was taken."""
        return tuple(part.record for part in self.parts if part.record is not None)

    @property
    def joined(self) -> tuple[str, ...]:
        """The paths of all joined tables, those that are left as they are too."""
        return (*(join.path for join in self.joins), *self.kept)


def plan(order: Order, before: Standing, given: Sequence[Given]) -> Plan:
    """Say what an assembly comes to.

    Raises ``Refused``: ``E-PURPOSE-MISSING``, ``E-PRODUCER-MISSING``, ``E-PRODUCER-CHANGED``, ``E-PATH-*``,
    ``E-CHAIN-FORK``, ``E-HEAD-ROLLBACK`` (an older copy than one at hand), ``E-INPUT-*``, ``E-TAKE-NONE``, the codes of
    `joining.joins` and `scanned.read`; ``Misuse`` (``E-USAGE``).
    """
    purposes = tuple(order.statements.purposes) or tuple(before.document.get("datalib", {}).get("purpose", ()))
    if not purposes:
        common = ", ".join(_common([each.facts.manifest for each in given]))
        raise Refused("E-PURPOSE-MISSING", str(order.out), f"all inputs grant: {common or 'none'}")
    if not order.statements.producer and "producer" not in before.document.get("datalib", {}):
        raise Refused("E-PRODUCER-MISSING", str(order.out))
    producer = before.manifest.block["producer"] if before.manifest else None
    if producer and order.statements.producer and dict(order.statements.producer) != producer:
        raise Refused("E-PRODUCER-CHANGED", str(order.out))
    supply = Supply()
    for each in given:
        supply.add(each.wish.folder, each.copies)
    if before.library is not None:
        supply.add(before.path, before.copies)
    parts = Parts(order, before, supply, purposes).all(given)
    check_prefixes(
        (part.item.prefix, VERBATIM if part.placed else part.item.mode) for part in parts if part.item.prefix
    )
    _check_take(order.take, parts)
    joins = joining.joins(order, before, given)
    _check_joins(order, parts, joins)
    made = {join.path for join in joins}
    kept = {part.item.prefix for part in parts}
    scans = {(record.prefix, record.lib) for record in scanned.records(before.document)}
    dropped = [
        item.prefix
        for item in before.inputs
        if item.prefix and (item.mode != DERIVED or (item.prefix, item.lib) in scans)
    ]
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
    prefixes = [fold(part.item.prefix) for part in parts if part.item.prefix and part.placed]
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
