"""A first glance at a column of headers: most say nothing to crawlers and need not be read line by line.

``silent`` errs to one side only: headers that it calls silent can be read, are not empty, and make no statement. What
it does not call silent is read. A test holds it to the readers.
"""

from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datalib.optout.judge import SPEAKING

#: Octets that a name at a glance may have: visible ASCII without the colon, and without what begins JSON.
_NAME: Final = frozenset(map(chr, range(0x21, 0x7F))) - frozenset(":[{")
_KINDS: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)

#: The letters of words, each with those that may follow it; nothing follows the last.
_Tree = dict[str, "_Tree"]


def silent(column: Any) -> NDArray[np.bool_]:
    """Say of each row whether its headers are plain text, at least one line of them, and none of a name that speaks."""
    if not any(known(column.type) for known in _KINDS):
        return np.zeros(len(column), dtype=np.bool_)
    # As octets: whether a value is UTF-8 does not matter, since the names are ASCII.
    octets = pc.match_substring_regex(column.cast(pa.large_binary()), _pattern())
    found: NDArray[np.bool_] = pc.fill_null(octets, fill_value=False).to_numpy(zero_copy_only=False)
    return found


@cache
def _pattern() -> str:
    """Write the pattern of silent headers for RE2, which reads each octet once, whatever the pattern."""
    tree: _Tree = {}
    for word in SPEAKING - {longer for longer in SPEAKING for word in SPEAKING - {longer} if longer.startswith(word)}:
        place = tree
        for letter in word:
            place = place.setdefault(letter, {})
    line = rf"{_others(tree)}:[^\r\n]*"
    return rf"\A(?:HTTP/[0-9.]+ +[0-9]{{3}}[^\r\n]*[\r\n]+)?{line}(?:[\r\n]+{line})*[\r\n]*\z"


def _others(tree: _Tree) -> str:
    """Write the pattern of the rest of a name that goes on with none of the words of a tree, in any case."""
    strange = _NAME - {form for letter in tree for form in (letter, letter.upper())}
    ways = [f"{_one_of(strange)}{_one_of(_NAME)}*"]
    for letter, after in tree.items():
        if after:  # else the word is whole: whatever begins with it is read
            ways.append(f"{_one_of({letter, letter.upper()})}(?:{_others(after)})?")
    return f"(?:{'|'.join(ways)})"


def _one_of(letters: frozenset[str] | set[str]) -> str:
    return "[" + "".join(rf"\x{ord(letter):02x}" for letter in sorted(letters)) + "]"
