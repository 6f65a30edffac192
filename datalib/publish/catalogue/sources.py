"""Which folders a catalogue is made of, and what each claims to be."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from datalib.chain.envelope import MAX_LINE
from datalib.chain.links import NAME as CHAIN
from datalib.errors import DatalibError, Misuse
from datalib.formats import sha256_hex
from datalib.library.descent import trouble
from datalib.library.manifest import NAME as MANIFEST
from datalib.library.store import Folder

_PLACE: Final = 16  # digits of the digest that names a place
_KEY: Final = re.compile(r"[0-9a-f]{64}(-[0-9a-f]{16})?|draft-[0-9a-f]{16}")


def expand(given: Iterable[Path], site: Path) -> Iterator[Path]:
    """Yield the folders of libraries: those given, and for a folder that is none those that lie right in it.

    Raises ``Misuse("E-USAGE")`` for a folder without a library, and for one in the site; ``Unchecked("E-IO")``.
    """
    own = Path(os.path.realpath(site))
    for path in given:
        whole = Path(os.path.realpath(path))
        if whole.is_relative_to(own):
            raise Misuse("E-USAGE", str(path), "lies in the site")
        if _is_library(whole):
            yield whole
            continue
        with Folder(path) as folder, trouble(str(path)):
            inside = sorted(each.name for each in os.scandir(folder.descriptor) if each.is_dir())
        found = [whole / name for name in inside if _is_library(whole / name) and not name.startswith(".")]
        if not found:
            raise Misuse("E-USAGE", str(path), "no library, and none right in it")
        yield from found


def _is_library(path: Path) -> bool:
    return any(os.path.lexists(path / name) for name in (MANIFEST, CHAIN))


def claim(path: Path) -> str:
    """Give the id that a library claims, the digest of the first line of its chain; a draft is named by its place.

    Whether the claim is true is for its verification to say.
    """
    try:
        with Folder(path) as folder, folder.open(CHAIN, missing="E-CHAIN-MISSING") as file:
            first, newline, _ = (file.read(MAX_LINE + 1) or b"").partition(b"\n")
    except DatalibError:
        newline = b""
    if newline:
        return sha256_hex(first)
    return f"draft-{place(path)}"


def place(path: Path) -> str:
    """Name where a library lies, without telling it."""
    return sha256_hex(os.fsencode(path))[:_PLACE]


def is_key(name: str) -> bool:
    """Tell whether a folder is one that a catalogue makes for a library."""
    return _KEY.fullmatch(name) is not None
