"""Run a function over tasks: here, on several processes, or on Ray; the results come in the order of the tasks.

Tasks are small values (names of files, ranges), never data: what is large is read and written by the function itself.
The function must be importable and must not depend on where or in which order it runs. On a cluster it must see the
same paths on every node.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from datalib.errors import Unchecked

Task = TypeVar("Task")
Result = TypeVar("Result")


class Kind(StrEnum):
    """The engines there are."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where tasks run: in this process, in ``workers`` processes on this machine, or on Ray.

    ``address`` is that of a Ray cluster; without it Ray is started on this machine for ``workers`` tasks at a time.
    ``workers`` None: one here, on Ray as many as there are processors.
    """

    workers: int | None = None
    kind: Kind = Kind.LOCAL
    address: str | None = None

    def opened(self) -> "AbstractContextManager[None]":
        """Give a block in which ``run`` may be called. Raises Misuse, Unchecked (E-ENGINE) where there is no Ray."""
        if self.kind is not Kind.RAY:
            return nullcontext()
        from datalib import on_ray

        return on_ray.opened(self.workers, self.address)


def run(function: Callable[[Task], Result], tasks: Iterable[Task], engine: Engine) -> Iterator[Result]:
    """Run the tasks and give their results in order, holding few at a time.

    Raises what the function raises, and Unchecked (E-IO) when a worker died.
    """
    workers = engine.workers or 1
    if engine.kind is Kind.RAY:
        from datalib import on_ray

        yield from on_ray.run(function, tasks, engine.workers)
        return
    if workers <= 1:
        yield from map(function, tasks)
        return
    waiting: deque[Future[Result]] = deque()
    # A forked child would inherit the locks of the threads that Arrow keeps; a spawned one begins clean.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_with_parent) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(function, task))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise Unchecked("E-IO", "worker", "a worker process died; run the command again to go on") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _leave_with_parent() -> None:
    """End this worker when the process that started it is gone, however it went."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
