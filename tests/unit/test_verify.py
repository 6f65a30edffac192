"""Libraries made here, sound and tampered with, and what verification says of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from datalib.chain import links
from datalib.chain.events import Evidence, Genesis, Transfer
from datalib.errors import Misuse, Refused, Unchecked
from datalib.formats import sha256_hex
from datalib.library.sampling import DataMode, Sample
from datalib.trust.policy import Policy
from datalib.trust.state import Memory
from datalib.verify import Report, load_state, remember, save_state, verify
from tests.libraries import (
    BUYER,
    DAY,
    MAKER,
    MINISTRY,
    NOW,
    PERSONS,
    ROOTS,
    SCANNER,
    START,
    STRANGER,
    Library,
    Log,
    draft_policy,
    edit,
    sign_policy,
    sound,
)


def check(library: Library, **options: Any) -> Report:
    usual: dict[str, Any] = {"policy": sign_policy(draft_policy()), "roots": ROOTS, "now": NOW}
    return verify(library.folder, **(usual | options))


def code(report: Report) -> str | None:
    return report.refusal.code if report.refusal else None


def test_a_sound_library_is_accepted_with_its_facts(tmp_path: Path) -> None:
    library = sound(tmp_path)
    report = check(library, purpose="train:asr", memory=Memory())
    assert (report.accepted, report.complete, report.data) == (True, True, "full")
    facts = report.require()
    assert (facts.library, facts.head) == (library.lib, library.head)
    assert (facts.owner, facts.possessor) == (BUYER.id, BUYER.id)
    assert facts.purposes == ("train:asr", "eval")
    assert facts.producers == {library.lib: MAKER.producer}
    assert [event.kind for event in facts.events] == ["genesis", "attest", "transfer"]
    assert [event.trusted for event in facts.events] == [event.claimed + 60 for event in facts.events]
    assert (facts.files, facts.bytes, report.read.files, report.read.bytes) == (2, 11, 2, 11)
    assert facts.not_checked == ()


def test_what_was_not_checked_is_said(tmp_path: Path) -> None:
    library = Library(folder=tmp_path, log=None).genesis().attest(evidence=(Evidence(name="r", sha256="a" * 64),))
    keys = [(person.id, person.key.public) for person in PERSONS]
    report = check(library, policy=Policy.vouch(keys), require=(), data="none")
    assert report.accepted
    assert not report.complete
    facts = report.require()
    assert set(facts.not_checked) == {
        *("roots", "log", "time", "head", "state", "data", "evidence", "purpose", "attestations"),
    }
    assert facts.evidence_missing == ("a" * 64,)


def test_only_the_gate_says_no(tmp_path: Path) -> None:
    report = check(Library(folder=tmp_path).genesis().publish())
    assert report.integrity.ok
    assert (report.accepted, code(report)) == (False, "E-ATTEST-MISSING")
    assert report.facts is not None
    with pytest.raises(Refused, match="E-ATTEST-MISSING"):
        report.require()


@pytest.mark.parametrize(
    ("expected", "options"),
    [
        (None, {"purpose": "eval"}),
        ("E-PURPOSE-REFUSED", {"purpose": "train"}),
        ("E-EVIDENCE-MISSING", {"require_evidence": True}),
        ("E-ATTEST-MISSING", {"require": ("optout", "quality")}),
        ("E-LIB-BLOCKED", {"blocked": True}),
    ],
)
def test_the_gate_asks_what_it_is_told_to_ask(tmp_path: Path, expected: str | None, options: dict[str, Any]) -> None:
    evidence = (Evidence(name="report", sha256="a" * 64),)
    library = Library(folder=tmp_path).genesis().attest(evidence=evidence).publish()
    if options.pop("blocked", False):
        options["policy"] = sign_policy(draft_policy(blocked=[library.lib]))
    assert code(check(library, **options)) == expected


def test_shipped_evidence_is_enough(tmp_path: Path) -> None:
    report = b"<html>report</html>"
    evidence = (Evidence(name="report", sha256=sha256_hex(report)),)
    library = Library(folder=tmp_path).genesis().attest(evidence=evidence).publish()
    library.path(f"evidence/{sha256_hex(report)}.scan.html").write_bytes(report)
    assert check(library, require_evidence=True).require().evidence_missing == ()


def test_a_manifest_without_log_proofs_in_a_policy_that_does_not_ask(tmp_path: Path) -> None:
    draft = draft_policy()
    log = {"policy": draft["log"]["policy"], "require": False}
    library = Library(folder=tmp_path, log=None).genesis().attest()
    report = check(library, policy=sign_policy({**draft, "log": log}))
    assert report.accepted
    assert {"log", "time", "head"} <= set(report.require().not_checked)


def test_a_genesis_names_the_producer_of_the_manifest(tmp_path: Path) -> None:
    library = Library(folder=tmp_path).genesis(producer=BUYER.producer, keys=[BUYER.key])
    assert code(check(library)) == "E-SIG-EXTRA"
    unsigned = Library(folder=tmp_path / "unsigned").genesis(producer=BUYER.producer)
    assert code(check(unsigned)) == "E-SIG-PRODUCER"
    other = Library(folder=tmp_path / "other", block={"producer": BUYER.producer.to_dict()}).genesis()
    assert code(check(other)) == "E-PRODUCER-MISMATCH"


def test_a_chain_can_be_shown_without_believing_it(tmp_path: Path) -> None:
    library = sound(tmp_path)
    shown = links.read_unverified(library.path("chain.jsonl").read_bytes())
    assert [link.id for link in shown] == [sha256_hex(line) for line in library.lines]
    assert shown[1].where == "chain.jsonl:2"


def test_the_first_of_two_faults_decides(tmp_path: Path) -> None:
    library = sound(tmp_path)
    library.path("data/x").write_bytes(b"")
    edit(library.path("files.sha256"), lambda data: data + b"x")
    edit(library.path("proofs/head.json"), lambda data: data + b"x")
    assert code(check(library)) == "E-JSON-SYNTAX"


def test_what_is_not_sound_has_no_facts(tmp_path: Path) -> None:
    library = sound(tmp_path)
    edit(library.path("data/a.txt"), lambda data: data.replace(b"a", b"b"))
    report = check(library)
    assert (code(report), report.gate, report.facts) == ("E-FILE-DIGEST", None, None)
    with pytest.raises(Refused, match="E-FILE-DIGEST"):
        report.require()


def test_a_sample_reads_so_many_files(tmp_path: Path) -> None:
    library = Library(folder=tmp_path, files={f"data/{n}.txt": b"%d" % n for n in range(10)})
    library.genesis().attest().publish()
    report = check(library, data="sample:4", seed=b"lot")
    assert report.accepted
    assert (report.read.files, report.complete) == (4, False)
    assert "data-sampled" in report.require().not_checked
    assert report.sample == Sample(drawn=4, files=10, seed=b"lot")
    assert check(library, data="sample:99").sample is check(library, data="none").sample is None
    assert check(library, data="sample:4").read.files == 4
    assert check(library, data="sample:99").complete


@pytest.mark.parametrize(
    "text", ["all", "sample:", "sample:x", "sample:-1", "sample:0", "sample:00", "sample:²", "sample:9999999999999", ""]
)
def test_other_data_modes_are_misuse(text: str) -> None:
    with pytest.raises(Misuse, match="E-USAGE"):
        DataMode.parse(text)


def test_a_policy_file_needs_roots(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="E-USAGE"):
        check(sound(tmp_path), roots=None)


def test_a_folder_that_is_not_there_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(Unchecked, match="E-IO"):
        check(Library(folder=tmp_path / "nowhere"))


def test_state_is_kept_in_a_file(tmp_path: Path) -> None:
    library, path = sound(tmp_path / "l"), tmp_path / "state.json"
    assert load_state(path) == Memory()
    report = check(library, memory=load_state(path))
    save_state(path, report.memory)
    remembered = load_state(path)
    assert remembered == report.memory
    assert remembered.libraries[library.lib].id == library.head
    older = Library(folder=tmp_path / "l", log=None, lines=library.lines[:2])
    edit(older.path("chain.jsonl"), lambda _: b"".join(line + b"\n" for line in older.lines))
    edit(older.path("proofs/head.json"), lambda data: data)
    keys = [(person.id, person.key.public) for person in PERSONS]
    assert code(check(older, policy=Policy.vouch(keys), memory=remembered)) == "E-HEAD-ROLLBACK"


def test_what_several_verifiers_learn_at_once_is_kept(tmp_path: Path) -> None:
    """Each has read the file when it was empty; each adds its own library."""
    log, path = Log(), tmp_path / "state.json"
    libraries = [Library(folder=tmp_path / str(n), log=log, name=f"l{n}").genesis().attest() for n in range(6)]
    for library in libraries:
        library.publish(others=[other for other in libraries if other is not library])
    reports = [check(library, memory=load_state(path)) for library in libraries]
    with ThreadPoolExecutor(len(reports)) as pool:
        list(pool.map(lambda report: remember(path, report), reports))
    assert set(load_state(path).libraries) == {library.lib for library in libraries}


def test_what_another_verifier_learnt_meanwhile_decides(tmp_path: Path) -> None:
    """Two chains of one library, each sound by itself: who comes second sees the fork, or that its copy is old."""
    path, trust = tmp_path / "state.json", Policy.vouch([(person.id, person.key.public) for person in PERSONS])
    first = Library(folder=tmp_path / "1", log=None).genesis()
    other = Library(folder=tmp_path / "2", log=None, lines=[*first.lines], day=1)
    other.write_manifest()
    reports = [check(one, policy=trust) for one in (first.attest(), other.attest(note="another"))]
    assert all(report.accepted for report in reports)
    remember(path, reports[0])
    with pytest.raises(Refused, match="E-CHAIN-FORK"):
        remember(path, reports[1])
    remember(path, check(first.attest(), policy=trust))
    with pytest.raises(Refused, match="E-HEAD-ROLLBACK"):
        remember(path, reports[0])


@pytest.mark.parametrize(
    ("expected", "version", "blocked", "now"),
    [
        (None, 5, [], NOW),
        ("E-POLICY-ROLLBACK", 4, [], NOW),
        ("E-POLICY-FORK", 5, ["a" * 64], NOW),
        ("E-POLICY-FUTURE", 5, [], START - 301),
        ("E-POLICY-EXPIRED", 5, [], START + 90 * DAY),
    ],
)
def test_a_policy_that_was_read_before_is_judged_now(
    tmp_path: Path, expected: str | None, version: int, blocked: list[str], now: int
) -> None:
    library = sound(tmp_path)
    memory = check(library, policy=sign_policy(draft_policy(version=5)), memory=Memory()).memory
    policy = Policy.load(sign_policy(draft_policy(version=version, blocked=blocked)), roots=ROOTS, now=NOW)
    report = verify(library.folder, policy=policy, now=now, memory=memory)
    assert code(report) == expected
    assert report.accepted is (expected is None)


def test_a_newer_policy_that_was_accepted_meanwhile_decides(tmp_path: Path) -> None:
    library, path = sound(tmp_path / "l"), tmp_path / "state.json"
    old, new = (sign_policy(draft_policy(version=version)) for version in (1, 2))
    reports = [check(library, policy=policy) for policy in (old, new)]
    remember(path, reports[1])
    with pytest.raises(Refused, match="E-POLICY-ROLLBACK"):
        remember(path, reports[0])


def test_what_was_refused_is_not_remembered(tmp_path: Path) -> None:
    library, path = sound(tmp_path / "l"), tmp_path / "state.json"
    with pytest.raises(Refused, match="E-PURPOSE-REFUSED"):
        remember(path, check(library, purpose="no-such"))
    assert not path.exists()
    with pytest.raises(Unchecked, match="E-IO"):
        remember(tmp_path / "nowhere/state.json", check(library))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"version":2,"libraries":{},"logs":{}}'])
def test_a_state_file_that_is_none_is_never_ignored(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(data)
    with pytest.raises(Unchecked, match="E-STATE-FILE"):
        load_state(path)


def test_a_state_file_that_cannot_be_read_is_never_ignored(tmp_path: Path) -> None:
    with pytest.raises(Unchecked, match="E-STATE-FILE"):
        load_state(tmp_path)


def offer(library: Library, **changes: Any) -> Transfer:
    parties = {"sender": MAKER.party, "recipient": BUYER.party}
    said: dict[str, Any] = library.common() | parties | {"rights": ("ownership",), "basis": "contract"} | changes
    return Transfer(**said)


def second_genesis(library: Library) -> Genesis:
    return Genesis(seq=1, time=library.time, manifest=library.manifest, producer=MAKER.producer)


def with_block(library: Library, **members: Any) -> Library:
    """Change members of the block; they are written with the next manifest."""
    library.block.update(members)
    return library


def with_document(library: Library, **members: Any) -> Library:
    library.document.update(members)
    return library


def rewritten(library: Library) -> Library:
    library.write_manifest()
    return library


def replaced(library: Library, name: str, old: bytes, new: bytes) -> None:
    edit(library.path(name), lambda data: data.replace(old, new))


def emptied(library: Library, name: str) -> None:
    edit(library.path(name), lambda _: b"")


def proof(library: Library) -> str:
    return f"proofs/{library.head}.tlog-proof"


def stale(library: Library) -> None:
    first = library.path("datapackage.json").read_bytes()
    with_block(library, **NEW).amend()
    library.path("datapackage.json").write_bytes(first)


def forgetful(library: Library) -> None:
    first = library.manifest
    with_block(library, **NEW).amend()
    library.path(f"manifests/{first}.json").unlink()


def linked(library: Library) -> None:
    path = library.path(proof(library))
    path.rename(library.folder / "elsewhere")
    path.symlink_to("../elsewhere")


def linked_folder(library: Library) -> None:
    library.path("proofs").rename(library.folder.parent / "elsewhere")
    library.path("proofs").symlink_to(library.folder.parent / "elsewhere")


def swapped(library: Library) -> None:
    """Log an event behind one that comes after it in the chain."""
    assert library.log is not None
    library.attest().attest()
    order = library.log.hashes
    order[1], order[2] = order[2], order[1]
    for line, index in zip(library.lines, (0, 2, 1), strict=True):
        text = library.log.proof(index, time=library.time)
        library.path(f"proofs/{sha256_hex(line)}.tlog-proof").write_text(text)


def late(library: Library) -> None:
    """Let an event wait for the log."""
    assert library.log is not None
    library.attest()
    text = library.log.proof(1, time=library.time + 30 * DAY)
    library.path(proof(library)).write_text(text)


Attack = Callable[[Library], object]
NEW: dict[str, Any] = {"languages": ["kk"]}
ATTACKS: list[tuple[str, Attack]] = [
    ("E-CHAIN-MISSING", lambda made: made.path("chain.jsonl").unlink()),
    ("E-CHAIN-EMPTY", lambda made: emptied(made, "chain.jsonl")),
    ("E-CHAIN-FORMAT", lambda made: edit(made.path("chain.jsonl"), lambda data: data + b" \n")),
    ("E-CHAIN-FORMAT", lambda made: edit(made.path("chain.jsonl"), lambda data: data[:-1])),
    ("E-CHAIN-GENESIS", lambda made: made.append(second_genesis(made), MAKER)),
    ("E-CHAIN-SEQ", lambda made: made.transfer(seq=2)),
    ("E-CHAIN-LIB", lambda made: made.transfer(lib="a" * 64)),
    ("E-CHAIN-LINK", lambda made: made.transfer(prev="a" * 64)),
    ("E-TRANSFER-SELF", lambda made: made.append(offer(made, recipient=MAKER.party), MAKER)),
    ("E-SIG-RECIPIENT", lambda made: made.append(offer(made), MAKER)),
    ("E-SIG-TRANSFEROR", lambda made: made.append(offer(made), BUYER)),
    ("E-SIG-EXTRA", lambda made: made.append(offer(made), MAKER, BUYER, SCANNER)),
    ("E-ROLE", lambda made: made.attest(MAKER)),
    ("E-KEY-UNKNOWN", lambda made: made.attest(STRANGER)),
    ("E-CHAIN-AFTER-WITHDRAW", lambda made: made.withdraw(MINISTRY).attest()),
    ("E-WITHDRAW-TITLE", lambda made: made.withdraw(BUYER)),
    ("E-TRANSFER-TITLE", lambda made: made.transfer().transfer()),
    ("E-TRANSFER-TITLE", lambda made: made.transfer().transfer(MAKER, BUYER, "possession")),
    ("E-STATE-CHANGED", lambda made: rewritten(with_block(made, **NEW)).transfer()),
    ("E-AMEND-TITLE", lambda made: with_block(made, **NEW).amend(BUYER)),
    ("E-AMEND-NOOP", lambda made: made.amend()),
    ("E-PRODUCER-CHANGED", lambda made: with_block(made, producer=BUYER.producer.to_dict()).amend()),
    ("E-PURPOSE-WIDENED", lambda made: with_block(made.transfer(), purpose=["train:asr", "x"]).amend(BUYER)),
    ("E-SOURCE-DROPPED", lambda made: with_document(made, sources=[{"title": "Other"}]).amend()),
    ("E-TIME-ORDER", lambda made: made.transfer(time=made.time - 2 * DAY)),
    ("E-TIME-FUTURE", lambda made: made.transfer(time=made.time + DAY)),
    ("E-MANIFEST-MISSING", lambda made: made.path("datapackage.json").unlink()),
    ("E-MANIFEST-DIGEST", lambda made: replaced(made, "datapackage.json", b"l1", b"l2")),
    ("E-LOG-MISSING", lambda made: made.path(proof(made)).unlink()),
    ("E-LOG-PROOF", lambda made: replaced(made, proof(made), b"@v1", b"@v2")),
    ("E-FILE-STRAY", lambda made: made.publish().path("proofs/x").write_bytes(b"")),
    ("E-FILE-UNLISTED", lambda made: made.publish().path("data/x").write_bytes(b"")),
    ("E-HEAD-MISSING", lambda made: made),
    ("E-HEAD-STALE", lambda made: made.publish(NOW - 8 * DAY)),
    ("E-HEAD-OLD", lambda made: made.publish().attest()),
    ("E-LIB-WITHDRAWN", lambda made: made.withdraw().publish()),
    ("E-ATTEST-FAILED", lambda made: made.attest(result="fail").publish()),
    ("E-ATTEST-EXPIRED", lambda made: made.attest(until=NOW).publish()),
    ("E-ATTEST-MISSING", lambda made: with_block(made.attest(), **NEW).amend().publish()),
    ("E-MANIFEST-STALE", stale),
    ("E-MANIFEST-DIGEST", lambda made: replaced(made, f"manifests/{made.manifest}.json", b"l1", b"l2")),
    ("E-MANIFEST-MISSING", forgetful),
    ("E-FILE-SYMLINK", linked),
    ("E-FILE-SYMLINK", linked_folder),
    ("E-TIME-DELAY", late),
    ("E-LOG-ORDER", swapped),
]


@pytest.mark.parametrize(("expected", "attack"), ATTACKS, ids=[f"{n} {code}" for n, (code, _) in enumerate(ATTACKS)])
def test_each_attack_gets_its_code(tmp_path: Path, expected: str, attack: Attack) -> None:
    library = Library(folder=tmp_path).genesis()
    attack(library)
    assert code(check(library)) == expected
