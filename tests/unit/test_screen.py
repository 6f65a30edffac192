"""Colours and drawing: where they are wanted, and nowhere else."""

import io
from typing import Any

import pytest

from datalib_cli.screen import NARROWEST, Screen, screen


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Latin(Terminal):
    encoding = "iso8859-1"


def coloured(stream: io.StringIO, *arguments: str, **environment: str) -> bool:
    return screen(stream, arguments, environment).colours


class Pipe(Terminal):
    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("arguments", "environment", "terminal", "pipe"),
    [
        ((), {}, True, False),
        ((), {"TERM": "dumb"}, False, False),
        ((), {"NO_COLOR": "1"}, False, False),
        ((), {"NO_COLOR": ""}, True, False),
        ((), {"FORCE_COLOR": "1"}, True, True),
        ((), {"FORCE_COLOR": "0"}, True, False),
        ((), {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ((), {"CLICOLOR": "0"}, False, False),
        ((), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True, True),
        (("--color=never",), {"FORCE_COLOR": "1"}, False, False),
        (("--color", "auto"), {}, True, False),
        (("--color",), {}, True, False),
    ],
)
def test_colours_are_where_they_are_wanted(
    arguments: tuple[str, ...], environment: dict[str, str], terminal: bool, pipe: bool
) -> None:
    assert coloured(Terminal(), *arguments, **environment) is terminal
    assert coloured(Pipe(), *arguments, **environment) is pipe


@pytest.mark.parametrize(
    ("stream", "environment", "draws"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"LANG": "kk_KZ.UTF-8"}, True),
        (Terminal(), {"LC_ALL": "C", "LANG": "kk_KZ.UTF-8"}, False),
        (Terminal(), {"LC_ALL": "", "LANG": "POSIX"}, False),
        (Terminal(), {"LANG": "C.UTF-8"}, True),
        (Latin(), {}, False),
    ],
)
def test_it_is_drawn_where_there_are_letters_for_it(stream: Any, environment: dict[str, str], draws: bool) -> None:
    assert screen(stream, (), environment).boxes is draws


def test_what_is_no_terminal_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "61")
    assert (screen(Terminal(), (), {}).width, screen(Pipe(), (), {}).width) == (61, None)
    monkeypatch.setenv("COLUMNS", "3")
    assert screen(Terminal(), (), {}).width == NARROWEST


def test_a_tone_is_nothing_without_colours() -> None:
    assert Screen().tinted("no", "bad") == "no"
    assert Screen(colours=True).tinted("no", "") == "no"
    assert Screen(colours=True).tinted("no", "bad") == "\x1b[31mno\x1b[0m"
