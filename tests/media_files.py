"""Small media files made from nothing, with metadata in each of the places where it can stand."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
DENIED = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"
ALLOWED = "http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"
UUID_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def bare(properties: str = "", **spaces: str) -> bytes:
    """Make XMP without the instructions round it; ``spaces`` binds prefixes besides ``plus``."""
    bound = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in ({"plus": PLUS} | spaces).items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about=""{bound}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def packet(properties: str = "", **spaces: str) -> bytes:
    """Make an XMP packet."""
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode()
    return begin + bare(properties, **spaces) + b'<?xpacket end="w"?>'


def mining(value: str = DENIED) -> bytes:
    return packet(f"<plus:DataMining>{value}</plus:DataMining>")


# -- JPEG


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2) + data


def jpeg(*segments: bytes) -> bytes:
    """Make a JPEG file with segments before its one scan. It shows nothing, but has all its parts."""
    quantisation = segment(0xDB, b"\0" + bytes([1] * 64))
    frame = segment(0xC0, b"\x08\0\1\0\1\1\1\x11\0")
    codes = b"".join(segment(0xC4, table + bytes([0, 1] + [0] * 14) + b"\0") for table in (b"\0", b"\x10"))
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x3f"
    return b"\xff\xd8" + b"".join(segments) + quantisation + frame + codes + scan + b"\xff\xd9"


def app1(data: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + data)


def extended(data: bytes, parts: int = 2, *, left_out: Iterable[int] = (), guid: bytes = b"A" * 32) -> list[bytes]:
    """Cut a packet into parts of extended XMP."""
    size = -(-len(data) // parts)
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid + len(data).to_bytes(4)
    return [
        segment(0xE1, head + (number * size).to_bytes(4) + data[number * size : (number + 1) * size])
        for number in range(parts)
        if number not in left_out
    ]


# -- PNG


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(*chunks: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + b"".join(chunks) + chunk(b"IEND", b"")


def itxt(data: bytes, *, packed: bool = False, keyword: bytes = b"XML:com.adobe.xmp") -> bytes:
    body = zlib.compress(data) if packed else data
    return chunk(b"iTXt", keyword + b"\0" + bytes([packed, 0]) + b"\0\0" + body)


# -- RIFF


def riff(form: bytes, *chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    body = form + b"".join(riff_chunk(*one) for one in chunks)
    return b"RIFF" + (len(body) if size is None else size).to_bytes(4, "little") + body


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    extended_head = (b"VP8X", b"\x04\0\0\0\0\0\0\0\0\0")
    lossless = (b"VP8L", b"\x2f\0\0\0\0\x07\x50\x09\x5f\xf5\xaf\x02\0")
    return riff(b"WEBP", extended_head, lossless, *chunks)


def wav(*chunks: tuple[bytes, bytes]) -> bytes:
    return riff(b"WAVE", (b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)), (b"data", b"\x80\x80"), *chunks)


# -- TIFF

Entries = Sequence[tuple[int, int, bytes]]


def tiff(entries: Entries, *, order: str = "<", big: bool = False, inside: Entries = ()) -> bytes:
    """Make a TIFF file of entries (tag, type, value); ``inside`` stands in a sub-directory."""
    place, count = ("Q", "Q") if big else ("I", "H")
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    if big:
        head += struct.pack(order + "HH", 8, 0)
    start = len(head) + struct.calcsize("=" + place)
    head += struct.pack(order + place, start)
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4}
    width = 8 if big else 4

    def directory(listed: Entries, at: int) -> bytes:
        table, values = b"", b""
        behind = at + struct.calcsize("=" + count) + len(listed) * (4 + 2 * width) + width
        for tag, kind, value in listed:
            inline = value.ljust(width, b"\0")
            if len(value) > width:
                inline = struct.pack(order + place, behind + len(values))
                values += value
            table += struct.pack(order + "HH" + place, tag, kind, len(value) // sizes[kind]) + inline
        return struct.pack(order + count, len(listed)) + table + b"\0" * width + values

    if not inside:
        return head + directory(entries, start)
    first = directory([*entries, (330, 4, b"\0\0\0\0")], start)
    linked = [*entries, (330, 4, struct.pack(order + "I", start + len(first)))]
    return head + directory(linked, start) + directory(inside, start + len(first))


# -- boxes


def box(kind: bytes, data: bytes = b"", *, wide: bool = False) -> bytes:
    if wide:
        return b"\0\0\0\1" + kind + (len(data) + 16).to_bytes(8) + data
    return (len(data) + 8).to_bytes(4) + kind + data


def mp4(*boxes: bytes, brand: bytes = b"isom") -> bytes:
    """Make a file of boxes; what it must have and is not among these is put before them."""
    kinds = {one[4:8] for one in boxes}
    index = b"" if kinds & {b"moov", b"moof", b"meta"} else box(b"moov")
    media = b"" if kinds & {b"mdat", b"meta"} else box(b"mdat")
    return box(b"ftyp", brand + b"\0\0\0\0" + brand) + index + media + b"".join(boxes)


def heif(
    xmp: bytes, *, method: int = 0, version: int = 1, kind: bytes = b"application/rdf+xml", encoding: bytes = b""
) -> bytes:
    """Make a HEIF file with one XMP item: in the file (method 0) or in ``idat`` (method 1)."""
    wide = "I" if version == 2 else "H"
    item = b"\3\0\0\0" + struct.pack(">IH", 7, 0) if version == 2 else b"\2\0\0\0" + struct.pack(">HH", 7, 0)
    entry = box(b"infe", item + b"mime" + b"\0" + kind + b"\0" + encoding + b"\0")
    items = box(b"iinf", b"\0\0\0\0" + struct.pack(">H", 1) + entry)
    data = box(b"idat", xmp) if method == 1 else b""

    def places(offset: int) -> bytes:
        how = struct.pack(">H", method) if version else b""
        one = struct.pack(">" + wide, 7) + how + struct.pack(">HIHII", 0, 0, 1, offset, len(xmp))
        return box(b"iloc", bytes([version, 0, 0, 0, 0x44, 0x40]) + struct.pack(">" + wide, 1) + one)

    def whole(offset: int) -> bytes:
        return mp4(box(b"meta", b"\0\0\0\0" + box(b"hdlr", b"\0" * 25) + items + places(offset) + data), brand=b"heic")

    if method:
        return whole(0)
    return whole(len(whole(0)) + 8) + box(b"mdat", xmp)


# -- sound and moving pictures


def id3(*frames: tuple[bytes, bytes], version: int = 3, flags: int = 0) -> bytes:
    """Make an ID3 tag, with a frame of sound behind it."""

    def size(number: int) -> bytes:
        return bytes(number >> 7 * place & 0x7F for place in (3, 2, 1, 0))

    def frame(name: bytes, data: bytes) -> bytes:
        if version == 2:
            return name + len(data).to_bytes(3) + data
        return name + (size(len(data)) if version == 4 else len(data).to_bytes(4)) + b"\0\0" + data

    body = b"".join(frame(*one) for one in frames) + bytes(10)
    return b"ID3" + bytes([version, 0, flags]) + size(len(body)) + body + b"\xff\xfb\x90\x00" + bytes(413)


def comments(*texts: str) -> bytes:
    """Make a Vorbis comment."""
    coded = [text.encode() for text in ("test", *texts)]
    parts = [len(one).to_bytes(4, "little") + one for one in coded]
    return parts[0] + len(texts).to_bytes(4, "little") + b"".join(parts[1:])


def flac(*blocks: tuple[int, bytes]) -> bytes:
    """Make a FLAC file with blocks behind its first one, and the beginning of a frame."""
    every = [(0, bytes(34)), *blocks]
    heads = [bytes([kind | (0x80 if place == len(every) - 1 else 0)]) for place, (kind, _) in enumerate(every)]
    body = b"".join(head + len(data).to_bytes(3) + data for head, (_, data) in zip(heads, every, strict=True))
    return b"fLaC" + body + b"\xff\xf8" + bytes(20)


def ogg(*packets: bytes, ended: bool = True) -> bytes:
    """Make an Ogg file of one stream, each packet in a page of its own."""
    pages = b""
    for place, packet in enumerate(packets):
        table = bytes([0xFF] * (len(packet) // 0xFF) + [len(packet) % 0xFF])
        flags = (2 if not place else 0) | (4 if ended and place == len(packets) - 1 else 0)
        pages += b"OggS\0" + bytes([flags]) + bytes(8) + b"\1\0\0\0" + place.to_bytes(4, "little") + bytes(4)
        pages += bytes([len(table)]) + table + packet
    return pages


def gif(*blocks: bytes) -> bytes:
    """Make a GIF file of one picture, with blocks before it."""
    picture = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0" + bytes(6) + b"".join(blocks) + picture + b";"


def gif_xmp(data: bytes) -> bytes:
    return b"!\xff\x0bXMP DataXMP" + data + b"\1" + bytes(range(255, -1, -1)) + b"\0"


def psd(resources: bytes = b"") -> bytes:
    return b"8BPS\0\1" + bytes(20) + bytes(4) + len(resources).to_bytes(4) + resources + bytes(4) + b"\0\0\0"


def swf(*tags: tuple[int, bytes], packed: bool = False) -> bytes:
    """Make a Flash film of tags."""
    body = b"\x08\0" + b"\0\x0c\1\0"
    for kind, data in (*tags, (0, b"")):
        long = len(data) >= 63
        body += (kind << 6 | (63 if long else len(data))).to_bytes(2, "little")
        body += (len(data).to_bytes(4, "little") if long else b"") + data
    head = (b"CWS" if packed else b"FWS") + b"\x0a" + (len(body) + 8).to_bytes(4, "little")
    return head + (zlib.compress(body) if packed else body)


# -- archives


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


# -- documents


def pdf(xmp: bytes | None = None, *, packed: bool = False, streams: bool = False, info: str = "") -> bytes:
    """Make a PDF file; ``packed``: its metadata is compressed; ``streams``: its objects are, too."""
    import pikepdf

    document = pikepdf.new()
    document.add_blank_page()
    if xmp is not None:
        metadata = pikepdf.Stream(document, zlib.compress(xmp) if packed else xmp)
        if packed:
            metadata.Filter = pikepdf.Name.FlateDecode
        metadata.Type, metadata.Subtype = pikepdf.Name.Metadata, pikepdf.Name.XML
        document.Root.Metadata = document.make_indirect(metadata)
    if info:
        document.docinfo["/Subject"] = info
    out = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if streams else pikepdf.ObjectStreamMode.disable
    # as it is: the library would write the metadata anew
    options = {"object_stream_mode": mode, "compress_streams": packed, "fix_metadata_version": False}
    document.save(out, static_id=True, **options)
    return out.getvalue()


OPF = (
    '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" prefix="tdm: http://www.w3.org/ns/tdmrep#">'
    "<metadata>{}</metadata></package>"
)
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def epub(metadata: str = "", *, more: Mapping[str, bytes] | None = None, container: str = CONTAINER) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", b"application/epub+zip")
        if container:
            archive.writestr("META-INF/container.xml", container)
        archive.writestr("OPS/package.opf", OPF.format(metadata), zipfile.ZIP_DEFLATED)
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return out.getvalue()


def font(*tables: bytes) -> bytes:
    head = b"\0\1\0\0" + struct.pack(">HHHH", len(tables), 0, 0, 0)
    return head + b"".join(struct.pack(">4sIII", tag, 0, 12, 0) for tag in tables) + b"\0" * 16


# -- C2PA


@cache
def _credentials() -> tuple[bytes, bytes]:
    """Make a certificate chain and the key of its end, as the profile of C2PA wants them."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        parts = {NameOID.ORGANIZATION_NAME: "Test", NameOID.COMMON_NAME: text}
        return x509.Name([x509.NameAttribute(part, value) for part, value in parts.items()])

    now = datetime.now(UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    usage = {
        "digital_signature": True, "content_commitment": False, "key_encipherment": False, "data_encipherment": False,
        "key_agreement": False, "key_cert_sign": False, "crl_sign": False, "encipher_only": False,
        "decipher_only": False,
    }  # fmt: skip

    def begin(subject: str, public: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage | {"key_cert_sign": authority}), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )

    root = begin("root", root_key.public_key(), authority=True).sign(root_key, hashes.SHA256())
    leaf = (
        begin("signer", key.public_key(), authority=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, root))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return chain, private


