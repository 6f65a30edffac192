import time

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
    assert page.licences == ("/l.xml",)
    assert page.documents == ("",)


def test_encodings_and_bounds() -> None:
    html = '<meta name="robots" content="noai">'
    assert read_page(html.encode("utf-16")).named("robots") == ("noai",)
    assert read_page(b"\xfe\xff" + html.encode("utf-16-be")).named("robots") == ("noai",)
    assert read_page(html.encode("utf-16-le")).named("robots") == ("noai",)
    assert not read_page(b" " * (MAX_BYTES + 1)).complete
    assert read_page(b"").metas == ()


def test_raw_text_ends_at_its_end_tag_only() -> None:
    meta = b"<meta name=robots content=noai>"
    assert read_page(b"<style></title>" + meta + b"</style>").metas == ()
    assert read_page(b"<title>" + meta).metas == ()
    assert read_page(b"<plaintext>" + meta).metas == ()
    assert len(read_page(b"<script></script>" + meta).metas) == 1
    assert len(read_page(b"<svg><title/><style/></svg>" + meta).metas) == 1
    assert len(read_page(b"</script></svg><!-->" + meta).metas) == 1
    assert len(read_page(b"<p title='>" + meta + b"'>" + meta).metas) == 1
    assert read_page(meta[:-1]).metas == ()


def test_tags_above_the_bounds_are_not_read() -> None:
    long = b'<meta name=robots content="' + b"noai," * 4000 + b'">'
    page = read_page(long + b"<meta name=a content=b>")
    assert not page.complete
    assert page.named("a") == ("b",)
    assert not read_page(b"<meta name=a content=b>" * 60_000).complete


def test_pages_built_to_be_slow_are_read_at_once() -> None:
    start = time.process_time()
    for piece in ("<div>", "<select><option>", "<a", "<!--", "<svg>", "<b a='", "<meta a1 a2 "):
        read_page((piece * (1_000_000 // len(piece))).encode())
    attributes = " ".join(f"a{number}" for number in range(60_000))
    read_page(f"<meta {attributes}>".encode())
    assert time.process_time() - start < 10


def test_what_comes_last_on_a_long_page_is_read_in_any_case_and_encoding() -> None:
    text = "<p title='&lt;meta'>\u0434\u0430\u043b\u0430 <b>&amp;</b></p>" * 5000
    late = text + "<LINK rel=License type=Application/RSL+xml href='/\u04e9.xml'></body>"
    assert read_page(late.encode()).licences == ("/\u04e9.xml",)
    assert read_page(late.encode("utf-16")).licences == ("/\u04e9.xml",)
    assert read_page(text.encode() + b"<mEta name=robots content='no\xffai'>").named("robots") == ("no\ufffdai",)
    script = b"<SCRIPT type='application/Rsl+xml'><rsl></rsl></script>"
    assert read_page(text.encode() + script).documents == ("<rsl></rsl>",)
    assert read_page(b"<!--<meta>" + text.encode()).metas == ()
    assert read_page("<\u017fcript><meta name=a content=b>".encode()).named("a") == ("b",)
