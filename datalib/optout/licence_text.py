"""Licences that stand in files: SPDX tags in texts, REUSE files beside them, the licence file of a folder.

A tag names a licence by an SPDX expression (SPDX 2.3 annex D and E, REUSE 3.3). Of the text of a licence only what it
says about training of AI counts: a plain refusal denies, words that a person has to follow hold, silence is silence.
Both are strict readings; no standard makes either a reservation.
"""

import codecs
import re
from collections.abc import Iterable
from typing import Final

from datalib.optout import licence
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.rights_text import judge_licence
from datalib.optout.statement import TRAINING, Evidence

#: Bytes of a text in which tags are looked for (they stand at its head), and of a licence.
MAX_TEXT: Final = 1 << 20
MAX_LICENCE: Final = 4 << 20
_TAG = re.compile(r"SPDX-License-Identifier\s*[:=]\s*([^\r\n]{1,500})")
_PARTS = re.compile(r"[a-z0-9.-]+")
_COMMENT_ENDS = re.compile(r"\s*(?:\*/|-->|--}}|#}|\*\)|\"\"\"|'''|%}|-}).*$")
_LICENCE_FILE = re.compile(r"(?:(?:un)?licen[sc]es?|copying)(?![a-z0-9])", re.IGNORECASE)
_SUFFIX: Final = frozenset({"txt", "md", "rst", "html", "htm", "adoc"})
_LIMITED = re.compile(
    r"attribution[- ]non[- ]?commercial|attribution[- ]no[- ]?deriv|non[- ]?commercial (?:public )?licen[sc]e"
    r"|creativecommons\.org/licenses/by-(?:nc|nd)",
    re.IGNORECASE,
)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
#: Characters at the head of a licence in which its name stands.
_TITLE: Final = 500
_NO_TRAINING: Final = Reading.of(State.DENY, *TRAINING)
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)


def is_licence_file(name: str) -> bool:
    """Say whether a file states the licence of its folder: ``LICENSE``, ``LICENCE.md``, ``COPYING``."""
    base = name.rpartition("/")[2]
    _, dot, suffix = base.rpartition(".")
    if dot and suffix.lower() not in _SUFFIX and not base.isupper():
        return False
    return _LICENCE_FILE.match(base) is not None


def is_own_licence(name: str) -> bool:
    """Say whether a file is the text of a licence that SPDX does not list: ``LICENSES/LicenseRef-NAME.txt`` (REUSE)."""
    folder, _, base = name.rpartition("/")
    return folder.rpartition("/")[2] == "LICENSES" and base.startswith("LicenseRef-")


def is_named(name: str, said: Iterable[str]) -> bool:
    """Say whether SPDX expressions name the licence whose text is in a file of this name."""
    base = name.rpartition("/")[2].casefold()
    named = {part for expression in said for part in _PARTS.findall(expression.casefold())}
    return not named.isdisjoint({base, base.rpartition(".")[0]})


def expressions(data: bytes) -> tuple[str, ...]:
    """Give the SPDX expressions in the tags of a text, each once."""
    said = (_COMMENT_ENDS.sub("", expression).strip() for expression in _TAG.findall(decode(data[:MAX_TEXT])))
    return tuple(dict.fromkeys(said))


def tags(data: bytes, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signals of the SPDX tags of a text."""
    return tuple(signal for expression in expressions(data) for signal in licence.signals(expression, evidence))


def whole(data: bytes, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signals of a file that is a licence, or names one: by its tags and by its words."""
    found = tags(data, evidence)
    if len(data) > MAX_LICENCE:
        note = "longer than the reader's bound"
        return (*found, evidence.signal(licence.SIGNAL, Carrier.UNIT, "", spec=NOTHING, strict=_HOLD, note=note))
    said = decode(data)
    strict, quote = judge_licence(said)
    named = licence.NAMES.search(said, 0, _TITLE)
    if named:
        strict, quote = strict | _NO_TRAINING, quote or named[0]
    note = ""
    if strict == NOTHING:
        limited = _LIMITED.search(said)
        if not limited:
            return found
        quote, note = limited[0], licence.LIMITED
    return (*found, evidence.signal(licence.SIGNAL, Carrier.UNIT, quote, spec=NOTHING, strict=strict, note=note))


def decode(data: bytes) -> str:
    """Decode a text: by its byte order mark, else as UTF-8 with marks where it is not."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    return data.decode("utf-8", "replace")
