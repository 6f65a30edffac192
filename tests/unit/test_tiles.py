"""Tiles and bundles: their names, their forms, the trees and proofs that they hold."""

import pytest

from datalib import merkle
from datalib.errors import Refused
from datalib.trust.tiles import ENTRIES, MAX_ENTRY, Edge, Tile, TileTree, decode_bundle, encode_bundle, width_at

NAMES = [
    (Tile(0, 0), "tile/0/000"),
    (Tile(0, 999), "tile/0/999"),
    (Tile(1, 1000), "tile/1/x001/000"),
    (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
    (Tile(63, 0, 1), "tile/63/000.p/1"),
    (Tile(ENTRIES, 0, 255), "tile/entries/000.p/255"),
    (Tile(ENTRIES, 1_000_000), "tile/entries/x001/x000/000"),
]


@pytest.mark.parametrize(("tile", "path"), NAMES)
def test_a_tile_has_one_name(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0/0",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "tile/0/../000",
        "tile/-1/000",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "/tile/0/000",
    ],
)
def test_other_names_are_no_tiles(path: str) -> None:
    assert Tile.parse(path) is None


@pytest.mark.parametrize(
    ("level", "number", "size", "width"),
    [
        (0, 0, 0, 0),
        (0, 0, 1, 1),
        (0, 0, 256, 256),
        (1, 0, 256, 1),
        (1, 0, 255, 0),
        (0, 273, 70_000, 112),
        (1, 0, 70_000, 256),
        (1, 1, 70_000, 17),
        (2, 0, 70_000, 1),
        (ENTRIES, 273, 70_000, 112),
        (0, 274, 70_000, 0),
    ],
)
def test_widths_follow_from_the_size_of_the_tree(level: int, number: int, size: int, width: int) -> None:
    assert width_at(level, number, size) == width


def test_a_bundle_holds_entries_of_any_length() -> None:
    entries = [b"", b"a", b"b" * MAX_ENTRY]
    data = encode_bundle(entries)
    assert data[:5] == b"\0\0\0\1a"
    assert decode_bundle(data) == entries
    assert decode_bundle(b"") == []


def test_an_entry_beyond_two_bytes_of_length_fits_in_no_bundle() -> None:
    with pytest.raises(Refused, match="E-LOG-TILE"):
        encode_bundle([b"a" * (MAX_ENTRY + 1)])


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\0\2a", b"\0\1aX"])
def test_a_bundle_that_ends_within_an_entry_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="E-LOG-TILE"):
        decode_bundle(data, "here")


def grown(size: int) -> dict[str, bytes]:
    """Write the tiles of a tree, as a registry that grew it at once does."""
    entries = [b"%d" % number for number in range(size)]
    files = {}
    for number in range(-(-size // 256)):
        part = entries[number * 256 : number * 256 + 256]
        files[Tile(ENTRIES, number, len(part)).path] = encode_bundle(part)
    edge = Edge()
    for tile, data in edge.extend([merkle.leaf_hash(entry) for entry in entries]):
        files[tile.path] = data
    return files | {tile.path: data for tile, data in edge.partial()}


def tree_of(files: dict[str, bytes], size: int) -> TileTree:
    return TileTree(size, lambda path, _limit: files.get(path))


def test_a_tree_of_256_is_a_full_tile_and_one_hash_above() -> None:
    assert sorted(grown(256)) == ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]


def test_the_first_part_of_a_full_tile_stands_in_for_a_partial_one_that_is_gone() -> None:
    files = grown(300)
    tree = tree_of(files, 5)
    assert tree.root() == merkle.root(b"%d" % number for number in range(5))
    assert tree.entries(0) == [b"0", b"1", b"2", b"3", b"4"]
    assert list(tree.bundles()) == [tree.entries(0)]
    assert tree.entry(3) == b"3"


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("tile/0/001.p/44", None),
        ("tile/0/001.p/44", b""),
        ("tile/0/001.p/44", bytes(32 * 43)),
        ("tile/0/001.p/44", bytes(32 * 45)),
        ("tile/0/001.p/44", bytes(32 * 44)),
        ("tile/0/000", bytes(32 * 255)),
        ("tile/entries/001.p/44", None),
        ("tile/entries/001.p/44", b"\0\1a"),
        ("tile/entries/001.p/44", b"\0\1"),
        ("tile/entries/001.p/44", encode_bundle([b"x"] * 44)),
        ("tile/entries/000", encode_bundle([b"x"] * 257)),
    ],
)
def test_a_file_that_is_missing_or_not_what_its_name_says_is_refused(path: str, data: bytes | None) -> None:
    files: dict[str, bytes] = {**grown(300), path: data or b""}
    if data is None:
        del files[path]
    with pytest.raises(Refused, match="E-LOG-TILE"):
        list(tree_of(files, 300).bundles())


def test_an_empty_tree_needs_no_files() -> None:
    tree = tree_of({}, 0)
    assert tree.root() == merkle.EMPTY_ROOT
    assert list(tree.bundles()) == []
    assert Edge.of(tree).root() == merkle.EMPTY_ROOT


def test_few_tiles_are_kept_while_many_are_read() -> None:
    size = 70 * 256
    files, read = grown(size), list[str]()

    def source(path: str, limit: int) -> bytes | None:
        assert len(files.get(path, b"")) <= limit
        read.append(path)
        return files.get(path)

    tree = TileTree(size, source)
    assert tree.root() == tree.root()
    before = len(read)
    for number in range(70):
        tree.hashes(0, number, 256)
    tree.hashes(0, 0, 256)
    assert len(read) == before + 71


def test_nothing_is_proven_from_the_empty_tree_or_to_the_same_one() -> None:
    tree = tree_of(grown(5), 5)
    assert tree.consistency(0) == tree.consistency(5) == tree.consistency(6) == []
