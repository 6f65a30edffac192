"""C2PA and CAWG training-and-data-mining assertions: pure functions over their JSON.

Source: CAWG Training and Data Mining 1.1 (``cawg.training-mining``), C2PA specification 1.4 §18.21
(``c2pa.training-mining``). Entries are independent of each other, and what is absent is unspecified. Both labels,
either prefix of keys, instance suffixes, and assertions without ``entries`` (CAWG 1.0) are read. A denial counts
whatever the validation state of its manifest, an allowance only where its author is known and the manifest is valid.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from datalib.optout.model import CATEGORIES, NOTHING, Reading, State
from datalib.optout.statement import TRAINING

_LABEL = re.compile(
    r"(?:^|\.)(?:ai[-_.]?)?(?:training|data)[-_.]?(?:and[-_.]?)?(?:data[-_.]?)?mining|no[-_]?(?:ai|train)",
    re.IGNORECASE,
)
_NOT_LETTER = re.compile(r"[^a-z]+")
#: Entries by the letters of their keys, without the prefix.
_CATEGORIES: Final = {
    "datamining": "tdm",
    "aiinference": "ai_input",
    "aitraining": "train_any",
    "aigenerativetraining": "train_gen",
    "aigenerativeaitraining": "train_gen",
}
_KEYS: Final = ("key", "name", "category", "label", "type")
_ALLOWED: Final = frozenset({"allowed", "allow", "yes", "true", "permitted"})
_DENIED: Final = frozenset(
    {"notallowed", "denied", "deny", "disallowed", "disallow", "prohibited", "forbidden", "no", "false"}
)
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What assertions say. ``strict`` counts allowances; drop them with ``without_allowances``."""

    found: bool
    spec: Reading
    strict: Reading

    @property
    def allows(self) -> bool:
        """Whether something is allowed."""
        return any(self.strict[name] is State.ALLOW for name in CATEGORIES)

    def without_allowances(self) -> "Training":
        """Give the same without what is allowed: nobody who counts has said it."""
        kept = {name: state for name in CATEGORIES if (state := self.strict[name]) is not State.ALLOW}
        return replace(self, strict=Reading(**kept))


def concerns(label: str) -> bool:
    """Say whether an assertion with this label speaks of training or mining."""
    return _LABEL.search(label) is not None


def read_assertions(assertions: Iterable[Mapping[str, Any]]) -> Training:
    """Read assertions, each a ``{label, data}``; those about other things are passed over."""
    found, spec, strict = False, NOTHING, NOTHING
    for assertion in assertions:
        if concerns(str(assertion.get("label", ""))):
            found = True
            letter, closed = _read_data(assertion.get("data"))
            spec |= letter
            strict |= closed
    return Training(found=found, spec=spec, strict=strict)


def quote(assertion: Mapping[str, Any]) -> str:
    """Write an assertion as one line."""
    kept = {"label": assertion.get("label"), "data": assertion.get("data")}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, default=str)


def _read_data(data: Any) -> tuple[Reading, Reading]:
    if not isinstance(data, Mapping):
        return NOTHING, _HOLD
    spec, strict = NOTHING, NOTHING
    entries = data.get("entries")
    if entries is not None and not isinstance(entries, (Mapping, list)):
        strict |= _HOLD
    for key, entry, exact in _entries(data, entries):
        category = _CATEGORIES.get(_NOT_LETTER.sub("", key.rpartition(".")[2].lower()))
        state, letter = _use(entry)
        if category is None:
            strict |= _HOLD if state > State.ALLOW else NOTHING
            continue
        if letter and exact:
            spec |= Reading(**{category: state})  # to the letter no entry says anything about another
        strict |= Reading.of(state, *(TRAINING if state is State.HOLD else (category,)))
    return spec, strict


def _entries(data: Mapping[str, Any], entries: Any) -> Iterator[tuple[str, Any, bool]]:
    """Give keys, entries, and whether they stand where a specification wants them."""
    if isinstance(entries, list):
        for entry in entries:
            named = entry if isinstance(entry, Mapping) else {}
            key = next((str(named[name]) for name in _KEYS if name in named), "")
            yield key, entry, False
        return
    if isinstance(entries, Mapping):
        for key, entry in entries.items():
            yield str(key), entry, True
    for key, entry in data.items():
        if key != "entries" and _looks_like_entry(str(key), entry):
            yield str(key), entry, True


def _looks_like_entry(key: str, entry: Any) -> bool:
    known = _NOT_LETTER.sub("", key.rpartition(".")[2].lower()) in _CATEGORIES
    return known or (isinstance(entry, Mapping) and "use" in entry)


def _use(entry: Any) -> tuple[State, bool]:
    """Give the state of an entry, and whether the specification knows its form."""
    use = entry.get("use") if isinstance(entry, Mapping) else entry
    if isinstance(use, bool):
        return (State.HOLD if use else State.DENY), False
    if not isinstance(use, str):
        return State.HOLD, False
    exact = isinstance(entry, Mapping)
    word = _NOT_LETTER.sub("", use.lower())
    if word == "constrained":
        info = entry.get("constraint_info") if isinstance(entry, Mapping) else None
        offered = isinstance(info, str) and bool(info.strip())
        return (State.CONDITIONAL if offered else State.DENY), exact
    if word in _DENIED:
        return State.DENY, exact and use == "notAllowed"
    if word in _ALLOWED:
        return (State.ALLOW, True) if exact and use == "allowed" else (State.HOLD, False)
    return State.HOLD, False
