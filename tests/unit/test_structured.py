import pytest

from datalib.optout.structured import MAX_LENGTH, Member, parse_dictionary


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", ()),
        ("   ", ()),
        ("a=n", (Member("a", "token", "n"),)),
        (" a=n\t,\t*b ", (Member("a", "token", "n"), Member("*b", "boolean", "?1"))),
        ('a;x;y=1;z="q", b=?0', (Member("a", "boolean", "?1"), Member("b", "boolean", "?0"))),
        ("a=-1.5, b=:aGk=:", (Member("a", "number", "-1.5"), Member("b", "bytes", ":aGk=:"))),
        ("c=@123", (Member("c", "date", "@123"),)),
        ('a="x\\"y", b=%"f%c3%bc"', (Member("a", "string", '"x\\"y"'), Member("b", "display", '%"f%c3%bc"'))),
        ("a=(n  y;q=1 );p=2, b", (Member("a", "list", "(n  y;q=1 )"), Member("b", "boolean", "?1"))),
        ("a=()", (Member("a", "list", "()"),)),
        ("a=1, a=2", (Member("a", "number", "1"), Member("a", "number", "2"))),
    ],
)  # fmt: skip
def test_dictionaries(text: str, members: tuple[Member, ...]) -> None:
    assert parse_dictionary(text) == members


@pytest.mark.parametrize(
    "text",
    [
        "A=n", "a=n,", "a=n b=y", "a = n", "a=", "a=(n", "a=(n,y)", 'a=("x""y")', "a;", "a;X=1", "a;x=", 'a="x',
        "a=1.2345", "a=1.", "a=?2", "=n", ",a", "a,,b", "a=n #c", "é=n", "a=\x00", "a" * (MAX_LENGTH + 1), "\ta=n",
    ],
)  # fmt: skip
def test_what_is_no_dictionary(text: str) -> None:
    assert parse_dictionary(text) is None
