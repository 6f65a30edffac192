"""Signs in a web page, found in one pass: where elements that matter may begin, and words that reserve rights.

The pass looks at bytes without two of their bits, whereby the cases of a letter are the same in UTF-8, and some other
letters too. So it errs to one side only: it may see a sign where none is, and overlooks none. A test holds this against
every character that Unicode knows.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

#: Pieces of words, which no letter can spoil that becomes two in another case. In each reference to the law stands one
#: of the first, in each reservation of rights one of the second, in each name of its subject one of the third.
LAWS: Final = ("urhg", "2019/790")
RIGHTS: Final = ("reserv", "orbehal", "réserv", "riserv", "защищены", "хранены", "тавля", "рғалған")
SUBJECTS: Final = (
    "mining", "earning", "rain", "generative", "ernen", "ouille", "entraîn", "miner", "бучени", "анализ", "қыту",
)  # fmt: skip
#: Letters that have a third form, which no bit tells.
FORMS: Final = {"s": "\N{LATIN SMALL LETTER LONG S}", "в": "\u1c80", "т": "\u1c84\u1c85"}
_TAGS: Final = ("<meta", "<link", "<scrip")

#: How much is looked at together, so that it stays in the caches; signs that begin in it may reach behind it.
_STEP: Final = 1 << 16
_REACH: Final = 32
#: Of each kind so many signs are told at most, and one more.
MOST: Final = 1 << 10
_BITS: Final = 0x21


class Signs(NamedTuple):
    """Places in a page: ``tags`` of what may be elements, ``laws`` and ``rights`` of pieces of words."""

    tags: list[int]
    laws: list[int]
    rights: list[int]


def find_signs(html: bytes) -> Signs:
    """Find the signs in a page; of each kind not more than ``MOST`` and one."""
    signs = Signs([], [], [])
    find, kinds = _matcher("page")
    for start, found in _found(find, html):
        for number, place, _ in found:
            places = signs[kinds[number]]
            if place < _STEP and len(places) <= MOST:
                places.append(start + place)
    return signs


def names_subject(html: bytes) -> bool:
    """Say whether a name of what rights are reserved for may be in a text."""
    return any(found for _, found in _found(_matcher("subjects")[0], html))


def _found(find: "BytesAhoCorasick", html: bytes) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
    """Give what is found in each part of a page, with its place; what begins behind the part is in the next one too."""
    import numpy as np

    data, bits = np.frombuffer(html, dtype=np.uint8), np.uint8(_BITS)
    for start in range(0, len(html), _STEP):
        part = data[start : start + _STEP + _REACH] | bits
        yield start, find.find_matches_as_indexes(part.data)


@cache
def _matcher(name: str) -> tuple["BytesAhoCorasick", list[int]]:
    """Give the automaton of a list of signs, and the kind of each of these."""
    from ahocorasick_rs import BytesAhoCorasick, MatchKind

    groups = (_TAGS, LAWS, RIGHTS) if name == "page" else (SUBJECTS,)
    found = dict.fromkeys((sign, kind) for kind, group in enumerate(groups) for sign in spelled(group))
    return BytesAhoCorasick([sign for sign, _ in found], MatchKind.LeftmostFirst), [kind for _, kind in found]


def spelled(pieces: Iterable[str]) -> Iterator[bytes]:
    """Give all spellings of pieces, as bytes without the bits that do not count."""
    for piece in pieces:
        for letters in product(*(letter + FORMS.get(letter, "") for letter in piece)):
            yield bytes(byte | _BITS for byte in "".join(letters).encode())
