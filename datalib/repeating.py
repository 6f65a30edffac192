"""Repetition in regular expressions that gives nothing back, right on every Python.

Before 3.11.5, Python matches ``(?:…)*+`` wrongly where what is repeated can go back itself (CPython, gh-106052): it
finds nothing where something stands. An atomic group is right there, but takes memory for each repetition.
"""

import sys
from typing import AnyStr, Final

_FORM: Final = "(?:%s)*+" if sys.version_info >= (3, 11, 5) else "(?>(?:%s)*)"


def repeated(pattern: AnyStr) -> AnyStr:
    """Give the pattern that matches another as often as possible, and never less often."""
    if isinstance(pattern, str):
        return _FORM % pattern
    return _FORM.encode() % pattern
