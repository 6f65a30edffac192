"""The provenance record of the Data & Trust Alliance, Data Provenance Standards 1.0.0, out and in.

Out: what a manifest knows, in the form that the JSON Schema of the standard asks for (organisations are lists there,
although its text speaks of one). What the standard has no slot for, such as the producer's number and the content's
digest, stands in the member ``datalib``. In: what records in use look like too: the official generator writes
``privacy-indicators`` and ``storage-prohibited``, and lists or single values as it comes.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import datalib_vocab
from datalib import canonical
from datalib.chain.events import Amend, Genesis
from datalib.errors import Refused
from datalib.interop import names
from datalib.interop.foreign import Draft
from datalib.interop.known import Known, lost, pick
from datalib.library.modality import mediatypes
from datalib.library.names import slug
from datalib.library.upgrade import Note
from datalib.rules import records
from datalib.rules.case import as_date, items, mapping, texts

VERSION: Final = "1.0.0"
#: Purposes that are codes of the standard.
_USES: Final = ("ai-", "non-ai-")
_OTHER_METHOD: Final = "other-na"
_NOT_PETS: Final = frozenset({"hashing"})
SIZE_LIMIT: Final = 4 << 20
#: Members that came with a name of the generator's.
_ALIASES: Final = {"privacy-indicators": "privacy-enhancing", "storage-prohibited": "storage-forbidden"}


def write(known: Known, patch: Mapping[str, Any]) -> bytes:
    """Give the bytes of a record; ``patch`` (RFC 7396) adds what the manifest does not know, or says it otherwise.

    Raises ``Refused("E-FORM-INCOMPLETE")`` that names what the standard requires and nobody has said.
    """
    made = _merged(record(known), patch)
    if empty := list(_empty(made)):
        raise Refused("E-FORM-INCOMPLETE", str(known.path), ", ".join(empty))
    return (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()


def read_patch(data: bytes, where: str) -> dict[str, Any]:
    """Read the file of a patch; ``E-RECORD-FORMAT`` for another form."""
    return {group: said for group, said in records.read("record", data, where).items() if group != "record"}


def lacking(known: Known) -> list[Note]:
    """Name what a record has no place for, beside what its member ``datalib`` keeps."""
    notes = [lost("resources", "files, formats and columns of tables")]
    return notes if known.past is None else [*notes, lost("chain.jsonl", "signatures and events")]


def record(known: Known) -> dict[str, Any]:
    """Give the record of a library as far as its manifest goes."""
    return {
        "source": _filled(_source(known)),
        "provenance": _filled(_provenance(known)),
        "use": _filled(_use(known)),
        "datalib": _filled(_extension(known)),
    }


def _filled(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def _words(said: str | Mapping[str, str] | None) -> str:
    return pick(said, "en") if isinstance(said, Mapping) else said or ""


def _owner(known: Known) -> dict[str, Any]:
    """Give the owner, who issues the library now; of a draft its producer does."""
    owner = known.past.parties.get(known.past.state.owner) if known.past else None
    return owner.to_dict() if owner else dict(known.block["producer"])


def _source(known: Known) -> dict[str, Any]:
    return {
        "version": VERSION,
        "title": _words(known.manifest.title),
        "id": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, str(names.version(known)))}",
        "location": known.document.get("homepage"),
        "issuer": [{"name": pick(mapping(_owner(known).get("name")), "en")}],
        "description": _words(known.description()) or _words(known.manifest.title),
    }


def _days(known: Known) -> list[str]:
    """Give the days of the versions, the first first: those proved where there are such, else those claimed."""
    links = known.past.chain if known.past else ()
    times = [known.times.get(one.id, one.event.time) for one in links if isinstance(one.event, Genesis | Amend)]
    return [str(datetime.fromtimestamp(time, UTC).date()) for time in times]


def _provenance(known: Known) -> dict[str, Any]:
    sources, days = known.document["sources"], _days(known)
    periods = [mapping(source.get("collected")) for source in sources]
    starts, ends = (sorted(filter(as_date, (str(one.get(end, "")) for one in periods))) for end in ("from", "to"))
    country = mapping(known.block["producer"]).get("country")
    own = all(source.get("basis") == "own" for source in sources)
    links = [source["path"] for source in sources if source.get("path")]
    return {
        "source": links[0] if len(sources) == 1 and links else None,
        "origin": _unique({"name": source["title"]} for source in sources if source.get("basis") != "own"),
        "origin-geography": [{"country": country}] if own and country else [],
        "date": days[-1] if days else str(known.document.get("created") or "")[:10],
        "previous-date": days[-2] if len(days) > 1 else None,
        "generation-period": _filled({"start": starts[0] if starts else "", "end": ends[-1] if ends else ""}),
        "generation-method": _methods(sources),
        "format": sorted({kind for kind in mediatypes(known.document) if kind}),
    }


def _methods(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Name how data came to be; ``own`` is ours, and means that the standard's methods say nothing."""
    known = set(json.loads(datalib_vocab.read("methods.json"))["known"]) - {"own"}
    said = [str(source["method"]) for source in sources if source.get("method")]
    return _unique(
        {"code": method} if method in known else {"code": _OTHER_METHOD, "description": method} for method in said
    )


