"""Licences of single works: names, SPDX identifiers, short texts in a column or a comment.

A licence that forbids training denies; what speaks of AI and cannot be followed is held. Licences that forbid
commercial use or changes (Creative Commons NC, ND) are silent about mining: they are recorded, decide nothing under
profiles ``kz`` and ``eu``, and are no positive basis under ``strict``. Source: opt-out signals §9, SPDX licence list.
"""

import re
from typing import Final

from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.rights_text import judge_constraint
from datalib.optout.statement import TRAINING, Evidence

SIGNAL: Final = "licence"
LIMITED: Final = "commercial use or changes are forbidden; training is not spoken of"
_NO_TRAINING: Final = Reading.of(State.DENY, *TRAINING)
#: Names of licences that forbid training, written in any way: ``LicenseRef-NoAI``, ``No-Train 1.0``, ``NTDL``.
NAMES = re.compile(
    r"(?<![a-z])(?:no[-_ ]?(?:ai|ml|llm|train(?:ing)?|tdm)|ntdl|no[-_ ]?training[-_ ]?data)(?![a-z])", re.IGNORECASE
)
_LIMITED = re.compile(
    r"(?<![a-z])(?:nc|nd)(?![a-z])|non[-_ ]?commercial|no[-_ ]?deriv|некоммерч|коммерциялық емес", re.IGNORECASE
)
_OPEN = re.compile(
    r"(?<![a-z])(?:cc0|pddl|odc-by|odbl|cc[-_ ]by(?:[-_ ]sa)?|public[-_ ]?domain|mit|apache|bsd|isc|unlicense)"
    r"(?![a-z])|creativecommons\.org/(?:licenses/by(?:-sa)?/|publicdomain/)",
    re.IGNORECASE,
)


def signals(text: str, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signal of a licence, if it forbids training, speaks of AI, or limits use in another way."""
    strict = _NO_TRAINING if NAMES.search(text) else judge_constraint(text)
    if strict == NOTHING and not _LIMITED.search(text):
        return ()
    note = "" if strict != NOTHING else LIMITED
    return (evidence.signal(SIGNAL, Carrier.UNIT, text, spec=NOTHING, strict=strict, note=note),)


def is_basis(text: str) -> bool:
    """Say whether a licence is a positive basis by itself: open, and without a limit that a training set may break."""
    return not is_limited(text) and _OPEN.search(text) is not None


def is_limited(text: str) -> bool:
    """Say whether a licence forbids training, speaks of AI, or forbids commercial use or changes."""
    return bool(NAMES.search(text) or _LIMITED.search(text)) or judge_constraint(text) != NOTHING
