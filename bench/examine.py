"""Write a long listing, or check one as a verifier does; a program of its own, so that its memory is seen.

python examine.py write FOLDER LINES NAMES
python examine.py check FOLDER
"""

import hashlib
import json
import sys
from pathlib import Path

from datalib.library import listing
from datalib.library.manifest import Content
from datalib.library.store import Folder
from datalib.merkle import RootBuilder

_IN_FOLDER = 10_000
_FACTS = "facts.json"


def main(arguments: list[str]) -> None:
    action, folder = arguments[0], Path(arguments[1])
    if action == "write":
        _write(folder, int(arguments[2]), arguments[3])
    else:
        expected = Content(**json.loads((folder / _FACTS).read_text(encoding="ascii")))
        with Folder(folder) as opened:
            listing.examine(opened, expected=expected)


def _write(folder: Path, count: int, form: str) -> None:
    """Write files in the order of their paths; their digests are those of their numbers."""
    root, digest = RootBuilder(), hashlib.sha256()
    with (folder / listing.NAME).open("wb") as file:
        for first in range(0, count, _IN_FOLDER):
            numbers = range(first, min(count, first + _IN_FOLDER))
            lines = [
                f"{hashlib.sha256(b'%d' % number).hexdigest()}  {form.format(*divmod(number, _IN_FOLDER))}".encode()
                for number in numbers
            ]
            data = b"".join(line + b"\n" for line in lines)
            root.extend(lines)
            digest.update(data)
            file.write(data)
    facts = {"files": count, "bytes": 0, "sha256": digest.hexdigest(), "root": root.root().hex()}
    (folder / _FACTS).write_text(json.dumps(facts), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1:])
