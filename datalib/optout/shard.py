"""One shard, judged and written: the unit of work of a scan, of its resuming, and of its receipts.

``judge_shard`` runs anywhere: it gets names, reads and writes files, and leaves a receipt last. A receipt that fits
the task means that the shard is done, whatever became of the process that did it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datalib.optout import agents, ledger, rows
from datalib.optout.admitted import AdmittedWriter
from datalib.optout.agents import AgentTable
from datalib.optout.archived import works_of
from datalib.optout.archived_admitted import ArchiveWriter, archive_name
from datalib.optout.book import Book
from datalib.optout.carried import ProofWriter
from datalib.optout.columns import first_url, text_column
from datalib.optout.contained import UnitReader
from datalib.optout.decide import Profile
from datalib.optout.decisions import PAIRS, Decided, DecisionWriter, work_ids
from datalib.optout.followed import Follower, Linking, settle_marks
from datalib.optout.found import write_found, write_leaves
from datalib.optout.judges import Judges
from datalib.optout.key_index import write_keys
from datalib.optout.licences import Licences
from datalib.optout.location import Findings, Location, faults_of
from datalib.optout.outcome import DAMAGED, Rows, Verdicts, judge_rows
from datalib.optout.outputs import replacing
from datalib.optout.reading import (
    CONTENT_ROWS,
    Marks,
    named_basis,
    read_contents,
    read_headers,
    read_licences,
    read_pages,
)
from datalib.optout.reading_files import about_table, batches_of, mark_table, read_files
from datalib.optout.registered import Registered, identifiers
from datalib.optout.registry_table import Registry
from datalib.optout.rows import BATCH_ROWS, DOCUMENT_ROWS, Form
from datalib.optout.sections import Name, SectionWriter
from datalib.optout.site import open_store
from datalib.optout.sources import SOURCE, Named
from datalib.optout.speaking import Speaking
from datalib.optout.tally import Tally
from datalib.optout.urls import Places, places_of
from datalib.optout.works import File, Part, Shard

WORK = "work"
#: Batches of a row group whose pairs come from what is said about a whole table.
_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all shards of a scan have in common. ``required``: bits of carriers that works with a URL need."""

    out: Path
    store: Path | None
    judges: Path | None
    speaking: Path | None
    agent: str
    table: bytes
    profile: Profile
    required: int
    licensed: bool
    admitted: bool
    registry: Path | None = None
    licences: Licences | None = None
    receipts: bool = False
    batch_rows: int = BATCH_ROWS


class ShardTask(NamedTuple):
    """A shard of a job; ``key`` names all that its result depends on. ``digests`` are of its files.

    ``first``: the number of the first leaf of its decisions among those of all, where that is known beforehand.
    """

    job: Job
    number: int
    shard: Shard
    key: str
    digests: tuple[str, ...] = ()
    first: int | None = None

    @property
    def receipt(self) -> Path:
        """Where its receipt lies once it is done."""
        return self.job.out / WORK / f"{self.number:05d}.json"

    @property
    def found(self) -> Path:
        """Where it leaves what the end of the scan needs."""
        return self.receipt.with_suffix(".found")


