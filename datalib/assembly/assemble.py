"""Assemble a library from libraries: verify them, copy or name their files, carry their chains, sign.

    1  every input is verified: integrity and gate, as anybody would who uses it
    2  what it comes to is laid out (`datalib.assembly.plan`); a dry run ends here
    3  files, and tables that are joined     5  upstream chains, proofs, manifests, evidence, listings
    4  sources, resources, inputs            6  signed, after the result was looked at as a verifier will

The line of the chain is the last thing written. Killed before that, the folder is a library that no verifier accepts,
and the same command completes it. Source: datalib trust specification §6, "Inputs", and §10, step 9.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datalib import acts, admission
from datalib.acts import Act
from datalib.assembly import description, outlook, scanned, survey, upstream
from datalib.assembly.joined_rows import Joined, join_all
from datalib.assembly.outlook import Outlook
from datalib.assembly.parts import Change
from datalib.assembly.placing import Placed, place
from datalib.assembly.plan import Plan, own_region, plan
from datalib.assembly.request import SUBSET, Order, check_beside
from datalib.assembly.standing import Given, standing
from datalib.assembly.trust import Judge, Trust
from datalib.assembly.upstream import read_copies
from datalib.chain import assembly, events, history, links, replay
from datalib.chain.envelope import Envelope
from datalib.chain.events import Amend, Genesis
from datalib.chain.history import Bench, History, Versions
from datalib.chain.links import Link
from datalib.errors import Misuse, Refused
from datalib.library import describe, draft, listing
from datalib.library.descent import trouble
from datalib.library.manifest import Manifest
from datalib.library.store import Folder, inside_library
from datalib.library.upgrade import Note
from datalib.progress import Watch, adding, nobody
from datalib.trust.keys import PrivateKey
from datalib.trust.parties import Party
from datalib.trust.state import Lesson
from datalib.unverified import Record
from datalib.verify import Facts, learn

#: What an amendment is for, if an input was amended for this since it was taken.
_FOLLOWED = ("erasure", "optout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What was done: the plan, files placed, tables joined, upstream files written, the act, warnings."""

    plan: Plan
    placed: Placed
    joined: tuple[Joined, ...]
    carried: int
    act: Act
    warnings: tuple[Note, ...]


def preview(order: Order, trust: Trust, *, now: int) -> Outlook:
    """Verify the inputs and say what an assembly comes to and what would stop it; nothing is written.

    Inputs that may not be used, purposes that one lacks and files in the way are no errors here: the outlook names
    them. Else errors as those of `assemble`.
    """
    judge = Judge.of(trust, now)
    stops = list[Refused]()

    def accept(library: Path) -> Facts:
        facts, refusal = judge.look(library)
        if refusal is not None:
            stops.append(refusal)
        return facts

    return outlook.look_ahead(order, _prepare(order, accept), stops)


