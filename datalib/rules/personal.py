"""Rules on personal data as the manifest declares it: PD-01 to PD-07 and PD-12 to PD-22.

Source: Personal Data Law (94-V) art. 6 to 10-1, 12, 14, 16, 17, 22, 25, 25-1; Order 179/НҚ as amended by 672/НҚ.
"""

from collections.abc import Mapping
from typing import Any, Final

from datalib.rules.case import Answer, Case, Check, Gap, Hit, mapping, missing, texts, undeclared

_PD: Final = "/datalib/personalData"
#: PDL art. 25-1(3): small up to ten thousand unique subjects, large from five hundred thousand on.
SMALL, LARGE = 10_000, 500_000
#: Order 672/НҚ: more than so many records of restricted access.
MANY_RECORDS: Final = 100_000
_RESEARCH: Final = frozenset({"statistics", "sociology", "science", "marketing"})
#: What protects identifiers, or replaces them so that they can be found again: no anonymisation (PDL art. 1, 23(2)).
_REVERSIBLE: Final = frozenset({"hashing", "tokenization", "pseudonymization", "data-encryption", "data-masking"})
_SIZES: Final = ("small", "medium", "large")
#: What found identifiers are called in the manifest.
_IDENTIFIERS: Final = {"iin": "iin", **dict.fromkeys(("card", "email", "iban", "phone"), "linkable-other")}
_SHOWN: Final = 20
#: Registers of Kazakhstan, and those of the whole world, whose numbers say nothing of a country.
_HOME: Final = ("kz-", "x-kz-")
_ANYWHERE: Final = ("lei:", "orcid:", "isni:")


def declared(case: Case) -> Answer:
    """PD-01.1."""
    if not case.present:
        yield Hit(where=f"{_PD}/present")


def found_as_declared(case: Case) -> Answer:
    """PD-01.2."""
    if case.personal:
        return
    found = ", ".join(f"{kind}: {count}" for kind, count in case.found.counts.items() if count) if case.found else ""
    if found:
        yield Hit(where=f"{_PD}/present", detail=f"{case.present}; {found}")
    else:
        yield from _unsearched(case)


def identifiers_named(case: Case) -> Answer:
    """PD-01.3."""
    if not case.personal:
        return
    named = set(texts(case.at("personalData", "identifiers")))
    found = [kind for kind, count in case.found.counts.items() if count] if case.found else []
    if bare := [kind for kind in found if not named & {_IDENTIFIERS.get(kind, kind), kind}]:
        yield Hit(where=f"{_PD}/identifiers", detail=", ".join(bare))
    yield from _unsearched(case)


def columns_named(case: Case) -> Answer:
    """PD-03.3."""
    if not case.personal:
        return
    named = {str(mapping(one).get("name", "")) for one in case.items("personalData", "fields")}
    if bare := [column for column in (case.found.columns if case.found else ()) if column not in named]:
        yield Hit(where=f"{_PD}/fields", detail=", ".join(bare[:_SHOWN]) + ", …" * (len(bare) > _SHOWN))
    yield from _unsearched(case)


def _unsearched(case: Case) -> Answer:
    """Say what of the data was not searched: where nothing was found there may be something."""
    if case.found is None:
        yield Gap(why="detectors")
        return
    if not case.found.full:
        yield Gap(why="sampled")
    if case.found.unread:
        yield Gap(why="unread", detail=", ".join(f"{why}: {count}" for why, count in case.found.unread.items()))


def basis(case: Case) -> Answer:
    """PD-02."""
    if case.personal and not case.text("personalData", "basis"):
        yield Hit(where=f"{_PD}/basis")


def fields_needed(case: Case) -> Answer:
    """PD-03.1."""
    if not case.personal:
        return
    fields = [mapping(field) for field in case.items("personalData", "fields")]
    if not fields:
        yield Hit(where=f"{_PD}/fields")
    for number, field in enumerate(fields):
        if not str(field.get("necessity") or "").strip():
            yield Hit(where=f"{_PD}/fields/{number}/necessity", detail=str(field.get("name", "")))


def purposes_kept(case: Case) -> Answer:
    """PD-03.2."""
    if not case.personal:
        return
    purposes = texts(case.at("personalData", "purposes"))
    granted = set(case.purposes)
    foreign = [code for code in purposes if code not in granted]
    if foreign or not purposes:
        yield Hit(where=f"{_PD}/purposes", detail=", ".join(foreign))


def targeted(case: Case) -> Answer:
    """PD-04."""
    for place, source in case.sources if case.personal else ():
        scraped = str(source.get("method", "")).startswith(("web-scraping", "social-media"))
        aimed = source.get("targeted") is True and bool(source.get("targetDefinition"))
        if scraped and not (aimed and case.text("personalData", "basis")):
            yield Hit(where=f"{place}/targeted", detail=str(source.get("title", "")))


