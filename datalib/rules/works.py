"""Rules on works, their authors' prohibitions and synthetic data: CR-01 to CR-05.

Source: AI Law (230-VIII) art. 21(2), 23(3) to 23(5).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from datalib.library.declarations import BASES
from datalib.rules.case import Answer, Case, Check, Gap, Hit, as_date, mapping, undeclared

#: How long a look for prohibitions stands, in seconds: 90 days. Our choice, the law names no term.
FRESH: Final = 90 * 86_400
_OPTOUT: Final = "optout"


def _prohibitable(case: Case) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Pick the sources whose works are taken because nobody forbade it, or for no reason that is named."""
    works = case.at("rights", "containsWorks") is not False
    for place, source in case.sources:
        basis = source.get("basis")
        if basis == "no_prohibition" or (works and basis not in BASES and _scraped(source)):
            yield place, source


def _scraped(source: Mapping[str, Any]) -> bool:
    return str(source.get("method", "")).startswith(("web-scraping", "social-media"))


def prohibition_asked(case: Case) -> Answer:
    """CR-01.1."""
    places = [place for place, _ in _prohibitable(case)]
    if not places:
        return
    if case.past is None:
        yield Gap(why="draft", detail=_OPTOUT)
        return
    if case.past.unproved:
        yield Gap(why="chain")
    if case.past.claim(_OPTOUT) is None:
        yield from (Hit(where=place, detail=_OPTOUT) for place in places)


def prohibition_none(case: Case) -> Answer:
    """CR-01.2."""
    claimed = case.past.claim(_OPTOUT) if case.past else None
    if claimed and claimed[0].result != "pass":
        yield Hit(where="chain.jsonl", detail=f"{_OPTOUT}: {claimed[0].result}")
    elif claimed and case.past and case.past.unproved:
        yield Gap(why="chain")


def prohibition_fresh(case: Case) -> Answer:
    """CR-01.3."""
    claimed = case.past.claim(_OPTOUT) if case.past else None
    if claimed is None or not any(_prohibitable(case)):
        return
    claim, time = claimed
    ended = claim.until is not None and claim.until <= case.now
    if ended or case.now - time > FRESH:
        yield Hit(where="chain.jsonl", detail=str(date.fromordinal(_EPOCH + time // 86_400)))


_EPOCH: Final = date(1970, 1, 1).toordinal()


def prohibition_before(case: Case) -> Answer:
    """CR-01.4."""
    checks = dict[str, list[Mapping[str, Any]]]()
    for check in map(mapping, case.items("rights", "checks")):
        checks.setdefault(str(check.get("source")), []).append(check)
    for place, source in _prohibitable(case):
        collected = mapping(source.get("collected"))
        start = as_date(collected.get("from") or collected.get("to"))
        if start is None:
            yield undeclared("sources", place.rpartition("/")[2], "collected")
        elif not any(_covers(check, start) for check in checks.get(str(source.get("title")), ())):
            yield Hit(where=place, detail=f"rights.checks, {start}")


def _covers(check: Mapping[str, Any], start: date) -> bool:
    checked = as_date(check.get("checked"))
    if checked is None:
        return False
    return checked <= start or (check.get("retro") is True and bool(check.get("reason")))


def basis_named(case: Case) -> Answer:
    """CR-02.1."""
    for place, source in case.sources:
        if not source.get("basis"):
            yield Hit(where=f"{place}/basis")


def basis_allowed(case: Case) -> Answer:
    """CR-02.2."""
    for place, source in case.sources:
        if source.get("basis") and source["basis"] not in BASES:
            yield Hit(where=f"{place}/basis", detail=str(source["basis"])[:80])


def licence_named(case: Case) -> Answer:
    """CR-02.3."""
    for place, source in case.sources:
        if source.get("basis") == "licence" and not source.get("license"):
            yield Hit(where=f"{place}/license")


def redistribution(case: Case) -> Answer:
    """CR-03."""
    works = case.at("rights", "containsWorks")
    if case.text("rights", "redistribution") == "yes" or works is False:
        return
    distribution = case.text("access", "distribution")
    if distribution == "public" and works is True:
        yield Hit(where="/datalib/rights/redistribution", detail=case.text("rights", "redistribution"))
    elif works is None:
        yield undeclared("rights", "containsWorks")
    elif not distribution:
        yield undeclared("access", "distribution")


def prompts(case: Case) -> Answer:
    """CR-04."""
    if case.at("rights", "containsPrompts") is True and not case.text("rights", "promptRights"):
        yield Hit(where="/datalib/rights/promptRights")


def _imitates(case: Case) -> bool:
    return case.text("synthetic", "imitates") in {"person", "event"}


def synthetic_marked(case: Case) -> Answer:
    """CR-05.1."""
    if _imitates(case) and not case.text("synthetic", "mark", "standard"):
        yield Hit(where="/datalib/synthetic/mark", detail=case.text("synthetic", "imitates"))


def synthetic_warned(case: Case) -> Answer:
    """CR-05.2."""
    lacking = [lang for lang in ("kk", "ru") if not case.text("synthetic", "warning", lang)]
    if _imitates(case) and lacking:
        yield Hit(where="/datalib/synthetic/warning", detail=", ".join(lacking))


def synthetic_described(case: Case) -> Answer:
    """CR-05.3."""
    if any(str(source.get("method", "")).startswith(_MADE) for _, source in case.sources):
        lacking = [name for name in ("generator", "imitates") if not case.at("synthetic", name)]
        if lacking:
            yield Hit(where="/datalib/synthetic", detail=", ".join(lacking))


_MADE: Final = ("machine-generated-mlops-synthetic", "machine-generated-mlops-generative", "simulations")


RULES: Final[Mapping[str, Check]] = {
    "CR-01.1": prohibition_asked,
    "CR-01.2": prohibition_none,
    "CR-01.3": prohibition_fresh,
    "CR-01.4": prohibition_before,
    "CR-02.1": basis_named,
    "CR-02.2": basis_allowed,
    "CR-02.3": licence_named,
    "CR-03": redistribution,
    "CR-04": prompts,
    "CR-05.1": synthetic_marked,
    "CR-05.2": synthetic_warned,
    "CR-05.3": synthetic_described,
}
