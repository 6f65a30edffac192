"""The manifest: what a data library says of itself, in ``datapackage.json``.

A Data Package (v2) with one block ``datalib``. Any strict JSON spelling will do: what is bound is the SHA-256 of its
bytes. Members that this program does not know survive in ``document``. Source: datalib trust specification §6 and §10,
step 5.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datalib import schema
from datalib.canonical import canonical
from datalib.canonical import parse as parse_json
from datalib.errors import Refused
from datalib.formats import check_digest, parse_time
from datalib.library.paths import check_path
from datalib.trust.parties import Producer

NAME = "datapackage.json"
SPEC = "1"
#: In bytes (datalib trust specification §3, C7).
MAX_MANIFEST = 16 * 1024 * 1024

_HASH = "sha256:"
_DRAFT_CONTENT = {"files": 1, "bytes": 0, "sha256": "0" * 64, "root": "0" * 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What binds the files: their number and bytes, the SHA-256 of the listing, the root of its lines."""

    files: int
    bytes: int
    sha256: str
    root: str

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        return {"files": self.files, "bytes": self.bytes, "sha256": self.sha256, "root": self.root}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A library from which this one was assembled: which, at which of its events, and how its files were taken."""

    lib: str
    head: str
    manifest: str
    mode: str
    prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where data came from; known by its path, without one by its title. ``value`` is the whole member."""

    title: str
    value: Mapping[str, Any]

    @property
    def path(self) -> bytes | None:
        """The path in RFC 8785 form, to be compared."""
        return canonical(self.value["path"]) if "path" in self.value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A part of the library that has a description of its own. ``value`` is the whole member."""

    name: str
    paths: tuple[str, ...]
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Files below a prefix (all, if it is empty) that no resource names."""

    prefix: str
    files: int
    bytes: int
    mediatypes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One version of a manifest. A draft has no ``content`` yet."""

    name: str
    resources: tuple[Resource, ...]
    sources: tuple[Source, ...]
    producer: Producer
    purpose: tuple[str, ...]
    content: Content | None
    inputs: tuple[Input, ...]
    collections: tuple[Collection, ...]
    document: Mapping[str, Any]

    @property
    def block(self) -> Mapping[str, Any]:
        """The block ``datalib`` as it was read."""
        block: Mapping[str, Any] = self.document["datalib"]
        return block

    @property
    def title(self) -> str | Mapping[str, str]:
        """The title in all languages, else the one title, else the name."""
        titles: Mapping[str, str] = self.block.get("title") or {}
        plain = self.document.get("title")
        return titles or (plain.strip() if isinstance(plain, str) else "") or self.name

    @property
    def bound(self) -> Content:
        """The content of a version that is no draft; ``E-SCHEMA`` for a draft."""
        if self.content is None:
            raise Refused("E-SCHEMA", f"{NAME}#/datalib", "a draft: it has no content yet")
        return self.content

    @property
    def paths(self) -> frozenset[str]:
        """All paths that resources name."""
        return frozenset(path for resource in self.resources for path in resource.paths)


def parse(data: bytes, where: str = NAME) -> Manifest:
    """Read a manifest.

    Raises ``Refused`` with the first error in this order: strict JSON, ``E-MANIFEST-DATALIB``, ``E-SPEC-VERSION``,
    ``E-PURPOSE-MISSING``, ``E-SOURCE-MISSING``, ``E-SCHEMA``, ``E-SCHEMA-UNKNOWN``, ``E-DIGEST-FORMAT``,
    ``E-PARTY-ID``, ``E-TIME-FORMAT``, ``E-PATH-*``.
    """
    return from_document(parse_json(data, limit=MAX_MANIFEST, where=where), where)


def parse_draft(data: bytes, where: str = NAME) -> Manifest:
    """Read a manifest or a draft of one, which may lack ``datalib.content``; errors as in ``parse``."""
    document = parse_json(data, limit=MAX_MANIFEST, where=where)
    block = document.get("datalib")
    if not isinstance(block, dict) or "content" in block:
        return from_document(document, where)
    complete = from_document({**document, "datalib": {**block, "content": _DRAFT_CONTENT}}, where)
    return _typed(document, content=None, producer=complete.producer)


def from_document(document: Mapping[str, Any], where: str = NAME) -> Manifest:
    """Check a parsed manifest and give it types; errors as in ``parse``."""
    block = document.get("datalib")
    if not isinstance(block, dict):
        raise Refused("E-MANIFEST-DATALIB", where, "no block 'datalib': a data package, but no data library")
    if block.get("spec") != SPEC:
        raise Refused("E-SPEC-VERSION", f"{where}#/datalib/spec", f"this program knows spec {SPEC!r}")
    if block.get("purpose") in (None, "", [], {}):
        raise Refused("E-PURPOSE-MISSING", f"{where}#/datalib/purpose", "no purpose is declared")
    if document.get("sources") in (None, "", [], {}):
        raise Refused("E-SOURCE-MISSING", f"{where}#/sources", "no source is named")
    schema.check("manifest", document, where)
    place = f"{where}#/datalib"
    _check_digests(block, place)
    producer = Producer.from_dict(block["producer"], f"{place}/producer")
    if "created" in block:
        parse_time(block["created"], f"{place}/created")
    for item in (*block.get("inputs", ()), *block.get("collections", ())):
        if item.get("prefix"):
            check_path(item["prefix"][:-1])
    return _typed(document, content=Content(**block["content"]), producer=producer)


def serialise(document: Mapping[str, Any]) -> bytes:
    """Write a manifest for people: two spaces, UTF-8, a final line feed."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def check_resources(manifest: Manifest, listed: Mapping[str, str], where: str = NAME) -> None:
    """Check every resource against the listing; ``listed`` gives the SHA-256 of the paths that are in it.

    Raises ``Refused``: ``E-RES-REMOTE``, ``E-RES-UNLISTED``, ``E-RES-HASH-ALG``, ``E-RES-HASH``. Source: datalib trust
    specification §6, "Resources".
    """
    for number, resource in enumerate(manifest.resources):
        place = f"{where}#/resources/{number}"
        if reference := next(_references(resource), None):
            raise Refused("E-RES-REMOTE", place, f"{reference[:200]!r} is outside the library")
        unlisted = next((path for path in resource.paths if path not in listed), None)
        if unlisted is not None:  # it may be an empty text
            raise Refused("E-RES-UNLISTED", place, unlisted)
        if "hash" in resource.value:
            _check_hash(resource, listed, place)


