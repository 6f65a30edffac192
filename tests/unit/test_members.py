"""Files in files: each speaks for the archive, and whatever of it cannot be read holds it."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping

import pytest

from datalib.optout.media import members
from datalib.optout.media.forms import Container
from datalib.optout.media.members import Budget
from datalib.optout.media.source import DamagedError, Source
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.statement import Evidence
from datalib.optout.unit import UnitReading, read_unit
from tests import media_files as made

DENIED = made.jpeg(made.app1(made.mining()))
PLAIN = {"a.txt": b"words", "b/c.png": made.png(), "d.npy": b"\x93NUMPY\1\0"}


def read(data: bytes, name: str = "", *, pages: bool = False) -> UnitReading:
    def page(html: bytes, locator: str) -> tuple[Signal, ...]:
        evidence = Evidence(locator=locator, sha256="00" * 32)
        strict = Reading.of(State.DENY, "train_gen") if b"noai" in html else NOTHING
        return (evidence.signal("robots-meta", Carrier.PAGE, "", spec=NOTHING, strict=strict),)

    return read_unit(io.BytesIO(data), len(data), name, page=page if pages else None)


def state(found: UnitReading) -> str:
    strict = NOTHING
    for signal in found.signals:
        strict |= signal.strict
    return strict.tested.label


def raws(found: UnitReading) -> set[str]:
    return {signal.raw for signal in found.signals}


Files = Mapping[str, bytes]
PACKERS: dict[str, Callable[[Files], bytes]] = {
    "x.zip": made.zipped,
    "x.tar": made.tarred,
    "x.tar.gz": lambda files: gzip.compress(made.tarred(files)),
    "x.tgz": lambda files: gzip.compress(made.tarred(files)),
    "x.tar.bz2": lambda files: bz2.compress(made.tarred(files)),
    "x.txz": lambda files: lzma.compress(made.tarred(files)),
    "x": lambda files: gzip.compress(made.tarred(files)),
}


@pytest.mark.parametrize("name", PACKERS)
def test_files_of_an_archive_speak_for_it(name: str) -> None:
    pack = PACKERS[name]
    quiet = read(pack(PLAIN), name)
    assert (quiet.asked, quiet.signals) == (True, ())
    found = read(pack(PLAIN | {"b/d.jpg": DENIED}), name)
    assert [(s.signal, s.locator.rpartition("@")[0]) for s in found.signals] == [
        ("iptc-data-mining", f"{name}#b/d.jpg#xmp")
    ]
    assert state(found) == "deny"
    unknown = read(pack(PLAIN | {"e.bin": b"\1\2"}), name)
    assert (state(unknown), raws(unknown)) == ("hold", {"e.bin: no reader knows its form"})
    licence = read(pack(PLAIN | {"LICENSE": b"No AI training."}), name)
    assert state(licence) == "deny"
    cut = 3 * 512 if name == "x.tar" else -30
    assert state(read(pack(PLAIN)[:cut], name)) == "hold"


def test_a_file_that_is_packed_alone_is_read_by_its_own_name() -> None:
    assert state(read(gzip.compress(DENIED), "a.jpg.gz")) == "deny"
    assert read(gzip.compress(b"words"), "a.txt.gz").signals == ()
    assert read(gzip.compress(b"words"), "a").signals == ()
    assert state(read(gzip.compress(b"words")[:-6], "a.txt.gz")) == "hold"
    assert state(read(bz2.compress(b"words" * 99)[:-6], "a.txt.bz2")) == "hold"
    assert state(read(lzma.compress(b"words" * 99)[:-6], "a.txt.xz")) == "hold"
    assert state(read(gzip.compress(b"\1\2"), "a.bin.gz")) == "hold"


def test_pages_in_an_archive_need_a_reader_of_pages() -> None:
    data = made.zipped({"a.html": b"<html>noai"})
    assert state(read(data, "a.zip")) == "hold"
    assert state(read(data, "a.zip", pages=True)) == "deny"
    assert state(read(made.zipped({"a.html": b"<html>"}), "a.zip", pages=True)) == "unknown"


def test_archives_in_archives_are_read_to_a_depth() -> None:
    data = DENIED
    for depth in range(4):
        data = made.zipped({"x.zip" if depth else "a.jpg": data})
        assert state(read(data, "x.zip")) == ("deny" if depth < 3 else "hold"), depth


def _closed(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    """Make a ZIP file that says of its first file that it is encrypted."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    closed = bytearray(out.getvalue())
    closed[6] |= 1
    closed[closed.index(b"PK\1\2") + 8] |= 1
    return bytes(closed)


