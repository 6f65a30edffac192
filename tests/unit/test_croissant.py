"""Croissant, out and in: what a library says, what a description says, and what is lost either way."""

import json
from pathlib import Path
from typing import Any

import pytest

from datalib.errors import Refused
from datalib.interop import croissant, croissant_import
from datalib.interop.known import know
from tests.interop import PRODUCER, describe, live

BASE: dict[str, Any] = {"@type": "sc:Dataset", "conformsTo": croissant.VERSION, "name": "d"}


def read(value: dict[str, Any]) -> tuple[dict[str, Any], str]:
    draft = croissant_import.read(json.dumps(value).encode(), "c.json")
    return draft.document(), "\n".join(f"{note.where} {note.detail}" for note in draft.notes)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live(tmp_path_factory.mktemp("croissant"))


def test_a_library_is_described_with_digests_and_columns(library: Path) -> None:
    value = json.loads(croissant.write(know(library, base="lib")))
    files = {item["@id"]: item for item in value["distribution"]}
    assert files["words"]["contentUrl"] == "lib/words.csv"
    assert len(files["words"]["sha256"]) == 64
    assert files["listing"]["sha256"] == know(library).manifest.bound.sha256
    assert files["part"]["includes"] == ["lib/part-1.jsonl", "lib/part-2.jsonl"]
    assert {item["@type"] for item in files.values()} == {"cr:FileObject", "cr:FileSet"}
    fields = {field["@id"]: field["dataType"] for records in value["recordSet"] for field in records["field"]}
    assert fields == {
        "words-records/word": "sc:Text",
        "words-records/count": "sc:Integer",
        "part-records/a": "sc:Integer",
    }
    assert value["usageInfo"]["odrl:prohibition"]["odrl:constraint"]["odrl:operator"] == {"@id": "odrl:isNoneOf"}
    assert value["prov:wasDerivedFrom"][1] == {"@type": "prov:Entity", "prov:label": "Shelf"}


def test_what_is_said_comes_back(library: Path) -> None:
    document, lost = read(json.loads(croissant.write(know(library))))
    own = know(library).document
    for member in ("version", "homepage", "keywords", "citation"):
        assert document[member] == own[member]
    assert document["datalib"]["producer"] == {"id": PRODUCER, "name": {"en": "Steppe"}}
    assert document["datalib"]["purpose"] == own["datalib"]["purpose"]
    assert document["datalib"]["title"] == own["datalib"]["title"]
    words = next(item for item in document["resources"] if item["path"] == "words.csv")
    assert words["hash"] == next(item["hash"] for item in own["resources"] if item["path"] == "words.csv")
    assert [field["name"] for field in words["schema"]["fields"]] == ["word", "count"]
    assert {source["title"] for source in document["sources"]} == {"Own | recordings", "Shelf"}
    for member in ("identifier", "dl:owner", "usageInfo", "recordSet"):
        assert f"#/{member} " in lost


def test_a_draft_and_odd_types_are_named(tmp_path: Path) -> None:
    library = describe(tmp_path)
    path = library / "datapackage.json"
    document = json.loads(path.read_bytes())
    for member in ("homepage", "licenses", "description"):
        del document[member]
    document["resources"][-1]["schema"]["fields"][0]["type"] = "geopoint"
    document["datalib"]["producer"]["kind"] = "individual"
    path.write_text(json.dumps(document))
    of = know(library)
    assert croissant.document(of)["creator"]["@type"] == "sc:Person"
    said = " ".join(f"{note.where} {note.detail}" for note in croissant.lacking(of))
    for part in ("homepage", "licenses", "description", "a draft", "geopoint", "collections"):
        assert part in said


