"""A monitor finds what a registry must not have done, and says nothing of an honest one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from datalib.errors import Refused
from datalib.trust import logfolder
from datalib.trust.entries import Entry, PolicyEntry
from datalib.trust.monitor import MAX_FINDINGS, Watched, watch, worst
from datalib.trust.state import Memory
from datalib.trust.tiles import encode_bundle
from tests.libraries import NOW, ORIGIN
from tests.logs import ALONE, RULES, Board, admit, chain, digest, heads_entry, new_log, publish, write_log

A, B = chain("a", 3), chain("b", 2)
HEADS = heads_entry(3, [(A[0].lib, A[1].event), (B[0].lib, B[0].event)])
HONEST: list[Entry] = [A[0], B[0], A[1], HEADS]


def seen(folder: Path, memory: Memory | None = None) -> Watched:
    with logfolder.reading(folder) as files:
        return watch(files.read, ALONE, now=NOW, memory=memory)


def told(folder: Path, entries: Sequence[Entry | bytes]) -> Watched:
    return seen(write_log(folder, [each if isinstance(each, bytes) else each.serialise() for each in entries]))


def codes(found: Watched) -> list[str]:
    return [each.code for each in found.findings]


def test_an_honest_log_is_told_by_its_numbers(tmp_path: Path) -> None:
    found = told(tmp_path, [*HONEST[:3], HEADS, PolicyEntry(policy=digest("p"), version=1), replace(HEADS, at=5)])
    assert (found.events, found.libraries, found.publications, found.policies) == (3, 2, 2, 1)
    assert (found.findings, found.faults, found.time) == ((), 0, None)
    assert worst(found.findings) is None
    assert found.checkpoint.size == found.memory.logs[ORIGIN].size == 6


def test_an_empty_log_has_nothing_wrong(tmp_path: Path) -> None:
    found = told(tmp_path, [])
    assert (found.checkpoint.size, found.faults) == (0, 0)


def test_the_time_of_the_quorum_is_told_and_its_absence_refused(tmp_path: Path) -> None:
    log = new_log(tmp_path / "log")
    publish(log, Board(), RULES)
    with logfolder.reading(log) as files:
        assert watch(files.read, RULES, now=NOW).time == NOW
        with pytest.raises(Refused, match="E-LOG-FUTURE"):
            watch(files.read, RULES, now=NOW - 301)
    publish(log)
    with logfolder.reading(log) as files, pytest.raises(Refused, match="E-LOG-QUORUM"):
        watch(files.read, RULES, now=NOW)


FAULTS: dict[str, tuple[str, list[Entry | bytes]]] = {
    "two events at one position": ("E-MON-FORK", [*HONEST[:3], replace(A[1], event=digest("sold twice")), HEADS]),
    "one event twice": ("E-MON-FORK", [A[0], A[0]]),
    "an event left out": ("E-CHAIN-SEQ", [A[0], A[2]]),
    "another predecessor": ("E-CHAIN-LINK", [A[0], replace(A[1], prev=digest("x"))]),
    "an old head": ("E-MON-HEADS", [*HONEST[:3], heads_entry(3, [(A[0].lib, A[0].event), (B[0].lib, B[0].event)])]),
    "a library left out": ("E-MON-HEADS", [*HONEST[:3], heads_entry(3, [(A[0].lib, A[1].event)])]),
    "an old heads entry again": ("E-MON-HEADS", [*HONEST, HEADS]),
    "heads that are not last": ("E-MON-HEADS", [*HONEST, A[2]]),
    "an older policy": ("E-POLICY-ROLLBACK", [PolicyEntry(policy=digest("p"), version=n) for n in (2, 1)]),
    "two policies of one version": ("E-POLICY-FORK", [PolicyEntry(policy=digest(n), version=1) for n in "pq"]),
    "something else": ("E-LOG-ENTRY", [b"{}", *HONEST[:3]]),
}


@pytest.mark.parametrize(("code", "entries"), FAULTS.values(), ids=FAULTS)
def test_misconduct_is_found(code: str, entries: list[Entry | bytes], tmp_path: Path) -> None:
    found = told(tmp_path, entries)
    assert code in codes(found)
    first = worst(found.findings)
    assert first is not None
    if code == "E-MON-FORK":
        assert first.code == code


def test_the_policy_that_is_shown_must_be_logged_where_policies_are(tmp_path: Path) -> None:
    logged, shown = (PolicyEntry(policy=digest(name), version=1) for name in ("logged", "shown"))

    def findings(name: str, entries: list[Entry], policy: PolicyEntry) -> list[str]:
        log = write_log(tmp_path / name, [entry.serialise() for entry in entries])
        with logfolder.reading(log) as files:
            return codes(watch(files.read, ALONE, now=NOW, registered=policy))

    ends = heads_entry(1, [])
    assert findings("with policies", [logged, ends], logged) == []
    assert findings("with policies", [logged, ends], shown) == ["E-POLICY-LOG"]
    assert findings("without", [heads_entry(0, [])], shown) == []


def test_findings_are_counted_but_not_all_kept(tmp_path: Path) -> None:
    found = told(tmp_path, [b"{}"] * (MAX_FINDINGS + 50))
    assert len(found.findings) == MAX_FINDINGS
    assert found.faults == MAX_FINDINGS + 50 + 1


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _many() -> list[Entry]:
    events: list[Entry] = [chain(f"lib {n}", 1)[0] for n in range(299)]
    return [*events, heads_entry(299, [(digest(f"lib {n} 0"), digest(f"lib {n} 0")) for n in range(299)])]


BREAKS: dict[str, Callable[[Path], object]] = {
    "an entry changed": lambda log: _flip(log / "tile/entries/000"),
    "a hash changed": lambda log: _flip(log / "tile/0/001.p/44"),
    "a hash of level 1 changed": lambda log: _flip(log / "tile/1/000.p/1"),
    "a tile too narrow": lambda log: (log / "tile/0/000").write_bytes(bytes(32 * 255)),
    "a bundle too narrow": lambda log: (log / "tile/entries/001.p/44").write_bytes(encode_bundle([b"x"])),
    "a tile missing": lambda log: (log / "tile/1/000.p/1").unlink(),
    "a tile under another name": lambda log: (log / "tile/0/001.p/44").rename(log / "tile/0/001.p/43"),
}


@pytest.mark.parametrize("break_", BREAKS.values(), ids=BREAKS)
def test_files_that_do_not_fit_together_are_refused(break_: Callable[[Path], object], tmp_path: Path) -> None:
    assert told(tmp_path, _many()).faults == 0
    break_(tmp_path)
    with pytest.raises(Refused, match="E-LOG-TILE"):
        seen(tmp_path)


def test_tiles_of_another_log_do_not_lead_to_the_checkpoint(tmp_path: Path) -> None:
    told(tmp_path / "a", [A[0], heads_entry(1, [(A[0].lib, A[0].event)])])
    told(tmp_path / "b", [B[0], heads_entry(1, [(B[0].lib, B[0].event)])])
    (tmp_path / "b" / "checkpoint").write_bytes((tmp_path / "a" / "checkpoint").read_bytes())
    with pytest.raises(Refused, match="do not lead to the root"):
        seen(tmp_path / "b")


def test_a_checkpoint_that_is_missing_or_not_signed_by_the_log_is_refused(tmp_path: Path) -> None:
    told(tmp_path, HONEST)
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n4\n", b"\n3\n"))
    with pytest.raises(Refused, match="E-LOG-CHECKPOINT"):
        seen(tmp_path)
    checkpoint.unlink()
    with pytest.raises(Refused, match="E-LOG-CHECKPOINT"):
        seen(tmp_path)


def test_a_log_that_grows_continues_what_was_seen(tmp_path: Path) -> None:
    log, memory = new_log(tmp_path / "log"), Memory()
    for number in range(5):
        found = seen(log, memory)
        assert not found.findings
        memory = found.memory
        assert seen(log, memory).memory == memory
        admit(log, *chain(f"lib {number}", number + 1))
        publish(log)


def test_a_log_that_was_exchanged_does_not_continue_what_was_seen(tmp_path: Path) -> None:
    memory = told(tmp_path / "old", HONEST).memory
    other: list[Entry] = [B[0], A[0], A[1], HEADS]
    write_log(tmp_path / "same size", [entry.serialise() for entry in other])
    with pytest.raises(Refused, match="E-LOG-SPLIT"):
        seen(tmp_path / "same size", memory)
    write_log(tmp_path / "shorter", [entry.serialise() for entry in other[:1]])
    with pytest.raises(Refused, match="E-LOG-CONSISTENCY"):
        seen(tmp_path / "shorter", memory)
    write_log(tmp_path / "longer", [entry.serialise() for entry in [*other, replace(HEADS, at=4)]])
    found = seen(tmp_path / "longer", memory)
    first = worst(found.findings)
    assert first is not None
    assert first.code == "E-LOG-CONSISTENCY"