def dropped_source(old: Manifest, new: Manifest) -> Source | None:
    """Give a source of the old version that the new one does not have any more."""
    paths = {source.path for source in new.sources}
    titles = {source.title for source in new.sources}
    for source in old.sources:
        if source.path not in paths if "path" in source.value else source.title not in titles:
            return source
    return None


def _references(resource: Resource) -> Iterator[str]:
    yield from (path for path in resource.paths if "://" in path)
    members = (resource.value.get(member) for member in ("schema", "dialect"))
    yield from (value or "''" for value in members if isinstance(value, str))


def _check_hash(resource: Resource, listed: Mapping[str, str], place: str) -> None:
    given = resource.value["hash"]
    if not given.startswith(_HASH):
        raise Refused("E-RES-HASH-ALG", place, f"hash {given[:40]!r} is not {_HASH}…")
    if len(resource.paths) != 1:
        raise Refused("E-RES-HASH", place, f"one hash for {len(resource.paths)} paths")
    if given != _HASH + listed[resource.paths[0]]:
        raise Refused("E-RES-HASH", place, "the hash is not that of the listing")


def _check_digests(block: Mapping[str, Any], where: str) -> None:
    for member in ("sha256", "root"):
        check_digest(block["content"][member], f"{where}/content/{member}")
    for number, item in enumerate(block.get("inputs", ())):
        for member in ("lib", "head", "manifest"):
            check_digest(item[member], f"{where}/inputs/{number}/{member}")


def _typed(document: Mapping[str, Any], *, content: Content | None, producer: Producer) -> Manifest:
    block = document["datalib"]
    return Manifest(
        name=document["name"],
        resources=tuple(
            Resource(name=value["name"], paths=_paths(value), value=value) for value in document["resources"]
        ),
        sources=tuple(Source(title=value["title"], value=value) for value in document["sources"]),
        producer=producer,
        purpose=tuple(block["purpose"]),
        content=content,
        inputs=tuple(Input(**value) for value in block.get("inputs", ())),
        collections=tuple(
            Collection(**{**value, "mediatypes": tuple(value["mediatypes"])}) for value in block.get("collections", ())
        ),
        document=document,
    )


def _paths(resource: Mapping[str, Any]) -> tuple[str, ...]:
    path = resource.get("path", ())
    return (path,) if isinstance(path, str) else tuple(path)
