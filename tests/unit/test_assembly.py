"""Libraries with inputs: what flows down from upstream, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datalib.trust.state import Memory
from datalib.verify import Report, verify
from tests.libraries import NOW, ROOTS, Library, Log, draft_policy, edit, sign_policy


def check(library: Library, **options: Any) -> Report:
    usual: dict[str, Any] = {"policy": sign_policy(draft_policy()), "roots": ROOTS, "now": NOW}
    return verify(library.folder, **(usual | options))


def code(report: Report) -> str | None:
    return report.refusal.code if report.refusal else None


def upstream(tmp_path: Path, log: Log, name: str = "up", **options: Any) -> Library:
    files = {f"{name}{n}.txt": f"{name} {n}\n".encode() for n in range(3)}
    return Library(folder=tmp_path / name, log=log, name=name, files=files, **options).genesis().attest()


def assembled(
    tmp_path: Path, *parents: tuple[Library, str], name: str = "sector", publish: bool = True, **block: Any
) -> Library:
    """Assemble a library of all files of its parents, each taken with one mode."""
    log = parents[0][0].log
    library = Library(folder=tmp_path / name, log=log, name=name, files={"own.txt": b"own\n"})
    library.day = max(parent.day for parent, _ in parents) + 1
    inputs = []
    for parent, mode in parents:
        prefix = None if mode == "derived" else f"{parent.name}/"
        if prefix:
            library.files |= {f"{prefix}{path}": data for path, data in parent.files.items()}
        inputs.append(parent.input(parent, mode, prefix))
    library.block = {"inputs": inputs, **block}
    library.genesis().attest()
    return finish(library, *(parent for parent, _ in parents)) if publish else library


def finish(library: Library, *parents: Library) -> Library:
    """Let the registry publish, and ship the parents as they are now."""
    everyone = [library, *parents]
    for one in everyone:
        one.publish(others=[other for other in everyone if other is not one])
    for parent in parents:
        library.ship(parent, listing=True)
    return library


@pytest.mark.parametrize("mode", ["verbatim", "subset", "derived"])
def test_an_input_of_each_mode_is_accepted(tmp_path: Path, mode: str) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, mode))
    report = check(library, memory=Memory())
    assert report.accepted, report
    facts = report.require()
    assert set(facts.producers) == {library.lib, parent.lib}
    assert ("derived" in facts.not_checked) == (mode == "derived")
    assert set(report.memory.libraries) == {library.lib, parent.lib}
    assert check(library, memory=report.memory).accepted


def test_purposes_flow_down(tmp_path: Path) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, "verbatim"), purpose=["train:asr", "train:tts"])
    assert code(check(library)) == "E-PURPOSE-UPSTREAM"


def test_a_withdrawn_upstream_stops_the_gate(tmp_path: Path) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, "verbatim"), publish=False)
    parent.day = library.day
    parent.withdraw()
    assert code(check(finish(library, parent))) == "E-INPUT-WITHDRAWN"


@pytest.mark.parametrize(("reason", "expected"), [("optout", "E-INPUT-OPTOUT"), ("correction", None)])
def test_an_optout_upstream_must_be_followed(tmp_path: Path, reason: str, expected: str | None) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, "verbatim"), publish=False)
    listing = parent.path("files.sha256").read_bytes()
    del parent.files["up2.txt"]
    parent.day = library.day
    parent.amend(reason=reason)
    finish(library, parent)
    assert code(check(library)) == "E-INPUT-LISTING"
    edit(library.path(f"upstream/{parent.lib}/files.sha256"), lambda _: listing)
    assert code(check(library)) == expected


def test_what_was_not_current_any_more_is_stale(tmp_path: Path) -> None:
    parent = upstream(tmp_path, Log())
    old = parent.input(parent, "verbatim", "up/")
    parent.attest()
    library = assembled(tmp_path, (parent, "verbatim"), inputs=[old])
    assert code(check(library)) == "E-INPUT-STALE"


def test_two_trees_of_one_size_are_seen_in_one_verification(tmp_path: Path) -> None:
    """The log showed the upstream one past and the assembled library another."""
    parent = Library(folder=tmp_path / "parent", name="parent", log=Log()).genesis()
    made = Library(folder=tmp_path / "made", name="made", log=Log(), day=2)
    made.block = {"inputs": [made.input(parent, "derived", None)]}
    made.genesis().publish()
    parent.publish()
    assert code(check(made.ship(parent))) == "E-LOG-SPLIT"


def test_a_blocked_upstream_blocks(tmp_path: Path) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, "verbatim"))
    policy = sign_policy(draft_policy(blocked=[parent.lib]))
    assert code(check(library, policy=policy)) == "E-LIB-BLOCKED"


Attack = Callable[[Library, Library], object]


def below(library: Library, parent: Library, name: str) -> Path:
    return library.path(f"upstream/{parent.lib}/{name}")


SPOILT: list[tuple[str, str, Attack]] = [
    ("E-INPUT-MISSING", "verbatim", lambda made, up: below(made, up, "chain.jsonl").unlink()),
    ("E-INPUT-LIB", "verbatim", lambda made, up: edit(
        below(made, up, "chain.jsonl"), lambda _: made.path("chain.jsonl").read_bytes())),
    ("E-INPUT-LISTING", "verbatim", lambda made, up: edit(
        below(made, up, "files.sha256"), lambda data: data.replace(b"up0", b"up9"))),
    ("E-INPUT-LISTING", "subset", lambda made, up: edit(
        below(made, up, "files.sha256"), lambda data: data.replace(b"up0", b"up9"))),
    ("E-INPUT-LISTING", "subset", lambda made, up: below(made, up, "files.sha256").unlink()),
    ("E-FILE-STRAY", "verbatim", lambda made, up: below(made, up, "extra").write_bytes(b"")),
    ("E-LOG-MISSING", "verbatim", lambda made, up: below(made, up, f"proofs/{up.head}.tlog-proof").unlink()),
    ("E-HEAD-MISSING", "verbatim", lambda made, up: below(made, up, "proofs/head.json").unlink()),
    ("E-MANIFEST-MISSING", "verbatim", lambda made, up: made.path(f"manifests/{up.manifest}.json").unlink()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "mode", "attack"), SPOILT, ids=[f"{n} {item[0]}" for n, item in enumerate(SPOILT)]
)
def test_a_spoilt_upstream_gets_its_code(tmp_path: Path, expected: str, mode: str, attack: Attack) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, mode))
    attack(library, parent)
    assert code(check(library)) == expected


@pytest.mark.parametrize(
    ("expected", "mode", "change"),
    [
        ("E-INPUT-HEAD", "verbatim", {"head": "a" * 64}),
        ("E-INPUT-STATE", "verbatim", {"manifest": "a" * 64}),
        ("E-INPUT-CONTENT", "verbatim", {"prefix": "other/"}),
        ("E-PATH-RESERVED", "verbatim", {"prefix": "proofs/"}),
    ],
)
def test_a_wrong_input_gets_its_code(tmp_path: Path, expected: str, mode: str, change: dict[str, str]) -> None:
    parent = upstream(tmp_path, Log())
    value = parent.input(parent, mode, "up/") | change
    library = assembled(tmp_path, (parent, mode), inputs=[value])
    assert code(check(library)) == expected


def test_a_subset_is_a_subset(tmp_path: Path) -> None:
    parent = upstream(tmp_path, Log())
    library = Library(folder=tmp_path / "s", log=parent.log, files={"up/up1.txt": parent.files["up1.txt"]}, day=5)
    library.block = {"inputs": [parent.input(parent, "subset", "up/")]}
    assert check(finish(library.genesis().attest(), parent)).accepted
    other = Library(folder=tmp_path / "o", log=parent.log, files={"up/up1.txt": b"another\n"}, day=library.day)
    other.block = library.block
    assert code(check(finish(other.genesis().attest(), parent))) == "E-INPUT-SUBSET"
    beyond = Library(folder=tmp_path / "b", log=parent.log, files={"up/zz.txt": b"another\n"}, day=other.day)
    beyond.block = library.block
    assert code(check(finish(beyond.genesis().attest(), parent))) == "E-INPUT-SUBSET"


def test_two_levels_share_an_upstream(tmp_path: Path) -> None:
    log = Log()
    ground = upstream(tmp_path, log, "ground")
    left = assembled(tmp_path, (ground, "verbatim"), name="left", publish=False)
    right = assembled(tmp_path, (ground, "verbatim"), name="right", publish=False)
    top = assembled(tmp_path, (left, "verbatim"), (right, "verbatim"), (ground, "derived"), name="top", publish=False)
    finish(top, left, right, ground)
    report = check(top)
    assert report.accepted, report
    assert set(report.require().producers) == {top.lib, left.lib, right.lib, ground.lib}


def tower(tmp_path: Path, height: int) -> Library:
    chain = [upstream(tmp_path, Log(), "l0")]
    for level in range(1, height):
        chain.append(assembled(tmp_path, (chain[-1], "derived"), name=f"l{level}", publish=False))
    return finish(chain[-1], *chain[:-1])


@pytest.mark.parametrize(("height", "expected"), [(8, None), (9, "E-INPUT-DEPTH")])
def test_depth_ends_at_eight(tmp_path: Path, height: int, expected: str | None) -> None:
    assert code(check(tower(tmp_path, height))) == expected


def test_depth_counts_on_the_longest_path(tmp_path: Path) -> None:
    """The tower is first seen on a short path, and then on a path that makes it too deep."""
    chain = [upstream(tmp_path, Log(), "l0")]
    for level in range(1, 7):
        chain.append(assembled(tmp_path, (chain[-1], "derived"), name=f"l{level}", publish=False))
    wedge = assembled(tmp_path, (chain[-1], "derived"), name="wedge", publish=False)
    top = assembled(tmp_path, (chain[-1], "derived"), (wedge, "derived"), name="top", publish=False)
    assert code(check(finish(top, wedge, *chain))) == "E-INPUT-DEPTH"


def test_a_cycle_is_refused(tmp_path: Path) -> None:
    first = upstream(tmp_path, Log(), "first")
    second = assembled(tmp_path, (first, "derived"), name="second", publish=False)
    first.day = second.day + 1
    first.block = {"inputs": [second.input(second, "derived", None)]}
    first.amend()
    finish(first, second)
    assert code(check(first)) == "E-INPUT-CYCLE"


def test_an_upstream_older_than_accepted_is_refused(tmp_path: Path) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, "verbatim"))
    kept = check(library, memory=Memory()).memory
    longer = kept.with_library(parent.lib, ("a", "b", "c"), [])
    assert code(check(library, memory=longer)) == "E-HEAD-ROLLBACK"


def test_an_amend_may_move_an_input_but_not_drop_it(tmp_path: Path) -> None:
    parent = upstream(tmp_path, Log())
    library = assembled(tmp_path, (parent, "verbatim"), publish=False)
    parent.day = library.day
    parent.attest()
    library.day = parent.day + 1
    library.block = {"inputs": [parent.input(parent, "verbatim", "up/")]}
    library.amend().attest()
    assert check(finish(library, parent)).accepted
    library.block = {}
    library.amend()
    assert code(check(finish(library, parent))) == "E-INPUT-DROPPED"
