"""Purposes and sources: their forms, what is unknown, what is forbidden."""

import json
from typing import Any

import pytest

import datalib_vocab
from datalib.errors import Refused
from datalib.library import draft
from datalib.library.declarations import check_purposes, check_sources


def test_known_purposes() -> None:
    known = list(json.loads(datalib_vocab.read("purposes.json"))["known"])
    assert check_purposes(known) == []


def test_unknown_purposes_are_warned_of() -> None:
    assert [(note.code, note.where, note.detail) for note in check_purposes(["eval", "train:birdsong"])] == [
        ("W-PURPOSE-UNKNOWN", "purpose/1", "train:birdsong")
    ]


@pytest.mark.parametrize("name", ["purposes.json"])
@pytest.mark.parametrize("kind", ["known", "forbidden"])
def test_labels_in_three_languages(name: str, kind: str) -> None:
    for code, entry in json.loads(datalib_vocab.read(name))[kind].items():
        assert set(entry["label"]) == set(datalib_vocab.LANGUAGES), code
        assert all(entry["label"].values()), code


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], "E-PURPOSE-MISSING"),
        (["social-scoring"], "E-PURPOSE-FORBIDDEN"),
        (["eval", "train:social-scoring"], "E-PURPOSE-FORBIDDEN"),
        (["emotion-without-consent:eval"], "E-PURPOSE-FORBIDDEN"),
        (["train:asr", "train:asr"], "E-SCHEMA"),
        (["social_scoring"], "E-SCHEMA"),
        (["Eval"], "E-SCHEMA"),
        (["1eval"], "E-SCHEMA"),
        (["eval\n"], "E-SCHEMA"),
        (["a" * 65], "E-SCHEMA"),
        ([5], "E-SCHEMA"),
    ],
)
def test_refused_purposes(codes: list[Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        check_purposes(codes)
    assert caught.value.code == code


def test_full_source() -> None:
    source = {
        "title": "Open archive",
        "path": "https://example.kz",
        "method": "web-scraping-crawling-textual",
        "collected": {"from": "2026-01-01", "to": "2026-02-01"},
        "basis": "no_prohibition",
        "license": "CC-BY-4.0",
        "targeted": True,
        "targetDefinition": "statutes",
        "origin": "public-register",
        "crawler": {"name": "Bot", "userAgent": "Bot/1", "respects": ["robots.txt"]},
        "foreign": {"kept": True},
    }
    assert check_sources([source, {"title": "b", "method": "own", "collected": {"to": "2026-01-01"}}]) == []


def test_unknown_method_is_warned_of() -> None:
    assert [note.where for note in check_sources([{"title": "a", "method": "telepathy"}])] == ["sources/0/method"]


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("text", "sources/0"),
        ({}, "sources/0/title"),
        ({"title": " "}, "sources/0/title"),
        ({"title": "x" * 2001}, "sources/0/title"),
        ({"title": "a", "path": ""}, "sources/0/path"),
        ({"title": "a", "method": "Web Scraping"}, "sources/0/method"),
        ({"title": "a", "collected": "2026"}, "sources/0/collected"),
        ({"title": "a", "collected": {}}, "sources/0/collected"),
        ({"title": "a", "collected": {"from": 2026}}, "sources/0/collected"),
        ({"title": "a", "collected": {"from": "2026-13-01"}}, "sources/0/collected"),
        ({"title": "a", "collected": {"from": "2026-02-01", "to": "2026-01-01"}}, "sources/0/collected"),
        ({"title": "a", "collected": {"since": "2026-02-01"}}, "sources/0/collected"),
        ({"title": "a", "basis": "fair_use"}, "sources/0/basis"),
        ({"title": "a", "basis": []}, "sources/0/basis"),
        ({"title": "a", "license": 5}, "sources/0/license"),
        ({"title": "a", "targeted": "yes"}, "sources/0/targeted"),
        ({"title": "a", "targeted": True}, "sources/0/targetDefinition"),
        ({"title": "a", "targetDefinition": ""}, "sources/0/targetDefinition"),
        ({"title": "a", "origin": "A B"}, "sources/0/origin"),
        ({"title": "a", "crawler": "Bot"}, "sources/0/crawler"),
        ({"title": "a", "crawler": {"name": 5}}, "sources/0/crawler"),
        ({"title": "a", "crawler": {"respects": "robots"}}, "sources/0/crawler"),
        ({"title": "a", "crawler": {"respects": [""]}}, "sources/0/crawler"),
        ({"title": "a", "crawler": {"mail": "x"}}, "sources/0/crawler"),
    ],
)
def test_ill_formed_sources(source: Any, place: str) -> None:
    with pytest.raises(Refused) as caught:
        check_sources([source])
    assert (caught.value.code, caught.value.where) == ("E-SCHEMA", place)


def test_leaks_and_no_source() -> None:
    with pytest.raises(Refused, match="E-SOURCE-LEAK: sources/0/origin"):
        check_sources([{"title": "a", "origin": "leak"}])
    with pytest.raises(Refused, match="E-SOURCE-MISSING"):
        check_sources([])


# --- the text of a manifest ---


def test_render() -> None:
    assert draft.render({"a": ["қ"]}) == '{\n  "a": [\n    "қ"\n  ]\n}\n'.encode()


@pytest.mark.parametrize(
    ("value", "code"),
    [("\ud800", "E-JSON-SURROGATE"), (float("nan"), "E-JSON-NAN"), ("x" * draft.SIZE_LIMIT, "E-JSON-SIZE")],
)
def test_what_cannot_be_written(value: Any, code: str) -> None:
    with pytest.raises(Refused) as caught:
        draft.render({"a": value})
    assert caught.value.code == code


def test_order() -> None:
    document = {
        "datalib": {"quality": {}, "purpose": [], "spec": "1"},
        "foreign": 1,
        "resources": [{"schema": {}, "foreign": 1, "path": "a", "name": "a"}],
        "name": "n",
    }
    ordered = draft.order(document)
    assert list(ordered) == ["name", "resources", "foreign", "datalib"]
    assert list(ordered["datalib"]) == ["spec", "purpose", "quality"]
    assert list(ordered["resources"][0]) == ["name", "path", "foreign", "schema"]
    assert draft.order({"name": "n"}) == {"name": "n", "resources": []}


def test_merge() -> None:
    weak = {
        "name": "a",
        "title": "A",
        "resources": [{"name": "r", "path": "r"}, {"name": "i", "data": 1}],
        "datalib": {"x": 1, "y": 1},
    }
    strong = {
        "name": "b",
        "resources": [{"path": "r", "title": "R"}, {"path": ["s", "t"]}, {"name": "i", "data": 2}],
        "datalib": {"x": 2},
    }
    assert draft.merge(weak, strong) == {
        "name": "b",
        "title": "A",
        "resources": [{"name": "r", "path": "r", "title": "R"}, {"name": "i", "data": 2}, {"path": ["s", "t"]}],
        "datalib": {"x": 2, "y": 1},
    }
    assert draft.merge({"a": 1}, {"b": 2}) == {"a": 1, "b": 2}
