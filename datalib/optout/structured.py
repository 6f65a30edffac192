"""Dictionaries of RFC 9651 (Structured Field Values), as far as preference headers need them.

The parser follows RFC 9651 §4.2 and fails as a whole where the RFC says so. It keeps every member in order, repeated
keys included, because a fail-closed reader wants to know what the last occurrence overwrote.
"""

import re
from typing import Final, NamedTuple

MAX_LENGTH: Final = 1 << 16

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*", re.ASCII)
_OWS = re.compile(r"[ \t]*")
_SPACES = re.compile(r" *")
_ITEM = re.compile(
    r"""(?P<token>[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*)
      | (?P<boolean>\?[01])
      | (?P<number>-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15}))(?![0-9.])
      | (?P<string>"(?:[ !\#-\[\]-~]|\\["\\])*")
      | (?P<bytes>:[A-Za-z0-9+/]*={0,2}:)
      | (?P<date>@-?[0-9]{1,15})(?![0-9.])
      | (?P<display>%"(?:[ !\#$&-~]|%[0-9a-f]{2})*")
    """,
    re.ASCII | re.VERBOSE,
)


class Member(NamedTuple):
    """One member: ``kind`` is token, boolean, number, string, bytes, date, display or list; ``text`` is as written."""

    key: str
    kind: str
    text: str


class _NotOneError(ValueError):
    """The text is no dictionary; where does not matter, since RFC 9651 ignores the whole field then."""


def parse_dictionary(text: str) -> tuple[Member, ...] | None:
    """Parse a dictionary; None when it is not one."""
    if len(text) > MAX_LENGTH or not text.isascii():
        return None
    text = text.strip(" ")
    members: list[Member] = []
    place = 0
    try:
        while place < len(text):
            if members:
                place = _comma(text, place)
            member, place = _member(text, place)
            members.append(member)
            place = _skip(_OWS, text, place)
    except _NotOneError:
        return None
    return tuple(members)


def _member(text: str, place: int) -> tuple[Member, int]:
    key = _match(_KEY, text, place)
    place = key.end()
    kind, value = "boolean", "?1"
    if text.startswith("=(", place):
        end = _inner_list(text, place + 2)
        kind, value, place = "list", text[place + 1 : end], end
    elif text.startswith("=", place):
        item = _match(_ITEM, text, place + 1)
        kind, value, place = str(item.lastgroup), item[0], item.end()
    return Member(key[0], kind, value), _parameters(text, place)


def _comma(text: str, place: int) -> int:
    """Pass the comma between two members; something must follow it."""
    if text[place] != ",":
        raise _NotOneError
    return _skip(_OWS, text, place + 1)


def _inner_list(text: str, place: int) -> int:
    place = _skip(_SPACES, text, place)
    while not text.startswith(")", place):
        end = _parameters(text, _match(_ITEM, text, place).end())
        place = _skip(_SPACES, text, end)
        if place == end and not text.startswith(")", place):  # items are separated by blanks
            raise _NotOneError
    return place + 1


def _parameters(text: str, place: int) -> int:
    while text.startswith(";", place):
        place = _match(_KEY, text, _skip(_SPACES, text, place + 1)).end()
        if text.startswith("=", place):
            place = _match(_ITEM, text, place + 1).end()
    return place


def _match(pattern: re.Pattern[str], text: str, place: int) -> re.Match[str]:
    found = pattern.match(text, place)
    if found is None:
        raise _NotOneError
    return found


def _skip(blanks: re.Pattern[str], text: str, place: int) -> int:
    found = blanks.match(text, place)
    return found.end() if found else place
