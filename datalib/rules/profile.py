"""Profiles: what an act asks of a manifest, as data that is loaded.

Acts whose text could not be read, or that change every year, are no code here: somebody who has the text writes the
profile. Members are named by JSON pointers; ``*`` stands for every item of a list. Source of the need: AI Law
(230-VIII) art. 22(3) and 27(4), which refer to Resolution 925 and Order 202/НҚ.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from datalib.errors import Refused
from datalib.rules import records
from datalib.rules.case import Answer, Case, Hit

#: Acts that rules refer to and that only a profile can bring.
KNOWN: Final = ("kz-925", "kz-202")
_ABSENT: Final = object()
#: An item of a list (RFC 6901 §4); no list here has more than nine digits of them.
_INDEX: Final = re.compile("0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCheck:
    """One demand: a member that is required, or values, a least or a largest number that are allowed."""

    id: str
    member: str
    severity: str
    article: str
    text: Mapping[str, str]
    remedy: Mapping[str, str]
    required: bool
    values: tuple[Any, ...] | None
    minimum: float | None
    maximum: float | None

    def __call__(self, case: Case) -> Answer:
        """Ask it of a case. A member that is absent breaks only what requires it."""
        for where, value in _select(case.document, self.member.split("/")[1:], ""):
            if value in (_ABSENT, None, "", [], {}):
                if self.required:
                    yield Hit(where=where)
            elif not self._allows(value):
                yield Hit(where=where, detail=str(value)[:80])

    def _allows(self, value: Any) -> bool:
        if self.values is not None and not any(_same(value, allowed) for allowed in self.values):
            return False
        if self.minimum is None and self.maximum is None:
            return True
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One act: its code, its title by language, its date, where its text was read, what it asks."""

    act: str
    title: Mapping[str, str]
    date: date
    source: str
    checks: tuple[ProfileCheck, ...]

    @classmethod
    def parse(cls, data: bytes, where: str) -> Self:
        """Read a profile, JSON or YAML; ``E-RECORD-FORMAT`` with the place if it has another form."""
        value = records.read("profile", data, where)
        checks = tuple(_check(value["act"], entry) for entry in value["checks"])
        names = [check.id for check in checks]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise Refused("E-RECORD-FORMAT", f"{where}#/checks/{number}/id", f"{name!r} is used twice")
        return cls(
            act=value["act"],
            title=value["title"],
            date=records.day(value["date"], where, "/date"),
            source=value["source"],
            checks=checks,
        )


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: 1 is 1.0, but no ``true``."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _check(act: str, entry: Mapping[str, Any]) -> ProfileCheck:
    return ProfileCheck(
        id=f"{act}:{entry['id']}",
        member=entry["member"],
        severity=entry["severity"],
        article=entry.get("article", ""),
        text=entry["text"],
        remedy=entry.get("remedy", {}),
        required=entry.get("required", False),
        values=tuple(entry["values"]) if "values" in entry else None,
        minimum=entry.get("minimum"),
        maximum=entry.get("maximum"),
    )


def _select(value: Any, steps: list[str], where: str) -> Iterator[tuple[str, Any]]:
    """Give what a pointer names, each with its place; where the way ends, the place and nothing."""
    if not steps:
        yield where, value
        return
    step, rest = steps[0], steps[1:]
    if step == "*":
        if not isinstance(value, list) or not value:
            yield "/".join((where, *steps)), _ABSENT
        else:
            for number, item in enumerate(value):
                yield from _select(item, rest, f"{where}/{number}")
        return
    name = step.replace("~1", "/").replace("~0", "~")
    if isinstance(value, Mapping) and name in value:
        yield from _select(value[name], rest, f"{where}/{step}")
    elif isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
        yield from _select(value[int(step)], rest, f"{where}/{step}")
    else:
        yield "/".join((where, *steps)), _ABSENT
