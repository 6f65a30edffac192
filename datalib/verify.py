"""Verification: from a folder, a policy and pinned roots to accepted or refused, and why.

    1 policy   2 chain   3 links   4 log proofs   5 replay   6 head   7 state
    8 listing and resources   9 inputs   10 files   11 gate   12 accept

The first error in this order is the result. Steps 1 to 10 are about integrity; step 11, the gate, about use. Steps 2
to 7 are in ``datalib.chain.history``, step 9 in ``datalib.chain.assembly``, step 11 in ``datalib.admission``. Source:
datalib trust specification §10.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from datalib import admission
from datalib.admission import Case, Demand
from datalib.chain import assembly, history, links
from datalib.chain.assembly import Taken
from datalib.chain.events import evidence_of
from datalib.chain.history import Bench, History, Versions
from datalib.engine import Engine
from datalib.errors import DatalibError, Misuse, Refused, Unchecked
from datalib.library import contents, hashing, listing
from datalib.library.contents import Allowed
from datalib.library.files import Files
from datalib.library.hashing import Checked, Progress
from datalib.library.manifest import Manifest, check_resources
from datalib.library.opening import files_of
from datalib.library.sampling import DataMode, Sample, sample
from datalib.library.store import inside_library, locked, write_file
from datalib.trust.parties import Producer
from datalib.trust.policy import Policy, Roots
from datalib.trust.state import Chain, Lesson, Memory
from datalib.trust.tlog import Logged

_SEED_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One answer. ``code`` is empty when it is yes; ``where`` and ``detail`` as in ``DatalibError``."""

    ok: bool
    code: str = ""
    where: str = ""
    detail: str = ""

    @classmethod
    def no(cls, error: DatalibError) -> "Verdict":
        """Make an answer of a refusal."""
        return cls(ok=False, code=error.code, where=error.where, detail=error.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTime:
    """An event, its claimed time and T, when it is known. Seconds since 1970."""

    id: str
    kind: str
    claimed: int
    trusted: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true of a library whose integrity was checked."""

    library: str
    head: str
    owner: str
    possessor: str
    withdrawn: bool
    purposes: tuple[str, ...]
    producers: Mapping[str, Producer]
    events: tuple[EventTime, ...]
    manifest: Manifest
    files: int
    bytes: int
    evidence_missing: tuple[str, ...]
    not_checked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a verification.

    ``integrity`` is the answer of steps 1 to 10; ``gate`` that of step 11, ``None`` when integrity failed. ``facts``
    are there only if integrity holds. ``data`` tells how files were read (``full``, ``sample:N``, ``none``), ``read``
    how many; ``complete`` whether all were; ``sample`` what was drawn, where not all. ``memory`` is what to remember if
    the library is accepted, ``lesson`` what was added to it; `remember` puts it into a state file.
    """

    integrity: Verdict
    gate: Verdict | None
    facts: Facts | None
    data: str
    read: Checked
    complete: bool
    memory: Memory
    sample: Sample | None = None
    lesson: Lesson | None = None

    @classmethod
    def refused(cls, error: Refused, *, data: str, memory: Memory | None) -> "Report":
        """Make the report of a library whose integrity does not hold."""
        return cls(
            integrity=Verdict.no(error),
            gate=None,
            facts=None,
            data=data,
            read=Checked(files=0, bytes=0),
            complete=False,
            memory=memory or Memory(),
        )

    @property
    def accepted(self) -> bool:
        """Whether both answers are yes."""
        return self.integrity.ok and self.gate is not None and self.gate.ok

    @property
    def refusal(self) -> Verdict | None:
        """The first answer that is no."""
        if not self.integrity.ok:
            return self.integrity
        return None if self.accepted else self.gate

    def require(self) -> Facts:
        """Give the facts of an accepted library; raise ``Refused`` for others."""
        refusal = self.refusal
        if refusal is not None or self.facts is None:
            no = refusal or self.integrity
            raise Refused(no.code, no.where, no.detail)
        return self.facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is read, by how many threads or which engine, who is told, what lots are drawn with (sampling only)."""

    data: DataMode
    threads: int | None = None
    engine: Engine | None = None
    progress: Progress | None = None
    seed: bytes | None = None


def verify(
    library: str | os.PathLike[str],
    *,
    policy: bytes | Policy,
    roots: Roots | None = None,
    now: int,
    memory: Memory | None = None,
    purpose: str | None = None,
    require: Sequence[str] = ("optout",),
    data: str = "full",
    require_evidence: bool = False,
    threads: int | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    seed: bytes | None = None,
    admission: bool = False,
) -> Report:
    """Verify the library in a folder, or at an ``s3://`` address.

    ``policy``: the bytes of a policy file, to be checked with the pinned ``roots``, or a policy in memory
    (``Policy.vouch``). ``now`` in seconds since 1970. ``memory``: what this verifier accepted before; the caller keeps
    ``Report.memory`` when the library is accepted. ``seed``: what a sample is drawn with; ``None`` for fresh
    randomness, so that nobody knows beforehand which files are read. ``engine``: who hashes the files, instead of
    threads, with the same report. ``admission``: a registry asks, whose log does not hold the last events yet; their
    proofs and the head proof are not asked for. Refusals are in the report. Raises ``Unchecked`` if something cannot be
    read, ``Misuse`` if the request makes no sense.
    """
    demand = Demand(purpose=purpose, require=tuple(require), evidence=require_evidence)
    mode = DataMode.parse(data)
    effort = Effort(data=mode, threads=threads, engine=engine, progress=progress, seed=seed)
    with files_of(library) as folder:
        try:
            # 1. Policy.
            believed = believe(policy, roots, now, memory)
            bench = Bench(
                folder=folder,
                policy=believed,
                now=now,
                memory=memory,
                versions=Versions(folder),
                admission=admission,
            )
            sound = _integrity(bench, effort)
        except Refused as error:
            return Report.refused(error, data=mode.text, memory=memory)
    # 11. Gate.
    gate = _gate(sound, bench, demand)
    # 12. Accept.
    lesson = _lesson(sound, believed)
    return Report(
        integrity=Verdict(ok=True),
        gate=gate,
        facts=_facts(sound, bench, demand, mode),
        data=mode.text,
        read=sound.read,
        complete=sound.read.files == sound.case.manifest.bound.files,
        memory=(memory or Memory()).learn(lesson),
        sample=sound.sample,
        lesson=lesson,
    )


def believe(policy: bytes | Policy, roots: Roots | None, now: int, memory: Memory | None = None) -> Policy:
    """Read a policy with its pinned roots (step 1), or check one in memory again. Arguments as in ``verify``."""
    if isinstance(policy, Policy):
        policy.check_in_force(now=now, remembered=memory.policy if memory else None)
        return policy
    if roots is None:
        raise Misuse("E-USAGE", "roots", "a policy file is believed only with pinned roots")
    return Policy.load(policy, roots=roots, now=now, remembered=memory.policy if memory else None)


def load_state(path: Path) -> Memory:
    """Read a state file; a missing one is an empty memory. ``Unchecked("E-STATE-FILE")`` if it is no state.

    It may not lie in a library, which it would spoil when it is written: ``Misuse("E-OUT-IN-LIBRARY")``.
    """
    if library := inside_library(path):
        raise Misuse("E-OUT-IN-LIBRARY", str(path), str(library))
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Memory()
    except OSError as error:
        raise Unchecked("E-STATE-FILE", str(path), error.strerror or "cannot be read") from error
    return Memory.parse(data, str(path))


def save_state(path: Path, memory: Memory) -> None:
    """Write a state file, whole or not at all; ``Unchecked("E-IO")`` if that fails."""
    write_file(path, memory.serialise())


def remember(path: Path, report: Report) -> None:
    """Add to a state file what an accepted library teaches; `learn` says what is raised."""
    report.require()
    if report.lesson is not None:
        learn(path, report.lesson)


def learn(path: Path, lesson: Lesson) -> None:
    """Add to a state file; one verifier at a time, so that nothing is lost.

    What another verifier has added since the file was read is kept, and decides: raises ``Refused`` with the codes of
    `Memory.learn` if the two contradict each other, ``Unchecked``: ``E-STATE-FILE``, ``E-IO``.
    """
    with locked(path):
        save_state(path, load_state(path).learn(lesson))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    """A library whose integrity holds."""

    case: Case
    head: Logged | None
    read: Checked
    sample: Sample | None


def _integrity(bench: Bench, effort: Effort) -> _Sound:
    # 2. Chain. 3. Links. 4. Log proofs. 5. Replay.
    own = history.read(bench, history.read_lines(bench.folder))
    manifest = bench.versions(own.state.manifest, own.links[-1].where)
    # 6. Head.
    head = history.check_head(bench, own, bench.now)
    # 7. State.
    history.check_memory(bench, own, head)
    # 8. Listing and resources.
    listed = listing.examine(bench.folder, expected=manifest.bound, wanted=manifest.paths)
    check_resources(manifest, listed.found)
    # 9. Inputs.
    taken = assembly.check_inputs(bench, own, manifest)
    # 10. Files.
    drawn = _draw(manifest, effort)
    read = _check_files(bench.folder, manifest, effort, drawn)
    entries = contents.check_entries(
        bench.folder,
        listing.lines(bench.folder, sha256=manifest.bound.sha256),
        _allowed(own, taken, bench.policy),
        reserved_only=effort.data.count == 0,
    )
    case = Case(history=own, manifest=manifest, taken=taken, evidence=entries.evidence)
    return _Sound(case=case, head=head, read=read, sample=drawn)


def _draw(manifest: Manifest, effort: Effort) -> Sample | None:
    """Choose the files to read, unless all are, or none."""
    count, files = effort.data.count, manifest.bound.files
    if not count or count >= files:
        return None
    return Sample(drawn=count, files=files, seed=os.urandom(_SEED_SIZE) if effort.seed is None else effort.seed)


def _check_files(folder: Files, manifest: Manifest, effort: Effort, drawn: Sample | None) -> Checked:
    bound = manifest.bound
    if effort.data.count == 0:
        return Checked(files=0, bytes=0)
    lines = listing.lines(folder, sha256=bound.sha256)
    if drawn is not None:
        chosen = sample(drawn.files, drawn.drawn, seed=drawn.seed)
        lines = compress(lines, map(chosen, range(drawn.files)))
    total = None if drawn else bound.bytes
    return hashing.verify_files(
        folder, lines, total=total, threads=effort.threads, progress=effort.progress, engine=effort.engine
    )


def _allowed(own: History, taken: Sequence[Taken], policy: Policy) -> Allowed:
    upstream = assembly.upstream(taken)
    chains = [own, *upstream]
    events = [link.event for chain in chains for link in chain.links]
    return Allowed(
        events=frozenset(own.ids),
        manifests=frozenset(event.manifest for event in events),
        evidence=evidence_of(events),
        tsa=bool(policy.authorities),
        upstream={chain.lib: frozenset(chain.ids) for chain in upstream},
    )


def _gate(sound: _Sound, bench: Bench, demand: Demand) -> Verdict:
    try:
        admission.check(sound.case, bench.policy, demand, bench.now)
    except Refused as error:
        return Verdict.no(error)
    return Verdict(ok=True)


def _lesson(sound: _Sound, policy: Policy) -> Lesson:
    own = sound.case.history
    head = sound.head.checkpoint if sound.head else None
    points = tuple(history.checkpoints(own, sound.head))
    mine = Chain(lib=own.lib, events=own.ids, checkpoints=points, where=links.NAME, head=head)
    return Lesson(policy=policy, chains=(*assembly.chains(sound.case.taken), mine))


def _facts(sound: _Sound, bench: Bench, demand: Demand, mode: DataMode) -> Facts:
    own, manifest = sound.case.history, sound.case.manifest
    chains = [own, *assembly.upstream(sound.case.taken)]
    demanded = evidence_of(link.event for chain in chains for link in chain.links)
    times = zip(own.links, own.times, strict=True)
    return Facts(
        library=own.lib,
        head=own.links[-1].id,
        owner=own.state.owner,
        possessor=own.state.possessor,
        withdrawn=own.state.withdrawn,
        purposes=manifest.purpose,
        producers={chain.lib: chain.state.producer for chain in chains},
        events=tuple(
            EventTime(id=link.id, kind=type(link.event).__name__.lower(), claimed=link.event.time, trusted=time)
            for link, time in times
        ),
        manifest=manifest,
        files=manifest.bound.files,
        bytes=manifest.bound.bytes,
        evidence_missing=tuple(sorted(demanded - sound.case.evidence)),
        not_checked=_not_checked(sound, bench, demand, mode),
    )


def _not_checked(sound: _Sound, bench: Bench, demand: Demand, mode: DataMode) -> tuple[str, ...]:
    """Name what this verification says nothing about."""
    own, policy = sound.case.history, bench.policy
    found = {
        "roots": policy.vouched,
        "log": not any(own.logged),
        "time": any(time is None for time in own.times),
        "head": sound.head is None,
        "state": bench.memory is None,
        "derived": any(item.mode == "derived" for item in sound.case.manifest.inputs),
        "data": mode.count == 0,
        "data-sampled": sound.sample is not None,
        "evidence": bool(evidence_of(link.event for link in own.links) - sound.case.evidence),
        "purpose": demand.purpose is None,
        "attestations": not demand.require,
    }
    return tuple(name for name, missing in found.items() if missing)
