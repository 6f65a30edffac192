"""What lies in folders and belongs in no library: version control, caches, what desktops leave behind.

A library lists every file in it, so no file can be left out and left there: the verifier would refuse it as unlisted.
What is left out is moved beside the library. Nothing is ever deleted: a ``.git`` may be the only copy.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from datalib.errors import Refused, Unchecked

_NAMES: Final = frozenset({
    ".git", ".hg", ".svn", ".bzr", "_darcs", ".jj", ".dvc",
    "__pycache__", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".cache", ".venv", ".tox",
    "node_modules", ".idea", ".vscode",
    ".ds_store", ".spotlight-v100", ".trashes", ".fseventsd", ".appledouble", "__macosx",
    "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information",
})  # fmt: skip
_PATTERN: Final = re.compile(r"\._.+|~\$.+|\.~lock\..+#|\.trash-[0-9]+|.+\.(pyc|swp|swo)|\.nfs[0-9a-f]+")
# Most names are told by their ends: this is asked a few times for every file of a million.
_FIRST: Final = frozenset("._~$nNtTdDsSC")
_LAST: Final = (".pyc", ".swp", ".swo", ".PYC", ".SWP", ".SWO")


def is_clutter(path: str) -> bool:
    """Tell whether the last segment of ``path``, a file or a folder (``/`` at its end), belongs in no library."""
    name = path.removesuffix("/").rpartition("/")[2]
    if name[:1] not in _FIRST and not name.endswith(_LAST):
        return False
    # CVS in capitals only: a folder "cvs" may well hold curricula vitae.
    return name == "CVS" or name.lower() in _NAMES or bool(_PATTERN.fullmatch(name.lower()))


def place_beside(folder: Path) -> Path:
    """Name the folder to which the clutter of the library ``folder`` is moved: ``NAME.left-out`` beside it."""
    whole = Path(os.path.realpath(folder))
    return whole.with_name(f"{whole.name}.left-out")


def set_aside(folder: Path, found: Iterable[str]) -> Path:
    """Move what was found (paths in the library ``folder``) beside the library; say where to.

    Raises ``Refused`` (``E-OUT-EXISTS``), before anything is moved, if something of that name is there already, and
    ``Unchecked`` (``E-IO``) if a move fails; what was moved until then stays moved and the call can be repeated.
    """
    target = place_beside(folder)
    moves = [(folder / path, target / path) for path in found]
    for _, new in moves:
        if os.path.lexists(new):
            raise Refused("E-OUT-EXISTS", str(new))
    for old, new in moves:
        try:
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
        except OSError as problem:
            raise Unchecked("E-IO", str(old), problem.strerror or str(problem)) from problem
    return target
