"""Reservations in plain words on web pages and in terms of use.

Courts differ on whether plain words bind (opt-out signals §13), so what is found here holds a work back for a person
and never refuses it. On a page of content only a reservation of its own rights counts: an article about the law of
training is none. In terms of use any refusal that is near to training does.
"""

import re
from typing import Final

MAX_BYTES: Final = 1 << 20
MAX_QUOTE: Final = 500
_GAP = r"[^.;!?]{0,160}?"

_SUBJECT: Final = (
    r"(?:text[- ](?:and|&)[- ]data[- ]mining|data mining|machine learning|(?:ai|model) training"
    r"|train(?:ing)? (?:of )?(?:\w+ )?"
    r"(?:ai|artificial intelligence|llms?|models?)|generative ai"
    r"|text[- ]und[- ]data[- ]mining|maschinelle[sn]? lernen|fouille de textes?|entraînement"
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
_SILENT = re.compile(r"<(script|style|noscript|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_ENTITY: Final = {"&amp;": "&", "&nbsp;": " ", "&#160;": " ", "\xa0": " ", "&copy;": "©"}


def on_page(html: bytes) -> str:
    """Give the reservation of its own rights that a page of content holds, or nothing."""
    return _find(_OWN, html)


def in_terms(html: bytes) -> str:
    """Give the refusal of training that terms of use hold, or nothing."""
    return _find(_ANY, html)


def _find(pattern: re.Pattern[str], html: bytes) -> str:
    half = MAX_BYTES // 2
    cut = html if len(html) <= MAX_BYTES else html[:half] + b" " + html[-half:]  # a footer stands at the end
    found = pattern.search(_words(cut.decode("utf-8", "replace")))
    return found[0][:MAX_QUOTE] if found else ""


def _words(text: str) -> str:
    """Give the visible words, in lower case and one blank apart."""
    text = _TAG.sub(" ", _SILENT.sub(" ", text.casefold()))
    for written, meant in _ENTITY.items():
        text = text.replace(written, meant)
    return " ".join(text.split())
