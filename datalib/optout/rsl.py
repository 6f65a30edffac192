"""RSL 1.0: licence documents, what they say about a path, and where documents of a site are linked.

Source: Really Simple Licensing 1.0 (rslstandard.org, Recommendation of December 2025). A document holds ``content``
elements, each for some paths, each with alternative ``license`` offers. Of a type of ``permits`` that is present only
what is listed is permitted; ``prohibits`` outranks it; the narrowest ``content`` speaks.

What is not well-formed RSL 1.0 (a missing namespace, the vocabulary and comma lists of version 0.9, unknown types)
counts for nothing to the letter. Strictly read its refusals stand and everything else it says is held.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import can_ada

from datalib.optout import markup
from datalib.optout.markup import Element
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.patterns import canonical_pattern, canonical_target, escape_pattern, matches
from datalib.optout.robots import Robots
from datalib.optout.statement import TRAINING, Evidence, reading_of
from datalib.repeating import repeated

SIGNAL: Final = "rsl-license"
MEDIA_TYPE: Final = "application/rsl+xml"
NAMESPACE: Final = "https://rslstandard.org/rsl"
USAGES: Final = ("ai-train", "ai-input", "ai-index", "search")
#: Contents of a document; one with more counts as unreadable.
MAX_SCOPES: Final = 4096
#: Documents that one file may link; where there are more, some were not asked for.
MAX_LINKS: Final = 64

_AI: Final = ("ai-train", "ai-input", "ai-index")
_TOKENS: Final = {"all": USAGES, "ai-all": _AI, **{name: (name,) for name in USAGES}}
#: Words of version 0.9 and slips of the pen; they are meant, but not the letter.
_OLD_TOKENS: Final = {
    "train-ai": ("ai-train",), "train-genai": ("ai-train",), "ai-training": ("ai-train",),
    "ai-summarize": ("ai-input",), "ai-use": ("ai-input",), "ai": _AI,
}  # fmt: skip
_CATEGORIES: Final = {
    "ai-train": ("train_any", "train_gen"), "ai-input": ("ai_input",), "ai-index": ("ai_index",), "search": ("search",),
}  # fmt: skip
_TYPES: Final = frozenset({"usage", "user", "geo"})
#: Children of a licence that bind the licensee to nothing.
_HARMLESS: Final = frozenset({"permits", "prohibits", "payment", "legal"})
_FREE: Final = "free"
_SPLIT = re.compile(r"[\s,;]+")
_LINK = re.compile(r"<([^<>]*)>(" + repeated(r"[^,\"]|\"[^\"]*+\"?") + ")")
_PARAMETER = re.compile(r"""([A-Za-z*_-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))""")

Usages = dict[str, State]


class Links(IntEnum):
    """What became of the documents that one file links. The weakest link counts."""

    READ = 0
    NOT_ASKED = 1
    UNREADABLE = 2


#: Says what became of the licence document behind a link.
Follow = Callable[[str], Links]
#: What follows from a licence that is linked and was not read.
OFFER: Final = Reading.of(State.CONDITIONAL, *TRAINING)


class _Scope(NamedTuple):
    """One ``content`` element: the host and the paths it is for, and the state of each usage."""

    host: str
    pattern: str
    usages: Usages


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed document. ``conforming``: RSL 1.0 to the letter; ``readable``: RSL at all."""

    scopes: tuple[_Scope, ...]
    conforming: bool
    readable: bool

    @property
    def uniform(self) -> bool:
        """Whether the document says the same about every path of every site."""
        return all(not scope.host and scope.pattern in {"/", "/*", "*"} for scope in self.scopes)

    def usages(self, target: str, origin: str = "") -> Usages:
        """Give the state of each usage of a path with query, fail-closed; nothing where no content speaks of it.

        ``origin`` is that of the path. A content for another host does not speak of it; a document with no other
        contents was linked by mistake, and is held.
        """
        foreign = bool(self.scopes) and all(_is_foreign(scope, origin) for scope in self.scopes)
        if foreign or not self.readable:
            return dict.fromkeys(USAGES, State.HOLD)
        found = [scope for scope in self.scopes if _covers(scope, target, origin)]
        longest = max((len(scope.pattern) for scope in found), default=0)
        states: Usages = {}
        for scope in found:
            if len(scope.pattern) == longest:
                for usage, state in scope.usages.items():
                    state = state if self.conforming or state is State.DENY else State.HOLD  # noqa: PLW2901 (made strict)
                    states[usage] = max(states.get(usage, State.UNKNOWN), state)
        return states

    def inside_signals(self, carrier: Carrier, evidence: Evidence) -> tuple[Signal, ...]:
        """Give the signal of a document inside of a page or a file: the strongest state of all its contents."""
        states: Usages = {} if self.readable else dict.fromkeys(USAGES, State.HOLD)
        for scope in self.scopes:
            for usage, state in scope.usages.items():
                strict = state if self.conforming or state is State.DENY else State.HOLD
                states[usage] = max(states.get(usage, State.UNKNOWN), strict)
        return self._signals(states, carrier, evidence)

    def signals(self, target: str, evidence: Evidence, origin: str = "") -> tuple[Signal, ...]:
        """Give the signal about a path, if the document speaks of it."""
        return self._signals(self.usages(target, origin), Carrier.LOCATION, evidence)

    def _signals(self, states: Usages, carrier: Carrier, evidence: Evidence) -> tuple[Signal, ...]:
        if not states:
            return ()
        strict = reading_of({name: state for usage, state in states.items() for name in _CATEGORIES[usage]})
        said = ", ".join(f"{usage}: {state.label}" for usage, state in states.items())
        letter = self.conforming and State.HOLD not in states.values()
        note = "" if self.readable else "not a document of RSL"
        spec = strict if letter else NOTHING
        return (evidence.signal(SIGNAL, carrier, said, spec=spec, strict=strict, note=note),)


