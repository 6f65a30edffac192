"""What the entries of a log say, in their order: the newest event of each library, and whether they may say so.

A registry asks it before it admits an event, a monitor of everything that a registry admitted. Memory does not grow
with the log: heads are merged into a file when many have changed. Source: datalib trust specification §9.
"""

import tempfile
from collections.abc import Callable
from io import FileIO
from typing import Self

from datalib.errors import Refused
from datalib.trust.entries import Entry, EventEntry, HeadsEntry, PolicyEntry
from datalib.trust.headmap import Head, HeadMap

#: Heads that are kept in memory before they are merged into the file.
MAX_CHANGES = 65_536

Scratch = Callable[[], FileIO]


def scratch() -> FileIO:
    """Give an empty file that is gone when it is closed."""
    return tempfile.TemporaryFile(buffering=0)


class Replay:
    """The state after some entries: ``size`` of them, the heads, the last policy. Close it when it is not needed."""

    def __init__(self, heads: HeadMap | None = None, size: int = 0, *, scratch: Scratch = scratch) -> None:
        self.size = size
        self.heads = heads or HeadMap()
        self.policy = self.heads.policy
        self.changes: dict[str, Head] = {}
        self._scratch = scratch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.heads.close()

    def find(self, lib: str) -> Head | None:
        """Give the newest event of a library."""
        return self.changes.get(lib) or self.heads.find(lib)

    def apply(self, entry: Entry, where: str = "") -> None:
        """Take the next entry, after ``check``; one that is refused counts as taken all the same."""
        try:
            self.check(entry, where)
        finally:
            self.take(entry)

    def check(self, entry: Entry, where: str = "") -> None:
        """Raise ``Refused`` if an entry contradicts those before it.

        ``E-MON-FORK``, ``E-CHAIN-SEQ``, ``E-CHAIN-LINK``, ``E-CHAIN-LIB``, ``E-MON-HEADS``, ``E-POLICY-ROLLBACK``,
        ``E-POLICY-FORK``.
        """
        match entry:
            case EventEntry():
                self._check_event(entry, where)
            case HeadsEntry():
                self._check_heads(entry, where)
            case PolicyEntry():
                self._check_policy(entry, where)

    def take(self, entry: Entry | None) -> None:
        """Take an entry, right or wrong; ``None`` for one that cannot be read. The first event at a position stays."""
        index, self.size = self.size, self.size + 1
        match entry:
            case EventEntry(lib=lib):
                before = self.find(lib)
                if before is None or before.seq < entry.seq:
                    self.changes[lib] = Head(event=entry.event, seq=entry.seq, index=index)
                if len(self.changes) >= MAX_CHANGES:
                    self.merge()
            case PolicyEntry():
                self.policy = entry

    def _check_event(self, entry: EventEntry, where: str) -> None:
        before = self.find(entry.lib)
        wanted = before.seq + 1 if before else 0
        if entry.seq < wanted:
            raise Refused("E-MON-FORK", where, f"a second event {entry.seq} of library {entry.lib}")
        if entry.seq > wanted:
            raise Refused("E-CHAIN-SEQ", where, f"event {entry.seq} of library {entry.lib} follows {wanted - 1}")
        if entry.prev != (before.event if before else None):
            raise Refused("E-CHAIN-LINK", where, f"event {entry.seq} of library {entry.lib} names another predecessor")
        if before is None and entry.event != entry.lib:
            raise Refused("E-CHAIN-LIB", where, "the first event of a library gives it its id")

    def _check_heads(self, entry: HeadsEntry, where: str) -> None:
        heads = self.merge()
        if entry.at != self.size:
            raise Refused("E-MON-HEADS", where, f"says that it stands at {entry.at}")
        if (entry.heads, entry.size) != (heads.root.hex(), heads.count):
            found = f"{heads.count} libraries with root {heads.root.hex()}"
            raise Refused("E-MON-HEADS", where, f"the entries before it give {found}")

    def _check_policy(self, entry: PolicyEntry, where: str) -> None:
        before = self.policy
        if before is not None and entry.version < before.version:
            raise Refused("E-POLICY-ROLLBACK", where, f"version {entry.version} after {before.version}")
        if before is not None and entry.version == before.version and entry.policy != before.policy:
            raise Refused("E-POLICY-FORK", where, f"a second version {entry.version}")

    def merge(self) -> HeadMap:
        """Bring all changes into the heads."""
        if self.changes:
            with self._scratch() as file:
                self.write(file)
                file.seek(0)
                merged = HeadMap(file)
            self.heads.close()
            self.heads, self.changes = merged, {}
        return self.heads

    def write(self, file: FileIO) -> HeadsEntry:
        """Write the heads as they are now to a file; give the entry that would say so."""
        root, count = self.heads.merge(self.changes, self.policy, file)
        return HeadsEntry(at=self.size, heads=root.hex(), size=count)
