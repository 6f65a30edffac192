"""A folder in, the draft of its manifest out.

The folder is walked, its tables are read for their schemas, what it already says of itself is kept, and what the caller
says comes on top. Nothing is written here. Source: datalib manifest; datalib command line, ``init``.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from datalib.errors import Refused
from datalib.formats import format_time
from datalib.library import clutter, declarations, descriptor, draft, manifest, paths
from datalib.library.files import Entry, Kind
from datalib.library.names import slug
from datalib.library.resources import Holdings, complete_resources, resources_of
from datalib.library.store import Folder, is_leftover
from datalib.library.suggestions import suggest_all
from datalib.library.summary import Summary
from datalib.library.upgrade import PROFILE, Note, Upgraded, upgrade

_MANIFEST: Final = "datapackage.json"
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPath:
    """A name that no library may hold: the rule that it breaks and a name that would do, empty if none would."""

    path: str
    code: str
    suggestion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What ``init`` found. ``document`` is empty if there are refused paths.

    ``left_out`` are the files and folders that belong in no library (`datalib.library.clutter`): they must be moved
    away before the draft is signed, which `clutter.set_aside` does.
    """

    document: Mapping[str, Any]
    warnings: tuple[Note, ...] = ()
    refused: tuple[RefusedPath, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What the caller says of the library; it wins over what the folder says. Empty members say nothing.

    ``members`` is a descriptor too (``--from``): any members of a manifest, of any Data Package version.
    """

    producer: Mapping[str, Any] = field(default_factory=dict)
    purposes: Sequence[str] = ()
    sources: Sequence[Mapping[str, Any]] = ()
    license: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)


def describe(
    folder: Folder,
    statements: Statements,
    *,
    now: int,
    leave_out_clutter: bool = False,
    given: Mapping[str, Any] | None = None,
) -> Draft:
    """Describe an open folder; ``now`` is seconds since 1970 in UTC, and becomes ``created`` where nothing is said.

    ``given`` stands in the place of the folder's own descriptor; the folder is then a library, whose reserved files and
    folders are no data. Raises ``Refused``: ``E-CLUTTER`` for version control and caches, unless told to leave them
    out; the codes of `descriptor.load`, `declarations` and of the manifest schema; ``E-RES-UNLISTED`` for declared
    files that are not there; ``E-PRODUCER-CHANGED`` if a signed library is given another producer. Raises ``Unchecked``
    (``E-IO``).
    """
    if given is None:
        found = load(folder)
        own = folder.exists("chain.jsonl") or (found is not None and "datalib" in found.document)
    else:
        found, own = Upgraded(document=dict(given), notes=()), True
    left_out, refused = unfit(folder, own=own)
    if left_out and not leave_out_clutter:
        shown = ", ".join(map(paths.readable, left_out[:_SHOWN])) + (" …" if len(left_out) > _SHOWN else "")
        raise Refused("E-CLUTTER", str(folder.path), f"{len(left_out)} found: {shown}")
    if refused:
        return Draft(document={}, refused=refused, left_out=left_out)
    said = upgrade(statements.members, "--from") if statements.members else None
    base = _base(found, said)
    holdings = _survey(folder, base, own=own)
    known, notes = complete_resources(folder, base.document["resources"], holdings, base.declared)
    new, more = resources_of(folder, holdings, {resource["name"] for resource in known})
    document = _document(folder, {**base.document, "resources": [*known, *new]}, statements, holdings.rest, now)
    _refuse_other_producer(found, document)
    warnings = (*base.notes, *notes, *more, *_check(document))
    return Draft(document=document, warnings=warnings, left_out=left_out)


def unfit(folder: Folder, *, own: bool) -> tuple[tuple[str, ...], tuple[RefusedPath, ...]]:
    """Find what belongs in no library, and the names that none may hold; ``own``: the folder has records of a library.

    Raises ``Unchecked`` (``E-IO``).
    """
    left_out, special = _look(folder, own=own)
    return left_out, (*special, *_ill_named(folder, own=own))


def load(folder: Folder) -> Upgraded | None:
    """Read the descriptor that a folder has; codes as those of `descriptor.load`."""
    return descriptor.load(lambda name, limit: _read(folder, name, limit))


def _read(folder: Folder, name: str, limit: int) -> bytes | None:
    try:
        return folder.read(name, limit=limit, missing="E-FILE-MISSING", too_large="E-JSON-SIZE")
    except Refused as refusal:
        if refusal.code == "E-FILE-MISSING":
            return None
        raise


def _look(folder: Folder, *, own: bool) -> tuple[tuple[str, ...], list[RefusedPath]]:
    """Walk once for what belongs in no library, and for links and devices."""
    left_out: list[str] = []
    special: list[RefusedPath] = []
    for path, kind in _data(folder, own=own, left_out=left_out):
        if kind is not Kind.FILE:
            code = "E-FILE-SYMLINK" if kind is Kind.LINK else "E-FILE-TYPE"
            special.append(RefusedPath(path=paths.readable(path), code=code, suggestion=""))
    return tuple(left_out), special


def _is_ours(path: str) -> bool:
    """Tell whether a path is one of the library's own records."""
    return path in paths.RESERVED_FILES or path.partition("/")[0] in paths.RESERVED_FOLDERS


def _data(folder: Folder, *, own: bool, left_out: list[str] | None = None) -> Iterator[Entry]:
    """Yield what would be data; the records of a library that has some are not, nor is a draft's descriptor."""

    def pass_over(path: str) -> bool:
        if clutter.is_clutter(path):
            if left_out is not None:
                left_out.append(path.removesuffix("/"))
            return True
        return _is_ours(path) if own else path == _MANIFEST

    for entry in folder.walk(leave_out=pass_over):
        if not is_leftover(entry.path):
            yield entry


def _ill_named(folder: Folder, *, own: bool) -> Iterator[RefusedPath]:
    for path, code, suggestion in suggest_all(lambda: (entry.path for entry in _data(folder, own=own))):
        yield RefusedPath(path=paths.readable(path), code=code, suggestion=suggestion)


def _base(found: Upgraded | None, said: Upgraded | None) -> Upgraded:
    """Lay what the caller's descriptor says over what the folder's says."""
    empty = Upgraded(document={"$schema": PROFILE, "resources": []}, notes=())
    under, over = found or empty, said or empty
    strong = dict(over.document)
    if "$schema" in under.document and strong.get("$schema") == PROFILE:
        del strong["$schema"]
    return Upgraded(
        document=draft.merge(under.document, strong),
        notes=(*under.notes, *over.notes),
        declared={**under.declared, **over.declared},
    )


def _survey(folder: Folder, base: Upgraded, *, own: bool) -> Holdings:
    """Walk once: sizes of declared files, tables to be read, and a summary of everything else."""
    declared = [path for resource in base.document["resources"] for path in draft.paths_of(resource)]
    holdings = Holdings(declared=dict.fromkeys(declared, -1))
    with folder.descend() as way:
        for path, _ in _data(folder, own=own):
            status = way.status(paths.to_bytes(path))
            holdings.add(path, status.st_size if status else 0)
    draft.refuse_unlisted([path for path, size in holdings.declared.items() if size < 0])
    if not holdings.files:
        raise Refused("E-EMPTY", str(folder.path))
    return holdings


def _document(
    folder: Folder, base: Mapping[str, Any], statements: Statements, rest: Summary, now: int
) -> dict[str, Any]:
    document = dict(base)
    document.setdefault("name", slug(Path(os.path.realpath(folder.path)).name, "library"))
    document.setdefault("created", format_time(now))
    document["sources"] = _sources(document, statements.sources)
    if statements.license:
        named = "path" if "://" in statements.license else "name"
        document["licenses"] = [{named: statements.license}]
    block = {name: value for name, value in document.get("datalib", {}).items() if name != "content"}
    block.setdefault("spec", "1")
    if statements.producer:
        block["producer"] = dict(statements.producer)
    if statements.purposes:
        block["purpose"] = list(statements.purposes)
    block.pop("collections", None)
    if collections := rest.collections():
        block["collections"] = collections
    return draft.order({**document, "datalib": block})


def _sources(document: Mapping[str, Any], stated: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Join the sources; without any, those of the resources are the library's."""
    sources = [dict(source) for source in document.get("sources", [])]
    if not sources:
        sources = [dict(source) for resource in document["resources"] for source in resource.get("sources", [])]
    seen: set[tuple[Any, Any]] = set()
    joined = []
    for source in (*sources, *map(dict, stated)):
        key = (source.get("title"), source.get("path"))
        if key not in seen:
            seen.add(key)
            joined.append(source)
    return joined


def _refuse_other_producer(found: Upgraded | None, document: Mapping[str, Any]) -> None:
    block = found.document.get("datalib", {}) if found else {}
    if "content" in block and block.get("producer") != document["datalib"].get("producer"):
        raise Refused("E-PRODUCER-CHANGED", _MANIFEST)


def _check(document: Mapping[str, Any]) -> list[Note]:
    """Check what the draft says as the manifest that it will be."""
    block = document["datalib"]
    if "producer" not in block:
        raise Refused("E-PRODUCER-MISSING", f"{_MANIFEST}#/datalib/producer")
    notes = declarations.check_purposes(block.get("purpose", []), f"{_MANIFEST}#/datalib/purpose")
    notes += declarations.check_sources(document["sources"], f"{_MANIFEST}#/sources")
    manifest.parse_draft(draft.render(document))
    return notes
