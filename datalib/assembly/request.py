"""What is asked of an assembly: which libraries, how their files are taken, which of their files.

    DIR[,mode=verbatim|subset|derived][,prefix=P][,scan=OUT]
                                                      one input; what a scan of it admitted, if there is one
    PREFIX/GLOB                                       files of a subset, by their paths in the new library:
                                                      * and ? within a name, ** across folders, / at the end: a folder
    PATH=DIR/RESOURCE,DIR/RESOURCE[,source-column=NAME]
                                                      tables of inputs joined into one, as a file of the new library

Source: datalib trust specification §6, "Inputs"; datalib command line, ``assemble``.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from datalib.errors import Misuse, Refused
from datalib.library.describe import Statements
from datalib.library.paths import check_path, fold, readable
from datalib.library.tables import format_of

VERBATIM: Final = "verbatim"
SUBSET: Final = "subset"
DERIVED: Final = "derived"
MODES: Final = (VERBATIM, SUBSET, DERIVED)

#: What the column that names the library of a row is called, if nothing else is said.
SOURCE_COLUMN: Final = "source_library"
#: How a joined table may be written, by the extension of its name.
JOINED: Final = ("csv", "parquet")

_COLUMN: Final = "source-column="
_MEMBER: Final = re.compile(r"(?P<rest>.+),(?P<name>mode|prefix|scan)=(?P<value>[^,]*)", re.DOTALL)
_WILD: Final = re.compile(r"\*\*|\*|\?")
_MEANING: Final = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One input as it is asked for. What is not said is as it was, or verbatim below the input's own name."""

    folder: Path
    mode: str | None = None
    prefix: str | None = None
    scan: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``DIR[,mode=…][,prefix=…][,scan=…]``; a folder may hold commas. Raises ``Misuse`` (``E-USAGE``)."""
        said: dict[str, str] = {}
        while match := _MEMBER.fullmatch(text):
            text, name, value = match["rest"], match["name"], match["value"]
            if name in said:
                raise Misuse("E-USAGE", "--input", f"{name} twice")
            said[name] = value
        mode, prefix = said.get("mode"), said.get("prefix")
        if mode is not None and mode not in MODES:
            raise Misuse("E-USAGE", "--input", f"mode {mode!r} is none of {', '.join(MODES)}")
        scan = Path(said["scan"]) if "scan" in said else None
        prefix = None if prefix is None else as_prefix(prefix)
        return cls(folder=Path(text), mode=mode, prefix=prefix, scan=scan)


def as_prefix(text: str) -> str:
    """Give a prefix with ``/`` at its end. Raises ``Refused`` (``E-PATH-*``) for what no path may begin with."""
    check_path(text.removesuffix("/"))
    return f"{text.removesuffix('/')}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A choice of files by their paths in the new library."""

    text: str
    regex: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pattern; see the head of this module."""
        parts, at = list[str](), 0
        for match in _WILD.finditer(text):
            parts += [re.escape(text[at : match.start()]), _MEANING[match[0]]]
            at = match.end()
        parts += [re.escape(text[at:]), ".*" if text.endswith("/") else ""]
        return cls(text=text, regex=re.compile("".join(parts), re.DOTALL))

    def matches(self, path: str) -> bool:
        """Tell whether a path is one of the chosen."""
        return self.regex.fullmatch(path) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """Tables that are to become one, written at ``path``: each ``DIR/RESOURCE``, as it is asked for."""

    path: str
    tables: tuple[str, ...]
    column: str = SOURCE_COLUMN

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `--join` asks for. Raises ``Misuse`` (``E-USAGE``), ``Refused`` (``E-PATH-*``)."""
        path, _, rest = text.partition("=")
        said = rest.split(",")
        columns = [part.removeprefix(_COLUMN) for part in said if part.startswith(_COLUMN)]
        tables = tuple(part for part in said if not part.startswith(_COLUMN))
        if not path or not all(tables) or len(set(tables)) < 2 or len(columns) > 1 or not all(columns):  # noqa: PLR2004 -- one table alone is not joined
            raise Misuse("E-USAGE", "--join", f"{text!r} is not PATH=DIR/RESOURCE,DIR/RESOURCE[,source-column=NAME]")
        check_joined(path)
        return cls(path=path, tables=tables, column=columns[0] if columns else SOURCE_COLUMN)


def check_joined(path: str) -> None:
    """Refuse a path where no joined table can be: ``E-PATH-*``, ``Misuse`` (``E-USAGE``)."""
    check_path(path)
    if format_of(path) not in JOINED:
        raise Misuse("E-USAGE", "--join", f"{path}: a joined table is written as .csv or .parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A whole assembly as it is asked for.

    ``take`` chooses the files of subsets; ``joins`` are tables made of those of inputs; ``data`` is a folder with the
    library's own files, without it they lie in ``out`` already; ``statements`` are what `describe` takes: producer,
    purposes, further sources, licence.
    """

    out: Path
    inputs: tuple[Wish, ...]
    take: tuple[Pattern, ...] = ()
    joins: tuple[Joining, ...] = ()
    data: Path | None = None
    statements: Statements


def check_beside(library: Path, others: Iterable[Path]) -> None:
    """Refuse folders that lie in the library, or it in them: ``Misuse`` (``E-USAGE``)."""
    own = library.resolve()
    for folder in others:
        whole = folder.resolve()
        if whole == own or own in whole.parents or whole in own.parents:
            raise Misuse("E-USAGE", str(folder), f"{folder} and {library} must lie beside each other")


def check_prefixes(prefixes: Iterable[tuple[str, str]]) -> None:
    """Refuse prefixes (each with its mode) of which one lies in another: ``E-PATH-COLLISION``.

    What is derived may share a folder with what is derived.
    """
    ordered = sorted(prefixes, key=lambda item: fold(item[0]))
    for number, (prefix, mode) in enumerate(ordered):
        for other, its in ordered[number + 1 :]:
            if not fold(other).startswith(fold(prefix)):
                break
            if (mode, its) != (DERIVED, DERIVED):
                raise Refused("E-PATH-COLLISION", readable(other), f"lies in {readable(prefix)}: choose another prefix")


def patterns_below(patterns: Sequence[Pattern], prefix: str) -> tuple[Pattern, ...]:
    """Give the patterns that choose files below a prefix."""
    return tuple(pattern for pattern in patterns if pattern.text.startswith(prefix))
