"""A log of a million entries: how large it is, how long publishing, proving and watching it take."""

import hashlib
import time
from collections.abc import Iterator
from functools import reduce
from itertools import islice
from operator import or_
from pathlib import Path

from bench.row import Row, bounded
from bench.usage import Usage, measure, program
from datalib import unverified
from datalib.library.store import Folder
from datalib.trust import registry
from datalib.trust.entries import EventEntry
from datalib.trust.keys import PrivateKey
from datalib.trust.notes import KeyType, NoteSigner

FULL, USUAL = 1_000_000, 65_536
_EVENTS = 5  # of each library
_AT_ONCE = 60_000
_ROUNDS = 3
_PARTY = "x-bench:producer"


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Make a log, then measure the commands on it, each as a process of its own."""
    size = FULL if full else USUAL
    log, library = tmp / "log", tmp / "library"
    key = PrivateKey.new()
    (tmp / "log.pem").write_bytes(key.to_pem())
    signer = NoteSigner.named("registry.example/bench", KeyType.LOG, key)
    registry.create(log, signer, tmp / "log.pem")
    genesis = _library(library)
    began = time.perf_counter()
    made = _fill(log, signer, genesis, size)
    built = time.perf_counter() - began
    used = {name: _best(log, library, name) for name in ("publish", "prove", "monitor")}
    note = f"{made:,} entries of {made // _EVENTS:,} libraries"
    rows = [
        bounded("log: bytes per entry", _public(log) / made, unit="bytes", aim="<= 270 bytes", note=note),
        bounded("log: fill it, 60,000 events a publication", made / built, unit="entries/s", aim=""),
    ]
    for name, usage in used.items():
        rows += [
            bounded(f"datalib log {name}", usage.wall, unit="s", aim=""),
            bounded(f"datalib log {name}", usage.cpu, unit="CPU s", aim=""),
            bounded(f"datalib log {name}: peak memory", usage.peak, unit="MB", aim="<= 100 MB"),
        ]
    return rows


def _library(folder: Path) -> EventEntry:
    """Make a real library; give the entry of its one event."""
    folder.mkdir()
    (folder / "notes.txt").write_text("for a log\n", encoding="utf-8")
    key = folder.parent / "producer.pem"
    datalib = program("datalib")
    about = ["--producer-id", _PARTY, "--producer-name", "en=Bench", "--purpose", "eval", "--source", "made here"]
    measure([datalib, "key", "new", "-o", key, "--no-password"])
    measure([datalib, "init", folder, *about])
    measure([datalib, "sign", folder, "--key", key])
    with Folder(folder) as opened:
        event = unverified.record(opened).library
    return EventEntry(event=event, lib=event, prev=None, seq=0)


def _entries(count: int) -> Iterator[EventEntry]:
    """Make the events of many libraries: first all first events, then all second ones."""
    libraries = count // _EVENTS
    for seq in range(_EVENTS):
        for number in range(libraries):
            ids = [hashlib.sha256(b"%d %d" % (number, at)).hexdigest() for at in (0, seq - 1, seq)]
            yield EventEntry(event=ids[2], lib=ids[0], prev=ids[1] if seq else None, seq=seq)


def _fill(log: Path, signer: NoteSigner, first: EventEntry, size: int) -> int:
    """Publish entries in parts; give the size of the log."""
    with registry.opened(log) as opened:
        opened.admit([first])
        opened.publish(signer)
        entries = _entries(size)
        while part := list(islice(entries, _AT_ONCE)):
            opened.admit(part)
            opened.publish(signer)
        return opened.size


def _public(log: Path) -> int:
    """Add up what everybody can fetch."""
    tiles = sum(path.stat().st_size for path in (log / "tile").rglob("*") if path.is_file())
    return tiles + (log / "checkpoint").stat().st_size


def _best(log: Path, library: Path, name: str) -> Usage:
    """Take the best of some rounds; each publication has one new event."""
    datalib, found = program("datalib"), list[Usage]()
    for number in range(1 if name == "monitor" else _ROUNDS):
        if name == "publish":
            event = hashlib.sha256(b"new %d" % number).hexdigest()
            with registry.opened(log) as opened:
                opened.admit([EventEntry(event=event, lib=event, prev=None, seq=0)])
        for proof in (library / "proofs").glob("*"):
            proof.unlink()
        more = [library] if name == "prove" else []
        found.append(measure([datalib, "log", name, log, *more]))
    return reduce(or_, found)
