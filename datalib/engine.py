"""Run a function over tasks: here, on several processes, or on Ray; the results come in the order of the tasks.

Tasks are small values (names of files, ranges), never data: what is large is read and written by the function itself.
The function must be importable and must not depend on where or in which order it runs. On a cluster it must see the
same paths on every node.
"""

import importlib
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from multiprocessing import connection, forkserver, get_context, parent_process, resource_tracker
from multiprocessing.context import BaseContext
from typing import Final, NoReturn, TypeVar

from datalib.errors import Unchecked
from datalib.lean import begin_lean

Task = TypeVar("Task")
Result = TypeVar("Result")


#: Tasks that are given out for each worker: none idles while the first of the row is a long one.
_AHEAD: Final = 2
#: How long a result is waited for until the pool has to look for dead workers, in seconds.
_LOOK: Final = 5


class Kind(StrEnum):
    """The engines there are."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where tasks run: in this process, in ``workers`` processes on this machine, or on Ray.

    ``address`` is that of a Ray cluster; without it Ray is started on this machine for ``workers`` tasks at a time.
    ``workers`` None: one here, on Ray as many as there are processors. ``pool``: the processes of an opened engine.
    As the workers import it, the program that uses them must begin below ``if __name__ == "__main__":``.
    """

    workers: int | None = None
    kind: Kind = Kind.LOCAL
    address: str | None = None
    pool: ProcessPoolExecutor | None = field(default=None, repr=False, compare=False)

    @contextmanager
    def begun(self, *modules: str) -> Iterator["Engine"]:
        """Give this engine with local workers that serve every ``run`` of the block.

        ``modules``, those of the tasks to come, are imported for them while the caller prepares these. Where there are
        no such workers, the engine is given as it is: Ray, which takes seconds to start, waits for ``opened``.
        """
        workers = self.workers or 1
        if self.kind is Kind.RAY or self.pool is not None or workers <= 1:
            yield self
        else:
            with _pool(workers, modules) as pool:
                yield replace(self, pool=pool)

    @contextmanager
    def opened(self, *modules: str) -> Iterator["Engine"]:
        """Give this engine ready for ``run``: begun as above, or Ray. Raises Misuse, Unchecked (E-ENGINE)."""
        if self.kind is Kind.RAY:
            from datalib import on_ray

            with on_ray.opened(self.workers, self.address):
                yield self
        else:
            with self.begun(*modules) as engine:
                yield engine


@contextmanager
def _pool(workers: int, modules: tuple[str, ...]) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, _context(modules), initializer=_begin, initargs=(modules, dict(os.environ)))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context(modules: tuple[str, ...]) -> BaseContext:
    """Start the process whose children the workers will be: it imports for all of them, and nothing works in it.

    A child of this process would inherit the locks of the threads that Arrow keeps. Where there is no such starter,
    each worker begins with nothing.
    """
    if sys.platform != "linux":  # elsewhere, what the system's libraries keep does not outlive a fork
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    try:
        resource_tracker.ensure_running()  # first: it would let interrupts in
        with _undisturbed():
            forkserver.ensure_running()
    except OSError:  # no place for its socket
        return get_context("spawn")
    return context


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put off an interrupt to the end of this block: processes that begin in it would tell where they were."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(function: Callable[[Task], Result], tasks: Iterable[Task], engine: Engine) -> Iterator[Result]:
    """Run the tasks and give their results in order, holding few at a time.

    Raises what the function raises, and Unchecked (E-IO) when a worker died.
    """
    workers = engine.workers or 1
    if engine.kind is Kind.RAY:
        from datalib import on_ray

        yield from on_ray.run(function, tasks, engine.workers)
    elif workers <= 1:
        yield from map(function, tasks)
    elif engine.pool is None:
        with engine.begun() as opened:
            yield from run(function, tasks, opened)
    else:
        yield from _run(function, tasks, engine.pool, workers * _AHEAD)


def _run(
    function: Callable[[Task], Result], tasks: Iterable[Task], pool: ProcessPoolExecutor, most: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(_give(pool, function, task))
            if len(waiting) > most:
                yield _result(pool, waiting.popleft())
        while waiting:
            yield _result(pool, waiting.popleft())
    except BrokenProcessPool as error:
        raise Unchecked("E-IO", "worker", "a worker process died; run the command again to go on") from error
    finally:
        for future in waiting:
            future.cancel()


def _result(pool: ProcessPoolExecutor, future: Future[Result]) -> Result:
    """Wait for a result, and wake the pool now and then.

    Python's pool is woken by a task before it starts a worker for it, and watches those that it had then: it would not
    see that the new one died.
    """
    woken: Future[int] | None = None
    while not wait([future], _LOOK).done:
        if woken is None or woken.done():
            woken = _give(pool, abs, 0)
    return future.result()


def _give(pool: ProcessPoolExecutor, function: Callable[[Task], Result], task: Task) -> Future[Result]:
    try:
        with _undisturbed():  # the first task starts the workers
            return pool.submit(_do, function, task)
    except (EOFError, OSError) as error:  # the starter died while it was asked for a worker
        raise BrokenProcessPool from error


def _begin(modules: tuple[str, ...], environment: dict[str, str]) -> None:
    """Begin a worker: see to its end, and let it have what its tasks will need.

    The environment is that of now; the starter's may be that of an earlier scan of the same program.
    """
    _leave_with_parent()
    os.environ.clear()
    os.environ.update(environment)
    begin_lean()
    for module in modules:
        importlib.import_module(module)
    signal.signal(signal.SIGINT, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _leave(*_: object) -> NoReturn:
    os._exit(1)


def _do(function: Callable[[Task], Result], task: Task) -> Result:
    """Do a task in a worker. An interrupt ends the worker, after what the task tidies up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return function(task)
    except KeyboardInterrupt:
        _leave()
    finally:
        signal.signal(signal.SIGINT, _leave)


def _leave_with_parent() -> None:
    """End this worker when the process that started it is gone, however it went."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        _leave()

    threading.Thread(target=watch, daemon=True).start()
