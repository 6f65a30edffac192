import pyarrow as pa
import pytest

from datalib.errors import Misuse
from datalib.optout.columns import Columns, headers_of, text_column


def test_url_columns_are_found_by_name_or_named() -> None:
    found = Columns().of(["id", "page_url", "url", "text"])
    assert found is not None
    assert found.urls == ("url", "page_url")
    named = Columns(urls=("link",), headers="h", html="page", basis="b")
    other = named.of(["link", "url", "h", "b"])
    assert other == Columns(urls=("link",), headers="h", html=None, basis="b")
    assert other.read == ("link", "h", "b")
    assert named.of(["url", "b"]) == Columns(urls=("url",), basis="b")
    assert named.of(["text", "b"]) is None
    assert Columns(html="page").of(["page"]) == Columns(html="page")


def test_a_named_column_that_is_missing_is_misuse() -> None:
    with pytest.raises(Misuse, match="'link'"):
        Columns(urls=("link",)).require(["url"], "a.csv")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        ("  ", ()),
        ([["X-Robots-Tag", "noai"], ["x-robots-tag", "noml"]], (("X-Robots-Tag", "noai"), ("x-robots-tag", "noml"))),
        ([("A", "b")], (("A", "b"),)),
        ([(b"A", b"\xe9")], (("A", "\xe9"),)),
        ([{"key": "A", "value": "b"}, {"name": "A", "value": "c"}], (("A", "b"), ("A", "c"))),
        ({"A": "b", "C": ["d", "e"], "F": None}, (("A", "b"), ("C", "d"), ("C", "e"))),
        ('[["A", "b"]]', (("A", "b"),)),
        ('{"A": "b", "A": "c"}', (("A", "b"), ("A", "c"))),
        ('[{"name": "A", "value": "b"}]', (("A", "b"),)),
        ("HTTP/1.1 200 OK\r\nA: b\r\n  folded\r\nA: c\r\n\r\n", (("A", "b folded"), ("A", "c"))),
        (b"A: \xe9\n", (("A", "\xe9"),)),
        ("no colon here", None),
        ("[broken", None),
        (7, None),
        ([["A"]], None),
        ([["A", 1]], None),
        ([[1, "a"]], None),
        ("[1, 2]", None),
    ],
)
def test_headers_are_read_in_every_form(value: object, expected: object) -> None:
    assert headers_of(value) == expected


def test_columns_of_other_types_become_text_or_null() -> None:
    assert text_column(pa.array(["a", None])).to_pylist() == ["a", None]
    assert text_column(pa.array(["a", "b", "a"]).dictionary_encode()).to_pylist() == ["a", "b", "a"]
    assert text_column(pa.array([b"a", None], pa.binary())).to_pylist() == ["a", None]
    assert text_column(pa.array([b"a", b"\xff", None], pa.binary())).to_pylist() == ["a", None, None]
    assert text_column(pa.array([1, None])).to_pylist() == ["1", None]
    assert text_column(pa.array([["a"], None])).to_pylist() == [None, None]


def test_strings_that_are_no_text_become_null() -> None:
    offsets, data = pa.array([0, 1, 2, 5], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff\xd2\x9bb")
    lying = pa.StringArray.from_buffers(3, offsets, data)
    assert text_column(lying).to_pylist() == ["a", None, "қb"]
    assert text_column(lying.slice(2)).to_pylist() == ["қb"]
    assert text_column(pa.DictionaryArray.from_arrays(pa.array([1, 0, 2]), lying)).to_pylist() == [None, "a", "қb"]
    repeated = pa.DictionaryArray.from_arrays(pa.array([1, 0, 2]), lying)
    assert text_column(repeated).to_pylist() == [None, "a", "қb"]
