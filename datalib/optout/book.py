"""The signals of a shard by number: those of the compiled sites, and behind them those that were made on the way."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from datalib.optout.compiled import Template, signal_id
from datalib.optout.judges import Judges
from datalib.optout.maps import take
from datalib.optout.model import Signal

Number = TypeVar("Number", np.int32, np.int64)


class Book:
    """Gives signals their numbers, and of numbers what a decision needs."""

    def __init__(self, judges: Judges | None) -> None:
        self._maps = [judges.maps] if judges else []
        self._ids = judges.signals["ids"] if judges else np.zeros(0, dtype=np.int64)
        self._kinds = judges.signals["templates"] if judges else np.zeros(0, dtype=np.int32)
        self.templates: list[Template] = list(judges.templates) if judges else []
        self._template_numbers = {template: number for number, template in enumerate(self.templates)}
        self.compiled = len(self._ids)
        self.made: list[Signal] = []
        self.made_ids: list[int] = []
        self._made_kinds: list[int] = []
        self._numbers: dict[int, int] = {}

    def enter(self, signal: Signal) -> int:
        """Give the number of a signal; the same content has the same number, its earliest observation is kept."""
        template = Template.of(signal)
        identity = signal_id(signal, template)
        number = self._numbers.get(identity)
        if number is None:
            kind = self._template_numbers.setdefault(template, len(self.templates))
            if kind == len(self.templates):
                self.templates.append(template)
            number = self._numbers[identity] = self.compiled + len(self.made)
            self.made.append(signal)
            self.made_ids.append(identity)
            self._made_kinds.append(kind)
        return number

    def ids(self, signals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the stable numbers of signals."""
        return self._gather(signals, self._ids, np.array(self.made_ids, dtype=np.int64))

    def kinds(self, signals: NDArray[np.int64]) -> NDArray[np.int32]:
        """Give the templates of signals, as places in ``templates``."""
        return self._gather(signals, self._kinds, np.array(self._made_kinds, dtype=np.int32))

    def _gather(self, signals: NDArray[np.int64], compiled: NDArray[Number], made: NDArray[Number]) -> NDArray[Number]:
        if not self.made:
            return take(compiled, signals, *self._maps)
        late = signals >= self.compiled
        result = np.empty(len(signals), dtype=made.dtype)
        result[~late] = take(compiled, signals[~late], *self._maps)
        result[late] = made[signals[late] - self.compiled]
        return result
