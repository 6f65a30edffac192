"""robots.txt (RFC 9309): parse a file once, then ask what any agent may fetch, by the letter or fail-closed.

The ``spec`` reading follows RFC 9309 with the tolerance that large search engines are tested for: a missing colon,
frequent misspellings, a byte order mark, overlong lines. The ``strict`` reading denies when either this letter or a
lenient scan of the same bytes (:mod:`datalib.optout.robots_lenient`) denies, so that no slip of a rights holder's pen
turns a refusal into silence. Nothing here raises, whatever the bytes.

What stands outside the two rule lines is kept as :class:`Directive` with the agents it was written under:
``Content-Usage``, ``Content-Signal``, ``License`` and others are read by their own modules.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from datalib.optout import robots_lenient
from datalib.optout.patterns import Letter, Rule, RuleList, RuleSet, escape_pattern, url_to_path
from datalib.optout.robots_lenient import Record
from datalib.repeating import repeated

#: RFC 9309 §2.5 asks for at least 500 KiB. What lies behind this bound is not read and the file counts as unreadable.
MAX_BODY: Final = 8 << 20
#: Google's parser drops what follows in a line (``kMaxLineLen``, robots.cc).
MAX_LINE: Final = 2083 * 8 - 1

STAR: Final = "*"
_TOKEN = re.compile(r"[A-Za-z_-]+", re.ASCII)
_COMMENT = re.compile(rb"#([^\r\n]*)")
_BOM: Final = b"\xef\xbb\xbf"
_HTML = re.compile(
    rb"\s*(?:<!doctype\s+html|<html|<head|<body|<script|<\?xml[^>]*>\s*<(?:!doctype\s+)?html)", re.IGNORECASE
)
#: A whole file in which the lenient scan can find nothing else than the letter: known keys, a colon, visible ASCII.
_TAME = re.compile(
    repeated(
        rb"[ \t]*+(?:#[\t -\[\]-~]*+|(?:(?:allow|disallow)[ \t]*+:[ \t]*+(?:[/*][!\"$-;=-\[\]-~]*+)?[ \t]*+"
        rb"|user-agent[ \t]*+:[\t !\"$-9;=-\[\]-~]*+"
        rb"|(?:sitemap|crawl-delay|content-usage|content-signal|license|host|clean-param|request-rate|visit-time|noindex)"
        rb"[ \t]*+:[\t !\"$-\[\]-~]*+)(?:#[\t -\[\]-~]*+)?)?(?:\r?\n|\Z)"
    ),
    re.IGNORECASE,
)

_SPEC_KEYS: Final[Mapping[bytes, str]] = {
    b"user-agent": "user-agent", b"useragent": "user-agent", b"user agent": "user-agent",
    b"allow": "allow",
    b"disallow": "disallow", b"dissallow": "disallow", b"dissalow": "disallow", b"disalow": "disallow",
    b"diasllow": "disallow", b"disallaw": "disallow",
    b"sitemap": "sitemap", b"site-map": "sitemap",
    # As they stand in most files: found without a second look.
    b"User-agent": "user-agent", b"User-Agent": "user-agent", b"Allow": "allow", b"Disallow": "disallow",
    b"Sitemap": "sitemap",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Directive:
    """A line that is neither agent nor rule. ``agents``: the ``User-agent`` values before it; none outside groups.

    Two lines are never equal, even when they say the same.
    """

    key: str
    value: str
    line: int
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """``User-agent`` lines and the rules that follow them. ``agents`` are the values as written."""

    agents: tuple[str, ...]
    rules: tuple[Rule, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One reading of a file: groups, the groups of each token, and the other lines."""

    groups: tuple[Group, ...]
    names: Mapping[str, tuple[int, ...]]
    directives: tuple[Directive, ...]

    def select(self, tokens: Iterable[str]) -> tuple[int, ...]:
        """Give the groups of the first token that has any, else those of ``*``."""
        return next((self.names[token] for token in tokens if token in self.names), self.names.get(STAR, ()))

    def rules(self, selected: tuple[int, ...]) -> tuple[Rule, ...]:
        if len(selected) == 1:
            return self.groups[selected[0]].rules
        return tuple(rule for index in selected for rule in self.groups[index].rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """A parsed robots.txt.

    ``looks_like_html``: the body is a web page. ``readable``: False when the file is longer than ``MAX_BODY`` or its
    announced encoding fails; what could be read stands in the groups all the same.
    """

    body: bytes = field(repr=False)
    looks_like_html: bool
    readable: bool
    spec: _Side = field(repr=False)
    strict: _Side = field(repr=False)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups by the letter, in the order of the file."""
        return self.spec.groups

    def directives(self, reading: Letter = "spec") -> tuple[Directive, ...]:
        """Give the lines that are neither agent nor rule, in the order of the file."""
        return self.spec.directives if reading == "spec" else self.strict.directives

    def applying(self, agent: str, key: str, reading: Letter = "spec") -> tuple[Directive, ...]:
        """Give the lines with this key written for an agent: its own groups', else those of ``*``."""
        side = self.spec if reading == "spec" else self.strict
        token = next((name for name in (*_asked(agent, reading), STAR) if name in side.names), None)
        if token is None:
            return ()
        speaks: dict[int, bool] = {}  # lines in a row share their agents: look once at each run of agents
        found: list[Directive] = []
        for line in side.directives:
            if line.key == key and line.agents:
                run = id(line.agents)
                if run not in speaks:
                    speaks[run] = token in _names(line.agents, reading)
                if speaks[run]:
                    found.append(line)
        return tuple(found)

    def names(self, agent: str, reading: Letter = "spec") -> bool:
        """Say whether a group names this agent."""
        side = self.spec if reading == "spec" else self.strict
        return any(token in side.names for token in _asked(agent, reading))

    def named(self, names: Mapping[str, str]) -> frozenset[str]:
        """Give the values of those ``names`` that some group speaks for, in either reading."""
        return frozenset(names[name] for side in (self.spec, self.strict) for name in side.names if name in names)

    def effective(self, agent: str, reading: Letter, *, exact: bool = True) -> RuleSet:
        """Give the rules that one agent has to obey.

        ``agent`` is a product token (``GPTBot``) or, strictly read, also a whole user-agent string. ``exact=False``
        lets a token in the file speak for agents that begin with it, as several crawlers do; by default it does not,
        since ``Applebot`` and ``Applebot-Extended`` are two statements.
        """
        own = (agent.lower(),) if agent != STAR else ()
        if reading == "spec":
            kin = () if exact else _kin(agent, self.spec.names)
            return RuleSet(RuleList(self.spec.rules(self.spec.select((*own, *kin)))))
        kin = () if exact else _kin(agent, self.strict.names)
        literal = RuleList(self.spec.rules(self.spec.select(own)))
        lenient = self.strict.rules(self.strict.select((*_asked(agent, "strict"), *kin)))
        return RuleSet(literal, (literal if lenient == literal.rules else RuleList(lenient)).canonical())

    def distinct(self, agents: Iterable[str], reading: Letter) -> tuple[tuple[RuleSet, tuple[str, ...]], ...]:
        """Give the different rule sets of many agents, each with the agents that share it, in the order asked."""
        shared: dict[tuple[tuple[int, ...], ...], list[str]] = {}
        for agent in agents:
            key = [self.spec.select([agent.lower()] if agent != STAR else [])]
            if reading == "strict":
                key.append(self.strict.select(_asked(agent, "strict")))
            shared.setdefault(tuple(key), []).append(agent)
        return tuple((self.effective(group[0], reading), tuple(group)) for group in shared.values())

    def allowed(self, agent: str, url_or_path: str, reading: Letter, *, exact: bool = True) -> bool:
        """Say whether an agent may fetch a URL. Only path and query count; their spelling is taken as it stands."""
        return self.effective(agent, reading, exact=exact).allows(url_to_path(url_or_path))

    def quote(self, line: int) -> str:
        """Give a line as it was written, without its end; at most 500 characters."""
        lines = self.body.splitlines()
        text = lines[line - 1] if 0 < line <= len(lines) else b""
        return text.decode("utf-8", "replace").strip()[:500]

    def comments(self) -> str:
        """Give the text of all comments, one line each."""
        return "\n".join(text.decode("utf-8", "replace").strip() for text in _COMMENT.findall(self.body))


def parse(body: bytes) -> Robots:
    """Parse the bytes of a robots.txt."""
    readable = len(body) <= MAX_BODY
    text = body[:MAX_BODY]
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        decoded = text.decode("utf-16", "replace")
        readable = readable and "\ufffd" not in decoded
        body = text = decoded.encode("utf-8", "surrogatepass")
    text = _without_bom(text)
    spec = _side(read_lines(text), "spec")
    if not _TAME.fullmatch(text):
        strict = _side(robots_lenient.read(text), "strict")
    else:
        strict = spec if _same_names(spec) else _side(read_lines(text), "strict")
    return Robots(
        body=body, looks_like_html=_HTML.match(text) is not None, readable=readable, spec=spec, strict=strict
    )  # fmt: skip


def valid_token(token: str) -> bool:
    """Say whether a product token is one by RFC 9309 §2.2.1: letters, ``_`` and ``-``."""
    return _TOKEN.fullmatch(token) is not None


def _without_bom(text: bytes) -> bytes:
    """Skip a byte order mark, also the beginning of one (Google's parser does)."""
    length = 0
    while length < len(_BOM) and text[length : length + 1] == _BOM[length : length + 1]:
        length += 1
    return text[length:]


def read_lines(body: bytes) -> Iterator[Record]:
    """Read all lines by the letter: key in lower case with its known misspellings mended, value, number."""
    for number, raw in enumerate(_without_bom(body).splitlines(), 1):
        head, colon, value = raw.partition(b":")
        key = _SPEC_KEYS.get(head)
        if key is None or len(raw) > MAX_LINE or b"#" in value:
            line = raw[:MAX_LINE].partition(b"#")[0].strip()
            head, colon, value = line.partition(b":")
            if not colon:
                words = line.split()
                if len(words) != 2:  # noqa: PLR2004 (a key and a value)
                    continue
                head, value = words
            head = head.strip().lower()
            if not head:
                continue
            key = _SPEC_KEYS.get(head) or head.decode("utf-8", "replace")
        yield key, value.strip().decode("utf-8", "surrogateescape"), number


def _side(records: Iterable[Record], reading: Letter) -> _Side:
    """Gather groups: agent lines, then rules. No other line ends a group (RFC 9309 §2.2, §2.2.4)."""
    groups: list[Group] = []
    agents: list[str] = []
    fresh: list[str] = []  # the agents that a directive belongs to: one before the next agent line ends this run
    run: tuple[str, ...] = ()
    rules: list[Rule] = []
    directives: list[Directive] = []
    start, ruled, said = 0, False, False
    for key, value, number in records:
        if key == "disallow" or key == "allow":  # noqa: PLR1714 (measured: a third of the time of a set)
            if agents:
                ruled = True
                if value:
                    _add_rule(rules, value, number, allow=key == "allow")
        elif key == "user-agent":
            if ruled:
                groups.append(Group(agents=tuple(agents), rules=tuple(rules), line=start))
                agents, fresh, rules, ruled = [], [], [], False
            elif said:
                fresh = []
            start, said = start if agents else number, False
            agents.append(value)
            fresh.append(value)
        else:
            if not said or len(run) != len(fresh):
                run = tuple(fresh)
            directives.append(Directive(key=key, value=value, line=number, agents=run))
            said = True
    if agents:
        groups.append(Group(agents=tuple(agents), rules=tuple(rules), line=start))
    return _Side(groups=tuple(groups), names=_index(groups, reading), directives=tuple(directives))


def _index(groups: Iterable[Group], reading: Letter) -> dict[str, tuple[int, ...]]:
    """Give the positions of the groups that speak for each token."""
    index: dict[str, list[int]] = {}
    for position, group in enumerate(groups):
        for name in _names(group.agents, reading):
            index.setdefault(name, []).append(position)
    return {name: tuple(found) for name, found in index.items()}


def _add_rule(rules: list[Rule], value: str, line: int, *, allow: bool) -> None:
    """Add the rule of one line. To allow a folder's ``index.html`` also allows the folder, as Google reads it."""
    pattern = value if value.isascii() and "%" not in value else escape_pattern(value)
    rules.append(Rule(pattern, allow, line))
    if allow and "/index.htm" in pattern:
        folder, _, page = pattern.rpartition("/")
        if page.startswith("index.htm"):
            rules.append(Rule(folder + "/$", allow, line))


def _names(agents: Iterable[str], reading: Letter) -> dict[str, None]:
    """Give the tokens that agent values speak for, in order."""
    if reading == "strict":
        return dict.fromkeys(name for value in agents for name in robots_lenient.agent_names(value))
    names: dict[str, None] = {}
    for value in agents:
        if value[:1] == STAR and (len(value) == 1 or value[1].isspace()):
            names[STAR] = None
        elif found := _TOKEN.match(value):
            names[found[0].lower()] = None
    return names


def _same_names(side: _Side) -> bool:
    return all(value == STAR or valid_token(value) for group in side.groups for value in group.agents)


def _asked(agent: str, reading: Letter) -> tuple[str, ...]:
    if agent == STAR:
        return ()
    return (agent.lower(),) if reading == "spec" else robots_lenient.asked_names(agent)


def _kin(agent: str, names: Iterable[str]) -> tuple[str, ...]:
    """Give the tokens that an agent begins with, or that begin a word of its user-agent string, longest first."""
    text = agent.lower()
    return tuple(
        sorted(
            (name for name in names if name != STAR and re.search(rf"(?<![\w-]){re.escape(name)}", text)),
            key=lambda name: (-len(name), name),
        )
    )


__all__ = ["Directive", "Group", "Robots", "Rule", "RuleList", "RuleSet", "parse", "read_lines", "valid_token"]
