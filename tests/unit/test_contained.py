"""Reading in a process of its own: the same answers, and no file that ends it ends anything else."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from datalib.errors import Unchecked
from datalib.optout import contained, unit_process
from datalib.optout.contained import FileRequest, UnitReader
from datalib.optout.unit import Sidecar, read_unit
from datalib.optout.unit_process import read_frame, write_frame
from tests import media_files as made

XMP = made.mining()


def test_the_answers_are_those_of_the_reader(tmp_path: Path) -> None:
    beside = Sidecar(name="a.xmp", kind="xmp", data=XMP)
    files = {
        "a.jpg": made.signed(made.jpeg(made.app1(XMP)), "image/jpeg", [made.training()], source="compositeSynthetic"),
        "b.png": made.png(), "c.txt": b"words", "d.jpg": b"\xff\xd8\xff", "e.pdf": made.pdf(XMP, packed=True),
    }  # fmt: skip
    with UnitReader() as reader:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
            expected = read_unit(io.BytesIO(data), len(data), name)
            assert reader.read_file(tmp_path / name, name) == expected
            assert reader.read_bytes(data, name, name) == expected
        both = read_unit(io.BytesIO(files["b.png"]), len(files["b.png"]), "b.png", sidecars=[beside])
        assert reader.read_file(tmp_path / "b.png", "b.png", [beside]) == both
        column = reader.read_bytes(files["a.jpg"], "", "#image")
        assert {signal.locator.partition("#")[2].partition("#")[0] for signal in column.signals} == {"image"}


def test_a_file_that_is_gone_is_trouble_with_the_disk(tmp_path: Path) -> None:
    with UnitReader() as reader, pytest.raises(Unchecked, match="E-IO"):
        reader.read_file(tmp_path / "gone.jpg", "gone.jpg")


def _as_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Let the process run a program of ours in place of the reader."""
    (tmp_path / "other_process.py").write_text(body, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(contained, "_MODULE", "other_process")


@pytest.mark.parametrize(
    "body",
    [
        "import os; os.abort()",
        "raise SystemExit(0)",
        "import sys\nfrom datalib.optout.unit_process import *\nwrite_frame(sys.stdout.buffer,b'{\"frames\": 2}', b'')",
        "import sys; sys.stdin.buffer.read(8); sys.stdout.buffer.write(b'short')",
    ],
)
def test_a_file_that_ends_its_process_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    _as_module(tmp_path, monkeypatch, body)
    (tmp_path / "a.jpg").write_bytes(made.jpeg())
    with UnitReader() as reader:
        for found in (reader.read_file(tmp_path / "a.jpg", "a.jpg"), reader.read_bytes(made.jpeg(), "", "a.jpg")):
            (signal,) = found.signals
            assert (found.asked, signal.signal, signal.strict.tested.label) == (True, "unit-unreadable", "hold")
            assert found.proofs == {signal.sha256: made.jpeg()}


def test_a_process_that_was_ended_before_is_replaced() -> None:
    with UnitReader() as reader:
        expected = reader.read_bytes(made.jpeg(made.app1(XMP)), "", "a")
        process = reader._process
        assert process
        process.kill()
        process.wait()
        assert reader.read_bytes(made.jpeg(made.app1(XMP)), "", "a") == expected
        assert reader._process is not process
    assert reader._process is None
    reader.close()


def test_a_process_is_renewed_after_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "_FILES", 1)
    with UnitReader() as reader:
        reader.read_bytes(b"x", "", "a")
        first = reader._process
        reader.read_bytes(b"x", "", "a")
        assert reader._process is not first


#: A reader that ends with some files: at once, every time, or only when it read another before.
MOODY = """
import json, os, sys
from datalib.optout.unit_process import read_frame, write_frame
source, out, read = sys.stdin.buffer, sys.stdout.buffer, 0
while True:
    request = json.loads(read_frame(source))
    for _ in range(request["frames"]):
        read_frame(source)
    if request["name"].startswith("bad") or (request["name"].startswith("moody") and read):
        os.abort()
    read += 1
    signal = ["x", "unit", request["name"], "y" * 20_000, "", "", [0] * 7, [0] * 7, ""]
    write_frame(out, json.dumps({"asked": True, "signals": [signal], "marks": [], "proofs": [], "frames": 0}).encode())
"""


