import os
import signal
from collections.abc import Iterator

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
