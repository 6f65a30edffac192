"""Contents of answers, compiled: what each says everywhere, and which of its statements each of its rules makes.

A content (path, status, body) is read once by the reference readers. Its statements become numbered signals: first
those that hold for every path of an origin, then one for each rule that can decide; ``match`` finds the rule. Contents
whose statements depend on the path in another way are marked ``slow``: the reference judges them, target by target.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from datalib.optout import content_signal, rsl
from datalib.optout.agents import AgentTable
from datalib.optout.answers import ROBOTS, TDMREP, Answer
from datalib.optout.decide import LOCATION_FILES, SIGNALS
from datalib.optout.judge import OriginJudge, RobotsPlan, Voice, rule_signals
from datalib.optout.model import CATEGORIES, NOTHING, Carrier, Reading, Signal, State
from datalib.optout.patterns import Rule, RuleList, RuleSet
from datalib.optout.rule_table import MAX_ENTRIES, Entry, entries_of, strength
from datalib.optout.site import Content
from datalib.optout.site_files import CARRIER_OF
from datalib.optout.statement import MAX_RAW, TRAINING, Evidence, states_of

_ABSENT = (404, 410)
_SUCCESS = range(200, 300)
_LINE = re.compile(r"#L([0-9]+)")
_EVERYWHERE = "/"
_ALL_PATHS = re.compile(r"/|/?\*+\$?")
MAX_QUOTE = 500
#: Readings that are put into numbers once: there are few.
_KNOWN = 1 << 12


class Template(NamedTuple):
    """What signals of one kind have in common. States are numbers in the order of ``CATEGORIES``."""

    signal: str
    carrier: str
    note: str
    spec: tuple[int, ...]
    strict: tuple[int, ...]

    @classmethod
    def of(cls, signal: Signal) -> "Template":
        """Take the common part of a signal."""
        return cls(signal.signal, signal.carrier, signal.note, states_of(signal.spec), states_of(signal.strict))

    @property
    def reading(self) -> Reading:
        """The strict reading."""
        return Reading(**{name: State(value) for name, value in zip(CATEGORIES, self.strict, strict=True)})

    @property
    def levels(self) -> int:
        """The strict states as bits: a stronger state has those of the weaker, so that OR combines; 4 a category."""
        return sum(((1 << state) - 1) << 4 * place for place, state in enumerate(self.strict))

    @property
    def strength(self) -> int:
        """The number by which the deciding signal is chosen; ``reasons`` undoes it."""
        rank = SIGNALS.index(self.signal) if self.signal in SIGNALS else len(SIGNALS)
        return int(self.reading.tested) << 8 | (255 - rank)


def signal_id(signal: Signal, template: Template | None = None) -> int:
    """Give the stable number of a signal: 63 bits of a digest of its content, the time of observation aside.

    ``template`` is that of the signal, where it is at hand.
    """
    return id_of(id_prefix(template or Template.of(signal), signal.sha256), signal.locator, signal.raw)


def id_prefix(template: Template, sha256: str) -> bytes:
    """Give the part of the material of ``signal_id`` that the signals of one kind and content share."""
    return _template_part(template) + sha256.encode("utf-8", "surrogatepass")


@lru_cache(_KNOWN)
def _template_part(template: Template) -> bytes:
    spec, strict = ("".join(map(str, states)) for states in (template.spec, template.strict))
    parts = (template.signal, template.carrier, template.note, spec, strict, "")
    return "\0".join(parts).encode("utf-8", "surrogatepass")


def id_of(prefix: bytes, locator: str, raw: str) -> int:
    """Give the number of a signal from its parts."""
    material = b"\0".join((prefix, locator.encode("utf-8", "surrogatepass"), raw.encode("utf-8", "surrogatepass")))
    return int.from_bytes(hashlib.sha256(material).digest()[:8]) >> 1


def locator_of(path: str, line: int) -> str:
    """Give the locator of a statement in a file of an origin."""
    return f"{path}#L{line}" if line else path


class Row(NamedTuple):
    """A signal of a content: its template, the line it stands in (0: none), and its text."""

    template: Template
    line: int
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One content. The first ``everywhere`` of ``rows`` hold for every path; ``entries`` make the others.

    ``links``: the licence documents that it links. Where there are any, the last row that holds everywhere stands for
    them unread, and the next one for one that cannot be read. ``document``: it is such a document itself.
    """

    asked: int = 0
    slow: bool = False
    everywhere: int = 0
    rows: tuple[Row, ...] = ()
    entries: tuple[Entry, ...] = ()
    links: tuple[str, ...] = ()
    document: bool = False


