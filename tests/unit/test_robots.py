import pytest

from datalib.optout import robots, robots_lenient
from datalib.optout.patterns import Rule


def allowed(text: str, agent: str, path: str = "/") -> tuple[bool, bool]:
    parsed = robots.parse(text.encode())
    return parsed.allowed(agent, path, "spec"), parsed.allowed(agent, path, "strict")


def test_groups_keep_agents_rules_and_lines() -> None:
    parsed = robots.parse(b"User-agent: A\nUser-agent: B\n\n# no end\nDisallow: /x\nUser-agent: *\nAllow: /\n")
    assert [(group.agents, group.line) for group in parsed.groups] == [(("A", "B"), 1), (("*",), 6)]
    assert parsed.groups[0].rules == (Rule("/x", False, 5),)
    assert parsed.quote(5) == "Disallow: /x"
    assert parsed.quote(99) == ""
    assert parsed.comments() == "no end"


def test_groups_of_one_agent_are_merged() -> None:
    text = "User-agent: A\nDisallow: /a\nUser-agent: B\nDisallow: /b\nUser-agent: a\nDisallow: /c\n"
    assert [allowed(text, "A", path)[0] for path in ("/a", "/b", "/c")] == [False, True, False]


def test_rules_before_any_agent_are_ignored() -> None:
    assert allowed("Disallow: /\nUser-agent: B\n", "B") == (True, True)


def test_an_empty_disallow_names_the_agent_and_refuses_nothing() -> None:
    assert allowed("User-agent: B\nDisallow:\nUser-agent: *\nDisallow: /\n", "B") == (True, True)


@pytest.mark.parametrize(
    "directive",
    ["Content-Signal: ai-train=no", "Content-Usage: train-ai=n", "License: https://e.x/l", "Crawl-delay: 9"],
)
def test_other_lines_do_not_end_a_group(directive: str) -> None:
    assert allowed(f"User-agent: A\n{directive}\nUser-agent: B\nDisallow: /\n", "A") == (False, False)


def test_directives_know_their_agents() -> None:
    text = "Content-Signal: search=yes\nUser-agent: A\nLicense: l\nUser-agent: B\nCrawl-delay: 1\nDisallow: /\nX: y\n"
    parsed = robots.parse(text.encode())
    assert [(line.key, line.value, line.line, line.agents) for line in parsed.directives()] == [
        ("content-signal", "search=yes", 1, ()),
        ("license", "l", 3, ("A",)),
        ("crawl-delay", "1", 5, ("B",)),
        ("x", "y", 7, ("B",)),
    ]
    assert [line.line for line in parsed.applying("a", "license")] == [3]
    assert parsed.applying("B", "license") == ()
    assert parsed.applying("C", "license") == ()
    assert parsed.directives("strict")[0].key == "content-signal"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffUser-agent: GPTBot\nDisallow: /",
        "User-agent: GPTBot\rDisallow: /",
        "User-agent GPTBot\nDisallow /",
        "useragent: GPTBot\nDissallow: /",
        "User-agent: GPTBot/1.0\nDisallow: /",
        "  USER-AGENT :  gptbot  # comment\n  disallow :/\n",
    ],
)
def test_slips_that_search_engines_forgive_count_in_both_readings(text: str) -> None:
    assert allowed(text, "GPTBot") == (False, False)


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: CCBot, GPTBot\nDisallow: /",
        "User-agent: CCBot GPTBot\nDisallow: /",
        "User-agent: GPT\u200bBot\nDisallow: /",
        "User-agent: GPT\0Bot\nDisallow: /",
        "User-agent\uff1a GPTBot\nDisallow\uff1a /",
        "User-agent: GPTBot\\nDisallow: /\\n",
        "User-agent: GPTBot Disallow: /",
        "User-agent: GPTBot\u2028Disallow: /",
        "User-agent:\u00a0GPTBot\nDisallow:\u00a0/",
        "User-agent = GPTBot\nDisallow = /",
        "<p>User-agent: GPTBot<br>\n<p>Disallow: /<br>\n",
        'User-agent: "GPTBot"\nDisallow: "/"',
        "User-agent: Mozilla/5.0 (compatible; GPTBot/1.0; +https://openai.com)\nDisallow: /",
        "User-agent: GPTBot\nDisalow-all: /",
        "User-agent: GPTBot\nDisallwo: /",
        "User-agent: GPTBot\nDisllow: /",
        "User agent GPTBot\nDisallow /",
        "User-agent: GPTBot\nDisallow: /x /",
        "User-agent: GPTBot\nDisallow: /x, /",
    ],
)
def test_what_only_a_person_would_read_is_denied_strictly(text: str) -> None:
    assert not allowed(text, "GPTBot")[1]


