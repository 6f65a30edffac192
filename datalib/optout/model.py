"""What a signal says and how signals combine: categories, states, readings, verdicts.

A work is judged by statements (signals) found in carriers; each statement has two readings, ``spec`` (the letter of its
standard) and ``strict`` (fail-closed). Stronger states win.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

CATEGORIES = ("crawl", "tdm", "train_any", "train_gen", "ai_input", "ai_index", "search")

#: A denial of the key denies the values too (tdm ⊇ train_any ⊇ train_gen, tdm ⊇ ai_index). An allow never flows.
CONTAINS = {"tdm": ("train_any", "train_gen", "ai_index"), "train_any": ("train_gen",)}

#: What the admission test of a training set looks at.
TESTED = ("train_gen", "train_any", "tdm", "crawl")


class State(IntEnum):
    """What was said about one category. The order is the order of strength."""

    UNKNOWN = 0
    ALLOW = 1
    CONDITIONAL = 2
    HOLD = 3
    DENY = 4

    @property
    def label(self) -> str:
        """The name used in files: ``deny``, ``hold``, ``conditional``, ``allow``, ``unknown``."""
        return self.name.lower()


class Verdict(StrEnum):
    """What becomes of a work. There is no fourth value."""

    ADMIT = "admit"
    REFUSE = "refuse"
    HOLD = "hold"


class Carrier(StrEnum):
    """Where a statement was found."""

    LOCATION = "location"
    TRANSFER = "transfer"
    PAGE = "page"
    UNIT = "unit"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One state per category; a missing category is ``UNKNOWN``."""

    crawl: State = State.UNKNOWN
    tdm: State = State.UNKNOWN
    train_any: State = State.UNKNOWN
    train_gen: State = State.UNKNOWN
    ai_input: State = State.UNKNOWN
    ai_index: State = State.UNKNOWN
    search: State = State.UNKNOWN

    @classmethod
    def of(cls, state: State, *categories: str) -> Self:
        """Give the same state to some categories; a denial flows down to what they contain."""
        names = set(categories)
        if state is State.DENY:
            for category in categories:
                names.update(CONTAINS.get(category, ()))
        return cls(**dict.fromkeys(names, state))

    def __or__(self, other: "Reading") -> "Reading":
        """Combine two readings: the stronger state of each category."""
        if self is NOTHING or other is NOTHING:  # most readings of a page say nothing
            return other if self is NOTHING else self
        return Reading(**{name: max(self[name], other[name]) for name in CATEGORIES})

    def __getitem__(self, category: str) -> State:
        state: State = getattr(self, category)
        return state

    @property
    def tested(self) -> State:
        """The strongest state over the categories that decide about a training set."""
        return max(self[name] for name in TESTED)


NOTHING = Reading()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One statement of a rights holder, read from one carrier."""

    signal: str
    carrier: Carrier
    locator: str
    raw: str
    sha256: str
    observed_at: str
    spec: Reading
    strict: Reading
    note: str = ""