def compile_content(content: Content, agent: str, table: AgentTable) -> Compiled:
    """Compile one content for a collector; one on which its reader fails holds every path of its origin."""
    try:
        return _compile(content, agent, table)
    except Exception:  # noqa: BLE001 (whatever a file of a site provokes holds the works of that site)
        return Compiled(asked=asked_bits(content), everywhere=1, rows=(_row(unreadable(content)),))


def unreadable(content: Content) -> Signal:
    """Give the signal of a content on which its reader failed."""
    evidence = Evidence(locator=content.path, sha256=content.sha256)
    hold = Reading.of(State.HOLD, "crawl", *TRAINING)
    return evidence.signal("site-unreadable", Carrier.LOCATION, "", spec=NOTHING, strict=hold, note="its reader failed")


def _compile(content: Content, agent: str, table: AgentTable) -> Compiled:
    asked = asked_bits(content)
    judged = judge_of(content, agent, table)
    if content.path == ROBOTS and judged.plan:
        return _compile_robots(judged.everywhere, judged.plan, content, agent)
    document = bool(judged.licences)
    if not _is_uniform(judged):
        return Compiled(asked=asked, slow=True, document=document)
    found = judged.judge(_EVERYWHERE)
    return Compiled(asked=asked, everywhere=len(found), rows=tuple(map(_row, found)), document=document)


def _is_uniform(judged: OriginJudge) -> bool:
    """Say whether files other than robots.txt say the same about every path."""
    known = judged.tdmrep_file
    if known and any(entry.location not in {None, "/", "/*", "*"} for entry in known.entries):
        return False
    files = (file.uniform for file, _ in judged.site_files)
    return all(files) and all(document.uniform for document, _ in judged.licences.values())


def judge_of(content: Content, agent: str, table: AgentTable, links: rsl.Links = rsl.Links.NOT_ASKED) -> OriginJudge:
    """Make the reference judge of one content, as of an origin without a name, for which ``links`` is known."""
    answer = Answer(origin="", path=content.path, status=content.status, body=content.body)
    if content.path == ROBOTS:
        return OriginJudge(answer, None, agent, table, linked=links)
    if content.path == TDMREP:
        return OriginJudge(None, answer, agent, table)
    return OriginJudge(None, None, agent, table, files=[answer])


def asked_bits(content: Content) -> int:
    """Say which file of the origin was asked by this answer, as a bit."""
    name = CARRIER_OF.get(content.path)
    if name is None:
        return 0
    usable = content.path == ROBOTS or content.status in _ABSENT or content.status in _SUCCESS
    return usable << LOCATION_FILES.index(name)


