"""Re-derive a log from its public files, and find what its registry must not have done.

    1 the checkpoint is signed, cosigned by the quorum, and not smaller than the one that this monitor saw last
    2 bundles, tiles of all levels and the checkpoint fit together
    3 the entries, in their order: one event per position, each after the one before, heads as they were
    4 the heads stand last
    5 the tree continues the one seen last

What breaks 1 or 2 ends the walk; what breaks 3 to 5 is collected. Source: datalib trust specification §9, §12.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datalib.errors import Refused
from datalib.merkle import leaf_hash, verify_consistency
from datalib.trust import entries as log_entries
from datalib.trust import tiles, tlog
from datalib.trust.entries import EventEntry, HeadsEntry, PolicyEntry
from datalib.trust.logfolder import CHECKPOINT, MAX_CHECKPOINT
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.logreplay import Replay
from datalib.trust.state import Memory
from datalib.trust.tiles import Edge, Source, Tile, TileTree
from datalib.trust.tlog import Checkpoint

#: More faults than these are counted, not kept.
MAX_FINDINGS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a log holds, and what is wrong with it. ``time`` is T of its checkpoint; ``faults`` counts all findings.

    ``memory`` is what to remember, so that the next checkpoint is compared with this one.
    """

    checkpoint: Checkpoint
    time: int | None
    events: int
    libraries: int
    publications: int
    policies: int
    findings: tuple[Refused, ...]
    faults: int
    memory: Memory


def watch(
    source: Source,
    policy: LogPolicy,
    *,
    now: int,
    memory: Memory | None = None,
    registered: PolicyEntry | None = None,
) -> Watched:
    """Check a log from its first entry to its checkpoint.

    ``policy`` names the log's key, and witnesses if they are asked for. ``registered``: the signed policy that was
    shown to this monitor; a log that holds policies must hold it (``E-POLICY-LOG``). Raises ``Refused``:
    ``E-LOG-CHECKPOINT``, ``E-LOG-ORIGIN``, ``E-LOG-QUORUM``, ``E-LOG-FUTURE``, ``E-LOG-SPLIT``, ``E-LOG-CONSISTENCY``,
    ``E-LOG-TILE``.
    """
    before = memory or Memory()
    # 1. Checkpoint.
    data = source(CHECKPOINT, MAX_CHECKPOINT)
    if data is None:
        raise Refused("E-LOG-CHECKPOINT", CHECKPOINT, "is missing")
    checkpoint, signers = tlog.read_checkpoint(data, policy, CHECKPOINT)
    time = tlog.quorum_time(policy, signers, now, CHECKPOINT)
    tree = TileTree(checkpoint.size, source)
    _check_size(checkpoint, before)
    walk = _Walk(registered)
    with Replay() as replay:
        # 2. Tiles. 3. Entries. 4. Heads.
        for entry in _entries(tree, checkpoint):
            walk.take(entry, replay)
        walk.end(replay)
        # 5. Consistency.
        walk.compare(tree, checkpoint, before)
        return Watched(
            checkpoint=checkpoint,
            time=time,
            events=walk.events,
            libraries=replay.merge().count,
            publications=walk.publications,
            policies=walk.policies,
            findings=tuple(walk.findings),
            faults=walk.faults,
            memory=before.with_logs([checkpoint]),
        )


def _check_size(new: Checkpoint, memory: Memory) -> None:
    memory.check_checkpoints([(new, CHECKPOINT)])
    seen = memory.logs.get(new.origin)
    if seen is not None and new.size < seen.size:
        raise Refused("E-LOG-CONSISTENCY", CHECKPOINT, f"{new.size} entries, seen before: {seen.size}")


def _entries(tree: TileTree, checkpoint: Checkpoint) -> Iterator[bytes]:
    """Yield all entries; refuse tiles, of any level, that are not those of the entries and of the checkpoint."""
    edge = Edge()
    for bundle in tree.bundles():
        for tile, data in edge.extend([leaf_hash(entry) for entry in bundle]):
            _compare(tree, tile, data)
        yield from bundle
    for tile, data in edge.partial():
        _compare(tree, tile, data)
    if edge.root() != checkpoint.root:
        raise Refused(tiles.CODE, CHECKPOINT, "the tiles do not lead to the root of the checkpoint")


def _compare(tree: TileTree, tile: Tile, data: bytes) -> None:
    if tile.level and b"".join(tree.hashes(tile.level, tile.number, tile.width)) != data:
        raise Refused(tiles.CODE, tile.path, "not the roots of the tiles below")


class _Walk:
    """Counts entries, and collects what is wrong with them."""

    def __init__(self, registered: PolicyEntry | None) -> None:
        self.events = self.publications = self.policies = self.faults = 0
        self.findings: list[Refused] = []
        self._last_is_heads = False
        self._unseen = registered

    def take(self, data: bytes, replay: Replay) -> None:
        where = f"entry {replay.size}"
        try:
            entry = log_entries.parse(data, where)
        except Refused as error:
            self._found(error)
            replay.take(None)
            self._last_is_heads = False
            return
        self.events += isinstance(entry, EventEntry)
        self.publications += isinstance(entry, HeadsEntry)
        self.policies += isinstance(entry, PolicyEntry)
        self._last_is_heads = isinstance(entry, HeadsEntry)
        if entry == self._unseen:
            self._unseen = None
        try:
            replay.apply(entry, where)
        except Refused as error:
            self._found(error)

    def end(self, replay: Replay) -> None:
        if replay.size and not self._last_is_heads:
            self._found(Refused("E-MON-HEADS", f"entry {replay.size - 1}", "the heads are not the last entry"))
        if self.policies and self._unseen is not None:
            detail = f"version {self._unseen.version}, {self._unseen.policy}"
            self._found(Refused("E-POLICY-LOG", "policy", detail))

    def compare(self, tree: TileTree, new: Checkpoint, memory: Memory) -> None:
        """Find whether the log, whose tiles are right, continues the tree that was seen last."""
        seen = memory.logs.get(new.origin)
        if seen is None or seen.size == 0:
            return
        path = tree.consistency(seen.size)
        if not verify_consistency(seen.size, bytes.fromhex(seen.root), new.size, new.root, path):
            detail = f"does not continue the tree of {seen.size} entries seen before"
            self._found(Refused("E-LOG-CONSISTENCY", CHECKPOINT, detail))

    def _found(self, error: Refused) -> None:
        self.faults += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(error)


def worst(findings: Sequence[Refused]) -> Refused | None:
    """Give the finding to report first: a tree that was exchanged, then a fork, else the first."""
    urgent = [[each for each in findings if each.code == code] for code in ("E-LOG-CONSISTENCY", "E-MON-FORK")]
    return next(iter([*urgent[0], *urgent[1], *findings]), None)
