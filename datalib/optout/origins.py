"""Which sites a set of works comes from: the distinct origins of what a scan would judge, or of a plain list.

Works are read as the scan reads them, once, front to back; what stays in memory is one string per distinct origin. A
work without a usable URL has no site to ask: the scan holds it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from datalib.errors import Refused, Unchecked
from datalib.optout.answers import origin_of

if TYPE_CHECKING:
    from typing import Any

    from datalib.optout.works import File, Shard

#: What decides about the origin of an ordinary URL: everything up to the path. Others are parsed whole.
_AUTHORITY = r"^(?i:https?)://[^/\\?#\t\r\n]+"
_HOST = re.compile(r"[^\s/\\?#@:]+\.[^\s/\\?#@:]+(?::[0-9]{1,5})?")
_MAX_LINE = 1 << 20


class Why(StrEnum):
    """Why the sites of a file were not found."""

    DAMAGED = "damaged"
    NO_URLS = "no-url-column"
    NO_FILE = "not-a-file"


class Skipped(NamedTuple):
    """A file that may name works, whose URLs were not read, or not all."""

    path: str
    why: Why


def origins_of(
    works: Sequence[Path], url_columns: Sequence[str] = (), skipped: Callable[[Skipped], object] = lambda _: None
) -> Iterator[str]:
    """Give each origin of the URLs of ``works`` once, in the order of their first appearance.

    Tables, archives and folders are those of a scan, with its choice of columns. Any other file is a list: a URL, an
    origin or a bare host (https) in each line, ``#`` beginning a comment. ``skipped`` is told what was not read of
    folders and tables.
    Raises Refused (E-TABLE-READ), Misuse (E-USAGE: no such column), Unchecked (E-IO).
    """
    from datalib.optout.rows import form_of
    from datalib.webarchive.files import is_archive

    found: set[str] = set()
    for path in works:
        table = path.is_dir() or form_of(path.name) is not None or is_archive(path.name)
        for url in _of_works(path, url_columns, skipped) if table else _of_list(path):
            origin = origin_of(url)
            if origin is not None and origin not in found:
                found.add(origin)
                yield origin


def _of_works(path: Path, url_columns: Sequence[str], skipped: Callable[[Skipped], object]) -> Iterator[str]:
    from datalib.optout.archived import urls_of
    from datalib.optout.columns import Columns
    from datalib.optout.works import Part, plan

    planned = plan([path], Columns(urls=tuple(url_columns)))
    found = {Skipped(each.path, Why.NO_URLS) for each in planned.unread if not each.column}
    for shard in planned.shards:
        yield from (source.url for source in shard.sources if source.url)
        if shard.file and shard.part is Part.RECORDS:
            yield from urls_of(shard.file.local, shard.entry)
        elif shard.file:
            yield from _of_table(shard, shard.file, found.add)
        else:
            found.update(_unread(path, shard.files))
    for each in sorted(found):
        skipped(each)


def _of_table(shard: "Shard", file: "File", skipped: Callable[[Skipped], object]) -> Iterator[str]:
    from datalib.optout import rows

    names = shard.columns.urls
    for chunk in rows.read(file.path, shard.form, columns=names, groups=shard.groups) if shard.form else ():
        if chunk.batch is None:
            skipped(Skipped(file.name, Why.DAMAGED))
            continue
        for name in names:
            yield from _distinct(chunk.batch.column(name))


def _unread(path: Path, files: "Sequence[File]") -> Iterator[Skipped]:
    """Give what of a folder cannot be read, which the scan holds; refuse it where it is all there is."""
    for file in files:
        if file.regular and not file.damaged:
            continue
        if not path.is_dir():
            raise Refused("E-TABLE-READ", str(path), file.damaged or "a link or a special file, which is not followed")
        yield Skipped(file.name, Why.DAMAGED if file.damaged else Why.NO_FILE)


def _distinct(column: "Any") -> Iterator[str]:
    """Give the distinct beginnings of a column of URLs; an odd one stays whole."""
    import pyarrow as pa
    from pyarrow import compute

    from datalib.optout.columns import text_column

    octets = text_column(column).cast(pa.large_binary())
    cut = compute.replace_substring_regex(octets, f"({_AUTHORITY})[^\\t\\r\\n]*$", r"\1")
    return (url.decode() for url in compute.unique(cut).to_pylist() if url is not None)


def _of_list(path: Path) -> Iterator[str]:
    any_origin = False
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            while line := file.readline(_MAX_LINE):
                text = line.partition(" #")[0].strip() if not line.startswith("#") else ""
                url = f"https://{text}" if _HOST.fullmatch(text) else text
                any_origin = any_origin or origin_of(url) is not None
                yield url
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
    if not any_origin:
        raise Refused("E-TABLE-READ", str(path), "neither a table that is known here nor a list of URLs or hosts")
