"""The answers of sites to the requests for their rules: one value, its line of JSON, its file in a folder.

An :class:`Answer` is what one origin (scheme, host, port) said when it was asked for one path. A site snapshot is many
of them: as JSON Lines, one answer a line,

    {"origin": "https://e.x", "path": "/robots.txt", "status": 200, "headers": [["Age", "0"]], "body": "…"}

or as a folder ``HOST/PATH`` of files. Source: datalib opt-out specification §3.
"""

import base64
import binascii
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote_from_bytes

import can_ada

from datalib.errors import Refused, Unchecked

ROBOTS = "/robots.txt"
TDMREP = "/.well-known/tdmrep.json"

#: What stands in place of a status when the site gave none. None of them means "no rules": judges fail closed on each.
FAILURES = {
    "dns": "the host name has no address, or could not be resolved",
    "tls": "no encrypted connection: certificate or handshake",
    "timeout": "no complete answer in time",
    "refused": "the connection was refused or broken before an answer began",
    "private": "the address is not a public one and was not asked",
    "protocol": "the answer is not HTTP, or its content coding cannot be undone",
    "truncated": "the answer ended before its announced end",
    "too-large": "the answer is longer than the limit; its beginning is not kept",
    "redirects": "too many redirects, a loop, or a redirect to nowhere",
}

#: RFC 9309 §2.5 asks for at least 500 KiB; nothing larger than this is held in memory.
MAX_BODY = 8 << 20
#: A body of control characters takes six characters a byte in JSON; headers come on top.
MAX_LINE = 8 * MAX_BODY

