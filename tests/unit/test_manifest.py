"""Manifests: the order of faults, drafts, resources, and what survives."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import datalib_manifests
from datalib.errors import Refused
from datalib.library import manifest
from datalib.library.manifest import Input, Manifest

Document = dict[str, Any]
LISTED = {"data/transcripts.csv": "a" * 64, "b.csv": "b" * 64}


def example() -> Document:
    value: Document = json.loads(datalib_manifests.example())
    return value


def changed(change: Callable[[Document], object]) -> bytes:
    value = example()
    change(value)
    return manifest.serialise(value)


def code(function: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        function()
    return refused.value.code


def test_a_manifest_has_types() -> None:
    found = manifest.parse(datalib_manifests.example())
    assert found.producer.country == "KZ"
    assert found.purpose == ("train:asr", "eval")
    assert (found.bound.files, found.bound.to_dict()) == (3, example()["datalib"]["content"])
    assert found.paths == {"data/transcripts.csv"}
    assert found.block["languages"] == ["kk"]
    assert found.collections[0].mediatypes == ("audio/flac",)
    assert [source.title for source in found.sources] == ["Own field recordings"]


def test_what_we_do_not_know_survives() -> None:
    found = manifest.parse(changed(lambda value: value.update({"x-own": {"b": 1, "a": [None]}})))
    assert found.document["x-own"] == {"b": 1, "a": [None]}
    assert manifest.serialise(found.document).endswith(b"\n}\n")
    assert "Далалық".encode() in manifest.serialise(found.document)


def test_a_draft_lacks_content_only() -> None:
    draft = changed(lambda value: value["datalib"].pop("content"))
    found = manifest.parse_draft(draft)
    assert found.content is None
    assert "content" not in found.block
    assert code(lambda: found.bound) == "E-SCHEMA"
    assert code(lambda: manifest.parse(draft)) == "E-SCHEMA"
    assert manifest.parse_draft(datalib_manifests.example()) == manifest.parse(datalib_manifests.example())
    assert code(lambda: manifest.parse_draft(b"{}")) == "E-MANIFEST-DATALIB"
    assert code(lambda: manifest.parse_draft(changed(lambda value: value["datalib"].clear()))) == "E-SPEC-VERSION"


FAULTS: list[tuple[str, Callable[[Document], object]]] = [
    ("E-MANIFEST-DATALIB", lambda value: value.pop("datalib")),
    ("E-MANIFEST-DATALIB", lambda value: value.update(datalib="1")),
    ("E-SPEC-VERSION", lambda value: (value["datalib"].pop("spec"), value["datalib"].pop("purpose"))),
    ("E-SPEC-VERSION", lambda value: value["datalib"].update(spec=1)),
    ("E-PURPOSE-MISSING", lambda value: (value["datalib"].pop("purpose"), value.pop("sources"))),
    ("E-PURPOSE-MISSING", lambda value: value["datalib"].update(purpose=[])),
    ("E-SOURCE-MISSING", lambda value: (value.pop("sources"), value.pop("name"))),
    ("E-SOURCE-MISSING", lambda value: value.update(sources=[])),
    ("E-SCHEMA", lambda value: value["datalib"].update(purpose="train:asr")),
    ("E-SCHEMA", lambda value: value["datalib"].update(purpose=["a", "a"])),
    ("E-SCHEMA", lambda value: value.update(sources={"a": 1})),
    ("E-SCHEMA", lambda value: value.update(sources=[{"path": "x"}])),
    ("E-SCHEMA", lambda value: value.pop("name")),
    ("E-SCHEMA", lambda value: value.update(resources=[])),
    ("E-SCHEMA", lambda value: value["resources"][0].update(path=7)),
    ("E-SCHEMA", lambda value: value["datalib"]["content"].update(files=0)),
    ("E-SCHEMA", lambda value: value["datalib"].update(inputs=[_input(mode="verbatim", prefix=None)])),
    ("E-SCHEMA", lambda value: value["datalib"].update(languages=["k"])),
    ("E-SCHEMA-UNKNOWN", lambda value: value["datalib"].update(more=1)),
    ("E-SCHEMA-UNKNOWN", lambda value: value["datalib"]["producer"].update(address="x")),
    ("E-DIGEST-FORMAT", lambda value: (value["datalib"]["content"].update(root="x"), _party(value, "x"))),
    ("E-DIGEST-FORMAT", lambda value: value["datalib"].update(inputs=[_input(head="x")])),
    ("E-PARTY-ID", lambda value: (_party(value, "x"), value["datalib"].update(created="x"))),
    ("E-TIME-FORMAT", lambda value: value["datalib"].update(created="x", inputs=[_input(prefix="../")])),
    ("E-PATH-TRAVERSAL", lambda value: value["datalib"].update(inputs=[_input(prefix="../")])),
    ("E-PATH-RESERVED", lambda value: value["datalib"].update(inputs=[_input(prefix="evidence/")])),
    ("E-PATH-CHAR", lambda value: value["datalib"]["collections"][0].update(prefix="a:/")),
]


def _party(value: Document, party: str) -> str:
    value["datalib"]["producer"]["id"] = party
    return party


def _input(**members: Any) -> dict[str, Any]:
    value = {"lib": "a" * 64, "head": "b" * 64, "manifest": "c" * 64, "mode": "derived", **members}
    return {name: given for name, given in value.items() if given is not None}


@pytest.mark.parametrize(("expected", "change"), FAULTS, ids=[f"{n} {item[0]}" for n, item in enumerate(FAULTS)])
def test_each_fault_has_its_code(expected: str, change: Callable[[Document], object]) -> None:
    assert code(lambda: manifest.parse(changed(change))) == expected


def test_inputs_have_types() -> None:
    found = manifest.parse(changed(lambda value: value["datalib"].update(inputs=[_input(prefix="in/")])))
    assert found.inputs == (Input(lib="a" * 64, head="b" * 64, manifest="c" * 64, mode="derived", prefix="in/"),)


def with_resource(**members: Any) -> Manifest:
    return manifest.parse(changed(lambda value: value["resources"][0].update(members)))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"path": ["data/transcripts.csv", "b.csv"]},
        {"path": []},
        {"hash": "sha256:" + "a" * 64},
        {"schema": {"fields": []}, "dialect": {"delimiter": ";"}},
    ],
)
def test_resources_of_the_listing(members: dict[str, Any]) -> None:
    manifest.check_resources(with_resource(**members), LISTED)


@pytest.mark.parametrize(
    ("expected", "members"),
    [
        ("E-RES-REMOTE", {"path": "https://example.kz/a.csv"}),
        ("E-RES-REMOTE", {"path": ["missing.csv", "s3://bucket/a.csv"]}),
        ("E-RES-REMOTE", {"schema": "schema.json"}),
        ("E-RES-REMOTE", {"schema": ""}),
        ("E-RES-REMOTE", {"dialect": "https://example.kz/d.json"}),
        ("E-RES-UNLISTED", {"path": "missing.csv"}),
        ("E-RES-UNLISTED", {"path": ""}),
        ("E-RES-UNLISTED", {"path": ["b.csv", ""]}),
        ("E-RES-UNLISTED", {"path": ["b.csv", "missing.csv"], "hash": "x"}),
        ("E-RES-HASH-ALG", {"hash": "md5:" + "a" * 32}),
        ("E-RES-HASH-ALG", {"hash": "a" * 64}),
        ("E-RES-HASH", {"hash": "sha256:" + "b" * 64}),
        ("E-RES-HASH", {"hash": "sha256:" + "A" * 64}),
        ("E-RES-HASH", {"path": ["data/transcripts.csv", "b.csv"], "hash": "sha256:" + "a" * 64}),
        ("E-RES-HASH", {"path": [], "hash": "sha256:" + "a" * 64}),
    ],
)
def test_other_resources_are_refused(expected: str, members: dict[str, Any]) -> None:
    assert code(lambda: manifest.check_resources(with_resource(**members), LISTED)) == expected


@pytest.mark.parametrize(
    ("old", "new", "dropped"),
    [
        ([{"title": "A"}], [{"title": "A", "path": "x"}], None),
        ([{"title": "A", "path": "x"}], [{"title": "B", "path": "x"}], None),
        ([{"title": "A", "path": ["x", "y"]}], [{"title": "A", "path": ["x", "y"]}], None),
        ([{"title": "A", "path": "x"}], [{"title": "A"}], "A"),
        ([{"title": "A", "path": "x"}], [{"title": "A", "path": "y"}], "A"),
        ([{"title": "A"}, {"title": "B"}], [{"title": "A"}], "B"),
    ],
)
def test_sources_are_known_by_their_path_or_their_title(old: Any, new: Any, dropped: str | None) -> None:
    before = manifest.parse(changed(lambda value: value.update(sources=old)))
    after = manifest.parse(changed(lambda value: value.update(sources=new)))
    found = manifest.dropped_source(before, after)
    assert (found.title if found else None) == dropped
