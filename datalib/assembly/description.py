"""What the manifest of an assembled library says of its parts: their sources and their resources, carried over.

Sources are carried whole; a source without a licence gets the one licence of its library, if it has just one. Resources
are named after their prefix and keep their descriptions; sizes and digests are set when the library is signed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from datalib.assembly.plan import Plan
from datalib.library.draft import paths_of
from datalib.library.manifest import Input, Manifest
from datalib.library.names import slug, unique
from datalib.library.resources import RESOURCES_LIMIT


def carried_sources(manifest: Manifest) -> list[dict[str, Any]]:
    """Give the sources of an input as they stand in the library assembled from it."""
    licenses = manifest.document.get("licenses")
    alone = licenses[0] if isinstance(licenses, list) and len(licenses) == 1 else {}
    license_ = (alone.get("name") or alone.get("path")) if isinstance(alone, dict) else None
    named = {"license": license_} if isinstance(license_, str) else {}
    return [{**source.value, **({} if "license" in source.value else named)} for source in manifest.sources]


def joined_sources(*groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Join sources; of those with one title and one path the first stays."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for source in (source for group in groups for source in group):
        found.setdefault((repr(source.get("title")), repr(source.get("path"))), dict(source))
    return list(found.values())


def carried_resources(manifest: Manifest, prefix: str, there: Collection[str]) -> list[dict[str, Any]]:
    """Give the resources of an input, restricted to the paths (without prefix) that were taken."""
    found = []
    for resource in manifest.resources:
        paths = [prefix + path for path in resource.paths if path in there]
        if not paths:
            continue
        value = {name: member for name, member in resource.value.items() if name not in {"bytes", "hash", "path"}}
        path = paths[0] if len(paths) == 1 else paths
        found.append({**value, "name": f"{slug(prefix)}-{resource.name}", "path": path})
    return found


def pruned_resources(before: Iterable[Mapping[str, Any]], gone: Sequence[str]) -> list[dict[str, Any]]:
    """Take paths below these prefixes out of resources, and resources of which nothing is left."""
    found = []
    for resource in before:
        whole = paths_of(resource)
        paths = [path for path in whole if not path.startswith(tuple(gone))]
        if paths == whole:
            found.append(dict(resource))
        elif paths:
            found.append({**resource, "path": paths[0] if len(paths) == 1 else paths})
    return found


def resources(found: Plan, there: Callable[[str], bool]) -> list[tuple[str, dict[str, Any]]]:
    """Give the resources of the assembled library, each with the name that it would have, were it not another's.

    Those that the library had before keep their order. ``there`` tells of a file of the library's own whether it is
    there; what goes beyond the limit is summed up like other files.
    """
    before = found.standing.document.get("resources", ())
    made = {join.path for join in found.joins}
    kept = pruned_resources(before, [region.prefix for region in found.regions()])
    kept = [item for item in kept if made.isdisjoint(paths_of(item)) and all(map(there, paths_of(item)))]
    moved = (part for part in found.parts if part.folder is not None)
    carried = (carried_resources(part.manifest, part.item.prefix or "", part.described) for part in moved)
    joined = [join.resource() for join in found.joins]
    taken = set[str]()
    named = [
        (str(resource["name"]), {**resource, "name": unique(str(resource["name"]), taken)})
        # Joined tables are never beyond the limit: their resources say how they are made anew.
        for resource in [*kept[: RESOURCES_LIMIT - len(joined)], *joined, *chain.from_iterable(carried)][
            :RESOURCES_LIMIT
        ]
    ]
    places = {path: place for place, resource in enumerate(before) for path in paths_of(resource)}
    return sorted(named, key=lambda one: min((places.get(path, len(places)) for path in paths_of(one[1])), default=0))


def input_value(item: Input) -> dict[str, str]:
    """Give the JSON value of an input."""
    value = {"lib": item.lib, "head": item.head, "manifest": item.manifest, "mode": item.mode}
    return value if item.prefix is None else {**value, "prefix": item.prefix}
