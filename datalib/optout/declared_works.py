"""Signed declarations among the files of a registry: what each says at the moment of a scan."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from datalib.chain.envelope import MAX_LINE
from datalib.errors import DatalibError, Refused, Unchecked
from datalib.formats import sha256_hex
from datalib.optout.declaration import Declaration, entry_key
from datalib.optout.outputs import trouble
from datalib.optout.registry import Entry, ListFile, Says

#: The beginning of every envelope in its one spelling, and of no list.
_SIGN: Final = b'{"payload"'


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationFile(ListFile):
    """A file that holds one declaration; ``said`` is what it says, ``now`` when (seconds since 1970)."""

    said: Declaration
    now: int

    @property
    def says(self) -> Says:
        """What it says of each of its works."""
        spec, strict = self.said.readings(self.now)
        return Says(spec=spec, strict=strict, note=self.said.note)

    def entries(self) -> Iterator[Entry]:
        """Give the works that it is about; none when it says nothing now. They stand in no line: number 0."""
        if not self.said.speaks(self.now):
            return
        for text in self.said.about:
            found = entry_key(text)
            if found is None:
                raise _fault(self, f"neither a domain, a URL nor an identifier: {text[:80]!r}")
            yield Entry(found[0], found[1].encode(), 0, text.encode())


def with_declarations(files: Iterable[ListFile], now: int) -> list[ListFile]:
    """Read those files of registries that are declarations; give all of them, in their order.

    Raises Refused (E-REGISTRY-FORMAT) for a malformed declaration: what it refuses would otherwise be admitted.
    """
    return [_read(file, now) for file in files]


def in_force(files: Sequence[ListFile]) -> list[str]:
    """Name what the moment of a scan decides about: which declarations say something."""
    return [f"{file.name}\0{file.said.speaks(file.now)}" for file in files if isinstance(file, DeclarationFile)]


def _read(file: ListFile, now: int) -> ListFile:
    with trouble(file.path), file.path.open("rb") as source:
        if source.read(len(_SIGN)) != _SIGN:
            return file
        source.seek(0)
        data = source.read(MAX_LINE + 2)
    try:
        said = Declaration.parse(data)
    except DatalibError as error:
        raise _fault(file, f"not a declaration: {error}") from error
    if sha256_hex(data) != file.sha256:
        raise Unchecked("E-FILE-CHANGED", str(file.path), "changed while it was read")
    return DeclarationFile(name=file.name, path=file.path, sha256=file.sha256, size=file.size, said=said, now=now)


def _fault(file: ListFile, detail: str) -> Refused:
    return Refused("E-REGISTRY-FORMAT", str(file.path), detail)
