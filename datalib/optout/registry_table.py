"""Registries as sorted tables on disk, and their join with batches of works.

Domains are looked up a column at a time: every host, then what follows each of its dots. URLs are looked at one by one
where a registry names one of their host, identifiers as they come. Hashes only narrow the search: keys are compared.
"""

import json
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from datalib.errors import Refused
from datalib.optout.compiled import Template, id_of, id_prefix
from datalib.optout.model import CATEGORIES, Carrier, Reading, Signal, State
from datalib.optout.registry import DOI_HOSTS, Kind, ListFile, Says, doi_of, url_key
from datalib.optout.statement import MAX_RAW, Evidence
from datalib.optout.urls import (
    PAD,
    SHORT,
    Bytes,
    Hashes,
    Place,
    Places,
    Positions,
    equal_rest,
    first_words,
    hash_spans,
)

SIGNAL: Final = "registry"
_META: Final = "registry.json"
_KEPT: Final = "kept.bin"
_TABLES: Final = ("domain", "url", "prefix", "host", "id")
#: Entries of which the host is looked up first.
_HOSTED: Final = frozenset({Kind.URL, Kind.PREFIX})
_ARRAYS: Final = ("hashes", "ends", "text", "entries")
#: Entries of all registries of a scan together.
MAX_ENTRIES: Final = 1 << 26
_SEEDS: Final = 8
_SIEVE_BITS: Final = 4

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


class KeyTable:
    """Keys sorted by their hash, with a number for each. ``sieve`` says which beginnings of hashes occur at all."""

    def __init__(self, arrays: dict[str, NDArray[Any]], seed: int, lengths: Sequence[int]) -> None:
        self.hashes: Hashes = arrays["hashes"]
        self.ends: Positions = arrays["ends"]
        self.text: Bytes = arrays["text"]
        self.entries: NDArray[np.int64] = arrays["entries"]
        self.seed = seed
        self.lengths = tuple(lengths)
        bits = max(len(self.hashes), 1).bit_length() + _SIEVE_BITS
        self._shift = np.uint64(64 - bits)
        self._sieve = np.zeros(1 << bits, dtype=np.bool_)
        self._sieve[(self.hashes >> self._shift).astype(np.int64)] = True

    def lookup(self, data: Bytes, start: Positions, length: Positions) -> NDArray[np.int64]:
        """Give the number of each span's key, -1 where there is none. ``data`` ends in ``PAD`` spare bytes."""
        found = np.full(len(start), -1, dtype=np.int64)
        if not len(self.hashes) or not len(start):
            return found
        words = first_words(data, start, length)
        wanted = hash_spans(data, start, length, length, seed=self.seed, words=words)
        some = np.flatnonzero(self._sieve[(wanted >> self._shift).astype(np.int64)])
        place = np.minimum(np.searchsorted(self.hashes, wanted[some]), len(self.hashes) - 1)
        begin = self.ends[place]
        same = (self.hashes[place] == wanted[some]) & (self.ends[place + 1] - begin == length[some])
        some, place, begin = some[same], place[same], begin[same]
        short = np.minimum(length[some], SHORT)
        same = np.ones(len(some), dtype=np.bool_)
        for word, own in zip(first_words(data, start[some], short), first_words(self.text, begin, short), strict=True):
            same &= word == own
        long = np.flatnonzero(same & (length[some] > SHORT))
        same[long] = equal_rest((data, start[some[long]]), (self.text, begin[long]), length[some[long]])
        found[some[same]] = self.entries[place[same]]
        return found

    def lookup_texts(self, texts: Sequence[bytes]) -> NDArray[np.int64]:
        """Give the number of each text's key, -1 where there is none."""
        ends = np.cumsum([0, *map(len, texts)])
        data = np.frombuffer(b"".join(texts) + bytes(PAD), dtype=np.uint8)
        return self.lookup(data, ends[:-1], np.diff(ends))


