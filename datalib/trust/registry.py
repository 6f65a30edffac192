"""A registry: it admits events to its log, publishes them with the heads of all libraries, and proves both.

A publication goes through fixed steps, each of them on disk before the next begins:

    1 heads      the newest event of every library, in a new file
    2 batch      the entries of the publication, the heads entry last: they do not change any more
    3 tiles      hashes and bundles
    4 signed     the checkpoint of exactly that size, signed
    5 witnesses  the first who see it
    6 publish    the checkpoint takes the place of the one before
    7 end        what was used up is removed

A kill anywhere leaves the log as it was before step 6, or as it is after it; the next run goes on. Because the entries
are fixed before anything is signed, and what is signed is kept, no two roots are ever signed for one size. Source:
datalib trust specification §9.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from datalib.errors import Misuse, Refused, Unchecked
from datalib.merkle import EMPTY_ROOT, leaf_hash, root_from_path
from datalib.trust import entries as log_entries
from datalib.trust import logfolder, proving
from datalib.trust.entries import Entry, EventEntry, HeadsEntry
from datalib.trust.headmap import Head
from datalib.trust.logfolder import CODE, Batch, Config, LogFolder, SignedCheckpoint
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.logreplay import Replay
from datalib.trust.notes import Note, NoteKey, NoteSigner
from datalib.trust.tiles import ENTRIES, WIDTH, Edge, Tile, TileTree, encode_bundle
from datalib.trust.witness import Cosign, Wanted, nobody

#: Entries of one publication; what waits beyond is published next.
MAX_BATCH = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A checkpoint that is now public: ``time`` is when the quorum had cosigned it, seconds since 1970."""

    size: int
    root: str
    events: int
    libraries: int
    time: int | None = None
    cosigners: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = field(default=())


def create(path: Path, signer: NoteSigner, key: Path) -> None:
    """Make an empty log; errors as in ``logfolder.create``."""
    text = proving.checkpoint_text(signer.key.name, 0, EMPTY_ROOT)
    note = Note(text=text, signatures=(signer.sign(text),)).serialise()
    logfolder.create(path, Config(origin=signer.key.name, vkey=signer.key.vkey, key=str(key)), note)


@contextmanager
def opened(path: Path) -> Iterator["Registry"]:
    """Open the log in a folder to write to it, or to prove from it; an interrupted publication is cleared up.

    Raises ``Misuse``: ``E-NOT-A-LOG``, ``E-BUSY``; ``Unchecked("E-LOG-DAMAGED")`` if the files do not belong together.
    """
    with logfolder.writing(path) as files:
        registry = Registry(files)
        try:
            yield registry
        finally:
            registry.close()


