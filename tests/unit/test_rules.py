"""Every rule, with cases that pass it and cases that break it; a file is a test."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datalib.rules import checking
from datalib.rules.case import Case, Gap, Hit
from datalib.rules.checking import RULES
from tests.rules import BASES, VECTORS, case_of, merged

FILES = sorted(VECTORS.glob("*/*/*.json"))


def _answers(rule: str, case: Case) -> list[Hit | Gap]:
    return list(RULES[rule](case))


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_case_gets_the_answer_that_its_folder_names(path: Path) -> None:
    vector = json.loads(path.read_bytes())
    answers = _answers(path.parent.parent.name, case_of(vector))
    assert [answer for answer in answers if isinstance(answer, Gap)] == []
    assert [answer.where for answer in answers if isinstance(answer, Hit)] == vector.get("expect", [])
    assert bool(answers) == (path.parent.name == "reject")


def test_every_rule_has_cases_of_both_kinds() -> None:
    wanted = {(rule, kind) for rule in RULES for kind in ("accept", "reject")}
    assert {(path.parent.parent.name, path.parent.name) for path in FILES} == wanted


@pytest.mark.parametrize("base", [name for name in BASES if name != "$comment"])
def test_nothing_is_found_in_what_the_cases_start_from(base: str) -> None:
    found = checking.check(case_of({"on": base}), sets=checking.SETS)
    assert [finding for finding in found.findings if finding.rule != "EU-07"] == []
    assert found.unasked == ()


@pytest.mark.parametrize(
    ("vector", "rule", "why", "detail"),
    [
        ({"chain": {"verified": False}}, "KZ-04", "chain", ""),
        (
            {"manifest": {"datalib": {"access": {"regime": "restricted"}}}},
            "KZ-15.1",
            "undeclared",
            "access.environment",
        ),
        (  # an ORCID, as an LEI, says nothing of a country
            {
                "on": "personal",
                "chain": {"events": [{"transfer": "orcid:0000000218250097", "time": "2026-06-01T00:00:00Z"}]},
            },
            "PD-16.1",
            "undeclared",
            "personalData.crossBorder",
        ),
        ({"on": "scraped", "chain": None}, "CR-01.1", "draft", "optout"),
        ({"on": "scraped", "chain": {"verified": False}}, "CR-01.1", "chain", ""),
        ({"on": "scraped", "chain": {"verified": False}}, "CR-01.2", "chain", ""),
        ({"on": "scraped", "chain": None}, "EU-01", "draft", "optout"),
        ({"on": "scraped", "chain": {"verified": False}}, "EU-01", "chain", ""),
        ({"manifest": {"datalib": {"rights": None}}}, "CR-03", "undeclared", "rights.containsWorks"),
        (
            {"on": "scraped", "manifest": {"datalib": {"access": {"distribution": None}}}},
            "CR-03",
            "undeclared",
            "access.distribution",
        ),
        (
            {"on": "scraped", "manifest": {"sources": [{"title": "News", "basis": "no_prohibition"}]}},
            "CR-01.4",
            "undeclared",
            "sources.0.collected",
        ),
        ({"register": {"register": 1}}, "RV-01", "undeclared", "register: reviews, risk"),
        ({"found": None}, "PD-01.2", "detectors", ""),
        ({"found": None, "on": "personal"}, "PD-01.3", "detectors", ""),
        ({"found": None, "on": "personal"}, "PD-03.3", "detectors", ""),
        ({"manifest": {"datalib": {"personalData": None}}}, "PD-02", "undeclared", "personalData.present"),
        (
            {
                "on": "personal",
                "chain": None,
                "manifest": {"datalib": {"purpose": ["science"], "access": {"distribution": None}}},
            },
            "PD-12.1",
            "undeclared",
            "access.distribution",
        ),
        (
            {"on": "personal", "manifest": {"datalib": {"personalData": {"uniqueSubjects": None}}}},
            "PD-18.1",
            "undeclared",
            "personalData.uniqueSubjects",
        ),
        (
            {"on": "personal", "manifest": {"datalib": {"personalData": {"uniqueSubjects": None, "operator": True}}}},
            "PD-18.2",
            "undeclared",
            "personalData.uniqueSubjects",
        ),
        (
            {
                "on": "personal",
                "manifest": {"datalib": {"personalData": {"restrictedAccess": True, "recordCount": None}}},
            },
            "PD-19",
            "undeclared",
            "personalData.recordCount",
        ),
        (
            {
                "manifest": {
                    "datalib": {"producer": {"id": "kz-iin:991231500016"}, "access": {"distribution": None}},
                }
            },
            "PD-21",
            "undeclared",
            "access.distribution",
        ),
    ],
)
def test_a_rule_without_its_facts_says_so(vector: dict[str, Any], rule: str, why: str, detail: str) -> None:
    assert Gap(why=why, detail=detail) in _answers(rule, case_of(vector))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.startswith(("PD-08", "PD-1", "PD-23", "RV"))])
def test_without_a_register_no_duty_is_called_done(rule: str) -> None:
    from dataclasses import replace

    case = replace(case_of({"on": "personal"}), deadlines=None)
    if rule in {"PD-08.1", "PD-08.2", "PD-09.1", "PD-10.1", "PD-10.2", "PD-11", "PD-23", "RV-01", "RV-02"}:
        assert _answers(rule, case) == [Gap(why="register")]


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _places(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, (*path, number))


ODD: list[Any] = [None, [], {}, "", "x", 0, -1, 1.5, True, [None], [[]], {"a": 1}, ["a", {"b": []}], "2026-99-99"]


@pytest.mark.parametrize("base", [name for name in BASES if name != "$comment"])
def test_no_form_of_a_member_makes_a_rule_fall_over(base: str) -> None:
    from dataclasses import replace

    case = case_of({"on": base})
    dice = random.Random(base)
    for place in list(_places(merged(BASES["plain"], BASES[base]))):
        document = json.loads(json.dumps(case.document))
        odd = dice.choice(ODD)
        if place:
            *way, last = place
            parent = document
            for step in way:
                parent = parent[step]
            parent[last] = odd
        changed = replace(case, document=document)
        for rule in RULES:
            for answer in RULES[rule](changed):
                assert isinstance(answer.detail, str)


@pytest.mark.parametrize("rule", ["PD-01.2", "PD-01.3", "PD-03.3"])
def test_nothing_found_in_a_part_of_the_data_is_no_answer_for_the_rest(rule: str) -> None:
    case = case_of({"on": "plain" if rule == "PD-01.2" else "personal"})
    assert case.found is not None
    part = replace(case, found=replace(case.found, full=False, unread={"binary": 3, "link": 1}))
    assert _answers(rule, part) == [Gap(why="sampled"), Gap(why="unread", detail="binary: 3, link: 1")]


def test_many_unlisted_columns_are_named_up_to_a_bound() -> None:
    columns = [f"c{number}" for number in range(30)]
    (hit,) = _answers("PD-03.3", case_of({"on": "personal", "found": {"iin": 1}, "columns": columns}))
    assert isinstance(hit, Hit)
    assert hit.detail.endswith("c19, …")