UNREADABLE: Final = Document(scopes=(), conforming=False, readable=False)


def parse(body: bytes) -> Document:
    """Parse a document, or a feed with the RSL module. Nothing is raised and nothing fetched, whatever the bytes."""
    elements = markup.parse(body) if b"rsl" in body.replace(b"\0", b"").lower() else None
    return of_elements(elements) if elements else UNREADABLE


def of_elements(elements: Sequence[Element]) -> Document:
    """Read a document from its elements, or what of RSL stands among other metadata."""
    root = elements[0]
    own = root.local == "rsl"
    inside = [place for place, element in enumerate(elements) if element.local == "content" and _is_rsl(element, own)]
    if len(inside) > MAX_SCOPES or not (own or inside):
        return UNREADABLE
    conforming = not own or root.name == f"{NAMESPACE}\nrsl"
    children = _children(elements)
    scopes: list[_Scope] = []
    for place in inside:
        scope, exact = _scope(elements, children, place)
        conforming = conforming and exact and elements[place].name == f"{NAMESPACE}\ncontent"
        if scope is not None:
            scopes.append(scope)
    return Document(scopes=tuple(scopes), conforming=conforming, readable=True)


def robots_links(robots: Robots) -> tuple[str, ...]:
    """Give the values of the ``License`` lines of a robots.txt, each once, in its order; one above ``MAX_LINKS``."""
    lines = (line.value for line in robots.directives("strict") if line.key == "license")
    return tuple(dict.fromkeys(value for value in lines if value))[: MAX_LINKS + 1]


def links_for(robots: Robots, agent: str) -> tuple[str, ...]:
    """Give the values for one agent by the letter: those of its groups, else those outside of all groups."""
    own = [line.value for line in robots.applying(agent, "license", "strict") if line.value]
    free = [line.value for line in robots.directives("strict") if line.key == "license" and not line.agents]
    return tuple(dict.fromkeys(own or [value for value in free if value]))


def settle(found: Iterable[Signal], links: Links) -> tuple[Signal, ...]:
    """Settle the signal of the lines that link documents: documents that were read speak for themselves."""
    settled: list[Signal] = []
    for signal in found:
        if signal.signal != SIGNAL or links is not Links.READ:
            settled.append(signal)
        if signal.signal == SIGNAL and links is Links.UNREADABLE:
            settled.append(unreadable_link(signal))
    return tuple(settled)


def linked(
    said: Sequence[str], links: Sequence[str], carrier: Carrier, evidence: Evidence, follow: Follow | None
) -> tuple[Signal, ...]:
    """Give the signal of linked licences: an offer, unless their documents were read and speak for themselves."""
    offer = evidence.signal(SIGNAL, carrier, "\n".join(said), spec=NOTHING, strict=OFFER)
    if follow is None or not links or len(links) > MAX_LINKS:
        return (offer,)
    return settle([offer], max(map(follow, links)))


def unreadable_link(signal: Signal) -> Signal:
    """Give what follows when a linked document was asked for and cannot be read."""
    return replace(
        signal, spec=NOTHING, strict=Reading.of(State.HOLD, *TRAINING), note="a linked document cannot be read"
    )


def resolve(link: str, base: str) -> str | None:
    """Give the absolute http or https URL of a link in a file at ``base``, without its fragment, or None."""
    try:
        parsed = can_ada.parse(base) + link
    except (ValueError, TypeError):  # TypeError: a lone surrogate is no text for the parser
        return None
    if parsed.protocol not in {"https:", "http:"} or not parsed.hostname:
        return None
    found: str = parsed.origin + parsed.pathname + parsed.search
    return found


