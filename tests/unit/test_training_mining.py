from typing import Any

import pytest

from datalib.optout.model import CATEGORIES
from datalib.optout.training_mining import Training, concerns, quote, read_assertions


def read(data: Any, label: str = "cawg.training-mining") -> Training:
    return read_assertions([{"label": label, "data": data}])


def said(training: Training) -> tuple[dict[str, str], dict[str, str]]:
    return tuple(
        {n: r[n].label for n in CATEGORIES if r[n].label != "unknown"} for r in (training.spec, training.strict)
    )  # type: ignore[return-value]  # two readings


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("cawg.training-mining", True),
        ("c2pa.training-mining", True),
        ("c2pa.training-mining__12", True),
        ("cawg.training-and-data-mining.v1", True),
        ("cawg.data-mining", True),
        ("CAWG.Training_Mining", True),
        ("com.example.no-ai", True),
        ("c2pa.actions.v2", False),
        ("c2pa.hash.data", False),
        ("metadata", False),
        ("", False),
    ],
)
def test_labels_are_known_in_every_form(label: str, meant: bool) -> None:
    assert concerns(label) is meant
    assert read({"entries": {"c2pa.ai_training": {"use": "notAllowed"}}}, label).found is meant


@pytest.mark.parametrize(
    ("use", "spec", "strict"),
    [
        ({"use": "notAllowed"}, "deny", "deny"),
        ({"use": "allowed"}, "allow", "allow"),
        ({"use": "constrained"}, "deny", "deny"),
        ({"use": "constrained", "constraint_info": " "}, "deny", "deny"),
        ({"use": "constrained", "constraint_info": 7}, "deny", "deny"),
        ({"use": "constrained", "constraint_info": "https://e.x"}, "conditional", "conditional"),
        ({"use": "not_allowed"}, "unknown", "deny"),
        ({"use": "NOTALLOWED"}, "unknown", "deny"),
        ({"use": "prohibited"}, "unknown", "deny"),
        ({"use": False}, "unknown", "deny"),
        ("notAllowed", "unknown", "deny"),
        (False, "unknown", "deny"),
        ({"use": "Allowed"}, "unknown", "hold"),
        ({"use": True}, "unknown", "hold"),
        ("allowed", "unknown", "hold"),
        ("constrained", "unknown", "deny"),
        ({"use": "perhaps"}, "unknown", "hold"),
        ({"use": None}, "unknown", "hold"),
        ({}, "unknown", "hold"),
        (7, "unknown", "hold"),
    ],
)
def test_uses(use: Any, spec: str, strict: str) -> None:
    read_ = read({"entries": {"cawg.ai_generative_training": use}})
    assert (read_.spec.train_gen.label, read_.strict.train_gen.label) == (spec, strict)


def test_entries_are_independent_to_the_letter_and_flow_down_strictly() -> None:
    everything = {"tdm": "deny", "train_any": "deny", "train_gen": "deny", "ai_index": "deny"}
    for key, spec, strict in (
        ("cawg.data_mining", {"tdm": "deny"}, everything),
        ("c2pa.ai_training", {"train_any": "deny"}, {"train_any": "deny", "train_gen": "deny"}),
        ("cawg.ai_generative_training", {"train_gen": "deny"}, {"train_gen": "deny"}),
        ("cawg.ai_inference", {"ai_input": "deny"}, {"ai_input": "deny"}),
    ):
        assert said(read({"entries": {key: {"use": "notAllowed"}}})) == (spec, strict)


@pytest.mark.parametrize(
    ("data", "spec", "strict"),
    [
        ({"cawg.ai_generative_training": {"use": "notAllowed"}}, "deny", "deny"),
        ({"entries": [{"key": "cawg.ai_generative_training", "use": "notAllowed"}]}, "unknown", "deny"),
        ({"entries": [{"use": "notAllowed"}]}, "unknown", "hold"),
        ({"entries": ["notAllowed"]}, "unknown", "hold"),
        ({"entries": "x"}, "unknown", "hold"),
        ({"entries": {"cawg.something_new": {"use": "notAllowed"}}}, "unknown", "hold"),
        ({"entries": {"cawg.something_new": {"use": "allowed"}}}, "unknown", "unknown"),
        ({"entries": {}, "metadata": {"a": 1}}, "unknown", "unknown"),
        ({}, "unknown", "unknown"),
        ([], "unknown", "hold"),
        (None, "unknown", "hold"),
    ],
)
def test_forms_of_data(data: Any, spec: str, strict: str) -> None:
    read_ = read(data)
    assert read_.found
    assert (read_.spec.train_gen.label, read_.strict.train_gen.label) == (spec, strict)


def test_an_allowance_can_be_dropped_and_a_denial_cannot() -> None:
    mixed = read({"entries": {"cawg.ai_training": {"use": "allowed"}, "cawg.data_mining": {"use": "notAllowed"}}})
    assert mixed.without_allowances().strict.train_any.label != "allow"
    allowed = read({"entries": {"cawg.ai_training": {"use": "allowed"}}})
    assert allowed.allows
    assert said(allowed.without_allowances()) == ({"train_any": "allow"}, {})
    assert not read_assertions([]).found


def test_a_quote_is_one_line() -> None:
    assert quote({"label": "x", "data": {"ж": b"1"}, "more": 1}) == '{"data": {"ж": "b\'1\'"}, "label": "x"}'
