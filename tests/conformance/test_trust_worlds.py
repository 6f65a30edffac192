"""Whole libraries, sound or attacked: each is accepted, or refused with exactly its code, through the command line."""

import base64
import json
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from datalib_cli.app import run
from tests.shared import SHARED

CASES = SHARED / "cases" / "trust" / "cases.jsonl"
SOAK = "DATALIB_SOAK" in os.environ

pytestmark = pytest.mark.shared

#: One of each exit status, and the worlds that race with the verifier, go through a process of their own.
IN_PROCESS_OF_THEIR_OWN = {"p042", "p129", "p138", "p186", "p203", "p204"}

Case = Mapping[str, Any]


@cache
def cases() -> dict[str, Case]:
    if not CASES.exists():
        return {}
    with CASES.open(encoding="utf-8") as lines:
        return {case["id"]: case for case in map(json.loads, lines)}


@cache
def blobs() -> dict[str, bytes]:
    found = {}
    with CASES.with_suffix(".blobs.jsonl").open(encoding="utf-8") as lines:
        for blob in map(json.loads, lines):
            if "utf8" in blob:
                data = blob["utf8"].encode()
            elif "xz" in blob:
                data = lzma.decompress(base64.b64decode(blob["xz"]))
            else:
                data = base64.b64decode(blob["b64"])
            found[blob["sha256"]] = data
    return found


def lay_out(files: Mapping[str, str], folder: Path) -> None:
    for path, digest in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blobs()[digest])


def apply(operation: Mapping[str, Any], library: Path, stop: threading.Event) -> threading.Thread | None:
    """Do one thing that an attacker does; what goes on while the verifier runs is given back as a thread."""
    outside = library.parent / "outside"

    def place(path: str) -> Path:
        return outside / path.removeprefix("@outside/") if path.startswith("@outside/") else library / path

    path, name = place(operation["path"]), operation["op"]
    if name in {"symlink", "fifo", "mkdir"} and os.path.lexists(path):
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    match name:
        case "symlink":
            path.symlink_to(operation["target"].replace("@outside", str(outside), 1))
        case "fifo":
            os.mkfifo(path)
        case "mkdir":
            path.mkdir()
        case "rename":
            path.rename(place(operation["to"]))
        case "truncate":
            os.truncate(path, operation["size"])
        case _:
            return threading.Thread(target=keep_changing, args=(path, name, stop))
    return None


def keep_changing(path: Path, operation: str, stop: threading.Event) -> None:
    while not stop.wait(0.001):
        if operation == "touch_while_running":
            os.utime(path)
        else:
            with path.open("ab") as file:
                file.write(b"+")


@contextmanager
def disturbed(operations: list[dict[str, Any]], library: Path) -> Iterator[None]:
    """Do what an attacker does to the files after they were laid out, some of it while the verifier runs."""
    (library.parent / "outside").mkdir()
    stop = threading.Event()
    threads = [thread for operation in operations if (thread := apply(operation, library, stop))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def arguments(step: Case, case: Case, work: Path, state: Path) -> list[str]:
    options = step.get("options", {})
    found = ["verify", str(work / "library"), "--policy", str(work / "policy.json"), "--now", step["now"]]
    found += ["--roots", str(work / "roots.json"), "--format", "json"]
    for name in ("purpose", "data"):
        found += [f"--{name}", options[name]] if name in options else []
    for claim in options.get("require", []):
        found += ["--require", claim]
    if options.get("require_evidence"):
        found.append("--require-evidence")
    if "prior" in case or "state" in case:
        found += ["--state", str(state)]
    return found


def verify(
    step: Case, case: Case, work: Path, state: Path, output: pytest.CaptureFixture[bytes] | None
) -> tuple[bool, str | None, int]:
    library = work / "library"
    library.mkdir(parents=True)
    lay_out(step["files"], library)
    (work / "policy.json").write_bytes(blobs()[step["policy"]])
    (work / "roots.json").write_text(json.dumps(case["roots"]))
    command = arguments(step, case, work, state)
    with disturbed(step.get("fs", []), library):
        if output is None:
            program = [str(Path(sys.executable).parent / "datalib"), *command]
            done = subprocess.run(program, capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
            status, printed = done.returncode, done.stdout
        else:
            output.readouterr()
            status = run(command)
            printed = output.readouterr().out
    answer = json.loads(printed)
    return answer["accepted"], answer["code"], status


@pytest.mark.parametrize("name", cases() or ["none"])
def test_a_world_gets_exactly_its_code(name: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    case = cases()[name]
    state = tmp_path / "state.json"
    if isinstance(case.get("state"), str):
        state.write_text(case["state"])
    output = None if SOAK or name in IN_PROCESS_OF_THEIR_OWN else capsysbinary
    for number, step in enumerate(case.get("prior", [])):
        assert verify(step, case, tmp_path / str(number), state, output) == (True, None, 0)
    accepted = case["expect"] == "OK"
    expected = (accepted, None if accepted else case["expect"], case.get("exit", 0 if accepted else 1))
    assert verify(case, case, tmp_path / "world", state, output) == expected


def test_there_are_worlds() -> None:
    assert len(cases()) >= 257