def header_links(lines: Iterable[str]) -> tuple[str, ...]:
    """Give the targets of ``Link`` headers that name an RSL licence (RFC 8288)."""
    found: list[str] = []
    for line in lines:
        for match in _LINK.finditer(line):
            names = {key.casefold(): (quoted or bare) for key, quoted, bare in _PARAMETER.findall(match[2])}
            media = names.get("type", "").partition(";")[0].strip().casefold()
            if "license" in names.get("rel", "").casefold().split() and media == MEDIA_TYPE:
                found.append(match[1].strip())
    return tuple(dict.fromkeys(found))


def _is_rsl(element: Element, own: bool) -> bool:  # noqa: FBT001 (a fact about the document, not a switch)
    """Say whether a content element is one of RSL: in a document of RSL any, elsewhere one of the namespace."""
    return own or element.name.rpartition("\n")[0].rstrip("/#").casefold() == NAMESPACE


def _children(elements: Sequence[Element]) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for place, element in enumerate(elements):
        children.setdefault(element.parent, []).append(place)
    return children


def _scope(elements: Sequence[Element], children: dict[int, list[int]], place: int) -> tuple[_Scope | None, bool]:
    """Read one content element; also say whether it is well-formed."""
    content = elements[place]
    licences = [child for child in children.get(place, ()) if elements[child].local == "license"]
    url = content.attributes.get("url")
    host, pattern = _place(url or "")
    exact = url is not None
    bound = bool(content.attributes.get("server", "").strip()) or content.attributes.get("encrypted") == "true"
    offers: list[Usages] = []
    for licence in licences:
        offer, fine = _offer(elements, children.get(licence, ()), bound=bound)
        exact = exact and fine
        offers.append(offer)
    if not offers:
        return None, exact
    usages = {usage: min(offer[usage] for offer in offers) for usage in USAGES}
    return _Scope(host, pattern, usages), exact


def _offer(elements: Sequence[Element], inside: Sequence[int], *, bound: bool) -> tuple[Usages, bool]:
    """Read one licence: the state of each usage, and whether it is well-formed."""
    permitted: set[str] = set()
    prohibited: set[str] = set()
    listed, exact = False, True
    conditional = bound
    for place in inside:
        element = elements[place]
        name, kind = element.local, element.attributes.get("type", "").strip().casefold()
        if name in {"permits", "prohibits"}:
            exact = exact and kind in _TYPES
            if kind in {"user", "geo"}:
                conditional = conditional or name == "prohibits" or element.text.strip().casefold() != "all"
                continue
            usages, fine = _usages(element.text)
            exact = exact and fine
            listed = listed or name == "permits"
            (permitted if name == "permits" else prohibited).update(usages)
        elif name == "payment":
            paid = kind != _FREE or any(child.parent == place for child in elements[place + 1 : place + 2])
            conditional = conditional or paid
        else:
            conditional = conditional or name not in _HARMLESS
    granted = State.CONDITIONAL if conditional else State.ALLOW
    return {
        usage: State.DENY if usage in prohibited or (listed and usage not in permitted) else granted for usage in USAGES
    }, exact


def _usages(text: str) -> tuple[set[str], bool]:
    """Read a list of usages; also say whether it is one of version 1.0."""
    found: set[str] = set()
    exact = "," not in text and ";" not in text
    for word in filter(None, _SPLIT.split(text.casefold())):
        exact = exact and word in _TOKENS
        found.update(_TOKENS.get(word) or _OLD_TOKENS.get(word, ()))
    return found, exact


def _place(url: str) -> tuple[str, str]:
    """Give the host (without ``www.``) and the path pattern that a content is for; no URL is every path."""
    text = url.strip()
    if not text or (text.startswith(("/", "*")) and not text.startswith("//")):
        return "", escape_pattern(text or "/")
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = _bare(parts.netloc.rpartition("@")[2].casefold())
    except ValueError:  # an unfinished address of IPv6
        return "", "/"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, escape_pattern(path)


def _bare(host: str) -> str:
    return host.removeprefix("www.").removesuffix(":443").removesuffix(":80")


def _is_foreign(scope: _Scope, origin: str) -> bool:
    """Say whether a content is for another host. Scheme, ``www.`` and the usual ports make no other host."""
    return bool(scope.host and origin) and _bare(origin.partition("://")[2]) != scope.host


def _covers(scope: _Scope, target: str, origin: str) -> bool:
    if _is_foreign(scope, origin):
        return False
    return matches(scope.pattern, target) or matches(canonical_pattern(scope.pattern), canonical_target(target))
