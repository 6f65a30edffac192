"""What was refused leaves a library: rows from its tables, files from its folder. The sources stay named.

Each file is replaced or removed as a whole. What a file became is noted beside the scan before it takes its place, so
that an interrupted run can be repeated and a finished one changes nothing.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datalib.errors import Misuse, Refused, Unchecked
from datalib.library import draft
from datalib.library.describe import Statements, describe
from datalib.library.paths import to_bytes
from datalib.library.store import Folder, write_file
from datalib.optout import rows
from datalib.optout.chunks import faults
from datalib.optout.model import Verdict
from datalib.optout.outputs import replacing, sha256_of, trouble
from datalib.optout.reread import decisions, having
from datalib.optout.result import ScanFile, ScanResult, read_scan
from datalib.optout.rewrite import rewrite
from datalib.optout.sources import MANIFEST, read_manifest
from datalib.optout.works import is_library, walk
from datalib.webarchive.files import is_archive

_JOURNAL = "applied.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a run changed: rows removed by table, files removed. Empty when all had been done before.

    ``sources``: works of the kind ``source#N`` that were refused; they stay named, what came from them is for people.
    """

    tables: Mapping[str, int]
    files: tuple[str, ...]
    sources: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON has it."""
        return {"files": list(self.files), "sources": list(self.sources), "tables": dict(sorted(self.tables.items()))}


def apply(library: Path, out: Path, *, held: bool = False) -> Applied:
    """Remove refused works (``held``: also works on hold) from a library that was scanned into ``out``.

    Raises Misuse (E-USAGE) when the folder is no library, Refused (E-FILE-CHANGED) when a file that has to change is
    not the one that was scanned, Refused (E-SCAN-FORMAT), Unchecked (E-IO).
    """
    if not is_library(library):
        raise Misuse("E-USAGE", str(library), "is not a library")
    result = read_scan(out)
    wanted = {Verdict.REFUSE.value, Verdict.HOLD.value} if held else {Verdict.REFUSE.value}
    tables, files, sources = _unwanted(out, result, wanted)
    journal = _Journal(out)
    scanned = {file.path: file for file in result.inputs}
    done = {
        name: len(found)
        for name, found in sorted(tables.items())
        if _remove_rows(library, scanned[name], found, journal)
    }
    gone = [name for name in sorted(files) if _remove_file(library, name, scanned[name].sha256)]
    _undeclare(library, frozenset(files))
    return Applied(tables=done, files=tuple(gone), sources=tuple(sources))


def _undeclare(library: Path, gone: frozenset[str]) -> None:
    """Have no resource of the manifest name a file that is gone; if none is left, the largest file becomes one."""
    document = read_manifest(library)
    before = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(before, list):
        return
    after = [left for each in before for left in _without(each, gone)]
    if after == before:
        return
    with Folder(library) as folder:
        document = {**document, "resources": after}
        if not after:
            with suppress(Refused):  # no file is left, or one that no library may have: sign says so
                found = describe(folder, Statements(), now=0, given=document)
                document["resources"] = found.document.get("resources", [])
        folder.write(MANIFEST, draft.render(document))


def _without(resource: Any, gone: frozenset[str]) -> Iterator[Any]:
    """Give a resource without the files that are gone, if it has others. What is no resource stays."""
    named = resource.get("path") if isinstance(resource, dict) else None
    before = named if isinstance(named, list) else [named]
    after = [path for path in before if not isinstance(path, str) or path not in gone]
    if after == before:
        yield resource
    elif after:
        yield {**resource, "path": after}


def _unwanted(out: Path, result: ScanResult, wanted: set[str]) -> tuple[dict[str, set[int]], list[str], list[str]]:
    """Sort the works that have to go: rows by table, whole files, sources."""
    names = {file.path for file in result.inputs}
    tables: dict[str, set[int]] = {}
    files: list[str] = []
    sources: list[str] = []
    for work in _works(out, result, wanted):
        table, _, number = work.rpartition("#")
        if work in names:
            files.append(work)
        elif "@" in work and any(is_archive(name) and work.startswith((f"{name}@", f"{name}/")) for name in names):
            raise Misuse("E-USAGE", work, "records stay in their archive; take those that a scan --admitted wrote")
        elif table in names and number.isascii() and number.isdecimal():
            tables.setdefault(table, set()).add(int(number))
        else:
            sources.append(work)
    return tables, files, sources


def _works(out: Path, result: ScanResult, verdicts: set[str]) -> Iterator[str]:
    for batch in decisions(out, result, ["work_id", "verdict"]):
        yield from having(batch, {"verdict": verdicts}).column("work_id").to_pylist()


class _Journal:
    """What files became of which, beside the scan: pairs of digests."""

    def __init__(self, out: Path) -> None:
        self._path = out / _JOURNAL
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            known = None
        self._known: dict[str, Any] = known if isinstance(known, dict) else {}

    def has(self, file: ScanFile, now: str) -> bool:
        return self._known.get(file.path) == [file.sha256, now]

    def note(self, file: ScanFile, now: str) -> None:
        self._known[file.path] = [file.sha256, now]
        write_file(self._path, json.dumps(self._known, sort_keys=True).encode())


def _place(library: Path, name: str) -> Path:
    """Find a file of a library. Raises Refused (E-FILE-SYMLINK) where a link leads to it."""
    with Folder(library) as folder, folder.descend() as way:
        way.status(to_bytes(name))
    return library / name


def _refuse_unreadable(library: Path, name: str) -> None:
    """Refuse a file whose name is no text: it is there, under another name than the one that stands in the result."""
    if "\\" in name and not os.path.lexists(library / name) and any(file.name == name for file in walk(library)):
        raise Refused("E-PATH-NFC", name, "its name is not UTF-8; rename the file and scan the library again")


def _remove_rows(library: Path, file: ScanFile, found: set[int], journal: _Journal) -> bool:
    name, path = file.path, library / file.path
    _refuse_unreadable(library, name)
    now = sha256_of(_place(library, name)) if os.path.lexists(path) else ""
    if journal.has(file, now):
        return False
    if now != file.sha256:
        raise Refused("E-FILE-CHANGED", name, "not the file that was scanned; scan the library again")
    form = rows.form_of(name)
    if form is None:
        raise Refused("E-SCAN-FORMAT", name, "rows of a file that is no table")
    if form is rows.Form.XLSX:  # shared texts, targets of links, comments, caches of pivot tables
        raise Unchecked("E-TABLE-READ", name, "a workbook keeps copies of its rows elsewhere in it; remove the file")
    with replacing(path) as temporary:
        if not any(_rewritten(path, temporary, each, found, file.rows) for each in rows.variants(form)):
            raise Unchecked("E-TABLE-READ", name, "its rows cannot be told apart safely; remove the file")
        journal.note(file, sha256_of(temporary))
    return True


def _rewritten(path: Path, target: Path, form: rows.Form, found: set[int], scanned: int) -> bool:
    """Write a table without some rows; say whether these were told apart as the scan did."""
    try:
        with faults(path):
            total = rewrite(path, target, form, found)
        if total != scanned:
            return False
        columns = rows.head(path, form).columns[:1]
    except rows.DamagedError:
        return False
    return total == sum(chunk.count for chunk in rows.read(path, form, columns=columns))


def _remove_file(library: Path, name: str, digest: str) -> bool:
    path = library / name
    if not os.path.lexists(path):
        _refuse_unreadable(library, name)
        return False
    _place(library, name)
    if path.is_file() and not path.is_symlink() and sha256_of(path) != digest:
        raise Refused("E-FILE-CHANGED", name, "not the file that was scanned; scan the library again")
    with trouble(path):
        path.unlink()
    return True