def _use(known: Known) -> dict[str, Any]:
    block = known.block
    personal, rights = mapping(block.get("personalData")), mapping(block.get("rights"))
    present, hidden = personal.get("present"), mapping(personal.get("depersonalisation"))
    tool = " ".join(str(hidden[part]) for part in ("tool", "version") if hidden.get(part))
    licences = [mapping(one) for one in items(known.document.get("licenses"))]
    stores = [mapping(one).get("country") for one in items(personal.get("storage"))]
    return {
        "classification": [{"regulation": {"code": "pi"}, "evaluated": True}] if present == "personal" else [],
        "privacy-enhancing": [
            # The schema requires `tool` and describes `tool-used`: both are written.
            _filled({"tool-category": {"code": method}, "tool-used": tool or method, "tool": tool or method})
            for method in texts(hidden.get("method"))
            if method not in _NOT_PETS
        ],
        "storage-allowed": _unique({"country": country} for country in stores if isinstance(country, str)),
        "license": [str(text) for one in licences if (text := one.get("name") or one.get("path"))],
        "intended-purpose": [_purpose(code) for code in texts(block["purpose"])],
        "copyright": ["no"] if rights.get("containsWorks") is False else [],
    }


def _purpose(code: str) -> dict[str, str]:
    """Give a purpose as a use: a code of the standard as it is, training for a task as other use in AI."""
    label = str(mapping(_purposes().get(code)).get("label", {}).get("en") or code)
    if code.startswith(_USES):
        return {"code": code, "description": label}
    use = "ai-evaluation" if code == "eval" else "ai-other" if code.startswith("train:") else "non-ai-other"
    return {"code": use, "description": f"{label} ({code})" if label != code else code}


def _purposes() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(datalib_vocab.read("purposes.json"))["known"]
    return found


def _extension(known: Known) -> dict[str, Any]:
    """Keep what the standard has no slot for, and say how well it is known."""
    kept = ("producer", "purpose", "content", "access", "quality", "rights", "personalData", "synthetic", "languages")
    return {
        "library": known.library,
        "owner": _owner(known) if known.past else None,
        "manifest": f"sha256:{known.sha256}",
        "assurance": known.assurance,
        "sources": list(known.document["sources"]),
        **{name: known.block[name] for name in kept if name in known.block},
    }


