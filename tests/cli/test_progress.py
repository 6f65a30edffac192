"""Bars on a real terminal, events on a pipe, and nothing where nobody looks."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from datalib_cli.progress import Meter
from datalib_cli.texts import Texts
from tests.cli.conftest import TRUST, Program
from tests.local_sites import serving

DATALIB = Path(sys.executable).with_name("datalib")


def fetch(folder: Path, port: int, out: str, *options: str) -> list[str | Path]:
    """Ask one host eight times, with pauses that make it last longer than a bar needs to appear."""
    (folder / "w.csv").write_text(f"url\nhttp://127.0.0.2:{port}/1\n", encoding="utf-8")
    paths = [word for number in range(6) for word in ("--path", f"/{number}")]
    return [DATALIB, "optout", "fetch", folder / "w.csv", "-o", folder / out, "--allow-private", *paths, *options]


def on_terminal(arguments: list[str | Path]) -> tuple[bytes, bytes]:
    """Run a command whose stderr is a terminal; give what it wrote to stdout and to the terminal."""
    mine, its = pty.openpty()
    wide = {**os.environ, "COLUMNS": "100"}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=its, env=wide) as process:
        os.close(its)
        shown = b""
        try:
            while part := os.read(mine, 1 << 16):
                shown += part
        except OSError:  # the other side of a terminal is closed in this way
            pass
        output, _ = process.communicate(timeout=60)
    os.close(mine)
    assert process.returncode == 0
    return output, shown


def test_a_bar_shows_itself_on_a_terminal_and_goes_away(tmp_path: Path) -> None:
    with serving() as sites:
        output, shown = on_terminal(fetch(tmp_path, sites.port, "a.jsonl", "--pause", "0.4"))
    assert output.startswith(b"snapshot: ")
    bars = shown.decode().split("\r")
    assert any(bar.startswith("asking sites [#") and "of" not in bar and "left" in bar for bar in bars), bars
    assert bars[-1] == "\x1b[K"


def test_a_pipe_gets_events_if_it_asks_and_else_nothing(tmp_path: Path) -> None:
    with serving() as sites:
        silent = subprocess.run(fetch(tmp_path, sites.port, "a.jsonl"), capture_output=True, check=True)
        told = subprocess.run(
            fetch(tmp_path, sites.port, "b.jsonl", "--progress", "json"), capture_output=True, check=True
        )
    assert silent.stderr == b""
    events = [json.loads(line) for line in told.stderr.splitlines()]
    assert events[-1].items() >= {
        "event": "end", "phase": "ask", "done": 8, "total": 8, "unit": "requests", "version": 1, "left_seconds": 0.0,
    }.items()  # fmt: skip


def test_every_long_command_tells_its_phases(tmp_path: Path) -> None:
    def run(*arguments: str) -> list[str]:
        done = subprocess.run(
            [DATALIB, *arguments, "--progress", "json"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "datalib:" not in done.stderr, done.stderr
        events = [json.loads(line) for line in done.stderr.splitlines()]
        return [event["phase"] for event in events if event["event"] == "end"]

    def call(*arguments: str) -> None:
        subprocess.run([DATALIB, *arguments], cwd=tmp_path, capture_output=True, check=True)

    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "t.csv").write_text("url\nhttps://a.example/1\n", encoding="utf-8")
    (tmp_path / "s.jsonl").write_text('{"origin": "https://a.example", "status": 404}\n', encoding="utf-8")
    call("key", "new", "-o", "k.pem", "--no-password")
    call(
        "init", "lib", "--producer-id", "x-demo:a", "--producer-name", "en=A", "--purpose", "train:llm", "--source", "A"
    )
    assert run("sign", "lib", "--key", "k.pem") == ["hash"]
    assert run("verify", "lib", "--key", "x-demo:a=k.pub.pem") == ["check"]
    assert run("scan", "lib", "--sites", "s.jsonl", "-o", "out") == ["hash", "import", "compile", "judge"]
    who = ("--producer-id", "x-demo:a", "--producer-name", "en=A", "--purpose", "train:llm")
    keys = ("--key", "k.pem", "--key", "x-demo:a=k.pub.pem")
    assert run("assemble", "two", "--input", "lib", *who, *keys)[:1] == ["inputs"]


def test_a_bar_says_how_far_how_fast_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    times = iter([0.0, 1.0, 15.0, 15.05, 16.0, 20.0, 9000.0])
    out = io.StringIO()
    meter = Meter("auto", out, Texts(lang="en"), clock=lambda: next(times))
    meter("hash", 0, 6_000_000_000)
    meter("hash", 100_000, 6_000_000_000)
    assert not out.getvalue()
    meter("hash", 1_500_000_000, 6_000_000_000)
    assert out.getvalue() == "\rhashing [######..................]  25% 1.5 G bytes, 100.0 M/s 0:45 left\x1b[K"
    meter("hash", 1_500_000_001, 6_000_000_000)  # too soon to say it again
    meter("judge", 0, None)
    assert out.getvalue().endswith("\r\x1b[K")
    meter("judge", 12, None)
    assert out.getvalue().endswith("\rjudging 12 shards, 3.0/s\x1b[K")
    meter("judge", 13, 1_000)
    assert out.getvalue().endswith("left\x1b[K")
    assert "189:28:13 left" in out.getvalue()


def test_a_narrow_terminal_gets_a_short_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    times = iter([0.0, 5.0])
    out = io.StringIO()
    meter = Meter("auto", out, Texts(lang="ru"), clock=lambda: next(times))
    meter("judge", 0, 4)
    meter("judge", 1, 4)
    assert out.getvalue() == "\rоценка [######.....\x1b[K"


def test_all_of_what_is_announced_is_done(datalib: Program, signed: Path) -> None:
    (signed / "notes.txt").write_text("another text\n", encoding="ascii")
    for command in (("sign", "library", "--key", "producer.pem"), ("verify", "library", *TRUST, "--require", "none")):
        done = datalib(*command, "--progress", "json")
        assert done.status == 0, done.err
        (end,) = (event for event in map(json.loads, done.err.splitlines()) if event["event"] == "end")
        assert (
            end["done"]
            == end["total"]
            == sum(path.stat().st_size for path in (signed / "notes.txt", signed / "words.csv"))
        )