def test_a_description_is_sorted_into_files_sources_and_losses() -> None:
    document, lost = read(
        BASE
        | {
            "name": {"en": "D", "kk": "Д", "deu": "D"},
            "description": {"deutsch": "x"},
            "version": 2,
            "license": ["mit", {"@type": "CreativeWork", "name": "words"}, {"url": "https://x.example/l"}, 4],
            "creator": [{"name": "A", "identifier": "kz-bin:1"}, {"@type": "Person"}, "text"],
            "publisher": {"name": "A", "email": "a@x.example"},
            "keywords": "one",
            "inLanguage": ["kk"],
            "rai:dataBiases": "some",
            "distribution": [
                {"@type": "cr:FileObject", "@id": "a", "contentUrl": "a.csv", "contentSize": "7 B", "sha256": "AB"},
                {"@type": "cr:FileObject", "@id": "again", "contentUrl": "a.csv", "contentSize": "7 kB"},
                {"@type": "cr:FileObject", "@id": "far", "name": "Far", "contentUrl": "https://x.example/f.zip"},
                {"@type": "cr:FileObject", "@id": "in", "contentUrl": "x", "containedIn": {"@id": "far"}},
                {"@type": "cr:FileObject", "@id": "bad", "contentUrl": "../up.csv"},
                {"@type": "cr:FileObject", "@id": "none"},
                {"@type": "cr:FileSet", "@id": "set", "includes": "*"},
            ],
            "recordSet": [
                {
                    "field": [
                        _field("a", "x", "sc:Integer"),
                        _field("a", "y", ["wd:Q1", "sc:Number"]),
                        _field("far", "z", "sc:Text"),
                        {"@id": "joined", "source": {"field": {"@id": "x"}}},
                        {"@id": "nested", **_field("a", "q", "sc:Text"), "subField": []},
                    ]
                },
                {"field": _field("a", "x", "sc:Text")},
            ],
        }
    )
    assert document["datalib"] == {"title": {"en": "D", "kk": "Д"}, "languages": ["kk"]}
    assert document["licenses"] == [{"name": "MIT"}, {"path": "https://x.example/l"}]
    assert document["contributors"] == [{"title": "A", "roles": ["creator", "publisher"]}]
    [only] = document["resources"]
    assert (only["bytes"], only["hash"]) == (7, "sha256:ab")
    assert only["schema"]["fields"] == [{"name": "x", "type": "integer"}, {"name": "y", "type": "number"}]
    assert document["sources"] == [{"title": "Far", "path": "https://x.example/f.zip"}]
    for part in (
        "rai:dataBiases",
        "'words'",
        "'4'",
        "creator/1",
        "kz-bin:1",
        "'in'",
        "up.csv",
        "'nothing'",
        "'set'",
        "4 of 6",
    ):
        assert part in lost, part


def _field(file: str, column: str, kind: Any) -> dict[str, Any]:
    return {"dataType": kind, "source": {"fileObject": {"@id": file}, "extract": {"column": column}}}


def test_two_columns_of_one_name_make_no_schema() -> None:
    document, lost = read(
        BASE
        | {
            "distribution": {"@type": "cr:FileObject", "@id": "a", "contentUrl": "./a.csv"},
            "recordSet": {"field": [_field("a", "x", "sc:Text"), _field("a", "x", "sc:Text")]},
        }
    )
    assert "schema" not in document["resources"][0]
    assert "2 of 2" in lost


@pytest.mark.parametrize(
    "value",
    [{}, {"conformsTo": "http://mlcommons.org/croissant/0.8"}, BASE | {"@type": "sc:Person"}],
)
def test_what_is_no_croissant_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="E-FOREIGN-FORMAT"):
        read(value)


def test_parts_without_end_are_cut_and_said() -> None:
    far = [{"@type": "cr:FileObject", "@id": str(n), "contentUrl": f"https://x.example/{n}"} for n in range(1002)]
    near = [{"@type": "cr:FileObject", "@id": f"n{n}", "contentUrl": f"n{n}.csv"} for n in range(1001)]
    people = [{"name": f"p{n}"} for n in range(1001)]
    document, lost = read(BASE | {"distribution": [*far, *near], "creator": people})
    assert len(document["sources"]) == len(document["resources"]) == len(document["contributors"]) == 1000
    assert lost.count("more than 1000") == 3
