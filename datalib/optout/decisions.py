"""The decisions of a shard, written as Parquet: fixed row groups, coded columns, and the leaves of their Merkle tree.

What is written depends on the rows alone, not on the batches they came in. A leaf is the text of ``BLOCK`` decisions
(fewer at the end of a file), one a line: work, URL, verdict, reason, strict states in the order of ``CATEGORIES`` by
their first letters, separated by tabs; a work or URL with a tab, line feed or leading quotation mark stands as a JSON
string.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq  # here: workers import it while nobody waits for them
from numpy.typing import NDArray

from datalib.optout.key_index import keys_of
from datalib.optout.model import CATEGORIES
from datalib.optout.outcome import CARRIERS, REASONS, VERDICTS, Verdicts, state_of
from datalib.optout.urls import spans_of

#: Rows of a row group, and of a leaf.
GROUP: Final = 1 << 17
BLOCK: Final = 1 << 6
#: Pairs of work and signal at which a row group ends, however few its rows: they are held until then.
PAIRS: Final = 1 << 21

_CODES = pa.dictionary(pa.int32(), pa.string())
SCHEMA: Final = pa.schema([
    pa.field("work_id", pa.string(), nullable=False),
    pa.field("url", pa.string()),
    pa.field("verdict", _CODES, nullable=False),
    pa.field("reason", _CODES, nullable=False),
    *(pa.field(name, _CODES, nullable=False) for name in CATEGORIES),
    pa.field("carriers_asked", _CODES, nullable=False),
    pa.field("signal_ids", pa.list_(pa.field("element", pa.int64(), nullable=False)), nullable=False),
])  # fmt: skip
_SPACE, _QUOTE = ord(" "), ord('"')
_LEAF = hashlib.sha256(b"\0")


def leaves_of(rows: int) -> int:
    """Tell how many leaves the decisions of a shard of so many rows have."""
    return -(-rows // BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Decisions about some rows, ready to be written. ``ids`` are the stable numbers of ``verdicts.signals``."""

    work: Any
    url: Any
    verdicts: Verdicts
    ids: NDArray[np.int64]


class DecisionWriter:
    """Writes decisions to one file. ``leaves`` are the hashes of its leaves so far, ``keys`` those of an index."""

    def __init__(self, path: Path, *, keyed: bool = False) -> None:
        plain = ["work_id", "url", "signal_ids.list.element"]
        coded = [name for name in SCHEMA.names if name not in {"work_id", "url", "signal_ids"}]
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            # Snappy for the long column: its text stands in the works anyway, and writing it is half of the work.
            compression={name: "SNAPPY" if name == "url" else "ZSTD" for name in [*coded, *plain]},
            use_dictionary=[*coded, plain[-1]],
            write_statistics=False,
        )
        self._waiting: list[Decided] = []
        self._rows = self._pairs = 0
        self._keyed, self._written = keyed, 0
        self.leaves: list[bytes] = []
        self.keys: list[tuple[NDArray[np.uint64], NDArray[np.uint64]]] = []

    def add(self, decided: Decided) -> None:
        """Add decisions; whole row groups are written."""
        self._waiting.append(decided)
        self._rows += len(decided.work)
        self._pairs += len(decided.ids)
        while self._rows >= GROUP or self._pairs >= PAIRS:
            whole = _joined(self._waiting)
            reached = int(np.searchsorted(np.cumsum(whole.verdicts.counts), PAIRS)) + 1
            count = min(leaves_of(reached) * BLOCK, GROUP)
            if count > self._rows:  # some rows to the end of a leaf are still to come
                self._waiting = [whole]
                break
            self._write(_part(whole, 0, count))
            rest = _part(whole, count, self._rows)
            self._waiting, self._rows, self._pairs = [rest], len(rest.work), len(rest.ids)

    def close(self) -> None:
        """Write what is left and end the file."""
        if self._rows:
            self._write(_joined(self._waiting))
        self._writer.close()

    def _write(self, decided: Decided) -> None:
        verdicts = decided.verdicts
        said = _Said(verdicts)
        offsets = np.concatenate([[0], np.cumsum(verdicts.counts)]).astype(np.int32)
        columns = [
            decided.work,
            decided.url,
            *said.columns(),
            pa.ListArray.from_arrays(pa.array(offsets), pa.array(decided.ids), type=SCHEMA.field("signal_ids").type),
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA), row_group_size=GROUP)
        self.leaves += leaf_hashes(lines_of(decided.work, decided.url, said.lines()))
        if self._keyed:
            self.keys.append(keys_of("work", decided.work, self._written))
            self.keys.append(keys_of("url", decided.url, self._written))
        self._written += len(decided.work)


class _Said:
    """The different things that are said about rows: few, each put into words once."""

    def __init__(self, verdicts: Verdicts) -> None:
        key = verdicts.levels.astype(np.int64) | verdicts.verdict.astype(np.int64) << 28
        key |= verdicts.reason.astype(np.int64) << 32 | verdicts.asked.astype(np.int64) << 48
        coded = pa.array(key).dictionary_encode()
        self._code = coded.indices
        self._levels = [value & 0xFFFFFFF for value in coded.dictionary.to_pylist()]
        self._said = [
            (VERDICTS[value >> 28 & 15].value, REASONS[value >> 32 & 0xFFFF], carriers_of(value >> 48))
            for value in coded.dictionary.to_pylist()
        ]

    def columns(self) -> list[Any]:
        """Give the columns of codes, each with the words that occur in it, sorted."""
        states = list(zip(*(state_of(levels) for levels in self._levels), strict=True))
        verdict, reason, carriers = zip(*self._said, strict=True)
        words = [verdict, reason, *([state.label for state in column] for column in states), carriers]
        return [self._coded(column) for column in words]

    def _coded(self, words: Sequence[str]) -> Any:
        present = sorted(set(words))
        place = pa.array([present.index(word) for word in words], pa.int32())
        return pa.DictionaryArray.from_arrays(place.take(self._code), pa.array(present, pa.string()))

    def lines(self) -> Any:
        """Give what stands behind work and URL in the line of each row; states by their first letters."""
        texts = [
            f"{said[0]}\t{said[1]}\t{''.join(state.label[0] for state in state_of(levels))}\n"
            for said, levels in zip(self._said, self._levels, strict=True)
        ]
        return pa.array(texts, pa.string()).take(self._code)


