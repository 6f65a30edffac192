import pytest

from datalib.optout import xmp
from datalib.optout.media.source import Packet
from datalib.optout.model import NOTHING, Carrier, Reading
from datalib.optout.statement import Evidence
from tests.media_files import ALLOWED, DENIED, bare, mining, packet

EVIDENCE = Evidence(locator="a.jpg#xmp", sha256="0" * 64)
IPTC = xmp.IPTC


def read(data: bytes, *, regular: bool = True, pdf: bool = False) -> xmp.Xmp:
    return xmp.read(Packet(data=data, place="xmp", regular=regular), EVIDENCE, pdf=pdf)


def readings(data: bytes, *, regular: bool = True, pdf: bool = False) -> tuple[str, str]:
    spec, strict = NOTHING, NOTHING
    for signal in read(data, regular=regular, pdf=pdf).signals:
        assert signal.carrier is Carrier.UNIT
        spec, strict = spec | signal.spec, strict | signal.strict
    return spec.tested.label, strict.tested.label


@pytest.mark.parametrize(
    "properties",
    [
        f"<plus:DataMining>{DENIED}</plus:DataMining>",
        f'<plus:DataMining rdf:resource="{DENIED}"/>',
        f"<plus:DataMining><rdf:Bag><rdf:li>{DENIED}</rdf:li></rdf:Bag></plus:DataMining>",
        f'<P:DataMining xmlns:P="{xmp.PLUS}">{DENIED}</P:DataMining>',
        f'</rdf:Description><rdf:Description xmlns:plus="{xmp.PLUS}" plus:DataMining="{DENIED}">',
    ],
)
def test_data_mining_counts_in_every_form(properties: str) -> None:
    assert readings(packet(properties)) == ("deny", "deny")
    assert readings(packet(properties), regular=False) == ("unknown", "deny")


@pytest.mark.parametrize(
    ("properties", "spaces", "expected"),
    [
        ("<i:DataMining>DMI-PROHIBITED</i:DataMining>", {"i": IPTC}, "deny"),
        ("<i:DMI>Prohibited</i:DMI>", {"i": IPTC}, "deny"),
        ("<i:DMI>Allowed</i:DMI>", {"i": IPTC}, "allow"),
        ("<plus:DMI-PROHIBITED>x</plus:DMI-PROHIBITED>", {}, "deny"),
        (f"<q:DataMining>{DENIED}</q:DataMining>", {"q": "https://ns.useplus.org/ldf/xmp/1.1/"}, "deny"),
        (f"<q:DataMining>{DENIED}</q:DataMining>", {"q": "http://other.example/"}, "unknown"),
        (f'<n:dataMining uri="{DENIED}"/>', {"n": "http://iptc.org/std/nar/2006-10-01/"}, "deny"),
        ("<plus:DataMining/>", {}, "hold"),
        ("<plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-UNSPECIFIED</plus:DataMining>", {}, "unknown"),
        ("<plus:OtherConstraints>No AI training</plus:OtherConstraints>", {}, "deny"),
        ("<plus:OtherConstraints>Ask before AI use</plus:OtherConstraints>", {}, "hold"),
        ("<plus:OtherConstraints>Only in colour</plus:OtherConstraints>", {}, "unknown"),
        ("<d:rights>Not for training of AI</d:rights>", {"d": "http://purl.org/dc/elements/1.1/"}, "deny"),
        ("<d:title>No AI training</d:title>", {"d": "http://purl.org/dc/elements/1.1/"}, "unknown"),
        ("<r:UsageTerms>noai</r:UsageTerms>", {"r": "http://ns.adobe.com/xap/1.0/rights/"}, "deny"),
        ("<r:rsl><r:content/></r:rsl>", {"r": "https://rslstandard.org/rsl"}, "conditional"),
        ("<t:reservation>1</t:reservation>", {"t": "http://www.w3.org/ns/tdmrep/"}, "deny"),
        ("<t:reservation>0</t:reservation>", {"t": "http://www.w3.org/ns/tdmrep/"}, "allow"),
        ("<t:reserve_tdm>1</t:reserve_tdm>", {"t": "http://www.w3.org/ns/tdmrep/"}, "deny"),
        ("<t:reservation>maybe</t:reservation>", {"t": "http://www.w3.org/ns/tdmrep/"}, "hold"),
    ],
)
def test_other_properties(properties: str, spaces: dict[str, str], expected: str) -> None:
    assert readings(packet(properties, **spaces))[1] == expected


def test_tdmrep_is_the_letter_in_pdf_only() -> None:
    reserved = packet("<t:reservation>1</t:reservation>", t="http://www.w3.org/ns/tdmrep/")
    assert readings(reserved, pdf=True) == ("deny", "deny")
    assert readings(reserved) == ("unknown", "deny")


def test_packets_that_contradict_each_other_deny() -> None:
    assert readings(mining(ALLOWED) + mining(DENIED)) == ("deny", "deny")
    other = bare(f"<plus:DataMining>{DENIED}</plus:DataMining>")
    assert readings(mining(ALLOWED) + b"\n" + other) == ("deny", "deny")
    assert [said.code for said in xmp.codes(mining(ALLOWED) + other)] == ["DMI-ALLOWED", "DMI-PROHIBITED-AIMLTRAINING"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (mining()[:-40], "deny"),
        (packet("<plus:DataMining>&unknown;</plus:DataMining>"), "hold"),
        (bare("<x>"), "hold"),
        (b"DMI-ALLOWED", "hold"),
        (b'<a tdm:reservation="1">', "deny"),
        (b"<!DOCTYPE a><a/>", "hold"),
        (b"not XML", "hold"),
    ],
)
def test_what_cannot_be_read_holds_and_what_is_plain_denies(data: bytes, expected: str) -> None:
    assert readings(data) == ("unknown", expected)
    assert "xmp-unreadable" in {signal.signal for signal in read(data).signals}


def test_a_packet_tells_where_its_manifest_stands_and_what_it_shows() -> None:
    terms = {"t": "http://purl.org/dc/terms/", "i": IPTC}
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    said = read(
        packet(f"<t:provenance>https://e.x/m</t:provenance><i:DigitalSourceType>{kind}</i:DigitalSourceType>", **terms)
    )
    assert (said.provenance, said.source_types, said.signals) == ("https://e.x/m", (kind,), ())
    assert read(packet("<t:provenance>self#jumbf=c2pa/x</t:provenance>", **terms)).provenance is None


def test_a_signal_quotes_the_property() -> None:
    (signal,) = read(mining()).signals
    assert (signal.signal, signal.raw, signal.locator) == (
        "iptc-data-mining", f"DataMining: {DENIED}", "a.jpg#xmp",
    )  # fmt: skip
    assert signal.strict == Reading(train_any=signal.strict.train_any, train_gen=signal.strict.train_gen)
