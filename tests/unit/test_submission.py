"""Libraries and the log of a registry: what is admitted, what its proofs say to a verifier, which attacks they end."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from datalib import submission
from datalib.errors import Misuse, Refused
from datalib.submission import Proven, Submission
from datalib.trust.drafting import Draft
from datalib.trust.policy import Policy
from datalib.verify import Report, verify
from tests.libraries import (
    BUYER,
    DAY,
    LOG_POLICY,
    MAKER,
    NOW,
    ROOTS,
    SCANNER,
    Library,
    draft_policy,
    edit,
    key,
    sign_policy,
    vkey,
)
from tests.logs import RULES, Board, new_log, publish

POLICY = sign_policy(draft_policy())


@dataclass(kw_only=True)
class Registry:
    """A registry with its witnesses, and a clock that goes with the library."""

    folder: Path
    board: Board = field(default_factory=Board)

    def submit(self, library: Library, policy: bytes | Policy = POLICY) -> Submission:
        roots = None if isinstance(policy, Policy) else ROOTS
        return submission.submit(self.folder, library.folder, policy=policy, roots=roots, now=library.time)

    def publish(self, time: int) -> None:
        self.board.time = time
        publish(self.folder, self.board, RULES)

    def prove(self, library: Library) -> Proven:
        return submission.prove(self.folder, library.folder, now=library.time, policy=RULES)

    def all(self, library: Library) -> None:
        self.submit(library)
        self.publish(library.time)
        self.prove(library)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(folder=new_log(tmp_path / "log"))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library that no log knows yet."""
    return Library(folder=tmp_path / "library", log=None).genesis().attest()


def verified(library: Library, time: int | None = None) -> Report:
    return verify(library.folder, policy=POLICY, roots=ROOTS, now=time or library.time)


def code(report: Report) -> str:
    return report.refusal.code if report.refusal else ""


def test_a_submitted_published_and_proven_library_is_accepted(registry: Registry, library: Library) -> None:
    assert code(verified(library)) == "E-LOG-MISSING"
    first = registry.submit(library)
    assert (len(first.events), first.waiting, first.published) == (2, 3, False)
    assert first.policy
    again = registry.submit(library)
    assert (again.events, again.policy, again.waiting) == ((), None, 3)
    registry.publish(library.time)
    proven = registry.prove(library)
    assert (proven.events, proven.head, proven.size) == (first.events, library.head, 4)
    report = verified(library)
    assert report.accepted
    assert report.facts is not None
    assert [event.trusted for event in report.facts.events] == [library.time, library.time]
    assert registry.submit(library).published


def test_a_library_that_grows_keeps_the_times_of_its_events(registry: Registry, library: Library) -> None:
    registry.all(library)
    first = library.time
    library.transfer()
    assert code(verified(library)) == "E-LOG-MISSING"
    assert len(registry.submit(library).events) == 1
    registry.publish(library.time)
    assert len(registry.prove(library).events) == 1
    report = verified(library)
    assert report.facts is not None
    assert [event.trusted for event in report.facts.events] == [first, first, library.time]
    before = {path: path.read_bytes() for path in library.path("proofs").iterdir()}
    library.day += 3
    registry.publish(library.time)
    assert registry.prove(library).events == ()
    changed = [path.name for path, data in before.items() if path.read_bytes() != data]
    assert changed == ["head.json"]
    library.day += 5
    assert verified(library).accepted
    library.day += 5
    assert code(verified(library)) == "E-HEAD-STALE"


def test_lost_and_damaged_proofs_are_made_again_as_they_were(registry: Registry, library: Library) -> None:
    registry.all(library)
    proof = library.path(f"proofs/{library.lib}.tlog-proof")
    before = proof.read_bytes()
    library.day += 2
    registry.publish(library.time)
    for data in (b"", b"x" * (1 << 21), before.replace(b"index 1", b"index 2"), None):
        if data is None:
            proof.unlink()
        else:
            proof.write_bytes(data)
        assert registry.prove(library).events == (library.lib,)
        assert proof.read_bytes() == before


