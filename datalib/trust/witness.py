"""Witnesses: they cosign the checkpoints of a log, each of which continues the one before. C2SP tlog-witness.

    old 20852014              the size that the witness is believed to know
    <hash>…                   the proof that the new tree continues that one

    <checkpoint>              signed by the log

The answer to this request is signature lines, or a refusal with an HTTP status. Both sides are here, without a network:
``answer`` is the witness's, ``converse`` the registry's. Cosignatures are Ed25519 (C2SP tlog-cosignature, type 0x04).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from datalib.canonical import MAX_INTEGER
from datalib.errors import Refused
from datalib.formats import decode_base64, encode_base64
from datalib.merkle import EMPTY_ROOT, verify_consistency
from datalib.trust.notes import Note, NoteKey, NoteSignature, NoteSigner, parse_signature
from datalib.trust.state import Tree
from datalib.trust.tlog import CLOCK_SKEW, Checkpoint

CODE = "E-LOG-WITNESS"
#: Where a witness is asked, below its URL.
ADD_CHECKPOINT = "/add-checkpoint"
#: In bytes.
MAX_REQUEST = 64 * 1024
MAX_ANSWER = 64 * 1024
#: A proof has no more hashes (C2SP tlog-witness).
MAX_HASHES = 63

TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,15})\n")
_NEW = Tree(size=0, root=EMPTY_ROOT.hex())
_TRIES = 3


class Status(IntEnum):
    """The HTTP statuses of the protocol."""

    OK = 200
    BAD_REQUEST = 400
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    UNPROCESSABLE_ENTITY = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A checkpoint to cosign, and the proof that it continues the tree of ``old`` entries."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def serialise(self) -> bytes:
        """Write the body of the request."""
        lines = [f"old {self.old}", *map(encode_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + self.note

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a request; ``E-LOG-WITNESS`` for anything else."""
        head, gap, note = data.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        old = _OLD.fullmatch(lines[0])
        if len(data) > MAX_REQUEST or not gap or old is None or len(lines) - 1 > MAX_HASHES:
            raise Refused(CODE, "", "not a request to a witness")
        return cls(old=int(old[1]), proof=tuple(decode_base64(line, CODE) for line in lines[1:]), note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a witness answers. ``tree`` must be kept for good before the answer is given."""

    status: Status
    body: bytes
    type: str = TEXT
    origin: str = ""
    tree: Tree | None = None


def answer(data: bytes, *, signer: NoteSigner, logs: Sequence[NoteKey], known: Mapping[str, Tree], now: int) -> Answer:
    """Answer a request as a witness of ``logs``.

    ``known``: for each log, by its name, the tree that was cosigned last. ``now`` in seconds since 1970.
    """
    try:
        request = Request.parse(data)
        note = Note.parse(request.note, CODE)
        checkpoint = Checkpoint.parse(note.text)
    except Refused as error:
        return _no(Status.BAD_REQUEST, error.detail)
    keys = [key for key in logs if key.name == checkpoint.origin]
    if not keys:
        return _no(Status.NOT_FOUND, "unknown log")
    try:
        signed = note.verify(keys, CODE)
    except Refused as error:
        return _no(Status.FORBIDDEN, error.detail)
    if not signed:
        return _no(Status.FORBIDDEN, "not signed by the log")
    refusal = _judge(request, checkpoint, known.get(checkpoint.origin, _NEW))
    return refusal or Answer(
        status=Status.OK,
        body=signer.sign(note.text, now).line,
        origin=checkpoint.origin,
        tree=Tree(size=checkpoint.size, root=checkpoint.root.hex()),
    )


def _judge(request: Request, new: Checkpoint, known: Tree) -> Answer | None:
    """Refuse a checkpoint that does not continue the known tree."""
    conflict = Answer(status=Status.CONFLICT, body=b"%d\n" % known.size, type=SIZE)
    if request.old > new.size:
        return _no(Status.BAD_REQUEST, "the old size is beyond the checkpoint")
    if request.old != known.size:
        return conflict
    if new.size == known.size and new.root.hex() != known.root:
        return conflict
    if request.old == 0:
        holds = not request.proof and (new.size > 0 or new.root == EMPTY_ROOT)
    else:
        holds = verify_consistency(known.size, bytes.fromhex(known.root), new.size, new.root, request.proof)
    return None if holds else _no(Status.UNPROCESSABLE_ENTITY, "the proof of consistency does not hold")


def _no(status: Status, reason: str) -> Answer:
    return Answer(status=status, body=f"{reason}\n".encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A checkpoint that wants cosignatures. ``before``: the size published last, which witnesses should know.

    ``consistency(old)`` proves that the checkpoint continues the tree of ``old`` entries.
    """

    note: bytes
    size: int
    before: int
    consistency: Callable[[int], Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignatures:
    """What witnesses answered: signatures, and why others gave none, by name."""

    signatures: Sequence[NoteSignature] = ()
    failures: Sequence[tuple[str, str]] = ()


#: Asks witnesses.
Cosign = Callable[[Wanted], Cosignatures]

#: Sends a request and gives the status and body of the answer.
Post = Callable[[bytes], tuple[int, bytes]]


def nobody(_wanted: Wanted) -> Cosignatures:
    """Ask no witness."""
    return Cosignatures()


def converse(post: Post, wanted: Wanted, keys: Sequence[NoteKey], now: int) -> NoteSignature:
    """Ask one witness for its cosignature.

    A witness that knows another tree says its size and is asked again from there. Raises ``Refused("E-LOG-WITNESS")``
    if it does not sign, or not as one of ``keys`` does, or with a time that is more than 300 s from ``now``.
    """
    old = wanted.before
    for _ in range(_TRIES):
        request = Request(old=old, proof=tuple(wanted.consistency(old)), note=wanted.note)
        status, body = post(request.serialise())
        if status == Status.OK:
            return read_cosignature(body, Note.parse(wanted.note, CODE).text, keys, now)
        size = _SIZE.fullmatch(body) if status == Status.CONFLICT else None
        if size is None:
            said = body[:200].decode("ascii", "replace").strip()
            raise Refused(CODE, "", f"answers {status}: {said}")
        known = int(size[1])
        if known > min(wanted.size, MAX_INTEGER):
            raise Refused(CODE, "", f"has seen {known} entries already, the log has {wanted.size}")
        if known == old:
            raise Refused(CODE, "", f"has seen another tree of {known} entries")
        old = known
    raise Refused(CODE, "", "changes its mind about what it has seen")


def read_cosignature(body: bytes, text: bytes, keys: Sequence[NoteKey], now: int) -> NoteSignature:
    """Find the valid cosignature of one of ``keys`` in the answer of a witness; others are ignored."""
    known = {(key.name, key.id): key for key in keys}
    for line in body.decode(errors="replace").split("\n"):
        try:
            found = parse_signature(line, CODE)
        except Refused:
            continue
        key = known.get((found.name, found.id))
        if key is None:
            continue
        try:
            time = key.verify(text, found.sig)
        except Refused as error:
            raise Refused(CODE, key.name, "the cosignature does not hold") from error
        if time is None or abs(time - now) > CLOCK_SKEW:
            raise Refused(CODE, key.name, f"its clock is off: {time}, here {now}")
        return found
    raise Refused(CODE, "", "answers without a cosignature of its key")
