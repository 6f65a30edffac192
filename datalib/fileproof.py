"""Prove that one file is, or is not, in a signed library, to somebody who has neither its data nor its listing.

A proof is one or two lines of the listing with their Merkle audit paths; it leads to the root that the manifest holds.
What it is worth depends on what it is held against:

    from_manifest   the manifest alone            the proof fits this manifest, whoever wrote it
    from_chain      the manifest and chain.jsonl  the manifest is the state after an event of that chain
    from_library    a library, data or no data    steps 2 to 7 of verification: titles, times, the log, the newest state

With a policy the signatures of the chain are verified too. What was not checked is part of the result. Source: datalib
trust specification §5, "Single-file proof".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from datalib import unverified
from datalib.canonical import parse as parse_json
from datalib.chain import history, links
from datalib.chain.history import Bench, Versions
from datalib.chain.links import Link
from datalib.errors import Misuse, Refused
from datalib.formats import sha256_hex
from datalib.library import manifest as manifests
from datalib.library.manifest import Manifest
from datalib.library.paths import fault, readable, to_bytes
from datalib.library.proofs import FileProof, Presence, prove, verify_proof
from datalib.library.store import Folder
from datalib.trust.parties import Producer
from datalib.trust.policy import Policy
from datalib.trust.state import Memory

#: In bytes. Two lines of a listing and two audit paths of 64 hashes are far below.
MAX_PROOF_FILE = 64 * 1024

_WITHOUT_LIBRARY = ("replay", "log", "head")
_LINE_MEMBERS = {"line", "index", "size", "path"}
_MEMBERS = {"path", "library", "event", "manifest", "proofs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFile:
    """What a proof file holds: the proofs, and for which path, library, event and manifest they were made.

    The names are what the maker said; empty where it said nothing.
    """

    proofs: tuple[FileProof, ...]
    path: str = ""
    library: str = ""
    event: str = ""
    manifest: str = ""

    @classmethod
    def parse(cls, data: bytes, where: str = "proof") -> Self:
        """Read a proof file, or one bare proof; ``E-PROOF-FILE`` for another form, and the codes of strict JSON."""
        value = parse_json(data, limit=MAX_PROOF_FILE, where=where)
        if set(value) == _LINE_MEMBERS:
            return cls(proofs=(FileProof.from_dict(value),))
        names = {name: value.get(name, "") for name in _MEMBERS - {"proofs"}}
        proofs = value.get("proofs")
        if set(value) - _MEMBERS or not isinstance(proofs, list) or not all(isinstance(n, str) for n in names.values()):
            raise Refused("E-PROOF-FILE", where, "neither a proof nor a file of proofs")
        return cls(proofs=tuple(map(FileProof.from_dict, proofs)), **names)

    @property
    def sha256(self) -> str:
        """The digest of the file, if the proofs are about its presence; else empty."""
        found = [proof.line[:64] for proof in self.proofs if proof.file == to_bytes(self.path)]
        return found[0] if found else ""

    def serialise(self) -> bytes:
        """Write the file for people and programs."""
        value = {
            "path": self.path,
            "library": self.library,
            "event": self.event,
            "manifest": self.manifest,
            "proofs": [proof.to_dict() for proof in self.proofs],
        }
        return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a proof is held against, and how much of that is known.

    ``sha256`` names the manifest. ``chain`` is empty without a chain; ``position`` is the event whose state this is.
    ``not_checked`` are codes.
    """

    manifest: Manifest
    sha256: str
    chain: tuple[Link, ...] = ()
    position: int = -1
    trusted: int | None = None
    signed: bool = False
    not_checked: tuple[str, ...]

    @property
    def producer(self) -> Producer:
        """Who made the library, as the manifest says."""
        return self.manifest.producer

    @property
    def library(self) -> str:
        """The id of the library; empty without a chain."""
        return self.chain[0].id if self.chain else ""

    @property
    def event(self) -> Link | None:
        """The event whose state this is."""
        return self.chain[self.position] if self.chain else None

    @property
    def newest(self) -> bool:
        """Whether the chain that was given ends with this state."""
        return not self.chain or self.chain[-1].event.manifest == self.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was shown of a path. ``sha256`` is the digest of the listed file, empty when it is absent."""

    path: str
    presence: Presence
    sha256: str
    state: State


def make(library: Path, path: str) -> ProofFile:
    """Prove a path present or absent in the signed state of a library; who signed it is not asked.

    Raises ``Misuse`` with an ``E-PATH-*`` code for a path that no listing may hold, ``Refused``: ``E-NOT-SIGNED``,
    ``E-MANIFEST-STALE``, ``E-MANIFEST-DIGEST``, ``E-LIST-*``, ``E-PROOF-FILE``.
    """
    _check_path(path)
    with Folder(library) as folder:
        past = unverified.record(folder)
        data = unverified.current(folder)
        digest = sha256_hex(data)
        history.check_current(digest, past.chain)
        proofs = prove(folder, path, expected=manifests.parse(data).bound)
    return ProofFile(
        proofs=tuple(proofs), path=path, library=past.library, event=past.head.id, manifest=past.state.manifest
    )


def from_manifest(data: bytes, where: str = manifests.NAME) -> State:
    """Take a manifest at its word."""
    return State(
        manifest=manifests.parse(data, where), sha256=sha256_hex(data), not_checked=("chain", *_WITHOUT_LIBRARY)
    )


def from_chain(data: bytes, chain: bytes, policy: Policy | None, now: int) -> State:
    """Find the event of a chain that a manifest is the state of; with a policy verify the chain (steps 2 and 3).

    Key windows are judged at ``now`` (seconds since 1970), because no trusted time is known. Raises ``Refused``: the
    codes of those steps, ``E-KEY-NOTYET``, ``-EXPIRED``, ``-REVOKED``, and ``E-MANIFEST-DIGEST`` for a manifest that no
    event names.
    """
    found = read_chain(chain, policy, now)
    digest = sha256_hex(data)
    positions = [position for position, link in enumerate(found) if link.event.manifest == digest]
    if not positions:
        raise Refused("E-MANIFEST-DIGEST", manifests.NAME, "no event of the chain names this manifest")
    doubt = ("signatures",) if policy is None else ("roots",) if policy.vouched else ()
    return State(
        manifest=manifests.parse(data),
        sha256=digest,
        chain=found,
        position=positions[-1],
        signed=policy is not None,
        not_checked=(*doubt, *_WITHOUT_LIBRARY),
    )


def read_chain(chain: bytes, policy: Policy | None, now: int) -> tuple[Link, ...]:
    """Read a chain; with a policy verify it as far as ``from_chain`` says."""
    if policy is None:
        return links.read_unverified(chain)
    found = links.read(chain, policy)
    links.check(found, policy)
    for link in found:
        for signature in link.envelope.signatures:
            policy.keys[signature.keyid].check_window(now, link.where)
    return found


def from_library(library: Path, policy: Policy, now: int, memory: Memory | None = None) -> State:
    """Verify a library up to step 7; neither its listing nor its data need be there.

    ``datapackage.json``, ``chain.jsonl``, ``manifests/`` and ``proofs/`` are. Raises ``Refused`` with the codes of
    those steps. Source: datalib trust specification §10.
    """
    with Folder(library) as folder:
        bench = Bench(folder=folder, policy=policy, now=now, memory=memory, versions=Versions(folder))
        own = history.read(bench, history.read_lines(folder))
        head = history.check_head(bench, own, now)
        history.check_memory(bench, own, head)
        manifest = bench.versions(own.state.manifest, own.links[-1].where)
    missing = {
        "roots": policy.vouched,
        "log": not any(own.logged),
        "time": any(time is None for time in own.times),
        "head": head is None,
        "state": memory is None,
    }
    return State(
        manifest=manifest,
        sha256=own.state.manifest,
        chain=own.links,
        position=len(own.links) - 1,
        trusted=own.times[-1],
        signed=True,
        not_checked=tuple(name for name, absent in missing.items() if absent),
    )


def check(proof: ProofFile, state: State, path: str = "", where: str = "proof") -> Shown:
    """Tell what a proof shows of ``path`` (default: the path it was made for) in that state.

    Raises ``Refused("E-PROOF-FILE")`` if it shows nothing, or was made for another library or version; ``Misuse`` for a
    path that no listing may hold, or when none is named.
    """
    path = path or proof.path
    if not path:
        raise Misuse("E-USAGE", where, "the proof names no path: --path PATH")
    _check_path(path)
    said: Mapping[str, tuple[str, str]] = {
        "library": (proof.library, state.library or proof.library),
        "manifest": (proof.manifest, state.sha256),
    }
    for name, (made_for, held_against) in said.items():
        if made_for and made_for != held_against:
            raise Refused("E-PROOF-FILE", where, f"made for {name} {made_for[:80]}, not for {held_against}")
    content = state.manifest.bound
    presence = verify_proof(proof.proofs, path=path, files=content.files, root=content.root)
    digest = proof.proofs[0].line[:64] if presence is Presence.PRESENT else ""
    return Shown(path=path, presence=presence, sha256=digest, state=state)


def to_dict(shown: Shown) -> dict[str, Any]:
    """Give the result as a JSON value."""
    state, content = shown.state, shown.state.manifest.bound
    return {
        "result": str(shown.presence),
        "path": readable(shown.path),
        "sha256": shown.sha256 or None,
        "content": content.to_dict(),
        "manifest": state.sha256,
        "producer": state.producer.to_dict(),
        "library": state.library or None,
        "event": state.event.id if state.event else None,
        "newest": state.newest if state.chain else None,
        "signatures": state.signed,
        "not_checked": list(state.not_checked),
    }


def _check_path(path: str) -> None:
    code = fault(path)
    if code is not None:
        raise Misuse(code, readable(path), "no listing may hold such a path")