def test_a_dash_is_a_dash() -> None:
    assert allowed("User-agent: Google\u2013Extended\nDisallow: /", "Google-Extended") == (True, False)


@pytest.mark.parametrize("token", ["AI2Bot", "img2dataset", "ChatGPT Agent", "panscient.com", "MistralAI-User/1.0"])
def test_tokens_outside_rfc_9309_are_found_strictly(token: str) -> None:
    assert not allowed(f"User-agent: *\nAllow: /\nUser-agent: {token}\nDisallow: /", token)[1]


def test_a_token_never_speaks_for_a_longer_one() -> None:
    assert allowed("User-agent: Applebot\nDisallow: /", "Applebot-Extended") == (True, True)
    assert allowed("User-agent: Applebot-Extended\nDisallow: /", "Applebot") == (True, True)
    parsed = robots.parse(b"User-agent: Applebot\nDisallow: /")
    assert not parsed.allowed("Applebot-Extended", "/", "strict", exact=False)
    assert not parsed.allowed("Applebot-Extended", "/", "spec", exact=False)


def test_a_whole_user_agent_string_finds_its_product() -> None:
    agent = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
    assert allowed("User-agent: GPTBot\nDisallow: /", agent) == (True, False)
    assert allowed("User-agent: Mozilla\nDisallow: /", agent)[1]


def test_a_url_in_place_of_a_path() -> None:
    text = "User-agent: *\nDisallow: https://e.x/private\nDisallow: https://staging.e.x/\nDisallow: http://old.e.x\n"
    assert allowed(text, "A", "/private/1") == (True, False)
    assert allowed(text, "A", "/public") == (True, True)


def test_index_html_allows_its_folder() -> None:
    text = "User-agent: *\nDisallow: /\nAllow: /a/index.html\nAllow: /b/index.htmx/c\n"
    assert allowed(text, "A", "/a/") == (True, True)
    assert allowed(text, "A", "/a/x") == (False, False)
    assert allowed(text, "A", "/b/") == (False, False)


def test_utf_16_is_decoded_by_its_mark() -> None:
    text = "User-agent: *\nDisallow: /\n"
    assert not robots.parse(text.encode("utf-16")).allowed("A", "/", "spec")
    broken = robots.parse(text.encode("utf-16") + b"\x00")
    assert not broken.readable
    assert not broken.allowed("A", "/", "strict")


def test_a_web_page_is_recognised() -> None:
    assert robots.parse(b" <!DOCTYPE html><html>").looks_like_html
    assert robots.parse(b"\xef\xbb\xbf<html lang=en>").looks_like_html
    assert not robots.parse(b"User-agent: *\n").looks_like_html


def test_a_body_above_the_bound_is_not_fully_read() -> None:
    body = b"User-agent: *\nDisallow: /\n" + b"#" * robots.MAX_BODY
    parsed = robots.parse(body)
    assert not parsed.readable
    assert not parsed.allowed("A", "/", "spec")


def test_many_agents_share_few_rule_sets() -> None:
    parsed = robots.parse(b"User-agent: A\nUser-agent: B\nDisallow: /a\nUser-agent: *\nDisallow: /s\n")
    found = parsed.distinct(["A", "B", "C", "*", "D"], "strict")
    assert [tokens for _, tokens in found] == [("A", "B"), ("C", "*", "D")]
    assert not found[0][0].allows("/a")
    assert len(parsed.distinct(["A", "C"], "spec")) == 2
    assert parsed.names("a")
    assert not parsed.names("C", "strict")
    assert not parsed.names("*")


def test_valid_tokens() -> None:
    assert robots.valid_token("Foo_Bar-x")
    assert not robots.valid_token("AI2Bot")
    assert not robots.valid_token("")


def test_lines_longer_than_googles_bound_are_cut() -> None:
    rule = "Disallow: /x/" + "a" * robots.MAX_LINE + "/y"
    (_, value, _), *_ = list(robots.read_lines(rule.encode()))
    assert len(value) == robots.MAX_LINE - len("Disallow: ")


def test_names_of_agents() -> None:
    assert robots_lenient.agent_names("*") == ("*",)
    assert robots_lenient.agent_names(" * ") == ("*",)
    assert "*" in robots_lenient.agent_names("GPTBot, *")
    assert robots_lenient.agent_names("GPTBot*") == ("gptbot*", "gptbot")
    assert robots_lenient.asked_names("*") == ()
    assert robots_lenient.asked_names("Kangaroo Bot") == ("kangaroo bot",)
    assert robots_lenient.agent_names("''") == ()


def test_lenient_lines_without_a_key_are_kept_or_dropped() -> None:
    records = robots_lenient.read(b"oneword\n: x\nX-Thing: 1\\2\nuser agent Foo Bar\nDisallow\n")
    assert records == [("x-thing", "1\\2", 3), ("user-agent", "Foo Bar", 4)]
