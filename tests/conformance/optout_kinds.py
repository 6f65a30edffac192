"""The kinds of opt-out cases: how each asks the product, and in which words it answers.

A handler gives ``{field: (expected, got)}``. Where a case has one expectation for two readings, the field says which
reading is held against it.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from datalib.optout import (
    agents,
    aipref,
    content_signal,
    judge,
    patterns,
    robots,
    robots_extra,
    robots_tags,
    tdmrep,
    tdmrep_embedded,
)
from datalib.optout.answers import FAILURES, Answer, origin_of
from datalib.optout.model import NOTHING, Reading, State
from datalib.optout.patterns import canonical_target, url_to_path
from datalib.optout.robots_status import Access, read_status
from datalib.optout.statement import Evidence, reading_of
from tests.shared import SHARED

Case = dict[str, Any]
Outcome = Mapping[str, tuple[Any, Any]]

CATEGORIES = ("tdm", "train_any", "train_gen", "ai_input", "ai_index", "search")
EVIDENCE = Evidence(locator="case", sha256="0" * 64)


class NotHereError(Exception):
    """A case cannot be put to the product here: its text is missing, or nothing of ours corresponds to it."""


def body_of(case: Case) -> bytes:
    """Give the bytes of a case's input."""
    if case.get("input_b64"):
        return base64.b64decode(case["input_b64"])
    if case.get("input_ref"):
        path = _real_texts().get(case["sha256"])
        if path is None:
            raise NotHereError(f"the text {case['input_ref']} is not among the real inputs of DATALIB_SHARED")
        return path.read_bytes()
    if case.get("input") is None and case.get("input_spec") is not None:  # an empty text would be another case
        raise NotHereError(f"no recipe for the input {case['input_spec']!r} is known here")
    return str(case.get("input") or "").encode("utf-8", "surrogatepass")


@cache
def _real_texts() -> dict[str, Path]:
    files = (SHARED / "real" / "robots").rglob("*.txt")
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in files}


@cache
def _table() -> agents.AgentTable:
    return agents.default()


def _word(allowed: bool) -> str:
    return "allow" if allowed else "disallow"


def _labels(states: Mapping[str, State]) -> dict[str, str]:
    return {name: state.label for name, state in states.items()}


# -- robots.txt ------------------------------------------------------------------------------------------------------


def is_allowed(case: Case) -> Outcome:
    """Which reading a suite speaks of is told by its own fields."""
    parsed = robots.parse(body_of(case))
    agent, url, expected = case["user_agent"], case["url"], case["expected"]
    if "google_specific" in case:
        return {"spec": (expected, _word(parsed.allowed(agent, url, "spec")))}
    if "conservative" in case:  # denied by a parser that lets tokens speak for those that begin with them, or by Google
        return {"strict": (case["conservative"], _word(parsed.allowed(agent, url, "strict", exact=False)))}
    if "exact_user_agent_matching" in case:  # compares in the spelling of RFC 3986, and reads leniently
        rules = parsed.effective(agent, "strict", exact=case["exact_user_agent_matching"]).canonical
        rule = rules.match(canonical_target(url_to_path(url))) if rules else None
        return {"canonical": (expected, _word(rule is None or rule.allow))}
    outcome = {"strict": (expected, _word(parsed.allowed(agent, url, "strict")))}
    if "tool_results" not in case:
        outcome["spec"] = (expected, _word(parsed.allowed(agent, url, "spec")))
    return outcome


def is_allowed_root(case: Case) -> Outcome:
    parsed = robots.parse(body_of(case))
    path = url_to_path(case["url"])
    outcome: dict[str, tuple[Any, Any]] = {}
    for agent, expected in (case["expected"] or {}).items():
        outcome[f"spec {agent}"] = (expected, _word(parsed.allowed(agent, path, "spec")))
    for agent, expected in (case["expected_strict"] or {}).items():
        outcome[f"strict {agent}"] = (expected, _word(parsed.allowed(agent, path, "strict", exact=False)))
    signals = case.get("signals") or {}
    if "html_body" in signals:
        outcome["html_body"] = (signals["html_body"], parsed.looks_like_html)
    return outcome


def valid_user_agent_token(case: Case) -> Outcome:
    return {"valid": (case["expected"], robots.valid_token(case["input"] or ""))}


