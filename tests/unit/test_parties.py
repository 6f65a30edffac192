"""Identifiers of persons: numbers that exist, and what becomes of a slip of the pen."""

import random

import pytest

from datalib.errors import Refused
from datalib.trust.parties import Party, Producer, check_party_id

#: One or two of each register, with right check digits.
RIGHT = [
    "kz-bin:990140000384",
    "kz-bin:121040000125",
    "kz-iin:950740000031",
    "lei:5493001KJTIIGC8Y1R12",
    "lei:7LTWFZYICNSX8D621K86",
    "orcid:0000000218250097",
    "orcid:000000021694233X",
    "isni:000000012146438X",
    "ror:05dxps055",
    "ror:03yrm5c26",
    "x-gb-coh:00445790",
    "x-a:A.b_c-9",
]


@pytest.mark.parametrize("party", RIGHT)
def test_numbers_with_their_check_digits_are_right(party: str) -> None:
    assert check_party_id(party) == party


@pytest.mark.parametrize("party", [name for name in RIGHT if not name.startswith("x-")])
def test_a_changed_digit_is_found(party: str) -> None:
    last = "0" if party[-1] != "0" else "1"
    with pytest.raises(Refused, match="E-PARTY-ID"):
        check_party_id(party[:-1] + last)


@pytest.mark.parametrize(
    "party",
    [
        "",
        "kz-bin",
        "kz-bin:",
        "kz-bin:000000000000",
        "kz-bin:99014000038",
        "kz-bin:９90140000384",
        "KZ-BIN:990140000384",
        "lei:5493001kjtiigc8y1r12",
        "orcid:0000-0002-1825-0097",
        "orcid:000000021694233x",
        "ror:15dxps055",
        "ror:05dxpi055",
        "vat:KZ123",
        "x-:1",
        "x-A:1",
        "x-de/hr:1",
        "x-de-hr:1/2",
        "x-de-hr:",
        "x-de-hr:1\n",
        "x-" + "a" * 33 + ":1",
        "x-a:" + "1" * 65,
    ],
)
def test_other_forms_are_refused(party: str) -> None:
    with pytest.raises(Refused, match="E-PARTY-ID"):
        check_party_id(party, "here")


def test_a_number_that_needs_the_second_weights() -> None:
    """Under the first row of weights this number leaves 10, so that the second row decides."""

    found = [number for number in range(20_000) if _needs_second(f"{number:011d}")]
    valid = 0
    for number in found[:50]:
        for check in range(10):
            try:
                check_party_id(f"kz-bin:{number:011d}{check}")
            except Refused:
                continue
            valid += 1
    assert 40 <= valid <= 50


def _needs_second(number: str) -> bool:
    return sum(weight * int(digit) for weight, digit in zip(range(1, 12), number, strict=True)) % 11 == 10


def test_the_objects_go_both_ways() -> None:
    value = {"id": "x-a:1", "name": {"ru": "А"}, "kind": "legal", "country": "KZ", "organised": ["collection"]}
    producer = Producer.from_dict(value)
    assert producer.to_dict() == value
    assert producer.party == Party(id="x-a:1", name={"ru": "А"})
    assert Party.from_dict(producer.party.to_dict()) == producer.party


def test_a_producer_is_compared_as_a_whole() -> None:
    one = Producer(id="x-a:1", name={"ru": "А", "en": "A"})
    assert one.same(Producer(id="x-a:1", name={"en": "A", "ru": "А"}))
    assert not one.same(Producer(id="x-a:1", name={"ru": "А"}))
    assert not one.same(Producer(id="x-a:1", name={"ru": "А", "en": "A"}, country="KZ"))


#: Numbers of Kazakhstan whose sums were worked out by hand, both rows of weights where the first leaves 10.
KAZAKH = [
    ("000740000728", True),
    ("081140000436", True),
    ("991231500016", True),
    ("991231500707", True),  # the second row decides
    ("991231500770", False),  # both rows leave 10: never issued
    ("081140000463", False),  # last two digits swapped
    ("991231500017", False),
    ("123456789021", False),  # the number in the test certificates of the national PKI
    ("991231500026", True),  # the eleventh digit is wrong, and nothing shows it
    ("000000000000", False),  # the sum is right; nobody has the number
]


@pytest.mark.parametrize("scheme", ["kz-bin", "kz-iin"])
@pytest.mark.parametrize(("number", "right"), KAZAKH)
def test_kazakh_numbers(scheme: str, number: str, right: bool) -> None:
    if right:
        assert check_party_id(f"{scheme}:{number}")
    else:
        with pytest.raises(Refused, match="E-PARTY-ID"):
            check_party_id(f"{scheme}:{number}")


def test_the_check_digit_hardly_sees_the_eleventh_digit() -> None:
    for digit in range(10):
        assert check_party_id(f"kz-bin:0811400004{digit}6")
    dice = random.Random(11)
    right = [number for number in (f"{dice.randrange(10**12):012d}" for _ in range(4000)) if _passes(number)]
    assert _missed(right, 10) > 0.8
    for place in range(10):
        assert _missed(right, place) < 0.08


def _passes(number: str) -> bool:
    try:
        check_party_id(f"kz-iin:{number}")
    except Refused:
        return False
    return True


def _missed(numbers: list[str], place: int) -> float:
    """Give the share of wrong digits at a place that nobody notices."""
    changed = [
        number[:place] + digit + number[place + 1 :]
        for number in numbers
        for digit in "0123456789"
        if digit != number[place]
    ]
    return sum(map(_passes, changed)) / len(changed)
