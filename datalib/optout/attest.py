"""What a scan says about a library: the claim ``optout``, computed and never typed (opt-out specification §4)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datalib.errors import Refused
from datalib.optout.model import Verdict
from datalib.optout.reread import decisions
from datalib.optout.result import NAME, ScanResult
from datalib.optout.sources import SOURCE, Named, digest_of


def recount(out: Path, result: ScanResult) -> None:
    """Count the verdicts of a scan again, and make sure that ``scan.json`` says the same.

    Raises Refused (E-SCAN-FORMAT), Unchecked (E-IO).
    """
    found: Counter[str] = Counter()
    for batch in decisions(out, result, ["verdict"]):
        for item in batch.column("verdict").value_counts().to_pylist():
            found[item["values"]] += item["counts"]
    if dict(found) != {verdict: count for verdict, count in result.counts.get("verdict", {}).items() if count}:
        raise Refused("E-SCAN-FORMAT", str(out / NAME), "its counts are not those of its decisions")
    if found.total() != result.works:
        raise Refused("E-SCAN-FORMAT", str(out / NAME), "it has another number of works than its decisions")


def attest_result(
    result: ScanResult, listing: Mapping[str, str], sources: Sequence[Named] = ()
) -> tuple[str, dict[str, Any]]:
    """Give ``pass`` or ``fail`` for a library, and the facts it follows from.

    ``listing``: digest by path of all files of the library; ``sources``: those that are judged as works. ``pass`` only
    if every work is admitted, every scanned file is in the listing with the scanned digest, and every file of the
    listing and these sources were scanned: a clean part says nothing about the rest. A file scanned by itself is found
    in the listing by its name and digest.
    Marks of synthetic content are held against what the library states of it: facts that decide nothing about refusals.
    """
    verdicts = result.counts.get("verdict", {})
    named = {_tail(path): path for path in sorted(listing, reverse=True)}
    scanned: set[str] = set()
    foreign: list[str] = []
    for file in result.inputs:
        path = file.path if file.path in listing else named.get(_tail(file.path), "")
        if listing.get(path) == file.sha256:
            scanned.add(path)
        else:
            foreign.append(file.path)
    missing = sorted(set(listing) - scanned)
    facts: dict[str, Any] = {
        "admitted": verdicts.get(Verdict.ADMIT, 0),
        "held": verdicts.get(Verdict.HOLD, 0),
        "not_in_listing": sorted(foreign),
        "not_scanned": missing,
        "refused": verdicts.get(Verdict.REFUSE, 0),
        "works": result.works,
    }
    if digest_of(sources) != result.sources:
        facts["sources_not_scanned"] = [f"{SOURCE}#{source.number}" for source in sources] or [SOURCE]
    if result.unread:
        facts["not_read"] = sorted(f"{path}: {column}" if column else path for path, column in result.unread)
    if marked := result.counts.get("synthetic", {}):
        facts["synthetic_marks"] = ", ".join(f"{code} {count}" for code, count in sorted(marked.items()))
        if not result.synthetic_stated:
            facts["synthetic_not_stated"] = sum(marked.values())
    clean = result.works > 0 and facts["admitted"] == result.works and sum(verdicts.values()) == result.works
    whole = not foreign and not missing and "sources_not_scanned" not in facts
    return ("pass" if clean and whole else "fail"), facts


def _tail(path: str) -> str:
    return path.rpartition("/")[2]
