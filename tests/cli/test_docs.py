from pathlib import Path

import pytest

from tests.docs import difference, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_shows_what_the_program_prints(page: Path) -> None:
    assert not difference(page)
