"""Read one chain from a library, its own or an upstream one, with all that proves it: steps 2 to 7 of verification.

Source: datalib trust specification §10; where files are: §2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate

from datalib.canonical import canonical
from datalib.chain import links as chain
from datalib.chain.links import Link
from datalib.chain.replay import State, replay
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import manifest as manifests
from datalib.library.files import Files
from datalib.library.manifest import MAX_MANIFEST, Input, Manifest
from datalib.trust import heads, timestamps, tlog
from datalib.trust.heads import MAX_HEAD, HeadProof
from datalib.trust.policy import Policy
from datalib.trust.state import Memory, Trees
from datalib.trust.timestamps import MAX_TOKEN
from datalib.trust.tlog import MAX_PROOF, Checkpoint, Logged, TlogProof


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every step needs: the folder, whom to believe, the time (seconds since 1970), the memory if there is one.

    ``admission``: a registry asks, before its log holds the library's last events. Their proofs and the head proof
    cannot be there yet; those of upstream libraries must be. ``trees``: the trees of logs seen in this verification.
    """

    folder: Files
    policy: Policy
    now: int
    memory: Memory | None = None
    versions: "Versions"
    admission: bool = False
    trees: Trees = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class History:
    """A chain that passed steps 2 to 5. ``below`` is its folder: empty, or ``upstream/<lib id>/``."""

    below: str
    links: tuple[Link, ...]
    logged: tuple[Logged | None, ...]
    states: tuple[State, ...]

    @property
    def lib(self) -> str:
        """The id of the library: that of its first event."""
        return self.links[0].id

    @property
    def state(self) -> State:
        """The library as it is after its last event."""
        return self.states[-1]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the events."""
        return tuple(link.id for link in self.links)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where each event stands, by its id."""
        return {event: position for position, event in enumerate(self.ids)}

    @cached_property
    def assembled(self) -> Mapping[Input, int]:
        """Where each input was first named."""
        found: dict[Input, int] = {}
        before: tuple[Input, ...] = ()
        for position, state in enumerate(self.states):
            if state.inputs is not before:  # most events leave the manifest as it is
                before = state.inputs
                for item in before:
                    found.setdefault(item, position)
        return found

    @cached_property
    def earliest(self) -> tuple[int, ...]:
        """For each event the earliest date from there on."""
        dates = map(self.date, reversed(range(len(self.links))))
        return tuple(accumulate(dates, min))[::-1]

    @cached_property
    def times(self) -> tuple[int | None, ...]:
        """T of each event."""
        return tuple(proof.time if proof else None for proof in self.logged)

    def date(self, position: int) -> int:
        """When an event happened: T, else the claimed time."""
        time = self.times[position]
        return self.links[position].event.time if time is None else time


class Versions:
    """Manifest versions by digest. The two read last stay in memory: an event needs its own and the one before."""

    def __init__(self, folder: Files) -> None:
        self._folder = folder
        self._current: tuple[str, bytes] | None = None
        self._read: dict[str, Manifest] = {}

    def read_current(self) -> str:
        """Read ``datapackage.json`` and give its digest: ``E-MANIFEST-MISSING``, ``E-JSON-SIZE``."""
        data = self._folder.read(
            manifests.NAME, limit=MAX_MANIFEST, missing="E-MANIFEST-MISSING", too_large="E-JSON-SIZE"
        )
        self._current = (sha256_hex(data), data)
        return self._current[0]

    def __call__(self, digest: str, where: str) -> Manifest:
        """Read a version: ``E-MANIFEST-MISSING``, ``E-MANIFEST-DIGEST``, and the codes of manifests."""
        if digest not in self._read:
            self._read = dict([*self._read.items()][-1:])
            self._read[digest] = self._parse(digest, where)
        return self._read[digest]

    def _parse(self, digest: str, where: str) -> Manifest:
        name = f"manifests/{digest}.json"
        kept = read_optional(self._folder, name, limit=MAX_MANIFEST, too_large="E-JSON-SIZE")
        if kept is not None and sha256_hex(kept) != digest:
            raise Refused("E-MANIFEST-DIGEST", name, "the content is not what the name says")
        if self._current is not None and self._current[0] == digest:
            return manifests.parse(self._current[1])
        if kept is None:
            raise Refused("E-MANIFEST-MISSING", name, f"named by {where}")
        return manifests.parse(kept, name)


def read_optional(folder: Files, name: str, *, limit: int, too_large: str) -> bytes | None:
    """Read a file that need not be there."""
    try:
        return folder.read(name, limit=limit, missing=_ABSENT, too_large=too_large)
    except Refused as error:
        if error.code != _ABSENT:
            raise
        return None


_ABSENT = "E-FILE-MISSING"


def read_lines(folder: Files, below: str = "", *, missing: str = "E-CHAIN-MISSING") -> bytes:
    """Read the file of a chain: ``E-CHAIN-MISSING`` or the code given, ``E-CHAIN-SIZE``."""
    return folder.read(f"{below}{chain.NAME}", limit=chain.MAX_CHAIN, missing=missing, too_large="E-CHAIN-SIZE")


