"""Which columns of a table speak of its works, and how their values are read: URLs, headers, pages, bases.

Headers come as a list of pairs, a list of ``{key, value}``, a map, JSON of these, or the raw text of a header block.
Names keep their case here and repeated lines stay apart; what a name means is the readers' business.
"""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from datalib.errors import Misuse
from datalib.optout.urls import spans_of

#: Columns that are taken for URLs when none is named.
URL_COLUMNS = ("url", "URL", "image_url", "page_url", "source_url")

#: Columns that look like licences; they are read where they are named.
LICENCE_COLUMNS = frozenset({"licence", "license", "licences", "licenses", "license_url", "rights"})

#: Characters of a URL that decisions show. What is longer, as pictures put into URLs are, stands in the works.
MAX_URL = 2000

Headers = tuple[tuple[str, str], ...]

_STATUS_LINE = re.compile(r"HTTP/[0-9.]+ +[0-9]{3}")
_BEYOND_ASCII = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Names of columns as the user gave them; a table with none of ``urls`` is searched for ``URL_COLUMNS``.

    ``contents`` holds the bytes of a file for each row, ``ids`` its identifiers, which registries may name, ``licence``
    the licence of each row.
    """

    urls: tuple[str, ...] = ()
    headers: str | None = None
    html: str | None = None
    basis: str | None = None
    contents: str | None = None
    ids: str | None = None
    licence: str | None = None

    def of(self, names: Sequence[str]) -> "Columns | None":
        """Give the columns that one table has, or None when none of them speaks of its works."""
        found = Columns(
            urls=tuple(name for name in self.urls if name in names) or _detected(names),
            headers=self.headers if self.headers in names else None,
            html=self.html if self.html in names else None,
            basis=self.basis if self.basis in names else None,
            contents=self.contents if self.contents in names else None,
            ids=self.ids if self.ids in names else None,
            licence=self.licence if self.licence in names else None,
        )
        speaks = found.urls or found.headers or found.html or found.contents or found.licence
        return found if speaks else None

    def unread(self, names: Sequence[str], chosen: "Columns | None") -> list[str]:
        """Name what of a table with these columns looks as if it spoke of its works, and is not read.

        A licence; the empty name stands for all of a table without columns of works, which is judged as one file.
        """
        if chosen is None:
            return [""]
        return [] if chosen.licence else [name for name in names if name.strip().casefold() in LICENCE_COLUMNS]

    def require(self, names: Sequence[str], where: str) -> None:
        """Refuse a table that lacks a column which was named. Raises Misuse (E-USAGE)."""
        for name in (*self.urls, self.headers, self.html, self.basis, self.contents, self.ids, self.licence):
            if name is not None and name not in names:
                raise Misuse("E-USAGE", where, f"there is no column {name!r}; there are: {', '.join(names)[:500]}")

    @property
    def read(self) -> tuple[str, ...]:
        """All columns that have to be read, each once."""
        named = (*self.urls, self.headers, self.html, self.basis, self.contents, self.ids, self.licence)
        return tuple(dict.fromkeys(name for name in named if name is not None))


def _detected(names: Sequence[str]) -> tuple[str, ...]:
    """Find columns of URLs by their usual names; blanks around these are those of ``id, url`` at the top of a CSV."""
    return tuple(dict.fromkeys(name for usual in URL_COLUMNS for name in names if name.strip() == usual))


def text_column(column: Any) -> Any:
    """Give a column as Arrow strings; a value that is no text becomes null.

    Bytes count as text when they are UTF-8.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        if is_text(column):
            return column
        column = column.cast(pa.binary() if pa.types.is_string(kind) else pa.large_binary())
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        return text_column(column.dictionary_decode())
    try:
        return column.cast(pa.large_string())
    except pa.ArrowException:
        return pa.array([_as_text(value) for value in column.to_pylist()], pa.large_string())


def values_of(column: Any) -> list[Any]:
    """Give the values of a column. Text that is not UTF-8, as a file may claim of any bytes, comes as bytes.

    A value that holds such text within is given as an empty tuple, which no reader can read.
    """
    try:
        found: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        found = [_value_of(value) for value in column]
    return found


