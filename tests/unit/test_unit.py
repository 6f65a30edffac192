"""Whole files: from their bytes to what they say, container by container and carrier by carrier."""

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from datalib.optout import content_credentials, jumbf, unit
from datalib.optout.content_credentials import Manifest, Store
from datalib.optout.media import packets
from datalib.optout.media.forms import Container, form_of
from datalib.optout.model import NOTHING
from datalib.optout.synthetic import Extent, Mark, code_of
from datalib.optout.unit import Sidecar, UnitReading, marks, read_unit
from tests import media_files as made

XMP = made.mining()
FREE = made.packet()


def read(data: bytes, name: str = "", *sidecars: Sidecar) -> UnitReading:
    return read_unit(io.BytesIO(data), len(data), name, sidecars=sidecars)


def state(reading: UnitReading) -> str:
    strict = NOTHING
    for signal in reading.signals:
        strict |= signal.strict
    return strict.tested.label


def names(reading: UnitReading) -> set[str]:
    return {signal.signal for signal in reading.signals}


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>%s</metadata></svg>'
CARRIERS: dict[str, Callable[[bytes], bytes]] = {
    "jpeg": lambda xmp: made.jpeg(made.app1(xmp)),
    "jpeg-extended": lambda xmp: made.jpeg(made.app1(FREE), *made.extended(xmp, 3)),
    "png": lambda xmp: made.png(made.itxt(xmp)),
    "png-packed": lambda xmp: made.png(made.itxt(xmp, packed=True)),
    "webp": lambda xmp: made.webp((b"XMP ", xmp)),
    "wav": lambda xmp: made.wav((b"_PMX", xmp)),
    "tiff": lambda xmp: made.tiff([(700, 1, xmp)]),
    "tiff-big-endian": lambda xmp: made.tiff([(700, 1, xmp)], order=">"),
    "bigtiff": lambda xmp: made.tiff([(700, 1, xmp)], big=True),
    "heif": made.heif,
    "mp4": lambda xmp: made.mp4(made.box(b"uuid", made.UUID_XMP + xmp)),
    "mov": lambda xmp: made.mp4(made.box(b"udta", made.box(b"XMP_", xmp)), brand=b"qt  "),
    "pdf": made.pdf,
    "pdf-packed": lambda xmp: made.pdf(xmp, packed=True, streams=True),
    "gif": lambda xmp: made.gif(made.gif_xmp(xmp)),
    "mp3": lambda xmp: made.id3((b"PRIV", b"XMP\0" + xmp)),
    "flac": lambda xmp: made.flac((2, b"XMP\0" + xmp)),
    "ogg": lambda xmp: made.ogg(b"\1vorbis", b"\3vorbis" + made.comments(), xmp),
    "zip": lambda xmp: made.zipped({"a/b.jpg": made.jpeg(made.app1(xmp))}),
    "swf": lambda xmp: made.swf((9, b"abc"), (77, xmp)),
    "swf-packed": lambda xmp: made.swf((77, xmp), (1, b""), packed=True),
    "docx": lambda xmp: made.zipped({"[Content_Types].xml": b"<Types/>", "word/media/a.png": made.png(made.itxt(xmp))}),
    "tar": lambda xmp: made.tarred({"a.jpg": made.jpeg(made.app1(xmp))}),
    "tar.gz": lambda xmp: gzip.compress(made.tarred({"a.jpg": made.jpeg(made.app1(xmp))})),
    "psd": lambda xmp: made.psd(b"8BIM\x04\x24\0\0" + len(xmp).to_bytes(4) + xmp),
    "svg": lambda xmp: SVG % xmp[xmp.index(b"<x:") :].partition(b"<?")[0],
    "sidecar": lambda xmp: xmp,
    "epub": lambda xmp: made.epub(more={"META-INF/metadata.xml": xmp}),
}  # fmt: skip


@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_carrier_denies_allows_is_silent_and_holds(carrier: str) -> None:
    make = CARRIERS[carrier]
    denied = read(make(XMP))
    assert (denied.asked, state(denied)) == (True, "deny")
    assert all(signal.sha256 in denied.proofs for signal in denied.signals)
    assert state(read(make(made.mining(made.ALLOWED)))) == "allow"
    assert read(make(FREE)).signals == ()
    assert state(read(make(XMP.replace(b"DMI-PROHIBITED-AIMLTRAINING", b"DMI-SOMETHING")))) == "hold"


