"""The folder of conformance cases and real inputs, which is no part of the product."""

import os
from pathlib import Path

#: Tests that need it are marked ``shared``, and skipped where ``DATALIB_SHARED`` does not name it (``conftest.py``).
SHARED = Path(os.environ.get("DATALIB_SHARED") or "/nonexistent")
