"""Packed libraries: the page reads the archives that the program reads, and refuses those that it refuses."""

import hashlib
import io
import random
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datalib.archive.pack import pack
from datalib.canonical import canonical
from datalib.errors import DatalibError, Refused
from datalib.packed import verify_packed
from tests.archives import FILES, content, names, tar, zipped
from tests.checker import Checker, checking_browser
from tests.libraries import NOW, ROOTS, draft_policy, sign_policy, sound
from tests.property.test_mutations import MUTATE, SOAK

pytestmark = pytest.mark.system

MUTATIONS = 1000 if SOAK else 120
SUFFIXES = ("tar", "tar.gz", "zip")
POLICY = sign_policy(draft_policy())

Answer = tuple[str | None, list[list[str]] | None]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    with checking_browser(tmp_path_factory.mktemp("parts")) as found:
        yield found


def ours(path: Path) -> Answer:
    try:
        names(path)  # all headers first, as the page does
        return None, [[name, hashlib.sha256(data).hexdigest()] for name, data in content(path).items()]
    except Refused as error:
        return error.code, None


def compare(checker: Checker, archives: dict[str, bytes], scratch: Path) -> None:
    """Hold the page's reading against the program's. The page may leave open what it does not cover."""
    for (name, data), (code, found) in zip(archives.items(), checker.unpack([*archives.values()]), strict=True):
        scratch.write_bytes(data)
        if code is None or not code.startswith("undecided."):
            assert (code, found) == ours(scratch), name


def member(name: str, **changes: Any) -> bytes:
    """Make a tar archive of one entry."""
    made, data = tarfile.TarInfo(name), io.BytesIO()
    for key, value in changes.items():
        setattr(made, key, value)
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(made)
    return data.getvalue()


def zip_member(name: str, mode: int) -> bytes:
    """Make a zip archive of one entry."""
    made, data = zipfile.ZipInfo(name), io.BytesIO()
    made.external_attr = mode << 16
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(made, b"x")
    return data.getvalue()


NAMES = (
    "../a",
    "/a",
    "a/../b",
    "a//b",
    "a\\b",
    "C:a",
    "./a",
    "a/./b",
    "a\tb",
    ".",
    "x" * 300,
    "к" * 200,
    "d/" + "y" * 250,
)


def test_archives_of_every_form_are_read_alike(checker: Checker, tmp_path: Path) -> None:
    archives, files = dict[str, bytes](), FILES | {"long/" * 40 + "ң.txt": b"x"}
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        for mode in ("w", "w:gz"):
            archives[f"tar {form} {mode}"] = tar(tmp_path / "a", files, form=form, mode=mode).read_bytes()
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archives[f"zip {method}"] = zipped(tmp_path / "z", FILES, method).read_bytes()
    assert all(code is None for code, _ in checker.unpack([*archives.values()]))
    compare(checker, archives, tmp_path / "scratch")


def test_names_modes_and_kinds_are_judged_alike(checker: Checker, tmp_path: Path) -> None:
    archives = {f"tar {name}": member(name) for name in NAMES} | {f"zip {name}": zip_member(name, 0) for name in NAMES}
    archives |= {f"kind {kind!r}": member("a", type=kind) for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"S")}
    archives |= {f"mode {mode:o}": member("a", mode=mode) for mode in (0o644, 0o4755, 0o2755, 0o1777)}
    modes = (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFREG | 0o4755, stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644)
    archives |= {f"zip mode {mode:o}": zip_member("a", mode) for mode in modes}
    archives |= {f"zip folder {mode:o}": zip_member("a/", mode) for mode in modes}
    compare(checker, archives, tmp_path / "scratch")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_mutated_archives_are_judged_alike(checker: Checker, tmp_path: Path, suffix: str) -> None:
    library = sound(tmp_path / "library")
    good = tmp_path / f"library.{suffix}"
    pack(library.folder, good)
    lots, original = random.Random(suffix), good.read_bytes()
    archives = {"as it is": original}
    for number in range(MUTATIONS):
        kind = lots.choice([*MUTATE])
        archives[f"{number} {kind}"] = MUTATE[kind](lots, original)
    compare(checker, archives, tmp_path / "scratch")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_packed_libraries_get_the_same_answer_or_none(checker: Checker, tmp_path: Path, suffix: str) -> None:
    """Damage may hit a library twice; then both say no. Where the program says no, the page never says yes."""
    library = sound(tmp_path / "library")
    path = tmp_path / f"library.{suffix}"
    pack(library.folder, path)
    lots, original = random.Random(suffix), path.read_bytes()
    archives = [original, *(MUTATE[lots.choice([*MUTATE])](lots, original) for _ in range(MUTATIONS))]
    policy, roots = checker.put([POLICY, canonical(ROOTS.to_dict())])
    trust = {"policy": policy, "roots": roots, "state": None, "asked": {"now": NOW}}
    answers = checker.ask([{**trust, "archive": name} for name in checker.put(archives)])
    for data, answer in zip(archives, answers, strict=True):
        path.write_bytes(data)
        try:
            accepted = verify_packed(path, policy=POLICY, roots=ROOTS, now=NOW).report.accepted
        except DatalibError:
            accepted = False
        assert (answer["answer"] == "yes") is accepted or answer["answer"] == "open"
    assert answers[0]["answer"] == "yes"


def test_an_archive_larger_than_what_is_signed_is_refused(checker: Checker, tmp_path: Path) -> None:
    folder, path = sound(tmp_path / "library").folder, tmp_path / "library.zip"
    files = {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    zipped(path, files | {"bomb.bin": bytes(65 << 20)})
    policy, roots, name = checker.put([POLICY, canonical(ROOTS.to_dict()), path.read_bytes()])
    question = {"archive": name, "policy": policy, "roots": roots, "state": None, "asked": {"now": NOW}}
    assert checker.ask([question])[0]["code"] == "E-ARCHIVE-BOMB"
    refusal = verify_packed(path, policy=POLICY, roots=ROOTS, now=NOW).report.refusal
    assert refusal is not None
    assert refusal.code == "E-ARCHIVE-BOMB"
