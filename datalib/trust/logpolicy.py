"""Which logs and witnesses we believe, and how many of them: C2SP tlog-policy text.

    log VKEY [URL]
    witness NAME VKEY [URL]
    group NAME any|all|N MEMBER…
    quorum NAME|none

Source: datalib trust specification §8.1; C2SP tlog-policy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from datalib.errors import Refused
from datalib.trust.notes import KeyType, NoteKey

CODE = "E-LOG-POLICY"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"[ \t]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A quorum is reached when ``threshold`` of the members have signed."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """The logs, the witnesses, and their quorum. Groups stand in the order in which they were defined.

    ``urls`` tells where witnesses answer, by the names of this policy, as far as it says.
    """

    logs: tuple[NoteKey, ...]
    witnesses: Mapping[str, NoteKey]
    groups: Mapping[str, Group]
    quorum: str | None
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[NoteKey, ...]:
        """All keys whose signatures mean something here."""
        return (*self.logs, *self.witnesses.values())

    def time(self, signers: Mapping[NoteKey, int | None]) -> int | None:
        """Give the time by which the quorum had signed, or ``None`` if it did not; needs a quorum.

        A witness counts with the time of its cosignature, a group of threshold k with the k-th smallest of its members.
        """
        times = {name: signers.get(key) for name, key in self.witnesses.items()}
        for name, group in self.groups.items():
            reached = sorted(time for member in group.members if (time := times[member]) is not None)
            times[name] = reached[group.threshold - 1] if len(reached) >= group.threshold else None
        return times[self.quorum] if self.quorum is not None else None


def parse(text: str, where: str = "") -> LogPolicy:
    """Read the text of a log policy. Any breach is ``Refused("E-LOG-POLICY")``."""
    if _CONTROL.search(text):
        raise Refused(CODE, where, "control character")
    reader = _Reader(where=where)
    for number, line in enumerate(text.split("\n"), start=1):
        words = _SPACE.split(line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            reader.line = number
            reader.item(words)
    return reader.result()


@dataclass(slots=True, kw_only=True)
class _Reader:
    where: str
    line: int = 0
    logs: list[NoteKey] = field(default_factory=list)
    witnesses: dict[str, NoteKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)
    quorums: list[str] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)

    def item(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self.logs.append(self._key(vkey, KeyType.LOG, self.logs))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._new_name(name)
                if url:
                    self.urls[name] = url[0]
                self.witnesses[name] = self._key(vkey, KeyType.WITNESS, list(self.witnesses.values()))
            case ["group", name, threshold, *members]:
                self._new_name(name)
                self.groups[name] = self._group(threshold, members)
            case ["quorum", name]:
                if name != _NONE:
                    self._defined(name)
                self.quorums.append(name)
            case _:
                self._refuse(f"unknown item {' '.join(words)[:80]!r}")

    def result(self) -> LogPolicy:
        if len(self.quorums) != 1:
            self._refuse(f"{len(self.quorums)} quorums instead of one")
        quorum = None if self.quorums[0] == _NONE else self.quorums[0]
        return LogPolicy(
            logs=tuple(self.logs), witnesses=self.witnesses, groups=self.groups, quorum=quorum, urls=self.urls
        )

    def _key(self, vkey: str, expected: KeyType, others: list[NoteKey]) -> NoteKey:
        key = NoteKey.from_vkey(vkey, expected, CODE, f"{self.where}:{self.line}")
        if any(key.public.keyid == other.public.keyid for other in others):
            self._refuse("the same key twice")
        return key

    def _group(self, threshold: str, members: list[str]) -> Group:
        for member in members:
            self._defined(member)
            if member in self.grouped:
                self._refuse(f"{member[:80]!r} is a member already")
            self.grouped.add(member)
        needed = {"any": 1, "all": len(members)}.get(threshold, 0)
        if _NUMBER.fullmatch(threshold):
            needed = int(threshold)
        if not 1 <= needed <= len(members):
            self._refuse(f"{threshold[:80]!r} of {len(members)} members")
        return Group(threshold=needed, members=tuple(members))

    def _new_name(self, name: str) -> None:
        if name == _NONE or name in self.witnesses or name in self.groups:
            self._refuse(f"the name {name[:80]!r} is taken")

    def _defined(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            self._refuse(f"the name {name[:80]!r} is not defined")

    def _refuse(self, detail: str) -> NoReturn:
        raise Refused(CODE, f"{self.where}:{self.line}", detail)
