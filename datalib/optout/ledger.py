"""Receipts of shards: what each made of what, so that a scan which was interrupted does nothing twice."""

import json
from pathlib import Path
from typing import Any

from datalib.errors import Unchecked
from datalib.optout.outputs import output, replacing, sha256_of


def entry(root: Path, path: Path, rows: int) -> dict[str, Any]:
    """Name a file of a shard: as ``output`` does, and how it looked before its digest was computed."""
    return {"look": _look(path)} | output(root, path, rows)


def write(path: Path, receipt: dict[str, Any]) -> None:
    """Write a receipt: its ``key``, and its files (``outputs`` and ``found``), each as `entry` names it."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(receipt, sort_keys=True))


def read(path: Path, root: Path, key: str) -> dict[str, Any] | None:
    """Read a receipt; None if there is none for this key, or its files are not what it says any more.

    Files that nobody has touched are; of others the digests tell.
    """
    try:
        receipt: dict[str, Any] = json.loads(path.read_bytes())
        same = receipt["key"] == key and all(
            _look(root / item["path"]) == item["look"] or sha256_of(root / item["path"]) == item["sha256"]
            for item in (*receipt["outputs"], *receipt["found"])
        )
    except (OSError, ValueError, KeyError, TypeError, Unchecked):
        return None
    return receipt if same else None


def _look(path: Path) -> list[int]:
    """Say how a file looks: whoever writes into it, or puts another in its place, changes that."""
    found = path.stat()
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
