from datalib.optout.page import MAX_BYTES, Meta, read_page


def test_meta_elements_are_read_in_order() -> None:
    page = read_page(
        b'<html><head><META CONTENT="a" NAME=" Robots "><meta property="robots" content="b">'
        b'<meta http-equiv="X-Robots-Tag" content=c><meta charset=utf-8><meta name="robots"></head>'
        b'<body><meta name="late" content="d"></body></html>'
    )
    assert page.metas == (
        Meta(attribute="name", name="robots", content="a"),
        Meta(attribute="property", name="robots", content="b"),
        Meta(attribute="http-equiv", name="x-robots-tag", content="c"),
        Meta(attribute="name", name="robots", content=""),
        Meta(attribute="name", name="late", content="d"),
    )
    assert page.named("robots") == ("a", "")
    assert page.complete


def test_comments_scripts_and_attributes_hold_no_elements() -> None:
    page = read_page(
        b"<!-- <meta name=robots content=noai> --><script>'<meta name=robots content=noai>'</script>"
        b"<p title='<meta name=robots content=noai>'>&lt;meta name=robots content=noai&gt;"
    )
    assert page.metas == ()


def test_licence_links() -> None:
    page = read_page(
        b'<link rel="x license" type="application/rsl+xml; a=b" href="/l.xml"><link rel=license href="/other">'
        b'<link rel=other type="application/rsl+xml" href="/no">'
        b'<script type="application/rsl+xml"></script><script type=a>'
    )
    assert page.licences == ("/l.xml", "<script>")


def test_encodings_and_bounds() -> None:
    html = '<meta name="robots" content="noai">'
    assert read_page(html.encode("utf-16")).named("robots") == ("noai",)
    assert read_page(b"\xfe\xff" + html.encode("utf-16-be")).named("robots") == ("noai",)
    assert read_page(html.encode("utf-16-le")).named("robots") == ("noai",)
    assert not read_page(b" " * (MAX_BYTES + 1)).complete
    assert read_page(b"").metas == ()
