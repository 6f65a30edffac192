"""An earlier snapshot, so that a fetch asks only for what is old, and takes over what has not changed.

A young answer stands as it is. An old one is asked for again with its own validators (``If-None-Match``,
``If-Modified-Since``: RFC 9110 §13.1); when the site says "not modified" (304) its body stands and its time is new.
Failures are asked for again at any age.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from datalib.errors import Refused, Unchecked
from datalib.optout.answers import MAX_LINE, Answer, parse_line, stamp
from datalib.optout.patience import may_pass

_ETAG = re.compile(r'(?:W/)?"[!#-~]{0,1024}"', re.ASCII)
_DATE = re.compile(r"[A-Za-z]{3,9}, [ -~]{1,60}", re.ASCII)
#: RFC 9111 §3.2: the fields of a 304 replace the stored ones, save those that describe the body that was stored.
_OF_THE_BODY = frozenset({"content-length", "content-encoding", "content-range", "transfer-encoding", "connection"})


class Earlier:
    """The answers of a snapshot by their place in the file: in memory is one number for each."""

    def __init__(self, file: BinaryIO, path: Path, since: datetime | None) -> None:
        self._file = file
        self._path = path
        self._since = since
        self._place: dict[str, int] = {}

    def load(self) -> None:
        """Read the file and note where its answers stand; of two to one request the later line counts."""
        offset = number = 0
        while line := self._file.readline(MAX_LINE + 1):
            number += 1
            where = f"{self._path}:{number}"
            if len(line) > MAX_LINE:
                raise Refused("E-SITES-FORMAT", where, f"the line is longer than {MAX_LINE} bytes")
            if line.strip():
                answer = parse_line(line, where)
                self._place[answer.origin + answer.path] = offset
            offset += len(line)

    def find(self, origin: str, path: str) -> Answer | None:
        """Give the earlier answer to a request, if there is one."""
        place = self._place.get(origin + path)
        if place is None:
            return None
        self._file.seek(place)
        return parse_line(self._file.readline(MAX_LINE), str(self._path))

    def young(self, origin: str, path: str, now: datetime) -> Answer | None:
        """Give the earlier answer if it needs not be asked for again."""
        found = self.find(origin, path) if self._since is not None else None
        if found is None or self._since is None or found.fetched_at is None:
            return None
        if isinstance(found.status, str) or may_pass(found.status):
            return None
        # What lies ahead of the clock has no age that could be trusted.
        return found if self._since <= datetime.fromisoformat(found.fetched_at) <= now else None


def conditions(answer: Answer) -> dict[str, str]:
    """Give the header fields that ask for an answer only if it has changed; none without a validator."""
    if answer.status != 200:  # noqa: PLR2004 (only a complete answer can be taken over)
        return {}
    fields = {name.lower(): value for name, value in answer.headers}
    found = {}
    if _ETAG.fullmatch(etag := fields.get("etag", "")):
        found["If-None-Match"] = etag
    if _DATE.fullmatch(date := fields.get("last-modified", "")):
        found["If-Modified-Since"] = date
    return found


def renewed(answer: Answer, headers: tuple[tuple[str, str], ...], moment: datetime) -> Answer:
    """Give an earlier answer that the site has confirmed, with the fields of the confirmation."""
    new = {name.lower() for name, _ in headers} - _OF_THE_BODY
    kept = [pair for pair in answer.headers if pair[0].lower() not in new]
    added = [pair for pair in headers if pair[0].lower() in new]
    return replace(answer, headers=(*kept, *added), fetched_at=stamp(moment))


@contextmanager
def open_earlier(path: Path | None, *, max_age: timedelta | None, now: datetime) -> Iterator[Earlier | None]:
    """Open an earlier snapshot (JSON Lines). Raises Refused (E-SITES-FORMAT), Unchecked (E-IO)."""
    if path is None:
        yield None
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
    with file:
        earlier = Earlier(file, path, None if max_age is None else now - max_age)
        try:
            earlier.load()
        except OSError as error:
            raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
        yield earlier
