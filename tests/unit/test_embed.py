"""Refusals written into files: found by our readers and by others, and nothing else of the file changes."""

import io
import json
import os
import shutil
import subprocess
import zlib
from pathlib import Path
from random import Random
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.errors import DatalibError, Misuse, Refused
from datalib.optout import markup, xmp_writing
from datalib.optout.embed import Embedded, embed
from datalib.optout.media import splicing
from datalib.optout.media.source import DamagedError, Source
from datalib.optout.model import Reading, State
from datalib.optout.refusal import Refusal, check_licence
from datalib.optout.unit import read_unit
from tests import media_files as made
from tests.shared import SHARED

SOAK = "DATALIB_SOAK" in os.environ
DC = "http://purl.org/dc/elements/1.1/"
VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
LICENCE = "https://e.x/licence?a=1&b=2"
TRAINING = Refusal(reading=Reading.of(State.DENY, "train_any"))
MINING = Refusal(reading=Reading.of(State.DENY, "tdm"), licence=LICENCE)
OTHER = made.packet("<dc:title>Күн</dc:title>", dc=DC)
JFIF = made.segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
FILES = {
    "a.jpg": made.jpeg(JFIF, made.segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")),
    "b.jpg": made.jpeg(made.app1(OTHER), made.segment(0xFE, b"a comment")),
    "a.png": made.png(),
    "b.png": made.png(made.itxt(OTHER, packed=True), made.chunk(b"tEXt", b"Author\0A")),
    "a.pdf": made.pdf(),
    "b.pdf": made.pdf(OTHER, packed=True, streams=True, info="About"),
}  # fmt: skip


def write(
    tmp_path: Path, name: str, data: bytes, refusal: Refusal = TRAINING, **options: Any
) -> tuple[Embedded, bytes]:
    (tmp_path / name).write_bytes(data)
    done = embed(tmp_path / name, tmp_path / f"out-{name}", refusal, **options)
    assert (tmp_path / name).read_bytes() == data
    assert not list(tmp_path.glob(".datalib-tmp-*"))
    return done, done.out.read_bytes()


def said(data: bytes, name: str, *, letter: bool = True) -> dict[str, State]:
    signals = read_unit(io.BytesIO(data), len(data), name).signals
    readings = [signal.spec if letter else signal.strict for signal in signals]
    return {item: max(reading[item] for reading in readings) for item in ("tdm", "train_any", "train_gen")}


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_is_read_back_to_the_letter(tmp_path: Path, name: str) -> None:
    done, first = write(tmp_path, name, FILES[name])
    assert done.states["train_any"] == done.states["train_gen"] == "deny"
    assert done.states["tdm"] == "unknown"
    assert said(first, name) == {"tdm": State.UNKNOWN, "train_any": State.DENY, "train_gen": State.DENY}
    # Once more, with more: the new value takes the place of the old one.
    _, second = write(tmp_path, f"2{name}", first, MINING)
    assert set(said(second, name, letter=name.endswith("pdf")).values()) == {State.DENY}  # TDMRep knows XMP of PDF only
    assert b"EXCEPT" not in second
    _, third = write(tmp_path, f"3{name}", second, MINING)
    assert third == second or name.endswith("pdf")
    _, again = write(tmp_path, f"4{name}", FILES[name])
    assert again == first


@pytest.mark.parametrize("name", ["a.jpg", "b.jpg", "a.png", "b.png"])
def test_every_other_byte_of_a_picture_stays(tmp_path: Path, name: str) -> None:
    data = FILES[name]
    _, new = write(tmp_path, name, data, MINING)
    reader = splicing.jpeg if name.endswith("jpg") else splicing.png
    old = reader(Source.of(data), lambda packet: packet)
    fresh = reader(Source.of(new), lambda packet: packet)
    assert new[: fresh.start] == data[: old.start]
    assert new[fresh.stop :] == data[old.stop :]
    if name.startswith("b"):
        assert "<dc:title>Күн</dc:title>".encode() in new
    if name == "a.jpg":
        assert new.index(b"Exif") < new.index(b"http://ns.adobe.com/xap")


def test_a_pdf_keeps_its_pages_and_other_metadata(tmp_path: Path) -> None:
    _, new = write(tmp_path, "b.pdf", FILES["b.pdf"], MINING)
    with pikepdf.open(io.BytesIO(new)) as document:
        assert len(document.pages) == 1
        assert str(document.docinfo["/Subject"]) == "About"
        with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as found:
            assert found[f"{{{DC}}}title"] == "Күн"
            assert found[f"{{{made.PLUS}}}DataMining"] == VOCABULARY + "DMI-PROHIBITED-AIMLTRAINING"
            assert found["{http://www.w3.org/ns/tdmrep/}reservation"] == "1"
            assert found["{http://www.w3.org/ns/tdmrep/}policy"] == LICENCE


@pytest.mark.system
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize("name", FILES)
def test_exiftool_finds_it_too(tmp_path: Path, name: str) -> None:
    done, _ = write(tmp_path, name, FILES[name], MINING)
    command = ["exiftool", "-j", "-G1", "-n", "-validate", "-warning", str(done.out)]
    for arguments in (command, ["exiftool", "-j", "-XMP-plus:all", "-XMP-tdm:all", "-XMP-dc:all", str(done.out)]):
        shown = subprocess.run(arguments, capture_output=True, check=True)
        found = json.loads(shown.stdout)[0]
    assert found["Reservation"] in {1, "1"}
    assert found["Policy"] == LICENCE
    assert "AIMLTRAINING" in found["DataMining"].upper() or "training" in found["DataMining"].lower()
    if name.startswith("b"):
        assert found["Title"] == "Күн"


@pytest.mark.parametrize(
    ("old", "refusal", "code", "reservation"),
    [
        ("DMI-PROHIBITED", TRAINING, "DMI-PROHIBITED", None),
        ("DMI-PROHIBITED-SEECONSTRAINT", TRAINING, "DMI-PROHIBITED-SEECONSTRAINT", None),
        ("DMI-ALLOWED", TRAINING, "DMI-PROHIBITED-AIMLTRAINING", None),
        ("DMI-PROHIBITED-GENAIMLTRAINING", TRAINING, "DMI-PROHIBITED-AIMLTRAINING", None),
        ("DMI-PROHIBITED-AIMLTRAINING", MINING, "DMI-PROHIBITED-AIMLTRAINING", "1"),
        ("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", TRAINING, "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", None),
        ("DMI-UNKNOWN-CODE", TRAINING, "DMI-PROHIBITED-AIMLTRAINING", None),
    ],
)
@pytest.mark.parametrize("form", ["element", "attribute", "resource", "list"])
def test_an_old_value_is_replaced_in_any_form_and_never_weakened(
    old: str, refusal: Refusal, code: str, reservation: str | None, form: str
) -> None:
    value = VOCABULARY + old
    inner = {
        "element": f"<plus:DataMining>{value}</plus:DataMining>",
        "attribute": "",
        "resource": f'<plus:DataMining rdf:resource="{value}"/>',
        "list": f"<plus:DataMining><rdf:Bag><rdf:li>{value}</rdf:li></rdf:Bag></plus:DataMining>",
    }[form]
    text = made.packet(f"{inner}<dc:title>T</dc:title>", dc=DC)
    if form == "attribute":
        text = text.replace(b'rdf:about=""', f"plus:DataMining = '{value}' rdf:about=\"uuid:1&amp;2\"".encode())
    new = xmp_writing.with_refusal(text, refusal, "x")
    assert new.count(VOCABULARY.encode()) == 1
    assert new.count(f"{VOCABULARY}{code}".encode()) == 1
    assert b"<dc:title>T</dc:title>" in new
    elements = markup.parse(new) or []
    abouts = {one.attributes[f"{markup.RDF}\nabout"] for one in elements if f"{markup.RDF}\nabout" in one.attributes}
    assert len(abouts) == 1  # all descriptions of a packet are about one thing
    assert (b"<tdm:reservation>1<" in new) == (reservation is not None)


def test_empty_elements_end_where_they_end() -> None:
    value = f'<plus:DataMining rdf:resource="{VOCABULARY}DMI-ALLOWED"/>'
    last = made.packet(f"<dc:title>T</dc:title>{value}", dc=DC)  # the end tag of the description follows at once
    new = xmp_writing.with_refusal(last, TRAINING, "x")
    assert b"DMI-ALLOWED" not in new
    assert new.count(b"</rdf:Description>") == 2
    empty = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="%s" /></x:xmpmeta>' % markup.RDF.encode()
    elements = markup.parse(xmp_writing.with_refusal(empty, TRAINING, "x")) or []
    (place,) = (number for number, one in enumerate(elements) if one.local == "Description")
    assert elements[elements[place].parent].local == "RDF"


PIECES = st.sampled_from(
    [
        "<dc:title>T &gt; &#x41;</dc:title>", "<dc:empty/>", '<dc:rights rdf:resource="/&quot;>"/>', " ", "<!-- -->",
        "<dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li/></rdf:Bag></dc:subject>", "<![CDATA[</rdf:RDF>]]>", "<?p ?>",
        "<plus:DataMining>DMI-ALLOWED</plus:DataMining>", f'<plus:DataMining rdf:resource="{VOCABULARY}DMI-ALLOWED"/>',
        "<plus:DataMining/>", "<plus:OtherConstraints>x</plus:OtherConstraints>", "<t:reservation>0</t:reservation>",
        '</rdf:Description><rdf:Description rdf:about="" plus:DataMining="DMI-ALLOWED" dc:source=\'"\'>',
        '</rdf:Description><rdf:Description rdf:about=""/><rdf:Description rdf:about="">',
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=8), st.sampled_from([TRAINING, MINING]))
def test_whatever_stands_in_a_packet_all_else_stays(pieces: list[str], refusal: Refusal) -> None:
    tdm = "http://www.w3.org/ns/tdmrep/"

    def rest(text: bytes) -> list[tuple[str, str, str]]:
        elements = markup.parse(text)
        assert elements is not None
        own = {f"{made.PLUS}\nDataMining"} | (
            {f"{tdm}reservation", f"{tdm}\npolicy", f"{tdm}\nreservation"} if refusal.tdm else set()
        )
        names = [
            (one.name, "", one.text.strip()) for one in elements if one.name not in own and one.local != "Description"
        ]
        return names + [(one.name, *item) for one in elements for item in one.attributes.items()
                        if one.name not in own and item[0] not in own and not item[0].endswith("about")]  # fmt: skip

    spaces = f'xmlns:plus="{made.PLUS}" xmlns:dc="{DC}" xmlns:t="{tdm}" xmlns:x='.encode()
    text = made.packet("".join(pieces)).replace(b"xmlns:x=", spaces)
    new = xmp_writing.with_refusal(text, refusal, "x")
    assert rest(new) == rest(text)
    assert b"DMI-ALLOWED" not in new
    assert xmp_writing.with_refusal(new, refusal, "x") == new


def test_an_old_reservation_is_replaced_and_an_old_policy_kept_unless_there_is_a_new_one() -> None:
    tdm = "http://www.w3.org/ns/tdmrep/"
    text = made.packet("<t:reservation>0</t:reservation><t:policy>https://old.x/</t:policy><t:more>1</t:more>", t=tdm)
    new = xmp_writing.with_refusal(text, MINING, "x")
    assert (new.count(b"reservation>"), new.count(b"policy>")) == (2, 2)
    assert b"old.x" not in new
    assert b"<t:more>1</t:more>" in new
    kept = xmp_writing.with_refusal(text, Refusal(reading=MINING.reading), "x")
    assert b"https://old.x/" in kept
    untouched = xmp_writing.with_refusal(text, TRAINING, "x")
    assert b"<t:reservation>0</t:reservation>" in untouched


def test_odd_packets() -> None:
    wide = made.packet("<dc:title>Күн</dc:title>", dc=DC).decode().encode("utf-16-le")
    assert "Күн" in xmp_writing.with_refusal(wide, TRAINING, "x").decode()
    empty = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="%s" /></x:xmpmeta>' % markup.RDF.encode()
    assert markup.parse(xmp_writing.with_refusal(empty, TRAINING, "x"))
    padded = OTHER.replace(b"</x:xmpmeta>", b"</x:xmpmeta>" + b" " * 2048)
    assert b" " * 2048 in xmp_writing.with_refusal(padded, TRAINING, "x")
    for text in (
        b"<a/>",
        b"<a",
        made.packet("&entity;"),
        OTHER + OTHER,
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + made.bare(),
    ):
        with pytest.raises(Refused, match="E-EMBED-FORMAT"):
            xmp_writing.with_refusal(text, TRAINING, "x")


def test_extended_xmp_stays_and_goes_on_to_count(tmp_path: Path) -> None:
    rest = made.extended(made.packet("<dc:description>long</dc:description>", dc=DC), guid=b"B" * 32)
    note = "http://ns.adobe.com/xmp/note/"
    main = made.packet(f"<n:HasExtendedXMP>{'B' * 32}</n:HasExtendedXMP>", n=note)
    _, new = write(tmp_path, "a.jpg", made.jpeg(made.app1(main), *rest))
    assert b"".join(rest) in new
    assert b"HasExtendedXMP" in new


def protected() -> bytes:
    with pikepdf.open(io.BytesIO(made.pdf())) as document:
        out = io.BytesIO()
        document.save(out, encryption=pikepdf.Encryption(owner="o", user=""))
        return out.getvalue()


def pdf_with_signature() -> bytes:
    document = pikepdf.open(io.BytesIO(made.pdf()))
    value = document.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Sig, ByteRange=pikepdf.Array([0, 1, 2, 3])))
    field = document.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Sig, V=value))
    document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]), SigFlags=3)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


