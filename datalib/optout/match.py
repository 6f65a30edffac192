"""Path rules of many files against many targets at once: which rule decides for each row of a batch.

``patterns.RuleSet`` is the definition, for one target and one file. Here the rules of all files lie in one table of
32-byte records, sorted by file and by the first octet that they ask for, and a batch is joined with it: every row meets
the few rules of its file that could match, four cheap comparisons leave the ones that probably do, and what is left is
checked exactly. A test holds the two together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datalib.optout import patterns
from datalib.optout.patterns import Rule, RuleSet
from datalib.optout.urls import WORD, Bytes, Hashes, Positions, word_view

#: The columns of the table: the first octets that a rule asks for and their number, the letters that it needs, its
#: kind and place (packed), the number of its pattern unless the word is all of it, and what follows.
COLUMNS = {
    "words": np.uint64, "letters": np.uint64, "sizes": np.uint8, "facts": np.uint64,
    "patterns": np.int32, "effects": np.int32,
}  # fmt: skip
_TAIL_OF = np.dtype([("word", "<u8"), ("size", "u1"), ("head", "u1"), ("anchored", "?"), ("simple", "?")])
#: Places of a target where the tail of a wildcard is looked for in columns; longer targets are searched singly.
_STEPS = 64
#: Rules of a file beyond which its rows are judged one by one.
MAX_ENTRIES = 1 << 13
#: Pairs of row and rule that are held at once.
_PAIRS = 1 << 21
#: Bucket 0 holds rules that do not begin with ``/`` and an octet; the others are by that octet.
BUCKETS = 32

LITERAL, CANONICAL, BOTH = 1, 2, 3


class _Kind(IntEnum):
    SHORT = 0
    LONG = 1
    EXACT = 2
    WILD = 3


class Entry(NamedTuple):
    """One rule of a file.

    ``decider`` is its rule set, ``group`` 0 for the literal list and 1 for the canonical one, ``spelling`` the
    comparison it is for, ``rank`` its place in the order of strength. ``effect`` is what follows if it decides, -1 for
    nothing (it stands in the way of weaker ones all the same); ``split``: the next effect follows where the rule
    decided by the canonical comparison.
    """

    pattern: str
    decider: int
    group: int
    rank: int
    spelling: int
    denies: bool
    effect: int
    split: bool = False


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


def entries_of(
    decider: int, rules: RuleSet, effects: Mapping[tuple[int, bool], int], *, split: bool = False
) -> list[Entry]:
    """Write a rule set as entries. ``effects`` gives what follows from a rule, by its line and whether it allows."""
    literal, canonical = rules.literal, rules.canonical
    lists = [(0, literal.rules, BOTH if canonical is literal else LITERAL)]
    if canonical is not None and canonical is not literal:
        lists.append((1, canonical.rules, CANONICAL))
    return [
        Entry(
            rule.pattern, decider, group, rank, spelling, not rule.allow,
            effects.get((rule.line, rule.allow), -1), split,
        )
        for group, listed, spelling in lists
        for rank, rule in enumerate(sorted(listed, key=_strength))
    ]  # fmt: skip


def can_match(pattern: str) -> bool:
    """Say whether a pattern can match any target at all: targets begin with ``/``."""
    return pattern.startswith(("/", "*"))


class TableBuilder:
    """Collects the entries of files, one program after the other."""

    def __init__(self) -> None:
        self.pattern_numbers: dict[str, int] = {}
        self.known: dict[str, tuple[int, int, int, int, int, int]] = {}
        self.programs: dict[tuple[Entry, ...], int] = {}
        self.records: list[tuple[int, int, int, int, int, int]] = []
        self.offsets: list[list[int]] = []

    def add(self, entries: Iterable[Entry]) -> int:
        """Add the entries of one file; give the number of its program. Files with the same entries share one."""
        key = tuple(entries)
        number = self.programs.setdefault(key, len(self.offsets))
        if number < len(self.offsets):
            return number
        buckets: list[list[tuple[int, int, int, int, int, int]]] = [[] for _ in range(BUCKETS)]
        for entry in key:
            if can_match(entry.pattern):
                bucket, record = self._record(entry)
                buckets[bucket].append(record)
        offsets = [len(self.records)]
        for bucket_records in buckets:
            self.records += bucket_records
            offsets.append(len(self.records))
        self.offsets.append(offsets)
        return number

    def _record(self, entry: Entry) -> tuple[int, tuple[int, int, int, int, int, int]]:
        known = self.known.get(entry.pattern)
        if known is None:
            known = self.known[entry.pattern] = self._read(entry.pattern)
        bucket, word, letters, size, kind, number = known
        facts = (
            kind | entry.spelling << 2 | entry.denies << 4 | entry.group << 5 | entry.split << 6
            | entry.decider << 7 | entry.rank << 27
        )  # fmt: skip
        return bucket, (word, letters, size, facts, number, entry.effect)

    def _read(self, pattern: str) -> tuple[int, int, int, int, int, int]:
        anchored = pattern.endswith("$")
        body = pattern.removesuffix("$")
        head, star, _ = body.partition("*")
        text = head.encode("utf-8", "surrogateescape")[1:]
        short = not star and not anchored and len(text) <= WORD
        kind = _Kind.WILD if star else _Kind.EXACT if anchored else _Kind.SHORT if short else _Kind.LONG
        number = -1 if short else self.pattern_numbers.setdefault(pattern, len(self.pattern_numbers))
        letters = 0
        for octet in set(body.encode("utf-8", "surrogateescape")):
            letters |= _BITS[octet]
        bucket = 1 + text[0] % (BUCKETS - 1) if text else 0
        return bucket, int.from_bytes(text[:WORD], "little"), letters, min(len(text), WORD), kind, number

    def tables(self) -> dict[str, NDArray[Any]]:
        """Give the finished tables by name."""
        columns: list[Sequence[int]] = [*zip(*self.records, strict=True)] or [()] * len(COLUMNS)
        tables: dict[str, NDArray[Any]] = {
            name: np.array(values, dtype=kind) for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)
        }
        tables["offsets"] = np.array(self.offsets, dtype=np.int32).reshape(-1, BUCKETS + 1)
        return tables | pattern_tables(list(self.pattern_numbers))


def pattern_tables(patterns_: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Give the tables of patterns that one word cannot hold: their text, and of plain wildcards what follows ``*``."""
    texts = [pattern.encode("utf-8", "surrogateescape") for pattern in patterns_]
    tails = np.zeros(len(texts), dtype=_TAIL_OF)
    for number, text in enumerate(texts):
        head, *rest = text.removesuffix(b"$").split(b"*")
        if len(rest) == 1 and len(rest[0]) <= WORD and len(head) <= WORD + 1:
            tails[number] = (int.from_bytes(rest[0], "little"), len(rest[0]), len(head), text.endswith(b"$"), True)
    return {
        "pattern_ends": np.cumsum([0, *map(len, texts)], dtype=np.int64),
        "pattern_text": np.frombuffer(b"".join(texts) + bytes(2 * WORD), dtype=np.uint8),
        "tails": tails,
    }


