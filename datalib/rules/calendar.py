"""Working days: which days are worked, as far as a calendar knows.

Monday to Friday are worked, but for days off; a weekend day may be worked instead of another (Labour Code of the
Republic of Kazakhstan, art. 85(3)). Which days these are the Government says year by year: so they are data with a
first and a last day, and beyond it nothing is known. Source of the terms: Personal Data Law (94-V).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from typing import Any, Self

from datalib.errors import Refused
from datalib.rules import records

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The last day of a term. ``certain``: the calendar knows every day on the way."""

    day: date
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days of a country from ``first`` to ``last``: weekdays off, weekend days worked."""

    country: str
    first: date
    last: date
    off: frozenset[date]
    worked: frozenset[date]

    @classmethod
    def parse(cls, data: bytes, where: str) -> Self:
        """Read a calendar, JSON or YAML; ``E-RECORD-FORMAT`` with the place if it has another form."""
        value = records.read("calendar", data, where)
        first, last = records.day(value["from"], where, "/from"), records.day(value["to"], where, "/to")
        off, worked = set[date](), set[date]()
        for number, entry in enumerate(value["days"]):
            place = f"/days/{number}/date"
            day = records.day(entry["date"], where, place)
            if day in off | worked or not first <= day <= last:
                raise Refused("E-RECORD-FORMAT", f"{where}#{place}", f"{day}: named twice, or outside {first}…{last}")
            (worked if entry["kind"] == "working" else off).add(day)
        return cls(country=value["country"], first=first, last=last, off=frozenset(off), worked=frozenset(worked))

    def works(self, day: date) -> bool:
        """Tell whether a day is worked; beyond the calendar, whether it is a weekday."""
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.off)

    def after(self, start: date, days: int) -> Due:
        """Give the last of so many working days; the first is the next working day after ``start``.

        Where the calendar ends, every weekday counts: the term ends then or, if there are days off, later. Where time
        ends, on 31 December 9999, so does the term, and is not certain.
        """
        day, left = start, days
        while left:
            if day == date.max:
                return Due(day=day, certain=False)
            day += _DAY
            left -= self.works(day)
        return Due(day=day, certain=self.first <= start and day <= self.last)


def year_after(start: date) -> date:
    """Give the same day of the next year, 1 March for 29 February; after the year 9999 there is none: its last day."""
    if start.year == MAXYEAR:
        return date.max
    try:
        return start.replace(year=start.year + 1)
    except ValueError:
        return date(start.year + 1, 3, 1)


def describe(calendar: Calendar) -> Mapping[str, Any]:
    """Give the JSON value of what a calendar knows."""
    return {"country": calendar.country, "from": str(calendar.first), "to": str(calendar.last)}
