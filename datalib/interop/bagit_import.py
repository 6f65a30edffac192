"""BagIt in: the payload of a bag becomes the data of a library, every file checked as it is copied. Source: RFC 8493.

A bag that was made of a library gives the library back; any other becomes a folder with a draft.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from datalib.errors import Misuse, Refused
from datalib.interop.bagit import DATA, TAGS, copy, hash_of, is_record, making
from datalib.interop.foreign import Draft
from datalib.library import draft as drafts
from datalib.library.descent import trouble
from datalib.library.files import Kind
from datalib.library.paths import check_path, from_bytes, readable
from datalib.library.store import Folder
from datalib.library.upgrade import Note

#: Strongest first. The last two bind nothing against somebody who means harm.
ALGORITHMS: Final = {"sha512": 128, "sha256": 64, "sha1": 40, "md5": 32}
_WEAK: Final = {"sha1", "md5"}
_MAX_TAG: Final = 1 << 20
_CHUNK: Final = 1 << 20
_LONGEST: Final = 8192
_DESCRIPTOR: Final = "datapackage.json"
_VERSION: Final = re.compile(
    r"BagIt-Version: *(0\.9[3-7]|1\.0)[ \t]*\r?\nTag-File-Character-Encoding: *UTF-8\s*", re.IGNORECASE
)
_LINE: Final = re.compile(r"([0-9A-Fa-f]+)[ \t]+\*?(\S.*)")
_ENCODED: Final = re.compile("%(25|0[AaDd])")
_GOES_ON: Final = re.compile(r"\r?\n[ \t]+")
_PEOPLE: Final = {"Source-Organization": "publisher", "Contact-Name": "contact"}


def read(bag: Path, out: Path) -> tuple[bool, list[Note]]:
    """Copy a bag into a folder of its own; tell whether a whole library came out, and what was lost.

    Nothing stands at ``out`` unless all of it is right. Raises ``Refused``: ``E-FOREIGN-FORMAT`` for what is no bag,
    ``E-FOREIGN-REMOTE`` if parts must be fetched, ``E-BAG-CONTENT`` if a file is missing, changed or not listed,
    ``E-PATH-*``, ``E-FILE-*``; ``Misuse("E-OUT-EXISTS")``; ``Unchecked("E-IO")``.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Misuse("E-OUT-EXISTS", str(out))
    with Folder(bag) as source, making(out) as target:
        found = _Bag(source, target, str(bag))
        found.take_payload()
        found.check_tags()
        restored = found.restore()
        if not restored and not target.exists(_DESCRIPTOR):
            target.write(_DESCRIPTOR, drafts.render(found.draft().document()))
        return restored, found.notes


