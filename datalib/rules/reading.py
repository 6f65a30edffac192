"""Make a case of a folder: its manifest, draft or signed, its chain, the day in Kazakhstan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import datalib_vocab
from datalib import unverified
from datalib.canonical import parse as parse_json
from datalib.chain import links
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import manifest
from datalib.library.manifest import MAX_MANIFEST
from datalib.library.store import Folder
from datalib.personal.found import Looked
from datalib.rules import deadlines, records
from datalib.rules.calendar import Calendar
from datalib.rules.case import Case, Past, mapping
from datalib.rules.checking import Result, Waiver, check, sets_of
from datalib.rules.deadlines import Deadline
from datalib.rules.profile import Profile
from datalib.trust.belief import Trust
from datalib.unverified import Record

#: The whole country has one time since 1 March 2024.
_KAZAKHSTAN = timedelta(hours=5)
#: So many versions are looked back for one with other content.
_LOOK_BACK = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a library, and what is at hand besides the library.

    ``sets`` of rules, by the producer's country if there are none. ``deadlines``: of a private register, ``None`` if
    none was given. ``look``, ``sample`` or ``full``, searches the files for personal data (`datalib.personal.look`).
    """

    sets: tuple[str, ...] = ()
    deadlines: tuple[Deadline, ...] | None = None
    look: str | None = None
    profiles: tuple[Profile, ...] = ()
    waivers: tuple[Waiver, ...] = ()


def today(now: int) -> date:
    """Give the day in Kazakhstan of a time in seconds since 1970, up to the last day of the year 9999."""
    moment = datetime.fromtimestamp(now, UTC)
    return date.max if moment.date() == date.max else (moment + _KAZAKHSTAN).date()


def calendar(path: Path | None) -> Calendar:
    """Read a calendar, that of Kazakhstan if none is named."""
    if path is None:
        return Calendar.parse(datalib_vocab.read("calendar-kz.json"), "calendar-kz.json")
    return Calendar.parse(records.load(path), str(path))


def register(path: Path, days: Calendar, now: int) -> tuple[Deadline, ...]:
    """Read a private register; errors as in `deadlines.read`."""
    return deadlines.read(records.load(path), str(path), calendar=days, today=today(now))


def open_case(
    library: Path, request: Request, *, now: int, purpose: str | None = None, trust: Trust | None = None
) -> Case:
    """Read a library or a draft; ``purpose`` is the one asked for.

    With ``trust`` its chain is verified, down to the listing, not to the bytes of the files. A manifest that is not
    valid is no error here; one that is not strict JSON is: ``E-JSON-*``. Raises ``Refused`` for a chain that cannot be
    read, ``Unchecked("E-IO")``.
    """
    with Folder(library) as folder:
        data = unverified.current(folder)
        document = parse_json(data, limit=MAX_MANIFEST, where=manifest.NAME)
        fault = None
        try:
            manifest.parse_draft(data)
        except Refused as error:
            fault = error
        record = unverified.record(folder) if folder.exists(links.NAME) else None
        before = _before(folder, record, document) if record else None
    refusal = _refusal(library, trust, now) if trust and record else ""
    found = _found(library, document, full=request.look == "full", now=now) if request.look else None
    return Case(
        document=document,
        today=today(now),
        now=now,
        fault=fault,
        past=_past(record, sha256_hex(data), before, trust, refusal) if record else None,
        deadlines=request.deadlines,
        found=found,
        acts=frozenset(profile.act for profile in request.profiles),
        purpose=purpose,
    )


def answer(case: Case, request: Request) -> Result:
    """Ask the rules of a case that was opened with this request; ``Misuse`` as in `checking.check`."""
    sets = request.sets or sets_of(case)
    return check(case, sets=sets, waivers=request.waivers, profiles=request.profiles)


def _found(library: Path, document: Mapping[str, Any], *, full: bool, now: int) -> Looked:
    from datalib.personal.look import look

    return look(library, document, full=full, today=today(now))


def _past(record: Record, digest: str, before: Mapping[str, Any] | None, trust: Trust | None, no: str) -> Past:
    return Past(
        verified=trust is not None and not no,
        refusal=no,
        producer=record.state.producer,
        owner=record.state.owner,
        current=digest,
        events=tuple(link.event for link in record.chain),
        before=before,
    )


def _refusal(library: Path, trust: Trust, now: int) -> str:
    from datalib.verify import verify

    report = verify(
        library,
        policy=trust.policy,
        roots=trust.roots,
        now=now,
        require=(),
        data="none",
    )
    no = report.integrity
    return "" if no.ok else ": ".join(part for part in (no.code, no.where, no.detail) if part)


def _before(folder: Folder, record: Record, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the last kept version whose content is not that of the current manifest."""
    content = mapping(document.get("datalib")).get("content")
    digests = list(dict.fromkeys(link.event.manifest for link in reversed(record.chain)))
    for digest in digests[:_LOOK_BACK]:
        name = f"manifests/{digest}.json"
        if not folder.exists(name):
            continue
        kept = folder.read(name, limit=MAX_MANIFEST, missing="E-MANIFEST-MISSING", too_large="E-JSON-SIZE")
        version = parse_json(kept, limit=MAX_MANIFEST, where=name)
        if mapping(version.get("datalib")).get("content") != content:
            return version
    return None
