"""Path rules against a slow and plain reading of the specification, and against each other."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.errors import Refused
from datalib.library.collisions import Collisions
from datalib.library.paths import fault, fold, take_block, to_bytes

NAMES = "a|A|b|ß|ss|SS|ﬁ|fi|K|k|\u212a|con|COM1.x|proofs|Proofs|a.b|a-b|.|..|| a|a |a.|é|e\u0301|\u200b|／|*|м|М"
SEGMENTS = st.one_of(
    st.sampled_from(NAMES.split("|")),
    st.text(st.characters(), max_size=3),
    st.text("abAB.- _/", max_size=4),
    st.integers(250, 260).map("x".__mul__),
)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
FEW = st.sampled_from(["a", "A", "b", "B", "ss", "ß", "a-b", "a.b", "ﬁ", "fi", "\uff41", "м", "М", "1", "2"])
CLOSE = st.lists(st.lists(FEW, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12, unique=True)


def expected_fault(path: str) -> str | None:
    return next(iter([*character_faults(path), *shape_faults(path)]), None)


def character_faults(path: str) -> Iterator[str]:
    raw = to_bytes(path)
    if not 1 <= len(raw) <= 1024:
        yield "E-PATH-LENGTH"
    if raw != path.encode(errors="replace"):
        yield "E-PATH-NFC"
    if unicodedata.normalize("NFC", path) != path:
        yield "E-PATH-NFC"
    for char in path:
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or char in '\\:*?"<>|':
            yield "E-PATH-CHAR"
        if char != "/" and "/" in unicodedata.normalize("NFKC", char):
            yield "E-PATH-CHAR"


def shape_faults(path: str) -> Iterator[str]:
    if path.startswith("/"):
        yield "E-PATH-ABSOLUTE"
    first, *_ = segments = path.split("/")
    for segment in segments:
        if segment in {"", ".", ".."}:
            yield "E-PATH-TRAVERSAL"
        if len(to_bytes(segment)) > 255:
            yield "E-PATH-LENGTH"
        if re.fullmatch(r"(?is)[ ].*|.*[. ]|(con|prn|aux|nul|(com|lpt)[1-9])(\..*)?", segment):
            yield "E-PATH-PORTABLE"
    if slow_fold(path) in {"datapackage.json", "files.sha256", "chain.jsonl"}:
        yield "E-PATH-RESERVED"
    if slow_fold(first) in {"proofs", "manifests", "upstream", "evidence"}:
        yield "E-PATH-RESERVED"


def slow_fold(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def folders(path: str) -> list[str]:
    segments = path.split("/")
    return ["/".join(segments[:depth]) for depth in range(1, len(segments))]


def expected_collision(paths: list[str]) -> bool:
    for one, other in combinations(paths, 2):
        if slow_fold(one) == slow_fold(other):
            return True
        if slow_fold(one) in map(slow_fold, folders(other)) or slow_fold(other) in map(slow_fold, folders(one)):
            return True
        for left in folders(one):
            if any(slow_fold(left) == slow_fold(right) and left != right for right in folders(other)):
                return True
    return False


def answer(paths: list[str], batch: int) -> str:
    found = Collisions()
    try:
        for start in range(0, len(paths), batch):
            part = paths[start : start + batch]
            alike = [fold(path) for path in part]
            found.extend(part, part if alike == part else alike)
        found.settle(lambda: paths)
    except Refused as error:
        return error.code
    return "accept"


@settings(max_examples=100, deadline=None)
@given(PATHS)
def test_fault_is_the_first_rule_broken(path: str) -> None:
    assert fault(path) == expected_fault(path)


@settings(max_examples=100, deadline=None)
@given(st.lists(PATHS.filter(lambda path: "\n" not in path), min_size=1, max_size=6))
def test_a_block_is_taken_only_if_every_path_is_allowed(paths: list[str]) -> None:
    taken = take_block([to_bytes(path) for path in paths])
    if taken is not None:
        assert [fault(path) for path in paths] == [None] * len(paths)
        assert taken == (paths, [fold(path) for path in paths])
        assert (taken[0] is taken[1]) == (paths == [fold(path) for path in paths])


@settings(max_examples=300, deadline=None)
@given(PATHS.filter(lambda path: "\n" not in path), st.sampled_from([[], ["a"]]), st.sampled_from([[], ["b"]]))
def test_a_block_hides_no_path(path: str, before: list[str], after: list[str]) -> None:
    taken = take_block([to_bytes(each) for each in (*before, path, *after)])
    assert taken is None or fault(path) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.from_regex(r"[a-zA-Zәғ0-9_-]{1,5}(\.[a-z]{3})?", fullmatch=True), min_size=1, max_size=5))
def test_usual_names_are_taken_by_the_block(names: list[str]) -> None:
    allowed = all(fault(name) is None for name in names)
    assert (take_block([to_bytes(name) for name in names]) is not None) == allowed


@settings(max_examples=100, deadline=None)
@given(CLOSE, st.integers(1, 5))
def test_collisions_are_those_of_the_specification(paths: list[str], batch: int) -> None:
    ordered = sorted(paths, key=to_bytes)
    assert answer(ordered, batch) == ("E-PATH-COLLISION" if expected_collision(ordered) else "accept")
