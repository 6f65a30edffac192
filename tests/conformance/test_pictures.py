"""The pictures in the documentation show what the pages of the worked example say now; how letters look may differ."""

import re
from collections.abc import Mapping

import pytest

from tests import docs, pictures
from tests.browser import executable

pytestmark = pytest.mark.system
MAX_BYTES = 150_000


@pytest.fixture(scope="module")
def taken() -> Mapping[str, tuple[bytes, str]]:
    if executable() is None:
        pytest.skip("Chromium is not installed")
    return pictures.pictures()


def test_every_picture_is_kept_and_shown(taken: Mapping[str, tuple[bytes, str]]) -> None:
    link = re.compile(r"!\[[^\]]{20,}\]\((?:docs/)?pictures/(\w+)\.png\)")
    shown = {name for page in docs.pages() for name in link.findall(page.read_text(encoding="utf-8"))}
    assert set(taken) == shown == {path.stem for path in pictures.FOLDER.iterdir()}


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_kept_picture_shows_the_words_of_its_page(taken: Mapping[str, tuple[bytes, str]], name: str) -> None:
    png, words = taken[name]
    kept = (pictures.FOLDER / f"{name}.png").read_bytes()
    assert pictures.description(kept) == words
    assert kept[:20] == png[:20]  # PNG of the same width; heights depend on fonts
    assert len(kept) < MAX_BYTES


def test_the_pictures_show_the_three_stories(taken: Mapping[str, tuple[bytes, str]]) -> None:
    said = {name: words for name, (_, words) in taken.items()}
    assert "prohibited 2" in said["authors"]
    assert "E-INPUT-WITHDRAWN" in said["verdict"]
    assert "⇄2" in said["provenance"]
    assert "verified 3 not to be used 2" in said["catalogue"]
    assert "E-LIB-WITHDRAWN" in said["narrow"]
    assert "As far as it was checked (0 of 3 files were read)" in said["check"]
