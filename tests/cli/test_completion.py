"""Completion in real shells, on a real terminal: what is typed, and what the shell makes of it."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.terminal import DATALIB, environment

PATIENCE = 60.0  # seconds; a machine that is busy
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\x07\x08]")
BASH = ("bash", "--norc", "--noprofile", "-i")
ZSH = ("zsh", "-f", "-i")
SETUP = {
    BASH: "source <(datalib completion bash); echo REA''DY\n",
    ZSH: "autoload -Uz compinit; compinit -u -D; source <(datalib completion zsh); echo REA''DY\n",
}
FISH = shutil.which("fish")
#: What is typed before the key is pressed, and what must then stand there.
TYPED = [
    ("datalib verify-p", "datalib verify-proof "),
    ("datalib optout expl", "datalib optout explain "),
    ("datalib verify x --purp", "datalib verify x --purpose "),
    ("datalib init x --purpose train:as", "datalib init x --purpose train:asr "),
    ("datalib init x --purpose=train:as", "datalib init x --purpose=train:asr "),
    ("datalib scan x --profile st", "datalib scan x --profile strict "),
    ("datalib transfer offer x --rights ownership,p", "datalib transfer offer x --rights ownership,possession "),
    ("datalib attest x --claim op", "datalib attest x --claim optout "),
    ("datalib show lib", "datalib show library/"),
    ("datalib sign x --key prod", "datalib sign x --key producer.pem "),
]


def variables() -> dict[str, str]:
    return {**environment(TERM="dumb", PS1="> "), "PATH": f"{DATALIB.parent}:{os.environ['PATH']}"}


def press_tab(shell: tuple[str, ...], line: str, wanted: str, cwd: Path) -> str:
    """Type a line into a shell and press the key; give what the terminal shows once it shows what is wanted."""
    own, its = pty.openpty()
    process = subprocess.Popen(
        shell, cwd=cwd, env=variables(), stdin=its, stdout=its, stderr=its, start_new_session=True
    )
    os.close(its)
    found, typed, end = "", False, time.monotonic() + PATIENCE
    os.write(own, SETUP[shell].encode())
    try:
        while wanted not in found and time.monotonic() < end:
            if not select.select([own], [], [], 1.0)[0]:
                continue
            found = ESCAPES.sub("", found + os.read(own, 1 << 16).decode("utf-8", "replace"))
            if "READY" in found and not typed:
                os.write(own, f"{line}\t".encode())
                typed = True
    finally:
        process.kill()
        process.wait()
        os.close(own)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "data.csv").touch()
    (tmp_path / "producer.pem").touch()
    return tmp_path


@pytest.mark.parametrize(("line", "wanted"), TYPED, ids=lambda text: text.strip())
def test_bash_completes(place: Path, line: str, wanted: str) -> None:
    assert wanted in press_tab(BASH, line, wanted, place)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(("line", "wanted"), TYPED, ids=lambda text: text.strip())
def test_zsh_completes(place: Path, line: str, wanted: str) -> None:
    assert wanted in press_tab(ZSH, line, wanted, place)


@pytest.mark.system
@pytest.mark.skipif(FISH is None, reason="fish is not installed")
def test_fish_completes(place: Path) -> None:
    assert FISH is not None
    asked = "".join(f"; complete -C '{line}'; echo @" for line, _ in TYPED)
    done = subprocess.run(
        [FISH, "-c", f"datalib completion fish | source{asked}"],
        cwd=place, env=variables(), capture_output=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    found = [{line.partition("\t")[0] for line in part.split("\n")} for part in done.stdout.decode().split("@\n")]
    for (_, wanted), offered in zip(TYPED[:-2], found, strict=False):
        assert wanted.split()[-1] in offered
    assert ("library/" in found[-3], "producer.pem" in done.stdout.decode()) == (True, True)


def ask(line: str, cwd: Path, **more: str) -> list[str]:
    """Ask as the script for bash does."""
    told = {**variables(), "_DATALIB_COMPLETE": "bash_complete", "COMP_LINE": line, **more}
    done = subprocess.run([DATALIB], cwd=cwd, env=told, capture_output=True, check=False, timeout=PATIENCE)
    return done.stdout.decode().split()


def test_codes_and_languages_are_offered(tmp_path: Path) -> None:
    assert ask("datalib show x --lang ", tmp_path) == ["plain,en", "plain,kk", "plain,ru"]
    assert {"plain,kz", "plain,eu", "plain,kz,eu"} == set(ask("datalib check x --rules ", tmp_path))
    assert {"plain,robots.txt", "plain,tdmrep.json"} <= set(ask("datalib scan x --require-carrier ", tmp_path))
    assert "plain,PD-08.1" in ask("datalib check --explain PD-", tmp_path)
    assert {"plain,optout", "plain,none"} == set(ask("datalib verify x --require ", tmp_path))
    assert ask("datalib verify x --data s", tmp_path) == ["plain,sample:"]
    assert "plain,croissant" in ask("datalib export x --to=cro", tmp_path)
    assert ask("datalib ", tmp_path)[0] == "plain,init"
    assert ask("datalib show 'unfinished", tmp_path) == ["file,unfinished"]


def test_what_shells_show_beside_words_follows_the_language(tmp_path: Path) -> None:
    fish = {"_DATALIB_COMPLETE": "fish_complete", "COMP_WORDS": "datalib key ", "COMP_CWORD": "", "DATALIB_LANG": "ru"}
    done = subprocess.run([DATALIB], cwd=tmp_path, env={**variables(), **fish}, capture_output=True, check=True)
    assert "Создать пару ключей" in done.stdout.decode() or "ключ" in done.stdout.decode()


def test_a_shell_that_is_not_known_gets_nothing(tmp_path: Path) -> None:
    assert ask("datalib ", tmp_path, _DATALIB_COMPLETE="tcsh_complete") == []


def test_a_script_is_text_and_no_json(datalib: Program) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_DATALIB_COMPLETE" in datalib("completion", shell).out
    assert datalib("completion", "bash", "--format", "json").status == 2
    assert datalib("completion", "tcsh").status == 2
