"""Verify a library that is packed into one file, without trusting its paths, sizes or links.

    1  every header is read, nothing is written (`datalib.archive.unpack.survey`)
    2  the numbers of the manifest are believed only if the chain, signed by keys of the policy, names this manifest
    3  within these numbers it is unpacked into a new folder that only this user can open
    4  there it is verified like any other library; the folder is removed

A run that is killed leaves the folder behind; no later run looks at it. Source: datalib trust specification §12, codes
271 to 274.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Required, TypedDict, Unpack

from datalib.archive import unpack
from datalib.archive.reading import Archive, Kind
from datalib.archive.unpack import Survey
from datalib.chain import history, links
from datalib.engine import Engine
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import manifest as manifests
from datalib.library.descent import trouble
from datalib.library.hashing import Progress
from datalib.library.manifest import Content
from datalib.library.paths import is_record
from datalib.library.sampling import DataMode
from datalib.trust.policy import Policy, Roots
from datalib.trust.state import Memory
from datalib.verify import Report, believe, verify

#: How the folders begin that archives are unpacked to.
PREFIX = "datalib-unpacked-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A verified archive: its report, its kind, and what its headers said, ``None`` if they were refused."""

    report: Report
    kind: Kind
    found: Survey | None


def is_packed(path: str | os.PathLike[str]) -> bool:
    """Tell whether this is a file, so that it can only be a packed library."""
    return Path(path).is_file()


class Options(TypedDict, total=False):
    """The arguments of ``datalib.verify.verify`` but the folder."""

    policy: Required[bytes | Policy]
    roots: Roots | None
    now: Required[int]
    memory: Memory | None
    purpose: str | None
    engine: Engine | None
    require: Sequence[str]
    data: str
    require_evidence: bool
    threads: int | None
    progress: Progress | None
    seed: bytes | None


def verify_packed(
    archive: str | os.PathLike[str], *, scratch: str | os.PathLike[str] | None = None, **options: Unpack[Options]
) -> Packed:
    """Verify a packed library; arguments, answers and what is raised are those of `unpacked`."""
    with unpacked(archive, scratch=scratch, **options) as (packed, _):
        return packed


@contextmanager
def unpacked(
    archive: str | os.PathLike[str], *, scratch: str | os.PathLike[str] | None = None, **options: Unpack[Options]
) -> Iterator[tuple[Packed, Path | None]]:
    """Verify a packed library; arguments and answers are those of ``datalib.verify.verify``.

    It is unpacked below ``scratch`` (default: the system's folder for temporary files), without its data if none is
    read, into a folder that is there until the context ends, ``None`` if it was refused before. Refusals, those of the
    archive too, are in the report. Raises ``Unchecked`` if something cannot be read or written, ``Misuse`` if the
    request makes no sense.
    """
    mode, memory = DataMode.parse(options.get("data", "full")), options.get("memory")
    with Archive(archive) as opened, ExitStack() as kept:
        found: Survey | None = None
        folder: str | None = None
        try:
            believed = believe(options["policy"], options.get("roots"), options["now"], memory)
            found = unpack.survey(opened)
            unpack.check_size(found, _signed_content(found, believed))
            below = scratch or tempfile.gettempdir()
            with trouble(str(below)):
                folder = kept.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX, dir=below))
                _unpack(opened, found, folder, reserved_only=mode.count == 0)
                report = verify(folder, **options)
        except Refused as error:
            report = Report.refused(error, data=mode.text, memory=memory)
        yield Packed(report=report, kind=opened.kind, found=found), Path(folder) if folder else None


def _signed_content(found: Survey, policy: Policy) -> Content:
    """Give the numbers of the manifest: steps 2 and 3 of verification, and that the last event names this manifest.

    They bound what is unpacked; whether the library is sound is for the whole verification to say. A library with two
    faults may be refused for the second of them here: the log proofs of step 4 are not unpacked yet.
    """
    chain = links.read(_kept(found, links.NAME, missing="E-CHAIN-MISSING", too_large="E-CHAIN-SIZE"), policy)
    links.check(chain, policy)
    data = _kept(found, manifests.NAME, missing="E-MANIFEST-MISSING", too_large="E-JSON-SIZE")
    history.check_current(sha256_hex(data), chain)
    return manifests.parse(data).bound


def _kept(found: Survey, name: str, *, missing: str, too_large: str) -> bytes:
    if name not in found.kept:
        raise Refused(missing, name)
    data = found.kept[name]
    if data is None:
        raise Refused(too_large, name)
    return data


def _unpack(archive: Archive, found: Survey, folder: str, *, reserved_only: bool) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        unpack.unpack(archive, found, descriptor, is_record if reserved_only else lambda _: True)
    finally:
        os.close(descriptor)
