"""The values of the PLUS property Data Mining, and what each of them means.

Source: PLUS Licence Data Format, controlled vocabulary "Data Mining"; IPTC Photo Metadata Standard 2023.1 and later.
The letter knows URIs of the vocabulary only. Strictly read count bare codes, other spellings of the URI, the labels
that tools show in place of codes, and codes nobody has published yet.
"""

import re
from dataclasses import dataclass
from typing import Final

from datalib.optout.model import NOTHING, Reading, State
from datalib.optout.statement import ALL_USES, TRAINING

VOCABULARY: Final = "http://ns.useplus.org/ldf/vocab/"

_ALL: Final = Reading.of(State.DENY, *ALL_USES)
_EXCEPT_SEARCH: Final = Reading.of(State.DENY, "tdm", "ai_input") | Reading.of(State.ALLOW, "search")
READINGS: Final = {
    "DMI-UNSPECIFIED": NOTHING,
    "DMI-ALLOWED": Reading.of(State.ALLOW, *ALL_USES),
    "DMI-PROHIBITED-AIMLTRAINING": Reading.of(State.DENY, "train_any"),
    "DMI-PROHIBITED-GENAIMLTRAINING": Reading.of(State.DENY, "train_gen"),
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": _EXCEPT_SEARCH,
    "DMI-PROHIBITED": _ALL,
    "DMI-PROHIBITED-SEECONSTRAINT": _ALL,
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": _ALL,
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": _ALL,
}
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)

_NOT_LETTER = re.compile(r"[^a-z]+")
_FILLING = re.compile(r"^dmi|for(?=aiml|genai|generative)|generative(?=ai)")
#: Codes by their letters, as labels and old tools write them: "Prohibited for AI/ML training".
_BY_LETTERS: Final = {_NOT_LETTER.sub("", code.lower()).removeprefix("dmi"): code for code in READINGS} | {
    "unspecifiednoprohibitiondefined": "DMI-UNSPECIFIED",
    "prohibitedseeplusotherconstraints": "DMI-PROHIBITED-SEECONSTRAINT",
    "prohibitedseeotherconstraints": "DMI-PROHIBITED-SEECONSTRAINT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mining:
    """What one value says. ``code`` is None when it is none of the vocabulary."""

    code: str | None
    spec: Reading
    strict: Reading


def judge_value(value: str) -> Mining:
    """Judge one value of the property."""
    text = value.strip()
    code = text.removeprefix(VOCABULARY)
    if code in READINGS:
        letter = READINGS[code] if code != text else NOTHING
        return Mining(code=code, spec=letter, strict=READINGS[code])
    last = re.split(r"[/#]", text.rstrip("/#"))[-1] if "://" in text else text
    letters = _FILLING.sub(_shorter, _NOT_LETTER.sub("", last.lower()))
    known = _BY_LETTERS.get(letters)
    if known:
        return Mining(code=known, spec=NOTHING, strict=READINGS[known])
    return Mining(code=None, spec=NOTHING, strict=_ALL if letters.startswith("prohibit") else _HOLD)


def _shorter(found: re.Match[str]) -> str:
    return "gen" if found[0] == "generative" else ""