class _Keys:
    """Keys as they come, one behind the other; the entry of each."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.lengths = array("q")
        self.entries = array("q")
        self.twins: list[tuple[int, int]] = []

    def add(self, key: bytes, entry: int) -> None:
        self.text += key
        self.lengths.append(len(key))
        self.entries.append(entry)

    def sort(self) -> tuple[dict[str, NDArray[Any]], int]:
        """Sort the keys by their hash, each once, the earliest of equal ones; also give the seed of the hashes.

        Entries that share a key are then in ``twins``, each with the next.
        """
        length = np.frombuffer(self.lengths, dtype=np.int64)
        start = np.cumsum(length) - length
        data = np.frombuffer(self.text + bytes(PAD), dtype=np.uint8)
        words = first_words(data, start, length)
        for seed in range(_SEEDS):
            hashes = hash_spans(data, start, length, length, seed=seed, words=words)
            order = np.argsort(hashes, kind="stable")
            twin = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
            pairs = zip(order[twin].tolist(), order[twin + 1].tolist(), strict=True)
            if all(self._text(start, one) == self._text(start, other) for one, other in pairs):
                break
        else:
            raise Refused("E-REGISTRY-FORMAT", "", "entries that cannot be told apart")
        entries = np.frombuffer(self.entries, dtype=np.int64)
        self.twins = list(zip(entries[order[twin]].tolist(), entries[order[twin + 1]].tolist(), strict=True))
        order = np.delete(order, twin + 1)
        ends = np.concatenate([[0], np.cumsum(length[order])]).astype(np.int64)
        ordered = bytearray()
        for begin, size in zip(start[order].tolist(), length[order].tolist(), strict=True):
            ordered += self.text[begin : begin + size]
        return {
            "hashes": hashes[order],
            "ends": ends,
            "text": np.frombuffer(ordered + bytes(PAD), dtype=np.uint8),
            "entries": entries[order],
        }, seed

    def _text(self, start: Positions, place: int) -> bytes:
        return bytes(self.text[start[place] : start[place] + self.lengths[place]])


def is_compiled(folder: Path) -> bool:
    """Say whether a folder holds complete tables."""
    return (folder / _META).is_file()


def compile_registry(files: Sequence[ListFile], folder: Path, *, keep: int) -> None:
    """Write the tables of registries into an empty folder; complete once its ``registry.json`` is there.

    Files of at most ``keep`` bytes are copied: a scan that goes on later needs nothing but this folder.

    Raises Refused (E-REGISTRY-FORMAT), Unchecked (E-IO, E-FILE-CHANGED).
    """
    keys = {name: _Keys() for name in _TABLES}
    numbers, lines, raw_ends, raws = array("q"), array("q"), array("q", [0]), bytearray()
    says = [file.says for file in files]
    counts: list[Counter[str]] = []
    for number, file in enumerate(files):
        counts.append(Counter())
        for kind, key, line, raw in file.entries():
            if len(lines) == MAX_ENTRIES:
                raise Refused("E-REGISTRY-FORMAT", file.name, f"more than {MAX_ENTRIES} entries in all")
            keys[kind].add(key, len(lines))
            numbers.append(number)
            lines.append(line)
            raws += raw
            raw_ends.append(len(raws))
            counts[-1][key.partition(b":")[0].decode() if kind is Kind.ID else kind] += 1
            if kind in _HOSTED:
                keys["host"].add(key.partition(b"/")[0], 0)
    for host in sorted(DOI_HOSTS if any("doi" in count for count in counts) else ()):
        keys["host"].add(host.encode(), 0)
    meta: dict[str, Any] = {"tables": {}, "files": []}
    after = np.full(len(lines), -1, dtype=np.int64)
    for name, found in keys.items():
        arrays, seed = found.sort()
        if name != "host":
            _link(found.twins, lambda entry: says[numbers[entry]], after)
        for part, values in arrays.items():
            np.save(folder / f"{name}-{part}.npy", values, allow_pickle=False)
        meta["tables"][name] = {"seed": seed, "lengths": sorted(set(found.lengths))}
    for name, table in (("numbers", numbers), ("lines", lines), ("raw-ends", raw_ends)):
        np.save(folder / f"{name}.npy", np.frombuffer(table, dtype=np.int64), allow_pickle=False)
    np.save(folder / "after.npy", after, allow_pickle=False)
    np.save(folder / "raws.npy", np.frombuffer(raws, dtype=np.uint8), allow_pickle=False)
    kept = _keep([file if file.size <= keep else None for file in files], folder / _KEPT)
    meta["files"] = [_described(*about) for about in zip(files, counts, kept, strict=True)]
    (folder / _META).write_text(json.dumps(meta) + "\n", encoding="ascii")


def _keep(files: Sequence[ListFile | None], path: Path) -> list[int | None]:
    """Copy the files that there are, one behind the other; give the place of each."""
    places: list[int | None] = []
    with path.open("wb") as out:
        for file in files:
            places.append(out.tell() if file else None)
            out.write(file.read() if file else b"")
    return places


def _described(file: ListFile, count: Counter[str], kept: int | None) -> dict[str, Any]:
    said = file.says
    return {
        "name": file.name,
        "sha256": file.sha256,
        "size": file.size,
        "kept": kept,
        "entries": dict(sorted(count.items())),
        "says": [*(list(map(int, _states(reading))) for reading in (said.spec, said.strict)), said.note],
    }


def _link(twins: Sequence[tuple[int, int]], says: Callable[[int], Says], after: NDArray[np.int64]) -> None:
    """Let an entry lead to the next of the same key that says something else: none of them may be lost."""
    runs: dict[int, tuple[set[tuple[Reading, Reading]], int]] = {}
    for one, other in twins:
        first, more = ((said.spec, said.strict) for said in (says(one), says(other)))
        seen, last = runs.pop(one, ({first}, one))
        if more not in seen:
            after[last], last = other, other
            seen.add(more)
        runs[other] = seen, last


def _states(reading: Reading) -> list[State]:
    return [reading[name] for name in CATEGORIES]


def _says(value: list[Any]) -> Says:
    spec, strict = (Reading(**dict(zip(CATEGORIES, map(State, states), strict=True))) for states in value[:2])
    return Says(spec=spec, strict=strict, note=value[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFile:
    """A file of a compiled registry. ``entries`` counts what it names, ``says`` what is said of that.

    ``kept``: where its bytes stand among those that were copied; None if they were too many.
    """

    name: str
    sha256: str
    size: int
    kept: int | None
    entries: dict[str, int]
    says: Says

    def to_dict(self) -> dict[str, Any]:
        """Write it as results name it."""
        return {"entries": dict(self.entries), "name": self.name, "sha256": self.sha256}

    def signal(self, raw: str, place: str) -> Signal:
        """Make the signal of one of its entries."""
        evidence, says = Evidence(locator=self.name, sha256=self.sha256), self.says
        return evidence.signal(
            SIGNAL, Carrier.REGISTRY, raw, spec=says.spec, strict=says.strict, note=says.note, place=place
        )


class Registry:
    """Compiled registries, mapped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        meta = json.loads((folder / _META).read_bytes())
        self.files = tuple(RegistryFile(**{**item, "says": _says(item["says"])}) for item in meta["files"])
        self._tables = {
            name: KeyTable(
                {part: _load(folder, f"{name}-{part}") for part in _ARRAYS}, described["seed"], described["lengths"]
            )
            for name, described in meta["tables"].items()
        }
        self._numbers, self._lines = _load(folder, "numbers"), _load(folder, "lines")
        shared = (Template.of(file.signal("", "")) for file in self.files)
        self._shared = [
            (template, id_prefix(template, file.sha256)) for template, file in zip(shared, self.files, strict=True)
        ]
        self._after = _load(folder, "after")
        self._raws, self._raw_ends = _load(folder, "raws"), _load(folder, "raw-ends")

    def find_urls(self, places: Places) -> Pairs:
        """Give the entries that name the URLs of a batch, as pairs of row and entry."""
        found = [self._domains(places), *self._urls(places)]
        rows, entries = (np.concatenate(side) for side in zip(*found, strict=True))
        return self._follow(rows, entries)

    def find_ids(self, texts: Sequence[tuple[int, str]]) -> Pairs:
        """Give the entries that name identifiers, which come as pairs of row and text, as pairs of row and entry."""
        return self._follow(*self._ids(texts))

    def _ids(self, texts: Sequence[tuple[int, str]]) -> Pairs:
        found = self._tables["id"].lookup_texts([text.encode("utf-8", "replace") for _, text in texts])
        hits = np.flatnonzero(found >= 0)
        rows = np.array([row for row, _ in texts], dtype=np.int64)
        return rows[hits], found[hits]

    def _follow(self, rows: NDArray[np.int64], entries: NDArray[np.int64]) -> Pairs:
        """Add the entries with the same key that say something else."""
        found = [(rows, entries)]
        while entries.size:
            following = self._after[entries]
            rows, entries = rows[following >= 0], following[following >= 0]
            found.append((rows, entries))
        rows, entries = (np.concatenate(side) for side in zip(*found, strict=True))
        return rows, entries

    def signal(self, entry: int) -> Signal:
        """Give the signal that an entry makes."""
        return self.file_of(entry).signal(*self._said(entry))

    def identity(self, entry: int) -> tuple[Template, int]:
        """Give the template and the stable number of the signal that an entry makes, without making it."""
        number = int(self._numbers[entry])
        raw, place = self._said(entry)
        template, prefix = self._shared[number]
        return template, id_of(prefix, self.files[number].name + place, raw[:MAX_RAW])

    def _said(self, entry: int) -> tuple[str, str]:
        """Give the text of an entry, and its place in its file."""
        begin, end = self._raw_ends[entry : entry + 2].tolist()
        line = int(self._lines[entry])
        return self._raws[begin:end].tobytes().decode(), f"#L{line}" if line else ""

    def bytes_of(self, file: RegistryFile) -> bytes | None:
        """Give the bytes of a file; None if they were too many to be copied."""
        if file.kept is None:
            return None
        with (self.folder / _KEPT).open("rb") as kept:
            kept.seek(file.kept)
            return kept.read(file.size)

    def file_of(self, entry: int) -> RegistryFile:
        """Give the file that an entry stands in."""
        return self.files[int(self._numbers[entry])]

    def _domains(self, places: Places) -> Pairs:
        """Look up every host, and what follows each of its dots."""
        row = np.flatnonzero(places.cut > places.head)
        place, end = places.head[row], _host_ends(places, row)
        dots = np.append(np.flatnonzero(places.data == ord(".")), len(places.data))
        ahead = np.searchsorted(dots, place)
        rows, entries = [row[:0]], [row[:0]]
        while row.size:
            # A name without a dot is no entry: what has none ahead is done.
            go = np.flatnonzero(dots[ahead] < end)
            row, place, end, ahead = row[go], place[go], end[go], ahead[go]
            found = self._tables["domain"].lookup(places.data, place, end - place)
            hits = np.flatnonzero(found >= 0)
            rows.append(row[hits])
            entries.append(found[hits])
            place, ahead = dots[ahead] + 1, ahead + 1
        return np.concatenate(rows), np.concatenate(entries)

    def _urls(self, places: Places) -> list[Pairs]:
        """Look at the URLs whose host some URL of a registry has, and at those of a DOI resolver."""
        row = np.flatnonzero(places.cut > places.head)
        known = self._tables["host"].lookup(places.data, places.head[row], (places.cut - places.head)[row]) >= 0
        named = [(at, _place(places, at)) for at in row[known].tolist()]
        texts = [(at, url_key(place).encode("utf-8", "surrogatepass")) for at, place in named]
        prefixes = (
            self._match("prefix", [(at, text[:length]) for at, text in texts if len(text) >= length])
            for length in self._tables["prefix"].lengths
        )
        identifiers = [(at, doi) for at, place in named if (doi := doi_of(place))]
        return [self._match("url", texts), *prefixes, self._ids(identifiers)]

    def _match(self, name: str, texts: Sequence[tuple[int, bytes]]) -> Pairs:
        found = self._tables[name].lookup_texts([text for _, text in texts])
        hits = np.flatnonzero(found >= 0)
        return np.array([at for at, _ in texts], dtype=np.int64)[hits], found[hits]


def _host_ends(places: Places, row: Positions) -> Positions:
    """Give where the hosts of rows end: before a port and before a dot at the end."""
    head, cut = places.head[row], places.cut[row]
    colons = np.flatnonzero(places.data == ord(":"))
    following = np.searchsorted(colons, head)
    colon = np.append(colons, len(places.data))[following]
    end = np.where((colon < cut) & (places.data[head] != ord("[")), colon, cut)
    return np.asarray(end - (places.data[end - 1] == ord(".")))


def _place(places: Places, row: int) -> Place:
    origin = places.data[places.start[row] : places.cut[row]].tobytes().decode("ascii")
    return Place(origin=origin, target=places.target(row).decode("ascii"))


def _load(folder: Path, name: str) -> NDArray[Any]:
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
