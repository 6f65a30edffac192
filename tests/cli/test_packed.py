"""A packed library through the program: packed, verified, refused."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from tests.cli.conftest import TRUST, Program

ASKED = (*TRUST, "--require", "none")
KILLED = Path(__file__).parent.parent / "killed.py"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)  # else the first answer of this process is remembered
    return folder


@pytest.fixture
def packed(datalib: Program, signed: Path, scratch: Path) -> Path:
    done = datalib("pack", "library", "-o", "library.tar.gz")
    assert done.status == 0, done.err
    assert done.out.startswith("packed: library.tar.gz, 6 files, ")
    return signed.parent / "library.tar.gz"


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "zip"])
def test_a_packed_library_is_verified_like_another(datalib: Program, packed: Path, ending: str, scratch: Path) -> None:
    assert datalib("pack", "library", "-o", f"library.{ending}").status == 0
    plain = datalib("verify", "library", *ASKED, "--format", "json").data
    found = datalib("verify", f"library.{ending}", *ASKED, "--format", "json").data
    archive = found.pop("archive")
    assert archive["kind"] == ending
    assert archive["sizes"]["entries"] == 6
    assert found == plain
    assert f"archive: {ending}, 6 entries" in datalib("verify", f"library.{ending}", *ASKED).out
    assert not list(scratch.iterdir())


def test_a_library_in_one_folder_is_found(datalib: Program, packed: Path) -> None:
    with tarfile.open("top.tar", "w") as made:
        made.add("library")
    assert datalib("verify", "top.tar", *ASKED).status == 0


def test_without_data_only_the_rest_is_unpacked(datalib: Program, packed: Path) -> None:
    found = datalib("verify", "library.tar.gz", *ASKED, "--data", "none", "--format", "json").data
    assert (found["accepted"], found["complete"], found["read"]["files"]) == (True, False, 0)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "library.tar.gz"),
        ("check", "library.tar.gz"),
        ("sign", "library.tar.gz", "--key", "producer.pem"),
        ("assemble", "sector", "--input", "library.tar.gz", "--key", "producer.pem", *TRUST),
        ("catalogue", "build", "library.tar.gz", "-o", "site"),
    ],
)
def test_what_wants_a_folder_says_so(datalib: Program, packed: Path, words: tuple[str, ...]) -> None:
    done = datalib(*words)
    assert done.status in {2, 3}
    assert "library.tar.gz" in done.err
    assert "(no folder; a packed library has to be unpacked first)" in done.err
    assert done.err.count("\n") == 1


def test_the_state_is_kept_for_packed_libraries_too(datalib: Program, packed: Path, signed: Path) -> None:
    (signed / "more.txt").write_text("more\n")
    assert datalib("sign", "library", "--key", "producer.pem").status == 0
    assert datalib("verify", "library", *ASKED, "--state", "state.json").status == 0
    older = datalib("verify", "library.tar.gz", *ASKED, "--state", "state.json", "--format", "json")
    assert (older.status, older.data["code"]) == (1, "E-HEAD-ROLLBACK")


def _code(datalib: Program, path: str, *asked: str) -> str:
    done = datalib("verify", path, *(asked or ASKED), "--format", "json")
    assert done.status == 1, done.err
    assert not done.data["accepted"]
    code: str = done.data["code"]
    return code


def test_attacks_get_their_codes(datalib: Program, packed: Path, signed: Path, scratch: Path, tmp_path: Path) -> None:
    def attacked(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, count: int = 1) -> str:
        with tarfile.open("evil.tar", "w") as made:
            for path in sorted(signed.rglob("*")):
                made.add(path, path.relative_to(signed), recursive=False)
            for number in range(count):
                member = tarfile.TarInfo(name.format(number))
                member.size, member.type, member.linkname = size, kind, "/etc/passwd"
                with Path("/dev/zero").open("rb") as zeros:
                    made.addfile(member, zeros)
        return _code(datalib, "evil.tar")

    assert attacked("../../evil") == "E-ARCHIVE-PATH"
    assert attacked("/tmp/evil") == "E-ARCHIVE-PATH"  # noqa: S108 - what an attacker would write
    assert attacked("link", kind=tarfile.SYMTYPE) == "E-ARCHIVE-LINK"
    assert attacked("words.csv") == "E-ARCHIVE-DUPLICATE"
    assert attacked("big", size=65 << 20) == "E-ARCHIVE-BOMB"
    assert attacked("{}/", kind=tarfile.DIRTYPE, count=10_003) == "E-ARCHIVE-BOMB"
    assert attacked("extra.txt") == "E-FILE-UNLISTED"
    assert attacked("evidence/x") == "E-FILE-STRAY"
    assert not list(scratch.iterdir())
    refused = datalib("verify", "evil.tar", *ASKED)
    assert "archive: tar, " in refused.out
    Path("noise.tar").write_bytes(b"x" * 1024)
    assert _code(datalib, "noise.tar") == "E-ARCHIVE-FORMAT"
    assert "archive: tar, not unpacked" in datalib("verify", "noise.tar", *ASKED).out


def test_nothing_is_unpacked_before_the_numbers_are_signed(
    datalib: Program, packed: Path, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    assert datalib("verify", "library.tar.gz", *ASKED).status == 3
    assert _code(datalib, "library.tar.gz", *TRUST[4:]) == "E-KEY-UNKNOWN"

    def without(*names: str, **changed: bytes) -> str:
        shutil.rmtree("copy", ignore_errors=True)
        shutil.copytree(signed, "copy")
        for name in names:
            (Path("copy") / name).unlink()
        for name, data in changed.items():
            (Path("copy") / name.replace("_", ".")).write_bytes(data)
        with tarfile.open("copy.tar", "w") as made:
            made.add("copy", ".")
        return _code(datalib, "copy.tar")

    assert without("chain.jsonl") == "E-CHAIN-MISSING"
    assert without("datapackage.json") == "E-MANIFEST-MISSING"
    assert without(datapackage_json=b"{}") == "E-MANIFEST-DIGEST"
    assert without(datapackage_json=bytes((16 << 20) + 1)) == "E-JSON-SIZE"
    assert without(chain_jsonl=b"{}\n") == "E-SCHEMA"


def test_a_killed_run_leaves_nothing_that_is_trusted(datalib: Program, packed: Path, scratch: Path) -> None:
    killed = [
        subprocess.run(
            [sys.executable, str(KILLED), str(touch), "verify", str(packed), *ASKED], capture_output=True, check=False
        ).returncode
        for touch in (3, 6, 9)
    ]
    assert -9 in killed
    left = [path for path in scratch.iterdir() if path.is_dir()]
    assert left
    for folder in left:
        (folder / "words.csv").write_text("forged")
    assert datalib("verify", "library.tar.gz", *ASKED).status == 0
    assert sorted(path for path in scratch.iterdir() if path.is_dir()) == sorted(left)


def test_an_archive_is_not_written_into_a_library(datalib: Program, signed: Path) -> None:
    assert datalib("pack", "library", "-o", "library/x.tar").status == 2
    assert datalib("pack", "library", "-o", "x.rar").status == 2
    assert datalib("pack", "library", "-o", "nowhere/x.tar").status == 3
    (signed / "chain.jsonl").unlink()
    assert datalib("pack", "library", "-o", "x.tar").status == 1
