"""Identifiers of persons: numbers that exist, and what becomes of a slip of the pen."""

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
