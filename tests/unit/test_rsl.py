import io

import pytest

from datalib.optout import robots, rsl
from datalib.optout.model import NOTHING, State
from datalib.optout.statement import Evidence
from datalib.optout.unit import read_unit
from tests import media_files as made

EVIDENCE = Evidence(locator="/license.xml", sha256="0" * 64)
RSL = '<rsl xmlns="https://rslstandard.org/rsl">'


def document(inside: str, root: str = RSL) -> rsl.Document:
    return rsl.parse(f"{root}{inside}</rsl>".encode())


def content(inside: str, attributes: str = 'url="/"') -> str:
    return f"<content {attributes}><license>{inside}</license></content>"


def train(inside: str, attributes: str = 'url="/"', target: str = "/a") -> State:
    return document(content(inside, attributes)).usages(target, "https://e.x").get("ai-train", State.UNKNOWN)


PERMITS = '<permits type="usage">ai-train</permits>'


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", State.ALLOW),
        (PERMITS, State.ALLOW),
        ('<prohibits type="usage">ai-all</prohibits>', State.DENY),
        ('<permits type="usage">search</permits>', State.DENY),
        ('<permits type="usage"></permits>', State.DENY),
        (PERMITS + '<prohibits type="usage">all</prohibits>', State.DENY),
        (PERMITS + '<permits type="user">all</permits>', State.ALLOW),
        (PERMITS + '<prohibits type="geo">KZ</prohibits>', State.CONDITIONAL),
        (PERMITS + '<payment type="free"/>', State.ALLOW),
        (PERMITS + '<payment type="free"><amount currency="USD">1</amount></payment>', State.CONDITIONAL),
        (PERMITS + "<payment/>", State.CONDITIONAL),
        (PERMITS + "<terms>https://e.x/t</terms>", State.CONDITIONAL),
        (PERMITS + '<legal type="disclaimer">as-is</legal>', State.ALLOW),
        ('<permits type="other">ai-train</permits>', State.HOLD),
        ('<permits type="usage">train-ai</permits>', State.HOLD),
        ('<permits type="usage">everything</permits>', State.DENY),
    ],
)
def test_a_licence_says_what_may_be_done(inside: str, expected: State) -> None:
    assert train(inside) is expected


@pytest.mark.parametrize(
    ("attributes", "target", "expected"),
    [
        ('url="/a" encrypted="true"', "/a", State.CONDITIONAL),
        ('url="/b"', "/a", State.UNKNOWN),
        ('url="/*.jpg$"', "/x.jpg", State.ALLOW),
        ('url="/%61"', "/a", State.ALLOW),
        ('url="https://www.e.x/a"', "/a", State.ALLOW),
        ('url="//e.x:443/a?b"', "/a?bc", State.ALLOW),
        ('url="http://e.x"', "/a", State.ALLOW),
        ('url="https://other.example/"', "/a", State.HOLD),
        ('url="https://[/"', "/a", State.ALLOW),
        ("", "/a", State.HOLD),
    ],
)
def test_a_content_is_for_some_paths_of_a_host(attributes: str, target: str, expected: State) -> None:
    assert train(PERMITS, attributes, target) is expected


def test_what_is_for_another_host_does_not_open_this_one() -> None:
    found = document(content('<prohibits type="usage">all</prohibits>') + content(PERMITS, 'url="https://o.x/a"'))
    assert found.usages("/a", "https://e.x")["ai-train"] is State.DENY
    assert not found.uniform
    assert document(content(PERMITS)).uniform


def test_a_content_without_a_licence_says_nothing() -> None:
    assert document('<content url="/"/>').usages("/") == {}
    assert document('<content url="/"/>').signals("/", EVIDENCE) == ()


def test_a_conforming_document_has_one_reading() -> None:
    (signal,) = document(content(PERMITS)).signals("/", EVIDENCE)
    assert signal.spec == signal.strict
    assert signal.strict.train_gen is State.ALLOW
    assert signal.strict.ai_input is State.DENY
    assert signal.raw.startswith("ai-train: allow, ai-input: deny")


@pytest.mark.parametrize(
    "body", [b"", b"x", b"<html/>", b"<!DOCTYPE rsl [<!ENTITY a 'b'>]><rsl>&a;</rsl>", b"<a><content/></a>"]
)
def test_what_is_no_document_is_held(body: bytes) -> None:
    (signal,) = rsl.parse(body).signals("/", EVIDENCE)
    assert signal.spec == NOTHING
    assert signal.strict.train_any is State.HOLD
    assert signal.note


