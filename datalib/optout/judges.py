"""The judges of a site store: all its contents compiled for one collector, on disk, ready to be mapped.

One folder per collector, table of crawler names and version of the program. Arrays lie in plain files, appended chunk
by chunk, so that neither compiling nor scanning holds the rules of a million sites in memory.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datalib import __version__
from datalib.engine import Engine, run
from datalib.optout import agents
from datalib.optout.compiled import Template, compile_content, id_of, id_prefix, locator_of
from datalib.optout.maps import Maps, NpyFile
from datalib.optout.match import Matcher
from datalib.optout.outputs import trouble as io_faults
from datalib.optout.rule_table import BUCKETS, COLUMNS, TableBuilder, pattern_tables
from datalib.optout.site import SiteStore, open_store
from datalib.progress import Watch, nobody

VERSION = 6
#: Contents that one task compiles.
CHUNK = 1 << 11
#: Programs, and long patterns, that are remembered: a forgotten one is written again, which costs room only.
_KNOWN = 1 << 17
_META = "judges.json"
_CONTENT = {
    "program": np.int32, "first": np.int64, "everywhere": np.int32, "asked": np.uint16, "slow": np.bool_,
    "document": np.bool_,
}  # fmt: skip
_SIGNAL = {"ids": np.int64, "templates": np.int32, "lines": np.int32, "raw_ends": np.int64}
_PATTERN_TABLES = ("pattern_ends", "pattern_text", "tails")


class Task(NamedTuple):
    """Contents to compile: a range of them, for a collector, by a table of crawler names (its bytes)."""

    store: Path
    start: int
    stop: int
    agent: str
    table: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Compiled contents: their arrays, the rules' tables with numbers of their own, patterns and templates."""

    contents: dict[str, NDArray[Any]]
    signals: dict[str, NDArray[Any]]
    raw: bytes
    tables: dict[str, NDArray[Any]]
    patterns: tuple[str, ...]
    templates: tuple[Template, ...]
    links: dict[int, tuple[str, ...]]


def compile_chunk(task: Task) -> Chunk:
    """Compile some contents of a store. Pure but for reading the store; runs in a worker."""
    store, table = open_store(task.store, check=False), agents.read(task.table)
    builder, numbers = TableBuilder(), dict[Template, int]()
    contents: list[tuple[int, int, int, int, bool, bool]] = []
    links: dict[int, tuple[str, ...]] = {}
    signals: list[tuple[int, int, int, int]] = []
    raws: list[bytes] = []
    size = 0
    for number in range(task.start, task.stop):
        content = store.content(number)
        compiled = compile_content(content, task.agent, table)
        program = builder.add(compiled.entries) if compiled.entries else -1
        contents.append((program, len(signals), compiled.everywhere, compiled.asked, compiled.slow, compiled.document))
        if compiled.links:
            links[number] = compiled.links
        prefixes: dict[Template, bytes] = {}
        for template, line, text in compiled.rows:
            prefix = prefixes.get(template)
            if prefix is None:
                prefix = prefixes[template] = id_prefix(template, content.sha256)
            raw = text.encode("utf-8", "replace")
            size += len(raw)
            raws.append(raw)
            identity = id_of(prefix, locator_of(content.path, line), text)
            signals.append((identity, numbers.setdefault(template, len(numbers)), line, size))
    return Chunk(
        contents=_columns(_CONTENT, contents),
        signals=_columns(_SIGNAL, signals),
        raw=b"".join(raws),
        tables=builder.tables(),
        patterns=tuple(builder.pattern_numbers),
        templates=tuple(numbers),
        links=links,
    )


def _columns(kinds: dict[str, Any], rows: Sequence[Sequence[Any]]) -> dict[str, NDArray[Any]]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(kinds)
    return {name: np.array(column, dtype=kind) for (name, kind), column in zip(kinds.items(), columns, strict=True)}


class Judges:
    """The compiled contents of a store, mapped. ``templates`` are few and held."""

    def __init__(self, folder: Path) -> None:
        with io_faults(folder / _META):
            meta = json.loads((folder / _META).read_bytes())
        self.folder = folder
        self.digest: str = meta["digest"]
        self.templates = tuple(
            Template(item[0], item[1], item[2], tuple(item[3]), tuple(item[4])) for item in meta["templates"]
        )
        #: The licence documents that contents link, by the numbers of the contents.
        self.links: dict[int, tuple[str, ...]] = {int(key): tuple(links) for key, links in meta["links"].items()}
        self._sizes: dict[str, int] = meta["sizes"]
        self.maps = Maps(folder)
        self.contents = {name: self._map(name, kind) for name, kind in _CONTENT.items()}
        self.signals = {name: self._map(name, kind) for name, kind in _SIGNAL.items()}
        self.raw = self._map("raw", np.uint8)

    @cached_property
    def matcher(self) -> Matcher:
        """The rules of all contents."""
        tables: dict[str, Any] = {name: self._map(name, kind) for name, kind in COLUMNS.items()}
        tables["offsets"] = self._map("offsets", np.int32).reshape(-1, BUCKETS + 1)
        tables |= {name: self.maps.npy(name) for name in _PATTERN_TABLES}
        return Matcher(tables)

    def _map(self, name: str, kind: Any) -> NDArray[Any]:
        if not self._sizes[name]:
            return np.zeros(0, dtype=kind)
        return self.maps.plain(name, kind)

    def raw_text(self, signals: NDArray[np.int64]) -> list[str]:
        """Give the texts of some signals."""
        ends = self.signals["raw_ends"]
        starts = np.where(signals > 0, ends[np.maximum(signals - 1, 0)], 0)
        return [
            self.raw[start:end].tobytes().decode()
            for start, end in zip(starts.tolist(), ends[signals].tolist(), strict=True)
        ]


