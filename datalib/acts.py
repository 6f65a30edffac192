"""What people do to a library: sign it, hand it over, co-sign, attest, withdraw it.

Each act adds one line to ``chain.jsonl``. It is the last file written, whole and at once: a kill before that leaves a
library whose act has not happened, and running the same act again completes it. Nothing here asks whom to believe:
that is `datalib.verify`'s question. Source: datalib trust specification §2, §6, §7.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from datalib import unverified
from datalib.canonical import parse as parse_json
from datalib.chain import envelope, events, links, replay
from datalib.chain.envelope import EVENT_TYPE, Envelope
from datalib.chain.events import Amend, Attest, Claim, Event, Genesis, Transfer, Withdraw
from datalib.chain.selection import Selection
from datalib.engine import Engine
from datalib.errors import Misuse, Refused
from datalib.formats import format_time, sha256_hex
from datalib.library import draft, hashing, listing, manifest
from datalib.library.cache import Cache
from datalib.library.declarations import check_purposes, check_sources
from datalib.library.descent import trouble
from datalib.library.draft import Listed
from datalib.library.listing import Line
from datalib.library.manifest import MAX_MANIFEST, Content, Manifest
from datalib.library.store import Folder
from datalib.library.upgrade import Note
from datalib.trust.keys import PrivateKey
from datalib.trust.parties import Party
from datalib.trust.tlog import CLOCK_SKEW
from datalib.unverified import Record

_PIECE = 1 << 20
REASONS = ("correction", "addition", "removal", "optout", "erasure", "metadata")


class Hashing(TypedDict, total=False):
    """Who is told of the hashing, which files need not be read (an open cache), who hashes (default: threads)."""

    progress: hashing.Progress | None
    cache: Cache | None
    engine: Engine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was done. ``event`` is the id of the new line, ``None`` where nothing had changed or a signature is missing.

    ``pending`` holds an event that wants a second signature before it can stand in the chain.
    """

    kind: str
    library: str
    event: str | None
    manifest: str
    content: Content | None = None
    pending: bytes | None = None
    warnings: tuple[Note, ...] = ()


@contextmanager
def writing(path: Path) -> Iterator[Folder]:
    """Open a library to write: one writer at a time, leftovers of killed ones swept first."""
    with Folder(path) as folder:
        try:
            fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misuse("E-BUSY", str(path)) from None
        folder.sweep()
        yield folder


def sign(
    path: Path,
    *,
    keys: Sequence[PrivateKey],
    now: int,
    actor: Party | None = None,
    reason: str | None = None,
    **how: Unpack[Hashing],
) -> Act:
    """List and hash the files, complete the manifest, and append ``genesis``, later ``amend``.

    ``actor`` amends (default: the owner) for ``reason`` (default: ``correction``). An amendment that adds a purpose
    needs the producer's key too; without it the event is given back as ``pending`` and the chain is left alone. ``how``
    does not change the result. Raises ``Refused`` for what could not be verified afterwards.
    """
    with writing(path) as folder:
        return sign_in(folder, unverified.current(folder), keys=keys, now=now, actor=actor, reason=reason, **how)