def _compile_robots(everywhere: tuple[Signal, ...], plan: RobotsPlan, content: Content, agent: str) -> Compiled:
    asked, links = asked_bits(content), rsl.robots_links(plan.robots)
    if not _is_simple(plan):
        return Compiled(asked=asked, slow=True, links=links)
    evidence = Evidence(locator=content.path, sha256=content.sha256)
    always = [
        *(signal for signal in everywhere if signal.signal != rsl.SIGNAL),
        *content_signal.robots_signals(plan.robots, agent, _EVERYWHERE, evidence),
    ]
    rows = [_row(signal) for signal in always]
    entries: list[Entry] = []
    lines = plan.robots.body.splitlines()
    templates = [_templates(plan, voice, evidence) for voice in plan.voices]
    open_voices: list[int] = []
    for number, voice in enumerate(plan.voices):
        decided = _everywhere(voice)
        if decided is None:
            open_voices.append(number)
        elif not decided.allows:
            rows.append(Row(templates[number][decided.spelling], decided.line, _quote(lines, decided.line)))
    for signal in everywhere:
        if signal.signal == rsl.SIGNAL:
            rows += [_row(signal), _row(rsl.unreadable_link(signal))]
    everywhere_count = len(rows) - bool(links)
    for number in open_voices:
        effects: dict[tuple[int, bool], int] = {}
        for line in _denying_lines(plan.voices[number]):
            effects[line, False] = len(rows)
            raw = _quote(lines, line)
            rows += [Row(template, line, raw) for template in dict.fromkeys(templates[number])]
        split = len(set(templates[number])) > 1
        entries += entries_of(number, plan.voices[number].strict, effects, split=split)
    if len(entries) > MAX_ENTRIES:
        return Compiled(asked=asked, slow=True, links=links)
    return Compiled(
        asked=asked, everywhere=everywhere_count, rows=tuple(rows), entries=tuple(entries), links=links
    )  # fmt: skip


class _Decided(NamedTuple):
    """What a voice says about every path: the line, whether it allows (or nothing is said), by which comparison."""

    allows: bool
    line: int = 0
    spelling: int = 0


def _everywhere(voice: Voice) -> _Decided | None:
    """Say what a voice says wherever it is asked, or None when that depends on the path."""
    lists = [voice.strict.literal]
    if voice.strict.canonical is not None and voice.strict.canonical is not voice.strict.literal:
        lists.append(voice.strict.canonical)
    for spelling, rules in enumerate(lists):
        first = min(rules.rules, key=strength, default=None)
        if first is None:
            continue
        if not _ALL_PATHS.fullmatch(first.pattern):
            return None
        if not first.allow:
            return _Decided(allows=False, line=first.line, spelling=spelling)
    return _Decided(allows=True)


def _is_simple(plan: RobotsPlan) -> bool:
    """Say whether paths matter only through Allow and Disallow."""
    if plan.usage.letter or any(plan.usage.tiers) or plan.training_rules.rules.literal.rules:
        return False
    signals = (line for line in plan.robots.directives("strict") if line.key == content_signal.KEY)
    return all(content_signal.parse_line(line.value).path is None for line in signals)


def _denying_lines(voice: Voice) -> dict[int, None]:
    rules = [*voice.strict.literal.rules, *(voice.strict.canonical.rules if voice.strict.canonical else ())]
    return dict.fromkeys(rule.line for rule in rules if not rule.allow)


def _templates(plan: RobotsPlan, voice: Voice, evidence: Evidence) -> tuple[Template, ...]:
    """Let the reference say what a denial by this voice means: by the literal comparison, by the canonical one."""
    deny = RuleSet(RuleList([Rule("/", allow=False, line=0)]))
    silent = RuleSet(RuleList([]))
    letters = [deny, silent] if voice.spec else [None, None]
    found = []
    for letter in letters:
        single = replace(plan, voices=(replace(voice, spec=letter, strict=deny),))
        (signal,) = rule_signals(single, _EVERYWHERE, evidence)
        found.append(Template.of(signal))
    return tuple(found)


def _quote(lines: Sequence[bytes], line: int) -> str:
    """Give the same as ``Robots.quote``, without cutting the file into lines for each of them."""
    return lines[line - 1].decode("utf-8", "replace").strip()[:MAX_QUOTE][:MAX_RAW]


def _row(signal: Signal) -> Row:
    found = _LINE.search(signal.locator)
    return Row(Template.of(signal), int(found[1]) if found else 0, signal.raw)