MPF = made.segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0\0\0\0\0")
REFUSED = {
    "text.jpg": b"not a picture",
    "a.gif": b"GIF89a" + bytes(7) + b";",
    "cut.jpg": FILES["b.jpg"][:60],
    "cut.png": FILES["b.png"][:60],
    "cut.pdf": FILES["b.pdf"][:200],
    "two.jpg": made.jpeg(made.app1(OTHER), made.app1(OTHER)),
    "two.png": made.png(made.itxt(OTHER), made.itxt(OTHER)),
    "bad.png": made.png(made.chunk(b"iTXt", b"XML:com.adobe.xmp\0\5\5")),
    "bad.jpg": made.jpeg(made.app1(b"<x")),
    "long.jpg": made.jpeg(made.app1(made.packet(f"<dc:title>{'a' * 65000}</dc:title>", dc=DC))),
    "pictures.jpg": made.jpeg(MPF, made.app1(OTHER)),
    "locked.pdf": protected(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_safely_is_refused_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused) as caught:
        write(tmp_path, name, REFUSED[name])
    assert caught.value.code == "E-EMBED-FORMAT"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_index_of_pictures_behind_the_packet_is_no_trouble(tmp_path: Path) -> None:
    _, new = write(tmp_path, "a.jpg", made.jpeg(made.app1(OTHER), MPF))
    assert new.index(b"DMI-") < new.index(b"MPF\0")
    write(tmp_path, "b.jpg", made.jpeg(MPF))


def test_files_whose_bytes_are_signed_are_left_alone(tmp_path: Path) -> None:
    signed = made.signed(FILES["a.jpg"], "image/jpeg", [])
    linked = made.jpeg(
        made.app1(made.packet("<d:provenance>https://e.x/m</d:provenance>", d="http://purl.org/dc/terms/"))
    )
    for name, data in (("a.jpg", signed), ("b.jpg", linked), ("a.pdf", pdf_with_signature())):
        with pytest.raises(Refused) as caught:
            write(tmp_path, name, data)
        assert caught.value.code == "E-EMBED-SIGNED"
        assert not (tmp_path / f"out-{name}").exists()
    done, new = write(tmp_path, "a.jpg", signed, break_credentials=True)
    assert done.states["train_any"] == "deny"
    assert b"jumb" in new


def test_wrong_requests(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(FILES["a.png"])
    (tmp_path / "link.png").symlink_to(path)
    for out in (path, tmp_path / "link.png"):
        with pytest.raises(Misuse, match="must not take the place"):
            embed(path, out, TRAINING)
    with pytest.raises(Misuse, match="XMP can refuse"):
        embed(path, tmp_path / "out.png", Refusal(reading=Reading.of(State.DENY, "search")))
    with pytest.raises(DatalibError, match="E-IO"):
        embed(tmp_path / "none.png", tmp_path / "out.png", TRAINING)
    with pytest.raises(DatalibError, match="E-IO"):
        embed(path, tmp_path / "none" / "out.png", TRAINING)
    with pytest.raises(Misuse, match="not a URL"):
        check_licence("https://e.x/ a")


ODD = st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"<", b"\xff\xe1", b""]) | st.binary(max_size=8)
CHANGE = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 8), ODD)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["a.jpg", "b.jpg", "a.png", "b.png"]), st.lists(CHANGE, min_size=1, max_size=5))
def test_hostile_pictures_end_in_a_splice_or_one_of_our_errors(
    name: str, changes: list[tuple[float, int, bytes]]
) -> None:
    data = FILES[name]
    for place, length, new in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + length :]
    source = Source.of(data)
    try:
        splice = (splicing.jpeg if name.endswith("jpg") else splicing.png)(source, lambda packet: packet or b"<a/>")
    except DamagedError:
        return
    assert 0 <= splice.start <= splice.stop <= len(data)


