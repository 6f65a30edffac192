import pytest

from datalib.optout.kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("name", "beginning", "kind"),
    [
        ("a.txt", b"plain text", Kind.TEXT),
        ("data/a.csv", b"a,b\n", Kind.TEXT),
        ("a.json", b"{}", Kind.TEXT),
        ("a.txt", b"\xff\xfea\0\n\0", Kind.TEXT),
        ("a.txt", "слово".encode("cp1251"), Kind.TEXT),
        ("a.txt", b"\xff\xfe\0\0\0\0", Kind.UNIT),
        ("a.htm", b"\xff\xfe<\0h\0t\0m\0l\0>\0", Kind.PAGE),
        ("a", "\ufeff<html>".encode("utf-16-be"), Kind.PAGE),
        ("a.npy", b"\x93NUMPY\1\0", Kind.NONE),
        ("a.bin", b"PAR1\0", Kind.NONE),
        ("a.arrow", b"\xff\xff\xff\xff\0", Kind.NONE),
        ("a.bin", b"\xff\xff\xff\xff\0", Kind.UNIT),
        ("a.safetensors", b"\x40\0\0\0\0\0\0\0{", Kind.NONE),
        ("a.safetensors", b"\x40\0\0\0\0\0\0\0x", Kind.UNIT),
        ("a.bin", b"\x01\x02", Kind.UNIT),
        ("a.ts", b"const x = 1", Kind.TEXT),
        ("a", b"", Kind.TEXT),
        ("a.html", b"", Kind.PAGE),
        ("A.HTM", b"x", Kind.PAGE),
        ("a", b"\xef\xbb\xbf \n<!DOCTYPE HTML>", Kind.PAGE),
        ("a.jpg", b"", Kind.UNIT),
        ("a", b"\xff\xd8\xff\xe0", Kind.UNIT),
        ("a.txt", b"\x89PNG\r\n\x1a\n", Kind.UNIT),
        ("a.txt", b"\0\0\0\x18ftypheic", Kind.UNIT),
        ("a.dat", b"%PDF-1.7", Kind.UNIT),
        ("a.zip", b"PK\x03\x04", Kind.UNIT),
        ("a", b"G" + b"x" * 187 + b"G", Kind.UNIT),
        ("a.xml", b'<?xml version="1.0"?><x:xmpmeta>', Kind.UNIT),
        ("a.xmp", b"", Kind.UNIT),
        ("page.html", b"%PDF-1.7", Kind.UNIT),
    ],
)
def test_contents_win_over_names(name: str, beginning: bytes, kind: Kind) -> None:
    assert kind_of(name, beginning) is kind
