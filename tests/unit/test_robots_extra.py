import pytest

from datalib.optout import robots_extra
from datalib.optout.model import State
from datalib.optout.patterns import matches
from datalib.optout.robots import parse
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="https://e.x/robots.txt", sha256="0" * 64)


@pytest.mark.parametrize(
    ("line", "name", "state"),
    [
        ("License: https://e.x/l.xml", "rsl-license", State.CONDITIONAL),
        ("Disallow-AI-Training: /", "robots-odd-key", State.HOLD),
        ("AI-Train-Policy: ask", "robots-odd-key", State.HOLD),
        ("DataTrainingAllowed: x", "robots-odd-key", State.HOLD),
        ("Machine-Use: no", "robots-odd-key", State.HOLD),
        ("tdm-reservation: 1", "robots-odd-key", State.DENY),
        ("TDM-Reservation: maybe", "robots-odd-key", State.HOLD),
        ("# use for AI training is prohibited", "robots-prose", State.HOLD),
        ("# Nutzungsvorbehalt gemäß § 44b UrhG", "robots-prose", State.HOLD),
    ],
)
def test_statements_of_a_whole_file(line: str, name: str, state: State) -> None:
    (signal,) = robots_extra.file_signals(parse(f"User-agent: *\n{line}\n".encode()), EVIDENCE)
    assert signal.signal == name
    assert signal.strict.tested is state
    assert signal.spec.tested is State.UNKNOWN


@pytest.mark.parametrize(
    "line",
    ["License:", "tdm-reservation: 0", "Crawl-delay: 0", "Host: no", "Sitemap: /s", "Cache-delay: 9",
     "# all rights reserved", "# no bots please", "DisallowAITraining: /", "Content-Signal: ai-train=no"],
)  # fmt: skip
def test_what_says_nothing_about_a_whole_file(line: str) -> None:
    signals = robots_extra.file_signals(parse(f"User-agent: *\n{line}\n".encode()), EVIDENCE)
    assert all(signal.strict.tested is State.UNKNOWN for signal in signals)


def test_comments_that_explain_a_content_signal_are_no_prose() -> None:
    text = "# content signals are reservations of rights under article 4 of directive 2019/790, e.g. data mining\n"
    assert robots_extra.prose(parse(text.encode()))
    assert not robots_extra.prose(parse((text + "User-agent: *\nContent-Signal: search=yes\n").encode()))


def training(text: str, target: str) -> list[State]:
    robots = parse(text.encode())
    signals = robots_extra.TrainingRules(robots, "MyBot").signals(robots, target, EVIDENCE)
    return [signal.strict.train_gen for signal in signals]


def test_training_rules_follow_the_longest_path() -> None:
    text = "User-agent: *\nDisallowAITraining: /a\nAllowAITraining: /a/b\nDisallowAITraining:\n"
    assert training(text, "/a/x") == [State.DENY]
    assert training(text, "/a/b/c") == [State.ALLOW]
    assert training(text, "/z") == []
    assert training("DisallowAITraining: /\n", "/z") == [State.DENY]
    assert matches("/a", "/a/x")
