"""Enrolment: what a registrar can find out, offline, about a key act before the key goes into the policy.

In this order, the first no is the result: possession of the key; the national signature over exactly this file; the way
from its certificate to a root; the stored OCSP answer and the certificate's own dates; the number of the party; the
right to sign for it. What could not be checked is named and never counts as checked: the registrar may say that it was
checked elsewhere, and that is then written down as the registrar's word. Source: datalib trust specification §8.3.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalib.errors import Misuse, Refused
from datalib.formats import format_time, sha256_hex
from datalib.trust import certificates, cms, ocsp
from datalib.trust.certificates import Facts, Path
from datalib.trust.cms import Signed
from datalib.trust.keyact import KeyAct

if TYPE_CHECKING:
    from cryptography import x509

#: What has to be known, from here or from elsewhere, before a key is enrolled.
NEEDED = ("possession", "signature", "chain", "revocation", "party", "authority")
_SKEW = 300  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What came in: the files, and the certificates that the registrar believes (``roots``) or adds (``others``)."""

    act: bytes
    cms: bytes | None = None
    ocsp: bytes | None = None
    roots: "Sequence[x509.Certificate]" = ()
    others: "Sequence[x509.Certificate]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What was found out. ``checked``, ``elsewhere`` and ``not_checked`` part ``NEEDED``.

    ``time`` is when the national signature was made, as its signer says (seconds since 1970), ``algorithm`` how.
    ``notes`` are codes of what no check here can show; ``reasons`` say by a code why something was not checked.
    """

    act: KeyAct
    facts: Facts | None
    time: int | None
    algorithm: str
    checked: tuple[str, ...]
    elsewhere: tuple[str, ...]
    not_checked: tuple[str, ...]
    reasons: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is left unchecked."""
        return not self.not_checked

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        return {
            "act": self.act.to_dict(),
            "keyid": self.act.public.keyid,
            "certificate": self.facts.to_dict() if self.facts else None,
            "signed": None if self.time is None else format_time(self.time),
            "algorithm": self.algorithm or None,
            "checked": list(self.checked),
            "checked_elsewhere": list(self.elsewhere),
            "not_checked": list(self.not_checked),
            "reasons": dict(self.reasons),
            "notes": list(self.notes),
        }


def check(papers: Papers, *, now: int, elsewhere: Collection[str] = (), where: str = "key act") -> Enrolment:
    """Check the papers of one key; ``elsewhere`` names what the registrar has checked by other means.

    Raises ``Refused``: codes of ``KeyAct.parse`` (``E-ENROL-POP``), of ``cms.check`` (``E-ENROL-CMS``,
    ``E-ENROL-CERT``), ``E-ENROL-CHAIN``, ``E-ENROL-OCSP``, ``E-ENROL-REVOKED``, ``E-TIME-FUTURE``, ``E-ENROL-BIN``,
    ``E-ENROL-EKU``.
    """
    if unknown := set(elsewhere) - set(NEEDED[1:]):
        raise Misuse("E-USAGE", "elsewhere", f"{min(unknown)!r} is none of {', '.join(NEEDED[1:])}")
    act = KeyAct.parse(papers.act, where)
    doubts: dict[str, str] = {}
    facts, signed = None, None
    if papers.cms is None:
        doubts = dict.fromkeys(NEEDED[1:], "no-signature")
    else:
        signed = cms.check(papers.cms, papers.act)
        facts = certificates.facts(signed.certificate)
        doubts = _check_national(papers, signed, facts, act, now)
    open_questions = [name for name in NEEDED if name in doubts]
    return Enrolment(
        act=act,
        facts=facts,
        time=signed.time if signed else None,
        algorithm=signed.algorithm if signed else "",
        checked=tuple(name for name in NEEDED if name not in doubts),
        elsewhere=tuple(name for name in open_questions if name in elsewhere),
        not_checked=tuple(name for name in open_questions if name not in elsewhere),
        reasons=doubts,
        notes=("time", "today") if signed else (),
    )


def _check_national(papers: Papers, signed: Signed, facts: Facts, act: KeyAct, now: int) -> dict[str, str]:
    """Check the national signature; give what could not be checked, with the reason."""
    doubts: dict[str, str] = {}
    if not signed.verified:
        doubts["signature"] = "algorithm"
    made = now if signed.time is None else signed.time
    if made > now + _SKEW:
        raise Refused("E-TIME-FUTURE", "CMS", f"signed {format_time(made)}")
    pool = [*papers.roots, *papers.others, *signed.others]
    answer = ocsp.read(papers.ocsp, signed.certificate, pool) if papers.ocsp is not None else None
    if answer is not None and answer.status == "revoked":
        raise Refused("E-ENROL-REVOKED", "OCSP", f"revoked {format_time(answer.revoked or answer.time)}")
    good = answer is not None and answer.verified and answer.status == "good" and answer.covers(made)
    # Dates are judged when the authority answered, else now: the time in the signature is only its signer's word.
    judged = answer.time if answer is not None and good else now
    path = certificates.find_path(signed.certificate, pool, papers.roots, judged)
    if path is not Path.VERIFIED:
        doubts["chain"] = path.value
    if not good:
        doubts["revocation"] = _why(papers.ocsp, answer, made)
    for moment in (made, judged):
        if not facts.start <= moment < facts.until:
            raise Refused("E-ENROL-REVOKED", "certificate", f"not valid on {format_time(moment)}")
    if not certificates.check_party(facts, act.party):
        doubts["party"] = "register"
    certificates.check_authority(facts, act.party)
    return doubts


def _why(given: bytes | None, answer: ocsp.Answer | None, made: int) -> str:
    """Say by a code why a stored answer does not show that the certificate was good."""
    if given is None:
        return "no-answer"
    if answer is None:
        return "other-certificate"
    if answer.status != "good":
        return "unknown-status"
    if not answer.covers(made):
        return "older-answer"
    return "unverified-answer"


def evidence(files: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """Give what the policy remembers of files: name and digest; ``Misuse("E-USAGE")`` for a name given twice."""
    names = [name for name, _ in files]
    if len(set(names)) != len(names):
        raise Misuse("E-USAGE", "evidence", "two files of one name")
    return [{"name": name, "digest": {"sha256": sha256_hex(data)}} for name, data in files]


def check_evidence(draft: Mapping[str, Any], act: KeyAct, files: Sequence[tuple[str, bytes]]) -> tuple[str, ...]:
    """Compare enrolment files with a policy; give the names of those that the policy lists and nobody gave.

    Raises ``Refused``: ``E-KEY-UNKNOWN`` if the party does not have the key of the act there, ``E-ENROL-EVIDENCE`` for
    a file whose digest is not listed with it.
    """
    public = act.public.to_dict()["public"]
    parties = [party for party in draft["parties"] if party["id"] == act.party]
    keys = [key for party in parties for key in party["keys"] if key["public"] == public]
    if not keys:
        raise Refused("E-KEY-UNKNOWN", act.party, "the policy has no such key of this party")
    listed = {item["digest"]["sha256"]: item["name"] for item in keys[0].get("evidence", ())}
    given = {sha256_hex(data): name for name, data in files}
    for digest, name in given.items():
        if digest not in listed:
            raise Refused("E-ENROL-EVIDENCE", name, f"computed {digest}, not listed with the key")
    return tuple(name for digest, name in listed.items() if digest not in given)
