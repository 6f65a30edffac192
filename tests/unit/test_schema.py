"""Schemas: which code a fault gets, and where it is said to be."""

import json
from typing import Any

import pytest

import datalib_manifests
from datalib import schema
from datalib.errors import Refused
from datalib.library import manifest


def example() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(datalib_manifests.example())
    return value


def test_the_example_is_a_manifest() -> None:
    assert manifest.parse(datalib_manifests.example()).name == "field-recordings"


@pytest.mark.parametrize(
    "name",
    [
        "manifest",
        "envelope",
        "statement",
        "genesis",
        "transfer",
        "amend",
        "attest",
        "withdraw",
        "policy",
        "head",
        "roots",
        "declaration",
    ],
)
def test_every_document_has_a_schema_that_refuses_nothing_at_all(name: str) -> None:
    assert datalib_manifests.schema(name)["title"]
    with pytest.raises(Refused, match="E-SCHEMA"):
        schema.check(name, {})


def test_an_unknown_document_has_none() -> None:
    with pytest.raises(KeyError):
        datalib_manifests.schema("nothing")


def test_a_foreign_member_has_its_own_code_and_its_place() -> None:
    value = example()
    value["datalib"]["address"] = "Almaty"
    with pytest.raises(Refused, match="address") as refused:
        schema.check("manifest", value, "m")
    assert (refused.value.code, refused.value.where) == ("E-SCHEMA-UNKNOWN", "m#/datalib")


def test_any_other_fault_comes_before_a_foreign_member() -> None:
    value = example()
    value["datalib"]["address"] = "Almaty"
    value["resources"].append({"name": 7})
    with pytest.raises(Refused) as refused:
        schema.check("manifest", value, "m")
    assert (refused.value.code, refused.value.where) == ("E-SCHEMA", "m#/resources/1/name")


@pytest.mark.parametrize("purpose", ["train:asr\n", "Train", "", "a" * 65, " a"])
def test_patterns_match_the_whole_text(purpose: str) -> None:
    value = example()
    value["datalib"]["purpose"] = [purpose]
    with pytest.raises(Refused, match="E-SCHEMA"):
        schema.check("manifest", value)


def test_a_pointer_is_escaped() -> None:
    value = example()
    value["datalib"]["producer"]["name"] = {"a/b~c": "x", "ru": 7}
    with pytest.raises(Refused) as refused:
        schema.check("manifest", value)
    assert refused.value.where.startswith("#/datalib/producer/name")
