"""Everything that is known of an origin, a transfer or a page, read as signals.

This is the reference: readable, one target at a time. The scanner compiles ``RobotsPlan`` into something faster and is
tested against :meth:`OriginJudge.judge`. Nothing here raises, whatever the bytes, and nothing reaches for the network.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from datalib.optout import aipref, content_signal, reservation, robots_extra, robots_tags, rsl, site_files, tdmrep
from datalib.optout.agents import AgentTable
from datalib.optout.answers import ROBOTS, TDMREP, Answer
from datalib.optout.glance import is_silent
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.page import MAX_BYTES, PageMeta, read_page
from datalib.optout.patterns import Rule, RuleSet
from datalib.optout.robots import STAR, Robots, parse
from datalib.optout.robots_status import Access, StatusReading, read_status
from datalib.optout.signs import find_signs
from datalib.optout.statement import ALL_USES, TRAINING, Evidence

_EVERYTHING: Final = Reading.of(State.DENY, "crawl", *ALL_USES)
_NO_TRAINING: Final = Reading.of(State.DENY, *TRAINING)
_HOLD: Final = Reading.of(State.HOLD, "crawl", *TRAINING)
_KEPT_OUT: Final = frozenset({401, 402, 403, 451})
_TOO_MANY: Final = 429
#: Header lines that can say something.
SPEAKING: Final = frozenset({
    "x-robots-tag", "content-usage", "content-signal", "content-signals", "tdm-reservation", "tdm_reservation",
    "tdm-policy", "link",
})  # fmt: skip
_SUCCESS: Final = range(200, 300)
_ABSENT: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Agents of a robots.txt that share their rules. ``training``: their refusal concerns training only.

    ``spec`` is None where the letter does not reach us: a rule for somebody else.
    """

    tokens: tuple[str, ...]
    training: bool
    ai_input: bool
    spec: RuleSet | None
    strict: RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsPlan:
    """The rules of one robots.txt that matter to one collector, compiled: who speaks, and with which rules.

    First comes the collector's own token, then ``*`` when a group names the collector, then the training tokens that
    have groups of their own; all others are spoken for by ``*``.
    """

    robots: Robots
    voices: tuple[Voice, ...]
    usage: aipref.RobotsUsage
    training_rules: robots_extra.TrainingRules


def plan(robots: Robots, agent: str, table: AgentTable) -> RobotsPlan:
    """Compile a robots.txt for a collector (``agent`` is its product token)."""
    voices = [
        Voice(
            tokens=(agent,), training=False, ai_input=False,
            spec=robots.effective(agent, "spec"), strict=robots.effective(agent, "strict"),
        )
    ]  # fmt: skip
    if robots.names(agent, "strict") or robots.names(agent, "spec"):
        voices.append(
            Voice(tokens=(STAR,), training=False, ai_input=False, spec=None, strict=robots.effective(STAR, "strict"))
        )
    spoken = robots.named(table.training_names)
    named = [token for token in table.training if token in spoken] if spoken else []
    voices += [
        Voice(tokens=tokens, training=True, ai_input=_reserves_input(tokens, table), spec=None, strict=rules)
        for rules, tokens in robots.distinct(named, "strict")
        if rules.literal.rules or (rules.canonical and rules.canonical.rules)
    ]
    return RobotsPlan(
        robots=robots,
        voices=tuple(voices),
        usage=aipref.robots_usage(robots, agent),
        training_rules=robots_extra.TrainingRules(robots, agent),
    )


