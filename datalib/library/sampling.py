"""Which files a sample of a listing reads, and what it says about those it does not read.

The files are drawn without replacement, each with the same chance whatever its size. So the number of changed files
among those drawn is hypergeometric, and a sample that finds none of k changed files among M has the probability
C(M-k, N) / C(M, N). Source: datalib trust specification §11, ``--data sample:N``.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma

from datalib.errors import Misuse

#: The certainty for which `Sample.found` is told, as a probability.
SURE = 0.95

_SAMPLE = "sample:"
_DIGITS = 12  # as many as the number of any listing's lines has


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMode:
    """How files are read: all (``full``), ``count`` of them drawn by lot (``sample:N``), or not at all (``none``)."""

    text: str = "full"
    count: int | None = None

    @classmethod
    def parse(cls, text: str) -> "DataMode":
        """Read ``full``, ``sample:N`` or ``none``; else ``Misuse("E-USAGE")``."""
        number = text.removeprefix(_SAMPLE)
        if text in {"full", "none"}:
            return cls(text=text, count=None if text == "full" else 0)
        digits = text.startswith(_SAMPLE) and number.isascii() and number.isdigit() and len(number) <= _DIGITS
        if digits and int(number):
            return cls(text=text, count=int(number))
        raise Misuse("E-USAGE", "data", f"{text[:40]!r} is not full, sample:N (N from 1) or none")


def sample(files: int, count: int, *, seed: bytes) -> Callable[[int], bool]:
    """Choose ``count`` of the lines 0 … files-1 of a listing, or all if there are fewer; return the test of an index.

    Anyone who knows the seed can repeat the choice. For k = 0, 1, 2 … take the first eight bytes of
    SHA-256(seed ‖ k in decimal) as a big-endian number modulo ``files``; pass over numbers drawn before. If more than
    half of the lines are wanted, what is drawn is left out.
    """
    leave_out = count * 2 > files
    number = max(0, files - count) if leave_out else count
    drawn: set[int] = set()
    k = 0
    while len(drawn) < number:
        drawn.add(int.from_bytes(hashlib.sha256(b"%b%d" % (seed, k)).digest()[:8], "big") % files)
        k += 1
    return lambda index: (index in drawn) != leave_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample: ``drawn`` of ``files`` were read, chosen by ``seed``."""

    drawn: int
    files: int
    seed: bytes

    def missed(self, changed: int) -> float:
        """Give the probability that none of so many changed files is among those drawn; 0 … ``files`` may be changed.

        The logarithms of factorials have an error of about 1e-6 for ten million files, relative to the result.
        """
        if changed > self.files - self.drawn:
            return 0.0
        if changed == 1:
            return 1 - self.drawn / self.files
        kept, all_ = self.files - changed, self.files
        return min(1.0, exp(_log_ratio(kept, kept - self.drawn) - _log_ratio(all_, all_ - self.drawn)))

    def found(self, sure: float = SURE) -> int:
        """Give the least number of changed files of which at least one is drawn with the probability ``sure``."""
        low, high = 0, self.files - self.drawn + 1
        while high - low > 1:
            middle = (low + high) // 2
            if self.missed(middle) <= 1 - sure:
                high = middle
            else:
                low = middle
        return high


def _log_ratio(above: int, below: int) -> float:
    """Give the logarithm of above! / below!."""
    return lgamma(above + 1) - lgamma(below + 1)
