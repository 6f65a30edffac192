"""AIPREF ``Content-Usage``: preferences in robots.txt rules and in header fields.

Sources: draft-ietf-aipref-vocab-08 (labels, §5.1 combination), draft-ietf-aipref-attach-05 (robots.txt and header),
RFC 9651 (syntax). Earlier drafts had other labels, and published files still carry them: the letter of the current
draft ignores those, the strict reading maps them (``RETIRED`` in the tables below).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from datalib.optout.model import Carrier, Reading, Signal, State
from datalib.optout.patterns import canonical_pattern, canonical_target, escape_pattern, matches
from datalib.optout.robots import Directive, Robots
from datalib.optout.statement import ALL_USES, TRAINING, Evidence, held, reading_of
from datalib.optout.structured import Member, parse_dictionary

CURRENT: Final = "vocab-08"
#: The labels of each draft.
LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "vocab-01": ("tdm", "ai", "genai", "search", "inference"),
    "vocab-02": ("all", "train-ai", "train-genai", "ai-use", "search"),
    "vocab-03": ("bots", "train-ai", "train-genai", "search"),
    "vocab-04": ("bots", "train-ai", "ai-output", "search"),
    "vocab-05": ("train-ai", "search"),
    "vocab-06": ("train-ai", "search"),
    "vocab-07": ("train-ai", "search"),
    "vocab-08": ("train-ai", "ai-use", "search"),
}
#: The current labels to the letter.
_LETTER: Final = {"train-ai": "train_gen", "ai-use": "ai_input", "search": "search"}
#: Any label of any draft, strictly read: what ``n`` denies, and the one category that ``y`` speaks of.
_DENIES: Final[Mapping[str, tuple[str, ...]]] = {
    "tdm": ALL_USES, "all": ALL_USES, "bots": ALL_USES,
    "ai": TRAINING, "train-ai": TRAINING, "genai": ("train_gen",), "train-genai": ("train_gen",),
    "inference": ("ai_input",), "ai-use": ("ai_input",), "ai-output": ("ai_input",), "search": ("search",),
}  # fmt: skip
_ALLOWS: Final = {
    "tdm": "tdm", "all": "tdm", "bots": "tdm", "ai": "train_any", "train-ai": "train_gen", "genai": "train_gen",
    "train-genai": "train_gen", "inference": "ai_input", "ai-use": "ai_input", "ai-output": "ai_input",
    "search": "search",
}  # fmt: skip
#: Values by which someone may have meant no.
_NEGATIVE: Final = frozenset(
    {"n", "no", "none", "deny", "denied", "disallow", "disallowed", "false", "never", "0", "?0"}
)
_SPOKEN: Final = {"y": State.ALLOW, "n": State.DENY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """One statement of preferences. ``members`` is None when it does not parse; then nothing is said to the letter."""

    members: tuple[Member, ...] | None

    @property
    def parses(self) -> bool:
        """Whether the statement is a dictionary of RFC 9651."""
        return self.members is not None

    def spec(self, version: str = CURRENT) -> dict[str, State]:
        """Give the state of each label of a draft; the last of repeated keys counts (RFC 9651 §3.2)."""
        last = {member.key: member for member in self.members or ()}
        return {label: _state(last[label]) if label in last else State.UNKNOWN for label in LABELS[version]}

    def labels(self) -> dict[str, State]:
        """Give the strict state of every label of any draft that is spoken: one denial among repeated keys denies."""
        found: dict[str, State] = {}
        for member in self.members or ():
            if member.key in _DENIES:
                found[member.key] = max(found.get(member.key, State.UNKNOWN), _state(member))
        return found

    @property
    def hold(self) -> bool:
        """Whether something stands there that cannot be read but may be a refusal."""
        return self.members is None or any(
            _state(member) is State.UNKNOWN if member.key in _DENIES else member.text.strip('"').casefold() in _NEGATIVE
            for member in self.members
        )

    def strict(self) -> dict[str, State]:
        """Give the strict state of each category."""
        return categories(self.labels())


def parse(text: str) -> Preferences:
    """Parse one statement of preferences."""
    return Preferences(members=parse_dictionary(text))


def parse_header(lines: Iterable[str]) -> Preferences:
    """Parse repeated header lines as RFC 9651 §4.2 wants it: joined by commas."""
    return parse(",".join(lines))


def combine(statements: Iterable[Mapping[str, State]]) -> dict[str, State]:
    """Combine statements about one asset: per label, deny before allow before unknown (vocab-08 §5.1)."""
    result: dict[str, State] = {}
    for states in statements:
        for label, state in states.items():
            result[label] = max(result.get(label, State.UNKNOWN), state)
    return result


def categories(labels: Mapping[str, State]) -> dict[str, State]:
    """Map strict label states to categories. An explicit ``search=y`` survives a denial of everything."""
    found: dict[str, State] = {}
    for label, state in labels.items():
        if state is State.DENY:
            found.update(dict.fromkeys(_DENIES[label], State.DENY))
    for label, state in labels.items():
        if state is State.ALLOW and (_ALLOWS[label] not in found or label == "search"):
            found[_ALLOWS[label]] = State.ALLOW
    return found


def valid_line(value: str, version: str) -> bool:
    """Say whether a robots.txt value is well-formed: an optional path, labels of one draft, ``y`` or ``n``."""
    _, text = split_path(value)
    members = parse_dictionary(text)
    return bool(members) and all(m.key in LABELS[version] and _state(m) is not State.UNKNOWN for m in members or ())


def split_path(value: str) -> tuple[str | None, str]:
    """Split a robots.txt value in its path pattern, if it begins with ``/``, and the rest (attach-05)."""
    if not value.startswith("/"):
        return None, value
    path, *rest = value.split(None, 1)
    return path, rest[0] if rest else ""


class _Line(NamedTuple):
    path: str
    preferences: Preferences
    directive: Directive


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsUsage:
    """The ``Content-Usage`` lines of a robots.txt that one agent has to mind: its own, those of ``*``, global ones."""

    letter: tuple[_Line, ...]
    tiers: tuple[tuple[_Line, ...], ...]

    def spec(self, target: str, version: str = CURRENT) -> dict[str, State]:
        """Give the label states of a path that may be crawled: the longest path's lines, combined."""
        matching = [line for line in self.letter if matches(line.path, target)]
        longest = max((len(line.path) for line in matching), default=0)
        chosen = [line.preferences.spec(version) for line in matching if len(line.path) == longest]
        return combine(chosen) or dict.fromkeys(LABELS[version], State.UNKNOWN)

    def strict(self, target: str) -> tuple[dict[str, State], bool, tuple[Directive, ...]]:
        """Give category states, whether something is unreadable, and the lines that spoke.

        The longest path wins per label; what the agent's own lines leave open, those of ``*`` and then those outside
        any group decide.
        """
        spelled = canonical_target(target)
        decided: dict[str, State] = {}
        hold = False
        spoke: list[Directive] = []
        for tier in self.tiers:
            found: dict[str, tuple[int, State]] = {}
            for line in tier:
                if not (matches(line.path, target) or matches(canonical_pattern(line.path), spelled)):
                    continue
                spoke.append(line.directive)
                hold = hold or line.preferences.hold
                for label, state in line.preferences.labels().items():
                    found[label] = max(found.get(label, (-1, State.UNKNOWN)), (len(line.path), state))
            for label, (_, state) in found.items():
                decided.setdefault(label, state)
        return categories(decided), hold, tuple(spoke)


