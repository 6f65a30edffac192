import pytest

from datalib.optout import content_signal
from datalib.optout.model import NOTHING, State
from datalib.optout.robots import parse as parse_robots
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="https://e.x/robots.txt", sha256="0" * 64)


def decide(text: str, target: str | None = None, agent: str = "MyBot") -> tuple[str, str, str, bool]:
    found = content_signal.decide(parse_robots(text.encode()), agent, target)
    train, ask, search = (found.states[key].label for key in ("ai-train", "ai-input", "search"))
    return train, ask, search, found.hold


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("search=yes, ai-train=no", ("deny", "unknown", "allow", False)),
        ("AI-Train = NO", ("deny", "unknown", "unknown", False)),
        ("ai-train=no; search=yes", ("deny", "unknown", "allow", False)),
        ("ai-train=yes, ai-train=no", ("deny", "unknown", "unknown", False)),
        ("ai-train: no", ("deny", "unknown", "unknown", False)),
        ("search=yes ai-train=no", ("deny", "unknown", "allow", True)),
        ("ai-train=n", ("unknown", "unknown", "unknown", True)),
        ("train-ai=no", ("unknown", "unknown", "unknown", True)),
        ("ai-train", ("unknown", "unknown", "unknown", True)),
        ("use=immediate", ("deny", "unknown", "unknown", False)),
        ("use=full", ("unknown", "unknown", "unknown", False)),
        ("use=some", ("deny", "unknown", "unknown", True)),
        ("color=blue", ("unknown", "unknown", "unknown", False)),
        ("", ("unknown", "unknown", "unknown", False)),
    ],
)
def test_lines_are_read_leniently(line: str, expected: tuple[str, str, str, bool]) -> None:
    assert decide(f"User-agent: *\nContent-Signal: {line}\n") == expected


def test_a_refusal_of_training_counts_in_any_group() -> None:
    text = "User-agent: GPTBot\nContent-Signal: ai-train=no, search=no\nUser-agent: *\nAllow: /\n"
    assert decide(text) == ("deny", "unknown", "unknown", False)


def test_the_own_group_speaks_first_then_everybodys_then_none() -> None:
    text = (
        "Content-Signal: ai-input=no\nUser-agent: *\nContent-Signal: search=no\n"
        "User-agent: MyBot\nContent-Signal: search=yes\n"
    )
    assert decide(text) == ("unknown", "deny", "allow", False)


def test_a_line_with_a_path_speaks_about_that_path() -> None:
    text = "User-agent: *\nContent-Signal: /api/ ai-train=no\n"
    assert decide(text, "/api/x")[0] == "deny"
    assert decide(text, "/%61pi/x")[0] == "deny"
    assert decide(text, "/y")[0] == "unknown"
    assert decide(text)[0] == "deny"
    assert content_signal.parse_line("/api/").members == {}


def test_signals_of_a_file() -> None:
    robots = parse_robots(b"User-agent: *\nContent-Signals: ai-train=no\nContent-Signal: search=yes\n")
    (signal,) = content_signal.robots_signals(robots, "MyBot", "/", EVIDENCE)
    assert signal.strict.train_gen is State.DENY
    assert signal.spec.train_gen is State.UNKNOWN
    assert signal.spec.search is State.ALLOW
    assert content_signal.robots_signals(parse_robots(b""), "MyBot", "/", EVIDENCE) == ()
    odd = parse_robots(b"User-agent: *\nContent-Signal: ai-train=never-ever\n")
    assert content_signal.robots_signals(odd, "MyBot", "/", EVIDENCE)[0].strict.train_gen is State.HOLD
    assert content_signal.merged(robots) == {"ai-train": "no", "search": "yes"}
    again = parse_robots(b"Content-Signal: ai-train=no\nContent-Signal: ai-train=yes\nCrawl-delay: 1\n")
    assert content_signal.merged(again) == {"ai-train": "no"}


def test_a_header_can_only_refuse() -> None:
    (granting,) = content_signal.header_signals(["ai-train=yes, search=yes"], EVIDENCE)
    assert granting.strict == NOTHING
    (refusing,) = content_signal.header_signals(["ai-train=yes", "ai-train=no"], EVIDENCE)
    assert refusing.strict.train_gen is State.DENY
    (odd,) = content_signal.header_signals(["ai-train"], EVIDENCE)
    assert odd.strict.train_gen is State.HOLD
    assert content_signal.header_signals([], EVIDENCE) == ()
