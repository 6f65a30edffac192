import pytest

from datalib.optout import markup
from datalib.optout.markup import Property, parse, properties

RDF = f'xmlns:rdf="{markup.RDF}"'
NAME = "http://n/\nP"


def values(text: str) -> list[str]:
    elements = parse(text.encode())
    assert elements is not None
    return [item.value for item in properties(elements, lambda full: full == NAME)]


def test_elements_come_in_order_with_their_texts_and_parents() -> None:
    elements = parse(b'<a xmlns="http://n/" k="v">x<b>y</b>z</a>')
    assert elements is not None
    assert [(e.name, e.local, e.text, e.parent, e.attributes) for e in elements] == [
        ("http://n/\na", "a", "xz", -1, {"k": "v"}),
        ("http://n/\nb", "b", "y", 0, {}),
    ]


@pytest.mark.parametrize(
    "text",
    [b"", b"<a>", b"<a/><b/>", b"<a>&x;</a>", b"<p:a/>", b"<!DOCTYPE a><a/>", b'<?xml version="1.0" encoding="x"?><a/>',
     b"\xff\xff", b"<a>\xff</a>"],
)  # fmt: skip
def test_what_is_no_xml_or_brings_its_own_declarations_is_not_read(text: bytes) -> None:
    assert parse(text) is None


def test_a_declaration_of_a_known_type_is_passed_over_where_it_is_usual() -> None:
    plain = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:1/svg11.dtd"><svg/>'
    assert parse(plain, doctype=True)
    assert parse(b'<!DOCTYPE svg [<!ENTITY x "y">]><svg>&x;</svg>', doctype=True) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="UTF-16"?>', " \n"])
def test_texts_in_any_encoding_are_read_without_their_padding(encoding: str, head: str) -> None:
    if "UTF-16" in head and encoding == "utf-8":
        pytest.skip("a lie that nobody can read")
    text = (head if head.strip() else "") + "<a>ж</a>" + " \0" * 3
    elements = parse(text.encode(encoding))
    assert elements is not None
    assert elements[0].text == "ж"


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_ELEMENTS", 3)
    assert parse(b"<a><b/><b/></a>")
    assert parse(b"<a><b/><b/><b/></a>") is None
    monkeypatch.setattr(markup, "MAX_BYTES", 10)
    assert parse(b"<a>12345678</a>") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<d xmlns:n="http://n/" n:P="v"/>', ["v"]),
        ('<d xmlns:n="http://n/"><n:P>v</n:P></d>', ["v"]),
        (f'<d xmlns:n="http://n/" {RDF}><n:P rdf:resource="v"/></d>', ["v"]),
        (f'<d xmlns:n="http://n/" {RDF}><n:P><rdf:Bag><rdf:li>v</rdf:li><rdf:li/></rdf:Bag></n:P></d>', ["v", ""]),
        (f'<d xmlns:n="http://n/" {RDF}><n:P><rdf:Description rdf:value="v"/></n:P></d>', ["v"]),
        (f'<d xmlns:n="http://n/" {RDF}><n:P rdf:parseType="Resource"><rdf:value>v</rdf:value></n:P></d>', ["v"]),
        ('<d xmlns:n="http://n/"><n:P/></d>', [""]),
        ('<d xmlns:n="http://n/"><n:Q>v</n:Q></d>', []),
        ('<d xmlns:n="http://n/"><n:P>v<n:P>w</n:P></n:P></d>', ["v", "w"]),
    ],
)  # fmt: skip
def test_properties_are_read_in_every_form(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_a_property_knows_its_name() -> None:
    elements = parse(b'<d xmlns:n="http://n/" n:P="v"/>')
    assert elements is not None
    assert properties(elements, lambda full: full == NAME) == [Property(namespace="http://n/", name="P", value="v")]
