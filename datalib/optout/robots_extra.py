"""What robots.txt files say about AI outside of RFC 9309, AIPREF and Content Signals.

- ``DisallowAITraining`` / ``AllowAITraining`` (draft-canel-robots-ai-control, expired, in use): longest path wins.
- ``License`` (RSL 1.0): a licence can be had, its document is not part of robots.txt.
- ``tdm-reservation`` misplaced into robots.txt; keys that look like a refusal of training; unknown keys that say no.
- Reservations in plain words in comments. Courts differ on whether they bind, so a person has to read them.
"""

import re
from collections.abc import Iterable
from typing import Final

from datalib.optout.content_signal import KEY as CONTENT_SIGNAL
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.patterns import Rule, RuleList, RuleSet, escape_pattern
from datalib.optout.robots import Directive, Robots
from datalib.optout.statement import TRAINING, Evidence
from datalib.optout.tdmrep import declare_value

_NO_TRAINING: Final = Reading.of(State.DENY, *TRAINING)
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)
_CONDITIONAL: Final = Reading.of(State.CONDITIONAL, *TRAINING)

_NOT_LETTER = re.compile(r"[^a-z]+")
_AI_KEY = re.compile(r"training(?:allowed|data)|data(?:set)?training|noai|nollm|noml")
_NEGATIVE: Final = frozenset({"n", "no", "0", "deny", "denied", "disallow", "false", "none", "never"})
#: Keys of other trades, in which a no or a zero is none about AI.
_OTHERS: Final = frozenset(
    {"sitemap", "host", "crawl-delay", "request-rate", "visit-time", "clean-param", "noindex", "cache-delay",
     "content-signal", "content-usage", "license", "allow", "disallow", "user-agent"}
)  # fmt: skip

_SUBJECT: Final = (
    r"(?:text[- ](?:and|&)[- ]data[- ]mining|\btdm\b|data mining|machine learning|artificial intelligence|\bai\b"
    r"|\bllms?\b|large language models?|generative|text und data mining|text-und-data-mining|fouille de textes?"
    r"|künstliche[rn]? intelligenz|maschinelle[sn]? lernen|intelligence artificielle|apprentissage automatique"
    r"|inteligencia artificial|minería de (?:textos|datos)|aprendizaje automático|intelligenza artificiale"
    r"|машинн\w+ обучени\w+|искусственн\w+ интеллект\w*|нейросет\w*|\bии\b|интеллектуальн\w+ анализ\w*"
    r"|машиналық оқыту\w*|жасанды интеллект\w*|нейрожелі\w*|мәтіндер\w* (?:мен|және) деректер\w*)"
)
_REFUSAL: Final = (
    r"(?:prohibit|forbid|forbidden|not permitted|not allowed|may not|must not|do not (?:use|train|scrape|crawl)"
    r"|without (?:the |our |prior |express |explicit )*(?:written )?(?:permission|consent|licen[cs]e|authori[sz]ation)"
    r"|reserv(?:e|es|ed|ation|ad[oa]s?)|opt(?:s|ed)?[- ]out|untersagt|verboten|vorbehalten|nutzungsvorbehalt|interdit"
    r"|réserv|prohibid|vietat|riservat|запрещ|не (?:допускается|разрешается|разрешено)"
    r"|без (?:\w+ )?(?:письменного )?(?:разрешения|согласия)|тыйым|рұқсатсыз|рұқсат (?:етілмейді|берілмейді)|болмайды)"
)
_PROSE = re.compile(
    rf"44b\s*(?:abs\.?\s*\d\s*)?urhg|2019/790|{_SUBJECT}.{{0,300}}?{_REFUSAL}|{_REFUSAL}.{{0,300}}?{_SUBJECT}",
    re.DOTALL,
)
_MAX_PROSE: Final = 20_000
_MAX_KEY: Final = 100


class TrainingRules:
    """The ``DisallowAITraining`` and ``AllowAITraining`` lines of a file that concern one agent."""

    __slots__ = ("rules",)

    def __init__(self, robots: Robots, agent: str) -> None:
        keys = {"disallowaitraining": False, "allowaitraining": True}
        lines = [line for key in keys for line in robots.applying(agent, key, "strict")]
        lines += [line for line in robots.directives("strict") if not line.agents and line.key in keys]
        literal = RuleList(
            Rule(escape_pattern(line.value), keys[line.key], line.line) for line in _by_line(lines) if line.value
        )
        self.rules = RuleSet(literal, literal.canonical())

    def signals(self, robots: Robots, target: str, evidence: Evidence) -> tuple[Signal, ...]:
        """Give the signal about one path, if a line speaks about it."""
        rule = self.rules.match(target)
        if rule is None:
            return ()
        reading = Reading.of(State.ALLOW, "train_gen") if rule.allow else _NO_TRAINING
        return (
            evidence.signal(
                "robots-ai-training", Carrier.LOCATION, robots.quote(rule.line), spec=reading, strict=reading,
                place=f"#L{rule.line}",
            ),
        )  # fmt: skip


def file_signals(robots: Robots, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signals that hold for every path of an origin: licences, odd keys, reservations in comments."""
    odd: dict[tuple[str, State], tuple[Directive, Reading]] = {}  # of lines with one meaning the first speaks
    for line in robots.directives("strict"):
        name, strict = _odd(line)
        if name and (name, strict.tested) not in odd:
            odd[name, strict.tested] = line, strict
    found = [
        evidence.signal(
            name, Carrier.LOCATION, robots.quote(line.line), spec=NOTHING, strict=strict, place=f"#L{line.line}"
        )
        for (name, _), (line, strict) in odd.items()
    ]
    phrase = prose(robots)
    if phrase:
        found.append(evidence.signal("robots-prose", Carrier.LOCATION, phrase, spec=NOTHING, strict=_HOLD))
    return tuple(found)


def prose(robots: Robots) -> str:
    """Give the reservation in plain words that stands in the comments, or nothing.

    Comments that only explain ``Content-Signal`` lines of the same file say no more than these lines.
    """
    if any(line.key == CONTENT_SIGNAL for line in robots.directives("strict")):
        return ""
    found = _PROSE.search(find_text(robots))
    return " ".join(found[0].split())[:500] if found else ""


def find_text(robots: Robots) -> str:
    """Give the text of the comments as one line in lower case, bounded."""
    return " ".join(robots.comments().casefold().split())[:_MAX_PROSE]


def _odd(line: Directive) -> tuple[str, Reading]:
    if line.key == "license":
        return ("rsl-license", _CONDITIONAL) if line.value else ("", NOTHING)
    letters = _NOT_LETTER.sub("", line.key[:_MAX_KEY])
    if letters.startswith("tdmreserv"):
        state = declare_value(line.value).strict
        return "robots-odd-key", Reading.of(state, "tdm") if state is not State.ALLOW else NOTHING
    if line.key in _OTHERS or line.key in {"disallowaitraining", "allowaitraining"}:
        return "", NOTHING
    training = "train" in letters and "ai" in letters.replace("train", " ")
    if training or _AI_KEY.search(letters) or line.value.casefold() in _NEGATIVE:
        return "robots-odd-key", _HOLD
    return "", NOTHING


def _by_line(lines: Iterable[Directive]) -> list[Directive]:
    return sorted(set(lines), key=lambda line: line.line)
