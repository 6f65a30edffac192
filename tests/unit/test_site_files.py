import pytest

from datalib.optout import site_files
from datalib.optout.model import NOTHING, State
from datalib.optout.site_files import AI_TXT, AI_TXT_WELL_KNOWN, TRUST_TXT, TRUST_TXT_WELL_KNOWN
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="/ai.txt", sha256="0" * 64)
UNKNOWN, ALLOW, CONDITIONAL, HOLD, DENY = State


def ai(text: str, target: str = "/a.jpg") -> tuple[State, State]:
    said = site_files.parse_ai_txt(text.encode()).say(target)
    return said.spec, said.strict


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("User-Agent: *\nDisallow: *.jpg\n", "/a.jpg", (DENY, DENY)),
        ("User-Agent: *\nDisallow: *.jpg\n", "/a.jpg2", (UNKNOWN, UNKNOWN)),
        ("User-Agent: *\nDisallow: *.jpg\n", "/a.JPG/large", (DENY, DENY)),
        ("User-Agent: *\nDisallow: *.jpg\n", "/a%2Ejpg", (DENY, DENY)),
        ("Disallow: .jpg", "/a.jpg", (DENY, DENY)),
        ("User-Agent: *\nDisallow: *\nAllow: *.jpg\n", "/a.jpg?x=1", (ALLOW, ALLOW)),
        ("User-Agent: *\nDisallow: *\nAllow: *.jpg\n", "/?f=a.jpg", (DENY, DENY)),
        ("User-Agent: *\nDisallow: /\nAllow: /\n", "/a", (DENY, DENY)),
        ("User-Agent: *\nAllow: /\n", "/a", (ALLOW, ALLOW)),
        ("User-Agent: *\nAllow: /\n", "/a.jpg", (UNKNOWN, UNKNOWN)),
        ("User-Agent: *\nDisallow: /Private/\n", "/private/a", (DENY, DENY)),
        ("User-Agent: Bot\nDisallow: /\n", "/a", (UNKNOWN, DENY)),
        ("User-Agent: Bot\nAllow: /\n", "/a", (UNKNOWN, UNKNOWN)),
        ("User-Agent: Bot\nUser-Agent: *\nDisallow: /\n", "/a", (DENY, DENY)),
        ("User-Agent: *\nDisallow:\n", "/a", (UNKNOWN, UNKNOWN)),
        ("User-Agent: *\nDisallow: image/jpeg\n", "/a", (UNKNOWN, HOLD)),
        ("<html><body>Disallow: /\n", "/a", (UNKNOWN, UNKNOWN)),
        ("We are a company.\n", "/a", (UNKNOWN, UNKNOWN)),
    ],
)
def test_rules_for_file_endings(text: str, target: str, expected: tuple[State, State]) -> None:
    assert ai(text, target) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Training: deny  # no\n", (DENY, DENY)),
        ("TRAINING: No\n", (UNKNOWN, DENY)),
        ("Training: allow", (ALLOW, ALLOW)),
        ("Training: perhaps", (UNKNOWN, HOLD)),
        ("Training:", (UNKNOWN, HOLD)),
        ("Training: allow\nAgent: GPTBot\n  Training: deny", (ALLOW, DENY)),
        ("Training: deny\nAgent: GPTBot\n  Training: allow", (DENY, DENY)),
        ("Training: allow\nAgent: *\n  Training: deny", (DENY, DENY)),
        ("Site-Name: x\nSite-URL: https://e.x\nIndexing: allow", (DENY, DENY)),
        ("Training: conditional\nTraining-Allow: /a*", (ALLOW, ALLOW)),
        ("Training: conditional\nTraining-Allow: a*\nTraining-Fee: https://e.x/f", (CONDITIONAL, CONDITIONAL)),
        ("Training: conditional\nTraining-Allow: /**\nTraining-Deny: /a*", (DENY, DENY)),
        ("Training: conditional\nTraining-Allow: /b*", (CONDITIONAL, CONDITIONAL)),
        ("Training: deny\nTraining-Allow: /*", (DENY, DENY)),
    ],
)
def test_training_of_the_well_known_dialect(text: str, expected: tuple[State, State]) -> None:
    assert ai(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("datatrainingallowed=no", (DENY, DENY)),
        ("DataTrainingAllowed = YES", (ALLOW, ALLOW)),
        ("datatrainingallowed: no", (UNKNOWN, DENY)),
        ("data-training-allowed=false", (UNKNOWN, DENY)),
        ("datatrainingallowed=", (UNKNOWN, HOLD)),
        ("datatrainingallowed=yes\ndatatrainingallowed=no", (DENY, DENY)),
        ("# datatrainingallowed=no", (UNKNOWN, UNKNOWN)),
        ("<!DOCTYPE html>\ndatatrainingallowed=no", (UNKNOWN, UNKNOWN)),
    ],
)
def test_trust_txt(text: str, expected: tuple[State, State]) -> None:
    said = site_files.parse_trust_txt(text.encode()).say("/")
    assert (said.spec, said.strict) == expected


def test_files_are_told_by_their_places() -> None:
    assert {type(site_files.parse(path, b"")).__name__ for path in (AI_TXT, AI_TXT_WELL_KNOWN)} == {"AiTxt"}
    assert {type(site_files.parse(path, b"")).__name__ for path in (TRUST_TXT, TRUST_TXT_WELL_KNOWN)} == {"TrustTxt"}
    assert site_files.parse("/robots.txt", b"") is None


@pytest.mark.parametrize("path", [AI_TXT, TRUST_TXT])
def test_a_file_beyond_the_bound_is_held(path: str) -> None:
    file = site_files.parse(path, b"x" * (site_files.MAX_BYTES + 1))
    assert file is not None
    assert file.uniform
    (signal,) = site_files.signals(file, "/", EVIDENCE)
    assert signal.strict.train_any is State.HOLD
    assert signal.spec == NOTHING
    assert site_files.parse_ai_txt(b"Disallow: /a\n" * (site_files.MAX_RULES + 1)).say("/").strict is State.HOLD


def test_a_signal_names_its_line() -> None:
    file = site_files.parse_ai_txt("\ufeffUser-Agent: *\r\nDisallow: *.png\rDisallow: /\n".encode("utf-16"))
    assert file.uniform
    (signal,) = site_files.signals(file, "/x.png", EVIDENCE)
    assert (signal.signal, signal.locator, signal.raw) == ("ai-txt", "/ai.txt#L3", "Disallow: /")
    assert site_files.signals(site_files.parse_trust_txt(b"a=b"), "/", EVIDENCE) == ()
    assert not site_files.parse_ai_txt(b"Disallow: *.png").uniform
