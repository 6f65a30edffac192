"""The end of a scan: what its shards left is put together, each table by a task of its own.

Signals, evidence, the index of proofs and the root over all decisions need nothing of each other.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from datalib.engine import Engine, run
from datalib.merkle import RootBuilder, root_of_hashes
from datalib.optout.decisions import BLOCK
from datalib.optout.found import CITED, LEAVES, MADE, PROOFS, USED, read_leaves, read_proofs
from datalib.optout.key_index import KEYS, write_index
from datalib.optout.key_index import NAME as INDEX
from datalib.optout.outputs import output, replacing, trouble
from datalib.optout.result import ScanFile
from datalib.optout.shard import COUNTED, WORK, Job, tools_of
from datalib.optout.statements import Statements

#: Leaves over which one task makes a root: a power of two, so that this is a node of the tree.
ROOTED: Final = 1 << 19


class Step(NamedTuple):
    """What one task puts together: by what function, for what job, of shards with how many rows; which part of it."""

    write: Callable[["Step"], Any]
    job: Job
    rows: tuple[int, ...]
    part: int = 0

    @property
    def leaves(self) -> list[int]:
        """How many leaves the decisions of each shard have."""
        return [-(-rows // BLOCK) for rows in self.rows]

    def left(self, suffix: str) -> list[Path]:
        """Name what all shards left with this suffix."""
        return [self.job.out / WORK / f"{number:05d}{suffix}" for number in range(len(self.rows))]


def gather(job: Job, receipts: Sequence[dict[str, Any]], engine: Engine) -> dict[str, Any]:
    """Put together what the shards left: signals, evidence, counts, the root over all decisions, the index."""
    step = Step(_root, job, tuple(receipt["rows"] for receipt in receipts))
    leaves = sum(step.leaves)
    steps = [step._replace(write=_index)] if job.receipts else []  # what may take longest begins first
    steps += [step._replace(part=part) for part in range(-(-leaves // ROOTED))]
    steps += [step._replace(write=_evidence), step._replace(write=_signals)]
    roots: list[bytes] = []
    outputs = [item for receipt in receipts for item in receipt["outputs"]]
    index = None
    for done, made in zip(steps, run(_take, steps, engine), strict=True):
        if done.write is _root:
            roots.append(made)
        elif done.write is _index:
            index = made
            outputs.append(output(job.out, job.out / INDEX, index["entries"]))
        else:
            outputs.append(made)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in COUNTED}
    for receipt in receipts:
        for kind, found in receipt["counts"].items():
            counts[kind].update(found)
    return {
        "works": sum(step.rows),
        "counts": counts,
        "outputs": tuple(ScanFile(**item) for item in sorted(outputs, key=lambda item: item["path"])),
        "root": root_of_hashes(roots).hex(),
        "leaves": leaves,
        "leaf_rows": BLOCK,
        "index": index,
    }


def _take(step: Step) -> Any:
    with trouble(step.job.out):
        return step.write(step)


def _statements(step: Step) -> Statements:
    tools = tools_of(step.job)
    store = tools.location.store if tools.location else None
    left = {suffix: step.left(suffix) for suffix in (USED, MADE, CITED)}
    return Statements(store, tools.judges, tools.registry, left)


def _signals(step: Step) -> dict[str, Any]:
    path = step.job.out / "signals.parquet"
    with replacing(path) as temporary:
        rows = _statements(step).write_signals(temporary)
    return output(step.job.out, path, rows)


def _evidence(step: Step) -> dict[str, Any]:
    path = step.job.out / "evidence.parquet"
    proofs = (place for left in step.left(PROOFS) for place in read_proofs(left))
    with replacing(path) as temporary:
        rows = _statements(step).write_evidence(temporary, proofs)
    return output(step.job.out, path, rows)


def _root(step: Step) -> bytes:
    """Give the root over a part of the leaves."""
    builder, begin = RootBuilder(), step.part * ROOTED
    for path, count in zip(step.left(LEAVES), step.leaves, strict=True):
        low, high = max(begin, 0), min(begin + ROOTED, count)
        if low < high:
            builder.extend_hashes(read_leaves(path, low, high))
        begin -= count
    return builder.root()


def _index(step: Step) -> dict[str, Any]:
    """Write the index that proofs of absence need, and describe it."""
    first, shards = 0, list[tuple[Path, int]]()
    for path, leaves in zip(step.left(KEYS), step.leaves, strict=True):
        shards.append((path, first))
        first += leaves
    return write_index(step.job.out / INDEX, shards)
