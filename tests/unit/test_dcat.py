"""DCAT records become drafts: one data set, what it says of itself, and a list of what was left."""

from typing import Any

import pytest

from datalib.errors import Refused
from datalib.interop import dcat
from datalib.interop.licences import hub_of, licence_of, spdx_of, url_of

HEAD = """
@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix dl: <https://w3id.org/datalib/ns#> . @prefix eu: <http://publications.europa.eu/resource/authority/> .
"""
RICH = """
<urn:d> a dcat:Dataset ; dct:title "Plain", "Other", "Сөз"@kk ; dct:description "Words"@en, "Слова"@ru ;
  dcat:keyword "b", "a" ; dcat:landingPage <https://x.example/> ; dct:issued "2026-01-01" ; dct:modified "2026-02-01" ;
  dct:language <http://publications.europa.eu/resource/authority/language/KAZ>, "ru",
    <http://publications.europa.eu/resource/authority/language/XXX> ;
  dct:publisher [ foaf:name "Body" ], <urn:unknown> ; dct:creator "Somebody" ; dct:identifier "7" ;
  dcat:contactPoint [ vcard:fn "Desk" ; vcard:hasEmail <mailto:d@x.example> ] ; dcat:theme <urn:theme> ;
  <urn:odd> 1 ; dl:purposeCode "eval" ; dcat:version "2" ;
  dct:license <https://creativecommons.org/licenses/by/4.0/> ;
  dcat:distribution <urn:one>, <urn:two>, <urn:three> .
<urn:one> dct:title "CSV" ; dcat:downloadURL <https://x.example/a.csv> ; dcat:accessURL <https://x.example/> ;
  dct:license <http://publications.europa.eu/resource/authority/licence/CC0> .
<urn:two> dcat:accessURL <https://x.example/b> ; dct:license "words" .
[] a dcat:Dataset .
"""


def read(text: str, **options: Any) -> tuple[dict[str, Any], list[str]]:
    draft = dcat.read((HEAD + text).encode(), "r.ttl", **options)
    return draft.document(), [f"{note.where} {note.detail}" for note in draft.notes]


def test_what_a_record_says_is_taken_over_and_the_rest_is_named() -> None:
    document, lost = read(RICH)
    assert document["title"] == "Other"
    assert document["description"] == "Words"
    assert document["datalib"] == {
        "title": {"kk": "Сөз"},
        "description": {"en": "Words", "ru": "Слова"},
        "languages": ["kk", "ru"],
        "purpose": ["eval"],
    }
    assert document["keywords"] == ["a", "b"]
    assert document["contributors"] == [
        {"title": "Body", "roles": ["publisher"]},
        {"title": "Somebody", "roles": ["creator"]},
        {"title": "Desk", "roles": ["contact"], "email": "d@x.example"},
    ]
    assert {source["path"] for source in document["sources"]} == {"https://x.example/a.csv", "https://x.example/b"}
    assert {licence["name"] for licence in document["licenses"]} == {"CC-BY-4.0", "CC0-1.0"}
    named = "\n".join(lost)
    for part in ("XXX", "urn:unknown", "urn:three", "dcat:theme", "urn:odd", "'words'", "without a name", "1 more"):
        assert part in named, part


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("", None),
        ("<urn:a> a dcat:Dataset . <urn:b> a dcat:Dataset .", None),
        ("[] a dcat:Dataset . [] a dcat:Dataset .", None),
        ("<urn:a> a dcat:Dataset .", "urn:b"),
    ],
)
def test_which_data_set_is_meant_must_be_clear(text: str, dataset: str | None) -> None:
    with pytest.raises(Refused, match="E-FOREIGN-DATASETS"):
        read(text, dataset=dataset)


def test_one_of_several_is_chosen_by_its_name() -> None:
    text = '<urn:a> a dcat:Dataset ; dct:title "A" . <urn:b> a dcat:Dataset ; dct:title "B" .'
    assert read(text, dataset="urn:b")[0]["title"] == "B"
    assert read('[] a dcat:Dataset ; dct:title "C" .')[0]["title"] == "C"


def test_licences_are_translated_only_when_that_is_certain() -> None:
    assert spdx_of("http://creativecommons.org/publicdomain/zero/1.0/") == "CC0-1.0"
    assert spdx_of("https://creativecommons.org/licenses/by-nc/2.5/legalcode") == "CC-BY-NC-2.5"
    assert spdx_of("https://spdx.org/licenses/MIT.html") == "MIT"
    assert spdx_of("https://choosealicense.com/licenses/apache-2.0/") == "Apache-2.0"
    assert spdx_of("http://publications.europa.eu/resource/authority/licence/ODC_BY") is None
    assert spdx_of("unknown") is None
    assert licence_of("mit") == {"name": "MIT"}
    assert licence_of("https://x.example/terms") == {"path": "https://x.example/terms"}
    assert licence_of("other") is None
    assert url_of({"name": "MIT"}) == "https://spdx.org/licenses/MIT"
    assert url_of({"name": 4}) is url_of({}) is None
    assert hub_of({"name": "ODbL-1.0"}) == "odbl"
    assert hub_of({"path": "https://creativecommons.org/licenses/by/4.0/"}) == "cc-by-4.0"
    assert hub_of({"name": "House"}) is None
