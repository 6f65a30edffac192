"""The program: find the command, run it, print its result, give its exit status."""

import importlib
import json
import re
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from datalib.errors import DatalibError, Misuse, Unchecked
from datalib_cli.base import VERSION, Group, Output
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        say = Texts(lang=ctx.obj or "en")
        with formatter.section(say("Commands")):
            formatter.write_dl([(name, say(text)) for name, text in COMMANDS.items()])


PROGRAM = Program("datalib", help="Provenance of AI training data.")
INTERRUPTED = 130  # what shells report for Ctrl-C


#: What steers a terminal, ends a line or turns its direction: names and statements of others may hold it.
_STEERING = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _plain(line: str) -> bytes:
    """Give a line as bytes for a terminal; what steers one, and what is no Unicode, is shown as an escape."""
    shown = _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), line)
    return shown.encode("utf-8", "backslashreplace") + b"\n"


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
    sys.stderr.buffer.write(b"".join(map(_plain, result.aside)))
    return result.status


def _fail(error: DatalibError, *, as_json: bool, lang: str) -> int:
    from datalib_vocab import remedy, text

    say, fix = text(error.code, lang), remedy(error.code, lang)
    parts = [error.code, error.where, say + (f" ({error.detail})" if error.detail else "")]
    line = "datalib: " + ": ".join(part for part in parts if part) + (f" → {fix}" if fix else "")
    sys.stderr.buffer.write(_plain(line.replace("\n", " ")))
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
        raise Misuse("E-USAGE", "", error.format_message()) from error
    except OSError as error:
        raise Unchecked("E-IO", str(error.filename or ""), error.strerror or str(error)) from error
    return result if isinstance(result, Output) else None


def run(arguments: Sequence[str]) -> int:
    """Run one command line; give the exit status: 0 yes or done, 1 no, 2 wrong usage, 3 could not check."""
    lang = language(arguments)
    as_json = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    try:
        result = _call(arguments or ["--help"], lang)
        if result is not None and result.document is not None:
            return _print_document(result, as_json=as_json)
    except DatalibError as error:
        return _fail(error, as_json=as_json, lang=lang)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    if result is None:
        return 0
    if as_json:
        _print_json({**result.data, "version": VERSION})
    else:
        sys.stdout.buffer.write(b"".join(map(_plain, result.lines)))
    return result.status
