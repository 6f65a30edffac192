"""Single-file proofs: one file is, or is not, in a signed library, without its listing.

For rights-holders, opt-out disputes and courts (datalib trust specification §5). A proof is one line of the listing
with its Merkle audit path; presence takes one, absence one or two neighbours.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, Self

from datalib.errors import Refused
from datalib.library.listing import Expected, lines
from datalib.library.paths import from_bytes, readable, to_bytes
from datalib.library.store import Folder
from datalib.merkle import HASH_SIZE, RootBuilder, inclusion_ranges, leaf_hash, root_from_path

_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
_MEMBERS = {"line", "index", "size", "path"}


class Presence(StrEnum):
    """What a proof shows of a path."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProof:
    """One line of a listing and where it stands in the tree."""

    line: str
    index: int
    size: int
    path: tuple[bytes, ...]

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Take a proof from JSON. Raises Refused ``E-PROOF-FILE`` if it has another form."""
        if not isinstance(value, Mapping) or set(value) != _MEMBERS:
            raise _refusal("", "a proof has the members line, index, size and path")
        line, index, size, path = (value[name] for name in ("line", "index", "size", "path"))
        if not isinstance(line, str) or type(index) is not int or type(size) is not int or not isinstance(path, list):
            raise _refusal("", "a member of the proof has the wrong type")
        return cls(line=line, index=index, size=size, path=tuple(_hash(item) for item in path))

    def to_dict(self) -> dict[str, Any]:
        """Return the proof as JSON."""
        path = [b64encode(item).decode() for item in self.path]
        return {"line": self.line, "index": self.index, "size": self.size, "path": path}

    @property
    def file(self) -> bytes:
        """The path that the line names, in bytes. Raises Refused ``E-PROOF-FILE`` if it is no line."""
        match = _LINE.fullmatch(self.line)
        if match is None:
            raise _refusal("", "the line is not one of a listing")
        return to_bytes(match[2])

    def root(self) -> bytes | None:
        """Return the root this proof leads to, or ``None`` if its members do not fit each other."""
        return root_from_path(leaf_hash(to_bytes(self.line)), self.index, self.size, self.path)


def verify_proof(proofs: Sequence[FileProof], *, path: str, files: int, root: str) -> Presence:
    """Tell what proofs show of ``path`` in a library whose manifest binds ``files`` lines and ``root`` (hex).

    Present: one proof whose line names it. Absent: two neighbours that enclose it in byte order, or the first line if
    it is above, or the last line if it is below. Raises Refused ``E-PROOF-FILE`` for anything else.
    """
    for proof in proofs:
        if proof.size != files:
            raise _refusal(path, f"the proof is for {proof.size} files, the library has {files}")
        computed = proof.root()
        if computed is None or computed.hex() != root:
            raise _refusal(path, "the proof does not lead to the root of the library")
    wanted = to_bytes(path)
    match proofs:
        case [one] if one.file == wanted:
            return Presence.PRESENT
        case [one] if (one.index == 0 and wanted < one.file) or (one.index == files - 1 and one.file < wanted):
            return Presence.ABSENT
        case [below, above] if above.index == below.index + 1 and below.file < wanted < above.file:
            return Presence.ABSENT
        case _:
            raise _refusal(path, "the proof shows neither that the path is listed nor that it is not")


def prove(folder: Folder, path: str, *, expected: Expected) -> list[FileProof]:
    """Make the proofs that show a path present (one) or absent (one or two), from the listing of a library.

    Reads the listing two or three times in constant memory. Raises Refused as `listing.lines` does, and
    ``E-PROOF-FILE`` if the listing was not examined and has not the signed root.
    """
    wanted, below, present = to_bytes(path), 0, False
    for line in lines(folder, sha256=expected.sha256):
        raw = to_bytes(line.path)
        below += raw < wanted
        present = present or raw == wanted
    places = [below] if present else [place for place in (below - 1, below) if 0 <= place < expected.files]
    proofs = [_prove_line(folder, place, expected) for place in places]
    verify_proof(proofs, path=path, files=expected.files, root=expected.root)
    return proofs


def _prove_line(folder: Folder, index: int, expected: Expected) -> FileProof:
    source = (to_bytes(f"{line.sha256}  {line.path}") for line in lines(folder, sha256=expected.sha256))
    ranges = inclusion_ranges(index, expected.files)
    line, roots = b"", {}
    for start, end in sorted([*ranges, (index, index + 1)]):
        if start == index:
            line = next(source, b"")
        else:
            builder = RootBuilder()
            builder.extend(islice(source, end - start))
            roots[start] = builder.root()
    deque(source, maxlen=0)  # to the end, where the digest is compared
    path = tuple(roots[start] for start, _ in ranges)
    return FileProof(line=from_bytes(line), index=index, size=expected.files, path=path)


def _hash(item: object) -> bytes:
    try:
        data = b64decode(item, validate=True) if isinstance(item, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != HASH_SIZE or b64encode(data).decode() != item:
        raise _refusal("", "the path is not a list of hashes in base64")
    return data


def _refusal(path: str, detail: str) -> Refused:
    return Refused("E-PROOF-FILE", readable(path), detail)
