from typing import Any

import pytest

from datalib.optout import declared
from datalib.optout.model import NOTHING, State
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="x", sha256="0" * 64)


@pytest.mark.parametrize("reader", [declared.onix, declared.tdm_ai, declared.user_intents, declared.erc7517])
@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"a": "b"}, {1: 2}])
def test_what_says_nothing_gives_no_signal(reader: Any, value: object) -> None:
    assert reader(value, EVIDENCE) == ()


def test_onix_usages() -> None:
    (limited,) = declared.onix({"EpubUsageType": "11", "EpubUsageStatus": "02"}, EVIDENCE)
    assert limited.spec.tdm is State.CONDITIONAL
    assert limited.strict.train_gen is State.CONDITIONAL
    (odd,) = declared.onix({"EpubUsageType": "11", "EpubUsageStatus": "9"}, EVIDENCE)
    assert (odd.spec, odd.strict.train_any) == (NOTHING, State.HOLD)
    (private,) = declared.onix({"EpubUsageType": "13", "EpubUsageStatus": "01"}, EVIDENCE)
    assert (private.strict.ai_input, private.strict.tdm) == (State.ALLOW, State.UNKNOWN)
    (refused,) = declared.onix({"EpubUsageType": "14", "EpubUsageStatus": "03"}, EVIDENCE)
    assert (refused.spec.tdm, refused.strict.train_gen) == (State.UNKNOWN, State.DENY)


def test_tdm_ai_declarations() -> None:
    (signal,) = declared.tdm_ai({"AI Training": "usageReservation", "x": 1, "TDM": "?"}, EVIDENCE)
    assert (signal.spec.train_gen, signal.spec.tdm) == (State.DENY, State.UNKNOWN)
    assert (signal.strict.train_any, signal.strict.tdm) == (State.DENY, State.UNKNOWN)


def test_user_intents() -> None:
    (signal,) = declared.user_intents({"syntheticContentGeneration": False, "bulkDataset": {"allow": True}}, EVIDENCE)
    assert (signal.spec.train_gen, signal.spec.train_any) == (State.DENY, State.UNKNOWN)
    assert signal.strict.train_any is State.DENY
    (spelled,) = declared.user_intents({"org.user-intents.syntheticContentGeneration": {"allow": False}}, EVIDENCE)
    assert spelled.strict.train_gen.label == "deny"
    (odd,) = declared.user_intents({"bulkDataset": {"allow": "no"}}, EVIDENCE)
    assert (odd.spec, odd.strict.train_gen) == (NOTHING, State.HOLD)
    assert declared.user_intents({"$type": "other", "bulkDataset": {"allow": False}}, EVIDENCE) == ()


def test_token_metadata() -> None:
    (signal,) = declared.erc7517({"aiTraining": "constrained", "dataMining": None, "aiInference": "?"}, EVIDENCE)
    assert signal.spec.train_any is State.CONDITIONAL
    assert signal.strict.train_gen is State.DENY
    assert signal.strict.ai_input is State.HOLD
