"""Croissant 1.1 out of a library. Source: MLCommons, Croissant Format Specification 1.1 (2026-01-29).

The manifest stays what counts: a Croissant file is a description for programs that load data, and is not signed.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from datalib.interop import names
from datalib.interop.foreign import as_pattern
from datalib.interop.known import Known, lost, objects_of, strings_of, text_of
from datalib.interop.licences import url_of
from datalib.interop.triples import PREFIXES
from datalib.library.manifest import Resource
from datalib.library.upgrade import Note

VERSION: Final = "http://mlcommons.org/croissant/1.1"
_LOCAL: Final = (
    "annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty "
    "fileObject fileSet format includes isArray isLiveDataset jsonPath key md5 parentField path readLines "
    "recordSet references regex repeated replace samplingRate sdVersion separator source subField transform "
    "unArchive value"
)
#: The context of the specification's appendix 1, and the prefixes of what it has no terms for.
CONTEXT: Final[Mapping[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": PREFIXES["cr"],
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": PREFIXES["dct"],
    "dl": PREFIXES["dl"],
    "odrl": PREFIXES["odrl"],
    "prov": PREFIXES["prov"],
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _LOCAL.split()},
}
#: Types of Table Schema fields as Croissant has them; every other one is text.
TYPES: Final = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "year": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
}
#: How Croissant calls the formats that its readers load.
FORMATS: Final = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "jsonl": "application/jsonlines",
    "ndjson": "application/jsonlines",
    "parquet": "application/x-parquet",
}


def document(known: Known) -> dict[str, Any]:
    """Give the Croissant description of a library."""
    own = known.document
    state = known.past.state if known.past else None
    first = known.past.chain[0].event.time if known.past else None
    value: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": _texts(known.manifest.title),
        "alternateName": known.manifest.name,
        "description": _texts(known.description() or known.manifest.title),
        "identifier": known.library,
        "url": text_of(own, "homepage") or text_of(known.block.get("access", {}), "url"),
        "license": _one_or_all([url_of(item) or item.get("name") for item in objects_of(own, "licenses")]),
        "version": text_of(own, "version"),
        "dateCreated": _day(text_of(own, "created")),
        "datePublished": None if first is None else day_of(first),
        "keywords": strings_of(own, "keywords"),
        "inLanguage": strings_of(known.block, "languages"),
        "citeAs": text_of(own, "citation"),
        "creator": _creator(known),
        "prov:wasAttributedTo": {"@id": str(names.party(known.manifest.producer.id))},
        "prov:wasDerivedFrom": [_source(source.value) for source in known.manifest.sources],
        "usageInfo": _usage(known),
        "dl:purposeCode": list(known.manifest.purpose),
        "dl:assurance": {"@id": str(names.code("assurance", known.assurance))},
        "dl:owner": {"@id": str(names.party(state.owner))} if state else None,
        "distribution": list(_distribution(known)),
        "recordSet": list(_record_sets(known)),
    }
    return {member: said for member, said in value.items() if said not in (None, [], {})}


def write(known: Known) -> bytes:
    """Give the bytes of the description."""
    return (json.dumps(document(known), ensure_ascii=False, indent=2) + "\n").encode()


def lacking(known: Known) -> list[Note]:
    """Name what Croissant has no place for, and what it asks for and the library does not say."""
    own, notes = known.document, []
    if known.description() is None:
        notes.append(lost("description", "there is none: the title stands for it"))
    for member, said in (("homepage", "url"), ("licenses", "license")):
        if not own.get(member):
            notes.append(lost(member, f"Croissant asks for a {said}, and the library names none"))
    if known.past is None:
        notes.append(lost("datalib/content", "a draft: files have no digests yet, which Croissant asks for"))
    if known.manifest.collections:
        notes.append(
            lost("datalib/collections", "a FileSet has patterns of names: which files are meant, the listing says")
        )
    carried = {"spec", "producer", "purpose", "title", "description", "content", "languages", "collections"}
    notes += [lost(f"datalib/{member}", "no term of Croissant") for member in known.block if member not in carried]
    odd = sorted({kind for each in known.manifest.resources for kind in _types(each) if kind not in TYPES})
    if odd:
        notes.append(lost("resources/*/schema", f"fields of type {', '.join(odd)} are written as text"))
    notes.append(lost("resources/*/schema", "constraints, formats and missing values of fields"))
    notes.append(lost("chain.jsonl", "signatures and events"))
    return notes


def day_of(seconds: int) -> str:
    """Write the day of a time."""
    from datalib.formats import format_time

    return format_time(seconds)[:10]


def _day(text: str | None) -> str | None:
    return text[:10] if text else None


def _texts(value: str | Mapping[str, str]) -> str | dict[str, str]:
    return value if isinstance(value, str) else dict(value)


def _one_or_all(values: list[Any]) -> Any:
    found = [value for value in values if isinstance(value, str)]
    return found[0] if len(found) == 1 else found


def _creator(known: Known) -> dict[str, Any]:
    producer = known.manifest.producer
    person = producer.kind == "individual" or producer.id.startswith(("orcid:", "kz-iin:"))
    called = producer.name.get("en") or next(iter(producer.name.values()))
    return {"@type": "sc:Person" if person else "sc:Organization", "name": called, "identifier": producer.id}


def _source(value: Mapping[str, Any]) -> dict[str, Any]:
    address = value.get("path")
    named = {"@id": address} if isinstance(address, str) and "://" in address and " " not in address else {}
    return {**named, "@type": "prov:Entity", "prov:label": value["title"]}


def _usage(known: Known) -> dict[str, Any]:
    """Say that other uses than the declared ones are prohibited."""
    allowed = [{"@id": str(names.code("purpose", code))} for code in known.manifest.purpose]
    constraint = {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": {"@id": "odrl:purpose"},
        "odrl:operator": {"@id": "odrl:isNoneOf"},
        "odrl:rightOperand": allowed,
    }
    rule = {"@type": "odrl:Prohibition", "odrl:action": {"@id": "odrl:use"}, "odrl:constraint": constraint}
    return {"@type": ["CreativeWork", "odrl:Set"], "odrl:prohibition": rule}


def _distribution(known: Known) -> Iterator[dict[str, Any]]:
    for resource in known.manifest.resources:
        yield (
            _file_object(known, resource)
            if _single(resource)
            else _file_set(
                resource.name, [known.address(as_pattern(path)) for path in resource.paths], [_format(resource)]
            )
        )
    for number, group in enumerate(known.manifest.collections):
        kinds = list(group.mediatypes) or ["application/octet-stream"]
        yield _file_set(f"collection-{number}", [f"{known.base}{as_pattern(group.prefix)}*"], kinds)
    bound = known.manifest.content
    if bound:
        yield {
            "@type": "cr:FileObject",
            "@id": "listing",
            "name": "files.sha256",
            "description": f"SHA-256 and path of each of the {bound.files} files.",
            "contentUrl": known.address("files.sha256"),
            "encodingFormat": "text/plain",
            "sha256": bound.sha256,
        }


def _single(resource: Resource) -> bool:
    return len(resource.paths) == 1


def _file_object(known: Known, resource: Resource) -> dict[str, Any]:
    value, size = resource.value, resource.value.get("bytes")
    said = {
        "@type": "cr:FileObject",
        "@id": resource.name,
        "name": resource.name,
        "description": text_of(value, "description"),
        "contentUrl": known.address(resource.paths[0]),
        "contentSize": f"{size} B" if isinstance(size, int) else None,
        "encodingFormat": _format(resource),
        "sha256": str(value["hash"]).removeprefix("sha256:") if "hash" in value else None,
    }
    return {member: each for member, each in said.items() if each is not None}


def _file_set(called: str, includes: list[str], kinds: list[str]) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": called,
        "name": called,
        "includes": _one_or_all(includes),
        "encodingFormat": _one_or_all(kinds),
    }


def _format(resource: Resource) -> str:
    named = str(resource.value.get("format", "")).lower()
    return FORMATS.get(named) or text_of(resource.value, "mediatype") or "application/octet-stream"


def _fields(resource: Resource) -> list[Mapping[str, Any]]:
    schema = resource.value.get("schema")
    return objects_of(schema, "fields") if isinstance(schema, Mapping) else []


def _types(resource: Resource) -> list[str]:
    return [str(item.get("type", "string")) for item in _fields(resource)]


def _record_sets(known: Known) -> Iterator[dict[str, Any]]:
    """Yield a record set for each table whose format Croissant's readers know."""
    for resource in known.manifest.resources:
        fields = [item for item in _fields(resource) if isinstance(item.get("name"), str)]
        if fields and str(resource.value.get("format", "")).lower() in FORMATS:
            own = f"{resource.name}-records"
            above = {("fileObject" if _single(resource) else "fileSet"): {"@id": resource.name}}
            yield {
                "@type": "cr:RecordSet",
                "@id": own,
                "name": own,
                "field": [_field(own, item, above) for item in fields],
            }


def _field(own: str, item: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    said = {
        "@type": "cr:Field",
        "@id": f"{own}/{item['name']}",
        "name": item["name"],
        "description": text_of(item, "description"),
        "dataType": TYPES.get(str(item.get("type", "string")), "sc:Text"),
        "source": {**above, "extract": {"column": item["name"]}},
    }
    return {member: each for member, each in said.items() if each is not None}