def test_a_chain_cut_off_is_refused_by_the_head_proof(registry: Registry, library: Library) -> None:
    library.attest(result="fail")
    registry.all(library)
    library.path("chain.jsonl").write_bytes(b"".join(line + b"\n" for line in library.lines[:2]))
    library.path(f"proofs/{library.head}.tlog-proof").unlink()
    assert code(verified(library)) == "E-CHAIN-TRUNCATED"
    with pytest.raises(Refused, match="E-HEAD-ROLLBACK"):
        registry.submit(library)
    with pytest.raises(Refused, match="E-HEAD-ROLLBACK"):
        registry.prove(library)


def test_a_hidden_transfer_is_refused_as_soon_as_heads_must_be_newer(
    registry: Registry, library: Library, tmp_path: Path
) -> None:
    registry.all(library)
    shutil.copytree(library.folder, tmp_path / "copy")
    hidden = Library(folder=tmp_path / "copy", log=None, lines=list(library.lines), day=library.day)
    library.transfer()
    registry.all(library)
    assert verified(library).accepted
    # The seller shows the copy from before the sale, as it was; with the new head proof; and sells it again.
    hidden.day += 8
    assert code(verified(hidden)) == "E-HEAD-STALE"
    with pytest.raises(Refused, match="E-HEAD-ROLLBACK"):
        registry.prove(hidden)
    shutil.copy(library.path("proofs/head.json"), hidden.path("proofs/head.json"))
    assert code(verified(hidden, library.time)) == "E-CHAIN-TRUNCATED"
    hidden.day = library.day
    hidden.transfer(MAKER, BUYER, "ownership")
    with pytest.raises(Refused, match="E-CHAIN-FORK"):
        registry.submit(hidden)
    with pytest.raises(Refused, match="E-CHAIN-FORK"):
        registry.prove(hidden)


def test_an_old_head_does_not_prove_a_newer_event(registry: Registry, library: Library) -> None:
    registry.all(library)
    old = library.path("proofs/head.json").read_bytes()
    library.attest()
    registry.all(library)
    library.path("proofs/head.json").write_bytes(old)
    assert code(verified(library)) == "E-HEAD-OLD"


def test_a_history_rewritten_by_its_signers_is_not_in_the_log(
    registry: Registry, library: Library, tmp_path: Path
) -> None:
    registry.all(library)
    other = Library(folder=tmp_path / "other", log=None).genesis()
    other.attest(result="info")
    with pytest.raises(Refused, match="E-CHAIN-FORK"):
        registry.submit(other)
    with pytest.raises(Refused, match="E-CHAIN-FORK"):
        registry.prove(other)
    shutil.copytree(library.path("proofs"), other.path("proofs"), dirs_exist_ok=True)
    assert code(verified(other)) == "E-LOG-MISSING"


def test_an_event_is_logged_within_thirty_days_or_not_at_all(registry: Registry, library: Library) -> None:
    library.day += 29
    with pytest.raises(Refused, match="E-TIME-DELAY"):
        registry.submit(library)
    library.day -= 1
    registry.all(library)
    assert code(verified(library)) == ""


def without_a_file(library: Library) -> None:
    library.path("data/a.txt").unlink()


def with_another_signature(library: Library) -> None:
    edit(library.path("chain.jsonl"), lambda data: data.replace(b'"sig":"', b'"sig":"A', 1))


def with_another_manifest(library: Library) -> None:
    edit(library.path("datapackage.json"), lambda data: data + b" ")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (without_a_file, "E-FILE-MISSING"),
        (with_another_signature, "E-ENV-BASE64"),
        (with_another_manifest, "E-MANIFEST-DIGEST"),
        (lambda library: library.transfer(BUYER, MAKER), "E-TRANSFER-TITLE"),
        (lambda library: library.attest(BUYER), "E-ROLE"),
    ],
)
def test_a_library_that_is_not_in_order_is_not_admitted(
    registry: Registry, library: Library, change: Callable[[Library], object], wanted: str
) -> None:
    change(library)
    with pytest.raises(Refused, match=wanted):
        registry.submit(library)
    registry.publish(library.time)
    with pytest.raises(Refused, match=rf"E-LOG-MISSING|{wanted}"):
        registry.prove(library)