def sign_in(
    folder: Folder,
    data: bytes,
    *,
    keys: Sequence[PrivateKey],
    now: int,
    actor: Party | None = None,
    reason: str | None = None,
    admit: Callable[[Record | None, Envelope], object] | None = None,
    **how: Unpack[Hashing],
) -> Act:
    """Sign the library in a folder that is open to write; ``data`` is the manifest, yet to be completed.

    ``admit`` is called with the chain so far and the new line, fully signed, when everything else is written. Else as
    `sign`.
    """
    document = parse_json(data, limit=MAX_MANIFEST, where=manifest.NAME)
    manifest.parse_draft(data)
    warnings = check_purposes(document["datalib"]["purpose"], f"{manifest.NAME}#/datalib/purpose")
    warnings += check_sources(document["sources"], f"{manifest.NAME}#/sources")
    past = unverified.record(folder) if folder.exists(links.NAME) else None
    fresh, facts = _complete(folder, document, how)
    new = manifest.parse(fresh)
    digest = sha256_hex(fresh)
    done = Act(kind="none", library="", event=None, manifest=digest, content=facts, warnings=tuple(warnings))
    if past is not None and past.state.manifest == digest:
        _keep(folder, fresh, digest)
        tidy(folder, past, digest)
        return replace(done, library=past.library)
    event, needed = _signing_event(folder, past, new, digest, now=now, actor=actor, reason=reason or "correction")
    _check_inputs(folder, new)
    sealed = envelope.sign(EVENT_TYPE, events.serialise(event), keys)
    links.check_keys(past.chain if past else (), sealed, event, complete=len(keys) >= needed)
    _keep(folder, fresh, digest)
    if len(keys) < needed:
        return replace(done, kind="amend", library=event.lib or "", pending=sealed.line)
    if admit is not None:
        admit(past, sealed)
    library = _append(folder, past, sealed, event)
    warnings += _unfamiliar(past, sealed, event)
    return replace(
        done, kind="amend" if past else "genesis", library=library, event=sealed.id, warnings=tuple(warnings)
    )


def _check_inputs(folder: Folder, new: Manifest) -> None:
    """Refuse files or purposes that the inputs do not have, whoever is believed."""
    with Selection(folder, new) as selection:
        for item in new.inputs:
            granted = manifest.parse(unverified.version(folder, item.manifest))
            beyond = sorted(set(new.purpose) - set(granted.purpose))
            if beyond:
                raise Refused("E-PURPOSE-UPSTREAM", f"upstream/{item.lib}", f"does not grant {', '.join(beyond)}")
            selection.check(item, granted.bound)


def _complete(folder: Folder, document: Mapping[str, Any], how: Hashing) -> tuple[bytes, Content]:
    """Write the listing; give the bytes of the manifest that binds it."""
    tally, cache = draft.Tally(document), how.get("cache")

    def lines() -> Iterator[Line]:
        for file in hashing.hash_tree(folder, known=cache, progress=how.get("progress"), engine=how.get("engine")):
            tally.add(Listed(file.path, file.size, file.sha256))
            yield Line(file.sha256, file.path)

    written = listing.write(folder, lines())
    if cache is not None:
        cache.finish()
    content = Content(files=written.files, bytes=tally.bytes, sha256=written.sha256, root=written.root)
    return draft.render(draft.complete(document, tally.listed, tally.rest, content.to_dict())), content


def _signing_event(
    folder: Folder,
    past: Record | None,
    new: Manifest,
    digest: str,
    *,
    now: int,
    actor: Party | None,
    reason: str,
) -> tuple[Genesis | Amend, int]:
    """Give the event that signing makes, and how many signatures it needs."""
    if past is None:
        if actor is not None and actor.id != new.producer.id:
            raise Refused("E-SIG-PRODUCER", actor.id, "the first signature is the producer's")
        return Genesis(seq=0, time=now, manifest=digest, producer=new.producer), 1
    by = actor or past.parties[past.state.owner]
    old = manifest.parse(unverified.version(folder, past.state.manifest))
    event = Amend(**_place(past, now), manifest=digest, by=by, reason=reason)
    widened = replay.check_amend(past.state, event, old, new, links.NAME)
    replay.check_kept(old, new, links.NAME)
    return event, 2 if widened and by.id != past.state.producer.id else 1


def _keep(folder: Folder, data: bytes, digest: str) -> None:
    """Write a version of the manifest where it is kept, and as the current one."""
    folder.write(f"manifests/{digest}.json", data)
    folder.write(manifest.NAME, data)


