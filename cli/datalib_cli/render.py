"""Results as text and as JSON. Pure: values in, lines and dictionaries out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import datalib_vocab
from datalib.formats import format_time
from datalib.library.sampling import SURE
from datalib_cli.layout import Block, Line, Row, Table
from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from pathlib import Path

    from datalib.acts import Act
    from datalib.library.sampling import Sample
    from datalib.library.upgrade import Note
    from datalib.optout.origins import Skipped
    from datalib.optout.result import ScanResult, Unread
    from datalib.verify import Facts, Report, Verdict


def note_lines(notes: "Iterable[Note]", say: Texts) -> list[str]:
    """Write warnings, one a line: code, place, meaning, detail."""
    rows = []
    for note in notes:
        meaning = datalib_vocab.text(note.code, say.lang)
        said = meaning + (f" ({note.detail})" if note.detail else "")
        rows.append(": ".join(part for part in (note.code, note.where, said) if part))
    return rows


def lost_lines(notes: "Sequence[Note]", say: Texts) -> list[str]:
    """Write what a foreign format has no place for: where, and what."""
    head = [say("not carried over (W-FOREIGN-LOST):")] if notes else []
    return head + [f"  - {note.where}: {note.detail}" for note in notes]


def note_data(notes: "Iterable[Note]") -> list[dict[str, str]]:
    """Give warnings as JSON values."""
    return [{"code": note.code, "where": note.where, "detail": note.detail} for note in notes]


def act_data(act: "Act") -> dict[str, Any]:
    """Give what was done as a JSON value."""
    return {
        "kind": act.kind,
        "library": act.library,
        "event": act.event,
        "manifest": act.manifest,
        "content": act.content.to_dict() if act.content else None,
        "pending": act.pending is not None,
        "warnings": note_data(act.warnings),
    }


def report_data(report: "Report", lang: str) -> dict[str, Any]:
    """Give a verification as the JSON object that auditors' programs read."""
    refusal = report.refusal
    code = refusal.code if refusal else None
    data: dict[str, Any] = {
        "accepted": report.accepted,
        "code": code,
        "message": datalib_vocab.text(code, lang) if code else "",
        "detail": refusal.detail if refusal else "",
        "where": refusal.where if refusal else "",
        "integrity": report.integrity.ok,
        "gate": bool(report.gate and report.gate.ok),
        "data": report.data,
        "complete": report.complete,
        "read": {"files": report.read.files, "bytes": report.read.bytes},
        "sample": _sample_data(report.sample) if report.sample else None,
    }
    return data | (_facts_data(report.facts) if report.facts else {})


def _sample_data(sample: "Sample") -> dict[str, Any]:
    return {
        "drawn": sample.drawn,
        "files": sample.files,
        "seed": sample.seed.hex(),
        "found": {"changed": sample.found(), "probability": SURE},
        "missed": {"changed": 1, "probability": round(sample.missed(1), 6)},
    }


def _sample_lines(sample: "Sample", say: Texts) -> list[str]:
    """Write what a sample that found nothing means."""
    one = sample.missed(1)
    return [
        say(
            "sample: {drawn} of {files} files, drawn with --seed {seed}",
            drawn=sample.drawn,
            files=sample.files,
            seed=sample.seed.hex(),
        ),
        "  "
        + say(
            "{changed} changed files or more would have been found with a probability of {sure} % at least",
            changed=sample.found(),
            sure=round(SURE * 100),
        ),
        "  " + say("one changed file is missed with a probability of {missed} %", missed=f"{one * 100:.4g}"),
        "  " + say("this holds if nobody who could change files knew the seed"),
    ]


def _facts_data(facts: "Facts") -> dict[str, Any]:
    return {
        "library": facts.library,
        "head": facts.head,
        "owner": facts.owner,
        "possessor": facts.possessor,
        "withdrawn": facts.withdrawn,
        "purposes": list(facts.purposes),
        "producers": {lib: producer.to_dict() for lib, producer in facts.producers.items()},
        "events": [
            {
                "id": event.id,
                "kind": event.kind,
                "claimed": format_time(event.claimed),
                "trusted": None if event.trusted is None else format_time(event.trusted),
            }
            for event in facts.events
        ],
        "files": facts.files,
        "bytes": facts.bytes,
        "evidence_missing": list(facts.evidence_missing),
        "not_checked": list(facts.not_checked),
    }