def test_what_cannot_be_read_in_an_archive_holds_and_the_rest_speaks() -> None:
    closed = _closed({"secret.txt": b"words", "a.txt": b"words"})
    assert raws(read(closed, "a.zip")) == {"secret.txt: encrypted, or packed in an unknown way"}
    assert state(read(_closed({"secret.txt": b"words", "d.jpg": DENIED}), "a.zip")) == "deny"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.txt", b"words")
    assert state(read(packed.getvalue(), "a.zip")) == "hold"
    wrong = made.zipped({"a.txt": b"words" * 50}).replace(b"a.txt", b"b.txt", 1)
    assert state(read(wrong, "a.zip")) == "hold"
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a.txt", b"words")
    assert state(read(stored.getvalue().replace(b"words", b"swords"[:5]), "a.zip")) == "hold"
    assert state(read(b"PK\3\4 no archive", "a.zip")) == "hold"
    assert read(made.zipped({}), "a.zip").signals == ()


def test_links_and_holes_of_tar_hold() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        folder = tarfile.TarInfo("b")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    assert state(read(out.getvalue(), "a.tar")) == "hold"
    assert state(read(made.tarred(PLAIN)[: 3 * 512], "a.tar")) == "hold"  # cut between two files
    assert state(read(made.tarred(PLAIN)[: 3 * 512 + 10], "a.tar")) == "hold"
    damaged = bytearray(made.tarred(PLAIN))
    damaged[1024 + 5] ^= 1  # the head of the second file, whose check sum is no longer right
    assert state(read(bytes(damaged), "a.tar")) == "hold"


def test_archives_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"{n}.txt": b"x" * 100 for n in range(9)}
    budgets = {"members": Budget(members=5), "unpacked": Budget(unpacked=500), "depth": Budget(depth=0)}
    for name, pack in PACKERS.items():
        data = pack(many)
        for budget in budgets.values():
            used = Budget(members=budget.members, unpacked=budget.unpacked, depth=budget.depth)
            found = read_unit(io.BytesIO(data), len(data), name, budget=used)
            assert state(found) == "hold", name
    monkeypatch.setattr(members, "MAX_MEMBER", 50)
    assert state(read(made.zipped(many), "a.zip")) == "hold"
    assert state(read(made.tarred(many), "a.tar")) == "hold"
    assert state(read(gzip.compress(b"x" * 100), "a.txt.gz")) == "hold"


def test_a_bomb_of_shared_bytes_is_held() -> None:
    data = bytearray(made.zipped({"a.txt": b"x" * 5000, "b.txt": b"x"}))
    place = data.rindex(b"PK\1\2")
    data[place + 20 : place + 24] = (1 << 20).to_bytes(4, "little")
    assert state(read(bytes(data), "a.zip")) == "hold"


