"""Path patterns of robots.txt and its relatives: spelling, matching, and which rule of many wins.

A pattern is a prefix of the path with its query, in which ``*`` stands for any run of characters and a final ``$`` for
the end. The longest pattern that matches wins; an allow wins a tie (RFC 9309 §2.2.2). Matching is linear in the length
of the target: nothing here backtracks, and no regular expression is made from a file.

One octet has several spellings (``a``, ``%61``). Two comparisons are kept apart:

- *literal*, as search engines do it: ``escape_pattern`` writes what is not ASCII as ``%XX`` and folds hexadecimal
  digits to upper case; the target is compared as it stands.
- *canonical*: ``canonical_target`` and ``canonical_pattern`` write every octet in one way, so that an ``%70rivate``
  does not slip through a rule for ``/private``. An encoded delimiter (``/ ? # % & = + ;``) stays encoded, since
  decoding it would change what the URL means.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, Self

#: ``spec`` is the letter of a standard, ``strict`` the fail-closed reading.
Letter = Literal["spec", "strict"]

_HEX = re.compile(r"%[0-9a-fA-F]{2}")
#: A text of these is canonical already. ``*`` and ``$`` are missing: in a target they are data, in a pattern wildcards.
_CALM = re.compile(r"[A-Za-z0-9\-._~!'(),:;=@&+/?]*", re.ASCII)
_CALM_PATTERNS = re.compile(r"[A-Za-z0-9\-._~!'(),:;=@&+/?*]*", re.ASCII)
_ODD = re.compile(r"%[0-9a-fA-F]{2}|[^A-Za-z0-9\-._~!'(),:;=@&+/?]", re.ASCII)
#: Octets that mean the same with and without ``%XX``.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!'(),:@")


class Rule(NamedTuple):
    """One ``Allow`` or ``Disallow`` line. A tuple, because a site can have thousands and a scan millions."""

    pattern: str
    allow: bool
    line: int


def escape_pattern(value: str) -> str:
    """Write a pattern for the literal comparison: non-ASCII octets as ``%XX``, hexadecimal digits in upper case."""
    if "%" in value:
        value = _HEX.sub(lambda found: found[0].upper(), value)
    if value.isascii():
        return value
    return "".join(c if c.isascii() else _percent(c) for c in value)


def canonical_target(target: str) -> str:
    """Write a path with its query in the one canonical spelling."""
    return target if _CALM.fullmatch(target) else _ODD.sub(_one_spelling, target)


def canonical_pattern(pattern: str) -> str:
    """Write a pattern in the canonical spelling; ``*`` and a final ``$`` keep their meaning."""
    if _CALM.fullmatch(pattern):
        return pattern
    anchor = "$" if pattern.endswith("$") else ""
    body = pattern.removesuffix("$")
    return "*".join(canonical_target(part) for part in body.split("*")) + anchor


def url_to_path(url: str) -> str:
    """Give the path with parameters and query of a URL or of a bare path, without changing its spelling.

    Takes what has no scheme, too; a fragment is cut. This is Google's reading of a URL; URLs of works are parsed by the
    WHATWG rules before they come here.
    """
    start = 2 if url.startswith("//") else 0
    early = _first_of(url, start)
    scheme_end = url.find("://", start)
    authority = start if scheme_end < 0 or 0 <= early < scheme_end else scheme_end + 3
    path = _first_of(url, authority)
    fragment = url.find("#", start)
    if path < 0 or 0 <= fragment < path:
        return "/"
    found = url[path : fragment if fragment >= 0 else None]
    return found if found.startswith("/") else "/" + found


def matches(pattern: str, target: str) -> bool:
    """Say whether a pattern matches a target, both in the same spelling."""
    anchored = pattern.endswith("$")
    head, *rest = pattern.removesuffix("$").split("*")
    if not rest:
        return target == head if anchored else target.startswith(head)
    return target.startswith(head) and _match_rest(tuple(rest), target, len(head), anchored=anchored)


class RuleList:
    """The rules of one agent in one spelling. ``rules`` are in the order of the file; indexed at the first match."""

    __slots__ = ("_index", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._index: _Index | None = None

    def match(self, target: str) -> Rule | None:
        """Give the rule that decides about a target: the longest pattern, an allow before a disallow."""
        if self._index is None:
            self._index = _index(self.rules)
        exact, prefixes, starts, lengths, wild = self._index
        best = exact.get(target)
        if target.startswith(starts):
            for length in lengths:
                found = prefixes.get(target[:length])
                if found is not None:
                    best = found if best is None else _stronger(best, found)
                    break
        bound = len(best.pattern) if best is not None else 0
        for size, rule, head, simple, parts, anchored in wild:
            if size <= bound and (size < bound or best is None or best.allow or not rule.allow):
                break
            if not target.startswith(head):
                continue
            place = len(head)
            if (
                target.find(simple, place) >= 0
                if simple is not None
                else _match_rest(parts, target, place, anchored=anchored)
            ):
                return rule
        return best

    def canonical(self) -> Self:
        """Give the same rules for the canonical comparison; itself when their spelling is canonical already.

        ``Disallow: /a$`` is read both as an end and as a dollar sign: which of the two was meant is not knowable.
        """
        if _CALM_PATTERNS.fullmatch("".join([rule.pattern for rule in self.rules])):
            return self
        changed: list[Rule] = []
        for rule in self.rules:
            pattern = canonical_pattern(rule.pattern)
            changed.append(rule if pattern == rule.pattern else rule._replace(pattern=pattern))
            if pattern.endswith("$") and not rule.allow:
                changed.append(rule._replace(pattern=pattern[:-1] + "%24"))
        return self if tuple(changed) == self.rules else type(self)(changed)


class RuleSet:
    """What one agent has to obey: a list for the literal comparison and, strictly read, one for the canonical one.

    A target passes when both let it pass. In well-formed files the two lists are one object.
    """

    __slots__ = ("canonical", "literal")

    def __init__(self, literal: RuleList, canonical: RuleList | None = None) -> None:
        self.literal = literal
        self.canonical = canonical

    def match(self, target: str) -> Rule | None:
        """Give the rule that decides about a path with query: a disallow of either list, else what the first says."""
        first = self.literal.match(target)
        if self.canonical is None or (first is not None and not first.allow):
            return first
        spelled = canonical_target(target)
        if self.canonical is self.literal and spelled == target:
            return first
        second = self.canonical.match(spelled)
        return first if second is None or second.allow else second

    def allows(self, target: str) -> bool:
        """Say whether a target may be fetched."""
        rule = self.match(target)
        return rule is None or rule.allow


def _percent(char: str) -> str:
    return "".join(f"%{octet:02X}" for octet in char.encode("utf-8", "surrogateescape"))


def _one_spelling(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) == 1:
        return "".join(f"%{octet:02X}" for octet in text.encode("utf-8", "surrogatepass"))
    octet = int(text[1:], 16)
    return chr(octet) if octet in _PLAIN else text.upper()


def _first_of(url: str, start: int) -> int:
    found = [place for place in (url.find(mark, start) for mark in "/?;") if place >= 0]
    return min(found, default=-1)


class _Index(NamedTuple):
    exact: dict[str, Rule]
    prefixes: dict[str, Rule]
    starts: tuple[str, ...]
    lengths: tuple[int, ...]
    wild: tuple[tuple[int, Rule, str, str | None, tuple[str, ...], bool], ...]


def _index(rules: tuple[Rule, ...]) -> _Index:
    exact: dict[str, Rule] = {}
    prefixes: dict[str, Rule] = {}
    wild: list[Rule] = []
    for rule in rules:
        pattern = rule.pattern
        if "*" in pattern:
            wild.append(rule)
        elif pattern.endswith("$"):
            _keep(exact, pattern[:-1], rule)
        else:
            _keep(prefixes, pattern, rule)
    wild.sort(key=lambda rule: (-len(rule.pattern), not rule.allow, rule.line))
    return _Index(
        exact=exact,
        prefixes=prefixes,
        starts=tuple(prefixes),
        lengths=tuple(sorted(set(map(len, prefixes)), reverse=True)),
        wild=tuple((len(rule.pattern), rule, *_cut(rule.pattern)) for rule in wild),
    )


def _keep(index: dict[str, Rule], key: str, rule: Rule) -> None:
    """Enter a rule; of two with one pattern an allow stays, else the first."""
    held = index.get(key)
    if held is None or (rule.allow and not held.allow):
        index[key] = rule


def _stronger(held: Rule, other: Rule) -> Rule:
    longer = len(other.pattern) - len(held.pattern)
    return other if longer > 0 or (not longer and other.allow and not held.allow) else held


def _cut(pattern: str) -> tuple[str, str | None, tuple[str, ...], bool]:
    """Cut a pattern at its stars: head, the one part that follows if it is that simple, all parts, anchored."""
    head, *rest = pattern.removesuffix("$").split("*")
    anchored = pattern.endswith("$")
    return head, rest[0] if len(rest) == 1 and not anchored else None, tuple(rest), anchored


def _match_rest(parts: tuple[str, ...], target: str, place: int, *, anchored: bool) -> bool:
    """Match what follows the first ``*``: each part as early as possible, the last at the end when anchored."""
    last = len(parts) - 1
    for index, part in enumerate(parts):
        if anchored and index == last:
            return len(target) - len(part) >= place and target.endswith(part)
        found = target.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True