class OriginJudge:
    """Judges the paths of one origin by its location-level files.

    ``asked`` names the files that were asked for and gave a usable answer: ``robots.txt``, ``tdmrep.json``. For
    robots.txt every answer is usable (RFC 9309 decides by status); another file that failed was not asked.

    ``files`` are the answers for the other places of ``site_files``. ``linked`` are the answers of licence documents
    that robots.txt may link, by their URLs; or what is known of these.
    """

    __slots__ = (
        "_agent", "_origin", "_robots_evidence", "_tdmrep_evidence", "asked", "everywhere", "licences", "links", "plan",
        "site_files", "tdmrep_file",
    )  # fmt: skip

    def __init__(
        self,
        robots: Answer | None,
        tdmrep_answer: Answer | None,
        agent: str,
        table: AgentTable,
        *,
        files: Iterable[Answer] = (),
        linked: Mapping[str, Answer] | rsl.Links = rsl.Links.NOT_ASKED,
        origin: str = "",
    ) -> None:
        self._agent = agent
        self._origin = origin
        self.site_files: list[tuple[site_files.SiteFile, Evidence]] = []
        self.licences: dict[tuple[str, str], tuple[rsl.Document, Evidence]] = {}
        self.links = rsl.Links.NOT_ASKED
        self.plan: RobotsPlan | None = None
        self.everywhere: tuple[Signal, ...] = ()
        self._robots_evidence = _evidence(robots) if robots else None
        if robots and self._robots_evidence:
            self.everywhere = self._read_robots(robots, self._robots_evidence, table)
        self.tdmrep_file: tdmrep.WellKnown | None = None
        self._tdmrep_evidence = _evidence(tdmrep_answer) if tdmrep_answer else None
        asked = {"robots.txt"} if robots else set()
        if tdmrep_answer and tdmrep_answer.status in _SUCCESS:
            self.tdmrep_file = tdmrep.parse(tdmrep_answer.body)
        if tdmrep_answer and (self.tdmrep_file or tdmrep_answer.status in _ABSENT):
            asked.add("tdmrep.json")
        asked.update(name for name in map(self._read_file, files) if name)
        self.asked = frozenset(asked)
        self.links = linked if isinstance(linked, rsl.Links) else self._follow(linked)
        self.everywhere = rsl.settle(self.everywhere, self.links)

    def judge(self, target: str, origin: str = "") -> tuple[Signal, ...]:
        """Give all signals about a target: path and query, normalised by the WHATWG rules.

        ``origin`` is needed by licences that name hosts, where the judge was not made for one origin.
        """
        found = list(self.everywhere)
        if self.plan and self._robots_evidence:
            evidence, robots = self._robots_evidence, self.plan.robots
            rules = rule_signals(self.plan, target, evidence)
            crawlable = not any(signal.spec.crawl is State.DENY for signal in rules)
            found += rules
            found += aipref.robots_signals(self.plan.usage, target, evidence, crawlable=crawlable)
            found += content_signal.robots_signals(robots, self._agent, target, evidence)
            found += self.plan.training_rules.signals(robots, target, evidence)
        if self.tdmrep_file and self._tdmrep_evidence:
            declared = self.tdmrep_file.declare(target)
            found += tdmrep.signals("tdmrep", Carrier.LOCATION, declared, self._tdmrep_evidence)
        for file, evidence in self.site_files:
            found += site_files.signals(file, target, evidence)
        for document, evidence in self.licences.values():
            found += document.signals(target, evidence, origin or self._origin)
        return tuple(found)

    def _read_file(self, answer: Answer) -> str:
        """Read the answer for one of the small files; give its name if the answer is usable."""
        name = site_files.CARRIER_OF.get(answer.path, "")
        if answer.status in _SUCCESS:
            file = site_files.parse(answer.path, answer.body)
            if file is not None:
                self.site_files.append((file, _evidence(answer)))
            else:
                self._read_licence(answer)
        return name if answer.status in _SUCCESS or answer.status in _ABSENT else ""

    def _read_licence(self, answer: Answer) -> bool:
        """Read a licence document; say whether it is one. Anything else in its place says nothing."""
        document = rsl.parse(answer.body)
        if document.readable:
            evidence = _evidence(answer)
            self.licences.setdefault((answer.path, evidence.sha256), (document, evidence))
        return document.readable

    def _follow(self, linked: Mapping[str, Answer]) -> rsl.Links:
        """Read the documents that robots.txt links, and say what became of them."""
        links = rsl.robots_links(self.plan.robots) if self.plan else ()
        states = [rsl.Links.READ if 0 < len(links) <= rsl.MAX_LINKS else rsl.Links.NOT_ASKED]
        for url in (rsl.resolve(link, self._origin + ROBOTS) for link in links[: rsl.MAX_LINKS]):
            answer = linked.get(url or "")
            if answer is None:
                states.append(rsl.Links.NOT_ASKED)
                continue
            read = answer.status in _SUCCESS and self._read_licence(answer)
            states.append(rsl.Links.READ if read else rsl.Links.UNREADABLE)
        return max(states)

    def _read_robots(self, answer: Answer, evidence: Evidence, table: AgentTable) -> tuple[Signal, ...]:
        access = read_status(answer.status)
        if Access.PARSE not in {access.spec, access.strict}:
            return status_signals(access, answer.status, evidence)
        robots = parse(answer.body)
        self.plan = plan(robots, self._agent, table)
        found = list(robots_extra.file_signals(robots, evidence))
        if robots.looks_like_html:
            found.append(_held("robots-html", "the body is a web page", evidence))
        if not robots.readable:
            found.append(_held("robots-unreadable", "too long, or not the announced encoding", evidence))
        return tuple(found)


