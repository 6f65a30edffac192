"""What the answer to a request for robots.txt means before its body is read (RFC 9309 §2.3.1)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Access(StrEnum):
    """What follows from an answer."""

    PARSE = "parse"  # the body speaks
    ALLOW = "allow"  # there are no rules
    HOLD = "hold"  # nobody can tell; ask again, or ask a person
    DENY = "deny"  # everything is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReading:
    """Both readings of one status; ``note`` says why they differ."""

    spec: Access
    strict: Access
    note: str = ""


_PARSE: Final = StatusReading(spec=Access.PARSE, strict=Access.PARSE)
_ABSENT: Final = StatusReading(spec=Access.ALLOW, strict=Access.ALLOW)
_DOWN: Final = StatusReading(spec=Access.DENY, strict=Access.DENY, note="unreachable: RFC 9309 §2.3.1.4")
_REFUSED: Final = StatusReading(
    spec=Access.ALLOW, strict=Access.DENY, note="the site refuses this client; RFC 9309 §2.3.1.3 reads 'no rules'"
)
_UNCLEAR: Final = StatusReading(spec=Access.ALLOW, strict=Access.HOLD, note="an answer, but not to the question")

_SUCCESS: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_CLIENT: Final = range(400, 500)
_NO_BODY: Final = frozenset({204, 205})
_GONE: Final = frozenset({404, 410})
_KEPT_OUT: Final = frozenset({401, 402, 403, 451})

#: What a fetcher notes when there was no status. Unknown words are read as unreachable.
_WORDS: Final = {
    "redirects": _UNCLEAR,
    "too-large": StatusReading(spec=Access.HOLD, strict=Access.HOLD, note="longer than the reader's bound"),
    "private": StatusReading(spec=Access.HOLD, strict=Access.HOLD, note="not asked: not a public address"),
}


def read_status(status: int | str) -> StatusReading:
    """Read an HTTP status, or the word that stands for a failure (``dns``, ``tls``, ``timeout``)."""
    if isinstance(status, str):
        return _WORDS.get(status, _DOWN)
    if status in _NO_BODY or status in _GONE:
        return _ABSENT
    if status in _SUCCESS:
        return _PARSE
    if status in _KEPT_OUT:
        return _REFUSED
    if status in _CLIENT or status in _REDIRECT:
        return _UNCLEAR
    return _DOWN
