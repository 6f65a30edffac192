"""Readers of strangers' folders: nothing but refusals comes out, whatever goes in."""

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalib.canonical import canonical
from datalib.errors import Refused
from datalib.library import descriptor, inference, tables, yaml_text
from datalib.library.collisions import Collisions
from datalib.library.names import distinct, is_slug, slug
from datalib.library.paths import fault, to_bytes
from datalib.library.suggestions import suggest_all
from datalib.library.summary import Summary
from datalib.library.upgrade import upgrade
from tests import folders

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = (
    "name", "title", "version", "created", "keywords", "license", "licenses", "author", "contributors", "sources",
    "profile", "$schema", "resources", "datalib",
)  # fmt: skip
RESOURCE_MEMBERS = (
    "name", "path", "url", "data", "extrapaths", "hash", "bytes", "stats", "schema", "dialect", "profile", "format",
    "sources", "licenses", "mimetype", "author",
)  # fmt: skip
SCHEMA_MEMBERS = ("fields", "primaryKey", "foreignKeys", "profile", "missingValues")

schemas = st.dictionaries(st.sampled_from(SCHEMA_MEMBERS), json_values, max_size=3)
descriptors = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(MEMBERS, json_values),
        "resources": json_values
        | st.lists(
            st.dictionaries(st.sampled_from(RESOURCE_MEMBERS), json_values, max_size=5).map(
                lambda item: {"path": "a.csv", **item}
            )
            | st.builds(lambda schema: {"path": "a.csv", "schema": schema}, schemas),
            max_size=3,
        ),
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(descriptors)
def test_upgrade_refuses_or_gives_a_fixed_point(document: dict[str, Any]) -> None:
    before = canonical(document)
    try:
        result = upgrade(document, "d")
    except Refused:
        return
    finally:
        assert canonical(document) == before
    assert all(is_slug(item["name"]) for item in result.document["resources"])
    names = [item["name"] for item in result.document["resources"]]
    assert len(set(names)) == len(names)
    again = upgrade(json.loads(canonical(result.document)), "d")
    assert again.document == result.document
    assert again.notes == ()


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_descriptor_bytes(data: bytes) -> None:
    for name in descriptor.NAMES:
        try:
            descriptor.load(lambda asked, _limit, name=name: data if asked == name else None)  # type: ignore[misc]  # a default binds the name
        except Refused:
            continue


@given(st.text(alphabet="abc:-[]{}&*!#|>'\"\n ,0.<~", max_size=60))
def test_yaml_text(text: str) -> None:
    try:
        value = yaml_text.parse(text.encode())
    except Refused:
        return
    json.dumps(value, allow_nan=False)


@settings(deadline=None)  # the first example imports Frictionless
@given(st.binary(max_size=300), st.sampled_from(sorted(tables.FORMATS)))
def test_table_bytes(data: bytes, extension: str) -> None:
    try:
        table = tables.read(io.BytesIO(data), f"t.{extension}")
    except Refused as refusal:
        assert refusal.code == "E-TABLE-READ"  # noqa: PT017 -- a refusal is one of two right answers
        return
    names = [field["name"] for field in table.schema["fields"]]
    assert names
    assert len(set(names)) == len(names)
    json.dumps(table.schema, allow_nan=False).encode()


@settings(deadline=None)  # the first example imports Frictionless
@given(
    st.lists(st.lists(st.text(alphabet='ab,;|\t"\n 0.1', max_size=6), max_size=4), max_size=8),
    st.sampled_from(["csv", "tsv"]),
)
def test_delimited_text(rows: list[list[str]], extension: str) -> None:
    try:
        tables.read(io.BytesIO("\n".join(",".join(row) for row in rows).encode()), f"t.{extension}")
    except Refused as refusal:
        assert refusal.code == "E-TABLE-READ"  # noqa: PT017 -- a refusal is one of two right answers


