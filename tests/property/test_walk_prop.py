"""The walk gives the byte order of whole paths, which is the order of listings."""

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.library.paths import to_bytes
from datalib.library.store import Folder

SEGMENTS = st.binary(min_size=1, max_size=3).filter(lambda name: not {0, 47} & {*name} and name not in {b".", b".."})
CLOSE = (
    st.lists(st.sampled_from(b"a-./0b\xff\x01"), min_size=1, max_size=3)
    .map(bytes)
    .map(lambda name: name.replace(b"/", b"a"))
)
TREES = st.lists(
    st.lists(SEGMENTS | CLOSE.filter(lambda name: name not in {b".", b".."}), min_size=1, max_size=4), max_size=15
)


@settings(max_examples=40, deadline=None)
@given(TREES)
def test_walk_order(trees: list[list[bytes]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        expected = set()
        for segments in trees:
            path = Path(root, *map(os.fsdecode, segments))
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(exist_ok=False)
            except OSError:  # something in the way: a file above, or a folder of that name
                continue
            expected.add(b"/".join(segments))
        with Folder(root) as folder:
            assert [to_bytes(entry.path) for entry in folder.walk()] == sorted(expected)
