"""Making of receipts from the result of a scan, in memory that does not grow with the number of works.

The decisions are read twice at most: to find the work, where the scan has no index, and to hash their leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from datalib import unverified
from datalib.chain import links
from datalib.errors import Misuse, Refused
from datalib.formats import sha256_hex
from datalib.library.store import Folder
from datalib.merkle import PathBuilder, leaf_hash
from datalib.optout import key_index
from datalib.optout.decisions import BLOCK, leaf_hashes, table_lines
from datalib.optout.explain import explain
from datalib.optout.key_index import LEAF_BYTES, Kind
from datalib.optout.outputs import trouble
from datalib.optout.receipt import MAX_SCAN, Lines, Receipt, Records, attested, check, named
from datalib.optout.reread import checked, opened
from datalib.optout.result import NAME, ScanResult, parse_scan, read_bytes

#: Leaves of either kind that a receipt holds: of a URL that very many works have, it shows some.
MAX_LEAVES: Final = 16
_MAX_STATEMENTS: Final = 16
_HASHED: Final = 1 << 12  # leaves of the index at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    out: Path
    raw: bytes
    result: ScanResult


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a work is found by, the places of its decisions (those shown first), the records about it."""

    kind: Kind
    name: str
    places: tuple[int, ...]
    records: tuple[int, int] | None


def make(work: str, out: Path, library: Path | None = None) -> Receipt:
    """Make the receipt of a work, named by its id or URL, from a scan; with a library, name its attestation too.

    What has a scheme (``https://…``) is a URL, else an id comes before a URL. Raises ``Misuse("E-RECEIPT-INDEX")`` when
    the scan has no such work and no index to show that by, ``Refused`` (``E-SCAN-FORMAT``, ``E-RECEIPT``),
    ``Unchecked`` (``E-IO``).
    """
    raw = read_bytes(out)
    scan = _Scan(out=out, raw=raw, result=parse_scan(raw, str(out / NAME)))
    kinds: tuple[Kind, ...] = ("url",) if "://" in work else ("work", "url")
    tried = [_find(scan, kind, named(kind, work)) for kind in kinds]
    found = next((one for one in tried if one.places), tried[0])
    if not found.places and found.records is None:
        raise Misuse("E-RECEIPT-INDEX", work[:200], str(out))
    receipt = Receipt(
        kind=found.kind,
        name=found.name,
        scan=raw if len(raw) <= MAX_SCAN else None,
        scan_sha256=sha256_hex(raw),
        decisions=tuple(_decision_leaves(scan, found)),
        index=tuple(_index_leaves(scan, found.records)) if found.records else (),
    )
    shown = check(receipt, raw)
    if shown.decisions:
        receipt = replace(receipt, statements=tuple(_statements(shown.decisions[0].work, out)))
    if library is not None:
        with Folder(library) as folder:
            event = attested(unverified.record(folder).chain, receipt.scan_sha256, f"{library}/{links.NAME}")
        receipt = replace(receipt, library=event.library, event=event.event)
    return receipt


def _find(scan: _Scan, kind: Kind, name: str) -> _Found:
    """Find the decisions about an id or URL, by the index or by looking at all."""
    if scan.result.index is None:
        places = tuple(place for place, _ in zip(_search(scan, kind, name), range(MAX_LEAVES), strict=False))
        return _Found(kind=kind, name=name, places=places, records=None)
    path = checked(scan.out, scan.result, key_index.NAME)
    with trouble(path):
        start, stop = key_index.find(path, key_index.key_of(kind, name))
        with path.open("rb") as file:
            file.seek(start * key_index.RECORD.itemsize)
            some = file.read(min(stop - start, MAX_LEAVES * BLOCK) * key_index.RECORD.itemsize)
    places = tuple(place for _, place in key_index.parse_records(some))
    return _Found(kind=kind, name=name, places=places, records=(start, stop))


def _search(scan: _Scan, kind: Kind, name: str) -> Iterator[int]:
    """Give the places of decisions by the value of a column."""
    import pyarrow.compute as pc

    column = "url" if kind == "url" else "work_id"
    for first, table in _groups(scan, [column]):
        same = pc.fill_null(pc.equal(table.column(0), name), fill_value=False)
        yield from (first * BLOCK + row for row in pc.indices_nonzero(same).to_pylist())


def _groups(scan: _Scan, columns: list[str] | None = None) -> Iterator[tuple[int, Any]]:
    """Read all decisions; give the number of the first leaf with each group of rows. Leaves end within a file."""
    leaf = 0
    for file in scan.result.decisions:
        with opened(scan.out, file) as parquet:
            for group in range(parquet.num_row_groups):
                table = parquet.read_row_group(group, columns=columns)
                yield leaf, table
                leaf += -(-table.num_rows // BLOCK)


def _decision_leaves(scan: _Scan, found: _Found) -> Iterator[Lines]:
    import pyarrow as pa

    wanted = sorted({place // BLOCK for place in found.places})[:MAX_LEAVES]
    if not wanted:
        return
    paths, texts = PathBuilder(wanted, scan.result.leaves), dict[int, bytes]()
    for first, table in _groups(scan):
        lines = table_lines(table)
        hashes = leaf_hashes(lines)
        for leaf in wanted:
            if first <= leaf < first + len(hashes):
                texts[leaf] = b"".join(lines.slice((leaf - first) * BLOCK, BLOCK).cast(pa.binary()).to_pylist())
        paths.extend_hashes(hashes)
    if paths.size != scan.result.leaves or len(texts) != len(wanted):
        raise Refused("E-SCAN-FORMAT", str(scan.out), "has other decisions than scan.json says")
    for leaf in wanted:
        yield Lines(leaf=leaf, data=texts[leaf], path=tuple(paths.path(leaf)))


def _index_leaves(scan: _Scan, records: tuple[int, int]) -> Iterator[Records]:
    """Give the leaves with the records of a key, and with what stands before and behind them."""
    if scan.result.index is None or not scan.result.index["entries"]:
        return
    last = scan.result.index["entries"] - 1
    first, behind = max(records[0] - 1, 0) // key_index.LEAF, min(records[1], last) // key_index.LEAF
    wanted = range(first, min(behind + 1, first + MAX_LEAVES))
    paths, texts = PathBuilder(wanted, scan.result.index["leaves"]), dict[int, bytes]()
    path = scan.out / key_index.NAME
    with trouble(path), path.open("rb") as file:
        while block := file.read(LEAF_BYTES * _HASHED):
            leaves = list(key_index.leaves_of(block))
            texts |= {leaf: leaves[leaf - paths.size] for leaf in wanted if 0 <= leaf - paths.size < len(leaves)}
            paths.extend_hashes([leaf_hash(leaf) for leaf in leaves])
    for leaf in wanted:
        yield Records(leaf=leaf, data=texts[leaf], path=tuple(paths.path(leaf)))


def _statements(work: str, out: Path) -> Iterator[dict[str, Any]]:
    """Give in brief what was said about a work; at length it stands in the scan, and ``explain`` shows it."""
    for item in explain(work, out).statements[:_MAX_STATEMENTS]:
        yield {
            "carrier": item.carrier, "sha256": item.sha256, "signal": item.signal, "strict": dict(item.strict),
            "where": item.where,
        }  # fmt: skip
