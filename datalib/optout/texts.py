"""What a text says about its own use: SPDX tags, the words of a licence, REUSE.toml, declarations in JSON.

JSON holds the metadata of tokens (``dataMiningPreference``, ERC-7517) and records of the AT protocol, among them an
account's declaration about the use of what it published (``org.user-intents.declaration``, proposal 0008).
"""

import json
from typing import Any, Final

from datalib.optout import declared, licence_text, reuse
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.statement import TRAINING, Evidence

#: Bytes of JSON, which has to be read whole.
MAX_JSON: Final = 8 << 20
#: Values of a file in JSON that are looked at.
_MAX_VALUES: Final = 1 << 20
_PREFERENCE: Final = "dataMiningPreference"
_MARKS: Final = (declared.INTENTS.encode(), _PREFERENCE.encode())
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)


def bound_of(name: str, *, licence: bool = False) -> int:
    """Say how many bytes of a text have to be read; where there are more, one more."""
    most = licence_text.MAX_LICENCE if licence or licence_text.is_licence_file(name) else licence_text.MAX_TEXT
    return (MAX_JSON if is_json(name) else most) + 1


def is_json(name: str) -> bool:
    """Say whether a file may be one value of JSON."""
    return name.lower().endswith(".json")


def signals(name: str, data: bytes, evidence: Evidence, *, licence: bool = False) -> tuple[Signal, ...]:
    """Give what a text says. ``licence``: it is one, or names one, whatever its name. Never raises."""
    if licence or licence_text.is_licence_file(name):
        return licence_text.whole(data, evidence)
    found = licence_text.tags(data, evidence)
    if reuse.is_reuse_file(name):
        return found + reuse.parse(data).everything(evidence)
    return found + (_of_json(data, evidence) if is_json(name) and any(mark in data for mark in _MARKS) else ())


def _of_json(data: bytes, evidence: Evidence) -> tuple[Signal, ...]:
    try:
        objects = _objects(json.loads(licence_text.decode(data))) if len(data) <= MAX_JSON else None
    except (ValueError, RecursionError):
        objects = None
    if objects is None:
        return (_unread(evidence, "the JSON cannot be read, or is too large"),)
    found: list[Signal] = []
    for each in objects:
        if each.get("$type") == declared.INTENTS:
            found += declared.user_intents(each, evidence)
        if _PREFERENCE in each:
            preference = each[_PREFERENCE]
            said = declared.erc7517(preference, evidence)
            known = isinstance(preference, dict) or preference is None
            found += said if known else (_unread(evidence, "not in the form of ERC-7517"),)
    return tuple(dict.fromkeys(found))


def _objects(value: Any) -> list[dict[str, Any]] | None:
    """Give all objects in a value, at any depth; None where it holds too much."""
    left, found = [value], list[dict[str, Any]]()
    for _ in range(_MAX_VALUES):
        if not left:
            return found
        each = left.pop()
        if isinstance(each, dict):
            found.append(each)
            left.extend(each.values())
        elif isinstance(each, list):
            left.extend(each)
    return None


def _unread(evidence: Evidence, note: str) -> Signal:
    return evidence.signal("erc-7517", Carrier.UNIT, "", spec=NOTHING, strict=_HOLD, note=note)
