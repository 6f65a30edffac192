"""The least that a library costs: read every file of a folder and hash it with SHA-256, in threads; nothing else.

python reference_hash.py FOLDER [THREADS]
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

_BLOCK = 1 << 20


def files(folder: str) -> Iterator[tuple[int, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from files(entry.path)
            else:
                yield entry.stat(follow_symlinks=False).st_size, entry.path


def hash_some(paths: Iterator[str]) -> list[tuple[str, str]]:
    """Take paths from an iterator that all threads share until none is left."""
    buffer, found = bytearray(_BLOCK), []
    view = memoryview(buffer)
    for path in paths:
        digest = hashlib.sha256()
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (the cheapest way; this is the yardstick)
            while count := file.readinto(buffer):
                digest.update(view[:count])
        found.append((path, digest.hexdigest()))
    return found


def main(folder: str, threads: int) -> None:
    paths = iter([path for _, path in sorted(files(folder), reverse=True)])
    with ThreadPoolExecutor(threads) as pool:
        parts = [pool.submit(hash_some, paths) for _ in range(threads)]
        for part in parts:
            sys.stdout.writelines(f"{digest}  {path}\n" for path, digest in part.result())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2)
