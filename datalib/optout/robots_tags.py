"""``X-Robots-Tag`` header lines and robots meta elements: noai, noimageai, noml, noarchive and their like.

No specification covers them; the meanings are those that their inventors and the large readers publish (DeviantArt and
Spawning: noai; noml.info: noml; Bing and Amazonbot: noarchive, nocache; Google: nosnippet). Tokens have no case, all
negative ones of all lines add up, and an agent's name with a colon scopes what follows it: a token scoped to another
agent does not reach us to the letter, strictly it does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from datalib.optout.agents import AgentTable
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.page import PageMeta
from datalib.optout.robots_lenient import clean
from datalib.optout.statement import TRAINING, Evidence

AI_TOKENS: Final = ("noai", "noimageai", "noml", "disallowaitraining")
_NO_TRAINING: Final = Reading.of(State.DENY, *TRAINING)
_NO_AI: Final = Reading.of(State.DENY, *TRAINING, "ai_input")
_NO_SEARCH: Final = Reading.of(State.DENY, "search")
_NO_INPUT: Final = Reading.of(State.DENY, "ai_input")

#: Token: to the letter, strictly.
_MEANINGS: Final = {
    "noai": (_NO_AI, _NO_AI),
    "noimageai": (_NO_AI, _NO_AI),
    "noml": (_NO_TRAINING, _NO_TRAINING),
    "disallowaitraining": (_NO_TRAINING, _NO_TRAINING),
    "noarchive": (NOTHING, _NO_TRAINING),
    "nocache": (NOTHING, Reading.of(State.CONDITIONAL, *TRAINING)),
    "noindex": (_NO_SEARCH, _NO_SEARCH | _NO_TRAINING),
    "none": (_NO_SEARCH, _NO_SEARCH),
    "noimageindex": (_NO_SEARCH, _NO_SEARCH),
    "nosnippet": (_NO_INPUT, _NO_INPUT),
}
_HARMLESS: Final = (
    "all", "index", "follow", "nofollow", "archive", "cache", "snippet", "notranslate", "noodp", "noydir",
    "indexifembedded", "nositelinkssearchbox", "nopagereadaloud", "nopreview",
)  # fmt: skip
_KNOWN: Final = frozenset({*_MEANINGS, *_HARMLESS})
#: Directives with a value of their own after the colon.
_VALUED: Final = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
_NEAR_MISS = re.compile(
    r"(?:no|not|without|disallow|deny|block|stop)[-_ ]?(?:for[-_ ]?)?(?:image|gen|generative)?[-_ ]?"
    r"(?:ai|ml|llms?|gpt|tdm|genai|machine[-_ ]?learning|training|train|scrap(?:e|ing))"
    r"(?:[-_ ]?(?:training|train|use|usage|learning|mining|scraping|input))?"
    r"|(?:ai[-_ ]?train(?:ing)?|train[-_ ]?ai|ai|ml|tdm|training)[-_ ]?[=:][-_ ]?(?:no|n|0|false|deny|none|disallow)"
)
_SCOPE = re.compile(r"[a-z0-9*][\w.*/-]*(?: [a-z][\w.-]*)?", re.ASCII)
_BOT_NAME = re.compile(r".*(?:bot|crawler|spider|slurp|extended)(?:-[a-z]+)?")
_PARTS = re.compile(r"[,;]")
#: So many different headers are known again, if they have no more characters than this.
_KNOWN_LINES: Final = 1 << 12
_SHORT: Final = 1 << 8


class Tag(NamedTuple):
    """One token and the agent it is scoped to (None: everybody)."""

    scope: str | None
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReading:
    """Both readings of the tags of one carrier."""

    spec: Reading
    strict: Reading


def parse_value(value: str, scope: str | None = None) -> tuple[Tag, ...]:
    """Parse one header line or one meta content. ``scope`` is the agent that a meta element names."""
    tags: list[Tag] = []
    for part in _PARTS.split(clean(value).casefold()):
        text = part.strip()
        name, colon, rest = text.partition(":")
        name = name.strip()
        if not colon or not name:
            tags += _words(text.strip(": "), scope)
        elif name in _VALUED:
            tags += [Tag(scope, word) for word in rest.split() if word in _MEANINGS]
        elif name.startswith("tdm") or _NEAR_MISS.fullmatch(f"{name}:{rest.strip()}"):
            tags.append(Tag(scope, f"{name}:{rest.strip()}"))
        elif _SCOPE.fullmatch(name) and name not in _KNOWN:
            scope = None if name in {"*", "robots"} else name
            tags += _words(rest.strip(), scope)
        else:
            tags += [Tag(scope, word) for word in re.split(r"[\s:]+", text) if word]
    return tuple(tags)


def read_tags(tags: Iterable[Tag], agent: str | None) -> TagReading:
    """Read tags for an agent (None: an agent that nobody names)."""
    tags = tuple(tags)
    own = {tag.token for tag in tags if tag.scope is None or (agent and tag.scope == agent.casefold())}
    everyone = {tag.token for tag in tags}
    if "nocache" in everyone:  # with noarchive beside it, Bing reads nocache
        everyone.discard("noarchive")
    spec = strict = NOTHING
    for token in own & _MEANINGS.keys():
        spec |= _MEANINGS[token][0]
    for token in everyone:
        strict |= _strict(token)
    return TagReading(spec=spec, strict=strict)


def ai_tokens(tags: Iterable[Tag]) -> tuple[str, ...]:
    """Give the AI tokens among tags, of any scope, each once, in order."""
    return tuple(dict.fromkeys(tag.token for tag in tags if tag.token in AI_TOKENS))


def header_signals(lines: Sequence[str], agent: str, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signal of ``X-Robots-Tag`` header lines, if they say anything about AI or search."""
    if not lines:
        return ()
    read = _known_header if sum(map(len, lines)) <= _SHORT else _header
    raw = "\n".join(f"X-Robots-Tag: {line}" for line in lines)
    return _signal("x-robots-tag", Carrier.TRANSFER, raw, read(tuple(lines), agent), evidence)


