"""The program: find the command, run it, print its result, give its exit status."""

import importlib
import os
from collections.abc import Sequence
from itertools import pairwise

import click

from datalib.errors import DatalibError, Misuse, Unchecked
from datalib_cli.base import Group, Output, texts
from datalib_cli.entry import INTERRUPTED
from datalib_cli.texts import Texts, language

#: Every command with its one line; the module of a command is imported only when it is called.
COMMANDS = {
    "init": "Describe a folder: write an unsigned draft of datapackage.json.",
    "sign": "List and hash the files, complete the manifest, sign it.",
    "verify": "Check a library from its first signature to its last byte, offline.",
    "prove": "Prove that a file is in a library, or is not, without the rest of it.",
    "verify-proof": "Check the proof for one file.",
    "pack": "Put a library into one file: tar, tar.gz or zip.",
    "check": "Say what the law asks of a library: findings with article and remedy.",
    "show": "Show a library at a glance.",
    "report": "Write a library as one page for people.",
    "catalogue": "Make a static site of libraries, with search, for any web server.",
    "check-page": "Write the page that checks libraries in a browser.",
    "key": "Make, show and import keys.",
    "transfer": "Hand a library over; both sides sign.",
    "cosign": "Add a second signature to an event.",
    "attest": "Sign a finding about a library, such as a scan for opt-outs.",
    "withdraw": "End a library for good.",
    "assemble": "Make a library of libraries; follow them when they change.",
    "refresh": "Bring in what has happened to the libraries it was made of.",
    "policy": "Say whom we believe: parties, keys, roles, the log.",
    "log": "Run a transparency log: a registry, witnesses, monitors.",
    "scan": "Judge works by what their authors said.",
    "optout": "Ask sites, explain verdicts, remove refused works.",
    "export": "Write libraries in foreign formats and forms: RDF, DCAT, Croissant, BagIt, Order 196/НҚ, EU summary.",
    "import": "Make a draft of a foreign description or a bag.",
    "demo": "Tell the whole story on a small real library.",
    "completion": "Print a script that lets a shell complete commands, options and codes.",
}


def load(name: str) -> click.Command:
    """Import one command."""
    module = "import_" if name == "import" else name.replace("-", "_")  # a keyword of the language
    found: click.Command = importlib.import_module(f"datalib_cli.commands.{module}").command
    return found


class Program(Group):
    """``datalib``: loads a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Name the commands in the order of a library's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        """Import one command."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of one that does not exist, say which it might be."""
        if args[0] in COMMANDS or ctx.resilient_parsing or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)

    def described(self, say: Texts) -> list[tuple[str, str]]:
        """Give each command with its line, without importing it."""
        return [(name, say(text)) for name, text in COMMANDS.items()]


def _alone() -> Output:
    """Answer ``datalib`` without a command."""
    from datalib_cli.overview import overview

    return overview(texts())


PROGRAM = Program("datalib", help="Provenance of AI training data.", invoke_without_command=True, callback=_alone)
#: Set by the script of a shell that asks what may stand at the cursor.
VARIABLE = "_DATALIB_COMPLETE"


def _call(arguments: Sequence[str], lang: str) -> Output | None:
    """Run the command; whatever Click or the system says becomes one of our errors. None after help."""
    try:
        result = PROGRAM.main(list(arguments), prog_name="datalib", standalone_mode=False, obj=lang)
    except click.exceptions.NoArgsIsHelpError as error:  # `datalib key`: the help, as after `datalib` alone
        click.echo(error.format_message())
        return None
    except click.UsageError as error:
        called = error.ctx.command_path if error.ctx is not None and error.ctx.parent is not None else ""
        raise Misuse("E-USAGE", called, error.format_message()) from error
    except OSError as error:
        raise Unchecked("E-IO", str(error.filename or ""), error.strerror or str(error)) from error
    return result if isinstance(result, Output) else None


def run(arguments: Sequence[str]) -> int:
    """Run one command line; give the exit status: 0 yes or done, 1 no, 2 wrong usage, 3 could not check."""
    lang = language(arguments)
    if asked := os.environ.get(VARIABLE):
        from datalib_cli.completing import answer

        return answer(asked, lang)
    as_json = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    try:
        found = _call(arguments, lang)
        if found is None:
            return 0
        from datalib_cli import printing  # not needed for a page of help

        if found.document is not None:
            return printing.document(found, as_json=as_json)
        return printing.result(found, arguments, as_json=as_json)
    except DatalibError as error:
        from datalib_cli import printing

        return printing.failure(error, arguments, lang, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