@settings(max_examples=200, deadline=None)
@given(st.lists(CHANGE, min_size=1, max_size=4))
def test_hostile_packets_end_in_a_packet_that_refuses_or_one_of_our_errors(
    changes: list[tuple[float, int, bytes]],
) -> None:
    data = made.mining(made.ALLOWED)
    for place, length, new in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + length :]
    try:
        new = xmp_writing.with_refusal(data, TRAINING, "x")
    except Refused:
        return
    signals = read_unit(io.BytesIO(new), len(new), "a.xmp").signals
    assert max(signal.strict.train_any for signal in signals) is State.DENY


@pytest.mark.shared
def test_of_real_files_nothing_else_changes(tmp_path: Path) -> None:
    """Photographs, scans and papers as their makers left them: what is written is all that differs."""
    found = sorted(SHARED.rglob("*.[jp][pnd][gf]"))
    real = [path for path in found if path.is_file() and path.stat().st_size < 1 << 22]
    done = 0
    for number, path in enumerate(Random(7).sample(real, min(len(real), 40 if SOAK else 8))):
        data, name = path.read_bytes(), f"{number}{path.suffix}"
        try:
            _, new = write(tmp_path, name, data)
        except Refused as error:
            assert error.code in {"E-EMBED-FORMAT", "E-EMBED-SIGNED"}  # noqa: PT017 (some are made to be bad)
            continue
        done += 1
        if path.suffix != ".pdf":
            reader = splicing.png if data.startswith(b"\x89") else splicing.jpeg
            old, fresh = (reader(Source.of(one), lambda packet: packet) for one in (data, new))
            assert (new[: fresh.start], new[fresh.stop :]) == (data[: old.start], data[old.stop :])
    assert done


