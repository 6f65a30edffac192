"""Look through the files of a library for personal data: every file, or a sample; memory does not grow with either.

    table of the manifest, or one that is found   column by column
    text (UTF-8, UTF-16 with a mark, also gzip)   as a whole
    anything else                                 not read, and said so

A sample is ``SAMPLE_FILES`` files, picked by the digest of their names, and the beginning of each. What a sample does
not show may be there all the same.
"""

import codecs
import gzip
import hashlib
import heapq
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from datalib.errors import Refused
from datalib.library import tables
from datalib.library.batches import read_batches
from datalib.library.descent import trouble
from datalib.library.draft import paths_of
from datalib.library.files import Kind
from datalib.library.paths import RESERVED_FILES, RESERVED_FOLDERS, readable, to_bytes
from datalib.library.store import Folder, is_leftover
from datalib.personal import detectors
from datalib.personal.column import Column
from datalib.personal.found import Looked, Place

SAMPLE_FILES: Final = 1000
SAMPLE_ROWS: Final = 10_000
SAMPLE_BYTES: Final = 4 << 20
#: Most places that are told apart; what is found beyond them is counted as one.
PLACES: Final = 1000
_ROWS = 2048  # of a table held at once, fewer where they are long
_HELD = 16 << 20  # bytes of a table held at once, as far as its form lets this be chosen
#: Most bytes that a gzip file may become, unless it is packed less than tightly.
UNPACKED_LIMIT: Final = 1 << 30
_TIGHT = 100  # times: texts are packed to a tenth, what is packed tighter holds nothing
_BLOCK = 1 << 20  # of text held at once, in bytes
_TAIL = 1 << 16  # characters in which a place to part the text is looked for
#: Text tables: what their reader refuses can still be read as text.
_TEXTUAL: Final = frozenset({"csv", "tsv", "jsonl"})
#: Characters in no identifier: a text may be parted after them.
_PARTING: Final = '\n\r\t"<>,;|{}[]'


@dataclass(slots=True, kw_only=True)
class _Search:
    folder: Folder
    full: bool
    today: date
    resources: Mapping[str, Mapping[str, Any]]
    files: int = 0
    read: int = 0
    bytes: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    places: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    rest: Counter[str] = field(default_factory=Counter)
    beyond: int = 0

    def note(self, where: str, column: str, counts: Mapping[str, int]) -> None:
        if not counts:
            return
        place = (where, column)
        if place in self.places or len(self.places) < PLACES:
            self.places.setdefault(place, Counter()).update(counts)
        else:
            self.beyond += 1
            self.rest.update(counts)

    def result(self) -> Looked:
        total = sum(self.places.values(), Counter(self.rest))
        return Looked(
            full=self.full,
            files=self.files,
            read=self.read,
            bytes=self.bytes,
            counts=dict(sorted(total.items())),
            places=tuple(
                Place(where=where, column=column, counts=dict(sorted(counts.items())))
                for (where, column), counts in sorted(self.places.items())
            ),
            beyond=self.beyond,
            unread=dict(sorted(self.unread.items())),
        )


def look(library: Path, document: Mapping[str, Any], *, full: bool, today: date) -> Looked:
    """Search the files of a library or a draft. Raises ``Unchecked("E-IO")`` on trouble with the disk."""
    resources = {
        path: resource
        for resource in document.get("resources", ())
        if isinstance(resource, Mapping)
        for path in paths_of(resource)
    }
    with Folder(library) as folder:
        search = _Search(folder=folder, full=full, today=today, resources=resources)
        for path in _files(search) if full else sorted(_sample(search)):
            _file(search, path)
    return search.result()


def _files(search: _Search) -> Iterator[str]:
    """Give every file of the library, and count what is none."""
    for path, kind in search.folder.walk(leave_out=_is_ours):
        search.files += 1
        if kind is Kind.FILE:
            yield path
        else:
            search.unread["link"] += 1


def _is_ours(path: str) -> bool:
    top, slash, _ = path.partition("/")
    return top in RESERVED_FOLDERS if slash else top in RESERVED_FILES or is_leftover(path)


def _sample(search: _Search) -> list[str]:
    """Pick files by the digests of their names: the same ones each time, from all over the library."""
    named = ((hashlib.sha256(to_bytes(path)).digest(), path) for path in _files(search))
    return [path for _, path in heapq.nsmallest(SAMPLE_FILES, named)]


def _file(search: _Search, path: str) -> None:
    kind = tables.format_of(path)
    with search.folder.open(path, missing="E-FILE-CHANGED") as file, trouble(readable(path)):
        search.read += 1
        if kind:
            try:
                _table(search, file, path)
            except Refused as refusal:
                if refusal.code != "E-TABLE-READ":
                    raise
                if kind not in _TEXTUAL:
                    search.unread["damaged"] += 1
                    return
                file.seek(0)
            else:
                search.bytes += file.seek(0, 2)
                return
        _text_file(search, file, path)


