"""RDF from strangers: nothing is fetched, nothing grows, and whatever is wrong ends in one of our refusals."""

import json
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.errors import Refused
from datalib.interop import rdf_reading

GOOD = {
    "a.ttl": b'<urn:s> <urn:p> "x" .',
    "a.nt": b'<urn:s> <urn:p> "x" .',
    "a.jsonld": b'{"@id": "urn:s", "urn:p": "x"}',
    "b.jsonld": b'[{"@id": "urn:s", "urn:p": "x"}]',
    "a.rdf": b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:">'
    b'<r:Description r:about="urn:s"><u:p>x</u:p></r:Description></r:RDF>',
    "unnamed": b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:">'
    b'<rdf:Description rdf:about="urn:s"><u:p>x</u:p></rdf:Description></rdf:RDF>',
    "other": b'# a note [[[\n<urn:s> <urn:p> """[[ ( " [""" .',
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was reached for")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", GOOD)
def test_all_syntaxes_are_read(name: str) -> None:
    [(subject, predicate, _)] = rdf_reading.read(GOOD[name], name)
    assert (str(subject), str(predicate)) == ("urn:s", "urn:p")


FAR = "https://context.example/c.jsonld"
DTD = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.jsonld", json.dumps({"@context": FAR}).encode(), "E-FOREIGN-REMOTE"),
        ("a.jsonld", json.dumps([{"@context": [{}, FAR]}]).encode(), "E-FOREIGN-REMOTE"),
        ("a.jsonld", json.dumps({"urn:p": [{"@id": "urn:s", "@context": FAR}]}).encode(), "E-FOREIGN-REMOTE"),
        ("a.jsonld", json.dumps({"@context": {"a": {"@id": "urn:p", "@context": FAR}}}).encode(), "E-FOREIGN-FORMAT"),
        ("a.jsonld", json.dumps({"@context": {f"t{n}": "urn:p" for n in range(6000)}}).encode(), "E-FOREIGN-FORMAT"),
        ("a.jsonld", json.dumps([{"@context": {}}] * 60).encode(), "E-FOREIGN-FORMAT"),
        ("a.rdf", b"<a>" * 200 + b"</a>" * 200, "E-FOREIGN-FORMAT"),
        ("a.rdf", b"<r>" + b"<a xmlns:b='urn:c'/>" * 1100 + b"</r>", "E-FOREIGN-FORMAT"),
        ("a.jsonld", json.dumps({"@context": {"@import": FAR}}).encode(), "E-FOREIGN-REMOTE"),
        ("a.jsonld", b'{"a": 1, "a": 2}', "E-JSON-DUPKEY"),
        ("a.jsonld", b"[" * 100 + b"]" * 100, "E-JSON-DEPTH"),
        ("a.rdf", DTD, "E-FOREIGN-REMOTE"),
        ("a.rdf", DTD.replace(b"<!DOCTYPE", b"<! doctype"), "E-FOREIGN-FORMAT"),
        ("a.rdf", b'<?xml version="1.0" encoding="cp037"?><r/>', "E-FOREIGN-FORMAT"),
        ("a.rdf", DTD.decode().encode("utf-16"), "E-FOREIGN-REMOTE"),
        ("a.rdf", GOOD["a.rdf"].decode().encode("utf-16"), "E-FOREIGN-FORMAT"),
        ("a.rdf", b"<r:RDF", "E-FOREIGN-FORMAT"),
        ("a.ttl", b"<urn:s> <urn:p> " + b"[ <urn:p> " * 200, "E-FOREIGN-FORMAT"),
        ("a.ttl", b"<urn:s> <urn:p> " + b"(" * 200 + b")" * 200 + b".", "E-FOREIGN-FORMAT"),
        ("a.ttl", b"@prefix nothing", "E-FOREIGN-FORMAT"),
        ("a.ttl", b'<urn:s> <urn:p> "\xff" .', "E-FOREIGN-FORMAT"),
        ("a.ttl", b" " * (rdf_reading.MAX_SIZE + 1), "E-FOREIGN-FORMAT"),
    ],
)
def test_what_reaches_out_or_grows_is_refused(name: str, data: bytes, code: str) -> None:
    with pytest.raises(Refused, match=code):
        rdf_reading.read(data, name)


def test_more_triples_than_a_record_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdf_reading, "MAX_TRIPLES", 3)
    with pytest.raises(Refused, match="4 triples"):
        rdf_reading.read(b"".join(b"<urn:s> <urn:p> <urn:%d> .\n" % number for number in range(4)), "a.nt")


def test_a_parser_that_runs_out_of_stack_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdf_reading, "_MAX_BRACKETS", 1 << 20)
    with pytest.raises(Refused, match="nested too deep"):
        rdf_reading.read(b"<urn:s> <urn:p> " + b"[ <urn:p> " * 20_000, "a.ttl")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["a.ttl", "a.nt", "a.rdf", "a.jsonld", "a"]), st.binary(max_size=60))
def test_arbitrary_bytes_end_in_a_graph_or_a_refusal(name: str, data: bytes) -> None:
    for found in (data, GOOD.get(name, b"") + data):
        try:
            rdf_reading.read(found, name)
        except Refused as error:
            assert error.code.startswith(("E-FOREIGN-", "E-JSON-", "E-SCHEMA"))  # noqa: PT017 - either way is right
