"""Tables of works in CSV and its kin: rows of text, cut by a comma, a semicolon, a tab or a bar."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from datalib.optout.chunks import DELIMITERS, Chunk, DamagedError, Form, faults, unpacked

if TYPE_CHECKING:
    from datalib.optout.stored import Source

#: A row that spans three blocks ends the reading, so each of at most this size can be read (docs/training.md says it).
_BLOCK_BYTES = 16 << 20
_HEAD_BYTES = 1 << 20
_NARROWED_BYTES = 1 << 20
_QUOTE = b'"'


def columns_of(path: "Source", form: Form) -> tuple[str, ...]:
    """Read the names of the columns, which may repeat: bytes that are no text become escapes, no name a number.

    Raises DamagedError, csv.Error, OSError.
    """
    return _header(path, form)[1]


def _header(path: "Source", form: Form) -> tuple[int, tuple[str, ...]]:
    """Read how many blank lines stand before the names of the columns, and these."""
    with narrowed(path) as file:
        raw = file.read(_HEAD_BYTES)
    text = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", "backslashreplace")
    if "\0" in text:
        raise DamagedError("not a table in UTF-8, nor in UTF-16 with its mark")
    blank = 0
    for names in csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[form], strict=True):
        if names:
            return blank, _numbered(names, (place for place, name in enumerate(names) if not name))
        blank += 1
    return blank, ()


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Give each column a name of its own: few readers of Parquet can tell two of one name apart."""
    first = {name: place for place, name in reversed(list(enumerate(names)))}
    return _numbered(names, (place for place, name in enumerate(names) if first[name] != place))


def _numbered(names: Sequence[str], places: Iterable[int]) -> tuple[str, ...]:
    """Add its number to the name of the column at each of these places, in a way that no other has that name."""
    found, taken = list(names), set(names)
    for place in places:
        name = f"{found[place] or 'column'}_{place + 1}"
        while name in taken:
            name += "_"
        taken.add(name)
        found[place] = name
    return tuple(found)


def read_rows(path: "Source", form: Form, columns: Sequence[str] | None) -> Iterator[Chunk]:
    """Read text columns; ``columns`` None reads all.

    A row with too few or too many fields is a damaged one, and so is the last if a quote is never closed: it has
    swallowed whatever rows were behind it. So is the last before the place from which on a file cannot be read.
    Raises DamagedError, Unchecked (E-IO).
    """
    seen = _Seen()
    last: Chunk | None = None
    try:
        for chunk in _chunks(path, form, columns, seen):
            if last is not None:
                yield last
            last = chunk
        with faults(path):
            seen.check()
    except DamagedError:
        if last is not None:
            yield last if seen.fault is None else _without_last(last)  # a row that may be cut
        if last is None or seen.fault is None:
            raise
    else:
        if last is not None:
            yield _without_last(last) if seen.odd and _ends_quoted(path, form) else last


#: Encodings that are read as UTF-8, by the mark that a text in them begins with.
WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def wide_mark(path: "Source") -> bytes:
    """Give the mark of UTF-16 that a text begins with, b"" where none. Raises OSError and what unpacking raises."""
    with unpacked(path) as file:
        mark: bytes = file.read(2)
        return mark if mark in WIDE else b""


def narrowed(path: "Source") -> Any:
    """Open a text that may be packed, and in UTF-16 with its mark: then it comes as UTF-8."""
    file = unpacked(path)
    encoding = WIDE.get(file.read(2))
    if encoding:
        return io.BufferedReader(_Narrowed(file, encoding), _NARROWED_BYTES)
    file.seek(0)
    return file


