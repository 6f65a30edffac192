"""What a library says of itself: its chain and its manifests, without asking who signed them."""

from collections.abc import Mapping
from dataclasses import dataclass

from datalib.chain import links, replay
from datalib.chain.events import Amend, Attest, Event, Genesis, Transfer, Withdraw
from datalib.chain.replay import State
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import manifest
from datalib.library.manifest import MAX_MANIFEST, Manifest
from datalib.library.store import Folder
from datalib.trust.parties import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A chain as it says of itself, unverified, and the state after its last event."""

    data: bytes
    chain: tuple[links.Link, ...]
    state: State
    parties: Mapping[str, Party]

    @property
    def library(self) -> str:
        """The library's id: that of its first event."""
        return self.chain[0].id

    @property
    def head(self) -> links.Link:
        """The last event."""
        return self.chain[-1]


def record(folder: Folder) -> Record:
    """Read the chain of a library without asking who signed it; ``E-NOT-SIGNED`` where there is none."""
    data = folder.read(links.NAME, limit=links.MAX_CHAIN, missing="E-NOT-SIGNED", too_large="E-CHAIN-SIZE")
    chain = links.read_unverified(data)
    first = chain[0].event
    if not isinstance(first, Genesis):
        raise Refused("E-CHAIN-GENESIS", chain[0].where)
    state = replay.begin(first)
    parties = {first.producer.id: first.producer.party}
    for link in chain[1:]:
        state = replay.follow(state, link.event)
        for party in _named(link.event):
            parties[party.id] = party
    return Record(data=data, chain=chain, state=state, parties=parties)


def parties(folder: Folder) -> Mapping[str, Party]:
    """Give the parties that the library names: those of its chain, before the first signature the draft's producer."""
    if folder.exists(links.NAME):
        return record(folder).parties
    producer = read_manifest(folder).producer
    return {producer.id: producer.party}


def read_manifest(folder: Folder) -> Manifest:
    """Read the current manifest, a draft too, without asking whether it is the signed one."""
    return manifest.parse_draft(current(folder))


def current(folder: Folder) -> bytes:
    """Read the bytes of the current manifest: ``E-MANIFEST-MISSING``, ``E-JSON-SIZE``."""
    return folder.read(manifest.NAME, limit=MAX_MANIFEST, missing="E-MANIFEST-MISSING", too_large="E-JSON-SIZE")


def _named(event: Event) -> tuple[Party, ...]:
    match event:
        case Transfer(sender=sender, recipient=recipient):
            return sender, recipient
        case Amend(by=by) | Attest(by=by) | Withdraw(by=by):
            return (by,)
        case _:
            return ()


def version(folder: Folder, digest: str) -> bytes:
    """Read a signed version of the manifest, by its digest: ``E-MANIFEST-MISSING``, ``E-MANIFEST-DIGEST``.

    The current one need not be kept.
    """
    name = f"manifests/{digest}.json"
    if not folder.exists(name) and sha256_hex(current(folder)) == digest:
        return current(folder)
    data = folder.read(name, limit=MAX_MANIFEST, missing="E-MANIFEST-MISSING", too_large="E-JSON-SIZE")
    if sha256_hex(data) != digest:
        raise Refused("E-MANIFEST-DIGEST", name)
    return data
