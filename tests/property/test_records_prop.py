"""Files that people write beside a library: whatever they hold, the answer is a value or one of our errors."""

from collections.abc import Callable, Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.errors import Refused
from datalib.rules import checking, deadlines, reading
from datalib.rules.calendar import Calendar
from datalib.rules.profile import Profile

KZ = reading.calendar(None)
READERS: Mapping[str, Callable[[bytes], object]] = {
    "register": lambda data: deadlines.read(data, "f", calendar=KZ, today=date(2026, 11, 25)),
    "waivers": lambda data: checking.read_waivers(data, "f"),
    "profile": lambda data: Profile.parse(data, "f"),
    "calendar": lambda data: Calendar.parse(data, "f"),
}
SAMPLE = """register: 1
withdrawals:
  - {ref: a, received: 2026-11-02, done: 2026-11-03, action: refused, reason: x}
reviews:
  - {ref: b, started: 2026-11-02, kind: risk}
"""


def _read(kind: str, data: bytes) -> None:
    code = where = ""
    try:
        READERS[kind](data)
    except Refused as error:
        code, where = error.code, error.where
    assert code in {"", "E-RECORD-FORMAT"}
    assert where[:1] in {"", "f"}


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_end_in_a_value_or_our_error(kind: str, data: bytes) -> None:
    _read(kind, data)


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(SAMPLE)), length=st.integers(0, 12), text=st.text("-:,{}[]0129a \n#&*!", max_size=6))
def test_a_register_with_a_slip_of_the_pen_ends_in_a_value_or_our_error(place: int, length: int, text: str) -> None:
    _read("register", (SAMPLE[:place] + text + SAMPLE[place + length :]).encode())


@settings(max_examples=150, deadline=None)
@given(start=st.dates(date(2025, 1, 1), date(2026, 12, 31)), days=st.integers(1, 40))
def test_a_term_has_so_many_working_days_and_ends_on_one(start: date, days: int) -> None:
    due = KZ.after(start, days)
    between = [date.fromordinal(n) for n in range(start.toordinal() + 1, due.day.toordinal() + 1)]
    assert sum(map(KZ.works, between)) == days
    assert KZ.works(due.day)
    assert due.certain == (due.day <= KZ.last)
    assert KZ.after(start, days + 1).day > due.day
