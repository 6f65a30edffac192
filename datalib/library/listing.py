"""The listing ``files.sha256``: one line per data file, sorted, and its Merkle root (datalib trust specification §5).

A listing is read in constant memory, however long. Its digest is compared before the first line is parsed, and again at
the end of every later reading, so that what was parsed is what was signed.
"""

import hashlib
import os
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import RawIOBase
from itertools import islice
from operator import lt
from typing import NamedTuple, Protocol

from datalib.errors import Refused
from datalib.library.collisions import Collisions
from datalib.library.descent import trouble
from datalib.library.files import Files
from datalib.library.paths import fault, from_bytes, take_block
from datalib.library.store import Folder, write_all
from datalib.merkle import RootBuilder

#: Where a library keeps its listing.
NAME = "files.sha256"

#: The largest listing, in bytes (specification §5).
MAX_SIZE = 4 << 30

_CHUNK = 1 << 20
_TOO_LONG = 1 << 20  # bytes of a line that is not read to its end
_BATCH = 4096
_HEAD = 66  # 64 hex digits and two spaces
_SHAPE = re.compile(rb"[0-9a-f]{64}  ")


class Line(NamedTuple):
    """One listed file: digest in hex, path. A tuple, because there are millions."""

    sha256: str
    path: str


class Expected(Protocol):
    """What a manifest says of a listing: the members of ``datalib.content`` that the listing alone can show."""

    @property
    def files(self) -> int:
        """The number of lines."""

    @property
    def sha256(self) -> str:
        """The digest of the listing in hex."""

    @property
    def root(self) -> str:
        """The Merkle root over the lines in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a listing was found to be."""

    name: str
    files: int
    sha256: str
    root: str
    #: The digest of each wanted path that is listed.
    found: Mapping[str, str]


def examine(folder: Files, *, expected: Expected, wanted: Collection[str] = (), name: str = NAME) -> Listing:
    """Check a listing against what was signed of it, in the order of the specification (§10, step 8).

    ``wanted`` are the paths whose digests the caller needs. Raises Refused: ``E-LIST-MISSING``, ``-SIZE``, ``-DIGEST``;
    then line by line ``E-LIST-FORMAT``, ``E-PATH-*``, ``E-LIST-DUPLICATE``, ``-ORDER``, ``E-PATH-COLLISION``; then
    ``E-LIST-ROOT``, ``-COUNT``.
    """
    with folder.open(name, missing="E-LIST-MISSING") as file:
        with trouble(name):
            size = file.seek(0, os.SEEK_END)
        if size > MAX_SIZE:
            raise Refused("E-LIST-SIZE", name, f"{size} bytes, at most {MAX_SIZE} are allowed")
        _check_digest(file, name, expected.sha256)
        check = _Check(name, wanted)
        check.run(file, expected.sha256)
    listing = check.result(expected.sha256)
    if listing.root != expected.root:
        raise Refused("E-LIST-ROOT", name, f"computed {listing.root}, signed {expected.root}")
    if listing.files != expected.files:
        raise Refused("E-LIST-COUNT", name, f"{listing.files} lines, signed {expected.files}")
    return listing


def lines(folder: Files, *, sha256: str, name: str = NAME) -> Iterator[Line]:
    """Yield the lines of a listing that was examined before.

    Raises Refused ``E-LIST-DIGEST`` at the end if its bytes are no longer those of that digest.
    """
    with folder.open(name, missing="E-LIST-MISSING") as file:
        for block in _blocks(file, name, sha256):
            for line in block:
                yield Line(line[:64].decode("ascii", "replace"), from_bytes(line[_HEAD:]))


def write(folder: Folder, files: Iterable[Line], *, name: str = NAME) -> Listing:
    """Write the listing of some files, given in byte order of their paths; replace the one before, all or nothing.

    Every rule that `examine` checks is checked here too, and raises the same codes: what was written can be verified.
    """
    digest = hashlib.sha256()
    with folder.replacing(name) as file:
        remaining = iter(files)
        while batch := list(islice(remaining, _BATCH)):
            data = "".join([f"{line.sha256}  {line.path}\n" for line in batch]).encode("utf-8", "surrogateescape")
            digest.update(data)
            write_all(file, data)
        check = _Check(name, ())
        check.run(file, digest.hexdigest())
    return check.result(digest.hexdigest())


