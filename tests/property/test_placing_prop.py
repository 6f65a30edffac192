"""Whatever lies in a folder: placing the files of inputs gives exactly them, or stops and loses nobody's work."""

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.assembly.placing import Placed, Region, foresee, place
from datalib.assembly.request import Pattern
from datalib.errors import Refused
from datalib.formats import sha256_hex
from datalib.library.listing import Line, write
from datalib.library.paths import to_bytes
from datalib.library.store import Folder

CONTENT = st.sampled_from([b"1", b"2", b"3"])
PATHS = st.sampled_from(["a/x", "a/y", "a/d/x", "a/d-e/x", "b/x", "b/y/z", "own", "c/x", "a-b/x"])
FILES = st.dictionaries(PATHS, CONTENT, max_size=6)


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    folder.mkdir(exist_ok=True)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.parent != folder or path.name == "own"
    }


def ordered(files: Mapping[str, bytes]) -> list[Line]:
    return [Line(sha256_hex(files[path]), path) for path in sorted(files, key=to_bytes)]


def placed(folder: Folder, regions: list[Region], leave: list[str]) -> Placed | None:
    """Place files; ``None`` if something was in the way."""
    try:
        return place(folder, regions, leave=leave)
    except Refused as error:
        if error.code != "E-OUT-EXISTS":
            raise
        return None


@settings(max_examples=150, deadline=None)
@given(wanted=FILES, there=FILES, former=FILES, own=st.booleans(), left=st.booleans())
def test_placing(
    wanted: dict[str, bytes], there: dict[str, bytes], former: dict[str, bytes], own: bool, left: bool
) -> None:
    """Below a/ and b/, and with ``own`` everywhere else, must lie what is wanted; c/ may be left alone."""
    prefixes = ["a/", "b/", *([""] if own else [])]
    leave = ["c/"] if left else []

    def region(path: str) -> str | None:
        if left and path.startswith("c/"):
            return None
        return next((prefix for prefix in ("a/", "b/") if path.startswith(prefix)), "" if own else None)

    wanted = {path: data for path, data in wanted.items() if region(path) is not None}
    with tempfile.TemporaryDirectory() as root:
        out = fill(Path(root) / "out", there)
        sources = {prefix: Path(root) / f"s{number}" for number, prefix in enumerate(prefixes)}
        for prefix, source in sources.items():
            inside = {path: data for path, data in wanted.items() if region(path) == prefix}
            fill(source, {path[len(prefix) :]: data for path, data in inside.items()})

        def lines(prefix: str) -> Iterator[Line]:
            return iter(ordered({path: data for path, data in wanted.items() if region(path) == prefix}))

        regions = [
            Region(prefix=prefix, folder=source, lines=partial(lines, prefix)) for prefix, source in sources.items()
        ]
        with Folder(out) as folder:
            if former:
                write(folder, ordered(former))
            before = read(out)
            seen, stops = foresee(folder, regions, leave=leave)
            assert read(out) == before
            done = placed(folder, regions, leave)
            assert bool(stops) == (done is None)
            if done is None:
                changed = {path for path, data in there.items() if read(out).get(path) != data}
                assert all(former.get(path) == there[path] for path in changed)
                assert all(read(out).get(path) == wanted.get(path) for path in changed)
                return
            untouched = {path: data for path, data in there.items() if region(path) is None}
            assert read(out) == wanted | untouched
            assert seen == done
            assert done.copied + done.kept == len(wanted)
            again = place(folder, regions, leave=leave)
            assert (again.copied, again.removed, again.kept) == (0, 0, len(wanted))


SEGMENT = st.text(st.sampled_from("ab*?./["), max_size=6)


@settings(max_examples=300, deadline=None)
@given(pattern=SEGMENT, path=st.text(st.sampled_from("ab./["), max_size=6))
def test_patterns_match_as_their_rules_say(pattern: str, path: str) -> None:
    assert Pattern.parse(pattern).matches(path) == _matches(pattern + ("**" if pattern.endswith("/") else ""), path)


def _matches(pattern: str, path: str) -> bool:
    """Match by the rules, one step at a time."""
    if not pattern:
        return not path
    if pattern.startswith("**"):
        return any(_matches(pattern[2:], path[at:]) for at in range(len(path) + 1))
    if pattern[0] == "*":
        ends = path.find("/") if "/" in path else len(path)
        return any(_matches(pattern[1:], path[at:]) for at in range(ends + 1))
    if pattern[0] == "?":
        return bool(path) and path[0] != "/" and _matches(pattern[1:], path[1:])
    return bool(path) and path[0] == pattern[0] and _matches(pattern[1:], path[1:])
