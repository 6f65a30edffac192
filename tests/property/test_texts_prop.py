"""Whatever a text holds, it is read to an end, and a refusal in it is never lost to what stands round it."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.optout import texts
from datalib.optout.model import NOTHING, State
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="a", sha256="00" * 32)
NAMES = st.sampled_from(["LICENSE", "a.json", "a.py", "COPYING.md", "a"])
VALUES = st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=9)  # fmt: skip


def strongest(name: str, data: bytes) -> State:
    strict = NOTHING
    for signal in texts.signals(name, data, EVIDENCE):
        strict |= signal.strict
    return strict.tested


@settings(max_examples=100, deadline=None)
@given(NAMES, st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_to_an_end(name: str, data: bytes) -> None:
    strongest(name, data)
    strongest(name, b'{"dataMiningPreference": ' + data)


@settings(max_examples=50, deadline=None)
@given(NAMES, st.text("ab \n#/*", max_size=80), st.text("ab \n#/*", max_size=80))
def test_a_tag_that_refuses_is_found_wherever_it_stands(name: str, before: str, after: str) -> None:
    text = f"{before}\nSPDX-License-Identifier: LicenseRef-NoAI\n{after}"
    assert strongest(name, text.encode()) is State.DENY


@settings(max_examples=50, deadline=None)
@given(VALUES, VALUES)
def test_a_preference_is_found_at_any_depth(one: object, other: object) -> None:
    value = [one, {"x": {"dataMiningPreference": {"aiTraining": "notAllowed"}, "y": other}}]
    assert strongest("a.json", json.dumps(value).encode()) is State.DENY
