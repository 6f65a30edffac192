"""Path rules of many files against many targets at once: which rule decides for each row of a batch.

``patterns.RuleSet`` is the definition, for one target and one file. Here a batch is joined with the table of all rules
(``rule_table``): every row meets the few rules of its file that could match, cheap comparisons of words and letters
leave those that probably do, and what is left is checked exactly. A test holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datalib.optout.rule_table import (
    ANYWHERE,
    BOTH,
    BUCKETS,
    CANONICAL,
    LETTERS,
    QUERIES,
    QUESTION,
    ROUGH,
    Kind,
    bucket_of,
)
from datalib.optout.urls import WORD, Bytes, Hashes, Positions, word_view

#: Pairs of row and rule that are held at once.
_PAIRS = 1 << 21
#: Places of a target where the tail of a wildcard is looked for in columns; longer targets are searched singly.
_STEPS = 64
#: Patterns with several stars that are kept cut up.
_KEPT = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Targets of some rows: ``data[start:end]`` of each, as ``spelling``; ``row`` and ``program`` it belongs to.

    ``letters`` are those of ``letters_of``.
    """

    data: Bytes
    start: Positions
    end: Positions
    row: NDArray[np.int64]
    program: NDArray[np.int32]
    spelling: NDArray[np.uint8]
    letters: Hashes

    @property
    def twofold(self) -> bool:
        """Whether some target stands in two spellings."""
        return bool((self.spelling != BOTH).any())


