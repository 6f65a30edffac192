"""Deadlines: what follows from a private register on a given day.

    withdrawals   of consent          15 working days   PDL art. 8(7)
    objections    to automation        3 working days   PDL art. 19-1(3)
    incidents     and corrections      1 working day    PDL art. 25(2)(8)
    notices       of third parties    10 working days   PDL art. 19
    requests      DC art. 41           no term of days
    reviews       risk 1 year, AIL art. 18(1)(4); Order 196/НҚ 10, 5, 5 and PDL art. 10-1 30 working days

The day itself does not count: the first working day is the next one. Whether the law starts there is not settled; it is
the later reading by no more than a day. Source: Personal Data Law (94-V), AI Law (230-VIII), Digital Code (255-VIII).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from datalib.errors import Refused
from datalib.rules import records
from datalib.rules.calendar import Calendar, Due, year_after

#: Working days of each list; of a review by its kind. A year is none.
TERMS: Final[Mapping[str, int | None]] = {"withdrawals": 15, "objections": 3, "incidents": 1, "notices": 10}
REVIEWS: Final[Mapping[str, int | None]] = {"first": 10, "publish": 5, "again": 5, "entry": 30, "risk": None}
#: What an authority has to do, not the operator.
AUTHORITY: Final = frozenset({"first", "publish", "again", "entry"})
_STARTS: Final = {"incidents": "detected", "notices": "handed", "reviews": "started"}
LISTS: Final = ("withdrawals", "objections", "incidents", "notices", "requests", "reviews")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One duty: when it began, when it is due, when it was done. ``due`` is ``None`` where the law names no term.

    ``working_days`` is ``None`` for a year or no term. ``certain``: the calendar knows all days on the way.
    """

    kind: str
    ref: str
    what: str
    since: date
    due: date | None
    working_days: int | None
    certain: bool
    done: date | None
    where: str
    today: date

    @property
    def state(self) -> str:
        """``done``, ``done-late``, ``late`` or ``open``. The day it is due it is not late."""
        if self.done is not None:
            return "done-late" if self.due is not None and self.done > self.due else "done"
        return "late" if self.due is not None and self.today > self.due else "open"

    @property
    def authority(self) -> bool:
        """Whether an authority has to act."""
        return self.kind == "reviews" and self.what in AUTHORITY

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        return {
            "kind": self.kind,
            "ref": self.ref,
            "what": self.what,
            "since": str(self.since),
            "due": str(self.due) if self.due else None,
            "working_days": self.working_days,
            "certain": self.certain,
            "done": str(self.done) if self.done else None,
            "state": self.state,
            "authority": self.authority,
        }


def read(data: bytes, where: str, *, calendar: Calendar, today: date) -> tuple[Deadline, ...]:
    """Read a register and give its deadlines, the earliest first, those without a term last.

    Raises ``Refused("E-RECORD-FORMAT")`` with the place: another form, a day that does not exist or has not come, an
    end before its beginning, a reference used twice.
    """
    value = records.read("register", data, where)
    found = [
        _deadline(kind, number, entry, where, calendar=calendar, today=today)
        for kind in LISTS
        for number, entry in enumerate(value.get(kind, ()))
    ]
    _refuse_twins(found)
    return tuple(sorted(found, key=lambda one: (one.due is None, one.due or one.since, one.kind, one.ref)))


def of_kind(deadlines: tuple[Deadline, ...], kind: str, *states: str) -> Iterator[Deadline]:
    """Pick deadlines of a list that are in one of the states."""
    return (one for one in deadlines if one.kind == kind and one.state in states)


def _deadline(
    kind: str, number: int, entry: Mapping[str, Any], where: str, *, calendar: Calendar, today: date
) -> Deadline:
    place = f"/{kind}/{number}"
    start = _STARTS.get(kind, "received")
    since = records.day(entry[start], where, f"{place}/{start}")
    done = records.day(entry["done"], where, f"{place}/done") if "done" in entry else None
    for name, day in ((start, since), ("done", done or since)):
        if day > today:
            raise Refused("E-RECORD-FORMAT", f"{where}#{place}/{name}", f"{day} has not come yet (today: {today})")
    if done is not None and done < since:
        raise Refused("E-RECORD-FORMAT", f"{where}#{place}/done", f"{done} is before {since}")
    what = entry.get("kind", "")
    days = REVIEWS[what] if kind == "reviews" else TERMS.get(kind)
    due = _due(since, days, yearly=what == "risk", calendar=calendar)
    return Deadline(
        kind=kind,
        ref=entry["ref"],
        what=what,
        since=since,
        due=due.day if due else None,
        working_days=days,
        certain=due.certain if due else True,
        done=done,
        where=f"{where}#{place}",
        today=today,
    )


def _due(since: date, days: int | None, *, yearly: bool, calendar: Calendar) -> Due | None:
    if yearly:
        return Due(day=year_after(since), certain=True)
    return None if days is None else calendar.after(since, days)


def _refuse_twins(found: list[Deadline]) -> None:
    seen = set[tuple[str, str]]()
    for one in found:
        if (one.kind, one.ref) in seen:
            raise Refused("E-RECORD-FORMAT", f"{one.where}/ref", f"{one.ref[:80]!r} is used twice")
        seen.add((one.kind, one.ref))
