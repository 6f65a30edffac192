"""A library as a catalogue sees it: DCAT 3, in the form that DCAT-AP 3 asks for.

The publisher is the owner, who makes the library available now; the creator is the producer, who made it. Sources: W3C
DCAT 3 (2024); SEMIC DCAT-AP 3.0.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from datalib.chain.events import Amend, Genesis
from datalib.formats import format_time
from datalib.interop import names, vocabulary
from datalib.interop.known import Known, lost, objects_of, strings_of, text_of
from datalib.interop.licences import url_of
from datalib.interop.triples import Iri, Node, Object, Text, iri_of, node, texts
from datalib.library.upgrade import Note
from datalib.trust.parties import Party

_EU: Final = "http://publications.europa.eu/resource/authority/"
_MEDIA: Final = "http://www.iana.org/assignments/media-types/"
_RIGHTS: Final = {"open": "PUBLIC", "restricted": "RESTRICTED"}
_WITHDRAWN: Final = Iri("http://purl.org/adms/status/Withdrawn")
_REGISTERS: Final = {"orcid": "https://orcid.org/", "ror": "https://ror.org/", "isni": "https://isni.org/isni/"}
#: ISO 639-1 to the codes of the EU's language list (ISO 639-3 in capitals).
_PAIRS: Final = (
    "ar:ARA az:AZE be:BEL bg:BUL cs:CES da:DAN de:DEU el:ELL en:ENG es:SPA et:EST fi:FIN fr:FRA ga:GLE hr:HRV "
    "hu:HUN hy:HYE it:ITA ja:JPN ka:KAT kk:KAZ ko:KOR ky:KIR lt:LIT lv:LAV mn:MON mt:MLT nl:NLD pl:POL pt:POR "
    "ro:RON ru:RUS sk:SLK sl:SLV sv:SWE tg:TGK tk:TUK tr:TUR tt:TAT ug:UIG uk:UKR uz:UZB zh:ZHO"
)
_LANGUAGES: Final = dict(pair.split(":") for pair in _PAIRS.split())


def catalogue(known: Known) -> Iterator[Node]:
    """Yield the library as a data set, its distributions, and all that these two name."""
    document, own = known.document, names.library(known)
    licences = [iri for item in objects_of(document, "licenses") if (iri := _url(url_of(item)))]
    rights = _access_rights(known)
    landing = _url(text_of(document, "homepage"))
    contacts = [(names.part(own, "contact", number), item) for number, item in enumerate(_contacts(document))]
    shared = list(_distributions(known, licences))
    yield node(
        own,
        ["dcat:Dataset", "dl:DataLibrary", "prov:Entity"],
        dct_title=texts(known.manifest.title),
        dct_description=texts(known.description() or known.manifest.title),
        dct_identifier=known.library,
        dct_publisher=names.party(known.past.state.owner if known.past else known.manifest.producer.id),
        dct_creator=names.party(known.manifest.producer.id),
        dcat_contactPoint=[iri for iri, _ in contacts],
        dcat_keyword=list[Object](strings_of(document, "keywords")),
        dcat_landingPage=landing,
        dct_language=[_language(tag) for tag in strings_of(known.block, "languages")],
        dct_created=_time(text_of(document, "created")),
        dcat_version=text_of(document, "version"),
        dct_license=list[Object](licences),
        dct_accessRights=rights,
        dcat_distribution=list[Object](each.iri for each in shared if "/distribution/" in each.iri),
        prov_wasAttributedTo=names.party(known.manifest.producer.id),
        dl_assurance=names.code("assurance", known.assurance),
        dct_provenance=names.part(own, "provenance", known.assurance),
        adms_status=_WITHDRAWN if known.past and known.past.state.withdrawn else None,
        **_dates(known),
    )
    yield vocabulary.statement(names.part(own, "provenance", known.assurance), known.assurance)
    yield from shared
    yield from (node(iri, ["dct:LicenseDocument"]) for iri in dict.fromkeys(licences))
    if rights:
        yield node(rights, ["dct:RightsStatement"])
    if landing:
        yield node(landing, ["foaf:Document"])
    for iri, contact in contacts:
        mail = iri_of("mailto:" + contact["email"])
        yield node(iri, ["vcard:Kind"], vcard_fn=text_of(contact, "title") or contact["email"], vcard_hasEmail=mail)
    yield from (node(_language(tag), ["dct:LinguisticSystem"]) for tag in strings_of(known.block, "languages"))


def parties(known: Known) -> Iterator[Node]:
    """Yield everybody whom the library names."""
    producer = known.manifest.producer
    found = dict(known.past.parties) if known.past else {}
    found[producer.id] = producer.party
    for identifier, party in sorted(found.items()):
        yield _party(party, producer.to_dict() if identifier == producer.id else {})


def lacking(known: Known) -> list[Note]:
    """Name what a catalogue asks for and the library does not say."""
    notes = []
    if known.description() is None:
        notes.append(lost("description", "there is none: the title stands for it"))
    if not _address(known):
        notes.append(
            lost(
                "datalib/access/url", "no address in access.url or homepage, and no --base: no distribution is written"
            )
        )
    notes += [
        lost(f"licenses/{number}", "neither a URL nor an SPDX identifier")
        for number, item in enumerate(objects_of(known.document, "licenses"))
        if not _url(url_of(item))
    ]
    return notes


def _party(party: Party, more: Mapping[str, Any]) -> Node:
    register, _, number = party.id.partition(":")
    same = iri_of(_REGISTERS[register] + number) if register in _REGISTERS else None
    return node(
        names.party(party.id),
        ["dl:Party", "foaf:Agent", "prov:Agent"],
        foaf_name=texts(party.name),
        dl_partyId=party.id,
        dl_partyKind=names.code("kind", more["kind"]) if "kind" in more else None,
        dl_country=more.get("country"),
        dl_organised=[names.code("organised", step) for step in more.get("organised", ())],
        owl_sameAs=same,
    )


def _contacts(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in objects_of(document, "contributors") if "@" in (text_of(item, "email") or "")]


def _url(text: str | None) -> Iri | None:
    return iri_of(text) if text else None


def _address(known: Known) -> Iri | None:
    access = known.block.get("access", {})
    return _url(text_of(access, "url")) or _url(known.base) or _url(text_of(known.document, "homepage"))


def _access_rights(known: Known) -> Iri | None:
    said = _RIGHTS.get(str(known.block.get("access", {}).get("regime")))
    return Iri(f"{_EU}access-right/{said}") if said else None


def _language(tag: str) -> Iri:
    short = tag.split("-", maxsplit=1)[0].lower()
    known = _LANGUAGES.get(short)
    return Iri(f"{_EU}language/{known}") if known else Iri(f"http://id.loc.gov/vocabulary/iso639-1/{short}")


def language_tag(iri: str) -> str | None:
    """Give the tag that a name of a language, or a tag, stands for; ``None`` for others."""
    last = iri.rstrip("/").rpartition("/")[2]
    if iri.startswith(_EU):
        return next((short for short, long in _LANGUAGES.items() if long == last), None)
    return last if re.fullmatch("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", last) else None


def _time(text: str | None) -> Text | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if moment is None or text is None:
        return None
    return Text(text, type="xsd:date" if "T" not in text else "xsd:dateTime")


def _dates(known: Known) -> dict[str, Object]:
    """Give when the library was signed first and changed last, by its signers' clocks."""
    changes = (
        [link.event for link in known.past.chain if isinstance(link.event, (Genesis, Amend))] if known.past else []
    )
    if not changes:
        return {}
    first, last = (Text(format_time(changes[place].time), type="xsd:dateTime") for place in (0, -1))
    return {"dct_issued": first, "dct_modified": last}


