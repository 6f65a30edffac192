"""Names that would do, for every path that a library may not hold: all at once, so that one renaming is enough.

Source: datalib trust specification §4, P1 to P8; datalib command line, ``init``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from datalib.errors import Refused
from datalib.library.collisions import Collisions
from datalib.library.paths import (
    FORBIDDEN_CATEGORIES,
    MAX_PATH,
    MAX_SEGMENT,
    RESERVED_FILES,
    RESERVED_FOLDERS,
    fault,
    fold,
    to_bytes,
)

_FORBIDDEN: Final = re.compile(r'[\\:*?"<>|]')
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(?=\.|\Z)", re.IGNORECASE | re.ASCII)
_TRIES: Final = 1000


class Suggestion(NamedTuple):
    """A path that is refused, the code of the rule, and a path that would do; empty if none was found."""

    path: str
    code: str
    suggestion: str


def suggest_all(paths: Callable[[], Iterable[str]]) -> Iterator[Suggestion]:
    """Yield every refused path with a name that would do, free among all paths; ``paths`` gives them in byte order.

    Nothing is kept in memory while every path is allowed; the paths are read again, and kept, only if one is not.
    """
    if not _faulty(paths):
        return
    names = _Names()
    bad: list[tuple[str, str]] = []
    for path in paths():
        code = fault(path) or names.collision(path)
        if code:
            bad.append((path, code))
        else:
            names.take(path)
    for path, code in bad:
        yield Suggestion(path, code, names.free(repair(path)))


def _faulty(paths: Callable[[], Iterable[str]]) -> bool:
    collisions = Collisions()
    try:
        for path in paths():
            if fault(path):
                return True
            collisions.add(path)
        collisions.settle(paths)
    except Refused:
        return True
    return False


class _Names:
    """The names that are taken: folded paths of files and folders with their spelling."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}

    def collision(self, path: str) -> str | None:
        folded = fold(path)
        if folded in self._files or folded in self._folders:
            return "E-PATH-COLLISION"
        for folder in _folders(path):
            if fold(folder) in self._files or self._folders.get(fold(folder), folder) != folder:
                return "E-PATH-COLLISION"
        return None

    def take(self, path: str) -> None:
        self._files.add(fold(path))
        for folder in _folders(path):
            self._folders.setdefault(fold(folder), folder)

    def free(self, path: str) -> str:
        """Give a path like ``path`` that is allowed and not taken, and take it; an empty text if there is none."""
        respelt = self._respell(path)
        stem, dot, extension = respelt.rpartition(".")
        if not dot or "/" in extension or not stem.rpartition("/")[2]:
            stem, dot, extension = respelt, "", ""
        for number in range(1, _TRIES):
            candidate = respelt if number == 1 else f"{stem}-{number}{dot}{extension}"
            if fault(candidate) is None and self.collision(candidate) is None:
                self.take(candidate)
                return candidate
        return ""

    def _respell(self, path: str) -> str:
        """Spell folders as they are spelt elsewhere; a folder that is named like a file gets a number."""
        *folders, name = path.split("/")
        done = ""
        for segment in folders:
            folder = f"{done}{segment}"
            number = 2
            while fold(folder) in self._files and number < _TRIES:
                folder, number = f"{done}{segment}-{number}", number + 1
            done = f"{self._folders.get(fold(folder), folder)}/"
        return done + name


def _folders(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def repair(path: str) -> str:
    """Change as little of a path as P1 to P7 ask for; the result may still be taken, or too long to be helped."""
    segments = [_segment(segment) for segment in path.split("/")]
    if fold(segments[0]) in (RESERVED_FOLDERS if len(segments) > 1 else RESERVED_FILES | RESERVED_FOLDERS):
        segments[0] = f"data-{segments[0]}"
    # Too long as a whole: the outer folders are the least telling.
    while len(segments) > 1 and len("/".join(segments).encode()) > MAX_PATH:
        del segments[0]
    return "/".join(segments)


def _segment(segment: str) -> str:
    text = to_bytes(segment).decode("utf-8", "replace").replace("\N{REPLACEMENT CHARACTER}", "_")
    text = unicodedata.normalize("NFC", text)
    text = "".join(_character(char) for char in text)
    text = _FORBIDDEN.sub("_", text).lstrip(" ").rstrip(". ")
    text = _DEVICE.sub(r"\1_", text, count=1) if _DEVICE.match(text) else text
    return _shorten(text) or "_"


def _character(char: str) -> str:
    if unicodedata.category(char) in FORBIDDEN_CATEGORIES:
        return "" if unicodedata.category(char) == "Cf" else "_"
    return "_" if "/" in unicodedata.normalize("NFKC", char) else char


def _shorten(text: str) -> str:
    if len(text.encode()) <= MAX_SEGMENT:
        return text
    stem, dot, extension = text.rpartition(".")
    ending = f"{dot}{extension}" if stem and len(extension.encode()) < 20 else ""  # noqa: PLR2004 -- longer is no extension
    room = MAX_SEGMENT - len(ending.encode()) - 8  # 8: for a number, should the name be taken
    return (stem if ending else text).encode()[:room].decode("utf-8", "ignore").rstrip(". ") + ending
