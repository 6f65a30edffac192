"""Resources: which files of a folder are tables, and what is said of them.

Tables of one folder, format and schema are one resource. A table that cannot be read is a file like any other, with a
warning: one damaged file must not keep a library of a million from being described. Source: datalib manifest,
"Standard members used".
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from datalib.errors import Refused
from datalib.library import tables
from datalib.library.descent import trouble
from datalib.library.draft import paths_of
from datalib.library.mediatypes import extension_of, mediatype_of
from datalib.library.names import slug, unique
from datalib.library.store import Folder
from datalib.library.summary import Summary
from datalib.library.tables import Table
from datalib.library.upgrade import Declared, Note

#: Most resources of one manifest.
RESOURCES_LIMIT: Final = 1000
#: Most tables whose schemas are read; tables beyond are summed up.
TABLES_LIMIT: Final = 10_000
#: Most characters that the found resources may take in the manifest, of the 16 MiB that it may have.
TEXT_LIMIT: Final = 12 << 20
#: Most characters of one schema.
SCHEMA_LIMIT: Final = 1 << 20

#: Tables of other formats are called files: Frictionless then checks their size and digest. Told that they are tables,
#: it reads a whole Parquet file into memory, fails on its lists and on its size, and cannot read JSON Lines or Arrow
#: without further packages.
_READ_BY_FRICTIONLESS: Final = frozenset({"csv", "tsv", "xlsx"})

_GONE: Final = "E-FILE-CHANGED"
_HASHES: Final = frozenset({"md5", "sha1", "sha256", "sha512"})


@dataclass(slots=True, kw_only=True)
class Holdings:
    """The files of a folder, sorted out.

    ``declared`` are the sizes in bytes of files that a descriptor names, -1 if not seen; ``tables`` are read next;
    ``rest`` sums up the others, save the largest of them, which is held back until it is known whether it is needed.
    """

    declared: dict[str, int]
    rest: Summary = field(default_factory=Summary)
    tables: list[tuple[str, int]] = field(default_factory=list)
    files: int = 0
    beyond: int = 0
    _largest: tuple[str, int] | None = None

    def add(self, path: str, size: int) -> None:
        """Take one file of the folder."""
        self.files += 1
        if path in self.declared:
            self.declared[path] = size
        elif tables.format_of(path) is None:
            self.add_plain(path, size)
        elif len(self.tables) < TABLES_LIMIT:
            self.tables.append((path, size))
        else:
            self.beyond += 1
            self.add_plain(path, size)

    def add_plain(self, path: str, size: int) -> None:
        """Take a file that is no resource; of several largest ones the first by path is held back."""
        if self._largest is None or (-size, path) < (-self._largest[1], self._largest[0]):
            self.release()
            self._largest = (path, size)
        else:
            self.rest.add(path, size)

    def largest(self) -> tuple[str, int] | None:
        """Give the largest plain file away: it is a resource now."""
        given, self._largest = self._largest, None
        return given

    def release(self) -> None:
        """Count the file that was held back among the others."""
        if self._largest is not None:
            self.rest.add(*self._largest)
            self._largest = None


def complete_resources(
    folder: Folder, resources: Sequence[Mapping[str, Any]], holdings: Holdings, declared: Mapping[str, Declared]
) -> tuple[list[dict[str, Any]], list[Note]]:
    """Complete resources that a descriptor declares; what it says stays."""
    notes: list[Note] = []
    completed = []
    taken: set[str] = set()
    for given in resources:
        resource = {**given, "name": unique(given["name"], taken)}
        files = paths_of(resource)
        if files:
            resource = {**_found(folder, files[0], resource, notes), **resource}
        if len(files) == 1:
            resource["bytes"] = holdings.declared[files[0]]
            notes += _compare(folder, files[0], resource["bytes"], declared.get(files[0], Declared()))
        completed.append(resource)
    return completed, notes


def _found(folder: Folder, path: str, declared: Mapping[str, Any], notes: list[Note]) -> dict[str, Any]:
    """Say what a declared file shows of itself. Dialect and encoding count only with the schema found with them."""
    if tables.format_of(path) and "schema" not in declared:
        table = _table(folder, path, notes)
        if table is not None:
            return members(table)
    known = tables.format_of(path) or extension_of(path)
    return {**({"format": known} if known else {}), "mediatype": mediatype_of(path)}


def _compare(folder: Folder, path: str, size: int, declared: Declared) -> list[Note]:
    """Compare a file with what was said of its bytes."""
    problem = ""
    if declared.size is not None and declared.size != size:
        problem = f"it was said to have {declared.size} bytes and has {size}"
    elif declared.algorithm in _HASHES:
        with folder.open(path, missing=_GONE) as file, trouble(path):
            digest = hashlib.file_digest(file, lambda: hashlib.new(declared.algorithm, usedforsecurity=False))
        if digest.hexdigest() != declared.digest:
            problem = f"its {declared.algorithm} is not the one that was said"
    return [Note(code="W-FILE-DIFFERS", where=path, detail=problem)] if problem else []


def resources_of(folder: Folder, holdings: Holdings, taken: set[str]) -> tuple[list[dict[str, Any]], list[Note]]:
    """Make resources of the tables that nothing declares; the rest of the files goes into ``holdings.rest``.

    ``taken`` are names that resources have already. Without any table, the largest file is the one resource.
    """
    notes: list[Note] = []
    groups: dict[tuple[str, ...], tuple[Table, list[tuple[str, int]]]] = {}
    for path, size in holdings.tables:
        table = _table(folder, path, notes)
        if table is None:
            holdings.add_plain(path, size)
        else:
            groups.setdefault(_key(path, table), (table, []))[1].append((path, size))
    names = set(taken)
    made: list[dict[str, Any]] = []
    beyond, text = holdings.beyond, 0
    for table, files in groups.values():
        resource = _resource(table, files, names)
        text += len(json.dumps(resource))
        if len(taken) + len(made) < RESOURCES_LIMIT and text <= TEXT_LIMIT:
            made.append(resource)
        else:
            beyond += len(files)
            for path, size in files:
                holdings.add_plain(path, size)
    if beyond:
        notes.append(Note(code="W-TABLES-MANY", where="", detail=f"{beyond} tables"))
    if not made and not taken and (largest := holdings.largest()):
        made.append(_plain(*largest, names))
    holdings.release()
    return made, notes


def _key(path: str, table: Table) -> tuple[str, ...]:
    alike = json.dumps([table.schema, table.dialect, table.encoding], sort_keys=True)
    return path.rpartition("/")[0], table.format, table.mediatype, hashlib.sha256(alike.encode()).hexdigest()


def _table(folder: Folder, path: str, notes: list[Note]) -> Table | None:
    try:
        with folder.open(path, missing=_GONE) as file, trouble(path):
            table = tables.read(file, path)
        _check_length(table, path)
    except Refused as refusal:
        if refusal.code != "E-TABLE-READ":
            raise
        notes.append(Note(code="W-TABLE-READ", where=path, detail=refusal.detail))
        return None
    notes += [Note(code="W-TABLE", where=path, detail=said) for said in table.notes]
    return table


def _check_length(table: Table, path: str) -> None:
    if len(json.dumps(table.schema)) > SCHEMA_LIMIT:
        raise Refused("E-TABLE-READ", path, "the names of its columns are too long")


def members(table: Table) -> dict[str, Any]:
    """Name the members of a table in the order in which people read them."""
    found: dict[str, Any] = {"type": "table" if table.format in _READ_BY_FRICTIONLESS else "file"}
    found |= {"format": table.format, "mediatype": table.mediatype}
    if table.encoding is not None:
        found["encoding"] = table.encoding
    if table.dialect is not None:
        found["dialect"] = dict(table.dialect)
    return {**found, "schema": dict(table.schema)}


def _resource(table: Table, files: Sequence[tuple[str, int]], taken: set[str]) -> dict[str, Any]:
    path, size = files[0]
    if len(files) == 1:
        name = unique(slug(_stem(path)), taken)
        return {"name": name, "path": path, **_with_bytes(members(table), size)}
    stems = [_stem(file) for file, _ in files]
    first, last = min(stems), max(stems)
    alike = next((end for end in range(len(first)) if first[: end + 1] != last[: end + 1]), len(first))
    common = first[:alike].rstrip("-_. 0123456789")
    name = unique(slug(common or path.rpartition("/")[0].rpartition("/")[2] or _stem(path)), taken)
    return {"name": name, "path": [file for file, _ in files], **members(table)}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _with_bytes(members: dict[str, Any], size: int) -> dict[str, Any]:
    schema = {"schema": members.pop("schema")} if "schema" in members else {}
    return {**members, "bytes": size, **schema}


def _plain(path: str, size: int, taken: set[str]) -> dict[str, Any]:
    extension = extension_of(path)
    members: dict[str, Any] = {"format": extension} if extension else {}
    members |= {"mediatype": mediatype_of(path), "bytes": size}
    return {"name": unique(slug(_stem(path) or path.rpartition("/")[2]), taken), "path": path, **members}
