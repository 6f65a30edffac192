"""Help that helps: every option explained, examples that parse, a way from every dead end to the next command."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

import datalib_vocab
from datalib_cli import app
from datalib_cli.layout import cells
from datalib_cli.overview import EXAMPLES, USERS
from tests.cli.conftest import Program


def commands(found: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, found
    for name, inner in found.commands.items() if isinstance(found, click.Group) else ():
        yield from commands(inner, *path, name)


ALL = [entry for name in app.COMMANDS for entry in commands(app.load(name), name)]


@pytest.mark.parametrize(
    ("path", "command"), ALL, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_option_is_explained(path: tuple[str, ...], command: click.Command) -> None:
    options = [param for param in command.get_params(click.Context(command)) if isinstance(param, click.Option)]
    assert [option.opts for option in options if not option.help] == []


@pytest.mark.parametrize("lang", ["en", "kk", "ru"])
def test_every_page_of_help_fits_eighty_columns(datalib: Program, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for path, _ in [((), None), *ALL]:
        page = datalib(*path, "--lang", lang, "--help").out
        wide = [line for line in page.splitlines() if cells(line) > 80 and len(line.split()) > 1]
        assert (page != "", wide) == (True, []), path


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_commands_that_the_program_takes(datalib: Program, name: str) -> None:
    found = EXAMPLES[name].strip().splitlines()
    page = datalib(*name.split(), "--help").out
    for line in found:
        program, *arguments = shlex.split(line.partition(" > ")[0])
        assert (program, arguments[: len(name.split())]) == ("datalib", name.split())
        command: click.Command = app.PROGRAM
        context = click.Context(command, info_name="datalib", obj="en")
        while isinstance(command, click.Group):
            inner = command.get_command(context, arguments.pop(0))
            assert inner is not None, line
            command = inner
        command.make_context(command.name, arguments, parent=context).close()
        assert " ".join(line.split()) in re.sub(r"\s+(?:\\\s+)?", " ", page)


def test_the_overview_names_every_command_and_no_other(datalib: Program) -> None:
    named = [entry for entries in USERS.values() for entry in entries]
    assert {entry.split()[0] for entry in named} == set(app.COMMANDS)
    assert {tuple(entry.split()) for entry in named} <= {path for path, _ in ALL}
    said = datalib()
    assert (said.status, all(entry in said.out for entry in named)) == (0, True)
    assert len(said.out.splitlines()) < 24
    assert "Инженеры данных" in datalib("--lang", "ru").out
    assert datalib("--format", "json").data["commands"]["Owners"] == list(USERS["Owners"])


@pytest.mark.parametrize(
    ("called", "meant"),
    [
        (("verfy", "x"), "'verify'"),
        (("optout", "aply", "x"), "'apply'"),
        (("verify", "x", "--porpose", "eval"), "'--purpose'"),
        (("scan", "x", "-o", "y", "--profile", "kk"), "'kz', 'eu', 'strict'"),
    ],
)
def test_who_mistypes_is_told_what_was_meant(datalib: Program, called: tuple[str, ...], meant: str) -> None:
    said = datalib(*called)
    assert (said.status, said.out, meant in said.err) == (2, "", True)


def test_an_error_says_which_help_to_read(datalib: Program) -> None:
    assert datalib("optout", "apply").err.startswith("datalib: E-USAGE: datalib optout apply: ")
    assert datalib("optout", "apply", "--format", "json").data["where"] == "datalib optout apply"


def test_remedies_and_steps_name_commands_that_exist() -> None:
    from tests.cli_texts import sentences

    known = {" ".join(path) for path, _ in ALL}
    said = [text for text in sentences() if "`datalib" in text]
    said += [datalib_vocab.remedy(code, "en") for code in datalib_vocab._codes()]
    called = {found for text in said for found in re.findall(r"datalib ((?:[a-z][a-z-]+ )?[a-z][a-z-]+)", text)}
    assert [name for name in called if not {name, name.split()[0]} & known] == []
