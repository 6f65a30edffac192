"""Completion in real shells, on a real terminal: what is typed, and what the shell makes of it."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datalib_cli.texts import Texts
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
NEW = "Make a key pair: KEY.pem, and KEY.pub.pem beside it for others."
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


Ask = Callable[..., list[str]]


@pytest.fixture
def ask(datalib: Program, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask as the script of a shell does, by default that of bash."""

    def asked(line: str, shell: str = "bash") -> list[str]:
        with monkeypatch.context() as patch:
            *_, word = line.split(" ")
            patch.setenv("_DATALIB_COMPLETE", f"{shell}_complete")
            told = {
                "COMP_LINE": line,
                "COMP_WORDS": line,
                "COMP_CWORD": word if shell == "fish" else str(line.count(" ")),
            }
            for name, value in told.items():
                patch.setenv(name, value)
            said = datalib()
        assert said.err == ""
        return [line for line in said.out.splitlines() if line]

    return asked


def test_codes_and_languages_are_offered(ask: Ask) -> None:
    assert ask("datalib show x --lang ") == ["plain,en", "plain,kk", "plain,ru"]
    assert ask("datalib check x --rules ") == ["plain,kz", "plain,eu", "plain,kz,eu"]
    assert {"plain,robots.txt", "plain,tdmrep.json"} <= set(ask("datalib scan x --require-carrier "))
    assert "plain,PD-08.1" in ask("datalib check --explain PD-")
    assert ask("datalib verify x --require ") == ["plain,optout", "plain,none"]
    assert ask("datalib verify x --data s") == ["plain,sample:"]
    assert ask("datalib export x --to=cro") == ["plain,croissant"]
    assert ask("datalib init x --purpose=train:as") == ["plain,train:asr"]
    assert ask("datalib sign x --reason op") == ["plain,optout"]
    assert ask("datalib transfer offer x --rights possession,o") == ["plain,possession,ownership"]
    assert ask("datalib ")[0] == "plain,init"
    assert ask("datalib optout a") == ["plain,agents", "plain,apply"]
    assert ask("datalib show 'unfinished") == ["file,unfinished"]
    assert ask("datalib sign x --key ") == ["file,"]


def test_the_option_stands_before_its_value_where_a_shell_takes_both_for_one_word(ask: Ask) -> None:
    for shell in ("zsh", "fish"):
        told = "\n".join(ask("datalib init x --purpose=train:as", shell)).replace("\\", "")
        assert "--purpose=train:asr" in told
        assert "--purpose" not in "\n".join(ask("datalib init x --purpose train:as", shell))


def test_what_shells_show_beside_words_follows_the_language(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALIB_LANG", "ru")
    assert ask("datalib key n", "fish") == ["plain,new\t" + Texts(lang="ru")(NEW)]
    assert ask("datalib verify x --purp", "fish") == [
        "plain,--purpose\t" + Texts(lang="ru")("The purpose that is asked for.")
    ]
    assert ask("datalib init x --purpose train:as", "fish") == ["plain,train:asr\tОбучение распознаванию речи"]
    monkeypatch.setenv("DATALIB_LANG", "en")
    assert ask("datalib key n", "fish") == [f"plain,new\t{NEW}"]


def test_a_line_that_is_wrong_is_completed_in_silence(ask: Ask) -> None:
    assert ask("datalib sign s3://bucket/x --k") == ["plain,--key"]
    assert ask("datalib nonsense x --k") == []


def test_a_shell_that_is_not_known_gets_nothing(ask: Ask) -> None:
    assert ask("datalib ", "tcsh") == []


def test_a_script_is_text_and_no_json(datalib: Program) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_DATALIB_COMPLETE" in datalib("completion", shell).out
    assert datalib("completion", "bash", "--format", "json").status == 2
    assert datalib("completion", "tcsh").status == 2
