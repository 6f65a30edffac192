"""The pictures in the documentation show what the pages of the worked example say now; how letters look may differ."""

import re

import pytest

from tests import docs, pictures
from tests.browser import executable

MAX_BYTES = 150_000
STORIES = {
    "authors": "prohibited 2",
    "verdict": "E-INPUT-WITHDRAWN",
    "provenance": "⇄2",
    "catalogue": "verified 3 not to be used 2",
    "narrow": "E-LIB-WITHDRAWN",
    "check": "As far as it was checked (0 of 3 files were read)",
}


@pytest.mark.system
def test_the_pictures_kept_show_the_words_of_the_pages_and_these_tell_the_stories() -> None:
    if executable() is None:
        pytest.skip("Chromium is not installed")
    with pictures.example() as (browser, made):
        words = {name: pictures.show(browser, made, picture) for name, picture in pictures.PICTURES.items()}
    kept = {path.stem: pictures.description(path.read_bytes()) for path in pictures.FOLDER.iterdir()}
    assert kept == words
    assert {name for name, story in STORIES.items() if story in words[name]} == set(kept)


def test_every_picture_is_small_and_shown_once_or_more_with_its_meaning() -> None:
    link = re.compile(r"!\[[^\]]{20,}\]\((?:docs/)?pictures/(\w+)\.png\)")
    shown = {name for page in docs.pages() for name in link.findall(page.read_text(encoding="utf-8"))}
    sizes = {path.stem: path.stat().st_size for path in pictures.FOLDER.iterdir()}
    assert set(pictures.PICTURES) == shown == set(sizes)
    assert max(sizes.values()) < MAX_BYTES


def test_a_picture_tells_its_words_to_every_reader_of_png() -> None:
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    for path in pictures.FOLDER.iterdir():
        with image.open(path) as picture:
            picture.load()
            assert picture.width == pictures.PICTURES[path.stem].width
            assert picture.text["Description"] == pictures.description(path.read_bytes())
