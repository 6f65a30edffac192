"""Whether to ask a site again that gave no answer, and after how long.

What may pass is asked again: no connection, no complete answer, "too many requests" (429), trouble of the server
(5xx, RFC 9309 §2.3.1.4). What a site says in ``Retry-After`` (RFC 9110 §10.2.3) is kept to: a site that wants longer
than ``LONGEST`` is left until the next run.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from datalib.optout.answers import Answer

#: Seconds before the first repetition; each further one waits twice as long.
FIRST = 1.0
#: Seconds that a site may ask to be left alone within one run.
LONGEST = 60.0
_PASSING = frozenset({"dns", "timeout", "refused", "truncated"})
_TOO_MANY = 429
_SERVER = range(500, 600)


def may_pass(status: int | str) -> bool:
    """Say whether this is a trouble that may be over soon, and no answer."""
    return status in _PASSING if isinstance(status, str) else status == _TOO_MANY or status in _SERVER


def seconds_to_wait(answer: Answer, attempt: int, *, now: datetime, chance: float) -> float | None:
    """Say how long to wait before asking again; None: not in this run.

    ``attempt`` counts the repetitions from 0. ``chance`` (0 to 1) spreads those of many sites over time.
    """
    if not may_pass(answer.status):
        return None
    wished = _retry_after(answer, now)
    if wished > LONGEST:
        return None
    usual: float = FIRST * 2**attempt * (0.5 + chance / 2)
    return max(wished, min(usual, LONGEST))


def _retry_after(answer: Answer, now: datetime) -> float:
    """Give the largest ``Retry-After`` in seconds, 0 without one that can be read."""
    values = (value.strip() for name, value in answer.headers if name.lower() == "retry-after")
    return max((_seconds(value, now) for value in values), default=0.0)


def _seconds(value: str, now: datetime) -> float:
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
