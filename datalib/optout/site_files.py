"""Small files at fixed places of a site that speak of training: ai.txt in its two dialects, trust.txt.

- ``/ai.txt`` as Spawning's generator writes it: like robots.txt, with rules for file endings (``Disallow: *.jpg``).
- ``/.well-known/ai.txt`` of draft-car-ai-txt-wellknown-00: ``Training: allow | deny | conditional``, for paths and for
  agents. Either dialect is read in either place.
- ``/trust.txt`` and ``/.well-known/trust.txt`` (JournalList): ``datatrainingallowed=yes | no``.

Sites answer with a web page where there is no such file; a page, and a file without a line of its kind, says nothing.
An allow says that this file forbids nothing, and lifts nothing that stands elsewhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from datalib.optout import reservation
from datalib.optout.answers import ROBOTS, TDMREP
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.patterns import canonical_pattern, canonical_target, matches
from datalib.optout.statement import TRAINING, Evidence

AI_TXT: Final = "/ai.txt"
AI_TXT_WELL_KNOWN: Final = "/.well-known/ai.txt"
TRUST_TXT: Final = "/trust.txt"
TRUST_TXT_WELL_KNOWN: Final = "/.well-known/trust.txt"
LICENSE: Final = "/license.xml"
#: Where sites keep their terms of use.
TERMS: Final = (
    "/terms", "/terms/", "/terms.html", "/terms-of-use", "/terms-of-service", "/tos", "/legal", "/legal/terms",
    "/terms-and-conditions", "/imprint", "/impressum", "/agb", "/rules", "/user-agreement",
)  # fmt: skip

#: The carrier of an origin that each path is; other paths speak only where a file links them.
CARRIER_OF: Final = {
    ROBOTS: "robots.txt",
    TDMREP: "tdmrep.json",
    AI_TXT: "ai.txt",
    AI_TXT_WELL_KNOWN: "well-known/ai.txt",
    TRUST_TXT: "trust.txt",
    TRUST_TXT_WELL_KNOWN: "well-known/trust.txt",
    LICENSE: "license.xml",
    **dict.fromkeys(TERMS, "terms"),
}

MAX_BYTES: Final = 1 << 20
MAX_RULES: Final = 4096

_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|script|\?xml)", re.IGNORECASE)
_ENDING = re.compile(r"/?\*?\.([a-z0-9]{1,16})\$?")
_TOTAL: Final = frozenset({"*", "/", "/*", "*.*", "/*.*"})
_HAS_ENDING = re.compile(r"\.[a-z0-9]{1,5}\Z")
_NOT_LETTER = re.compile(r"[^a-z]+")
_UTF16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

_WORDS: Final = {
    "allow": State.ALLOW, "deny": State.DENY, "conditional": State.CONDITIONAL,
    "allowed": State.ALLOW, "yes": State.ALLOW, "y": State.ALLOW, "true": State.ALLOW, "1": State.ALLOW,
    "denied": State.DENY, "disallow": State.DENY, "disallowed": State.DENY, "no": State.DENY, "n": State.DENY,
    "false": State.DENY, "0": State.DENY, "none": State.DENY, "never": State.DENY, "forbidden": State.DENY,
    "prohibited": State.DENY,
}  # fmt: skip
_LETTER: Final = frozenset({"allow", "deny", "conditional"})


class Said(NamedTuple):
    """What a file says about a path: both readings, and the line that says so (0: the file as a whole)."""

    spec: State = State.UNKNOWN
    strict: State = State.UNKNOWN
    line: int = 0
    raw: str = ""


class SiteFile(Protocol):
    """A parsed file. ``name`` is that of its signal; ``uniform``: it says the same about every path."""

    @property
    def name(self) -> str: ...  # noqa: D102 (said above)

    @property
    def uniform(self) -> bool: ...  # noqa: D102 (said above)

    def say(self, target: str) -> Said:
        """Give what the file says about a path with query."""
        ...


class _Line(NamedTuple):
    key: str
    value: str
    number: int
    raw: str
    indented: bool


class _Rule(NamedTuple):
    """A rule of the first dialect. ``pattern`` is in lower case; ``ending`` of a file, if it is for one."""

    allow: bool
    pattern: str
    ending: str
    everybody: bool
    line: _Line


class _Training(NamedTuple):
    """A statement of the second dialect: for every path, or for those of a pattern."""

    spec: State
    strict: State
    line: _Line
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AiTxt:
    """A parsed ai.txt. ``total``: a rule for everything that nothing in the file takes back."""

    rules: tuple[_Rule, ...]
    training: tuple[_Training, ...]
    paths: tuple[_Training, ...]
    total: _Rule | None
    readable: bool

    @property
    def name(self) -> str:
        """The name of the signal."""
        return "ai-txt"

    @property
    def uniform(self) -> bool:
        """Whether the file says the same about every path."""
        return not self.paths and (self.total is not None or not self.rules)

    def say(self, target: str) -> Said:
        """Give what the file says about a path with query."""
        if not self.readable:
            return Said(strict=State.HOLD)
        spelled = canonical_target(target).casefold()
        paths = self._by_paths(spelled)
        wide = [item for item in self.training if not paths or item.strict is not State.CONDITIONAL]
        found = [self._by_rules(spelled), *map(_said, wide), *paths]
        spec, strict = max(item.spec for item in found), max(item.strict for item in found)
        first = next(item for item in found if item.strict is strict)
        return Said(spec, strict, first.line, first.raw)

    def _by_rules(self, target: str) -> Said:
        """Let the longest rule decide, a refusal before a permission. Strictly, refusals to single agents count."""
        if self.total is not None:
            return Said(State.DENY, State.DENY, self.total.line.number, self.total.line.raw)
        applying = [rule for rule in self.rules if _applies(rule, target)]
        strict = max((rule for rule in applying if rule.everybody or not rule.allow), key=_strength, default=None)
        spec = max((rule for rule in applying if rule.everybody), key=_strength, default=None)
        if strict is None:
            return Said()
        state = State.ALLOW if strict.allow else State.DENY
        letter = State.UNKNOWN if spec is None else State.ALLOW if spec.allow else State.DENY
        return Said(letter, state, strict.line.number, strict.line.raw)

    def _by_paths(self, target: str) -> list[Said]:
        """Let the most specific path decide; what is conditional for the site is settled by it."""
        applying = [item for item in self.paths if matches(item.pattern, target)]
        longest = max((len(item.pattern) for item in applying), default=0)
        return [_said(item) for item in applying if len(item.pattern) == longest]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustTxt:
    """A parsed trust.txt."""

    said: Said

    @property
    def name(self) -> str:
        """The name of the signal."""
        return "trust-txt"

    @property
    def uniform(self) -> bool:
        """Always: the file is about the whole site."""
        return True

    def say(self, target: str) -> Said:  # noqa: ARG002 (the same for every path)
        """Give what the file says about a path with query."""
        return self.said


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms of use, which a person has to read where they refuse training in plain words."""

    said: Said

    @property
    def name(self) -> str:
        """The name of the signal."""
        return "terms-text"

    @property
    def uniform(self) -> bool:
        """Always: terms are about the whole site."""
        return True

    def say(self, target: str) -> Said:  # noqa: ARG002 (the same for every path)
        """Give what the terms say about a path with query."""
        return self.said


