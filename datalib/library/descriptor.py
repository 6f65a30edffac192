"""The descriptor that a folder already has: found, read strictly, put into the words of Data Package v2.

Nothing here asks Frictionless, the network or a file name what a descriptor is: ``datapackage.json`` is JSON,
``datapackage.yaml`` and ``.yml`` are YAML, and what they refer to must lie in the folder.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from datalib import canonical
from datalib.errors import Refused
from datalib.library import paths, yaml_text
from datalib.library.upgrade import Note, Upgraded, upgrade

#: Names under which a descriptor is looked for, in this order.
NAMES: Final = ("datapackage.json", "datapackage.yaml", "datapackage.yml")
#: Largest descriptor. Source: datalib trust specification §3, C7.
SIZE_LIMIT: Final = 16 << 20

#: Gives the bytes of a file of the folder, at most a number of them plus one, or ``None`` if there is no such file.
Read = Callable[[str, int], bytes | None]


def load(read: Read) -> Upgraded | None:
    """Load the descriptor of a folder, or ``None`` if it has none.

    Raises ``Refused``: a code of the trust specification §3 if the text is not strict JSON (or YAML that JSON could
    say), ``E-DESCRIPTOR`` for a member of the wrong shape, ``E-RES-REMOTE`` for what a URL stands for,
    ``E-RES-UNLISTED`` for a schema or dialect that is not in the folder.
    """
    found = [(name, data) for name in NAMES if (data := read(name, SIZE_LIMIT)) is not None]
    if not found:
        return None
    name, data = found[0]
    document = parse(data, name)
    _inline_references(document, name, read)
    result = upgrade(document, name)
    others = tuple(
        Note(code="W-DESCRIPTOR", where=other, detail=f"not read, as there is {name}: it is a file like any other")
        for other, _ in found[1:]
    )
    return Upgraded(document=result.document, notes=others + result.notes, declared=result.declared)


def parse(data: bytes, name: str) -> dict[str, Any]:
    """Read a descriptor's text as its file name says: YAML for ``.yaml`` and ``.yml``, else strict JSON."""
    if name.lower().endswith((".yaml", ".yml")):
        return yaml_text.parse(data, where=name)
    return canonical.parse(data, limit=SIZE_LIMIT, where=name)


def _inline_references(document: Mapping[str, Any], name: str, read: Read) -> None:
    """Put schemas and dialects that are given by the name of a file into their resources."""
    resources = document.get("resources")
    read_already: dict[str, dict[str, Any]] = {}
    for index, resource in enumerate(resources if isinstance(resources, list) else []):
        for member in ("schema", "dialect"):
            if not isinstance(resource, dict) or not isinstance(resource.get(member), str):
                continue
            target = resource[member].removeprefix("./")
            where = f"{name}#/resources/{index}/{member}"
            if target not in read_already:
                read_already[target] = _referred(target, where, read)
            resource[member] = dict(read_already[target])


def _referred(target: str, where: str, read: Read) -> dict[str, Any]:
    if "://" in target:
        raise Refused("E-RES-REMOTE", where, f"{target[:200]} is not in the folder")
    fault = paths.fault(target)
    if fault is not None:
        raise Refused(fault, where, paths.readable(target)[:200])
    data = read(target, SIZE_LIMIT)
    if data is None:
        raise Refused("E-RES-UNLISTED", where, f"there is no file {target[:200]}")
    return parse(data, target)
