"""Repetition that gives nothing back: what Python before 3.11.5 gets wrong is right."""

import re
from pathlib import Path

import pytest

import datalib
from datalib.repeating import repeated


@pytest.mark.parametrize(
    ("pattern", "text", "matched"),
    [
        (r"ab?c", "abcacx", "abcac"),
        (r"[^<]++|<(?!/?meta)[a-z]+>", "text<p>more<meta>", "text<p>more"),
        (r'=[ ]*+(?:"[^"]*+(?:"|\Z))|[^>]', ' name=robots x="a>b"> ', ' name=robots x="a>b"'),
        (r"a|ab", "aab", "aa"),
    ],
)
def test_as_often_as_possible(pattern: str, text: str, matched: str) -> None:
    for found in (re.match(repeated(pattern), text), re.match(repeated(pattern.encode()), text.encode())):
        assert found
        assert found[0] in {matched, matched.encode()}


def test_nothing_is_given_back() -> None:
    assert not re.match(repeated("a|ab") + "c", "abc")
    assert not re.fullmatch(repeated("[ab]") + "b", "aab")


def test_no_pattern_repeats_a_group_in_the_way_that_older_pythons_get_wrong() -> None:
    folder = Path(datalib.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name != "repeating.py":
            assert not re.search(r"\)[*+?}]\+[^ =]*\"", path.read_text(encoding="utf-8")), path
