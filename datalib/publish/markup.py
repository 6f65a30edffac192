"""HTML and SVG as values: every text is escaped where it enters, so that no name of others becomes markup.

What turns the direction of a line or cannot be seen at all is written out (``[U+202E]``), and foreign texts stand in
elements that keep their direction to themselves (``bdi``). Source: HTML Living Standard, 13.3; UAX #9.
"""

import re
from html import escape
from typing import Final

from datalib.forms.page import clean

#: Longest text that is shown whole, in characters; the manifest has the rest.
SHOWN: Final = 600
_INVISIBLE: Final = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_VOID: Final = frozenset({"meta", "link", "input", "col", "br"})


class Markup(str):
    """A piece of a page that is markup already."""

    __slots__ = ()


Attribute = str | int | float | None
Child = str | None


def shown(text: str, limit: int = SHOWN) -> str:
    """Give a text as it is shown, unescaped: at most so many characters, nothing invisible, how much was left out."""
    rest = len(text) - limit
    if len(text) <= limit and text.isprintable():
        return text  # what is invisible or forbidden is not printable: most texts end here
    cut = text[:limit] + (f"… (+{rest})" if rest > 0 else "")
    return _INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", clean(cut))


def plain(text: str, limit: int = SHOWN) -> Markup:
    """Escape a text of our own, or markup to be left as it is."""
    return text if isinstance(text, Markup) else Markup(escape(shown(text, limit)))


def said(text: str, lang: str | None = None, limit: int = SHOWN) -> Markup:
    """Write what somebody else said, in its language if that is known."""
    return tag("bdi", shown(text, limit), lang=lang)


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Write an element; children that are not markup are escaped, attributes that are ``None`` left out.

    Names of attributes are written with ``_`` for ``-`` and may end in one (``class_``).
    """
    listed = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{listed}>")
    return Markup(f"<{name}{listed}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Put pieces one after another."""
    return Markup("".join(plain(child, len(child)) for child in children if child is not None))
