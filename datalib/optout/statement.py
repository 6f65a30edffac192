"""What every reader of a carrier needs to make signals: where the bytes came from, and how states become readings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from datalib.optout.model import CATEGORIES, Carrier, Reading, Signal, State

#: The two categories that any reservation against training concerns.
TRAINING = ("train_any", "train_gen")
#: All uses but crawling itself.
ALL_USES = ("tdm", "train_any", "train_gen", "ai_input", "ai_index", "search")

MAX_RAW = 2000
_KNOWN = 1 << 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The carrier a statement stands in: its place, the SHA-256 of its bytes in hex, when it was read (RFC 3339)."""

    locator: str
    sha256: str
    observed_at: str = ""

    def signal(
        self, name: str, carrier: Carrier, raw: str, *, spec: Reading, strict: Reading, note: str = "", place: str = ""
    ) -> Signal:
        """Make a signal found at ``place`` of this carrier. Quotes are cut at 2000 characters."""
        return Signal(
            signal=name,
            carrier=carrier,
            locator=self.locator + place,
            raw=raw[:MAX_RAW],
            sha256=self.sha256,
            observed_at=self.observed_at,
            spec=spec,
            strict=strict,
            note=note,
        )


def reading_of(states: Mapping[str, State]) -> Reading:
    """Make a reading of states by category; a denial flows down to what the category contains."""
    result = Reading(**{name: state for name, state in states.items() if state is not State.DENY})
    denied = [name for name, state in states.items() if state is State.DENY]
    return result | Reading.of(State.DENY, *denied) if denied else result


def held(reading: Reading) -> Reading:
    """Add a hold on training: something was said that cannot be read."""
    return reading | Reading.of(State.HOLD, *TRAINING)


def to_list(signal: Signal) -> list[Any]:
    """Write a signal as JSON, for files and pipes between parts of one scan."""
    parts = (signal.signal, signal.carrier.value, signal.locator, signal.raw, signal.sha256, signal.observed_at)
    return [*parts, states_of(signal.spec), states_of(signal.strict), signal.note]


def of_list(parts: list[Any]) -> Signal:
    """Undo ``to_list``."""
    signal, carrier, locator, raw, sha256, observed_at, spec, strict, note = parts
    return Signal(
        signal=signal, carrier=Carrier(carrier), locator=locator, raw=raw, sha256=sha256, observed_at=observed_at,
        spec=_reading(tuple(spec)), strict=_reading(tuple(strict)), note=note,
    )  # fmt: skip


@lru_cache(_KNOWN)
def states_of(reading: Reading) -> tuple[int, ...]:
    """Give the states of a reading as numbers, in the order of ``CATEGORIES``."""
    return tuple(int(reading[name]) for name in CATEGORIES)


@lru_cache(_KNOWN)
def _reading(states: tuple[int, ...]) -> Reading:
    return Reading(**{name: State(state) for name, state in zip(CATEGORIES, states, strict=True)})
