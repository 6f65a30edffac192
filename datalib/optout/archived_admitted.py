"""The admitted records of a web archive, with the bytes that they have in it, and nothing beside them.

A record that is alone in its gzip member or its Zstandard frames is copied with them. One that shares these is cut out
of them and stands in a member or frame of its own. Of ARC, whose records are not understood without it, the first
record comes along.
"""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from numpy.typing import NDArray

from datalib.optout.works import Part, Shard
from datalib.webarchive.files import opened
from datalib.webarchive.records import SIGNS, Extent, Packing, members_of, packing_of, read_records
from datalib.webarchive.window import Window

_END: Final = b"\r\n\r\n"
_PIECE: Final = 1 << 20
_SIGN: Final = max(len(sign) for signs in SIGNS.values() for sign in signs)


def archive_name(name: str, shard: Shard) -> str:
    """Give the name of a file of admitted works: of a table as it is, of an archive one that ends as the archive."""
    if shard.part is not Part.RECORDS or shard.file is None:
        return name
    source = (shard.entry or shard.file.name).lower()
    suffixes = [part for part in source.split(".")[-3:] if part in {"warc", "arc", "wet", "wat", "gz", "zst"}]
    return ".".join([name.partition(".")[0], *suffixes])


class ArchiveWriter:
    """Writes the records that are admitted. No record, no file."""

    def __init__(self, path: Path, shard: Shard) -> None:
        self._path, self._shard = path, shard
        self._extents: list[Extent] = []
        self.rows = 0

    def add(self, extents: Sequence[Extent], admitted: NDArray[Any]) -> None:
        """Add the records of a batch that are marked."""
        self._extents += [extent for extent, chosen in zip(extents, admitted.tolist(), strict=True) if chosen]
        self.rows = len(self._extents)

    def close(self) -> bool:
        """Write the records; say whether there is a file. Raises Unchecked (E-IO)."""
        file = self._shard.file
        if not self._extents or file is None:
            return False
        with opened(file.local, self._shard.entry) as pull, self._path.open("wb") as out:
            _copy(pull, self._with_version(file.local), out)
        return True

    def _with_version(self, path: Path) -> list[Extent]:
        with opened(path, self._shard.entry) as pull:
            first = next(read_records(pull))
        arc = first.url.startswith("filedesc:")
        return [first.extent, *self._extents] if arc and not first.trouble else self._extents


def _copy(pull: Callable[[], bytes], extents: Sequence[Extent], out: BinaryIO) -> None:
    """Copy extents, which stand in the order of their places, out of a stream."""
    source = Window(pull)
    place = 0
    while place < len(extents):
        extent = extents[place]
        source.skip(extent.start - source.place)
        if extent.inner is None:
            _pass_on(source, extent.end - extent.start, out)
            place += 1
            continue
        inner = [other.inner for other in extents[place:] if other.start == extent.start and other.inner]
        _cut_out(source, inner, out)
        place += len(inner)


def _pass_on(source: Window, size: int, out: BinaryIO) -> None:
    packed = _packing(source)
    last = b""
    while size and source.have(1):
        piece = source.data[source.at : source.at + min(size, _PIECE)]
        source.at += len(piece)
        size -= len(piece)
        out.write(piece)
        last = (last + piece)[-len(_END) :]
    if not packed and not last.endswith(b"\n"):  # the last record of a file may lack its end
        out.write(_END)


def _cut_out(source: Window, places: Sequence[tuple[int, int]], out: BinaryIO) -> None:
    packing = _packing(source)
    members = members_of(source, packing)
    members.begin()
    inside = Window(members.pull)
    for start, end in places:
        inside.skip(start - inside.place)
        inside.have(end - start)
        _put_alone(inside.data[inside.at : inside.at + end - start], packing, out)


def _packing(source: Window) -> Packing:
    source.have(_SIGN)
    return packing_of(source.data[source.at : source.at + _SIGN])


def _put_alone(record: bytes, packing: Packing, out: BinaryIO) -> None:
    """Write a record into a frame of its own, or a member, in which it is stored."""
    if packing is Packing.ZSTD:
        import pyarrow as pa

        out.write(pa.compress(record, codec="zstd", asbytes=True))
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=0, mtime=0) as member:
        member.write(record)
