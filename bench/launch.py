"""Run one program and write down what it used; imports nothing, so that its own memory hides nobody's.

    python -I -S launch.py RESULT PROGRAM [ARGUMENT …]

A new process counts the memory of the one that started it into its peak: a small starter keeps that small.
"""

import os
import sys
import time


def main(result: str, arguments: list[str]) -> None:
    began = time.perf_counter()
    pid = os.posix_spawn(arguments[0], arguments, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    figures = (os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
    with open(result, "w", encoding="ascii") as file:  # noqa: PTH123 (pathlib would be most of this program's memory)
        file.write(" ".join(map(repr, figures)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
