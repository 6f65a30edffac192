"""The program: find the command, run it, print its result, give its exit status."""

import importlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise

import click

from datalib.errors import DatalibError, Misuse, Unchecked
from datalib_cli.base import VERSION, Group, Output, texts
from datalib_cli.layout import Block, Line, laid
from datalib_cli.screen import Screen, harmless, screen
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
INTERRUPTED = 130  # what shells report for Ctrl-C


def _written(blocks: Iterable[Block], screen: Screen) -> bytes:
    """Lay a result out for a screen; text is UTF-8 everywhere."""
    return b"".join(f"{screen.tinted(line.text, line.tone)}\n".encode() for line in laid(blocks, screen))


def _print_json(data: object) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")


def _print_document(result: Output, *, as_json: bool) -> int:
    """Print a document as it is made. It is no JSON object of ours: ``Misuse`` where one is asked for."""
    if as_json:
        raise Misuse("E-USAGE", "--format", "json tells of a file: give -o")
    try:
        for piece in result.document or ():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise Unchecked("E-IO", "", error.strerror or str(error)) from error
    sys.stderr.buffer.write(_written(result.aside, Screen()))
    return result.status


def _fail(error: DatalibError, *, as_json: bool, lang: str, shown: Screen) -> int:
    from datalib_vocab import remedy, text

    say, fix = text(error.code, lang), remedy(error.code, lang)
    parts = [error.where, say + (f" ({error.detail})" if error.detail else "")]
    rest = ": ".join(part for part in parts if part) + (f" → {fix}" if fix else "")
    line = f"datalib: {shown.tinted(error.code, 'bad')}: {harmless(rest.replace(chr(10), ' '))}\n"
    sys.stderr.buffer.write(line.encode())
    if as_json:
        facts = {
            "accepted": False,
            "code": error.code,
            "message": say,
            "detail": error.detail,
            "where": error.where,
            "remedy": fix,
        }
        _print_json({**facts, "version": VERSION})
    return error.exit_status


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
        result = _call(arguments, lang)
        if result is not None and result.document is not None:
            return _print_document(result, as_json=as_json)
    except DatalibError as error:
        return _fail(error, as_json=as_json, lang=lang, shown=screen(sys.stderr, arguments, os.environ))
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    if result is None:
        return 0
    if as_json:
        _print_json({**result.data, "version": VERSION})
    else:
        steps = [Line(text=result.step, tone="next")] if result.step else []
        sys.stdout.buffer.write(_written([*result.lines, *steps], screen(sys.stdout, arguments, os.environ)))
    return result.status