def _published(case: Case) -> bool:
    return case.personal and case.text("personalData", "basis") == "public-7-5"


def source_linked(case: Case) -> Answer:
    """PD-05.1."""
    for place, source in case.sources if _published(case) else ():
        if not source.get("path"):
            yield Hit(where=f"{place}/path", detail=str(source.get("title", "")))


def lawfulness_shown(case: Case) -> Answer:
    """PD-05.2."""
    if _published(case) and not case.text("personalData", "lawfulness"):
        yield Hit(where=f"{_PD}/lawfulness")


def _consented(case: Case) -> bool:
    return case.personal and case.text("personalData", "basis") == "consent"


def consent_complete(case: Case) -> Answer:
    """PD-06."""
    if not _consented(case):
        return
    consent = mapping(case.at("personalData", "consent"))
    term = mapping(consent.get("term"))
    said: Mapping[str, Any] = {**consent, "term": term.get("until") or (term.get("untilPurpose") is True or None)}
    lacking = missing(said, ("operator", "term", "thirdParties", "crossBorder", "publicDistribution", "data"))
    if lacking:
        yield Hit(where=f"{_PD}/consent", detail=lacking)


def consent_running(case: Case) -> Answer:
    """PD-07.1."""
    until = case.day("personalData", "consent", "term", "until")
    if _consented(case) and until and until < case.today:
        yield Hit(where=f"{_PD}/consent/term/until", detail=str(until))


def consent_measured(case: Case) -> Answer:
    """PD-07.2."""
    until, end = case.day("personalData", "consent", "term", "until"), case.day("personalData", "retainUntil")
    if _consented(case) and until and end and until > end:
        yield Hit(where=f"{_PD}/consent/term/until", detail=f"{until} > {end}")


def research_depersonalised(case: Case) -> Answer:
    """PD-12.1."""
    purposes = sorted(_RESEARCH & set(case.purposes))
    if not (case.personal and purposes):
        return
    if case.handed_on is None:
        yield undeclared("access", "distribution")
    elif case.handed_on:
        yield Hit(where=f"{_PD}/present", detail=", ".join(purposes))


def platform_depersonalised(case: Case) -> Answer:
    """PD-12.2."""
    handed = case.at("access", "nationalPlatform") is True
    if handed and case.personal and not case.text("personalData", "depersonalisation", "by"):
        yield Hit(where=f"{_PD}/depersonalisation/by")


def anonymised_for_good(case: Case) -> Answer:
    """PD-13.1."""
    methods = texts(case.at("personalData", "depersonalisation", "method"))
    if case.present == "anonymised" and methods and set(methods) <= _REVERSIBLE:
        yield Hit(where=f"{_PD}/depersonalisation/method", detail=", ".join(methods))


def method_named(case: Case) -> Answer:
    """PD-13.2."""
    claimed = case.present in {"anonymised", "depersonalised"}
    if claimed and not texts(case.at("personalData", "depersonalisation", "method")):
        yield Hit(where=f"{_PD}/depersonalisation/method", detail=case.present)


def stored_at_home(case: Case) -> Answer:
    """PD-15.1."""
    stores = [mapping(store) for store in case.items("personalData", "storage")]
    if case.personal and not any(s.get("primary") is True and s.get("country") == "KZ" for s in stores):
        yield Hit(where=f"{_PD}/storage", detail=", ".join(sorted({str(s.get("country", "?")) for s in stores})))


def retained(case: Case) -> Answer:
    """PD-15.2."""
    end = case.day("personalData", "retainUntil")
    if case.personal and end and end < case.today:
        yield Hit(where=f"{_PD}/retainUntil", detail=str(end))


def sent_abroad(case: Case) -> Answer:
    """PD-16.1."""
    if not case.personal:
        return
    transfers = [mapping(one) for one in case.items("personalData", "crossBorder")]
    allowed = {str(one.get("country")) for one in transfers if one.get("basis")}
    stores = {str(mapping(store).get("country", "KZ")) for store in case.items("personalData", "storage")}
    abroad = stores | {str(one.get("country")) for one in transfers}
    if bare := sorted(abroad - allowed - {"KZ"}):
        yield Hit(where=f"{_PD}/crossBorder", detail=", ".join(bare))
    if allowed - {"KZ"}:
        return
    away = [party for party in (case.past.recipients if case.past else ()) if not party.startswith(_HOME)]
    if foreign := [party for party in away if not party.startswith(_ANYWHERE)]:
        yield Hit(where=f"{_PD}/crossBorder", detail=", ".join(foreign))
    if any(party.startswith(_ANYWHERE) for party in away):
        yield undeclared("personalData", "crossBorder")