def status_signals(access: StatusReading, status: int | str, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signal of an answer whose body does not count."""
    if access.strict is Access.ALLOW:
        return ()
    name = {Access.DENY: "robots-unreachable", Access.HOLD: "robots-unclear"}.get(access.strict, "robots-unclear")
    if access.strict is Access.DENY and access.spec is Access.ALLOW:
        name = "robots-refused"
    readings = {Access.DENY: _EVERYTHING, Access.HOLD: _HOLD}
    return (
        evidence.signal(
            name, Carrier.LOCATION, f"status {status}", note=access.note,
            spec=readings.get(access.spec, NOTHING), strict=readings.get(access.strict, NOTHING),
        ),
    )  # fmt: skip


def rule_signals(compiled: RobotsPlan, target: str, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signals of the Allow and Disallow rules about one path: one for each voice that is refused."""
    found: list[Signal] = []
    for voice in compiled.voices:
        letter = voice.spec.match(target) if voice.spec else None
        strict = voice.strict.match(target)
        rule = strict if _denies(strict) else letter
        if rule is None or not _denies(rule):
            continue
        name = "robots-ai-token" if voice.training else "robots-disallow"
        reading = _NO_TRAINING if voice.training else _EVERYTHING
        if voice.ai_input:
            reading |= Reading.of(State.DENY, "ai_input")
        signal = evidence.signal(
            name,
            Carrier.LOCATION,
            compiled.robots.quote(rule.line),
            spec=reading if _denies(letter) else NOTHING,
            strict=reading if _denies(strict) else NOTHING,
            note="for " + ", ".join(voice.tokens),
            place=f"#L{rule.line}",
        )
        found.append(signal)
    return tuple(found)


def judge_headers(
    lines: Iterable[tuple[str, str]],
    agent: str,
    evidence: Evidence,
    *,
    status: int | None = None,
    follow: rsl.Follow | None = None,
) -> tuple[Signal, ...]:
    """Give the signals of a transfer: header lines (name, value), repeated ones apart, and the status if known.

    ``follow`` says what became of the licence document behind a link; without it none was asked for.
    """
    named: dict[str, list[str]] = {}
    for name, value in lines:
        known = name.strip().casefold()
        if known in SPEAKING:
            named.setdefault(known, []).append(value)
    return (*(_named_signals(named, agent, evidence, follow) if named else ()), *_refusals(status, evidence))


def _named_signals(
    named: dict[str, list[str]], agent: str, evidence: Evidence, follow: rsl.Follow | None
) -> list[Signal]:
    found = [
        *robots_tags.header_signals(named.get("x-robots-tag", ()), agent, evidence),
        *aipref.header_signals(named.get("content-usage", ()), evidence),
        *content_signal.header_signals([*named.get("content-signal", ()), *named.get("content-signals", ())], evidence),
        *tdmrep.header_signals(
            [*named.get("tdm-reservation", ()), *named.get("tdm_reservation", ())],
            named.get("tdm-policy", ()),
            evidence,
        ),
    ]
    licences = [link for link in named.get("link", []) if "application/rsl+xml" in link.casefold()]
    if licences:
        found += rsl.linked(licences, rsl.header_links(licences), Carrier.TRANSFER, evidence, follow)
    return found


def _refusals(status: int | None, evidence: Evidence) -> tuple[Signal, ...]:
    name, strict = ("http-refused", _EVERYTHING) if status in _KEPT_OUT else ("http-unclear", _HOLD)
    if status not in _KEPT_OUT and status != _TOO_MANY:
        return ()
    return (evidence.signal(name, Carrier.TRANSFER, f"status {status}", spec=NOTHING, strict=strict),)


def judge_page(
    html: bytes, agent: str, table: AgentTable, evidence: Evidence, *, follow: rsl.Follow | None = None
) -> tuple[Signal, ...]:
    """Give the signals of a web page. ``follow`` is as in ``judge_headers``."""
    signs = find_signs(html[:MAX_BYTES])
    found = [] if is_silent(html, agent, table, signs.tags) else _element_signals(html, agent, table, evidence, follow)
    if words := reservation.on_page(html, signs):
        hold = Reading.of(State.HOLD, *TRAINING)
        found.append(evidence.signal("page-text", Carrier.PAGE, words, spec=NOTHING, strict=hold))
    return tuple(found)


def _element_signals(
    html: bytes, agent: str, table: AgentTable, evidence: Evidence, follow: rsl.Follow | None = None
) -> list[Signal]:
    page = read_page(html)
    found = [*robots_tags.page_signals(page, agent, table, evidence), *_page_tdmrep(page, evidence)]
    found += _page_preferences(page, evidence)
    for content in page.named("ai-license"):
        found += _ai_license(content, evidence)
    if page.licences:
        found += rsl.linked(page.licences, page.licences, Carrier.PAGE, evidence, follow)
    for document in page.documents:
        found += rsl.parse(document.encode("utf-8", "replace")).inside_signals(Carrier.PAGE, evidence)
    if not page.complete:
        found.append(evidence.signal("page-unreadable", Carrier.PAGE, "", spec=NOTHING, strict=_HOLD,
                                     note="longer than the reader's bound"))  # fmt: skip
    return found


def _page_tdmrep(page: PageMeta, evidence: Evidence) -> tuple[Signal, ...]:
    """Read the TDMRep elements of a page; those under another attribute or spelling are meant, but not the letter."""
    policy = next(iter(page.named("tdm-policy")), None)
    found: list[Signal] = []
    for meta in page.metas:
        if meta.name.replace(":", "-").replace("_", "-") == "tdm-reservation":
            declared = tdmrep.declare_value(meta.content, policy)
            if meta.attribute != "name" or meta.name != "tdm-reservation":
                declared = replace(declared, reservation=None)
            found += tdmrep.signals("tdmrep-meta", Carrier.PAGE, declared, evidence)
    return tuple(found)


def _page_preferences(page: PageMeta, evidence: Evidence) -> tuple[Signal, ...]:
    """Read AIPREF and Content Signals put into meta elements: no draft knows them there, so only strictly."""
    found: list[Signal] = []
    for meta in page.metas:
        if meta.name == "content-usage":
            found += aipref.header_signals([meta.content], evidence)
        elif meta.name in {"content-signal", "content-signals"}:
            found += content_signal.header_signals([meta.content], evidence)
    return tuple(replace(signal, carrier=Carrier.PAGE, spec=NOTHING) for signal in found)


def _ai_license(content: str, evidence: Evidence) -> tuple[Signal, ...]:
    """Read ``<meta name="ai-license">``: ``deny``, or ``allow; distribution: …; price: …``."""
    said = content.strip().casefold()
    if not said:
        return ()
    word = said.partition(";")[0].strip()
    if word == "deny":
        reading = _NO_TRAINING
    elif word == "allow":
        reading = rsl.OFFER if ";" in said else NOTHING
    else:
        reading = Reading.of(State.HOLD, *TRAINING)
    raw = f'<meta name="ai-license" content="{content}">'
    letter = reading if word in {"allow", "deny"} else NOTHING
    return (evidence.signal("ai-license", Carrier.PAGE, raw, spec=letter, strict=reading),)


def _held(name: str, note: str, evidence: Evidence) -> Signal:
    return evidence.signal(name, Carrier.LOCATION, "", spec=NOTHING, strict=_HOLD, note=note)


def _evidence(answer: Answer) -> Evidence:
    return Evidence(
        locator=answer.origin + answer.path,
        sha256=hashlib.sha256(answer.body).hexdigest(),
        observed_at=answer.fetched_at or "",
    )


def _denies(rule: Rule | None) -> bool:
    return rule is not None and not rule.allow


def _reserves_input(tokens: Iterable[str], table: AgentTable) -> bool:
    agents = (table.get(token) for token in tokens)
    return any(agent.reserves_ai_input for agent in agents if agent)


__all__ = [
    "ROBOTS", "SPEAKING", "TDMREP", "OriginJudge", "RobotsPlan", "Voice", "judge_headers", "judge_page", "plan",
    "rule_signals", "status_signals",
]  # fmt: skip
