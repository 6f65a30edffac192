"""Rules on what a provider of a model in the EU has to say of its training data: EU-01 to EU-10.

They are about what the library can give; the provider answers for the summary. Source: Regulation (EU) 2024/1689
art. 10(2), 53(1)(c) and (d); template of the public summary C(2025) 5235; Directive (EU) 2019/790 art. 4.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from datalib.library.declarations import BASES
from datalib.library.modality import SIZES, modalities
from datalib.rules.case import Answer, Case, Check, Gap, Hit, mapping, missing

_OPTOUT: Final = "optout"


def _crawled(case: Case) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return (one for one in case.sources if str(one[1].get("method", "")).startswith(("web-scraping", "social-media")))


def reservations(case: Case) -> Answer:
    """EU-01."""
    settled = [basis for basis in BASES if basis != "no_prohibition"]
    places = [place for place, source in _crawled(case) if source.get("basis") not in settled]
    if not places:
        return
    if case.past is None:
        yield Gap(why="draft", detail=_OPTOUT)
        return
    if case.past.unproved:
        yield Gap(why="chain")
    claimed = case.past.claim(_OPTOUT)
    if claimed is None or claimed[0].result != "pass":
        yield from (Hit(where=place, detail=_OPTOUT) for place in places)


def crawler(case: Case) -> Answer:
    """EU-02."""
    for place, source in _crawled(case):
        if lacking := missing(mapping(source.get("crawler")), ("name", "userAgent", "respects")):
            yield Hit(where=f"{place}/crawler", detail=lacking)


def period(case: Case) -> Answer:
    """EU-03."""
    for place, source in case.sources:
        if lacking := missing(mapping(source.get("collected")), ("from", "to")):
            yield Hit(where=f"{place}/collected", detail=lacking)


def languages(case: Case) -> Answer:
    """EU-04."""
    if modalities(case.document) & {"text", "audio", "video"} and not case.items("languages"):
        yield Hit(where="/datalib/languages")


def link(case: Case) -> Answer:
    """EU-05."""
    for place, source in case.sources:
        if source.get("basis") != "own" and not source.get("path"):
            yield Hit(where=f"{place}/path", detail=str(source.get("title", "")))


def generator(case: Case) -> Answer:
    """EU-06."""
    made = any(str(source.get("method", "")).startswith("machine-generated") for _, source in case.sources)
    if (made or case.number("synthetic", "share")) and not case.text("synthetic", "generator", "name"):
        yield Hit(where="/datalib/synthetic/generator")


def sizes(case: Case) -> Answer:
    """EU-07."""
    said = mapping(case.at("quality", "sizes"))
    lacking = [SIZES[kind] for kind in sorted(modalities(case.document)) if said.get(SIZES[kind]) is None]
    if lacking:
        yield Hit(where="/datalib/quality/sizes", detail=", ".join(lacking))


def illegal_content(case: Case) -> Answer:
    """EU-08."""
    if not case.text("quality", "illegalContent"):
        yield Hit(where="/datalib/quality/illegalContent")


def domains(case: Case) -> Answer:
    """EU-09."""
    if any(_crawled(case)) and not case.text("rights", "domains"):
        yield Hit(where="/datalib/rights/domains")


def original_purpose(case: Case) -> Answer:
    """EU-10."""
    if case.personal and not case.text("personalData", "originalPurpose"):
        yield Hit(where="/datalib/personalData/originalPurpose")


RULES: Final[Mapping[str, Check]] = {
    "EU-01": reservations,
    "EU-02": crawler,
    "EU-03": period,
    "EU-04": languages,
    "EU-05": link,
    "EU-06": generator,
    "EU-07": sizes,
    "EU-08": illegal_content,
    "EU-09": domains,
    "EU-10": original_purpose,
}
