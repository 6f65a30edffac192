"""Check documents against the published JSON Schemas.

A wrong type, a missing member, a value outside its range, enumeration or pattern is ``E-SCHEMA``; a foreign member of a
closed object is ``E-SCHEMA-UNKNOWN``; a document with both is ``E-SCHEMA``. Source: datalib trust specification §3.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from datalib.errors import Refused

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

_FOREIGN_MEMBER = "additionalProperties"


@cache
def _validator(name: str) -> "Draft202012Validator":
    from jsonschema_rs import Draft202012Validator

    from datalib_manifests import schema

    return Draft202012Validator(schema(name))


def check(name: str, value: Any, where: str = "") -> None:
    """Refuse a value that is no ``name`` (``manifest``, ``transfer`` …); the place is given as a JSON pointer."""
    validator = _validator(name)
    if validator.is_valid(value):
        return
    unknown = None
    for error in validator.iter_errors(value):
        place = f"{where}{'' if '#' in where else '#'}{_pointer(error.instance_path)}"
        if error.kind.name != _FOREIGN_MEMBER:
            raise Refused("E-SCHEMA", place, error.message[:300])
        unknown = unknown or Refused("E-SCHEMA-UNKNOWN", place, error.message[:300])
    raise unknown or Refused("E-SCHEMA", where, f"not a valid {name}")


def _pointer(path: list[str | int]) -> str:
    """Write an RFC 6901 JSON pointer."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
