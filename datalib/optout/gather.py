"""The end of a scan: what its shards left is put together, each table by a task of its own.

Signals, evidence, the index of proofs and the root over all decisions need nothing of each other.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datalib.engine import Engine, run
from datalib.merkle import EMPTY_ROOT, RootBuilder
from datalib.optout import ledger
from datalib.optout.decisions import BLOCK, leaves_of
from datalib.optout.found import read_leaves, read_subtrees
from datalib.optout.key_index import NAME as INDEX
from datalib.optout.key_index import write_index
from datalib.optout.outputs import output, replacing, trouble
from datalib.optout.result import ScanFile
from datalib.optout.shard import Job, tools_of
from datalib.optout.statements import Statements
from datalib.optout.tally import COUNTED


class Step(NamedTuple):
    """What one task puts together: by what function, for what job, of how many rows a shard and what it left."""

    write: Callable[["Step"], Any]
    job: Job
    rows: tuple[int, ...]
    found: tuple[Path, ...]

    @property
    def leaves(self) -> list[int]:
        """How many leaves the decisions of each shard have."""
        return [leaves_of(rows) for rows in self.rows]


def gather(job: Job, receipts: Sequence[dict[str, Any]], engine: Engine) -> dict[str, Any]:
    """Put together what the shards left: signals, evidence, counts, the root over all decisions, the index."""
    left = (file["path"] for receipt in receipts for file in receipt["found"])
    step = Step(_root, job, tuple(receipt["rows"] for receipt in receipts), tuple(job.out / path for path in left))
    writers: list[Callable[[Step], Any]] = [_index] if job.receipts else []  # what may take longest begins first
    writers += [_evidence, _signals, _root]
    steps = [step._replace(write=write) for write in writers]
    root = EMPTY_ROOT
    outputs = [item for receipt in receipts for item in receipt["outputs"]]
    index = None
    ledger.check(receipts, job.out)  # before they are read, and again at the end
    for done, made in zip(steps, run(_take, steps, engine), strict=True):
        if done.write is _root:
            root = made
        elif done.write is _index:
            index = made
            outputs.append(output(job.out, job.out / INDEX, index["entries"]))
        else:
            outputs.append(made)
    ledger.check(receipts, job.out)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in COUNTED}
    for receipt in receipts:
        for kind, found in receipt["counts"].items():
            counts[kind].update(found)
    return {
        "works": sum(step.rows),
        "counts": counts,
        "outputs": tuple(sorted(map(_file, outputs), key=lambda file: file.path)),
        "root": root.hex(),
        "leaves": sum(step.leaves),
        "leaf_rows": BLOCK,
        "index": index,
    }


def _file(item: dict[str, Any]) -> ScanFile:
    return ScanFile(path=item["path"], rows=item["rows"], sha256=item["sha256"])


def _take(step: Step) -> Any:
    with trouble(step.job.out):
        return step.write(step)


def _statements(step: Step) -> Statements:
    tools = tools_of(step.job)
    store = tools.location.store if tools.location else None
    return Statements(store, tools.judges, tools.registry, step.found)


def _signals(step: Step) -> dict[str, Any]:
    path = step.job.out / "signals.parquet"
    with replacing(path) as temporary:
        rows = _statements(step).write_signals(temporary)
    return output(step.job.out, path, rows)


def _evidence(step: Step) -> dict[str, Any]:
    path = step.job.out / "evidence.parquet"
    with replacing(path) as temporary:
        rows = _statements(step).write_evidence(temporary)
    return output(step.job.out, path, rows)


def _root(step: Step) -> bytes:
    """Give the root over all leaves: of what the shards have folded already, where they knew their place."""
    builder = RootBuilder()
    for path, count in zip(step.found, step.leaves, strict=True):
        ready = read_subtrees(path, builder.size, count)
        if ready is None:
            for some in read_leaves(path):
                builder.extend_hashes(some)
        else:
            for subtree, size in ready:
                builder.add_subtree(subtree, size)
    return builder.root()


def _index(step: Step) -> dict[str, Any]:
    """Write the index that proofs of absence need, and describe it."""
    first, shards = 0, list[tuple[Path, int]]()
    for path, leaves in zip(step.found, step.leaves, strict=True):
        shards.append((path, first))
        first += leaves
    return write_index(step.job.out / INDEX, shards)
