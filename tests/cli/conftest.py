import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from datalib_cli.app import run

PRODUCER, BUYER, AUDITOR = "x-test:producer", "x-test:buyer", "x-test:auditor"


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Program = Callable[..., Result]


@pytest.fixture
def datalib(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Run the program in an empty folder, as a user with a fixed clock would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    monkeypatch.setenv("DATALIB_LANG", "en")
    monkeypatch.delenv("DATALIB_KEY_PASSWORD", raising=False)

    def call(*arguments: str) -> Result:
        capsysbinary.readouterr()
        status = run([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Result(status, out.decode(), err.decode())

    return call


@pytest.fixture
def library(datalib: Program, tmp_path: Path) -> Path:
    """A folder with a table and a text, described but unsigned, and three keys."""
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "words.csv").write_text("word,count\nдала,2\nкүн,3\n", encoding="utf-8")
    (folder / "notes.txt").write_text("Written for a test.\n", encoding="utf-8")
    described = datalib(
        *("init", "library", "--producer-id", PRODUCER, "--producer-name", "en=Test Producer"),
        *("--purpose", "train:asr", "--source", "Own notes", "--license", "CC0-1.0"),
    )
    assert described.status == 0, described.err
    for name in ("producer", "buyer", "auditor"):
        assert datalib("key", "new", "-o", f"{name}.pem", "--no-password").status == 0
    return folder


@pytest.fixture
def signed(datalib: Program, library: Path) -> Path:
    """The same folder, signed by its producer."""
    done = datalib("sign", "library", "--key", "producer.pem")
    assert done.status == 0, done.err
    return library


TRUST = (
    *("--key", f"{PRODUCER}=producer.pub.pem"),
    *("--key", f"{BUYER}=buyer.pub.pem"),
    *("--key", f"{AUDITOR}=auditor.pub.pem"),
)
