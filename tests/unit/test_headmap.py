"""The heads of a log in a file: found, proven, merged; the same as a sorted list of lines says."""

import tempfile
from io import FileIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib import merkle
from datalib.errors import Unchecked
from datalib.trust.entries import PolicyEntry
from datalib.trust.headmap import Head, HeadMap, head_line
from tests.logs import digest


def merged(before: HeadMap, changes: dict[str, Head], policy: PolicyEntry | None = None) -> HeadMap:
    with tempfile.TemporaryFile(buffering=0) as file:
        root, count = before.merge(changes, policy, file)
        file.seek(0)
        found = HeadMap(file)
    assert (found.root, found.count) == (root, count)
    return found


def check(heads: HeadMap, model: dict[str, Head], wanted: list[str]) -> None:
    lines = [head_line(lib, model[lib].event).encode() for lib in sorted(model)]
    assert heads.count == len(model)
    assert heads.root == merkle.root(lines)
    for lib in wanted:
        assert heads.find(lib) == model.get(lib)
        path = heads.prove(lib)
        if lib not in model:
            assert path is None
            continue
        assert path is not None
        assert path.line == head_line(lib, model[lib].event)
        leaf = merkle.leaf_hash(path.line.encode())
        assert merkle.root_from_path(leaf, path.index, path.size, path.path) == heads.root


def test_without_libraries_the_root_is_that_of_nothing() -> None:
    heads = HeadMap()
    check(heads, {}, [digest("a")])
    check(merged(heads, {}), {}, [digest("a")])
    heads.close()


@given(st.lists(st.dictionaries(st.integers(0, 700), st.integers(0, 99), max_size=400), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_merging_gives_what_a_dictionary_does(steps: list[dict[int, int]]) -> None:
    heads, model = HeadMap(), dict[str, Head]()
    for step in steps:
        changes = {
            digest(f"lib {lib}"): Head(event=digest(f"event {event}"), seq=event, index=lib)
            for lib, event in step.items()
        }
        model |= changes
        heads = merged(heads, changes)
    check(heads, model, [*list(model)[:20], digest("stranger")])


def test_proofs_hold_in_trees_of_three_levels() -> None:
    model = {digest(f"lib {n}"): Head(event=digest(f"event {n}"), seq=0, index=n) for n in range(66_000)}
    heads = merged(HeadMap(), model, PolicyEntry(policy=digest("p"), version=7))
    assert heads.policy == PolicyEntry(policy=digest("p"), version=7)
    check(heads, model, [*sorted(model)[:: 66_000 // 7], min(model), max(model), digest("stranger")])
    heads.close()


@pytest.mark.parametrize("data", [b"", b"x" * 112, b"datalib heads 1\n" + bytes(200)])
def test_another_file_is_not_read_as_heads(data: bytes) -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        assert isinstance(file, FileIO)
        file.write(data)
        file.seek(0)
        with pytest.raises(Unchecked, match="E-LOG-DAMAGED"):
            HeadMap(file)
