"""What the manifest of an assembled library says of its parts: their sources and their resources, carried over.

Sources are carried whole; a source without a licence gets the one licence of its library, if it has just one. Resources
are named after their prefix and keep their descriptions; sizes and digests are set when the library is signed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

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


def pruned_resources(resources: Iterable[Mapping[str, Any]], gone: Sequence[str]) -> list[dict[str, Any]]:
    """Take paths below these prefixes out of resources, and resources of which nothing is left."""
    found = []
    for resource in resources:
        before = paths_of(resource)
        paths = [path for path in before if not path.startswith(tuple(gone))]
        if paths == before:
            found.append(dict(resource))
        elif paths:
            found.append({**resource, "path": paths[0] if len(paths) == 1 else paths})
    return found


def joined_resources(*groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Join resources under names of their own; what goes beyond the limit is summed up like other files."""
    taken = set[str]()
    resources = [resource for group in groups for resource in group][:RESOURCES_LIMIT]
    return [{**resource, "name": unique(str(resource["name"]), taken)} for resource in resources]


def input_value(item: Input) -> dict[str, str]:
    """Give the JSON value of an input."""
    value = {"lib": item.lib, "head": item.head, "manifest": item.manifest, "mode": item.mode}
    return value if item.prefix is None else {**value, "prefix": item.prefix}
