"""What a report tells of a library: everything is found out here, nothing is written."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from datalib.admission import Demand
from datalib.archive.reading import Kind
from datalib.assembly.survey import Upstream, survey
from datalib.chain.events import Attest
from datalib.errors import Misuse, Refused
from datalib.findings import OPTOUT
from datalib.formats import sha256_hex
from datalib.interop.known import DECLARED, Known, files, know
from datalib.library.store import Folder
from datalib.optout.result import NAME, ScanResult, parse_scan, read_bytes
from datalib.packed import Options, is_packed, unpacked
from datalib.personal.found import Looked
from datalib.rules import reading
from datalib.rules.checking import Result
from datalib.rules.deadlines import Deadline
from datalib.rules.reading import Request
from datalib.trust.belief import Trust
from datalib.trust.parties import Party
from datalib.verify import Report, verify

#: Largest ``scan.json`` that is read from the evidence, in bytes.
_SCAN_LIMIT: Final = 64 << 20
_ODD: Final = frozenset({"E-SCAN-FORMAT", "E-JSON-SIZE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whom to believe, what to ask, at which time. ``scan``: the folder of a scan that is to be told of too."""

    trust: Trust | None
    demand: Demand
    law: Request
    now: int
    scan: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan. ``by``: who attested it, ``None`` if it was only given; ``result``: pass, fail, info as attested.

    ``found`` is ``None`` if the attestation does not ship it, or ships what is no scan of ours: ``fault``. ``covered``:
    files of the library that were scanned as they are, of ``files``; ``foreign``: scanned files that are not of this
    library. All three are computed.
    """

    by: Party | None
    result: str
    until: int | None
    found: ScanResult | None
    fault: Refused | None = None
    covered: int = 0
    files: int = 0
    foreign: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What the law asks: the answers of the rules.

    ``deadlines`` of a private register and what a look for personal data found: ``None`` if there was none.
    """

    rules: Result
    deadlines: tuple[Deadline, ...] | None
    looked: Looked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a library says, once nothing speaks against believing it as far as ``known.assurance`` says."""

    known: Known
    below: tuple[Upstream, ...]
    fault: Refused | None
    scans: tuple[Scanned, ...]
    law: Law


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A library as it is told. ``report`` is ``None`` if nobody was trusted; ``told`` if integrity does not hold.

    ``packed``: the kind of the archive that holds it, if it is packed.
    """

    now: int
    demand: Demand
    vouched: bool
    report: Report | None
    told: Told | None
    packed: Kind | None = None

    @property
    def standing(self) -> str:
        """How the library stands, in one word: the key of the verdict."""
        report, told = self.report, self.told
        if report is None:
            return "draft" if told is not None and told.known.past is None else "unverified"
        if report.facts is None:
            return "broken"
        if report.gate is None or not report.gate.ok:
            return "barred"
        if not report.complete:
            return "partial"
        if not self.demand.require:
            return "unasked"
        return "vouched" if self.vouched else "accepted"


def tell(path: Path, asked: Question) -> Story:
    """Find out what is to be told of a library, packed or not, or of a draft.

    Without trust nothing is verified. Raises what `verify`, `know`, `reading.answer` and `read_bytes` raise; that the
    library is refused is part of the story. A packed library is unpacked only within numbers that somebody trusted has
    signed: ``Misuse("E-NO-TRUST")`` without, ``Misuse("E-USAGE")`` if its files are to be searched but not read.
    """
    if is_packed(path):
        return _tell_packed(path, asked)
    report = None if asked.trust is None else verify(path, **_options(asked, asked.trust))
    return _tell(path, report, asked)


def _tell_packed(path: Path, asked: Question) -> Story:
    if asked.trust is None:
        raise Misuse("E-NO-TRUST", str(path), "it is packed")
    if asked.law.look and asked.demand.data == "none":
        raise Misuse("E-USAGE", "--look", "the files of a packed library are there only if they are read: --data")
    with unpacked(path, **_options(asked, asked.trust)) as (packed, folder):
        return replace(_tell(folder or path, packed.report, asked), packed=packed.kind)


