"""Whatever an archive says, it is unpacked into one folder or not at all, and nothing crashes."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalib.archive.pack import pack
from datalib.archive.reading import Kind
from datalib.packed import verify_packed
from tests.libraries import NOW, ROOTS, draft_policy, sign_policy, sound

POLICY = sign_policy(draft_policy())
PIECES = (b"../", b"\0" * 512, b"PK\1\2", b"\xff" * 4)
EXAMPLES = 400 if "DATALIB_SOAK" in os.environ else 30
RELAXED = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fixtures hold what no example changes


class Place:
    """A packed library of each kind, and a folder to unpack to, deep inside another one that must stay as it is."""

    def __init__(self, root: Path) -> None:
        library = sound(root / "library").folder
        (root / "victim").write_text("untouched")
        self.root = root
        self.scratch = root / "a" / "b" / "scratch"
        self.scratch.mkdir(parents=True)
        self.archives = {}
        for kind in Kind:
            pack(library, root / f"l.{kind}")
            self.archives[kind] = (root / f"l.{kind}").read_bytes()
        self.files = {
            str(path.relative_to(library)): path.read_bytes() for path in library.rglob("*") if path.is_file()
        }
        self.target = root / "given"
        self.target.touch()
        self.before = self.tree()

    def tree(self) -> list[tuple[str, int, int]]:
        found = sorted(path for path in self.root.rglob("*") if path != self.target)
        return [(str(path), path.lstat().st_mode, path.lstat().st_size) for path in found]

    def accepts(self, data: bytes) -> bool:
        self.target.write_bytes(data)
        packed = verify_packed(self.target, policy=POLICY, roots=ROOTS, now=NOW, scratch=self.scratch)
        assert self.tree() == self.before
        assert packed.report.integrity.ok or packed.report.integrity.code.startswith("E-")
        return packed.report.accepted


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("archives"))


@pytest.mark.parametrize("kind", Kind)
def test_an_untouched_archive_is_accepted(place: Place, kind: Kind) -> None:
    assert place.accepts(place.archives[kind])


@pytest.mark.parametrize("kind", Kind)
@RELAXED
@given(data=st.data())
def test_mutated_archives_neither_crash_nor_reach_outside(place: Place, kind: Kind, data: st.DataObject) -> None:
    changed = bytearray(place.archives[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        piece = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"../", b"\0" * 512, b"PK\1\2", b"\xff" * 4]))
        )
        length = data.draw(st.sampled_from([0, 1, len(piece), 512]))
        changed[at : at + length] = piece
        if not changed:
            changed += b"x"
    place.accepts(bytes(changed))


STEPS = ["..", ".", "", "a", "data", "chain.jsonl", "C:", "/", "\\", "proofs", "victim", "\u202e", "n" * 300, "x\0y"]
NAMES = st.lists(st.sampled_from(STEPS), min_size=1, max_size=5).map("/".join)


def added_tar(files: dict[str, bytes], extra: list[tuple[str, bytes, str]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, kind, target in extra:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return made.getvalue()


KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])


@RELAXED
@given(extra=st.lists(st.tuples(NAMES, KINDS, NAMES), min_size=1, max_size=3))
def test_entries_added_to_a_tar_archive_are_harmless(place: Place, extra: list[tuple[str, bytes, str]]) -> None:
    accepted = place.accepts(added_tar(place.files, extra))
    assert not accepted or all(kind == tarfile.DIRTYPE for _, kind, _ in extra)


@RELAXED
@given(extra=st.lists(st.tuples(NAMES, st.sampled_from([0, 0o100644, 0o120777, 0o40755])), min_size=1, max_size=3))
def test_entries_added_to_a_zip_archive_are_harmless(place: Place, extra: list[tuple[str, int]]) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in place.files.items():
            archive.writestr(name, data)
        for name, mode in extra:
            member = zipfile.ZipInfo()
            member.filename, member.external_attr = name, mode << 16
            archive.NameToInfo.clear()  # else it warns of names that occur twice
            archive.writestr(member, b"")
    accepted = place.accepts(made.getvalue())
    assert not accepted or all(name.endswith("/") for name, _ in extra)
