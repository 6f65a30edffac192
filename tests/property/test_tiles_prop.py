"""A log that grows in any steps has the roots and proofs of the plain construction."""

from hypothesis import given, settings
from hypothesis import strategies as st

from datalib import merkle
from datalib.trust.tiles import Edge, Tile, TileTree, decode_bundle, encode_bundle

LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(1400)]


@given(st.lists(st.integers(0, 300), max_size=6), st.data())
@settings(max_examples=40, deadline=None)
def test_a_tree_grown_in_steps_proves_what_the_plain_one_does(steps: list[int], data: st.DataObject) -> None:
    files: dict[str, bytes] = {}
    size = 0

    def source(path: str, _limit: int) -> bytes | None:
        return files.get(path)

    tree = TileTree(0, source)
    for step in steps[:4]:
        edge = Edge.of(tree)
        files.update({tile.path: found for tile, found in edge.extend(LEAVES[size : size + step])})
        files.update({tile.path: found for tile, found in edge.partial()})
        size += step
        assert edge.size == size
        assert edge.root() == merkle.root_of_hashes(LEAVES[:size])
        tree = TileTree(size, source)
    assert tree.root() == merkle.root_of_hashes(LEAVES[:size])
    if not size:
        return
    part = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, part - 1))
    assert tree.inclusion(index, part) == merkle.inclusion_path(LEAVES[:part], index)
    assert tree.consistency(part) == merkle.consistency_path(LEAVES[:size], part)


@given(st.integers(-1, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_the_name_of_a_tile_is_read_back(level: int, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert Tile.parse(tile.path) == tile


@given(st.text("tile/0123456789xp.entris", max_size=24))
def test_what_is_read_as_the_name_of_a_tile_is_its_name(path: str) -> None:
    tile = Tile.parse(path)
    assert tile is None or tile.path == path


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries
