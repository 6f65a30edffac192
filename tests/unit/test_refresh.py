"""News from upstream: what is brought in, what never is, and how the gate and people see it."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from datalib import unverified
from datalib.assembly.refresh import Refreshed
from datalib.assembly.refresh import refresh as run
from datalib.assembly.survey import Upstream, survey
from datalib.assembly.trust import Trust
from datalib.chain.events import Evidence
from datalib.errors import Misuse, Refused
from datalib.formats import sha256_hex
from datalib.library.store import Folder
from datalib.verify import load_state
from tests.assembling import LOGGED, POLICY, VOUCHED, as_library, assemble, check, code, publish, upstream
from tests.libraries import DAY, NOW, ROOTS, Library, Log, edit

LATER = NOW + 5 * DAY


def refresh(out: Path, *sources: Path, trust: Trust = LOGGED, now: int = LATER) -> Refreshed:
    return run(out, sources, trust, now=now)


def look(out: Path) -> Sequence[Upstream]:
    with Folder(out) as folder:
        return survey(out, unverified.read_manifest(folder), unverified.record(folder).library)


@pytest.fixture
def grain(tmp_path: Path) -> Library:
    library = upstream(tmp_path, Log())
    publish(library)
    library.day = 42
    return library


@pytest.fixture
def out(grain: Library, tmp_path: Path) -> Path:
    """A library assembled of grain, logged and published, whose own proofs stay fresh."""
    assemble(tmp_path / "sector", grain.folder)
    own = as_library(tmp_path / "sector", grain.log)
    publish(own, grain, time=NOW)
    own.publish(time=LATER - DAY, others=[grain])
    return own.folder


def test_a_withdrawal_upstream_closes_the_gate(grain: Library, out: Path) -> None:
    publish(grain.withdraw(), time=LATER - DAY)
    assert check(out, now=LATER, admission=False).accepted
    done = refresh(out, grain.folder)
    assert [(news.name, news.before, news.after) for news in done.news] == [("grain", 2, 3)]
    assert code(done.report) == "E-INPUT-WITHDRAWN"
    assert done.report.integrity.ok
    assert code(check(out, now=LATER, admission=False)) == "E-INPUT-WITHDRAWN"
    (seen,) = look(out)
    assert (seen.taken, seen.events, seen.withdrawn, seen.follow, seen.moved) == (1, 3, "recalled", "", True)


@pytest.mark.parametrize("reason", ["optout", "erasure", "correction"])
def test_an_opt_out_upstream_closes_the_gate_until_it_is_followed(grain: Library, out: Path, reason: str) -> None:
    del grain.files["a/1.txt"]
    (grain.folder / "a/1.txt").unlink()
    publish(grain.amend(reason=reason), time=LATER - DAY)
    done = refresh(out, grain.folder)
    must = reason != "correction"
    assert code(done.report) == ("E-INPUT-OPTOUT" if must else None)
    assert look(out)[0].follow == (reason if must else "")
    assemble(out, grain.folder, now=LATER)
    assert check(out, now=LATER).accepted
    assert look(out)[0].follow == ""


def test_a_second_refresh_changes_nothing(grain: Library, out: Path) -> None:
    publish(grain.attest(), time=LATER - DAY)
    assert refresh(out, grain.folder).written > 0
    done = refresh(out, grain.folder)
    assert (done.written, [news.before == news.after for news in done.news]) == (0, [True])
    assert done.report.accepted


def test_an_older_copy_never_replaces_a_newer_one(grain: Library, out: Path, tmp_path: Path) -> None:
    shutil.copytree(grain.folder, tmp_path / "old")
    publish(grain.withdraw(), time=LATER - DAY)
    refresh(out, grain.folder)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = refresh(out, tmp_path / "old", now=NOW)
    assert (done.written, done.news[0].after) == (0, 3)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_newer_head_proof_of_the_same_event_is_brought_in(grain: Library, out: Path) -> None:
    carried = out / f"upstream/{grain.lib}/proofs/head.json"
    old = carried.read_bytes()
    publish(grain, time=LATER - DAY)
    assert refresh(out, grain.folder).written == 1
    assert carried.read_bytes() == grain.path("proofs/head.json").read_bytes() != old
    grain.path("proofs/head.json").write_bytes(old)
    assert refresh(out, grain.folder, now=NOW).written == 0
    assert carried.read_bytes() != old


def test_a_fork_is_refused(grain: Library, tmp_path: Path) -> None:
    assemble(tmp_path / "sector", grain.folder, trust=VOUCHED)
    other = Library(folder=tmp_path / "other", log=None, name="grain", lines=grain.lines[:1], day=1)
    shutil.copytree(grain.folder, other.folder, ignore=shutil.ignore_patterns("proofs"))
    other.attest(note="another")
    other.attest()
    with pytest.raises(Refused, match="E-CHAIN-FORK"):
        refresh(tmp_path / "sector", other.folder, trust=VOUCHED)


def test_what_is_not_upstream_is_refused(grain: Library, out: Path, tmp_path: Path) -> None:
    milk = upstream(tmp_path, grain.log, "milk")
    publish(milk, grain, time=LATER - DAY)
    with pytest.raises(Refused, match="E-REFRESH-OTHER"):
        refresh(out, milk.folder)
    with pytest.raises(Refused, match="E-REFRESH-OTHER"):
        refresh(milk.folder, grain.folder)
    with pytest.raises(Misuse, match="E-USAGE"):
        refresh(out, out)


def test_what_is_not_sound_is_refused(grain: Library, out: Path) -> None:
    publish(grain.attest(), time=LATER - DAY)
    edit(grain.path("a/1.txt"), lambda _: b"changed\n")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(Refused, match="E-FILE-DIGEST") as refused:
        refresh(out, grain.folder)
    assert refused.value.where.startswith(str(grain.folder))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_news_come_through_a_library_that_carries_them(tmp_path: Path) -> None:
    ground = upstream(tmp_path, None, "ground")
    assemble(tmp_path / "left", ground.folder, trust=VOUCHED)
    ground.day = 41
    ground.document = {"version": "2.0.0"}
    ground.amend()
    found = b"what was found\n"
    evidence = Evidence(name="r", sha256=sha256_hex(found))
    ground.attest(evidence=(evidence,))
    ground.path(f"evidence/{evidence.sha256}").write_bytes(found)
    assemble(tmp_path / "right", ground.folder, trust=VOUCHED, now=LATER)
    done = refresh(tmp_path / "left", tmp_path / "right", trust=VOUCHED)
    assert [(news.name, news.before, news.after) for news in done.news] == [("ground", 2, 4)]
    assert done.report.accepted, done.report
    assert (tmp_path / f"left/evidence/{evidence.sha256}").read_bytes() == found


def test_what_is_far_upstream_is_seen(tmp_path: Path) -> None:
    ground = upstream(tmp_path, None, "ground")
    assemble(tmp_path / "middle", ground.folder, trust=VOUCHED)
    assemble(tmp_path / "top", tmp_path / "middle", trust=VOUCHED)
    ground.day = 41
    ground.withdraw()
    done = refresh(tmp_path / "top", ground.folder, trust=VOUCHED)
    assert code(done.report) == "E-INPUT-WITHDRAWN"
    assert [(seen.name, seen.depth, seen.withdrawn) for seen in look(tmp_path / "top")] == [
        ("middle", 1, ""),
        ("ground", 2, "recalled"),
    ]


def test_an_assembly_of_what_was_not_current_comes_to_light(grain: Library, tmp_path: Path) -> None:
    """The upstream had gone on when the library was assembled; the assembler did not know, or kept silent."""
    shutil.copytree(grain.folder, tmp_path / "old")
    grain.day = 39
    grain.attest()
    assemble(tmp_path / "sector", tmp_path / "old", trust=VOUCHED)
    assert check(tmp_path / "sector", trust=VOUCHED).accepted
    done = refresh(tmp_path / "sector", grain.folder, trust=VOUCHED)
    assert code(done.report) == "E-INPUT-STALE"


def test_what_was_brought_in_is_remembered(grain: Library, out: Path, tmp_path: Path) -> None:
    trust = Trust(policy=POLICY, roots=ROOTS, state=tmp_path / "state.json")
    publish(grain.attest(), time=LATER - DAY)
    refresh(out, grain.folder, trust=trust)
    assert load_state(tmp_path / "state.json").libraries[grain.lib].id == grain.head


def test_leftovers_of_a_killed_refresh_are_swept(grain: Library, out: Path, tmp_path: Path) -> None:
    publish(grain.attest(), time=LATER - DAY)
    left = out / f"upstream/{grain.lib}/proofs/{'0' * 64}.tlog-proof"
    left.write_text("left by a run that was killed")
    stray = out / f"manifests/{'0' * 64}.json"
    stray.write_text("{}")
    done = refresh(out, grain.folder)
    assert not left.exists()
    assert not stray.exists()
    assert done.report.accepted, done.report


def test_a_library_without_inputs_has_nothing_upstream(grain: Library) -> None:
    assert look(grain.folder) == ()


@pytest.mark.parametrize(
    ("name", "change", "error"),
    [
        ("manifests/{manifest}.json", lambda _: b"{}", "E-MANIFEST-DIGEST"),
        ("manifests/{manifest}.json", None, "E-MANIFEST-MISSING"),
        ("upstream/{lib}/chain.jsonl", None, "E-INPUT-MISSING"),
        ("upstream/{lib}/chain.jsonl", lambda data: data.splitlines(keepends=True)[0], "E-INPUT-HEAD"),
        ("upstream/{lib}/chain.jsonl", lambda _: b"x\n", "E-JSON-SYNTAX"),
        ("upstream/{lib}/chain.jsonl", lambda data: data.splitlines(keepends=True)[1], "E-INPUT-LIB"),
    ],
)
def test_what_is_spoilt_upstream_is_told(
    grain: Library, tmp_path: Path, name: str, change: Callable[[bytes], bytes] | None, error: str
) -> None:
    made = tmp_path / "made"
    assemble(made, grain.folder)
    path = made / name.format(lib=grain.lib, manifest=grain.manifest)
    if change is None:
        path.unlink()
    else:
        edit(path, change)
    with pytest.raises(Refused, match=error):
        look(made)
