"""Reservations in plain words on web pages and in terms of use.

Courts differ on whether plain words bind (opt-out signals §13), so what is found here holds a work back for a person
and never refuses it. On a page of content only a reservation of its own rights counts: an article about the law of
training is none. In terms of use any refusal that is near to training does.
"""

import re
from collections.abc import Iterator
from typing import Final

from datalib.optout.signs import LAWS, MOST, Signs, find_signs, names_subject

MAX_BYTES: Final = 1 << 20
MAX_QUOTE: Final = 500
_GAP = r"[^.;!?]{0,160}?"

_SUBJECT: Final = (
    r"(?:text[- ](?:and|&)[- ]data[- ]mining|data mining|machine learning|(?:ai|model) training"
    r"|train(?:ing)? (?:of )?(?:\w+ )?"
    r"(?:ai|artificial intelligence|llms?|models?)|generative ai"
    r"|text[- ]{1,2}und[- ]data[- ]mining|maschinelle[sn]? lernen|fouille de textes?|entraînement"
    r"|minería de (?:textos|datos)|машинн\w+ обучени\w+"
    r"|обучени\w+ (?:\w+ )?(?:ии\b|нейросет\w+|искусственн\w+ интеллект\w*|модел\w+)"
    r"|интеллектуальн\w+ анализ\w* (?:текст|данн)\w*"
    r"|машиналық оқыту\w*|жасанды интеллект\w*(?: \w+){0,2} оқыту\w*|нейрожелі\w*(?: \w+){0,2} оқыту\w*)"
)
_RIGHTS: Final = (
    r"(?:rights? (?:are |is |be )?(?:expressly )?reserved|reserves? (?:all |the )?rights?|reservation of rights"
    r"|rechte vorbehalten|nutzungsvorbehalt|droits réservés|derechos reservados|diritti riservati"
    r"|права (?:защищены|сохранены)|оставля\w+ за собой прав\w+|құқықтар\w* қорғалған)"
)
_REFUSAL: Final = (
    r"(?:(?:may|must|shall|can) ?not|not permitted|not allowed|prohibited|forbidden"
    r"|without (?:\w+ ){0,4}(?:consent|permission)"
    r"|untersagt|verboten|interdit\w*|prohibid\w+|vietat\w+|запрещ\w+|не (?:допускается|разрешается)"
    r"|без (?:\w+ ){0,2}(?:разрешения|согласия)|тыйым|рұқсатсыз|рұқсат етілмейді)"
)
_LAW: Final = r"44b\s*(?:abs\.?\s*\d\s*)?urhg|4\s*\(3\)[^.]{0,60}2019/790"
_OWN = re.compile(rf"{_LAW}|{_RIGHTS}{_GAP}{_SUBJECT}|{_SUBJECT}{_GAP}{_RIGHTS}")
_ANY = re.compile(
    rf"{_LAW}|{_RIGHTS}{_GAP}{_SUBJECT}|{_REFUSAL}{_GAP}{_SUBJECT}|{_SUBJECT}{_GAP}(?:{_RIGHTS}|{_REFUSAL})"
)
#: Near one of these stands each reservation.
_NEAR_PIECES: Final = (
    "44b", "2019/790", "reserv", "vorbehalt", "réserv", "riservati", "защищены", "сохранены", "оставля", "қорғалған",
)  # fmt: skip
_NEAR: Final = 800  # characters: more than a reservation with its gap is long
_SILENT = re.compile(r"<(script|style|noscript|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_ENTITY: Final = {"&amp;": "&", "&nbsp;": " ", "&#160;": " ", "\xa0": " ", "&copy;": "©"}


def on_page(html: bytes, signs: Signs | None = None) -> str:
    """Give the reservation of its own rights that a page of content holds, or nothing. ``signs``: if they are known."""
    cut = _cut(narrow(html))
    if not _may_reserve(cut, signs if signs and cut is html else find_signs(cut)):
        return ""
    words = _words(cut.decode("utf-8", "replace"))
    places = sorted(at for piece in _NEAR_PIECES for at in _places(piece, words))
    for place in places:
        found = _OWN.search(words, max(place - _NEAR, 0), place + _NEAR)
        if found:
            return found[0][:MAX_QUOTE]
    return ""


def in_terms(html: bytes) -> str:
    """Give the refusal of training that terms of use hold, or nothing."""
    found = _ANY.search(_words(_cut(narrow(html)).decode("utf-8", "replace")))
    return found[0][:MAX_QUOTE] if found else ""


def narrow(html: bytes) -> bytes:
    """Give a page in UTF-8, if it begins with the mark of UTF-16: as browsers read it."""
    encoding = _UTF16.get(html[:2])
    return html[2:].decode(encoding, "replace").encode() if encoding else html


_UTF16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _cut(html: bytes) -> bytes:
    half = MAX_BYTES // 2
    return html if len(html) <= MAX_BYTES else html[:half] + b" " + html[-half:]  # a footer stands at the end


def _places(piece: str, words: str) -> Iterator[int]:
    at = words.find(piece)
    while at >= 0:
        yield at
        at = words.find(piece, at + 1)


_LAWS: Final = re.compile("|".join(LAWS).encode(), re.IGNORECASE)
#: How the rest of a sentence ends, and how its beginning stands, with no markup and no reference in it.
_SENTENCE: Final = 80
_ENDS: Final = re.compile(rb"[^.;!?<>&]{0,80}[.!?]")
_BEGINS: Final = re.compile(rb"[.!?][^.;!?<>&]*\Z")


def _may_reserve(html: bytes, signs: Signs) -> bool:
    """Say quickly whether the words can be there at all: most pages have none, and few have both."""
    if max(len(signs.laws), len(signs.rights)) > MOST or any(_LAWS.match(html, at) for at in signs.laws):
        return True
    return any(_is_open(html, at) for at in signs.rights) and names_subject(html)


def _is_open(html: bytes, at: int) -> bool:
    """Say whether more than the sentence round a place has to be looked at: it does not plainly end, or says enough."""
    begin, end = _BEGINS.search(html, max(at - _SENTENCE, 0), at), _ENDS.match(html, at)
    return begin is None or end is None or names_subject(html[begin.start() : end.end()])


def _words(text: str) -> str:
    """Give the visible words, in lower case and one blank apart."""
    text = _TAG.sub(" ", _SILENT.sub(" ", text.casefold()))
    for written, meant in _ENTITY.items():
        text = text.replace(written, meant)
    return " ".join(text.split())
