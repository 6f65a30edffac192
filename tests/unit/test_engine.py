import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datalib.engine import Engine, run
from datalib.errors import Refused, Unchecked


def double(number: int) -> int:
    return 2 * number


def refuse(number: int) -> int:
    raise Refused("E-X", f"task {number}", "no")


def die(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def where(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    def tasks() -> Iterator[int]:
        yield from range(20)

    assert list(run(double, tasks(), Engine(workers=workers))) == [2 * number for number in range(20)]


def test_one_worker_is_this_process() -> None:
    assert list(run(where, [1], Engine())) == [os.getpid()]
    assert os.getpid() not in list(run(where, [1], Engine(workers=2)))


@pytest.mark.parametrize("workers", [1, 2])
def test_refusals_cross_processes(workers: int) -> None:
    with pytest.raises(Refused, match="E-X: task 3: no"):
        list(run(refuse, [3], Engine(workers=workers)))


def test_a_worker_that_dies_is_named() -> None:
    with pytest.raises(Unchecked, match="a worker process died"):
        list(run(die, [1], Engine(workers=2)))


def test_without_ray_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from datalib.engine import Engine, Kind\n"
        "with Engine(kind=Kind.RAY).opened(): pass\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1].endswith("E-ENGINE: ray: pip install 'datalib-manifest[ray]'")


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("url\nhttps://a.example/\n", encoding="utf-8")
    program = Path(sys.executable).with_name("datalib")
    ran = subprocess.run(
        [program, "scan", tmp_path / "w.csv", "-o", tmp_path / "out", "--engine", "ray"],
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 3
    assert ran.stderr.startswith("datalib: E-ENGINE: 127.0.0.1:1: ")
    assert ran.stderr.count("\n") == 1
