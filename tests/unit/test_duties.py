"""Working days, deadlines, and the files that people write beside a library."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import datalib_vocab
from datalib.errors import Refused, Unchecked
from datalib.rules import checking, deadlines, reading, records
from datalib.rules.calendar import Calendar, Due, describe, year_after
from datalib.rules.case import Case, Hit
from datalib.rules.checking import Waiver
from datalib.rules.profile import Profile
from tests.rules import TODAY

KZ = reading.calendar(None)
DAY = timedelta(days=1)


def _days(year: int) -> list[date]:
    return [date(year, 1, 1) + DAY * number for number in range(365)]


@pytest.mark.parametrize(("year", "working"), [(2025, 246), (2026, 247)])
def test_the_calendar_of_kazakhstan_has_as_many_working_days_as_was_published(year: int, working: int) -> None:
    # 2026 was published with 246; one more since 30 August is no holiday any more.
    assert sum(map(KZ.works, _days(year))) == working


def test_every_day_of_the_calendar_changes_a_day() -> None:
    entries = json.loads(datalib_vocab.read("calendar-kz.json"))["days"]
    for entry in entries:
        day = date.fromisoformat(entry["date"])
        assert (day.weekday() >= 5) == (entry["kind"] == "working"), entry
    assert len(entries) == len(KZ.off) + len(KZ.worked)
    assert describe(KZ) == {"country": "KZ", "from": "2025-01-01", "to": "2026-12-31"}


@pytest.mark.parametrize(
    ("start", "days", "due", "certain"),
    [
        ("2026-11-25", 1, "2026-11-26", True),
        ("2026-11-27", 1, "2026-11-30", True),  # a Friday
        ("2026-11-28", 1, "2026-11-30", True),  # a Saturday
        ("2026-12-15", 1, "2026-12-17", True),  # Independence Day
        ("2026-03-20", 1, "2026-03-26", True),  # Nauryz, two days moved
        ("2026-05-08", 1, "2026-05-12", True),  # Victory Day, moved from a Saturday
        ("2026-08-28", 1, "2026-08-31", True),  # no holiday any more
        ("2025-01-02", 1, "2025-01-05", True),  # a Sunday that was worked
        ("2025-01-02", 2, "2025-01-06", True),
        ("2026-10-23", 15, "2026-11-16", True),
        ("2026-12-30", 1, "2026-12-31", True),
        ("2026-12-31", 1, "2027-01-01", False),  # beyond the calendar every weekday counts
        ("2026-12-21", 15, "2027-01-11", False),
        ("2024-12-31", 1, "2025-01-03", False),
    ],
)
def test_the_first_working_day_is_the_next_one(start: str, days: int, due: str, certain: bool) -> None:
    found = KZ.after(date.fromisoformat(start), days)
    if start.startswith("2024"):
        assert not found.certain
    else:
        assert found == Due(day=date.fromisoformat(due), certain=certain)


def test_a_year_later_is_the_same_day() -> None:
    assert year_after(date(2026, 3, 1)) == date(2027, 3, 1)
    assert year_after(date(2028, 2, 29)) == date(2029, 3, 1)


def test_time_ends_with_the_year_9999() -> None:
    assert year_after(date(9999, 3, 1)) == date.max
    assert KZ.after(date(9999, 12, 30), 15) == Due(day=date.max, certain=False)
    assert reading.today(253_402_300_799) == date.max
    assert reading.today(253_402_300_799 - 86_400) == date.max  # 23:59:59 of the 30th in UTC is the 31st here


def _read(text: str, today: date = TODAY) -> tuple[deadlines.Deadline, ...]:
    return deadlines.read(text.encode(), "r.yaml", calendar=KZ, today=today)


REGISTER = """
register: 1
operator: kz-bin:990140000384
withdrawals:
  - {ref: w-late, received: 2026-11-02}
  - {ref: w-done, received: 2026-11-02, done: 2026-11-23, action: removed, versions: [1.0.0]}
  - {ref: w-slow, received: 2026-11-02, done: 2026-11-24, action: refused, reason: the law asks to keep them}
objections:
  - {ref: o, received: 2026-11-25}
incidents:
  - {ref: i, detected: 2026-11-25, kind: breach, note: laptop lost}
notices:
  - {ref: n, handed: 2026-11-25}
requests:
  - {ref: r, received: 2026-11-25, kind: deletion}
reviews:
  - {ref: v1, started: 2026-11-25, kind: first}
  - {ref: v2, started: 2026-11-25, kind: entry}
  - {ref: v3, started: 2026-11-25, kind: risk}
