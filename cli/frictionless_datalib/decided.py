"""What a scan decided about the files of one resource."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datalib.errors import Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from datalib.optout.result import ScanFile, ScanResult

_ADMIT = "admit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """Rows of the resource, counted over all its files from 0, and whole files, each with the reason.

    ``total``: rows that were judged one by one, 0 if the files were judged as wholes.
    """

    rows: Mapping[int, str]
    files: Sequence[tuple[str, str]]
    total: int


def unwanted(library: Path, paths: Sequence[str], out: Path) -> Unwanted:
    """Read the decisions of a scan about some files of a library.

    Raises ``Refused``: ``E-FILE-CHANGED`` for a file that is not the one that was scanned, ``E-SCAN-FORMAT``;
    ``Unchecked("E-IO")``.
    """
    from datalib.library.hashing import hash_file
    from datalib.library.store import Folder
    from datalib.optout.reread import decisions
    from datalib.optout.result import read_scan

    result = read_scan(out)
    with Folder(library) as folder:
        scanned = {
            _scanned(result, path, hash_file(folder, path, missing="E-FILE-MISSING").sha256).path: path
            for path in paths
        }
    judged, found = Counter[str](), dict[str, str]()
    for batch in decisions(out, result, ["work_id", "verdict", "reason"]):
        for name in scanned:
            judged[name] += _take(batch, name, found)
    rows, start = dict[int, str](), 0
    for name in scanned:
        rows |= {
            start + int(work.rpartition("#")[2]): reason
            for work, reason in found.items()
            if work.startswith(f"{name}#")
        }
        start += judged[name]
    files = [(path, found[name]) for name, path in scanned.items() if name in found]
    return Unwanted(rows=rows, files=files, total=start)


def _scanned(result: "ScanResult", path: str, digest: str) -> "ScanFile":
    """Find a file in the scan by digest and name: of a file scanned by itself, the name is all there is."""
    last = path.rpartition("/")[2]
    for file in result.inputs:
        if file.sha256 == digest and (file.path == path or file.path.rpartition("/")[2] == last):
            return file
    raise Refused("E-FILE-CHANGED", path, "the scan has no such file: scan the library again")


def _take(batch: "pa.RecordBatch", name: str, found: dict[str, str]) -> int:
    """Note what was not admitted of one file; give how many of its rows there are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    work = batch.column("work_id")
    row = pc.starts_with(work, f"{name}#")
    other = pc.not_equal(batch.column("verdict").cast(pa.string()), _ADMIT)
    for each in batch.filter(pc.and_(pc.or_(row, pc.equal(work, name)), other)).to_pylist():
        found[each["work_id"]] = f"{each['verdict']}: {each['reason']}"
    return int(pc.sum(row).as_py() or 0)
