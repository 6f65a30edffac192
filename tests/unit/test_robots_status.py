import pytest

from datalib.optout.answers import FAILURES
from datalib.optout.robots_status import Access, read_status


@pytest.mark.parametrize(
    ("status", "spec", "strict"),
    [
        (200, Access.PARSE, Access.PARSE),
        (206, Access.PARSE, Access.PARSE),
        (204, Access.ALLOW, Access.ALLOW),
        (404, Access.ALLOW, Access.ALLOW),
        (410, Access.ALLOW, Access.ALLOW),
        (401, Access.ALLOW, Access.DENY),
        (451, Access.ALLOW, Access.DENY),
        (429, Access.ALLOW, Access.HOLD),
        (418, Access.ALLOW, Access.HOLD),
        (301, Access.ALLOW, Access.HOLD),
        (500, Access.DENY, Access.DENY),
        (100, Access.DENY, Access.DENY),
        ("dns", Access.DENY, Access.DENY),
        ("timeout", Access.DENY, Access.DENY),
        ("redirects", Access.ALLOW, Access.HOLD),
        ("too-large", Access.HOLD, Access.HOLD),
        ("something new", Access.DENY, Access.DENY),
    ],
)
def test_a_status_has_two_readings(status: int | str, spec: Access, strict: Access) -> None:
    reading = read_status(status)
    assert (reading.spec, reading.strict) == (spec, strict)


def test_no_failure_lets_anybody_in() -> None:
    assert all(read_status(failure).strict in {Access.HOLD, Access.DENY} for failure in FAILURES)