def _place(past: Record, now: int) -> dict[str, Any]:
    """Give the members that put an event behind the last one."""
    if past.state.withdrawn:
        raise Refused("E-CHAIN-AFTER-WITHDRAW", links.NAME)
    if now < past.head.event.time:
        raise Refused("E-TIME-ORDER", links.NAME, "the last event is later than now")
    return {"seq": len(past.chain), "time": now, "lib": past.library, "prev": past.head.id}


def _append(folder: Folder, past: Record | None, sealed: Envelope, event: Event) -> str:
    """Append a line; give the library's id."""
    links.check_keys(past.chain if past else (), sealed, event)
    tidy(folder, past, event.manifest)
    folder.write(links.NAME, (past.data if past else b"") + sealed.line + b"\n")
    return past.library if past else sealed.id


def tidy(folder: Folder, past: Record | None, *more: str) -> None:
    """Remove kept manifests that no event names, nor will, as those in ``more``: drafts of killed acts."""
    named = {*more, *(link.event.manifest for link in (past.chain if past else ()))} | _named_upstream(folder)
    for entry in folder.walk("manifests") if folder.exists("manifests") else ():
        if entry.path.removeprefix("manifests/").removesuffix(".json") not in named:
            folder.remove(entry.path)


def _named_upstream(folder: Folder) -> set[str]:
    """Give the digests of the manifests that upstream chains name."""
    named = set[str]()
    for entry in folder.walk("upstream") if folder.exists("upstream") else ():
        if entry.path.endswith(f"/{links.NAME}"):
            data = folder.read(entry.path, limit=links.MAX_CHAIN, missing="E-INPUT-MISSING", too_large="E-CHAIN-SIZE")
            named |= {link.event.manifest for link in links.read_unverified(data, entry.path)}
    return named


def offer(
    path: Path, *, key: PrivateKey, to: Party, rights: Sequence[str], basis: str, now: int, sender: Party | None = None
) -> bytes:
    """Give the half-signed transfer that the recipient may accept within 30 days. The library is not touched."""
    with Folder(path) as folder:
        past = unverified.record(folder)
    event = Transfer(
        **_place(past, now),
        manifest=past.state.manifest,
        sender=sender or past.parties[past.state.owner],
        recipient=to,
        rights=tuple(rights),
        basis=basis,
    )
    replay.check_title(past.state, event, links.NAME)
    if event.sender.id == to.id:
        raise Refused("E-TRANSFER-SELF", links.NAME, to.id)
    sealed = envelope.sign(EVENT_TYPE, events.serialise(event), (key,))
    links.check_keys(past.chain, sealed, event, complete=False)
    return sealed.line


def pending(data: bytes, where: str) -> tuple[Envelope, Event]:
    """Read an event that wants another signature."""
    sealed = envelope.parse(data.rstrip(b"\n"), payload_type=EVENT_TYPE, where=where)
    return sealed, events.parse(sealed.payload, where)


def cosign(data: bytes, key: PrivateKey, where: str) -> bytes:
    """Add a signature to an event that stands in a file."""
    return envelope.cosign(pending(data, where)[0], key).line


def append(
    path: Path, data: bytes, *, now: int, where: str, admit: Callable[[Folder, bytes], object] | None = None
) -> Act:
    """Append a completely signed event that still follows the last one; ``E-OFFER-STALE`` if another came first.

    Appending what is appended already changes nothing. Whether the event may follow is checked without asking whom to
    believe; ``admit``, called with the folder and the chain before anything is written, asks that.
    """
    sealed, event = pending(data, where)
    with writing(path) as folder:
        past = unverified.record(folder)
        done = Act(kind=type(event).__name__.lower(), library=past.library, event=sealed.id, manifest=event.manifest)
        if any(link.id == sealed.id for link in past.chain):
            return done
        if event.lib != past.library:
            raise Refused("E-CHAIN-LIB", where, "made for another library")
        if event.prev != past.head.id or event.seq != len(past.chain):
            raise Refused("E-OFFER-STALE", where, "the library has moved on since")
        if now - event.time > replay.MAX_DELAY:
            raise Refused("E-TIME-DELAY", where, f"made {(now - event.time) // 86_400} days ago")
        if event.time > now + CLOCK_SKEW:
            raise Refused("E-TIME-FUTURE", where, f"made on {format_time(event.time)}, which is later than now")
        _place(past, event.time)
        _check_follows(folder, past, sealed, event)
        if admit is not None:
            admit(folder, past.data)
        _append(folder, past, sealed, event)
        return done


