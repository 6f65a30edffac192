"""The formats of a data library, as data: JSON Schemas and an example."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((files(__name__) / "datalib.schema.json").read_bytes())
    return document


@cache
def _rules() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((files(__name__) / "rules.schema.json").read_bytes())
    return document


@cache
def _forms() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((files(__name__) / "forms.schema.json").read_bytes())
    return document


def schema(name: str) -> dict[str, Any]:
    """Give the JSON Schema of one document.

    These are ``manifest``, ``envelope``, ``statement``, ``policy``, ``head``, ``roots``, ``key-act``,
    ``declaration``.

    Also of a kind of event (``genesis``, ``transfer``, ``amend``, ``attest``, ``withdraw``), and of what rules read:
    ``declared``, ``register``, ``waivers``, ``profile``, ``calendar``. Of what people write to fill in a form too:
    ``application``, ``published``, ``summary``, ``record``. ``KeyError`` for others.
    """
    document = next((one for one in (_document(), _rules()) if name in one["$defs"]), _forms())
    return {"$schema": document["$schema"], "$defs": document["$defs"], **document["$defs"][name]}


def example() -> bytes:
    """Give an example of a manifest, complete but for the files it describes."""
    return (files(__name__) / "example.datapackage.json").read_bytes()
