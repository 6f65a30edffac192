"""The checks. Each fails closed: what could not be checked is an error, in one line, with the code of datalib.

Frictionless checks resource by resource; what is true of the package is checked once for each of its resources.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
from frictionless import Check, Error, Resource, Row, errors

from datalib.errors import DatalibError, Misuse
from frictionless_datalib.decided import Unwanted, unwanted

_PROPERTY: Final = {"type": "string"}
_Classes = list[type[Error]]


class LibraryError(errors.ResourceError):
    """The package is not the data library that it should be."""

    type = "datalib-library"
    title = "Data library"
    description = "The package is not the data library that it should be, or that could not be checked"
    template = "{note}"


class OptOutRowError(errors.RowError):
    """A row is there that may not be."""

    type = "datalib-optout-row"
    title = "Opt-out"
    description = "A row is there that its author has opted out, or about which nothing is known"
    template = "Row at position {rowNumber}: {note}"


def _said(error: DatalibError) -> LibraryError:
    from datalib_vocab import text

    parts = [error.code, error.where, text(error.code, "en") + (f" ({error.detail})" if error.detail else "")]
    return LibraryError(note=": ".join(part for part in parts if part))


def folder_of(resource: Resource) -> Path:
    """Give the folder of the package; ``Misuse("E-USAGE")`` for a resource without one."""
    if resource.package is None:
        raise Misuse("E-USAGE", resource.name or "", "validate the datapackage.json of the library, not a file of it")
    return Path(resource.basepath or ".")


class _LibraryCheck(Check):
    """A check whose refusals are errors of the resource."""

    Errors: ClassVar[_Classes] = [LibraryError]

    def validate_start(self) -> Iterable[Error]:
        """Check the package; what stops the check is an error too."""
        try:
            self.check(folder_of(self.resource))
        except DatalibError as error:
            yield _said(error)

    def check(self, folder: Path) -> None:
        """Refuse a package that does not pass."""
        raise NotImplementedError


@attrs.define(kw_only=True, repr=False)
class ProducerCheck(_LibraryCheck):
    """The package says who its producer is."""

    type = "datalib-producer"

    def check(self, folder: Path) -> None:
        """Read the manifest, a draft too: it must name a producer with right check digits."""
        _read_manifest(folder)


@attrs.define(kw_only=True, repr=False)
class ChainCheck(_LibraryCheck):
    """The package is a library whose chain is valid; with ``require``, whose gate is open.

    ``keys`` is a list of ``ID=PUB.pem``, or ``policy`` and ``roots`` are files. ``data``: how the listed files are
    read, ``none`` by default, as Frictionless hashes the resources. ``now``: the time to judge, by default the clock.
    """

    type = "datalib-chain"
    keys: list[str] = attrs.field(factory=list)
    policy: str = ""
    roots: str = ""
    data: str = "none"
    now: str = ""
    require: list[str] = attrs.field(factory=list)

    metadata_profile_patch: ClassVar[dict[str, Any]] = {
        "properties": {
            "keys": {"type": "array", "items": _PROPERTY},
            "policy": _PROPERTY,
            "roots": _PROPERTY,
            "data": _PROPERTY,
            "now": _PROPERTY,
            "require": {"type": "array", "items": _PROPERTY},
        }
    }

    def check(self, folder: Path) -> None:
        """Verify the library."""
        _verify(
            str(folder),
            _fingerprint(folder),
            (tuple(self.keys), self.policy, self.roots),
            self.data,
            self.now,
            tuple(self.require),
        )


@attrs.define(kw_only=True, repr=False)
class OptOutCheck(Check):
    """No row or file is there that the scan of folder ``scan`` did not admit."""

    type = "datalib-optout"
    Errors: ClassVar[_Classes] = [LibraryError, OptOutRowError]
    scan: str = ""
    _unwanted: Unwanted | None = attrs.field(default=None, init=False)
    _seen: int = attrs.field(default=0, init=False)

    metadata_profile_patch: ClassVar[dict[str, Any]] = {"properties": {"scan": _PROPERTY}}

    def connect(self, resource: Resource) -> None:
        """Begin with a resource."""
        super().connect(resource)
        self._unwanted, self._seen = None, 0

    def validate_start(self) -> Iterable[Error]:
        """Read what was decided about the files of the resource; they must be the ones that were scanned."""
        try:
            if not self.scan:
                raise Misuse("E-USAGE", "scan", "the folder that `datalib scan` wrote is needed")
            paths = [path for path in (self.resource.path, *self.resource.extrapaths) if path]
            self._unwanted = unwanted(folder_of(self.resource), paths, Path(self.scan))
        except DatalibError as error:
            yield _said(error)
            return
        for path, reason in self._unwanted.files:
            yield LibraryError(note=f"{path}: {reason}")

    def validate_row(self, row: Row) -> Iterable[Error]:
        """Compare a row with what was decided about it."""
        if self._unwanted is not None:
            reason = self._unwanted.rows.get(self._seen)
            if reason:
                yield OptOutRowError.from_row(row, note=reason)
        self._seen += 1

    def validate_end(self) -> Iterable[Error]:
        """Make sure that the rows counted here are the rows that were scanned."""
        found = self._unwanted
        if found is not None and found.total and found.total != self._seen:
            yield LibraryError(
                note=f"{self._seen} rows here, {found.total} in the scan: they cannot be told apart safely"
            )


CHECKS: Final[dict[str, type[Check]]] = {each.type: each for each in (ProducerCheck, ChainCheck, OptOutCheck)}
ERRORS: Final[dict[str, type[Error]]] = {each.type: each for each in (LibraryError, OptOutRowError)}


def _read_manifest(folder: Path) -> None:
    from datalib import unverified
    from datalib.library.store import Folder

    with Folder(folder) as opened:
        unverified.read_manifest(opened)


def _fingerprint(folder: Path) -> str:
    from datalib import unverified
    from datalib.chain import links
    from datalib.formats import sha256_hex
    from datalib.library.store import Folder

    with Folder(folder) as opened:
        chain = opened.read(links.NAME, limit=links.MAX_CHAIN, missing="E-NOT-SIGNED", too_large="E-CHAIN-SIZE")
        return sha256_hex(chain) + sha256_hex(unverified.current(opened))


@lru_cache(maxsize=2)
def _verify(
    folder: str,
    _fingerprint: str,
    trust: tuple[tuple[str, ...], str, str],
    data: str,
    now: str,
    require: tuple[str, ...],
) -> None:
    """Verify a library, once for all resources of the package. A refusal is not kept, and found again."""
    from datalib.errors import Refused
    from datalib.verify import verify
    from datalib_cli.base import clock
    from datalib_cli.options import TrustOptions

    keys, policy, roots = trust
    given = TrustOptions.verifying(Path(policy) if policy else None, Path(roots) if roots else None, keys)
    believed, pinned = given.believed()
    report = verify(folder, policy=believed, roots=pinned, now=clock(now or None), require=require, data=data)
    refusal = report.refusal if require else None if report.integrity.ok else report.integrity
    if refusal is not None:
        raise Refused(refusal.code, refusal.where, refusal.detail)
