"""Nothing else may exist: every entry of a library's tree is listed or has a named place.

Datalib trust specification §2 and §10 step 10. Checked here: links and special files anywhere, unlisted files, strays
in the reserved folders, and the digests that name the files of ``evidence/`` and ``manifests/``. What the files of
``proofs/`` and ``upstream/`` say is checked by whoever reads them: an event must name them to be here.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from datalib.errors import Refused
from datalib.library.files import Entry, Files, Kind
from datalib.library.hashing import hash_file
from datalib.library.listing import Line
from datalib.library.paths import RESERVED_FILES, RESERVED_FOLDERS, readable, to_bytes
from datalib.library.store import is_leftover

_EVIDENCE = re.compile(r"evidence/([0-9a-f]{64})(?:\.[A-Za-z0-9_-]{1,16}){0,3}")
_MANIFEST = re.compile(r"manifests/([0-9a-f]{64})\.json")
_PROOF = re.compile(r"proofs/([0-9a-f]{64})\.(tlog-proof|tsr)")
_UPSTREAM = re.compile(r"upstream/([0-9a-f]{64})/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The names that the events of a library and of its upstream libraries give a place in the reserved folders."""

    #: Ids of the events of the library's own chain.
    events: Collection[str]
    #: Digests of the manifests named by an event of this chain or of a reached upstream chain.
    manifests: Collection[str]
    #: Digests of the evidence that an attestation of this chain or of a reached upstream chain refers to.
    evidence: Collection[str] = ()
    #: Whether the policy lists a time-stamp authority, so that ``.tsr`` files have a place.
    tsa: bool = False
    #: Per reached upstream library its event ids.
    upstream: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """What the walk saw."""

    #: Digests of the evidence files that are there, each with the digest its name says.
    evidence: frozenset[str]


def check_entries(folder: Files, listed: Iterable[Line], allowed: Allowed, *, reserved_only: bool = False) -> Entries:
    """Check every entry of the tree, in byte order of the paths; with ``reserved_only`` the reserved folders alone.

    Per entry, Refused: ``E-FILE-SYMLINK``, ``E-FILE-TYPE``, then ``E-FILE-UNLISTED`` or ``E-FILE-STRAY``, then for
    evidence ``E-EVIDENCE-DIGEST`` and for kept manifests ``E-MANIFEST-DIGEST``. A listed file that is not there is
    ``E-FILE-MISSING``, as it would be if it were read.
    """
    evidence: set[str] = set()
    entries = _reserved_entries(folder) if reserved_only else folder.walk()
    paths = iter(()) if reserved_only else (line.path for line in listed)
    expected = next(paths, None)
    for path, kind in entries:
        _check_kind(path, kind)
        if path == expected:
            expected = next(paths, None)
            continue
        if expected is not None and to_bytes(expected) < to_bytes(path):
            break
        if path not in RESERVED_FILES:
            _check_place(folder, path, allowed, evidence)
    if expected is not None:
        raise Refused("E-FILE-MISSING", readable(expected))
    return Entries(evidence=frozenset(evidence))


def _reserved_entries(folder: Files) -> Iterator[Entry]:
    def elsewhere(path: str) -> bool:
        return path.partition("/")[0] not in RESERVED_FOLDERS

    return folder.walk(leave_out=elsewhere)


def _check_kind(path: str, kind: Kind) -> None:
    if kind is Kind.LINK:
        raise Refused("E-FILE-SYMLINK", readable(path), "a symbolic link")
    if kind is not Kind.FILE:
        raise Refused("E-FILE-TYPE", readable(path), "not a regular file")


def _check_place(folder: Files, path: str, allowed: Allowed, evidence: set[str]) -> None:
    """Check a file that is not listed."""
    top, slash, _ = path.partition("/")
    leftover = "left by an interrupted command; the next one that writes removes it" if is_leftover(path) else ""
    if not slash or top not in RESERVED_FOLDERS:
        raise Refused("E-FILE-UNLISTED", readable(path), leftover)
    if not _has_place(path, allowed):
        raise Refused("E-FILE-STRAY", readable(path), leftover or "no event gives it a place here")
    if match := _EVIDENCE.fullmatch(path):
        _check_name(folder, path, match[1], "E-EVIDENCE-DIGEST")
        evidence.add(match[1])
    elif match := _MANIFEST.fullmatch(path):
        _check_name(folder, path, match[1], "E-MANIFEST-DIGEST")


def _has_place(path: str, allowed: Allowed) -> bool:
    if match := _EVIDENCE.fullmatch(path):
        return match[1] in allowed.evidence
    if match := _MANIFEST.fullmatch(path):
        return match[1] in allowed.manifests
    if match := _UPSTREAM.fullmatch(path):
        events = allowed.upstream.get(match[1])
        return events is not None and (
            match[2] in {"chain.jsonl", "files.sha256"} or _is_proof(match[2], events, tsa=allowed.tsa)
        )
    return _is_proof(path, allowed.events, tsa=allowed.tsa)


def _is_proof(path: str, events: Collection[str], *, tsa: bool) -> bool:
    if path == "proofs/head.json":
        return True
    match = _PROOF.fullmatch(path)
    return match is not None and match[1] in events and (tsa or match[2] == "tlog-proof")


def _check_name(folder: Files, path: str, digest: str, code: str) -> None:
    computed = hash_file(folder, path, missing="E-FILE-CHANGED").sha256
    if computed != digest:
        raise Refused(code, readable(path), f"computed {computed}")
