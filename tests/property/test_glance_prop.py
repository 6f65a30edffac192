"""What calls a page silent at a glance agrees with those who read it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.optout import agents, judge, page, reservation
from datalib.optout.glance import is_silent
from datalib.optout.signs import find_signs
from datalib.optout.statement import Evidence

TABLE = agents.default()
EVIDENCE = Evidence(locator="", sha256="0" * 64)

PIECES = (
    "<meta ", "<META\n", "<link ", "<script ", "<style>", "</script>", "<!--", "-->", "<svg>", "<title>", ">", "/>",
    "<", "name=", "name = ", "property='", 'http-equiv="', "content=", "type=", "rel=license ", '"', "'", " ", "\t",
    "\n", "=", "robots", "ROBOTS", "GPTBot", "x-bot", "googlebot", "datalib", "tdm-reservation", "tdm:reservation",
    "content-usage", "Content-Signal", "ai-license", "description", "viewport", "noai", "NoAI", "no\nai",
    "no\u00adai", "\uff4eoai", "&#110;oai", "&nscr;oai", "train-ai=n", "ai-train=no", "deny", "1", "noml", "all",
    "noindex", "K", "\u212a", "\u017f", "application/rsl+xml", "application/r\u017fl+xml",
    "application/&#114;sl+xml", "\0", "\ufb01", "<rsl><content url='/'>", "x" * 17_000,
)  # fmt: skip
PAGES = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=24).map("".join)
METAS = st.tuples(
    st.sampled_from(["name", "NAME", "property", "http-equiv", "name \n", "itemprop"]),
    st.sampled_from(PIECES), st.sampled_from(PIECES), st.sampled_from(['"', "'", ""]),
).map(lambda part: f"<meta {part[0]}={part[3]}{part[1]}{part[3]} content={part[3]}{part[2]}{part[3]}>")  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(text=PAGES | st.lists(METAS, max_size=3).map("".join))
def test_a_silent_page_has_no_element_that_speaks(text: str) -> None:
    html = text.encode("utf-8", "replace")
    if is_silent(html, "datalib", TABLE, find_signs(html).tags):
        assert judge._element_signals(html, "datalib", TABLE, EVIDENCE) == []


@settings(max_examples=300, deadline=None)
@given(html=PAGES.map(str.encode))
def test_no_tag_is_missed_behind_the_last_sign(html: bytes) -> None:
    slow = max(map(html.lower().rfind, page._SIGNS))
    assert list(page._tags(html, page._last_sign(html))) == list(page._tags(html, slow))


WORDS = st.lists(
    st.sampled_from([
        "All rights", "RESERVED", "reserved", "reserved.", "Re\u017ferved", "Rechte vorbehalten", "Droits RÉSERVÉS",
        "diritti riservati", "Права ЗАЩИЩЕНЫ", "including", "text and data mining", "AI training", "Machine Learning",
        "машинное обучение", "FOUILLE DE TEXTES", "MINERÍA DE DATOS", "§ 44b UrhG", "4 (3) of Directive 2019/790", ".",
        "§ 44B\u2003Abs.", "1", "URHG", "diritti rİservati", "riservatİ", "nutzungsvorbehalẗ",
        "осᲄаᲀляем за собой право", "машинное ᲂбучение", "ﬆrain ai",
        "!", ";", "<b>", "</b>", "&nbsp;", "&copy;", "<script>", "</script>", "<!--", "-->", "также", "entraÎNEMENT",
        "generative AI", "Құқықтар қорғалған", "машиналық оқыту", "<br title='.'>",
    ]),
    max_size=9,
).map(" ".join)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(text=WORDS | WORDS.map("Press. {}.".format))
def test_words_that_cannot_reserve_rights_do_not(text: str) -> None:
    found = reservation._OWN.search(reservation._words(text))
    assert reservation.on_page(text.encode()) == (found[0] if found else "")
