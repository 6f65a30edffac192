"""Which works a scan judges: tables row by row, files one by one, the sources that a library names.

A plan is a list of shards, each of which can be judged alone, anywhere, in any order. It depends on the works only:
not on the number of workers or the order of the arguments.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout import rows, synthetic, treebank, works_table
from datalib.optout.columns import URL_COLUMNS, Columns
from datalib.optout.declared import INTENTS
from datalib.optout.licence_text import is_licence_file, is_own_licence
from datalib.optout.outputs import Look
from datalib.optout.result import Unread
from datalib.optout.reuse import is_reuse_file
from datalib.optout.rows import Form
from datalib.optout.sources import MANIFEST, SOURCE, Named, digest_of, grants, named_sources, read_manifest, sources_of
from datalib.optout.stored import Source, StoredTable
from datalib.webarchive.files import entries_of, is_archive, is_wacz

#: Rows of one shard of a Parquet file, as near as its row groups allow, and where they hold files; files of one shard
#: of a folder.
SHARD_ROWS = 1 << 20
CONTENT_SHARD_ROWS = 1 << 14
SHARD_FILES = 1 << 12

#: Extensions of files that speak about the file beside them: XMP, C2PA manifests, REUSE, metadata of a token.
SIDECARS = (".xmp", ".c2pa", ".license", ".json")

_OWN_FILES = frozenset({MANIFEST, "files.sha256", "chain.jsonl"})
_OWN_FOLDERS = frozenset({"proofs", "manifests", "upstream", "evidence"})


class Part(StrEnum):
    """What the works of a shard are."""

    ROWS = "rows"
    FILES = "files"
    SOURCES = "sources"
    RECORDS = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to be judged. ``name`` is its path in the results, ``look`` how it looked when it was found on the disk.

    ``damaged`` says why its rows cannot be read.

    ``sidecars`` are files beside it that speak about it, ``governors`` files that speak about their whole folder, as a
    licence does. ``placed``: a table of works names it, with its ``url`` and
    ``licence`` as they stand there.
    """

    name: str
    path: Source
    size: int
    look: Look | None = None
    regular: bool = True
    damaged: str = ""
    sidecars: tuple["File", ...] = ()
    governors: tuple["File", ...] = ()
    placed: bool = False
    url: str | None = None
    licence: str | None = None

    @property
    def local(self) -> Path:
        """The path of a file that is no table: it is on this machine."""
        if isinstance(self.path, Path):
            return self.path
        raise Misuse("E-STORE-READ-ONLY", str(self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Works that are judged together. ``file`` and what follows it are of a table, ``files`` and ``sources`` of others.

    ``rows``: how many there are, where a table says so before it is read.
    An archive has a ``file`` too, a WACZ for each ``entry``; ``read`` is where its reading was left, once it was read.
    """

    part: Part
    file: File | None = None
    form: Form | None = None
    columns: Columns = field(default_factory=Columns)
    groups: range | None = None
    rows: int | None = None
    files: tuple[File, ...] = ()
    sources: tuple[Named, ...] = ()
    entry: str = ""
    read: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All works of a scan. ``licensed``: each source of the scanned library names a licence or another right to it.

    ``synthetic``: what the scanned library states of synthetic content, None where none speaks of it. ``unread``: what
    of the tables was not read. ``sources``: the digest of the sources that are judged, if there are any.
    """

    shards: tuple[Shard, ...]
    files: tuple[File, ...]
    licensed: bool = False
    synthetic: bool | None = None
    unread: tuple[Unread, ...] = ()
    sources: str | None = None


def plan(works: Sequence[Source], columns: Columns, table: Path | None = None) -> Plan:
    """Find the works of files and folders. ``table`` says where single files came from.

    Raises Misuse (E-USAGE) where there is nothing to judge or a named column is missing, Refused (E-JSON-SYNTAX) for a
    broken manifest, Unchecked (E-IO).
    """
    found: dict[str, File] = {}
    judged: list[Named] = []
    single: set[str] = set()
    licensed = bool(works)
    stated: list[bool] = []
    for root in sorted(works, key=_order):
        named = _named(root)
        for file in named:
            if file.name in found:
                raise Misuse("E-USAGE", file.name, "two of the works have this name; scan them apart")
            found[file.name] = file
        if isinstance(root, Path) and root.is_dir():
            manifest = read_manifest(root)
            said = synthetic.stated(manifest)
            stated += [] if said is None else [said]
            sources = sources_of(manifest)
            more = list(named_sources(sources))
            if judged and more:
                raise Misuse("E-USAGE", str(root), "another of the libraries names sources too; scan them apart")
            judged += more
            licensed = licensed and bool(sources) and all(map(grants, sources))
        else:
            single.add(root.name)
            licensed = False
    files = [found[name] for name in sorted(found)]
    archives, others = _archives(list(_with_governors(_with_sidecars(files))))
    tables, others, unread = _tables(others, columns, single)
    placed = others if table is None else list(works_table.place(others, table))
    shards = [*archives, *tables, *_folder_shards(placed)]
    if judged:
        shards.append(Shard(part=Part.SOURCES, sources=tuple(judged)))
    if not shards:
        raise Misuse("E-USAGE", ", ".join(map(str, works)), "there is no file to judge")
    _refuse_twins(files, shards)
    return Plan(
        shards=tuple(shards), files=tuple(files), licensed=licensed, synthetic=any(stated) if stated else None,
        unread=tuple(unread), sources=digest_of(judged),
    )  # fmt: skip


def _refuse_twins(files: Sequence[File], shards: Sequence[Shard]) -> None:
    """Refuse a file that is named like a work in another: ``a.csv#1``, ``a.warc@1``, ``source#0``."""
    tables = {shard.file.name for shard in shards if shard.part is Part.ROWS and shard.file}
    archives = {shard.file.name for shard in shards if shard.part is Part.RECORDS and shard.file}
    if any(shard.part is Part.SOURCES for shard in shards):
        tables.add(SOURCE)
    for file in files:
        table, _, number = file.name.rpartition("#")
        ends = (sign.start() for sign in re.finditer("[@/]", file.name)) if archives else ()
        other = next((file.name[:end] for end in ends if file.name[:end] in archives), None)
        if other or (table in tables and number.isascii() and number.isdecimal()):
            raise Misuse("E-USAGE", file.name, f"is named like a work in {other or table}; rename it or scan it apart")


def _order(root: Source) -> tuple[bool, tuple[str, ...]]:
    """Sort paths as paths, part by part, before addresses."""
    return isinstance(root, StoredTable), root.parts if isinstance(root, Path) else (str(root),)


def _named(root: Source) -> list[File]:
    """Give the files of one of the works."""
    if isinstance(root, StoredTable):
        return [File(name=root.name, path=root, size=root.size)]
    return list(walk(root)) if root.is_dir() else [_file(root, root.name)]


def is_library(folder: Path) -> bool:
    """Say whether a folder is a data library, signed or not."""
    return (folder / MANIFEST).is_file()


def _archives(files: Sequence[File]) -> tuple[list[Shard], list[File]]:
    """Find web archives. Records can only be read from the start: an archive is one shard, each entry of a WACZ is."""
    shards: list[Shard] = []
    others: list[File] = []
    for file in files:
        if not file.regular or not is_archive(file.name):
            others.append(file)
            continue
        try:
            entries = entries_of(file.local) if is_wacz(file.name) else ("",)
        except Refused as error:
            others.append(_damaged(file, error.detail))
            continue
        shards += [Shard(part=Part.RECORDS, file=file, entry=entry) for entry in entries]
    return shards, others


def _tables(files: Sequence[File], columns: Columns, single: set[str]) -> tuple[list[Shard], list[File], list[Unread]]:
    """Find tables of works; the other files; and what of tables looks as if it should have been read."""
    shards: list[Shard] = []
    others: list[File] = []
    unread: list[Unread] = []
    named: set[str] = set()
    for file in files:
        form = rows.form_of(file.name) if file.regular else None
        if form is None:
            others.append(file)
            continue
        try:
            form, head, chosen = _head(file.path, form, columns)
        except rows.DamagedError as error:
            others.append(_damaged(file, str(error)))
            continue
        if file.name in single:
            columns.require(head.columns, file.name)
            if chosen is None:
                detail = f"none of the columns {', '.join(URL_COLUMNS)}; name one with --url-column"
                raise Misuse("E-USAGE", file.name, detail)
        unread += [Unread(file.name, name) for name in columns.unread(head.columns, chosen)]
        if chosen is None:
            others.append(file)
            continue
        named.update(chosen.read)
        most = CONTENT_SHARD_ROWS if chosen.contents else SHARD_ROWS
        shards += [
            Shard(part=Part.ROWS, file=file, form=form, columns=chosen, groups=groups, rows=head.rows(groups))
            for groups in _ranges(head, form, most)
        ]
    if missing := [name for name in columns.read if name not in named]:
        raise Misuse("E-USAGE", missing[0], "no table of the works has this column")
    return shards, others, unread


def _head(path: Source, said: Form, columns: Columns) -> tuple[Form, rows.Head, Columns | None]:
    """Find how a table is written: as its name says, or else with another delimiter, if that shows columns of works."""
    if said is Form.CONLLU and not columns.licence:
        columns = replace(columns, licence=treebank.LICENCE)
    found: list[rows.Head | rows.DamagedError] = []
    for form in rows.variants(said):
        try:
            head = rows.head(path, form)
        except rows.DamagedError as error:
            found.append(error)
            continue
        chosen = columns.of(head.columns)
        if chosen is not None:
            twice = next((name for name in chosen.read if head.columns.count(name) > 1), None)
            if twice is not None:
                raise rows.DamagedError(f"the column {twice!r} stands in it twice")
            return form, head, chosen
        found.append(head)
    if isinstance(found[0], rows.DamagedError):
        raise found[0]
    return said, found[0], None


def _ranges(head: rows.Head, form: Form, most: int) -> Iterator[range | None]:
    """Cut a Parquet file into runs of row groups; other forms can only be read from the start."""
    if form is not Form.PARQUET:
        yield None
        return
    start = held = 0
    for index, count in enumerate(head.groups):
        if held and held + count > most:
            yield range(start, index)
            start, held = index, 0
        held += count
    yield range(start, len(head.groups))


def _with_sidecars(files: Sequence[File]) -> Iterator[File]:
    """Tell files of what stands beside them: ``photo.xmp`` or ``photo.jpg.xmp`` beside ``photo.jpg``.

    What speaks about another has nothing beside it; but a licence may stand beside anything (``data.json.license``).
    """
    beside: dict[tuple[Path, str], list[File]] = {}
    for file in files:
        if file.regular and isinstance(file.path, Path) and file.name.lower().endswith(SIDECARS):
            beside.setdefault((file.path.parent, file.path.name.lower()), []).append(file)
    for file in files:
        name = file.path.name.lower()
        stem, _, suffix = name.rpartition(".")
        if not beside or not file.regular or not isinstance(file.path, Path) or suffix == "license":
            yield file
            continue
        known = SIDECARS if f".{suffix}" not in SIDECARS else (".license",)
        found = (
            sidecar
            for start in (name, stem)
            for extension in known
            if start and (extension != ".license" or start == name)  # REUSE: the whole name of the file goes before it
            for sidecar in beside.get((file.path.parent, start + extension), ())
        )
        yield replace(file, sidecars=tuple(dict.fromkeys(found)))


def _with_governors(files: Iterable[File]) -> Iterator[File]:
    """Tell files of what stands in the folders that they lie in: licences, what their account declared about all.

    A ``REUSE.toml`` that is no file, such as a link, is told too: it is not followed, and says something.
    """
    files = list(files)
    governing: dict[Path, list[File]] = {}
    for file in files:
        licences = is_reuse_file(file.name) or (file.regular and is_licence_file(file.name))
        if not isinstance(file.path, Path) or not (file.regular or licences):
            continue
        folder = file.path.parent
        if licences:
            governing.setdefault(folder, []).append(file)
        elif is_own_licence(file.name) or (folder.name == INTENTS and file.name.endswith(".json")):
            governing.setdefault(folder.parent, []).append(file)
    for file in files:
        folders = file.path.parents if governing and isinstance(file.path, Path) else ()
        above = (each for folder in folders for each in governing.get(folder, ()))
        yield replace(file, governors=tuple(each for each in above if each is not file))


def _folder_shards(files: Sequence[File]) -> Iterator[Shard]:
    for start in range(0, len(files), SHARD_FILES):
        yield Shard(part=Part.FILES, files=tuple(files[start : start + SHARD_FILES]))


def walk(root: Path) -> Iterator[File]:
    """Walk a folder without following links, leaving out what a library keeps about itself."""
    own = is_library(root)
    stack = [(root, "")]
    while stack:
        folder, prefix = stack.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise Unchecked("E-IO", str(folder), error.strerror or str(error)) from error
        for entry in listed:
            name = prefix + _readable(entry.name)
            if own and not prefix and entry.name in _OWN_FILES | _OWN_FOLDERS:
                continue
            if entry.is_dir(follow_symlinks=False):
                stack.append((Path(entry.path), name + "/"))
            else:
                yield _file(Path(entry.path), name)


def _file(path: Path, name: str) -> File:
    try:
        found = path.lstat()
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
    return File(
        name=_readable(name), path=path, size=found.st_size, look=Look.of(found),
        regular=stat.S_ISREG(found.st_mode),
    )  # fmt: skip


def _damaged(file: File, why: str) -> File:
    return replace(file, damaged=why)


def _readable(name: str) -> str:
    """Write a file name as text that can be stored: bytes that are not UTF-8 become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