@dataclass(slots=True, kw_only=True)
class Batch:
    """Works to be decided together. ``urls`` are their URL columns, ``source`` the rows they came from.

    ``ids`` are pairs of row and identifier, where there are registries or licence records that may name them.
    ``placed``: rows that have to have a URL; None is all of them.
    """

    work: Any
    url: Any
    urls: tuple[Any, ...]
    marks: Marks
    basis: NDArray[np.bool_]
    source: Any = None
    ids: list[tuple[int, str]] = field(default_factory=list)
    placed: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all shards of a job need."""

    table: AgentTable
    judges: Judges | None = None
    location: Location | None = None
    registry: Registry | None = None
    follower: Follower | None = None


@lru_cache(1)
def tools_of(job: Job) -> Tools:
    """Open what all shards of a job need, once in each process."""
    table = agents.read(job.table)
    registry = Registry(job.registry) if job.registry else None
    if job.store is None or job.judges is None or job.speaking is None:
        return Tools(table=table, registry=registry)
    judges = Judges(job.judges)
    store = open_store(job.store, check=False)
    location = Location(store, judges, Speaking(job.speaking, judges), agent=job.agent, table=table)
    return Tools(table=table, judges=judges, location=location, registry=registry, follower=Follower(location))


def judge_shard(task: ShardTask) -> dict[str, Any]:
    """Judge a shard and write its results, unless that was done before; give its receipt."""
    receipt = ledger.read(task.receipt, task.job.out, task.key)
    if receipt is None:
        receipt = _judge(task)
        ledger.write(task.receipt, task.job.out, receipt)
    return receipt


def _judge(task: ShardTask) -> dict[str, Any]:
    job = task.job
    name = f"part-{task.number:05d}.parquet"
    decisions_path, admitted_path = job.out / "decisions" / name, job.out / "admitted" / archive_name(name, task.shard)
    tools = tools_of(job)
    book = Book(tools.judges)
    registered = Registered(tools.registry, book) if tools.registry else None
    tally = Tally(used=np.zeros(book.compiled, dtype=np.bool_))
    with (
        replacing(decisions_path, sync=False) as decisions_file,
        replacing(admitted_path, optional=True, sync=False) as admitted_file,
        replacing(task.found, sync=False) as found_file,
        SectionWriter(found_file) as found,
        UnitReader(job.agent) as units,
    ):
        decisions = DecisionWriter(decisions_file, keyed=job.receipts)
        admitted = _admitted(admitted_file, task.shard)
        with found.section(Name.PROOFS) as file:
            proofs = ProofWriter(file)
            for batch in _batches(task, tools, book, units):
                places = [places_of(column) for column in batch.urls]
                if registered:
                    registered.mark(places, batch.ids, batch.marks)
                verdicts, work = _decide(batch, places, job, tools.location, book), batch.work
                decisions.add(Decided(work=work, url=batch.url, verdicts=verdicts, ids=book.ids(verdicts.signals)))
                tally.add(verdicts, book)
                tally.counts["synthetic"].update(batch.marks.synthetic)
                proofs.add(batch.marks.proofs.values())
                if job.admitted and batch.source is not None:
                    admitted.add(batch.source, verdicts.verdict == 0)
        decisions.close()
        some = admitted.close()
        with found.section(Name.PLACES) as file:
            file.write(proofs.places())
        write_found(found, book, used=np.flatnonzero(tally.used))
        write_leaves(found, decisions.leaves, task.first)
        if job.receipts:
            write_keys(found, decisions.keys)
    outputs = [ledger.entry(job.out, decisions_path, tally.rows)]
    if some:
        outputs.append(ledger.entry(job.out, admitted_path, admitted.rows))
    return {
        "counts": {kind: dict(counter) for kind, counter in tally.counts.items()},
        "found": [ledger.entry(job.out, task.found, 0)],
        "key": task.key,
        "outputs": outputs,
        "rows": tally.rows,
    }


def _admitted(path: Path, shard: Shard) -> ArchiveWriter | AdmittedWriter:
    if shard.part is Part.RECORDS:
        return ArchiveWriter(path, shard)
    return AdmittedWriter(path, shard.file.name if shard.file else "", lines=shard.form is Form.JSONL)


def _batches(task: ShardTask, tools: Tools, book: Book, units: UnitReader) -> Iterator[Batch]:
    job, shard = task.job, task.shard
    if shard.part is Part.FILES:
        digests = iter(task.digests)
        for files in batches_of(shard.files, DOCUMENT_ROWS):
            ids = [(row, f"sha256:{digest}") for row, digest in enumerate(islice(digests, len(files)))]
            marks = read_files(files, book, units, agent=job.agent, table=tools.table, follow=tools.follower)
            yield _of_files(files, ids, marks, job, book)
    elif shard.part is Part.SOURCES:
        yield _of_sources(shard.sources, job, book)
    elif shard.part is Part.RECORDS:
        yield from _archive(shard, job, tools, book, units)
    else:
        yield from _table(shard, job, tools, book, units)


def _of_sources(sources: Sequence[Named], job: Job, book: Book) -> Batch:
    """Put the sources of a library together with their addresses and licences."""
    work = pa.array([f"{SOURCE}#{source.number}" for source in sources], pa.string())
    url = pa.array([source.url for source in sources], pa.string())
    placed = np.array([source.url is not None for source in sources], dtype=np.bool_)
    marks = _unmarked(len(sources), 0)
    marks.required[placed] |= job.required
    read_licences(pa.array([source.licence for source in sources], pa.string()), "datapackage.json", marks, book)
    basis = np.full(len(sources), job.licensed, dtype=np.bool_)
    urls = (url,) if placed.any() else ()
    return Batch(work=work, url=url, urls=urls, marks=marks, basis=basis, placed=placed)


def _of_files(files: Sequence[File], ids: list[tuple[int, str]], marks: Marks, job: Job, book: Book) -> Batch:
    """Put files together with what a table of works says about them: their URLs and licences."""
    url = pa.array([file.url for file in files], pa.string())
    placed = np.array([file.placed for file in files], dtype=np.bool_)
    marks.required[placed] |= job.required
    basis = np.full(len(files), job.licensed, dtype=np.bool_)
    basis |= read_licences(pa.array([file.licence for file in files], pa.string()), "works-table", marks, book)
    work, urls = pa.array([file.name for file in files], pa.string()), (url,) if placed.any() else ()
    return Batch(work=work, url=url, urls=urls, marks=marks, basis=basis, ids=ids, placed=placed)


def _archive(shard: Shard, job: Job, tools: Tools, book: Book, units: UnitReader) -> Iterator[Batch]:
    if shard.file is None or shard.read is None:
        return
    said = about_table(shard.file, None, units)
    prefix = f"{shard.file.name}/{shard.entry}@" if shard.entry else f"{shard.file.name}@"
    for works in works_of(shard.read, book):
        mark_table(said, works.marks, book)
        if tools.follower:
            settle_marks(works.marks, works.urls, tools.follower, book)
        works.marks.required |= np.uint16(job.required)
        url = pa.array(works.urls, pa.string())
        ids = [(row, f"sha256:{digest}") for row, digest in enumerate(works.digests) if digest]
        yield Batch(
            work=pa.array([prefix + place for place in works.places], pa.string()), url=first_url((url,), len(url)),
            urls=(url,), marks=works.marks, basis=np.full(len(url), job.licensed, dtype=np.bool_),
            source=works.extents, ids=ids,
        )  # fmt: skip


def _table(shard: Shard, job: Job, tools: Tools, book: Book, units: UnitReader) -> Iterator[Batch]:
    if shard.file is None or shard.form is None:
        return
    columns, table, agent = shard.columns, tools.table, job.agent
    said = about_table(shard.file, shard.form, units)
    held = CONTENT_ROWS if columns.contents else DOCUMENT_ROWS if columns.html else BATCH_ROWS
    pairs = sum(len(signals) for signals, _ in said or ())  # of each row
    size = min(job.batch_rows, held, max(PAIRS // _PARTS // max(pairs, 1), 1))
    chunks = rows.read(
        shard.file.path, shard.form, columns=columns.read, whole=job.admitted, groups=shard.groups, batch_rows=size
    )
    for chunk in chunks:
        marks = _unmarked(chunk.count, job.required if columns.urls else 0)
        basis = np.full(chunk.count, job.licensed, dtype=np.bool_)
        urls: tuple[Any, ...] = ()
        if chunk.batch is None:
            marks.fault[:] = DAMAGED
        else:
            urls = tuple(text_column(chunk.batch.column(name)) for name in columns.urls)
            linking = Linking(tools.follower, urls) if tools.follower and urls else None
            if columns.headers:
                column = chunk.batch.column(columns.headers)
                read_headers(column, columns.headers, marks, book, agent=agent, linking=linking)
            if columns.html:
                column = chunk.batch.column(columns.html)
                read_pages(column, columns.html, marks, book, agent=agent, table=table, linking=linking)
            if columns.contents:
                column = chunk.batch.column(columns.contents)
                read_contents(column, columns.contents, marks, book, units, agent=agent, table=table, linking=linking)
            if columns.basis:
                basis |= named_basis(chunk.batch.column(columns.basis))
            if columns.licence:
                basis |= read_licences(chunk.batch.column(columns.licence), columns.licence, marks, book)
        mark_table(said, marks, book)
        if chunk.damaged is not None:
            marks.fault[chunk.damaged] = DAMAGED
        work = work_ids(shard.file.name, chunk.first, chunk.count)
        url = first_url(urls, chunk.count)
        named = (job.registry or job.licences) and chunk.batch is not None
        ids = identifiers(chunk.batch, columns) if named else []
        yield Batch(work=work, url=url, urls=urls, marks=marks, basis=basis, source=chunk.batch, ids=ids)


def _decide(batch: Batch, places: Sequence[Places], job: Job, location: Location | None, book: Book) -> Verdicts:
    marks = batch.marks
    found = [
        location.find(column, book, at) if location else _unasked(at)
        for column, at in zip(batch.urls, places, strict=True)
    ]
    fault, asked = marks.fault, marks.asked
    row = [np.array(marks.rows, dtype=np.int64)]
    signal = [np.array(marks.signals, dtype=np.int64)]
    if found:
        # Each URL must have been asked; what anyone says about any of them counts.
        together = found[0].asked.copy()
        for other in found[1:]:
            together &= other.asked
        asked = asked | together
        for one in found:
            own = one.fault if batch.placed is None else np.where(batch.placed, one.fault, 0).astype(np.uint8)
            fault = np.where(fault == 0, own, fault)
            row.append(one.row)
            signal.append(one.signal)
    pairs = _unique(np.concatenate(row), np.concatenate(signal), book)
    return judge_rows(
        Rows(
            fault=fault, required=marks.required, asked=asked, basis=batch.basis,
            licensed=_licensed(batch, pairs[0], job), row=pairs[0], signal=pairs[1],
        ),
        book, job.profile,
    )  # fmt: skip


def _licensed(batch: Batch, spoken: NDArray[np.int64], job: Job) -> NDArray[np.bool_]:
    """Say which works a licence record covers; only those about which something was said need one."""
    covered = np.zeros(len(batch.work), dtype=np.bool_)
    if job.licences is None:
        return covered
    ids: dict[int, list[str]] = {}
    for row, text in batch.ids:
        ids.setdefault(row, []).append(text)
    for row in np.unique(spoken).tolist():
        urls = tuple(column[row].as_py() for column in batch.urls)
        covered[row] = job.licences.covers(batch.work[row].as_py(), urls, tuple(ids.get(row, ())))
    return covered


def _unique(
    row: NDArray[np.int64], signal: NDArray[np.int64], book: Book
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort pairs by row, each pair once; of a row, compiled signals come first, then others by their stable numbers."""
    late = signal >= book.compiled  # whose own numbers tell which was met first: chance
    some = bool(late.any())
    if not some and ((row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (signal[1:] > signal[:-1]))).all():
        return row, signal  # as they are where one file speaks for each row
    order = np.lexsort((np.where(late, book.ids(signal), signal), late, row) if some else (signal, row))
    row, signal = row[order], signal[order]
    fresh = np.ones(len(row), dtype=np.bool_)
    fresh[1:] = (row[1:] != row[:-1]) | (signal[1:] != signal[:-1])
    return row[fresh], signal[fresh]


def _unasked(places: Places) -> Findings:
    """Give the faults of URLs when there is no snapshot of sites at all."""
    fault = faults_of(places)
    return Findings(fault=fault, asked=np.zeros(len(fault), np.uint16), row=np.zeros(0, int), signal=np.zeros(0, int))


def _unmarked(count: int, required: int) -> Marks:
    return Marks(
        fault=np.zeros(count, dtype=np.uint8),
        required=np.full(count, required, dtype=np.uint16),
        asked=np.zeros(count, dtype=np.uint16),
    )
