"""Licence records: who granted what for which works, so that an offer of a licence is one that was taken.

A record is a line of JSON: ``{"for": "press.example", "holder": "Press Ltd", "terms": "contract 7"}``; ``since`` and
``until`` (RFC 3339) say where it begins and ends.
``for`` names works as registries do: a domain, a URL, a URL with all below it, an identifier; or ``work:ID`` for one
work of the scan. A record lifts ``conditional`` and nothing stronger. Source: datalib opt-out specification §2, rule 1.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from datalib.errors import Refused
from datalib.formats import parse_time
from datalib.optout.outputs import trouble
from datalib.optout.registry import Kind, key_of, url_key
from datalib.optout.urls import Place, place_of

MAX_BYTES: Final = 64 << 20
_MEMBERS: Final = frozenset({"for", "holder", "terms", "until", "since"})
_NEEDED: Final = ("for", "holder", "terms")
_WORK: Final = "work:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licences:
    """Records that hold at one moment, by what they name. ``sha256`` is of the file."""

    sha256: str
    works: frozenset[str]
    domains: frozenset[str]
    urls: frozenset[str]
    prefixes: tuple[str, ...]
    ids: frozenset[str]

    @property
    def digest(self) -> str:
        """Name what holds at this moment: records begin and end while their file stays the same."""
        parts = (self.works, self.domains, self.urls, self.prefixes, self.ids)
        return hashlib.sha256(json.dumps([sorted(part) for part in parts]).encode()).hexdigest()

    def covers(self, work: str, urls: tuple[str | None, ...], ids: tuple[str, ...]) -> bool:
        """Say whether a work is covered. Every URL of it has to be, since each may be another holder's."""
        if work in self.works or self.ids.intersection(ids):
            return True
        named = [url for url in urls if url]
        return bool(named) and all(map(self._covers_url, named))

    def _covers_url(self, url: str) -> bool:
        place = place_of(url)
        if not isinstance(place, Place):
            return False
        key = url_key(place)
        host = place.origin.partition("://")[2].rpartition("@")[2].partition(":")[0]
        labels = host.split(".")
        above = {".".join(labels[start:]) for start in range(len(labels))}
        return bool(above & self.domains) or key in self.urls or key.startswith(self.prefixes)


def read(path: Path, now: int) -> Licences:
    """Read the records that hold ``now`` (seconds since 1970).

    Raises Refused (E-LICENCES-FORMAT) with the line, Unchecked (E-IO).
    """
    with trouble(path), path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused("E-LICENCES-FORMAT", str(path), f"longer than {MAX_BYTES} bytes")
    found: dict[str, set[str]] = {name: set() for name in (_WORK, *Kind)}
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if line.strip():
            where = f"{path}:{number}"
            record = _record(line, where)
            if _holds(record, now, where):
                kind, key = _key(record["for"], where)
                found[kind].add(key)
    return Licences(
        sha256=hashlib.sha256(data).hexdigest(),
        works=frozenset(found[_WORK]),
        domains=frozenset(found[Kind.DOMAIN]),
        urls=frozenset(found[Kind.URL]),
        prefixes=tuple(sorted(found[Kind.PREFIX])),
        ids=frozenset(found[Kind.ID]),
    )


def _record(line: bytes, where: str) -> Mapping[str, str]:
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refused("E-LICENCES-FORMAT", where, f"not a line of JSON: {error}") from error
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        raise Refused("E-LICENCES-FORMAT", where, f"an object with the members {', '.join(sorted(_MEMBERS))}")
    if not all(isinstance(item, str) and item.strip() for item in value.values()):
        raise Refused("E-LICENCES-FORMAT", where, "every member is a text that is not empty")
    if missing := [name for name in _NEEDED if name not in value]:
        raise Refused("E-LICENCES-FORMAT", where, f"the member {missing[0]!r} is missing")
    return value


def _holds(record: Mapping[str, str], now: int, where: str) -> bool:
    since = parse_time(record["since"], where) if "since" in record else now
    until = parse_time(record["until"], where) if "until" in record else now + 1
    return since <= now < until


def _key(text: str, where: str) -> tuple[str, str]:
    if text.startswith(_WORK):
        return _WORK, text.removeprefix(_WORK)
    named = key_of(text.strip())
    if named is None:
        raise Refused("E-LICENCES-FORMAT", where, f"neither a domain, a URL, an identifier nor work:ID: {text[:80]!r}")
    return named[0].value, named[1]
