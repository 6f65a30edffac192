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
from datalib.optout.maps import take, trim, windows
from datalib.optout.match import Targets, letters_of
from datalib.optout.model import Signal
from datalib.optout.outcome import NO_SITE
from datalib.optout.patterns import canonical_target
from datalib.optout.rsl import Links
from datalib.optout.rule_table import BOTH, CANONICAL, LITERAL, ODD, ROUGH
from datalib.optout.site import SiteStore
from datalib.optout.speaking import Speaking, answers_that_count
from datalib.optout.spool import spread
from datalib.optout.urls import PAD, Fault, Places, places_of

_KEPT_JUDGES = 512


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
    """Site store and judges, joined with URLs. ``speaking`` says which answers of an origin speak."""

    def __init__(self, store: SiteStore, judges: Judges, speaking: Speaking, *, agent: str, table: AgentTable) -> None:
        self.store = store
        self.judges = judges
        self._speaking = speaking
        self._agent = agent
        self._table = table
        self._tables = (store.maps, judges.maps, speaking.maps)
        self._judge = lru_cache(_KEPT_JUDGES)(self._read_judge)

    def find(self, urls: Any, book: Book, places: Places | None = None) -> Findings:
        """Judge a column of URLs; signals that only the reference can make are entered into the book.

        ``places`` are those of the column, where they are known already.
        """
        places = places or places_of(urls)
        site = self.store.lookup(places)
        row, content = self._contents(site)
        contents = self._speaking.contents
        asked = np.zeros(len(site), dtype=np.uint16)
        found = [(row[:0], row[:0])]
        # Contents lie in the tables of judges in the order of their numbers, and so does what they lead to.
        for near in windows(content, len(contents["first"]), self.judges.maps.size):
            at, number = row[near], content[near]
            if self._speaking.single:
                asked[at] = contents["asked"][number]
            else:
                np.bitwise_or.at(asked, at, contents["asked"][number])
            found += [self._everywhere(at, number), self._by_rules(places, at, number)]
            slow = np.flatnonzero(contents["slow"][number])
            if slow.size:
                found.append(self._slowly(places, at[slow], number[slow], book))
            trim(*self._tables)
        rows, signals = (np.concatenate(side) for side in zip(*found, strict=True))
        order = np.argsort(rows, kind="stable")
        return Findings(fault=faults_of(places), asked=asked, row=rows[order], signal=signals[order])

    def answers_of(self, origin: int) -> list[int]:
        """Give the contents that an origin of the store answered, those that count, for whatever path."""
        _, answer = answers_that_count(self.store, self._speaking.since, range(origin, origin + 1))
        numbers: list[int] = answer.tolist()
        return numbers

    def _contents(self, site: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Give the answers that speak about each row, as pairs."""
        row = np.flatnonzero(site >= 0)
        known, speaking = site[row], self._speaking
        first = take(speaking.first, known, *self._tables)
        if speaking.single:
            return row, take(speaking.answer, first, *self._tables)
        counts = take(speaking.first, known + 1, *self._tables) - first
        return np.repeat(row, counts), take(speaking.answer, spread(first, counts), *self._tables)

    def _everywhere(
        self, row: NDArray[np.int64], content: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        contents = self._speaking.contents
        counts = contents["everywhere"][content].astype(np.int64)
        some = np.flatnonzero(counts)
        counts = counts[some]
        return np.repeat(row[some], counts), spread(contents["first"][content[some]], counts)

    def _by_rules(
        self, places: Places, row: NDArray[np.int64], content: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        program = self._speaking.contents["program"][content]
        some = np.flatnonzero(program >= 0)
        if not some.size:
            return row[:0], row[:0]
        row, content, program = row[some], content[some], program[some]
        # Pairs stand for rows here: a URL may be judged by several files.
        pair, effect = self.judges.matcher.decide(_targets(places, row, program))
        return row[pair], self._speaking.contents["first"][content[pair]].astype(np.int64) + effect

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
            return (unreadable(self.store.content(self._origin_of(content)[0])),)

    def _origin_of(self, content: int) -> tuple[int, Links]:
        """Give the content that a number stands for, and what became of its links."""
        return self._speaking.variants.get(content, (content, Links.NOT_ASKED))

    def _read_judge(self, content: int) -> OriginJudge:
        number, links = self._origin_of(content)
        return judge_of(self.store.content(number), self._agent, self._table, links)


def faults_of(places: Places) -> NDArray[np.uint8]:
    """Give why URLs have no site to ask, as numbers of ``outcome.FAULTS``."""
    return np.where(places.fault == Fault.SCHEME, NO_SITE, places.fault).astype(np.uint8)


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
