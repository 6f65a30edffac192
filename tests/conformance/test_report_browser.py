"""The report in a real browser: nothing is loaded, nothing runs, it fits, and axe-core has nothing to say."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from datalib.publish import report
from datalib_vocab import LANGUAGES
from tests.browser import Browser, axe_core, browsing, executable
from tests.libraries import Library, edit, sound
from tests.property.test_report_prop import NASTY
from tests.reports import LOGGED, made_of, many, tell

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = executable()
    if program is None or axe_core() is None:
        pytest.skip("Chromium or axe-core is not installed")
    with browsing(program) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind, by name."""
    folder = tmp_path_factory.mktemp("pages")
    good = sound(folder / "good")
    broken = sound(folder / "broken")
    edit(broken.folder / "data/a.txt", lambda data: data.upper())
    names = "".join(NASTY)
    hostile = Library(
        folder=folder / "hostile",
        document={
            "title": names[:1900],
            "description": names,
            "sources": [{"title": text[:1900], "path": text} for text in NASTY],
        },
        block={"description": {"ru": names}},
    )
    stories = {
        "good": made_of(tell(good.folder, purpose="train:asr"), many(40)),
        "barred": tell(good.folder, purpose="train:faces"),
        "broken": tell(broken.folder),
        "unverified": tell(good.folder, trust=None),
        "hostile": made_of(
            tell(hostile.genesis().publish().folder, trust=LOGGED),
            [replace(one, title={"ru": text}) for one, text in zip(many(len(NASTY)), NASTY, strict=True)],
        ),
    }
    found = {}
    for name, told in stories.items():
        for lang in LANGUAGES if name == "good" else ("ru",):
            found[f"{name}-{lang}"] = folder / f"{name}-{lang}.html"
            found[f"{name}-{lang}"].write_bytes(report.write(told, lang))
    return found


NAMES = ("good-en", "good-kk", "good-ru", "barred-ru", "broken-ru", "unverified-ru", "hostile-ru")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_loads_nothing_and_fits(browser: Browser, pages: dict[str, Path], name: str) -> None:
    looks = ({"width": 1200}, {"width": 320, "dark": True}) if name != "good-en" else (
        *({"width": width, "dark": dark} for width in (1200, 320) for dark in (False, True)),
    )  # fmt: skip
    for look in looks:
        browser.show(pages[name], **look)  # type: ignore[arg-type] # width is a number, dark a truth value
        assert browser.requests() == [pages[name].resolve().as_uri()]
        browser.value("for (const one of document.querySelectorAll('details')) one.open = true; 0")
        assert browser.faults() == []
        assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.complaints() == []
        assert browser.value("getComputedStyle(document.body).maxWidth") != "none"  # the style is the one allowed


def test_the_policy_lets_nothing_in(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["good-en"])
    browser.value("""
        document.body.insertAdjacentHTML('beforeend', '<img src="https://tracker.example/x.png"><p style="color:red">');
        const script = document.createElement('script');
        script.textContent = 'window.ran = 1';
        document.body.append(script);
        0
    """)
    assert browser.value("window.ran === undefined")
    assert browser.value("fetch('https://tracker.example/').then(() => 'came', () => 'refused')") == "refused"
    said = " ".join(browser.complaints())
    assert said.count("Content Security Policy") >= 3


def test_hostile_texts_are_texts(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["hostile-ru"])
    seen = str(browser.value("document.querySelector('#sources').innerText"))
    for text in NASTY[:3]:
        assert " ".join(text.split()) in " ".join(seen.split())
    assert "[U+202E]yrarbil[U+2066]" in seen
    drawn = str(browser.value("document.querySelector('svg.graph').textContent"))
    assert "<script>alert(1)</script>" in drawn
    assert "[U+202E]yrarbil" in drawn
    table = str(browser.value("document.querySelector('#graph details').textContent"))
    assert "\"' onmouseover=alert(1) x='" in table
    assert browser.value("document.querySelectorAll('script, img, form, iframe').length") == 0


def test_the_keyboard_reaches_contents_drawing_and_details(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["good-en"])
    seen = list[str]()
    for _ in range(24):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(str(browser.value("document.activeElement.className || document.activeElement.tagName")))
    assert seen[0] == "skip"
    assert {"A", "scroll", "SUMMARY", "PRE"} <= set(seen)
    outline = browser.value("getComputedStyle(document.activeElement).outlineStyle")
    assert outline in {"solid", "none", "auto"}


def test_on_paper_everything_is_open_and_dark_ink_stands_on_white(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    browser.show(pages["good-en"], dark=True, media="print")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert browser.value("document.querySelector('#graph details table').checkVisibility()")
    assert browser.value("getComputedStyle(document.querySelector('.scroll')).overflow") == "visible"
    browser.paper(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


def test_a_thousand_upstream_libraries_are_drawn(browser: Browser, tmp_path: Path) -> None:
    library = sound(tmp_path / "library")
    page = tmp_path / "page.html"
    page.write_bytes(report.write(made_of(tell(library.folder), many(1000)), "ru"))
    browser.show(page)
    assert browser.value("document.querySelectorAll('svg.graph rect.bad').length") == 25
    outside = """[...document.querySelectorAll('svg.graph text')].filter(text => {
        const own = text.getBoundingClientRect(), all = text.ownerSVGElement.getBoundingClientRect();
        return own.left < all.left || own.right > all.right || own.bottom > all.bottom;
    }).length"""
    assert browser.value(outside) == 0
