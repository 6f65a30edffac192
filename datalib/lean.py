"""Processes that are datalib's own, the command and its workers, leave out what they would import for nothing."""

import os
import sys


class _Without:
    """A finder of modules that refuses pandas and leaves the others to the next."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=name)


def begin_lean() -> None:
    """Let this process not import pandas, and not begin threads for matrices, which nothing here multiplies.

    Arrow imports pandas with its first array, wherever it is installed, to see whether it was given something of it:
    a quarter of what starting a scan takes, in each process. Those threads wait in a loop, on a core that others could
    use. To be called before numpy is imported; not for a program that others write.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.meta_path.insert(0, _Without())
