"""What a producer declares of a library: its purposes and its sources, checked for form and for what the law forbids.

Codes come from the vocabulary; a code that is not in it is allowed and warned of, a forbidden one is refused.
Source: datalib manifest, "sources" and "purpose"; AI Law of the Republic of Kazakhstan, art. 17(3), 23(5) and 27(3).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

from datalib.errors import Refused
from datalib.library.upgrade import Note

_PURPOSE: Final = re.compile(r"[a-z][a-z0-9:-]{0,63}")
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
#: Why works may be in a library (AI Law art. 23(5)): there is no "fair use" for training.
BASES: Final = ("public_domain", "own", "licence", "no_prohibition", "not_a_work")
TITLE_LIMIT: Final = 2000


@cache
def _vocabulary(name: str) -> Mapping[str, Any]:
    import datalib_vocab

    vocabulary: Mapping[str, Any] = json.loads(datalib_vocab.read(name))
    return vocabulary


def check_purposes(codes: Sequence[Any], where: str = "purpose") -> list[Note]:
    """Check declared purposes; warn of codes that the vocabulary does not have.

    Raises ``Refused``: ``E-PURPOSE-MISSING`` for none, ``E-SCHEMA`` for an ill-formed or repeated code,
    ``E-PURPOSE-FORBIDDEN`` for what the law forbids, alone or as a part between colons (``train:social-scoring``).
    """
    if not codes:
        raise Refused("E-PURPOSE-MISSING", where)
    vocabulary = _vocabulary("purposes.json")
    notes = []
    for index, code in enumerate(codes):
        place = f"{where}/{index}"
        if not isinstance(code, str) or not _PURPOSE.fullmatch(code):
            raise Refused("E-SCHEMA", place, f"{str(code)[:80]!r}: a purpose is written a-z 0-9 : -, a letter first")
        if code in codes[:index]:
            raise Refused("E-SCHEMA", place, f"{code} is named twice")
        for part in (code, *code.split(":")):
            if part in vocabulary["forbidden"]:
                raise Refused("E-PURPOSE-FORBIDDEN", place, f"{code} ({vocabulary['forbidden'][part]['source']})")
        if code not in vocabulary["known"]:
            notes.append(Note(code="W-PURPOSE-UNKNOWN", where=place, detail=code))
    return notes


def check_sources(sources: Sequence[Any], where: str = "sources") -> list[Note]:
    """Check the sources of a library, each an object with a ``title`` and the members below.

    Raises ``Refused``: ``E-SOURCE-MISSING`` for none, ``E-SOURCE-LEAK`` for data that became public through a leak,
    ``E-SCHEMA`` for a member of the wrong form. Members that are not ours are not looked at.
    """
    if not sources:
        raise Refused("E-SOURCE-MISSING", where)
    notes = []
    for index, source in enumerate(sources):
        place = f"{where}/{index}"
        if not isinstance(source, Mapping):
            raise Refused("E-SCHEMA", place, "must be an object")
        if not _is_text(source.get("title")) or len(source["title"]) > TITLE_LIMIT:
            raise Refused("E-SCHEMA", f"{place}/title", f"must be a text of 1 to {TITLE_LIMIT} characters")
        for name, (holds, form) in _MEMBERS.items():
            if name in source and not holds(source[name]):
                raise Refused("E-SCHEMA", f"{place}/{name}", f"must be {form}")
        if source.get("origin") == "leak":
            raise Refused("E-SOURCE-LEAK", f"{place}/origin", source["title"])
        if source.get("targeted") and not source.get("targetDefinition"):
            raise Refused("E-SCHEMA", f"{place}/targetDefinition", "is needed with targeted")
        method = source.get("method")
        if method is not None and method not in _vocabulary("methods.json")["known"]:
            notes.append(Note(code="W-METHOD-UNKNOWN", where=f"{place}/method", detail=method))
    return notes


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_code(value: object) -> bool:
    return isinstance(value, str) and bool(_CODE.fullmatch(value))


def _is_period(value: object) -> bool:
    if not isinstance(value, Mapping) or not value or not set(value) <= {"from", "to"}:
        return False
    try:
        days = [date.fromisoformat(value[name]) for name in ("from", "to") if name in value]
    except (TypeError, ValueError):
        return False
    return days == sorted(days)


def _is_crawler(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) <= {"name", "userAgent", "respects"}
        and all(isinstance(value.get(name, ""), str) for name in ("name", "userAgent"))
        and isinstance(value.get("respects", []), list)
        and all(map(_is_text, value.get("respects", [])))
    )


_MEMBERS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "path": (_is_text, "a text: a URL"),
    "method": (_is_code, "a method code such as web-scraping-crawling-textual"),
    "collected": (_is_period, 'an object {"from": DATE, "to": DATE} with dates like 2026-01-31, in order'),
    "basis": (lambda value: value in BASES, f"one of {', '.join(BASES)}"),
    "license": (_is_text, "a text: an SPDX identifier or a URL"),
    "targeted": (lambda value: isinstance(value, bool), "true or false"),
    "targetDefinition": (_is_text, "a text"),
    "origin": (_is_code, "a code of a-z 0-9 -"),
    "crawler": (_is_crawler, "an object of name, userAgent and respects, a list of texts"),
}