def work_ids(name: str, first: int, count: int) -> Any:
    """Give the ids of the rows of a table, ``NAME#ROW``, as an Arrow array: digits are written in columns."""
    prefix = np.frombuffer(name.encode() + b"#", dtype=np.uint8)
    parts: list[Any] = []
    while count:
        width = len(str(first))
        size = min(count, 10**width - first)
        text = np.empty((size, len(prefix) + width), dtype=np.uint8)
        text[:, : len(prefix)] = prefix
        rest = np.arange(first, first + size, dtype=np.uint32 if first + size < 1 << 32 else np.uint64)
        for place in range(width):
            tens = rest // 10
            text[:, -1 - place] = rest - tens * 10 + ord("0")
            rest = tens
        offsets = np.arange(size + 1, dtype=np.int32) * text.shape[1]
        parts.append(pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(text.reshape(-1))))
        first, count = first + size, count - size
    return parts[0] if len(parts) == 1 else pa.concat_arrays([*parts, pa.array([], pa.string())])


def lines_of(work: Any, url: Any, said: Any) -> Any:
    """Give the lines of decisions, with their ends, as an Arrow array of strings."""
    url = pc.fill_null(url, "") if url.null_count else url
    return pc.binary_join_element_wise(_one_line(work), _one_line(url).cast(pa.string()), said, "\t")


def _one_line(column: Any) -> Any:
    """Write texts that would not be one field of one line, or would look like one written so, as JSON strings."""
    texts = spans_of(column)[0]
    odd_bytes = texts.min(initial=_SPACE) <= _SPACE and ((texts == ord("\t")) | (texts == ord("\n"))).any()
    if not odd_bytes and not (texts == _QUOTE).any():
        return column
    odd = pc.match_substring_regex(column, '[\t\n]|^"')
    spelled = pa.array([json.dumps(text) for text in column.filter(odd).to_pylist()], column.type)
    return pc.replace_with_mask(column, odd, spelled)


def table_lines(table: Any) -> Any:
    """Give the lines of decisions that were written, from a table of them, as an Arrow array of strings."""
    columns = {name: table.column(name).combine_chunks() for name in SCHEMA.names if name != "signal_ids"}
    texts = {name: column.cast(pa.string()) for name, column in columns.items()}
    states = pc.binary_join_element_wise(*(pc.utf8_slice_codeunits(texts[name], 0, 1) for name in CATEGORIES), "")
    said = pc.binary_join_element_wise(texts["verdict"], texts["reason"], states, "\t")
    return lines_of(texts["work_id"], texts["url"], pc.binary_join_element_wise(said, "\n", ""))


def parse_line(line: str) -> tuple[str, str, str, str, str]:
    """Undo a line, without its end: work, URL, verdict, reason, states. Raises ValueError."""
    work, url, verdict, reason, states = line.split("\t")
    work, url = (json.loads(text) if text.startswith('"') else text for text in (work, url))
    if not isinstance(work, str) or not isinstance(url, str) or len(states) != len(CATEGORIES):
        raise ValueError("not a line of decisions")
    return work, url, verdict, reason, states


def leaf_hashes(lines: Any) -> list[bytes]:
    """Give the hashes of the leaves that hold these lines (RFC 6962 §2.1), ``BLOCK`` lines each."""
    _, offsets, data = lines.buffers()
    edges = np.frombuffer(offsets, dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    view = memoryview(data) if data else memoryview(b"")
    places = [*edges[:-1:BLOCK].tolist(), int(edges[-1])]
    hashes: list[bytes] = []
    for start, end in pairwise(places):
        digest = _LEAF.copy()
        digest.update(view[start:end])
        hashes.append(digest.digest())
    return hashes


@cache
def carriers_of(bits: int) -> str:
    """Name a set of carriers: ``robots.txt tdmrep.json``."""
    return " ".join(name for place, name in enumerate(CARRIERS) if bits >> place & 1)


def _part(whole: Decided, start: int, stop: int) -> Decided:
    ends = np.concatenate([[0], np.cumsum(whole.verdicts.counts)])
    signals = slice(ends[start], ends[stop])
    rows = slice(start, stop)
    verdicts = whole.verdicts
    return Decided(
        work=whole.work.slice(start, stop - start),
        url=whole.url.slice(start, stop - start),
        ids=whole.ids[signals],
        verdicts=Verdicts(
            verdict=verdicts.verdict[rows],
            reason=verdicts.reason[rows],
            levels=verdicts.levels[rows],
            asked=verdicts.asked[rows],
            counts=verdicts.counts[rows],
            signals=verdicts.signals[signals],
        ),
    )


def _joined(parts: Sequence[Decided]) -> Decided:
    if len(parts) == 1:
        return parts[0]

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part.verdicts, name) for part in parts])

    return Decided(
        work=pa.concat_arrays([part.work for part in parts]),
        url=pa.concat_arrays([part.url for part in parts]),
        ids=np.concatenate([part.ids for part in parts]),
        verdicts=Verdicts(
            verdict=column("verdict"), reason=column("reason"), levels=column("levels"), asked=column("asked"),
            counts=column("counts"), signals=column("signals"),
        ),
    )  # fmt: skip
