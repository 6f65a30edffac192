"""Short names: lower-case slugs for packages and resources, readable in Kazakh and Russian folders too."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_ALLOWED: Final = re.compile(r"[-a-z0-9._/]+")
_OTHER: Final = re.compile(r"[^a-z0-9._]+")
_LENGTH: Final = 80
#: Kazakh and Russian letters in Latin ones, after the Kazakh alphabet of 2021 without its diacritics.
_LATIN: Final = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхыэәғқңөұүһі", "abvgdezijklmnoprstufhyeagqnouuhi", strict=True))
    | {"ё": "io", "ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "iu", "я": "ia"}
)


def is_slug(name: str) -> bool:
    """Tell whether a name may stand as it is. Source: Data Package v1, pattern of ``name``."""
    return bool(_ALLOWED.fullmatch(name))


def slug(text: str, otherwise: str = "resource") -> str:
    """Make a lower-case name of ``a-z 0-9 . _ -`` out of any text; ``otherwise`` if nothing is left of it."""
    # Cyrillic first: taking й apart would lose its mark.
    letters = unicodedata.normalize("NFC", text.lower()).translate(_LATIN)
    plain = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode().lower()
    return _OTHER.sub("-", plain)[:_LENGTH].strip("-._") or otherwise


def unique(name: str, taken: set[str]) -> str:
    """Give ``name`` or the first of ``name-2``, ``name-3`` … that is not taken, and take it."""
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}-{number}", number + 1
    taken.add(chosen)
    return chosen


def distinct(names: Sequence[str]) -> list[str]:
    """Give every column a name of its own: empty ones by number, repeated ones with a number behind."""
    taken = set(names)
    seen: set[str] = set()
    result = []
    for position, given in enumerate(names, 1):
        name = given or f"field{position}"
        if name in seen or (not given and name in taken):
            number = 2
            while f"{name}{number}" in taken or f"{name}{number}" in seen:
                number += 1
            name = f"{name}{number}"
        seen.add(name)
        result.append(name)
    return result
