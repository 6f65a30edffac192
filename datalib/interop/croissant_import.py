"""Croissant in: a description of data becomes a draft. Sources: Croissant Format Specifications 1.0 and 1.1.

It is read as plain JSON: contexts are not resolved, nothing is loaded. Files that lie on the network become sources;
files that will lie in the folder become resources; the columns of the latter become their Table Schemas.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from datalib import canonical
from datalib.errors import Refused
from datalib.interop import croissant
from datalib.interop.foreign import Draft, is_local, table_resource
from datalib.interop.known import text_of
from datalib.interop.licences import licence_of
from datalib.trust.parties import Party

#: In bytes, as for a manifest.
MAX_SIZE: Final = 16 << 20
_VERSIONS: Final = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/1.1")
_TERMS: Final = (
    "@context @type @id conformsTo name alternateName description url license version keywords inLanguage citeAs "
    "creator publisher dateCreated datePublished distribution recordSet identifier prov:wasDerivedFrom "
    "prov:wasAttributedTo usageInfo dl:purposeCode dl:assurance dl:owner"
)
_READ: Final = frozenset(_TERMS.split())
_TYPES: Final = {
    **{kind: own for own, kind in reversed(croissant.TYPES.items())},
    "sc:Number": "number",
    "sc:URL": "string",
}


def read(data: bytes, where: str) -> Draft:
    """Read a Croissant description.

    Raises ``Refused``: the codes of strict JSON; ``E-FOREIGN-FORMAT`` for what is no Croissant 1.0 or 1.1 data set.
    """
    value = canonical.parse(data, limit=MAX_SIZE, where=where)
    _check(value, where)
    draft = Draft(where)
    _texts(draft, value)
    _people(draft, value)
    _licences(draft, value)
    _identity(draft, value)
    named = _distribution(draft, value)
    _columns(draft, value, named)
    for item in _items(value.get("prov:wasDerivedFrom")):
        label, address = text_of(item, "prov:label"), text_of(item, "@id")
        if label or address:
            draft.add_source(label or address or "", path=address)
    for member in value:
        if member not in _READ:
            draft.lose(member, "not read")
    return draft


def is_croissant(value: Mapping[str, Any]) -> bool:
    """Tell whether a JSON value says that it is Croissant."""
    return any(
        "mlcommons.org/croissant" in str(said) for said in _all(value.get("conformsTo", value.get("dct:conformsTo")))
    )


def _check(value: Mapping[str, Any], where: str) -> None:
    said = [str(each) for each in _all(value.get("conformsTo", value.get("dct:conformsTo")))]
    if not any(each in _VERSIONS for each in said):
        raise Refused(
            "E-FOREIGN-FORMAT",
            f"{where}#/conformsTo",
            f"{', '.join(said)[:200] or 'nothing'}: not Croissant 1.0 or 1.1",
        )
    kinds = {str(each).rpartition(":")[2].rpartition("/")[2] for each in _all(value.get("@type"))}
    if "Dataset" not in kinds:
        raise Refused("E-FOREIGN-FORMAT", f"{where}#/@type", "not a Dataset")


def _all(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _items(value: Any) -> Iterator[Mapping[str, Any]]:
    return (item for item in _all(value) if isinstance(item, Mapping))


def _strings(value: Any) -> list[str]:
    return [item for item in _all(value) if isinstance(item, str) and item.strip()]


def _texts(draft: Draft, value: Mapping[str, Any]) -> None:
    for member in ("name", "description"):
        said = value.get(member)
        own = "title" if member == "name" else member
        if isinstance(said, Mapping):
            told = {str(lang): text for lang, text in said.items() if isinstance(text, str) and len(str(lang)) == 2}  # noqa: PLR2004 - ISO 639-1
            if told:
                draft.block[own] = told
            if len(told) < len(said):
                draft.lose(member, f"{len(said) - len(told)} languages that are not ISO 639-1")
        else:
            draft.set(own, said if isinstance(said, str) else None)
    draft.set("name", text_of(value, "alternateName"))
    version = value.get("version")
    draft.set("version", str(version) if isinstance(version, (str, int, float)) else None)
    draft.set("homepage", text_of(value, "url"))
    draft.set("citation", text_of(value, "citeAs"))
    draft.set("created", text_of(value, "dateCreated") or text_of(value, "datePublished"))
    draft.set("keywords", _strings(value.get("keywords")))
    if languages := _strings(value.get("inLanguage")):
        draft.block["languages"] = languages


def _people(draft: Draft, value: Mapping[str, Any]) -> None:
    for member in ("creator", "publisher"):
        for number, item in enumerate(_items(value.get(member))):
            called = text_of(item, "name")
            if called:
                draft.add_person(called, member, email=text_of(item, "email"), path=text_of(item, "url"))
            else:
                draft.lose(f"{member}/{number}", "without a name")


def _licences(draft: Draft, value: Mapping[str, Any]) -> None:
    found = []
    for item in _all(value.get("license")):
        text = text_of(item, "url") or text_of(item, "name") if isinstance(item, Mapping) else item
        licence = licence_of(text) if isinstance(text, str) else None
        if licence:
            found.append(licence)
        else:
            draft.lose("license", f"{str(text)[:200]!r} names no licence")
    draft.set("licenses", found)


def _identity(draft: Draft, value: Mapping[str, Any]) -> None:
    """Take back what our own export says of producer and purposes, to be confirmed by who signs."""
    for item in _items(value.get("creator")):
        identifier, called = text_of(item, "identifier"), text_of(item, "name")
        if identifier and called:
            try:
                draft.block.setdefault(
                    "producer", Party.from_dict({"id": identifier, "name": {"en": called}}).to_dict()
                )
            except Refused:
                draft.lose("creator/identifier", f"{identifier[:100]!r} is in no register that we know")
    if purposes := _strings(value.get("dl:purposeCode")):
        draft.block["purpose"] = purposes
    lost = {
        "identifier": "a new library gets an id of its own",
        "dl:owner": "who owns a library is said by its chain",
        "dl:assurance": "what another program verified",
        "usageInfo": "conditions of use: read them, and say them in access.conditions",
    }
    for member, why in lost.items():
        if member in value:
            draft.lose(member, why)


def _distribution(draft: Draft, value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort the files; gives the resources by the ``@id`` that record sets use."""
    named: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(_items(value.get("distribution"))):
        place = f"distribution/{number}"
        identifier = str(item.get("@id", item.get("name", number)))
        address = text_of(item, "contentUrl")
        if str(item.get("@type", "")).endswith("FileSet"):
            draft.lose(place, f"the set of files {identifier[:100]!r}: which they are, the folder shows")
        elif "containedIn" in item:
            draft.lose(place, f"{identifier[:100]!r} lies inside another file")
        elif address and "://" in address:
            draft.add_source(text_of(item, "name") or identifier, path=address)
        elif address and address.rpartition("/")[2] == "files.sha256":
            draft.lose(place, "a listing: the library gets a new one")
        elif address and is_local(address):
            resource = draft.add_resource(_resource(item, identifier, address))
            if resource is not None:
                named[identifier] = resource
        else:
            draft.lose(place, f"{(address or 'nothing')[:200]!r} names no file that a library can hold")
    return named


