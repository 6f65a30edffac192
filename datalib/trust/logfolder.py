"""The folder of a log: what everybody may fetch, and below ``.registry/`` what only its writer needs.

    checkpoint  tile/…                     public; any static server can serve them
    .registry/log.json                     the log's name and key, and where the private key is
    .registry/pending/<n>                  entries admitted, not yet published
    .registry/batch                        the entries of the publication in progress: from here on they are fixed
    .registry/signed                       the largest checkpoint that was signed, before anybody else saw it
    .registry/heads-<size>                 the newest event of every library at a checkpoint
    .registry/checkpoints/<size>           every checkpoint that was published

Every file is replaced as a whole, so that a kill leaves the old or the new one.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from datalib.canonical import MAX_INTEGER, canonical, parse
from datalib.errors import Misuse, Refused, Unchecked
from datalib.library.descent import trouble
from datalib.library.store import Folder, is_leftover
from datalib.trust import tiles
from datalib.trust.headmap import HeadMap
from datalib.trust.notes import KeyType, Note, NoteKey
from datalib.trust.tlog import Checkpoint

CODE = "E-LOG-DAMAGED"
CHECKPOINT = "checkpoint"
PRIVATE = ".registry"
#: In bytes; a hundred signatures are some 15,000.
MAX_CHECKPOINT = 1024 * 1024

_CONFIG, _BATCH, _SIGNED = f"{PRIVATE}/log.json", f"{PRIVATE}/batch", f"{PRIVATE}/signed"
_PENDING, _HISTORY, _HEADS = f"{PRIVATE}/pending", f"{PRIVATE}/checkpoints", f"{PRIVATE}/heads-"
_MAX_CONFIG = 64 * 1024
_MAX_ENTRIES = 1024 * 1024 * 1024
_ABSENT = "E-FILE-MISSING"
_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Which log this is, and the file of its private key."""

    origin: str
    vkey: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A publication in progress: it begins behind ``base`` entries and uses up ``pending`` admissions."""

    base: int
    pending: int
    entries: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """The size of the log afterwards."""
        return self.base + len(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint and the note in which it stands, with all its signatures."""

    checkpoint: Checkpoint
    note: bytes


@contextmanager
def writing(path: Path) -> Iterator["LogFolder"]:
    """Open a log to write: one writer at a time, leftovers of killed ones swept first.

    Raises ``Misuse``: ``E-NOT-A-LOG``, ``E-BUSY``; ``Unchecked("E-LOG-DAMAGED")``.
    """
    with Folder(path) as folder:
        try:
            fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misuse("E-BUSY", str(path)) from None
        files = LogFolder(folder)
        files.sweep()
        yield files


@contextmanager
def reading(path: Path) -> Iterator["LogFolder"]:
    """Open a log to read; it may be of this program or any other, a log or not."""
    with Folder(path) as folder:
        yield LogFolder(folder)


def create(path: Path, config: Config, note: bytes) -> None:
    """Make the folder of a log with its first checkpoint; doing so again changes nothing.

    Raises ``Misuse("E-LOG-EXISTS")`` where there is another log, or anything else.
    """
    with trouble(str(path)):
        path.mkdir(parents=True, exist_ok=True)
    with Folder(path) as folder:
        files = LogFolder(folder)
        files.sweep()
        known = files.find_config()
        if known is None and set(files.names()) - {PRIVATE}:
            raise Misuse("E-LOG-EXISTS", str(path), "the folder is not empty")
        if known is not None and (known.origin, known.vkey) != (config.origin, config.vkey):
            raise Misuse("E-LOG-EXISTS", str(path), known.origin)
        value = {"version": 1, "origin": config.origin, "vkey": config.vkey, "key": config.key}
        folder.write(_CONFIG, canonical(value) + b"\n")
        if not folder.exists(CHECKPOINT):
            if folder.exists(_SIGNED):
                raise Unchecked(CODE, f"{path}/{CHECKPOINT}", "is missing")
            folder.write(CHECKPOINT, note)


