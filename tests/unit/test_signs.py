"""The one pass over a page overlooks no sign, however it is written and wherever it stands."""

import sys

import pytest

from datalib.optout import agents, signs
from datalib.optout.glance import is_silent
from datalib.optout.reservation import on_page

PIECES = (*signs.LAWS, *signs.RIGHTS, *signs.SUBJECTS)
PAGE = tuple(signs.spelled((*signs._TAGS, *signs.LAWS, *signs.RIGHTS)))
OWN = "All rights are reserved, including those for machine learning"


def without_bits(text: str) -> bytes:
    return bytes(byte | signs._BITS for byte in text.encode())


def test_every_form_of_a_letter_is_known() -> None:
    letters = frozenset("".join(PIECES))
    for code in range(sys.maxunicode + 1):
        meant = chr(code).casefold()
        if len(meant) == 1 and meant in letters and not 0xD800 <= code < 0xE000:
            same = without_bits(chr(code)) == without_bits(meant)
            assert same or chr(code) in signs.FORMS[meant], hex(code)
        elif len(meant) > 1:  # in such letters no piece begins, ends or goes on
            for size in range(1, len(meant) + 1):
                assert not any(piece.startswith(meant[-size:]) for piece in PIECES), hex(code)
                assert not any(piece.endswith(meant[:size]) for piece in PIECES), hex(code)
            assert not any(meant in piece for piece in PIECES), hex(code)
    assert letters >= signs.FORMS.keys()


def test_no_sign_hides_another() -> None:
    for one in PAGE:
        assert len(one) < signs._REACH
        for other in PAGE:
            assert one == other or one not in other
            assert not any(one.endswith(other[:size]) for size in range(1, min(len(one), len(other))))


@pytest.mark.parametrize(
    ("sign", "kind"),
    [("<META", 0), ("<Link", 0), ("<sCript", 0), ("uRHG", 1), ("2019/790", 1), ("Reſerv", 2), ("RÉSERV", 2),
     ("ᲅаᲀЛЯ", 2), ("РҒАЛҒАН", 2)],
)  # fmt: skip
def test_signs_are_found_wherever_they_stand(sign: str, kind: int) -> None:
    for place in (0, 1, *range(signs._STEP - 40, signs._STEP + 2), 2 * signs._STEP - 1):
        found = signs.find_signs(b"x" * place + sign.encode() + b" <!" * 9)
        assert [list(places) for places in found] == [[place] if number == kind else [] for number in range(3)]


def test_where_there_are_too_many_signs_a_page_is_read() -> None:
    table = agents.default()
    for count, silent in ((0, True), (signs.MOST + 1, False)):
        html = b"<metal>" * count
        assert is_silent(html, "datalib", table, signs.find_signs(html).tags) is silent
    words = "Reserved. " * (signs.MOST + 9)
    assert not on_page(words.encode())
    assert on_page((words + OWN).encode()) == OWN.casefold().removeprefix("all ")
    assert len(signs.find_signs(words.encode()).rights) == signs.MOST + 1
    assert signs.find_signs(b"") == ([], [], [])