def read(bench: Bench, data: bytes, below: str = "") -> History:
    """Take the file of a chain through steps 2 to 5."""
    # 2. Chain.
    found = chain.read(data, bench.policy, f"{below}{chain.NAME}")
    # 3. Links.
    chain.check(found, bench.policy)
    # 4. Log proofs.
    logged = _check_logged(bench, found, below)
    # 5. Replay.
    times = [proof.time if proof else None for proof in logged]
    if not below:
        check_current(bench.versions.read_current(), found)
    states = replay(found, times, bench.policy, bench.versions, bench.now)
    return History(below=below, links=found, logged=logged, states=states)


def foresee(bench: Bench, data: bytes, line: bytes) -> History:
    """Take a chain through steps 2 to 5 as it would be with one more line, which no log can hold yet.

    ``datapackage.json`` must be the version that the line names. Raises ``Refused`` for what nobody would accept.
    """
    admitted = replace(bench, admission=True, versions=Versions(bench.folder))
    return read(admitted, data + line + b"\n")


def _check_logged(bench: Bench, links: Sequence[Link], below: str) -> tuple[Logged | None, ...]:
    if bench.policy.vouched:
        return (None,) * len(links)
    found: list[Logged | None] = []
    last: dict[str, int] = {}
    present = _names(bench.folder, f"{below}proofs")
    for link in links:
        name = f"{below}proofs/{link.id}.tlog-proof"
        data, logged = None, None
        if present is None or name in present:
            data = read_optional(bench.folder, name, limit=MAX_PROOF, too_large="E-LOG-PROOF")
        if data is not None:
            proof = TlogProof.parse(data, name)
            logged = tlog.check(proof, _leaf(link, links[0].id), bench.policy.log, bench.now, name)
            origin = logged.checkpoint.origin
            if logged.index <= last.get(origin, -1):
                raise Refused("E-LOG-ORDER", name, "does not stand after the event before in the log")
            last[origin] = logged.index
        elif bench.policy.log_required and (below or not bench.admission):
            raise Refused("E-LOG-MISSING", name, f"no log proof for {link.where}")
        found.append(_stamped(bench, link, f"{below}proofs/{link.id}.tsr", logged))
    return tuple(found)


def _stamped(bench: Bench, link: Link, name: str, logged: Logged | None) -> Logged | None:
    """Check the time-stamp token of an event, if there is one: T is the earlier of both times.

    Without a log proof a token gives no T (§8.2), but it must be good all the same.
    """
    if not bench.policy.authorities:
        return logged
    data = read_optional(bench.folder, name, limit=MAX_TOKEN, too_large="E-TSA-TOKEN")
    if data is None:
        return logged
    time = timestamps.check(data, link.envelope.line, bench.policy.authorities, bench.now, name)
    return logged and replace(logged, time=time if logged.time is None else min(time, logged.time))


def _names(folder: Files, below: str) -> frozenset[str] | None:
    """List what is below a folder, which is cheaper than asking for each proof; ``None`` if that cannot be done."""
    try:
        return frozenset(entry.path for entry in folder.walk(below))
    except Refused as error:
        # What the walk calls changed is a folder that is not there.
        return frozenset() if error.code == "E-FILE-CHANGED" else None


def _leaf(link: Link, lib: str) -> bytes:
    return canonical({"event": link.id, "lib": lib, "prev": link.event.prev, "seq": link.event.seq})


def check_current(digest: str, links: Sequence[Link]) -> None:
    """Refuse a manifest that is not the one of the last event: ``E-MANIFEST-STALE``, ``E-MANIFEST-DIGEST``."""
    if digest == links[-1].event.manifest:
        return
    if any(link.event.manifest == digest for link in links):
        raise Refused("E-MANIFEST-STALE", manifests.NAME, "an earlier version, not that of the last event")
    raise Refused("E-MANIFEST-DIGEST", manifests.NAME, "not the version that was signed last")


def check_head(bench: Bench, history: History, reference: int) -> Logged | None:
    """Check the head proof, if there is one (step 6). ``reference`` is when it had to be fresh."""
    policy = bench.policy
    name = f"{history.below}{heads.NAME}"
    if policy.vouched or (bench.admission and not history.below):
        return None
    data = read_optional(bench.folder, name, limit=MAX_HEAD, too_large="E-JSON-SIZE")
    if data is None:
        if policy.max_age is not None:
            raise Refused("E-HEAD-MISSING", name, "no proof that the last event is the newest")
        return None
    proof = HeadProof.parse(data, history.lib, name)
    return heads.check(
        proof, history.ids, policy.log, max_age=policy.max_age, now=bench.now, reference=reference, where=name
    )


def checkpoints(history: History, head: Logged | None) -> list[tuple[Checkpoint, str]]:
    """Give the checkpoints of steps 4 and 6, each with its place."""
    found = [
        (logged.checkpoint, f"{history.below}proofs/{link.id}.tlog-proof")
        for link, logged in zip(history.links, history.logged, strict=True)
        if logged
    ]
    return [*found, (head.checkpoint, f"{history.below}{heads.NAME}")] if head else found


def check_memory(bench: Bench, history: History, head: Logged | None) -> None:
    """Compare with what was accepted before (step 7)."""
    memory = bench.memory or Memory()
    memory.check_checkpoints(checkpoints(history, head), bench.trees)
    memory.check_chain(history.lib, history.ids, f"{history.below}{chain.NAME}")
    if head and not history.below:
        memory.check_head(history.lib, head.checkpoint, heads.NAME)
