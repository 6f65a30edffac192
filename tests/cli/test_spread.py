"""Files hashed by processes and by Ray: the same bytes as by threads, though workers die."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLING = Path(__file__).parents[1] / "killing"
DATALIB = Path(sys.executable).with_name("datalib")
SOAK = bool(os.environ.get("DATALIB_SOAK"))
FILES = 2_100  # more shards than two workers take at once
NOW = ("--now", "2027-01-15T08:00:00Z")
RAY = ("--engine", "ray", "--workers", "2")
Ran = subprocess.CompletedProcess[bytes]


def run(folder: Path, *arguments: str | Path, kill: str = "") -> Ran:
    """Run the program in a process group of its own; ``kill`` as in ``tests/killing``, at the N-th shard."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(KILLING), *sys.path])}
    if kill:  # what measures coverage writes files too
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE")}
        env["DATALIB_KILL"] = f"{kill}:{folder}"
    with subprocess.Popen(
        [DATALIB, *arguments], env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:  # fmt: skip
        output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A draft of many small files and a large one, and a key beside it."""
    folder = tmp_path_factory.mktemp("draft")
    for number in range(FILES):
        path = folder / "library" / f"part-{number // 500}" / f"{number:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text {number}\n")
    (folder / "library" / "large.bin").write_bytes(bytes(range(256)) * (9 << 12))
    said = ("--producer-id", "x-test:producer", "--producer-name", "en=P", "--purpose", "train:llm", "--source", "Own")
    for words in (["key", "new", "-o", "key.pem", "--no-password"], ["init", "library", *said, *NOW]):
        assert run(folder, *words).returncode == 0
    return folder


def sign(folder: Path, *options: str, kill: str = "") -> Ran:
    return run(folder, "sign", "library", "--key", "key.pem", *NOW, *options, kill=kill)


@pytest.fixture(scope="module")
def signed(draft: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as threads sign it."""
    folder = copy_of(draft, tmp_path_factory.mktemp("signed"))
    assert sign(folder).returncode == 0
    return folder


def copy_of(folder: Path, place: Path) -> Path:
    return Path(shutil.copytree(folder, place / "copy"))


def verify(folder: Path, *options: str) -> tuple[int, Any]:
    trust = ("--key", "x-test:producer=key.pub.pem", "--require", "none", "--format", "json")
    ran = run(folder, "verify", "library", *trust, *NOW, *options)
    return ran.returncode, json.loads(ran.stdout or ran.stderr)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_processes_sign_and_verify_as_threads_do(draft: Path, signed: Path, tmp_path: Path, workers: str) -> None:
    folder, options = copy_of(draft, tmp_path), ("--workers", workers)
    ran = sign(folder, *options)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert tree(folder / "library") == tree(signed / "library")
    assert verify(folder, *options) == verify(signed)
    (folder / "library/part-3/1700.txt").write_text("text 9999\n")
    (folder / "library/part-4/2000.txt").unlink()
    refused = verify(folder, *options)
    assert refused == verify(folder)
    assert (refused[0], refused[1]["code"]) == (1, "E-FILE-DIGEST")


def test_a_worker_that_dies_ends_signing_and_the_next_run_goes_on(draft: Path, signed: Path, tmp_path: Path) -> None:
    folder = copy_of(draft, tmp_path)
    before = tree(folder / "library")
    died = sign(folder, "--workers", "2", "--cache", "known", kill="self:2:0")
    assert Path(f"{folder}.killed").exists()
    assert died.returncode == 3
    assert died.stderr.decode().startswith("datalib: E-IO: worker: ")
    assert died.stderr.count(b"\n") == 1
    assert tree(folder / "library") == before
    again = sign(folder, "--workers", "2", "--cache", "known", "--format", "json")
    assert json.loads(again.stdout)["cache"]["reused"] > 0
    assert tree(folder / "library") == tree(signed / "library")


def test_ray_signs_and_verifies_alike_though_a_worker_dies(draft: Path, signed: Path, tmp_path: Path) -> None:
    folder = copy_of(draft, tmp_path)
    ran = sign(folder, *RAY, kill="self:2:0")
    assert Path(f"{folder}.killed").exists()
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert tree(folder / "library") == tree(signed / "library")
    assert verify(folder, *RAY) == verify(signed)


@pytest.mark.skipif(not SOAK, reason="starts Ray many times; set DATALIB_SOAK=1")
@pytest.mark.parametrize("whom", ["parent", "grandparent"])
@pytest.mark.parametrize("shard", [1, 2])
def test_whatever_of_ray_dies_the_next_run_signs(
    draft: Path, signed: Path, tmp_path: Path, whom: str, shard: int
) -> None:
    folder = copy_of(draft, tmp_path)
    died = sign(folder, *RAY, kill=f"{whom}:{shard}:0")
    assert died.returncode in {0, 3, -signal.SIGKILL}, died.stderr.decode()  # 0: all shards were done by then
    assert died.stderr.count(b"\n") <= 1
    assert died.returncode == 0 or not died.stdout
    assert sign(folder).returncode == 0
    assert tree(folder / "library") == tree(signed / "library")
