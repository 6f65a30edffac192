"""Whatever becomes of the bytes of a file, reading it ends, raises nothing, and never takes damage for silence."""

import gzip
import io
import time

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datalib.optout import jumbf, rights_text, xmp
from datalib.optout.data_mining import judge_value
from datalib.optout.kinds import kind_of
from datalib.optout.media.source import Packet
from datalib.optout.model import NOTHING, State
from datalib.optout.statement import Evidence
from datalib.optout.training_mining import read_assertions
from datalib.optout.unit import UnitReading, read_unit
from tests import media_files as made

XMP = made.mining()
#: Files that refuse, in containers that tell how long they are.
MEASURED = (
    made.jpeg(made.app1(made.packet()), *made.extended(XMP, 2)),
    made.png(made.itxt(XMP, packed=True)),
    made.webp((b"XMP ", XMP)),
    made.tiff([(700, 1, XMP)], inside=[(700, 1, XMP)]),
    made.tiff([(700, 1, XMP)], order=">", big=True),
    made.pdf(XMP, packed=True, streams=True),
    made.epub('<meta property="tdm:reservation">1</meta>'),
    made.gif(made.gif_xmp(XMP)),
    made.psd(b"8BIM\x04\x24\0\0" + len(XMP).to_bytes(4) + XMP),
    made.ogg(b"\1vorbis", b"\3vorbis" + made.comments("COPYRIGHT=No AI training"), XMP),
    made.zipped({"a.txt": b"x", "b/c.jpg": made.jpeg(made.app1(XMP))}),
    made.tarred({"a.txt": b"x", "b/c.jpg": made.jpeg(made.app1(XMP))}),
    gzip.compress(made.tarred({"b/c.jpg": made.jpeg(made.app1(XMP))}), mtime=0),
)
FIXTURES = (
    *MEASURED,
    made.wav((b"_PMX", XMP), (b"LIST", b"INFO" + made.riff_chunk(b"ICOP", b"no ai training"))),
    made.heif(XMP),
    made.heif(XMP, method=1),
    made.mp4(made.box(b"moov", made.box(b"udta", made.box(b"XMP_", XMP))), made.box(b"uuid", made.UUID_XMP + XMP)),
    made.font(b"C2PA", b"glyf"),
    b'<svg xmlns="http://www.w3.org/2000/svg"><metadata>%s</metadata></svg>' % made.bare("<plus:DataMining/>"),
    made.flac((4, made.comments("COPYRIGHT=No AI training"))),
    made.id3((b"TCOP", b"\1" + "No AI training".encode("utf-16")), (b"PRIV", XMP)),
    made.zipped({"docProps/core.xml": b"<a>No AI training</a>", "word/media/a.gif": made.gif(made.gif_xmp(XMP))}),
    made.signed(made.jpeg(made.app1(XMP)), "image/jpeg", [made.training()]),
    made.signed(made.png(), "image/png", [made.training()]),
)  # fmt: skip
#: Longer than any of these small files may take on a busy machine.
PATIENCE = 20.0

ODD = st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"<", b"\0", b""])
CHANGE = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 8), ODD | st.binary(min_size=1, max_size=8))
CHANGES = st.lists(CHANGE, min_size=1, max_size=6)
TEXT = st.text() | st.builds(str.__add__, st.sampled_from(["DMI-", "prohibited ", "no ai ", "training "]), st.text())


def read(data: bytes, name: str = "") -> UnitReading:
    started = time.monotonic()
    found = read_unit(io.BytesIO(data), len(data), name)
    assert time.monotonic() - started < PATIENCE
    assert isinstance(found, UnitReading)
    assert all(signal.sha256 in found.proofs for signal in found.signals)
    return found


def strongest(found: UnitReading) -> State:
    strict = NOTHING
    for signal in found.signals:
        strict |= signal.strict
    return strict.tested


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FIXTURES), CHANGES)
def test_changed_files_are_read_to_an_end(data: bytes, changes: list[tuple[float, int, bytes]]) -> None:
    for place, length, new in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + length :]
    read(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MEASURED), st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_is_never_silent(data: bytes, share: float) -> None:
    found = read(data[: int(share * len(data))])
    assert not found.asked or strongest(found) >= State.HOLD


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(["a.jpg", "a.mp3", "a.svg", "a.xmp", "a.c2pa", "a.epub", "a", "a.ttf", "a.tar"]),
)
@example(b"\xff\xd8\xff", "a.jpg")
def test_any_bytes_under_any_name_are_read_to_an_end(data: bytes, name: str) -> None:
    read(data, name)
    kind_of(name, data)


@settings(max_examples=100, deadline=None)
@given(
    st.text()
    | st.sampled_from(["DMI-", "prohibited ", "no ai ", "training "]).flatmap(lambda a: st.text().map(lambda b: a + b))
)
def test_any_text_has_a_reading(text: str) -> None:
    rights_text.judge_notice(text)
    assert rights_text.judge_constraint(text).tested >= rights_text.judge_words(text.casefold()).tested
    judge_value(text)


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["notAllowed", "allowed", "constrained"])
)
KEYS = st.text() | st.sampled_from(["use", "entries", "cawg.ai_training"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_assertion_has_a_reading(data: object) -> None:
    read_assertions([{"label": "cawg.training-mining", "data": data}])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_packet_has_a_reading(data: bytes, pdf: bool) -> None:
    for piece in (data, XMP[: len(data) * 3] + data, b"<?xpacket begin=" + data):
        xmp.read(Packet(data=piece, place=""), Evidence(locator="", sha256="0" * 64), pdf=pdf)
    list(jumbf.walk(b"\0\0\0\x40jumb" + data))
