"""Listings of any allowed names survive a round trip; single-file proofs show exactly what is there."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.errors import Refused
from datalib.library import listing
from datalib.library.collisions import Collisions
from datalib.library.listing import Line, Listing
from datalib.library.paths import fault, to_bytes
from datalib.library.proofs import FileProof, Presence, prove, verify_proof
from datalib.library.store import Folder

NAMES = st.text("abcxyz0189-_. ABәЯ\u00a0", min_size=1, max_size=4)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join).filter(lambda path: fault(path) is None)


def compatible(paths: list[str]) -> bool:
    collisions = Collisions()
    try:
        for path in paths:
            collisions.add(path)
        collisions.settle(lambda: paths)
    except Refused:
        return False
    return True


@contextmanager
def written(paths: list[str]) -> Iterator[tuple[Folder, list[Line], Listing]]:
    """Write the listing of those paths that can live together; the digest is that of the name."""
    kept: list[str] = []
    for path in paths:
        candidates = sorted({*kept, path}, key=to_bytes)
        kept = candidates if compatible(candidates) else kept
    lines = [Line(hashlib.sha256(path.encode()).hexdigest(), path) for path in kept]
    with tempfile.TemporaryDirectory() as root, Folder(root) as folder:
        yield folder, lines, listing.write(folder, lines)


@settings(max_examples=40, deadline=None)
@given(st.lists(PATHS, min_size=1, max_size=12))
def test_round_trip(paths: list[str]) -> None:
    with written(paths) as (folder, kept, facts):
        wanted = [line.path for line in kept[::2]]
        found = listing.examine(folder, expected=facts, wanted=wanted).found
        assert found == {line.path: line.sha256 for line in kept[::2]}
        assert list(listing.lines(folder, sha256=facts.sha256)) == kept


@settings(max_examples=40, deadline=None)
@given(st.lists(PATHS, min_size=1, max_size=8), st.lists(PATHS, max_size=3))
def test_proofs(paths: list[str], others: list[str]) -> None:
    with written(paths) as (folder, kept, facts):
        listed = {line.path for line in kept}
        for path in (*listed, *others):
            proofs = [FileProof.from_dict(proof.to_dict()) for proof in prove(folder, path, expected=facts)]
            shown = verify_proof(proofs, path=path, files=facts.files, root=facts.root)
            assert shown is (Presence.PRESENT if path in listed else Presence.ABSENT)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=40).map(lambda tail: b"%b  %b\n" % (b"0" * 64, tail)))
def test_any_bytes_are_a_listing_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as root, Folder(root) as folder:
        (folder.path / listing.NAME).write_bytes(data)
        expected = Listing(name="", files=1, sha256=hashlib.sha256(data).hexdigest(), root="", found={})
        with pytest.raises(Refused, match=r"^E-(LIST|PATH)-"):
            listing.examine(folder, expected=expected)
