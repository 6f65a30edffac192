"""Sound and moving pictures: notices in their comments, and files that end early."""

import io

import pytest

from datalib.optout.model import NOTHING
from datalib.optout.unit import UnitReading, read_unit
from tests import media_files as made

NO = "No AI training"


def read(data: bytes, name: str = "") -> UnitReading:
    return read_unit(io.BytesIO(data), len(data), name)


def state(data: bytes, name: str = "") -> str:
    strict = NOTHING
    for signal in read(data, name).signals:
        strict |= signal.strict
    return strict.tested.label


def vorbis(*texts: str) -> bytes:
    return b"\3vorbis" + made.comments(*texts)


def ape(name: bytes, text: bytes) -> bytes:
    body = len(text).to_bytes(4, "little") + bytes(4) + name + b"\0" + text
    foot = b"APETAGEX" + (2000).to_bytes(4, "little") + (len(body) + 32).to_bytes(4, "little") + b"\1\0\0\0" + bytes(12)
    return body + foot


@pytest.mark.parametrize(
    "data",
    [
        made.flac((4, made.comments("TITLE=x", f"Copyright={NO}"))),
        made.ogg(b"\1vorbis", vorbis(f"LICENSE={NO}")),
        made.ogg(b"OpusHead", b"OpusTags" + made.comments(f"COMMENT={NO}")),
        made.ogg(b"\x80theora", b"\x81theora" + made.comments(f"DESCRIPTION={NO}")),
        made.ogg(b"Speex   ", made.comments(f"copyright={NO}")),
        made.ogg(b"\x7fFLAC", b"\x84\0\0\0" + made.comments(f"copyright={NO}")),
        made.ogg(b"\1vorbis", vorbis(f"LICENSE={NO}", "X=" + "y" * 700)),
        made.id3((b"TCOP", b"\0" + NO.encode())),
        made.id3((b"TCOP", b"\1" + NO.encode("utf-16"))),
        made.id3((b"COMM", b"\1eng\xff\xfe\0\0" + NO.encode("utf-16"))),
        made.id3((b"USER", b"\3eng" + NO.encode()), version=4),
        made.id3((b"TCR", b"\0" + NO.encode()), version=2),
        made.id3((b"TIT2", b"\0x"), (b"TXXX", b"\3license\0" + NO.encode())),
        made.id3((b"TIT2", b"\0x")) + b"TAG" + bytes(94) + NO.encode().ljust(31, b"\0"),
        made.id3((b"TIT2", b"\0x")) + ape(b"Copyright", NO.encode()),
        made.gif(b"!\xfe\x0e" + NO.encode() + b"\0"),
        made.psd(b"8BIM\x04\x04\0\0\0\0\0\x13\x1c\2\x74\0\x0e" + NO.encode() + b"\0"),
    ],
)
def test_comments_about_rights_count(data: bytes) -> None:
    assert state(data, "a.mp3") == "deny"
    assert state(data.replace(b"No AI", b"My AI").replace(b"N\0o\0", b"M\0y\0"), "a.mp3") == "unknown"
    behind = data[-128:-125] == b"TAG" or b"APETAGEX" in data  # what stood at the end is gone without a trace
    assert behind or state(data[: len(data) // 3], "a.mp3") in {"hold", "deny"}


@pytest.mark.parametrize(
    "data",
    [
        made.flac()[:42],  # the blocks are whole, and no sound follows
        made.flac((4, made.comments("A=b")[:-1])),
        made.flac((4, (9).to_bytes(4, "little"))),
        made.ogg(b"\1vorbis", vorbis(), ended=False),
        made.ogg(b"\1vorbis", vorbis()) + b"no page",
        made.ogg(b"\1vorbis", vorbis())[:-1],
        made.id3((b"TCOP", b"\0x"))[:-417],  # the tag alone
        made.id3((b"????", b"\0x")),
        made.id3() + ape(b"Copyright", b"x").replace(b"3\0\0\0\1", b"3\0\1\0\1"),
        b"ID3\3\0\0\x7f\x7f\x7f\x7f" + bytes(100),
        b"ID3\3\0",
        b"\xff\xfb\x90\x00" + bytes(32) + b"Xing\0\0\0\3\0\0\0\1\0\0\7\0" + bytes(100),
        made.gif()[:-1],
        made.gif()[:-3] + b"\x99;",
        made.psd()[:-2],
        made.swf((9, b"abc"))[:-2],
        made.swf((9, b"abc"), packed=True)[:-3],
        b"ZWS" + made.swf()[3:],
        b"FWS\x0a\xff\xff\xff\xff",
        b"FWS\x0a\x08\0\0\0",
        made.mp4(made.box(b"moov"))[:-8],
        made.box(b"ftyp", b"isom") + made.box(b"mdat"),
        made.box(b"ftyp", b"isom"),
        made.box(b"ftyp", b"isom") + made.box(b"moof"),
        made.box(b"JXL ", b"\r\n\x87\n") + made.box(b"ftyp", b"jxl "),
        made.box(b"jP  ", b"\r\n\x87\n") + made.box(b"ftyp", b"jp2 "),
        made.heif(b"<x/>", kind=b"text/html")[:-12],
    ],
)
def test_files_that_visibly_end_early_are_held(data: bytes) -> None:
    assert state(data, "a.mp3" if data.startswith(b"\xff") else "") == "hold"


def test_whole_files_say_nothing() -> None:
    xing = b"\xff\xfb\x90\x00" + bytes(32) + b"Xing\0\0\0\3\0\0\0\1\0\0\0\x90" + bytes(100)
    info = b"\xff\xfb\x90\x00" + bytes(32) + b"Info\0\0\0\0" + bytes(108)
    for data in (
        made.flac((4, made.comments("COPYRIGHT=me"))), made.ogg(b"\1vorbis", vorbis("COPYRIGHT=me")), made.gif(),
        made.ogg(b"fishead\0", b"other"), made.ogg(b"\1vorbis", vorbis()) + bytes(9), made.psd(), xing, info,
        made.id3((b"TIT2", b"\0x")), made.id3((b"TCOP", b"\0")), made.id3(version=4, flags=0x10)[:-417] + bytes(30),
        made.gif(b"!\xf9\4\0\0\0\0\0"), b"8BPS\0\2" + made.psd()[6:34] + bytes(8) + b"\0\0\0",
        made.box(b"ftyp", b"isom") + made.box(b"moof") + made.box(b"mdat"),
    ):  # fmt: skip
        assert read(data, "a.mp3").signals == ()


def test_closed_frames_hold_and_odd_ones_are_read() -> None:
    closed = bytearray(made.id3((b"TCOP", b"\0" + NO.encode())))
    closed[19] = 0x80
    assert state(bytes(closed)) == "hold"
    split = made.id3((b"TCOP", b"\0" + b"\xff\0 " + NO.encode()), flags=0x80)
    assert state(split) in {"deny", "hold"}
    headed = made.id3((b"TCOP", b"\0" + NO.encode()))
    extended = b"ID3\3\0\x40" + headed[6:9] + bytes([headed[9] + 10]) + b"\0\0\0\6" + bytes(6) + headed[10:]
    assert state(extended) == "deny"
    newer = bytearray(made.id3((b"TCOP", b"\0\0\0\x0e\0" + NO.encode()), version=4))
    newer[19] = 1
    assert state(bytes(newer)) == "deny"
    newer = bytearray(made.id3((b"TCOP", b"\0\xff\0 " + NO.encode()), version=4))
    newer[19] = 2
    assert state(bytes(newer)) == "deny"


def test_readers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from datalib.optout.media import gif, sound

    monkeypatch.setattr(sound, "MAX_STEPS", 1)
    assert state(made.ogg(b"\1vorbis", vorbis())) == "hold"
    monkeypatch.undo()
    monkeypatch.setattr(sound, "MAX_PIECE", 10)
    assert state(made.ogg(b"\1vorbis", vorbis("X=" + "y" * 300))) == "hold"
    assert state(made.id3() + ape(b"Copyright", b"x" * 30), "a.mp3") == "hold"
    monkeypatch.setattr(sound, "_LIMIT", 10)
    assert state(made.id3((b"TCOP", b"\0x" * 9))) == "hold"
    monkeypatch.setattr(gif, "_MAX_BLOCKS", 1)
    assert state(made.gif(b"!\xfe\1a\1b\1c\0")) == "hold"
