"""The names that things have in our graphs, all below one address.

    library/LIB             the library          library/LIB/MANIFEST       one version of it
    library/LIB/MANIFEST/files/PATH              one of its files
    draft/MANIFEST          a library that nobody has signed yet
    event/ID   party/ID     what happened, and to whom
    ns#LIST:CODE            a code, such as ns#purpose:train:asr

Source: datalib manifest, last section.
"""

from typing import Final
from urllib.parse import quote

from datalib.interop.known import Known
from datalib.interop.triples import PREFIXES, Iri

BASE: Final = "https://w3id.org/datalib/"


def library(known: Known) -> Iri:
    """Name the library; a draft is named by the digest of its manifest."""
    return other_library(known.library) if known.library else Iri(f"{BASE}draft/{known.sha256}")


def other_library(lib: str) -> Iri:
    """Name a library by its id."""
    return Iri(f"{BASE}library/{lib}")


def version(known: Known, sha256: str | None = None) -> Iri:
    """Name a version, by default the current one; a draft is its own only version."""
    return Iri(f"{library(known)}/{sha256 or known.sha256}") if known.library else library(known)


def event(identifier: str) -> Iri:
    """Name an event."""
    return Iri(f"{BASE}event/{identifier}")


def party(identifier: str) -> Iri:
    """Name a party by its id."""
    return Iri(f"{BASE}party/{identifier}")


def code(of: str, value: str) -> Iri:
    """Name a code of a list."""
    return Iri(f"{PREFIXES['dl']}{of}:{quote(value, safe=':')}")


def part(of: str, kind: str, what: str | int) -> Iri:
    """Name a part of something: a source, a resource, a file."""
    return Iri(f"{of}/{kind}/{quote(str(what), safe='/')}")
