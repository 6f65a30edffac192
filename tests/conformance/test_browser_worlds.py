"""Whole libraries, sound or attacked, checked by the page in a real browser: the answers of the command line.

253 of the 257 public worlds get exactly their code. The other four are about links, special files, and files that
change while they are read; a browser leaves links out and reports no kinds of files, so that the page sees other
libraries than the command line does. Of none of them does it say yes.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datalib.formats import parse_time
from datalib.trust.policy import Roots
from datalib.verify import verify
from tests.checker import Checker, checking_browser
from tests.conformance.test_trust_worlds import Case, blobs, cases, disturbed, lay_out

pytestmark = [pytest.mark.shared, pytest.mark.system]

#: Worlds that a browser shows otherwise than they are, and what the page says of them instead.
SHOWN_OTHERWISE = {
    "p135": {"E-FILE-MISSING"},
    "p136": {"E-FILE-MISSING"},
    "p137": {"E-FILE-MISSING", "E-FILE-DIGEST", "undecided.unread"},
    "p138": {"E-FILE-DIGEST", "undecided.unread"},
}
#: Larger files are given by their size alone: the page must refuse them unread.
LARGE = 1 << 21
PATIENCE = 60.0  # seconds


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    with checking_browser(tmp_path_factory.mktemp("parts")) as found:
        found.put(data for data in blobs().values() if len(data) <= LARGE)
        yield found


def files_of(step: Case) -> dict[str, Any]:
    """Name the files of a world, and do to them what an attacker does."""
    large = {name for name, data in blobs().items() if len(data) > LARGE}
    found: dict[str, Any] = {
        path: {"size": len(blobs()[name])} if name in large else name for path, name in step["files"].items()
    }
    for operation in step.get("fs", []):
        path = operation["path"]
        if operation["op"] == "truncate":
            found[path] = {"size": operation["size"]}
        else:
            assert operation["op"] == "rename"
            moved = operation["to"]
            found = {
                moved + name.removeprefix(path) if name == path or name.startswith(f"{path}/") else name: given
                for name, given in found.items()
            }
    return found


def memory_of(case: Case, folder: Path) -> bytes | None:
    """Give the state that a verifier has when it comes to a world: text, or what the earlier ones taught."""
    if isinstance(case.get("state"), str):
        return str(case["state"]).encode()
    memory = None
    for number, step in enumerate(case.get("prior", [])):
        library = folder / str(number)
        library.mkdir(parents=True)
        lay_out(step["files"], library)
        policy, roots = blobs()[step["policy"]], Roots.from_dict(case["roots"])
        report = verify(library, policy=policy, roots=roots, now=parse_time(step["now"]), memory=memory)
        assert report.accepted
        memory = report.memory
    return memory.serialise() if memory else None


def asked_of(case: Case) -> dict[str, Any]:
    options = case.get("options", {})
    asked: dict[str, Any] = {"now": parse_time(case["now"]), "evidence": bool(options.get("require_evidence"))}
    asked |= {name: options[name] for name in ("purpose", "data") if name in options}
    if "require" in options:
        asked["require"] = [claim for claim in options["require"] if claim != "none"]
    return asked


def question(checker: Checker, case: Case, folder: Path) -> dict[str, Any]:
    state = memory_of(case, folder)
    sent = checker.put([json.dumps(case["roots"]).encode(), *([] if state is None else [state])])
    trust = {"policy": case["policy"], "roots": sent[0], "state": sent[1] if len(sent) > 1 else None}
    return {**trust, "files": files_of(case), "asked": asked_of(case)}


def test_the_page_gives_the_code_of_the_command_line(checker: Checker, tmp_path: Path) -> None:
    worlds = {name: case for name, case in cases().items() if name not in SHOWN_OTHERWISE}
    answers = checker.ask([question(checker, case, tmp_path / name) for name, case in worlds.items()])
    expected = {name: case["expect"] for name, case in worlds.items()}
    found = {
        name: "OK" if answer["answer"] == "yes" else answer["code"]
        for name, answer in zip(worlds, answers, strict=True)
    }
    assert found == expected
    assert len(worlds) >= 253
    undecided = [name for name, answer in zip(worlds, answers, strict=True) if answer["answer"] == "open"]
    assert undecided == []


def sizes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


@pytest.mark.parametrize("name", SHOWN_OTHERWISE)
def test_what_a_browser_shows_otherwise_is_never_accepted(checker: Checker, tmp_path: Path, name: str) -> None:
    case, library = cases()[name], tmp_path / "library"
    library.mkdir()
    lay_out(case["files"], library)
    trust = question(checker, {**case, "fs": []}, tmp_path)
    before = sizes(library)
    with disturbed(case["fs"], library):
        end = time.monotonic() + PATIENCE
        while sizes(library) == before:  # a browser shows a file as it was when it was chosen
            assert time.monotonic() < end
            time.sleep(0.001)
        answer = checker.ask_folder(library, trust)
    assert answer["answer"] != "yes"
    assert answer["code"] in SHOWN_OTHERWISE[name]
