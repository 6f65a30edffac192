"""What a verifier remembers."""

from typing import Any

import pytest

from datalib.errors import Refused, Unchecked
from datalib.trust.policy import Policy, Remembered
from datalib.trust.state import Memory, Seen, Tree
from datalib.trust.tlog import Checkpoint
from tests.libraries import MAKER, NOW, ROOTS, draft_policy, sign_policy

LIB = "a" * 64
EVENTS = ("a" * 64, "b" * 64, "c" * 64)


def point(size: int, root: int = 1, origin: str = "log.example") -> Checkpoint:
    return Checkpoint(origin=origin, size=size, root=bytes([root]) * 32)


def filled() -> Memory:
    policy = Policy.load(sign_policy(draft_policy(version=3)), roots=ROOTS, now=NOW)
    return Memory().with_policy(policy).with_library(LIB, EVENTS, [(point(5), "p"), (point(9, 2), "q")], point(9, 2))


def test_a_memory_is_written_and_read_back() -> None:
    memory = filled()
    assert Memory.parse(memory.serialise()) == memory
    assert memory.policy is not None
    assert memory.policy.version == 3
    assert memory.libraries == {LIB: Seen(seq=2, id=EVENTS[2], heads={"log.example": 9})}
    assert memory.logs == {"log.example": Tree(size=9, root="02" * 32)}
    assert Memory.parse(Memory().serialise()) == Memory()


def test_a_version_beyond_the_exact_integers_survives() -> None:
    memory = Memory(policy=Remembered(version=10**21, sha256="a" * 64))
    assert Memory.parse(memory.serialise()) == memory


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a state",
        b"{}",
        b"[]",
        b'{"libraries":{},"logs":{},"version":2}',
        b'{"libraries":{"x":{"heads":{},"id":"%b","seq":0}},"logs":{},"version":1}' % (b"a" * 64),
        b'{"libraries":{},"logs":{"l":{"root":"x","size":1}},"version":1}',
        b'{"libraries":{},"logs":{},"policy":{"sha256":"%b"},"version":1}' % (b"a" * 64),
        b'{"libraries":{},"logs":{},"more":1,"version":1}',
    ],
)
def test_what_is_no_state_is_never_ignored(data: bytes) -> None:
    with pytest.raises(Unchecked, match="E-STATE-FILE"):
        Memory.parse(data, "state.json")


def test_a_policy_that_was_vouched_for_is_not_remembered() -> None:
    memory = filled()
    assert memory.with_policy(Policy.vouch([(MAKER.id, MAKER.key.public)])) == memory


def test_the_largest_tree_stays() -> None:
    memory = filled().with_library(LIB, EVENTS, [(point(7), "p")])
    assert memory.logs["log.example"].size == 9
    assert memory.libraries[LIB].heads == {"log.example": 9}


@pytest.mark.parametrize(
    ("expected", "check"),
    [
        ("E-LOG-SPLIT", {"checkpoints": [(point(9, 3), "p")]}),
        ("E-LOG-SPLIT", {"checkpoints": [(point(4, 3), "p"), (point(4, 4), "q")]}),
        (None, {"checkpoints": [(point(9, 2), "p"), (point(9, 3, "other.example"), "q"), (point(5, 8), "r")]}),
        ("E-HEAD-ROLLBACK", {"events": EVENTS[:2]}),
        ("E-CHAIN-FORK", {"events": (*EVENTS[:2], "d" * 64)}),
        (None, {"events": (*EVENTS, "d" * 64)}),
        ("E-LOG-ROLLBACK", {"head": point(8)}),
        (None, {"head": point(9)}),
        (None, {"head": point(1, 1, "other.example")}),
        (None, {"events": ("d" * 64,), "lib": "e" * 64, "head": point(1)}),
    ],
)
def test_nothing_older_is_taken_for_new(expected: str | None, check: dict[str, Any]) -> None:
    def compare() -> None:
        memory, lib = filled(), check.get("lib", LIB)
        memory.check_checkpoints(check.get("checkpoints", []))
        memory.check_chain(lib, check.get("events", EVENTS), "chain")
        if "head" in check:
            memory.check_head(lib, check["head"], "head")

    if expected is None:
        compare()
    else:
        with pytest.raises(Refused, match=expected):
            compare()
