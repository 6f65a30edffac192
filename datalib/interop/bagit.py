"""BagIt 1.0, out and in. Source: RFC 8493.

The payload of a bag is the library's data; what makes it a library (manifest, chain, listing, proofs, evidence) lies in
the tag folder ``datalib/``. A bag made here gives back the same library, byte for byte.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from datalib import __version__
from datalib.errors import Misuse, Refused
from datalib.formats import format_time
from datalib.interop.known import Known, files, lost
from datalib.library.descent import trouble
from datalib.library.files import Kind
from datalib.library.paths import RESERVED_FILES, RESERVED_FOLDERS, readable
from datalib.library.store import TEMPORARY, Folder, write_all
from datalib.library.upgrade import Note

TAGS: Final = "datalib"
DATA: Final = "data/"
_DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_CHUNK: Final = 1 << 20


def write(known: Known, out: Path) -> int:
    """Write a signed library as a bag into a new folder; a killed run leaves none, and can be run again.

    Gives how many paths had to be percent-encoded.

    Every file is hashed as it is copied. Raises ``Refused``: ``E-NOT-SIGNED``, ``E-FILE-DIGEST`` for a file that is not
    the listed one, ``E-FILE-*``; ``Misuse("E-OUT-EXISTS")``; ``Unchecked("E-IO")``.
    """
    if os.path.lexists(out):
        raise Misuse("E-OUT-EXISTS", str(out))
    with Folder(known.path) as source, making(out) as bag:
        return _fill(known, source, bag)


@contextmanager
def making(out: Path) -> Iterator[Folder]:
    """Give a folder to fill, which takes its place when the block ends without an error.

    Until then it has another name, always the same for the same place: what a killed run left, the next one clears.
    Two runs at once are one too many: ``Misuse("E-BUSY")``.
    """
    whole = Path(os.path.realpath(out))
    with trouble(str(out)):
        whole.parent.mkdir(parents=True, exist_ok=True)
        above = os.open(whole.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(above, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with _making(whole, out) as folder:
            yield folder
    except BlockingIOError:
        raise Misuse("E-BUSY", str(out)) from None
    finally:
        os.close(above)


@contextmanager
def _making(whole: Path, out: Path) -> Iterator[Folder]:
    new = whole.parent / f"{TEMPORARY}{hashlib.sha256(os.fsencode(whole)).hexdigest()[:16]}"
    try:
        with trouble(str(out)):
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
        with Folder(new) as folder:
            yield folder
            folder.flush()
        with trouble(str(out)):
            new.rename(whole)
    except BaseException:  # whatever ended it, no half of it stays
        shutil.rmtree(new, ignore_errors=True)
        raise


def lacking(encoded: int) -> list[Note]:
    """Name what programs that only know BagIt will not see; ``encoded`` paths are written with percent signs."""
    odd = f"{encoded} paths with % are encoded, as RFC 8493 asks for; readers that do not decode will not find them"
    notes = [lost("files.sha256", odd)] if encoded else []
    return [
        *notes,
        lost("datapackage.json", "all but the producer, title, description and id: it lies in the tag folder datalib/"),
    ]


def _fill(known: Known, source: Folder, bag: Folder) -> int:
    count = size = encoded = 0
    with bag.replacing("manifest-sha256.txt") as manifest:
        for sha256, path in files(known):
            copy(source, path, bag, DATA + path)
            if (got := hash_of(bag, DATA + path)) != sha256:
                raise Refused("E-FILE-DIGEST", path, f"{got} instead of {sha256}")
            written = _encoded(DATA + path)
            encoded += written != DATA + path
            write_all(manifest, f"{sha256}  {written}\n".encode())
            count, size = count + 1, size + bag.size(DATA + path)
    bag.write("bag-info.txt", _info(known, f"{size}.{count}"))
    bag.write("bagit.txt", _DECLARATION)
    names = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"]
    for path in _records(source):
        copy(source, path, bag, f"{TAGS}/{path}")
        names.append(f"{TAGS}/{path}")
    lines = (f"{hash_of(bag, name)}  {_encoded(name)}\n".encode() for name in sorted(names))
    bag.write("tagmanifest-sha256.txt", lines)
    return encoded


def _records(source: Folder) -> Iterator[str]:
    """Yield what makes it a library."""
    for entry in source.walk(leave_out=lambda path: not is_record(path)):
        if entry.kind is not Kind.FILE:
            raise Refused("E-FILE-TYPE", readable(entry.path), "not a regular file")
        yield entry.path


def is_record(path: str) -> bool:
    """Tell whether a path is one of the records that make a library."""
    return path in RESERVED_FILES or path.partition("/")[0] in RESERVED_FOLDERS


def copy(source: Folder, path: str, target: Folder, name: str, *, missing: str = "E-FILE-MISSING") -> None:
    """Copy a file."""
    with source.open(path, missing=missing) as file:
        target.take(name, file)


def hash_of(folder: Folder, name: str, algorithm: str = "sha256", *, missing: str = "E-FILE-MISSING") -> str:
    """Hash a file; the digest in hex."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with folder.open(name, missing=missing) as file, trouble(readable(name)):
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _info(known: Known, oxum: str) -> bytes:
    title, description = known.manifest.title, known.description()
    said = {
        "Source-Organization": next(iter(known.manifest.producer.name.values())),
        "External-Identifier": known.library,
        "External-Description": _one(description) if description else _one(title),
        "Bagging-Date": format_time(known.past.head.event.time)[:10] if known.past else None,
        "Bag-Software-Agent": f"datalib {__version__}",
        "Payload-Oxum": oxum,
        "Datalib-Producer": known.manifest.producer.id,
        "Datalib-Assurance": known.assurance,
    }
    return "".join(f"{label}: {' '.join(text.split())}\n" for label, text in said.items() if text).encode()


def _one(value: str | Mapping[str, str]) -> str:
    return value if isinstance(value, str) else value.get("en") or next(iter(value.values()))


def _encoded(path: str) -> str:
    """Write a path as RFC 8493 §2.1.3 asks for."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
