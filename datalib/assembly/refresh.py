"""Bring newer upstream chains into a library: what happened to its inputs since it was assembled.

The libraries they come from are verified first; whether they may be used does not matter: a withdrawal is news too. A
copy is replaced by a longer one that begins with it, and a head proof by a newer one; never the other way round.
Source: datalib trust specification §8.2, §10, steps 7 and 9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datalib import acts, unverified
from datalib.assembly import upstream
from datalib.assembly.request import check_beside
from datalib.assembly.trust import Judge, Trust
from datalib.assembly.upstream import Copy, Supply, read_copies
from datalib.errors import Refused
from datalib.library import listing
from datalib.library import manifest as manifests
from datalib.verify import Report, remember, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A chain that the library carries: how many events it had, and has now."""

    lib: str
    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a run brought: the chains, how many files were written, and what a verifier says of the library now.

    The report says nothing of the data files, which a refresh does not touch, and asks for no attestation.
    """

    news: tuple[News, ...]
    written: int
    report: Report


def refresh(library: Path, sources: Sequence[Path], trust: Trust, *, now: int) -> Refreshed:
    """Bring what libraries at hand know of the upstream chains of another; ``now`` in seconds since 1970.

    Raises ``Refused`` with the code of a source whose integrity does not hold, ``E-REFRESH-OTHER`` for one that is no
    upstream library and carries none, ``E-CHAIN-FORK``; ``Misuse``; ``Unchecked``.
    """
    judge = Judge.of(trust, now)
    check_beside(library, sources)
    found = Supply()
    with acts.writing(library) as folder:
        before = read_copies(library, own=False)
        found.add(library, before)
        ours = unverified.record(folder)
        inputs = manifests.parse(unverified.version(folder, ours.state.manifest)).inputs
        for source in sources:
            copies = _verified(source, judge)
            if copies.keys().isdisjoint(before):
                raise Refused("E-REFRESH-OTHER", str(source))
            found.add(source, copies)
        libs = tuple(dict.fromkeys(each.item.lib for each in found.reach(inputs, ours.library)))
        places = list(found.files(libs))
        written = upstream.put(folder, places)
        listings = [f"upstream/{lib}/{listing.NAME}" for lib in libs]
        upstream.clear(folder, [*listings, *(place.name for place in places)])
        acts.tidy(folder, ours)
        folder.flush()
    news = tuple(
        News(
            lib=lib,
            name=found.name(lib),
            before=len(before[lib].ids) if lib in before else 0,
            after=len(found.newest(lib).ids),
        )
        for lib in libs
    )
    report = verify(library, policy=judge.policy, now=now, memory=judge.memory, require=(), data="none")
    if trust.state is not None and report.accepted:
        remember(trust.state, report)
    return Refreshed(news=news, written=written, report=report)


def _verified(source: Path, judge: Judge) -> dict[str, Copy]:
    """Verify a library and give the chains it carries."""
    facts, copies = judge.trust(source), read_copies(source)
    own = copies.get(facts.library)
    if own is None or own.ids[-1] != facts.head:
        raise Refused("E-FILE-CHANGED", str(source), "changed while it was read")
    return copies
