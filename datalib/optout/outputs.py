"""Writing of result files: whole or not at all, and known by their digest."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from datalib.errors import Unchecked
from datalib.library.store import TEMPORARY

if TYPE_CHECKING:
    from datalib.optout.stored import Source


@contextmanager
def trouble(path: "Source") -> Iterator[None]:
    """Turn trouble with the disk into Unchecked (E-IO)."""
    try:
        yield
    except OSError as error:
        raise Unchecked("E-IO", str(error.filename or path), error.strerror or str(error)) from error


@contextmanager
def replacing(path: Path, *, optional: bool = False, sync: bool = True) -> Iterator[Path]:
    """Give a path to write to; the file takes the place of ``path`` when the block ends without an error.

    ``optional``: where nothing was written, ``path`` is gone afterwards. ``sync``: bring it to the disk at once, not
    with others by `sync_all`.
    """
    with trouble(path):
        temporary = path.with_name(TEMPORARY + secrets.token_hex(8))
        try:
            yield temporary
            if optional and not temporary.exists():
                path.unlink(missing_ok=True)
            else:
                if sync:
                    _sync(temporary)
                temporary.rename(path)
        except BaseException:  # whatever ended the block, the half-written file must go
            temporary.unlink(missing_ok=True)
            raise
        if sync:
            _sync(path.parent)


def sync_all(paths: Sequence[Path]) -> None:
    """Bring files to the disk, and their names in their folders. Of one that is empty there is only the name."""
    for path in paths:
        if path.stat().st_size:
            _sync(path)
    for folder in {path.parent for path in paths}:
        _sync(folder)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of ``path``, which must not exist, when the block ends."""
    with trouble(path):
        temporary = path.with_name(TEMPORARY + secrets.token_hex(8))
        temporary.mkdir(parents=True)
        try:
            yield temporary
            for file in temporary.iterdir():
                _sync(file)
            _sync(temporary)
            temporary.rename(path)
        except BaseException:  # as above
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync(path.parent)


def sweep(folder: Path) -> None:
    """Remove what interrupted writes left in a folder and the folders in it."""
    with trouble(folder):
        for leftover in [*folder.glob(f"{TEMPORARY}*"), *folder.glob(f"*/{TEMPORARY}*")]:
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


class Look(NamedTuple):
    """How a file looks: whoever writes into it, or puts another in its place, changes that. Times in nanoseconds."""

    size: int
    inode: int
    mtime: int
    ctime: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """Take it from what the system says of the file."""
        return cls(found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def sha256_of(path: "Source") -> str:
    """Give the SHA-256 of a file in hex."""
    with trouble(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def output(root: Path, path: Path, rows: int) -> dict[str, Any]:
    """Name an output as results do: path from ``root``, digest, rows."""
    return {"path": path.relative_to(root).as_posix(), "rows": rows, "sha256": sha256_of(path)}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