"""


def test_what_is_due_when() -> None:
    found = {one.ref: one for one in _read(REGISTER)}
    assert list(found) == ["w-done", "w-late", "w-slow", "i", "o", "n", "v1", "v2", "v3", "r"]
    assert {ref: (str(one.due), one.state) for ref, one in found.items()} == {
        "w-late": ("2026-11-23", "late"),
        "w-done": ("2026-11-23", "done"),
        "w-slow": ("2026-11-23", "done-late"),
        "i": ("2026-11-26", "open"),
        "o": ("2026-11-30", "open"),
        "n": ("2026-12-09", "open"),
        "r": ("None", "open"),
        "v1": ("2026-12-09", "open"),
        "v2": ("2027-01-07", "open"),
        "v3": ("2027-11-25", "open"),
    }
    assert [ref for ref, one in found.items() if one.authority] == ["v1", "v2"]
    assert [ref for ref, one in found.items() if not one.certain] == ["v2"]
    assert found["r"].to_dict() == {
        "kind": "requests",
        "ref": "r",
        "what": "deletion",
        "since": "2026-11-25",
        "due": None,
        "working_days": None,
        "certain": True,
        "done": None,
        "state": "open",
        "authority": False,
    }


def test_a_register_may_be_json_too() -> None:
    assert _read('{"register": 1}') == ()


W, OBJ, R = ("register: 1\nwithdrawals:\n", "register: 1\nobjections:\n", "register: 1\nrequests:\n")
TWINS = "  - {ref: r, received: 2026-11-02, kind: deletion}\n"


@pytest.mark.parametrize(
    ("text", "where", "detail"),
    [
        ("register: 2\n", "r.yaml#/register", "1"),
        ("register: 1\nwithdrawal: []\n", "r.yaml#", "withdrawal"),
        (W + "  - {ref: w, received: 02.11.2026}\n", "r.yaml#/withdrawals/0/received", "match"),
        (W + "  - {ref: w, received: 2026-02-30}\n", "r.yaml#/withdrawals/0/received", "no such"),
        (W + "  - {ref: w}\n", "r.yaml#/withdrawals/0", "received"),
        (W + "  - {ref: w, received: 2026-11-26}\n", "r.yaml#/withdrawals/0/received", "not come"),
        (
            OBJ + "  - {ref: o, received: 2026-11-02, done: 2026-11-01, outcome: rejected}\n",
            "r.yaml#/objections/0/done",
            "before",
        ),
        (
            OBJ + "  - {ref: o, received: 2026-11-02, done: 2026-11-30, outcome: rejected}\n",
            "r.yaml#/objections/0/done",
            "not come",
        ),
        (OBJ + "  - {ref: o, received: 2026-11-02, done: 2026-11-03}\n", "r.yaml#/objections/0", "outcome"),
        (
            W + "  - {ref: w, received: 2026-11-02, done: 2026-11-03, action: refused}\n",
            "r.yaml#/withdrawals/0",
            "reason",
        ),
        (R + TWINS + TWINS, "r.yaml#/requests/1/ref", "twice"),
        ("register: 1\nregister: 1\n", "r.yaml", "line 1"),
        ("register: [\n", "r.yaml", "line 2"),
        ("- 1\n", "r.yaml", "not a mapping"),
        ('{"register": 1, "register": 1}', "r.yaml", "register"),
        ('{"register": 1', "r.yaml", ""),
    ],
)
def test_a_fault_in_a_register_is_named_with_its_place(text: str, where: str, detail: str) -> None:
    with pytest.raises(Refused) as refused:
        _read(text)
    assert refused.value.code == "E-RECORD-FORMAT"
    assert refused.value.where == where
    assert detail in refused.value.detail


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(Unchecked, match="E-IO"):
        records.load(tmp_path / "nowhere")
    with pytest.raises(Unchecked, match="E-IO"):
        records.load(tmp_path)
    (tmp_path / "large").write_bytes(b"#" * (records.SIZE_LIMIT + 1))
    with pytest.raises(Refused, match="E-RECORD-FORMAT"):
        records.load(tmp_path / "large")


def _calendar(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "calendar": 1,
        "country": "KZ",
        "from": "2027-01-01",
        "to": "2027-12-31",
        "sources": [{"title": "made for a test", "date": "2026-11-25"}],
        "days": [{"date": "2027-01-04", "kind": "moved"}, {"date": "2027-01-09", "kind": "working"}],
    }
    return {**value, **changes}


def test_a_calendar_of_ones_own_replaces_the_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "2027.json"
    path.write_text(json.dumps(_calendar()))
    mine = reading.calendar(path)
    assert mine.after(date(2027, 1, 1), 1) == Due(day=date(2027, 1, 5), certain=True)
    assert mine.after(date(2027, 1, 8), 1) == Due(day=date(2027, 1, 9), certain=True)
    (tmp_path / "r.yaml").write_text("register: 1\nincidents:\n  - {ref: i, detected: 2026-12-31, kind: block}\n")
    (one,) = reading.register(tmp_path / "r.yaml", mine, 1_800_000_000)
    assert (one.due, one.certain) == (date(2027, 1, 1), False)


@pytest.mark.parametrize(
    "changes",
    [
        {"days": [{"date": "2027-01-04", "kind": "moved"}, {"date": "2027-01-04", "kind": "holiday"}]},
        {"days": [{"date": "2026-12-31", "kind": "holiday"}]},
        {"days": [{"date": "2027-02-29", "kind": "holiday"}]},
        {"sources": []},
        {"to": "2027-13-01"},
    ],
)
def test_a_calendar_with_a_fault_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="E-RECORD-FORMAT"):
        Calendar.parse(json.dumps(_calendar(**changes)).encode(), "c.json")


def test_a_day_begins_in_kazakhstan_five_hours_earlier() -> None:
    assert reading.today(1_795_633_199) == date(2026, 11, 25)
    assert reading.today(1_795_633_200) == date(2026, 11, 26)


def test_waivers_give_a_reason_each() -> None:
    text = "waivers:\n  - {rule: KZ-10, reason: ' no text ', by: A. B., until: 2026-12-31}\n"
    assert checking.read_waivers(text.encode(), "w.yaml") == (
        Waiver(rule="KZ-10", reason="no text", by="A. B.", until=date(2026, 12, 31)),
    )
    for fault in (
        "waivers:\n  - {rule: KZ-10}\n",
        "waivers:\n  - {rule: KZ-10, reason: ' '}\n",
        "waivers:\n  - {rule: KZ-10, reason: x, until: 2026-02-30}\n",
    ):
        with pytest.raises(Refused, match="E-RECORD-FORMAT"):
            checking.read_waivers(fault.encode(), "w.yaml")


def _profile(**changes: Any) -> bytes:
    check = {"id": "1", "member": "/datalib/sector", "severity": "error", "text": {"en": "x"}, "required": True}
    value = {
        "profile": 1,
        "act": "kz-925",
        "title": {"en": "Resolution"},
        "date": "2024-11-07",
        "source": "made for a test",
        "checks": [check],
    }
    return json.dumps({**value, **changes}).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"date": "2024-02-30"},
        {"checks": []},
        {"checks": [{"id": "1", "member": "datalib", "severity": "error", "text": {"en": "x"}, "required": True}]},
        {"checks": [{"id": "1", "member": "/datalib", "severity": "fatal", "text": {"en": "x"}, "required": True}]},
        {"checks": [{"id": "1", "member": "/datalib", "severity": "error", "text": {"en": "x"}}]},
        {"checks": [{"id": "1", "member": "/a", "severity": "error", "text": {"en": "x"}, "required": True}] * 2},
    ],
)
def test_a_profile_with_a_fault_is_refused(changes: dict[str, Any]) -> None:
    assert Profile.parse(_profile(), "p.json").act == "kz-925"
    with pytest.raises(Refused, match="E-RECORD-FORMAT"):
        Profile.parse(_profile(**changes), "p.json")


@pytest.mark.parametrize(
    ("member", "value", "where"),
    [
        ("/sources/1/title", {"sources": [{"title": "a"}, {"title": "b"}]}, []),
        ("/sources/2/title", {"sources": [{"title": "a"}, {"title": "b"}]}, ["/sources/2/title"]),
        ("/sources/01/title", {"sources": [{"title": "a"}, {"title": "b"}]}, ["/sources/01/title"]),
        ("/sources/*/title", {"sources": [{"title": "a"}, {}]}, ["/sources/1/title"]),
        ("/a~1b", {"a/b": 1}, []),
    ],
)
def test_a_member_is_named_by_a_json_pointer(member: str, value: dict[str, Any], where: list[str]) -> None:
    check = {"id": "1", "member": member, "severity": "error", "text": {"en": "x"}, "required": True}
    one = Profile.parse(_profile(checks=[check]), "p.json").checks[0]
    case = Case(document=value, today=TODAY, now=0)
    assert [answer.where for answer in one(case) if isinstance(answer, Hit)] == where


@pytest.mark.parametrize(
    ("allowed", "value", "kept"), [(1, 1.0, True), (1, True, False), (False, 0, False), ("1", 1, False)]
)
def test_values_are_compared_as_json_does(allowed: object, value: object, *, kept: bool) -> None:
    check = {"id": "1", "member": "/a", "severity": "error", "text": {"en": "x"}, "values": [allowed]}
    one = Profile.parse(_profile(checks=[check]), "p.json").checks[0]
    assert (not list(one(Case(document={"a": value}, today=TODAY, now=0)))) == kept
