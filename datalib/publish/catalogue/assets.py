"""The files that all pages of a site share: style and scripts, each named by its content, as the pages expect it.

Whoever adds a page with a script adds the script to `ASSETS` and asks `asset` for its place.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from datalib.formats import sha256_hex

#: Files of ``datalib.publish``.
ASSETS: Final = ("style.css", "search.js")
FOLDER: Final = "assets"


_NAME: Final = re.compile(r"[A-Za-z0-9-]+\.[0-9a-f]{12}\.[a-z]+")


class Asset(NamedTuple):
    """A file: where it stands in a site, and its bytes."""

    path: str
    data: bytes

    @property
    def name(self) -> str:
        """The name of the file in its folder."""
        return self.path.rpartition("/")[2]


def named(folder: str, stem: str, ending: str, data: bytes) -> Asset:
    """Name a file by its content."""
    return Asset(f"{folder}/{stem}.{sha256_hex(data)[:12]}.{ending}", data)


def is_asset(name: str) -> bool:
    """Tell whether a file is named as `named` does."""
    return _NAME.fullmatch(name) is not None


@cache
def asset(name: str) -> Asset:
    """Give one of `ASSETS`."""
    data = files("datalib.publish").joinpath(name).read_bytes()
    stem, _, ending = name.rpartition(".")
    return named(FOLDER, stem, ending, data)
