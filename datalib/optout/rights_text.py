"""Reservations in plain words inside of files: rights notices, comments, constraints.

No standard gives these texts a meaning, so none of them counts to the letter. Strictly read, a plain refusal of
training denies; a text that speaks of it in a way only a person can follow holds the work back.
"""

import re
from typing import Final

from datalib.optout.data_mining import judge_value
from datalib.optout.model import NOTHING, Reading, State
from datalib.optout.statement import TRAINING

_NO_TRAINING: Final = Reading.of(State.DENY, *TRAINING)
_NO_AI: Final = Reading.of(State.DENY, *TRAINING, "ai_input")
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)
_MAX: Final = 1 << 14
_NEAR: Final = 30
_FAR: Final = 100
_OVERLAP: Final = 1 << 10

_WORDS = re.compile(r"\bno(?:image)?ai\b|\bnoml\b")
_CODES = re.compile(r"\bdmi[-: ]\s*(?:prohibited|allowed|unspecified)[a-z-]*")
_SUBJECT: Final = (
    r"(?:\bai\b|\bml\b|\ba\.i\.|artificial intelligence|machine[- ]learning|\bllms?\b|language models?|generative"
    r"|text[- ](?:and|&)[- ]data[- ]mining|data[- ]mining|\btdm\b"
    r"|(?:model|ai|ml) training|train(?:ing)? (?:of )?(?:ai|models?)"
    r"|text[- ]und[- ]data[- ]mining|künstliche[rn]? intelligenz|\bki\b|intelligence artificielle|\bia\b"
    r"|fouille de textes?|inteligencia artificial|minería de (?:textos|datos)|intelligenza artificiale"
    r"|искусственн\w+ интеллект\w*|машинн\w+ обучени\w+|нейросет\w*|\bии\b"
    r"|интеллектуальн\w+ анализ\w* (?:текст|данн)\w*"
    r"|жасанды интеллект\w*|\bжи\b|машиналық оқыту\w*|нейрожелі\w*)"
)
_REFUSAL: Final = (
    r"(?:\bno\b|\bnot\b|\bnever\b|\bwithout\b|prohibit|forbid|reserv|opt(?:s|ed)?[- ]?out|\bdeny|denied"
    r"|disallow|\bdon'?t\b"
    r"|\bkein|\bnicht\b|untersagt|verboten|vorbehalt|\bpas\b|interdit|réserv|\bsans\b|prohib|reserva|vietat|\bsin\b"
    r"|запре[щт]|\bне\b|\bнельзя\b|\bбез\b|тыйым|болмайды|рұқсатсыз|\bжоқ\b)"  # noqa: RUF001 (Russian, Kazakh)
)
#: "No AI training", "may not be used for machine learning": close together, in this order or the other.
_PLAIN = re.compile(
    rf"{_REFUSAL}[^.;!?\n]{{0,60}}?{_SUBJECT}|{_SUBJECT}[^.;!?\n]{{0,60}}?{_REFUSAL}|44b\s*(?:abs\.?\s*\d\s*)?urhg|2019/790"
)
_TRAINING = re.compile(
    r"\btrain|machine[- ]learning|mining|\btdm\b|обуч|анализ|оқыт|entraîn|fouille|entren|minería|addestr|2019/790|urhg"
)
#: "No AI", "AI use prohibited": what a notice can mean by that is for a person to say.
_NO_AI_USE = re.compile(
    r"(?:\bno\b|\bnot for\b|\bkeine?\b|\bnicht für\b|\bpas d[e']|\bне для\b|\bбез\b)\W*"  # noqa: RUF001 (Russian)
    rf"(?:(?:use|usage) (?:in|by|with|for) )?{_SUBJECT}"
    rf"|{_SUBJECT}\W{{0,3}}(?:use |usage |nutzung )?(?:is |are |ist )?"
    r"(?:prohibited|forbidden|not allowed|not permitted|untersagt|verboten|interdit|prohibid|запрещ|тыйым)"
)
_ABOUT = re.compile(rf"{_SUBJECT}|urhg|2019/790")


def judge_notice(text: str) -> Reading:
    """Judge a text that may speak of anything: a comment, a copyright notice."""
    said = text[:_MAX].casefold()
    reading = judge_words(said)
    if not _ABOUT.search(said):
        return reading
    if any(_TRAINING.search(said, found.start(), found.end() + _NEAR) for found in _PLAIN.finditer(said)):
        return reading | _NO_TRAINING
    return reading | _HOLD if _NO_AI_USE.search(said) else reading


def judge_constraint(text: str) -> Reading:
    """Judge a constraint on the use of a work: what it says of AI is meant as a constraint, however it is put."""
    said = text[:_MAX].casefold()
    reading = judge_words(said)
    if not _ABOUT.search(said):
        return reading
    if _PLAIN.search(said):
        return reading | _NO_TRAINING
    return reading | _HOLD


def judge_licence(text: str) -> tuple[Reading, str]:
    """Judge the text of a licence: what it says about training, and the words in which it says so.

    A plain refusal of training denies. Other words about training are terms, which a person has to follow.
    """
    strict, quote = NOTHING, ""
    for start in range(0, max(len(text), 1), _MAX - _OVERLAP):
        piece = text[start : start + _MAX]
        said = piece.casefold()
        reading = judge_words(said)
        about = next((f for f in _ABOUT.finditer(said) if _is_near_training(said, f)), None)
        refused = _PLAIN.finditer(said) if about else ()
        plain = next((f for f in refused if _TRAINING.search(said, f.start(), f.end() + _NEAR)), None)
        about = plain or about
        if about:
            reading |= _NO_TRAINING if plain else _HOLD
        if reading.tested > strict.tested:
            words = about or _WORDS.search(said) or _CODES.search(said)
            shown = piece if len(piece) == len(said) else said  # few letters become two
            quote = " ".join(shown[max(words.start() - _NEAR, 0) : words.end() + _NEAR].split()) if words else ""
        strict |= reading
    return strict, quote


def _is_near_training(said: str, found: re.Match[str]) -> bool:
    return _TRAINING.search(said, max(found.start() - _FAR, 0), found.end() + _FAR) is not None


def judge_words(said: str) -> Reading:
    """Judge the words that stand for a refusal wherever they are written: ``noai``, codes of the PLUS vocabulary."""
    reading = _NO_AI if _WORDS.search(said) else NOTHING
    for code in _CODES.findall(said):
        strict = judge_value(code).strict
        reading |= strict if strict.tested is State.DENY else NOTHING
    return reading
