"""Merkle trees against the recursive definition of RFC 6962 §2.1."""

from hypothesis import given, settings
from hypothesis import strategies as st

from datalib import merkle

SIZES = st.integers(1, 40)


def leaves(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def tree_head(data: list[bytes]) -> bytes:
    if len(data) == 1:
        return merkle.leaf_hash(data[0])
    half = 1
    while half * 2 < len(data):
        half *= 2
    return merkle.node_hash(tree_head(data[:half]), tree_head(data[half:]))


@settings(max_examples=30, deadline=None)
@given(st.one_of(SIZES, st.sampled_from([1023, 1024, 1025, 2048, 2500])), st.data())
def test_root_however_the_leaves_come(size: int, data: st.DataObject) -> None:
    split = data.draw(st.integers(0, size))
    builder = merkle.RootBuilder()
    builder.extend(leaves(size)[:split])
    builder.extend(leaves(size)[split:])
    assert builder.root() == tree_head(leaves(size))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1100), st.booleans()), max_size=6))
def test_root_of_leaves_and_of_subtrees_that_others_made(parts: list[tuple[int, bool]]) -> None:
    builder, hashes = merkle.RootBuilder(), list[bytes]()
    for count, folded in parts:
        first = len(hashes)
        hashes += [merkle.leaf_hash(b"%d" % number) for number in range(first, first + count)]
        if folded:
            for at, size in merkle.subtrees(first, count):
                builder.add_subtree(merkle.root_of_hashes(hashes[at : at + size]), size)
        else:
            builder.extend_hashes(hashes[first:])
        assert builder.size == len(hashes)
    assert builder.root() == merkle.root_of_hashes(hashes)


@settings(deadline=None)
@given(SIZES, st.data())
def test_inclusion(size: int, data: st.DataObject) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves(size)]
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(hashes, index)
    assert merkle.root_from_path(hashes[index], index, size, path) == tree_head(leaves(size))
    assert (merkle.root_from_path(hashes[index], other, size, path) == tree_head(leaves(size))) == (index == other)


@settings(deadline=None)
@given(SIZES, st.data())
def test_consistency(size: int, data: st.DataObject) -> None:
    old, other = data.draw(st.integers(1, size)), data.draw(st.integers(1, size))
    path = merkle.consistency_path([merkle.leaf_hash(leaf) for leaf in leaves(size)], old)
    whole = tree_head(leaves(size))
    assert merkle.verify_consistency(old, tree_head(leaves(old)), size, whole, path)
    assert merkle.verify_consistency(other, tree_head(leaves(old)), size, whole, path) == (old == other)
