"""Verdicts for the rows of a batch: the same as ``decide.decide`` gives for each of them, a column at a time."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from datalib.optout import decide
from datalib.optout.book import Book
from datalib.optout.decide import LOCATION_FILES, SIGNALS, Profile
from datalib.optout.model import CATEGORIES, State, Verdict

#: Carriers by bit; the first that is missing gives the reason.
CARRIERS: Final = (*LOCATION_FILES, "page", "registry", "transfer", "unit")
BIT: Final = {name: 1 << place for place, name in enumerate(CARRIERS)}
VERDICTS: Final = (Verdict.ADMIT, Verdict.REFUSE, Verdict.HOLD)
_ADMIT, _REFUSE, _HOLD = range(len(VERDICTS))

#: What makes a row ``hold`` before anybody spoke: the number of its reason in ``FAULTS``; 0 is none.
FAULTS: Final = (
    "", decide.NO_URL, decide.NO_HOST, decide.DAMAGED, decide.ARCHIVE_CUT, decide.BODY_UNREADABLE, decide.INCOMPLETE,
    decide.TOO_LARGE, decide.SITE_FILE, decide.ARCHIVE_CLOSED, decide.NO_FILE, decide.NO_SITE,
)  # fmt: skip
DAMAGED: Final = FAULTS.index(decide.DAMAGED)
ARCHIVE_CUT: Final = FAULTS.index(decide.ARCHIVE_CUT)
ARCHIVE_CLOSED: Final = FAULTS.index(decide.ARCHIVE_CLOSED)
BODY_UNREADABLE: Final = FAULTS.index(decide.BODY_UNREADABLE)
INCOMPLETE: Final = FAULTS.index(decide.INCOMPLETE)
TOO_LARGE: Final = FAULTS.index(decide.TOO_LARGE)
SITE_FILE: Final = FAULTS.index(decide.SITE_FILE)
NO_FILE: Final = FAULTS.index(decide.NO_FILE)
NO_SITE: Final = FAULTS.index(decide.NO_SITE)
_SAID: Final = {State.DENY: "", State.HOLD: "-hold", State.CONDITIONAL: "-licence"}
REASONS: Final = (
    decide.ADMITTED, decide.ADMITTED_LICENCE, decide.NO_BASIS, decide.NO_ACCESS, *FAULTS[1:],
    *map(decide.not_asked, CARRIERS),
    *(name + suffix for suffix in _SAID.values() for name in (*SIGNALS, "other")),
)  # fmt: skip
_NUMBER: Final = {reason: number for number, reason in enumerate(REASONS)}
_RANKS: Final = len(SIGNALS) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is known of the rows of a batch. ``required`` and ``asked`` are bits of ``CARRIERS``.

    ``row`` and ``signal`` are pairs, in the order of rows.
    """

    fault: NDArray[np.uint8]
    required: NDArray[np.uint16]
    asked: NDArray[np.uint16]
    basis: NDArray[np.bool_]
    licensed: NDArray[np.bool_]
    row: NDArray[np.int64]
    signal: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What became of the rows of a batch, as numbers: of ``VERDICTS``, of ``REASONS``; ``levels`` as in ``Template``.

    ``signals`` are the signals of all rows, one after the other, ``counts`` of each row.
    """

    verdict: NDArray[np.uint8]
    reason: NDArray[np.uint16]
    levels: NDArray[np.uint32]
    asked: NDArray[np.uint16]
    counts: NDArray[np.int32]
    signals: NDArray[np.int64]


def judge_rows(rows: Rows, book: Book, profile: Profile) -> Verdicts:
    """Decide about the rows of a batch."""
    count = len(rows.fault)
    levels, strength = np.zeros(count, dtype=np.uint32), np.zeros(count, dtype=np.uint16)
    if rows.row.size:
        kind = book.kinds(rows.signal)
        first = np.flatnonzero(np.concatenate([[True], rows.row[1:] != rows.row[:-1]]))
        at = rows.row[first]
        level_of = np.array([template.levels for template in book.templates], dtype=np.uint32)
        strength_of = np.array([template.strength for template in book.templates], dtype=np.uint16)
        levels[at] = np.bitwise_or.reduceat(level_of[kind], first)
        strength[at] = np.maximum.reduceat(strength_of[kind], first)
    verdict, reason = _decide(rows, strength, profile)
    return Verdicts(
        verdict=verdict, reason=reason, levels=levels, asked=rows.asked,
        counts=np.bincount(rows.row, minlength=count).astype(np.int32), signals=rows.signal,
    )  # fmt: skip


def _decide(rows: Rows, strength: NDArray[np.uint16], profile: Profile) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Decide in the order of ``decide.decide``, the weakest ground first, so that stronger ones write over it."""
    state, rank = strength >> 8, np.minimum(255 - (strength & 255), _RANKS - 1)
    verdict = np.full(len(state), _ADMIT, dtype=np.uint8)
    reason = np.full(len(state), _NUMBER[decide.ADMITTED], dtype=np.uint16)
    if profile is Profile.STRICT:
        verdict[~rows.basis], reason[~rows.basis] = _REFUSE, _NUMBER[decide.NO_BASIS]
    offered = state == State.CONDITIONAL
    _say(verdict, reason, np.flatnonzero(offered & ~rows.licensed), State.CONDITIONAL, rank)
    taken = offered & rows.licensed
    verdict[taken], reason[taken] = _ADMIT, _NUMBER[decide.ADMITTED_LICENCE]
    missing = rows.required & ~rows.asked
    held = np.flatnonzero((missing != 0) & (state < State.HOLD))
    verdict[held], reason[held] = _HOLD, _first_missing()[missing[held]]
    _say(verdict, reason, np.flatnonzero(state == State.HOLD), State.HOLD, rank)
    faulty = np.flatnonzero((rows.fault != 0) & (state < State.DENY))
    verdict[faulty], reason[faulty] = _HOLD, rows.fault[faulty] - 1 + _NUMBER[FAULTS[1]]
    _say(verdict, reason, np.flatnonzero(state == State.DENY), State.DENY, rank)
    return verdict, reason


def _say(
    verdict: NDArray[np.uint8],
    reason: NDArray[np.uint16],
    at: NDArray[np.int64],
    state: State,
    rank: NDArray[np.uint16],
) -> None:
    verdict[at] = _HOLD if state is State.HOLD else _REFUSE
    reason[at] = _NUMBER[SIGNALS[0] + _SAID[state]] + rank[at]


@cache
def _first_missing() -> NDArray[np.uint16]:
    """Give, for each set of missing carriers, the reason that names the first of them."""
    base = _NUMBER[decide.not_asked(CARRIERS[0])]
    lowest = [(bits & -bits).bit_length() - 1 for bits in range(1 << len(CARRIERS))]
    return np.array([base + max(place, 0) for place in lowest], dtype=np.uint16)


def state_of(levels: int) -> tuple[State, ...]:
    """Undo ``Template.levels``: the state of each category."""
    return tuple(State((levels >> 4 * place & 15).bit_length()) for place in range(len(CATEGORIES)))
