"""What a rule looks at, and what it can answer.

    Case    the manifest, its chain, the private register, findings about the data, the day
    Hit     the rule is broken here
    Gap     the rule cannot be asked, and why

A rule is a pure function from a case to hits and gaps; none means that nothing was found. The manifest may be a draft,
or not valid at all: what has a wrong form is read as absent here, and ``KZ-03.1`` and ``KZ-03.2`` report it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from datalib.chain.events import Attest, Claim, Event, Transfer
from datalib.errors import Refused
from datalib.personal.found import Looked
from datalib.rules.deadlines import Deadline
from datalib.trust.parties import Producer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A rule is broken: where (a JSON pointer into the manifest, or a record of the register), and what stands there.

    ``detail`` holds members, codes, dates: nothing that wants translating.
    """

    where: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A rule that cannot be asked. ``why`` is a code of the vocabulary's ``gaps``; ``detail`` as in ``Hit``."""

    why: str
    detail: str = ""


Answer = Iterator[Hit | Gap]
Check = Callable[["Case"], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the chain says. ``verified``: somebody was trusted and integrity holds.

    ``refusal``: why it does not hold, empty if nobody asked. ``current``: the SHA-256 of the manifest as it
    stands in the folder. ``before``: the last manifest whose content was another one.
    """

    verified: bool
    refusal: str = ""
    producer: Producer
    owner: str
    current: str
    events: tuple[Event, ...]
    before: Mapping[str, Any] | None = None

    def claim(self, wanted: str) -> tuple[Claim, int] | None:
        """Give the last claim of a type about the current manifest, and its time in seconds since 1970.

        A chain that does not hold claims nothing.
        """
        for event in reversed(() if self.refusal else self.events):
            if isinstance(event, Attest) and event.manifest == self.current and event.claim.type == wanted:
                return event.claim, event.time
        return None

    @property
    def unproved(self) -> bool:
        """Whether nobody asked if the chain holds."""
        return not (self.verified or self.refusal)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The ids of those to whom the library was handed over."""
        return tuple(event.recipient.id for event in self.events if isinstance(event, Transfer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One library on one day (of Kazakhstan). What is ``None`` was not given.

    ``now`` in seconds since 1970. ``fault``: why the manifest is not valid. ``past``: ``None`` for a draft.
    ``deadlines``: what follows from the private register. ``found``: what detectors of personal data
    found in the data. ``acts``: the acts whose profiles are loaded. ``purpose``: what somebody wants to train.
    """

    document: Mapping[str, Any]
    today: date
    now: int
    fault: Refused | None = None
    past: Past | None = None
    deadlines: tuple[Deadline, ...] | None = None
    found: Looked | None = None
    acts: frozenset[str] = frozenset()
    purpose: str | None = None

    @property
    def block(self) -> Mapping[str, Any]:
        """The block ``datalib``, empty if it has another form."""
        return mapping(self.document.get("datalib"))

    def at(self, *path: str) -> Any:
        """Give a member of the block, ``None`` if it is not there."""
        value: Any = self.block
        for name in path:
            value = mapping(value).get(name)
        return value

    def text(self, *path: str) -> str:
        """Give a member that is a text, else an empty one."""
        value = self.at(*path)
        return value if isinstance(value, str) else ""

    def day(self, *path: str) -> date | None:
        """Give a member that is a date."""
        return as_date(self.at(*path))

    def number(self, *path: str) -> int | float | None:
        """Give a member that is a number."""
        value = self.at(*path)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def items(self, *path: str) -> tuple[Any, ...]:
        """Give the items of a member that is a list."""
        return items(self.at(*path))

    @property
    def producer(self) -> Mapping[str, Any]:
        """The producer as the manifest has it."""
        return mapping(self.at("producer"))

    @property
    def purposes(self) -> tuple[str, ...]:
        """The declared purposes."""
        return texts(self.at("purpose"))

    @property
    def sources(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """The sources, each with its pointer."""
        return tuple(
            (f"/sources/{number}", source)
            for number, source in enumerate(items(self.document.get("sources")))
            if isinstance(source, Mapping)
        )

    @property
    def present(self) -> str:
        """What is said of personal data: none, depersonalised, anonymised, personal; empty if nothing is said."""
        return self.text("personalData", "present")

    @property
    def personal(self) -> bool:
        """Whether personal data is declared."""
        return self.present == "personal"

    @property
    def public(self) -> bool:
        """Whether the library is distributed to everybody."""
        return self.text("access", "distribution") == "public"

    @property
    def handed_on(self) -> bool | None:
        """Whether somebody else gets the library; ``None`` if that is not said."""
        if self.past and self.past.recipients:
            return True
        said = self.text("access", "distribution")
        return said != "none" if said else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Give a value that is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> tuple[Any, ...]:
    """Give the items of a value that is a list."""
    return tuple(value) if isinstance(value, list | tuple) else ()


def texts(value: Any) -> tuple[str, ...]:
    """Give the texts of a value that is a list of texts or one text."""
    return (value,) if isinstance(value, str) else tuple(item for item in items(value) if isinstance(item, str))


def as_date(value: Any) -> date | None:
    """Read ``YYYY-MM-DD``, the beginning of a time too; ``None`` for anything else."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def missing(values: Mapping[str, Any], names: Iterable[str]) -> str:
    """Name the members that are absent or empty; ``False`` and 0 are values."""
    return ", ".join(name for name in names if values.get(name) in (None, "", [], (), {}))


def undeclared(*path: str) -> Gap:
    """Say that a rule waits for a member."""
    return Gap(why="undeclared", detail=".".join(path))