def _check_follows(folder: Folder, past: Record, sealed: Envelope, event: Event) -> None:
    """Refuse an event that cannot follow the last one, or lacks a signature, whoever is believed."""
    new = manifest.parse(unverified.version(folder, event.manifest))
    if isinstance(event, Amend):
        old = manifest.parse(unverified.version(folder, past.state.manifest))
        widened = replay.check_amend(past.state, event, old, new, links.NAME)
        replay.check_kept(old, new, links.NAME)
        if widened and event.by.id != past.state.producer.id and len(sealed.signatures) == 1:
            raise Misuse("E-SIG-PENDING", links.NAME)
    elif event.manifest != past.state.manifest:
        raise Refused("E-STATE-CHANGED", links.NAME, "names another manifest than the one before")
    if isinstance(event, Transfer):
        replay.check_title(past.state, event, links.NAME)
        if len(sealed.signatures) == 1:
            raise Refused("E-SIG-RECIPIENT", links.NAME, "signed by one side only")


def attest(
    path: Path, *, key: PrivateKey, by: Party, claim: Claim, now: int, shipped: Mapping[str, Path] | None = None
) -> Act:
    """Append a claim about the current version; ``shipped``: evidence by the names it has in ``evidence/``.

    Such a name begins with the digest. Raises Refused (E-FILE-CHANGED) for a file that has another, Unchecked (E-IO).
    """
    with writing(path) as folder:
        past = unverified.record(folder)
        event = Attest(**_place(past, now), manifest=past.state.manifest, by=by, claim=claim)
        sealed = envelope.sign(EVENT_TYPE, events.serialise(event), (key,))
        for name, source in (shipped or {}).items():
            folder.write(f"evidence/{name}", _evidence(source, name))
        _append(folder, past, sealed, event)
        return _done("attest", past, sealed, event)


def _evidence(path: Path, name: str) -> Iterator[bytes]:
    """Read a file of evidence, whose name begins with its digest."""
    digest = hashlib.sha256()
    with trouble(str(path)), path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            yield piece
    if not name.startswith(digest.hexdigest()):
        raise Refused("E-FILE-CHANGED", str(path), "changed while it was read")


def withdraw(path: Path, *, key: PrivateKey, reason: str, now: int, by: Party | None = None) -> Act:
    """Append the last event of a library."""
    with writing(path) as folder:
        past = unverified.record(folder)
        actor = by or past.parties[past.state.owner]
        event = Withdraw(**_place(past, now), manifest=past.state.manifest, by=actor, reason=reason)
        sealed = envelope.sign(EVENT_TYPE, events.serialise(event), (key,))
        _append(folder, past, sealed, event)
        return _done("withdraw", past, sealed, event)


def _done(kind: str, past: Record, sealed: Envelope, event: Event) -> Act:
    return Act(
        kind=kind,
        library=past.library,
        event=sealed.id,
        manifest=event.manifest,
        warnings=tuple(_unfamiliar(past, sealed, event)),
    )


def _unfamiliar(past: Record | None, sealed: Envelope, event: Event) -> list[Note]:
    """Warn of a key that may be new, or somebody else's: only a policy tells, which nobody asks here."""
    party = links.unfamiliar(past.chain, sealed, event) if past else ""
    return [Note(code="W-KEY-NEW", where=links.NAME, detail=party)] if party else []