def test_requests_wait_in_the_pipe_and_each_file_stands_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_module(tmp_path, monkeypatch, MOODY)
    monkeypatch.setattr(contained, "_FILES", 60)
    names = [f"{'bad' if n in {3, 40, 41} else 'moody' if n in {20, 99} else 'good'}{n}" for n in range(100)]
    beside = Sidecar(name="x.xmp", kind="xmp", data=bytes(contained._AHEAD_BYTES))
    requests = []
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b"x")
        requests.append(FileRequest(tmp_path / name, name, [beside] if number in {7, 8, 50} else []))
    with UnitReader() as reader:
        found = list(reader.read_files(iter(requests)))
        said = [reading.signals[0] for reading in found]
        assert [signal.signal for signal in said] == [
            "unit-unreadable" if name.startswith("bad") else "x" for name in names
        ]
        assert [signal.locator.rstrip("#") for signal in said] == names
        assert list(reader.read_files([])) == []


def test_answers_that_nobody_takes_are_not_taken_for_others(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(made.jpeg(made.app1(XMP)))
    (tmp_path / "b.jpg").write_bytes(made.jpeg())
    requests = [FileRequest(tmp_path / name, name) for name in ("gone.jpg", "a.jpg", "a.jpg")]
    with UnitReader() as reader:
        with pytest.raises(Unchecked, match="E-IO"):
            list(reader.read_files(requests))
        assert reader.read_file(tmp_path / "b.jpg", "b.jpg").signals == ()


def test_time_and_memory_of_a_file_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = (
        "from datalib.optout import unit_process\nunit_process.{} = {}\n"
        "unit_process.read_unit = lambda *a, **k: {}\nunit_process.main()"
    )
    for limit, value, body in (
        ("MAX_SECONDS", "0.05", "[1 for _ in iter(int, 1)]"),
        ("MAX_MEMORY", "300 << 20", "bytes(1 << 30)"),
    ):
        _as_module(tmp_path, monkeypatch, reading.format(limit, value, body))
        with UnitReader() as reader:
            assert reader.read_bytes(made.jpeg(), "", "a").signals[0].signal == "unit-unreadable"


def test_a_beginning_that_cannot_be_read_is_trouble_with_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_module(tmp_path, monkeypatch, "raise SystemExit(1)")
    with UnitReader() as reader, pytest.raises(Unchecked, match="E-IO"):
        reader.read_file(tmp_path / "gone.jpg", "gone.jpg")


# -- the process, spoken to in person


def _talk(*parts: bytes, more: bytes = b"") -> bytes:
    sent = io.BytesIO()
    write_frame(sent, *parts)
    command = [sys.executable, "-m", "datalib.optout.unit_process"]
    done = subprocess.run(command, input=sent.getvalue() + more, capture_output=True, check=True)
    return done.stdout


def test_a_conversation() -> None:
    request = json.dumps(
        {"frames": 1, "name": "a.jpg", "path": False, "locator": "x", "sidecars": [], "agent": "us"}
    ).encode()
    out = io.BytesIO(_talk(request, made.jpeg(made.app1(XMP)), request, b"words"))
    first, proof, second = json.loads(read_frame(out)), read_frame(out), json.loads(read_frame(out))
    assert (first["asked"], first["frames"], proof) == (True, 1, XMP)
    assert (second["asked"], second["frames"]) == (False, 0)
    with pytest.raises(EOFError):
        read_frame(out)


def test_requests_that_make_no_sense_are_answered_or_end_the_conversation() -> None:
    failed = json.dumps({"frames": 1, "name": "a", "path": False, "sidecars": []}).encode()
    assert json.loads(read_frame(io.BytesIO(_talk(failed, b"x")))) == {"failed": True, "frames": 0}
    assert _talk(more=b"\0\0\0\0\0\0\0\x09cut") == b""


def test_what_the_process_does_is_what_its_parts_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(made.jpeg())
    request = {"frames": 2, "name": "a.jpg", "path": True, "sidecars": [["a.xmp", "xmp"]], "agent": "us"}
    head, proof = unit_process._answer(request, [os.fsencode(path), XMP])
    assert (json.loads(head)["frames"], proof) == (1, XMP)
    (gone,) = unit_process._answer(request | {"sidecars": []}, [os.fsencode(tmp_path / "gone")])
    assert json.loads(gone)["error"] == "No such file or directory"
    monkeypatch.setattr(unit_process, "read_unit", lambda *_, **__: 1 / 0)
    (failed,) = unit_process._answer(request | {"sidecars": []}, [os.fsencode(path)])
    assert json.loads(failed) == {"failed": True, "frames": 0}