_MEMBERS = frozenset({"origin", "path", "status", "headers", "body", "body_b64", "fetched_at", "final_url"})
PATH_FORM = re.compile(r"/[!-~]{0,2047}", re.ASCII)
_HOST_PORT = re.compile(r"(.+)_([0-9]{1,5})", re.ASCII)
_NOT_HOST = frozenset("\\?#@ ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one origin said when asked for one path.

    ``origin`` is normalised (WHATWG, no default port, no trailing slash). ``status`` is an HTTP status or a key of
    ``FAILURES``. ``headers`` keep order, repetition and case. ``body`` has its content coding undone. ``fetched_at``
    is RFC 3339 in UTC to the second. ``final_url`` is set when redirects led elsewhere; the rules stay those of
    ``origin`` (RFC 9309 §2.3.1.2).
    """

    origin: str
    path: str = ROBOTS
    status: int | str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    fetched_at: str | None = None
    final_url: str | None = None


def origin_of(url: str) -> str | None:
    """Give ``scheme://host[:port]`` of an http or https URL by the WHATWG rules, or None when it has none."""
    try:
        parsed = can_ada.parse(url)
    except (ValueError, TypeError):  # TypeError: a lone surrogate is no text for the parser
        return None
    return parsed.origin if parsed.protocol in {"https:", "http:"} else None


def stamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC, to the second: ``2026-11-22T10:00:00Z``."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read_jsonl(lines: Iterable[bytes], where: str = "") -> Iterator[Answer]:
    """Read answers from lines of JSON, in their order. Empty lines are passed over.

    Unknown members are refused: a misspelt ``body`` would otherwise be a site without rules.
    Raises Refused (E-SITES-FORMAT) with ``where`` and the number of the line.
    """
    for number, line in enumerate(lines, 1):
        place = f"{where}:{number}" if where else f"line {number}"
        if len(line) > MAX_LINE:
            raise Refused("E-SITES-FORMAT", place, f"the line is longer than {MAX_LINE} bytes")
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            yield parse_line(text, place)


def read_jsonl_file(path: Path) -> Iterator[Answer]:
    """Read the answers of a JSON Lines file, holding one line in memory at a time.

    Raises Refused (E-SITES-FORMAT), Unchecked (E-IO).
    """
    try:
        with path.open("rb") as file:
            yield from read_jsonl(iter(lambda: file.readline(MAX_LINE + 1), b""), str(path))
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error


def to_json_line(answer: Answer) -> str:
    """Write one answer as a line of JSON without its end; the same answer always gives the same line.

    The body stands as text when it is UTF-8, else as ``body_b64``; what is empty is left out, save a successful body.
    """
    members: dict[str, Any] = {"origin": answer.origin, "path": answer.path, "status": answer.status}
    if answer.headers:
        members["headers"] = [list(pair) for pair in answer.headers]
    if answer.body or _succeeded(answer.status):
        try:
            members["body"] = answer.body.decode()
        except UnicodeDecodeError:
            members["body_b64"] = base64.b64encode(answer.body).decode()
    if answer.fetched_at is not None:
        members["fetched_at"] = answer.fetched_at
    if answer.final_url is not None:
        members["final_url"] = answer.final_url
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def read_folder(root: Path) -> Iterator[Answer]:
    """Read a folder ``HOST/PATH`` (``example.org/.well-known/tdmrep.json``) as answers with status 200, in order.

    The scheme is https; a port is written ``HOST_8080``. A file that is not there was not asked for. A file above
    ``MAX_BODY`` counts as ``too-large``. Links, special files and files outside a host's folder are refused, and so
    is a folder without any answer, which is hardly the one that was meant.
    Raises Refused (E-SITES-FORMAT), Unchecked (E-IO).
    """
    none = True
    try:
        for name in sorted(os.listdir(root)):  # noqa: PTH208 (a million hosts: names, not Path objects)
            host = root / name
            mode = host.lstat().st_mode
            if not stat.S_ISDIR(mode):
                raise Refused("E-SITES-FORMAT", str(host), "only folders named after hosts stand here")
            origin = _folder_origin(name, host)
            for file, relative in _files(host):
                none = False
                yield _read_file(file, origin, relative)
    except OSError as error:
        raise Unchecked("E-IO", str(error.filename or root), error.strerror or str(error)) from error
    if none:
        raise Refused("E-SITES-FORMAT", str(root), "no answers in it")


def parse_line(line: bytes, place: str) -> Answer:
    """Read one line. Raises Refused (E-SITES-FORMAT) naming ``place``."""
    try:
        value = _DECODER.decode(line.decode())
    except (ValueError, RecursionError) as error:
        raise Refused("E-SITES-FORMAT", place, f"not a line of JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused("E-SITES-FORMAT", place, "an answer is a JSON object")
    if not value.keys() <= _MEMBERS:
        unknown = min(value.keys() - _MEMBERS)
        raise Refused("E-SITES-FORMAT", place, f"unknown member {unknown[:40]!r}")
    try:
        status = _status(value.get("status"))
        return Answer(
            origin=_origin(value.get("origin")),
            path=_path(value.get("path", ROBOTS)),
            status=status,
            headers=_headers(value.get("headers") or []),
            body=_body(value, needed=_succeeded(status)),
            fetched_at=_moment(value.get("fetched_at")),
            final_url=_url(value.get("final_url")),
        )
    except ValueError as error:
        raise Refused("E-SITES-FORMAT", place, str(error)) from error


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


#: Built once: a million lines are read with it.
_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)


def _origin(value: object) -> str:
    origin = origin_of(value) if isinstance(value, str) else None
    if not isinstance(value, str) or origin is None:
        raise ValueError("'origin' must be an http or https origin such as https://example.org")
    parsed = can_ada.parse(value)
    if parsed.pathname != "/" or parsed.search or parsed.hash or parsed.has_credentials():
        raise ValueError("'origin' must be scheme, host and port only; the path has its own member")
    return origin


def _path(value: object) -> str:
    if not isinstance(value, str) or not PATH_FORM.fullmatch(value):
        raise ValueError("'path' must begin with '/' and hold visible ASCII characters only, at most 2048")
    return value


def _status(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:  # noqa: PLR2004 (HTTP's range)
        return value
    if isinstance(value, str) and value in FAILURES:
        return value
    raise ValueError(f"'status' must be an HTTP status or one of {', '.join(FAILURES)}")


def _succeeded(status: int | str) -> bool:
    return isinstance(status, int) and 200 <= status < 300  # noqa: PLR2004 (HTTP's range of success)


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for item in value if isinstance(value, list) else [value]:
        match item:
            case [str() as name, str() as text]:
                pairs.append((_text(name, "headers"), _text(text, "headers")))
            case _:
                raise ValueError("'headers' must be a list of [name, value] pairs")
    return tuple(pairs)


def _body(value: dict[str, Any], *, needed: bool) -> bytes:
    given = {name: value[name] for name in ("body", "body_b64") if value.get(name) is not None}
    match given:
        case {"body": _, "body_b64": _}:
            raise ValueError("'body' and 'body_b64' exclude each other")
        case {"body": str(text)}:
            body = _text(text, "body").encode()
        case {"body_b64": str(text)}:
            body = _decode(text)
        case {"body": _} | {"body_b64": _}:
            raise ValueError("'body' and 'body_b64' are strings")
        case _ if needed:
            raise ValueError("a successful answer has a 'body' or 'body_b64', be it empty")
        case _:
            return b""
    if len(body) > MAX_BODY:
        raise ValueError(f'the body is longer than {MAX_BODY} bytes; status "too-large" says so')
    return body


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("'body_b64' is not base64") from error


def _moment(value: object) -> str | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        text = stamp(moment) if moment.tzinfo else ""
    except (ValueError, OverflowError):  # a day before year 1 or after year 9999, once in UTC
        text = ""
    if not text:
        raise ValueError("'fetched_at' must be a time with a zone, such as 2026-11-22T10:00:00Z")
    return text


def _url(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or origin_of(value) is None:
        raise ValueError("'final_url' must be an http or https URL")
    href: str = can_ada.parse(value).href
    return href


def _text(text: str, member: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"'{member}' holds half a character (a lone surrogate)") from error
    return text


def _folder_origin(name: str, where: Path) -> str:
    found = _HOST_PORT.fullmatch(name)
    authority = f"{found[1]}:{found[2]}" if found else name
    clean = authority.isprintable() and not _NOT_HOST & set(authority)
    origin = origin_of(f"https://{authority}") if clean else None
    if origin is None:
        raise Refused("E-SITES-FORMAT", str(where), "the folder is not named after a host")
    return origin


def _files(host: Path) -> Iterator[tuple[Path, str]]:
    """Walk one host's folder without following links; paths relative to it, percent-encoded, in sorted order."""
    found: list[tuple[str, Path]] = []
    stack = [host]
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    stack.append(path)
                elif entry.is_file(follow_symlinks=False):
                    found.append(
                        ("/" + quote_from_bytes(os.fsencode(path.relative_to(host)), safe="/!$&'()*+,;=:@"), path)
                    )
                else:
                    raise Refused("E-SITES-FORMAT", entry.path, "links and special files have no place in a snapshot")
    for relative, path in sorted(found):
        yield path, relative


def _read_file(file: Path, origin: str, path: str) -> Answer:
    if not PATH_FORM.fullmatch(path):
        raise Refused("E-SITES-FORMAT", str(file), "the path is longer than 2048 characters")
    with file.open("rb") as source:
        body = source.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        return Answer(origin=origin, path=path, status="too-large")
    return Answer(origin=origin, path=path, status=200, body=body)
