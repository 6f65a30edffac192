"""Random changes of a sectoral library, two levels deep and logged: none is accepted, none crashes.

A seeded few hundred in the usual run; 100,000 when DATALIB_SOAK is set.
"""

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from datalib.canonical import canonical
from datalib.chain import envelope, events
from datalib.chain.envelope import EVENT_TYPE
from datalib.chain.events import Evidence, Genesis
from datalib.errors import DatalibError
from datalib.formats import sha256_hex
from datalib.trust.policy import Policy
from datalib.verify import verify
from tests.libraries import BUYER, MAKER, NOW, ROOTS, Library, Log, draft_policy, sign_policy

SOAK = "DATALIB_SOAK" in os.environ
MUTATIONS, CONFUSIONS = (100_000, 4_000) if SOAK else (400, 60)
PARTS = 20 if SOAK else 2

POLICY = Policy.load(sign_policy(draft_policy()), roots=ROOTS, now=NOW)
FOUND = b'{"works":3}\n'


def accepted(folder: Path) -> bool:
    """Tell whether a library is accepted. Whatever is not one of our errors goes through and fails the test."""
    try:
        return verify(folder, policy=POLICY, now=NOW, threads=1).accepted
    except DatalibError:
        return False


def ground(tmp_path: Path, log: Log) -> Library:
    """A library with everything: two versions, evidence, a hand-over, a Kazakh name."""
    library = Library(folder=tmp_path / "ground", log=log, name="ground")
    library.files |= {"data/күн.txt": "күн\n".encode(), "more.txt": b"more\n"}
    library.genesis().attest(evidence=(Evidence(name="scan", sha256=sha256_hex(FOUND)),))
    library.path(f"evidence/{sha256_hex(FOUND)}.json").write_bytes(FOUND)
    library.document = {"version": "1.1.0"}
    return library.transfer().amend(by=BUYER)


def sectoral(tmp_path: Path, begin: Callable[[Library], object] = Library.genesis) -> Library:
    """Assemble a library of a whole one and of parts of the one that was made of; ``begin`` signs it first."""
    log = Log()
    below = ground(tmp_path, log)
    middle = Library(folder=tmp_path / "middle", log=log, name="middle", day=5, files={"own.txt": b"own\n"})
    middle.files |= {f"g/{path}": data for path, data in below.files.items()}
    middle.block = {"inputs": [below.input(below, "verbatim", "g/")]}
    middle.genesis()
    top = Library(folder=tmp_path / "sector", log=log, name="sector", day=7, files={"top.txt": b"top\n"})
    top.files |= {f"m/{path}": data for path, data in middle.files.items()}
    top.files |= {f"part/{path}": below.files[path] for path in ("data/a.txt", "more.txt")}
    top.block = {"inputs": [middle.input(middle, "verbatim", "m/"), below.input(below, "subset", "part/")]}
    begin(top)
    top.attest()
    everyone = [top, middle, below]
    for one in everyone:
        one.publish(others=[other for other in everyone if other is not one])
    top.ship(middle, listing=True).ship(below, listing=True)
    for source in below.path("evidence").iterdir():
        top.path(f"evidence/{source.name}").write_bytes(source.read_bytes())
    return top


Mutation = Callable[[random.Random, bytes], bytes]


def _span(lots: random.Random, data: bytes) -> tuple[int, int]:
    start = lots.randrange(len(data))
    return start, min(len(data), start + lots.choice([1, 1, 2, 8, 64, len(data)]))


def _flip(lots: random.Random, data: bytes) -> bytes:
    at = lots.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << lots.randrange(8)]) + data[at + 1 :]


def _insert(lots: random.Random, data: bytes) -> bytes:
    at = lots.randrange(len(data) + 1)
    piece = lots.choice([lots.randbytes(lots.randint(1, 4)), b"\n", b" ", b"0", b"\xef\xbb\xbf", b"\0" * 100])
    return data[:at] + piece + data[at:]


def _delete(lots: random.Random, data: bytes) -> bytes:
    start, end = _span(lots, data)
    return data[:start] + data[end:]


def _truncate(lots: random.Random, data: bytes) -> bytes:
    return data[: lots.randrange(len(data))]


def _swap(lots: random.Random, data: bytes) -> bytes:
    one, other = sorted((lots.randrange(len(data)), lots.randrange(len(data))))
    size = lots.randint(1, max(1, min(80, other - one, len(data) - other)))
    if one + size > other:
        return data
    middle = data[one + size : other]
    return data[:one] + data[other : other + size] + middle + data[one : one + size] + data[other + size :]


def _repeat(lots: random.Random, data: bytes) -> bytes:
    start, end = _span(lots, data)
    return data[:end] + data[start:end] + data[end:]