def test_a_disk_that_fails_is_no_damage() -> None:
    class Disk(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100:
                raise OSError(5, "Input/output error")
            return super().read(size)

    data = made.tarred(PLAIN)
    with pytest.raises(OSError, match="Input/output"):
        list(members.members(Source(Disk(data), len(data)), Container.TAR, "a.tar", Budget()))
    with pytest.raises(DamagedError):
        list(members.members(Source.of(b"x" * 600), Container.TAR, "a.tar", Budget()))


def test_so_many_statements_are_enough() -> None:
    data = made.zipped({f"{n}.jpg": DENIED for n in range(400)})
    assert len(read(data, "a.zip").signals) < 300


# -- documents

TYPES = {"[Content_Types].xml": b"<Types/>"}
CORE = (
    '<cp:coreProperties xmlns:cp="c" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Steppe</dc:title>'
    "<dc:description>{}</dc:description></cp:coreProperties>"
)
CUSTOM = (
    '<Properties xmlns="p" xmlns:vt="v"><property fmtid="{x}" pid="2" name="Rights">'
    "<vt:lpwstr>Must not be used for machine learning</vt:lpwstr></property></Properties>"
)
META = (
    '<office:document-meta xmlns:office="o" xmlns:meta="m"><office:meta><meta:user-defined meta:name="AI">'
    "No AI training</meta:user-defined></office:meta></office:document-meta>"
)
WORDS = b"<w:document xmlns:w='w'><w:t>All rights reserved, also for text and data mining.</w:t></w:document>"


@pytest.mark.parametrize(
    ("name", "part", "data", "expected"),
    [
        ("a.docx", "docProps/core.xml", CORE.format("A book").encode(), "unknown"),
        ("a.docx", "docProps/core.xml", CORE.format("No AI training").encode(), "deny"),
        ("a.pptx", "docProps/custom.xml", CUSTOM.encode(), "deny"),
        ("a.docx", "docProps/app.xml", b"<broken", "hold"),
        ("a.docx", "docProps/app.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "hold"),
        ("a.odt", "meta.xml", META.encode(), "deny"),
        ("a.docx", "word/document.xml", WORDS, "hold"),
        ("a.docx", "word/footer1.xml", WORDS, "hold"),
        ("a.odt", "content.xml", WORDS, "hold"),
        ("a.docx", "word/document.xml", b"<w:document/>", "unknown"),
        ("a.xlsx", "xl/printerSettings/printerSettings1.bin", b"\0\1", "unknown"),
        ("a.odt", "layout-cache", b"\0\1", "unknown"),
        ("a.xlsm", "xl/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "hold"),
        ("a.docx", "word/media/image1.jpeg", DENIED, "deny"),
        ("a.docx", "word/media/image1.emf", b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(9), "unknown"),
        ("a.docx", "word/media/image1.wmf", b"\xd7\xcd\xc6\x9a\0\0" + bytes(9), "unknown"),
        ("a.docx", "word/embeddings/table.xlsx", made.zipped({"xl/media/a.jpg": DENIED}), "deny"),
        ("a.odt", "META-INF/manifest.xml", b"<manifest:encryption-data/>", "hold"),
        ("a.odt", "META-INF/manifest.xml", b"<manifest/>", "unknown"),
    ],
)
def test_parts_of_documents(name: str, part: str, data: bytes, expected: str) -> None:
    assert state(read(made.zipped(TYPES | {part: data}), name)) == expected


def _encryption(algorithm: str) -> bytes:
    return (
        f'<encryption><EncryptedData><EncryptionMethod Algorithm="{algorithm}"/>'
        '<CipherData><CipherReference URI="OPS/a.otf"/></CipherData></EncryptedData></encryption>'
    ).encode()


def test_pictures_and_pages_of_publications_speak() -> None:
    assert state(read(made.epub(more={"OPS/a.jpg": DENIED}), "a.epub")) == "deny"
    assert state(read(made.epub(more={"OPS/a.xhtml": b"<html>noai"}), "a.epub", pages=True)) == "deny"
    fonts_only = {"META-INF/encryption.xml": _encryption("http://www.idpf.org/2008/embedding"), "OPS/a.otf": b"\1\2"}
    assert read(made.epub(more=fonts_only), "a.epub").signals == ()
    locked = {"META-INF/encryption.xml": _encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc")}
    assert state(read(made.epub(more=locked), "a.epub")) == "hold"
    assert state(read(made.epub(more={"META-INF/encryption.xml": b"<broken"}), "a.epub")) == "hold"