def adequate(case: Case) -> Answer:
    """PD-16.2."""
    for number, one in enumerate(map(mapping, case.items("personalData", "crossBorder"))):
        if case.personal and one.get("basis") == "adequate" and not one.get("evidence"):
            yield Hit(where=f"{_PD}/crossBorder/{number}/basis", detail=str(one.get("country", "")))


def size(case: Case) -> str:
    """Give the least class of the operator that this library shows (PDL art. 25-1); empty if no number is declared.

    Other libraries of the same operator may lift it: it is counted over all of them.
    """
    subjects = case.number("personalData", "uniqueSubjects")
    if subjects is None:
        return ""
    level = 0 if subjects <= SMALL else 2 if subjects >= LARGE else 1
    return _SIZES[min(level + (case.at("personalData", "restrictedAccess") is True), 2)]


def _unnotified(case: Case) -> bool:
    notice = mapping(case.at("personalData", "notification"))
    return case.personal and size(case) == "large" and bool(missing(notice, ("number", "date")))


def _uncounted(case: Case) -> bool:
    return case.personal and not size(case)


def notified(case: Case) -> Answer:
    """PD-18.1."""
    if _uncounted(case):
        yield undeclared("personalData", "uniqueSubjects")
    elif _unnotified(case) and case.at("personalData", "operator") is not True:
        yield Hit(where=f"{_PD}/notification", detail=str(case.number("personalData", "uniqueSubjects")))


def operator_notified(case: Case) -> Answer:
    """PD-18.2."""
    if case.at("personalData", "operator") is not True:
        return
    if _uncounted(case):
        yield undeclared("personalData", "uniqueSubjects")
    elif _unnotified(case):
        yield Hit(where=f"{_PD}/notification", detail=str(case.number("personalData", "uniqueSubjects")))


def many_factors(case: Case) -> Answer:
    """PD-19."""
    if not case.personal or case.at("personalData", "restrictedAccess") is not True:
        return
    records = case.number("personalData", "recordCount")
    if records is None:
        yield undeclared("personalData", "recordCount")
    elif records > MANY_RECORDS:
        factors = texts(case.at("personalData", "mfaFactors"))
        if "biometric" not in factors or len(set(factors)) == 1:
            yield Hit(where=f"{_PD}/mfaFactors", detail=", ".join(factors))


def responsible(case: Case) -> Answer:
    """PD-20."""
    lacking = missing(mapping(case.at("personalData")), ("responsible", "policyUrl"))
    if case.personal and lacking:
        yield Hit(where=_PD, detail=lacking)


def producer_published(case: Case) -> Answer:
    """PD-21."""
    if not str(case.producer.get("id", "")).startswith("kz-iin:"):
        return
    if case.at("personalData", "producerIdConsent") is True:
        return
    if case.public:
        yield Hit(where=f"{_PD}/producerIdConsent")
    elif not case.text("access", "distribution"):
        yield undeclared("access", "distribution")


def public_places(case: Case) -> Answer:
    """PD-22."""
    taken = case.at("personalData", "publicPlaceBiometrics") is True
    if taken and case.text("personalData", "basis") != "consent":
        yield Hit(where=f"{_PD}/publicPlaceBiometrics")


def _once_declared(check: Check) -> Check:
    """Make a check wait until it is said whether there is personal data at all."""

    def waiting(case: Case) -> Answer:
        if case.present:
            yield from check(case)
        else:
            yield undeclared("personalData", "present")

    return waiting


#: Rules that say nothing as long as ``personalData.present`` is missing.
_WAITING: Final[Mapping[str, Check]] = {
    "PD-01.2": found_as_declared,
    "PD-01.3": identifiers_named,
    "PD-02": basis,
    "PD-03.1": fields_needed,
    "PD-03.2": purposes_kept,
    "PD-03.3": columns_named,
    "PD-04": targeted,
    "PD-05.1": source_linked,
    "PD-05.2": lawfulness_shown,
    "PD-06": consent_complete,
    "PD-07.1": consent_running,
    "PD-07.2": consent_measured,
    "PD-12.1": research_depersonalised,
    "PD-12.2": platform_depersonalised,
    "PD-13.1": anonymised_for_good,
    "PD-13.2": method_named,
    "PD-15.1": stored_at_home,
    "PD-15.2": retained,
    "PD-16.1": sent_abroad,
    "PD-16.2": adequate,
    "PD-18.1": notified,
    "PD-18.2": operator_notified,
    "PD-19": many_factors,
    "PD-20": responsible,
    "PD-22": public_places,
}
RULES: Final[Mapping[str, Check]] = {
    "PD-01.1": declared,
    **{rule: _once_declared(check) for rule, check in _WAITING.items()},
    "PD-21": producer_published,
}
