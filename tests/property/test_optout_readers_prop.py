"""Whatever a site sends, the readers answer in bounded time, and the strict reading never lets more in."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from datalib.optout import agents, aipref, content_signal, judge, robots, robots_tags, tdmrep, tdmrep_embedded
from datalib.optout.answers import Answer
from datalib.optout.model import CATEGORIES, NOTHING, State
from datalib.optout.page import read_page
from datalib.optout.patterns import (
    Rule,
    RuleList,
    canonical_pattern,
    canonical_target,
    escape_pattern,
    matches,
    url_to_path,
)
from datalib.optout.statement import Evidence

TABLE = agents.default()
EVIDENCE = Evidence(locator="x", sha256="0" * 64)
KEYS = st.sampled_from(
    ["User-agent", "Disallow", "Allow", "disalow", "user agent", "Content-Usage", "Content-Signal", "License",
     "DisallowAITraining", "Crawl-delay", "tdm-reservation", "\ufeffUser-agent", "", "x\u200by"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(["*", "/", "GPTBot", "A, B", "CCBot/2.0", "/a*b$", "/%61", "train-ai=n", "ai-train=no", "no"]),
    st.sampled_from(["ä", "\\nDisallow: /", "noai", "otherbot: noml", "max-snippet:-1, noai", "1"]),
    st.text(max_size=12),
)
HTML = ["<meta name=robots content='", "noai'", ">", "<meta property=tdm-reservation content=", "1", "<!--", "<script>"]
XML = ["<package>", "<meta name='tdm:reservation' content='1'/>", "</package>", "<?xml version='1.0' encoding='",
       "hex", "utf-7", "'?>", "<!DOCTYPE a>"]  # fmt: skip
LINES = st.builds(
    lambda key, mark, value: f"{key}{mark}{value}", KEYS, st.sampled_from([":", ": ", " ", "\uff1a", "="]), VALUES
)
TEXTS = st.lists(LINES, max_size=12).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\u2028", "\\n"]).map(lambda end: end.join(lines))
)
BODIES = st.one_of(st.binary(max_size=300), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
AGENTS = st.one_of(st.sampled_from(["GPTBot", "CCBot", "AI2Bot", "*", "Mozilla/5.0 (GPTBot/1)"]), st.text(max_size=8))
TARGETS = st.one_of(
    st.sampled_from(["/", "/a", "/axb", "/%61", "/a$", "/a%2Fb"]), st.text(max_size=10).map(lambda t: "/" + t)
)


@given(BODIES, AGENTS, TARGETS)
def test_robots_readings(body: bytes, agent: str, target: str) -> None:
    parsed = robots.parse(body)
    for exact in (True, False):
        parsed.allowed(agent, target, "spec", exact=exact)
        parsed.allowed(agent, target, "strict", exact=exact)
    assert len(parsed.distinct([agent, "*"], "strict")) <= 2
    assert isinstance(parsed.quote(1), str)


@given(BODIES, AGENTS)
def test_the_strict_reading_never_lets_more_in(body: bytes, agent: str) -> None:
    parsed = robots.parse(body)
    spec, strict = parsed.effective(agent, "spec"), parsed.effective(agent, "strict")
    for target in ("/", "/a", "/axb", "/%61", "/a%24"):
        assert spec.allows(target) or not strict.allows(target)


@given(
    BODIES, TARGETS, st.one_of(st.binary(max_size=200), st.sampled_from([b'[{"location":"/","tdm-reservation":1}]']))
)
def test_an_origin_is_judged(body: bytes, target: str, tdmrep_body: bytes) -> None:
    judged = judge.OriginJudge(
        Answer(origin="https://e.x", status=200, body=body),
        Answer(origin="https://e.x", path="/.well-known/tdmrep.json", status=200, body=tdmrep_body),
        "GPTBot",
        TABLE,
    )
    spec = strict = NOTHING
    for signal in judged.judge(target):
        spec, strict = spec | signal.spec, strict | signal.strict
    assert all(strict[name] is State.DENY for name in CATEGORIES if spec[name] is State.DENY)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["X-Robots-Tag", "content-usage", "Content-Signal", "TDM-Reservation", "link"]), VALUES
        )
    )
)
def test_headers_are_read(lines: list[tuple[str, str]]) -> None:
    judge.judge_headers(lines, "MyBot", EVIDENCE)


def pieces(parts: list[str]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(parts)).map(lambda found: "".join(found).encode())


@given(st.one_of(st.binary(max_size=300), pieces(HTML)))
def test_pages_are_read(html: bytes) -> None:
    judge.judge_page(html, "MyBot", TABLE, EVIDENCE)


MARKUP = [
    "<meta name=robots content=noai>", """<META NAME='r' CONTENT="a>b">""", "'", '"', "<!--", "-->", "<script>",
    "</script>", "<title>", "</title>", "<div a='", "<p>", "text", "<", "<!", "</ x", ">", '<a href=x y="', "=",
    "<textarea>", "</textarea >", "<metal>", "<iframe>", "</iframe>", "<body>", "</head>", "<noscript>",
]  # fmt: skip


@given(st.lists(st.sampled_from(MARKUP), max_size=14).map("".join))
def test_the_same_meta_elements_are_found_as_in_a_tree(html: str) -> None:
    tree = LexborHTMLParser(html)
    names = [node.attributes.get("name") for node in tree.css("meta") if node.attributes.get("name")]
    assert [meta.name for meta in read_page(html.encode()).metas] == names


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(list('abn=,;()" ?*1.-:@%\t\\'))).map("".join)))
def test_preferences_are_read(text: str) -> None:
    parsed = aipref.parse(text)
    assert parsed.parses or parsed.hold
    aipref.valid_line(text, "vocab-04")
    content_signal.parse_line(text)
    content_signal.valid_line(text)
    tdmrep.declare_value(text)
    tdmrep.judge_policy(text)
    robots_tags.read_tags(robots_tags.parse_value(text), "mybot")


@given(st.one_of(st.binary(max_size=200), pieces(XML)))
def test_xml_is_read(text: bytes) -> None:
    tdmrep_embedded.read_opf(text)
    tdmrep_embedded.read_xmp(text)


PATTERNS = st.lists(st.sampled_from(["/", "a", "b", "*", "$", "%61", "%2f", "é"]), max_size=8).map("".join)


@given(st.lists(st.tuples(PATTERNS, st.booleans()), max_size=8), TARGETS)
def test_the_index_agrees_with_the_definition(pairs: list[tuple[str, bool]], target: str) -> None:
    rules = [Rule(escape_pattern(pattern), allow, line) for line, (pattern, allow) in enumerate(pairs) if pattern]
    matching = [rule for rule in rules if matches(rule.pattern, target)]
    best = max(matching, key=lambda rule: (len(rule.pattern), rule.allow), default=None)
    found = RuleList(rules).match(target)
    assert (found and (len(found.pattern), found.allow)) == (best and (len(best.pattern), best.allow))


@given(st.text(max_size=20), PATTERNS)
def test_canonical_spelling_is_final(target: str, pattern: str) -> None:
    assert canonical_target(canonical_target(target)) in {
        canonical_target(target),
        canonical_target(target).replace("%25", "%2525"),
    }
    assert canonical_pattern(pattern).isascii()
    assert url_to_path(target).startswith("/")


LONG = {
    "agents, then lines for all of them": b"User-agent: b\n" * 6000 + b"Content-Usage: train-ai=n\n" * 6000,
    "agents and lines in turn": b"User-agent: b\nContent-Signal: ai-train=no\n" * 6000,
    "rules": b"User-agent: *\n" + b"Disallow: /*a*b\n" * 12_000,
    "blanks": b"user-agent: " + b" " * 200_000 + b"\x01\nContent-Signal: " + b" " * 200_000 + b"x\n",
    "unknown keys that say no": b"x: no\n" * 12_000,
    "keys about training": b"aiaiaiaiaiaiaiai: x\n" * 6000,
    "one word": b"disallow" * 25_000,
    "a written line end": b"User-agent: a\\n" * 12_000,
    "a comment": b"# " + b"ai " * 60_000,
    "one pattern": b"User-agent: *\nDisallow: /" + b"*a" * 100_000,
    "licences": b"License: x\nDisallowAITraining: /a\n" * 6000,
}


@pytest.mark.parametrize("name", LONG)
def test_long_bodies_take_bounded_time(name: str) -> None:
    start = time.process_time()
    answer = Answer(origin="https://e.x", status=200, body=LONG[name])
    judge.OriginJudge(answer, None, "GPTBot", TABLE).judge("/" + "a" * 1000)
    assert time.process_time() - start < 10