def parse(path: str, body: bytes) -> SiteFile | None:
    """Parse the file of one of the known places; None for another path."""
    if path in TERMS:
        found = reservation.in_terms(body)
        return Terms(said=Said(strict=State.HOLD, raw=found) if found else Said())
    if path in {AI_TXT, AI_TXT_WELL_KNOWN}:
        return parse_ai_txt(body)
    return parse_trust_txt(body) if path in {TRUST_TXT, TRUST_TXT_WELL_KNOWN} else None


def signals(file: SiteFile, target: str, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signal of a file about a path, if it speaks of it."""
    said = file.say(target)
    if said.strict is State.UNKNOWN and said.spec is State.UNKNOWN:
        return ()
    return (
        evidence.signal(
            file.name, Carrier.LOCATION, said.raw, spec=_reading(said.spec), strict=_reading(said.strict),
            place=f"#L{said.line}" if said.line else "",
        ),
    )  # fmt: skip


def parse_ai_txt(body: bytes) -> AiTxt:
    """Parse an ai.txt of either dialect."""
    if len(body) > MAX_BYTES:
        return AiTxt(rules=(), training=(), paths=(), total=None, readable=False)
    lines = list(_lines(body, ":"))
    rules = tuple(_rules(lines))
    everything = [rule for rule in rules if rule.everybody and not rule.allow and rule.pattern in _TOTAL]
    total = everything[0] if everything and not any(rule.allow for rule in rules) else None
    unreadable = tuple(
        _Training(State.UNKNOWN, State.HOLD, rule.line)
        for rule in rules
        if not rule.ending and not rule.pattern.startswith(("/", "*"))
    )
    training = (*_training(lines), *unreadable)
    paths = tuple(_paths(lines))
    return AiTxt(
        rules=rules, training=training, paths=paths, total=total, readable=len(rules) + len(paths) <= MAX_RULES
    )


def parse_trust_txt(body: bytes) -> TrustTxt:
    """Parse a trust.txt. Of several statements the strongest counts."""
    if len(body) > MAX_BYTES:
        return TrustTxt(said=Said(strict=State.HOLD))
    found: list[Said] = []
    for line in _lines(body, "=", ":"):
        if _NOT_LETTER.sub("", line.key) != "datatrainingallowed":
            continue
        word = line.value.casefold()
        state = _WORDS.get(word, State.HOLD)
        exact = word in {"yes", "no"} and line.key == "datatrainingallowed" and "=" in line.raw
        found.append(Said(state if exact else State.UNKNOWN, state, line.number, line.raw))
    if not found:
        return TrustTxt(said=Said())
    strongest = max(found, key=lambda said: said.strict)
    return TrustTxt(said=strongest._replace(spec=max(said.spec for said in found)))


def _lines(body: bytes, *marks: str) -> Iterator[_Line]:
    """Read lines of key and value; a web page has none. Keys are in lower case, comments cut."""
    encoding = _UTF16.get(body[:2])
    text = body[2:].decode(encoding, "replace") if encoding else body.decode("utf-8-sig", "replace")
    if _HTML.match(text):
        return
    for number, raw in enumerate(text.encode("utf-8", "replace").splitlines(), 1):
        line = raw.decode("utf-8", "replace").partition("#")[0]
        places = [place for place in map(line.find, marks) if place > 0]
        if places:
            cut = min(places)
            key = line[:cut].strip().casefold()
            yield _Line(key, line[cut + 1 :].strip(), number, line.strip(), line[:1] in {" ", "\t"})


def _rules(lines: list[_Line]) -> Iterator[_Rule]:
    """Read the rules of the first dialect, with the agents they stand under. Without any they are for everybody."""
    agents: list[str] = []
    ruled = False
    for line in lines:
        if line.key in {"user-agent", "useragent", "user agent"}:
            agents = [line.value] if ruled else [*agents, line.value]
            ruled = False
        elif line.key in {"allow", "disallow"}:
            ruled = True
            if line.value:
                pattern = canonical_pattern(line.value).casefold()
                ending = _ENDING.fullmatch(pattern)
                yield _Rule(
                    line.key == "allow", pattern, ending[1] if ending else "", not agents or "*" in agents, line
                )


def _training(lines: list[_Line]) -> Iterator[_Training]:
    """Read ``Training`` of the second dialect: of the site, and of agents (a refusal to one is one, strictly)."""
    agent = ""
    keys = {line.key for line in lines}
    for line in lines:
        if line.key == "agent":
            agent = line.value
        elif line.key == "training":
            state, exact = _state(line.value)
            if not line.indented or agent in {"", "*"}:
                yield _Training(state if exact else State.UNKNOWN, state, line)
            elif state in {State.DENY, State.HOLD}:
                yield _Training(State.UNKNOWN, state, line)
    if "training" not in keys and {"site-name", "site-url"} <= keys:  # the two that the draft requires
        line = next(line for line in lines if line.key == "site-name")
        yield _Training(State.DENY, State.DENY, line)  # the draft's default


def _paths(lines: list[_Line]) -> Iterator[_Training]:
    """Read ``Training-Allow`` and ``Training-Deny``. What has a price or a licence is not free."""
    keys = {line.key for line in lines}
    bound = not keys.isdisjoint({"training-license", "training-fee"})
    for line in lines:
        if line.value and line.key in {"training-allow", "training-deny"}:
            value = line.value if line.value.startswith(("/", "*")) else "/" + line.value
            pattern = canonical_pattern(value.replace("**", "*")).casefold()
            state = State.DENY if line.key == "training-deny" else State.CONDITIONAL if bound else State.ALLOW
            yield _Training(state, state, line, pattern)


def _state(value: str) -> tuple[State, bool]:
    word = value.casefold()
    return _WORDS.get(word, State.HOLD), word in _LETTER


def _said(item: _Training) -> Said:
    return Said(item.spec, item.strict, item.line.number, item.line.raw)


def _applies(rule: _Rule, target: str) -> bool:
    """Say whether a rule is for a target, in lower case. Refusals reach further than permissions.

    ``Disallow: *.jpg`` is for any target that names such a file, in its query too; ``Allow: *.jpg`` for paths that end
    so, and ``Allow: /`` for what has no ending.
    """
    path = target.partition("?")[0]
    if rule.pattern in _TOTAL:
        return not rule.allow or not _HAS_ENDING.search(path)
    if rule.ending and rule.allow:
        return path.endswith("." + rule.ending)
    if rule.ending:
        return re.search(rf"\.{rule.ending}(?![a-z0-9])", target) is not None
    return matches(rule.pattern, target)


def _strength(rule: _Rule) -> tuple[int, bool, int]:
    return len(rule.pattern) if rule.pattern not in _TOTAL else 1, not rule.allow, -rule.line.number


def _reading(state: State) -> Reading:
    return Reading.of(state, *TRAINING) if state else NOTHING
