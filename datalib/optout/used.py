"""The compiled signals that a scan used, in the order of their numbers, some at a time: they need not fit in memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datalib.optout.found import read_used
from datalib.optout.judges import Judges
from datalib.optout.maps import trim

#: Signals that are sorted at once. Their numbers are digests, so that each pass over all of them takes as many.
_SORTED: Final = 1 << 22
_MARKS: Final = 1 << 20  # marks that are read at once
_NUMBERS: Final = 1 << 63


class Range(NamedTuple):
    """Some signals: their stable numbers, ascending, and their places among the compiled ones.

    ``below``: the number at which the next range begins.
    """

    ids: NDArray[np.int64]
    signals: NDArray[np.int64]
    below: int


class Used:
    """The signals that shards named in the files they left: one octet for each compiled signal."""

    def __init__(self, judges: Judges, files: Sequence[Path]) -> None:
        self._judges = judges
        self._marks = np.zeros(len(judges.signals["ids"]), dtype=np.bool_)
        for path in files:
            self._marks[read_used(path)] = True

    def places(self) -> Iterator[NDArray[np.int64]]:
        """Give the places of the signals, in order."""
        for start in range(0, len(self._marks), _MARKS):
            yield np.flatnonzero(self._marks[start : start + _MARKS]) + start
            trim(self._judges.maps)

    def ranges(self, size: int) -> Iterator[Range]:
        """Give the signals in the order of their numbers, each number once, in ranges of ``size``; at least one."""
        held = Range(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0)
        for more in self._passes():
            ids, signals = np.concatenate([held.ids, more[0]]), np.concatenate([held.signals, more[1]])
            whole = max(len(ids) - 1, 0) // size * size  # the last one waits for the beginning of the next
            for start in range(0, whole, size):
                stop = start + size
                yield Range(ids[start:stop], signals[start:stop], int(ids[stop]))
            held = Range(ids[whole:], signals[whole:], _NUMBERS)
        yield held

    def _passes(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Go through all signals for each part of the numbers, and sort those of the part."""
        passes = max(-(-int(self._marks.sum()) // _SORTED), 1)
        width = _NUMBERS // passes + 1
        for number in range(passes):
            found = [np.zeros(0, dtype=np.int64)]
            for places in self.places():
                near = self._judges.signals["ids"][places] // width == number if passes > 1 else slice(None)
                found.append(places[near])
            signals = np.concatenate(found)
            ids, first = np.unique(self._judges.signals["ids"][signals], return_index=True)
            trim(self._judges.maps)
            yield ids, signals[first]
