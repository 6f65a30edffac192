"""Headers that are silent at a glance are read as headers, not none, and say nothing."""

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datalib.optout.columns import headers_of, values_of
from datalib.optout.header_glance import silent
from datalib.optout.judge import SPEAKING, judge_headers
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="", sha256="0" * 64)
NAMES = (
    *SPEAKING, "X-Robots-Tag", "LINK", "Content-Usage", "x-robots", "content-type", "Server", "tdm", "lin", "linK",
    "content-\u017fignal", "lin\u212a", "é", "[", "{", "", " ", "\t", "\u2003",
)  # fmt: skip
PIECES = (
    *NAMES, ":", ": ", " : ", "\n", "\r\n", "\r", "\n\n", " folded", "noai", "HTTP/1.1 200 OK", "HTTP/2 200",
    "train-ai=n", "1", '<https://a.example/l>; rel="license"; type="application/rsl+xml"', "\0", "\x85", "\xa0",
)  # fmt: skip
LINES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from([":", ": ", " :", ""]), st.sampled_from(PIECES)).map("".join),
    max_size=4,
)
TEXTS = LINES.map("\r\n".join) | LINES.map("\n".join) | st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
VALUES = st.lists(st.none() | TEXTS | st.text(max_size=9), max_size=4)


@settings(max_examples=600, deadline=None)
@given(values=VALUES)
@example(values=["X-Robots: noai", "x-robots-tags: noai", "HTTP/1.1 200 OK\r\n", "Server: a\r\n\r\n", "a"])
def test_silent_headers_say_nothing(values: list[str | None]) -> None:
    for column in (
        pa.array(values, pa.string()),
        pa.array(values, pa.large_string()),
        pa.array([None if value is None else value.encode("utf-8", "replace") for value in values], pa.binary()),
    ):
        for value, quiet in zip(values_of(column), silent(column).tolist(), strict=True):
            if quiet:
                headers = headers_of(value)
                assert headers
                assert judge_headers(headers, "datalib", EVIDENCE) == ()


def test_usual_headers_are_silent_and_those_that_speak_are_not() -> None:
    usual = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: image/jpeg\r\nX-Cache: HIT\r\nTrailer: a\r\n\r\n"
    assert silent(pa.array([usual, "a: b", "", None])).tolist() == [True, True, False, False]
    assert not silent(pa.array([f"Server: a\n{name.upper()}: 1" for name in SPEAKING])).any()
    assert not silent(pa.array([{"name": "a"}])).any()
