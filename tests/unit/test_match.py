"""Rules joined with targets: each row gets the rule that ``RuleSet`` gives it, whatever else is in the batch."""

import random

import numpy as np
import pyarrow as pa
import pytest

from datalib.optout import match
from datalib.optout.match import Matcher, Targets, letters_of
from datalib.optout.patterns import Rule, RuleList, RuleSet, canonical_target
from datalib.optout.rule_table import BOTH, CANONICAL, LITERAL, Entry, TableBuilder, can_match, entries_of
from datalib.optout.urls import PAD, spans_of

PARTS = (
    "/",
    "a",
    "b",
    "/private",
    "/wp-content/plugins/",
    "*",
    "$",
    "?",
    "=1",
    ".jpg",
    "%41",
    "%2F",
    "x" * 9,
    "image",
    "-",
    "_",
)


def rules(*lines: str) -> RuleSet:
    """Rules from ``+/pattern`` (allow) and ``-/pattern``."""
    made = RuleList(Rule(line[1:], allow=line[0] == "+", line=number) for number, line in enumerate(lines, 1))
    return RuleSet(made, made.canonical())


def decide(files: list[list[RuleSet]], pairs: list[tuple[int, str]]) -> list[set[tuple[int, int, bool]]]:
    """Give, for each pair of file and target, decider, line and whether the canonical comparison decided."""
    builder = TableBuilder()
    meanings: list[tuple[int, int, bool]] = []
    programs: list[tuple[int, int]] = []
    for file in files:
        entries: list[Entry] = []
        base = len(meanings)
        for number, found in enumerate(file):
            effects: dict[tuple[int, bool], int] = {}
            for rule in (*found.literal.rules, *(found.canonical.rules if found.canonical else ())):
                if (rule.line, rule.allow) not in effects:
                    effects[rule.line, rule.allow] = len(meanings) - base
                    meanings += [(number, rule.line, False), (number, rule.line, True)]
            entries += entries_of(number, found, effects, split=True)
        programs.append((builder.add(entries), base))
    texts: list[str] = []
    rows: list[int] = []
    spelling: list[int] = []
    for row, (_, target) in enumerate(pairs):
        spelled = canonical_target(target)
        texts += [target] if spelled == target else [target, spelled]
        spelling += [BOTH] if spelled == target else [LITERAL, CANONICAL]
        rows += [row] * (1 if spelled == target else 2)
    data, start, end = spans_of(pa.array(texts, pa.string()))
    data = np.concatenate([data, np.zeros(PAD, dtype=np.uint8)])
    program = np.array([programs[pairs[row][0]][0] for row in rows], dtype=np.int32)
    targets = Targets(
        data=data, start=start, end=end, row=np.array(rows, dtype=np.int64), program=program,
        spelling=np.array(spelling, dtype=np.uint8), letters=letters_of(data, start, end),
    )  # fmt: skip
    result: list[set[tuple[int, int, bool]]] = [set() for _ in pairs]
    found_rows, effects_found = Matcher(builder.tables()).decide(targets)
    for row, effect in zip(found_rows.tolist(), effects_found.tolist(), strict=True):
        result[row].add(meanings[programs[pairs[row][0]][1] + effect])
    return result


def expected(file: list[RuleSet], target: str) -> set[tuple[int, int, bool]]:
    found = set()
    for number, each in enumerate(file):
        rule, literal = each.match(target), each.literal.match(target)
        if rule is not None:
            found.add((number, rule.line, rule is not literal and not (literal is not None and not literal.allow)))
    return found


def test_rows_of_one_rule_are_decided_each_for_itself() -> None:
    targets = [f"/no/{n}" if n % 3 else f"/yes/{n}" for n in range(40)]
    found = decide([[rules("-/no/")]], [(0, target) for target in targets])
    assert [bool(each) for each in found] == ["/no/" in target for target in targets]


