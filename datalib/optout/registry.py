"""Registries of refusals: plain lists of what must not be trained on, one entry a line.

An entry is a domain (with all below it), a URL (one that ends in ``/`` or ``*`` with all below it), an identifier
(SHA-256, DOI, ISBN, ISCC), or a declaration in JSON about one (TDM-AI, ONIX). ``#`` begins a comment. A registry is one
such file or a folder of them. A line that is none of these refuses the whole registry: what it was meant to keep out
would otherwise be admitted.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import can_ada

from datalib.errors import Refused, Unchecked
from datalib.optout import declared
from datalib.optout.model import Reading, State
from datalib.optout.outputs import trouble
from datalib.optout.patterns import canonical_target
from datalib.optout.statement import TRAINING
from datalib.optout.urls import Place, place_of

MAX_LINE: Final = 4096
NO_TRAINING: Final = Reading.of(State.DENY, *TRAINING)
_BLOCK: Final = 1 << 20

_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?")
#: A domain as most lists have them, without punycode.
_PLAIN = re.compile(rb"(?![^\n]*xn--)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9]*")
_WORDY = re.compile(r"(?:\*?\.)?([^\s/\\?#@:*]+\.[^\s/\\?#@:*]*[^\s/\\?#@:*0-9.])\.?")
_SHA256 = re.compile(r"(?:sha-?256[:=-])?([0-9a-f]{64})", re.IGNORECASE)
_DOI = re.compile(r"(?:doi:\s*)?(10\.[0-9]{4,9}(?:\.[0-9]+)*/\S+)", re.IGNORECASE)
_DOI_PATH = re.compile(r"/(10\.[0-9]{4,9}(?:\.[0-9]+)*/.+)", re.IGNORECASE)
_ISBN = re.compile(r"(?:urn:)?(?:isbn(?:-1[03])?[:\s]*)?((?:97[89][-\s]?)?(?:[0-9][-\s]?){9}[0-9Xx])", re.IGNORECASE)
_ISCC = re.compile(r"iscc:\s*([a-z2-7]{10,73})", re.IGNORECASE)
_SCHEME = re.compile(r"https?:", re.IGNORECASE)
DOI_HOSTS: Final = frozenset({"doi.org", "dx.doi.org", "www.doi.org"})
_SPLIT = re.compile(r"[,;|\n]+")


class Kind(StrEnum):
    """What an entry names."""

    DOMAIN = "domain"
    URL = "url"
    PREFIX = "prefix"
    ID = "id"


class Entry(NamedTuple):
    """An entry: its key in one spelling, the line it stands in and the text of that line."""

    kind: Kind
    key: bytes
    line: int
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """What the entries of a file say, to the letter and strictly, and what is to be noted about it."""

    spec: Reading
    strict: Reading
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A file of a registry. ``name`` is its place in results; ``sha256`` of its bytes, in hex."""

    name: str
    path: Path
    sha256: str
    size: int

    @property
    def says(self) -> Says:
        """What an entry of a list says: no training."""
        return Says(spec=NO_TRAINING, strict=NO_TRAINING)

    def entries(self) -> Iterator[Entry]:
        """Read the entries. Raises Refused (E-REGISTRY-FORMAT) with the line, Unchecked (E-IO)."""
        for number, line in enumerate(self._lines(), 1):
            if _PLAIN.fullmatch(line):
                yield Entry(Kind.DOMAIN, line, number, line)
                continue
            if len(line) > MAX_LINE:
                raise self._fault(number, f"the line is longer than {MAX_LINE} bytes")
            try:
                text = _text(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            except UnicodeDecodeError as error:
                raise self._fault(number, "not a text in UTF-8") from error
            if text:
                if text.startswith("{"):
                    yield from self._declared(text, number)
                    continue
                found = key_of(text)
                if found is None:
                    raise self._fault(number, f"neither a domain, a URL nor an identifier: {text[:80]!r}")
                yield Entry(found[0], found[1].encode(), number, text.encode())

    def read(self) -> bytes:
        """Give its bytes. Raises Unchecked (E-IO, E-FILE-CHANGED)."""
        with trouble(self.path), self.path.open("rb") as file:
            data = file.read(self.size + 1)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise Unchecked("E-FILE-CHANGED", str(self.path), "changed while it was read")
        return data

    def _declared(self, text: str, number: int) -> Iterator[Entry]:
        """Read a declaration in JSON: TDM-AI by its ISCC, ONIX by its ISBN. A permission names nothing to keep out."""
        read = declared.of_json(text)
        identifier = identifier_of(read.identifier) if read else None
        if read is None or identifier is None or read.state is State.HOLD:
            raise self._fault(number, f"neither a TDM-AI declaration nor an ONIX usage that can be read: {text[:80]!r}")
        if read.state > State.ALLOW:
            yield Entry(Kind.ID, identifier.encode(), number, text.encode())

    def _lines(self) -> Iterator[bytes]:
        """Read lines without their ends; one that is too long comes cut."""
        digest, rest = hashlib.sha256(), b""
        with trouble(self.path), self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                *lines, rest = (rest + block).split(b"\n")
                yield from (line.rstrip(b"\r") for line in lines)
                if len(rest) > MAX_LINE:
                    yield rest
                    return
        if digest.hexdigest() != self.sha256:
            raise Unchecked("E-FILE-CHANGED", str(self.path), "changed while it was read")
        if rest:
            yield rest

    def _fault(self, line: int, detail: str) -> Refused:
        return Refused("E-REGISTRY-FORMAT", f"{self.path}:{line}", detail)


def list_files(sources: Sequence[Path]) -> list[ListFile]:
    """Find the files of registries, in order. Raises Refused (E-REGISTRY-FORMAT), Unchecked (E-IO)."""
    found: dict[str, ListFile] = {}
    for source in sources:
        places = sorted(_walk(source)) if source.is_dir() else [(source.name, source)]
        for name, path in places:
            with trouble(path):
                if not stat.S_ISREG(path.stat().st_mode):
                    raise Refused("E-REGISTRY-FORMAT", str(path), "neither a file nor a folder")
                with path.open("rb") as file:
                    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                size = path.stat().st_size
            if name in found and found[name].sha256 != sha256:
                raise Refused("E-REGISTRY-FORMAT", str(path), f"another registry has the name {name!r} too")
            found[name] = ListFile(name=name, path=path, sha256=sha256, size=size)
    if sources and not found:
        raise Refused("E-REGISTRY-FORMAT", str(sources[0]), "there is no list in this folder")
    return list(found.values())


def key_of(text: str) -> tuple[Kind, str] | None:
    """Tell what an entry names, and give it in one spelling; None when it is no entry."""
    if _DOMAIN.fullmatch(text) and "xn--" not in text:
        return Kind.DOMAIN, text
    if _SCHEME.match(text):
        return _url_key(text)
    if identifier := identifier_of(text):
        return Kind.ID, identifier
    if found := _WORDY.fullmatch(text):
        try:
            host: str = can_ada.parse(f"https://{found[1]}/").hostname
        except ValueError:
            return None
        return (Kind.DOMAIN, host) if _DOMAIN.fullmatch(host) else None
    return None


def identifier_of(text: str) -> str | None:
    """Give an identifier in one spelling: ``sha256:…``, ``doi:…``, ``isbn:…`` (13 digits), ``iscc:…``; else None."""
    if found := _SHA256.fullmatch(text):
        return f"sha256:{found[1].lower()}"
    if found := _DOI.fullmatch(text):
        return f"doi:{found[1].casefold()}"
    if found := _ISCC.fullmatch(text):
        return f"iscc:{found[1].casefold()}"
    if found := _ISBN.fullmatch(text):
        return _isbn(re.sub(r"[^0-9X]", "", found[1].upper()))
    return None


def identifiers_of(text: str) -> list[str]:
    """Give the identifiers that a value of a column holds, one or several; a DOI may be written as its URL."""
    found: list[str] = []
    for part in [text, *_SPLIT.split(text), *text.split()] if len(text) <= MAX_LINE else ():
        word = part.strip().rstrip(",;")
        place = place_of(word) if _SCHEME.match(word) else None
        identifier = doi_of(place) if isinstance(place, Place) else identifier_of(word)
        if identifier and identifier not in found:
            found.append(identifier)
    return found


def doi_of(place: Place) -> str | None:
    """Give the DOI that a URL of its resolver stands for."""
    if place.origin.partition("://")[2] not in DOI_HOSTS:
        return None
    found = _DOI_PATH.fullmatch(canonical_target(place.target))
    return f"doi:{found[1].casefold()}" if found else None


def url_key(place: Place) -> str:
    """Write a URL as registries compare it: without its scheme, in the canonical spelling."""
    return place.origin.partition("://")[2] + canonical_target(place.target)


def _url_key(text: str) -> tuple[Kind, str] | None:
    star = text.endswith("*")
    place = place_of(text.rstrip("*"))
    if not isinstance(place, Place) or "*" in text.rstrip("*"):
        return None
    if identifier := doi_of(place):
        return Kind.ID, identifier
    key = url_key(place)
    return (Kind.PREFIX if star or key.endswith("/") else Kind.URL), key


def _isbn(digits: str) -> str | None:
    """Check an ISBN and write it with 13 digits."""
    values = [10 if digit == "X" else int(digit) for digit in digits]
    if len(values) == 10 and "X" not in digits[:-1]:  # noqa: PLR2004 (the older form)
        good = sum(value * weight for value, weight in zip(values, range(10, 0, -1), strict=True)) % 11 == 0
        body = [9, 7, 8, *values[:-1]]
    else:
        good = "X" not in digits and sum(v * (1, 3)[place % 2] for place, v in enumerate(values)) % 10 == 0
        body = values[:-1]
    if not good:
        return None
    check = -sum(value * (1, 3)[place % 2] for place, value in enumerate(body)) % 10
    return "isbn:" + "".join(map(str, body)) + str(check)


def _text(line: bytes) -> str:
    """Give a line without its comment, blanks and quotes. A ``#`` inside of a URL begins none."""
    text = line.decode()
    return "" if text.lstrip().startswith("#") else re.split(r"\s#", text, maxsplit=1)[0].strip().strip('"')


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    with trouble(folder):
        for place, folders, files in os.walk(folder, onerror=_raise):
            folders.sort()
            for name in files:
                path = Path(place, name)
                yield f"{folder.name}/{path.relative_to(folder).as_posix()}", path


def _raise(error: OSError) -> None:
    raise error
