"""The folder of a site: what is put into it, and what is taken out again."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from datalib.errors import Misuse, Refused
from datalib.library.descent import trouble
from datalib.library.store import Folder, is_temporary, write_all

#: What says that a folder is a catalogue, which may be written over.
MARKER: Final = "datalib-catalogue.json"
_MARK: Final = json.dumps({"catalogue": 1}).encode() + b"\n"
_LARGEST: Final = 64 << 20  # bytes of a file that is read back


class Shelf:
    """An open folder that is a site."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def put(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Put a file in its place, all or nothing; one that has these bytes already is left as it is."""
        if isinstance(data, bytes) and self.read(name, len(data)) == data:
            return
        with self.folder.placing(name) as file:
            for piece in (data,) if isinstance(data, bytes) else data:
                write_all(file, piece)

    def read(self, name: str, limit: int = _LARGEST) -> bytes | None:
        """Give the bytes of a file; ``None`` if there is none, or a larger one."""
        try:
            return self.folder.read(name, limit=limit, missing="E-FILE-MISSING", too_large="E-JSON-SIZE")
        except Refused:
            return None

    def size(self, name: str) -> int:
        """Give the size of a file in bytes."""
        return self.folder.size(name)

    def names(self, folder: str) -> list[str]:
        """Give the names in a folder, sorted; none if it is not there."""
        with self.folder.descend() as way:
            try:
                descriptor = way.folder(folder.encode(), "E-FILE-MISSING")
            except Refused as error:
                if error.code == "E-FILE-MISSING":
                    return []
                raise
            with trouble(folder), os.scandir(descriptor) as entries:
                return sorted(entry.name for entry in entries)

    def remove(self, folder: str, names: Iterable[str]) -> None:
        """Remove files of a folder; `Folder.flush` makes sure that they stay away."""
        with self.folder.descend() as way, trouble(folder):
            for name in names:
                os.unlink(name, dir_fd=way.folder(folder.encode()))

    def remove_folder(self, path: str) -> None:
        """Remove a folder unless something lies in it."""
        above, _, name = path.rpartition("/")
        with self.folder.descend() as way, suppress(OSError):  # another folder's business
            os.rmdir(name, dir_fd=way.folder(above.encode()))


def prepare(out: Path) -> None:
    """Make the folder of a site, or see that it is one; ``Misuse("E-OUT-EXISTS")`` for a folder with other things."""
    with trouble(str(out)):
        out.mkdir(parents=True, exist_ok=True)
        names = [entry.name for entry in os.scandir(out)]
    with Folder(out) as folder:
        if MARKER not in names:
            if not all(map(is_temporary, names)):
                raise Misuse("E-OUT-EXISTS", str(out), "the folder is not empty, and is no catalogue")
            folder.write(MARKER, _MARK)
        folder.sweep()


def check(out: Path) -> None:
    """See that a folder is a catalogue: ``Misuse("E-USAGE")`` for another, ``Unchecked("E-IO")``."""
    with Folder(out) as folder:
        if not folder.exists(MARKER):
            raise Misuse("E-USAGE", str(out), "no catalogue: `datalib catalogue build` makes one")
