"""A library in the words of our own vocabulary: what `catalogue` has no words for, down to its files."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from datalib.canonical import canonical
from datalib.interop import names
from datalib.interop.known import Known, files
from datalib.interop.triples import Iri, Node, Object, Text, iri_of, name, node
from datalib.interop.vocabulary import concept
from datalib.library.listing import Line

_OPEN: Final = ("access", "quality", "rights", "synthetic", "personalData")


def details(known: Known) -> Iterator[Node]:
    """Yield what the manifest says, as statements of its producer."""
    own = names.library(known)
    yield _library(known, own)
    yield from _version(known)
    for number, source in enumerate(known.manifest.sources):
        yield _source(names.part(own, "source", number), source.value)
    for resource in known.manifest.resources:
        yield _resource(names.part(own, "resource", resource.name), resource.value, resource.paths)
    for number, group in enumerate(known.manifest.collections):
        yield node(
            names.part(own, "collection", number),
            ["dl:Collection", "prov:Collection"],
            dl_prefix=group.prefix,
            dl_files=group.files,
            dl_bytes=group.bytes,
            dl_mediaType=list[Object](group.mediatypes),
        )
    for item in known.manifest.inputs:
        yield node(
            names.part(own, "input", item.lib),
            ["dl:Input", "prov:Derivation"],
            prov_entity=names.other_library(item.lib),
            dl_head=names.event(item.head),
            dl_mode=names.code("mode", item.mode),
            dl_prefix=item.prefix,
        )
    yield from _limit(known, own)
    yield from (concept("purpose", code) for code in known.manifest.purpose)
    methods = {item.value["method"] for item in known.manifest.sources if isinstance(item.value.get("method"), str)}
    yield from (concept("method", code) for code in sorted(methods))


def file_nodes(known: Known) -> Iterator[Node]:
    """Yield a node for each file of a signed library; none is kept. Raises what `known.files` raises."""
    return _file_nodes(names.version(known), files(known))


def _file_nodes(version: Iri, listed: Iterable[Line]) -> Iterator[Node]:
    kind, whole = list[Object]([name("dl:File")]), list[Object]([version])
    for sha256, path in listed:
        facts: list[tuple[str, list[Object]]] = [
            ("rdf:type", kind),
            ("dl:path", [path]),
            ("dl:sha256", [sha256]),
            ("dct:isPartOf", whole),
        ]
        yield Node(names.part(version, "files", path), facts)


def _library(known: Known, own: Iri) -> Node:
    block, manifest = known.block, known.manifest
    state = known.past.state if known.past else None
    regime = block.get("access", {}).get("regime")
    rights, personal, synthetic = (block.get(member, {}) for member in ("rights", "personalData", "synthetic"))
    sources = [names.part(own, "source", number) for number, _ in enumerate(manifest.sources)]
    return node(
        own,
        [],
        dl_spec=block["spec"],
        dl_producer=names.party(manifest.producer.id),
        dl_owner=names.party(state.owner) if state else None,
        dl_possessor=names.party(state.possessor) if state else None,
        dl_purpose=[names.code("purpose", code) for code in manifest.purpose],
        dl_purposeCode=list[Object](manifest.purpose),
        dcat_hasCurrentVersion=names.version(known) if known.library else None,
        dl_source=list[Object](sources),
        prov_wasDerivedFrom=[*sources, *(names.other_library(item.lib) for item in manifest.inputs)],
        dl_resource=[names.part(own, "resource", each.name) for each in manifest.resources],
        dl_collection=[names.part(own, "collection", number) for number, _ in enumerate(manifest.collections)],
        dl_input=[names.part(own, "input", item.lib) for item in manifest.inputs],
        prov_qualifiedDerivation=[names.part(own, "input", item.lib) for item in manifest.inputs],
        dl_sector=block.get("sector"),
        dl_accessRegime=_code("regime", regime),
        dl_containsWorks=_flag(rights.get("containsWorks")),
        dl_redistribution=_code("redistribution", rights.get("redistribution")),
        dl_syntheticShare=_share(synthetic.get("share")),
        dl_personalDataPresence=_code("presence", personal.get("present")),
        odrl_hasPolicy=names.part(own, "policy", "purposes"),
        **{f"dl_{member}": _json(block[member]) for member in _OPEN if member in block},
    )


def _version(known: Known) -> Iterator[Node]:
    bound = known.manifest.content
    if bound and known.library:
        yield node(
            names.version(known),
            [],
            dl_files=bound.files,
            dl_bytes=bound.bytes,
            dl_listing=bound.sha256,
            dl_root=bound.root,
        )


def _source(iri: Iri, value: Mapping[str, Any]) -> Node:
    path = value.get("path")
    address = iri_of(path) if isinstance(path, str) else None
    licence = value.get("license")
    collected = value.get("collected")
    days = collected if isinstance(collected, Mapping) else {}
    return node(
        iri,
        ["dl:Source", "prov:Entity"],
        dct_title=value["title"],
        dct_source=address,
        dl_path=path if isinstance(path, str) and not address else None,
        dl_method=_code("method", value.get("method")),
        dl_basis=_code("basis", value.get("basis")),
        dl_collectedFrom=_day(days.get("from")),
        dl_collectedTo=_day(days.get("to")),
        dct_rights=licence if isinstance(licence, str) else None,
        dl_targeted=_flag(value.get("targeted")),
        dl_targetDefinition=value.get("targetDefinition") if isinstance(value.get("targetDefinition"), str) else None,
        dl_origin=value.get("origin") if isinstance(value.get("origin"), str) else None,
        dl_crawler=_json(value["crawler"]) if "crawler" in value else None,
    )


def _resource(iri: Iri, value: Mapping[str, Any], paths: tuple[str, ...]) -> Node:
    size, media, digest = value.get("bytes"), value.get("mediatype"), value.get("hash")
    return node(
        iri,
        ["dl:Resource", "prov:Entity"],
        dct_title=value["title"] if isinstance(value.get("title"), str) else value["name"],
        dl_path=list[Object](paths),
        dl_bytes=size if isinstance(size, int) and not isinstance(size, bool) else None,
        dl_mediaType=media if isinstance(media, str) else None,
        dl_sha256=digest.removeprefix("sha256:") if isinstance(digest, str) else None,
    )


def _limit(known: Known, own: Iri) -> Iterator[Node]:
    """Say in ODRL that other uses than the declared ones are prohibited: a limit, which grants nothing."""
    policy, rule, constraint = (names.part(own, "policy", part) for part in ("purposes", "rule", "constraint"))
    yield node(policy, ["odrl:Set"], odrl_uid=policy, odrl_prohibition=rule)
    yield node(rule, ["odrl:Prohibition"], odrl_target=own, odrl_action=name("odrl:use"), odrl_constraint=constraint)
    yield node(
        constraint,
        ["odrl:Constraint"],
        odrl_leftOperand=name("odrl:purpose"),
        odrl_operator=name("odrl:isNoneOf"),
        odrl_rightOperand=[names.code("purpose", code) for code in known.manifest.purpose],
    )


def _code(of: str, value: object) -> Iri | None:
    return names.code(of, value) if isinstance(value, str) and value else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _day(value: object) -> Text | None:
    try:
        return Text(date.fromisoformat(value).isoformat(), type="xsd:date") if isinstance(value, str) else None
    except ValueError:
        return None


def _share(value: object) -> Text | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        return None
    return Text(f"{value:.6f}".rstrip("0").rstrip("."), type="xsd:decimal")


def _json(value: object) -> Text:
    return Text(canonical(value).decode(), type="rdf:JSON")
