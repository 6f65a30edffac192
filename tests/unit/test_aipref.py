import pytest

from datalib.optout import aipref
from datalib.optout.model import Reading, State
from datalib.optout.robots import parse as parse_robots
from datalib.optout.statement import ALL_USES, Evidence

EVIDENCE = Evidence(locator="https://e.x/robots.txt", sha256="0" * 64)


def strict_of(robots: str, target: str = "/", agent: str = "MyBot") -> Reading:
    usage = aipref.robots_usage(parse_robots(robots.encode()), agent)
    signals = aipref.robots_signals(usage, target, EVIDENCE)
    return signals[0].strict if signals else Reading()


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("train-ai=n", {"train_any", "train_gen"}),
        ("train-genai=n", {"train_gen"}),
        ("genai=n", {"train_gen"}),
        ("ai=n", {"train_any", "train_gen"}),
        ("ai-use=n", {"ai_input"}),
        ("inference=n", {"ai_input"}),
        ("search=n", {"search"}),
        ("bots=n", set(ALL_USES)),
        ("all=n, search=y", set(ALL_USES) - {"search"}),
        ("train-ai=n, train-ai=y", {"train_any", "train_gen"}),
        ("other=y", set()),
    ],
)
def test_labels_of_every_draft_deny_strictly(text: str, denied: set[str]) -> None:
    states = aipref.parse(text).strict()
    assert {name for name, state in states.items() if state is State.DENY} == denied
    assert not aipref.parse(text).hold


@pytest.mark.parametrize(
    "text", ["train-ai=N", "train-ai", "train-ai=(n)", "Train-AI=n", "train-ai=n,", "ai-train=no", "x=0"]
)
def test_what_cannot_be_read_holds(text: str) -> None:
    assert aipref.parse(text).hold


def test_retired_labels_say_nothing_to_the_letter() -> None:
    assert set(aipref.parse("bots=n").spec().values()) == {State.UNKNOWN}
    assert aipref.parse("bots=n").spec("vocab-04")["bots"] is State.DENY


def test_the_longest_path_wins_per_label() -> None:
    text = "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /ok/ train-ai=y\nContent-Usage: /ok/x search=n\n"
    assert strict_of(text).train_gen is State.DENY
    inner = strict_of(text, "/ok/x")
    assert inner.train_gen is State.ALLOW
    assert inner.search is State.DENY
    assert strict_of(text, "/%6fk/").train_gen is State.ALLOW


def test_own_lines_speak_before_those_of_everybody() -> None:
    text = "User-agent: *\nContent-Usage: train-ai=n, search=n\nUser-agent: MyBot\nContent-Usage: train-ai=y\n"
    assert strict_of(text).train_gen is State.ALLOW
    assert strict_of(text).search is State.DENY
    assert strict_of("Content-Usage: train-ai=n\nUser-agent: MyBot\nAllow: /\n").train_gen is State.DENY


def test_a_signal_quotes_its_lines() -> None:
    usage = aipref.robots_usage(parse_robots(b"User-agent: *\nContent-Usage: train-ai=n;exceptions=cc-cr\n"), "MyBot")
    (signal,) = aipref.robots_signals(usage, "/", EVIDENCE)
    assert signal.raw == "Content-Usage: train-ai=n;exceptions=cc-cr"
    assert signal.locator == "https://e.x/robots.txt#L2"
    assert signal.note.startswith("exceptions")
    assert signal.spec.train_gen is State.DENY
    assert signal.spec.train_any is State.UNKNOWN
    assert aipref.robots_signals(usage, "/", EVIDENCE, crawlable=False)[0].spec == Reading()
    nothing = aipref.robots_usage(parse_robots(b""), "MyBot")
    assert aipref.robots_signals(nothing, "/", EVIDENCE) == ()
    assert set(nothing.spec("/").values()) == {State.UNKNOWN}


def test_an_unreadable_path_holds_everywhere() -> None:
    assert strict_of("User-agent: *\nContent-Usage: *.jpg train-ai=n\n").train_gen is State.HOLD


def test_repeated_headers_are_read_one_by_one() -> None:
    (signal,) = aipref.header_signals(["train-ai=n", "train-ai=y"], EVIDENCE)
    assert signal.spec.train_gen is State.ALLOW
    assert signal.strict.train_gen is State.DENY
    (held,) = aipref.header_signals(["train-ai=y", "oops="], EVIDENCE)
    assert held.strict.train_gen is State.HOLD
    assert aipref.header_signals([], EVIDENCE) == ()


def test_valid_lines() -> None:
    assert aipref.valid_line("/a train-ai=n", "vocab-08")
    assert not aipref.valid_line("/a", "vocab-08")
    assert not aipref.valid_line("bots=n", "vocab-08")
    assert aipref.split_path("/a") == ("/a", "")
