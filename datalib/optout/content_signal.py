"""Content Signals: ``Content-Signal: search=yes, ai-input=no, ai-train=no`` in robots.txt, and as a header.

Source: contentsignals.org (CC0, September 2025; ``use=`` since July 2026). A key that is left out is neither granted
nor restricted. The header has no specification and one large network sends ``yes`` by default, so that only a ``no``
counts there. A ``yes`` is recorded and grants nothing against another reservation.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from datalib.optout.model import Carrier, Signal, State
from datalib.optout.patterns import canonical_pattern, canonical_target, escape_pattern, matches
from datalib.optout.robots import Directive, Robots
from datalib.optout.robots_lenient import clean
from datalib.optout.statement import TRAINING, Evidence, held, reading_of

KEYS: Final = ("search", "ai-input", "ai-train")
KEY: Final = "content-signal"

_VALID = re.compile(r"(?:/\S*\s+)?(?P<members>\S.*)", re.ASCII)
_VALID_MEMBER = re.compile(r"(?:(?:search|ai-input|ai-train)=(?:yes|no)|use=(?:immediate|reference|full))", re.ASCII)
_AROUND_EQUALS = re.compile(r" ?[=:] ?")
_SEPARATORS = re.compile(r"[,;]")
_STATES: Final = {"yes": State.ALLOW, "no": State.DENY}
_NEGATIVE: Final = frozenset({"n", "no", "none", "deny", "denied", "disallow", "false", "never", "0", "off"})
_USES: Final = frozenset({"immediate", "reference", "full"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line, leniently read. ``readable`` is False when a part of it could be a refusal that cannot be read."""

    path: str | None
    members: Mapping[str, str]
    readable: bool

    def state(self, key: str) -> State:
        """Give the state that the line has for one of ``KEYS``; for training ``use`` counts, too."""
        state = _STATES.get(self.members.get(key, ""), State.UNKNOWN)
        if key == "ai-train" and self.members.get("use", "full") != "full":
            return State.DENY
        return state

    def covers(self, target: str | None) -> bool:
        """Say whether the line speaks about a path; without a path it speaks about all."""
        if self.path is None or target is None:
            return True
        literal = escape_pattern(self.path)
        return matches(literal, target) or matches(canonical_pattern(literal), canonical_target(target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What all lines together say, strictly read: a state for each of ``KEYS``, and whether a line is unreadable."""

    states: Mapping[str, State]
    hold: bool
    lines: tuple[str, ...]


def valid_line(value: str) -> bool:
    """Say whether a value is well-formed: ``key=yes|no`` members and commas, after an optional path."""
    found = _VALID.fullmatch(value.strip())
    members = found["members"].split(",") if found else []
    return bool(members) and all(_VALID_MEMBER.fullmatch(member.strip()) for member in members)


def parse_line(value: str) -> Line:
    """Read a value leniently: any case, ``;`` as separator, blanks round ``=``; of repeated keys ``no`` wins.

    Members without a separator are read, too, but a person should look at such a line.
    """
    text = " ".join(clean(value).split())
    path: str | None = None
    if text.startswith("/"):
        path, *rest = text.split(None, 1)
        text = rest[0] if rest else ""
    members: dict[str, str] = {}
    readable = True
    for part in _SEPARATORS.split(_AROUND_EQUALS.sub("=", text.casefold())):
        words = part.split()
        readable = readable and len(words) <= 1
        for word in words:
            key, equals, said = word.partition("=")
            said = said.strip("\"'")
            readable = readable and bool(equals) and _understood(key, said)
            if members.get(key) != "no":
                members[key] = said
    return Line(path=path, members=MappingProxyType(members), readable=readable)


def lines_for(robots: Robots, agent: str) -> tuple[Directive, ...]:
    """Give the lines that speak to an agent by the letter: those outside groups and those of its groups."""
    free = [line for line in robots.directives() if line.key == KEY and not line.agents]
    return tuple(sorted({*free, *robots.applying(agent, KEY)}, key=lambda line: line.line))


def merged(robots: Robots) -> dict[str, str]:
    """Merge the members of all lines of a file; ``no`` wins."""
    result: dict[str, str] = {}
    for directive in robots.directives("strict"):
        if directive.key == KEY:
            for key, said in parse_line(directive.value).members.items():
                if result.get(key) != "no":
                    result[key] = said
    return result


def decide(robots: Robots, agent: str, target: str | None = None) -> Decision:
    """Read all lines of a file strictly, for one agent and path (None: any path).

    The agent's own groups speak first, then ``*``, then the lines outside groups. A refusal of training counts in
    whatever group it stands: it shows what the holder reserves.
    """
    every = [d for d in robots.directives("strict") if d.key == KEY]
    own = set(robots.applying(agent, KEY, "strict"))
    star = set(robots.applying("*", KEY, "strict"))
    parsed = [(d, line) for d in every if (line := parse_line(d.value)).covers(target)]
    tiers = (
        [line for d, line in parsed if d in own],
        [line for d, line in parsed if d in star],
        [line for d, line in parsed if not d.agents],
    )
    states = {key: _first(tiers, key) for key in KEYS}
    if any(line.state("ai-train") is State.DENY for _, line in parsed):
        states["ai-train"] = State.DENY
    return Decision(
        states=MappingProxyType(states),
        hold=any(not line.readable for _, line in parsed),
        lines=tuple(f"Content-Signal: {d.value}" for d, _ in parsed),
    )


def decide_header(values: Iterable[str]) -> Decision:
    """Read header lines: a ``no`` counts, a ``yes`` does not."""
    lines = [parse_line(value) for value in values]
    states = {
        key: State.DENY if any(line.state(key) is State.DENY for line in lines) else State.UNKNOWN for key in KEYS
    }
    return Decision(states=MappingProxyType(states), hold=any(not line.readable for line in lines), lines=())


def robots_signals(robots: Robots, agent: str, target: str, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signal of a robots.txt about one path, if its lines say anything."""
    decision = decide(robots, agent, target)
    if not decision.lines:
        return ()
    letter: dict[str, State] = {}
    for directive in lines_for(robots, agent):
        if valid_line(directive.value) and not directive.value.startswith("/"):
            line = parse_line(directive.value)
            letter = {key: max(letter.get(key, State.UNKNOWN), line.state(key)) for key in KEYS}
    strict = reading_of(_categories(decision.states))
    signal = evidence.signal(
        "content-signal",
        Carrier.LOCATION,
        "\n".join(decision.lines),
        spec=reading_of(_categories(letter)),
        strict=held(strict) if decision.hold else strict,
    )
    return (signal,)


def header_signals(values: Sequence[str], evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signal of ``Content-Signal`` header lines."""
    if not values:
        return ()
    decision = decide_header(values)
    strict = reading_of(_categories(decision.states))
    signal = evidence.signal(
        "content-signal-header",
        Carrier.TRANSFER,
        "\n".join(f"Content-Signal: {value}" for value in values),
        spec=reading_of({}),
        strict=held(strict) if decision.hold else strict,
        note="the header has no specification; yes is sent by default and counts for nothing",
    )
    return (signal,)


def _understood(key: str, said: str) -> bool:
    """Say whether a member is either read or harmless."""
    if key in KEYS:
        return said in _STATES
    if key == "use":
        return said in _USES
    return said not in _NEGATIVE


def _first(tiers: Iterable[Iterable[Line]], key: str) -> State:
    for tier in tiers:
        state = max((line.state(key) for line in tier), default=State.UNKNOWN)
        if state is not State.UNKNOWN:
            return state
    return State.UNKNOWN


def _categories(states: Mapping[str, State]) -> dict[str, State]:
    train = states.get("ai-train", State.UNKNOWN)
    found = {"search": states.get("search", State.UNKNOWN), "ai_input": states.get("ai-input", State.UNKNOWN)}
    return found | (dict.fromkeys(TRAINING, train) if train is State.DENY else {"train_gen": train})
