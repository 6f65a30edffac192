"""Older descriptors in the words of Data Package v2."""

import json
from pathlib import Path
from typing import Any

import pytest

from datalib.errors import Refused
from datalib.library import descriptor, yaml_text
from datalib.library.upgrade import PROFILE, Declared, Upgraded, upgrade

VECTORS = Path(__file__).parents[1] / "vectors" / "descriptors"


def load(files: dict[str, bytes]) -> Upgraded | None:
    return descriptor.load(
        lambda name, limit: content if (content := files.get(name)) is None else content[: limit + 1]
    )


@pytest.mark.parametrize("path", sorted(VECTORS.glob("accept/*/")), ids=lambda path: path.name)
def test_accepted(path: Path) -> None:
    files = {item.relative_to(path).as_posix(): item.read_bytes() for item in path.rglob("*") if item.is_file()}
    result = load(files)
    assert result is not None
    expected = json.loads(files["expected.json"])
    assert result.document == expected["document"]
    assert [f"{note.where}: {note.detail}" for note in result.notes] == expected["notes"]


@pytest.mark.parametrize("path", sorted(VECTORS.glob("reject/*/")), ids=lambda path: path.name)
def test_rejected(path: Path) -> None:
    files = {item.relative_to(path).as_posix(): item.read_bytes() for item in path.rglob("*") if item.is_file()}
    with pytest.raises(Refused) as caught:
        load(files)
    assert f"{caught.value.code} {caught.value.where}" == files["expected.txt"].decode().strip()


def test_no_descriptor() -> None:
    assert load({"data.csv": b""}) is None


def test_json_before_yaml() -> None:
    result = load({"datapackage.json": b'{"name": "a"}', "datapackage.yaml": b"name: b\n"})
    assert result is not None
    assert result.document == {"$schema": PROFILE, "name": "a", "resources": []}
    assert [note.where for note in result.notes] == ["datapackage.yaml"]


def resource(**members: Any) -> Upgraded:
    return upgrade({"resources": [{"name": "a", "path": "a.csv", **members}]}, "d")


@pytest.mark.parametrize(
    ("members", "declared"),
    [
        (
            {"hash": "d47e3cafbcd98b4816a895d8df23cffb"},
            Declared(algorithm="md5", digest="d47e3cafbcd98b4816a895d8df23cffb"),
        ),
        ({"hash": "SHA-256:AB"}, Declared(algorithm="sha256", digest="ab")),
        ({"bytes": 5, "hash": "sha1:ff"}, Declared(size=5, algorithm="sha1", digest="ff")),
        ({"hash": "zz"}, Declared(digest="zz")),
        ({"stats": {"md5": "aa", "bytes": 3, "rows": 2}}, Declared(size=3, digest="aa")),
        ({"bytes": "5"}, Declared()),
    ],
)
def test_what_is_said_of_bytes_is_taken_out(members: dict[str, Any], declared: Declared) -> None:
    result = resource(**members)
    assert result.declared == {"a.csv": declared}
    assert not {"bytes", "hash"} & set(result.document["resources"][0])
    assert bool(result.notes) == (declared.digest != "" and declared.algorithm != "sha256")


def test_statistics_that_are_not_bytes_stay() -> None:
    assert resource(stats={"md5": "a" * 32, "rows": 2}).document["resources"][0]["stats"] == {"rows": 2}
    assert "stats" not in resource(stats={"md5": "a" * 32}).document["resources"][0]


def test_very_long_person() -> None:
    text = " " * 100_000
    result = upgrade({"resources": [], "author": text}, "d")
    assert result.document["contributors"] == [{"title": text, "roles": ["author"]}]


# --- YAML ---

BOMB = b'a0: &a0 ["lol", "lol"]\n' + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 25)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"a: &a [*a]\n", "E-DESCRIPTOR"),
        (b"a: *b\n", "E-DESCRIPTOR"),
        (b"a: 1\na: 2\n", "E-JSON-DUPKEY"),
        (b"1: 2\n", "E-DESCRIPTOR"),
        (b"- 1\n", "E-DESCRIPTOR"),
        (b"", "E-DESCRIPTOR"),
        (b'a: !!python/object/apply:os.system ["true"]\n', "E-DESCRIPTOR"),
        (b"a: !!binary aGk=\n", "E-DESCRIPTOR"),
        (b"a: !!set {x}\n", "E-DESCRIPTOR"),
        (b"a: !!int x\n", "E-DESCRIPTOR"),
        (b"? [a]\n: b\n", "E-DESCRIPTOR"),
        (b"a: 1\n--- \nb: 1\n", "E-DESCRIPTOR"),
        (b"x: &a {b: 1}\ny: {<<: *a}\n", "E-DESCRIPTOR"),
        (b"a: '\n", "E-DESCRIPTOR"),
        (b"a: .nan\n", "E-JSON-NAN"),
        (b"a: -.inf\n", "E-JSON-NAN"),
        (b"a: 9007199254740992\n", "E-JSON-INT"),
        (b"a: " + b"9" * 5000 + b"\n", "E-DESCRIPTOR"),
        (b"[" * 100_000, "E-JSON-DEPTH"),
        (b"a: {" * 33 + b"}" * 33, "E-JSON-DEPTH"),
        (BOMB, "E-JSON-SIZE"),
        (b"a: " + b"x" * yaml_text.SIZE_LIMIT, "E-JSON-SIZE"),
        (b"a: \xff\n", "E-JSON-UTF8"),
    ],
)
def test_hostile_yaml(text: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        yaml_text.parse(text, where="d.yaml")
    assert (caught.value.code, caught.value.where) == (code, "d.yaml")


def test_yaml_values() -> None:
    text = b"a: &x [1, 1.5, yes, null, text]\nb: *x\nc: 2020-01-01\nd: &s word\ne: *s\nf: '<<'\n"
    items = [1, 1.5, True, None, "text"]
    value = yaml_text.parse(text)
    assert value == {"a": items, "b": items, "c": "2020-01-01", "d": "word", "e": "word", "f": "<<"}
    assert value["a"] is not value["b"]
