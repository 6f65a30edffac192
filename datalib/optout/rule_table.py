"""The rules of many files as one table of columns, sorted by file and by the first octet that a rule asks for."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datalib.optout.patterns import Rule, RuleSet
from datalib.optout.urls import WORD, Hashes

#: The columns of the table: the first octets that a rule asks for and their number, the letters that it needs, its
#: kind and place (packed), the number of its pattern unless the word is all of it, and what follows.
COLUMNS = {
    "words": np.uint64, "letters": np.uint64, "sizes": np.uint8, "facts": np.uint64,
    "patterns": np.int32, "effects": np.int32,
}  # fmt: skip
_TAIL_OF = np.dtype([("word", "<u8"), ("size", "u1"), ("head", "u1"), ("anchored", "?"), ("simple", "?")])
#: Rules of a file beyond which its rows are judged one by one.
MAX_ENTRIES = 1 << 13
#: Rules of a file are sorted into buckets: those that may match any target, any with ``?``, and by the octet after the
#: first slash.
ANYWHERE, QUERIES, BUCKETS = 0, 1, 32

LITERAL, CANONICAL, BOTH = 1, 2, 3


class Kind(IntEnum):
    """How a pattern is matched: by its word alone, as a long prefix, as a whole target, with ``*``."""

    SHORT = 0
    LONG = 1
    EXACT = 2
    WILD = 3


#: The letter of octets that may have another spelling: a target without them is in the canonical one.
ODD = np.uint64(1 << 63)
#: The letter of targets that the URL standard may write in another way.
ROUGH = np.uint64(1 << 60)


def _letter_bits() -> Hashes:
    """Give each octet a bit. The slash, which every target has, has none; rare octets share one."""
    alone = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.?=&-_+"
    bits = np.full(256, ODD, dtype=np.uint64)
    bits[[*b"0123456789"]] = 1 << 62
    bits[[*b"~!'(),:;@"]] = 1 << 61
    bits[[*range(33), *b"\"#'<>\\^`{}", *range(127, 256)]] = ODD | ROUGH
    for place, octet in enumerate(alone):
        bits[octet] = 1 << place
    bits[ord("/")] = 0
    return bits


LETTERS = _letter_bits()
QUESTION = LETTERS[ord("?")]
_BITS = [0 if octet == ord("*") else int(bit) for octet, bit in enumerate(LETTERS)]


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
        for rank, rule in enumerate(sorted(listed, key=strength))
    ]  # fmt: skip


def can_match(pattern: str) -> bool:
    """Say whether a pattern can match any target at all: targets begin with ``/``."""
    return pattern.startswith(("/", "*"))


def bucket_of(octet: Any) -> Any:
    """Give the bucket of rules, or targets, with this octet after the first slash; also for an array of octets."""
    return QUERIES + 1 + octet % (BUCKETS - QUERIES - 1)


def _shortest(pattern: str) -> str:
    """Write a pattern without stars at its end, which say nothing: ``/a*`` and ``/a*$`` are ``/a``.

    ``/a$*`` stays: its dollar sign would become an end.
    """
    body = pattern.removesuffix("$")
    bare = body.rstrip("*")
    return pattern if bare == body or bare.endswith("$") else bare


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
        pattern = _shortest(pattern)
        anchored = pattern.endswith("$")
        body = pattern.removesuffix("$")
        head, star, _ = body.partition("*")
        text = head.encode("utf-8", "surrogateescape")[1:]
        short = not star and not anchored and len(text) <= WORD
        kind = Kind.WILD if star else Kind.EXACT if anchored else Kind.SHORT if short else Kind.LONG
        number = -1 if short else self.pattern_numbers.setdefault(pattern, len(self.pattern_numbers))
        letters = 0
        for octet in set(body.encode("utf-8", "surrogateescape")):
            letters |= _BITS[octet]
        bucket = bucket_of(text[0]) if text else QUERIES if "?" in body else ANYWHERE
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


def strength(rule: Rule) -> tuple[int, bool, int, int]:
    """Order rules as ``RuleList.match`` prefers them: longest, allow, exact before prefix before wild, first."""
    wild = "*" in rule.pattern
    return -len(rule.pattern), not rule.allow, 2 if wild else not rule.pattern.endswith("$"), rule.line