TOKENS = [
    "", "0", "1", "-5", "007", "1.5", "0.50", "1,5", "+1", " 1", "1e5", "abc", "Жаз", "true", "nan", "inf", "2020", "_",
    "2020-01", "2020-01-01", "01.02.2020", "10:00:00", "2020-01-01T10:00:00Z", "P1D", "[1]", "{}", "1_000", "\u0661",
    "x1", "-",
]  # fmt: skip
tokens = st.sampled_from(TOKENS) | st.text(max_size=4)


@settings(deadline=None)
@given(st.lists(tokens, min_size=1, max_size=5))
def test_short_cuts_say_what_frictionless_says(column: list[str]) -> None:
    for candidates in (inference.CANDIDATES, inference.TEXT_CANDIDATES):
        (asked,) = inference._ask(["a"], [[cell] for cell in column], candidates)
        (inferred,) = inference.fields_of(["a"], [[cell] for cell in column], candidates)
        if inferred != asked:  # identifiers with leading zeros are the one thing decided otherwise
            assert (inferred, asked["type"] in {"integer", "number"}) == ({"name": "a", "type": "string"}, True)
            assert any(inference._LEADING_ZERO.match(cell) for cell in column)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    home = tmp_path_factory.mktemp("whole")
    made = (
        folders.parquet(home / "t.parquet"),
        folders.feather(home / "t.feather"),
        folders.arrow_stream(home / "t.arrows"),
        folders.xlsx(home / "t.xlsx", [["a", "b"], [1, "x"]]),
    )
    return {path.name: path.read_bytes() for path in made}


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damaged_tables(whole: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content)) | st.just(len(content))) :]
    try:
        tables.read(io.BytesIO(bytes(content)), name)
    except Refused as refusal:
        assert refusal.code == "E-TABLE-READ"  # noqa: PT017 -- a refusal is one of two right answers


segments = st.text(min_size=1, max_size=6).filter(
    lambda text: "/" not in text and "\0" not in text and text not in {".", ".."}
) | st.sampled_from(
    [
        "con",
        "CON.txt",
        "a",
        "A",
        "a ",
        "Straße",
        "STRASSE",
        "é",
        "e\u0301",
        "\udcff",
        "evidence",
        "x" * 255,
        "ß",
        "ﬁ",
        "fi",
    ]
)
trees = st.sets(st.lists(segments, min_size=1, max_size=3).map("/".join), max_size=8)


@given(trees)
def test_suggestions_make_every_path_allowed(tree: set[str]) -> None:
    ordered = sorted(tree, key=to_bytes)
    # On a disk no name is a file and a folder at once.
    paths = [path for path in ordered if not any(other.startswith(f"{path}/") for other in ordered)]
    better = {item.path: item.suggestion for item in suggest_all(lambda: paths)}
    renamed = sorted((better.get(path, path) for path in paths), key=to_bytes)
    assert all(renamed)
    assert [fault(path) for path in renamed if fault(path)] == []
    collisions = Collisions()
    for path in renamed:
        collisions.add(path)
    collisions.settle(lambda: renamed)


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from("abc"), min_size=1, max_size=9).map("/".join), st.integers(0, 9)),
        max_size=40,
    ),
    st.randoms(),
)
def test_summary_depends_on_the_files_alone(files: list[tuple[str, int]], random: Any) -> None:
    one, other = Summary(), Summary()
    shuffled = list(files)
    random.shuffle(shuffled)
    for path, size in files:
        one.add(path, size)
    for path, size in shuffled:
        other.add(path, size)
    assert one.collections() == other.collections()
    assert sum(item["files"] for item in one.collections()) == len(files)
    assert sum(item["bytes"] for item in one.collections()) == sum(size for _, size in files)


@given(st.text())
def test_slugs_are_names(text: str) -> None:
    assert is_slug(slug(text))


@given(st.lists(st.sampled_from(["", "a", "a2", "field1", "field2", "field22"])))
def test_column_names_are_distinct(names: list[str]) -> None:
    made = distinct(names)
    assert len(set(made)) == len(made) == len(names)
    assert all(made)
    assert distinct(made) == made