def test_a_document_with_too_many_contents_is_held() -> None:
    assert not document(content(PERMITS) * (rsl.MAX_SCOPES + 1)).readable


def test_a_feed_holds_contents_of_its_items() -> None:
    feed = (
        '<rss xmlns:rsl="https://rslstandard.org/rsl" version="2.0"><channel><item><link>https://e.x/a</link>'
        '<rsl:content url="/a"><rsl:license><rsl:prohibits type="usage">ai-train</rsl:prohibits></rsl:license>'
        '</rsl:content></item><item><content url="/b"/></item></channel></rss>'
    )
    found = rsl.parse(feed.encode())
    assert found.conforming
    assert found.usages("/a")["ai-train"] is State.DENY
    assert found.usages("/b") == {}


def test_license_lines_are_found_and_resolved() -> None:
    parsed = robots.parse(b"License: /a.xml\nLicense:\nUser-agent: GPTBot\nLicense: https://o.x/b.xml#x\nDisallow: /\n")
    assert rsl.robots_links(parsed) == ("/a.xml", "https://o.x/b.xml")
    assert rsl.links_for(parsed, "Other") == ("/a.xml",)
    base = "https://e.x/robots.txt"
    assert rsl.resolve("https://o.x/b.xml#x", base) == "https://o.x/b.xml"
    assert [rsl.resolve(link, base) for link in ("mailto:a@b", "http://[", "\ud800")] == [None, None, None]


def test_link_headers_are_read() -> None:
    lines = [
        '<https://e.x/a,b.xml>; rel="alternate License"; type="application/rsl+xml; charset=utf-8", <x>; rel=next',
        "</l.xml>;REL=license;TYPE=APPLICATION/RSL+XML",
        "<https://e.x/cc>; rel=license",
        '<https://e.x/u>; rel="license',
        "nothing",
    ]
    assert rsl.header_links(lines) == ("https://e.x/a,b.xml", "/l.xml")


TERMS = {
    "deny": '<license><prohibits type="usage">ai-train</prohibits></license>',
    "conditional": '<license><payment type="purchase"/></license>',
    "allow": '<license><permits type="usage">all</permits></license>',
}


def _document(terms: str) -> bytes:
    return f'<rsl xmlns="https://rslstandard.org/rsl"><content url="/">{terms}</content></rsl>'.encode()


@pytest.mark.parametrize("state", TERMS)
def test_licences_inside_of_files_are_read(state: str) -> None:
    document = _document(TERMS[state])
    content = f'<r:content url="">{TERMS[state]}</r:content>'.replace("<license", "<r:license")
    for tag in ("permits", "prohibits", "payment", "/license", "/permits", "/prohibits"):
        content = content.replace(f"<{tag}", f"</r:{tag[1:]}" if tag[0] == "/" else f"<r:{tag}")
    inside = made.packet(f"<r:rsl>{content}</r:rsl>", r="https://rslstandard.org/rsl")
    feed = (
        '<?xml version="1.0"?><rss xmlns:rsl="https://rslstandard.org/rsl"><channel><item>'
        + content.replace("r:", "rsl:") + "</item></channel></rss>"
    ).encode()  # fmt: skip
    files = {
        "a.jpg": made.jpeg(made.app1(inside)), "a.png": made.png(made.itxt(document, keyword=b"RSL")),
        "p.png": made.png(made.itxt(document, keyword=b"RSL", packed=True)), "license.xml": document, "feed.xml": feed,
        "a.mp3": made.id3((b"PRIV", document)), "a.pdf": made.pdf(inside),
    }  # fmt: skip
    for name, data in files.items():
        signals = read_unit(io.BytesIO(data), len(data), name).signals
        assert [(s.signal, s.strict.train_gen.label) for s in signals] == [("rsl-license", state)], name


def test_a_licence_inside_that_cannot_be_read_is_no_permission() -> None:
    for broken in (
        b"",
        b"<content/>",
        b"<content url='/'><license><permits type='?'>all</permits></license></content>",
    ):
        data = made.id3((b"PRIV", b"<rsl xmlns='https://rslstandard.org/rsl'>" + broken + b"</rsl>"))
        found = read_unit(io.BytesIO(data), len(data), "a.mp3").signals
        assert max(signal.strict.tested for signal in found) > State.ALLOW
    data = made.id3((b"PRIV", b"<rsl xmlns='https://rslstandard.org/rsl'>"))
    found = read_unit(io.BytesIO(data), len(data), "a.mp3").signals
    assert max(signal.strict.tested for signal in found) is State.HOLD
