"""The text of a manifest before it is signed: put together, written, completed.

    merge()      what the folder shows, what a descriptor says and what the caller says, in this order of strength
    render()     the bytes: two spaces, UTF-8, final newline
    complete()   the sizes and digests that only the listing knows

Source: datalib manifest, "Standard members used" and "The datalib block".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from datalib.errors import Refused
from datalib.library.summary import Summary

#: Largest manifest. Source: datalib trust specification §3, C7.
SIZE_LIMIT: Final = 16 << 20

_STANDARD: Final = (
    "$schema",
    "name",
    "title",
    "description",
    "version",
    "created",
    "keywords",
    "homepage",
    "licenses",
    "contributors",
    "sources",
    "resources",
)
_RESOURCE: Final = (
    "name",
    "type",
    "path",
    "title",
    "description",
    "format",
    "mediatype",
    "encoding",
    "bytes",
    "hash",
    "dialect",
)
_BLOCK: Final = ("spec", "producer", "purpose", "title", "description", "content", "inputs", "collections")


class Listed(NamedTuple):
    """One file of the listing: its size in bytes, its SHA-256 as hex. A tuple, because there are millions."""

    path: str
    size: int
    sha256: str


def render(document: Mapping[str, Any]) -> bytes:
    """Write a manifest as people read it: two spaces, UTF-8 unescaped, final newline.

    Raises ``Refused``: ``E-JSON-SIZE`` if it is larger than a manifest may be, ``E-JSON-SURROGATE`` and ``E-JSON-NAN``
    for what no JSON text can hold.
    """
    try:
        data = (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError as problem:
        raise Refused("E-JSON-SURROGATE", "datapackage.json", "a text holds half of a surrogate pair") from problem
    except ValueError as problem:
        raise Refused("E-JSON-NAN", "datapackage.json", str(problem)) from problem
    if len(data) > SIZE_LIMIT:
        raise Refused("E-JSON-SIZE", "datapackage.json", f"{len(data)} bytes, at most {SIZE_LIMIT}")
    return data


def order(document: Mapping[str, Any]) -> dict[str, Any]:
    """Put the members of a manifest, its resources and its block into the order in which people look for them.

    Members that are not ours keep their order, behind ours.
    """
    ordered = _first(_STANDARD, document)
    ordered["resources"] = [_resource_in_order(resource) for resource in document.get("resources", [])]
    block = ordered.pop("datalib", None)
    return ordered if block is None else {**ordered, "datalib": _first(_BLOCK, block)}


def _first(names: Sequence[str], members: Mapping[str, Any]) -> dict[str, Any]:
    first = {name: members[name] for name in names if name in members}
    return {**first, **{name: value for name, value in members.items() if name not in first}}


def _resource_in_order(resource: Mapping[str, Any]) -> dict[str, Any]:
    ordered = _first(_RESOURCE, resource)
    if "schema" in ordered:  # the longest member is the last
        ordered["schema"] = ordered.pop("schema")
    return ordered


def merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one manifest over another: members are replaced as wholes, those of the block and resources one by one.

    Two resources are the same if they have the same ``path`` or, without one, the same ``name``.
    """
    merged = {**weak, **strong}
    if "datalib" in weak and "datalib" in strong:
        merged["datalib"] = {**weak["datalib"], **strong["datalib"]}
    if "resources" in weak or "resources" in strong:
        merged["resources"] = _merge_resources(weak.get("resources", []), strong.get("resources", []))
    return merged


def _merge_resources(weak: Sequence[Mapping[str, Any]], strong: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    merged = [dict(resource) for resource in weak]
    places = {_identity(resource): index for index, resource in enumerate(merged)}
    for resource in strong:
        place = places.get(_identity(resource))
        if place is None:
            merged.append(dict(resource))
        else:
            merged[place].update(resource)
    return merged


def _identity(resource: Mapping[str, Any]) -> tuple[str, ...]:
    paths = paths_of(resource)
    return ("path", *paths) if paths else ("name", str(resource.get("name")))


def paths_of(resource: Mapping[str, Any]) -> list[str]:
    """Give the paths of a resource, none if its data is inline."""
    path = resource.get("path")
    return [path] if isinstance(path, str) else list(path or [])


class Tally:
    """What a manifest says of its files, gathered while they are listed, however many there are.

    ``listed`` are the files that resources name, ``rest`` sums up all others, ``bytes`` is the size of all.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._named = {path for resource in document["resources"] for path in paths_of(resource)}
        self.listed: dict[str, Listed] = {}
        self.rest = Summary()
        self.bytes = 0

    def add(self, file: Listed) -> None:
        """Take one file of the listing."""
        self.bytes += file.size
        if file.path in self._named:
            self.listed[file.path] = file
        else:
            self.rest.add(file.path, file.size)


def complete(
    document: Mapping[str, Any], listed: Mapping[str, Listed], rest: Summary, content: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the manifest that is signed: ``content`` put in; sizes, digests and collections set from the listing.

    ``listed`` are the listed files that resources name, ``rest`` sums up all others. ``bytes`` and ``hash`` of
    resources with one file are set anew, those of resources with several are removed. Raises ``Refused``
    (``E-RES-UNLISTED``) with every path that a resource names and the listing does not.
    """
    resources = [dict(resource) for resource in document["resources"]]
    refuse_unlisted([path for resource in resources for path in paths_of(resource) if path not in listed])
    for resource in resources:
        for member in ("bytes", "hash"):
            resource.pop(member, None)
        paths = paths_of(resource)
        if len(paths) == 1:
            file = listed[paths[0]]
            resource.update(bytes=file.size, hash=f"sha256:{file.sha256}")
    block = {**document["datalib"], "content": dict(content), "collections": rest.collections()}
    if not block["collections"]:
        del block["collections"]
    return order({**document, "resources": resources, "datalib": block})


def refuse_unlisted(paths: Sequence[str]) -> None:
    """Refuse a manifest whose resources name files that are not there; all of them in one message."""
    if paths:
        shown = ", ".join(paths[:20]) + (f" and {len(paths) - 20} more" if len(paths) > 20 else "")  # noqa: PLR2004 -- as many as a reader takes in
        raise Refused("E-RES-UNLISTED", "datapackage.json", f"{len(paths)} of its files are not in the folder: {shown}")
