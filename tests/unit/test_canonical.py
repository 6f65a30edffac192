"""Strict JSON: each rule with its code; and the one form of RFC 8785."""

import json
import time
from typing import Any

import pytest

from datalib.canonical import MAX_INTEGER, canonical, parse, parse_canonical
from datalib.errors import Refused

REFUSED: dict[str, list[bytes]] = {
    "E-JSON-BOM": [b"\xef\xbb\xbf{}"],
    "E-JSON-UTF8": [b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b"\xff\xfe{\x00}\x00"],
    "E-JSON-SYNTAX": [b"", b" ", b"{", b'{"a":1,}', b"{} {}", b"{'a':1}", b'{"a":01}', b'{"a":"\n"}', b'{"a":.5}'],
    "E-JSON-DUPKEY": [b'{"a":1,"a":2}', b'{"a":1,"\\u0061":1}', b'{"b":{"a":1,"c":2,"a":1}}'],
    "E-JSON-NAN": [b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":1e400}', b'{"a":-1e400}'],
    "E-JSON-INT": [
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":%b}' % (b"9" * 5000),
        b'{"a":-%b}' % (b"1" * 18),
    ],
    "E-JSON-SURROGATE": [b'{"a":"\\ud800"}', b'{"\\udfff":1}', b'{"a":["\\ude00\\ud83d"]}'],
    "E-JSON-DEPTH": [b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", b"[" * 100_000, b'{"a":' * 50_000],
    "E-SCHEMA": [b"[]", b"1", b'"a"', b"null"],
}


@pytest.mark.parametrize(("code", "data"), [(code, data) for code, all_data in REFUSED.items() for data in all_data])
def test_each_rule_has_its_code(code: str, data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse(data, limit=1 << 20, where="here")
    assert (refused.value.code, refused.value.where) == (code, "here")


def test_size_is_counted_in_bytes_and_the_limit_is_allowed() -> None:
    data = b'{"a":"\xd3\x99"}'
    assert parse(data, limit=len(data)) == {"a": "ә"}
    with pytest.raises(Refused, match="E-JSON-SIZE"):
        parse(data, limit=len(data) - 1)


def test_depth_of_thirty_two_is_allowed_and_brackets_in_texts_do_not_count() -> None:
    assert parse(b'{"a":' + b"[" * 31 + b"]" * 31 + b"}", limit=1000)
    assert parse(b'{"a":"%b","b":"\\"%b"}' % (b"[" * 99, b"{" * 99), limit=1000)


@pytest.mark.parametrize("literal", ["3", "3.0", "30e-1", "0.3e1"])
def test_an_integral_number_is_an_integer_however_it_is_spelt(literal: str) -> None:
    value = parse(f'{{"a":{literal}}}'.encode(), limit=100)["a"]
    assert (value, type(value)) == (3, int)


def test_other_numbers_stay_what_they_are() -> None:
    value = parse(b'{"a":0.5,"b":1e300,"c":-0.0,"d":-9007199254740991}', limit=100)
    assert value == {"a": 0.5, "b": 1e300, "c": 0, "d": -MAX_INTEGER}


def test_a_surrogate_pair_is_a_character() -> None:
    assert parse(b'{"a":"\\ud83d\\ude00"}', limit=100) == {"a": "😀"}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"b": 1, "a": [True, False, None, 'x\n\u0007\\"']},
        {"ә": "ж", "a": {}},
        {"\ue000": 1, "😀": 2},
        {"a": 0.5, "b": 1e-7, "c": 1e21, "d": 5e-324},
        {"a": "\u2028\x7f"},
    ],
)
def test_canonical_bytes_are_read_as_such(value: dict[str, Any]) -> None:
    assert parse_canonical(canonical(value), limit=1000) == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"b":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e-07}',
        b'{"a":-0}',
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u001F"}',
        '{"\ue000":1,"😀":2}'.encode(),
        b'{"a":"\\ud83d\\ude00"}',
    ],
)
def test_any_other_spelling_is_not_canonical(data: bytes) -> None:
    with pytest.raises(Refused, match="E-JSON-NONCANONICAL"):
        parse_canonical(data, limit=1000)


@pytest.mark.parametrize("data", [b"[1.5]", b"[1]"])
def test_canonical_bytes_of_no_object_are_no_document(data: bytes) -> None:
    with pytest.raises(Refused, match="E-SCHEMA"):
        parse_canonical(data, limit=1000)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("E-JSON-SURROGATE", {"a": "\ud800"}),
        ("E-JSON-SURROGATE", {"\ud800": 1}),
        ("E-JSON-NAN", float("nan")),
        ("E-JSON-NAN", [float("inf")]),
        ("E-JSON-INT", 2**53),
        ("E-JSON-DEPTH", nested(100_000)),
        ("E-SCHEMA", {1: 2}),
        ("E-SCHEMA", {"a": object()}),
        ("E-SCHEMA", {"a": b"bytes"}),
    ],
    ids=range(9),
)
def test_what_no_document_could_hold_has_no_canonical_form(code: str, value: object) -> None:
    with pytest.raises(Refused, match=code):
        canonical(value)


def test_many_names_and_a_double_one_take_little_time() -> None:
    names = ",".join(f'"n{number}":1' for number in range(200_000))
    started = time.process_time()
    with pytest.raises(Refused, match="E-JSON-DUPKEY"):
        parse(f'{{{names},"n7":1}}'.encode(), limit=16 << 20)
    assert time.process_time() - started < 10


def test_our_form_is_that_of_the_library() -> None:
    value = {"name": "ТОО", "list": [1, 2, {"x": "y"}], "text": 'a"b\\c\u0001'}
    assert canonical(value) == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
