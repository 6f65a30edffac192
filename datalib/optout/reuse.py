"""Licences that a ``REUSE.toml`` states for files in and below its folder (REUSE 3.2 and 3.3, version 1 of the file).

By the letter ``precedence`` chooses among what several places state of one file. Here none of them undoes another, as
with licences elsewhere: a refusal counts, whichever file is closer and whatever overrides it. Within one file the last
table that matches holds, and of the earlier ones a refusal that it does not undo: as everywhere, only what is narrower
does (opt-out specification §2, rule 5), by the characters of its path beside the stars.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Self

from datalib.optout import licence
from datalib.optout.licence_text import MAX_TEXT
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.statement import TRAINING, Evidence

NAME: Final = "REUSE.toml"
#: Bytes of such a file, which has to be read whole.
MAX_BYTES: Final = MAX_TEXT
#: Characters of a path with its stars: no file has a longer path (Linux, ``PATH_MAX``).
_MAX_PATH: Final = 1 << 12
_VERSION: Final = 1
_PRECEDENCES: Final = ("closest", "aggregate", "override")
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)
_PIECES: Final = re.compile(r"(?:\\.|[^\\])*", re.DOTALL)
#: A key of so many parts takes its reader time that grows with their square.
_LONG_KEY: Final = re.compile(rb"(?:\.[^.,=\n]{0,80}){65}")
#: An escaped character, any run of characters (``**``, ``**/``), a run within one folder (``*``), a character.
_PIECE: Final = re.compile(r"\\(.)|(\*\*+/?)|(\*)|(.)", re.DOTALL)


def is_reuse_file(name: str) -> bool:
    """Say whether a file is a ``REUSE.toml``, by its name in any case."""
    return name.rpartition("/")[2].lower() == NAME.lower()


class Glob(NamedTuple):
    """A path with stars, as an automaton whose states are bits: nothing that is written in it takes long to match.

    ``moves``: the states that a character leads on from; ``near`` and ``far``: those that stay at any character within
    a folder, and at any at all; ``weight``: the number of characters, and of the last state. ``begin`` is what stands
    before the first star.
    """

    begin: str
    moves: Mapping[str, int]
    near: int
    far: int
    weight: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a path. Raises ValueError where a backslash escapes nothing, nothing is in it, or too much."""
        if not 0 < len(text) <= _MAX_PATH or not _PIECES.fullmatch(text):
            raise ValueError(f"no path: {text[:80]!r}")
        moves: dict[str, int] = {}
        begin, near, far, weight = "", 0, 0, 0
        for escaped, deep, star, plain in _PIECE.findall(text):
            if deep:
                far |= 1 << weight
            elif star:
                near |= 1 << weight
            else:
                moves[escaped or plain] = moves.get(escaped or plain, 0) | 1 << weight
                weight += 1
                begin += "" if near | far else escaped or plain
        return cls(begin, moves, near | far, far, weight)

    def matches(self, path: str) -> bool:
        """Say whether a path relative to the folder of the file is meant."""
        if not self.near or not path.startswith(self.begin):
            return path == self.begin
        states, end = 1, 1 << self.weight
        for character in path:
            if states & end & self.far:
                return True
            stay = states & (self.far if character == "/" else self.near)
            states = (states & self.moves.get(character, 0)) << 1 | stay
            if not states:
                return False
        return bool(states & end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One of the ``[[annotations]]``: its number, what files it is about, their licences as SPDX expressions."""

    number: int
    paths: tuple[Glob, ...]
    licences: tuple[str, ...]

    def weight(self, path: str) -> int:
        """Say how narrowly the table is about a file; -1 where it is not."""
        return max((glob.weight for glob in self.paths if glob.matches(path)), default=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Licensing:
    """What a ``REUSE.toml`` states. ``trouble`` says what of it cannot be read, which holds whatever lies below it.

    ``starred`` and ``named`` are places of tables: with stars in their paths, and by their paths without.
    """

    tables: tuple[Table, ...] = ()
    starred: tuple[int, ...] = ()
    named: Mapping[str, Collection[int]] = field(default_factory=dict)
    trouble: str = ""

    @classmethod
    def of(cls, tables: Sequence[Table], trouble: str) -> Self:
        """Make it of tables in their order."""
        named: dict[str, dict[int, None]] = {}
        starred = dict[int, None]()
        for place, table in enumerate(tables):
            for glob in table.paths:
                if glob.near:
                    starred[place] = None
                else:
                    named.setdefault(glob.begin, {})[place] = None
        return cls(tables=tuple(tables), starred=tuple(starred), named=named, trouble=trouble)

    def about(self, path: str, evidence: Evidence) -> tuple[Signal, ...]:
        """Give the signals about a file; ``path`` is relative to the folder, with slashes."""
        return self._signals(self._stated(path), evidence)

    def licences(self, path: str) -> tuple[str, ...]:
        """Give the SPDX expressions that are stated of a file."""
        return tuple(expression for table in self._stated(path) for expression in table.licences)

    def everything(self, evidence: Evidence) -> tuple[Signal, ...]:
        """Give the signals about any file."""
        return self._signals(self.tables, evidence)

    def _stated(self, path: str) -> Iterator[Table]:
        """Give the tables with a licence that hold for a file: the last, and those that are as narrow as it."""
        narrow: int | None = None
        for place in sorted({*self.starred, *self.named.get(path, ())}, reverse=True):
            table = self.tables[place]
            weight = table.weight(path) if table.licences else -1
            if weight >= (0 if narrow is None else narrow):
                narrow = weight if narrow is None else narrow
                yield table

    def _signals(self, tables: Iterator[Table] | Sequence[Table], evidence: Evidence) -> tuple[Signal, ...]:
        found = [
            signal
            for table in tables
            for expression in table.licences
            for signal in licence.signals(
                expression, replace(evidence, locator=f"{evidence.locator}#annotations/{table.number}")
            )
        ]
        if self.trouble:
            found.append(
                evidence.signal(
                    licence.SIGNAL, Carrier.UNIT, self.trouble, spec=NOTHING, strict=_HOLD, note="cannot be read"
                )
            )
        return tuple(dict.fromkeys(found))


def parse(data: bytes) -> Licensing:
    """Read a ``REUSE.toml``: each table that can be read counts, whatever the others are. Never raises."""
    if len(data) > MAX_BYTES:
        return Licensing(trouble=f"longer than {MAX_BYTES} bytes")
    if _LONG_KEY.search(data):
        return Licensing(trouble="a key of too many parts")
    try:
        said = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Licensing(trouble=str(error)[:200])
    version, listed = said.get("version"), said.get("annotations", [])
    trouble = [] if type(version) is int and version == _VERSION else [f"version: {str(version)[:80]!r}"]
    if not isinstance(listed, list):
        listed = [listed]
        trouble.append("annotations: not an array of tables")
    tables: list[Table] = []
    for number, each in enumerate(listed):
        try:
            tables.append(_table(number, each))
        except ValueError as error:
            trouble.append(f"annotations/{number}: {error}")
    return Licensing.of(tables, "; ".join(trouble)[:2000])


def _table(number: int, said: Any) -> Table:
    """Read a table. Raises ValueError."""
    if not isinstance(said, dict):
        raise ValueError("not a table")  # noqa: TRY004 (what is wrong is the file)
    precedence = said.get("precedence", "closest")
    if precedence not in _PRECEDENCES:
        raise ValueError(f"precedence: {str(precedence)[:80]!r}")
    return Table(
        number=number,
        paths=tuple(map(Glob.parse, _strings(said, "path", [""]))),
        licences=tuple(_strings(said, "SPDX-License-Identifier", [])),
    )


def _strings(said: Mapping[str, Any], key: str, missing: list[str]) -> list[str]:
    """Read a string or a list of strings. Raises ValueError."""
    value = said.get(key, missing)
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ValueError(f"{key}: not a string or a list of strings")
    return listed or missing
