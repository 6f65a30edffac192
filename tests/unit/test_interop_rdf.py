"""A library as RDF: complete, the same in three syntaxes, in the shapes it should have, and honest about what it is."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib import RDF, URIRef

from datalib.errors import Misuse, Refused
from datalib.formats import parse_time
from datalib.interop import formats, known
from datalib.interop.known import Known, know
from datalib.interop.triples import PREFIXES
from datalib.library.store import Folder
from datalib.trust.keys import PublicKey
from datalib.trust.policy import Policy
from datalib.verify import Report, verify
from datalib_vocab import read
from tests.interop import AUDITOR, BUYER, PRODUCER, describe, do, live

SYNTAX = {"turtle": "turtle", "jsonld": "json-ld", "ntriples": "nt"}


def term(short: str) -> URIRef:
    prefix, _, local = short.partition(":")
    return URIRef(PREFIXES[prefix] + local)


def exported(of: Known, to: str, **options: Any) -> bytes:
    return b"".join(formats.export(of, to, **options).chunks)


def graph(of: Known, to: str, **options: Any) -> rdflib.Graph:
    return rdflib.Graph().parse(data=exported(of, to, **options).decode(), format=SYNTAX.get(to, "turtle"))


def report(library: Path, data: str = "full") -> Report:
    keys = [
        (party, PublicKey.from_pem((library.parent / f"{label}.pub.pem").read_bytes(), label))
        for party, label in ((PRODUCER, "producer"), (BUYER, "buyer"), (AUDITOR, "auditor"))
    ]
    policy, now = Policy.vouch(keys), parse_time("2026-04-01T00:00:00Z")
    return verify(library, policy=policy, now=now, require=(), data=data)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live(tmp_path_factory.mktemp("rdf"))


@pytest.fixture(scope="module")
def whole(library: Path) -> rdflib.Graph:
    return graph(know(library, report(library)), "turtle", with_files=True)


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return describe(tmp_path_factory.mktemp("draft"))


def test_three_syntaxes_hold_the_same_triples(library: Path, whole: rdflib.Graph) -> None:
    of = know(library, report(library))
    ntriples = set(graph(of, "ntriples", with_files=True))
    assert ntriples == set(whole)
    jsonld = graph(of, "jsonld", with_files=True)
    assert len(jsonld) == len(whole)
    assert {triple for triple in jsonld if not str(triple[2]).startswith("{")} <= ntriples


def test_the_history_is_there(whole: rdflib.Graph) -> None:
    kinds = {str(kind) for kind in whole.objects(predicate=RDF.type)}
    assert {str(term(f"dl:{kind}")) for kind in ("Genesis", "Transfer", "Amend", "Attest")} <= kinds
    [revision] = whole.subject_objects(term("prov:wasRevisionOf"))
    assert revision[0] != revision[1]
    [own] = whole.subjects(RDF.type, term("dl:DataLibrary"))
    assert str(next(whole.objects(own, term("dct:publisher")))).endswith(BUYER)
    assert str(next(whole.objects(own, term("dct:creator")))).endswith(PRODUCER)
    assert next(whole.objects(own, term("dl:assurance"))) == term("dl:assurance:verified")
    [same] = whole.objects(predicate=term("owl:sameAs"))
    assert str(same).startswith("https://orcid.org/")
    assert len(list(whole.subjects(RDF.type, term("dl:File")))) == 5


def test_every_word_of_ours_is_in_the_vocabulary(whole: rdflib.Graph) -> None:
    known_terms = rdflib.Graph().parse(data=read("datalib.ttl").decode(), format="turtle")
    codes = rdflib.Graph().parse(data=read("codes.ttl").decode(), format="turtle")
    defined = {*known_terms.subjects(), *codes.subjects()}
    said = {item for triple in whole for item in triple if str(item).startswith(PREFIXES["dl"])}
    assert said - defined == {term("dl:purpose:train:house")}  # a code of the producer's own


def test_the_graph_has_the_shapes_of_ours_and_of_dcat_ap(library: Path, whole: rdflib.Graph) -> None:
    import pyshacl

    shapes = rdflib.Graph()
    for name in ("shapes.ttl", "dcat-ap-core.ttl"):
        shapes.parse(data=read(name).decode(), format="turtle")

    def conforms(data: rdflib.Graph) -> tuple[bool, str]:
        answer, _, text = pyshacl.validate(data, shacl_graph=shapes)
        return answer, text

    for data in (whole, graph(know(library), "dcat"), graph(know(library), "prov")):
        answer, text = conforms(data)
        assert answer, text
    for predicate in ("dl:producer", "dct:title", "dcat:accessURL", "foaf:name", "dl:purpose", "dl:claimedTime"):
        broken = rdflib.Graph()
        broken += whole
        broken.remove((None, term(predicate), None))
        assert not conforms(broken)[0], predicate


def test_a_catalogue_names_addresses_licences_and_what_was_checked(library: Path) -> None:
    of = know(library, base="https://cdn.example/v1")
    found = graph(of, "dcat", name="record.ttl")
    assert {str(item) for item in found.objects(predicate=term("dcat:downloadURL"))} >= {
        "https://cdn.example/v1/words.csv",
    }
    assert {str(item) for item in found.objects(predicate=term("dcat:accessURL"))} == {"https://steppe.example/get"}
    [said] = set(found.objects(predicate=term("dct:provenance")))
    words = {str(text) for text in found.objects(said, term("rdfs:label"))}
    assert any("nothing was verified" in text for text in words)
    licences = set(found.subjects(RDF.type, term("dct:LicenseDocument")))
    assert licences == {URIRef("https://spdx.org/licenses/CC-BY-4.0")}
    notes = {note.where for note in formats.export(of, "dcat").notes}
    assert {"licenses/1", "contributors", "sources", "datalib/purpose", "citation"} <= notes


def test_the_syntax_of_a_catalogue_follows_the_name_of_its_file(library: Path) -> None:
    of = know(library)
    assert exported(of, "dcat", name="a.jsonld").startswith(b'{"@context"')
    assert exported(of, "prov", name="a.nt").startswith(b"<https://")
    assert exported(of, "prov").startswith(b"@prefix")


def test_how_much_was_verified_is_said(library: Path) -> None:
    assert know(library).assurance == known.DECLARED
    assert know(library, report(library, "none")).assurance == known.SIGNED
    assert know(library, report(library)).assurance == known.VERIFIED


def test_a_draft_is_a_catalogue_entry_without_history(draft: Path) -> None:
    of = know(draft)
    found = graph(of, "turtle")
    [own] = found.subjects(RDF.type, term("dl:DataLibrary"))
    assert "/draft/" in str(own)
    assert not list(found.subjects(RDF.type, term("dl:Event")))
    for to, options in (("prov", {}), ("ntriples", {"with_files": True})):
        with pytest.raises(Refused, match="E-NOT-SIGNED"):
            exported(of, to, **options)


def test_a_thin_library_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "a.txt").write_text("a")
    do(
        tmp_path,
        *(
            "init",
            "@library",
            "--producer-id",
            "x-a:b",
            "--producer-name",
            "en=A",
            "--purpose",
            "eval",
            "--source",
            "A",
        ),
    )
    path = tmp_path / "library" / "datapackage.json"
    document = json.loads(path.read_bytes())
    odd: dict[str, Any] = {"share": True, "imitates": 4}
    document |= {"created": "soon", "homepage": "no address"}
    document["sources"][0] |= {"collected": {"from": "soon", "to": 4}, "method": 4, "path": 4, "targeted": "no"}
    document["datalib"] |= {"synthetic": odd, "access": {"regime": "odd"}, "languages": ["xq"], "title": {"ru": "А"}}
    one, two = ({"lib": digit * 64, "head": "c" * 64, "manifest": "d" * 64} for digit in "ab")
    document["datalib"]["inputs"] = [one | {"mode": "subset", "prefix": "p/"}, two | {"mode": "derived"}]
    document["datalib"]["producer"] |= {"kind": "individual", "country": "KZ", "organised": ["collection"]}
    path.write_text(json.dumps(document))
    of = know(tmp_path / "library")
    found = graph(of, "turtle")
    assert not list(found.subjects(RDF.type, term("dcat:Distribution")))
    assert not list(found.objects(predicate=term("dl:syntheticShare")))
    assert term("dl:kind:individual") in set(found.objects(predicate=term("dl:partyKind")))
    assert URIRef("http://id.loc.gov/vocabulary/iso639-1/xq") in set(found.objects(predicate=term("dct:language")))
    assert URIRef(f"https://w3id.org/datalib/library/{'a' * 64}") in set(found.objects(predicate=term("prov:entity")))
    assert {str(mode) for mode in found.objects(predicate=term("dl:mode"))} == {
        str(term("dl:mode:subset")),
        str(term("dl:mode:derived")),
    }
    notes = {note.where for note in formats.export(of, "turtle").notes}
    assert {"description", "datalib/access/url"} <= notes


def test_a_withdrawn_library_says_so(tmp_path: Path) -> None:
    library = describe(tmp_path)
    do(tmp_path, "sign", "@library", "--key", "@producer.pem", "--now", "2026-03-01T00:00:00Z")
    do(
        tmp_path,
        *("withdraw", "@library", "--reason", "over", "--key", "@producer.pem", "--now", "2026-03-02T00:00:00Z"),
    )
    found = graph(know(library), "turtle")
    [own] = found.subjects(RDF.type, term("dl:DataLibrary"))
    assert list(found.objects(own, term("prov:wasInvalidatedBy")))
    assert list(found.objects(own, term("adms:status"))) == [URIRef("http://purl.org/adms/status/Withdrawn")]
    assert "over" in {str(text) for text in found.objects(predicate=term("dl:withdrawalReason"))}


def test_what_is_not_the_signed_library_is_not_exported(tmp_path: Path) -> None:
    library = describe(tmp_path)
    do(tmp_path, "sign", "@library", "--key", "@producer.pem", "--now", "2026-03-01T00:00:00Z")
    sound = report(library)
    (library / "words.csv").write_text("changed")
    with pytest.raises(Refused, match="E-FILE-DIGEST"):
        know(library, report(library))
    (library / "datapackage.json").write_bytes((library / "datapackage.json").read_bytes() + b"\n")
    with pytest.raises(Refused, match="E-MANIFEST-DIGEST"):
        know(library)
    do(tmp_path, "sign", "@library", "--key", "@producer.pem", "--now", "2026-03-02T00:00:00Z")
    with pytest.raises(Refused, match="E-FILE-CHANGED"):
        know(library, sound)


@pytest.mark.parametrize("to", ["dcat", "prov", "croissant", "hf-card"])
def test_every_file_fits_into_rdf_only(library: Path, to: str) -> None:
    with pytest.raises(Misuse, match="E-USAGE"):
        formats.export(know(library), to, with_files=True)


def test_files_are_never_held(library: Path, tmp_path: Path) -> None:
    """The listing is streamed: memory is that of a piece, however many files there are."""
    many = 6000
    of = _with_listing(library, tmp_path, many)
    tracemalloc.start()
    lines = sum(chunk.count(b"\n") for chunk in formats.export(of, "ntriples", with_files=True).chunks)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines > many * 4
    assert peak < 6 << 20  # a megabyte of the listing, its lines, a piece of output


def _with_listing(library: Path, tmp_path: Path, many: int) -> Known:
    """Give a library whose listing is as long as asked for; its files are not there, and are not looked at."""
    from dataclasses import replace

    from datalib.library import listing
    from datalib.library.listing import Line
    from datalib.library.manifest import Content

    def names() -> Iterator[Line]:
        return (Line("ab" * 32, f"data/{number:08}.txt") for number in range(many))

    with Folder(tmp_path) as folder:
        made = listing.write(folder, names())
    content = Content(files=made.files, bytes=0, sha256=made.sha256, root=made.root)
    of = know(library)
    return replace(of, path=tmp_path, manifest=replace(of.manifest, content=content))
