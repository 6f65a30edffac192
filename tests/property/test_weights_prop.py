"""The weight of a row is that of its values, whatever the type of its columns and the batch it comes in."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from datalib.optout.weights import weights_of

TEXTS = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=5))
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "string": (pa.string(), TEXTS),
    "large": (pa.large_string(), TEXTS),
    "view": (pa.string_view(), TEXTS),
    "binary": (pa.binary(), st.one_of(st.none(), st.binary(max_size=5))),
    "number": (pa.int32(), st.one_of(st.none(), st.integers(0, 9))),
    "list": (pa.list_(pa.string()), st.one_of(st.none(), st.lists(TEXTS, max_size=3))),
    "lists": (pa.large_list(pa.list_(pa.string())), st.lists(st.lists(TEXTS, max_size=2), max_size=2)),
    "pair": (pa.list_(pa.string(), 2), st.one_of(st.none(), st.lists(TEXTS, min_size=2, max_size=2))),
    "map": (
        pa.map_(pa.string(), pa.int64()),
        st.one_of(st.none(), st.dictionaries(st.sampled_from("ab"), st.integers(0, 9)).map(lambda one: [*one.items()])),
    ),
    "struct": (
        pa.struct([("a", pa.string()), ("b", pa.list_(pa.string()))]),
        st.fixed_dictionaries({"a": TEXTS, "b": st.lists(TEXTS, max_size=2)}),
    ),
}


def weight(value: Any, kind: Any) -> int:
    if pa.types.is_struct(kind):
        return sum(weight(value[field.name], field.type) for field in kind)
    if pa.types.is_map(kind):
        return sum(len(key) + 16 for key, _ in value or ())
    if pa.types.is_nested(kind):
        return sum(weight(one, kind.value_type) for one in value or ())
    return 8 + (len(value.encode() if isinstance(value, str) else value) if isinstance(value, str | bytes) else 0)


@given(st.data(), st.lists(st.sampled_from(sorted(KINDS)), max_size=3, unique=True), st.integers(0, 6))
def test_rows_weigh_what_their_values_do(data: st.DataObject, names: list[str], cut: int) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries({name: KINDS[name][1] for name in names}), max_size=6))
    schema = pa.schema([(name, KINDS[name][0]) for name in names])
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    if not names:
        return
    expected = [sum(weight(row[name], KINDS[name][0]) for name in names) for row in rows]
    assert weights_of(batch).tolist() == expected
    assert [*weights_of(batch.slice(0, cut)), *weights_of(batch.slice(cut))] == expected


def test_what_has_no_length_of_its_own_is_a_number() -> None:
    none = pa.array([[], []], pa.list_(pa.string(), 0))
    words = pa.array(["long", "word"]).dictionary_encode()
    assert weights_of(pa.RecordBatch.from_arrays([none, pa.nulls(2), words], names=["a", "b", "c"])).tolist() == [
        24,
        24,
    ]
