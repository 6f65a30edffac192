"""The pictures of the worked example: of the real pages that its own commands write, in a real browser.

    python -m tests.pictures            name the pictures that do not show what the pages say; exit 1 if there are any
    python -m tests.pictures --write    take them anew

Letters look different on every machine, so no points are compared: each picture carries the words that it shows, as a
PNG text (``Description``), and these must be the words that the pages show now.
"""

import json
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import docs
from tests.browser import Browser, browsing, executable
from tests.checker import give

PAGE = docs.ROOT / "docs" / "worked-example.md"
FOLDER = docs.ROOT / "docs" / "pictures"
#: 2 February 2027, the day on which the catalogue of the example was made; the browser's clock says so too.
DAY = 1_801_526_400_000
MARGIN = 12
KEYWORD = b"iTXt", b"Description\0\0\0\0\0"
#: The elements that are shown: from the top of the first to the end of the last.
AREA = "[...document.querySelectorAll({selector!r})].filter(one => one.getClientRects().length)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A part of a page: ``page`` is a pattern of its path, ``selector`` names the elements that are shown."""

    page: str
    selector: str
    library: str = ""
    width: int = 900
    dark: bool = False


PICTURES: Mapping[str, Picture] = {
    "authors": Picture(page="news.html", selector="#optout"),
    "verdict": Picture(page="february.html", selector="header, #verdict", dark=True),
    "provenance": Picture(page="february.html", selector="#graph", width=980),
    "catalogue": Picture(page="site/en/index.html", selector="header, main"),
    "narrow": Picture(page="site/library/*/ru.html", selector="header, #verdict", library="kazakh", width=320),
    "check": Picture(page="site/check.html", selector="#verdict, #checks", library="kazakh-2"),
}


def show(browser: Browser, made: Path, picture: Picture) -> str:
    """Show the page, do what a reader does, and give the words of the part that is shown."""
    folders = [path.parent for path in made.glob("site/library/*/datapackage.json") if _name(path) == picture.library]
    page = folders[0] / Path(picture.page).name if "*" in picture.page else made / picture.page
    if page.name == "check.html":
        browser.show(page, width=picture.width, fragment=f"#library={folders[0].name}")
        _check(browser, folders[0] / "provenance.zip")
    else:
        browser.show(page, width=picture.width, dark=picture.dark)
    if page.name == "index.html":
        browser.wait("!document.getElementById('search').hidden")
    words = str(browser.value(f"{AREA.format(selector=picture.selector)}.map(one => one.innerText).join('\\n')"))
    return " ".join(docs.level(words).split())


def take(browser: Browser, picture: Picture) -> bytes:
    """Take the picture (PNG) of what is shown."""
    area = AREA.format(selector=picture.selector)
    top, end = (
        browser.value(f"scrollY + Math.{pick}(...{area}.map(one => one.getBoundingClientRect().{side}))")
        for pick, side in (("min", "top"), ("max", "bottom"))
    )
    clip = {"x": 0, "y": max(top - MARGIN, 0), "width": picture.width, "height": end - top + MARGIN, "scale": 1}
    return browser.picture(clip)


def _name(manifest: Path) -> str:
    return str(json.loads(manifest.read_bytes())["name"])


def _check(browser: Browser, archive: Path) -> None:
    """Choose a library, name a purpose, press the button."""
    browser.wait("document.querySelector('#purpose')")
    give(browser, "archive", archive)
    browser.wait("document.querySelector('#chosen').innerText")
    browser.value("document.querySelector('#purpose').value = 'train:llm'; 0")
    browser.value("document.querySelector('button.main').click(); 0")
    browser.wait("document.querySelector('#verdict')")


def described(png: bytes, words: str) -> bytes:
    """Put the words into the picture. Source: PNG (third edition), 11.3.3.4: international text."""
    kind, head = KEYWORD
    data = kind + head + words.encode()
    header = 8 + 25  # the signature and IHDR, which must come first
    return png[:header] + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)) + png[header:]


def description(png: bytes) -> str:
    """Read the words of a picture that `described` made."""
    kind, head = KEYWORD
    start = png.index(kind + head)
    length = int(struct.unpack(">I", png[start - 4 : start])[0])
    return png[start + 4 + len(head) : start + 4 + length].decode()


@contextmanager
def example() -> Iterator[tuple[Browser, Path]]:
    """Run the page's commands; give a browser on the day of the example, and the folder that they filled."""
    program = executable()
    assert program, "Chromium is not installed"
    blocks = docs.FENCE.finditer(PAGE.read_text(encoding="utf-8"))
    commands = [step.command for block in blocks for step in docs.steps(block.group(1))]
    with tempfile.TemporaryDirectory(prefix="datalib-pictures-") as folder:
        docs.run(commands, Path(folder))
        with browsing(program) as browser:
            browser.call("Page.addScriptToEvaluateOnNewDocument", source=f"Date.now = () => {DAY}")
            yield browser, Path(folder)


def main(arguments: list[str]) -> int:
    """Compare or take the pictures."""
    failed = False
    with example() as (browser, made):
        for name, picture in PICTURES.items():
            words, target = show(browser, made, picture), FOLDER / f"{name}.png"
            if "--write" in arguments:
                target.write_bytes(described(take(browser, picture), words))
            elif not target.exists() or description(target.read_bytes()) != words:
                failed = True
                sys.stdout.write(f"{target.name} does not show what its page says\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
