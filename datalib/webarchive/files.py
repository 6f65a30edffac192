"""Files that hold records: which they are, and their bytes as a stream. A WACZ holds several, as entries of a zip."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from datalib.archive.entries import Entry
from datalib.archive.zipped import Zip
from datalib.errors import Refused, Unchecked
from datalib.webarchive.records import Packing

_NAME: Final = re.compile(r".+\.w?arc(?:\.(?:wet|wat))?(?:\.(?:gz|zst))?", re.IGNORECASE | re.DOTALL)
_WACZ: Final = ".wacz"
_PIECE: Final = 1 << 20
#: A WACZ with more files is not read, nor one whose files are so many times its size: its archives should be stored.
_MAX_ENTRIES: Final = 1 << 14
_MAX_GROWTH: Final = 64
_SLACK: Final = 16 << 20


def is_archive(name: str) -> bool:
    """Say whether a file is a web archive by its name: WARC and ARC, plain, gzip or Zstandard, WET and WAT, WACZ."""
    return bool(_NAME.fullmatch(name)) or is_wacz(name)


def is_wacz(name: str) -> bool:
    """Say whether a file is a WACZ by its name."""
    return name.lower().endswith(_WACZ)


def called_packed(name: str) -> Packing:
    """Say what an archive is packed in, by its name."""
    return next((packing for packing in Packing if packing and name.lower().endswith(f".{packing}")), Packing.NONE)


def entries_of(path: Path) -> tuple[str, ...]:
    """Name the archives in a WACZ, in their order.

    Raises Refused (E-ARCHIVE-…) where it is no sound zip, or has none; Unchecked (E-IO).
    """
    with _opened(path) as descriptor:
        names: list[str] = []
        total = 0
        for number, entry in enumerate(Zip(descriptor, str(path)).entries()):
            total += entry.size
            if number >= _MAX_ENTRIES or total > os.fstat(descriptor).st_size * _MAX_GROWTH + _SLACK:
                raise Refused("E-ARCHIVE-BOMB", str(path), "too many files, or too much in them")
            if not entry.folder and _NAME.fullmatch(entry.path):
                names.append(entry.path)
    if not names or len(set(names)) < len(names):
        raise Refused("E-ARCHIVE-FORMAT", str(path), "no archives in it, or two of the same name")
    return tuple(names)


@contextmanager
def opened(path: Path, entry: str = "") -> Iterator[Callable[[], bytes]]:
    """Give the bytes of an archive as a stream: of a file, or of one entry of a WACZ.

    The stream raises Unchecked (E-IO), and Refused (E-ARCHIVE-…) for a damaged zip.
    """
    with _opened(path) as descriptor:
        if not entry:
            yield lambda: _read(descriptor, path)
            return
        for _ in _find(descriptor, path, entry).read():  # first its check sum: what follows is not read twice
            pass
        chunks = _find(descriptor, path, entry).read()
        yield lambda: next(chunks, b"")


def _find(descriptor: int, path: Path, name: str) -> Entry:
    for entry in Zip(descriptor, str(path)).entries():
        if entry.path == name:
            return entry
    raise Refused("E-ARCHIVE-FORMAT", str(path), f"{name} is no longer in it")


def _read(descriptor: int, path: Path) -> bytes:
    try:
        return os.read(descriptor, _PIECE)
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
