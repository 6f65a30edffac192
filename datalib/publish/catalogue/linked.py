"""The catalogue as DCAT: a file about each library, and one about all, written as a stream."""

import json
from collections.abc import Iterator
from typing import Final

from datalib.canonical import canonical
from datalib.formats import format_time, sha256_hex
from datalib.interop import names, rdf
from datalib.interop.known import Known
from datalib.interop.triples import (
    PREFIXES,
    Iri,
    Node,
    Text,
    iri_of,
    node,
    texts,
    write_jsonld,
    write_ntriples,
    write_turtle,
)
from datalib.library.store import Folder
from datalib.publish.catalogue.entry import Entry
from datalib.publish.catalogue.site import Site
from datalib.publish.catalogue.spool import Spool
from datalib.publish.wording import Wording
from datalib_vocab import LANGUAGES

_LIMIT: Final = 64 << 20  # bytes of the description of one library, which this program has written itself


def of_library(known: Known) -> tuple[bytes, bytes]:
    """Describe a library; give Turtle and JSON-LD."""
    nodes = list(rdf.as_catalogue(known))
    return b"".join(write_turtle(nodes)), b"".join(write_jsonld(nodes))


def turtle(site: Site, spool: Spool, folder: Folder) -> Iterator[bytes]:
    """Yield the whole catalogue as Turtle."""
    yield from write_turtle(_catalogue(site))
    for entry, data in _described(spool, folder, "dcat.ttl"):
        yield from write_ntriples([_member(site, entry)])
        yield data


def jsonld(site: Site, spool: Spool, folder: Folder) -> Iterator[bytes]:
    """Yield the whole catalogue as JSON-LD, one node a line."""
    yield b'{"@context": ' + json.dumps(dict(PREFIXES)).encode() + b',\n"@graph": [\n'
    yield b",\n".join(_lines(b"".join(write_jsonld(_catalogue(site)))))
    for entry, data in _described(spool, folder, "dcat.jsonld"):
        for line in (*_lines(b"".join(write_jsonld([_member(site, entry)]))), *_lines(data)):
            yield b",\n" + line
    yield b"\n]}\n"


def _lines(document: bytes) -> Iterator[bytes]:
    for each in json.loads(document)["@graph"]:
        yield json.dumps(each, ensure_ascii=False).encode()


def _described(spool: Spool, folder: Folder, name: str) -> Iterator[tuple[Entry, bytes]]:
    """Yield what describes each library; nothing is said of one that is refused."""
    for entry in spool.keyed():
        if entry.iri:
            yield (
                entry,
                folder.read(
                    f"library/{entry.key}/{name}", limit=_LIMIT, missing="E-FILE-MISSING", too_large="E-JSON-SIZE"
                ),
            )


def _name(site: Site) -> Iri:
    """Name the catalogue: by its address, else by who publishes it and how it is called."""
    if own := iri_of(site.url):
        return own
    said = canonical([dict(site.title), site.publisher.id if site.publisher else ""])
    return Iri(f"{names.BASE}catalogue/{sha256_hex(said)[:16]}")


def _catalogue(site: Site) -> Iterator[Node]:
    title = {lang: site.name(Wording(lang=lang)) for lang in LANGUAGES}
    about = {lang: Wording(lang=lang).text("catalogue.about") for lang in LANGUAGES}
    by = site.publisher
    yield node(
        _name(site),
        ["dcat:Catalog"],
        dct_title=texts(title),
        dct_description=texts(about),
        dct_publisher=names.party(by.id) if by else None,
        dct_modified=Text(format_time(site.now), type="xsd:dateTime"),
        foaf_homepage=iri_of(site.url),
    )
    if by:
        yield node(names.party(by.id), ["foaf:Agent"], foaf_name=texts(by.name), dl_partyId=by.id)


def _member(site: Site, entry: Entry) -> Node:
    return node(_name(site), [], dcat_dataset=Iri(entry.iri))
