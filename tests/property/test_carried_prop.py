"""Bytes of carriers come back in the order of their digests, each once, as the first shard that kept them says.

Of several sources in a shard one is chosen, whatever the order they came in.
"""

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalib.optout import carried
from datalib.optout.carried import Proof, ProofReader, ProofWriter, proof_places
from datalib.optout.sections import Name, SectionWriter

SOURCES = st.sampled_from(["#headers", "a b\n.html", "қ\udc80"])
proofs = st.builds(
    lambda data, source: Proof(sha256=hashlib.sha256(data).hexdigest(), data=data, source=source),
    st.binary(max_size=3),
    SOURCES,
)


def written(folder: Path, shards: list[list[list[Proof]]]) -> list[Path]:
    """Write batches of shards, as shards do."""
    paths = [folder / f"{number}" for number in range(len(shards))]
    for path, batches in zip(paths, shards, strict=True):
        with SectionWriter(path) as out:
            with out.section(Name.PROOFS) as file:
                writer = ProofWriter(file)
                for batch in batches:
                    writer.add(batch)
            with out.section(Name.PLACES) as file:
                file.write(writer.places())
    return paths


def read(paths: list[Path], most: int) -> list[tuple[str, int, str, bytes | None]]:
    with ProofReader() as reader:
        return [(place.sha256, place.size, *reader.read(place, most=most)) for place in proof_places(paths)]


@given(st.lists(st.lists(st.lists(proofs, max_size=4), max_size=3), max_size=5), st.integers(0, 3))
def test_one_of_each_digest_in_order(shards: list[list[list[Proof]]], most: int) -> None:
    first: dict[str, Proof] = {}
    for shard in shards:
        own = [proof for batch in shard for proof in batch]
        for proof in sorted(own, key=lambda proof: hashlib.sha256(json.dumps(proof.source).encode()).digest()):
            first.setdefault(proof.sha256, proof)
    expected = [
        (sha256, len(proof.data), proof.source, proof.data if len(proof.data) <= most else None)
        for sha256, proof in sorted(first.items())
    ]
    for sorted_at_once, known in ((1 << 20, 1 << 14), (3, 1), (1, 0)):
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.setattr(carried, "_SORTED", sorted_at_once)
            patch.setattr(carried, "_KNOWN", known)
            assert read(written(Path(folder), shards), most) == expected


def test_more_shards_than_files_are_kept_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "_OPEN", 2)
    data = [bytes([number]) for number in range(9)]
    shards = [[[Proof(sha256=hashlib.sha256(one).hexdigest(), data=one, source="x")]] for one in data]
    assert sorted(found[3] or b"" for found in read(written(tmp_path, shards), 1)) == data


def test_what_is_kept_again_is_not_written_again(tmp_path: Path) -> None:
    proof = Proof(sha256=hashlib.sha256(b"x").hexdigest(), data=b"x" * 100, source="s")
    (path,) = written(tmp_path, [[[proof]] * 50])
    assert path.stat().st_size < 500
