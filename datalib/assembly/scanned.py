"""What a scan admitted of an input: rows of its tables, or whole files; and which scan decided, kept in the manifest.

    mode=derived,scan=OUT     the rows and records that `datalib scan --admitted` wrote
    mode=subset,scan=OUT      the files of which every work was admitted

The scan must be one of the input as it is: every file of its listing, with its digest, and no other.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import listing
from datalib.library.listing import Line
from datalib.library.manifest import Manifest
from datalib.library.paths import check_path, readable, to_bytes
from datalib.library.store import Folder
from datalib.optout.attest import recount
from datalib.optout.model import Verdict
from datalib.optout.result import NAME, ScanResult, parse_scan, read_bytes

#: The member of a manifest that says of which inputs only what a scan admitted was taken.
MEMBER: Final = "admitted"
#: The folder of a scan with what was admitted.
FOLDER: Final = "admitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Which scan decided what was taken: the prefix of the input, its library, the digest of ``scan.json``."""

    prefix: str
    lib: str
    scan: str

    def to_dict(self) -> dict[str, str]:
        """Give the JSON value."""
        return {"prefix": self.prefix, "lib": self.lib, "scan": self.scan}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A finished scan of an input: the folder, the digest of its result, how many works it judged and admitted."""

    out: Path
    sha256: str
    works: int
    admitted: int
    result: ScanResult

    def rows(self) -> tuple[Line, ...]:
        """Give the files with what was admitted of tables and archives, in the order of listings.

        Raises ``Refused``: ``E-TAKE-NONE`` if there are none, ``E-SCAN-FORMAT`` for one that is not the scan's,
        ``E-PATH-*``.
        """
        from datalib.optout.reread import check

        found = [file for file in self.result.outputs if file.path.startswith(f"{FOLDER}/")]
        for file in found:
            check_path(file.path)
            check(self.out, file)
        if not found:
            raise Refused("E-TAKE-NONE", str(self.out), "no admitted rows: scan with --admitted, or take mode=subset")
        lines = (Line(file.sha256, file.path.removeprefix(f"{FOLDER}/")) for file in found)
        return tuple(sorted(lines, key=lambda line: to_bytes(line.path)))

    def files(self) -> frozenset[str]:
        """Give the files of which at least one work was admitted and none was not."""
        from datalib.optout.reread import decisions

        names = {file.path for file in self.result.inputs}
        admitted, others = set[str](), set[str]()
        for batch in decisions(self.out, self.result, ["work_id", "verdict"]):
            for work, verdict in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                (admitted if verdict == Verdict.ADMIT else others).update(_files_of(work, names))
        return frozenset(admitted - others)


def read(out: Path, folder: Path, manifest: Manifest) -> Scanned:
    """Read a scan of the library in a folder that was verified.

    Raises ``Refused``: ``E-SCAN-OTHER`` if it is not a scan of exactly these files, ``E-SCAN-FORMAT``; ``Unchecked``.
    """
    raw = read_bytes(out)
    result = parse_scan(raw, str(out / NAME))
    recount(out, result)
    with Folder(folder) as opened:
        listed = {line.path: line.sha256 for line in listing.lines(opened, sha256=manifest.bound.sha256)}
    seen = {file.path: file.sha256 for file in result.inputs}
    other = min((path for path in listed.keys() | seen.keys() if listed.get(path) != seen.get(path)), default=None)
    if other is not None:
        raise Refused("E-SCAN-OTHER", f"{out}: {folder}", f"{readable(other)} is not the file that was scanned")
    admitted = result.counts.get("verdict", {}).get(Verdict.ADMIT.value, 0)
    return Scanned(out=out, sha256=sha256_hex(raw), works=result.works, admitted=admitted, result=result)


def records(document: Mapping[str, Any]) -> tuple[Record, ...]:
    """Read what a manifest says of scans. Raises ``Refused`` (``E-SCHEMA``)."""
    try:
        return tuple(
            Record(**{name: str(each[name]) for name in ("prefix", "lib", "scan")}) for each in document.get(MEMBER, ())
        )
    except (KeyError, TypeError) as error:
        raise Refused("E-SCHEMA", "datapackage.json", f"its member {MEMBER!r}") from error


def _files_of(work: str, names: Container[str]) -> Iterator[str]:
    """Give the file that a work is, or those in which it may lie: their names begin its own."""
    if work in names:
        yield work
    else:
        yield from (work[:end] for end in range(1, len(work)) if work[:end] in names)
