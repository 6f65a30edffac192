"""The writers of RDF: foreign readers find the same graph in all three syntaxes, whatever the texts hold."""

import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.compare import isomorphic

from datalib.interop.triples import WRITERS, Iri, Node, Object, Text, iri_of, name, node, texts, writer_for

SYNTAX = {"turtle": "turtle", "jsonld": "json-ld", "ntriples": "nt"}
#: Any Unicode save what no RDF literal can hold,.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
OBJECTS: st.SearchStrategy[Object] = st.one_of(
    WORDS,
    st.integers(-(2**40), 2**40),
    st.booleans(),
    st.builds(lambda value: Text(value, lang="kk"), WORDS),
    st.builds(lambda value: Text(value, type="xsd:token"), WORDS),
    st.sampled_from(
        [name("dl:purpose:train:asr"), Iri("https://x.example/a%20b?c#d"), name("rdf:type"), Iri("urn:x:ж")]
    ),
)


def parsed(nodes: list[Node], writer: str) -> rdflib.Graph:
    write = next(each.write for each in WRITERS if each.name == writer)
    return rdflib.Graph().parse(data=b"".join(write(nodes)).decode(), format=SYNTAX[writer])


@settings(max_examples=40, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=4))
def test_three_syntaxes_say_the_same(values: list[Object]) -> None:
    nodes = [Node("https://x.example/s", [("dl:path", values), ("rdf:type", [name("dl:File")])])]
    turtle, jsonld, ntriples = (parsed(nodes, writer) for writer in SYNTAX)
    assert isomorphic(turtle, ntriples)
    assert isomorphic(jsonld, ntriples)
    lexical = {str(item) for item in ntriples.objects(predicate=rdflib.URIRef(name("dl:path")))}
    for value in values:
        if isinstance(value, str) and not isinstance(value, Text):
            assert str(value) in lexical


def test_json_literals_keep_their_value() -> None:
    nodes = [Node("urn:s", [("dl:access", [Text('{"a":[1,"б"]}', type="rdf:JSON")])])]
    for writer in SYNTAX:
        [value] = parsed(nodes, writer).objects()
        assert str(value).replace(" ", "") == '{"a":[1,"б"]}'


def test_only_absolute_names_are_names() -> None:
    assert iri_of("https://x.example/a b") == "https://x.example/a%20b"
    assert iri_of('urn:x:"<>') == "urn:x:%22%3C%3E"
    assert iri_of("shelf 4") is None
    assert iri_of("a:") is None
    assert iri_of("https://x.example/" + "a" * 5000) is None


def test_what_is_empty_says_nothing() -> None:
    assert node("urn:s", [], dct_title=None, dct_creator=[]).facts == []
    assert texts(None) == texts("") == []
    assert texts({"ru": "б", "en": "a"}) == [Text("a", lang="en"), Text("б", lang="ru")]


def test_the_ending_of_a_name_picks_the_syntax() -> None:
    found = [writer_for(path).name for path in ("a.ttl", "A.JSONLD", "a.json", "a.nt", "a", "")]
    assert found == ["turtle", "jsonld", "jsonld", "ntriples", "turtle", "turtle"]


def test_long_graphs_come_in_pieces() -> None:
    nodes = (Node(f"urn:s:{number}", [("dl:path", ["x" * 100])]) for number in range(2000))
    assert len(list(WRITERS[2].write(nodes))) > 3
