import pytest

from datalib.optout.data_mining import READINGS, VOCABULARY, judge_value
from datalib.optout.model import CATEGORIES, NOTHING, State


@pytest.mark.parametrize("code", READINGS)
def test_codes_of_the_vocabulary_are_the_letter(code: str) -> None:
    said = judge_value(f" {VOCABULARY}{code}\n")
    assert (said.code, said.spec, said.strict) == (code, READINGS[code], READINGS[code])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("DMI-PROHIBITED", "DMI-PROHIBITED"),
        ("dmi-prohibited-aimltraining", "DMI-PROHIBITED-AIMLTRAINING"),
        ("https://ns.useplus.org/ldf/vocab/DMI-PROHIBITED", "DMI-PROHIBITED"),
        ("http://ns.useplus.org/ldf/value/DMI-PROHIBITED/", "DMI-PROHIBITED"),
        ("http://other.example/x#DMI-ALLOWED", "DMI-ALLOWED"),
        ("Prohibited for AI/ML training", "DMI-PROHIBITED-AIMLTRAINING"),
        ("Prohibited for Generative AI/ML training", "DMI-PROHIBITED-GENAIMLTRAINING"),
        ("Prohibited, see plus:OtherConstraints", "DMI-PROHIBITED-SEECONSTRAINT"),
        ("ProhibitedAiMlTraining", "DMI-PROHIBITED-AIMLTRAINING"),
        ("Unspecified - no prohibition defined", "DMI-UNSPECIFIED"),
        ("Allowed", "DMI-ALLOWED"),
    ],
)
def test_other_spellings_are_meant_but_not_the_letter(value: str, code: str) -> None:
    said = judge_value(value)
    assert (said.code, said.spec, said.strict) == (code, NOTHING, READINGS[code])


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("DMI-PROHIBITED-SOMETHINGNEW", State.DENY),
        (VOCABULARY + "DMI-PROHIBITED-X", State.DENY),
        ("Prohibited except for search engine indexing", State.DENY),
        ("DMI-FOO", State.HOLD),
        ("", State.HOLD),
        ("ask me", State.HOLD),
    ],
)
def test_unknown_values_fail_closed(value: str, state: State) -> None:
    said = judge_value(value)
    assert (said.code, said.spec, said.strict.tested) == (None, NOTHING, state)


def test_what_codes_mean() -> None:
    search = READINGS["DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING"]
    assert {name: search[name].label for name in CATEGORIES} == {
        "crawl": "unknown", "tdm": "deny", "train_any": "deny", "train_gen": "deny", "ai_input": "deny",
        "ai_index": "deny", "search": "allow",
    }  # fmt: skip
    assert READINGS["DMI-PROHIBITED-GENAIMLTRAINING"].train_any is State.UNKNOWN
    assert READINGS["DMI-PROHIBITED-AIMLTRAINING"].train_gen is State.DENY