def _drop_line(lots: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[lots.randrange(len(lines))]
    return b"".join(lines)


def _letter(lots: random.Random, data: bytes) -> bytes:
    """Put another letter or digit in the place of one: what stays well-formed is the harder case."""
    places = [at for at, byte in enumerate(data) if chr(byte).isalnum()]
    at = lots.choice(places) if places else 0
    return data[:at] + lots.choice("0123456789abcdefABCDEFxyz+/=").encode() + data[at + 1 :]


MUTATE: Mapping[str, Mutation] = {
    "flip": _flip,
    "insert": _insert,
    "delete": _delete,
    "truncate": _truncate,
    "swap": _swap,
    "repeat": _repeat,
    "drop line": _drop_line,
    "letter": _letter,
}


@contextmanager
def changed(files: Mapping[Path, bytes]) -> Iterator[None]:
    """Give files another content, and their own again."""
    before = {path: path.read_bytes() for path in files}
    try:
        for path, data in files.items():
            path.write_bytes(data)
        yield
    finally:
        for path, data in before.items():
            path.write_bytes(data)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_mutation_of_a_sectoral_library_is_accepted(tmp_path: Path, part: int) -> None:
    folder, lots = sectoral(tmp_path).folder, random.Random(part)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    originals = {path: path.read_bytes() for path in paths}
    assert accepted(folder)
    for number in range(MUTATIONS // PARTS):
        path, kind = lots.choice(paths), lots.choice([*MUTATE, "exchange"])
        if kind == "exchange":
            other = lots.choice(paths)
            files = {path: originals[other], other: originals[path]}
        else:
            files = {path: MUTATE[kind](lots, originals[path])}
        same = all(originals[place] == data for place, data in files.items())
        with changed(files):
            assert accepted(folder) is same, (part, number, kind, sorted(map(str, files)))
    assert accepted(folder)


def test_files_that_are_gone_or_too_many_are_seen(tmp_path: Path) -> None:
    """What may be missing: evidence, the kept copy of the current manifest, the listing of a verbatim input."""
    top = sectoral(tmp_path)
    verbatim = json.loads(top.path("datapackage.json").read_bytes())["datalib"]["inputs"][0]["lib"]
    optional = {f"manifests/{top.manifest}.json", f"upstream/{verbatim}/files.sha256"}
    for path in sorted(path for path in top.folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(top.folder))
        data = path.read_bytes()
        path.unlink()
        assert accepted(top.folder) is (name in optional or name.startswith("evidence/")), name
        path.with_name(f"{path.name}~").write_bytes(data)
        assert not accepted(top.folder), name
        path.with_name(f"{path.name}~").unlink()
        path.write_bytes(data)
    assert accepted(top.folder)


ODD: list[Any] = [None, 1, -1, 0.5, 2**53 - 1, "x", "", [], {}, [[]], {"a": 1}, True, "a" * 64, ["a"], [None], [{}]]


def confused(lots: random.Random, value: Any) -> Any:
    """Give a JSON value with something else, or nothing, in one of its places."""
    result = deepcopy(value)
    target, inner = result, result
    key: Any = None
    while True:
        items = list(inner.items()) if isinstance(inner, dict) else list(enumerate(inner))
        target, (key, inner) = inner, lots.choice(items)
        if not isinstance(inner, dict | list) or not inner or lots.random() < 0.3:
            break
    if lots.random() < 0.2:
        del target[key]
    else:
        target[key] = lots.choice(ODD)
    return result


def _confused_manifest(lots: random.Random, library: Library) -> None:
    """Sign a manifest of other types, as if its producer had written it."""
    library.write_manifest()
    path = library.path("datapackage.json")
    path.write_bytes(canonical(confused(lots, json.loads(path.read_bytes()))))
    library.path(f"manifests/{library.manifest}.json").write_bytes(path.read_bytes())
    library.append(Genesis(seq=0, time=library.time, manifest=library.manifest, producer=MAKER.producer), MAKER)


def _confused_statement(lots: random.Random, library: Library) -> None:
    """Sign a statement of other types."""
    event = Genesis(seq=0, time=library.time, manifest=library.write_manifest(), producer=MAKER.producer)
    payload = canonical(confused(lots, json.loads(events.serialise(event))))
    library.add(envelope.sign(EVENT_TYPE, payload, [MAKER.key]))


@pytest.mark.parametrize("confuse", [_confused_manifest, _confused_statement])
def test_a_sectoral_library_of_other_types_but_well_signed_does_not_crash(
    tmp_path: Path, confuse: Callable[[random.Random, Library], None]
) -> None:
    lots = random.Random(confuse.__name__)
    for number in range(CONFUSIONS // 2):
        top = sectoral(tmp_path / str(number), partial(confuse, lots))
        accepted(top.folder)  # some members may be of any type: what counts is that it answers


def test_head_proofs_of_other_types_are_refused(tmp_path: Path) -> None:
    lots, top = random.Random(3), sectoral(tmp_path)
    for path in sorted(top.folder.rglob("head.json")):
        original = path.read_bytes()
        for _ in range(CONFUSIONS // 3):
            data = canonical(confused(lots, json.loads(original)))  # by chance the same again
            with changed({path: data}):
                assert accepted(top.folder) is (data == original)
