"""A registry or witness killed at any touch of disk or network: the log stays valid, no size gets two roots."""

import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from datalib import submission
from datalib.canonical import canonical
from datalib.log_server import Witness, serve_witness
from datalib.trust import logfolder, registry
from datalib.trust.monitor import watch
from datalib.trust.notes import KeyType, Note, NoteSigner
from datalib.trust.tlog import Checkpoint
from datalib.trust.witness import Answer, Request
from datalib.verify import verify
from tests.libraries import NOW, ORIGIN, ROOTS, WITNESSES, Library, draft_policy, key, sign_policy
from tests.logs import ALONE, RULES, SIGNER, Board, admit, chain, new_log, publish

KILLED = Path(__file__).parent.parent / "killed.py"
SOAK = "DATALIB_SOAK" in os.environ
MOST = 120
NAME = "w1.example/w"
WITNESS = NoteSigner.named(NAME, KeyType.WITNESS, WITNESSES[NAME])
POLICY = sign_policy(draft_policy())
#: So many entries that the publication fills a tile: full ones appear, partial ones go.
BEFORE = 254


def _kill_at(touch: int, *arguments: str, cwd: Path) -> int:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(NOW)}
    command = [sys.executable, str(KILLED), str(touch), *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)
    assert done.returncode in {0, -9}, done.stderr.decode()
    return done.returncode


def _touches(usual: int, seed: int) -> list[int]:
    """All of them in the soak, some otherwise."""
    return list(range(1, MOST)) if SOAK else sorted(random.Random(seed).sample(range(1, usual), 6))


class Recording(Witness):
    """A witness that keeps every root that the log let out, by size."""

    seen: dict[int, set[bytes]]

    def answer(self, data: bytes) -> Answer:
        checkpoint = Checkpoint.parse(Note.parse(Request.parse(data).note, "E-X").text)
        self.seen.setdefault(checkpoint.size, set()).add(checkpoint.root)
        return super().answer(data)


@contextmanager
def recording(state: Path, seen: dict[int, set[bytes]]) -> Iterator[str]:
    with Recording(WITNESS, [SIGNER.key], state, lambda: NOW) as opened:
        opened.seen = seen
        server = serve_witness(opened, "127.0.0.1", 0)
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _size(log: Path) -> int:
    """Check the log as anybody can; give its size."""
    with logfolder.reading(log) as files:
        found = watch(files.read, ALONE, now=NOW)
    assert not found.findings
    return found.checkpoint.size


def _note_signed(log: Path, seen: dict[int, set[bytes]]) -> None:
    """Take down what the log has signed, as far as its folder shows."""
    for name in ("checkpoint", ".registry/signed"):
        if (log / name).exists():
            found = Checkpoint.parse(Note.parse((log / name).read_bytes(), "E-X").text)
            seen.setdefault(found.size, set()).add(found.root)


def _files(folder: Path) -> None:
    """Write the log's key and rules, a policy, and the keys of a witness."""
    (folder / "log.pem").write_bytes(key("log").to_pem())
    (folder / "w1.pem").write_bytes(WITNESSES[NAME].to_pem())
    (folder / "policy.json").write_bytes(POLICY)
    (folder / "roots.json").write_bytes(canonical(ROOTS.to_dict()))
    lines = [f"log {SIGNER.key.vkey}", f"witness W1 {WITNESS.key.vkey}", "quorum W1", ""]
    (folder / "rules").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _files(tmp_path)
    return tmp_path


def test_a_killed_publication_leaves_a_valid_log_and_is_completed(folder: Path) -> None:
    before = new_log(folder / "before")
    admit(before, *(chain(f"lib {number}", 1)[0] for number in range(BEFORE - 1)))
    with recording(folder / "state before", {}) as url:
        _publish(before, folder, url)
    admit(before, *chain("a", 4))
    for touch in _touches(57, 1):
        seen: dict[int, set[bytes]] = {}
        for name in ("log", "state"):
            shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(before, folder / "log")
        shutil.copy(folder / "state before", folder / "state")
        log = folder / "log"
        with recording(folder / "state", seen) as url:
            arguments = ("log", "publish", "log", "--log-policy", "rules", "--witness", f"W1={url}")
            status = _kill_at(touch, *arguments, cwd=folder)
            assert _size(log) in {BEFORE, BEFORE + 5}
            _note_signed(log, seen)
            # More is admitted before the next run: it must not change what the killed one began.
            admit(log, *chain("b", 2))
            _publish(log, folder, url)
        _note_signed(log, seen)
        assert all(len(roots) == 1 for roots in seen.values()), touch
        assert _size(log) == max(seen)
        with registry.opened(log) as opened:
            assert opened.waiting() == 0
            assert opened.published_head(chain("a", 1)[0].lib) is not None
            assert opened.published_head(chain("b", 1)[0].lib) is not None
        assert not list(log.rglob(".datalib-tmp-*"))
        if status == 0:
            break


