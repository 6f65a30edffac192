"""What people see on a real terminal: it fits, in three languages; colours and lines only where they are wanted."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from datalib_cli.layout import cells
from tests.cli.conftest import PRODUCER, TRUST, Program
from tests.terminal import DATALIB, environment, shown, uncoloured

NAME = "Сүт өнеркәсібінің тілдік деректері 日本語 " * 3
HOSTILE = "Recalled \x1b[2J\x1b]0;title\x07 \u202eby all"
COLOUR = "\x1b["
COPIED = re.compile("`[^`]*`")  # a command, which is not broken


@pytest.fixture
def sector(datalib: Program, signed: Path, tmp_path: Path) -> Path:
    """A library made of one that was withdrawn since, with words that try to steer a terminal."""
    assembled = datalib(
        *("assemble", "sector", "--input", "library", "--producer-id", PRODUCER, "--producer-name", f"en={NAME}"),
        *("--purpose", "train:asr", "--key", "producer.pem", *TRUST),
    )
    assert assembled.status == 0, assembled.err
    assert datalib("withdraw", "library", "--reason", HOSTILE, "--key", "producer.pem").status == 0
    assert datalib("refresh", "sector", "--from", "library", *TRUST).status == 0
    return tmp_path / "sector"


def piped(*arguments: str, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        [DATALIB, *arguments], cwd=cwd, env=environment(**variables), capture_output=True, check=False, timeout=60
    )
    return done.stdout.decode()


def words(text: str) -> list[str]:
    return [word for word in uncoloured(text).split() if set(word) - set("─│├└`|-")]


@pytest.mark.parametrize("lang", ["en", "kk", "ru"])
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_every_line_fits_and_no_word_is_lost(sector: Path, columns: int, lang: str) -> None:
    calls = (
        ("show", "sector"),
        ("verify", "sector", *TRUST),
        ("check", "library"),
        ("scan", "library", "-o", f"scan-{columns}-{lang}"),
        ("optout", "agents", "--all"),
        ("policy", "show", "library/datapackage.json"),
        ("key", "show", "producer.pub.pem"),
        (),
    )
    for call in calls:
        _, text = shown(*call, "--lang", lang, cwd=sector.parent, columns=columns)
        for line in uncoloured(text).splitlines():
            one_word = len(COPIED.sub("x", line).strip(" ─│├└").split()) == 1 or line.startswith("datalib: E-")
            assert cells(line) <= columns or one_word, (call, line)
    whole = piped("check", "library", "--lang", lang, cwd=sector.parent)
    assert words(shown("check", "library", "--lang", lang, cwd=sector.parent, columns=columns)[1]) == words(whole)


def test_the_tree_says_in_words_what_it_says_in_colours(sector: Path) -> None:
    _, text = shown("show", "sector", cwd=sector.parent)
    assert COLOUR in text
    assert "└─ library (x-test:producer): verbatim → library/" in text
    assert "withdrawn: Recalled" in uncoloured(text)
    assert uncoloured(text) == shown("show", "sector", cwd=sector.parent, variables={"NO_COLOR": "1"})[1]


def test_names_of_others_do_not_steer_the_terminal(sector: Path) -> None:
    _, text = shown("show", "sector", cwd=sector.parent, columns=200, variables={"NO_COLOR": "1"})
    assert r"withdrawn: Recalled \x1b[2J\x1b]0;title\x07 \u202eby all" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


@pytest.mark.parametrize(
    ("arguments", "variables", "wanted"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"TERM": "dumb"}, False),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colours_can_be_turned_off(
    sector: Path, arguments: tuple[str, ...], variables: dict[str, str], wanted: bool
) -> None:
    for call in (("show", "sector"), ("verify", "nowhere", *TRUST)):  # a result, and an error
        _, text = shown(*call, *arguments, cwd=sector.parent, variables=variables)
        assert (COLOUR in text) is wanted


def test_what_goes_to_a_pipe_depends_on_no_terminal(sector: Path) -> None:
    plain = piped("show", "sector", cwd=sector.parent)
    for variables in ({"COLUMNS": "40"}, {"TERM": "dumb"}, {"CLICOLOR": "1"}):
        assert piped("show", "sector", cwd=sector.parent, **variables) == plain
    assert COLOUR not in plain
    assert NAME.strip() in plain
    assert COLOUR in piped("show", "sector", "--color", "always", cwd=sector.parent)


def test_the_c_locale_is_drawn_with_letters(sector: Path) -> None:
    variables = {"LC_ALL": "C"}
    _, text = shown("show", "sector", cwd=sector.parent, variables=variables)
    assert "  `- library (x-test:producer)" in text
    assert not set("─│├└") & set(text)
    assert "  `- library" in piped("show", "sector", cwd=sector.parent, PYTHONIOENCODING="ascii")


def test_json_is_whole_on_every_terminal(sector: Path) -> None:
    _, text = shown("show", "sector", "--format", "json", cwd=sector.parent, columns=60)
    told = json.loads(text)
    assert told["producer"]["name"]["en"] == NAME
    assert told["upstream"][0]["withdrawn"] == HOSTILE
    assert COLOUR not in text


def test_an_event_says_what_it_changed(datalib: Program, signed: Path) -> None:
    (signed / "notes.txt").unlink()
    assert datalib("sign", "library", "--reason", "removal", "--key", "producer.pem").status == 0
    assert datalib("withdraw", "library", "--reason", "over", "--key", "producer.pem").status == 0
    text = datalib("show", "library").out
    assert "  0  2026-09-21T14:13:20Z  genesis   x-test:producer, 2 files, 51 bytes\n" in text
    assert "  1  2026-09-21T14:13:20Z  amend     x-test:producer (removal), files: 2 → 1, bytes: 51 → 31\n" in text
    assert "  2  2026-09-21T14:13:20Z  withdraw  x-test:producer (over)\n" in text
    assert text.splitlines()[1] == "withdrawn: no gate opens it"
    for kept in (signed / "manifests").iterdir():
        kept.unlink()
    assert (
        "  1  2026-09-21T14:13:20Z  amend     x-test:producer (removal), 1 files, 31 bytes\n"
        in datalib("show", "library").out
    )
