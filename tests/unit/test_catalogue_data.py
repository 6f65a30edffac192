"""The catalogue as data, read by programs of others: RSS by an XML parser, DCAT by rdflib, the list of Order 196."""

import json
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
import rdflib
from pyshacl import validate
from rdflib import RDF, Graph, URIRef

import datalib_vocab
from datalib.errors import Refused
from datalib.forms import order196
from datalib.interop.triples import PREFIXES
from datalib_vocab import LANGUAGES
from tests.catalogues import AGENCY, SITE, SYSTEM, Shelf, build, entries, page, shelf, sound_named
from tests.libraries import BUYER, NOW, edit
from tests.property.test_report_prop import NASTY
from tests.reports import text

DCAT = rdflib.Namespace(PREFIXES["dcat"])
DCT = rdflib.Namespace(PREFIXES["dct"])
PLACED = replace(SITE, url="https://data.example.kz/", publisher=AGENCY, title={"en": "Ours <b>", "ru": "Наш"})


@pytest.fixture
def made(tmp_path: Path) -> Shelf:
    return shelf(tmp_path / "libraries")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def feed(out: Path, lang: str = "en") -> Element:
    """Parse a feed; what it would take for a document type is refused first."""
    data = (out / lang / "changes.xml").read_bytes()
    assert b"<!" not in data
    channel = fromstring(data).find("channel")  # noqa: S314 - our own, without a document type
    assert channel is not None
    return channel


def told(out: Path, lang: str = "en") -> list[tuple[str, str]]:
    return [(item.findtext("title", ""), item.findtext("link", "")) for item in feed(out, lang).findall("item")]


# --- RSS


def test_a_feed_tells_what_is_new_in_each_language(made: Shelf, out: Path) -> None:
    build(out, made.folder, site=PLACED)
    for lang, new in {"en": "New: ", "kk": "Жаңа: ", "ru": "Новая: "}.items():
        channel = feed(out, lang)
        assert channel.findtext("language") == lang
        assert channel.findtext("link") == f"https://data.example.kz/{lang}/index.html"
        items = channel.findall("item")
        assert len({item.findtext("guid") for item in items}) == len(items) == 4
        for item in items:
            assert item.findtext("title", "").startswith(new)
            assert parsedate_to_datetime(item.findtext("pubDate", "")).timestamp() == NOW
            link = item.findtext("link", "")
            assert (out / link.removeprefix("https://data.example.kz/")).is_file()


def test_news_is_what_happened_the_newest_first(made: Shelf, out: Path) -> None:
    build(out, made.folder)
    library = sound_named(made.path("later"), "later")
    build(out, made.folder, site=replace(SITE, now=NOW + 1))
    library.transfer().publish()
    edit(made.path("good") / "data/a.txt", lambda data: data.upper())
    build(out, made.folder, site=replace(SITE, now=NOW + 2))
    assert [title for title, _ in told(out)][:2] in (
        ["Changed: later", "Refused: good"],
        ["Refused: good", "Changed: later"],
    )
    library.withdraw(by=BUYER).publish()
    build(out, made.folder, site=replace(SITE, now=NOW + 3))
    assert told(out)[0][0] == "Withdrawn: later"
    before = (out / "en/changes.xml").read_bytes()
    build(out, made.folder, site=replace(SITE, now=NOW + 4))
    assert (out / "en/changes.xml").read_bytes() == before


def test_without_an_address_links_are_relative_to_the_feed(made: Shelf, out: Path) -> None:
    build(out, made.path("good"))
    ((_, link),) = told(out)
    assert (out / "en" / link).is_file()


def test_hostile_names_are_no_markup_to_any_reader(tmp_path: Path, out: Path) -> None:
    for number, name in enumerate(NASTY):
        sound_named(tmp_path / "l" / str(number), f"l{number}", document={"title": name})
    build(out, tmp_path / "l", site=PLACED)
    titles = [title for title, _ in told(out)]
    assert len(titles) == len(NASTY)
    assert any("<script>alert(1)</script>" in title for title in titles)
    assert any("[U+202E]yrarbil" in title for title in titles)
    for item in feed(out).findall("item"):
        assert "<" not in item.findtext("description", "")


# --- DCAT