def _table(search: _Search, file: FileIO, path: str) -> None:
    """Search a table. Nothing is noted of one that cannot be read to its end: it is read as text."""
    resource = search.resources.get(path)
    if resource is None or "schema" not in resource:
        found = tables.read(cast("BinaryIO", file), path)
        file.seek(0)
        resource = {"path": path, "schema": found.schema, "dialect": found.dialect, "encoding": found.encoding}
    columns = dict[str, Column]()
    trusted = tables.format_of(path) not in {"arrow", "feather"}  # these are read as they are, wrong lengths and all
    with _damage(path):
        rows = rows_held(file, path)
        batches = read_batches(file, _as_texts(resource, path), path, rows)
        for batch in batches if search.full else islice(batches, -(-SAMPLE_ROWS // rows)):
            if not trusted:
                batch.validate(full=True)
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                columns.setdefault(name, Column(today=search.today)).add(values)
    where = str(resource.get("name") or readable(path))
    for name, column in columns.items():
        search.note(where, name, column.counts())
        search.unread["binary-column"] += column.binary
    search.unread += Counter()


@contextmanager
def _damage(path: str) -> Iterator[None]:
    """Turn what readers of damaged tables raise into ``Refused("E-TABLE-READ")``; trouble with the disk stays that."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Refused("E-TABLE-READ", path, type(error).__name__) from error


def rows_held(file: BinaryIO | FileIO, path: str) -> int:
    """Give how many rows of a table are held at once: of Parquet, which says how long its rows are, a few long ones."""
    if tables.format_of(path) != "parquet":
        return _ROWS
    import pyarrow.parquet as pq

    with pq.ParquetFile(file, pre_buffer=False) as table:
        parts = [table.metadata.row_group(number) for number in range(table.metadata.num_row_groups)]
        longest = max((part.total_byte_size // max(1, part.num_rows) for part in parts), default=1)
    file.seek(0)
    return max(1, min(_ROWS, _HELD // max(1, longest)))


def _as_texts(resource: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Ask for text columns: an integer has lost the zeros before it."""
    schema = resource.get("schema")
    given = schema if isinstance(schema, Mapping) else {}
    fields = [{"name": one["name"], "type": "string"} for one in given.get("fields", ())]
    if tables.format_of(path) == "jsonl":
        fields = [one for one in given.get("fields", ()) if one.get("type") not in {"boolean", "any"}]
    return {**resource, "path": path, "schema": {**given, "fields": fields}}


def _text_file(search: _Search, file: FileIO, path: str) -> None:
    counts, ended = Counter[str](), True
    start = file.read(_BLOCK)
    file.seek(0)
    packed = start.startswith(b"\x1f\x8b")
    stream: Any = gzip.GzipFile(fileobj=file) if packed else file
    left = None if search.full else SAMPLE_BYTES
    try:
        for text in _parts(stream, left):
            if "\0" in text or (packed and _swollen(stream, file)):
                search.unread["binary" if "\0" in text else "damaged"] += 1
                ended = False
                break
            counts.update(detectors.count(text, search.today))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        search.unread["damaged"] += 1
        ended = False
    search.bytes += file.tell() if ended else 0
    search.note(readable(path), "", counts)


def _swollen(stream: gzip.GzipFile, file: FileIO) -> bool:
    """Tell whether a packed file becomes more than any text would."""
    return stream.tell() > max(UNPACKED_LIMIT, _TIGHT * file.tell())


def _parts(stream: Any, left: int | None) -> Iterator[str]:
    """Read a text in parts that cut no identifier in two; undecodable bytes become U+FFFD."""
    block = stream.read(_BLOCK if left is None else min(_BLOCK, left))
    decoder = codecs.getincrementaldecoder(_encoding(block))("replace")
    rest = ""
    while block:
        text = rest + decoder.decode(block)
        cut = _cut(text)
        yield text[:cut]
        rest = text[cut:]
        if left is not None:
            left -= len(block)
        block = stream.read(_BLOCK if left is None else min(_BLOCK, left))
    yield rest + decoder.decode(b"", final=True)


def _encoding(start: bytes) -> str:
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _cut(text: str) -> int:
    """Find where a text can be parted: behind a character that is in no identifier, else behind a space."""
    least = max(0, len(text) - _TAIL)
    for characters in (_PARTING, " \u00a0"):
        if (place := max(text.rfind(one, least) for one in characters)) >= 0:
            return place + 1
    return len(text)
