"""A registry admits, publishes and proves; what it signed it does not sign otherwise."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datalib import merkle
from datalib.errors import DatalibError, Misuse, Refused, Unchecked
from datalib.trust import heads, logfolder, registry, tlog
from datalib.trust.entries import EventEntry, PolicyEntry
from datalib.trust.heads import HeadProof
from datalib.trust.logfolder import LogFolder
from datalib.trust.monitor import watch
from datalib.trust.notes import KeyType, NoteSigner
from datalib.trust.tlog import TlogProof
from datalib.trust.witness import Cosignatures
from tests.libraries import NOW, ORIGIN, WITNESSES, key
from tests.logs import ALONE, RULES, SIGNER, Board, admit, chain, digest, new_log, publish

A, B = chain("a", 5), chain("b", 3)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return new_log(tmp_path / "log")


def files(log: Path) -> dict[str, bytes]:
    return {str(path.relative_to(log)): path.read_bytes() for path in log.rglob("*") if path.is_file()}


def check(log: Path) -> int:
    """Check a log as a monitor does; give its size."""
    with logfolder.reading(log) as opened:
        found = watch(opened.read, ALONE, now=NOW)
    assert not found.findings
    return found.checkpoint.size


def test_a_new_log_is_empty_and_can_be_read(log: Path) -> None:
    assert check(log) == 0
    before = files(log)
    new_log(log)
    assert files(log) == before
    public, place = registry.key_of(log)
    assert (public, place) == (SIGNER.key, log.parent / "log.pem")


def test_a_log_takes_no_folder_of_others(log: Path, tmp_path: Path) -> None:
    other = NoteSigner.named("other.example", KeyType.LOG, key("other"))
    with pytest.raises(Misuse, match="E-LOG-EXISTS"):
        registry.create(log, other, log.parent)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(Misuse, match="E-LOG-EXISTS"):
        new_log(tmp_path / "full")
    with pytest.raises(Misuse, match="E-NOT-A-LOG"), registry.opened(tmp_path / "full"):
        pass
    with pytest.raises(Unchecked, match="E-IO"), registry.opened(tmp_path / "nothing"):
        pass


def test_there_is_one_writer(log: Path) -> None:
    with registry.opened(log), pytest.raises(Misuse, match="E-BUSY"), registry.opened(log):
        pass


def test_events_are_admitted_in_their_order_and_once(log: Path) -> None:
    admit(log, *A[:2])
    admit(log, PolicyEntry(policy=digest("p"), version=3), B[0])
    admit(log)
    for fault, code in ((A[1], "E-MON-FORK"), (A[3], "E-CHAIN-SEQ"), (chain("x", 2)[1], "E-CHAIN-SEQ")):
        with pytest.raises(Refused, match=code):
            admit(log, fault)
    with pytest.raises(Refused, match="E-POLICY-ROLLBACK"):
        admit(log, PolicyEntry(policy=digest("p"), version=2))
    with registry.opened(log) as opened:
        assert opened.waiting() == 4
        assert opened.newest(A[0].lib) == opened.newest(A[1].lib)
        assert opened.published_head(A[0].lib) is None
        assert opened.policy == PolicyEntry(policy=digest("p"), version=3)
    assert check(log) == 0


def test_what_is_refused_leaves_nothing_behind(log: Path) -> None:
    with pytest.raises(Refused, match="E-CHAIN-SEQ"):
        admit(log, A[0], A[2])
    with registry.opened(log) as opened:
        assert opened.waiting() == 0
    admit(log, *A)


def test_a_publication_ends_in_the_heads_of_all_libraries(log: Path) -> None:
    admit(log, *A[:2])
    admit(log, B[0])
    (done,) = publish(log, Board(), RULES)
    assert (done.size, done.events, done.libraries, done.time) == (4, 3, 2, NOW)
    assert done.cosigners == ("w1.example/w", "w2.example/w", "w3.example/w")
    assert check(log) == 4
    admit(log, A[2])
    assert [each.size for each in publish(log)] == [6]
    assert [each.size for each in publish(log)] == [7]
    assert check(log) == 7


def test_only_the_log_s_own_key_publishes_and_only_for_a_policy_that_names_it(log: Path) -> None:
    stranger = NoteSigner.named(ORIGIN, KeyType.LOG, key("stranger"))
    with registry.opened(log) as opened:
        with pytest.raises(Misuse, match="E-USAGE"):
            opened.publish(stranger)
        with pytest.raises(Refused, match="E-LOG-ORIGIN"):
            opened.publish(SIGNER, policy=replace(RULES, logs=(stranger.key,)))


def test_too_few_witnesses_leave_the_log_as_it_was_and_are_asked_for_the_same_again(log: Path) -> None:
    board = Board(offline={"w1.example/w", "w2.example/w"})
    admit(log, A[0])
    for _ in range(2):
        with pytest.raises(Refused, match=r"E-LOG-QUORUM.*1 cosigned.*offline"):
            publish(log, board, RULES)
        assert check(log) == 0
    admit(log, *A[1:3])
    board.offline = {"w2.example/w"}
    done = publish(log, board, RULES)
    assert [(each.size, each.events) for each in done] == [(2, 1), (5, 2)]
    assert done[0].failures == (("w2.example/w", "offline"),)
    assert all(len(roots) == 1 for roots in board.seen.values())
    assert check(log) == 5


def test_a_cosignature_that_does_not_hold_is_not_published(log: Path) -> None:
    def lying(_wanted: object) -> Cosignatures:
        name = "w1.example/w"
        return Cosignatures(signatures=[NoteSigner.named(name, KeyType.WITNESS, WITNESSES[name]).sign(b"x\n", NOW)])

    with pytest.raises(Refused, match="E-LOG-CHECKPOINT"):
        publish(log, lying, RULES)
    assert check(log) == 0
    publish(log)
    assert check(log) == 1


def test_a_registry_cannot_show_two_pasts_to_the_same_witnesses(log: Path) -> None:
    admit(log, *A[:2])
    board = Board()
    publish(log, board, RULES)
    shutil.copytree(log, log.parent / "other")
    # One branch sells the library to one buyer, the other to another. Both are signed by the log; one has the quorum.
    admit(log, A[2])
    admit(log.parent / "other", replace(A[2], event=digest("sold again")))
    publish(log, board, RULES)
    with pytest.raises(Refused, match=r"E-LOG-QUORUM.*0 cosigned.*another tree of 5 entries"):
        publish(log.parent / "other", board, RULES)
    assert len(board.seen[5]) == 2
    assert check(log.parent / "other") == 3
    # A longer branch does not continue what the witnesses have seen either.
    (log.parent / "other" / ".registry" / "batch").unlink()
    (log.parent / "other" / ".registry" / "signed").write_bytes((log.parent / "other" / "checkpoint").read_bytes())
    admit(log.parent / "other", B[0], B[1])
    with pytest.raises(Refused, match=r"E-LOG-QUORUM.*0 cosigned.*answers 422"):
        publish(log.parent / "other", board, RULES)


def prove(log: Path, entry: EventEntry) -> tuple[tlog.Logged, bytes]:
    with registry.opened(log) as opened:
        index = opened.locate(entry.lib, {entry.event})[entry.event]
        data = opened.prove(index, RULES)
    return tlog.check(TlogProof.parse(data), entry.serialise(), RULES, NOW), data


def test_an_event_is_proven_by_the_earliest_checkpoint_that_the_quorum_cosigned(log: Path) -> None:
    board = Board(time=NOW - 500)
    admit(log, *A[:2])
    publish(log)  # nobody cosigns: good for no proof
    admit(log, B[0])
    publish(log, board, RULES)
    first = prove(log, A[1])
    for number in range(3):
        board.time += 100
        admit(log, chain(f"lib {number}", 1)[0])
        publish(log, board, RULES)
    assert prove(log, A[1]) == first
    assert (first[0].index, first[0].checkpoint.size, first[0].time) == (1, 5, NOW - 500)
    publish(log)
    admit(log, B[1])
    publish(log)
    with registry.opened(log) as opened, pytest.raises(Refused, match="E-LOG-QUORUM"):
        opened.prove(opened.locate(B[1].lib, {B[1].event})[B[1].event], RULES)


def test_a_head_is_proven_by_the_newest_checkpoint(log: Path) -> None:
    admit(log, *A[:3], B[0])
    publish(log, Board(), RULES)
    with registry.opened(log) as opened:
        data = opened.prove_head(A[0].lib)
        assert opened.prove_head(digest("stranger")) is None
    assert data is not None
    proof = HeadProof.parse(data, A[0].lib)
    ids = [entry.event for entry in A[:3]]
    heads.check(proof, ids, RULES, max_age=60, now=NOW, reference=NOW)
    with pytest.raises(Refused, match="E-CHAIN-TRUNCATED"):
        heads.check(proof, ids[:2], RULES, max_age=60, now=NOW, reference=NOW)


def test_events_are_found_wherever_they_stand(log: Path) -> None:
    admit(log, A[0])
    publish(log)
    for start in range(0, 600, 300):
        admit(log, *(chain(f"lib {number}", 1)[0] for number in range(start, start + 300)))
        publish(log)
    admit(log, *A[1:])
    publish(log)
    wanted = {entry.event for entry in A}
    with registry.opened(log) as opened:
        found = opened.locate(A[0].lib, wanted)
        assert [found[entry.event] for entry in A] == [0, 604, 605, 606, 607]
        assert opened.locate(A[0].lib, {digest("x")}) == {}
        assert opened.locate(digest("x"), wanted) == {}
        tree = opened.tree
        assert tree.entry(604) == A[1].serialise()
        leaf = merkle.leaf_hash(A[1].serialise())
        assert merkle.root_from_path(leaf, 604, tree.size, tree.inclusion(604)) == tree.root()


def test_partial_tiles_go_when_the_full_one_is_there(log: Path) -> None:
    for number in range(4):
        admit(log, *(chain(f"lib {number} {each}", 1)[0] for each in range(100)))
        publish(log)
        check(log)
    names = {name for name in files(log) if name.startswith("tile/")}
    assert {"tile/0/000", "tile/0/001.p/47", "tile/0/001.p/148", "tile/1/000.p/1"} <= names
    assert not any(name.startswith(("tile/0/000.p", "tile/entries/000.p")) for name in names)
    assert not (log / "tile/0/000.p").exists()


def test_a_large_admission_is_published_in_parts(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_BATCH", 10)
    for number in range(5):
        admit(log, *chain(f"lib {number}", 4))
    assert [each.events for each in publish(log)] == [8, 8, 4]
    assert check(log) == 23


def test_heads_that_are_gone_are_made_from_the_entries(log: Path) -> None:
    admit(log, PolicyEntry(policy=digest("p"), version=3), *A[:2])
    publish(log)
    before = files(log)
    (log / ".registry/heads-4").unlink()
    with registry.opened(log) as opened:
        assert opened.newest(A[0].lib) is not None
    assert files(log) == before


def _checkpoint_of_another_key(log: Path) -> None:
    path = log / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"registry.example/datalib", b"another.example/log", 1))


def _old_checkpoint(log: Path) -> None:
    shutil.copy(log / ".registry/checkpoints/0000000000000003", log / "checkpoint")


def _another_batch(log: Path) -> None:
    with logfolder.writing(log) as opened:
        opened.begin(logfolder.Batch(base=1, pending=0, entries=(b"x",)))


def _batch_that_is_none(log: Path) -> None:
    (log / ".registry/batch").write_bytes(b"{}\n")


def _batch_without_form(log: Path) -> None:
    (log / ".registry/batch").write_bytes(b"?")


def _pending_fork(log: Path) -> None:
    with logfolder.writing(log) as opened:
        opened.admit([A[1].serialise()])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "checkpoint removed": lambda log: (log / "checkpoint").unlink(),
    "checkpoint of another key": _checkpoint_of_another_key,
    "checkpoint put back to an old one": _old_checkpoint,
    "signed checkpoint removed": lambda log: (log / ".registry/signed").unlink(),
    "signed checkpoint damaged": lambda log: (log / ".registry/signed").write_bytes(b"x"),
    "tiles removed": lambda log: shutil.rmtree(log / "tile/0"),
    "tiles changed": lambda log: (log / "tile/0/000.p/5").write_bytes(bytes(160)),
    "heads damaged": lambda log: (log / ".registry/heads-5").write_bytes(b"x"),
    "configuration damaged": lambda log: (log / ".registry/log.json").write_bytes(b"{}"),
    "configuration no JSON": lambda log: (log / ".registry/log.json").write_bytes(b"?"),
    "a publication of another log": _another_batch,
    "a publication that is none": _batch_that_is_none,
    "a publication without form": _batch_without_form,
    "an admission that does not fit": _pending_fork,
    "an admission cut off": lambda log: (log / ".registry/pending/0000000000000007").write_bytes(b"\0\7x"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_log_signs_nothing(damage: Callable[[Path], object], log: Path) -> None:
    admit(log, *A[:2])
    publish(log)
    admit(log, A[2])
    publish(log)
    assert (log / ".registry/pending").is_dir()
    damage(log)
    board = Board()
    with pytest.raises(DatalibError, match=r"E-LOG-DAMAGED|E-LOG-TILE"):
        publish(log, board, RULES)
    assert not board.seen


def test_another_tree_of_a_size_that_was_signed_is_never_signed(log: Path) -> None:
    admit(log, *A[:2])
    board = Board(offline={"w1.example/w", "w2.example/w", "w3.example/w"})
    with pytest.raises(Refused, match="E-LOG-QUORUM"):
        publish(log, board, RULES)
    # The publication in progress is lost, as after putting back a backup.
    (log / ".registry/batch").unlink()
    shutil.rmtree(log / ".registry/pending")
    with pytest.raises(Unchecked, match="3 entries were signed"):
        publish(log)
    with logfolder.writing(log) as opened:
        opened.begin(logfolder.Batch(base=0, pending=0, entries=tuple(entry.serialise() for entry in B)))
    with pytest.raises(Unchecked, match="E-LOG-DAMAGED"):
        publish(log)


def test_a_log_does_not_begin_anew_over_what_was_signed(log: Path) -> None:
    publish(log)
    (log / "checkpoint").unlink()
    with pytest.raises(Unchecked, match="E-LOG-DAMAGED"):
        new_log(log)


def test_what_a_killed_writer_leaves_is_swept(log: Path) -> None:
    admit(log, A[0])
    with pytest.raises(Refused, match="E-LOG-QUORUM"):
        publish(log, Board(offline={"w1.example/w", "w2.example/w", "w3.example/w"}), RULES)
    left = [log / ".datalib-tmp-0123456789abcdef", log / ".registry/.datalib-tmp-0123456789abcdef"]
    left += [log / "tile/0/.datalib-tmp-0123456789abcdef"]
    for path in left:
        path.write_bytes(b"half")
    with registry.opened(log):
        pass
    assert not any(path.exists() for path in left)


def test_a_folder_that_is_no_log_of_this_program_can_be_read(tmp_path: Path) -> None:
    with logfolder.reading(tmp_path) as opened:
        assert isinstance(opened, LogFolder)
        assert opened.find_config() is None
        assert opened.read("checkpoint", 10) is None
        (tmp_path / "checkpoint").write_bytes(b"x" * 11)
        with pytest.raises(Refused, match="E-LOG-TILE"):
            opened.read("checkpoint", 10)