class Matcher:
    """The finished tables, ready to be joined with batches."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables
        self.pattern_ends: Positions = tables["pattern_ends"]
        self.pattern_text: Bytes = tables["pattern_text"]
        self._parts: dict[int, tuple[list[bytes], bool]] = {}

    def decide(self, targets: Targets) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Give the effects of the rules that decide, as pairs of row and effect, in the order of rows and deciders."""
        words, lacking = _first_octets(targets), ~targets.letters
        first = targets.data[np.minimum(targets.start + 1, len(targets.data) - 1)].astype(np.int64)
        offsets = self.tables["offsets"].reshape(-1)
        base = targets.program.astype(np.int64) * (BUCKETS + 1)
        bucket = np.where(targets.end > targets.start + 1, bucket_of(first), QUERIES)
        stop = np.where(targets.letters & QUESTION != 0, QUERIES, ANYWHERE) + 1
        wild, wild_end = offsets[base], offsets[base + stop]
        near, near_end = offsets[base + bucket], offsets[base + bucket + 1]
        near_end = np.where(bucket == QUERIES, near, near_end)  # a target that is "/" has no octet
        counts = wild_end - wild + near_end - near
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], Hashes]] = []
        tables = self.tables
        for rows in _chunks(counts):
            at, entry = _expand(rows, wild[rows], wild_end[rows])
            keep = np.flatnonzero(tables["letters"][entry] & lacking[at] == 0)
            found.append(self._exact(targets, at[keep], entry[keep]))
            at, entry = _expand(rows, near[rows], near_end[rows])
            tail = np.take(_TAIL, tables["sizes"][entry], mode="clip")
            keep = np.flatnonzero((words[at] ^ tables["words"][entry]) & tail == 0)
            at, entry = at[keep], entry[keep]
            keep = np.flatnonzero(tables["letters"][entry] & lacking[at] == 0)
            found.append(self._exact(targets, at[keep], entry[keep]))
        if not found:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        return self._winners(targets, *(np.concatenate(side) for side in zip(*found, strict=True)))

    def _exact(
        self, targets: Targets, at: NDArray[np.int64], entry: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Hashes]:
        """Leave the pairs that match, of those whose first octets and letters do; add the facts of the rules."""
        facts = self.tables["facts"][entry]
        hard = np.flatnonzero(facts & _U(3))  # not a word as a whole
        if hard.size:
            kind, number = facts[hard] & _U(3), self.tables["patterns"][entry[hard]]
            good = np.ones(len(at), dtype=np.bool_)
            exact = np.flatnonzero(kind != Kind.WILD)
            good[hard[exact]] = self._literal(targets, at[hard[exact]], number[exact], kind[exact] == Kind.EXACT)
            wild = np.flatnonzero(kind == Kind.WILD)
            good[hard[wild]] = self._wild(targets, at[hard[wild]], number[wild])
            at, entry, facts = at[good], entry[good], facts[good]
        if targets.twofold:
            good = (facts >> _U(2)) & _U(3) & targets.spelling[at] != 0
            at, entry, facts = at[good], entry[good], facts[good]
        return at, entry, facts

    def _literal(
        self, targets: Targets, at: NDArray[np.int64], number: NDArray[np.int32], anchored: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Compare whole literal patterns, the ``$`` of anchored ones aside."""
        begin = self.pattern_ends[number]
        length = self.pattern_ends[number + 1] - begin - anchored
        start, size = targets.start[at], targets.end[at] - targets.start[at]
        good = np.where(anchored, size == length, size >= length)
        left, right = word_view(targets.data), word_view(self.pattern_text)
        for step in range(0, int(length.max(initial=0)), WORD):
            rows = np.flatnonzero(good & (length > step))
            tail = _TAIL[np.minimum(length[rows] - step, WORD)]
            good[rows] = (left[start[rows] + step] ^ right[begin[rows] + step]) & tail == 0
        return good

    def _wild(self, targets: Targets, at: NDArray[np.int64], number: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Match patterns with ``*``: those of a short head, one star and a short tail together, the others singly."""
        tail = self.tables["tails"][number]
        size = tail["size"].astype(np.int64)
        start, end = targets.start[at] + tail["head"], targets.end[at]
        last = end - size
        good: NDArray[np.bool_] = start <= last
        simple = good & tail["simple"]
        view = word_view(targets.data)
        rows = np.flatnonzero(simple & tail["anchored"])
        good[rows] = (view[last[rows]] ^ tail["word"][rows]) & _TAIL[size[rows]] == 0
        rows = np.flatnonzero(simple & ~tail["anchored"])
        good[rows] = False
        for step in range(_STEPS):
            rows = rows[start[rows] + step <= last[rows]]
            if not rows.size:
                break
            equal = (view[start[rows] + step] ^ tail["word"][rows]) & _TAIL[size[rows]] == 0
            good[rows[equal]] = True
            rows = rows[~equal]
        hard = [*rows.tolist(), *np.flatnonzero(good & ~tail["simple"]).tolist()]
        if hard:
            whole = targets.data.tobytes()
            starts, ends = targets.start[at[hard]].tolist(), targets.end[at[hard]].tolist()
            for row, pattern, begin, stop in zip(hard, number[hard].tolist(), starts, ends, strict=True):
                good[row] = self._matches(whole, pattern, begin, stop)
        return good

    def _matches(self, whole: bytes, number: int, start: int, end: int) -> bool:
        """Match one pattern with ``*`` as ``patterns.matches`` does, in place."""
        parts = self._parts.get(number)
        if parts is None:
            if len(self._parts) >= _KEPT:
                self._parts.clear()
            text = self.pattern_text[self.pattern_ends[number] : self.pattern_ends[number + 1]].tobytes()
            parts = self._parts[number] = (text.removesuffix(b"$").split(b"*"), text.endswith(b"$"))
        (head, *rest), anchored = parts
        if not whole.startswith(head, start, end):
            return False
        place = start + len(head)
        last = rest.pop() if anchored else b""
        for part in rest:
            place = whole.find(part, place, end)
            if place < 0:
                return False
            place += len(part)
        return not anchored or (end - len(last) >= place and whole.endswith(last, start, end))

    def _winners(
        self, targets: Targets, at: NDArray[np.int64], entry: NDArray[np.int64], rule: Hashes
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Choose, per row and rule set, the strongest rule of each list, then the first list that denies."""
        facts, row = rule.view(np.int64), targets.row[at]
        decider, denies = facts >> 7 & 0xFFFFF, facts >> 4 & 1 != 0
        # One literal list is met once for a calm target; a target in two spellings meets lists of its own spelling.
        part = (facts >> 5 & 1) * 2 + (targets.spelling[at] == CANONICAL)
        effect = self.tables["effects"][entry]
        effect += (effect >= 0) & (facts >> 6 & 1 != 0) & (part != 0)
        best = _least(row, (decider << 2 | part) << 24 | facts >> 27, 24)
        best = best[denies[best] | (part[best] == 0)]
        row, effect, within = row[best], effect[best], (decider[best] << 3) | (~denies[best]) * 4 | part[best]
        one = _least(row, within, 3)
        row, effect = row[one], effect[one]
        speaks = effect >= 0
        return row[speaks], effect[speaks]


_U = np.uint64
_SLASHES = np.uint64(0x2F2F2F2F2F2F2F2F)
_TAIL = np.array([(1 << 8 * n) - 1 for n in range(8)] + [0xFFFFFFFFFFFFFFFF], dtype=np.uint64)


def _first_octets(targets: Targets) -> Hashes:
    """Give the eight octets after the first slash of each target."""
    length = np.clip(targets.end - targets.start - 1, 0, WORD)
    words: Hashes = word_view(targets.data)[np.minimum(targets.start + 1, len(targets.data) - WORD)]
    first: Hashes = words & _TAIL[length]
    return first


def letters_of(data: Bytes, start: Positions, end: Positions) -> Hashes:
    """Give the set of octets of each target as bits. Octets are fetched by eight, the last ones padded with slashes."""
    length = end - start
    counts = (length + WORD - 1) // WORD
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    within = np.arange(total) - np.repeat(ends - counts, counts)
    words = word_view(data)[np.repeat(start, counts) + within * WORD]
    last = ends[counts > 0] - 1
    tail = _TAIL[(length[counts > 0] - 1) % WORD + 1]
    words[last] = words[last] & tail | _SLASHES & ~tail
    octets = words.view(np.uint8)
    result = np.zeros(len(length), dtype=np.uint64)
    filled = np.flatnonzero(counts)
    if filled.size:
        result[filled] = np.bitwise_or.reduceat(LETTERS[octets], (ends - counts)[filled] * WORD)
    # The standard drops a query that is empty, and resolves segments of dots, also in disguise.
    result[(length > 0) & (data[np.maximum(end - 1, 0)] == ord("?"))] |= ROUGH
    dots = (octets[:-1] == ord("/")) & ((octets[1:] == ord(".")) | (octets[1:] == ord("%")))
    result[np.searchsorted(ends * WORD, np.flatnonzero(dots), side="right")] |= ROUGH
    return result


def _expand(
    rows: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Repeat each row for each number from ``start`` to ``end``."""
    counts = end - start
    ends = np.cumsum(counts)
    return np.repeat(rows, counts), np.repeat(start - (ends - counts), counts) + np.arange(ends[-1])


def _chunks(counts: NDArray[np.int64]) -> Sequence[NDArray[np.int64]]:
    """Split rows into runs of bounded work."""
    if not len(counts):
        return []
    total = np.cumsum(counts)
    edges = np.searchsorted(total, np.arange(_PAIRS, int(total[-1]), _PAIRS))
    return [part for part in np.split(np.arange(len(counts)), edges) if len(part)]


def _least(row: NDArray[np.int64], key: NDArray[np.int64], low_bits: int) -> NDArray[np.int64]:
    """Give, for each row and each value of the high bits of the key, where the least key stands, in that order."""
    width = max(int(key.max(initial=0)).bit_length(), low_bits)
    if width + int(row.max(initial=0)).bit_length() < 63:  # noqa: PLR2004 (both fit into one number)
        whole = row << width | key
        order = np.argsort(whole, kind="stable")
        high = whole[order] >> low_bits
        return order[np.flatnonzero(np.diff(high, prepend=-1))]
    order = np.lexsort((key, row))
    row, high = row[order], key[order] >> low_bits
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (row[1:] != row[:-1]) | (high[1:] != high[:-1])
    return order[first]
