"""The gate of a training job: verify a library, then read it, and get only bytes that are the signed ones.

    with datalib.open("library", policy=policy, purpose="train:asr", now=now) as library:
        for batch in library.table("speech"): …

Check-then-read is a race; so every file is compared again as it is read, block by block
(`datalib.library.verified`), the listing itself too. Source: datalib trust specification §10, end.
"""

import os
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from datalib.errors import Misuse
from datalib.library import listing
from datalib.library.files import Files
from datalib.library.lookup import Lookup, verified
from datalib.library.manifest import Manifest, Resource
from datalib.library.opening import files_of
from datalib.library.verified import VerifiedFile
from datalib.trust.policy import Policy, Roots
from datalib.verify import Facts, Report, load_state, remember, verify

if TYPE_CHECKING:
    import pyarrow as pa


class Library:
    """A verified library, open for reading. Use it in a ``with`` block."""

    def __init__(self, folder: Files, report: Report) -> None:
        self._folder = folder
        self.report = report
        self.facts: Facts = report.require()
        self._listing = Lookup(folder, self.manifest.bound.sha256)

    @property
    def manifest(self) -> Manifest:
        """What the library says of itself."""
        return self.facts.manifest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the library; files that are open stay open."""
        self._listing.close()
        self._folder.__exit__(None, None, None)

    def paths(self) -> Iterator[str]:
        """Yield the paths of all data files, in the order of the listing."""
        return (line.path for line in listing.lines(self._folder, sha256=self.manifest.bound.sha256))

    def open(self, path: str) -> BufferedReader:
        """Open one data file. Raises ``Refused``: ``E-FILE-UNLISTED``; ``E-READ-DIGEST`` here or while reading."""
        return BufferedReader(self._verified(path))

    def table(self, name: str, *, batch_rows: int = 65_536) -> "Iterator[pa.RecordBatch]":
        """Yield the rows of a resource, file after file, in constant memory.

        Raises ``Misuse("E-USAGE")`` for a resource that is not there or is no table, ``Refused`` for bytes that changed
        (``E-READ-DIGEST``) or cannot be read as the format they are in (``E-TABLE-READ``).
        """
        from datalib.library.batches import read_batches

        resource = self._resource(name)
        for path in resource.paths:
            with self._verified(path) as file:
                yield from read_batches(file, resource.value, path, batch_rows)

    def _verified(self, path: str) -> VerifiedFile:
        return verified(self._folder, path, self._listing.digest(path))

    def _resource(self, name: str) -> Resource:
        for resource in self.manifest.resources:
            if resource.name == name:
                return resource
        names = ", ".join(resource.name for resource in self.manifest.resources)
        raise Misuse("E-USAGE", name, f"no such resource; there are {names}")


def open(  # noqa: A001 - read as datalib.open, like the built-in
    path: str | os.PathLike[str],
    *,
    policy: bytes | Policy,
    roots: Roots | None = None,
    now: int,
    purpose: str | None = None,
    require: Sequence[str] = ("optout",),
    state: str | os.PathLike[str] | None = None,
    data: str = "full",
    require_evidence: bool = False,
) -> Library:
    """Verify a library and open it; the keywords and defaults are those of ``datalib verify``.

    ``path`` is a folder, or a string that begins with ``s3://`` (`datalib.library.objects.Address`).
    ``now`` is in seconds since 1970. ``data="none"`` leaves the files to be checked as they are read. Raises
    ``Refused`` with the code of the first thing that is wrong, the gate's codes included; ``Unchecked``; ``Misuse``.
    """
    kept = None if state is None else Path(state)
    report = verify(
        path,
        policy=policy,
        roots=roots,
        now=now,
        memory=load_state(kept) if kept else None,
        purpose=purpose,
        require=require,
        data=data,
        require_evidence=require_evidence,
    )
    report.require()
    if kept is not None:
        remember(kept, report)
    folder = files_of(path)
    folder.__enter__()
    try:
        return Library(folder, report)
    except BaseException:  # the folder is ours until the library has it
        folder.__exit__(None, None, None)
        raise
