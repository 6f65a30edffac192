"""Identifiers of persons in texts: what counts as one, what does not, and how well they are told apart."""

from collections import Counter
from datetime import date

import pytest

from datalib.personal.detectors import KINDS, count, find, is_card, is_iban, is_iin
from tests.made_identifiers import TODAY, made, scores
from tests.shared import SHARED


def _found(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text, TODAY)]


@pytest.mark.parametrize(
    ("number", "passes"),
    [
        ("050101500000", True),
        ("050101500001", False),  # check digit
        ("991231500016", False),  # law.md's example: born in 2099
        ("081140000436", False),  # a BIN
        ("000740000728", False),  # a BIN
        ("000000000000", False),
        ("050230500012", False),  # 30 February
        ("201112300003", False),  # reads as a time in 2011
    ],
)
def test_an_iin_has_a_check_digit_and_a_birthday(number: str, passes: bool) -> None:
    assert is_iin(number, TODAY) is passes


def test_an_iin_of_somebody_born_tomorrow_is_none() -> None:
    born = next(n for n in (f"261126500{tail:03}" for tail in range(1000)) if is_iin(n, date(2026, 11, 26)))
    assert not is_iin(born, TODAY)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ЖСН050101500000, туған", [("iin", "050101500000")]),
        ("0.050101500000 and 050101500000.5 and 1050101500000 and x050101500000 and #a-050101500000", []),
        ("Write to a.b+c@mail.kz.", [("email", "a.b+c@mail.kz")]),
        ("почта@пошта.қаз", [("email", "почта@пошта.қаз")]),
        ("user@example.com, x@host, logo@2x.png, @handle, a@b.test", []),
        ("KZ86125KZT5004100100;", [("iban", "KZ86125KZT5004100100")]),
        ("IBAN KZ86 125K ZT50 0410 0100.", [("iban", "KZ86 125K ZT50 0410 0100")]),
        ("KZ86 125K-ZT50 0410 0100, KZ86125KZT5004100101, KZ86125KZT50041001000, ZZ86125KZT5004100100", []),
        ("GB82 WEST 1234 5698 7654 32", [("iban", "GB82 WEST 1234 5698 7654 32")]),
        ("5500 0055 5555 5559", [("card", "5500 0055 5555 5559")]),
        ("3714 496353 98431", [("card", "3714 496353 98431")]),
        ("5500 0055 5555 5559 1, 1 5500005555555559, 5500-0055 5555 5559, 4111111111111111", []),
        ("+7 (701) 123-45-67", [("phone", "+7 (701) 123-45-67")]),
        ("8(7172)12-34-56", [("phone", "8(7172)12-34-56")]),
        ("87011234567 77011234567", []),  # two numbers that only a space parts are not taken apart
        ("87011234567", [("phone", "87011234567")]),
        ("87271234567", []),  # a landline without any separator looks like any number
        ("+49 30 1234567, +1 212 555 0100", [("phone", "+49 30 1234567"), ("phone", "+1 212 555 0100")]),
        ("+1000000, +999 123 456 789, x+7 701 123 45 67, +7 (701 123 45 67, +7 201 123 45 67", []),
        ("total 8 800 200 000 of 18 701 123 45 67", []),
    ],
)
def test_a_text_shows_what_is_an_identifier_and_what_is_not(text: str, found: list[tuple[str, str]]) -> None:
    assert _found(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "050101 500000",
        "ИИН 050101-500000",
        "a (at) mail.kz",
        "a[at]mail.kz",
        "kz86125kzt5004100100",
        "8.701.123.45.67",
        "55 00 00 55 55 55 55 59",
    ],
)
def test_forms_that_the_page_says_are_not_found(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize("number", ["378282246310005", "2200000000000053", "6212345678900000003", "36700102000000"])
def test_cards_of_many_issuers_pass(number: str) -> None:
    assert is_card(number)


def test_numbers_that_no_issuer_gives_and_wrong_digits_are_no_cards() -> None:
    assert not any(map(is_card, ("9000000000000000", "5500005555555558", "4000000000000000", "37828224631000")))
    assert not is_iban("KZ86125KZT50041001")


def test_made_texts_are_told_apart() -> None:
    """Numbers that look alike give some false alarms; no form that is documented is missed."""
    for kind, score in scores(made(20261125, 6000)).items():
        assert score.missed == 0, kind
        assert score.precision > 0.99, kind


def test_kinds_are_those_documented() -> None:
    found = Counter[str]()
    for one in made(7, 60):
        found.update(count(one.text, TODAY))
    assert tuple(sorted(found)) == KINDS


@pytest.mark.shared
def test_false_alarms_on_real_texts() -> None:
    """One address of a tourist office, three times in a document and as often in its analysis; nothing else."""
    folder = SHARED / "real" / "text"
    found = {
        path.name: dict(counts)
        for path in sorted(folder.glob("*/*"))
        if (counts := count(path.read_text(encoding="utf-8"), TODAY))
    }
    assert found == {"GUM_voyage_merida.conllu": {"email": 6}}
