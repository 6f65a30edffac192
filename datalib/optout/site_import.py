"""Import of site snapshots into a store: JSON Lines, a folder ``HOST/PATH``, Parquet, web archives, another store."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from datalib.errors import Refused
from datalib.optout import answers as answer_forms
from datalib.optout.answers import Answer
from datalib.optout.archived_linked import read_sites
from datalib.optout.outputs import trouble as io_faults
from datalib.optout.site import SiteStore, is_store, open_store
from datalib.optout.site_builder import ANSWERS, SCHEMA, Builder, row_of
from datalib.progress import Watch, nobody
from datalib.webarchive.files import is_archive


def import_sites(sources: Sequence[Path], folder: Path, watch: Watch = nobody) -> SiteStore:
    """Import snapshots into one new store in an empty folder; it is complete once ``store.json`` is there.

    Raises Refused (E-SITES-FORMAT), Unchecked (E-IO).
    """
    with io_faults(folder), closing(Builder(folder)) as builder:
        for source in sources:
            builder.add_all(read_answers(source), watch)
        return builder.finish()


def read_answers(source: Path) -> Iterator[Answer]:
    """Read the answers of a snapshot in any form. Raises Refused (E-SITES-FORMAT), Unchecked (E-IO)."""
    if is_store(source):
        store = open_store(source)
        return _read_parquet(source / ANSWERS, store)
    if source.is_dir():
        _refuse_stores(source)
        return answer_forms.read_folder(source)
    if is_archive(source.name):
        return read_sites(source)
    if source.suffix.lower() == ".parquet":
        return _read_parquet(source, None)
    return answer_forms.read_jsonl_file(source)


def _refuse_stores(folder: Path) -> None:
    """Refuse the folder ``sites`` of a scan: what was imported would be read as files of hosts with odd names."""
    with io_faults(folder):
        stores = (path.name for path in folder.iterdir() if is_store(path) and (path / ANSWERS).is_file())
        found = min(stores, default=None)
    if found is not None:
        raise Refused("E-SITES-FORMAT", str(folder), f"an imported snapshot, {found}, stands here: name it")


def write_parquet(answers: Iterable[Answer], path: Path) -> int:
    """Write answers in the snapshot's own Parquet form; give their number."""
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for rows in _batched(({**row_of(answer), "body": answer.body} for answer in answers), 1 << 12):
            writer.write_batch(pa.RecordBatch.from_pylist(rows, SCHEMA))
            count += len(rows)
    return count


def _read_parquet(path: Path, store: SiteStore | None) -> Iterator[Answer]:
    """Read answers from Parquet: the snapshot's own form with bodies, or a store's with digests of bodies."""
    import pyarrow.parquet as pq

    try:
        with io_faults(path), pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if not {"origin", "status"} <= set(names) <= set(SCHEMA.names):
                raise Refused("E-SITES-FORMAT", str(path), f"columns must be of {', '.join(SCHEMA.names)}")
            for batch in file.iter_batches(1 << 10):
                for row in batch.to_pylist():
                    body = row.get("body") or b""
                    raw = _body_of(store, body) if store else body
                    yield answer_forms.parse_line(_line(row, raw), str(path))
    except (pa.ArrowException, KeyError, TypeError) as error:
        raise Refused("E-SITES-FORMAT", str(path), str(error).partition("\n")[0]) from error


def _body_of(store: SiteStore, sha256: bytes) -> bytes:
    body = store.find_body(sha256.hex())
    if body is None:
        raise KeyError(sha256.hex())
    return body


def _line(row: dict[str, Any], body: bytes) -> bytes:
    """Write a row as the line of JSON that it stands for, so that one reader checks all forms."""
    members = {name: value for name, value in row.items() if value is not None and name != "body"}
    status = members.get("status")
    if isinstance(status, str) and status.isdecimal():
        members["status"] = int(status)
    return json.dumps(members | {"body_b64": base64.b64encode(body).decode()}).encode()


def _batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
