"""Findings about a library that become attestations: a result, its end, its evidence.

Nobody types the result of a scan: it is computed from what the scan decided and from what the library lists.
Source: datalib trust specification §2 "Evidence" and §7; datalib opt-out specification §4.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from datalib import __version__, unverified
from datalib.chain.events import Claim, Evidence
from datalib.errors import Misuse, Refused, Unchecked
from datalib.library import listing
from datalib.library.store import Folder

OPTOUT = "optout"
#: How long a scan stands when nothing else is said: rights holders change their minds.
SCAN_SECONDS = 90 * 86_400
_SHOWN = 20  # names of files in a reason
_EXTENSION = re.compile(r"(?:\.[A-Za-z0-9_-]{1,16}){0,3}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A result (``pass``, ``fail``, ``info``), why, when it ends (seconds since 1970) and the files that show it."""

    type: str
    result: str
    until: int | None = None
    reasons: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def with_files(self, files: Iterable[Path]) -> Self:
        """Add evidence."""
        return replace(self, files=(*self.files, *files))

    def claim(self, note: str | None = None) -> tuple[Claim, Mapping[str, Path]]:
        """Give the claim, and its evidence by the names it has in ``evidence/``. Raises ``Unchecked("E-IO")``."""
        shipped: dict[str, Path] = {}
        evidence = []
        for path in self.files:
            digest = _digest(path)
            shipped[digest + _extension(path.name)] = path
            evidence.append(Evidence(name=path.name, sha256=digest))
        made = Claim(
            type=self.type,
            result=self.result,
            until=self.until,
            tool=f"datalib {__version__}",
            note=note,
            evidence=tuple(evidence) or None,
        )
        return made, shipped


def stated(claim_type: str, result: str, *, until: int | None) -> Finding:
    """Take over a finding that somebody else made.

    Raises ``Misuse("E-USAGE")`` for ``optout``: that claim is computed from a scan.
    """
    if claim_type == OPTOUT:
        raise Misuse("E-USAGE", "--claim", "optout is computed from --scan OUT")
    return Finding(type=claim_type, result=result, until=until)


def of_scan(library: Path, out: Path, claim_type: str, *, now: int, until: int | None, ship: bool) -> Finding:
    """Compute what a scan of the library says.

    It is ``pass`` only if every work is admitted and every scanned file is the listed one.

    ``ship`` adds decisions, signals and evidence to the files that are shipped.

    Raises Misuse (E-USAGE), Refused (E-SCAN-FORMAT, E-NOT-SIGNED, E-SCAN-OTHER for a scan of something else), Unchecked
    (E-IO).
    """
    from datalib.optout.attest import attest_result, recount
    from datalib.optout.reread import check
    from datalib.optout.result import NAME, read_scan
    from datalib.optout.sources import named_sources, read_manifest, sources_of

    if claim_type != OPTOUT:
        raise Misuse("E-USAGE", "--claim", "a scan shows the claim optout")
    scanned = read_scan(out)
    recount(out, scanned)
    with Folder(library) as folder:
        bound = unverified.read_manifest(folder).content
        if bound is None:
            raise Refused("E-NOT-SIGNED", str(library))
        listed = {line.path: line.sha256 for line in listing.lines(folder, sha256=bound.sha256)}
    result, facts = attest_result(scanned, listed, list(named_sources(sources_of(read_manifest(library)))))
    if len(facts["not_scanned"]) == len(listed):
        raise Refused("E-SCAN-OTHER", f"{out}: {library}", "none of its files was scanned as it is")
    reasons = tuple(f"{name}: {_listed(value)}" for name, value in facts.items() if value)
    shipped = scanned.outputs if ship else ()
    for file in shipped:
        check(out, file)
    files = (out / NAME, *(out / file.path for file in shipped))
    ends = now + SCAN_SECONDS if until is None else until
    return Finding(type=OPTOUT, result=result, until=ends, reasons=reasons, files=files)


def _listed(value: object) -> str:
    """Write a number, or the first of some names and how many there are."""
    if not isinstance(value, list):
        return str(value)
    more = len(value) - _SHOWN
    return ", ".join(value[:_SHOWN]) + (f" … +{more}" if more > 0 else "")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error


def _extension(name: str) -> str:
    """Give the part of a name that evidence may keep: up to three extensions of plain letters."""
    _, dot, rest = name.partition(".")
    return dot + rest if _EXTENSION.match(dot + rest) else ""
