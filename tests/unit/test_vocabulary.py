"""The vocabulary as RDF: made of the data, in agreement with the program, the manifest's schema and the README."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest
import rdflib
from rdflib import RDF, RDFS, SKOS, URIRef

from datalib import acts
from datalib.chain import events
from datalib.interop import vocabulary
from datalib.interop.triples import PREFIXES
from datalib.library.declarations import BASES
from datalib_manifests import example, schema
from datalib_vocab import LANGUAGES, read
from tests.vocabulary import FOLDER, files, main

DL = PREFIXES["dl"]


def _languages(found: Iterable[Any]) -> set[str]:
    return {text.language for text in found}


def _json(name: str) -> Any:
    return json.loads(read(name))


@pytest.fixture(scope="module")
def graph() -> rdflib.Graph:
    found = rdflib.Graph()
    for name in ("datalib.ttl", "codes.ttl"):
        found.parse(data=read(name).decode(), format="turtle")
    return found


def test_the_files_are_what_the_data_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert main(["--write"]) == 0
    assert all((FOLDER / name).read_bytes() == data for name, data in files().items())


def test_every_term_and_code_has_a_label_in_three_languages(graph: rdflib.Graph) -> None:
    kinds = [URIRef(PREFIXES["owl"] + kind) for kind in ("Class", "ObjectProperty", "DatatypeProperty")]
    terms = [term for kind in kinds for term in graph.subjects(RDF.type, kind)]
    assert len(terms) > 70
    for term in terms:
        assert _languages(graph.objects(term, RDFS.label)) == set(LANGUAGES), term
        assert _languages(graph.objects(term, SKOS.definition)) == set(LANGUAGES), term
    for code in graph.subjects(RDF.type, SKOS.Concept):
        assert _languages(graph.objects(code, SKOS.prefLabel)) == set(LANGUAGES), code
        defined = graph.objects(next(iter(graph.objects(code, SKOS.broader)), code), SKOS.definition)
        own = _languages(graph.objects(code, SKOS.definition))
        assert own == set(LANGUAGES) or ("#method:" in str(code) and _languages(defined) == set(LANGUAGES)), code
        assert any(True for _ in graph.objects(code, SKOS.inScheme)), code


def test_the_lists_hold_what_the_program_and_the_schema_take() -> None:
    lists = {name: set(entry["codes"]) for name, entry in _json("codelists.json")["lists"].items()}
    defs = schema("manifest")["$defs"]
    assert lists["basis"] == set(BASES)
    assert lists["reason"] == set(acts.REASONS) == set(defs["amend"]["properties"]["reason"]["enum"])
    assert lists["right"] == {events.OWNERSHIP, events.POSSESSION}
    assert lists["result"] == set(defs["claim"]["properties"]["result"]["enum"])
    assert lists["kind"] == set(defs["producer"]["properties"]["kind"]["enum"])
    assert lists["organised"] == set(defs["producer"]["properties"]["organised"]["items"]["enum"])
    inputs = defs["manifest"]["properties"]["datalib"]["properties"]["inputs"]["items"]["properties"]
    assert lists["mode"] == set(inputs["mode"]["enum"])


def test_every_member_of_the_block_has_a_term() -> None:
    named = {term.get("member", "").split("/")[0] for term in _json("terms.json")["properties"].values()}
    block = schema("manifest")["$defs"]["manifest"]["properties"]["datalib"]["properties"]
    of_others = {
        "producer",
        "content",
        "title",
        "description",
        "languages",
        "created",
        "optout",
    }  # terms of others, or unwritten
    assert set(block) - of_others <= named
    assert {"purpose", "inputs", "collections", "sector"} <= named


def test_the_statutory_terms_are_those_of_the_readme() -> None:
    text = read("README.md").decode()
    section = text.partition("### Statutory terms")[2].partition("\n###")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", section, re.MULTILINE)
    ][2:]
    told = [
        [
            entry["label"]["en"],
            ", ".join([entry["label"]["kk"]]) + (" (ours)" if "kk" in entry.get("ours", ()) else ""),
            entry["label"]["ru"],
            entry["source"],
        ]
        for entry in _json("codelists.json")["statutory"].values()
    ]
    assert rows == told


def test_groups_hold_every_purpose_and_method() -> None:
    for name, of in (("purposes.json", "purpose"), ("methods.json", "method")):
        data = _json(name)
        used = {vocabulary.group_of(of, code, entry) for code, entry in data["known"].items()}
        assert used == set(data["groups"])


def test_a_manifest_is_rdf_when_the_context_is_put_before_it() -> None:
    manifest = json.loads(example())
    context = json.loads(read("context.jsonld"))
    text = json.dumps({**context, **manifest, "@id": "urn:library"})
    graph = rdflib.Graph().parse(data=text, format="json-ld")
    own = URIRef("urn:library")
    assert {str(code) for code in graph.objects(own, URIRef(DL + "purposeCode"))} == {"train:asr", "eval"}
    producer = next(graph.objects(own, URIRef(DL + "producer")))
    assert str(next(graph.objects(producer, URIRef(DL + "partyId")))) == manifest["datalib"]["producer"]["id"]
    assert _languages(graph.objects(producer, URIRef(PREFIXES["foaf"] + "name"))) == {"kk", "ru", "en"}
    source = next(graph.objects(own, URIRef(DL + "source")))
    assert URIRef(DL + "basis:own") in set(graph.objects(source, URIRef(DL + "basis")))
    assert str(next(graph.objects(source, URIRef(DL + "collectedFrom")))) == "2026-01-10"
    bound = next(graph.objects(own, URIRef(PREFIXES["dcat"] + "hasCurrentVersion")))
    assert str(next(graph.objects(bound, URIRef(DL + "files")))) == "3"
