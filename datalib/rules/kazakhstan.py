"""Rules on the producer, the chain, access, quality and purposes: KZ-01 to KZ-18 and SG-01.

Source: AI Law (230-VIII) art. 1, 10, 13, 17, 20, 22, 27; Digital Code (255-VIII) art. 17, 30, 31, 38, 45.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from datalib import schema
from datalib.errors import Refused
from datalib.rules.case import Answer, Case, Check, Gap, Hit, as_date, items, mapping, missing, undeclared
from datalib.trust.parties import check_party_id

_ACTS: Final = ("collection", "processing", "structuring")
_FIRST_BIN_DIGIT: Final = "4"  # the fifth digit of a BIN is 4 to 6, of an IIN 0 to 3: a day of the month


def producer_named(case: Case) -> Answer:
    """KZ-01.1."""
    place = "/datalib/producer"
    if lacking := missing(case.producer, ("id", "name")):
        yield Hit(where=place, detail=lacking)
        return
    try:
        check_party_id(str(case.producer["id"]))
    except Refused as error:
        yield Hit(where=f"{place}/id", detail=error.detail)


def producer_kept(case: Case) -> Answer:
    """KZ-01.2."""
    if case.past and case.past.producer.to_dict() != dict(case.producer):
        yield Hit(where="/datalib/producer", detail=case.past.producer.id)


def producer_organised(case: Case) -> Answer:
    """KZ-02."""
    lacking = [act for act in _ACTS if act not in case.items("producer", "organised")]
    if lacking:
        yield Hit(where="/datalib/producer/organised", detail=", ".join(lacking))


def manifest_valid(case: Case) -> Answer:
    """KZ-03.1."""
    if case.fault:
        where = case.fault.where.partition("#")[2]
        yield Hit(where=where, detail=f"{case.fault.code} {case.fault.detail}".strip())


def declarations_formed(case: Case) -> Answer:
    """KZ-03.2."""
    try:
        schema.check("declared", case.block)
    except Refused as error:
        yield Hit(where=f"/datalib{error.where.removeprefix('#')}", detail=error.detail)
    for path in (("quality", "measured"), ("quality", "nextReview"), ("personalData", "retainUntil")):
        if case.text(*path) and case.day(*path) is None:
            yield Hit(where="/".join(("/datalib", *path)), detail=case.text(*path))


def chain_holds(case: Case) -> Answer:
    """KZ-04."""
    if case.past and case.past.refusal:
        yield Hit(where="chain.jsonl", detail=case.past.refusal)
    elif case.past and case.past.unproved:
        yield Gap(why="chain")


def quality_measured(case: Case) -> Answer:
    """KZ-06.1."""
    if lacking := missing(mapping(case.at("quality")), ("metrics", "measured")):
        yield Hit(where="/datalib/quality", detail=lacking)
    measured = case.day("quality", "measured")
    if measured and measured > case.today:
        yield Hit(where="/datalib/quality/measured", detail=str(measured))


def quality_reviewed(case: Case) -> Answer:
    """KZ-06.2."""
    review = case.day("quality", "nextReview")
    if review is None or review < case.today:
        yield Hit(where="/datalib/quality/nextReview", detail=str(review or ""))


def quality_current(case: Case) -> Answer:
    """KZ-06.3."""
    measured = case.day("quality", "measured")
    if measured is None:
        return
    collected = [as_date(mapping(source.get("collected")).get("to")) for _, source in case.sources]
    last = max((day for day in collected if day), default=measured)
    if measured < last:
        yield Hit(where="/datalib/quality/measured", detail=f"{measured} < {last}")
    before = mapping(mapping(mapping(case.past.before if case.past else None).get("datalib")).get("quality"))
    if before and as_date(before.get("measured")) == measured:
        yield Hit(where="/datalib/quality/measured", detail=f"{measured}")


def access_procedure(case: Case) -> Answer:
    """KZ-07.1."""
    if not mapping(case.at("access", "procedure")):
        yield Hit(where="/datalib/access/procedure")


def access_conditions(case: Case) -> Answer:
    """KZ-07.2."""
    if not case.items("access", "conditions"):
        yield Hit(where="/datalib/access/conditions")


def purpose_declared(case: Case) -> Answer:
    """KZ-09.1."""
    if not case.purposes:
        yield Hit(where="/datalib/purpose")


def purpose_granted(case: Case) -> Answer:
    """KZ-09.2."""
    if case.purpose is not None and case.purpose not in case.purposes:
        yield Hit(where="/datalib/purpose", detail=case.purpose)


def data_management(case: Case) -> Answer:
    """KZ-10."""
    if "kz-925" not in case.acts:
        yield Hit(where="", detail="kz-925")


def state_body(case: Case) -> Answer:
    """KZ-11."""
    if case.producer.get("kind") != "state_body":
        return
    if lacking := missing({"kz-925": "kz-925" in case.acts or None, "sector": case.at("sector")}, ("kz-925", "sector")):
        yield Hit(where="/datalib/producer/kind", detail=lacking)


def audit_metadata(case: Case) -> Answer:
    """KZ-12."""
    empty = [f"{place}/{name}" for place, source in case.sources for name in _split(missing(source, _AUDITED))]
    names = ("description", "languages", "quality", "rights", "personalData", "access")
    empty += [f"/datalib/{name}" for name in _split(missing(case.block, names))]
    if empty:
        yield Hit(where="", detail=", ".join(empty[:_SHOWN]) + (" …" if len(empty) > _SHOWN else ""))


_AUDITED: Final = ("method", "collected", "basis")
_SHOWN: Final = 12


def _split(names: str) -> list[str]:
    return names.split(", ") if names else []


def representative(case: Case) -> Answer:
    """KZ-13."""
    if lacking := missing(mapping(case.at("quality", "representativeness")), ("population", "gaps")):
        yield Hit(where="/datalib/quality/representativeness", detail=lacking)


def purpose_allowed(case: Case) -> Answer:
    """KZ-14.1."""
    for number, code in enumerate(case.purposes):
        if {code, *code.split(":")} & _forbidden():
            yield Hit(where=f"/datalib/purpose/{number}", detail=code)


@cache
def _forbidden() -> frozenset[str]:
    import datalib_vocab

    return frozenset(json.loads(datalib_vocab.read("purposes.json"))["forbidden"])


def emotion_consented(case: Case) -> Answer:
    """KZ-14.2."""
    if case.at("personalData", "emotionLabels") is True and case.at("personalData", "consent", "emotion") is not True:
        yield Hit(where="/datalib/personalData/consent/emotion")


def trained_locally(case: Case) -> Answer:
    """KZ-15.1."""
    if case.text("access", "regime") != "restricted":
        return
    environment = case.text("access", "environment")
    if environment == "open":
        yield Hit(where="/datalib/access/environment", detail=environment)
    elif not environment:
        yield undeclared("access", "environment")


def no_secret(case: Case) -> Answer:
    """KZ-15.2."""
    if case.text("access", "regime") == "state-secret":
        yield Hit(where="/datalib/access/regime")


def _exchanged(case: Case) -> bool:
    return case.at("access", "exchangePlatform") is True


def exchange_without_persons(case: Case) -> Answer:
    """KZ-16.1."""
    if _exchanged(case) and case.present not in {"none", "anonymised", "depersonalised"}:
        yield Hit(where="/datalib/personalData/present", detail=case.present)


def exchange_described(case: Case) -> Answer:
    """KZ-16.2."""
    if not _exchanged(case):
        return
    tables = [mapping(one) for one in items(case.document.get("resources"))]
    parts: Mapping[str, Any] = {
        "description": case.at("description") or case.document.get("description"),
        "resources/schema": all(one.get("schema") for one in tables if str(one.get("format")) in _TABLES) or None,
        "purpose": case.purposes,
        "access.conditions": case.items("access", "conditions"),
    }
    if lacking := missing(parts, parts):
        yield Hit(where="", detail=lacking)


_TABLES: Final = frozenset({"csv", "tsv", "jsonl", "ndjson", "parquet", "arrow", "xlsx"})


def exchange_processed(case: Case) -> Answer:
    """KZ-17.1."""
    if _exchanged(case) and not case.items("quality", "processing"):
        yield Hit(where="/datalib/quality/processing")


def exchange_consented(case: Case) -> Answer:
    """KZ-17.2."""
    if _exchanged(case) and case.at("access", "ownerConsent") is not True:
        yield Hit(where="/datalib/access/ownerConsent")


def no_leak(case: Case) -> Answer:
    """KZ-18."""
    for place, source in case.sources:
        if source.get("origin") == "leak":
            yield Hit(where=f"{place}/origin", detail=str(source.get("title", "")))


def number_fits(case: Case) -> Answer:
    """SG-01."""
    scheme, _, number = str(case.producer.get("id", "")).partition(":")
    kind = case.producer.get("kind")
    digit = number[4:5]
    wrong = (
        (scheme == "kz-bin" and (kind == "individual" or digit < _FIRST_BIN_DIGIT))
        or (scheme == "kz-iin" and kind in ("legal", "state_body"))
        or (scheme == "kz-iin" and digit >= _FIRST_BIN_DIGIT)
    )
    if wrong:
        yield Hit(where="/datalib/producer/id", detail=f"{scheme}, kind: {kind or '?'}, 5: {digit}")


RULES: Final[Mapping[str, Check]] = {
    "KZ-01.1": producer_named,
    "KZ-01.2": producer_kept,
    "KZ-02": producer_organised,
    "KZ-03.1": manifest_valid,
    "KZ-03.2": declarations_formed,
    "KZ-04": chain_holds,
    "KZ-06.1": quality_measured,
    "KZ-06.2": quality_reviewed,
    "KZ-06.3": quality_current,
    "KZ-07.1": access_procedure,
    "KZ-07.2": access_conditions,
    "KZ-09.1": purpose_declared,
    "KZ-09.2": purpose_granted,
    "KZ-10": data_management,
    "KZ-11": state_body,
    "KZ-12": audit_metadata,
    "KZ-13": representative,
    "KZ-14.1": purpose_allowed,
    "KZ-14.2": emotion_consented,
    "KZ-15.1": trained_locally,
    "KZ-15.2": no_secret,
    "KZ-16.1": exchange_without_persons,
    "KZ-16.2": exchange_described,
    "KZ-17.1": exchange_processed,
    "KZ-17.2": exchange_consented,
    "KZ-18": no_leak,
    "SG-01": number_fits,
}