def _resource(item: Mapping[str, Any], identifier: str, address: str) -> dict[str, Any]:
    found = table_resource(text_of(item, "name") or identifier, address)
    digest, size = text_of(item, "sha256"), str(item.get("contentSize", "")).split(" ")
    said = {
        "description": text_of(item, "description"),
        "mediatype": text_of(item, "encodingFormat") or found["mediatype"],
        "hash": f"sha256:{digest.lower()}" if digest else None,
        "bytes": int(size[0]) if size[0].isdecimal() and size[1:] in ([], ["B"]) else None,
    }
    return {**found, **{member: each for member, each in said.items() if each is not None}}


def _columns(draft: Draft, value: Mapping[str, Any], named: Mapping[str, dict[str, Any]]) -> None:
    """Take over the fields that are plain columns of a file that will be here."""
    left = total = 0
    for records in _items(value.get("recordSet")):
        fields: dict[str, list[dict[str, Any]]] = {}
        for item in _items(records.get("field")):
            total += 1
            source = item.get("source")
            column, file = _column(source) if isinstance(source, Mapping) else (None, None)
            if (
                column is None
                or file not in named
                or "subField" in item
                or "references" in item
                or "transform" in str(source)
            ):
                left += 1
            else:
                fields.setdefault(str(file), []).append(_field(item, column))
        for file, found in fields.items():
            if "schema" in named[file]:
                left += len(found)
            elif len({each["name"] for each in found}) == len(found):
                named[file]["schema"] = {"fields": found}
            else:
                left += len(found)
    if left:
        draft.lose(
            "recordSet", f"{left} of {total} fields: joined, transformed, nested, or of files that are not local"
        )


def _column(source: Mapping[str, Any]) -> tuple[str | None, str | None]:
    extract, file = source.get("extract"), source.get("fileObject")
    column = text_of(extract, "column") if isinstance(extract, Mapping) else None
    return column, text_of(file, "@id") if isinstance(file, Mapping) else None


def _field(item: Mapping[str, Any], column: str) -> dict[str, Any]:
    kinds = [_TYPES[kind] for kind in _strings(item.get("dataType")) if kind in _TYPES]
    said = {"name": column, "type": kinds[0] if kinds else "string", "description": text_of(item, "description")}
    return {member: each for member, each in said.items() if each}
