"""Find every sentence that the command line says: arguments of ``say``, help texts, tables of sentences."""

import ast
from collections.abc import Iterator
from pathlib import Path

import click

from datalib_cli import app, checked, explaining, filling, looked, overview, progress, render
from datalib_cli.commands import author, receipt

CLI = Path(app.__file__).parent
#: Calls whose first argument is a sentence for people.
SAYING = {"say", "tell"}


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _said() -> Iterator[str]:
    for path in sorted(CLI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func
            name = (
                called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
            )
            texts_call = (
                isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id == "texts"
            )
            text = _literal(node.args[0])
            if text is not None and (name in SAYING or texts_call):
                yield text


def _helped(command: click.Command) -> Iterator[str]:
    for paragraph in (command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
    for parameter in command.get_params(click.Context(command)):
        if isinstance(parameter, click.Option) and parameter.help:
            yield parameter.help
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _helped(inner)


def sentences() -> set[str]:
    """Give every English sentence that has a translation, or should have."""
    verified = (render.NOT_CHECKED, render.PROOF_NOT_CHECKED, render.NEXT_AFTER_OPTOUT)
    enrolled = (render.ENROLMENT, render.ENROLMENT_DOUBTS, render.ENROLMENT_NOTES)
    duties = (checked.DUTIES, checked.STATES, checked.SEVERITIES)
    searched = (looked.KINDS, looked.UNREAD, filling.TERMS)
    places = (explaining.USES, explaining.STATES, explaining.SPEAKERS, explaining.CARRIERS, explaining.KEPT)
    explained = (*places, explaining.PROFILES, explaining.NOTES, explaining.NAMING, explaining.KEEPERS)
    own = (author.LEFT_OUT, receipt.NOT_CHECKED, render.SKIPPED)
    tables = (app.COMMANDS, *verified, *enrolled, *explained, *duties, *searched, *own, progress.NAMES, progress.UNITS)
    found = {
        *_said(),
        "integrity",
        "gate",
        "Options",
        "Commands",
        explaining.SILENT,
        "the site",
        "Examples",
        render.COSIGN,
        *overview.USERS,
    }
    found |= {sentence for table in tables for sentence in table.values()}
    for name in app.COMMANDS:
        found |= set(_helped(app.load(name)))
    found |= set((app.PROGRAM.help or "").split("\n\n"))
    return {text for text in found if text}