def signed(
    data: bytes,
    mime: str,
    assertions: Sequence[Mapping[str, Any]],
    *,
    remote: str = "",
    parent: bytes = b"",
    source: str = "digitalCapture",
) -> bytes:
    """Sign a file with C2PA. ``remote``: its manifest is not embedded, but said to stand there."""
    import c2pa

    chain, key = _credentials()
    info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=chain, private_key=key, ta_url=None)
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/" + source
    created = {"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": kind}]}}
    manifest = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "format": mime,
        "title": "test",
        "assertions": [*([] if parent else [created]), *assertions],
    }
    out = io.BytesIO()
    with (
        c2pa.Context.from_dict({"version": 1, "builder": {"thumbnail": {"enabled": False}}}) as context,
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder(manifest, context=context) as builder,
    ):
        if parent:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            builder.add_ingredient({"title": "parent", "relationship": "parentOf"}, mime, io.BytesIO(parent))
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        builder.sign(signer, mime, io.BytesIO(data), out)
    return out.getvalue()


def training(label: str = "cawg.training-mining", use: str = "notAllowed", **more: Any) -> dict[str, Any]:
    prefix = label.partition(".")[0]
    return {"label": label, "data": {"entries": {f"{prefix}.ai_generative_training": {"use": use} | more}}}
