"""REUSE.toml: which files its tables are about, which of their licences hold, and what of it cannot be read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalib.optout import reuse
from datalib.optout.model import NOTHING, State
from datalib.optout.scan import scan
from datalib.optout.statement import Evidence
from tests import media_files as made
from tests.scanning import NOW, read_decisions

EVIDENCE = Evidence(locator="REUSE.toml", sha256="00" * 32)
NO_AI = 'SPDX-License-Identifier = "LicenseRef-NoAI"'
MIT = 'SPDX-License-Identifier = "MIT"'


def table(path: str, *lines: str) -> str:
    return "\n".join(["[[annotations]]", f"path = {path}", *lines, ""])


def toml(*tables: str) -> bytes:
    return "\n".join(["version = 1", *tables]).encode()


def state(data: bytes, path: str) -> str:
    strict = NOTHING
    for signal in reuse.parse(data).about(path, EVIDENCE):
        assert signal.spec == NOTHING
        strict |= signal.strict
    return strict.tested.label


@pytest.mark.parametrize(
    ("glob", "meant", "not_meant"),
    [
        ("a.png", ("a.png",), ("b/a.png", "a.pngx", "aXpng", "A.PNG")),
        ("*", ("a", ".hidden", "a.b"), ("a/b",)),
        ("**", ("a", "a/b", ".x/.y"), ()),
        ("*.png", ("a.png", ".png"), ("b/a.png", "a.png/b")),
        ("**.png", ("a.png", "b/c/a.png"), ("a.png/b",)),
        ("**/*.png", ("a.png", "b/a.png", "b/c/a.png"), ("a.jpg",)),
        ("art/**", ("art/a", "art/b/c"), ("art", "part/a")),
        ("**/docs/**", ("docs/a", "x/docs/y/z"), ("docs",)),
        ("po/*.po", ("po/kk.po",), ("po/old/kk.po", "x/po/kk.po")),
        ("a/*/c", ("a/b/c", "a//c"), ("a/b/b/c",)),
        ("a***b", ("ab", "a/b"), ("a/",)),
        ("a*b*c", ("abc", "abbbcc", "axbxbxc"), ("acb", "ab/c")),
        (r"\*", ("*",), ("a",)),
        (r"a\\b", (r"a\b",), ("ab",)),
        (r"\a?[x]", ("a?[x]",), ("aax",)),
        ("картина/*", ("картина/дала",), ()),
        ("a\nb", ("a\nb",), ()),
    ],
)
def test_paths_with_stars(glob: str, meant: tuple[str, ...], not_meant: tuple[str, ...]) -> None:
    parsed = reuse.Glob.parse(glob)
    assert [path for path in meant if not parsed.matches(path)] == []
    assert [path for path in not_meant if parsed.matches(path)] == []


@pytest.mark.parametrize(
    ("tables", "path", "expected"),
    [
        ((table('"**"', NO_AI),), "a/b.png", "deny"),
        ((table('"art/*"', NO_AI),), "code/a.py", "unknown"),
        ((table('["a", "art/*"]', NO_AI),), "art/a.png", "deny"),
        ((table('"*"', 'SPDX-License-Identifier = ["MIT", "NTDL-1.0"]'),), "a", "deny"),
        ((table('"*"', 'SPDX-License-Identifier = "MIT AND LicenseRef-No-Train"'),), "a", "deny"),
        ((table('"*"', 'SPDX-License-Identifier = "LicenseRef-AI-Terms"'),), "a", "hold"),
        ((table('"*"', 'SPDX-License-Identifier = "CC-BY-NC-4.0"'),), "a", "unknown"),
        ((table('"*"', 'SPDX-FileCopyrightText = "2026 No AI"'),), "a", "unknown"),
        ((table('"*"', 'precedence = "closest"', NO_AI),), "a", "deny"),
        ((table('"*"', 'precedence = "aggregate"', NO_AI),), "a", "deny"),
        ((table('"*"', 'precedence = "override"', NO_AI),), "a", "deny"),
        # within one file the last table that matches holds, where it is about fewer files
        ((table('"**"', NO_AI), table('"src/**"', MIT)), "src/a", "unknown"),
        ((table('"**"', NO_AI), table('"**/*.md"', MIT)), "x/a.md", "unknown"),
        ((table('"**"', NO_AI), table('"src/**"', MIT)), "art/a", "deny"),
        ((table('"art/**"', NO_AI), table('"**"', MIT)), "art/a", "deny"),
        ((table('"art/**"', MIT), table('"**"', NO_AI)), "art/a", "deny"),
        ((table('"**"', NO_AI), table('"a/**"', NO_AI), table('"a/b/*"', MIT)), "a/b/c", "unknown"),
        ((table('"a"', NO_AI), table('"*"', NO_AI), table('"**"', MIT)), "a", "deny"),
        # one without a licence undoes none
        ((table('"**"', NO_AI), table('"src/**"', 'SPDX-FileCopyrightText = "2026 Jane"')), "src/a", "deny"),
        ((), "a", "unknown"),
    ],
)  # fmt: skip
def test_tables_that_match_state_licences(tables: tuple[str, ...], path: str, expected: str) -> None:
    assert state(toml(*tables), path) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"version = 2",
        b"version = true",
        b"version = 1.0",
        b"",
        b"version = ",
        b"\xff\xfeversion",
        b"version = 1\nannotations = 1",
        b"version = 1\nannotations = [1]",
        toml("[annotations]", 'path = "*"'),
        toml("[[annotations]]", MIT),
        toml(table("[]", MIT)),
        toml(table('""', MIT)),
        toml(table(f'"{"a" * 4097}"', MIT)),
        toml(table("1", MIT)),
        toml(table("[1]", MIT)),
        toml(table(r"'a\'", MIT)),
        toml(table('"*"', "SPDX-License-Identifier = 1")),
        toml(table('"*"', "SPDX-License-Identifier = [1]")),
        toml(table('"*"', 'precedence = "nearest"')),
        toml(table('"*"', "precedence = [1]")),
        b"a = " + b"[" * 100_000,
        b"a." * 500_000 + b"a = 1",  # by itself, its parser would take half an hour for it
        b"#" * (reuse.MAX_BYTES + 1),
    ],
)
def test_what_cannot_be_read_holds_every_file(data: bytes) -> None:
    assert state(data, "a") == "hold"


def test_what_can_be_read_counts_beside_what_cannot() -> None:
    assert state(toml(table('"*"', NO_AI), table("1", MIT)), "a") == "deny"
    assert state(toml(table('"*"', NO_AI), table("1", MIT)), "a/b") == "hold"
    assert state(b"\xef\xbb\xbf" + toml(table('"*"', NO_AI), "[other]", "x = 1"), "a") == "deny"


def test_a_path_full_of_stars_comes_to_an_end() -> None:
    assert not reuse.Glob.parse("**a" * 200 + "b").matches("a" * 4000)
    assert not reuse.Glob.parse("*a" * 2000 + "b").matches("a" * 4000)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_end_in_signals(data: bytes, path: str) -> None:
    for signal in reuse.parse(b"version = 1\n" + data).about(path, EVIDENCE):
        assert signal.strict.tested >= State.UNKNOWN


# -- in folders

FILES = {
    "REUSE.toml": toml(table('["art/**", "rows.csv"]', 'precedence = "aggregate"', NO_AI)),
    "art/a.png": made.png(), "art/b.py": b"# SPDX-License-Identifier: MIT\n",
    "art/own/REUSE.toml": toml(table('"**"', 'precedence = "override"', MIT)), "art/own/c.png": made.png(),
    "d.png": made.png(), "rows.csv": b"url\nUNLIKELY\n",
    "code/REUSE.toml": toml(table('"**"', 'precedence = "override"', MIT)),
    "code/e.py": b"# SPDX-License-Identifier: LicenseRef-NoAI\n", "code/f.py": b"x = 1\n",
    "broken/REUSE.toml": b"version = ", "broken/g.png": made.png(), "broken/h/i.txt": b"x",
    "lower/reuse.toml": toml(table('"*.txt"', NO_AI)), "lower/j.txt": b"x",
}  # fmt: skip
EXPECTED = {
    "REUSE.toml": "refuse licence",
    "art/a.png": "refuse licence", "art/b.py": "refuse licence",
    "art/own/REUSE.toml": "refuse licence", "art/own/c.png": "refuse licence",
    "d.png": "admit no-prohibition", "rows.csv#0": "refuse licence",
    "code/REUSE.toml": "admit no-prohibition",
    "code/e.py": "refuse licence", "code/f.py": "admit no-prohibition",
    "broken/REUSE.toml": "hold licence-hold",
    "broken/g.png": "hold licence-hold", "broken/h/i.txt": "hold licence-hold",
    "lower/reuse.toml": "refuse licence", "lower/j.txt": "refuse licence",
}  # fmt: skip


def test_licences_of_a_folder_count_whatever_stands_closer(tmp_path: Path) -> None:
    works = tmp_path / "works"
    for name, data in FILES.items():
        (works / name).parent.mkdir(parents=True, exist_ok=True)
        (works / name).write_bytes(data)
    scan([works], out=tmp_path / "out", now=NOW)
    assert {row.work: f"{row.verdict} {row.reason}" for row in read_decisions(tmp_path / "out")} == EXPECTED


TERMS = b"Studio licence\n\nThese works must not be used to train AI models."
OWN = {
    "LICENSES/LicenseRef-Studio-1.0.txt": TERMS, "LICENSES/LicenseRef-Kind.txt": b"Be kind.", "LICENSES/MIT.txt": TERMS,
    "REUSE.toml": toml(table('"art/**"', 'SPDX-License-Identifier = "MIT OR LicenseRef-studio-1.0"')),
    "art/a.png": made.png(), "b.png": made.png(), "b.png.license": b"SPDX-License-Identifier: LicenseRef-Studio-1.0",
    "c.py": b"# SPDX-License-Identifier: (LicenseRef-Studio-1.0)\n", "d.py": b"# SPDX-License-Identifier: MIT\n",
    "e.py": b"# SPDX-License-Identifier: LicenseRef-Kind\n", "f.py": b"# SPDX-License-Identifier: LicenseRef-Studio\n",
    "g.png": made.png(),
    "rows.csv": b"url\nUNLIKELY\n", "rows.csv.license": b"SPDX-License-Identifier: LicenseRef-Studio-1.0",
}  # fmt: skip


def test_the_text_of_a_licence_counts_for_the_files_that_name_it(tmp_path: Path) -> None:
    works = tmp_path / "works"
    for name, data in OWN.items():
        (works / name).parent.mkdir(parents=True, exist_ok=True)
        (works / name).write_bytes(data)
    scan([works], out=tmp_path / "out", now=NOW)
    refused = {
        row.work for row in read_decisions(tmp_path / "out") if f"{row.verdict} {row.reason}" == "refuse licence"
    }
    naming = {"REUSE.toml", "b.png.license", "rows.csv.license"}
    assert refused == {"art/a.png", "b.png", "c.py", "rows.csv#0", *naming}


def test_a_link_to_such_a_file_is_not_followed_and_holds(tmp_path: Path) -> None:
    works = tmp_path / "works"
    works.mkdir()
    (tmp_path / "far.toml").write_bytes(toml())
    (works / "REUSE.toml").symlink_to(tmp_path / "far.toml")
    (works / "a.txt").write_bytes(b"x")
    scan([works], out=tmp_path / "out", now=NOW)
    assert {row.work: row.verdict for row in read_decisions(tmp_path / "out")} == {
        "REUSE.toml": "hold",
        "a.txt": "hold",
    }


def test_a_reader_that_fails_holds_what_lies_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works = tmp_path / "works"
    works.mkdir()
    (works / "REUSE.toml").write_bytes(toml())
    (works / "a.txt").write_bytes(b"x")

    def fail(_: bytes) -> None:
        raise RuntimeError

    monkeypatch.setattr(reuse, "parse", fail)
    scan([works], out=tmp_path / "out", now=NOW)
    assert {row.work: row.verdict for row in read_decisions(tmp_path / "out")} == {
        "REUSE.toml": "hold",
        "a.txt": "hold",
    }