class _Narrowed(io.RawIOBase):
    """UTF-16 read as UTF-8. What is no text in it raises UnicodeDecodeError, so that its rows are damaged."""

    def __init__(self, file: Any, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._left:
            data = self._file.read(_NARROWED_BYTES)
            self._left = self._decoder.decode(data, final=not data).encode()
            if not data:
                break
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class _Seen:
    """What reading saw: whether the number of quotes is odd, as only then one can be open, and what broke it off.

    Arrow reads ahead, and forgets rows that it has when a read fails: how many depends on what was faster. So a file
    ends for it where it breaks off.
    """

    def __init__(self) -> None:
        self.odd = False
        self.fault: Exception | None = None

    def of(self, file: Any) -> Any:
        """Give a file that is watched while it is read."""
        seen = self

        class Watched(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def read(self, size: int = -1, /) -> bytes:
                try:
                    data: bytes = b"" if seen.fault else file.read(size)
                except Exception as error:  # noqa: BLE001 (it is raised when the rows before it are read)
                    seen.fault, data = error, b""
                seen.odd ^= bool(data.count(_QUOTE) & 1)
                return data

        return Watched()

    def check(self) -> None:
        """Raise what broke the reading off."""
        if self.fault:
            raise self.fault


def _ends_quoted(path: "Source", form: Form) -> bool:
    quoted = False
    with faults(path), narrowed(path) as file:
        for line in file:
            quoted = quote_open(line, form, inside=quoted)
    return quoted


def quote_open(text: bytes, form: Form, *, inside: bool = False) -> bool:
    """Say whether a text that begins at a field, or ``inside`` a quoted one, ends inside a quoted one.

    A quote opens a field at its beginning only.
    """
    if _QUOTE not in text:
        return inside
    quote, delimiter = ord(_QUOTE), ord(DELIMITERS[form])
    start, place = True, 0
    while place < len(text):
        octet = text[place]
        if inside:
            if octet == quote:
                if text[place + 1 : place + 2] == _QUOTE:
                    place += 1
                else:
                    inside = start = False
        elif octet == quote and start:
            inside = True
        else:
            start = octet == delimiter
        place += 1
    return inside


def _without_last(chunk: Chunk) -> Chunk:
    """Mark the last row as damaged."""
    damaged = np.zeros(chunk.count, dtype=np.bool_) if chunk.damaged is None else chunk.damaged.copy()
    damaged[-1] = True
    return replace(chunk, damaged=damaged)


def _chunks(path: "Source", form: Form, columns: Sequence[str] | None, seen: _Seen) -> Iterator[Chunk]:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    bad: list[int] = []

    def note(row: Any) -> str:
        bad.append(row.number)
        return "skip"

    with faults(path):
        blank, names = _header(path, form)
        names = _distinct(names)
        options = arrow_csv.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False,
            include_columns=list(columns) if columns is not None else None,
        )  # fmt: skip
        with (
            narrowed(path) as file,
            arrow_csv.open_csv(
                seen.of(file),
                read_options=arrow_csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK_BYTES,
                    column_names=names,
                    skip_rows=blank,
                    skip_rows_after_names=1,
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=DELIMITERS[form], newlines_in_values=True, invalid_row_handler=note
                ),
                convert_options=options,
            ) as reader,
        ):
            yield from _with_bad_rows(reader, bad)


def _with_bad_rows(reader: Any, bad: list[int]) -> Iterator[Chunk]:
    """Give the rows of a CSV file their numbers; ``bad`` grows as the parser reads, and counts the header as row 1."""
    import pyarrow as pa

    first, used = 0, 0
    for batch in reader:
        if used == len(bad):
            yield Chunk(first=first, count=len(batch), batch=batch)
            first += len(batch)
            continue
        place, order, marks = first, list[int](), list[bool]()
        for row in range(len(batch)):
            while used < len(bad) and bad[used] - 2 == place:
                order.append(-1)
                marks.append(True)
                used += 1
                place += 1
            order.append(row)
            marks.append(False)
            place += 1
        damaged = np.array(marks, dtype=np.bool_)
        if damaged.any():
            batch = batch.take(pa.array(order, mask=damaged))  # noqa: PLW2901 (the gaps put back)
        if len(batch):
            yield Chunk(first=first, count=len(batch), batch=batch, damaged=damaged if damaged.any() else None)
        first = place
    if used < len(bad):
        yield Chunk(first=first, count=len(bad) - used, batch=None)
