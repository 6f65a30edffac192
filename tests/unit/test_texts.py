import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Context, Group

from datalib_cli.app import PROGRAM
from datalib_vocab import LANGUAGES, read, reason, remedy, text

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[EW]-[A-Z0-9]+(?:-[A-Z0-9]+)*")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
KAZAKH = re.compile(r"[әғқңөұүһі]", re.IGNORECASE)
ENTRIES: dict[str, dict[str, dict[str, str]]] = json.loads(read("codes.json"))
EACH_TEXT = [(code, member) for code in ENTRIES for member in ("text", "remedy")]


def _codes_in_source() -> Iterator[tuple[str, str]]:
    for folder in ("datalib", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                    yield node.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_code_in_the_source_has_an_entry() -> None:
    found = list(_codes_in_source())
    assert {code: place for code, place in found if code not in ENTRIES} == {}


def test_the_file_is_written_as_the_house_writes_json() -> None:
    written = json.dumps(ENTRIES, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    assert read("codes.json").decode("utf-8") == written


def test_every_name_is_a_code_and_every_entry_has_the_two_members_in_the_three_languages() -> None:
    assert [code for code in ENTRIES if not CODE.fullmatch(code)] == []
    wanted = {"text": set(LANGUAGES), "remedy": set(LANGUAGES)}
    shapes = {code: {member: set(texts) for member, texts in entry.items()} for code, entry in ENTRIES.items()}
    assert {code: shape for code, shape in shapes.items() if shape != wanted} == {}


@pytest.mark.parametrize(("code", "member"), EACH_TEXT)
def test_a_text_is_complete_and_in_its_language(code: str, member: str) -> None:
    texts = ENTRIES[code][member]
    assert all(value and value == " ".join(value.split()) for value in texts.values())
    assert len(set(texts.values())) == len(LANGUAGES)
    assert not CYRILLIC.search(texts["en"])
    assert CYRILLIC.search(texts["kk"])
    assert CYRILLIC.search(texts["ru"])
    assert KAZAKH.search(texts["kk"])
    assert not KAZAKH.search(texts["ru"])


@pytest.mark.parametrize("code", ENTRIES)
def test_a_text_fits_a_line_and_leaves_the_full_stop_to_the_program_while_a_remedy_is_a_sentence(code: str) -> None:
    assert len(ENTRIES[code]["text"]["en"]) <= 110
    assert not any(value.endswith(".") for value in ENTRIES[code]["text"].values())
    assert all(value.endswith(".") for value in ENTRIES[code]["remedy"].values())
    assert not any(set("{}") & set(value) for texts in ENTRIES[code].values() for value in texts.values())


@pytest.mark.parametrize("code", ENTRIES)
def test_a_remedy_names_the_same_commands_and_options_in_every_language(code: str) -> None:
    names = re.compile(r"datalib [a-z-]+|--[a-z-]+")
    english, *others = (sorted(set(names.findall(ENTRIES[code]["remedy"][lang]))) for lang in LANGUAGES)
    assert others == [english] * len(others)


@pytest.mark.parametrize("code", ENTRIES)
def test_a_remedy_names_only_commands_that_exist(code: str) -> None:
    for name, *more in re.findall(r"datalib ([a-z-]+)(?: ([a-z-]+))?", ENTRIES[code]["remedy"]["kk"]):
        command = PROGRAM.get_command(Context(PROGRAM), name)
        assert command is not None, name
        if isinstance(command, Group):
            assert more[0] in command.commands


def test_a_text_and_a_remedy_are_given_in_the_language_asked_for() -> None:
    for lang in LANGUAGES:
        assert text("E-IO", lang) == ENTRIES["E-IO"]["text"][lang]
        assert remedy("E-IO", lang) == ENTRIES["E-IO"]["remedy"][lang]


def test_an_unknown_language_reads_english_and_an_unknown_code_stays_itself() -> None:
    assert text("E-IO", "fr") == text("E-IO", "en")
    assert remedy("E-IO", "") == remedy("E-IO", "en")
    assert text("E-NEVER-HEARD-OF", "kk") == remedy("E-NEVER-HEARD-OF", "ru") == "E-NEVER-HEARD-OF"


def test_a_reason_of_a_verdict_is_given_in_the_language_asked_for() -> None:
    reasons: dict[str, dict[str, str]] = json.loads(read("reasons.json"))
    for code, texts in reasons.items():
        assert {lang: reason(code, lang) for lang in LANGUAGES} == texts
        assert reason(code, "fr") == texts["en"]
        assert len(set(texts.values())) == len(LANGUAGES)
        assert CYRILLIC.search(texts["kk"])
        assert CYRILLIC.search(texts["ru"])
    assert reason("never-heard-of", "kk") == "never-heard-of"


def test_a_file_that_is_not_there_is_an_error_of_the_caller() -> None:
    with pytest.raises(FileNotFoundError):
        read("nothing.json")


def test_importing_the_vocabulary_reads_no_file() -> None:
    program = "from datalib_vocab import _codes; print(_codes.cache_info().currsize)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "0\n"
