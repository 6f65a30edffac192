"""Receipts of shards: what each made of what, so that a scan which was interrupted does nothing twice."""

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from datalib.errors import Unchecked
from datalib.optout.outputs import Look, output, replacing, sha256_of, sync_all, trouble


def entry(root: Path, path: Path, rows: int) -> dict[str, Any]:
    """Name a file of a shard: as ``output`` does, and how it looked before its digest was computed."""
    return {"look": _look(path)} | output(root, path, rows)


def write(path: Path, root: Path, receipt: dict[str, Any]) -> None:
    """Write a receipt: its ``key``, and its files (``outputs`` and ``found``), each as `entry` names it.

    They are on the disk before it is.
    """
    sync_all([root / item["path"] for item in _files(receipt)])
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(receipt, sort_keys=True))


def check(receipts: Sequence[dict[str, Any]], root: Path) -> None:
    """Make sure that the files of shards are still what their receipts say. Raises Unchecked (E-FILE-CHANGED, E-IO)."""
    for item in chain.from_iterable(map(_files, receipts)):
        path = root / item["path"]
        with trouble(path):
            same = _is_same(path, item)
        if not same:
            raise Unchecked("E-FILE-CHANGED", str(path), "changed after it was written; run the command again")


def read(path: Path, root: Path, key: str) -> dict[str, Any] | None:
    """Read a receipt; None if there is none for this key, or its files are not what it says any more.

    Files that nobody has touched are; of others the digests tell.
    """
    try:
        receipt: dict[str, Any] = json.loads(path.read_bytes())
        same = receipt["key"] == key and all(_is_same(root / item["path"], item) for item in _files(receipt))
    except (OSError, ValueError, KeyError, TypeError, Unchecked):
        return None
    return receipt if same else None


def _files(receipt: dict[str, Any]) -> list[dict[str, Any]]:
    return [*receipt["outputs"], *receipt["found"]]


def _is_same(path: Path, item: dict[str, Any]) -> bool:
    """Say whether a file is what a receipt says; if so, have the receipt say how it looks now."""
    seen = _look(path)
    if seen != item["look"] and sha256_of(path) != item["sha256"]:
        return False
    item["look"] = seen
    return True


def _look(path: Path) -> list[int]:
    return list(Look.of(path.stat()))