def parse_stats(case: Case) -> Outcome:
    lines = list(robots.read_lines(body_of(case)))
    known = {"user-agent", "allow", "disallow", "sitemap"}
    got = {
        "valid_directives": sum(key in known for key, _, _ in lines),
        "unknown_directives": sum(key not in known for key, _, _ in lines),
        "last_line_seen": max((number for _, _, number in lines), default=0),
        "sitemap": next((value for key, value, _ in lines if key == "sitemap"), None),
    }
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


def plain(function: Callable[[str], Any]) -> Callable[[Case], Outcome]:
    """Make a handler of a function from a text to the answer itself."""
    return lambda case: {"result": (case["expected"], function(case["input"] or ""))}


def site_root(case: Case) -> Outcome:
    return {"result": (case["expected"], f"{origin_of(case['input'])}/")}


def crawl_delay(case: Case) -> Outcome:
    lines = robots.parse(body_of(case)).applying(case["user_agent"], "crawl-delay")
    values = [line.value for line in lines]
    try:
        got = float(values[-1]) if values else None
    except ValueError:
        got = None
    return {"delay": (case["expected"], got)}


def robots_ai_rules(case: Case) -> Outcome:
    signals = _origin(body_of(case)).judge(url_to_path(case["url"]))
    strict = _together(signal.strict for signal in signals)
    got = "allow_train" if strict.tested is State.ALLOW and strict.train_gen is State.ALLOW else strict.tested.label
    return {"strict": (case["expected"], got)}


def _origin(body: bytes, status: int | str = 200) -> judge.OriginJudge:
    answer = Answer(origin="https://example.com", status=status, body=body)
    return judge.OriginJudge(answer, None, "ExampleResearchBot", _table())


def _together(readings: Iterable[Reading]) -> Reading:
    result = NOTHING
    for reading in readings:
        result |= reading
    return result


# -- the answer to the request for robots.txt ------------------------------------------------------------------------

_WORDS = {"redirect>5": "redirects", "dns_failure": "dns", "tls_error": "tls", "timeout": "timeout"}
_SAMPLES = {
    "utf16": "User-agent: *\nDisallow: /\n".encode("utf-16"),
    "html": b"<!DOCTYPE html><html><body>Not here</body></html>",
    "empty": b"",
    "kib": b"User-agent: *\n" + b"# filler\n" * 60_000 + b"Disallow: /\n",
}


def status(case: Case) -> Outcome:
    said = case["input"]
    condition = str(said)
    sample = next((body for mark, body in _SAMPLES.items() if mark in condition.lower()), None)
    if condition.startswith("redirect") and ">" not in condition:  # followed: what it leads to is read
        spec = strict = Access.PARSE
    elif condition.startswith("200_") and sample is not None:
        reading = robots.parse(sample)
        held = reading.looks_like_html or not reading.readable
        spec, strict = Access.PARSE, Access.HOLD if held else Access.PARSE
        if "utf16" in condition:  # decoded, so that its rule counts
            assert not reading.allowed("x", "/", "strict")
    elif isinstance(said, str) and said not in _WORDS and said not in FAILURES:
        raise NotHereError(f"no fetch of datalib ends in {said!r}")
    else:
        access = read_status(said if isinstance(said, int) else _WORDS.get(condition, condition))
        spec, strict = access.spec, access.strict
    return {
        "rfc9309": (case["expected"]["rfc9309"], _agree(case["expected"]["rfc9309"], spec)),
        "strict": (case["expected"]["strict"], _agree(case["expected"]["strict"], strict)),
    }


def _agree(word: str, got: Access) -> str:
    """Give the word back when it allows for what we do, else say what we do."""
    meant: set[Access] = set()
    if "hold" in word:
        meant.add(Access.HOLD)
    if "disallow" in word or "deny" in word:
        meant.add(Access.DENY)
    elif "allow" in word or "unavailable" in word:
        meant.add(Access.ALLOW)
    if any(mark in word for mark in ("parse", "decode", "read", "undefined", "follow", "stop")):
        meant.add(Access.PARSE)
    if word == "parse_empty":
        meant.add(Access.ALLOW)
    return word if got in meant else got.value


