"""Names of files in a library: which are allowed, and which are too alike (datalib trust specification §4).

Paths are texts with ``/`` between segments. A name on disk that is not UTF-8 arrives with surrogate escapes
(``os.fsdecode``) and is refused by P1 like any other.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

from datalib.errors import Refused

#: P5, in bytes of UTF-8.
MAX_SEGMENT = 255
MAX_PATH = 1024

#: P7: files and directories at the top of a library that are not data.
RESERVED_FILES = frozenset({"datapackage.json", "files.sha256", "chain.jsonl"})
RESERVED_FOLDERS = frozenset({"proofs", "manifests", "upstream", "evidence"})

#: P2: controls, invisible formatting, surrogates, private use, unassigned, line and paragraph separators.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_FORBIDDEN = re.compile(r'[\\:*?"<>|]')
_DEVICES = r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])"
_DEVICE = re.compile(rf"{_DEVICES}(?:\.|\Z)", re.IGNORECASE | re.ASCII)
#: Finds a path with a segment that may break P4 or P6; most have none.
_ODD = re.compile(rf"(?:\A|/)(?:[/ .]|\Z|{_DEVICES}(?:[./]|\Z))|[. ](?:/|\Z)", re.IGNORECASE | re.ASCII)

# Segments of a-z 0-9 _ - with inner dots: P1 to P4 hold and such a path folds to itself.
_SEGMENT = rf"(?!{_DEVICES}(?:[./]|\Z))[a-z0-9_-]+(?:\.+[a-z0-9_-]+)*"
_RESERVED = r"(?!(?:datapackage\.json|files\.sha256|chain\.jsonl)\Z|(?:proofs|manifests|upstream|evidence)(?:/|\Z))"

#: Matches only paths that every rule but P8 allows and that fold to themselves; most paths of real libraries do.
#: No segment can be too long here: the whole is not longer than a segment may be.
PLAIN = rf"(?=.{{1,{MAX_SEGMENT}}}\Z){_RESERVED}{_SEGMENT}(?:/{_SEGMENT})*\Z"
_PLAIN = re.compile(PLAIN)


def fold(path: str) -> str:
    """Return the form under which two paths count as the same name: NFKC(casefold(NFKC(path)))."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def to_bytes(path: str) -> bytes:
    """Return the bytes of a path as they stand on disk: UTF-8, surrogate escapes undone."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return path.encode("utf-8", "surrogatepass")


def from_bytes(name: bytes) -> str:
    """Return a name read from disk as text: UTF-8, other bytes as surrogate escapes."""
    return name.decode("utf-8", "surrogateescape")


def readable(path: str) -> str:
    """Return a path for a message: bytes that are not UTF-8 in hexadecimal."""
    return to_bytes(path).decode("utf-8", "backslashreplace")


def check_path(path: str) -> None:
    """Check one path by P1 to P7, in the order of the specification.

    Raises Refused with ``E-PATH-LENGTH``, ``-NFC``, ``-CHAR``, ``-ABSOLUTE``, ``-TRAVERSAL``, ``-PORTABLE`` or
    ``-RESERVED``.
    """
    code = fault(path)
    if code is not None:
        raise Refused(code, readable(path))


def fault(path: str) -> str | None:
    """Return the code of the first rule among P1 to P7 that a path breaks, or ``None``."""
    if _PLAIN.match(path):
        return None
    if not 0 < len(to_bytes(path)) <= MAX_PATH:
        return "E-PATH-LENGTH"
    return _character_fault(path) or _shape_fault(path)


def _character_fault(path: str) -> str | None:
    """P1 to P3."""
    if not path.isascii():
        if not _is_utf8(path) or not unicodedata.is_normalized("NFC", path):
            return "E-PATH-NFC"
        if unicodedata.normalize("NFKC", path).count("/") != path.count("/"):
            return "E-PATH-CHAR"
    # What Python calls printable is free of the categories C* and Z*; of these only spaces (Zs) are allowed.
    if not path.isprintable() and any(unicodedata.category(char) in FORBIDDEN_CATEGORIES for char in path):
        return "E-PATH-CHAR"
    return "E-PATH-CHAR" if _FORBIDDEN.search(path) else None


def _shape_fault(path: str) -> str | None:
    """P4 to P7."""
    if path.startswith("/"):
        return "E-PATH-ABSOLUTE"
    # Four bytes a character at most: a short path has no long segment.
    if len(path) > MAX_SEGMENT // 4 or _ODD.search(path):
        for segment in path.split("/"):
            code = _segment_fault(segment)
            if code is not None:
                return code
    first, slash, _ = path.partition("/")
    folded = fold(first)
    return "E-PATH-RESERVED" if folded in RESERVED_FOLDERS or (not slash and folded in RESERVED_FILES) else None


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _segment_fault(segment: str) -> str | None:
    if segment in {"", ".", ".."}:
        return "E-PATH-TRAVERSAL"
    if len(segment.encode()) > MAX_SEGMENT:
        return "E-PATH-LENGTH"
    if segment[0] == " " or segment[-1] in ". " or _DEVICE.match(segment):
        return "E-PATH-PORTABLE"
    return None


class Collisions:
    """P8 over a stream of paths in byte order, each allowed by P1 to P7.

    Two names are too alike only if two names *in one folder* fold alike (or are the same, one of a file, one of a
    folder), because folding keeps ``/``: of two colliding paths, take the first segments that differ. A file that is
    also a folder is found at once. Names that fold alike may be far apart in the order, so what is kept of each name
    that folds to something else is one bit; only if there are such names, `settle` reads the paths again.
    """

    __slots__ = ("_files", "_mask", "_once", "_recorded", "_segments", "_twice", "unsettled")

    def __init__(self, expected: int = 1 << 20) -> None:
        """Reserve for about ``expected`` names; the answer is exact for any number, the memory is 64 bits a name."""
        bits = 1 << max(16, (expected * 24).bit_length())
        self._mask = bits - 1
        self._once, self._twice = bytearray(bits // 8), bytearray(bits // 8)
        self.unsettled = False
        self._restart()

    def _restart(self) -> None:
        self._files: list[str] = []  # earlier files, each a prefix of the next; only these can be folders of a path
        self._segments: list[str] = []  # the path before
        self._recorded = 0  # bit n: segment n of the path before was handed out by _branch

    def add(self, path: str) -> None:
        """Take the next path. Raises Refused ``E-PATH-COLLISION`` if an earlier file is one of its folders."""
        files = self._files
        while files and not path.startswith(files[-1]):
            files.pop()
        for file in files:
            if path[len(file)] == "/":
                raise Refused("E-PATH-COLLISION", readable(path), f"{readable(file)} is a file")
        files.append(path)
        for folder, name in self._branch(path):
            folded = fold(name)
            if folded != name:
                self.unsettled = True
                self._mark(folder, folded)

    def add_plain(self, first: str, last: str) -> None:
        """Take a run of paths of which only the ends are shown.

        All of them fold to themselves and are in order, none is the beginning of the next, and `continues` is false of
        the first. Such paths can collide only with others.
        """
        self.add(first)
        self._files = [last]
        self._segments, self._recorded = last.split("/"), 0

    def continues(self, path: str) -> bool:
        """Tell whether ``path`` begins with an earlier file, which may be one of its folders."""
        return bool(self._files) and path.startswith(self._files[0])

    def settle(self, again: Callable[[], Iterable[str]]) -> None:
        """Look at names that fold alike, reading the same paths again (twice if something looks suspicious).

        Raises Refused ``E-PATH-COLLISION`` at the first path that is too like an earlier one.
        """
        if not self.unsettled:
            return
        self._restart()
        for path in again():
            for folder, name in self._branch(path):
                if fold(name) == name and self._marked(self._once, folder, name):
                    self._mark(folder, name)
        if not any(self._twice):
            return
        self._restart()
        seen: dict[tuple[str, str], str] = {}
        for path in again():
            for folder, name in self._branch(path):
                folded = fold(name)
                if self._marked(self._twice, folder, folded):
                    first = seen.setdefault((folder, folded), name)
                    if first != name:
                        other = f"{folder}/{first}" if folder else first
                        raise Refused("E-PATH-COLLISION", readable(path), f"too like {readable(other)}")

    def _branch(self, path: str) -> list[tuple[str, str]]:
        """Return the (folder, name) pairs that are now known to have a neighbour and were not returned before.

        A path adds one name to a folder that had names before: where it leaves the path before. What lies deeper is
        alone in its folder until another path comes.
        """
        before, self._segments = self._segments, path.split("/")
        depth = 0
        for one, other in zip(before, self._segments, strict=False):
            if one != other:
                break
            depth += 1
        if depth >= len(before):  # the first path of all
            return []
        folder = "/".join(before[:depth])
        new = [(folder, self._segments[depth])]
        if not self._recorded >> depth & 1:
            new.insert(0, (folder, before[depth]))
        self._recorded = self._recorded & ((1 << depth) - 1) | 1 << depth
        return new

    def _mark(self, folder: str, folded: str) -> None:
        slot = hash((folder, folded)) & self._mask
        bit = 1 << (slot & 7)
        if self._once[slot >> 3] & bit:
            self._twice[slot >> 3] |= bit
        self._once[slot >> 3] |= bit

    def _marked(self, bits: bytearray, folder: str, folded: str) -> int:
        slot = hash((folder, folded)) & self._mask
        return bits[slot >> 3] & 1 << (slot & 7)
