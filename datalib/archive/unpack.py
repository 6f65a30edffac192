"""Look through an archive without writing anything, then unpack it into an empty folder of one's own.

The first pass reads every header and keeps the two small files that say how large the library is. Only when these
numbers are known to be signed does the second pass write, and never more than they allow. Folders are made for the
files in them; entries that are folders carry nothing. Source: datalib trust specification §12, codes 271 to 274.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO

from datalib.archive.entries import Entry
from datalib.archive.reading import Archive
from datalib.chain.links import MAX_CHAIN
from datalib.chain.links import NAME as CHAIN
from datalib.errors import Refused
from datalib.library.descent import Descent, trouble
from datalib.library.listing import NAME as LISTING
from datalib.library.manifest import MAX_MANIFEST, Content
from datalib.library.manifest import NAME as MANIFEST
from datalib.library.paths import MAX_PATH, readable, to_bytes
from datalib.library.store import write_all

#: What an archive may hold beyond the data: manifests, chain, proofs, evidence.
MORE_BYTES = 64 << 20
MORE_ENTRIES = 10_000
#: A line of a listing: 64 hex digits, two spaces, a path, LF.
_LONGEST_LINE = 66 + MAX_PATH + 1

_KEPT = {MANIFEST: MAX_MANIFEST, CHAIN: MAX_CHAIN}
_ABSENT = "E-FILE-MISSING"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the headers of an archive say.

    ``base`` is the one folder that everything lies in, with ``/``, or empty. ``entries`` counts all entries, folders
    too; ``size`` is the bytes of all files but the listing, which has ``listing`` bytes. ``kept`` holds manifest and
    chain as far as they are there, ``None`` for one that is too large to be one.
    """

    base: str
    entries: int
    size: int
    listing: int
    kept: dict[str, bytes | None]


def survey(archive: Archive) -> Survey:
    """Read all headers; write nothing.

    Raises ``Refused``: ``E-ARCHIVE-PATH``, ``-LINK``, ``-FORMAT``, ``-BOMB`` (entries that share data), and
    ``E-ARCHIVE-DUPLICATE`` for a second manifest, chain or listing.
    """
    look = _Look()
    for entry in archive.entries():
        look.take(entry)
    return look.result()


@dataclass(slots=True)
class _Look:
    """What a first pass has seen. Memory: the manifest and the chain, at the top and in the first folder."""

    entries: int = 0
    size: int = 0
    top: str | None = None
    alone: bool = True
    sizes: dict[str, int] = field(default_factory=dict)
    kept: dict[str, bytes | None] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        self.entries += 1
        if not entry.path:
            return
        top, slash, rest = entry.path.partition("/")
        if self.top is None:
            self.top = top
        if top != self.top or not (slash or entry.folder):
            self.alone = False
        if entry.folder:
            return
        self.size += entry.size
        name = rest if slash and top == self.top else entry.path
        if name not in {MANIFEST, CHAIN, LISTING}:
            return
        if entry.path in self.sizes:
            raise Refused("E-ARCHIVE-DUPLICATE", readable(entry.path))
        self.sizes[entry.path] = entry.size
        if name in _KEPT:
            self.kept[entry.path] = b"".join(entry.read()) if entry.size <= _KEPT[name] else None

    def result(self) -> Survey:
        base = f"{self.top}/" if self.alone and self.top is not None else ""
        listing = self.sizes.get(base + LISTING, 0)
        return Survey(
            base=base,
            entries=self.entries,
            size=self.size - listing,
            listing=listing,
            kept={name: self.kept[base + name] for name in _KEPT if base + name in self.kept},
        )


def check_size(found: Survey, content: Content) -> None:
    """Refuse an archive larger than the signed numbers allow: ``E-ARCHIVE-BOMB``.

    The listing has a bound of its own, the longest lines for that many files: with millions of small files it alone is
    more than the allowance for everything that is not data.
    """
    entries, size = content.files + MORE_ENTRIES, content.bytes + MORE_BYTES
    if found.entries > entries:
        raise Refused("E-ARCHIVE-BOMB", "", f"{found.entries} entries, at most {entries} are allowed")
    if found.size > size:
        raise Refused("E-ARCHIVE-BOMB", "", f"{found.size} bytes, at most {size} are allowed")
    if found.listing > content.files * _LONGEST_LINE:
        raise Refused("E-ARCHIVE-BOMB", LISTING, f"{found.listing} bytes for {content.files} files")


def unpack(archive: Archive, found: Survey, folder: int, wanted: Callable[[str], bool]) -> None:
    """Write the files below ``found.base`` that are ``wanted`` into an empty folder, given by its descriptor.

    No link is followed, no file written twice. Raises ``Refused``: ``E-ARCHIVE-DUPLICATE`` for a second entry of one
    name, or a file and a folder of one name; ``E-ARCHIVE-BOMB`` if there is more than the first pass saw; and what
    reading entries raises.
    """
    allowed = found.size + found.listing
    with Descent(folder) as way:
        for entry in archive.entries():
            if entry.folder or not entry.path.startswith(found.base):
                continue
            path = entry.path.removeprefix(found.base)
            allowed -= entry.size
            if allowed < 0:
                raise Refused("E-ARCHIVE-BOMB", readable(path), "the archive grew while it was read")
            if wanted(path):
                with _new_file(way, to_bytes(path)) as file:
                    for chunk in entry.read():
                        write_all(file, chunk)


@contextmanager
def _new_file(way: Descent, path: bytes) -> Iterator[FileIO]:
    where = readable(path.decode("utf-8", "surrogateescape"))
    above, _, name = path.rpartition(b"/")
    with trouble(where):
        try:
            descriptor = os.open(name, _NEW, 0o600, dir_fd=_folder(way, above))
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            raise Refused("E-ARCHIVE-DUPLICATE", where) from None
        with FileIO(descriptor, "w") as file:
            yield file


def _folder(way: Descent, path: bytes) -> int:
    """Give the descriptor of a folder, which is made if it is not there."""
    try:
        return way.folder(path, _ABSENT)
    except Refused as error:
        if error.code != _ABSENT:
            raise
    above, _, name = path.rpartition(b"/")
    os.mkdir(name, 0o700, dir_fd=_folder(way, above))
    return way.folder(path, _ABSENT)
