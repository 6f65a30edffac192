"""Records on their way into an order that memory cannot hold: parted on disk, then read part by part."""

import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Parts of a spool: one of ten million records has eighty thousand.
PARTS: Final = 1 << 7


class Spool:
    """Records of one kind in ``PARTS`` parts, each with a text of its own length if the kind has ``length``.

    ``parts`` are those that are not empty.
    """

    def __init__(self, folder: Path, kind: Any) -> None:
        self.folder, self.kind = folder, np.dtype(kind)
        self.parts: set[int] = set()
        folder.mkdir()

    def add(self, part: NDArray[Any], records: NDArray[Any], text: NDArray[np.uint8] | None = None) -> None:
        """Append records, each to its part; ``text`` holds theirs one after the other."""
        order = np.argsort(part, kind="stable")
        cuts = np.searchsorted(part[order], np.arange(PARTS + 1))
        sizes = records["length"].astype(np.int64) if text is not None else None
        ends = np.cumsum(sizes) if sizes is not None else None
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            self.parts.add(number)
            rows = order[cuts[number] : cuts[number + 1]]
            with (self.folder / f"{number}").open("ab") as file:
                file.write(records[rows].tobytes())
            if text is not None and sizes is not None and ends is not None:
                with (self.folder / f"{number}.text").open("ab") as file:
                    file.write(text[spread(ends[rows] - sizes[rows], sizes[rows])].tobytes())

    def read(self, part: int) -> NDArray[Any]:
        """Give the records of a part in the order in which they came."""
        return np.fromfile(self.folder / f"{part}", dtype=self.kind)

    def text(self, part: int) -> NDArray[np.uint8]:
        """Give the texts of a part, one after the other."""
        return np.fromfile(self.folder / f"{part}.text", dtype=np.uint8)

    def remove(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder)


def spread(start: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the numbers of some ranges, one range after the other."""
    ends = np.cumsum(sizes)
    return np.repeat(start - (ends - sizes), sizes) + np.arange(ends[-1] if len(ends) else 0)
