"""Real data packages, whole and damaged: a draft or a clear refusal for each, and never a word to the network."""

import json
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from datalib.errors import Refused
from datalib.library import draft, manifest
from datalib.library.describe import Draft, describe
from datalib.library.descriptor import NAMES
from datalib.library.store import Folder
from tests.folders import NOW, statements, write
from tests.shared import SHARED

pytestmark = pytest.mark.shared

ROOT = SHARED / "real" / "packages"
PACKAGES = sorted({path.parent for name in NAMES for path in ROOT.rglob(name)})
#: Packages of which the collection holds only a part of the files.
INCOMPLETE = {"airport-codes-incomplete", "covid-19-incomplete"}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    origin: Path = request.param
    home = tmp_path / origin.name
    shutil.copytree(origin, home)
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return home


def run(home: Path) -> Draft:
    with Folder(home) as folder:
        return describe(folder, statements(), now=NOW)


def valid(document: Any) -> list[str]:
    """Ask Frictionless about the metadata; the answer is its errors."""
    from frictionless import FrictionlessException, Package

    try:
        Package.from_descriptor(json.loads(json.dumps(document)))
    except FrictionlessException as problem:
        return [error.note for error in problem.reasons]
    return []


def test_whole(package: Path) -> None:
    if package.name in INCOMPLETE:
        with pytest.raises(Refused, match=r"E-RES-UNLISTED: datapackage.json: [15] of its files"):
            run(package)
        return
    result = run(package)
    data = draft.render(result.document)
    manifest.parse_draft(data)
    assert valid(result.document) == []
    assert result.refused == ()
    write(package, {"datapackage.json": data})
    assert draft.render(run(package).document) == data


def damaged(home: Path) -> Iterator[tuple[str, Path, bytes | None]]:
    """Yield what to do to which file: new bytes, or none to remove it."""
    random_bytes = random.Random(home.name)
    for path in sorted(item for item in home.rglob("*") if item.is_file()):
        content = path.read_bytes()
        yield "removed", path, None
        yield "garbage", path, b"\x00\xff{[garbage"
        yield "empty", path, b""
        for share in (0.1, 0.5, 0.9):
            yield f"cut at {share}", path, content[: int(len(content) * share)]
        for _ in range(3):
            flipped = bytearray(content)
            for _ in range(5):
                flipped[random_bytes.randrange(len(flipped))] ^= 1 << random_bytes.randrange(8)
            yield "flipped", path, bytes(flipped)


CODES = ("E-JSON-", "E-DESCRIPTOR", "E-RES-", "E-SCHEMA", "E-EMPTY", "E-PATH-")


def outcome(home: Path) -> tuple[str, str]:
    """Describe; give the code and the place of a refusal, two empty texts for a draft."""
    try:
        draft.render(run(home).document)
    except Refused as refusal:
        return refusal.code, refusal.where
    return "", ""


def test_damaged(package: Path) -> None:
    outcomes = set()
    for what, path, content in list(damaged(package)):
        whole = path.read_bytes()
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        code, where = outcome(package)
        outcomes.add(code)
        assert not code or code.startswith(CODES), (what, path, code)
        assert bool(code) == bool(where), (what, path, code)
        path.write_bytes(whole)
    assert outcomes & {"E-JSON-SYNTAX", "E-JSON-UTF8"}


def frictionless(home: Path) -> dict[str, Any]:
    """Validate metadata and data as a user does: with the program, in the folder."""
    program = str(Path(sys.executable).with_name("frictionless"))
    done = subprocess.run(
        [program, "validate", "datapackage.json", "--json"], cwd=home, capture_output=True, text=True, check=False
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("name", ["gdp", "language-codes", "world-cities"])
def test_frictionless_validates_data(name: str, tmp_path: Path) -> None:
    home = tmp_path / name
    shutil.copytree(ROOT / name, home)
    home.chmod(0o755)
    (home / "datapackage.json").chmod(0o644)
    write(home, {"datapackage.json": draft.render(run(home).document)})
    assert frictionless(home)["valid"]
