"""Run a function over tasks, here or on several processes; the results come in the order of the tasks.

Tasks are small values (names of files, ranges), never data: what is large is read and written by the function itself.
The function must be importable and must not depend on where or in which order it runs.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from datalib.errors import Unchecked

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where tasks run: in this process, or in ``workers`` processes on this machine."""

    workers: int = 1


def run(function: Callable[[Task], Result], tasks: Iterable[Task], engine: Engine) -> Iterator[Result]:
    """Run the tasks and give their results in order, holding few at a time.

    Raises what the function raises, and Unchecked (E-IO) when a worker died.
    """
    if engine.workers <= 1:
        yield from map(function, tasks)
        return
    waiting: deque[Future[Result]] = deque()
    # A forked child would inherit the locks of the threads that Arrow keeps; a spawned one begins clean.
    with ProcessPoolExecutor(engine.workers, mp_context=get_context("spawn"), initializer=_leave_with_parent) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(function, task))
                if len(waiting) > engine.workers:
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
