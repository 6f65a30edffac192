"""The sources that the manifest of a library names: which of them are judged, and which name a right to their works."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datalib.errors import Refused, Unchecked
from datalib.formats import sha256_hex
from datalib.optout import licence

MANIFEST = "datapackage.json"
#: What the ids of judged sources begin with.
SOURCE = "source"
#: What a source may give as its ``basis`` that is a right to use it (datalib manifest, "sources").
_RIGHTS = ("public_domain", "own", "licence", "not_a_work")


class Named(NamedTuple):
    """A source of a library that is judged as a work: its number, its address, what it says of its licence."""

    number: int
    url: str | None
    licence: str | None


def read_manifest(folder: Path) -> Any:
    """Read the manifest of a library; None when the folder is none."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Refused("E-JSON-SYNTAX", str(path), str(error)) from error


def sources_of(manifest: Any) -> list[dict[str, Any]]:
    """Give the sources that a manifest names."""
    sources = manifest.get("sources") if isinstance(manifest, dict) else None
    return [source if isinstance(source, dict) else {} for source in sources] if isinstance(sources, list) else []


def grants(source: Mapping[str, Any]) -> bool:
    """Say whether a source names a right to its works.

    That nothing forbids them (``no_prohibition``) is none, nor is a licence with a limit that a training set may break.
    """
    named = _licence_of(source)
    if named and licence.is_limited(named):
        return False
    return bool(named) or source.get("basis") in _RIGHTS


def _licence_of(source: Mapping[str, Any]) -> str | None:
    """Give what a source says of its licence, in either member, as one text."""
    named = [said for said in (source.get("license"), source.get("licenses")) if said]
    return json.dumps(named, ensure_ascii=False).encode("utf-8", "replace").decode() if named else None


def named_sources(sources: Sequence[dict[str, Any]]) -> Iterator[Named]:
    """Give the sources that are judged as works: those with an address, and those whose licence sets a limit."""
    for number, source in enumerate(sources):
        path, named = source.get("path"), _licence_of(source)
        url = path.encode("utf-8", "replace").decode() if isinstance(path, str) and "://" in path else None
        if url or (named and licence.is_limited(named)):
            yield Named(number, url, named)


def digest_of(sources: Sequence[Named]) -> str | None:
    """Name the sources that are judged, by all that is judged of them; None where there are none."""
    return sha256_hex(json.dumps(sources).encode()) if sources else None
