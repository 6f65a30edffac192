"""What holds for all tests."""

import pytest

from tests.shared import SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs cases and real inputs where they are not at hand."""
    if not SHARED.is_dir():
        missing = pytest.mark.skip(reason="DATALIB_SHARED does not name the folder of cases and real inputs")
        for item in items:
            if item.get_closest_marker("shared"):
                item.add_marker(missing)