class LogFolder:
    """The files of a log in an open folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.where = str(folder.path)

    def names(self, below: str = "") -> list[str]:
        """Name what stands in the folder, or in one below it."""
        with trouble(self.where), os.scandir(self.folder.path / below) as entries:
            return [f"{below}/{entry.name}" if below else entry.name for entry in entries]

    def read(self, name: str, limit: int) -> bytes | None:
        """Read a file; ``None`` where there is none. This is a source of tiles."""
        try:
            return self.folder.read(name, limit=limit, missing=_ABSENT, too_large=tiles.CODE)
        except Refused as error:
            if error.code != _ABSENT:
                raise
            return None

    def find_config(self) -> Config | None:
        """Read which log this is, ``None`` if it is none of this program."""
        data = self.read(_CONFIG, _MAX_CONFIG)
        if data is None:
            return None
        try:
            value = parse(data, limit=_MAX_CONFIG, where=_CONFIG)
        except Refused as error:
            raise Unchecked(CODE, self.where, str(error)) from error
        match value:
            case {"version": 1, "origin": str(origin), "vkey": str(vkey), "key": str(key)}:
                return Config(origin=origin, vkey=vkey, key=key)
        raise Unchecked(CODE, f"{self.where}/{_CONFIG}", "not what log init writes")

    def config(self) -> Config:
        """Read which log this is; ``Misuse("E-NOT-A-LOG")`` if it is none of this program."""
        found = self.find_config()
        if found is None:
            raise Misuse("E-NOT-A-LOG", self.where)
        return found

    def key(self) -> NoteKey:
        """Give the public key of the log."""
        return NoteKey.from_vkey(self.config().vkey, KeyType.LOG, CODE, self.where)

    def published(self) -> SignedCheckpoint:
        """Read the checkpoint that everybody sees."""
        return self._checkpoint(CHECKPOINT)

    def signed(self) -> SignedCheckpoint | None:
        """Read the largest checkpoint that was ever signed; ``None`` before the first publication."""
        return self._checkpoint(_SIGNED) if self.folder.exists(_SIGNED) else None

    def keep_signed(self, note: bytes) -> None:
        """Keep a checkpoint that is about to leave."""
        self.folder.write(_SIGNED, note)

    def _checkpoint(self, name: str) -> SignedCheckpoint:
        data = self.read(name, MAX_CHECKPOINT)
        if data is None:
            raise Unchecked(CODE, f"{self.where}/{name}", "is missing")
        try:
            note = Note.parse(data, CODE, name)
            checkpoint = Checkpoint.parse(note.text, name)
            note.verify([self.key()], CODE, name)
        except Refused as error:
            raise Unchecked(CODE, f"{self.where}/{name}", error.detail) from error
        return SignedCheckpoint(checkpoint=checkpoint, note=data)

    def publish(self, note: bytes, size: int) -> None:
        """Show a checkpoint to everybody: the last step of a publication."""
        self.folder.write(f"{_HISTORY}/{size:0{_DIGITS}d}", note)
        self.folder.write(CHECKPOINT, note)

    def history(self) -> list[int]:
        """Give the sizes of all checkpoints that were published, in order."""
        return self._numbers(_HISTORY)

    def earlier(self, size: int) -> SignedCheckpoint:
        """Read a checkpoint that was published."""
        return self._checkpoint(f"{_HISTORY}/{size:0{_DIGITS}d}")

    def _numbers(self, below: str) -> list[int]:
        if not self.folder.exists(below):
            return []
        names = (entry.path.removeprefix(f"{below}/") for entry in self.folder.walk(below))
        return [int(name) for name in names if len(name) == _DIGITS and name.isascii() and name.isdigit()]

    def pending(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield admissions that were not published: their numbers and entries."""
        for number in self._numbers(_PENDING):
            name = f"{_PENDING}/{number:0{_DIGITS}d}"
            try:
                yield number, tiles.decode_bundle(self.read(name, _MAX_ENTRIES) or b"", name)
            except Refused as error:
                raise Unchecked(CODE, self.where, str(error)) from error

    def admit(self, entries: list[bytes]) -> None:
        """Keep an admission until it is published."""
        batch = self.batch()
        number = max([0, *self._numbers(_PENDING), batch.pending if batch else 0]) + 1
        self.folder.write(f"{_PENDING}/{number:0{_DIGITS}d}", tiles.encode_bundle(entries))

    def batch(self) -> Batch | None:
        """Read the publication in progress."""
        data = self.read(_BATCH, _MAX_ENTRIES)
        if data is None:
            return None
        head, _, rest = data.partition(b"\n")
        try:
            value = parse(head, limit=_MAX_CONFIG, where=_BATCH)
            entries = tiles.decode_bundle(rest, _BATCH)
        except Refused as error:
            raise Unchecked(CODE, self.where, str(error)) from error
        match value:
            case {"base": int(base), "pending": int(pending)} if 0 <= base <= MAX_INTEGER and entries:
                return Batch(base=base, pending=pending, entries=tuple(entries))
        raise Unchecked(CODE, f"{self.where}/{_BATCH}", "not a publication")

    def begin(self, batch: Batch) -> None:
        """Fix the entries of a publication."""
        head = canonical({"base": batch.base, "pending": batch.pending})
        self.folder.write(_BATCH, head + b"\n" + tiles.encode_bundle(batch.entries))

    def end(self, batch: Batch) -> None:
        """Remove what a complete publication has used up; its own file last."""
        used = [number for number in self._numbers(_PENDING) if number <= batch.pending]
        self._remove(f"{_PENDING}/{number:0{_DIGITS}d}" for number in used)
        own = f"{_HEADS}{batch.size}"
        self._remove(name for name in self.names(PRIVATE) if name.startswith(_HEADS) and name != own)
        self._remove_partial(batch)
        self.folder.remove(_BATCH)

    def _remove_partial(self, batch: Batch) -> None:
        """Remove partial tiles whose full tile is now published: C2SP tlog-tiles, "Partial Tiles"."""
        for level in (tiles.ENTRIES, *range(8)):
            number = (batch.base >> 8 * max(level, 0)) // tiles.WIDTH
            full = tiles.width_at(level, number, batch.size) == tiles.WIDTH
            below = f"{tiles.Tile(level, number).path}.p"
            if full and self.folder.exists(below):
                self._remove([entry.path for entry in self.folder.walk(below)])
                with suppress(OSError):  # an empty folder more or less means nothing
                    (self.folder.path / below).rmdir()

    def _remove(self, names: Iterable[str]) -> None:
        """Remove files; they are gone for good when this returns."""
        with trouble(self.where):
            folders = set()
            for name in names:
                path = self.folder.path / name
                path.unlink(missing_ok=True)
                folders.add(path.parent)
            for folder in folders:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def heads(self, size: int) -> HeadMap | None:
        """Open the heads at a checkpoint, ``None`` if they are not there."""
        if not size:
            return HeadMap()
        try:
            with self.folder.open(f"{_HEADS}{size}", missing=_ABSENT) as file:
                return HeadMap(file)
        except Refused as error:
            if error.code != _ABSENT:
                raise
            return None

    def heads_name(self, size: int) -> str:
        """Name the file of the heads at a checkpoint."""
        return f"{_HEADS}{size}"

    def sweep(self) -> None:
        """Remove what interrupted writes left behind. Tiles are written only while there is a batch."""
        found = [name for name in self.names() if is_leftover(name)]
        for below in (PRIVATE, *(["tile"] if self.folder.exists(_BATCH) else [])):
            if self.folder.exists(below):
                found += [entry.path for entry in self.folder.walk(below) if is_leftover(entry.path)]
        self._remove(found)