@pytest.mark.parametrize(
    ("lines", "target", "line"),
    [
        (("-/a", "+/a/b"), "/a/b", 2),
        (("-/a", "+/a"), "/a", 2),
        (("+/a/*", "-/a/b"), "/a/b", 1),
        (("-/*.jpg$",), "/x.jpg", 1),
        (("-/*.jpg$",), "/x.jpg?", None),
        (("-/a$",), "/a", 1),
        (("-/a$",), "/ab", None),
        (("-/a*$",), "/abc", 1),
        (("-/a$*",), "/ab", None),
        (("-/a$*",), "/a$b", 1),
        (("-*",), "/", 1),
        (("-*b*d",), "/abcd", 1),
        (("-*b*d",), "/adb", None),
        (("-/wp-content/plugins/x",), "/wp-content/plugins/xy", 1),
        (("-/wp-content/plugins/x",), "/wp-content/plugins/", None),
        (("-/wp-content/plugins/$",), "/wp-content/plugins/", 1),
        (("-no-slash",), "/no-slash", None),
        (("-/*?",), "/a?b", 1),
        (("-/*?",), "/a", None),
        (("-/x*long-tail-of-it",), "/x/long-tail-of-it/", 1),
        (("-/*ab*ab$",), "/ab", None),
        (("-/*ab*ab$",), "/abab", 1),
        (("-/%41",), "/A", 1),
        (("-/A",), "/%41", 1),
        (("-/a*",), "/" + "a" * 3000, 1),
        (("-/*zz",), "/" + "a" * 300 + "zz", 1),
        (("-/*zz",), "/" + "a" * 300, None),
        (("-/",), "/", 1),
    ],
)
def test_patterns_match_as_the_reference_says(lines: tuple[str, ...], target: str, line: int | None) -> None:
    file = [rules(*lines)]
    (found,) = decide([file], [(0, target)])
    assert found == expected(file, target)
    assert {number for _, number, _ in found} == ({line} if line else set())


def test_many_files_and_targets_are_decided_as_the_reference_says(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)

    def text() -> str:
        return "".join(chance.choices(PARTS, k=chance.randint(1, 4)))

    files = [
        [rules(*(chance.choice("+-") + "/" * chance.randint(0, 1) + text() for _ in range(chance.randint(0, 12))))
         for _ in range(chance.randint(1, 3))]
        for _ in range(120)
    ]  # fmt: skip
    pairs = [(chance.randrange(len(files)), "/" + text().replace("$", "")) for _ in range(2500)]
    wanted = [expected(files[file], target) for file, target in pairs]
    assert decide(files, pairs) == wanted
    monkeypatch.setattr(match, "_PAIRS", 64)
    monkeypatch.setattr(match, "_STEPS", 2)
    assert decide(files, pairs) == wanted


def test_files_with_the_same_rules_share_a_program() -> None:
    builder = TableBuilder()
    one, two = (entries_of(0, rules("-/a", "+/b"), {(1, False): 0}) for _ in range(2))
    assert builder.add(one) == builder.add(two) == 0
    assert builder.add(entries_of(0, rules("-/a"), {(1, False): 0})) == 1
    assert (can_match("/a"), can_match("*a"), can_match("a")) == (True, True, False)


def test_no_rows_have_no_rules() -> None:
    builder = TableBuilder()
    builder.add([])
    none = np.zeros(0, dtype=np.int64)
    data = np.zeros(PAD, dtype=np.uint8)
    targets = Targets(
        data=data, start=none, end=none, row=none, program=none.astype(np.int32), spelling=none.astype(np.uint8),
        letters=letters_of(data, none, none),
    )  # fmt: skip
    assert [side.size for side in Matcher(builder.tables()).decide(targets)] == [0, 0]


def test_the_least_key_of_each_row_is_found_however_large_the_numbers() -> None:
    row = np.array([0, 0, 0, 5, 5, 1 << 40], dtype=np.int64)
    key = np.array([9, 8, 17, 1 << 40, 1 << 41, 0], dtype=np.int64)
    assert match._least(row, key, 3).tolist() == [1, 2, 3, 4, 5]
    assert match._least(row[:3], key[:3], 3).tolist() == [1, 2]
    assert match._least(np.array([0, 1, 2, 9]), np.zeros(4, dtype=np.int64), 3).tolist() == [0, 1, 2, 3]