@pytest.mark.parametrize("carrier", [name for name in CARRIERS if name not in {"svg", "epub"}])
def test_a_packet_that_is_no_xml_holds_in_each_carrier(carrier: str) -> None:
    bad = FREE.replace(b"</rdf:RDF>", b"</rdf:RDX>")
    assert state(read(CARRIERS[carrier](bad))) == "hold"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_file_that_ends_early_is_never_silent(carrier: str) -> None:
    whole = CARRIERS[carrier](XMP)
    found = read(whole[: whole.find(b"DMI-") if b"DMI-" in whole else len(whole) // 2])
    assert not found.asked or state(found) in {"hold", "deny"}


def test_forms_without_a_reader_are_not_asked() -> None:
    for data, name in ((b"plain", "a.txt"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc")):
        assert read(data, name) == UnitReading(asked=False)


def test_too_large_a_file_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "MAX_BYTES", 10)
    found = read(b"plain text here", "a.txt")
    assert (found.asked, names(found)) == (True, {"unit-unreadable"})
    monkeypatch.undo()
    monkeypatch.setattr(unit, "MAX_PIECE", 10)
    assert state(read(FREE)) == "hold"


def test_notices_in_plain_words_count() -> None:
    for data in (
        made.jpeg(made.segment(0xFE, b"No AI training")),
        made.png(made.chunk(b"tEXt", b"noai\0noindex")),
        made.pdf(info="May not be used to train AI models"),
    ):
        found = read(data)
        assert (names(found), state(found)) == ({"unit-text"}, "deny")
    assert read(made.jpeg(made.segment(0xFE, b"a picture of a cat"))).signals == ()


def test_a_broken_container_is_searched_for_packets() -> None:
    for data in (made.jpeg(made.app1(XMP))[: 60 + len(XMP)], made.png(made.itxt(XMP))[:-6] + b"\xff\xff"):
        found = read(data)
        assert state(found) == "deny"
        assert "unit-unreadable" in names(found)
    twice = read(b"\xff\xd8\xff" + XMP[:-20])
    assert state(twice) == "deny"
    assert read(made.font(b"glyf")[:20]).signals


def test_tdmrep_in_a_package_document() -> None:
    for data in (
        made.epub('<meta property="tdm:reservation">1</meta>'),
        made.OPF.format('<meta property="tdm:reservation">1</meta>').encode(),
    ):
        found = read(data)
        assert (names(found), state(found)) == ({"tdmrep-embedded"}, "deny")
    assert state(read(made.epub('<meta property="tdm:reservation">0</meta>'))) == "allow"
    assert state(read(made.epub("<meta"))) == "hold"
    assert state(read(made.OPF[:-12].encode())) == "hold"


def test_sidecars_speak_about_the_file_beside_them() -> None:
    silent = made.jpeg()
    assert state(read(silent, "a.jpg", Sidecar(name="a.xmp", kind="xmp", data=XMP))) == "deny"
    signed = made.signed(silent, "image/jpeg", [made.training()])
    store = content_credentials.ask(io.BytesIO(signed), "image/jpeg").store
    assert store
    beside = Sidecar(name="a.c2pa", kind="c2pa", data=store.boxes)
    found = read(silent, "a.jpg", beside)
    assert state(found) == "deny"
    assert found.signals[0].locator.startswith("a.c2pa#c2pa/")
    assert state(read(silent, "a.jpg", Sidecar(name="a.c2pa", kind="c2pa", data=b"x"))) == "hold"
    assert state(read(b"words", "a.txt", Sidecar(name="a.txt.xmp", kind="xmp", data=XMP))) == "deny"
    assert state(read(store.boxes, "a.c2pa")) == "deny"


# -- C2PA


@pytest.mark.parametrize(
    ("data", "mime"),
    [(made.jpeg(), "image/jpeg"), (made.png(), "image/png"), (made.wav(), "audio/wav"), (made.webp(), "image/webp")],
)
def test_manifests_in_files(data: bytes, mime: str) -> None:
    assert read(made.signed(data, mime, [])).signals == ()
    for label in ("cawg.training-mining", "c2pa.training-mining"):
        found = read(made.signed(data, mime, [made.training(label)]), "a")
        (signal,) = found.signals
        assert (signal.signal, signal.strict.train_gen.label, signal.spec.train_gen.label) == (
            "c2pa-training", "deny", "deny",
        )  # fmt: skip
        assert signal.locator.endswith("/" + label)
        assert found.proofs[signal.sha256][4:8] == b"jumb"
    offered = made.training(use="constrained", constraint_info="https://e.x")
    assert state(read(made.signed(data, mime, [offered]))) == "conditional"


def test_the_refusal_of_an_ingredient_goes_with_the_work() -> None:
    parent = made.signed(made.jpeg(), "image/jpeg", [made.training()])
    assert state(read(made.signed(parent, "image/jpeg", [], parent=parent))) == "deny"
    allowed = made.signed(made.jpeg(), "image/jpeg", [made.training(use="allowed")])
    found = read(made.signed(allowed, "image/jpeg", [], parent=allowed))
    assert state(found) == "unknown"
    assert "does not count" in found.signals[0].note


def test_an_allowance_counts_in_a_valid_manifest_only_and_a_denial_in_any() -> None:
    for use, whole, broken in (("allowed", "allow", "unknown"), ("notAllowed", "deny", "deny")):
        data = made.signed(made.jpeg(), "image/jpeg", [made.training(use=use)])
        assert state(read(data)) == whole
        changed = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
        assert state(read(changed)) == broken


def test_a_manifest_elsewhere_holds() -> None:
    found = read(made.signed(made.jpeg(), "image/jpeg", [made.training()], remote="http://127.0.0.1:1/m"))
    assert (names(found), state(found)) == ({"c2pa-remote"}, "hold")
    assert found.signals[0].raw == "http://127.0.0.1:1/m"
    linked = made.packet("<t:provenance>https://e.x/m</t:provenance>", t="http://purl.org/dc/terms/")
    assert names(read(made.psd(linked))) == {"c2pa-remote"}


def test_a_store_that_cannot_be_read_holds() -> None:
    data = made.signed(made.png(), "image/png", [made.training()])
    place = data.index(b"c2pa.claim")
    assert state(read(data[:place] + b"XXXX" + data[place + 4 :])) in {"hold", "deny"}
    assert names(read(made.psd(packets.STORE))) == {"c2pa-unreadable"}
    assert read(made.riff(b"sfbk", (b"data", packets.STORE))).signals


def test_the_library_is_asked_where_there_is_a_store_and_a_store_must_be_found() -> None:
    import pikepdf

    assert read(made.jpeg(made.segment(0xEB, b"JP\0\1 other boxes"))).signals == ()
    assert read(b'<svg xmlns="http://www.w3.org/2000/svg"><desc>about C2PA</desc></svg>').signals == ()
    for data in (
        made.jpeg(made.segment(0xFE, packets.STORE)),
        made.png(made.chunk(b"prVt", packets.STORE)),
        made.epub(more={"META-INF/other.c2pa": b"x"}),
    ):
        found = read(data)
        assert (names(found), state(found)) == ({"c2pa-unreadable"}, "hold")
    document = pikepdf.open(io.BytesIO(made.pdf()))
    named = pikepdf.Dictionary(AFRelationship=pikepdf.Name.C2PA_Manifest)
    document.Root.AF = pikepdf.Array([document.make_indirect(named)])
    out = io.BytesIO()
    document.save(out)
    assert names(read(out.getvalue())) == {"c2pa-unreadable"}


def test_assertions_that_the_claim_leaves_out_hold() -> None:
    signed = made.signed(made.jpeg(), "image/jpeg", [made.training()])
    store = content_credentials.ask(io.BytesIO(signed), "image/jpeg").store
    assert store
    silent = tuple(replace(manifest, assertions=()) for manifest in store.manifests)
    hidden = Store(manifests=silent, boxes=store.boxes)
    (signal,) = content_credentials.statements(hidden, "a", valid=True).signals
    assert (signal.strict.tested.label, signal.raw) == ("hold", "cawg.training-mining")


def test_data_mining_inside_of_assertions_counts() -> None:
    for value in (made.DENIED, [made.DENIED], {"@id": made.DENIED}):
        assertion = {
            "label": "cawg.metadata",
            "data": {"@context": {"plus": made.PLUS}, "a": [{"plus:DataMining": value}]},
        }
        assert state(read(made.signed(made.jpeg(), "image/jpeg", [assertion]))) == "deny"
    deep: dict[str, object] = {"DataMining": made.DENIED}
    for _ in range(40):
        deep = {"a": deep}
    assert list(content_credentials.values_of(deep, "DataMining")) == []
    assert list(content_credentials.values_of({"DataMining": 1}, "DataMining")) == []


def test_halves_of_characters_do_not_reach_the_results() -> None:
    manifest = Manifest(
        label="\ud800", active=True, signed_by="x",
        assertions=({"label": "c2pa.training-mining", "data": {"entries": {"\udfff": {"use": "notAllowed"}}}},),
    )  # fmt: skip
    (signal,) = content_credentials.statements(Store(manifests=(manifest,)), "a", valid=False).signals
    stored = unit._storable(signal)
    assert stored.locator.encode()
    assert stored.raw.encode()


# -- JUMBF


def test_boxes_of_a_store_are_walked_as_far_as_they_go() -> None:
    signed = made.signed(made.jpeg(), "image/jpeg", [made.training()])
    store = content_credentials.ask(io.BytesIO(signed), "image/jpeg").store
    assert store
    paths = [item.path for item in jumbf.walk(store.boxes)]
    assert paths[0] == ("c2pa",)
    assert any(path[-1] == "cawg.training-mining" for path in paths)
    for end in range(0, len(store.boxes), 101):
        assert len(list(jumbf.walk(store.boxes[:end]))) <= len(paths)
    unlabelled = b"\0\0\0\x08jumd"
    assert [item.path for item in jumbf.walk((8 + len(unlabelled)).to_bytes(4) + b"jumb" + unlabelled)] == [("",)]
    assert list(jumbf.walk(b"\0\0\0\x08free\0\0\0\x04free")) == []


# -- marks


def test_marks_of_synthetic_content() -> None:
    generated = made.signed(made.jpeg(), "image/jpeg", [], source="trainedAlgorithmicMedia")
    (mark,) = marks(io.BytesIO(generated), len(generated), "a.jpg")
    assert (mark.standard, mark.code, mark.extent) == ("c2pa", "trainedAlgorithmicMedia", Extent.GENERATED)
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    iptc = made.packet(
        f"<i:DigitalSourceType>{kind}</i:DigitalSourceType>", i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    )
    for data in (made.jpeg(made.app1(iptc)), made.pdf(iptc), iptc):
        (mark,) = read(data, "a").marks
        assert (mark.standard, mark.extent) == ("iptc", Extent.MODIFIED)
    assert read(made.signed(made.jpeg(), "image/jpeg", [])).marks[0].extent is Extent.NONE
    assert Mark(standard="iptc", code="something", place="").extent is Extent.NONE


def test_codes_are_taken_from_addresses() -> None:
    assert [code_of(v) for v in ("http://x/y/digitalCapture", "digsrctype:print", "a#b/", " z ")] == [
        "digitalCapture", "print", "b", "z",
    ]  # fmt: skip


# -- forms


@pytest.mark.parametrize(
    ("name", "beginning", "container"),
    [
        ("", b"\xff\xd8\xff\xe0", Container.JPEG),
        ("", b"RIFF\0\0\0\0WEBP", Container.RIFF),
        ("", b"MM\0*", Container.TIFF),
        ("", b"\0\0\0\x18ftypheic", Container.BOXES),
        ("", b"\0\0\0\x08moov", Container.BOXES),
        ("", b"The free software", None),
        ("", b"junk\n%PDF-1.4", Container.PDF),
        ("", b"PK\3\4" + bytes(26) + b"mimetypeapplication/epub+zip", Container.EPUB),
        ("a.epub", b"PK\3\4", Container.EPUB),
        ("a.docx", b"PK\3\4", Container.ZIP),
        ("a.svg", b"<?xml?><svg>", Container.XML),
        ("a.opf", b'<package xmlns="http://www.idpf.org/2007/opf">', Container.OPF),
        ("a.xmp", b"<rdf:RDF>", Container.XML),
        ("a.xmp", "\ufeff<x:xmpmeta>".encode("utf-16"), Container.XML),
        ("a.txt", b"see <?xpacket begin=", Container.SCANNED),
        ("a.py", b"svg = '<svg'", None),
        ("a.c2pa", b"\0\0", Container.STORE),
        ("a.mp3", b"\0\0", Container.MPEG_SOUND),
        ("a.mp3", b"", None),
        ("", b"FORM\0\0\0\0AIFF", Container.SCANNED),
        ("", b"FORM of text", None),
        ("", b"G" + b"x" * 187 + b"G", Container.SCANNED),
        ("", b"\0\1\0\0\0\x0b", Container.FONT),
        ("", b"true,false", None),
        ("", b"CWS\x0a", Container.SWF),
        ("", b"FWS of text", None),
        ("", b"ID3,name", None),
    ],
)
def test_forms_are_told_by_their_beginnings(name: str, beginning: bytes, container: Container | None) -> None:
    form = form_of(name, beginning)
    assert (form.container if form else None) is container


def test_reading_is_the_same_each_time_and_from_any_place_of_the_stream() -> None:
    data = made.signed(made.jpeg(made.app1(XMP)), "image/jpeg", [made.training()])
    stream = io.BytesIO(data)
    stream.seek(100)
    assert read_unit(stream, len(data), "a") == read(data, "a")
    assert zlib.crc32(repr(read(data, "a")).encode()) == zlib.crc32(repr(read(data, "a")).encode())