class Matcher:
    """The finished tables, ready to be joined with batches."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables
        self.pattern_ends: Positions = tables["pattern_ends"]
        self.pattern_text: Bytes = tables["pattern_text"]

    def decide(self, targets: Targets) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Give the effects of the rules that decide, as pairs of row and effect, in the order of rows and deciders."""
        words, lacking = _first_octets(targets), ~targets.letters
        first = targets.data[np.minimum(targets.start + 1, len(targets.data) - 1)].astype(np.int64)
        bucket = np.where(targets.end > targets.start + 1, 1 + first % (BUCKETS - 1), 0)
        offsets = self.tables["offsets"].reshape(-1)
        base = targets.program.astype(np.int64) * (BUCKETS + 1)
        wild, wild_end, near, near_end = (offsets[base + place] for place in (0, 1, bucket, bucket + 1))
        near_end = np.where(bucket == 0, near, near_end)  # bucket 0 is met once
        counts = wild_end - wild + near_end - near
        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for rows in _chunks(counts):
            for start, end in ((wild, wild_end), (near, near_end)):
                at, entry = _expand(rows, start[rows], end[rows])
                found.append(self._filter(targets, words, lacking, at, entry))
        if not found:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        return self._winners(targets, *(np.concatenate(side) for side in zip(*found, strict=True)))

    def _filter(
        self, targets: Targets, words: Hashes, lacking: Hashes, at: NDArray[np.int64], entry: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Leave the pairs that match."""
        tables = self.tables
        miss = (words[at] ^ tables["words"][entry]) & np.take(_TAIL, tables["sizes"][entry], mode="clip")
        miss |= tables["letters"][entry] & lacking[at]
        keep = np.flatnonzero(miss == 0)
        at, entry = at[keep], entry[keep]
        facts = tables["facts"][entry]
        kind = facts & _U(3)
        good = (facts >> _U(2)) & _U(3) & targets.spelling[at] != 0
        number = tables["patterns"][entry]
        exact = np.flatnonzero(good & ((kind == _Kind.LONG) | (kind == _Kind.EXACT)))
        good[exact] = self._literal(targets, at[exact], number[exact], kind[exact] == _Kind.EXACT)
        wild = np.flatnonzero(good & (kind == _Kind.WILD))
        good[wild] = self._wild(targets, at[wild], number[wild])
        return at[good], entry[good]

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
        for row in (*rows.tolist(), *np.flatnonzero(good & ~tail["simple"]).tolist()):
            good[row] = self._matches(targets, int(at[row]), int(number[row]))
        return good

    def _matches(self, targets: Targets, at: int, number: int) -> bool:
        pattern = self.pattern_text[self.pattern_ends[number] : self.pattern_ends[number + 1]].tobytes()
        target = targets.data[targets.start[at] : targets.end[at]].tobytes()
        return patterns.matches(pattern.decode("utf-8", "surrogateescape"), target.decode("ascii"))

    def _winners(
        self, targets: Targets, at: NDArray[np.int64], entry: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Choose, per row and rule set, the strongest rule of each list, then the first list that denies."""
        facts, row = self.tables["facts"][entry].astype(np.int64), targets.row[at]
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
_TAIL = np.array([(1 << 8 * n) - 1 for n in range(8)] + [0xFFFFFFFFFFFFFFFF], dtype=np.uint64)


#: The letter of octets that may have another spelling: a target without them is in the canonical one.
ODD = np.uint64(1 << 63)


def _letter_bits() -> Hashes:
    """Give each octet a bit. The slash, which every target has, has none; rare octets share one."""
    alone = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.?=&-_+"
    bits = np.full(256, ODD, dtype=np.uint64)
    bits[[*b"0123456789"]] = 1 << 62
    bits[[*b"~!'(),:;@"]] = 1 << 61
    for place, octet in enumerate(alone):
        bits[octet] = 1 << place
    bits[ord("/")] = 0
    return bits


_LETTERS = _letter_bits()
_BITS = [0 if octet == ord("*") else int(bit) for octet, bit in enumerate(_LETTERS)]


def _strength(rule: Rule) -> tuple[int, bool, int, int]:
    """Order rules as ``RuleList.match`` prefers them: longest, allow, exact before prefix before wild, first."""
    wild = "*" in rule.pattern
    return -len(rule.pattern), not rule.allow, 2 if wild else not rule.pattern.endswith("$"), rule.line


def _first_octets(targets: Targets) -> Hashes:
    """Give the eight octets after the first slash of each target."""
    length = np.clip(targets.end - targets.start - 1, 0, WORD)
    words: Hashes = word_view(targets.data)[np.minimum(targets.start + 1, len(targets.data) - WORD)]
    first: Hashes = words & _TAIL[length]
    return first


def letters_of(data: Bytes, start: Positions, end: Positions) -> Hashes:
    """Give the set of octets of each target as bits."""
    length = end - start
    ends = np.cumsum(length)
    source = np.repeat(start - (ends - length), length) + np.arange(ends[-1] if len(ends) else 0)
    bits = _LETTERS[data[source]]
    filled = np.flatnonzero(length)
    result = np.zeros(len(length), dtype=np.uint64)
    if filled.size:
        result[filled] = np.bitwise_or.reduceat(bits, (ends - length)[filled])
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
    order = np.lexsort((key, row))
    row, high = row[order], key[order] >> low_bits
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (row[1:] != row[:-1]) | (high[1:] != high[:-1])
    return order[first]
