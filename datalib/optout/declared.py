"""Statements that travel apart from pages and sites: book metadata, declarations by code, account and token records.

Readers of values that somebody else has found: ONIX usage terms, TDM-AI declarations, the user intents of the AT
protocol, ERC-7517. They give both readings; nothing here raises, whatever the value.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.statement import TRAINING, Evidence

Signals = tuple[Signal, ...]

_HOLD: Final = Reading.of(State.HOLD, *TRAINING)

#: EDItEUR list 146, EpubUsageStatus.
_ONIX_STATUS: Final = {"01": State.ALLOW, "02": State.CONDITIONAL, "03": State.DENY}
#: EDItEUR list 145, EpubUsageType: mining, and mining for a reader's private use of AI.
_ONIX_MINING: Final = "11"
_ONIX_PRIVATE: Final = frozenset({"13", "14"})

_TDM_AI: Final = {"tdm": "tdm", "ai training": "train_any", "generative ai training": "train_gen"}
_TDM_AI_WORDS: Final = {"usagereservation": State.DENY, "usagepermission": State.ALLOW}

#: The type of a record of the AT protocol with user intents.
INTENTS: Final = "org.user-intents.declaration"
_DOMAIN: Final = "org.user-intents."
#: Intents and the categories they are about: to the letter, strictly.
_INTENT: Final = {
    "syntheticContentGeneration": (("train_gen",), TRAINING),
    "bulkDataset": ((), TRAINING),
}

_ERC7517: Final = {
    "dataMining": "tdm", "aiInference": "ai_input", "aiTraining": "train_any", "aiGenerativeTraining": "train_gen",
}  # fmt: skip
_ERC7517_WORDS: Final = {
    "allowed": (State.ALLOW, State.ALLOW),
    "notAllowed": (State.DENY, State.DENY),
    "constrained": (State.CONDITIONAL, State.DENY),  # the terms are not in the record
}


class Declared(NamedTuple):
    """What a declaration says of training a work that it names: the strongest state that was read."""

    identifier: str
    state: State


def of_json(text: str) -> Declared | None:
    """Read a declaration that names its work: ``iscc`` with TDM-AI uses, or ``isbn`` with an ONIX usage; else None."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    evidence = Evidence(locator="", sha256="")
    named = {str(key).casefold(): item for key, item in value.items()} if isinstance(value, dict) else {}
    iscc, isbn = named.get("iscc"), named.get("isbn")
    if isinstance(iscc, str) and not isbn:
        known = [name for name in named if name.strip() in _TDM_AI]
        return Declared(iscc, _strongest(tdm_ai(value, evidence))) if known else None
    if isinstance(isbn, str) and not iscc and "EpubUsageType" in value:
        return Declared(isbn, _strongest(onix(value, evidence)))
    return None


def _strongest(signals: Signals) -> State:
    return max((signal.strict.tested for signal in signals), default=State.UNKNOWN)


def onix(usage: Any, evidence: Evidence) -> Signals:
    """Read one usage of an ONIX record: ``{"EpubUsageType": "11", "EpubUsageStatus": "03"}``.

    Source: EDItEUR code lists 145 and 146, issue 73. Usages other than mining say nothing about it.
    """
    kind, status = (_member(usage, name) for name in ("EpubUsageType", "EpubUsageStatus"))
    state = _ONIX_STATUS.get(status, State.HOLD)
    if kind == _ONIX_MINING:
        spec = strict = Reading.of(state, "tdm")
        strict |= Reading.of(state, *TRAINING) if state is State.CONDITIONAL else NOTHING
    elif kind in _ONIX_PRIVATE:  # who refuses mining for private use does not mean to permit it for a training set
        spec = strict = Reading.of(state, "ai_input")
        strict |= Reading.of(state, "tdm") if state > State.ALLOW else NOTHING
    else:
        return ()
    if state is State.HOLD:
        spec, strict = NOTHING, strict | _HOLD
    return (evidence.signal("onix", Carrier.REGISTRY, f"{kind}: {status}", spec=spec, strict=strict),)


def tdm_ai(declaration: Any, evidence: Evidence) -> Signals:
    """Read a TDM-AI declaration: ``usageReservation`` or ``usagePermission`` for each use (docs.tdmai.org)."""
    spec = strict = NOTHING
    for name, value in declaration.items() if isinstance(declaration, Mapping) else ():
        category = _TDM_AI.get(str(name).strip().casefold())
        if category is None:
            continue
        state = _TDM_AI_WORDS.get(str(value).strip().casefold())
        spec |= Reading.of(state, category) if state else NOTHING
        strict |= Reading.of(state, category) if state else _HOLD
    return _signal("tdm-ai", Carrier.REGISTRY, declaration, (spec, strict), evidence)


def user_intents(record: Any, evidence: Evidence) -> Signals:
    """Read the user intents of an account of the AT protocol: each allowed, refused or open (proposal 0008).

    Records spell the names of intents with and without the domain that they belong to.
    """
    if not isinstance(record, Mapping) or record.get("$type", INTENTS) != INTENTS:
        return ()
    spec = strict = NOTHING
    for name, (letter, meant) in _INTENT.items():
        intent = record.get(name, record.get(_DOMAIN + name))
        allowed = intent.get("allow") if isinstance(intent, Mapping) else intent
        if allowed is None:
            continue
        if not isinstance(allowed, bool):
            strict |= _HOLD
            continue
        spec |= Reading.of(State.ALLOW if allowed else State.DENY, *letter)
        strict |= Reading.of(State.ALLOW, *letter) if allowed else Reading.of(State.DENY, *meant)
    return _signal("user-intents", Carrier.UNIT, record, (spec, strict), evidence)


def erc7517(preferences: Any, evidence: Evidence) -> Signals:
    """Read the ``dataMiningPreference`` of a token's metadata (ERC-7517)."""
    spec = strict = NOTHING
    for name, value in preferences.items() if isinstance(preferences, Mapping) else ():
        category = _ERC7517.get(str(name))
        if category is None or value is None:
            continue
        letter, meant = _ERC7517_WORDS.get(str(value), (State.UNKNOWN, State.HOLD))
        spec |= Reading.of(letter, category)
        strict |= Reading.of(meant, category) | (_HOLD if meant is State.HOLD else NOTHING)
    return _signal("erc-7517", Carrier.UNIT, preferences, (spec, strict), evidence)


def _signal(name: str, carrier: Carrier, value: Any, readings: tuple[Reading, Reading], evidence: Evidence) -> Signals:
    spec, strict = readings
    if strict == NOTHING:
        return ()
    said = ", ".join(f"{key}: {item}" for key, item in value.items())
    return (evidence.signal(name, carrier, said, spec=spec, strict=strict),)


def _member(value: Any, name: str) -> str:
    return str(value.get(name) or "").strip() if isinstance(value, Mapping) else ""
