"""What is known of a library before it is put into a foreign format, and how well it is known.

    declared   read from manifest and chain; nothing was verified
    signed     signatures, chain and listing were verified, not all bytes of the data read
    verified   every byte was read too

Whatever the level, purposes, sources, licences and the like stay what they are: the producer's signed statements.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from datalib import unverified
from datalib.chain import history, links
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library import listing, manifest
from datalib.library.listing import Line
from datalib.library.manifest import Manifest
from datalib.library.store import Folder
from datalib.library.upgrade import Note
from datalib.verify import Report

DECLARED: Final = "declared"
SIGNED: Final = "signed"
VERIFIED: Final = "verified"

LOST: Final = "W-FOREIGN-LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A library as it is about to be exported.

    ``past`` is ``None`` for a draft. ``times``: T by event id, as far as it was verified. ``base``: what stands before
    the paths of files in the export, a URL or a folder with ``/`` at its end, or nothing.
    """

    path: Path
    manifest: Manifest
    sha256: str
    past: unverified.Record | None
    assurance: str
    times: Mapping[str, int]
    base: str = ""

    @property
    def library(self) -> str | None:
        """The id of the library, ``None`` for a draft."""
        return self.past.library if self.past else None

    @property
    def document(self) -> Mapping[str, Any]:
        """The manifest as it was read."""
        return self.manifest.document

    @property
    def block(self) -> Mapping[str, Any]:
        """The block ``datalib`` as it was read."""
        return self.manifest.block

    def address(self, path: str) -> str:
        """Give a path with the base before it, percent-encoded if that is a URL."""
        return self.base + (quote(path) if "://" in self.base else path)

    def description(self) -> str | Mapping[str, str] | None:
        """Give the description in all languages, else the plain one, if there is any."""
        return self.block.get("description") or text_of(self.document, "description")


def know(path: Path, report: Report | None = None, *, base: str = "") -> Known:
    """Read a library. ``report``: of its verification, if there was one; the facts are then held against it.

    Raises ``Refused``: the code of the report if integrity does not hold; ``E-MANIFEST-STALE`` or
    ``E-MANIFEST-DIGEST`` if the manifest is not the version signed last; ``E-FILE-CHANGED`` if the library is not the
    one that was verified; the codes of manifest and chain.
    """
    if report is not None and not report.integrity.ok:
        no = report.integrity
        raise Refused(no.code, no.where, no.detail)
    with Folder(path) as folder:
        data = unverified.current(folder)
        past = unverified.record(folder) if folder.exists(links.NAME) else None
    digest = sha256_hex(data)
    if past is not None:
        history.check_current(digest, past.chain)
    if base and not base.endswith("/"):
        base += "/"
    found = Known(
        path=path,
        manifest=manifest.parse_draft(data),
        sha256=digest,
        past=past,
        assurance=DECLARED,
        times={},
        base=base,
    )
    return found if report is None else _verified(found, report)


def _verified(found: Known, report: Report) -> Known:
    facts = report.facts
    if facts is None or found.past is None or facts.head != found.past.head.id:
        raise Refused("E-FILE-CHANGED", links.NAME, "not the chain that was verified")
    times = {event.id: event.trusted for event in facts.events if event.trusted is not None}
    return replace(found, assurance=VERIFIED if report.complete else SIGNED, times=times)


def files(known: Known) -> Iterator[Line]:
    """Yield the files of a signed library one by one; ``E-NOT-SIGNED`` for a draft, the codes of the listing."""
    if known.past is None:
        raise Refused("E-NOT-SIGNED", str(known.path))
    bound = known.manifest.bound
    with Folder(known.path) as folder:
        if known.assurance == DECLARED:
            listing.examine(folder, expected=bound)
        yield from listing.lines(folder, sha256=bound.sha256)


def pick(names: Mapping[str, Any], lang: str) -> str:
    """Give a text of a language map: in the language, else in one that its readers know best."""
    order = {"kk": ("kk", "ru", "en"), "ru": ("ru", "kk", "en")}.get(lang, (lang, "en", "ru", "kk"))
    found = next((names[one] for one in order if names.get(one)), None) or next(iter(names.values()), "")
    return str(found)


def text_of(value: Mapping[str, Any], member: str) -> str | None:
    """Give a member that is a text with something in it."""
    found = value.get(member)
    return found.strip() if isinstance(found, str) and found.strip() else None


def objects_of(value: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    """Give the objects of a member that should be a list of objects."""
    found = value.get(member)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def strings_of(value: Mapping[str, Any], member: str) -> list[str]:
    """Give the texts of a member that should be a list of texts, or is one text."""
    found = value.get(member)
    found = [found] if isinstance(found, str) else found
    return [item for item in found if isinstance(item, str) and item.strip()] if isinstance(found, list) else []


def lost(where: str, detail: str) -> Note:
    """Say what the other format has no place for."""
    return Note(code=LOST, where=where, detail=detail)
