"""Kill a process of a scan at a chosen moment: loaded by every Python that has this folder in PYTHONPATH.

    DATALIB_KILL=WHOM:N:SECONDS:OUT

When a worker is about to touch the result in OUT for the N-th time, and SECONDS later, kill once: ``self``, the worker;
``parent``, the process that starts workers, here or of Ray's node; ``grandparent``, the command. ``OUT.killed`` says
that it was done.
"""

import os
import signal
import sys
import threading
from multiprocessing import parent_process
from pathlib import Path

_ORDER = os.environ.get("DATALIB_KILL", "")
_TOUCHES = {"os.rename", "os.remove", "open"}


def _watch(whom: str, left: int, delay: float, out: str) -> None:
    def kill() -> None:
        try:
            os.close(os.open(f"{out}.killed", os.O_CREAT | os.O_EXCL))
        except OSError:  # another worker was faster
            return
        os.kill(_pid(whom), signal.SIGKILL)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in _TOUCHES or not str(arguments[0]).startswith(f"{out}/") or not _is_worker():
            return
        left -= 1
        if left == 0:
            timer = threading.Timer(delay, kill)
            timer.daemon = True
            timer.start()
            if not delay:
                timer.join()

    sys.addaudithook(hook)


def _pid(whom: str) -> int:
    if whom == "self":
        return os.getpid()
    parent = os.getppid()
    stat = Path(f"/proc/{parent}/stat").read_text(encoding="ascii")
    return parent if whom == "parent" else int(stat.rpartition(")")[2].split()[1])


def _is_worker() -> bool:
    on_ray = "ray._private.worker" in sys.modules and "datalib_cli.app" not in sys.modules
    return on_ray or parent_process() is not None


if _ORDER:
    _whom, _number, _delay, _out = _ORDER.split(":", 3)
    _watch(_whom, int(_number), float(_delay), _out)
