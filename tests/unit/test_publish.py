"""The forms that are printed for publication, read by our own readers: each denies what was declared."""

import io
import json
import re
from collections.abc import Iterable
from itertools import combinations

import pytest

from datalib.optout import agents, publish
from datalib.optout.answers import ROBOTS, TDMREP, Answer
from datalib.optout.declaration import Declaration, declare
from datalib.optout.judge import OriginJudge, judge_headers, judge_page
from datalib.optout.model import CATEGORIES, NOTHING, Reading, Signal, State
from datalib.optout.publish import Form
from datalib.optout.refusal import Refusal
from datalib.optout.statement import Evidence
from datalib.optout.training_mining import read_assertions
from datalib.optout.unit import read_unit
from tests.libraries import key
from tests.scanning import AGENT, NOW, TABLE
from tests.unit.test_declaration import POET

EVIDENCE = Evidence(locator="x", sha256="0" * 64)
LICENCE = 'https://e.x/licence?a=1&b="2"'
CHOICES = [deny for count in range(1, 8) for deny in combinations(CATEGORIES, count)]


def declared(deny: Iterable[str], *about: str, licence: str = "") -> Declaration:
    return declare(about or ("e.x",), holder=POET, key=key("poet"), now=NOW, deny=tuple(deny), licence=licence)[0]


def printed(said: Declaration) -> dict[str, str]:
    return {form.name: form.text for form in publish.forms(said, agents.default()).forms}


def site(robots: str | None, tdmrep: str | None) -> OriginJudge:
    answers = [
        None if body is None else Answer(origin="https://e.x", path=path, status=200, body=body.encode())
        for path, body in ((ROBOTS, robots), (TDMREP, tdmrep))
    ]
    return OriginJudge(answers[0], answers[1], AGENT, TABLE)


def denied(signals: Iterable[Signal], *, letter: bool = False) -> set[str]:
    together = NOTHING
    for signal in signals:
        together |= signal.spec if letter else signal.strict
    return {name for name in CATEGORIES if together[name] is State.DENY}


def lines(text: str) -> list[tuple[str, str]]:
    pairs = [line.partition(": ") for line in text.splitlines()]
    return [(name, value) for name, _, value in pairs]


@pytest.mark.parametrize("licence", ["", LICENCE])
@pytest.mark.parametrize("deny", CHOICES, ids="-".join)
def test_each_form_denies_what_was_declared_as_far_as_it_can_say_it(deny: tuple[str, ...], licence: str) -> None:
    said = declared(deny, licence=licence)
    wanted = {name for name in CATEGORIES if said.refused[name] is State.DENY}
    shown = printed(said)
    # Names of crawlers and noai cannot tell kinds of training apart, and cover input; nobody may crawl is all uses.
    training = {"train_any", "train_gen", "ai_input"} if "train_gen" in wanted else set()
    wide = set(CATEGORIES) if "crawl" in wanted else training
    found = {
        "robots.txt": denied(site(shown.get("robots.txt"), None).judge("/a?b")),
        "tdmrep.json": denied(site(None, shown.get("tdmrep.json")).judge("/a?b")),
        "headers": denied(judge_headers(lines(shown.get("headers", "")), AGENT, EVIDENCE)),
        "meta": denied(judge_page(f"<html><head>{shown.get('meta', '')}".encode(), AGENT, TABLE, EVIDENCE)),
        "xmp": packet_denies(shown.get("xmp", "")),
    }
    says = {
        "robots.txt": {"crawl", "train_any", "train_gen", "ai_input", "search"},
        "tdmrep.json": {"tdm", "train_any", "train_gen", "ai_index"} if "tdm" in wanted else set(),
        "headers": set(CATEGORIES) - {"crawl", "ai_index", *(() if "tdm" in wanted else ("tdm",))},
        "meta": {"tdm", "train_any", "train_gen", "search"},
        "xmp": {"tdm", "train_any", "train_gen"},
    }
    for name, reading in found.items():
        assert says[name] & wanted <= reading, name
        assert reading <= wanted | (wide if name == "robots.txt" else training | _noindex(name, wanted)), name
    assertions = json.loads(shown["c2pa"])["assertions"] if "c2pa" in shown else []
    mined = read_assertions(assertions)
    exact = wanted & {"tdm", "train_any", "train_gen", "ai_input"}
    assert {name for name in CATEGORIES if mined.spec[name] is State.DENY} - {"ai_index"} == exact
    assert ("tdmrep.json" in shown) == ("tdm" in wanted)
    if licence and "tdm" in wanted:
        assert json.loads(shown["tdmrep.json"])[0]["tdm-policy"] == licence
        assert f"tdm-policy: {licence}" in shown["headers"]
        assert "&quot;2&quot;" in shown["meta"]


def _noindex(name: str, wanted: set[str]) -> set[str]:
    """A page that is not to be found is not to be collected: how the strict reading takes ``noindex``."""
    return set(CATEGORIES) if name in {"headers", "meta"} and "search" in wanted else set()


def packet_denies(text: str) -> set[str]:
    data = text.encode()
    return denied(read_unit(io.BytesIO(data), len(data), "a.xmp").signals) if text else set()


def test_patterns_name_the_declared_paths_and_no_others() -> None:
    said = declared(["tdm"], "https://e.x/a/", "https://e.x/b*", "https://e.x/c.html", "https://e.x/қ$", "10.1000/q")
    shown = printed(said)
    judge = site(shown["robots.txt"], shown["tdmrep.json"])
    named = ["/a/", "/a/1?q", "/b", "/bb/c", "/c.html", "/%D2%9B$"]
    for target in named:
        assert {"tdm", "train_any", "train_gen"} <= denied(judge.judge(target)), target
    for target in ("/", "/a", "/c.htmlx", "/c.html/1", "/d"):
        assert denied(judge.judge(target)) == set(), target
    assert "Content-Signal" not in shown["robots.txt"]  # which speaks of whole sites


def test_each_host_has_its_files_and_odd_hosts_lead_nowhere_else() -> None:
    said = declared(["tdm"], "e.y", "https://e.x:8443/a/", "https://../a", "https://[::1]/")
    found = publish.forms(said, agents.default()).forms
    places = {form.host: form.path for form in found if form.name == "robots.txt"}
    assert places["e.y"] == "e.y/robots.txt"
    assert places["e.x:8443"] == "e.x_8443/robots.txt"
    assert all(not re.search(r"(^|/)\.\.(/|$)", path) for path in places.values())
    assert {form.path for form in found if form.name == "tdmrep.json"} >= {"e.y/.well-known/tdmrep.json"}


def test_what_is_left_out_is_said() -> None:
    only = publish.forms(declared(["train_any"], "sha256:" + "a" * 64), agents.default())
    assert only.left_out == {"robots.txt": "place", "tdmrep.json": "tdm"}
    assert {form.name for form in only.forms} == {"headers", "meta", "xmp", "c2pa"}
    assert publish.forms(declared(["tdm"]), agents.default()).left_out == {}


def test_forms_are_small_and_the_same_every_time() -> None:
    first, again = (publish.forms(declared(["train_gen"]), agents.default()) for _ in range(2))
    assert first == again
    assert isinstance(first.forms[0], Form)
    assert Refusal(reading=Reading.of(State.DENY, "crawl")).mining == ""


def test_a_policy_without_mining_is_not_offered() -> None:
    shown = printed(declared(["train_any"], licence="https://e.x/l"))
    assert not any("e.x/l" in text for text in shown.values())
