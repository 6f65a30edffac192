"""A first glance at a web page: the elements of most say nothing to crawlers and need not be read as a browser does.

``is_silent`` looks at every place where an element that matters might begin, be it in a comment or a script, and asks
whether anything in it could be a statement. It errs to one side only: the elements of a page that it calls silent make
no statement, one that it does not call silent is read. A test holds it to the reader. What a page says in plain words
is not its business.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from datalib.optout.agents import AgentTable
from datalib.optout.page import MAX_BYTES, MAX_TAG, MAX_TAGS, REST
from datalib.optout.robots_lenient import clean
from datalib.optout.signs import MOST

#: A page with more such places, or in which a tag does not end, is read.
_MOST: Final = 512
_TAG: Final = re.compile(rb"""<(?:meta|link|script)(?=[\t\n\f\r />])""" + REST, re.IGNORECASE)
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
#: Names that matter wherever they are part of one, and tokens that matter under any name.
_NAMES: Final = re.compile("robots|bot|crawler|spider|slurp|extended|tdm|content-usage|content-signal|ai-license")
_TOKENS: Final = re.compile("noai|noimageai|noml|disallowaitraining")
_NAMED: Final = re.compile(
    """(?:name|property|http-equiv)[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)|'([^']*)|([^\t\n\f\r >]*))"""
)
#: References to characters that stand for no letter and no sign that matters.
_HARMLESS: Final = re.compile("&(?:amp|quot|apos|lt|gt|nbsp|#0?39|#34|#x27);|&(?![a-z#])")
#: How a letter of ``rsl`` can be written otherwise.
_RSL: Final = re.compile(rb"rsl|&#|\xc5\xbf")
#: The pages of a site have many elements in common: so many are known again, if they are no longer than this.
_KNOWN: Final = 1 << 12
_SHORT: Final = 1 << 8


def is_silent(html: bytes, agent: str, table: AgentTable, places: Sequence[int]) -> bool:
    """Say that the elements of a page make no statement; where that is not plain, say no.

    ``places``: where elements may begin (``signs``).
    """
    if len(html) > MAX_BYTES or len(places) > MOST or html.startswith(_UTF16) or b"\0" in html:
        return False
    size = count = 0
    for place in places:
        found = _TAG.match(html, place)
        if not found:
            continue
        tag = found[0].lower()
        size, count = size + len(tag), count + 1
        if count > _MOST or len(tag) > MAX_TAG or not tag.endswith(b">"):
            return False
        if tag.startswith(b"<meta"):
            if not _is_harmless(tag, agent, table):
                return False
        elif _RSL.search(tag):
            return False
    return size <= MAX_TAGS


def _is_harmless(tag: bytes, agent: str, table: AgentTable) -> bool:
    """Say whether nothing in a meta element can be a statement, however it is spelled."""
    names = _known_names(tag) if len(tag) <= _SHORT else _names(tag)
    return names is not None and not any(name == agent.casefold() or table.get(name) for name in names)


def _names(tag: bytes) -> tuple[str, ...] | None:
    """Give the names in a meta element, or None where it may be a statement whatever agents are called."""
    text = tag.decode("utf-8", "replace")
    if not (text.isascii() and text.isprintable()):
        text = f"{text.casefold()}\n{clean(text).casefold()}"
    if ("&" in text and "&" in _HARMLESS.sub("", text)) or _TOKENS.search(text):
        return None
    names = tuple("".join(named).strip() for named in _NAMED.findall(text))
    return None if any(map(_NAMES.search, names)) else names


_known_names: Final = lru_cache(_KNOWN)(_names)
