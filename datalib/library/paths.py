"""Names of files in a library: which are allowed, and which are too alike (datalib trust specification §4).

Paths are texts with ``/`` between segments. A name on disk that is not UTF-8 arrives with surrogate escapes
(``os.fsdecode``) and is refused by P1 like any other.
"""

import re
import unicodedata
from collections.abc import Sequence

from datalib.errors import Refused

#: P5, in bytes of UTF-8.
MAX_SEGMENT = 255
MAX_PATH = 1024

#: P7: files and directories at the top of a library that are not data.
RESERVED_FILES = frozenset({"datapackage.json", "files.sha256", "chain.jsonl"})
RESERVED_FOLDERS = frozenset({"proofs", "manifests", "upstream", "evidence"})

#: P2: controls, invisible formatting, surrogates, private use, unassigned, line and paragraph separators.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

#: P3.
FORBIDDEN_CHARACTERS = '\\:*?"<>|'

_DEVICES = r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])"
_DEVICE = re.compile(rf"{_DEVICES}(?:\.|\Z)", re.IGNORECASE | re.ASCII)
#: Finds a path with a segment that may break P4 or P6; most have none.
_ODD = re.compile(rf"(?:\A|/)(?:[/ .]|\Z|{_DEVICES}(?:[./]|\Z))|[. ](?:/|\Z)", re.IGNORECASE | re.ASCII)

# Segments of a-z 0-9 _ - with inner dots: P1 to P4 hold and such a path folds to itself. Shorter than any limit, and no
# segment is a device name or at the top a reserved one.
_SEGMENT = rf"(?!{_DEVICES}(?:[./]|\Z))[a-z0-9_-]+(?:\.+[a-z0-9_-]+)*"
_RESERVED = r"(?:datapackage\.json|files\.sha256|chain\.jsonl|(?:proofs|manifests|upstream|evidence)(?:/|\Z))"
_PLAIN = re.compile(rf"(?!{_RESERVED})(?=.{{1,{MAX_SEGMENT}}}\Z){_SEGMENT}(?:/{_SEGMENT})*\Z")

# For many paths in one text. A first segment that is reserved, or is so in most places; what no path has between its
# segments; how a segment begins that may be a device name. A line feed, or else "/", stands at both ends of the text.
_RESERVED_LINE = re.compile(rf"\n(?:{'|'.join(map(re.escape, sorted(RESERVED_FILES | RESERVED_FOLDERS)))})[/\n]")
_BAD_EDGES = ("//", "./", " /", "/ ")
_DEVICE_STARTS = ("/con", "/prn", "/aux", "/nul", "/com", "/lpt")
_DEVICE_SEGMENT = re.compile(rf"/{_DEVICES}[./]")


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


def is_record(path: str) -> bool:
    """Tell whether a file of a library is part of its record: not data, but what says what the data are."""
    top, slash, _ = path.partition("/")
    return top in RESERVED_FOLDERS if slash else path in RESERVED_FILES


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
    return "E-PATH-CHAR" if any(char in path for char in FORBIDDEN_CHARACTERS) else None


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


def take_block(paths: Sequence[bytes]) -> tuple[list[str], list[str]] | None:
    """Check many paths by P1 to P7 at once; return their texts and folded forms, or ``None``.

    ``None`` says only that the rules have to be asked one path at a time. Folding and every rule work segment by
    segment, so that the answer for one long text is the answer for its lines. No path may hold a line feed.
    """
    try:
        text = b"\n".join(paths).decode()
    except UnicodeDecodeError:
        return None
    if max(map(len, paths)) > MAX_SEGMENT or _character_fault(text.replace("\n", "/")):
        return None
    folded = fold(text)
    edges = f"/{folded}/".replace("\n", "/")
    if (
        any(edge in edges for edge in _BAD_EDGES)
        or (any(start in edges for start in _DEVICE_STARTS) and _DEVICE_SEGMENT.search(edges))
        or _RESERVED_LINE.search(f"\n{folded}\n")
    ):
        return None
    texts = text.split("\n")
    return texts, texts if folded == text else folded.split("\n")
