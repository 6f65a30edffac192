"""The signals of a shard by number.

First those of the compiled sites, then those that were made on the way; far behind them those of entries of registries,
which are cited only, and made once at the end of a scan.
"""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from datalib.optout.compiled import Template, signal_id
from datalib.optout.judges import Judges
from datalib.optout.maps import take
from datalib.optout.model import Signal

Number = TypeVar("Number", np.int32, np.int64)

#: The number of the first that is cited.
_CITED: Final = 1 << 40


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
        self.cited: list[int] = []
        self.made_ids: list[int] = []
        self._made_kinds: list[int] = []
        self.cited_ids: list[int] = []
        self._cited_kinds: list[int] = []
        self._numbers: dict[int, int] = {}

    def enter(self, signal: Signal) -> int:
        """Give the number of a signal; the same content has the same number."""
        template = Template.of(signal)
        identity = signal_id(signal, template)
        number = self._numbers.get(identity)
        if number is None:
            number = self._numbers[identity] = self.compiled + len(self.made)
            self.made.append(signal)
            self.made_ids.append(identity)
            self._made_kinds.append(self._kind(template))
        return number

    def cite(self, entry: int, template: Template, identity: int) -> int:
        """Give the number of the signal of an entry of a registry, of which template and stable number are known."""
        number = self._numbers.get(identity)
        if number is None:
            number = self._numbers[identity] = _CITED + len(self.cited)
            self.cited.append(entry)
            self.cited_ids.append(identity)
            self._cited_kinds.append(self._kind(template))
        return number

    def made_of(self, number: int) -> Signal | None:
        """Give a signal that was made on the way; None for another."""
        return self.made[number - self.compiled] if self.compiled <= number < _CITED else None

    def ids(self, signals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the stable numbers of signals."""
        return self._gather(signals, self._ids, self.made_ids, self.cited_ids)

    def kinds(self, signals: NDArray[np.int64]) -> NDArray[np.int32]:
        """Give the templates of signals, as places in ``templates``."""
        return self._gather(signals, self._kinds, self._made_kinds, self._cited_kinds)

    def _kind(self, template: Template) -> int:
        kind = self._template_numbers.setdefault(template, len(self.templates))
        if kind == len(self.templates):
            self.templates.append(template)
        return kind

    def _gather(
        self, signals: NDArray[np.int64], compiled: NDArray[Number], made: list[int], cited: list[int]
    ) -> NDArray[Number]:
        if not made and not cited:
            return take(compiled, signals, *self._maps)
        late, last = signals >= self.compiled, signals >= _CITED
        result = np.empty(len(signals), dtype=compiled.dtype)
        result[~late] = take(compiled, signals[~late], *self._maps)
        late &= ~last
        result[late] = np.array(made, dtype=compiled.dtype)[signals[late] - self.compiled]
        result[last] = np.array(cited, dtype=compiled.dtype)[signals[last] - _CITED]
        return result