def _publish(log: Path, folder: Path, url: str) -> None:
    from datalib.log_client import asking, peers
    from datalib.trust import logpolicy

    rules = logpolicy.parse((folder / "rules").read_text(encoding="utf-8"))
    publish(log, asking(peers(rules, [f"W1={url}"]), lambda: NOW), rules)


def _library(folder: Path) -> Library:
    return Library(folder=folder, log=None, day=39).genesis().attest()


def test_a_killed_submission_admits_all_or_nothing(folder: Path) -> None:
    _library(folder / "library")
    before = new_log(folder / "before")
    arguments = ("log", "submit", "log", "library", "--policy", "policy.json", "--roots", "roots.json")
    for touch in _touches(7, 2):
        shutil.rmtree(folder / "log", ignore_errors=True)
        shutil.copytree(before, folder / "log")
        status = _kill_at(touch, *arguments, cwd=folder)
        assert _size(folder / "log") == 0
        with registry.opened(folder / "log") as opened:
            assert opened.waiting() in {0, 3}
        assert _kill_at(0, *arguments, cwd=folder) == 0
        with registry.opened(folder / "log") as opened:
            assert opened.waiting() == 3
        publish(folder / "log")
        assert _size(folder / "log") == 4
        if status == 0:
            break


def test_killed_proving_is_completed_by_the_next_run(folder: Path) -> None:
    library = _library(folder / "before")
    log = new_log(folder / "log")
    submission.submit(log, library.folder, policy=POLICY, roots=ROOTS, now=NOW)
    publish(log, Board(time=NOW), RULES)
    arguments = ("log", "prove", "log", "library", "--policy", "policy.json", "--roots", "roots.json")
    for touch in _touches(13, 3):
        shutil.rmtree(folder / "library", ignore_errors=True)
        shutil.copytree(library.folder, folder / "library")
        status = _kill_at(touch, *arguments, cwd=folder)
        assert _kill_at(0, *arguments, cwd=folder) == 0
        assert verify(folder / "library", policy=POLICY, roots=ROOTS, now=NOW).accepted
        if status == 0:
            break


def test_a_killed_beginning_is_begun_again(folder: Path) -> None:
    arguments = ("log", "init", "log", "--origin", ORIGIN, "--key", "log.pem")
    for touch in _touches(9, 4):
        shutil.rmtree(folder / "log", ignore_errors=True)
        status = _kill_at(touch, *arguments, cwd=folder)
        assert _kill_at(0, *arguments, cwd=folder) == 0
        assert _size(folder / "log") == 0
        if status == 0:
            break


def _killed_witness(touch: int, folder: Path) -> tuple[subprocess.Popen[str], str]:
    arguments = ("log", "witness", "--key", "w1.pem", "--name", NAME, "--log-vkey", SIGNER.key.vkey)
    process = subprocess.Popen(
        [sys.executable, str(KILLED), str(touch), *arguments, "--state", "state"],
        cwd=folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(NOW), "DATALIB_LANG": "en"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    return process, process.stderr.readline().removeprefix("listening: ").strip()


def _cosigned(folder: Path) -> Mapping[int, bytes]:
    from datalib.verify import load_state

    tree = load_state(folder / "state").logs.get(ORIGIN)
    return {tree.size: bytes.fromhex(tree.root)} if tree else {}


def test_a_killed_witness_remembers_what_it_cosigned(folder: Path) -> None:
    log = new_log(folder / "log")
    for touch in range(1, 8) if SOAK else (2, 3, 4):
        admit(log, chain(f"lib {touch}", 1)[0])
        process, url = _killed_witness(touch, folder)
        try:
            if url:
                before = _size(log)
                try:
                    _publish(log, folder, url)
                except Exception:  # noqa: BLE001  # the witness was killed: whether it had answered, the sizes tell
                    assert _size(log) == before
        finally:
            process.kill()
            process.communicate()
        # Whatever was published with its cosignature is in its memory.
        size = _size(log)
        if size:
            assert max(_cosigned(folder), default=0) >= size
        with recording(folder / "state", {}) as again:
            _publish(log, folder, again)
        assert _size(log) > size
