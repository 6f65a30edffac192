"""Whether a library is as it was: what its files look like, and what their verification says now."""

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from datalib.admission import Demand
from datalib.canonical import canonical
from datalib.errors import DatalibError
from datalib.formats import sha256_hex
from datalib.library.cache import settled
from datalib.library.files import Kind
from datalib.library.store import Folder
from datalib.trust.belief import Trust
from datalib.verify import Report, Verdict, verify

#: What a look without data says nothing about, and a report with data does.
_OF_DATA: Final = frozenset({"data", "data-sampled", "state"})


class Sight(NamedTuple):
    """A digest of the names, inodes, sizes and times of all files; empty for what cannot be looked at.

    ``sure``: a change after it was taken would make it another; that is not so for what had changed a moment before.
    """

    digest: str
    sure: bool


def look(path: Path, settings: bytes, now: int) -> Sight:
    """Look at the files of a library; ``now`` in nanoseconds since 1970, ``settings``: what else counts."""
    digest, sure = hashlib.sha256(settings), True
    try:
        with Folder(path) as folder, folder.reader("E-FILE-CHANGED") as reader:
            for entry in folder.walk():
                if entry.kind is not Kind.FILE:
                    return Sight("", sure=False)
                seen = reader.look(entry.path)
                sure = sure and settled(seen, now)
                digest.update(f"{entry.path!r} {seen.marks}\n".encode())
    except DatalibError:
        return Sight("", sure=False)
    return Sight(digest.hexdigest(), sure)


def verified(path: Path, trust: Trust, demand: Demand, now: int) -> str:
    """Verify a library but for its data; give the digest of `outcome`. Errors as of `verify`."""
    report = verify(
        path,
        policy=trust.policy,
        roots=trust.roots,
        now=now,
        memory=trust.memory,
        purpose=demand.purpose,
        require=demand.require,
        data="none",
    )
    return outcome(report)


def outcome(report: Report | None) -> str:
    """Give a digest of what a verification found, its data aside; empty if there was none."""
    if report is None:
        return ""
    facts = report.facts
    events = [[event.id, event.trusted] for event in facts.events] if facts else []
    skipped = sorted(set(facts.not_checked) - _OF_DATA) if facts else []
    return sha256_hex(canonical([_said(report.integrity), _said(report.gate), events, skipped]))


def _said(verdict: Verdict | None) -> list[str] | None:
    return [verdict.code, verdict.where, verdict.detail] if verdict else None