class _Bag:
    """One bag on its way into a folder."""

    def __init__(self, source: Folder, target: Folder, where: str) -> None:
        self._source = source
        self._target = target
        self._draft = Draft(where)
        self._algorithms = [name for name in ALGORITHMS if source.exists(f"manifest-{name}.txt")]
        declaration = self._tag("bagit.txt") if source.exists("bagit.txt") else ""
        if not _VERSION.fullmatch(declaration) or not self._algorithms:
            raise Refused("E-FOREIGN-FORMAT", where, "no bag of BagIt 0.93 to 1.0 with a manifest, in UTF-8")
        if source.exists("fetch.txt") and source.size("fetch.txt"):
            raise Refused("E-FOREIGN-REMOTE", f"{where}/fetch.txt", "parts of the payload are elsewhere")

    @property
    def notes(self) -> list[Note]:
        return self._draft.notes

    def take_payload(self) -> None:
        """Copy what the strongest manifest lists, and see that it lists everything."""
        algorithm, *others = self._algorithms
        name = f"manifest-{algorithm}.txt"
        if algorithm in _WEAK:
            self._draft.lose(name, f"{algorithm} alone binds the files: it protects from accidents only")
        for other in others:
            self._draft.lose(f"manifest-{other}.txt", f"not checked: {name} is stronger")
        for digest, path in self._lines(name, ALGORITHMS[algorithm]):
            if not path.startswith(DATA):
                raise Refused("E-BAG-CONTENT", name, f"{readable(path)[:200]!r} is not below {DATA}")
            own = path.removeprefix(DATA)
            if own != _DESCRIPTOR:
                check_path(own)
            if self._target.exists(own):
                raise Refused("E-BAG-CONTENT", name, f"{own[:200]!r} is listed twice")
            self._copy(path, own, digest, algorithm)
        for entry in self._source.walk("data") if self._source.exists("data") else ():
            if entry.kind is not Kind.FILE or not self._target.exists(entry.path.removeprefix(DATA)):
                raise Refused("E-BAG-CONTENT", readable(entry.path), f"not in {name}")

    def check_tags(self) -> None:
        """Hash the tag files that a tag manifest lists."""
        for algorithm, length in ALGORITHMS.items():
            name = f"tagmanifest-{algorithm}.txt"
            if self._source.exists(name):
                for digest, path in self._lines(name, length):
                    check_path(path)
                    if hash_of(self._source, path, algorithm, missing="E-BAG-CONTENT") != digest:
                        raise Refused("E-BAG-CONTENT", path, f"not the file of {name}")
                return

    def restore(self) -> bool:
        """Bring back the records of a library, if the bag has them."""
        if not all(self._source.exists(f"{TAGS}/{name}") for name in (_DESCRIPTOR, "chain.jsonl", "files.sha256")):
            return False
        for entry in self._source.walk(TAGS):
            own = entry.path.removeprefix(f"{TAGS}/")
            if entry.kind is not Kind.FILE or not is_record(own) or self._target.exists(own):
                raise Refused("E-BAG-CONTENT", readable(entry.path), "no record of a library")
            copy(self._source, entry.path, self._target, own)
        return True

    def draft(self) -> Draft:
        """Say what bag-info.txt says."""
        info = list(_labels(self._tag("bag-info.txt"))) if self._source.exists("bag-info.txt") else []
        mail = next((value for label, value in info if label == "Contact-Email"), None)
        for label, value in info:
            if label in _PEOPLE:
                self._draft.add_person(value, _PEOPLE[label], email=mail if label == "Contact-Name" else None)
            elif label == "External-Description":
                self._draft.set("description", value)
            elif label == "Bagging-Date":
                self._draft.set("created", value)
            elif label not in {"Payload-Oxum", "Contact-Email", "Bag-Software-Agent", "Bag-Size"}:
                self._draft.lose(f"bag-info.txt/{label[:80]}", value[:200])
        return self._draft

    def _copy(self, path: str, own: str, digest: str, algorithm: str) -> None:
        copy(self._source, path, self._target, own, missing="E-BAG-CONTENT")
        if hash_of(self._target, own, algorithm) != digest:
            raise Refused("E-BAG-CONTENT", readable(path), f"its {algorithm} is not {digest}")

    def _tag(self, name: str) -> str:
        data = self._source.read(name, limit=_MAX_TAG, missing="E-FOREIGN-FORMAT", too_large="E-FOREIGN-FORMAT")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused("E-FOREIGN-FORMAT", name, f"byte {error.start} is not UTF-8") from error

    def _lines(self, name: str, length: int) -> Iterator[tuple[str, str]]:
        """Yield digest and path of each line of a manifest, which is read in pieces."""
        for number, raw in enumerate(self._raw(name), 1):
            found = _LINE.fullmatch(from_bytes(raw))
            if found is None or len(found[1]) != length:
                raise Refused("E-BAG-CONTENT", f"{name}:{number}", "not a digest and a path")
            yield found[1].lower(), self._decoded(found[2].removeprefix("./"))

    def _decoded(self, path: str) -> str:
        """Undo percent-encoding, unless the file is there under the name as it stands: some writers do not encode."""
        decoded = _ENCODED.sub(lambda code: chr(int(code[1], 16)), path)
        return path if decoded != path and self._source.exists(path) else decoded

    def _raw(self, name: str) -> Iterator[bytes]:
        with self._source.open(name, missing="E-BAG-CONTENT") as file, trouble(name):
            rest = b""
            while chunk := file.read(_CHUNK):
                *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
                if len(rest) > _LONGEST:
                    raise Refused("E-BAG-CONTENT", name, f"a line of more than {_LONGEST} bytes")
                yield from filter(None, lines)
            if rest.strip():
                yield rest.rstrip(b"\r")


def _labels(text: str) -> Iterator[tuple[str, str]]:
    """Yield the labels of bag-info.txt, lines that go on joined."""
    for line in _GOES_ON.sub(" ", text).splitlines():
        label, colon, value = line.partition(":")
        if colon and label.strip() and value.strip():
            yield label.strip(), value.strip()
