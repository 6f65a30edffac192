"""Rules of sites that stand in web archives: stored answers for robots.txt, tdmrep.json, ai.txt and their like.

Of several answers for one file the newest counts, save that a failure does not undo what was read; answers without a
date, or of the same second, all count. A redirect is followed through the records at hand; the rules stay those of the
origin that was asked first (RFC 9309 §2.3.1.2). A redirect to what no record holds is an answer that nobody can tell.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from datalib.optout.answers import MAX_BODY, PATH_FORM, ROBOTS, TDMREP, Answer, read_jsonl_file, stamp
from datalib.optout.site_files import CARRIER_OF
from datalib.optout.urls import Place, place_of
from datalib.webarchive.http import BodyError, Response, body_of, read_response
from datalib.webarchive.records import Record

_FILES: Final = frozenset({ROBOTS, TDMREP, *CARRIER_OF})
_SUCCESS: Final = range(200, 300)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SERVER_ERROR: Final = 500
_NOT_MODIFIED: Final = 304
_STATUSES: Final = range(100, 600)
#: RFC 9309 §2.3.1.2 asks for at least five.
_MAX_HOPS: Final = 5
_STAMP_DIGITS: Final = 14

Read = Callable[[], Iterable[Answer]]


def is_site_file(url: str) -> bool:
    """Say whether a URL is that of a file in which a site states its rules, whatever its query."""
    return bool(_site_file(url))


def answer_of(record: Record) -> Answer | None:
    """Give the answer that a record holds, if it is one for such a file. A redirect has its target as ``final_url``.

    What is damaged, or a part only, is no answer: the site counts as not asked.
    """
    if record.kind not in {"response", "resource"}:
        return None
    place = _site_file(record.url)
    return answer_at(record, place) if place and "?" not in place.target else None


def answer_at(record: Record, place: Place) -> Answer | None:
    """Give the answer that a record holds for a URL, as ``answer_of`` does."""
    if record.trouble or is_partial(record) or not PATH_FORM.fullmatch(place.target):
        return None
    answer = Answer(origin=place.origin, path=place.target, status=200, fetched_at=moment_of(record.date))
    if record.kind == "resource":
        return _with_body(answer, record.block)
    response = read_response(record.block)
    return _of_response(answer, response) if response and response.status in _STATUSES else None


def is_partial(record: Record) -> bool:
    """Say whether a record holds a part of what the site sent."""
    return b"warc-truncated" in record.fields or b"warc-segment-number" in record.fields


def _of_response(answer: Answer, response: Response) -> Answer | None:
    if response.status == _NOT_MODIFIED:
        return None
    if response.status in _REDIRECTS:
        target = urljoin(answer.origin + answer.path, response.named.get("location", ""))
        known = isinstance(place_of(target), Place)
        return replace(answer, status=response.status if known else "redirects", final_url=target if known else None)
    if response.status not in _SUCCESS:
        return replace(answer, status=response.status)
    try:
        return _with_body(replace(answer, status=response.status), body_of(response))
    except BodyError as error:
        return replace(answer, status="too-large") if error.large else None


def _with_body(answer: Answer, body: bytes) -> Answer:
    return replace(answer, status="too-large") if len(body) > MAX_BODY else replace(answer, body=body)


@lru_cache(maxsize=4)  # each record is asked twice
def _site_file(url: str) -> Place | None:
    place = place_of(url)
    return place if isinstance(place, Place) and place.target.partition("?")[0] in _FILES else None


def moment_of(date: str) -> str | None:
    """Read the date of a record: RFC 3339 of WARC, 14 digits of ARC; None where it is neither."""
    text = date.strip()
    if text.isdecimal() and text.isascii():
        text = f"{text[:8]}T{text[8:_STAMP_DIGITS]}Z"
    try:
        moment = datetime.fromisoformat(text)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def read_collected(files: Iterable[Path]) -> Iterator[Answer]:
    """Read the answers that the reading of archives left."""
    return settled(lambda: (answer for path in files for answer in read_jsonl_file(path)))


def settled(read: Read) -> Iterator[Answer]:
    """Choose among answers and follow redirects. ``read`` gives the answers, and is called twice."""
    moved: list[Answer] = []
    newest: dict[tuple[str, str], tuple[bool, str]] = {}
    leads: dict[str, str] = {}
    seen: set[str] = set()
    for answer in read():
        key = (answer.origin, answer.path)
        if answer.fetched_at:
            newest[key] = max(newest.get(key, (False, "")), (_was_read(answer), answer.fetched_at))
        seen.add(answer.origin + answer.path)
        if _redirects(answer):
            moved.append(answer)
    kept = [answer for answer in moved if _counts(answer, newest)]
    for answer in kept:
        leads[answer.origin + answer.path] = _spelled(answer.final_url or "")
    wanted: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in kept:
        end = _end(answer, leads)
        if end in seen and end not in leads:
            wanted[end].append(answer)
        else:
            yield replace(answer, status="redirects", final_url=None)
    for answer in read():
        if not _redirects(answer) and _counts(answer, newest):
            yield answer
            for first in wanted.get(answer.origin + answer.path, ()):
                yield replace(
                    answer, origin=first.origin, path=first.path, fetched_at=first.fetched_at,
                    final_url=answer.origin + answer.path,
                )  # fmt: skip


def _end(answer: Answer, leads: dict[str, str]) -> str:
    """Follow a redirect through other redirects; what is still one at the end is followed no further."""
    url = _spelled(answer.final_url or "")
    for _ in range(_MAX_HOPS - 1):
        url = leads.get(url, url)
    return url


def _redirects(answer: Answer) -> bool:
    return answer.status in _REDIRECTS


def _was_read(answer: Answer) -> bool:
    return isinstance(answer.status, int) and answer.status < _SERVER_ERROR


def _counts(answer: Answer, newest: dict[tuple[str, str], tuple[bool, str]]) -> bool:
    if not answer.fetched_at:
        return True
    return newest[answer.origin, answer.path] == (_was_read(answer), answer.fetched_at)


def _spelled(url: str) -> str:
    place = place_of(url)
    return place.origin + place.target if isinstance(place, Place) else ""
