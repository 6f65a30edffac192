"""The forms in which a refusal is published: robots.txt, tdmrep.json, headers, meta elements, XMP, a C2PA assertion.

Each form says what was declared as far as its standard can; what says more than that is not made. Opt-out
specification §5.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from datalib.optout import xmp_writing
from datalib.optout.agents import AgentTable
from datalib.optout.declaration import Declaration, entry_key
from datalib.optout.patterns import escape_pattern
from datalib.optout.refusal import CAWG_LABEL, Refusal
from datalib.optout.registry import Kind

_ODD = re.compile(r"[^a-z0-9.-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form. ``path`` is its place below a folder of publication, ``host`` the site it is for, or empty."""

    name: str
    path: str
    text: str
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """All forms of a declaration, and those that were left out: ``tdm`` is not refused, or no ``place`` is named."""

    forms: tuple[Form, ...]
    left_out: Mapping[str, str]


def forms(declaration: Declaration, agents: AgentTable) -> Publication:
    """Give the forms of a declaration. ``agents`` names the crawlers that robots.txt lines speak to."""
    refusal = Refusal(reading=declaration.refused, licence=declaration.licence)
    hosts = patterns_of(declaration.about)
    found = [form for host, patterns in hosts.items() for form in _site_forms(host, patterns, refusal, agents)]
    for name, path, text in (
        ("headers", "headers.txt", headers(refusal)),
        ("meta", "meta.html", meta(refusal)),
        ("xmp", "packet.xmp", xmp_writing.new_packet(refusal).decode()),
        ("c2pa", "training-mining.json", assertion(refusal)),
    ):
        if text:
            found.append(Form(name=name, path=path, text=text.rstrip("\n") + "\n"))
    left_out = {} if hosts else {"robots.txt": "place", "tdmrep.json": "place"}
    if not refusal.tdm:
        left_out["tdmrep.json"] = "tdm"
    return Publication(forms=tuple(found), left_out=left_out)


def patterns_of(about: Iterable[str]) -> dict[str, list[str]]:
    """Give the path patterns of robots.txt (RFC 9309) that name the works at each host, the whole of it first."""
    found: dict[str, set[str]] = {}
    for text in about:
        kind, key = entry_key(text) or (Kind.ID, "")
        host, slash, path = key.partition("/")
        if kind is Kind.DOMAIN:
            found.setdefault(key, set()).add("/")
        elif kind is not Kind.ID and slash:
            anchor = "$" if kind is Kind.URL else ""
            found.setdefault(host, set()).add(escape_pattern("/" + path).replace("$", "%24") + anchor)
    return {host: sorted(patterns) for host, patterns in sorted(found.items())}


def robots(patterns: Iterable[str], refusal: Refusal, agents: AgentTable) -> str:
    """Write lines of robots.txt: the training crawlers by name, then preferences for all."""
    listed = list(patterns)
    disallowed = [f"Disallow: {pattern}" for pattern in listed]
    lines = []
    if refusal.denies("train_gen"):
        lines += [f"User-agent: {token}" for token in agents.training] + disallowed + [""]
    rules = disallowed if refusal.denies("crawl") else []
    if refusal.usage:
        rules = rules + [f"Content-Usage: {pattern} {refusal.usage}" for pattern in listed]
    if refusal.content_signal and "/" in listed:  # which speaks of whole sites only
        rules = [f"Content-Signal: {refusal.content_signal}", *rules]
    if rules:
        lines += ["User-agent: *", *rules]
    return "\n".join(lines).rstrip("\n") + "\n" if lines else ""


def tdmrep(patterns: Iterable[str], refusal: Refusal) -> str:
    """Write ``/.well-known/tdmrep.json``; empty unless mining is refused."""
    policy = {"tdm-policy": refusal.licence} if refusal.licence else {}
    entries = [{"location": pattern, "tdm-reservation": 1} | policy for pattern in patterns]
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n" if refusal.tdm else ""


def headers(refusal: Refusal) -> str:
    """Write the lines of the HTTP header."""
    lines = ["tdm-reservation: 1"] if refusal.tdm else []
    lines += [f"tdm-policy: {refusal.licence}"] if refusal.tdm and refusal.licence else []
    lines += [f"Content-Usage: {refusal.usage}"] if refusal.usage else []
    lines += [f"X-Robots-Tag: {refusal.robots_tag}"] if refusal.robots_tag else []
    return "\n".join(lines)


def meta(refusal: Refusal) -> str:
    """Write the meta elements of HTML pages."""
    pairs = [("tdm-reservation", "1")] if refusal.tdm else []
    pairs += [("tdm-policy", refusal.licence)] if refusal.tdm and refusal.licence else []
    pairs += [("robots", refusal.robots_tag)] if refusal.robots_tag else []
    return "\n".join(f'<meta name="{name}" content="{escape(value)}">' for name, value in pairs)


def assertion(refusal: Refusal) -> str:
    """Write the assertion for a C2PA manifest definition (CAWG Training and Data Mining 1.1)."""
    if not refusal.cawg:
        return ""
    value = {"assertions": [{"label": CAWG_LABEL, "data": {"entries": refusal.cawg}}]}
    return json.dumps(value, indent=2, sort_keys=True)


def _site_forms(host: str, patterns: list[str], refusal: Refusal, agents: AgentTable) -> Iterable[Form]:
    folder = _ODD.sub("_", host)
    folder = folder if folder.strip(".") else "_"
    if text := robots(patterns, refusal, agents):
        yield Form(name="robots.txt", path=f"{folder}/robots.txt", text=text, host=host)
    if text := tdmrep(patterns, refusal):
        yield Form(name="tdmrep.json", path=f"{folder}/.well-known/tdmrep.json", text=text, host=host)
