"""What a library holds besides its resources, summed up by folder: the ``collections`` of its manifest.

Millions of files fit, as only sums by folder are kept, and never many of them: the tree is cut at the deepest level
that leaves at most `COLLECTIONS_LIMIT` folders. The result depends on the files alone, not on their order.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from datalib.library.mediatypes import mediatype_of

#: Most collections of one manifest.
COLLECTIONS_LIMIT: Final = 100


@dataclass(slots=True)
class _Sum:
    files: int = 0
    bytes: int = 0
    mediatypes: set[str] = field(default_factory=set)


class Summary:
    """Takes files one by one, gives collections; a file counts in the collection with the longest matching prefix."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], _Sum] = {}
        self._depth: int | None = None

    def add(self, path: str, size: int) -> None:
        """Count one file of ``size`` bytes."""
        folder = tuple(path.split("/")[:-1])[: self._depth]
        self._merge(folder, 1, size, {mediatype_of(path)})
        while len(self._sums) > COLLECTIONS_LIMIT:
            self._cut()

    def collections(self) -> list[dict[str, Any]]:
        """Give the collections in order of prefix; the prefix of files that lie in no folder is empty."""
        return [
            {
                "prefix": "".join(f"{segment}/" for segment in folder),
                "files": summed.files,
                "bytes": summed.bytes,
                "mediatypes": sorted(summed.mediatypes),
            }
            for folder, summed in sorted(self._sums.items())
        ]

    def _merge(self, folder: tuple[str, ...], files: int, size: int, mediatypes: set[str]) -> None:
        summed = self._sums.setdefault(folder, _Sum())
        summed.files += files
        summed.bytes += size
        summed.mediatypes |= mediatypes

    def _cut(self) -> None:
        """Give up the deepest level: its folders are counted in the ones above."""
        depth = max(map(len, self._sums)) - 1
        self._depth = depth
        for folder in [folder for folder in self._sums if len(folder) > depth]:
            deeper = self._sums.pop(folder)
            self._merge(folder[:depth], deeper.files, deeper.bytes, deeper.mediatypes)