def compile_store(
    store: SiteStore, folder: Path, agent: str, table: bytes, engine: Engine, *, watch: Watch = nobody
) -> Judges:
    """Compile all contents of a store into an empty folder; it is complete once its ``judges.json`` is there."""
    count = len(store.contents)
    tasks = [Task(store.folder, start, min(start + CHUNK, count), agent, table) for start in range(0, count, CHUNK)]
    with io_faults(folder):
        writer = _Writer(folder)
        for task, chunk in zip(tasks, run(compile_chunk, tasks, engine), strict=True):
            writer.add(chunk)
            watch("compile", task.stop, count)
        writer.finish(judges_key(store, agent, table))
    return Judges(folder)


def judges_key(store: SiteStore, agent: str, table: bytes) -> str:
    """Name what the judges of a store depend on: its tables, the collector, the table of names, this program."""
    parts = (str(VERSION), __version__, store.digest, store.tables, agent, hashlib.sha256(table).hexdigest())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_compiled(folder: Path) -> bool:
    """Say whether a folder holds complete judges."""
    return (folder / _META).is_file()


class PatternWriter:
    """Appends long patterns to their tables, which ``rule_table.pattern_tables`` makes of a few of them."""

    def __init__(self, folder: Path) -> None:
        self._known: dict[str, int] = {}
        tables = pattern_tables(())
        self._files = {name: NpyFile(folder / f"{name}.npy", tables[name].dtype) for name in _PATTERN_TABLES}
        self._spare = tables["pattern_text"]

    def add(self, patterns: Sequence[str]) -> list[int]:
        """Give the number of each pattern, writing those that are not remembered."""
        if len(self._known) > _KNOWN:
            self._known.clear()
        count = self._files["tails"].rows
        fresh = [pattern for pattern in dict.fromkeys(patterns) if pattern not in self._known]
        self._known |= {pattern: count + place for place, pattern in enumerate(fresh)}
        tables = pattern_tables(fresh)
        text = self._files["pattern_text"]
        self._files["pattern_ends"].add(tables["pattern_ends"][:-1] + text.rows)
        text.add(tables["pattern_text"][: len(tables["pattern_text"]) - len(self._spare)])
        self._files["tails"].add(tables["tails"])
        return [self._known[pattern] for pattern in patterns]

    def close(self) -> None:
        """Finish the tables."""
        text = self._files["pattern_text"]
        self._files["pattern_ends"].add([text.rows])
        text.add(self._spare)
        for file in self._files.values():
            file.close()


class _Writer:
    """Appends chunks to the files of the tables, giving programs, patterns and templates their final numbers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = (*_CONTENT, *_SIGNAL, "raw", *COLUMNS, "offsets")
        self.files: dict[str, IO[bytes]] = {name: (folder / name).open("wb") for name in names}
        self.sizes = dict.fromkeys(names, 0)
        self.templates: dict[Template, int] = {}
        self.patterns = PatternWriter(folder)
        self.programs: dict[bytes, int] = {}
        self.links: dict[int, tuple[str, ...]] = {}

    def add(self, chunk: Chunk) -> None:
        signals_before, raw_before = self.sizes["ids"], self.sizes["raw"]
        self.links |= chunk.links
        programs = self._add_programs(chunk)
        templates = np.array(
            [self.templates.setdefault(template, len(self.templates)) for template in chunk.templates], dtype=np.int32
        )
        contents = dict(chunk.contents)
        contents["first"] = contents["first"] + signals_before
        own = contents["program"]
        contents["program"] = np.where(own >= 0, np.append(programs, -1)[own], -1).astype(np.int32)
        signals = dict(chunk.signals)
        signals["templates"] = templates[signals["templates"]]
        signals["raw_ends"] = signals["raw_ends"] + raw_before
        for name, array in (contents | signals).items():
            self._append(name, array)
        self._append("raw", np.frombuffer(chunk.raw, dtype=np.uint8))

    def _add_programs(self, chunk: Chunk) -> NDArray[np.int32]:
        """Add the programs that are new; give the numbers of all."""
        patterns = np.array(self.patterns.add(chunk.patterns) or [-1], dtype=np.int32)
        tables = dict(chunk.tables)
        long = tables["patterns"]
        tables["patterns"] = np.where(long >= 0, patterns[long], -1).astype(np.int32)
        numbers: list[int] = []
        for offsets in tables["offsets"]:
            part = {name: tables[name][offsets[0] : offsets[-1]] for name in COLUMNS}
            key = hashlib.sha256(b"".join(array.tobytes() for array in part.values())).digest()
            fresh = self.sizes["offsets"] // (BUCKETS + 1)
            number = self.programs.setdefault(key, fresh)
            numbers.append(number)
            if number == fresh:
                self._append("offsets", (offsets - offsets[0] + self.sizes["words"]).astype(np.int32))
                for name, array in part.items():
                    self._append(name, array)
        if len(self.programs) > _KNOWN:
            self.programs.clear()
        return np.array(numbers, dtype=np.int32)

    def _append(self, name: str, array: NDArray[Any]) -> None:
        self.files[name].write(array.tobytes())
        self.sizes[name] += len(array)

    def finish(self, key: str) -> None:
        for file in self.files.values():
            file.close()
        self.patterns.close()
        meta = {"digest": key, "sizes": self.sizes, "templates": list(self.templates), "links": self.links}
        (self.folder / _META).write_text(json.dumps(meta) + "\n", encoding="ascii")
