import pytest

from datalib.optout import agents, robots_tags
from datalib.optout.model import State
from datalib.optout.page import read_page
from datalib.optout.robots_tags import Tag
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="https://e.x", sha256="0" * 64)
TABLE = agents.default()


def states(*lines: str, agent: str = "mybot") -> tuple[str, str]:
    reading = robots_tags.read_tags([tag for line in lines for tag in robots_tags.parse_value(line)], agent)
    return reading.spec.tested.label, reading.strict.tested.label


@pytest.mark.parametrize(
    ("line", "spec", "strict"),
    [
        ("noai", "deny", "deny"),
        ("NoImageAI", "deny", "deny"),
        ("noml", "deny", "deny"),
        ("max-image-preview:large, noai", "deny", "deny"),
        ("max-snippet:-1, noai", "deny", "deny"),
        ("max-snippet:-1 noai", "deny", "deny"),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noai", "deny", "deny"),
        ("unavailable_after: Saturday, 25-Jun-30 15:00:00 PST, noai", "deny", "deny"),
        ("mybot: noai", "deny", "deny"),
        ("mybot: nofollow, noai", "deny", "deny"),
        ("otherbot: noai", "unknown", "deny"),
        ("otherbot: nofollow, noai", "unknown", "deny"),
        ("*: noai", "deny", "deny"),
        ("noai;noimageai", "deny", "deny"),
        ("noindex noai", "deny", "deny"),
        ("noai:", "deny", "deny"),
        ("noarchive", "unknown", "deny"),
        ("noarchive, nocache", "unknown", "conditional"),
        ("nocache", "unknown", "conditional"),
        ("noindex", "unknown", "deny"),
        ("none", "unknown", "unknown"),
        ("nosnippet", "unknown", "unknown"),
        ("no-ai", "unknown", "hold"),
        ("no ai", "unknown", "hold"),
        ("no-ai-training", "unknown", "hold"),
        ("notrain", "unknown", "hold"),
        ("ai-train: no", "unknown", "hold"),
        ("train-ai=n", "unknown", "hold"),
        ("tdm-reservation: 1", "unknown", "deny"),
        ("tdm-reservation: 0", "unknown", "unknown"),
        ("tdm-reservation: x", "unknown", "hold"),
        ("tdm-policy: https://e.x", "unknown", "unknown"),
        ("nofollow, noairport", "unknown", "unknown"),
        (":,", "unknown", "unknown"),
        ("", "unknown", "unknown"),
        ("\u200bnoai", "deny", "deny"),
        ("noindex: noai", "deny", "deny"),
    ],
)
def test_header_lines(line: str, spec: str, strict: str) -> None:
    assert states(line) == (spec, strict)


def test_all_lines_add_up() -> None:
    assert states("noindex", "noai") == ("deny", "deny")


def test_categories_of_tokens() -> None:
    reading = robots_tags.read_tags([Tag(None, "noai"), Tag(None, "nosnippet"), Tag(None, "noimageindex")], None)
    assert reading.spec.ai_input is State.DENY
    assert reading.spec.search is State.DENY
    assert robots_tags.ai_tokens(robots_tags.parse_value("googlebot: noai, noai, noml")) == ("noai", "noml")


def test_signals_of_headers() -> None:
    (signal,) = robots_tags.header_signals(["all", "noai"], "mybot", EVIDENCE)
    assert signal.raw == "X-Robots-Tag: all\nX-Robots-Tag: noai"
    assert robots_tags.header_signals(["index, follow"], "mybot", EVIDENCE) == ()


def page(*metas: str) -> tuple[str, str]:
    html = "".join(f"<meta {meta}>" for meta in metas)
    signals = robots_tags.page_signals(read_page(html.encode()), "mybot", TABLE, EVIDENCE)
    if not signals:
        return "unknown", "unknown"
    return signals[0].spec.tested.label, signals[0].strict.tested.label


@pytest.mark.parametrize(
    ("meta", "spec", "strict"),
    [
        ('name="robots" content="noai, noimageai"', "deny", "deny"),
        ('name="mybot" content="noai"', "deny", "deny"),
        ('name="GPTBot" content="noml"', "unknown", "deny"),
        ('name="bingbot" content="noarchive"', "unknown", "deny"),
        ('name="CCBot" content="nofollow"', "unknown", "unknown"),
        ('property="robots" content="noai"', "unknown", "deny"),
        ('http-equiv="X-Robots-Tag" content="noai"', "unknown", "deny"),
        ('name="ai" content="noai, noimageai"', "unknown", "deny"),
        ('name="description" content="noai is a tag"', "unknown", "unknown"),
        ('name="pinterest" content="nopin"', "unknown", "unknown"),
        ('name="viewport" content="width=device-width"', "unknown", "unknown"),
    ],
)
def test_meta_elements(meta: str, spec: str, strict: str) -> None:
    assert page(meta) == (spec, strict)


def test_several_elements_add_up() -> None:
    assert page('name="robots" content="index"', 'name="robots" content="noai"') == ("deny", "deny")
