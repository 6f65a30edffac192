"""Our robots.txt reader against Protego and robotspy on real files: every difference has a known class.

A difference is one of *reading* when the peer agrees as soon as it gets the rules that we read, written out plainly,
and one of *matching* when it does not. Each has causes, and a difference for which no cause can be shown fails.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from protego import Protego
from robots import RobotsParser
from robots.parser import RE_AGENT, RE_RULE_ALLOW, RE_RULE_DISALLOW

from datalib.optout import robots
from datalib.optout.patterns import url_to_path
from datalib.optout.robots import Robots
from tests.shared import SHARED

AGENTS = ("GPTBot", "CCBot", "Google-Extended", "Applebot-Extended", "AI2Bot", "ExampleResearchBot")
PATHS = (
    "/",
    "/index.html",
    "/a/b.html",
    "/search?q=1",
    "/wp-admin/x.php",
    "/images/2020/01/pic.jpg",
    "/en/products/item?id=4&ref=x",
    "/tag/news/page/2/",
    "/news/%D0%B0%D0%B1.html",
)
STEP = 1 if os.environ.get("DATALIB_SOAK") else 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One question that a peer answers differently."""

    name: str
    body: bytes
    parsed: Robots
    agent: str
    path: str

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def plain(self) -> str:
        """Write the rules that we read for this agent as a file without any peculiarity."""
        rules = self.parsed.effective(self.agent, "spec").literal.rules
        lines = [f"{'Allow' if rule.allow else 'Disallow'}: {rule.pattern}" for rule in rules]
        return "\n".join([f"User-agent: {self.agent}", *lines, ""])


def _begins_with_mark(case: Difference) -> bool:
    return case.body.startswith(b"\xef\xbb\xbf")


def _other_line_ends(case: Difference) -> bool:
    return len(case.text.splitlines()) != len(case.body.splitlines()) or re.search(rb"\r(?!\n)", case.body) is not None


def _directive_between_agents(case: Difference) -> bool:
    keys = [key for key, _, _ in robots.read_lines(case.body) if key != "sitemap"]
    known = {"user-agent", "allow", "disallow"}
    return any(first not in known and second == "user-agent" for first, second in pairwise(keys))


def _token_begins_agent(case: Difference) -> bool:
    values = {value.strip().lower() for group in case.parsed.groups for value in group.agents}
    agent = case.agent.lower()
    return any(value and agent.startswith(value) and agent != value for value in values)


def _token_with_digit(case: Difference) -> bool:
    return not robots.valid_token(case.agent)


def _version_or_rubbish_after_token(case: Difference) -> bool:
    values = [value for group in case.parsed.groups for value in group.agents]
    return any(not robots.valid_token(value) and value != "*" for value in values)


def _line_the_regexes_pass_over(case: Difference) -> bool:
    patterns = {"user-agent": RE_AGENT, "allow": RE_RULE_ALLOW, "disallow": RE_RULE_DISALLOW}
    lines = case.text.split("\n")
    return any(
        key in patterns and not patterns[key].match(lines[number - 1].strip() if number <= len(lines) else "")
        for key, _, number in robots.read_lines(case.body)
    )


def _agent_in_several_groups(case: Difference) -> bool:
    names = Counter(value.lower() for group in case.parsed.groups for value in set(group.agents))
    return any(count > 1 for count in names.values())


def _encoded(case: Difference) -> bool:
    rules = case.parsed.effective(case.agent, "spec").literal.rules
    return "%" in case.path or any("%" in rule.pattern for rule in rules)


def _dollar_or_glob(case: Difference) -> bool:
    rules = case.parsed.effective(case.agent, "spec").literal.rules
    return any(re.search(r"[\[$]|//", rule.pattern) for rule in rules)


Cause = tuple[str, Callable[[Difference], bool]]
#: Peer, way of differing: the causes, in the order in which they are looked for.
CAUSES: dict[tuple[str, str], tuple[Cause, ...]] = {
    ("protego", "reading"): (
        ("does not skip a byte order mark", _begins_with_mark),
        ("splits lines at other characters than CR and LF", _other_line_ends),
        ("lets a token speak for agents that begin with it", _token_begins_agent),
        ("knows tokens with digits, which RFC 9309 does not", _token_with_digit),
        ("ends a group at a directive between two agent lines", _directive_between_agents),
        ("compares agent lines with what follows their token", _version_or_rubbish_after_token),
    ),
    ("protego", "matching"): (
        ("decodes before it compares", _encoded),
        ("reads a dollar sign both ways", _dollar_or_glob),
    ),
    ("robotspy", "reading"): (
        ("does not skip a byte order mark", _begins_with_mark),
        ("splits lines at LF only", _other_line_ends),
        ("passes over lines that we read", _line_the_regexes_pass_over),
        ("spreads the rules of a repeated agent over the agents listed with it", _agent_in_several_groups),
    ),
    ("robotspy", "matching"): (
        ("decodes before it compares", _encoded),
        ("matches with shell globs and joins slashes", _dollar_or_glob),
    ),
}


def _ask(peer: str, text: str) -> Callable[[str, str], bool]:
    if peer == "protego":
        parsed = Protego.parse(text)
        return lambda agent, path: bool(parsed.can_fetch(f"https://e.x{path}", agent))
    spied = RobotsParser.from_string(text)
    return lambda agent, path: bool(spied.can_fetch(agent, f"https://e.x{path}"))


def classify(peer: str, case: Difference, ours: bool) -> str | None:
    """Name the class of a difference, or None when it cannot be explained."""
    way = "reading" if _ask(peer, case.plain())(case.agent, case.path) == ours else "matching"
    return next((f"{way}: {why}" for why, shows in CAUSES[peer, way] if shows(case)), None)


def _files() -> list[Path]:
    return sorted((SHARED / "real" / "robots").rglob("*.txt"))[::STEP]


def _differences(peer: str) -> Iterator[tuple[Difference, bool]]:
    for file in _files():
        body = file.read_bytes()
        parsed = robots.parse(body)
        answer = _ask(peer, body.decode("utf-8", "replace"))
        for agent in AGENTS:
            rules = parsed.effective(agent, "spec")
            for path in PATHS:
                ours = rules.allows(url_to_path(path))
                if ours != answer(agent, path):
                    yield Difference(name=file.name, body=body, parsed=parsed, agent=agent, path=path), ours


@pytest.mark.shared
@pytest.mark.parametrize("peer", ["protego", "robotspy"])
def test_every_difference_from_a_peer_has_a_known_class(peer: str) -> None:
    unexplained: list[tuple[str, str, str]] = []
    classes: Counter[str] = Counter()
    for case, ours in _differences(peer):
        found = classify(peer, case, ours)
        if found is None:
            unexplained.append((case.name, case.agent, case.path))
        else:
            classes[found] += 1
    assert not unexplained, (len(unexplained), unexplained[:20], classes)


@pytest.mark.shared
def test_what_both_peers_deny_is_denied_strictly() -> None:
    let_in: list[tuple[str, str, str]] = []
    for file in _files():
        body = file.read_bytes()
        parsed = robots.parse(body)
        text = body.decode("utf-8", "replace")
        peers = [_ask(peer, text) for peer in ("protego", "robotspy")]
        for agent in AGENTS:
            rules = parsed.effective(agent, "strict")
            let_in += [
                (file.name, agent, path)
                for path in PATHS
                if rules.allows(url_to_path(path)) and not any(ask(agent, path) for ask in peers)
            ]
    assert not let_in
