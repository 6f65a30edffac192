"""What an archive holds, entry by entry, in words that do not depend on its kind.

A name in an archive is whatever its maker wrote; here it is refused unless it stays below the folder that the archive
is unpacked to. Source: datalib trust specification §12, codes 271 to 274.
"""

import re
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from datalib.errors import Refused
from datalib.library.paths import MAX_PATH, MAX_SEGMENT, from_bytes, readable

#: Bytes that are handed on at a time.
CHUNK = 1 << 18

_DRIVE = re.compile(r"[A-Za-z]:")
#: A path of a library, and a folder that the library may stand in.
_LONGEST = MAX_PATH + MAX_SEGMENT + 1


class Entry(NamedTuple):
    """One entry. ``path`` has no ``/`` at its end and is empty for the outermost folder.

    ``read`` yields the bytes of a file, exactly ``size`` of them, or is refused. It may be called once, before the next
    entry is asked for.
    """

    path: str
    folder: bool
    size: int
    read: Callable[[], Iterator[bytes]]


def damaged(where: str, detail: str) -> Refused:
    """Make the refusal of an archive that cannot be read as one."""
    return Refused("E-ARCHIVE-FORMAT", where, detail)


def check_name(raw: bytes) -> str:
    """Give the path of an entry, or refuse it: ``E-ARCHIVE-PATH``.

    Refused are absolute paths, drive letters, backslashes (Windows takes them for ``/``), steps such as ``..``, control
    characters, names that are not UTF-8, and names longer than any that a library has. A leading ``./`` is dropped.
    """
    where = readable(from_bytes(raw))[:200]
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise Refused("E-ARCHIVE-PATH", where, "the name is not UTF-8") from None
    while name.startswith("./"):
        name = name[2:]
    name = name.removesuffix("/") if name != "/" else name
    if name in {"", "."} and raw.startswith(b"."):
        return ""
    if name.startswith("/") or "\\" in name or _DRIVE.match(name):
        raise Refused("E-ARCHIVE-PATH", where, "absolute, with a drive letter, or with a backslash")
    if any(ord(char) < 0x20 for char in name):  # noqa: PLR2004 - the first character that is no control
        raise Refused("E-ARCHIVE-PATH", where, "a control character")
    segments = name.split("/")
    if any(segment in {"", ".", ".."} for segment in segments):
        raise Refused("E-ARCHIVE-PATH", where, "an empty segment, . or ..")
    if len(raw) > _LONGEST or any(len(segment.encode()) > MAX_SEGMENT for segment in segments):
        raise Refused("E-ARCHIVE-PATH", where, "longer than any path of a library")
    return name


def check_mode(mode: int, path: str) -> None:
    """Refuse what is neither a file nor a folder, or runs as somebody else: ``E-ARCHIVE-LINK``.

    ``mode`` is as Unix has it; its kind may be missing.
    """
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        kind = "a link" if stat.S_ISLNK(mode) else "a device or another special file"
        raise Refused("E-ARCHIVE-LINK", readable(path), kind)
    # On a folder set-gid only says whose group new files get, and stands on many shared ones.
    if mode & stat.S_ISUID or (mode & stat.S_ISGID and not stat.S_ISDIR(mode)):
        raise Refused("E-ARCHIVE-LINK", readable(path), "set-uid or set-gid")
