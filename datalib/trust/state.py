"""What a verifier remembers of what it accepted: so that nothing older is sold to it as new.

One memory serves one set of pinned roots. Source: datalib trust specification §9, "State", and §10, step 7.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from datalib import schema
from datalib.canonical import MAX_INTEGER, canonical, parse
from datalib.errors import Refused, Unchecked
from datalib.trust.policy import Policy, Remembered, check_not_older
from datalib.trust.tlog import Checkpoint

VERSION = 1
#: In bytes; some 300 for each library.
MAX_STATE = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A library that was accepted: its last event, and the size of the tree of its head proof in each log."""

    seq: int
    id: str
    heads: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The largest tree of a log that was seen: size, root in hex."""

    size: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain that was accepted: the ids of its events, the checkpoints of its proofs with their places, its place.

    ``head`` is the checkpoint of the head proof, for the verified library only.
    """

    lib: str
    events: tuple[str, ...]
    checkpoints: tuple[tuple[Checkpoint, str], ...]
    where: str
    head: Checkpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one accepted library teaches: the policy it was judged by, its own chain and those upstream."""

    policy: Policy
    chains: tuple[Chain, ...]


#: Roots in hex of the trees of logs, by the name of the log and the size.
Trees = dict[tuple[str, int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All that a verifier remembers."""

    policy: Remembered | None = None
    libraries: Mapping[str, Seen] = field(default_factory=dict)
    logs: Mapping[str, Tree] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes, where: str = "") -> Self:
        """Read a state file; ``Unchecked("E-STATE-FILE")`` for anything that is none, an empty file too."""
        try:
            value = parse(data, limit=MAX_STATE, where=where)
            schema.check("state", value, where)
        except Refused as error:
            raise Unchecked("E-STATE-FILE", where, f"not a state: {error}") from error
        policy = value.get("policy")
        return cls(
            policy=Remembered(version=int(policy["version"]), sha256=policy["sha256"]) if policy else None,
            libraries={lib: Seen(**seen) for lib, seen in value["libraries"].items()},
            logs={origin: Tree(**tree) for origin, tree in value["logs"].items()},
        )

    def serialise(self) -> bytes:
        """Write the memory as bytes: the same for the same memory."""
        libraries = {
            lib: {"seq": seen.seq, "id": seen.id, "heads": dict(seen.heads)} for lib, seen in self.libraries.items()
        }
        logs = {origin: {"size": tree.size, "root": tree.root} for origin, tree in self.logs.items()}
        value: dict[str, object] = {"version": VERSION, "libraries": libraries, "logs": logs}
        if self.policy is not None:
            version = self.policy.version
            number = version if version <= MAX_INTEGER else float(version)
            value["policy"] = {"version": number, "sha256": self.policy.sha256}
        return canonical(value) + b"\n"

    def check_checkpoints(self, checkpoints: Iterable[tuple[Checkpoint, str]], seen: Trees | None = None) -> None:
        """Refuse a tree whose size is known with another root: ``E-LOG-SPLIT``. Each comes with its place.

        ``seen`` holds the trees that were met before and not remembered yet; these are added.
        """
        known = {} if seen is None else seen
        known |= {(origin, tree.size): tree.root for origin, tree in self.logs.items()}
        for checkpoint, where in checkpoints:
            root = known.setdefault((checkpoint.origin, checkpoint.size), checkpoint.root.hex())
            if root != checkpoint.root.hex():
                raise Refused("E-LOG-SPLIT", where, f"{checkpoint.origin} has two trees of size {checkpoint.size}")

    def check_chain(self, lib: str, events: tuple[str, ...], where: str) -> None:
        """Refuse a chain (ids of its events) that is shorter than the accepted one, or another.

        Raises ``Refused``: ``E-HEAD-ROLLBACK``, ``E-CHAIN-FORK``.
        """
        seen = self.libraries.get(lib)
        if seen is None:
            return
        if len(events) <= seen.seq:
            raise Refused("E-HEAD-ROLLBACK", where, f"{len(events)} events, seen before: {seen.seq + 1}")
        if events[seen.seq] != seen.id:
            raise Refused("E-CHAIN-FORK", where, f"event {seen.seq} was {seen.id} before")

    def check_head(self, lib: str, checkpoint: Checkpoint, where: str) -> None:
        """Refuse a head proof of a smaller tree than that of the one accepted before: ``E-LOG-ROLLBACK``."""
        seen = self.libraries.get(lib)
        if seen is not None and checkpoint.size < seen.heads.get(checkpoint.origin, 0):
            raise Refused("E-LOG-ROLLBACK", where, f"tree of size {checkpoint.size}, seen before: a larger one")

    def learn(self, lesson: Lesson) -> Self:
        """Remember what an accepted library teaches, unless it contradicts what is remembered.

        It does not when it was judged by this very memory; it may when another verifier has learned meanwhile. Raises
        ``Refused``: ``E-POLICY-ROLLBACK``, ``E-POLICY-FORK``, ``E-LOG-SPLIT``, ``E-HEAD-ROLLBACK``, ``E-CHAIN-FORK``,
        ``E-LOG-ROLLBACK``.
        """
        policy = lesson.policy
        if not policy.vouched:
            check_not_older(policy.version, policy.sha256, self.policy, "policy")
        trees: Trees = {}
        for chain in lesson.chains:
            self.check_checkpoints(chain.checkpoints, trees)
            self.check_chain(chain.lib, chain.events, chain.where)
            if chain.head is not None:
                self.check_head(chain.lib, chain.head, chain.where)
        memory = self.with_policy(policy)
        for chain in lesson.chains:
            memory = memory.with_library(chain.lib, chain.events, chain.checkpoints, chain.head)
        return memory

    def with_policy(self, policy: Policy) -> Self:
        """Remember the policy. One that the caller vouched for has no version to remember."""
        if policy.vouched:
            return self
        return replace(self, policy=Remembered(version=policy.version, sha256=policy.sha256))

    def with_library(
        self,
        lib: str,
        events: tuple[str, ...],
        checkpoints: Iterable[tuple[Checkpoint, str]],
        head: Checkpoint | None = None,
    ) -> Self:
        """Remember a library, the largest trees of its logs, and the tree of its own head proof, if one is given."""
        before = self.libraries.get(lib)
        heads = dict(before.heads) if before else {}
        if head is not None:
            heads[head.origin] = head.size
        seen = Seen(seq=len(events) - 1, id=events[-1], heads=heads)
        memory = self.with_logs(checkpoint for checkpoint, _ in checkpoints)
        return replace(memory, libraries={**self.libraries, lib: seen})

    def with_logs(self, checkpoints: Iterable[Checkpoint]) -> Self:
        """Remember the largest trees of logs."""
        logs = dict(self.logs)
        for checkpoint in checkpoints:
            known = logs.get(checkpoint.origin)
            if known is None or known.size < checkpoint.size:
                logs[checkpoint.origin] = Tree(size=checkpoint.size, root=checkpoint.root.hex())
        return replace(self, logs=logs)