#: What a verification may leave unchecked, by the codes of its report.
NOT_CHECKED = {
    "roots": "the policy: you vouch for the keys yourself",
    "log": "the log: no event has a proof from a transparency log",
    "time": "times: some events have only the time their signers claim",
    "head": "whether this is the newest state: there is no head proof",
    "state": "rollback: no --state file remembers what was accepted before",
    "derived": "derived inputs: they are declared, not compared",
    "data": "the data files: --data none",
    "data-sampled": "most data files: --data sample",
    "evidence": "evidence that is referred to but not shipped",
    "purpose": "a purpose: none was asked for",
    "attestations": "attestations: none was asked for",
}

#: What the check of a proof for one file may leave unchecked besides.
PROOF_NOT_CHECKED = {
    "chain": "whether anybody signed this manifest: give --chain",
    "signatures": "who signed: give --policy and --roots, or --key",
    "replay": "whether each event was allowed: give --library",
    "log": "the log: no event has a proof from a transparency log, or none was given",
    "head": "whether this is the newest state: there is no head proof, or none was given",
}

#: What is found out about a key act, why something was not, and what no check can show.
ENROLMENT = {
    "possession": "the new key has signed the act",
    "signature": "the national signature holds over exactly this file",
    "chain": "its certificate leads to a root that you believe",
    "revocation": "the certificate was not revoked",
    "party": "the certificate names the party",
    "authority": "the certificate gives the right to sign",
}
ENROLMENT_DOUBTS = {
    "no-signature": "no national signature was given: --cms",
    "algorithm": "an algorithm that cannot be verified here, such as GOST",
    "no-root": "no root certificate was given: --trust-root",
    "no-issuer": "the certificate of an issuer on the way to the root was not given: --ca",
    "register": "no certificate names an id of that register",
    "no-answer": "no OCSP answer was given: --ocsp",
    "other-certificate": "the OCSP answer is about another certificate",
    "unknown-status": "the OCSP answer does not know the certificate",
    "older-answer": "the OCSP answer is older than the signature",
    "unverified-answer": "the OCSP answer is signed by nobody known to answer, or not verifiably",
}
ENROLMENT_NOTES = {
    "time": "the time of the national signature is its signer's word; time stamps are not read",
    "today": "the role is what the certificate said when it was issued, not the authority of today",
}

#: What to do about a refusal for a missing, ended or negative scan.
NEXT_AFTER_OPTOUT = {
    "E-ATTEST-MISSING": "datalib scan, then datalib attest",
    "E-ATTEST-EXPIRED": "datalib scan, then datalib attest",
    "E-ATTEST-FAILED": "datalib optout apply, then datalib sign --reason optout",
}


#: What follows where an event wants the producer's signature too.
COSIGN = "next: the producer runs `datalib cosign {path} --key KEY.pem --into {library}`"


def _answer(name: str, verdict: "Verdict | None", say: Texts) -> Line:
    if verdict is None:
        return Line(text=say("{name}: not asked", name=say(name)))
    if verdict.ok:
        return Line(text=say("{name}: yes", name=say(name)), tone="good")
    detail = f" ({verdict.detail})" if verdict.detail else ""
    parts = [verdict.code, verdict.where, datalib_vocab.text(verdict.code, say.lang) + detail]
    line = say("{name}: no, {reason}", name=say(name), reason=": ".join(part for part in parts if part))
    steps = NEXT_AFTER_OPTOUT.get(verdict.code) if verdict.where == "optout" else None
    step = say(steps) if steps else datalib_vocab.remedy(verdict.code, say.lang)
    return Line(text=say("{line}; next: {step}", line=line, step=step), tone="bad")


def report_lines(report: "Report", say: Texts) -> list[Block]:
    """Write a verification for people: the two answers, who and what, and what was not checked."""
    lines: list[Block] = [_answer("integrity", report.integrity, say), _answer("gate", report.gate, say)]
    facts = report.facts
    if facts is None:
        return lines
    producer = facts.producers[facts.library]
    name = next(iter(producer.name.values()))
    lines += [
        say("library: {id}", id=facts.library),
        say("producer: {id} ({name})", id=producer.id, name=name),
        say("owner: {id}", id=facts.owner)
        + (f", {say('possessor')}: {facts.possessor}" if facts.possessor != facts.owner else ""),
        say("purposes: {codes}", codes=", ".join(facts.purposes)),
        say("events: {kinds}", kinds=", ".join(event.kind for event in facts.events)),
        say(
            "read: {read} of {files} files, {bytes} bytes",
            read=report.read.files,
            files=facts.files,
            bytes=report.read.bytes,
        ),
    ]
    if report.sample:
        lines += _sample_lines(report.sample, say)
    if facts.not_checked:
        lines.append(Line(text=say("not checked:"), tone="warn"))
        lines += [f"  - {say(NOT_CHECKED[code])}" for code in facts.not_checked]
    return lines