def _tell(path: Path, report: Report | None, asked: Question) -> Story:
    vouched = asked.trust is not None and asked.trust.vouched
    story = Story(now=asked.now, demand=asked.demand, vouched=vouched, report=report, told=None)
    if report is not None and not report.integrity.ok:
        return story
    known = know(path, report)
    below, fault = _below(known)
    scans = tuple(_scans(known, asked.scan))
    return replace(story, told=Told(known=known, below=below, fault=fault, scans=scans, law=_law(known, asked)))


def _options(asked: Question, trust: Trust) -> Options:
    return {
        "policy": trust.policy,
        "roots": trust.roots,
        "now": asked.now,
        "memory": trust.memory,
        "purpose": asked.demand.purpose,
        "require": asked.demand.require,
        "data": asked.demand.data,
    }


def _below(known: Known) -> tuple[tuple[Upstream, ...], Refused | None]:
    """Look upstream. Where that cannot be read, the rest is told all the same: nothing of it was verified."""
    try:
        return survey(known.path, known.manifest, known.library), None
    except Refused as error:
        if known.assurance != DECLARED:
            raise
        return (), error


def _law(known: Known, asked: Question) -> Law:
    request = asked.law
    case = reading.open_case(known.path, request, now=asked.now, purpose=asked.demand.purpose)
    if case.past is not None and known.assurance != DECLARED:
        # The chain was verified a moment ago; to do it again would only cost time.
        case = replace(case, past=replace(case.past, verified=True))
    if case.document != known.document:
        raise Refused("E-FILE-CHANGED", "datapackage.json", "not the version that was verified")
    return Law(rules=reading.answer(case, request), deadlines=request.deadlines, looked=case.found)


def _scans(known: Known, given: Path | None) -> list[Scanned]:
    """Give the last opt-out attestation of the current version, then the scan at hand if it is another."""
    found, attested = list[Scanned](), b""
    if (event := _attestation(known)) is not None:
        said = Scanned(by=event.by, result=event.claim.result, until=event.claim.until, found=None)
        try:
            attested = _shipped(known, event)
            scan = parse_scan(attested, NAME) if attested else None
        except Refused as error:
            # What others attest may be of any form; that somebody attested it is told all the same.
            if error.code not in _ODD:
                raise
            said, scan = replace(said, fault=error), None
        found.append(said if scan is None else _held(said, known, scan))
    if given is not None:
        data = read_bytes(given)
        if data != attested:
            own = Scanned(by=None, result="", until=None, found=None)
            found.append(_held(own, known, parse_scan(data, str(given / NAME))))
    return found


def _attestation(known: Known) -> Attest | None:
    for link in reversed(known.past.chain if known.past else ()):
        event = link.event
        if isinstance(event, Attest) and event.manifest == known.sha256 and event.claim.type == OPTOUT:
            return event
    return None


def _shipped(known: Known, event: Attest) -> bytes:
    """Read the scan that an attestation refers to, if the library ships it, as it was attested; else nothing."""
    evidence = next((item for item in event.claim.evidence or () if item.name == NAME), None)
    if evidence is None:
        return b""
    with Folder(known.path) as folder:
        for entry in folder.walk("evidence") if folder.exists("evidence") else ():
            if entry.path.startswith(f"evidence/{evidence.sha256}"):
                data = folder.read(entry.path, limit=_SCAN_LIMIT, missing="E-FILE-MISSING", too_large="E-JSON-SIZE")
                if sha256_hex(data) != evidence.sha256:
                    raise Refused("E-EVIDENCE-DIGEST", entry.path)
                return data
    return b""


def _held(said: Scanned, known: Known, found: ScanResult) -> Scanned:
    """Hold a scan against the listing, line by line, so that millions of files fit."""
    scanned = {file.sha256 for file in found.inputs}
    seen, covered, total = set[str](), 0, 0
    for line in files(known) if known.past else ():
        total += 1
        if line.sha256 in scanned:
            covered += 1
            seen.add(line.sha256)
    return replace(said, found=found, covered=covered, files=total, foreign=len(scanned - seen))