class Registry:
    """A log whose folder is held open by its only writer."""

    def __init__(self, files: LogFolder) -> None:
        self.files = files
        self.key = files.key()
        self.config = files.config()
        self.published = files.published()
        self._batch = self._unfinished()
        self._base = self._published_heads()
        self._admitted: Replay | None = None
        self._history: list[int] | None = None
        self._shown: dict[int, SignedCheckpoint] = {}

    @property
    def size(self) -> int:
        """The size of the published log."""
        return self.published.checkpoint.size

    @property
    def alone(self) -> LogPolicy:
        """The rules of those who ask for no witnesses."""
        return LogPolicy(logs=(self.key,), witnesses={}, groups={}, quorum=None)

    @property
    def tree(self) -> TileTree:
        """The tree of the published log."""
        return TileTree(self.size, self.files.read)

    def close(self) -> None:
        """Let go of all files."""
        self._base.heads.close()
        if self._admitted is not None:
            self._admitted.heads.close()

    def _unfinished(self) -> Batch | None:
        """Find the publication in progress; finish one that only had to be cleared up."""
        batch, signed = self.files.batch(), self.files.signed()
        if batch is not None and batch.size == self.size:
            self.files.end(batch)
            batch = None
        if batch is not None and batch.base != self.size:
            raise Unchecked(
                CODE, self.files.where, f"a publication after {batch.base} entries, the log has {self.size}"
            )
        largest = signed.checkpoint.size if signed else 0
        if largest not in {self.size, batch.size if batch else self.size}:
            raise Unchecked(CODE, self.files.where, f"{largest} entries were signed, the log has {self.size}")
        return batch

    def _published_heads(self) -> Replay:
        """Read the heads of the published log, or make them from its entries."""
        found = self.files.heads(self.size)
        if found is not None:
            return Replay(found, self.size)
        with Replay() as replay:
            for bundle in self.tree.bundles():
                for data in bundle:
                    self._take(replay, data)
            with self.files.folder.replacing(self.files.heads_name(self.size)) as file:
                replay.write(file)
        return self._published_heads()

    def _replay(self) -> Replay:
        """Give the state with everything that was admitted."""
        if self._admitted is None:
            heads = self.files.heads(self.size)
            self._admitted = Replay(heads, self.size)
            for _, waiting in self.files.pending():
                for data in waiting:
                    self._take(self._admitted, data)
        return self._admitted

    def _take(self, replay: Replay, data: bytes) -> Entry:
        try:
            entry = log_entries.parse(data)
            replay.apply(entry)
        except Refused as error:
            raise Unchecked(CODE, self.files.where, f"an entry does not fit those before it: {error}") from error
        return entry

    def newest(self, lib: str) -> Head | None:
        """Give the newest event of a library that was admitted, published or not."""
        return self._replay().find(lib)

    def published_head(self, lib: str) -> Head | None:
        """Give the newest event of a library that was published."""
        return self._base.find(lib)

    def admit(self, entries: Sequence[Entry]) -> None:
        """Admit entries, all or none; ``Refused`` as in ``Replay.check`` if they may not follow.

        Whether the events themselves are right is asked before: see ``datalib.submission``.
        """
        replay = self._replay()
        self._admitted = None
        with replay:
            for entry in entries:
                replay.check(entry)
                replay.take(entry)
        if entries:
            self.files.admit([entry.serialise() for entry in entries])

    @property
    def policy(self) -> log_entries.PolicyEntry | None:
        """The policy that was admitted last."""
        return self._replay().policy

    def waiting(self) -> int:
        """Count the entries that were admitted and not published."""
        return sum(len(waiting) for _, waiting in self.files.pending())

    def publish(
        self, signer: NoteSigner, cosign: Cosign = nobody, policy: LogPolicy | None = None
    ) -> list[Publication]:
        """Publish what was admitted; complete an interrupted publication first.

        Without anything new the heads are published anew: proofs of heads grow old. ``policy`` names witnesses and
        quorum. Raises ``Refused("E-LOG-QUORUM")`` if too few cosign: the publication is completed by a later run.
        """
        if signer.key != self.key:
            raise Misuse("E-USAGE", "--key", f"not the key of this log, {self.config.vkey}")
        rules = policy or self.alone
        if self.key not in rules.logs:
            raise Refused("E-LOG-ORIGIN", self.key.name, "the log policy does not name this log with this key")
        done = []
        if self._batch is not None:
            done.append(self._complete(self._batch, signer, cosign, rules))
        while not done or self.waiting():
            self._batch = self._begin()
            done.append(self._complete(self._batch, signer, cosign, rules))
        return done

    def _begin(self) -> Batch:
        """Fix the entries of a publication (steps 1 and 2)."""
        found, last = list[bytes](), 0
        for number, waiting in self.files.pending():
            if found and len(found) + len(waiting) > MAX_BATCH:
                break
            found += waiting
            last = number
        heads = self._write_heads(found)
        batch = Batch(base=self.size, pending=last, entries=(*found, heads.serialise()))
        self.files.begin(batch)
        return batch

    def _write_heads(self, entries: Sequence[bytes]) -> HeadsEntry:
        """Write the heads after entries that follow the published log; give the entry that says so."""
        base = self.files.heads(self.size)
        with Replay(base, self.size) as replay:
            for data in entries:
                self._take(replay, data)
            name = self.files.heads_name(self.size + len(entries) + 1)
            with self.files.folder.replacing(name) as file:
                return replay.write(file)

    def _complete(self, batch: Batch, signer: NoteSigner, cosign: Cosign, policy: LogPolicy) -> Publication:
        """Take a publication from its entries to its end (steps 3 to 7)."""
        heads = log_entries.parse(batch.entries[-1])
        name = self.files.heads_name(batch.size)
        if not self.files.folder.exists(name) and self._write_heads(batch.entries[:-1]) != heads:
            raise Unchecked(CODE, self.files.where, "the heads are not those of the publication in progress")
        tree = self._write_tiles(batch)
        note = self._sign(signer, batch.size, tree.root())
        consistency = TileTree(batch.size, self.files.read).consistency
        wanted = Wanted(note=note.serialise(), size=batch.size, before=batch.base, consistency=consistency)
        found = cosign(wanted)
        complete = Note(text=note.text, signatures=(*note.signatures, *found.signatures))
        signers = complete.verify(policy.keys, "E-LOG-CHECKPOINT", self.files.where)
        time = policy.time(signers) if policy.quorum else None
        if policy.quorum and time is None:
            said = [f"{name}: {reason}" for name, reason in found.failures]
            raise Refused("E-LOG-QUORUM", self.key.name, "; ".join([f"{len(signers) - 1} cosigned", *said]))
        self.files.publish(complete.serialise(), batch.size)
        self.files.end(batch)
        self._renew()
        return Publication(
            size=batch.size,
            root=tree.root().hex(),
            events=sum(isinstance(log_entries.parse(data), EventEntry) for data in batch.entries),
            libraries=heads.size if isinstance(heads, HeadsEntry) else 0,
            time=time,
            cosigners=tuple(sorted(key.name for key in signers if key != self.key)),
            failures=tuple(found.failures),
        )

    def _renew(self) -> None:
        """Take up the log as it now is."""
        self.close()
        self._batch = self._admitted = self._history = None
        self.published = self.files.published()
        self._base = self._published_heads()

    def _write_tiles(self, batch: Batch) -> Edge:
        """Write the tiles and bundles that are new or wider; give the tree."""
        edge = Edge.of(self.tree)
        if edge.root() != self.published.checkpoint.root:
            raise Unchecked(CODE, self.files.where, "the tiles are not those of the published checkpoint")
        first = self.size // WIDTH
        bundle = [*(self.tree.entries(first) if self.size % WIDTH else ()), *batch.entries]
        for start in range(0, len(bundle), WIDTH):
            part = bundle[start : start + WIDTH]
            self._write(Tile(ENTRIES, first + start // WIDTH, len(part)), encode_bundle(part))
        for tile, data in edge.extend([leaf_hash(data) for data in batch.entries]):
            self._write(tile, data)
        for tile, data in edge.partial():
            self._write(tile, data)
        return edge

    def _write(self, tile: Tile, data: bytes) -> None:
        self.files.folder.write(tile.path, data)

    def _sign(self, signer: NoteSigner, size: int, root: bytes) -> Note:
        """Sign a checkpoint, unless another of that size, or a larger one, was signed before (step 4)."""
        text = proving.checkpoint_text(self.key.name, size, root)
        before = self.files.signed()
        if before is not None and before.checkpoint.size >= size:
            note = Note.parse(before.note, CODE)
            if note.text != text:
                raise Unchecked(CODE, self.files.where, f"another tree of {before.checkpoint.size} entries was signed")
            return note
        note = Note(text=text, signatures=(signer.sign(text),))
        self.files.keep_signed(note.serialise())
        return note

    def locate(self, lib: str, events: set[str]) -> dict[str, int]:
        """Find published events of a library in the log: their indices, as far as they are there."""
        head = self.published_head(lib)
        found: dict[str, int] = {}
        tree = self.tree
        for number in range(head.index // WIDTH if head else -1, -1, -1):
            for place, data in enumerate(tree.entries(number)):
                entry = log_entries.parse(data)
                if isinstance(entry, EventEntry) and entry.lib == lib and entry.event in events:
                    found.setdefault(entry.event, number * WIDTH + place)
            if len(found) == len(events):
                break
        return found

    def prove(self, index: int, policy: LogPolicy) -> bytes:
        """Prove an entry by the earliest checkpoint that holds it and that the quorum cosigned. A tlog-proof.

        The earliest, because its time is that of the event. ``Refused("E-LOG-QUORUM")`` if there is none.
        """
        if self._history is None:
            self._history = [size for size in self.files.history() if size <= self.size]
        for size in self._history[bisect_right(self._history, index) :]:
            shown = self._shown.get(size) or self.files.earlier(size)
            self._shown[size] = shown
            if cosigned(shown.note, policy):
                return self._proof(index, shown)
        raise Refused("E-LOG-QUORUM", self.key.name, f"no checkpoint that holds entry {index}")

    def prove_head(self, lib: str) -> bytes | None:
        """Prove the newest published event of a library: ``proofs/head.json``."""
        path = self._base.heads.prove(lib)
        return proving.head_proof(path, self._proof(self.size - 1, self.published)) if path else None

    def _proof(self, index: int, shown: SignedCheckpoint) -> bytes:
        size, root = shown.checkpoint.size, shown.checkpoint.root
        tree = self.tree
        path = tree.inclusion(index, size)
        if root_from_path(leaf_hash(tree.entry(index)), index, size, path) != root:
            raise Unchecked(CODE, self.files.where, f"entry {index} does not lead to the checkpoint of size {size}")
        return proving.tlog_proof(index, path, shown.note)


def cosigned(note: bytes, policy: LogPolicy) -> bool:
    """Tell whether the quorum of a policy cosigned a checkpoint, if it asks for one."""
    try:
        signers = Note.parse(note, CODE).verify(policy.keys, CODE)
    except Refused:
        return False
    return policy.quorum is None or policy.time(signers) is not None


def key_of(path: Path) -> tuple[NoteKey, Path]:
    """Tell the public key of a log, and where its private key was when the log was made."""
    with logfolder.reading(path) as files:
        return files.key(), Path(files.config().key)