def _value_of(value: Any) -> Any:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return value.as_buffer().to_pybytes() if hasattr(value, "as_buffer") else ()


def first_url(urls: tuple[Any, ...], count: int) -> Any:
    """Give the column that names the works in the results: the first URL of each that is not null, cut if very long."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not urls:
        return pa.nulls(count, pa.string())
    first = urls[0] if len(urls) == 1 else pc.coalesce(*(column.cast(pa.large_string()) for column in urls))
    long = pc.fill_null(pc.greater(pc.binary_length(first), MAX_URL), fill_value=False)
    if pc.any(long).as_py():
        cut = [text[:MAX_URL] for text in first.filter(long).to_pylist()]
        first = pc.replace_with_mask(first, long, pa.array(cut, first.type))
    return first.cast(pa.string())


def is_text(column: Any) -> bool:
    """Say whether strings are UTF-8, as a file may claim of any bytes. ASCII is known at a glance."""
    import pyarrow as pa

    if (spans_of(column)[0] < _BEYOND_ASCII).all():
        return True
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def headers_of(value: Any) -> Headers | None:
    """Read the headers of one row; None when they cannot be read. Null and empty values are no headers."""
    if value is None:
        return ()
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("latin-1")  # RFC 9110 §5.5: octets; ISO-8859-1 keeps each of them
    if isinstance(value, str):
        return _headers_of_text(value)
    return _headers_of_pairs(value)


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return None


def _headers_of_text(text: str) -> Headers | None:
    stripped = text.strip()
    if not stripped:
        return ()
    if stripped[0] in "[{":
        try:
            return _headers_of_pairs(json.loads(stripped, object_pairs_hook=_members))
        except (ValueError, RecursionError):
            return None
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(stripped.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        name, colon, value = line.partition(":")
        if line.startswith((" ", "\t")) and pairs:  # a folded line goes on with the one before (RFC 9112 §5.2)
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
        elif colon and (name := name.strip()):
            pairs.append((name, value.strip()))
        elif line.strip() and not (number == 0 and _STATUS_LINE.match(line)):
            return None
    return tuple(pairs)


def _members(pairs: list[tuple[str, Any]]) -> Any:
    """Keep the members of an object as pairs, since names may repeat; save where an object is itself one header."""
    named = dict(pairs)
    return named if set(named) in ({"key", "value"}, {"name", "value"}) else [list(pair) for pair in pairs]


def _headers_of_pairs(value: Any) -> Headers | None:
    items: Iterable[Any] = value.items() if isinstance(value, dict) else value if isinstance(value, list) else [None]
    pairs: list[tuple[str, str]] = []
    for item in items:
        match item:
            case [name, values] | (name, values):
                pass
            case {"key": name, "value": values} | {"name": name, "value": values}:
                pass
            case _:
                return None
        for single in values if isinstance(values, list) else [values]:
            if isinstance(name, bytes):
                name = name.decode("latin-1")
            text = single.decode("latin-1") if isinstance(single, bytes) else single
            if text is None:
                continue
            if not isinstance(name, str) or not isinstance(text, str):
                return None
            pairs.append((name.strip(), text.strip()))
    return tuple(pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The bytes of a file in a row, and the name it had, if the row says so."""

    data: bytes
    name: str = ""


def content_of(value: Any) -> Content | None:
    """Read a value of a column of contents: bytes, Base64, or ``{bytes, path}`` as Arrow data sets of images have it.

    None when it is none of these.
    """
    name = ""
    if isinstance(value, dict):
        path = value.get("path")
        name, value = (path if isinstance(path, str) else ""), value.get("bytes")
    if isinstance(value, str):
        if value.lstrip()[:1] == "{":
            return _content_of_json(value)
        try:
            return Content(data=base64.b64decode(value, validate=True), name=name)
        except ValueError:
            return None
    return Content(data=value, name=name) if isinstance(value, bytes) else None


def _content_of_json(text: str) -> Content | None:
    """Read ``{bytes, path}`` as JSON Lines have it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    known = isinstance(value, dict) and isinstance(value.get("bytes"), str)
    return content_of(value) if known and not value["bytes"].lstrip().startswith("{") else None
