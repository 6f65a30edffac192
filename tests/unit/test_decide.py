import json

import pytest

import datalib_vocab
from datalib.optout import decide as module
from datalib.optout.decide import Decision, Known, Profile, decide
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State, Verdict
from datalib.optout.statement import Evidence

ASKED = Known(required=frozenset({"robots.txt"}), asked=frozenset({"robots.txt"}))


def signal(name: str, state: State, *categories: str) -> Signal:
    evidence = Evidence(locator="x", sha256="0" * 64)
    strict = Reading.of(state, *(categories or ("train_gen",)))
    return evidence.signal(name, Carrier.LOCATION, "", spec=NOTHING, strict=strict)


def test_silence_admits_when_everything_was_asked() -> None:
    assert decide([], ASKED, Profile.KZ) == Decision(verdict=Verdict.ADMIT, reason="no-prohibition")


def test_a_work_whose_carrier_was_not_asked_is_held() -> None:
    known = Known(required=frozenset({"page", "tdmrep.json", "robots.txt"}), asked=frozenset({"robots.txt"}))
    assert decide([], known, Profile.EU) == Decision(verdict=Verdict.HOLD, reason="not-asked-tdmrep-json")
    assert decide([], Known(required=frozenset({"page"})), Profile.KZ).reason == "not-asked-page"


@pytest.mark.parametrize(
    ("state", "verdict", "reason"),
    [
        (State.DENY, Verdict.REFUSE, "tdmrep"),
        (State.HOLD, Verdict.HOLD, "tdmrep-hold"),
        (State.CONDITIONAL, Verdict.REFUSE, "tdmrep-licence"),
        (State.ALLOW, Verdict.ADMIT, "no-prohibition"),
    ],
)
def test_the_strongest_state_decides(state: State, verdict: Verdict, reason: str) -> None:
    assert decide([signal("tdmrep", state)], ASKED, Profile.KZ) == Decision(verdict=verdict, reason=reason)


def test_a_denial_is_not_softened_by_anything() -> None:
    known = Known(required=frozenset({"robots.txt"}), licensed=True, basis=True)
    signals = [signal("content-signal", State.ALLOW), signal("x-robots-tag", State.DENY), signal("tdmrep", State.HOLD)]
    assert decide(signals, known, Profile.KZ).reason == "x-robots-tag"


def test_a_licence_lifts_only_what_is_conditional() -> None:
    licensed = Known(licensed=True)
    offer = [signal("rsl-license", State.CONDITIONAL)]
    assert decide(offer, licensed, Profile.KZ) == Decision(verdict=Verdict.ADMIT, reason="licence-covers")
    assert decide(offer, licensed, Profile.STRICT).verdict is Verdict.ADMIT
    assert decide([*offer, signal("tdmrep", State.HOLD)], licensed, Profile.KZ).verdict is Verdict.HOLD


def test_a_missing_carrier_outweighs_an_offered_licence() -> None:
    known = Known(required=frozenset({"robots.txt"}), licensed=True)
    assert decide([signal("rsl-license", State.CONDITIONAL)], known, Profile.KZ).reason == "not-asked-robots-txt"


def test_categories_that_are_not_tested_do_not_decide() -> None:
    assert decide([signal("x-robots-tag", State.DENY, "search")], ASKED, Profile.KZ).verdict is Verdict.ADMIT


def test_profiles_have_their_own_basis_rules() -> None:
    assert decide([], ASKED, Profile.STRICT) == Decision(verdict=Verdict.REFUSE, reason="no-basis")
    assert decide([], Known(basis=True), Profile.STRICT).verdict is Verdict.ADMIT
    assert decide([], Known(lawful_access=False), Profile.EU).reason == "no-lawful-access"
    assert decide([], Known(lawful_access=False), Profile.KZ).verdict is Verdict.ADMIT
    assert Profile.KZ.required < Profile.EU.required < Profile.STRICT.required


def test_the_reason_does_not_depend_on_the_order_of_signals() -> None:
    signals = [signal("tdmrep", State.DENY), signal("robots-ai-token", State.DENY), signal("new-signal", State.DENY)]
    reasons = {decide(order, ASKED, Profile.KZ).reason for order in (signals, signals[::-1], signals[1:] + signals[:1])}
    assert reasons == {"robots-ai-token"}


def test_every_reason_has_its_texts() -> None:
    texts = json.loads(datalib_vocab.read("reasons.json"))
    codes = {module.ADMITTED, module.ADMITTED_LICENCE, module.NO_BASIS, module.NO_ACCESS}
    codes |= {module.NO_URL, module.NO_HOST, module.DAMAGED, module.ARCHIVE_CUT, module.BODY_UNREADABLE}
    codes |= {module.INCOMPLETE, module.TOO_LARGE, module.SITE_FILE, module.ARCHIVE_CLOSED}
    codes |= {module.NO_FILE, module.NO_SITE}
    codes |= {name + suffix for name in module.SIGNALS for suffix in ("", "-hold", "-licence")}
    codes |= {module.not_asked(name) for name in (*module.LOCATION_FILES, "transfer", "page", "unit", "registry")}
    assert set(texts) == codes
    assert all(set(text) == {"en", "kk", "ru"} and all(text.values()) for text in texts.values())
