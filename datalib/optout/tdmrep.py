"""TDMRep, the TDM Reservation Protocol: well-known file, headers, meta elements, policies.

Source: W3C Community Group Final Report of 10 May 2024. ``1`` reserves the rights of text and data mining, ``0`` does
not, anything else is a protocol error and says nothing to the letter. Carriers supersede each other in the order file,
header, HTML, embedded metadata; strictly read any reservation stands. ``0`` is no licence to train.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from datalib.optout.model import Carrier, Reading, Signal, State
from datalib.optout.patterns import canonical_pattern, canonical_target, escape_pattern, matches
from datalib.optout.statement import Evidence, held

CARRIERS: Final = ("file", "header", "html", "embedded")
MAX_BYTES: Final = 8 << 20

_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|script|\?xml)", re.IGNORECASE)
_RESERVATION_KEYS: Final = ("tdm-reservation", "tdm_reservation", "tdm:reservation", "tdmreservation", "reservation")
_YES: Final = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What is declared about one path or resource.

    ``reservation`` and ``policy`` are the letter (None: not set); ``strict`` is the state of text and data mining.
    """

    reservation: int | None = None
    policy: str | None = None
    strict: State = State.UNKNOWN
    raw: str = ""


NOTHING: Final = Declaration()
_UNREADABLE: Final = Declaration(strict=State.HOLD)


class _Entry(NamedTuple):
    location: str | None
    reservation: int | None
    strict: State
    policy: str | None
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WellKnown:
    """A parsed ``/.well-known/tdmrep.json``. ``well_formed``: an array, as the report wants it."""

    entries: tuple[_Entry, ...]
    well_formed: bool
    readable: bool

    def declare(self, target: str) -> Declaration:
        """Give what the file says about a path with query.

        To the letter the first matching entry counts. The report also points to the longest match: where the two
        differ, the strict reading takes the one that reserves.
        """
        if not self.readable:
            return _UNREADABLE
        spelled = canonical_target(target)
        found = [entry for entry in self.entries if _covers(entry.location, target, spelled)]
        if not found:
            return NOTHING
        first = found[0]
        longest = max(found, key=lambda entry: len(entry.location or ""))
        exact = self.well_formed and first.reservation is not None and first.location
        unset = max((entry.strict for entry in found if entry.reservation is None), default=State.UNKNOWN)
        return Declaration(
            reservation=first.reservation if exact else None,
            policy=first.policy if exact else None,
            strict=max(first.strict, longest.strict, unset),
            raw=first.raw if first.strict >= longest.strict else longest.raw,
        )


def parse(body: bytes) -> WellKnown:
    """Parse the file. A web page in its place says nothing; what is not JSON is unreadable."""
    text = body[:MAX_BYTES].decode("utf-8-sig", "replace")
    if not text.strip() or _HTML.match(text):
        return WellKnown(entries=(), well_formed=True, readable=True)
    try:
        value = json.loads(text) if len(body) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return WellKnown(entries=(_entry(value),), well_formed=False, readable=True)
    if not isinstance(value, list):
        return WellKnown(entries=(), well_formed=False, readable=False)
    return WellKnown(entries=tuple(map(_entry, value)), well_formed=True, readable=True)


def declare_value(value: str | None, policy: str | None = None) -> Declaration:
    """Read the value of a header or a meta element."""
    if value is None or not value.strip():
        return Declaration(policy=policy)
    text = value.strip()
    if text in {"0", "1"}:
        return Declaration(reservation=int(text), policy=policy, strict=_plain(int(text), policy), raw=value)
    meant = text.strip("\"'") == "1"
    return Declaration(policy=policy, strict=State.DENY if meant else State.HOLD, raw=value)


def settle(found: Mapping[str, int | None]) -> tuple[int | None, State]:
    """Settle the reservations of several ``CARRIERS``: to the letter the last that is set counts, strictly any 1."""
    letter = next((found[name] for name in reversed(CARRIERS) if found.get(name) is not None), None)
    states = [State.DENY if value else State.ALLOW for value in found.values() if value is not None]
    return letter, max(states, default=State.UNKNOWN)


def judge_policy(text: str) -> State:
    """Judge an ODRL policy of the profile: what a licence could be had for is conditional, a prohibition denies."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return State.HOLD
    if not isinstance(value, dict):
        return State.HOLD
    if _mining(value.get("prohibition")):
        return State.DENY
    permitted = _mining(value.get("permission"))
    if not permitted:
        return State.HOLD
    free = any(not rule.get("duty") and not rule.get("constraint") for rule in permitted)
    return State.ALLOW if free and not value.get("obligation") else State.CONDITIONAL


def signals(name: str, carrier: Carrier, declaration: Declaration, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signal of one declaration: ``tdmrep``, ``tdmrep-header`` or ``tdmrep-meta``."""
    if declaration.strict is State.UNKNOWN and declaration.reservation is None:
        return ()
    state = {None: State.UNKNOWN, 0: State.ALLOW, 1: State.DENY}[declaration.reservation]
    strict = Reading.of(declaration.strict, "tdm")
    signal = evidence.signal(
        name,
        carrier,
        declaration.raw,
        spec=Reading.of(state, "tdm"),
        strict=held(strict) if declaration.strict is State.HOLD else strict,
        note=f"a licence is offered: {declaration.policy}" if declaration.policy else "",
    )
    return (signal,)


def header_signals(values: Sequence[str], policies: Sequence[str], evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signals of ``tdm-reservation`` header lines, each line alone."""
    policy = policies[0] if policies else None
    return tuple(
        signal
        for value in values
        for signal in signals("tdmrep-header", Carrier.TRANSFER, declare_value(value, policy), evidence)
    )


def _plain(reservation: int, policy: str | None) -> State:
    """Give the strict state of a well-formed value. A policy beside ``0`` contradicts it: nothing is reserved to it."""
    if reservation:
        return State.DENY
    return State.HOLD if policy else State.ALLOW


def _entry(value: Any) -> _Entry:
    raw = json.dumps(value, ensure_ascii=False)[:500]
    if not isinstance(value, dict):
        return _Entry(None, None, State.HOLD, None, raw)
    location = value.get("location")
    policy = value.get("tdm-policy")
    exact = value.get("tdm-reservation")
    path = location if isinstance(location, str) else None
    policy = policy if isinstance(policy, str) else None
    if isinstance(exact, int) and not isinstance(exact, bool) and exact in {0, 1} and path:
        return _Entry(path, exact, _plain(exact, policy), policy, raw)
    said = next((value[key] for key in _RESERVATION_KEYS if key in value), None)
    meant = str(said).strip().casefold()
    strict = State.DENY if meant in _YES and path != "" else State.HOLD
    return _Entry(path or None, None, strict, policy, raw)


def _covers(location: str | None, target: str, spelled: str) -> bool:
    """Say whether an entry speaks about a path; one without a location may speak about any."""
    if location is None:
        return True
    literal = escape_pattern(location if location.startswith(("/", "*")) else "/" + location)
    return matches(literal, target) or matches(canonical_pattern(literal), spelled)


def _mining(rules: Any) -> list[dict[str, Any]]:
    """Give the rules about mining; a rule without a readable action may be about it."""
    listed = rules if isinstance(rules, list) else [rules]
    return [rule for rule in listed if isinstance(rule, dict) and "mine" in str(rule.get("action", "mine"))]
