"""Where metadata can stand in each container, and what becomes of containers that are broken."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from pikepdf import StreamDecodeLevel

from datalib.optout.media import bmff, epub, fonts, jpeg, packets, pdf, png, resources, riff, source, tiff
from datalib.optout.media.source import DamagedError, Metadata, Source
from datalib.optout.unit import read_unit
from tests import media_files as made

XMP = made.mining()
#: Keeps pikepdf from writing metadata anew.
AS_IT_IS: Any = {
    "compress_streams": False, "fix_metadata_version": False, "stream_decode_level": StreamDecodeLevel.none,
}  # fmt: skip
Reader = Callable[[Source, Metadata], object]


def read(reader: Reader, data: bytes) -> Metadata:
    found = Metadata()
    reader(Source.of(data), found)
    return found


def data_of(found: Metadata) -> list[bytes]:
    return [packet.data for packet in found.packets]


def broken(reader: Reader, data: bytes) -> str:
    with pytest.raises(DamagedError) as caught:
        read(reader, data)
    return str(caught.value)


# -- source


def test_a_source_gives_what_is_there_and_no_more() -> None:
    data = Source.of(b"0123456789")
    assert data.read(2, 3) == b"234"
    assert data.peek(8, 5) == b"89"
    assert data.peek(20, 1) == data.peek(-1, 1) == data.peek(0, 0) == b""
    with pytest.raises(DamagedError, match="ends early"):
        data.read(8, 5)


def test_a_source_is_not_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_READ", 10)
    data = Source.of(b"0123456789abcdef")
    data.read(0, 8)
    with pytest.raises(DamagedError, match="more metadata"):
        data.read(0, 8)


def test_blocks_overlap_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_BLOCK", 4)
    assert list(Source.of(b"0123456789").blocks(1)) == [(0, b"0123"), (3, b"3456"), (6, b"6789")]
    assert list(Source(io.BytesIO(b"01"), 10).blocks(1)) == [(0, b"01"), (1, b"1")]
    assert list(Source.of(b"").blocks(1)) == []


def test_metadata_is_bounded() -> None:
    found = Metadata()
    for _ in range(source.MAX_PIECES + 5):
        found.add_text("x" * 20_000, "/x")
    assert len(found.texts) == source.MAX_PIECES
    assert len(found.texts[0].text) < 20_000
    found.add_packet(b" \0 ", "/x")
    assert not found.packets
    for _ in range(source.MAX_PIECES):
        found.add_packet(b"x", "/x")
    with pytest.raises(DamagedError, match="more metadata packets"):
        found.add_packet(b"x", "/x")


def test_texts_are_decoded_as_far_as_they_say_how() -> None:
    assert source.decode_text("ж\0".encode()) == "ж"
    assert source.decode_text(b"caf\xe9") == "café"


def test_what_is_packed_is_unpacked_within_bounds() -> None:
    assert source.inflate(zlib.compress(b"x")) == b"x"
    for bad in (b"no zlib", zlib.compress(b"x" * 1000)[:-6], b""):
        with pytest.raises(DamagedError):
            source.inflate(bad)
    with pytest.raises(DamagedError):
        source.inflate(zlib.compress(bytes(1 << 20)), 1 << 10)


# -- JPEG


def test_jpeg_gives_packets_texts_and_resources() -> None:
    exif = made.tiff([(33432, 2, b"no ai\0"), (700, 1, XMP)])
    iim = b"\x1c\x02\x74" + (5).to_bytes(2) + b"mine!"
    resource = b"8BIM\x04\x04\0\0" + len(iim).to_bytes(4) + iim
    found = read(
        jpeg.read,
        made.jpeg(
            b"\xff", made.app1(XMP), made.segment(0xE1, b"Exif\0\0" + exif), made.segment(0xE0, b"JFIF\0"),
            made.segment(0xED, b"Photoshop 3.0\0" + resource), made.segment(0xFE, b"a comment"), b"\xff\x01",
        ),
    )  # fmt: skip
    assert data_of(found) == [XMP, XMP]
    assert [(text.place, text.text) for text in found.texts] == [
        ("/exif-copyright", "no ai"), ("/iptc-copyright", "mine!"), ("/comment", "a comment"),
    ]  # fmt: skip


def test_extended_xmp_is_put_together_in_any_order() -> None:
    parts = made.extended(XMP, 3)
    assert data_of(read(jpeg.read, made.jpeg(*reversed(parts)))) == [XMP]
    two = made.jpeg(*parts, *made.extended(XMP, 1, guid=b"B" * 32))
    assert [packet.place for packet in read(jpeg.read, two).packets] == ["/extended-xmp", "/extended-xmp1"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (made.jpeg()[:30], "ends|behind"),
        (b"\xff\xd8\xff\xe1\0\1", "no length"),
        (b"\xff\xd8\0\0", "marker"),
        (b"\xff\xd8\xff\xe1\xff\xff", "behind"),
        (made.jpeg(*made.extended(XMP, 3, left_out=[0])), "missing"),
        (made.jpeg(*made.extended(XMP, 3, left_out=[2])), "missing"),
        (made.jpeg(made.segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0short")), "no head"),
        (made.jpeg(made.segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + b"\xff" * 8)), "too large"),
    ],
)
def test_a_broken_jpeg_says_so(data: bytes, why: str) -> None:
    with pytest.raises(DamagedError, match=why):
        read(jpeg.read, data)


def test_a_jpeg_of_endless_segments_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg, "MAX_STEPS", 3)
    assert "more JPEG segments" in broken(jpeg.read, made.jpeg(*[made.segment(0xFE, b"x")] * 4))


# -- Photoshop resources


def test_resources_end_where_they_stop_making_sense() -> None:
    found = Metadata()
    resources.read(b"8BIM\x04\x24\3abc" + len(XMP).to_bytes(4) + XMP + b"\0" * (len(XMP) % 2) + b"8BIM", found)
    assert data_of(found) == [XMP]
    resources.read_iim(b"\x1c\2\x74\x80\4\0\0\0\1x", found)
    resources.read_iim(b"\x1c\1\x74\0\1x\x1c\2\5\0\1x\x1c\2\x78\0\1y", found)
    assert [(text.place, text.text) for text in found.texts] == [("/iptc-caption", "y")]


# -- PNG


@pytest.mark.parametrize(
    "chunk",
    [
        made.itxt(XMP),
        made.itxt(XMP, packed=True),
        made.chunk(b"tEXt", b"XML:com.adobe.xmp\0" + XMP),
        made.chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(XMP)),
        made.chunk(b"eXIf", made.tiff([(700, 1, XMP)])),
        made.chunk(
            b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(b"\nxmp\n%d\n" % len(XMP) + XMP.hex().encode())
        ),
        made.chunk(
            b"tEXt",
            b"Raw profile type APP1\0\ngeneric\n 1\n" + (b"http://ns.adobe.com/xap/1.0/\0" + XMP).hex().encode(),
        ),
        made.chunk(
            b"tEXt", b"Raw profile type exif\0\nexif\n1\n" + (b"Exif\0\0" + made.tiff([(700, 1, XMP)])).hex().encode()
        ),
    ],
)
def test_png_gives_packets_wherever_they_stand(chunk: bytes) -> None:
    found = read(png.read, made.png(chunk))
    assert data_of(found) == [XMP]
    assert not found.trouble


def test_png_tells_what_is_not_carried_as_it_must_be() -> None:
    found = read(png.read, made.png(made.chunk(b"iTXt", b"XML:com.adobe.xmp\0" + XMP)))
    assert (data_of(found), found.packets[0].regular, len(found.trouble)) == ([XMP], False, 1)
    for odd in (b"", b"\1\0\0\0no zlib", b"\2\0\0\0x", b"\0\0\0"):
        assert read(png.read, made.png(made.chunk(b"iTXt", b"XML:com.adobe.xmp\0" + odd))).trouble


def test_png_gives_texts_with_their_keywords() -> None:
    found = read(png.read, made.png(made.chunk(b"tEXt", b"noai\0noindex"), made.itxt("ж".encode(), keyword=b"Title")))
    assert [(text.place, text.text) for text in found.texts] == [
        ("/text-noai", "noai: noindex"), ("/text-Title", "Title: ж"),
    ]  # fmt: skip
    profile = made.chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n5\nno hexadecimals")
    short = made.chunk(b"tEXt", b"Raw profile type xmp\0x")
    assert not read(png.read, made.png(profile, short)).packets


def test_a_broken_png_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made.png(made.itxt(XMP))
    assert "ends early" in broken(png.read, whole[:-12])
    assert "behind the end" in broken(png.read, whole[:70])
    monkeypatch.setattr(png, "MAX_PIECE", 10)
    assert "too large" in broken(png.read, whole)
    monkeypatch.setattr(png, "MAX_STEPS", 1)
    assert "more PNG chunks" in broken(png.read, whole)


# -- RIFF


@pytest.mark.parametrize(
    ("data", "regular"),
    [
        (made.webp((b"XMP ", XMP)), True),
        (made.webp((b"XMP\0", XMP)), False),
        (made.webp((b"EXIF", b"Exif\0\0" + made.tiff([(700, 1, XMP)]))), True),
        (made.wav((b"_PMX", XMP)), True),
        (made.riff(b"AVI ", (b"LIST", b"movi" + b"x" * 3), (b"_PMX", XMP)), True),
        (made.riff(b"AVI ", (b"JUNK", b"")) + made.riff(b"AVIX", (b"_PMX", XMP)), True),
        (made.riff(b"WAVE", (b"_PMX", XMP), size=0xFFFFFFFF), True),
        (made.riff(b"WAVE", (b"_PMX", XMP), size=0), True),
    ],
)
def test_riff_gives_packets(data: bytes, regular: bool) -> None:
    found = read(riff.read, data)
    assert data_of(found) == [XMP]
    assert found.packets[0].regular is regular


def test_riff_gives_texts_of_information_lists() -> None:
    found = read(
        riff.read, made.wav((b"LIST", b"INFO" + made.riff_chunk(b"ICOP", b"mine") + made.riff_chunk(b"IART", b"I")))
    )
    assert [(text.place, text.text) for text in found.texts] == [("/info-ICOP", "mine")]


def test_sound_that_was_written_without_knowing_its_length_is_read_to_its_end() -> None:
    body = b"WAVE" + b"data" + b"\xff\xff\xff\xff" + b"x" * 9
    assert not read(riff.read, b"RIFF\xff\xff\xff\xff" + body).trouble


def test_a_broken_riff_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made.webp((b"XMP ", XMP))
    assert "form reaches" in broken(riff.read, whole[:-10])
    assert "chunk reaches" in broken(
        riff.read, made.riff(b"WEBP") + made.riff(b"WEBP")[:4] + b"\x0c\0\0\0WEBPXMP \xff\0\0\0"
    )
    assert "something else" in broken(riff.read, whole + b"not a form at all")
    assert "form reaches" in broken(riff.read, made.riff(b"WEBP", (b"XMP ", XMP), size=0xFFFFFFFF))
    assert "something else" in broken(riff.read, made.riff(b"WEBP", (b"XMP ", XMP), size=0))
    monkeypatch.setattr(riff, "MAX_STEPS", 1)
    assert "more RIFF chunks" in broken(riff.read, whole)
    monkeypatch.setattr(riff, "MAX_STEPS", 100)
    monkeypatch.setattr(riff, "MAX_PIECE", 10)
    assert "too large" in broken(riff.read, whole)


# -- TIFF


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
def test_tiff_gives_packets_and_texts_in_both_orders_and_widths(order: str, big: bool) -> None:
    entries = [
        (270, 2, b"a picture\0"),
        (700, 1, XMP),
        (37510, 7, b"ASCII\0\0\0word\0"),
        (40092, 1, "ж".encode("utf-16-le")),
    ]
    found = read(tiff.read, made.tiff(entries, order=order, big=big))
    assert data_of(found) == [XMP]
    assert [text.text for text in found.texts] == ["a picture", "word", "ж"]
    assert data_of(read(tiff.read, made.tiff([], order=order, big=big, inside=[(700, 7, XMP)]))) == [XMP]


def test_tiff_gives_resources_of_photoshop() -> None:
    iim = b"\x1c\x02\x74\0\4mine"
    entries = [(33723, 7, iim), (34377, 7, b"8BIM\x04\x04\0\0" + len(iim).to_bytes(4) + iim)]
    assert [text.text for text in read(tiff.read, made.tiff(entries)).texts] == ["mine", "mine"]


def test_a_broken_tiff_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made.tiff([(700, 1, XMP)])
    assert "ends early" in broken(tiff.read, whole[:-5])
    many = made.tiff([(330, 4, bytes(4 * 300))])
    assert "directories" in broken(tiff.read, many)
    monkeypatch.setattr(tiff, "_MAX_DIRECTORIES", 0)
    assert "directories" in broken(tiff.read, whole)
    monkeypatch.setattr(tiff, "MAX_PIECE", 10)
    monkeypatch.setattr(tiff, "_MAX_DIRECTORIES", 9)
    assert "too large" in broken(tiff.read, whole)


def test_directories_that_lead_to_themselves_are_read_once() -> None:
    data = bytearray(made.tiff([(700, 1, XMP)]))
    data[8 + 2 + 12 : 8 + 2 + 16] = struct.pack("<I", 8)
    assert data_of(read(tiff.read, bytes(data))) == [XMP]


# -- boxes


@pytest.mark.parametrize(
    "data",
    [
        made.mp4(made.box(b"uuid", made.UUID_XMP + XMP)),
        made.mp4(made.box(b"uuid", made.UUID_XMP + XMP, wide=True)),
        made.mp4(made.box(b"moov", made.box(b"udta", made.box(b"XMP_", XMP) + b"\0\0\0\0")), brand=b"qt  "),
        made.mp4(made.box(b"moov", made.box(b"meta", made.box(b"hdlr", b"x" * 30) + made.box(b"XMP_", XMP)))),
        made.box(b"JXL ", b"\r\n\x87\n") + made.box(b"xml ", XMP) + made.box(b"jxlc"),
        made.mp4(made.box(b"Exif", b"\0\0\0\0" + made.tiff([(700, 1, XMP)]))),
        made.mp4(made.box(b"free")) + b"\0\0\0\0uuid" + made.UUID_XMP + XMP,
        made.heif(XMP), made.heif(XMP, version=0), made.heif(XMP, version=2), made.heif(XMP, method=1),
        made.heif(zlib.compress(XMP), encoding=b"deflate"),
    ],
)  # fmt: skip
def test_boxes_give_packets(data: bytes) -> None:
    found = read(bmff.read, data)
    assert data_of(found) == [XMP]
    assert not found.trouble


def test_other_boxes_and_items_say_nothing() -> None:
    for data in (
        made.heif(XMP, kind=b"text/html"),
        made.mp4(made.box(b"uuid", b"x" * 20)),
        made.mp4(made.box(b"mdat")),
    ):
        assert not read(bmff.read, data).packets
    exif = made.box(b"infe", b"\2\0\0\0\0\7\0\0Exif\0")
    items = made.box(b"iinf", b"\0\0\0\0\0\2" + exif + made.box(b"skip") + made.box(b"infe", b"\0"))
    assert not read(bmff.read, made.mp4(made.box(b"meta", b"\0\0\0\0" + items))).packets


def test_packed_boxes_are_trouble() -> None:
    assert read(bmff.read, made.mp4(made.box(b"brob", b"xml x"))).trouble
    assert not read(bmff.read, made.mp4(made.box(b"brob", b"Exifx"))).trouble


def _items(*places: bytes) -> bytes:
    entry = made.box(b"infe", b"\2\0\0\0\0\7\0\0mime\0application/rdf+xml\0")
    items = made.box(b"iinf", b"\0\0\0\0\0\1" + entry)
    return made.mp4(made.box(b"meta", b"\0\0\0\0" + items + b"".join(places)))


def _place(method: int = 0, number: int = 7, offset: int = 0, length: int = 1) -> bytes:
    one = struct.pack(">HHHHHII", number, method, 0, 1, 0, offset, length)[:-10]
    return made.box(b"iloc", b"\1\0\0\0\x44\x00" + struct.pack(">H", 1) + one + struct.pack(">HII", 1, offset, length))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_items(), "nothing says where the items"),
        (_items(made.box(b"iloc", b"\1")), "end early"),
        (_items(made.box(b"iloc", b"\1\0\0\0\x44\0\0\1\0\7")), "end early"),
        (made.heif(XMP, encoding=b"gzip"), "unknown way"),
        (made.heif(XMP)[:-4], "behind"),
        (made.heif(XMP, method=2), "unknown place"),
        (made.mp4(made.box(b"moov", b"\0\0\0\x99trak")), "behind what it stands in"),
        (made.mp4() + b"\0\0\0\4free", "behind what it stands in"),
    ],
)
def test_broken_boxes_say_so(data: bytes, why: str) -> None:
    assert why in broken(bmff.read, data)


def test_boxes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = made.box(b"moov")
    for _ in range(12):
        deep = made.box(b"moov", deep)
    assert "too deeply" in broken(bmff.read, made.mp4(deep))
    monkeypatch.setattr(bmff, "MAX_PIECE", 100)
    assert "too large" in broken(bmff.read, made.mp4(made.box(b"uuid", made.UUID_XMP + XMP)))
    assert "behind the end" in broken(bmff.read, made.heif(XMP))


# -- packets by their marks


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_packets_are_found_by_their_marks_in_any_encoding(encoding: str) -> None:
    text = XMP.decode().encode(encoding)
    found = read(packets.scan, b"junk" + text + b"junk" + text)
    assert data_of(found) == [text, text]
    assert found.packets[0].place == "@4"


def test_a_packet_without_instructions_is_found_by_its_element() -> None:
    bare = made.bare("<plus:DataMining>x</plus:DataMining>")
    assert data_of(read(packets.scan, b"..." + bare + b"...")) == [bare]


def test_a_packet_that_does_not_end_is_trouble() -> None:
    for cut in (XMP[:-30], XMP[:150], made.bare()[:-5]):
        found = Metadata()
        with pytest.raises(DamagedError, match="does not end"):
            packets.scan(Source.of(b"x" + cut), found)
        assert data_of(found) == [cut]


def test_a_mark_between_two_blocks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in range(200, 240):
        monkeypatch.setattr(source, "_BLOCK", size)
        assert data_of(read(packets.scan, b"x" * 190 + XMP)) == [XMP]
        assert packets.holds_store(Source.of(b"x" * 190 + packets.STORE))
    assert not packets.holds_store(Source.of(b"x" * 500))


# -- PDF


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("streams", [False, True])
def test_pdf_gives_metadata_and_texts(packed: bool, streams: bool) -> None:
    found = read(pdf.read, made.pdf(XMP, packed=packed, streams=streams, info="no ai"))
    assert data_of(found) == [XMP]
    assert "/Subject: no ai" in [text.text for text in found.texts]


def test_pdf_streams_are_unpacked_by_other_filters_too() -> None:
    import pikepdf

    for filters in ([pikepdf.Name.ASCIIHexDecode], [pikepdf.Name.ASCIIHexDecode, pikepdf.Name.FlateDecode]):
        document = pikepdf.new()
        body = zlib.compress(XMP) if len(filters) == 2 else XMP
        stream = pikepdf.Stream(document, body.hex().encode() + b">")
        stream.Filter = pikepdf.Array(filters)
        stream.Type = pikepdf.Name.Metadata
        document.Root.Metadata = document.make_indirect(stream)
        out = io.BytesIO()
        document.save(out, **AS_IT_IS)
        assert data_of(read(pdf.read, out.getvalue())) == [XMP]


def test_a_pdf_that_cannot_be_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(made.pdf(XMP))) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="a", user="b"))
    assert "password" in broken(pdf.read, out.getvalue())
    assert "cannot be read" in broken(pdf.read, b"%PDF-1.7 and nothing")
    assert read(pdf.read, made.pdf(XMP)[:-60]).trouble
    monkeypatch.setattr(pdf, "MAX_PIECE", 10)
    assert "too large" in broken(pdf.read, made.pdf(XMP))
    monkeypatch.setattr(pdf, "MAX_OBJECTS", 1)
    assert "more PDF objects" in broken(pdf.read, made.pdf(XMP))


def test_an_encrypted_pdf_without_a_password_is_read() -> None:
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(made.pdf(XMP))) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="a", user=""), fix_metadata_version=False)
    assert data_of(read(pdf.read, out.getvalue())) == [XMP]


def test_a_bomb_in_a_pdf_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "too large" in broken(pdf.read, made.pdf(bytes(64 << 20), packed=True))
    monkeypatch.setattr(pdf, "_RAW_LIMIT", 1)
    import pikepdf

    document = pikepdf.new()
    stream = pikepdf.Stream(document, XMP.hex().encode() + b">")
    stream.Filter, stream.Type = pikepdf.Name.ASCIIHexDecode, pikepdf.Name.Metadata
    document.Root.Metadata = document.make_indirect(stream)
    out = io.BytesIO()
    document.save(out, **AS_IT_IS)
    assert "too large" in broken(pdf.read, out.getvalue())


# -- EPUB


def packages(data: bytes) -> list[bytes]:
    return epub.read(Source.of(data), Metadata())


def test_epub_gives_all_package_documents_and_metadata() -> None:
    other = made.OPF.format("<other/>").encode()
    data = made.epub("<one/>", more={"b/second.OPF": other, "META-INF/metadata.xml": XMP})
    found = Metadata()
    assert epub.read(Source.of(data), found) == [made.OPF.format("<one/>").encode(), other]
    assert data_of(found) == [XMP]


def test_epub_without_a_container_is_read_by_its_names() -> None:
    assert packages(made.epub(container="")) == [made.OPF.format("").encode()]


def _epub_of(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04 no ZIP", "ZIP file"),
        (_epub_of({"mimetype": b"application/epub+zip"}), "no package"),
        (made.epub(container="<container><rootfile full-path='gone'/></container>"), "no package"),
        (made.epub(container="<container>"), "container"),
        (_epub_of({"a.opf": b"x"}, zipfile.ZIP_BZIP2), "unknown way"),
        (_epub_of({"a.opf": bytes(9 << 20)}, zipfile.ZIP_DEFLATED), "too large"),
        (_epub_of({"a.opf": b"123456789"}).replace(b"123456789", b"12345678x"), "ZIP file"),
    ],
)
def test_a_broken_epub_says_so(data: bytes, why: str) -> None:
    with pytest.raises(DamagedError, match=why):
        packages(data)


def test_an_epub_with_too_many_entries_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epub, "_MAX_ENTRIES", 2)
    with pytest.raises(DamagedError, match="more ZIP entries"):
        packages(made.epub())


# -- fonts


def test_fonts_say_whether_they_have_a_manifest_store() -> None:
    assert not read(fonts.read, made.font(b"glyf", b"head")).trouble
    assert read(fonts.read, made.font(b"C2PA", b"head")).trouble
    woff = b"wOFF" + bytes(8) + b"\0\1" + bytes(30) + b"C2PA" + bytes(16)
    assert read(fonts.read, woff).trouble
    assert "packed" in broken(fonts.read, b"wOF2" + bytes(60))
    assert "ends early" in broken(fonts.read, made.font(b"glyf", b"head")[:30])


@pytest.mark.parametrize("left", range(4, 12))
def test_a_riff_file_cut_in_its_head_is_held(left: int) -> None:
    data = made.webp((b"XMP ", made.mining()))[:left]
    signals = read_unit(io.BytesIO(data), left, "a.webp").signals
    assert [signal.strict.tested.label for signal in signals] == ["hold"]


@pytest.mark.parametrize("left", range(1, 8))
def test_boxes_cut_in_a_head_are_held(left: int) -> None:
    whole = made.mp4()
    data = whole + (b"\0\0\1\0uuid" + made.UUID_XMP)[:left]
    assert not read_unit(io.BytesIO(whole), len(whole), "a.mp4").signals
    padded = whole + b"\0" * left
    assert not read_unit(io.BytesIO(padded), len(padded), "a.mp4").signals
    found = read_unit(io.BytesIO(data), len(data), "a.mp4").signals
    assert [signal.strict.tested.label for signal in found] == ([] if left < 3 else ["hold"])
