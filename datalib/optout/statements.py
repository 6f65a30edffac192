"""The signals and the evidence of a scan, gathered from its shards: each once, in the order of their numbers."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from datalib.optout.answers import stamp
from datalib.optout.carried import ProofPlace, ProofReader, proof_places
from datalib.optout.found import read_cited
from datalib.optout.judges import Judges
from datalib.optout.maps import take, trim
from datalib.optout.model import Carrier
from datalib.optout.registry_table import Registry
from datalib.optout.sections import Name, section_of
from datalib.optout.signal_table import SIGNALS_SCHEMA, mapped_table, merged, of_kinds, of_signals, table_of
from datalib.optout.site import SiteStore
from datalib.optout.used import Range, Used

#: Bytes of a single page, and of all answers of sites together, up to which they are copied into the evidence.
MAX_PAGE: Final = 1 << 18
MAX_ANSWERS: Final = 64 << 20
_RANGE = 1 << 17
#: Texts, and bodies, that are read between two looks at the memory; answers likewise.
_READ = 1 << 12
_ANSWERS = 1 << 20
_LAST = (1 << 63) - 1
_NOTHING: Final = Range(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), _LAST + 1)

EVIDENCE_SCHEMA: Final = pa.schema([
    pa.field("sha256", pa.string(), nullable=False),
    pa.field("size", pa.int64(), nullable=False),
    pa.field("bytes", pa.binary()),
    pa.field("source", pa.string(), nullable=False),
])  # fmt: skip

#: A row of the evidence: digest, size, bytes where they are copied, source.
_Row = tuple[str, int, bytes | None, str]


class Statements:
    """The statements that the shards of a scan used. ``found`` are the files that they left."""

    def __init__(
        self, store: SiteStore | None, judges: Judges | None, registry: Registry | None, found: Sequence[Path]
    ) -> None:
        self.store, self.judges, self._registry, self._found = store, judges, registry, found
        self._used = Used(judges, found) if judges else None
        self._made = [made for path in found if (made := section_of(path, Name.MADE)).size]
        self._maps = [table.maps for table in (store, judges) if table]

    def write_signals(self, path: Path) -> int:
        """Write the signals; give their number."""
        cited, entries = self._of_registry()
        # Copies: while they are at hand, the tables themselves need not be.
        ids = [cited, *(np.array(mapped_table(made)["id"]) for made in self._made)]
        count, done = 0, [0] * len(ids)
        with pq.ParquetWriter(path, SIGNALS_SCHEMA, compression="zstd", compression_level=1) as out:
            for part in self._ranges(np.sort(np.concatenate(ids))):
                ends = [int(np.searchsorted(own, part.below - 1, side="right")) for own in ids]
                here = [slice(*both) for both in zip(done, ends, strict=True)]
                table, done = self._compiled(part.signals, part.ids), ends
                near = [self._cited_signals(cited[here[0]], entries[here[0]])]
                found = zip(self._made, here[1:], strict=True)
                near += [self._seen(mapped_table(made)[place]) for made, place in found if place.stop > place.start]
                if any(map(len, near)):
                    table = merged([table, *near])
                out.write_table(table.combine_chunks(), row_group_size=_RANGE)
                count += len(table)
                trim(*self._maps)
        return count

    def _ranges(self, late: NDArray[np.int64]) -> Iterator[Range]:
        """Give the compiled signals in ranges such that of ``late``, numbers in order, few fall into each too."""
        cuts, low = np.unique(late[_RANGE::_RANGE]), 0
        for part in self._used.ranges(_RANGE) if self._used else [_NOTHING]:
            rest = part
            for below in cuts[(cuts > low) & (cuts <= part.below - 1)].tolist():
                place = int(np.searchsorted(rest.ids, below))
                yield Range(rest.ids[:place], rest.signals[:place], below)
                rest = Range(rest.ids[place:], rest.signals[place:], part.below)
            yield rest
            low = part.below

    def _of_registry(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the numbers of the signals of the entries that were cited, ascending, and these entries."""
        known = waiting = np.zeros((0, 2), dtype=np.int64)
        for path in self._found:
            waiting = np.concatenate([waiting, read_cited(path)])
            if len(waiting) > max(len(known), _RANGE):
                known, waiting = _distinct(known, waiting), waiting[:0]
        entries, ids = _distinct(known, waiting).T
        order = np.argsort(ids, kind="stable")
        return ids[order], entries[order]

    def _cited_signals(self, ids: NDArray[np.int64], entries: NDArray[np.int64]) -> Any:
        """Make the signals of some entries of registries: they are too many to be held together."""
        if self._registry is None:
            return SIGNALS_SCHEMA.empty_table()
        return of_signals(ids.tolist(), [self._registry.signal(entry) for entry in entries.tolist()])

    def _compiled(self, signals: NDArray[np.int64], ids: NDArray[np.int64]) -> Any:
        """Put signals of compiled contents into words."""
        if self.judges is None or self.store is None or not len(signals):
            return SIGNALS_SCHEMA.empty_table()
        judges, store = self.judges, self.store
        kind = pa.array(take(judges.signals["templates"], signals, *self._maps))
        line = take(judges.signals["lines"], signals, *self._maps)
        content = self._contents(signals)
        entries = take(store.contents, content, *self._maps)
        paths = pa.array(list(store.paths), pa.string()).take(pa.array(entries["path"]))
        lines = pc.binary_join_element_wise(paths, pa.array(line).cast(pa.string()), "#L")
        bodies = take(store.bodies, entries["body"], *self._maps)
        digests = pa.array([item.tobytes().hex() for item in bodies["sha256"]], pa.string())
        seen = self._first_seen[content]
        columns = {
            "id": pa.array(ids),
            "locator": pc.if_else(pa.array(line > 0), lines, paths),
            "raw": pa.array(self._raw(signals), pa.string()),
            "sha256": digests,
            "observed_at": pa.array([_moment(moment) for moment in seen.tolist()], pa.string()),
        }
        return table_of(columns | of_kinds(judges.templates, kind))

    def _raw(self, signals: NDArray[np.int64]) -> list[str]:
        """Give the texts of signals, read in the order in which they lie."""
        if self.judges is None:
            return []
        order = np.argsort(signals)
        texts = np.empty(len(signals), dtype=object)
        for start in range(0, len(order), _READ):
            near = order[start : start + _READ]
            texts[near] = self.judges.raw_text(signals[near])
            trim(*self._maps)
        found: list[str] = texts.tolist()
        return found

    def _contents(self, signals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the contents that signals are of: the last that begins before each."""
        if self.judges is None:
            return signals
        order = np.argsort(signals)
        found = np.empty(len(signals), dtype=np.int64)
        found[order] = np.searchsorted(self.judges.contents["first"], signals[order], side="right") - 1
        trim(*self._maps)
        return found

    @cached_property
    def _first_seen(self) -> NDArray[np.int64]:
        """Give, for each content, when it was first fetched; the largest number if nobody said."""
        if self.store is None:
            return np.zeros(0, dtype=np.int64)
        seen = np.full(len(self.store.contents), _LAST, dtype=np.int64)
        for start in range(0, len(self.store.answers), _ANSWERS):
            answers = np.array(self.store.answers[start : start + _ANSWERS])
            told = answers["fetched"] >= 0
            np.minimum.at(seen, answers["content"][told], answers["fetched"][told])
            trim(*self._maps)
        return seen

    def _seen(self, made: Any) -> Any:
        """Say when the files of origins were first fetched that the reference read; it does not know."""
        moments, name = self._moments, "observed_at"
        at = pc.index_in(made["sha256"], value_set=pa.array(list(moments), pa.string()))
        known = pc.and_(pc.is_valid(at), pc.equal(made["carrier"], Carrier.LOCATION.value))
        seen = pc.if_else(known, pa.array(list(moments.values()), pa.string()).take(at), made[name])
        return made.set_column(made.schema.get_field_index(name), SIGNALS_SCHEMA.field(name), seen)

    @cached_property
    def _moments(self) -> dict[str, str]:
        """Give, for each file whose statements the reference made, when it was first fetched."""
        if self.store is None:
            return {}
        bodies = np.unique(self.store.bodies_of(self._made_digests()))
        seen = np.full(len(bodies), _LAST, dtype=np.int64)
        for start in range(0, len(self.store.contents) if len(bodies) else 0, _ANSWERS):
            body = np.array(self.store.contents[start : start + _ANSWERS]["body"])
            near = np.flatnonzero(np.isin(body, bodies))
            np.minimum.at(seen, np.searchsorted(bodies, body[near]), self._first_seen[start + near])
            trim(*self._maps)
        digests = self.store.bodies["sha256"][bodies].tolist()
        return dict(zip(map(bytes.hex, digests), map(_moment, seen.tolist()), strict=True))

    def write_evidence(self, path: Path) -> int:
        """Write the evidence; give the number of carriers."""
        bodies = self._used_bodies()
        total = int(take(self.store.bodies, bodies, *self._maps)["length"].sum()) if self.store else 0
        count = size = 0
        rows: list[_Row] = []
        with (
            pq.ParquetWriter(path, EVIDENCE_SCHEMA, compression="zstd", compression_level=1, store_schema=False) as out,
            self.store.reader() if self.store and total <= MAX_ANSWERS else nullcontext() as read,
            ProofReader() as carriers,
        ):
            for sha256, place in self._in_order(bodies):
                row = _proof(place, carriers) if isinstance(place, ProofPlace) else self._body(sha256, place, read)
                rows.append(row)
                count += 1
                size += len(rows[-1][2] or b"") + 100
                if size > MAX_PAGE * 16:
                    _write_rows(out, rows)
                    rows, size = [], 0
            _write_rows(out, rows)
        return count

    def _used_bodies(self) -> NDArray[np.int64]:
        """Give the numbers of the bodies of sites that were used, in order: that of their digests."""
        if self.store is None:
            return np.zeros(0, dtype=np.int64)
        bodies = [self.store.bodies_of(self._made_digests())]
        for places in self._used.places() if self._used else ():
            contents = np.unique(self._contents(places))
            bodies.append(np.unique(take(self.store.contents, contents, *self._maps)["body"]).astype(np.int64))
        return np.unique(np.concatenate(bodies))

    def _in_order(self, bodies: NDArray[np.int64]) -> Iterator[tuple[str, ProofPlace | int]]:
        """Give carriers in the order of their digests, each once: what a shard kept, else the body of a site."""
        own: Iterator[tuple[str, ProofPlace | int]] = ((place.sha256, place) for place in proof_places(self._found))
        last = ""
        for sha256, place in heapq.merge(own, self._numbered_bodies(bodies), key=itemgetter(0)):
            if sha256 != last:
                yield sha256, place
            last = sha256

    def _numbered_bodies(self, bodies: NDArray[np.int64]) -> Iterator[tuple[str, int]]:
        for start in range(0, len(bodies) if self.store else 0, _READ):
            numbers = bodies[start : start + _READ]
            digests = self.store.bodies["sha256"][numbers].tolist() if self.store else []
            yield from zip(map(bytes.hex, digests), numbers.tolist(), strict=True)
            trim(*self._maps)

    def _made_digests(self) -> set[str]:
        """Name the files of origins whose statements the reference made, target by target."""
        made = map(mapped_table, self._made)
        found = (table["sha256"].filter(pc.equal(table["carrier"], Carrier.LOCATION.value)) for table in made)
        return {sha256 for digests in found for sha256 in digests.unique().to_pylist()}

    def _body(self, sha256: str, number: int, read: Callable[[int], bytes] | None) -> _Row:
        if self.store is None:
            raise LookupError(sha256)
        data = read(number) if read else None
        size = int(self.store.bodies["length"][number]) if data is None else len(data)
        return sha256, size, data, f"sites:{self.store.digest}"


def _distinct(*pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give pairs of an entry and the number of its signal, each entry once."""
    together = np.concatenate(pairs)
    return together[np.unique(together[:, 0], return_index=True)[1]]


def _proof(place: ProofPlace, kept: ProofReader) -> _Row:
    source, data = kept.read(place, most=MAX_PAGE)
    return place.sha256, place.size, data, source


def _write_rows(out: Any, rows: Sequence[_Row]) -> None:
    """Write evidence as one row group."""
    columns = list(zip(*rows, strict=True)) or [()] * len(EVIDENCE_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, EVIDENCE_SCHEMA, strict=True)]
    out.write_batch(pa.RecordBatch.from_arrays(arrays, schema=EVIDENCE_SCHEMA))


def _moment(seconds: int) -> str:
    return stamp(datetime.fromtimestamp(seconds, UTC)) if seconds != _LAST else ""
