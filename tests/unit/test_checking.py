"""The page that checks libraries, as bytes: what it may do, what it holds, and that its words are complete."""

import hashlib
import json
import re
from base64 import b64decode, b64encode

import pytest
from selectolax.lexbor import LexborHTMLParser

import datalib_vocab
from datalib.canonical import canonical
from datalib.errors import Misuse, Refused
from datalib.publish import checking
from datalib.publish.checking import SiteTrust
from datalib.publish.wording import sentences
from datalib_vocab import LANGUAGES
from tests.libraries import NOW, ROOTS, draft_policy, sign_policy

POLICY, PINNED = sign_policy(draft_policy()), canonical(ROOTS.to_dict())
SCRIPT = checking.script(*checking.CHECKS, *checking.PAGE)


def page(lang: str = "en", site: SiteTrust | None = None) -> LexborHTMLParser:
    return LexborHTMLParser(checking.write(lang, site).decode())


def test_the_page_allows_itself_one_script_and_one_style_and_loads_nothing() -> None:
    tree = page()
    policy = tree.css("meta[http-equiv]")[0].attributes["content"] or ""
    for kind, tag in (("script", "script"), ("style", "style")):
        [only] = tree.css(tag)
        own = b64encode(hashlib.sha256(only.text(deep=True).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{own}'" in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert not tree.css("[src], link, [style], [onclick], iframe, object")


def test_the_script_makes_no_markup_of_texts_and_runs_none() -> None:
    markup = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "import(")
    outside = ("fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "localStorage", "indexedDB", "document.cookie")
    for dangerous in (*markup, *outside):
        assert dangerous not in SCRIPT, dangerous


def test_the_same_page_every_time() -> None:
    assert checking.write("kk") == checking.write("kk")
    assert len(checking.write("kk")) < 400_000


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_opens_in_a_language_and_has_them_all(lang: str) -> None:
    tree = page(lang)
    assert tree.css("html")[0].attributes["lang"] == lang
    pressed = [
        one.attributes["data-lang"] for one in tree.css("button[data-lang]") if one.attributes["aria-pressed"] == "true"
    ]
    assert pressed == [lang]
    assert len(tree.css("button[data-lang]")) == len(LANGUAGES)
    for one in tree.css("[data-say]"):
        assert one.text() == sentences()[one.attributes["data-say"] or ""][lang]


def test_every_field_has_a_label() -> None:
    tree = page()
    labelled = {one.attributes["for"] for one in tree.css("label")}
    assert {one.attributes["id"] for one in tree.css("input, textarea")} == labelled


def test_every_code_and_every_sentence_of_the_script_has_its_texts() -> None:
    codes = json.loads(re.search(r"^const CODES = (.*);$", SCRIPT, re.MULTILINE)[1])  # type: ignore[index] # it is there
    assert set(re.findall(r'"(E-[A-Z0-9-]+)"', SCRIPT)) == set(codes)
    assert len(codes) > 100
    for code, told in codes.items():
        assert set(told) == set(LANGUAGES)
        assert all(one["text"] != code and one["remedy"] for one in told.values()), code
    texts = json.loads(re.search(r"^const TEXTS = (.*);$", SCRIPT, re.MULTILINE)[1])  # type: ignore[index] # it is there
    said = set(re.findall(r'(?:\.text|\.say|new Undecided)\(\s*"([a-z.-]+)"', SCRIPT))
    assert len(said) > 40
    assert said <= set(texts)
    for call in re.finditer(r'\.say\(\s*"([a-z.-]+)"', SCRIPT):
        after = SCRIPT[call.end() : call.end() + 160]
        for place in re.findall(r"\{(\w+)\}", texts[call[1]]["en"]):
            assert re.search(rf"\b{place}\b", after), call[0]
    purposes = json.loads(re.search(r"^const PURPOSES = (.*);$", SCRIPT, re.MULTILINE)[1])  # type: ignore[index] # it is there
    assert set(purposes) == set(json.loads(datalib_vocab.read("purposes.json"))["known"])


def test_what_the_site_brings_is_data_and_whole() -> None:
    [block] = page(site=SiteTrust.parse(POLICY, PINNED, now=NOW)).css("#site-trust")
    assert block.attributes["type"] == "application/json"
    brought = json.loads(block.text(deep=True))
    assert (b64decode(brought["policy"]), b64decode(brought["roots"])) == (POLICY, PINNED)
    assert not page().css("#site-trust")


def test_a_site_brings_no_trust_that_nobody_could_believe() -> None:
    with pytest.raises(Misuse, match="E-SCHEMA"):
        SiteTrust.parse(POLICY, b"{}", now=NOW)
    with pytest.raises(Refused, match="E-POLICY-EXPIRED"):
        SiteTrust.parse(POLICY, PINNED, now=NOW + 10**8)


def test_data_in_the_script_ends_no_script() -> None:
    assert "</" not in re.sub(r"</(?:script|style)>$", "", SCRIPT)
