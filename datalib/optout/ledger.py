"""Receipts of shards: what each made of what, so that a scan which was interrupted does nothing twice."""

import json
from pathlib import Path
from typing import Any

from datalib.errors import Unchecked
from datalib.optout.outputs import replacing, sha256_of


def write(path: Path, root: Path, receipt: dict[str, Any]) -> None:
    """Write a receipt: its ``key``, its files (``outputs`` and ``found``, by path from ``root``), and how they look."""
    looks = [_look(root / item["path"]) for item in _files(receipt)]
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(receipt | {"looks": looks}, sort_keys=True))


def read(path: Path, root: Path, key: str) -> dict[str, Any] | None:
    """Read a receipt; None if there is none for this key, or its files are not what it says any more.

    Files that nobody has touched are; of others the digests tell.
    """
    try:
        receipt: dict[str, Any] = json.loads(path.read_bytes())
        same = receipt["key"] == key and all(
            _look(root / item["path"]) == look or sha256_of(root / item["path"]) == item["sha256"]
            for item, look in zip(_files(receipt), receipt["looks"], strict=True)
        )
    except (OSError, ValueError, KeyError, TypeError, Unchecked):
        return None
    return receipt if same else None


def _files(receipt: dict[str, Any]) -> list[dict[str, Any]]:
    return [*receipt["outputs"], *receipt["found"]]


def _look(path: Path) -> list[int]:
    """Say how a file looks: whoever writes into it, or puts another in its place, changes that."""
    found = path.stat()
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