def failed_fetch(case: Case) -> Outcome:
    return {"spec": (case["expected"], _word(read_status(case["input"]).spec is not Access.DENY))}


# -- AIPREF ----------------------------------------------------------------------------------------------------------


def vocab_parse(case: Case) -> Outcome:
    parsed = aipref.parse(case["input"])
    reading = reading_of(parsed.strict())
    got = {
        "strict": {name: reading[name].label for name in CATEGORIES} | {"hold": parsed.hold},
        "spec": _labels(parsed.spec(case.get("version", aipref.CURRENT))),
        "spec_vocab08": _labels(parsed.spec("vocab-08")),
        "parses": parsed.parses,
    }
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


def combine(case: Case) -> Outcome:
    version = case.get("version", aipref.CURRENT)
    return {
        "spec": (
            case["expected"]["spec"],
            _labels(aipref.combine(aipref.parse(x).spec(version) for x in case["input"])),
        )
    }


def header_content_usage(case: Case) -> Outcome:
    lines = case["input"]
    version = case.get("version", aipref.CURRENT)
    signals = aipref.header_signals(lines, EVIDENCE)
    got = {
        "spec_joined_last_wins": _labels(aipref.parse_header(lines).spec(version)),
        "strict_train_gen": _together(signal.strict for signal in signals).train_gen.label,
    }
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


def robots_content_usage(case: Case) -> Outcome:
    parsed = robots.parse(body_of(case))
    agent, target = case["user_agent"], url_to_path(case["url"])
    crawl = parsed.allowed(agent, target, "spec")
    usage = aipref.robots_usage(parsed, agent)
    version = case["version"].rpartition("+")[2]
    strict = _together(s.strict for s in aipref.robots_signals(usage, target, EVIDENCE, crawlable=crawl))
    if not parsed.allowed(agent, target, "strict"):
        strict |= Reading.of(State.DENY, "train_gen")
    got = {
        "crawl": _word(crawl),
        "spec": _labels(usage.spec(target, version)) if crawl else None,
        "strict_train_gen": strict.train_gen.label,
    }
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


# -- Content Signals -------------------------------------------------------------------------------------------------


def raw_values(case: Case) -> Outcome:
    parsed = robots.parse(body_of(case))
    got = {
        name: [line.value for line in parsed.directives() if line.key == name.replace("_", "-")]
        for name in case["expected"]
    }
    return {"values": (case["expected"], got)}


def line_valid(case: Case) -> Outcome:
    value = case["input"]
    readable = content_signal.parse_line(value).readable
    got = {"valid": content_signal.valid_line(value), "strict": "parse" if readable else "hold"}
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


def usage_line_valid(case: Case) -> Outcome:
    return {"valid": (case["expected"]["valid"], aipref.valid_line(case["input"], "vocab-04"))}


def merged_signals(case: Case) -> Outcome:
    return {"merged": (case["expected"], content_signal.merged(robots.parse(body_of(case))))}


def signal_for_agent(case: Case) -> Outcome:
    lines = content_signal.lines_for(robots.parse(body_of(case)), case["user_agent"])
    return {"content_signal": (case["expected"]["content_signal"], [line.value for line in lines])}


def decision(case: Case) -> Outcome:
    parsed = robots.parse(body_of(case))
    target = url_to_path(case["url"]) if case.get("url") else None
    decided = content_signal.decide(parsed, case["user_agent"], target)
    return _decision(case, decided, hold=decided.hold or bool(robots_extra.prose(parsed)))


def header_decision(case: Case) -> Outcome:
    _, _, value = case["input"].partition(":")
    decided = content_signal.decide_header([value])
    return _decision(case, decided, hold=decided.hold)


def _decision(case: Case, decided: content_signal.Decision, *, hold: bool) -> Outcome:
    got = {
        "train_gen": decided.states["ai-train"].label,
        "ai_input": decided.states["ai-input"].label,
        "search": decided.states["search"].label,
        "hold": hold,
    }
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


# -- TDMRep ----------------------------------------------------------------------------------------------------------


def header_value(case: Case) -> Outcome:
    reserved = tdmrep.declare_value(case["input"]).reservation == 1
    return {"spec": (case["expected"], "deny" if reserved else "allow")}


