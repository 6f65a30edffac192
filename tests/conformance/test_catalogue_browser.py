"""The catalogue in a real browser, from the disk: search, filters, languages, paper, a strict policy, hostile names."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from datalib_vocab import LANGUAGES
from tests.browser import Browser, axe_core, browsing, executable
from tests.catalogues import AGENCY, SITE, SYSTEM, build, entries, shelf, sound_named
from tests.libraries import Library
from tests.property.test_report_prop import NASTY

pytestmark = pytest.mark.system
MANY = 120


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = executable()
    if program is None or axe_core() is None:
        pytest.skip("Chromium or axe-core is not installed")
    with browsing(program) as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of libraries of all kinds, hostile ones, and many plain ones."""
    folder = tmp_path_factory.mktemp("site")
    libraries = shelf(folder / "libraries")
    names = "".join(NASTY)
    hostile = Library(
        folder=libraries.path("hostile"),
        name="h",
        document={"title": names[:1900], "description": names, "keywords": list(NASTY[:4])},
        block={"sector": names[:190]},
    )
    hostile.genesis().publish()
    spoken = {"en": "Recordings of the steppe", "kk": "Дала жазбалары", "ru": "Записи степи"}
    sound_named(
        libraries.path("steppe"),
        "steppe",
        document={"licenses": [{"name": "CC-BY-4.0"}], "keywords": ["dombra"]},
        block={"title": spoken, "sector": "Culture", "languages": ["kk"]},
    )
    for number in range(MANY):
        plain = Library(folder=libraries.path(f"plain-{number}"), name=f"plain-{number}", log=None)
        plain.write_manifest()
    nasty = libraries.path("<img src=x onerror=alert(1)>")
    nasty.mkdir()
    (nasty / "datapackage.json").write_text("{")
    build(folder / "site", libraries.folder, site=replace(SITE, publisher=AGENCY, systems=[SYSTEM]))
    return folder / "site"


def first(browser: Browser, site: Path, lang: str = "en", **look: object) -> None:
    """Open the first page of a language; its search is ready."""
    browser.show(site / lang / "index.html", **look)  # type: ignore[arg-type] # as `show` takes it
    browser.wait("!document.getElementById('search').hidden")


def enter(browser: Browser, field: str, value: str) -> None:
    """Fill in a field as a person does, and wait for the answer."""
    browser.value(f"""
        document.getElementById('status').textContent = '';
        document.getElementById({field!r}).value = {value!r};
        document.getElementById({field!r}).dispatchEvent(new Event('input', {{bubbles: true}}));
        0
    """)
    browser.wait("/^(Libraries found|Найдено|Табылған)/.test(document.getElementById('status').textContent)")


def found(browser: Browser) -> list[str]:
    """Name the libraries that were found and are shown."""
    names: list[str] = browser.value("[...document.querySelectorAll('#results .name a')].map(one => one.textContent)")
    return names


def kinds(site: Path) -> dict[str, Path]:
    """Name a page of each kind."""
    made = entries(site)
    return {
        "entrance": site / "index.html",
        "list": site / "kk/index.html",
        "second": site / "en/list-2.html",
        "annex": site / "kk/order196.html",
        "good": site / "library" / made["good"].key / "ru.html",
        "broken": site / "library" / made["broken"].key / "kk.html",
        "hostile": site / "library" / made["hostile"].key / "en.html",
        "unread": site / "library" / made["<img src=x onerror=alert(1)>"].key / "ru.html",
    }


@pytest.mark.parametrize("name", ["entrance", "list", "second", "annex", "good", "broken", "hostile", "unread"])
@pytest.mark.parametrize("dark", [False, True])
def test_every_kind_of_page_is_accessible_and_fits(browser: Browser, site: Path, name: str, *, dark: bool) -> None:
    path = kinds(site)[name]
    for width in (1200, 320):
        browser.show(path, width=width, dark=dark)
        if name in {"list", "second"}:
            browser.wait("!document.getElementById('search').hidden")
        browser.value("for (const one of document.querySelectorAll('details')) one.open = true; 0")
        assert browser.faults() == []
        assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.complaints() == []
        assert all(url.startswith(site.resolve().as_uri()) for url in browser.requests())


def test_search_finds_words_in_any_language_and_shows_how_many(browser: Browser, site: Path) -> None:
    first(browser, site)
    enter(browser, "words", "степи ЗАПИСИ")
    assert found(browser) == ["Recordings of the steppe"]
    assert browser.value("document.getElementById('status').textContent") == "Libraries found: 1"
    assert not browser.value("document.getElementById('list').checkVisibility()")
    enter(browser, "words", "dombra")
    assert found(browser) == ["Recordings of the steppe"]
    enter(browser, "words", "no such thing")
    assert found(browser) == []
    browser.value("document.querySelector('#search [type=reset]').click(); 0")
    browser.wait("document.getElementById('list').checkVisibility()")


def test_filters_narrow_and_go_together(browser: Browser, site: Path) -> None:
    first(browser, site)
    for field, value in {"sector": "Culture", "licence": "CC-BY-4.0", "language": "kk", "state": "accepted"}.items():
        enter(browser, field, value)
        assert "Recordings of the steppe" in found(browser)
    assert found(browser) == ["Recordings of the steppe"]
    enter(browser, "state", "refused")
    assert found(browser) == []
    browser.value("document.querySelector('#search [type=reset]').click(); 0")
    browser.wait("document.getElementById('list').checkVisibility()")
    enter(browser, "purpose", "train:asr")
    assert len(found(browser)) > 4