def test_the_whole_catalogue_reads_the_same_as_turtle_and_as_json_ld(made: Shelf, out: Path) -> None:
    build(out, made.folder, site=PLACED)
    turtle = Graph().parse(out / "catalogue.ttl", format="turtle")
    linked = Graph().parse(out / "catalogue.jsonld", format="json-ld")
    assert set(turtle) == set(linked)
    own = URIRef("https://data.example.kz/")
    assert (own, RDF.type, DCAT.Catalog) in turtle
    found = entries(out)
    listed = {str(one) for one in turtle.objects(own, DCAT.dataset)}
    assert listed == {entry.iri for entry in found.values() if entry.state != "refused"}
    assert len(listed) == 3
    for one in turtle.objects(own, DCAT.dataset):
        assert (one, RDF.type, DCAT.Dataset) in turtle
        assert turtle.value(one, DCT.title) is not None


def test_the_catalogue_says_what_dcat_ap_makes_mandatory(made: Shelf, out: Path) -> None:
    build(out, made.path("good"), site=PLACED)
    graph = Graph().parse(out / "catalogue.ttl", format="turtle")
    shapes = Graph().parse(data=datalib_vocab.read("dcat-ap-core.ttl"), format="turtle")
    conforms, _, why = validate(graph, shacl_graph=shapes)
    assert conforms, why


def test_what_a_page_embeds_is_what_its_file_says(made: Shelf, out: Path) -> None:
    sound_named(made.path("hostile"), "h", document={"title": "".join(NASTY)[:1900]})
    build(out, made.folder)
    for entry in entries(out).values():
        if entry.state == "refused":
            continue
        folder = out / "library" / entry.key
        (script,) = page(out, f"library/{entry.key}/en.html").css('script[type="application/ld+json"]')
        embedded = Graph().parse(data=script.text(), format="json-ld")
        assert set(embedded) == set(Graph().parse(folder / "dcat.jsonld", format="json-ld"))
        assert set(embedded) == set(Graph().parse(folder / "dcat.ttl", format="turtle"))
        assert URIRef(entry.iri) in set(embedded.subjects(RDF.type, DCAT.Dataset))


def test_a_description_that_is_too_large_stands_in_the_file_alone(tmp_path: Path, out: Path) -> None:
    keywords = [f"keyword-{number:05}" for number in range(4000)]
    library = sound_named(tmp_path / "large", "large", document={"keywords": keywords})
    build(out, library.folder)
    (entry,) = entries(out).values()
    assert (out / "library" / entry.key / "dcat.jsonld").stat().st_size > 32 << 10
    tree = page(out, f"library/{entry.key}/en.html")
    assert not tree.css("script")
    assert len(tree.html or "") < 100_000


def test_catalogues_without_an_address_are_told_apart(made: Shelf, tmp_path: Path) -> None:
    names = set()
    for number, title in enumerate(("One", "Two")):
        build(tmp_path / str(number), made.path("good"), site=replace(SITE, title={"en": title}))
        graph = Graph().parse(tmp_path / str(number) / "catalogue.ttl", format="turtle")
        names |= set(graph.subjects(RDF.type, DCAT.Catalog))
    assert len(names) == 2


# --- Order 196


def test_the_list_of_order_196_is_a_page_and_data(made: Shelf, out: Path) -> None:
    build(out, made.path("good"), site=replace(SITE, systems=[SYSTEM]))
    columns = order196.wording()["published"]
    for lang in LANGUAGES:
        tree = page(out, f"{lang}/order196.html")
        heads = [one.text() for one in tree.css("thead th")]
        assert heads == [one.replace("\n", "") for one in columns.values()]
        assert "Eye <b>" in text(tree, "tbody")
        assert not tree.css("tbody b")
        (section,) = tree.css("main section")
        assert section.attributes["lang"] == "kk"
        assert "order196.html" in str(page(out, f"{lang}/index.html").html)
    data = json.loads((out / "order196.json").read_text(encoding="utf-8"))
    assert data["systems"] == [{key: SYSTEM[key] for key in columns if key != "no"}]
    build(out, made.path("good"))
    assert not list(out.rglob("order196*"))


def test_a_list_with_a_gap_is_refused_before_anything_is_written(made: Shelf, out: Path) -> None:
    with pytest.raises(Refused, match="E-FORM-INCOMPLETE"):
        build(out, made.path("good"), site=replace(SITE, systems=[SYSTEM | {"listed_on": "2999-01-01"}]))
    assert not out.exists()
