"""Workers, the command and Ray's own processes die in the middle of a scan: the next run gives what it should have."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scanning import make_works, scan_files

KILLING = Path(__file__).parents[1] / "killing"
DATALIB = Path(sys.executable).with_name("datalib")
MOUNT, UNMOUNT = shutil.which("mount") or "mount", shutil.which("umount") or "umount"
SOAK = bool(os.environ.get("DATALIB_SOAK"))
WHOM = ("self", "parent", "grandparent")
PARTS = 4
#: A worker touches the result about so often for each shard.
TOUCHES = 20


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faults")
    make_works(root, PARTS, 3000)
    return root


def run(
    root: Path, out: str, *options: str, kill: str = "", limit: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the scan in a process group of its own, of which nothing is left afterwards."""
    arguments: list[str | Path] = [
        DATALIB, "scan", root / "works", "--sites", root / "s.jsonl", "-o", root / out, "--admitted",
        "--now", "2027-01-15T08:00:00Z", *options,
    ]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(KILLING), *sys.path])}
    if kill or limit:  # what measures coverage writes files too, and would fail in its own way
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE")}
    if kill:
        env["DATALIB_KILL"] = f"{kill}:{root / out}"
    with subprocess.Popen(
        arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None,  # noqa: PLW1509 (no threads here)
    ) as process:  # fmt: skip
        output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


@pytest.fixture(scope="module")
def whole(works: Path) -> dict[str, bytes]:
    assert run(works, "whole").returncode == 0
    return scan_files(works / "whole")


def orders(count: int, seed: int, *whom: str) -> list[str]:
    """Draw moments: at a touch of the result, or some time after it."""
    chance = random.Random(seed)
    return [
        f"{chance.choice(whom)}:{chance.randrange(1, 2 * TOUCHES)}:{chance.choice([0, 0.05]) * chance.random()}"
        for _ in range(count)
    ]


def completed(works: Path, out: str, *options: str) -> dict[str, bytes]:
    """Run the scan again and give what it left."""
    again = run(works, out, *options)
    assert again.returncode == 0, again.stderr.decode()
    assert not list((works / out).rglob(".datalib-tmp-*"))
    assert not (works / out / "work").exists()
    return scan_files(works / out)


@pytest.mark.parametrize("order", orders(60, 3, *WHOM) if SOAK else [f"{whom}:8:0" for whom in WHOM])
def test_a_process_that_dies_on_this_machine_loses_nothing(works: Path, whole: dict[str, bytes], order: str) -> None:
    out = f"local-{order}"
    died = run(works, out, "--workers", "2", kill=order)
    assert died.returncode in {0, 3, -signal.SIGKILL}, died.stderr.decode()
    if died.returncode == 3:
        assert died.stderr.decode().count("\n") == 1
        assert "E-IO" in died.stderr.decode()
    assert completed(works, out, "--workers", "2") == whole


def test_ray_gives_the_same_bytes_though_a_worker_dies(works: Path, whole: dict[str, bytes]) -> None:
    ran = run(works, "ray", "--engine", "ray", "--workers", "2", kill="self:9:0")
    assert (works / "ray.killed").exists()
    assert ran.returncode == 0, ran.stderr.decode()
    assert not ran.stderr
    assert scan_files(works / "ray") == whole


@pytest.mark.skipif(not SOAK, reason="starts Ray many times; set DATALIB_SOAK=1")
@pytest.mark.parametrize("order", orders(24, 5, *WHOM))
def test_whatever_of_ray_dies_the_next_run_completes(works: Path, whole: dict[str, bytes], order: str) -> None:
    out = f"ray-{order}"
    died = run(works, out, "--engine", "ray", "--workers", "2", kill=order)
    assert died.returncode in {0, 3, -signal.SIGKILL}, died.stderr.decode()
    assert died.stderr.decode().count("\n") <= 1
    assert completed(works, out, "--workers", "2") == whole


def one_line(ran: subprocess.CompletedProcess[bytes]) -> str:
    errors = ran.stderr.decode()
    assert ran.returncode == 3, errors
    assert errors.startswith("datalib: E-IO: ")
    assert errors.count("\n") == 1
    return errors


@pytest.mark.parametrize(
    ("workers", "limit"),
    [(workers, limit) for limit in range(200, 40_000, 1_600) for workers in "12"]
    if SOAK
    else [("1", 12_000), ("2", 3_000)],
)
def test_a_disk_that_takes_no_more_is_named_and_the_next_run_completes(
    works: Path, whole: dict[str, bytes], workers: str, limit: int
) -> None:
    out = f"limited-{workers}-{limit}"
    ran = run(works, out, "--workers", workers, limit=limit)
    if ran.returncode or not SOAK:
        assert "File too large" in one_line(ran)
    assert not list((works / out).rglob(".datalib-tmp-*"))
    assert completed(works, out, "--workers", workers) == whole


@pytest.fixture
def small_disk(works: Path) -> Iterator[Path]:
    """A disk of 100 kB, which is full before a scan is done."""
    disk = works / "disk"
    disk.mkdir(exist_ok=True)
    tmpfs: list[str | Path] = [MOUNT, "-t", "tmpfs", "-o", "size=100k", "none", disk]
    mounted = subprocess.run(tmpfs, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield disk
    finally:
        subprocess.run([UNMOUNT, disk], check=True)


def test_a_full_disk_is_named_and_the_next_run_completes(
    works: Path, whole: dict[str, bytes], small_disk: Path
) -> None:
    assert "No space left on device" in one_line(run(works, "disk/out"))
    subprocess.run([MOUNT, "-o", "remount,size=50m", small_disk], check=True)
    assert completed(works, "disk/out") == whole


def test_a_disk_that_cannot_be_read_is_named(works: Path) -> None:
    unread = "/proc/self/mem"  # a regular file whose first octet is an error
    for arguments in (["works", "--sites", unread], [unread]):
        ran = subprocess.run(
            [DATALIB, "scan", *arguments, "-o", f"unread-{len(arguments)}"], cwd=works, capture_output=True, check=False
        )
        assert "/proc/self/mem: " in one_line(ran)