def test_what_is_found_is_shown_a_part_at_a_time_and_looks_as_in_the_list(browser: Browser, site: Path) -> None:
    first(browser, site)
    listed = browser.value("[...document.querySelectorAll('#list .items > li')].map(one => one.outerHTML)")
    enter(browser, "words", "plain")
    assert len(found(browser)) == 50
    browser.value("document.querySelector('#results > button').click(); 0")
    browser.wait("document.querySelectorAll('#results .name a').length === 100")
    shown = browser.value("[...document.querySelectorAll('#results .items > li')].map(one => one.outerHTML)")
    assert len(set(shown) & set(listed)) > 20


def test_the_language_switch_keeps_the_page_and_the_question(browser: Browser, site: Path) -> None:
    first(browser, site)
    enter(browser, "words", "dombra")
    for lang, title in (("kk", "Дала жазбалары"), ("ru", "Записи степи"), ("en", "Recordings of the steppe")):
        target = browser.value(f"document.querySelector('.languages a[lang={lang}]').href")
        assert target.endswith(f"/{lang}/index.html#q=dombra")
        first(browser, site, lang, fragment="#q=dombra")
        browser.wait("document.querySelector('#results .name a') !== null")
        assert found(browser) == [title]
        assert browser.value("document.documentElement.lang") == lang


def test_hostile_texts_are_texts_in_lists_and_in_what_is_found(browser: Browser, site: Path) -> None:
    first(browser, site)
    enter(browser, "words", "yrarbil")
    (shown,) = found(browser)
    assert shown.startswith("<script>alert(1)</script>")
    enter(browser, "words", "onerror=alert(1)>")
    assert "<img src=x onerror=alert(1)>" in found(browser)
    assert browser.value("document.querySelectorAll('main script, main img, main svg, iframe').length") == 0
    assert browser.complaints() == []
    browser.show(kinds(site)["hostile"])
    assert browser.value("document.querySelectorAll('img, iframe, form').length") == 0
    data = "document.querySelector('script[type=\"application/ld+json\"]').textContent"
    assert browser.value(f"JSON.parse({data})['@graph'][0]['dct:title'][0]").startswith("<script>alert(1)</script>")


def test_the_policy_lets_nothing_in(browser: Browser, site: Path) -> None:
    first(browser, site)
    browser.value("""
        document.body.insertAdjacentHTML('beforeend',
            '<img src="https://tracker.example/x.png" onerror="window.ran = 1"><p style="color:red">');
        const script = document.createElement('script');
        script.textContent = 'window.ran = 1';
        document.body.append(script);
        const far = document.createElement('script');
        far.src = 'https://tracker.example/x.js';
        document.body.append(far);
        0
    """)
    assert browser.value("window.ran === undefined")
    assert browser.value("fetch('https://tracker.example/').then(() => 'came', () => 'refused')") == "refused"
    assert " ".join(browser.complaints()).count("Content Security Policy") >= 4


def test_without_the_index_the_list_stays(browser: Browser, site: Path, tmp_path: Path) -> None:
    lists = sorted(site.glob("en/*.html"))
    for path in lists:
        target = tmp_path / "en" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    browser.show(tmp_path / "en/index.html")
    assert browser.value("document.getElementById('search').hidden")
    assert browser.value("document.querySelectorAll('#list .items > li').length") == 50


def test_where_a_part_of_the_index_is_missing_it_says_so_and_shows_the_list(
    browser: Browser, site: Path, tmp_path: Path
) -> None:
    shutil.copytree(site, tmp_path / "site", ignore=shutil.ignore_patterns("en-0.*", "library"))
    first(browser, tmp_path / "site")
    browser.value("""
        document.getElementById('words').value = 'plain';
        document.getElementById('words').dispatchEvent(new Event('input', {bubbles: true}));
        0
    """)
    browser.wait("document.getElementById('status').textContent.includes('could not be loaded')")
    assert browser.value("document.getElementById('list').checkVisibility()")


def test_on_paper_the_list_stands_alone(browser: Browser, site: Path, tmp_path: Path) -> None:
    first(browser, site, dark=True, media="print")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not browser.value("document.getElementById('search').checkVisibility()")
    assert not browser.value("document.querySelector('.languages').checkVisibility()")
    browser.paper(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


def test_the_keyboard_reaches_the_search_the_list_and_the_pages(browser: Browser, site: Path) -> None:
    first(browser, site)
    seen = list[str]()
    for _ in range(90):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(str(browser.value("document.activeElement.className || document.activeElement.tagName")))
        assert browser.value("getComputedStyle(document.activeElement).outlineStyle") in {"solid", "auto", "none"}
    assert seen[0] == "skip"
    assert {"A", "INPUT", "SELECT", "BUTTON"} <= set(seen)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_page_is_small(browser: Browser, site: Path, lang: str) -> None:
    first(browser, site, lang)
    loaded = {path for url in browser.requests() for path in site.rglob("*") if url.endswith(f"/{path.name}")}
    assert sum(path.stat().st_size for path in loaded if path.parent.name in {lang, "assets", "index"}) < 100_000