def _header(lines: tuple[str, ...], agent: str) -> TagReading:
    return read_tags([tag for line in lines for tag in parse_value(line)], agent)


#: Sites send the same few lines with all of their answers.
_known_header: Final = lru_cache(_KNOWN_LINES)(_header)


def page_signals(page: PageMeta, agent: str, table: AgentTable, evidence: Evidence) -> tuple[Signal, ...]:
    """Give the signals of the robots meta elements of a page."""
    letter: list[Tag] = []
    meant: list[Tag] = []
    raw: list[str] = []
    for meta in page.metas:
        content = meta.content
        if meta.attribute == "name" and (meta.name == "robots" or _is_agent(meta.name, agent, table)):
            tags = parse_value(content, None if meta.name == "robots" else meta.name)
            letter += tags
        elif meta.name in {"robots", "x-robots-tag"}:
            tags = parse_value(content)
        else:
            tags = _meant_tags(meta.name, content)
        meant += tags
        if tags:
            raw.append(f'<meta {meta.attribute}="{meta.name}" content="{content}">')
    reading = TagReading(spec=read_tags(letter, agent).spec, strict=read_tags(meant, agent).strict)
    return _signal("robots-meta", Carrier.PAGE, "\n".join(raw), reading, evidence)


def _signal(name: str, carrier: Carrier, raw: str, reading: TagReading, evidence: Evidence) -> tuple[Signal, ...]:
    if reading.spec == NOTHING and reading.strict == NOTHING:
        return ()
    return (evidence.signal(name, carrier, raw, spec=reading.spec, strict=reading.strict),)


def _words(text: str, scope: str | None) -> list[Tag]:
    if not text:
        return []
    if " " in text and _NEAR_MISS.fullmatch(text):
        return [Tag(scope, text)]
    return [Tag(scope, word) for word in text.split()]


def _strict(token: str) -> Reading:
    if token in _MEANINGS:
        return _MEANINGS[token][1]
    if token.startswith("tdm"):
        key, _, value = token.partition(":")
        if "reserv" in key:
            value = value.strip("\"' ")
            return NOTHING if value in {"0", ""} else Reading.of(State.DENY if value == "1" else State.HOLD, "tdm")
    return Reading.of(State.HOLD, *TRAINING) if _NEAR_MISS.fullmatch(token) else NOTHING


def _is_agent(name: str, agent: str, table: AgentTable) -> bool:
    return name == agent.casefold() or table.get(name) is not None or _BOT_NAME.fullmatch(name) is not None


def _meant_tags(name: str, content: str) -> tuple[Tag, ...]:
    """Read an element with another name: only when nothing but robots tokens stand in it, one of them about AI."""
    tags = parse_value(content, name or None)
    plain = all(tag.token in _KNOWN or _NEAR_MISS.fullmatch(tag.token) for tag in tags)
    return tags if plain and any(tag.token in AI_TOKENS for tag in tags) else ()