@pytest.mark.parametrize("seed", range(9 if SOAK else 1))
def test_hostile_files_of_all_forms_through_the_whole(tmp_path: Path, seed: int) -> None:
    for name, data in FILES.items():
        at = zlib.crc32(f"{name}{seed}".encode()) % len(data)
        try:
            write(tmp_path, name, data[:at] + b"\xff\xe1\0\x02<" + data[at + 3 :])
        except DatalibError as error:
            assert error.code in {"E-EMBED-FORMAT", "E-EMBED-SIGNED"}  # noqa: PT017 (either ending is right)


def test_each_fault_of_a_container_has_its_words() -> None:
    faults = {
        b"\xff\xd8\x00": "ends early",
        b"\xff\xd8\x00\x00": "does not begin with a marker",
        b"\xff\xd8\xff\xe1\x00\x01": "behind the end",
        b"\xff\xd8\xff\xff\xff\x01\xff\xe0\xff\xff": "behind the end",
        b"\xff\xd8" + b"\xff" * ((1 << 17) + 9): "more JPEG segments",
    }
    for data, words in faults.items():
        with pytest.raises(DamagedError, match=words):
            splicing.jpeg(Source.of(data), bytes)
    head = made.png()[:8]
    large = made.chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes(9 << 20))
    for data, words in {
        head + made.chunk(b"IDAT", b""): "begins with IHDR",
        head + b"\xff\xff\xff\xffIHDR": "behind the end",
        made.png(large): "too large",
        head + made.chunk(b"IHDR", b"") + made.chunk(b"tEXt", b"") * (1 << 17): "more PNG chunks",
    }.items():
        with pytest.raises(DamagedError, match=words):
            splicing.png(Source.of(data), bytes)