class _Check:
    """The checks of every line and path, and the root, in one reading; in two or three where names look alike."""

    __slots__ = ("_alike", "_last", "_wanted", "files", "found", "name", "root")

    def __init__(self, name: str, wanted: Iterable[str]) -> None:
        self.name = name
        self.files = 0
        self.root = RootBuilder()
        self.found: dict[str, str] = {}
        self._wanted = frozenset(wanted)
        self._last = b""
        self._alike = Collisions()

    def result(self, sha256: str) -> Listing:
        root = self.root.root().hex()
        return Listing(name=self.name, files=self.files, sha256=sha256, root=root, found=self.found)

    def run(self, file: RawIOBase, sha256: str) -> None:
        """Read the whole listing. The first line that breaks a rule decides, also if that is seen only later."""
        try:
            for block in _blocks(file, self.name, sha256):
                self._take(block)
        except Refused:
            self._alike.settle(lambda: islice(self._again(file, sha256), self.files))
            raise
        self._alike.settle(lambda: self._again(file, sha256))

    def _again(self, file: RawIOBase, sha256: str) -> Iterator[str]:
        return (from_bytes(line[_HEAD:]) for block in _blocks(file, self.name, sha256) for line in block)

    def _take(self, block: list[bytes]) -> None:
        raw = [line[_HEAD:] for line in block]
        taken = take_block(raw) if _have_shape(block) and self._last < raw[0] and all(map(lt, raw, raw[1:])) else None
        if taken is None:
            texts = [self._take_line(line, path) for line, path in zip(block, raw, strict=True)]
        else:
            texts, folded = taken
            self._alike.extend(texts, folded)
            self._last = raw[-1]
            self.files += len(block)
        self.root.extend(block)
        for path in self._wanted.intersection(texts):
            self.found[path] = block[bisect_left(texts, path)][:64].decode()

    def _take_line(self, line: bytes, raw: bytes) -> str:
        """Check one line; return its path."""
        where = f"{self.name}:{self.files + 1}"
        if not _SHAPE.match(line):
            raise Refused("E-LIST-FORMAT", where, "a line is 64 lower-case hex digits, two spaces, a path")
        try:
            path = raw.decode()
        except UnicodeDecodeError:
            raise Refused("E-LIST-FORMAT", where, "not UTF-8") from None
        code = fault(path)
        if code is not None:
            raise Refused(code, where, path)
        if raw <= self._last:
            raise Refused("E-LIST-DUPLICATE" if raw == self._last else "E-LIST-ORDER", where, path)
        self._alike.add(path)
        self._last = raw
        self.files += 1
        return path


def _have_shape(block: list[bytes]) -> bool:
    """Tell whether every line begins with 64 lower-case hex digits and two spaces."""
    heads = b"".join([line[:_HEAD] for line in block])
    spaces = b" " * len(block)
    return (
        len(heads) == _HEAD * len(block)
        and heads[_HEAD - 2 :: _HEAD] == heads[_HEAD - 1 :: _HEAD] == spaces
        and heads.translate(None, b"0123456789abcdef") == spaces * 2
    )


def _blocks(file: RawIOBase, name: str, sha256: str) -> Iterator[list[bytes]]:
    """Yield the lines without LF, many at a time, from the start of the file; at the end compare its digest."""
    digest, rest, any_line = hashlib.sha256(), b"", False
    with trouble(name):
        file.seek(0)
    while chunk := _chunk(file, name):
        digest.update(chunk)
        *block, rest = (rest + chunk).split(b"\n")
        if block:
            any_line = True
            yield block
        if len(rest) > _TOO_LONG:
            fits = _SHAPE.match(rest)
            raise Refused("E-PATH-LENGTH" if fits else "E-LIST-FORMAT", name, f"a line of more than {_TOO_LONG} bytes")
    if rest or not any_line:
        raise Refused("E-LIST-FORMAT", name, "no line, or a last line without LF")
    _compare(digest.hexdigest(), sha256, name)


def _check_digest(file: RawIOBase, name: str, sha256: str) -> None:
    digest = hashlib.sha256()
    with trouble(name):
        file.seek(0)
    while chunk := _chunk(file, name):
        digest.update(chunk)
    _compare(digest.hexdigest(), sha256, name)


def _chunk(file: RawIOBase, name: str) -> bytes:
    with trouble(name):
        return file.read(_CHUNK) or b""


def _compare(computed: str, signed: str, name: str) -> None:
    if computed != signed:
        raise Refused("E-LIST-DIGEST", name, f"computed {computed}, signed {signed}")