def well_known(case: Case) -> Outcome:
    return declared(case, tdmrep.parse(body_of(case)).declare(url_to_path(case["url"])))


def epub_opf(case: Case) -> Outcome:
    return declared(case, tdmrep_embedded.read_opf(body_of(case)))


def declared(case: Case, found: tdmrep.Declaration) -> Outcome:
    """Hold what TDMRep declares somewhere against an expectation."""
    words = {State.ALLOW: "tdm_not_reserved"}
    strict = words.get(found.strict, found.strict.label)
    if case["expected"].get("strict") == "conditional_deny" and found.strict is State.DENY and found.policy:
        strict = "conditional_deny"  # denied, with a licence on offer
    got = {"reservation": found.reservation, "policy": found.policy, "strict": strict}
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


def precedence(case: Case) -> Outcome:
    spec, strict = tdmrep.settle(case["input"])
    words = {State.ALLOW: "tdm_not_reserved"}
    return {
        "spec": (case["expected"]["spec"], spec),
        "strict": (case["expected"]["strict"], words.get(strict, strict.label)),
    }


def odrl_policy(case: Case) -> Outcome:
    expected = case["expected"]
    state = tdmrep.judge_policy(case["input"])
    free = state is State.ALLOW and expected in {"allow", "allow_tdm", "tdm_not_reserved"}
    return {"state": (expected, expected if free else state.label)}


# -- robots tags -----------------------------------------------------------------------------------------------------


def xrobots_value(case: Case) -> Outcome:
    tags = robots_tags.parse_value(case["input"] or "")
    agent = case["user_agent"]
    spec = robots_tags.read_tags(tags, agent).spec
    own = {tag.token for tag in tags if tag.scope is None or tag.scope == agent}
    denied = spec.train_gen is State.DENY or (case["respect_noindex"] and "noindex" in own)
    return {"spec": (case["expected"], "deny" if denied else "allow")}


def ai_tokens_any_bot(case: Case) -> Outcome:
    return {"tokens": (case["expected"], list(robots_tags.ai_tokens(robots_tags.parse_value(case["input"] or ""))))}


def xrobots_lines(case: Case) -> Outcome:
    signals = judge.judge_headers([("X-Robots-Tag", line) for line in case["input"]], case["user_agent"], EVIDENCE)
    return {"usage": (case["expected"], _usage(signals))}


def html_meta(case: Case) -> Outcome:
    signals = judge.judge_page(body_of(case), case.get("user_agent") or "mybot", _table(), EVIDENCE)
    return {"usage": (case["expected"], _usage(signals))}


def _usage(signals: Iterable[Any]) -> str:
    """Say both readings in one word, as the cases do."""
    found = list(signals)
    spec, strict = _together(s.spec for s in found).tested, _together(s.strict for s in found)
    if strict.tested is State.DENY:
        return "deny" if spec is State.DENY else "deny_strict"
    return "allow_tdm" if strict.tdm is State.ALLOW and strict.tested is State.ALLOW else strict.tested.label


HANDLERS: Mapping[str, Callable[[Case], Outcome]] = {
    "is_allowed": is_allowed, "is_allowed_root": is_allowed_root, "valid_user_agent_token": valid_user_agent_token,
    "parse_stats": parse_stats, "url_to_path": plain(url_to_path), "escape_pattern": plain(patterns.escape_pattern),
    "site_root": site_root, "crawl_delay": crawl_delay, "robots_ai_rules": robots_ai_rules,
    "status": status, "crawler_commons_failedFetch": failed_fetch,
    "vocab_parse": vocab_parse, "legacy_label": vocab_parse, "combine": combine,
    "robots_content_usage": robots_content_usage, "header_content_usage": header_content_usage,
    "raw_values": raw_values, "line_valid": line_valid, "content_usage_line_valid_vocab04": usage_line_valid,
    "merged_signals": merged_signals, "signal_for_agent": signal_for_agent, "decision": decision,
    "header_decision": header_decision,
    "header_value": header_value, "well_known": well_known, "epub_opf": epub_opf,
    "precedence": precedence, "odrl_policy": odrl_policy,
    "xrobots_value": xrobots_value, "ai_tokens_any_bot": ai_tokens_any_bot, "xrobots_lines": xrobots_lines,
    "html_meta": html_meta,
}  # fmt: skip
