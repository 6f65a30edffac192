"""Answers survive a round trip, and no bytes make the readers raise anything but a refusal."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from datalib.errors import Refused
from datalib.optout.answers import FAILURES, Answer, origin_of, read_jsonl, stamp, to_json_line

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ORIGINS = st.builds(
    lambda scheme, label, port: f"{scheme}://{label}.example{port}",
    st.sampled_from(["http", "https"]),
    st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True),
    st.sampled_from(["", ":8080", ":1"]),
)
MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)).map(stamp)  # noqa: DTZ001 (the zone is added)
ANSWERS = st.builds(
    Answer,
    origin=ORIGINS,
    path=st.from_regex(r"/[!-~]{0,40}", fullmatch=True),
    status=st.integers(100, 599) | st.sampled_from(sorted(FAILURES)),
    headers=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
    body=st.binary(max_size=200) | TEXT.map(str.encode),
    fetched_at=st.none() | MOMENTS,
    final_url=st.none() | ORIGINS.map(lambda origin: origin + "/x"),
)
MEMBERS = st.sampled_from(["origin", "path", "status", "headers", "body", "body_b64", "fetched_at", "final_url", "x"])


@given(ANSWERS)
def test_an_answer_survives_its_line(answer: Answer) -> None:
    line = to_json_line(answer)
    assert "\n" not in line
    assert list(read_jsonl([line.encode()])) == [answer]
    assert to_json_line(answer) == line


@given(st.lists(st.binary(max_size=200), max_size=3))
def test_random_bytes_are_refused_at_worst(lines: list[bytes]) -> None:
    with suppress(Refused):
        list(read_jsonl(lines))


@given(st.dictionaries(MEMBERS, JSON, max_size=8))
def test_random_members_are_refused_at_worst(members: dict[str, Any]) -> None:
    base = {"origin": "https://e.x", "status": 404}
    for value in (members, base | members):
        with suppress(Refused):
            for answer in read_jsonl([json.dumps(value).encode()]):
                assert list(read_jsonl([to_json_line(answer).encode()])) == [answer]


@given(ANSWERS, st.integers(min_value=0), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_read(answer: Answer, place: int, byte: int) -> None:
    line = bytearray(to_json_line(answer).encode())
    line[place % len(line)] = byte
    with suppress(Refused):
        list(read_jsonl([bytes(line)]))


@given(st.text(max_size=60))
def test_an_origin_is_its_own_origin(url: str) -> None:
    origin = origin_of(url)
    assert origin is None or origin_of(origin) == origin


@given(ORIGINS, TEXT)
def test_what_follows_the_authority_does_not_move_the_origin(origin: str, rest: str) -> None:
    assert origin_of(f"{origin}/{rest}") == origin
