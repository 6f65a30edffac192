"""Find identifiers of persons in a text: IIN, phone numbers, e-mail addresses, card numbers, IBAN.

    iin     12 digits, check digit, a date of birth that can be; a BIN is none (its fifth digit is 4 to 6)
    phone   + and a country code of ITU-T E.164, or a number of Kazakhstan or Russia as it is dialled there (8 or 7)
    email   RFC 5322 as it is used; addresses at the domains that RFC 2606 keeps for examples are none
    card    ISO/IEC 7812: an issuer's range, its lengths, Luhn
    iban    ISO 13616: a country of the registry, its length, MOD 97-10

Pure functions of a text and a day. A find is a kind and a place; the value is never kept. The eleventh digit of an IIN
is hardly covered by its check digit (its weight is 0 modulo 11): a find is likely an IIN, not certainly one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final, NamedTuple

from datalib.trust.parties import is_kz_number

KINDS: Final = ("card", "email", "iban", "iin", "phone")
#: Nobody born before has an IIN: they were first given in the 1990s.
_BORN: Final = date(1880, 1, 1)
#: Centuries by the seventh digit; 0 is seen with foreigners, and does not tell which.
_CENTURIES: Final[Mapping[str, tuple[int, ...]]] = {
    "0": (1900, 2000),
    **dict.fromkeys("12", (1800,)),
    **dict.fromkeys("34", (1900,)),
    **dict.fromkeys("56", (2000,)),
}
#: YYYYMMDDhhmm of 1990 to 2039: a time far more often than the IIN of a centenarian.
_TIME: Final = re.compile(
    r"(?:199[0-9]|20[0-3][0-9])(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9]"
)

#: Ten digits or more with at most two separators between them, or eight behind a +: all numbers below are in such runs.
_RUN: Final = re.compile(r"\+?\(?[0-9](?:[ \u00a0().-]{0,2}[0-9]){7,}")
_IIN: Final = re.compile(r"[0-9]{12}(?![\w-]|[.][0-9])(?:(?<![\w.+-][0-9]{12})|(?<=(?:ИИН|ЖСН|IIN)[0-9]{12}))")
_CARD: Final = re.compile(
    r"(?:[0-9]{13,19}|[0-9]{4}(?P<s>[ \u00a0-])[0-9]{4}(?P=s)[0-9]{4}(?P=s)[0-9]{4}(?:(?P=s)[0-9]{1,3})?"
    r"|3[0-9]{3}(?P<t>[ \u00a0-])[0-9]{6}(?P=t)[0-9]{4,5})(?!\w|[.-][0-9]|[ \u00a0][0-9])"
)
_ABROAD: Final = re.compile(r"\+[0-9](?:[ \u00a0().-]{0,2}[0-9]){7,14}(?!\w|[.][0-9])")
_HERE: Final = re.compile(
    r"[78][ \u00a0-]?(?:\(?[3-9][0-9]{2}\)?[ \u00a0-]?[0-9]{3}[ \u00a0-]?[0-9]{2}[ \u00a0-]?[0-9]{2}"
    r"|\([3-9][0-9]{2,4}\)(?:[ \u00a0-]?[0-9]){5,7})(?!\w|[.-][0-9]|[ \u00a0][0-9])"
)
_LOCAL: Final = re.compile(r"(?<![\w.+%-])[\w+%-][\w.+%-]{0,63}\Z")
_DOMAIN: Final = re.compile(r"@((?:[\w-]{1,63}\.)+(?:[^\W\d_]{2,24}|xn--[\w-]{2,59}))(?![\w-]|\.\w)")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}(?=[ \u00a0]?[A-Z0-9])(?<!\w[A-Z]{2}[0-9]{2})")
_BEFORE: Final = re.compile(r"(?:[\w.+/-]|[0-9][ \u00a0])\Z")
_NO_DIGIT: Final = re.compile(r"[^0-9]")
#: Codes of mobile operators of Kazakhstan: such a number counts without any separator too.
_MOBILE: Final = re.compile(r"[78]7(?:0[0-8]|47|71|7[5-8])[0-9]{7}")
_COUNTRY_CODE: Final = re.compile(
    r"1[2-9]|7[3-9]|2(?:0|7|1[12368]|[2-6][0-9]|9[01789])|3(?:[0-469]|5[0-9]|[78][0-9])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|0[0-9]|9[0-9])|6(?:[0-6]|7[02-9]|8[0-9]|9[0-2])|8(?:[1246]|5[02356]|8[0-36]|00|08|70|78)"
    r"|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68])"
)
#: Lengths of numbers in the plans of North America and of Kazakhstan with Russia; elsewhere 8 to 15.
_FIXED: Final = {"1": 11, "7": 11}
_BARE: Final = 10  # digits after a + that nothing separates: fewer are more often sums than phone numbers
_NOBODY: Final = re.compile(
    r"(?:[\w-]+\.)*(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|(?:png|jpe?g|gif|svg|webp|bmp|css|js|py|html?|json))(?![\w-])",
    re.IGNORECASE,
)
_ISSUERS: Final = (
    (re.compile("4"), (13, 16, 19)),  # Visa
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile("3[47]"), (15,)),  # American Express
    (re.compile("220[0-4]"), (16, 17, 18, 19)),  # Mir
    (re.compile("62"), (16, 17, 18, 19)),  # UnionPay
    (re.compile("6011|64[4-9]|65"), (16, 17, 18, 19)),  # Discover
    (re.compile("35(?:2[89]|[3-8])"), (16, 17, 18, 19)),  # JCB
    (re.compile("30[0-5]|36|3[89]"), (14,)),  # Diners Club
    (re.compile("50(?:18|20|38)|5893|6304|676[1-3]|6759"), (16, 17, 18, 19)),  # Maestro
)
#: Countries of the IBAN registry by the length of their numbers.
_COUNTRIES: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS: Final = {country: length for length, named in _COUNTRIES.items() for country in named.split()}


class Find(NamedTuple):
    """One identifier: its kind and where in the text it stands."""

    kind: str
    start: int
    end: int


def count(text: str, today: date) -> Mapping[str, int]:
    """Count what is found, by kind; kinds that are not found are left out."""
    return Counter(one.kind for one in find(text, today))


def find(text: str, today: date) -> Iterator[Find]:
    """Find identifiers: e-mail addresses, IBANs, then numbers, each in the order of the text."""
    yield from _emails(text)
    for one in _IBAN.finditer(text):
        if end := _iban_end(text, one.start()):
            yield Find("iban", one.start(), end)
    for run in _RUN.finditer(text):
        yield from _numbers(text, run.start(), min(run.end() + 2, len(text)), today)


def _emails(text: str) -> Iterator[Find]:
    place = text.find("@")
    while place >= 0:
        local = _LOCAL.search(text, max(0, place - 65), place)
        domain = _DOMAIN.match(text, place) if local else None
        if local and domain and not _NOBODY.fullmatch(domain[1]):
            yield Find("email", local.start(), domain.end())
        place = text.find("@", place + 1)


def _numbers(text: str, start: int, end: int, today: date) -> Iterator[Find]:
    """Find numbers in a run of digits."""
    for one in _CARD.finditer(text, start, end):
        if is_card(_NO_DIGIT.sub("", one[0])) and not _follows(text, one.start()):
            yield Find("card", *one.span())
    for one in _IIN.finditer(text, start, end):
        if is_iin(one[0], today):
            yield Find("iin", *one.span())
    for one in _ABROAD.finditer(text, start, end):
        if _is_abroad(one[0]) and not text[one.start() - 1 : one.start()].isalnum():
            yield Find("phone", *one.span())
    for one in _HERE.finditer(text, start, end):
        if _is_here(one[0]) and not _follows(text, one.start()):
            yield Find("phone", *one.span())


def is_iin(number: str, today: date) -> bool:
    """Tell whether 12 digits can be the IIN of somebody born by ``today``."""
    if not is_kz_number(number) or _TIME.fullmatch(number):
        return False
    year, month, day = int(number[:2]), int(number[2:4]), int(number[4:6])
    for century in _CENTURIES.get(number[6], ()):
        try:
            born = date(century + year, month, day)
        except ValueError:
            continue
        if _BORN <= born <= today:
            return True
    return False


def is_card(number: str) -> bool:
    """Tell whether digits can be the number of a payment card."""
    known = any(len(number) in lengths and ranges.match(number) for ranges, lengths in _ISSUERS)
    return known and len(set(number[6:])) > 1 and luhn(number)


def luhn(number: str) -> bool:
    """Tell whether the last digit is the check digit of ISO/IEC 7812."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) << (place & 1)
        total += value - 9 * (value > 9)  # noqa: PLR2004 - the sum of both digits
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Tell whether a text without spaces is an IBAN."""
    if _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def is_number_of_kazakhstan(number: str) -> bool:
    """Tell whether digits without a + are a mobile phone number of Kazakhstan."""
    return _MOBILE.fullmatch(number) is not None


def _follows(text: str, start: int) -> bool:
    """Tell whether what stands before makes a number part of a longer one, of a word or of a path."""
    return _BEFORE.search(text[max(0, start - 2) : start]) is not None


def _is_here(found: str) -> bool:
    number = _NO_DIGIT.sub("", found)
    whole = len(number) == _FIXED["7"] and found.count("(") == found.count(")")
    return whole and (len(number) < len(found) or is_number_of_kazakhstan(number))


def _is_abroad(found: str) -> bool:
    number = _NO_DIGIT.sub("", found)
    code = _COUNTRY_CODE.match(number)
    if code is None or found.count("(") != found.count(")"):
        return False
    if len(number) + 1 == len(found) and len(number) < _BARE:
        return False
    return len(number) == _FIXED.get(number[0], len(number))


def _iban_end(text: str, start: int) -> int:
    """Give where the IBAN that begins here ends, 0 if there is none: written whole or in groups of four."""
    length = _IBAN_LENGTHS.get(text[start : start + 2])
    if length is None:
        return 0
    apart = text[start + 4 : start + 5] in {" ", "\u00a0"}
    end = start + length + ((length - 1) // 4 if apart else 0)
    written = text[start:end]
    groups = [written[place : place + 5] for place in range(0, len(written), 5)] if apart else [written]
    if apart and any(group[4] not in " \u00a0" for group in groups if len(group) > 4):  # noqa: PLR2004 - four and a space
        return 0
    packed = "".join(group[:4] for group in groups) if apart else written
    whole = not text[end : end + 1].isalnum() and packed.isascii() and packed.isalnum()
    return end if whole and is_iban(packed) else 0
