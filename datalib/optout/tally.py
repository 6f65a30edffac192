"""What a scan counts, shard by shard."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from datalib.optout.book import Book
from datalib.optout.decisions import carriers_of
from datalib.optout.outcome import REASONS, VERDICTS, Verdicts

COUNTED = ("asked", "reason", "signal", "synthetic", "verdict")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What happened in a shard, counted as it goes. ``used`` marks the compiled signals that were used."""

    rows: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in COUNTED})
    used: NDArray[np.bool_]

    def add(self, verdicts: Verdicts, book: Book) -> None:
        """Count decisions."""
        self.rows += len(verdicts.verdict)
        for name, numbers, words in (("verdict", verdicts.verdict, VERDICTS), ("reason", verdicts.reason, REASONS)):
            found = np.bincount(numbers, minlength=len(words))
            self.counts[name].update({str(words[place]): int(found[place]) for place in np.flatnonzero(found)})
        carriers = np.bincount(verdicts.asked)
        self.counts["asked"].update({carriers_of(place): int(carriers[place]) for place in np.flatnonzero(carriers)})
        kinds = np.bincount(book.kinds(verdicts.signals), minlength=len(book.templates))
        for place in np.flatnonzero(kinds):
            self.counts["signal"][book.templates[place].signal] += int(kinds[place])
        self.used[verdicts.signals[verdicts.signals < len(self.used)]] = True