def assemble(
    order: Order,
    trust: Trust,
    *,
    now: int,
    keys: Sequence[PrivateKey],
    actor: Party | None = None,
    reason: str | None = None,
    watch: Watch = nobody,
) -> Assembled:
    """Assemble a library, or move and add inputs of one that is assembled already; ``now`` in seconds since 1970.

    ``actor`` and ``reason`` as in `acts.sign`; the default reason is the one why an input was amended, else
    ``addition``. Raises ``Refused`` with the first code of an input that is not accepted, those of `plan`, `place` and
    `acts.sign`, and whatever a verifier would say of the result; ``Misuse``; ``Unchecked``.
    """
    judge = Judge.of(trust, now, adding(watch, "inputs", None))
    found = _prepare(order, judge.accept)
    news = survey.closed(survey.told(found.supply, found.reached))
    if stops := (*news, *found.beyond, *outlook.own_faults(order, found)):
        raise stops[0]
    with trouble(str(order.out)):
        order.out.mkdir(exist_ok=True)
    with acts.writing(order.out) as folder:
        regions = [*found.regions(), *([own_region(order.data)] if order.data else [])]
        placed = place(folder, regions, leave=[*found.untouched, *found.joined], watch=watch)
        joined = join_all(folder, found.joins, watch=watch)
        described = _describe(folder, order, found, now)
        carried = _carry(folder, found)
        folder.flush()
        admission_ = _Admission(folder, judge)
        act = acts.sign_in(
            folder,
            draft.render(described.document),
            keys=keys,
            now=now,
            actor=actor,
            reason=reason or _reason(found),
            admit=admission_.admit,
            progress=adding(watch, "hash", None),
        )
    if trust.state is not None and admission_.lesson is not None:
        learn(trust.state, admission_.lesson)
    warnings = (*described.warnings, *act.warnings)
    return Assembled(
        plan=found,
        placed=placed,
        joined=joined,
        carried=carried,
        act=act,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _prepare(order: Order, accept: Callable[[Path], Facts]) -> Plan:
    if not order.inputs:
        raise Misuse("E-USAGE", "--input", "nothing to assemble from")
    check_beside(order.out, [wish.folder for wish in order.inputs] + ([order.data] if order.data else []))
    around = inside_library(order.out.resolve().parent)
    if around is not None:
        raise Misuse("E-OUT-IN-LIBRARY", str(order.out), str(around))
    before = standing(order.out)
    return plan(order, before, _verified(order, accept))


def _verified(order: Order, accept: Callable[[Path], Facts]) -> list[Given]:
    """Verify every input, each folder once. Whether copies of one chain agree is seen when they are gathered."""
    seen: dict[Path, Given] = {}
    given = []
    for wish in order.inputs:
        place_ = wish.folder.resolve()
        if place_ not in seen:
            seen[place_] = Given(wish=wish, facts=accept(wish.folder), copies=read_copies(wish.folder))
        given.append(replace(seen[place_], wish=wish))
    return given


def _describe(folder: Folder, order: Order, found: Plan, now: int) -> describe.Draft:
    """Describe the folder, with what the inputs say of their parts."""
    moved = [part for part in found.parts if part.folder is not None]
    document = dict(found.standing.document)
    there = folder.exists if order.data is not None else lambda _: True
    document["resources"] = [resource for _, resource in description.resources(found, there)]
    document["sources"] = description.joined_sources(
        document.get("sources", ()), *(description.carried_sources(part.manifest) for part in moved)
    )
    document[scanned.MEMBER] = [record.to_dict() for record in found.records]
    if not found.records:
        del document[scanned.MEMBER]
    block = dict(document.get("datalib", {}))
    block["inputs"] = [description.input_value(part.item) for part in found.parts]
    given: Mapping[str, Any] = {**document, "datalib": block}
    result = describe.describe(folder, order.statements, now=now, given=given, leave_out_clutter=True)
    if result.refused:
        first = result.refused[0]
        raise Refused(first.code, first.path, f"one of {len(result.refused)} names that cannot be in a library")
    return result


def _carry(folder: Folder, found: Plan) -> int:
    """Put everything upstream into its place; give how many files were written."""
    chosen = {
        part.item.lib: part.folder for part in found.parts if part.item.mode == SUBSET and part.folder is not None
    }
    kept = {part.item.lib for part in found.parts if part.change is Change.KEPT}
    places = [*found.supply.files(found.libraries), *upstream.listings(chosen.items())]
    names = {place_.name for place_ in places} | {f"upstream/{lib}/{listing.NAME}" for lib in kept}
    written = upstream.put(folder, places)
    upstream.clear(folder, names)
    return written


def _reason(found: Plan) -> str:
    """Say why the library is amended: to follow an input, or to take more."""
    reasons = set[str]()
    for part in found.parts:
        former = {item.head for item in found.standing.inputs if item.lib == part.item.lib}
        if part.change is Change.MOVED:
            copy = found.supply.newest(part.item.lib)
            start = max((copy.ids.index(head) for head in former if head in copy.ids), default=-1) + 1
            reasons |= {link.event.reason for link in copy.chain[start:] if isinstance(link.event, Amend)}
    followed = next((reason for reason in _FOLLOWED if reason in reasons), None)
    if followed:
        return followed
    return "addition" if any(part.change is Change.NEW for part in found.parts) else "correction"


class _Admission:
    """Looks at the library as a verifier will, when all but the last line of its chain is written."""

    def __init__(self, folder: Folder, judge: Judge) -> None:
        self.lesson: Lesson | None = None
        self._judge = judge
        self._bench = Bench(
            folder=folder,
            policy=judge.policy,
            now=judge.now,
            memory=judge.memory,
            versions=Versions(folder),
            admission=True,
        )

    def admit(self, past: Record | None, sealed: Envelope) -> None:
        """Refuse a line that makes a library which nobody accepts."""
        own = self._own(past, sealed)
        manifest = self._version(own.state.manifest)
        taken = assembly.check_inputs(self._bench, own, manifest)
        for each in taken:
            if each.history.lib in self._judge.policy.blocked:
                raise Refused("E-LIB-BLOCKED", each.history.lib, "the policy blocks this library")
        admission.check_inputs(taken)
        self.lesson = Lesson(policy=self._judge.policy, chains=assembly.chains(taken))

    def _version(self, digest: str) -> Manifest:
        return self._bench.versions(digest, links.NAME)

    def _own(self, past: Record | None, sealed: Envelope) -> History:
        """Take the own chain as it will be; unverified if the policy does not know all who signed it."""
        before = past.chain if past else ()
        lines = [*(link.envelope for link in before), sealed]
        known = self._judge.policy.keys
        if all(signature.keyid in known for line in lines for signature in line.signatures):
            return history.foresee(self._bench, past.data if past else b"", sealed.line)
        where = f"{links.NAME}:{len(lines)}"
        chain = (*before, Link(where=where, envelope=sealed, event=events.parse(sealed.payload, where)))
        return History(below="", links=chain, logged=(None,) * len(chain), states=self._states(chain))

    def _states(self, chain: Sequence[Link]) -> tuple[replay.State, ...]:
        first = chain[0].event
        if not isinstance(first, Genesis):
            raise Refused("E-CHAIN-GENESIS", chain[0].where)
        states = [replay.begin(first)]
        for link in chain[1:]:
            states.append(replay.follow(states[-1], link.event))
        return tuple(replace(state, inputs=self._version(state.manifest).inputs) for state in states)
