"""Proofs that a log holds an entry: checkpoints and tlog-proofs.

Source: datalib trust specification §9; C2SP tlog-checkpoint and tlog-proof.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from datalib.canonical import MAX_INTEGER
from datalib.errors import Refused
from datalib.formats import decode_base64
from datalib.merkle import HASH_SIZE, leaf_hash, root_from_path
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.notes import Note, NoteKey

#: In bytes.
MAX_PROOF = 1024 * 1024
#: How far clocks may be apart, in seconds.
CLOCK_SKEW = 300

_PROOF_FORMAT = b"c2sp.org/tlog-proof@v1"
_INDEX = re.compile(rb"index (0|[1-9][0-9]{0,15})")
_EXTRA = re.compile(rb"extra (\S*)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries, their root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: bytes, where: str = "") -> Self:
        """Read the text of a checkpoint, without signatures; else ``E-LOG-CHECKPOINT``. Further lines are allowed."""
        lines = text.decode(errors="replace").split("\n")
        # The text ends in a line feed, so that the last of the lines is empty, and no other.
        if len(lines) < 4 or lines.pop() or "" in lines:  # noqa: PLR2004  # origin, size, root, and the end
            raise Refused("E-LOG-CHECKPOINT", where, "not a checkpoint")
        origin, size, encoded = lines[:3]
        if not _SIZE.fullmatch(size) or int(size) > MAX_INTEGER:
            raise Refused("E-LOG-CHECKPOINT", where, f"tree size {size[:40]!r}")
        root = decode_base64(encoded, "E-LOG-CHECKPOINT", where)
        if len(root) != HASH_SIZE:
            raise Refused("E-LOG-CHECKPOINT", where, f"a root of {len(root)} bytes")
        return cls(origin=origin, size=int(size), root=root)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """Where an entry stands, the path from it to the root, and the signed checkpoint with that root."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    @classmethod
    def parse(cls, data: bytes, where: str = "") -> Self:
        """Read a proof; else ``E-LOG-PROOF``. The checkpoint is not looked into."""
        if len(data) > MAX_PROOF:
            raise Refused("E-LOG-PROOF", where, f"{len(data)} bytes, at most {MAX_PROOF}")
        head, gap, checkpoint = data.partition(b"\n\n")
        lines = head.split(b"\n")
        if not gap or lines[0] != _PROOF_FORMAT:
            raise Refused("E-LOG-PROOF", where, "not a proof of format c2sp.org/tlog-proof@v1")
        at = 1
        if len(lines) > at and (extra := _EXTRA.fullmatch(lines[at])):
            decode_base64(extra[1].decode(errors="replace"), "E-LOG-PROOF", where)
            at += 1
        index = _INDEX.fullmatch(lines[at]) if len(lines) > at else None
        if index is None or int(index[1]) > MAX_INTEGER:
            raise Refused("E-LOG-PROOF", where, "no index")
        path = tuple(decode_base64(line.decode(errors="replace"), "E-LOG-PROOF", where) for line in lines[at + 1 :])
        if any(len(item) != HASH_SIZE for item in path):
            raise Refused("E-LOG-PROOF", where, "a hash is not 32 bytes")
        return cls(index=int(index[1]), path=path, checkpoint=checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An entry is in a log. ``time`` is T, seconds since 1970; ``None`` if the policy asks for no witnesses."""

    index: int
    checkpoint: Checkpoint
    time: int | None


def check(proof: TlogProof, leaf: bytes, policy: LogPolicy, now: int, where: str = "") -> Logged:
    """Check that the log holds ``leaf`` where the proof says.

    Raises ``Refused``: ``E-LOG-CHECKPOINT``, ``E-LOG-ORIGIN``, ``E-LOG-INCLUSION``, ``E-LOG-QUORUM``,
    ``E-LOG-FUTURE``. Source: datalib trust specification §9.
    """
    checkpoint, signers = read_checkpoint(proof.checkpoint, policy, where)
    if root_from_path(leaf_hash(leaf), proof.index, checkpoint.size, proof.path) != checkpoint.root:
        raise Refused("E-LOG-INCLUSION", where, "the proof does not lead from this entry to the checkpoint")
    return Logged(index=proof.index, checkpoint=checkpoint, time=quorum_time(policy, signers, now, where))


def read_checkpoint(data: bytes, policy: LogPolicy, where: str = "") -> tuple[Checkpoint, Mapping[NoteKey, int | None]]:
    """Read a checkpoint of a log of the policy; give it with those who signed it, and when.

    Raises ``Refused``: ``E-LOG-CHECKPOINT``, ``E-LOG-ORIGIN``.
    """
    note = Note.parse(data, "E-LOG-CHECKPOINT", where)
    checkpoint = Checkpoint.parse(note.text, where)
    if all(key.name != checkpoint.origin for key in policy.logs):
        raise Refused("E-LOG-ORIGIN", where, f"unknown log {checkpoint.origin[:80]!r}")
    signers = note.verify(policy.keys, "E-LOG-CHECKPOINT", where)
    if not any(key in signers and key.name == checkpoint.origin for key in policy.logs):
        raise Refused("E-LOG-CHECKPOINT", where, "the log did not sign its checkpoint")
    return checkpoint, signers


def quorum_time(policy: LogPolicy, signers: Mapping[NoteKey, int | None], now: int, where: str = "") -> int | None:
    """Give T of a checkpoint, ``None`` if the policy asks for no witnesses: ``E-LOG-QUORUM``, ``E-LOG-FUTURE``."""
    if policy.quorum is None:
        return None
    time = policy.time(signers)
    if time is None:
        raise Refused("E-LOG-QUORUM", where, "too few witnesses signed")
    if time > now + CLOCK_SKEW:
        raise Refused("E-LOG-FUTURE", where, "witnesses signed in the future")
    return time
