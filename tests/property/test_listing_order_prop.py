"""Whatever is wrong with a listing, the answer is that of reading it line by line: the first broken rule decides."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalib.errors import Refused
from datalib.library import collisions, listing
from datalib.library.listing import Listing
from datalib.library.paths import fault, fold
from datalib.library.store import Folder

NAMES = "a|A|a/b|A/b|a-b|a/B/c|b|B|ß|ss|м|М|é|../a|con|x:|proofs|chain.jsonl|a.|b/c|Z|zz|zz/y"
PATHS = st.sampled_from(NAMES.split("|"))
LINES = st.one_of(
    PATHS.map(lambda path: b"%b  %b" % (b"0" * 64, path.encode())),
    st.sampled_from([b"", b"0" * 64, b"0" * 63 + b"  a", b"0" * 64 + b" *a", b"0" * 64 + b"  ", b"0" * 64 + b"  \xff"]),
)
MANY = st.lists(LINES, max_size=9) | st.lists(PATHS, max_size=12, unique=True).map(
    lambda paths: [b"0" * 64 + b"  " + path.encode() for path in sorted(paths)]
)


def line_by_line(lines: list[bytes]) -> str:
    seen: list[str] = []
    for line in lines:
        try:
            path = line[66:].decode()
        except UnicodeDecodeError:
            return "E-LIST-FORMAT"
        if line[:66] != b"0" * 64 + b"  ":
            return "E-LIST-FORMAT"
        if code := fault(path):
            return code
        if seen and path <= seen[-1]:
            return "E-LIST-DUPLICATE" if path == seen[-1] else "E-LIST-ORDER"
        if any(too_like(path, other) for other in seen):
            return "E-PATH-COLLISION"
        seen.append(path)
    return "E-LIST-ROOT" if seen else "E-LIST-FORMAT"  # the root is never that of the tests


def too_like(one: str, other: str) -> bool:
    if f"{fold(one)}/".startswith(f"{fold(other)}/") or f"{fold(other)}/".startswith(f"{fold(one)}/"):
        return True
    return any(fold(left) == fold(right) and left != right for left in folders(one) for right in folders(other))


def folders(path: str) -> list[str]:
    segments = path.split("/")
    return ["/".join(segments[:depth]) for depth in range(1, len(segments))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MANY, st.sampled_from([70, 150, 1 << 20]))
def test_the_first_broken_rule_decides(monkeypatch: pytest.MonkeyPatch, lines: list[bytes], chunk: int) -> None:
    monkeypatch.setattr(listing, "_CHUNK", chunk)
    monkeypatch.setattr(collisions, "_BATCH", 2)
    data = b"".join(line + b"\n" for line in lines)
    expected = Listing(name="", files=0, sha256=hashlib.sha256(data).hexdigest(), root="", found={})
    with tempfile.TemporaryDirectory() as root, Folder(root) as folder:
        Path(root, "files.sha256").write_bytes(data)
        with pytest.raises(Refused) as caught:
            listing.examine(folder, expected=expected)
    assert caught.value.code == line_by_line(lines)
