"""The listing: what is written can be examined, and every way to break it has its code."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from datalib import merkle
from datalib.errors import Refused, Unchecked
from datalib.library import collisions, listing
from datalib.library.listing import Line, Listing
from datalib.library.store import Folder

A, B = hashlib.sha256(b"a").hexdigest(), hashlib.sha256(b"b").hexdigest()


def signed(data: bytes) -> Listing:
    """Say of some bytes what a manifest would say."""
    lines = data.split(b"\n")[:-1]
    root = merkle.root(lines).hex()
    digest = hashlib.sha256(data).hexdigest()
    return Listing(name="files.sha256", files=len(lines), sha256=digest, root=root, found={})


def examine(root: Path, data: bytes, wanted: Sequence[str] = ()) -> Mapping[str, str]:
    (root / "files.sha256").write_bytes(data)
    with Folder(root) as folder:
        return listing.examine(folder, expected=signed(data), wanted=wanted).found


def lines(*paths: str) -> bytes:
    return "".join(f"{A}  {path}\n" for path in paths).encode()


def refusal(root: Path, data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        examine(root, data)
    return caught.value.code


def test_round_trip(tmp_path: Path) -> None:
    files = [Line(A, "a.txt"), Line(B, "b c.txt"), Line(A, "дерек/мәтін.txt")]
    with Folder(tmp_path) as folder:
        written = listing.write(folder, files)
        assert listing.examine(folder, expected=written) == written
        assert list(listing.lines(folder, sha256=written.sha256)) == files
    data = (tmp_path / "files.sha256").read_bytes()
    assert data == f"{A}  a.txt\n{B}  b c.txt\n{A}  дерек/мәтін.txt\n".encode()
    assert signed(data) == written


def test_another_name(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder:
        written = listing.write(folder, [Line(A, "a")], name="upstream/x/files.sha256")
        assert listing.examine(folder, expected=written, name="upstream/x/files.sha256").files == 1


def test_wanted_paths_are_found(tmp_path: Path) -> None:
    wanted = ["a", "B", "none", "z"]
    assert examine(tmp_path, lines("a", "b", "z"), wanted) == {"a": A, "z": A}
    assert examine(tmp_path, lines("B", "a", "aux-", "b c"), wanted) == {"a": A, "B": A}
    assert examine(tmp_path, lines("a\u00a0b", "z"), wanted) == {"z": A}  # one line at a time


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        lines("a")[:-1],
        lines("a", "b")[:-1],
        lines("a") + b"\n",
        lines("a").upper(),
        lines("a").replace(b"  ", b" *"),
        lines("a").replace(b"  ", b" "),
        b"\\" + lines("a"),
        lines("a")[1:],
        f"{A}  ".encode()[:-1] + b"\n",
        hashlib.sha1(b"a", usedforsecurity=False).hexdigest().encode() + b"  a\n",
        f"{A}  a".encode() + b"\xff\n",
        lines("a") + f"{A}  \xe9\n".encode("latin-1"),
        b"#" * (3 << 20),
    ],
    ids=range(15),
)
def test_lines_of_another_shape(tmp_path: Path, data: bytes) -> None:
    assert refusal(tmp_path, data) == "E-LIST-FORMAT"


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["a", "a"], "E-LIST-DUPLICATE"),
        (["A", "A"], "E-LIST-DUPLICATE"),
        (["b", "a"], "E-LIST-ORDER"),
        (["a", "b", "c", "A"], "E-LIST-ORDER"),
        (["a", "../b"], "E-PATH-TRAVERSAL"),
        (["a", "a/../b", "a"], "E-PATH-TRAVERSAL"),
        ([""], "E-PATH-LENGTH"),
        (["x" * (3 << 20)], "E-PATH-LENGTH"),
        (["a\r"], "E-PATH-CHAR"),
        ([" a"], "E-PATH-PORTABLE"),
        (["evidence/a"], "E-PATH-RESERVED"),
        (["A", "a"], "E-PATH-COLLISION"),
        (["a", "a-b", "a/b"], "E-PATH-COLLISION"),
        (["a", "a-b", "a/b", "b\u00a0c"], "E-PATH-COLLISION"),
        (["A", "a", "../b"], "E-PATH-COLLISION"),
        (["A", "b", "a", "../b"], "E-LIST-ORDER"),
        (["A", "b", "c:", "a"], "E-PATH-CHAR"),
        (["A", "a", "b", "b"], "E-PATH-COLLISION"),
    ],
)
def test_the_first_line_that_breaks_a_rule_decides(tmp_path: Path, paths: list[str], code: str) -> None:
    assert refusal(tmp_path, lines(*paths)) == code


def test_collisions_far_apart_in_a_long_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_CHUNK", 4096)
    monkeypatch.setattr(collisions, "_BATCH", 100)
    names = [f"w{number:06}" for number in range(600)]
    assert examine(tmp_path, lines(*names)) == {}
    assert examine(tmp_path, lines("W", *names, "x")) == {}
    assert refusal(tmp_path, lines("W000599", *names)) == "E-PATH-COLLISION"
    assert refusal(tmp_path, lines("W/a", "w/b", *names)) == "E-PATH-COLLISION"
    assert refusal(tmp_path, lines(*names, "w000599/a")) == "E-PATH-COLLISION"
    assert refusal(tmp_path, lines("W000300", *names, "x", "x")) == "E-PATH-COLLISION"


def test_many_names_that_do_not_fold_to_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collisions, "_FEW", 100)  # more are sorted, not put in a set
    names = [f"W{number:06}" for number in range(500)]
    assert examine(tmp_path, lines(*names, "v/w", "w")) == {}
    assert refusal(tmp_path, lines(*names, "w000001")) == "E-PATH-COLLISION"
    assert refusal(tmp_path, lines(*names, "\uff37000001")) == "E-PATH-COLLISION"


def test_what_the_manifest_says_decides(tmp_path: Path) -> None:
    data = lines("a", "b")
    expected = signed(data)
    (tmp_path / "files.sha256").write_bytes(data)
    with Folder(tmp_path) as folder:
        for change, code in (
            (replace(expected, sha256=A), "E-LIST-DIGEST"),
            (replace(expected, root=A, files=3), "E-LIST-ROOT"),
            (replace(expected, files=3), "E-LIST-COUNT"),
        ):
            with pytest.raises(Refused, match=code):
                listing.examine(folder, expected=change)


def test_the_digest_comes_before_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "files.sha256").write_bytes(b"no listing")
    with Folder(tmp_path) as folder, pytest.raises(Refused, match="E-LIST-DIGEST"):
        listing.examine(folder, expected=signed(lines("a")))


def test_missing_large_and_special_listings(tmp_path: Path) -> None:
    expected = signed(lines("a"))
    name = tmp_path / "files.sha256"
    with Folder(tmp_path) as folder:
        with pytest.raises(Refused, match="E-LIST-MISSING"):
            listing.examine(folder, expected=expected)
        name.symlink_to("elsewhere")
        with pytest.raises(Refused, match="E-FILE-SYMLINK"):
            listing.examine(folder, expected=expected)
        name.unlink()
        name.touch()
        os.truncate(name, listing.MAX_SIZE + 1)
        with pytest.raises(Refused, match="E-LIST-SIZE"):
            listing.examine(folder, expected=expected)


def test_a_listing_changed_after_it_was_examined(tmp_path: Path) -> None:
    data = lines("a", "b")
    examine(tmp_path, data)
    (tmp_path / "files.sha256").write_bytes(data + lines("c"))
    with Folder(tmp_path) as folder:
        read = listing.lines(folder, sha256=signed(data).sha256)
        with pytest.raises(Refused, match="E-LIST-DIGEST"):
            list(read)


def test_nothing_is_written_that_could_not_be_verified(tmp_path: Path) -> None:
    (tmp_path / "files.sha256").write_bytes(b"old")
    with Folder(tmp_path) as folder:
        for paths, code in ((["b", "a"], "E-LIST-ORDER"), ([], "E-LIST-FORMAT"), (["\udcff"], "E-LIST-FORMAT")):
            with pytest.raises(Refused, match=code):
                listing.write(folder, [Line(A, path) for path in paths])
    assert (tmp_path / "files.sha256").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["files.sha256"]


def test_trouble_with_the_disk_is_no_verdict() -> None:
    with Folder("/proc/self") as folder, pytest.raises(Unchecked, match="E-IO"):
        list(listing.lines(folder, sha256=A, name="mem"))
