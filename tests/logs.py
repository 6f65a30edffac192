"""Logs made for tests: honest ones by the registry, dishonest ones entry by entry; witnesses without a network."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datalib import merkle
from datalib.errors import Refused
from datalib.trust import logpolicy, proving, registry, witness
from datalib.trust.entries import Entry, EventEntry, HeadsEntry
from datalib.trust.headmap import head_line
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.notes import KeyType, Note, NoteSigner
from datalib.trust.registry import Publication
from datalib.trust.state import Tree
from datalib.trust.tiles import ENTRIES, WIDTH, Edge, Tile, encode_bundle
from datalib.trust.witness import Cosign, Cosignatures, Request, Wanted
from tests.libraries import LOG_POLICY, NOW, ORIGIN, WITNESSES, key

SIGNER = NoteSigner.named(ORIGIN, KeyType.LOG, key("log"))
RULES: LogPolicy = logpolicy.parse(LOG_POLICY)
ALONE = LogPolicy(logs=(SIGNER.key,), witnesses={}, groups={}, quorum=None)


def digest(text: str) -> str:
    """Make an id."""
    return hashlib.sha256(text.encode()).hexdigest()


def chain(name: str, length: int, start: int = 0) -> list[EventEntry]:
    """Make the entries of a library's events."""
    ids = [digest(f"{name} {seq}") for seq in range(length)]
    entries = [
        EventEntry(event=event, lib=ids[0], prev=ids[seq - 1] if seq else None, seq=seq)
        for seq, event in enumerate(ids)
    ]
    return entries[start:]


def new_log(folder: Path) -> Path:
    """Make an empty log."""
    registry.create(folder, SIGNER, folder.parent / "log.pem")
    return folder


def admit(folder: Path, *entries: Entry) -> None:
    with registry.opened(folder) as log:
        log.admit(entries)


def publish(folder: Path, cosign: Cosign = witness.nobody, rules: LogPolicy | None = None) -> list[Publication]:
    with registry.opened(folder) as log:
        return log.publish(SIGNER, cosign, rules)


@dataclass(kw_only=True)
class Board:
    """The three witnesses of the policy, in memory. ``seen`` holds every root that the log let out, by size."""

    time: int = NOW
    known: dict[str, dict[str, Tree]] = field(default_factory=dict)
    seen: dict[int, set[bytes]] = field(default_factory=dict)
    offline: set[str] = field(default_factory=set)

    def post(self, name: str) -> Callable[[bytes], tuple[int, bytes]]:
        def ask(data: bytes) -> tuple[int, bytes]:
            known = self.known.setdefault(name, {})
            signer = NoteSigner.named(name, KeyType.WITNESS, WITNESSES[name])
            text = Note.parse(Request.parse(data).note, "E-X").text.split(b"\n")
            self.seen.setdefault(int(text[1]), set()).add(text[2])
            found = witness.answer(data, signer=signer, logs=[SIGNER.key], known=known, now=self.time)
            if found.tree is not None:
                known[found.origin] = found.tree
            return found.status, found.body

        return ask

    def __call__(self, wanted: Wanted) -> Cosignatures:
        keys = {each.name: each for each in RULES.witnesses.values()}
        found, failures = [], [(name, "offline") for name in sorted(self.offline)]
        for name in WITNESSES:
            if name in self.offline:
                continue
            try:
                found.append(witness.converse(self.post(name), wanted, [keys[name]], self.time))
            except Refused as error:
                failures.append((name, error.detail))
        return Cosignatures(signatures=found, failures=failures)


def heads_entry(at: int, heads: Sequence[tuple[str, str]]) -> HeadsEntry:
    """Make the heads entry of pairs of library and event, in any order."""
    lines = [head_line(lib, event).encode() for lib, event in sorted(heads)]
    return HeadsEntry(at=at, heads=merkle.root(lines).hex(), size=len(lines))


def write_log(folder: Path, entries: Sequence[bytes]) -> Path:
    """Write a log that holds these entries, whatever they say."""
    edge, files = Edge(), dict[str, bytes]()
    for start in range(0, len(entries), WIDTH):
        part = entries[start : start + WIDTH]
        files[Tile(ENTRIES, start // WIDTH, len(part)).path] = encode_bundle(part)
    for tile, data in edge.extend([merkle.leaf_hash(entry) for entry in entries]):
        files[tile.path] = data
    for tile, data in edge.partial():
        files[tile.path] = data
    text = proving.checkpoint_text(ORIGIN, len(entries), edge.root())
    files["checkpoint"] = Note(text=text, signatures=(SIGNER.sign(text),)).serialise()
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder
