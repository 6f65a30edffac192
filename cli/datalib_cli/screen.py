"""Where a result is shown: how wide the screen is, whether it can draw, whether it has colours.

Colours follow ``--color``, then NO_COLOR (no-color.org), FORCE_COLOR and CLICOLOR_FORCE, then CLICOLOR and TERM, then
whether it is a terminal. What is no terminal has no width: what is written there does not depend on any.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

#: Narrower screens are treated as one of so many columns; 80 where a terminal does not say.
NARROWEST: Final = 40
_USUAL: Final = (80, 24)
_DRAWN: Final = "─│├└…"
_ASCII_LOCALES: Final = {"C", "POSIX"}
#: What steers a terminal, ends a line, turns its direction (UAX #9) or is not seen: names of others may hold it.
_STEERING: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
#: How a tone is shown where there are colours: codes of Select Graphic Rendition (ECMA-48, 8.3.117).
_TONES: Final = {"good": "32", "bad": "31", "warn": "33", "head": "1", "next": "36"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where a result is shown. ``width``: columns of a terminal, ``None`` for what is none; ``boxes``: it can draw."""

    width: int | None = None
    boxes: bool = True
    colours: bool = False

    @property
    def more(self) -> str:
        """What says that something was cut."""
        return "…" if self.boxes else "..."

    def tinted(self, text: str, tone: str) -> str:
        """Give a text in its tone, where there are colours."""
        return f"\x1b[{_TONES[tone]}m{text}\x1b[0m" if self.colours and tone and text else text


def screen(stream: TextIO, arguments: Sequence[str], environment: Mapping[str, str]) -> Screen:
    """Find out what the screen behind a stream can show."""
    terminal = stream.isatty()
    return Screen(
        width=_width() if terminal else None,
        boxes=_draws(stream, environment),
        colours=_colours(_mode(arguments), terminal=terminal, environment=environment),
    )


def _width() -> int:
    import shutil

    return max(shutil.get_terminal_size(_USUAL).columns, NARROWEST)


def _draws(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether there are lines to draw with: not in the C locale, where somebody asks for it by name."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), "")
    if locale in _ASCII_LOCALES:
        return False
    try:
        _DRAWN.encode(stream.encoding)
    except UnicodeEncodeError:
        return False
    return True


def _mode(arguments: Sequence[str]) -> str:
    for index, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--color":
            return value or (arguments[index + 1] if index + 1 < len(arguments) else "")
    return "auto"


def _colours(mode: str, *, terminal: bool, environment: Mapping[str, str]) -> bool:
    if mode in {"always", "never"}:
        return mode == "always"
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return terminal and environment.get("TERM") != "dumb" and environment.get("CLICOLOR") != "0"


def harmless(text: str) -> str:
    """Write out what would steer a terminal, and what is no Unicode."""
    shown = _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return shown.encode("utf-8", "backslashreplace").decode()