def test_a_registry_admits_by_a_policy_that_names_its_log(registry: Registry, library: Library) -> None:
    other = LOG_POLICY.replace(vkey("registry.example/datalib", key("log"), 1), vkey("other.example", key("x"), 1))
    log = {"policy": other, "require": True, "max_age": 7 * DAY}
    with pytest.raises(Refused, match="E-LOG-ORIGIN"):
        registry.submit(library, sign_policy(draft_policy(log=log)))
    vouched = Policy.vouch([(person.id, person.key.public) for person in (MAKER, SCANNER)])
    with pytest.raises(Misuse, match="E-NO-TRUST"):
        registry.submit(library, vouched)


def version(number: int, **changes: object) -> bytes:
    draft: Draft = draft_policy(version=number, **changes)
    return sign_policy(draft)


def test_the_policies_of_a_log_go_forward(registry: Registry, library: Library) -> None:
    assert registry.submit(library, version(2)).policy
    assert registry.submit(library, version(2)).policy is None
    assert registry.submit(library, version(5)).policy
    with pytest.raises(Refused, match="E-POLICY-ROLLBACK"):
        registry.submit(library, version(4))
    with pytest.raises(Refused, match="E-POLICY-FORK"):
        registry.submit(library, version(5, blocked=["a" * 64]))


def test_a_policy_is_logged_without_a_library_too(registry: Registry) -> None:
    def submitted(policy: bytes) -> str | None:
        return submission.submit_policy(registry.folder, policy=policy, roots=ROOTS, now=NOW)

    assert submitted(version(2))
    assert submitted(version(2)) is None
    with pytest.raises(Refused, match="E-POLICY-ROLLBACK"):
        submitted(version(1))


def test_what_is_not_published_is_not_proven(registry: Registry, library: Library) -> None:
    with pytest.raises(Refused, match="E-LOG-MISSING"):
        registry.prove(library)
    registry.all(library)
    library.attest()
    registry.submit(library)
    with pytest.raises(Refused, match=r"E-LOG-MISSING: chain.jsonl:3"):
        registry.prove(library)


def test_without_a_quorum_there_is_no_proof_for_those_who_ask_for_one(registry: Registry, library: Library) -> None:
    registry.submit(library)
    publish(registry.folder)
    with pytest.raises(Refused, match="E-LOG-QUORUM"):
        registry.prove(library)
    alone = submission.prove(registry.folder, library.folder, now=library.time)
    assert len(alone.events) == 2
    assert code(verified(library)) == "E-LOG-QUORUM"
    registry.publish(library.time)
    assert len(registry.prove(library).events) == 2
    assert verified(library).accepted
    publish(registry.folder)
    with pytest.raises(Refused, match="the newest checkpoint"):
        registry.prove(library)


def test_a_sectoral_library_needs_the_proofs_of_what_it_is_made_of(
    registry: Registry, library: Library, tmp_path: Path
) -> None:
    registry.all(library)
    sectoral = Library(folder=tmp_path / "sectoral", log=None, name="s1", day=library.day)
    sectoral.files = {f"in/{path}": data for path, data in library.files.items()}
    sectoral.block = {"inputs": [sectoral.input(library)]}
    sectoral.ship(library).genesis().attest()
    registry.all(sectoral)
    assert verified(sectoral).accepted
    proof = sectoral.path(f"upstream/{library.lib}/proofs/{library.lib}.tlog-proof")
    proof.unlink()
    sectoral.attest()
    with pytest.raises(Refused, match="E-LOG-MISSING"):
        registry.submit(sectoral)
    head = sectoral.path(f"upstream/{library.lib}/proofs/head.json")
    shutil.copy(library.path(f"proofs/{library.lib}.tlog-proof"), proof)
    head.unlink()
    with pytest.raises(Refused, match="E-HEAD-MISSING"):
        registry.submit(sectoral)
