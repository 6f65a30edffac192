"""Paths that are too alike to live in one library (datalib trust specification §4, P8).

Two paths are too alike if their folded forms are equal, if one folds to a folder of the other, or if two folders fold
alike and are spelt differently. Such names may stand far apart in a listing of ten million lines, so only one number is
kept of each name that folds to something else than itself, and the paths are read again only if there are such names.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from datalib.errors import Refused
from datalib.library.paths import fold, readable

_BATCH = 4096
_FEW = 1 << 16  # numbers that are looked up in a set; more are sorted


class Collisions:
    """P8 over paths in byte order, each of which P1 to P7 allow.

    Give all paths, then `settle`. The answer is exact; the memory is eight bytes for each name that does not fold to
    itself.
    """

    __slots__ = ("_files", "_keys", "_tree")

    def __init__(self) -> None:
        self._files: list[
            str
        ] = []  # earlier files, each the beginning of the next: the only possible folders of a path
        self._tree = _Tree()
        self._keys = array("q")  # hashes of folded names that are spelt differently

    def add(self, path: str) -> None:
        """Take the next path. Raises Refused ``E-PATH-COLLISION`` if an earlier file is one of its folders."""
        self.extend([path], [fold(path)])

    def extend(self, paths: Sequence[str], folded: Sequence[str]) -> None:
        """Take the next paths with their folded forms; raises as `add` does."""
        self._refuse_file_as_folder(paths)
        compared = 1 if paths is folded else len(paths)  # where every name folds to itself, only the first step counts
        for name, alike in self._tree.nodes(paths[:compared], folded[:compared]):
            if name != alike:
                self._keys.append(hash(alike))
        if compared < len(paths):
            self._tree.skip(paths[-1])

    def settle(self, again: Callable[[], Iterable[str]]) -> None:
        """Compare what folds alike, reading the same paths again, once or twice, if any path does not fold to itself.

        Raises Refused ``E-PATH-COLLISION`` at the first path, or folder of a path, that is too like an earlier one.
        """
        if not self._keys:
            return
        suspects, among = _lookup(self._keys)
        for nodes in _readings(again):
            suspects |= among([hash(alike) for name, alike in nodes if name == alike])
        if not suspects:
            return
        seen: dict[str, str] = {}
        for nodes in _readings(again):
            for name, alike in nodes:
                if hash(alike) in suspects and seen.setdefault(alike, name) != name:
                    raise Refused("E-PATH-COLLISION", readable(name), f"too like {readable(seen[alike])}")

    def _refuse_file_as_folder(self, paths: Sequence[str]) -> None:
        files = self._files
        if not (files and paths[0].startswith(files[0])) and not any(map(str.startswith, paths[1:], paths)):
            self._files = [paths[-1]]
            return
        for path in paths:
            while files and not path.startswith(files[-1]):
                files.pop()
            for file in files:
                if path[len(file)] == "/":
                    raise Refused("E-PATH-COLLISION", readable(path), f"{readable(file)} is a file")
            files.append(path)


class _Tree:
    """Turns paths in order into the names to compare: every file, and every folder that has a neighbour.

    A folder alone in its own folder needs no comparison: if it collides, so does one above it that has a neighbour.
    So the work on deep trees is bounded: a path adds its file and at most two folders.
    """

    __slots__ = ("_folders", "_parent", "_shown")

    def __init__(self) -> None:
        self._parent: str | None = None
        self._folders: list[str] = []  # segments of the parent
        self._shown = 0  # bit n: the folder that ends with segment n was shown

    def skip(self, path: str) -> None:
        """Pass over paths up to this one, all of whose names fold to themselves."""
        self._parent = path.rpartition("/")[0]
        self._folders, self._shown = _segments(self._parent), 0

    def nodes(self, paths: Iterable[str], folded: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield names with their folded forms."""
        for path, alike in zip(paths, folded, strict=True):
            parent = path.rpartition("/")[0]
            if parent != self._parent:
                for folder in self._move(parent):
                    yield folder, fold(folder)
            yield path, alike

    def _move(self, parent: str) -> list[str]:
        """Go to another folder; return the two folders at which the ways part, as far as they are new."""
        old, new = self._folders, _segments(parent)
        depth = 0
        while depth < min(len(old), len(new)) and old[depth] == new[depth]:
            depth += 1
        shown = []
        if self._parent is not None:
            if depth < len(old) and not self._shown >> depth & 1:
                shown.append("/".join(old[: depth + 1]))
            self._shown &= (1 << depth) - 1
            if depth < len(new):
                shown.append("/".join(new[: depth + 1]))
                self._shown |= 1 << depth
        self._parent, self._folders = parent, new
        return shown


def _segments(folder: str) -> list[str]:
    return folder.split("/") if folder else []


def _readings(again: Callable[[], Iterable[str]]) -> Iterator[Iterator[tuple[str, str]]]:
    """Read all paths once; yield names with their folded forms, many at a time."""
    tree, paths = _Tree(), iter(again())
    while batch := list(islice(paths, _BATCH)):
        yield tree.nodes(batch, fold("\n".join(batch)).split("\n"))


def _lookup(keys: "array[int]") -> tuple[set[int], Callable[[list[int]], set[int]]]:
    """Return the numbers that occur twice, and a function that picks from some numbers those that occur."""
    if len(keys) <= _FEW:
        return {key for key, count in Counter(keys).items() if count > 1}, set(keys).intersection
    import numpy as np

    ordered = np.frombuffer(keys, dtype=np.int64)
    ordered.sort()  # in place: the array itself
    twice = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())

    def among(numbers: list[int]) -> set[int]:
        wanted = np.array(numbers, dtype=np.int64)
        places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
        return set(wanted[ordered[places] == wanted].tolist())

    return twice, among
