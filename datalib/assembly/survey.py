"""What a library was assembled from, as it says of itself and as the chains say that it carries; unverified.

For people who look at a library: which upstream libraries there are, at which of their events they were taken, and what
has happened to them since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from datalib.admission import MUST_FOLLOW
from datalib.assembly.upstream import Copy, Reached, Supply, read_copies
from datalib.chain.events import Amend, Attest, Transfer, Withdraw
from datalib.errors import Refused
from datalib.library.manifest import Input, Manifest
from datalib.trust.parties import Party, Producer

#: The type of attestations about refusals of authors.
OPTOUT: Final = "optout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An upstream library as an input: of which library (``None``: the one looked at), taken at which of its events.

    ``taken`` counts from 0, ``events`` is how many there are. ``withdrawn``: the reason, empty if it is not;
    ``follow``: why it was amended since, if those who took it must follow; ``moved``: whether there are other events
    since. ``recipients``: to whom it was handed over, in order. Of the state taken are ``name``, ``title``,
    ``licences`` (of the whole and of its sources) and ``optout``, the result of the last attestation about opt-outs.
    """

    item: Input
    by: str | None
    depth: int
    name: str
    title: str | Mapping[str, str]
    producer: Producer
    taken: int
    events: int
    withdrawn: str
    follow: str
    recipients: tuple[Party, ...] = ()
    licences: tuple[str, ...] = ()
    optout: str = ""

    @property
    def moved(self) -> bool:
        """Whether anything has happened since it was taken."""
        return self.taken + 1 < self.events


def survey(path: Path, manifest: Manifest, own: str | None) -> tuple[Upstream, ...]:
    """Look at all upstream libraries, depth first; ``own`` is the library's id.

    Raises ``Refused``: the codes of `Supply.reach`, ``E-INPUT-HEAD``, and those of envelopes, events and manifests.
    """
    if not manifest.inputs:
        return ()
    supply = Supply()
    supply.add(path, read_copies(path, own=False))
    return told(supply, supply.reach(manifest.inputs, own))


def told(supply: Supply, reached: Iterable[Reached]) -> tuple[Upstream, ...]:
    """Tell of libraries that were reached what their chains and manifests say; raises as `survey`."""
    return tuple(_upstream(supply, each) for each in reached)


def _upstream(supply: Supply, each: Reached) -> Upstream:
    copy, state = supply.newest(each.item.lib), supply.manifest(each.item.manifest, f"input {each.item.lib}")
    taken = copy.position(each.item.head)
    last = copy.chain[-1].event
    return Upstream(
        item=each.item,
        by=each.by,
        depth=each.depth,
        name=state.name,
        title=state.title,
        producer=state.producer,
        taken=taken,
        events=len(copy.ids),
        withdrawn=last.reason if isinstance(last, Withdraw) else "",
        follow=_follow(copy, taken),
        recipients=tuple(link.event.recipient for link in copy.chain if isinstance(link.event, Transfer)),
        licences=licences_of(state.document),
        optout=_examined(copy, each.item.manifest),
    )


def closed(graph: Iterable[Upstream]) -> tuple[Refused, ...]:
    """Give what happened upstream that closes the gate of what is made of it: step 11 of verification, unverified."""
    found = list[Refused]()
    for each in graph:
        where = f"{each.name} {each.item.lib}"
        if each.withdrawn:
            found.append(Refused("E-INPUT-WITHDRAWN", where, each.withdrawn))
        elif each.follow:
            found.append(Refused("E-INPUT-OPTOUT", where, f"amended for {each.follow} after it was taken"))
    return tuple(found)


def licences_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the licences that a manifest states, of the whole and of its sources, each once."""
    whole = (item.get("name") or item.get("path") for item in document.get("licenses") or () if isinstance(item, dict))
    parts = (source.get("license") for source in document.get("sources", ()))
    return tuple(dict.fromkeys(text for text in (*whole, *parts) if isinstance(text, str) and text))


def _examined(copy: Copy, manifest: str) -> str:
    events = (link.event for link in reversed(copy.chain))
    claims = (event.claim for event in events if isinstance(event, Attest) and event.manifest == manifest)
    return next((claim.result for claim in claims if claim.type == OPTOUT), "")


def _follow(copy: Copy, taken: int) -> str:
    later = (link.event for link in copy.chain[taken + 1 :])
    return next((event.reason for event in later if isinstance(event, Amend) and event.reason in MUST_FOLLOW), "")
