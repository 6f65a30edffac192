"""Replaying a log: what may follow what."""

from dataclasses import replace

import pytest

from datalib.errors import Refused
from datalib.trust import logreplay
from datalib.trust.entries import Entry, PolicyEntry
from datalib.trust.headmap import Head
from datalib.trust.logreplay import Replay
from tests.logs import chain, digest, heads_entry

A, B = chain("a", 4), chain("b", 2)
P1, P2 = (PolicyEntry(policy=digest(f"p{n}"), version=n) for n in (1, 2))


def replayed(*entries: Entry) -> Replay:
    replay = Replay()
    for entry in entries:
        replay.apply(entry)
    return replay


def test_events_of_several_libraries_and_heads_between_them() -> None:
    heads = heads_entry(3, [(A[0].lib, A[1].event), (B[0].lib, B[0].event)])
    with replayed(A[0], B[0], A[1], heads, P1, A[2], P1, P2) as replay:
        assert replay.size == 8
        assert replay.find(A[0].lib) == Head(event=A[2].event, seq=2, index=5)
        assert replay.find(B[0].lib) == Head(event=B[0].event, seq=0, index=1)
        assert replay.find(digest("c")) is None
        assert replay.policy == P2
        assert replay.merge().count == 2


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("E-MON-FORK", A[1]),
        ("E-MON-FORK", replace(A[1], event=digest("another"))),
        ("E-MON-FORK", A[0]),
        ("E-CHAIN-SEQ", A[3]),
        ("E-CHAIN-SEQ", B[1]),
        ("E-CHAIN-LINK", replace(A[2], prev=A[0].event)),
        ("E-CHAIN-LINK", replace(A[2], prev=None)),
        ("E-CHAIN-LINK", replace(B[0], prev=A[0].event)),
        ("E-CHAIN-LIB", replace(B[0], event=digest("x"))),
        ("E-MON-HEADS", heads_entry(2, [(A[0].lib, A[0].event)])),
        ("E-MON-HEADS", heads_entry(4, [(A[0].lib, A[1].event)])),
        ("E-MON-HEADS", replace(heads_entry(3, [(A[0].lib, A[1].event)]), size=2)),
        ("E-POLICY-ROLLBACK", P1),
        ("E-POLICY-FORK", PolicyEntry(policy=digest("other"), version=2)),
    ],
)
def test_what_may_not_follow_is_refused_and_still_counts(code: str, last: Entry) -> None:
    with replayed(A[0], P2, A[1]) as replay:
        with pytest.raises(Refused, match=code):
            replay.check(last)
        assert replay.size == 3
        with pytest.raises(Refused, match=code):
            replay.apply(last, "entry 3")
        assert replay.size == 4


def test_the_first_event_at_a_position_stays() -> None:
    with replayed(A[0], A[1]) as replay:
        replay.take(replace(A[1], event=digest("another")))
        replay.take(None)
        assert replay.size == 4
        assert replay.find(A[0].lib) == Head(event=A[1].event, seq=1, index=1)


def test_many_changes_go_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logreplay, "MAX_CHANGES", 10)
    with replayed(*(chain(f"lib {number}", 1)[0] for number in range(25))) as replay:
        assert len(replay.changes) == 5
        assert replay.heads.count == 20
        assert all(replay.find(chain(f"lib {number}", 1)[0].lib) for number in range(25))
        assert replay.merge().count == 25
