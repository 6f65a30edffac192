"""Archives made for tests, and what is in them."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from datalib.archive.reading import Archive
from datalib.errors import Refused

Files = dict[str, bytes]
FILES: Files = {"chain.jsonl": b"line\n", "data/a.txt": b"alpha\n" * 100_000, "data/b.txt": b"", "дерек.txt": b"x"}


def tar(path: Path, files: Files, *, form: int = tarfile.PAX_FORMAT, mode: str = "w") -> Path:
    with tarfile.open(path, mode, format=form) as made:  # type: ignore[call-overload]  # the mode is a parameter
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def zipped(path: Path, files: Files, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return path


def content(path: Path) -> Files:
    with Archive(path) as archive:
        return {entry.path: b"".join(entry.read()) for entry in archive.entries() if not entry.folder}


def names(path: Path) -> list[str]:
    """Read the headers only, passing over all data."""
    with Archive(path) as archive:
        return [entry.path for entry in archive.entries()]


def refusal(path: Path, read: Callable[[Path], object] = content) -> str:
    with pytest.raises(Refused) as caught:
        read(path)
    return caught.value.code