def _distributions(known: Known, licences: Sequence[Iri]) -> Iterator[Node]:
    """Yield a distribution for the whole and for each resource, if there is an address to get them from."""
    address = _address(known)
    if not address:
        return
    own = names.library(known)
    bound = known.manifest.content
    whole = {"bytes": bound.bytes} if bound else {}
    parts: list[tuple[str, str | Mapping[str, str], Mapping[str, Any]]] = [("all", known.manifest.title, whole)]
    parts += [(each.name, text_of(each.value, "title") or each.name, each.value) for each in known.manifest.resources]
    for called, title, value in parts:
        iri = names.part(own, "distribution", called)
        digest = str(value.get("hash", "")).removeprefix("sha256:")
        check = names.part(own, "checksum", called)
        media = _media(value)
        yield node(
            iri,
            ["dcat:Distribution"],
            dct_title=texts(title),
            dct_description=texts(text_of(value, "description")),
            dcat_accessURL=address,
            dcat_downloadURL=[link for path in strings_of(value, "path") if (link := _url(known.address(path)))],
            dct_license=list[Object](licences[:1]),
            dcat_mediaType=media,
            dcat_byteSize=_size(value.get("bytes")),
            spdx_checksum=check if digest else None,
        )
        if digest:
            checksum = Text(digest, type="xsd:hexBinary")
            algorithm = Iri("http://spdx.org/rdf/terms#checksumAlgorithm_sha256")
            yield node(check, ["spdx:Checksum"], spdx_algorithm=algorithm, spdx_checksumValue=checksum)
        if media:
            yield node(media, ["dct:MediaType"])


def _media(value: Mapping[str, Any]) -> Iri | None:
    media = text_of(value, "mediatype")
    return iri_of(_MEDIA + media) if media and "/" in media else None


def _size(value: object) -> Text | None:
    return Text(str(value), type="xsd:nonNegativeInteger") if isinstance(value, int) else None