def robots_usage(robots: Robots, agent: str) -> RobotsUsage:
    """Collect the lines of a robots.txt that concern one agent."""
    own = robots.applying(agent, "content-usage", "strict")
    star = robots.applying("*", "content-usage", "strict")
    free = [line for line in robots.directives("strict") if line.key == "content-usage" and not line.agents]
    known = set(own)
    tiers = (own, tuple(line for line in star if line not in known), tuple(free))
    return RobotsUsage(
        letter=tuple(map(_line, robots.applying(agent, "content-usage"))),
        tiers=tuple(tuple(map(_line, tier)) for tier in tiers),
    )


def robots_signals(
    usage: RobotsUsage, target: str, evidence: Evidence, *, crawlable: bool = True
) -> tuple[Signal, ...]:
    """Give the signal of a robots.txt about one path, if its lines say anything."""
    states, hold, spoke = usage.strict(target)
    if not spoke:
        return ()
    letter = usage.spec(target) if crawlable else {}
    strict = reading_of(states)
    signal = evidence.signal(
        "aipref-robots",
        Carrier.LOCATION,
        "\n".join(f"Content-Usage: {line.value}" for line in spoke),
        spec=_letter_reading(letter),
        strict=held(strict) if hold else strict,
        note=_note(line.value for line in spoke),
        place="".join(f"#L{line.line}" for line in spoke[:1]),
    )
    return (signal,)


def header_signals(lines: Sequence[str], evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signals of ``Content-Usage`` header lines: strictly each line alone, to the letter joined."""
    if not lines:
        return ()
    parsed = [parse(line) for line in lines]
    strict = reading_of(combine(statement.strict() for statement in parsed))
    signal = evidence.signal(
        "aipref-header",
        Carrier.TRANSFER,
        "\n".join(f"Content-Usage: {line}" for line in lines),
        spec=_letter_reading(parse_header(lines).spec()),
        strict=held(strict) if any(statement.hold for statement in parsed) else strict,
        note=_note(lines),
    )
    return (signal,)


def _line(directive: Directive) -> _Line:
    path, text = split_path(directive.value)
    return _Line(escape_pattern(path) if path else "", parse(text), directive)


def _state(member: Member) -> State:
    return _SPOKEN.get(member.text, State.UNKNOWN) if member.kind == "token" else State.UNKNOWN


def _letter_reading(labels: Mapping[str, State]) -> Reading:
    return reading_of({_LETTER[label]: state for label, state in labels.items() if label in _LETTER})


def _note(values: Iterable[str]) -> str:
    return "exceptions are offered (CC signals)" if any("exceptions=" in value for value in values) else ""
