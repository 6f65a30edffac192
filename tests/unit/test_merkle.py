"""Merkle trees: known answers of RFC 6962's own construction, and what does not fit."""

from hashlib import sha256

import pytest

from datalib.merkle import (
    EMPTY_ROOT,
    RootBuilder,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    root_from_path,
    verify_consistency,
)

#: Inputs and roots of the reference log of Certificate Transparency.
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "60" * 16)]
EIGHT_BUT_LAST = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_known_roots() -> None:
    last = bytes.fromhex("606162636465666768696a6b6c6d6e6f")
    assert root([*LEAVES[:7], last]).hex() == EIGHT_BUT_LAST
    assert root([b""]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root([]) == EMPTY_ROOT == sha256(b"").digest()


def test_more_leaves_after_a_root() -> None:
    builder = RootBuilder()
    for count, leaf in enumerate(LEAVES, 1):
        builder.add(leaf)
        assert builder.root() == root(LEAVES[:count])
    assert builder.size == len(LEAVES)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_paths_lead_to_the_root(size: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES[:size]]
    for index in range(size):
        path = inclusion_path(hashes, index)
        assert root_from_path(hashes[index], index, size, path) == root(LEAVES[:size])
        assert root_from_path(hashes[index], index, size, [*path, EMPTY_ROOT]) is None
        assert root_from_path(hashes[index], index, size, path[1:]) is None or not path


def test_what_cannot_be_a_path() -> None:
    leaf = leaf_hash(b"")
    assert root_from_path(leaf, 1, 1, []) is None
    assert root_from_path(leaf, -1, 1, []) is None
    assert root_from_path(leaf, 0, 0, []) is None
    assert root_from_path(b"", 0, 1, []) is None
    assert root_from_path(leaf, 0, 2, [b"short"]) is None
    assert root_from_path(leaf, 0, 2, [leaf]) == node_hash(leaf, leaf)


def test_consistency() -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES]
    for old in range(1, 9):
        for new in range(old, 9):
            path = consistency_path(hashes[:new], old)
            one, other = root(LEAVES[:old]), root(LEAVES[:new])
            assert verify_consistency(old, one, new, other, path)
            assert not verify_consistency(old, one, new, other, [*path, one])
            assert not verify_consistency(old, one, new, other, path[:-1]) or not path
            assert not verify_consistency(old, EMPTY_ROOT, new, other, path)


def test_no_consistency_without_a_tree() -> None:
    tree = root(LEAVES)
    assert not verify_consistency(0, EMPTY_ROOT, 8, tree, [])
    assert not verify_consistency(9, tree, 8, tree, [])
    assert not verify_consistency(4, root(LEAVES[:4]), 8, tree, [b"short"])
    assert not verify_consistency(3, root(LEAVES[:3]), 8, tree, [])
    assert not verify_consistency(8, tree, 8, tree, [tree])
