import pytest

from datalib.optout.kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("name", "beginning", "kind"),
    [
        ("a.txt", b"plain text", Kind.NONE),
        ("data/a.csv", b"a,b\n", Kind.NONE),
        ("a.json", b"{}", Kind.NONE),
        ("a.bin", b"\x01\x02", Kind.NONE),
        ("a.ts", b"const x = 1", Kind.NONE),
        ("a", b"", Kind.NONE),
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
