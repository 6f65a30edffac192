"""Lines fit a terminal, lose nothing but the end of long names, and leave what is no terminal alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalib_cli.layout import Block, Line, Row, Table, Tree, Twig, cells, command_lines, cut, laid
from datalib_cli.screen import Screen

PIPE, NARROW = Screen(), Screen(width=40)
WORDS = st.text(alphabet="ab жқ日́`-", max_size=90)
BLOCKS = st.one_of(
    WORDS,
    st.builds(lambda text: Line(text=text, tone="bad"), WORDS),
    st.builds(
        lambda rows: Table(rows=[Row(cells=row) for row in rows], right=frozenset({0})),
        st.lists(st.tuples(WORDS.map(lambda text: text[:8]), WORDS), min_size=1, max_size=4),
    ),
    st.builds(
        lambda twigs: Tree(twigs=[Twig(depth=1 + number % 3, name=name) for number, name in enumerate(twigs)]),
        st.lists(WORDS, min_size=1, max_size=5),
    ),
)


def texts(*blocks: Block, screen: Screen = PIPE) -> list[str]:
    return [line.text for line in laid(blocks, screen)]


@given(st.lists(BLOCKS, max_size=4), st.integers(min_value=40, max_value=120))
def test_a_line_is_wider_than_the_terminal_only_for_one_word_that_is(blocks: list[Block], width: int) -> None:
    for line in laid(blocks, Screen(width=width)):
        assert cells(line.text) <= width or len(re.findall(r"(?:`[^`]*`|\S)+", line.text.strip(" ─│├└"))) == 1


@given(st.lists(st.one_of(WORDS, st.builds(lambda text: Line(text=text), WORDS)), max_size=4))
def test_wrapping_loses_no_word(blocks: list[Block]) -> None:
    assert " ".join(texts(*blocks, screen=NARROW)).split() == " ".join(texts(*blocks)).split()


@given(st.text(max_size=60), st.integers(min_value=1, max_value=60))
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    found = cut(text, width, "…")
    assert (found == text) if cells(text) <= width else (cells(found) <= width and found.endswith("…"))


@pytest.mark.parametrize(
    ("text", "columns"), [("дерекнама", 9), ("ұлттық", 6), ("日本語", 6), ("e\u0301", 1), ("ﾊ", 1), ("", 0)]
)
def test_letters_take_the_columns_that_a_terminal_gives_them(text: str, columns: int) -> None:
    assert cells(text) == columns


def test_continued_lines_stand_behind_what_the_first_begins_with() -> None:
    item = texts("  - one two three four five six seven eight nine", screen=NARROW)
    assert item == ["  - one two three four five six seven", "    eight nine"]
    plain = texts("one two three four five six seven eight nine", screen=NARROW)
    assert plain == ["one two three four five six seven eight", "  nine"]


def test_a_command_in_backquotes_is_not_broken() -> None:
    said = texts("next: everybody of you now runs `datalib verify library --data none`, if at all", screen=NARROW)
    assert said[1] == "  `datalib verify library --data none`,"


def test_what_is_to_be_copied_is_left_as_it_is() -> None:
    line = "User-agent: a b c d e f g h i j k l m n o p q r s t u v w x y z"
    assert texts(Line(text=line, exact=True), screen=NARROW) == [line]


def test_columns_are_set_by_what_is_seen() -> None:
    rows = [Row(cells=("7", "日本", "last")), Row(cells=("100", "ab", "second last"))]
    assert texts(Table(rows=rows, right=frozenset({0}))) == ["    7  日本  last", "  100  ab    second last"]


def test_a_last_column_without_room_stands_below() -> None:
    rows = [Row(cells=("a" * 30, "several words that stand below")), Row(cells=("b", "short"))]
    assert texts(Table(rows=rows), screen=NARROW) == [
        "  " + "a" * 30, "    several words that stand below", f"  b{' ' * 31}short",
    ]  # fmt: skip


TWIGS = [
    Twig(depth=1, name="a", facts="(x:a)", remarks=[Line(text="withdrawn", tone="bad")]),
    Twig(depth=2, name="b", remarks=[Line(text="old")]),
    Twig(depth=1, name="c"),
]


def test_a_tree_is_drawn_with_lines_or_with_letters() -> None:
    drawn = ["  ├─ a (x:a)", "  │  │  withdrawn", "  │  └─ b", "  │        old", "  └─ c"]
    assert texts(Tree(twigs=TWIGS)) == drawn
    plain = ["  |- a (x:a)", "  |  |  withdrawn", "  |  `- b", "  |        old", "  `- c"]
    assert texts(Tree(twigs=TWIGS), screen=Screen(boxes=False)) == plain


def test_a_long_name_in_a_tree_is_cut_and_its_facts_are_not() -> None:
    twig = Twig(depth=1, name="дерекнама " * 9, facts="(x:mill): subset")
    for screen, end in ((NARROW, "…"), (Screen(width=40, boxes=False), "...")):
        (line,) = texts(Tree(twigs=[twig]), screen=screen)
        assert cells(line) <= 40
        assert line.endswith(f"{end} (x:mill): subset")
    assert texts(Tree(twigs=[twig]))[0].count("дерекнама") == 9


def test_facts_without_room_stand_below_the_name() -> None:
    twig = Twig(depth=1, name="n" * 50, facts="(x-register:a-long-identifier): verbatim")
    assert texts(Tree(twigs=[twig]), screen=NARROW) == [
        "  └─ " + "n" * 34 + "…", "        (x-register:a-long-identifier):", "          verbatim",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wanted", ["\x1b[2J", "\x07", "\r", "\n", "\u202e", "\u2066", "\u200f", "\x9b", "\u200b", "\U000e0041", "\ud800"]
)
def test_nothing_steers_a_terminal(wanted: str) -> None:
    text = f"a{wanted}b"
    blocks: list[Block] = [text, Line(text=text), Line(text=text, exact=True), Table(rows=[Row(cells=(text, text))]),
              Tree(twigs=[Twig(depth=1, name=text, facts=text, remarks=[Line(text=text)])])]  # fmt: skip
    for screen in (PIPE, NARROW):
        said = "".join(texts(*blocks, screen=screen))
        assert wanted[0] not in said
        said.encode()


def test_a_command_is_broken_so_that_a_shell_reads_it_as_one() -> None:
    lines = list(command_lines("$ datalib x --name 'two words or more' --second value", 30))
    assert lines == ["$ datalib x --name \\", "    'two words or more' \\", "    --second value"]
