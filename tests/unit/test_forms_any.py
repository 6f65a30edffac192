"""No form of what a valid manifest may hold makes a form fall over: open objects hold anything."""

import json
import random
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from datalib.errors import Refused
from datalib.forms import html, odt, order196, summary
from datalib.forms.held import Held
from datalib.interop import dta
from datalib.library import manifest
from tests.rules import BASES, merged
from tests.unit.test_dta import known
from tests.unit.test_forms import form
from tests.unit.test_rules import ODD, _places

TODAY = date(2026, 11, 25)


def _fill(library: Held) -> None:
    """Fill in every form."""
    html.write(order196.application(form("application"), "f", [library], today=TODAY))
    for answers in ({"summary": 1}, {"summary": 1, "own": []}):
        odt.write(summary.summary(answers, "f", [library]).page)
    dta.write(known(library.document), {})


@pytest.mark.parametrize("base", [name for name in BASES if name != "$comment"])
def test_no_form_of_a_member_makes_a_form_fall_over(tmp_path: Path, base: str) -> None:
    whole = merged(BASES["plain"], BASES[base])
    dice = random.Random(base)
    library = Held(path=tmp_path, document=whole)
    (tmp_path / "domains.csv").write_text("a.example,5\n")
    filled = 0
    for place in [place for place in _places(whole) if place]:
        document: Any = json.loads(json.dumps(whole))
        *way, last = place
        parent = document
        for step in way:
            parent = parent[step]
        parent[last] = dice.choice(ODD)
        try:
            parsed = manifest.parse_draft(manifest.serialise(document)).document
        except Refused:
            continue
        filled += 1
        with suppress(Refused):  # what is lacking, and a file of domains that is not there
            _fill(replace(library, document=parsed))
    assert filled > 20
