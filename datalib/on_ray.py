"""Tasks on Ray: started on this machine for the length of a block, or a cluster that is there already.

Ray gets names of shards and gives receipts; no data goes through its object store. What was done is known by the
receipts on disk, not by Ray: nothing that happens to it loses or doubles a row. Tasks whose worker died are tried
again by Ray; where Ray itself dies, the next run of the command goes on.
"""

import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from datalib.errors import DatalibError, Misuse, Unchecked

Task = TypeVar("Task")
Result = TypeVar("Result")

#: How often Ray gives a task to another worker when the first has died.
RETRIES: Final = 3
#: Tasks that wait for each that runs: workers do not idle while the first of the row is a long one.
_AHEAD: Final = 2
_STORE: Final = 80_000_000  # bytes; the least that Ray takes: only names and receipts go through it
_WAIT: Final = 10  # seconds for a cluster to be reached, and for tasks to end
_EXTRA: Final = "pip install 'datalib-manifest[ray]'"
_DIED: Final = "Ray or its workers died; run the command again to go on"
#: Ray shall neither report its use nor write to the terminal.
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}
#: Ray started here obeys this command only, whoever else can reach its ports; and it looks twice a second whether its
#: node process is there: five failures in a row end the run after three seconds; with Ray's own pause after fifteen.
_GUARDED: Final = {"RAY_AUTH_MODE": "token", "RAY_health_check_period_ms": "500"}


@contextmanager
def opened(workers: int | None, address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start Ray here and stop it afterwards. A program that uses Ray already keeps its own.

    Raises Misuse (E-ENGINE) when Ray is not installed, Unchecked (E-ENGINE) when it does not start or answer.
    """
    if (known := sys.modules.get("ray")) and known.is_initialized():
        yield
        return
    guarded = {} if address else {**_GUARDED, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with _environment(_QUIET | guarded):
        try:
            import ray
        except ImportError as error:
            raise Misuse("E-ENGINE", "ray", _EXTRA) from error
        folder = None if address else tempfile.mkdtemp(prefix="datalib-ray-")
        try:
            _start(ray, workers, address, folder)
            with _silent(ray):
                yield
        finally:
            with suppress(Exception):  # Ray may be dead already; what counts was said before
                ray.shutdown()
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set some variables for the length of the block: they are the program's again afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start(ray: Any, workers: int | None, address: str | None, folder: str | None) -> None:
    here: dict[str, Any] = {
        "num_cpus": workers or len(os.sched_getaffinity(0)),
        "object_store_memory": _STORE,
        "include_dashboard": False,
        "_temp_dir": folder,
    }
    if address:
        _knock(address)
    try:
        with _hushed():
            ray.init(
                address=address or "local", configure_logging=True, logging_level="CRITICAL", log_to_driver=False,
                **({} if address else here),
            )  # fmt: skip
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        detail = str(error).strip().partition("\n")[0]
        raise Unchecked("E-ENGINE", address or "ray", detail or "Ray does not start") from error


@contextmanager
def _hushed() -> Iterator[None]:
    """Throw away what Ray's own code writes to stderr while it starts; why it does not start is in its error."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _silent(ray: Any) -> Iterator[None]:
    """Keep what Ray's node process wrote out of stdout, where Ray prints it when that dies, whatever it was told."""
    internals = ray._private.worker  # noqa: SLF001 (there is no public switch; where this one is gone, nothing happens)
    before = getattr(internals, "_worker_logs_enabled", True)
    internals._worker_logs_enabled = False  # noqa: SLF001 (as above)
    try:
        yield
    finally:
        internals._worker_logs_enabled = before  # noqa: SLF001 (as above)


def _knock(address: str) -> None:
    """Make sure that somebody is there, for whom Ray itself would wait for minutes. ``auto`` is found by Ray."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _WAIT).close()
    except (OSError, OverflowError) as error:
        raise Unchecked("E-ENGINE", address, getattr(error, "strerror", None) or str(error)) from error


def run(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int | None) -> Iterator[Result]:
    """Run the tasks and give their results in order, holding few at a time.

    Raises what the function raises, and Unchecked (E-IO) when Ray died.
    """
    import ray

    remote = ray.remote(max_retries=RETRIES, num_cpus=1)(_call)
    place = str(Path.cwd())
    waiting: deque[Any] = deque()
    try:
        most = _AHEAD * (workers or max(int(ray.cluster_resources().get("CPU", 1)), 1))
        for task in tasks:
            waiting.append(remote.remote(function, task, place))
            if len(waiting) > most:
                yield _given(ray.get(waiting.popleft()))
        while waiting:
            yield _given(ray.get(waiting.popleft()))
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from error
    except ray.exceptions.RayError as error:
        raise Unchecked("E-IO", "ray", _DIED) from error
    finally:
        _end(waiting)


def _end(waiting: Collection[Any]) -> None:
    """End the tasks that nobody waits for any more, and wait for that: they write where the next run will."""
    import ray

    if not waiting:
        return
    with suppress(Exception):  # Ray may be dead already
        for each in waiting:
            ray.cancel(each)
        ray.wait([*waiting], num_returns=len(waiting), timeout=_WAIT)


def _call(function: Callable[[Task], Result], task: Task, place: str) -> tuple[Result | None, DatalibError | None]:
    """Run one task where the command was called; our own errors are results here, so that Ray adds nothing to them."""
    try:
        os.chdir(place)
    except OSError as error:
        detail = f"{error.strerror}; all nodes must see the same paths"
        return None, Unchecked("E-IO", place, detail)
    try:
        return function(task), None
    except DatalibError as error:
        return None, error


def _given(answer: tuple[Result | None, DatalibError | None]) -> Any:
    result, error = answer
    if error is not None:
        raise error
    return result
