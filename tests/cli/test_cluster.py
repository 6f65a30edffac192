"""A cluster of two Ray nodes that is there already, as the docs start it: the same bytes, though a node dies."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.nginx import free_port
from tests.scanning import make_works, scan_files

KILLING = Path(__file__).parents[1] / "killing"
BIN = Path(sys.executable).parent
PARTS = 12
PATIENCE = 60.0  # seconds
ROUNDS = 5
Cluster = tuple[Mapping[str, str], Callable[[str], None]]


@contextmanager
def node(environment: Mapping[str, str], *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node of a cluster until the block ends; it is killed with all its processes."""
    with subprocess.Popen(
        [BIN / "ray", "start", "--block", "--num-cpus=1", "--disable-usage-stats", *options],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cluster")
    make_works(root, PARTS, 3000)
    assert scan(root, root / "local", os.environ).returncode == 0
    return root


def scan(root: Path, out: Path, environment: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[bytes]:
    arguments: list[str | Path] = [
        "scan",
        "works",
        "--sites",
        "s.jsonl",
        "-o",
        out,
        "--now",
        "2027-01-15T08:00:00Z",
        *options,
    ]
    return subprocess.run(
        [BIN / "datalib", *arguments], cwd=root, env=environment, capture_output=True, timeout=120, check=False
    )


@pytest.fixture
def cluster(works: Path) -> Iterator[Cluster]:
    """A head, what to set to reach it, and a way to add a node that obeys an order of ``tests/killing``."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="ray-")  # sockets want short paths
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    address = f"127.0.0.1:{port}"

    def joined(order: str) -> None:
        killing = {"PYTHONPATH": os.pathsep.join([str(KILLING), *sys.path]), "DATALIB_KILL": order}
        stack.enter_context(node({**environment, **killing}, f"--address={address}"))
        wait_for(environment, address, 2)

    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(
            node(environment, "--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}")
        )
        wait_for(environment, address, 1)
        yield {**environment, "RAY_ADDRESS": address}, joined


def wait_for(environment: Mapping[str, str], address: str, nodes: int) -> None:
    """Wait until a cluster has so many nodes alive."""
    end = time.monotonic() + PATIENCE
    listed: list[str | Path] = [BIN / "ray", "status", f"--address={address}"]
    while True:
        told = subprocess.run(listed, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if told.stdout.count("1 node_") >= nodes:
            return
        assert time.monotonic() < end, told.stdout + told.stderr
        time.sleep(0.5)


@pytest.mark.parametrize("whom", ["self", "parent"])
def test_two_nodes_give_the_same_bytes_though_one_dies(works: Path, cluster: Cluster, whom: str) -> None:
    environment, joined = cluster
    out = works / f"cluster-{whom}"
    joined(f"{whom}:3:0:{out}")
    killed = Path(f"{out}.killed")
    for _ in range(ROUNDS):  # the second node may come too late to begin a shard
        shutil.rmtree(out, ignore_errors=True)
        ran = scan(works, out, environment, "--engine", "ray")
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert scan_files(out) == scan_files(works / "local")
        if killed.exists():
            break
    assert killed.exists()
