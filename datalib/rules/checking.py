"""Ask rules of a case, and keep apart what is broken, what was switched off and what could not be asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import datalib_vocab
from datalib.errors import Misuse
from datalib.rules import duties, european, kazakhstan, personal, records, works
from datalib.rules.case import Case, Check, Gap, Hit, mapping
from datalib.rules.profile import KNOWN, Profile

#: Every rule, in the order of the articles.
RULES: Final[Mapping[str, Check]] = {
    **kazakhstan.RULES,
    **works.RULES,
    **personal.RULES,
    **duties.RULES,
    **european.RULES,
}
SETS: Final = ("kz", "eu")
ERROR, WARNING = "error", "warning"
#: What no rule here covers, by codes of the vocabulary.
NOT_COVERED: Final = (
    "system-documents",
    "platform-hand-in",
    "person-signed",
    "signing-authority",
    "legal-force",
    "time-evidence",
    "metadata-only",
)
#: The European Union and the other states of the European Economic Area.
_EU: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A broken rule: its id, ``error`` or ``warning``, where and what stands there."""

    rule: str
    severity: str
    where: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """A rule that could not be asked, or not to the end: ``why`` as in ``Gap``."""

    rule: str
    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A rule that somebody switched off: why, who, and the last day on which that holds."""

    rule: str
    reason: str
    by: str = ""
    until: date | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``RULE=REASON`` as on a command line; ``Misuse("E-USAGE")`` for another form."""
        rule, _, reason = text.partition("=")
        if not rule or not reason.strip():
            raise Misuse("E-USAGE", "--waive", f"{text[:80]!r} is not RULE=REASON")
        return cls(rule=rule, reason=reason.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """What a waiver kept out of the findings. ``ended``: its last day has passed, so that it kept out nothing."""

    waiver: Waiver
    findings: tuple[Finding, ...]
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was asked and what came of it. ``findings``: errors first, each kind in the order of the rules."""

    sets: tuple[str, ...]
    today: date
    asked: tuple[str, ...]
    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    unasked: tuple[Unasked, ...]
    profiles: tuple[Profile, ...]
    not_loaded: tuple[str, ...]

    def count(self, severity: str) -> int:
        """Count the findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)


def read_waivers(data: bytes, where: str) -> tuple[Waiver, ...]:
    """Read a file of waivers, JSON or YAML; ``E-RECORD-FORMAT`` with the place if it has another form."""
    return tuple(
        Waiver(
            rule=entry["rule"],
            reason=entry["reason"].strip(),
            by=entry.get("by", ""),
            until=records.day(entry["until"], where, f"/waivers/{number}/until") if "until" in entry else None,
        )
        for number, entry in enumerate(records.read("waivers", data, where)["waivers"])
    )


def sets_of(case: Case) -> tuple[str, ...]:
    """Pick the rules by the producer's country; where it is neither here nor there, or not said, all of them."""
    producer = mapping(case.producer)
    country = str(producer.get("country", ""))
    if country == "KZ" or (not country and str(producer.get("id", "")).startswith("kz-")):
        return ("kz",)
    return ("eu",) if country in _EU.split() else SETS


def severity_of(rule: str) -> str:
    """Give the severity of a rule of ours; ``KeyError`` for another."""
    severity: str = datalib_vocab.rules()["rules"][rule]["severity"]
    return severity


def set_of(rule: str) -> str:
    """Tell which set a rule of ours is in."""
    return "eu" if rule.startswith("EU-") else "kz"


def check_sets(sets: Sequence[str]) -> None:
    """Refuse a set of rules that does not exist: ``Misuse("E-USAGE")``."""
    for name in sets:
        if name not in SETS:
            raise Misuse("E-USAGE", "--rules", f"{name[:40]!r} is not one of {', '.join(SETS)}")


def check(
    case: Case, *, sets: Sequence[str], waivers: Sequence[Waiver] = (), profiles: Sequence[Profile] = ()
) -> Result:
    """Ask the rules of some sets and all checks of the profiles.

    Raises ``Misuse("E-USAGE")`` for a set or rule that does not exist, two profiles of one act, two waivers of a rule.
    """
    asked: dict[str, tuple[str, Check]] = {
        name: (severity_of(name), rule) for name, rule in RULES.items() if set_of(name) in sets
    }
    for profile in profiles:
        asked |= {one.id: (one.severity, one) for one in profile.checks}
    _refuse_misuse(asked, sets, waivers, profiles)
    found, unasked = list[Finding](), list[Unasked]()
    for name, (severity, rule) in asked.items():
        for answer in rule(case):
            match answer:
                case Hit(where=where, detail=detail):
                    found.append(Finding(rule=name, severity=severity, where=where, detail=detail))
                case Gap(why=why, detail=detail):
                    unasked.append(Unasked(rule=name, why=why, detail=detail))
    valid = {waiver.rule for waiver in waivers if not _ended(waiver, case.today)}
    kept = [finding for finding in found if finding.rule not in valid]
    return Result(
        sets=tuple(sets),
        today=case.today,
        asked=tuple(asked),
        findings=tuple(sorted(kept, key=lambda finding: finding.severity != ERROR)),
        waived=tuple(_waived(waiver, found, case.today) for waiver in waivers),
        unasked=tuple(unasked),
        profiles=tuple(profiles),
        not_loaded=tuple(act for act in KNOWN if "kz" in sets and act not in case.acts),
    )


def _ended(waiver: Waiver, today: date) -> bool:
    return waiver.until is not None and waiver.until < today


def _waived(waiver: Waiver, found: Iterable[Finding], today: date) -> Waived:
    ended = _ended(waiver, today)
    kept_out = () if ended else tuple(finding for finding in found if finding.rule == waiver.rule)
    return Waived(waiver=waiver, findings=kept_out, ended=ended)


def _refuse_misuse(
    asked: Iterable[str], sets: Sequence[str], waivers: Sequence[Waiver], profiles: Sequence[Profile]
) -> None:
    check_sets(sets)
    acts = [profile.act for profile in profiles]
    if twice := sorted({act for act in acts if acts.count(act) > 1}):
        raise Misuse("E-USAGE", "--profile-file", f"{', '.join(twice)}: two profiles of one act")
    rules = [waiver.rule for waiver in waivers]
    known = {*RULES, *asked}
    for name in rules:
        if name not in known:
            raise Misuse("E-USAGE", "--waive", f"there is no rule {name[:80]!r}")
        if rules.count(name) > 1:
            raise Misuse("E-USAGE", "--waive", f"{name} is switched off twice")
