import time

import pytest

from datalib.optout.patterns import (
    Rule,
    RuleList,
    RuleSet,
    canonical_pattern,
    canonical_target,
    escape_pattern,
    matches,
    url_to_path,
)


@pytest.mark.parametrize(
    ("pattern", "target", "expected"),
    [
        ("/fish", "/fish.html", True),
        ("/fish", "/Fish", False),
        ("/fish$", "/fish", True),
        ("/fish$", "/fish/", False),
        ("/*.php", "/a/b.php?x", True),
        ("/*.php$", "/a/b.php?x", False),
        ("/*.php$", "/a.php/b.php", True),
        ("/a*b*c$", "/aXbYc", True),
        ("/a*b*c$", "/aXcYb", False),
        ("*", "/", True),
        ("*.jpg", "/i/p.jpg", True),
        ("/a**b", "/ab", True),
        ("/x*yy$", "/xy", False),
        ("", "/", True),
        ("$", "/", False),
        ("private", "/private", False),
    ],
)
def test_patterns_match_as_rfc_9309_says(pattern: str, target: str, expected: bool) -> None:
    assert matches(pattern, target) is expected
    if pattern:
        assert (RuleList([Rule(pattern, False, 1)]).match(target) is not None) is expected


def test_the_longest_pattern_wins_and_an_allow_wins_a_tie() -> None:
    rules = RuleList([Rule("/", False, 1), Rule("/a", True, 2), Rule("/a/*.pdf", False, 3), Rule("/b", False, 4)])
    assert rules.match("/x") == Rule("/", False, 1)
    assert rules.match("/a/b.html") == Rule("/a", True, 2)
    assert rules.match("/a/b.pdf") == Rule("/a/*.pdf", False, 3)
    tie = RuleList([Rule("/b", False, 1), Rule("/b", True, 2), Rule("/b", False, 3)])
    assert tie.match("/b") == Rule("/b", True, 2)
    wild_tie = RuleList([Rule("/c*", False, 1), Rule("/c*", True, 2), Rule("/c/", False, 3)])
    assert wild_tie.match("/c/") == Rule("/c*", True, 2)
    exact = RuleList([Rule("/c$", False, 1), Rule("/c", True, 2)])
    assert exact.match("/c") == Rule("/c$", False, 1)
    assert RuleList([Rule("/long/prefix", True, 1), Rule("/l*", False, 2)]).match("/long/prefix") == Rule(
        "/long/prefix", True, 1
    )


def test_one_octet_has_one_canonical_spelling() -> None:
    assert canonical_target("/%70rivate%2fx%24") == "/private%2Fx%24"
    assert canonical_target("/a<b>ä$*") == "/a%3Cb%3E%C3%A4%24%2A"
    assert canonical_target("/100%") == "/100%25"
    assert canonical_pattern("/%61*/b%2Ac$") == "/a*/b%2Ac$"
    assert canonical_pattern("/plain/*") == "/plain/*"
    assert canonical_target("\udcff") == "%ED%B3%BF"


def test_the_strict_set_compares_both_spellings() -> None:
    literal = RuleList([Rule("/private", False, 1), Rule("/a%3Cd", True, 2), Rule("/a", False, 3)])
    strict = RuleSet(literal, literal.canonical())
    spec = RuleSet(literal)
    assert spec.allows("/%70rivate")
    assert not strict.allows("/%70rivate")
    assert not strict.allows("/a<d")
    assert strict.allows("/a%3Cd")
    assert strict.allows("/other")


def test_a_dollar_in_a_disallow_is_read_both_ways() -> None:
    rules = RuleList([Rule("/a$", False, 1), Rule("/b$", True, 2)])
    assert RuleSet(rules, rules.canonical()).match("/a%24more") == Rule("/a%24", False, 1)
    plain = RuleList([Rule("/a", False, 1)])
    assert plain.canonical() is plain
    odd_but_canonical = RuleList([Rule("/a%20b", False, 1)])
    assert odd_but_canonical.canonical() is odd_but_canonical


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/a/%e3%83", "/a/%E3%83"), ("/ツ", "/%E3%83%84"), ("/a b", "/a b"), ("/\udce4", "/%E4")],
)
def test_patterns_are_written_in_ascii(value: str, expected: str) -> None:
    assert escape_pattern(value) == expected


@pytest.mark.parametrize(
    ("url", "path"),
    [("e.x", "/"), ("//e.x/a", "/a"), ("http://e.x?q", "/?q"), ("http://e.x/a#b", "/a"), ("http://e.x#/a", "/")],
)
def test_the_path_of_a_url(url: str, path: str) -> None:
    assert url_to_path(url) == path


def test_hostile_patterns_take_linear_time() -> None:
    rules = RuleList([Rule("/" + "a*" * 2000 + "b$", False, 1)])
    target = "/" + "a" * 100_000
    start = time.process_time()
    assert rules.match(target) is None
    assert not matches("/" + "*" * 5000 + "b", target)
    assert time.process_time() - start < 2
