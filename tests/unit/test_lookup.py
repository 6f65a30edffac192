"""Lines of a checked listing, found without reading it all."""

import random
from pathlib import Path

import pytest

from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library.lookup import Lookup
from datalib.library.store import Folder
from datalib.library.verified import BLOCK
from tests.libraries import edit


def write(root: Path, paths: list[str]) -> tuple[str, dict[str, str]]:
    """Write a listing; give its digest, and the digests in it."""
    digests = {path: sha256_hex(path.encode()) for path in sorted(paths, key=str.encode)}
    data = "".join(f"{digest}  {path}\n" for path, digest in digests.items()).encode()
    (root / "files.sha256").write_bytes(data)
    return sha256_hex(data), digests


def names(count: int, seed: int) -> list[str]:
    lots = random.Random(seed)
    return sorted({"/".join(lots.choice(["a", "b", "ab", "күн", "z" * 200]) for _ in range(4)) + f"/{lots.random()}"
                   for _ in range(count)})  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 40, 16_000])
def test_every_file_and_folder_is_found(tmp_path: Path, count: int) -> None:
    digest, listed = write(tmp_path, names(count, count))
    assert count < 16_000 or (tmp_path / "files.sha256").stat().st_size > 2 * BLOCK
    prefixes = {path[: path.index("/", at) + 1] for path in listed for at in (0, path.index("/") + 1)}
    with Folder(tmp_path) as folder, Lookup(folder, digest) as lookup:
        for path in random.Random(1).sample(list(listed), min(count, 300)):
            assert lookup.digest(path) == listed[path]
            with pytest.raises(Refused, match="E-FILE-UNLISTED"):
                lookup.digest(path[:-1] + "~")
        for prefix in sorted(prefixes)[:12]:
            expected = [f"{it}  {path.removeprefix(prefix)}".encode() for path, it in listed.items()
                        if path.startswith(prefix)]  # fmt: skip
            assert list(lookup.under(prefix)) == expected
        assert not list(lookup.under("nothing/"))
        assert not list(lookup.under("\U0010ffff/"))


def test_a_listing_that_is_another_or_changes_is_not_read(tmp_path: Path) -> None:
    digest, listed = write(tmp_path, names(9_000, 3))
    with Folder(tmp_path) as folder:
        with pytest.raises(Refused, match="E-READ-DIGEST"):
            Lookup(folder, "0" * 64)
        with Lookup(folder, digest) as lookup:
            edit(tmp_path / "files.sha256", lambda data: b"x" + data[1:])
            with pytest.raises(Refused, match="E-READ-DIGEST"):
                lookup.digest(min(listed))