#: Things that were not read that a summary names.
_SHOWN = 10
#: Why a file was not read for the sites of its works.
SKIPPED = {
    "damaged": "cannot be read, or not to its end",
    "no-url-column": "a table without a column of URLs (--url-column)",
    "not-a-file": "a link or a special file, which is not followed",
}
#: Carriers that no fetch can ask.
_NOT_OF_SITES = {f"not-asked-{carrier}" for carrier in ("page", "registry", "transfer", "unit")}


def scan_lines(result: "ScanResult", say: Texts) -> list[Block]:
    """Write a scan for people: how many works of each verdict, why, and what was and was not asked."""
    verdicts, reasons = result.counts["verdict"], _by_count(result.counts["reason"])
    lines: list[Block] = [
        say("works: {count}", count=result.works),
        *(f"  {name}: {verdicts.get(name, 0)}" for name in ("admit", "refuse", "hold")),
        say("reasons:"),
        _counted((count, f"{code}: {datalib_vocab.reason(code, say.lang)}") for code, count in reasons),
        say("asked:"),
        _counted(
            (count, name or say("nothing: no carrier applies")) for name, count in _by_count(result.counts["asked"])
        ),
    ]
    if result.sites and not result.sites["answers"]:
        lines.append(Line(text=say("answers of sites: none"), tone="warn"))
    if marked := result.counts.get("synthetic"):
        lines.append(say("marked as synthetic (signals.parquet: synthetic-mark):"))
        lines.append(_counted((count, code) for code, count in _by_count(marked)))
        if result.synthetic_stated is not True:
            lines.append(say("no manifest states synthetic content; a library says so in datalib.synthetic"))
    return [*lines, *_not_read([_unread(each, say) for each in result.unread], say)]


def skipped_lines(skipped: "Sequence[Skipped]", say: Texts) -> list[Block]:
    """Write which files were not read for the sites of their works."""
    return _not_read([f"  - {each.path}: {say(SKIPPED[each.why])}" for each in skipped], say)


def _not_read(found: Sequence[str], say: Texts) -> list[Block]:
    """Write the first things that were not read, if any were not."""
    if not found:
        return []
    more = len(found) - _SHOWN
    return [Line(text=say("not read:"), tone="warn"), *found[:_SHOWN], *([f"  … +{more}"] if more > 0 else [])]


def _unread(each: "Unread", say: Texts) -> str:
    if each.column:
        return "  - " + say("{path}: its column {column} (--license-column)", path=each.path, column=each.column)
    return "  - " + say("{path}: a table judged as one file, without its rows (--url-column)", path=each.path)


def scan_step(result: "ScanResult", library: "Path | None", out: "Path", say: Texts) -> str:
    """Say what follows from a scan, of ``library`` if it was one."""
    verdicts = result.counts["verdict"]
    if any(code.startswith("not-asked") and code not in _NOT_OF_SITES for code in result.counts["reason"]):
        return say("next: `datalib optout fetch WORKS -o SITES` asks the sites, then scan with --sites SITES")
    if library is not None and verdicts.get("refuse"):
        return say(
            "next: `datalib optout apply {library} --scan {out}` removes what is refused", library=library, out=out
        )
    if library is not None and verdicts.get("admit") == result.works:
        return say(
            "next: `datalib attest {library} --as ID --claim optout --scan {out} --key KEY.pem`",
            library=library,
            out=out,
        )
    if verdicts.get("admit", 0) < result.works:
        return say("next: `datalib optout list --scan {out}` names the works that are not admitted", out=out)
    return ""


def _counted(rows: Iterable[tuple[int, str]]) -> Table:
    """Write counts before what they count, in columns of eight."""
    return Table(rows=[Row(cells=(f"{count:>8}", text)) for count, text in rows])


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
