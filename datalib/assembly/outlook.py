"""What an assembly would do, and all that would stop it: the answer of a dry run. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass

from datalib.assembly import description, joined_rows, placing, survey
from datalib.assembly.joined_rows import Joined
from datalib.assembly.placing import Placed
from datalib.assembly.plan import Plan, own_region
from datalib.assembly.request import Order
from datalib.assembly.survey import Upstream
from datalib.errors import Refused
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


def look_ahead(order: Order, found: Plan, stops: Sequence[Refused]) -> Outlook:
    """Say what a plan comes to; ``stops`` are the inputs that may not be used.

    Raises what joining raises on account of the tables, and the codes of `survey.told`.
    """
    placed, joined, in_the_way = _files(order, found)
    graph = survey.told(found.supply, found.reached)
    beyond = [found.beyond] if found.beyond else []
    data = order.data
    named = description.resources(found, lambda path: data is None or (data / path).exists() or path in found.joined)
    return Outlook(
        plan=found,
        placed=placed,
        joined=joined,
        graph=graph,
        renamed=tuple((wanted, resource["name"]) for wanted, resource in named if wanted != resource["name"]),
        stops=(*(stops or survey.closed(graph)), *beyond, *in_the_way),
    )


def _files(order: Order, found: Plan) -> tuple[Placed, tuple[Joined, ...], tuple[Refused, ...]]:
    regions = [*found.regions(), *([own_region(order.data)] if order.data else [])]
    if not order.out.exists():
        copied = sum(1 for region in regions for _ in region.lines())
        joined, _ = joined_rows.foresee_all(None, found.joins)
        return Placed(copied=copied, removed=0, kept=0), joined, ()
    with Folder(order.out) as folder:
        placed, stops = placing.foresee(folder, regions, leave=[*found.untouched, *found.joined])
        joined, more = joined_rows.foresee_all(folder, found.joins)
    return placed, joined, (*stops, *more)
