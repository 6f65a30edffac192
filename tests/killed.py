"""Run the program and kill it at its N-th touch of the file system or the network.

    python tests/killed.py N sign library --key producer.pem

Exits as the program does when it ends before that. SIGKILL: nothing of the program runs afterwards.
"""

import os
import signal
import sys

from datalib_cli.app import run

TOUCHES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "open", "os.truncate", "shutil.move", "socket.connect"}


def main() -> int:
    left = int(sys.argv[1])

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in TOUCHES or (event == "open" and not _writes(arguments)):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return run(sys.argv[2:])


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


if __name__ == "__main__":
    sys.exit(main())
