"""What the files of their origins say about a column of URLs: faults, carriers asked, and signals, a batch at a time.

The reference for one URL is ``judge.OriginJudge``; a test holds the two together.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datalib.optout.agents import AgentTable
from datalib.optout.book import Book
from datalib.optout.compiled import judge_of, unreadable
from datalib.optout.judge import OriginJudge
from datalib.optout.judges import Judges
from datalib.optout.linked import answers_that_speak
from datalib.optout.match import Targets, letters_of
from datalib.optout.model import Signal
from datalib.optout.patterns import canonical_target
from datalib.optout.rsl import Links
from datalib.optout.rule_table import BOTH, CANONICAL, LITERAL, ODD, ROUGH
from datalib.optout.site import SiteStore
from datalib.optout.urls import PAD, Fault, Places, places_of

_KEPT_JUDGES = 512
#: Statuses by which a site was not reached: another answer of the same file takes their place.
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found about the rows of a batch. ``row`` and ``signal`` are pairs, in the order of rows.

    ``fault``: why a URL has no place; ``asked``: bits of the files of its origin that were asked.
    """

    fault: NDArray[np.uint8]
    asked: NDArray[np.uint16]
    row: NDArray[np.int64]
    signal: NDArray[np.int64]


class Location:
    """Site store and judges, joined with URLs. ``since`` leaves out answers that are older (seconds since 1970)."""

    def __init__(
        self, store: SiteStore, judges: Judges, *, agent: str, table: AgentTable, since: int | None = None
    ) -> None:
        self.store = store
        self.judges = judges
        self._agent = agent
        self._table = table
        joined = answers_that_speak(store, judges, *answers_that_count(store, since))
        self.first, self.answer, self.contents, self._variants = joined
        self._single = bool((np.diff(self.first) == 1).all())
        self._judge = lru_cache(_KEPT_JUDGES)(self._read_judge)

    def find(self, urls: Any, book: Book, places: Places | None = None) -> Findings:
        """Judge a column of URLs; signals that only the reference can make are entered into the book.

        ``places`` are those of the column, where they are known already.
        """
        places = places or places_of(urls)
        site = self.store.lookup(places)
        row, content = self._contents(site)
        contents = self.contents
        asked = np.zeros(len(site), dtype=np.uint16)
        if self._single:
            asked[row] = contents["asked"][content]
        else:
            np.bitwise_or.at(asked, row, contents["asked"][content])
        found = [self._everywhere(row, content), self._by_rules(places, row, content)]
        slow = np.flatnonzero(contents["slow"][content])
        if slow.size:
            found.append(self._slowly(places, row[slow], content[slow], book))
        rows, signals = (np.concatenate(side) for side in zip(*found, strict=True))
        order = np.argsort(rows, kind="stable")
        self.judges.trim()
        fault = np.where(places.fault == Fault.SCHEME, Fault.NONE, places.fault)  # such an origin cannot be asked
        return Findings(fault=fault.astype(np.uint8), asked=asked, row=rows[order], signal=signals[order])

    def _contents(self, site: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Give the answers that speak about each row, as pairs."""
        row = np.flatnonzero(site >= 0)
        known = site[row]
        first = self.first[known]
        if self._single:
            return row, self.answer[first]
        return _spread(row, first, self.first[known + 1] - first, self.answer)

    def _everywhere(
        self, row: NDArray[np.int64], content: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        counts = self.contents["everywhere"][content]
        some = np.flatnonzero(counts)
        return _spread(row[some], self.contents["first"][content[some]], counts[some])

    def _by_rules(
        self, places: Places, row: NDArray[np.int64], content: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        program = self.contents["program"][content]
        some = np.flatnonzero(program >= 0)
        if not some.size:
            return row[:0], row[:0]
        row, content, program = row[some], content[some], program[some]
        # Pairs stand for rows here: a URL may be judged by several files.
        pair, effect = self.judges.matcher.decide(_targets(places, row, program))
        return row[pair], self.contents["first"][content[pair]].astype(np.int64) + effect

    def _slowly(
        self, places: Places, row: NDArray[np.int64], content: NDArray[np.int32], book: Book
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows: list[int] = []
        signals: list[int] = []
        for at, number in zip(row.tolist(), content.tolist(), strict=True):
            origin = places.data[places.start[at] : places.cut[at]].tobytes().decode("ascii")
            for signal in self._judged(number, places.target(at).decode("ascii"), origin):
                rows.append(at)
                signals.append(book.enter(signal))
        return np.array(rows, dtype=np.int64), np.array(signals, dtype=np.int64)

    def _judged(self, content: int, target: str, origin: str) -> tuple[Signal, ...]:
        """Let the reference judge one target; where it fails, the target is held."""
        try:
            return self._judge(content).judge(target, origin)
        except Exception:  # noqa: BLE001 (whatever a file of a site provokes holds the works of that site)
            return (unreadable(self.store.content(self._variants.get(content, (content, Links.NOT_ASKED))[0])),)

    def _read_judge(self, content: int) -> OriginJudge:
        number, links = self._variants.get(content, (content, Links.NOT_ASKED))
        return judge_of(self.store.content(number), self._agent, self._table, links)


def _targets(places: Places, row: NDArray[np.int64], program: NDArray[np.int32]) -> Targets:
    """Give the targets of some rows; those with octets that have several spellings stand twice."""
    data, start, end = places.data, places.cut[row], places.end[row]
    letters = letters_of(data, start, end)
    spelling = np.full(len(row), BOTH, dtype=np.uint8)
    pair = np.arange(len(row))
    odd = np.flatnonzero(letters & (ODD | ROUGH) != 0)
    if odd.size:
        literal = [places.target(at) for at in row[odd].tolist()]
        canonical = [canonical_target(text.decode("ascii")).encode() for text in literal]
        twice = np.array([a != b for a, b in zip(literal, canonical, strict=True)], dtype=np.bool_)
        texts = [*literal, *(text for text, differs in zip(canonical, twice, strict=True) if differs)]
        ends = np.cumsum([0, *map(len, texts)]) + len(data)
        data = np.concatenate([data, np.frombuffer(b"".join(texts) + bytes(PAD), dtype=np.uint8)])
        start[odd], end[odd] = ends[: odd.size], ends[1 : odd.size + 1]
        spelling[odd[twice]] = LITERAL
        start, end = np.concatenate([start, ends[odd.size : -1]]), np.concatenate([end, ends[odd.size + 1 :]])
        fresh = letters_of(data, ends[:-1], ends[1:])
        letters[odd] = fresh[: odd.size]
        letters = np.concatenate([letters, fresh[odd.size :]])
        spelling = np.concatenate([spelling, np.full(len(start) - len(row), CANONICAL, dtype=np.uint8)])
        pair, program = np.concatenate([pair, odd[twice]]), np.concatenate([program, program[odd[twice]]])
    return Targets(data=data, start=start, end=end, row=pair, program=program, spelling=spelling, letters=letters)


def _spread(
    row: NDArray[np.int64], first: NDArray[np.int64], counts: NDArray[Any], values: NDArray[Any] | None = None
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Repeat each row for ``counts`` numbers from ``first`` on, or for the values that stand there."""
    counts = counts.astype(np.int64)
    ends = np.cumsum(counts)
    numbers = np.repeat(first - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
    return np.repeat(row, counts), numbers if values is None else values[numbers]


def answers_that_count(store: SiteStore, since: int | None) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Choose the answers of each origin: not too old, and no failure where the same file was read another time.

    Several readings of one file all count: of these, the strongest wins.
    """
    answers, first = store.answers, store.first
    site = np.repeat(np.arange(len(first) - 1), np.diff(first))
    content = answers["content"].astype(np.int32)
    keep = np.ones(len(answers), dtype=np.bool_)
    if since is not None:
        keep &= answers["fetched"] >= since
    status = store.contents["status"][content]
    file = site * (len(store.paths) + 1) + store.contents["path"][content]
    reached = (status > 0) & (status < _SERVER_ERROR)
    if len(file) and np.unique(file[keep]).size < int(keep.sum()):
        good = np.unique(file[keep & reached])
        keep &= reached | ~np.isin(file, good)
        _, once = np.unique(np.stack([site, content], axis=1)[keep], axis=0, return_index=True)
        keep = np.isin(np.arange(len(keep)), np.flatnonzero(keep)[once])
    counts = np.bincount(site[keep], minlength=len(first) - 1)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), content[keep]