def _unique(values: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    found = list[dict[str, str]]()
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _merged(base: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(base) if isinstance(base, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _empty(made: Mapping[str, Any]) -> Iterator[str]:
    """Name what the standard requires and the record has not."""
    required = {
        "source": ("version", "title", "id", "issuer", "description"),
        "provenance": ("origin-geography", "date", "generation-method"),
        "use": ("intended-purpose",),
    }
    for group, needed in required.items():
        yield from (f"{group}.{name}" for name in needed if not mapping(made.get(group)).get(name))


def is_record(value: Mapping[str, Any]) -> bool:
    """Tell whether JSON looks like a record: a titled source and a provenance."""
    source = mapping(_first(value.get("source")))
    return bool(_text(source.get("title")) and mapping(_first(value.get("provenance"))))


def read(data: bytes, where: str) -> Draft:
    """Read a record.

    Producer, purposes beyond the standard's codes and our own member are not taken over. Raises ``Refused``: the codes
    of JSON, ``E-FOREIGN-FORMAT`` for what is no such record.
    """
    value = canonical.parse(data, limit=SIZE_LIMIT, where=where)
    if not is_record(value):
        raise Refused("E-FOREIGN-FORMAT", where, "no record of the Data Provenance Standards: source.title, provenance")
    source, provenance = mapping(_first(value["source"])), mapping(_first(value["provenance"]))
    use = {_ALIASES.get(name, name): member for name, member in mapping(_first(value.get("use"))).items()}
    title, found = _text(source["title"]), Draft(where)
    found.set("name", slug(title))
    found.set("title", title)
    found.set("description", _text(source.get("description")))
    found.set("homepage", _text(source.get("location")))
    found.set("licenses", [_licence_of(text) for text in texts(use.get("license"))])
    for name in _names(source.get("issuer")):
        found.add_person(name, "publisher")
    _add_sources(found, provenance, title)
    found.block = _filled({"purpose": _codes(use), "personalData": _personal(use)})
    for place, why in _lost(value, source, provenance, use):
        found.lose(place, why)
    return found


def _first(value: Any) -> Any:
    """Give a value that may stand alone or be the first of a list."""
    return value[0] if isinstance(value, list) and value else value


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _names(value: Any) -> list[str]:
    found = (one if isinstance(one, str) else mapping(one).get("name") for one in _many(value))
    return [name for name in found if isinstance(name, str) and name.strip()]


def _code(concept: Any) -> str:
    return _text(concept if isinstance(concept, str) else mapping(concept).get("code"))


def _licence_of(text: str) -> dict[str, str]:
    return {"path": text} if "://" in text else {"name": text}


def _add_sources(found: Draft, provenance: Mapping[str, Any], title: str) -> None:
    """Take over the source of a record, and those of its parts."""
    period = mapping(provenance.get("generation-period"))
    days = {end: str(day) for end, name in (("from", "start"), ("to", "end")) if (day := as_date(period.get(name)))}
    method = next((code for one in _many(provenance.get("generation-method")) if (code := _code(one))), "")
    for name in _names(provenance.get("origin")) or [title]:
        found.add_source(name, path=_text(_first(provenance.get("source"))), method=method, collected=days)
    for part in _many(provenance.get("sub-provenance")):
        if isinstance(part, Mapping):
            _add_sources(found, part, title)


def _codes(use: Mapping[str, Any]) -> list[str]:
    known = _purposes()
    return list(dict.fromkeys(code for one in _many(use.get("intended-purpose")) if (code := _code(one)) in known))


def _personal(use: Mapping[str, Any]) -> dict[str, Any]:
    methods = [_code(mapping(one).get("tool-category")) for one in _many(use.get("privacy-enhancing"))]
    countries = [_text(mapping(one).get("country")) for one in _many(use.get("storage-allowed"))]
    return _filled({
        "depersonalisation": _filled({"method": [one for one in methods if one]}),
        "storage": [{"country": one} for one in countries if len(one) == 2],  # noqa: PLR2004 - ISO 3166-1 alpha-2
    })  # fmt: skip


_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "source": frozenset({"title", "description", "location", "issuer", "version"}),
    "provenance": frozenset({"source", "origin", "generation-period", "generation-method", "sub-provenance"}),
    "use": frozenset({"license", "intended-purpose", "privacy-enhancing", "storage-allowed"}),
}


def _lost(
    value: Mapping[str, Any], source: Mapping[str, Any], provenance: Mapping[str, Any], use: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Name the members that a draft has no place for, or that only the producer can say."""
    for group, members in (("source", source), ("provenance", provenance), ("use", use)):
        for name, said in members.items():
            if name not in _TAKEN[group] and said not in (None, "", [], {}):
                yield f"{group}/{name}", "a draft has no place for it"
    if value.get("datalib"):
        yield "datalib", "what another library said of itself"
