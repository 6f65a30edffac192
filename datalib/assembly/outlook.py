"""What an assembly would do, and all that would stop it: the answer of a dry run. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datalib.assembly import description, joined_rows, placing, survey
from datalib.assembly.joined_rows import Joined
from datalib.assembly.placing import Placed
from datalib.assembly.plan import Plan, own_region
from datalib.assembly.request import Order
from datalib.assembly.survey import Upstream
from datalib.errors import Refused
from datalib.library import describe
from datalib.library.paths import readable
from datalib.library.store import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What an assembly would do.

    ``placed`` and ``joined`` are what it would write. ``graph`` are all libraries reached, depth first, as their chains
    and manifests tell. ``renamed`` are resources whose names others have: the name, and the one that each gets.
    ``stops``: why it would be refused, the first one first; empty if nothing is known that would stop it.
    """

    plan: Plan
    placed: Placed
    joined: tuple[Joined, ...]
    graph: tuple[Upstream, ...]
    renamed: tuple[tuple[str, str], ...]
    stops: tuple[Refused, ...]

    @property
    def licences(self) -> dict[str, tuple[str, ...]]:
        """Every licence that a library of the graph states, with the names of these libraries; empty: none stated."""
        found: dict[str, dict[str, None]] = {}
        for each in self.graph:
            for licence in each.licences or ("",):
                found.setdefault(licence, {})[each.name] = None
        return {licence: tuple(found[licence]) for licence in sorted(found)}


def look_ahead(order: Order, found: Plan, refused: Sequence[Refused]) -> Outlook:
    """Say what a plan comes to; ``refused``: why inputs may not be used.

    Raises what joining raises on account of the tables, the codes of `survey.told`, ``Unchecked`` (``E-IO``).
    """
    faults = own_faults(order, found)
    placed, joined, in_the_way = _files(order, found, None if faults else order.data)
    graph = survey.told(found.supply, found.reached)
    data = order.data
    named = description.resources(found, lambda path: data is None or (data / path).exists() or path in found.joined)
    return Outlook(
        plan=found,
        placed=placed,
        joined=joined,
        graph=graph,
        renamed=tuple((wanted, resource["name"]) for wanted, resource in named if wanted != resource["name"]),
        stops=(*(refused or survey.closed(graph)), *found.beyond, *faults, *in_the_way),
    )


def own_faults(order: Order, found: Plan) -> tuple[Refused, ...]:
    """Give what is wrong with the library's own files: names, links, clutter, places that are an input's.

    Raises ``Unchecked`` (``E-IO``).
    """
    place = order.data or order.out
    if not place.exists():
        return ()
    prefixes = [part.item.prefix for part in found.parts if part.placed and part.item.prefix]
    with Folder(place) as folder:
        left_out, unfit = describe.unfit(folder, own=True)
        taken = [prefix for prefix in prefixes if order.data and folder.exists(prefix.removesuffix("/"))]
    clutter = [readable(path) for path in left_out if order.data or not path.startswith((*prefixes, *found.dropped))]
    faults = [
        Refused("E-PATH-COLLISION", f"{place}: {readable(prefix)}", "an input has its place there") for prefix in taken
    ]
    faults += [Refused(each.code, f"{place}: {each.path}") for each in unfit]
    if clutter:
        faults.append(Refused("E-CLUTTER", str(place), f"{len(clutter)} found: {', '.join(clutter[:10])}"))
    return tuple(faults)


def _files(order: Order, found: Plan, own: Path | None) -> tuple[Placed, tuple[Joined, ...], tuple[Refused, ...]]:
    regions = [*found.regions(), *([own_region(own)] if own else [])]
    if not order.out.exists():
        copied = sum(1 for region in regions for _ in region.lines())
        joined, _ = joined_rows.foresee_all(None, found.joins)
        return Placed(copied=copied, removed=0, kept=0), joined, ()
    with Folder(order.out) as folder:
        placed, stops = placing.foresee(folder, regions, leave=[*found.untouched, *found.joined])
        joined, more = joined_rows.foresee_all(folder, found.joins)
    return placed, joined, (*stops, *more)
